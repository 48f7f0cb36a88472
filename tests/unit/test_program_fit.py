"""What a program must keep to come into force, beside being one: numbers told apart, secrets found."""

from __future__ import annotations

from typing import Any

from local.program_fit import number_problems, secret_problems
from local.samples import sample_document

from instore.program import load_program

BRANCH = {"name": "orders", "banner": "kay", "number": "+1(212) 555-0140", "skill": "kay-orders",
          "intent": "Where is my order"}  # fmt: skip
REPAIRS = {**BRANCH, "name": "repairs", "banner": "jared", "skill": "jared-repairs"}
KAY, KAYS = "+12125550100", "is also a number of banner 'kay': a text to it could be for either"


def document(*branches: Any) -> dict[str, Any]:
    sample: dict[str, Any] = sample_document("in_store")
    sample["line"]["branches"] = list(branches)
    return sample


def told(sample: dict[str, Any]) -> dict[str, str]:
    return {one.where: one.what for one in number_problems(load_program(sample))}


def test_a_number_that_texts_come_to_is_of_one_banner() -> None:
    """The number is all that a first text says of whom it is for."""
    assert told(document(BRANCH, REPAIRS)) == {"line.branches[1].number": KAYS}
    assert told(document({**REPAIRS, "number": KAY})) == {"line.branches[0].number": KAYS}
    twice = document()
    twice["banners"][2]["number"]["outbound"] = KAY
    assert told(twice) == {"banners[2].number.outbound": KAYS}


def test_branches_share_what_is_their_banners_and_banners_what_is_only_livepersons() -> None:
    assert told(sample_document("in_store")) == told(sample_document("one_to_one")) == {}
    menu = [BRANCH, {**BRANCH, "name": "repairs"}, {**BRANCH, "name": "returns", "number": KAY}]
    assert told(document(*menu)) == {}
    shared = document()
    for banner in (shared["banners"][0], shared["banners"][2]):
        banner["number"] = {"strategy": "shared", "outbound": KAY}
        banner["features"] = {"line": False}
    assert told(shared) == {}
    shared["banners"][0]["features"] = {}
    assert told(shared) == {"banners[2].number.outbound": KAYS}
    del shared["line"]
    assert told(shared) == {}


def test_secrets_are_where_the_stack_looks_for_them() -> None:
    sample = document()
    program = load_program(sample)
    assert list(secret_problems(program, prefix="instore/")) == []
    sid = sample["line"]["account_sid"].lower()
    sample["line"] |= {
        "secret": f"foo/twilio/{sid}",
        "push": {"base_url": "https://push.example.com", "secret": "foo/push"},
        "mail": {"base_url": "https://mail.example.com", "secret": "instore/mail"},
    }
    sample["accounts"][1]["secret"] = "instore/more/lp/10000002"
    sample["routing"]["backend"] = {"base_url": "https://b.example.com", "secret": "b"}
    found = {p.where: p.what for p in secret_problems(load_program(sample), prefix="instore/")}
    looks = "this stack's SecretPrefix is instore/"
    assert found["accounts[1].secret"] == f"must be instore/lp/10000002: {looks}"
    assert found["line.secret"] == f"must be instore/twilio/{sid}: {looks}"
    assert found["line.push.secret"] == f"must begin with instore/: {looks}"
    assert found["banners[6].routing.backend.secret"] == f"must begin with instore/: {looks}"
    assert len(found) == 3 + 7
