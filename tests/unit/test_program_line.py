"""The SMS line in the program: what is refused, with its path."""

from __future__ import annotations

from typing import Any

import pytest
from local.samples import sample_document

from instore.errors import ProgramError
from instore.program import Program, load_program

SID = "AC0123456789abcdef0123456789abcdef"
BRANCH = {"name": "orders", "banner": "kay", "number": "+1(212) 555-0140", "skill": "kay-orders",
          "intent": "Where is my order"}  # fmt: skip


def document(**line: Any) -> dict[str, Any]:
    sample: dict[str, Any] = sample_document("in_store")
    for banner in sample["banners"]:
        banner["number"]["strategy"] = "shared"
    sample["line"] = {"account_sid": SID, "secret": f"instore/twilio/{SID.lower()}", **line}
    return sample


def problems(wrong: dict[str, Any]) -> list[str]:
    with pytest.raises(ProgramError) as caught:
        load_program(wrong)
    return [problem.where for problem in caught.value.problems]


def test_numbers_are_taken_as_people_write_them() -> None:
    line = load_program(document(branches=[BRANCH])).line
    assert line is not None
    assert line.branches[0].number == "+12125550140"
    assert line.branch("orders") is line.branches[0]
    assert line.branch("returns") is None


def test_a_program_without_a_line_has_none(program: Program) -> None:
    sample = document()
    del sample["line"]
    assert load_program(sample).line is None
    assert load_program(document()).line is not None


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ({"branches": [{**BRANCH, "number": "+18005550140"}]}, "line.branches[0].number"),
        ({"branches": [{**BRANCH, "number": "none"}]}, "line.branches[0].number"),
        ({"branches": [{**BRANCH, "accept_digit": "11"}]}, "line.branches[0].accept_digit"),
        ({"branches": [BRANCH, BRANCH]}, "line.branches[1].name"),
        ({"branches": [{**BRANCH, "banner": "sears"}]}, "line.branches[0].banner"),
        ({"branches": [{**BRANCH, "push": True}]}, "line"),
        ({"account_sid": "AC1"}, "line.account_sid"),
        ({"secret": "instore/twilio/other"}, "line.secret"),
        ({"pool": {"messaging_services": ["MG" + "0" * 32] * 2}}, "line.pool.messaging_services"),
        ({"media_hosts": ["https://pictures.example.com/x"]}, "line.media_hosts[0]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_path(line: dict[str, Any], where: str) -> None:
    assert where in problems(document(**line))


def test_relay_numbers_and_twilio_notices_need_a_line() -> None:
    sample = document()
    del sample["line"]
    sample["banners"][2]["number"]["strategy"] = "relay"
    sample["notification"] = {**sample["notification"], "channel": "twilio"}
    assert problems(sample) == ["notification.channel", "banners[2].number.strategy"]
    sample["notification"] |= {"channel": "liveperson", "when_open": "twilio"}
    assert problems(sample) == ["notification.when_open", "banners[2].number.strategy"]


@pytest.mark.parametrize("notification", [{"channel": "twilio"}, {"when_open": "twilio"}])
def test_with_a_line_notices_may_go_by_it(notification: dict[str, str]) -> None:
    sample = document()
    sample["notification"] = {**sample["notification"], **notification}
    assert load_program(sample).notification.model_dump() == {
        "when": "assigned", "channel": "liveperson", "when_open": "liveperson",
        "template": "come-back", "link": "https://chat.example.com/in-store", **notification,
    }  # fmt: skip


def test_when_open_has_no_other_channels() -> None:
    sample = document()
    sample["notification"] = {**sample["notification"], "when_open": "never"}
    assert problems(sample) == ["notification.when_open"]
