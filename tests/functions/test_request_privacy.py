"""Export and erasure of service requests, by number and by address (I10)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.outreach_rig import ANNA, BEN, phone
from tests.privacy_rig import FIRST_NAME, desk, erase, everything, export, left_of
from tests.request_rig import PICTURE, RequestRig, by_email, of_widget

from instore.adapters.table import Table
from instore.model import Email, Phone

ANA = phone(30)
ADDRESS = "anastasia@mail.example"
PERSON = {"name": FIRST_NAME, "phone": ANA, "message": f"{FIRST_NAME} asks", "email": ADDRESS}


@pytest.fixture
def rig(table: Table, clock: Any) -> RequestRig:
    return RequestRig(table, clock)


def with_address(rig: RequestRig) -> list[str]:
    """Keys of items that have the address, in whatever form."""
    return [f"{i['pk']['S']} {i['sk']['S']}" for i in everything(rig)
            if ADDRESS in json.dumps(i).lower()]  # fmt: skip


def test_an_export_shows_requests_and_answers_whole(rig: RequestRig) -> None:
    request = rig.took(PERSON)
    rig.reply(request, text=f"Dear {FIRST_NAME}", media=[PICTURE])
    rig.took(phone=phone(7), key="k-other")
    kept = export(rig, ANA)["line"]["requests"]
    assert [one.get("message", one.get("words")) for one in kept] == [
        f"{FIRST_NAME} asks", f"Dear {FIRST_NAME}"]  # fmt: skip
    assert (kept[0]["phone"], kept[0]["email"], kept[1]["media"]) == (ANA, ADDRESS, [PICTURE])
    status, by_address = desk(rig, "export", {"email": ADDRESS.upper()})
    assert (status, len(by_address["line"]["requests"])) == (200, 2)


@pytest.mark.parametrize("by", ["number", "address"])
def test_an_erasure_takes_all_that_is_personal_and_the_place_in_lists(
    rig: RequestRig, by: str
) -> None:
    lead = rig.took({**of_widget(), **PERSON}, key="lead")
    own = rig.took(PERSON, key="own")
    other = rig.took({**of_widget(), "phone": phone(7)}, key="other")
    rig.reply(own, text=f"Dear {FIRST_NAME}", links=[{"url": "https://www.kay.example/Anastasia"}])
    if by == "number":
        assert erase(rig, ANA)[0] == 200
        assert left_of(rig, ANA) == []
    else:
        assert desk(rig, "erase", {"email": ADDRESS, "reason": "case 7"})[0] == 200
        assert [key for key in left_of(rig, ANA) if key.startswith("REQUEST#")] == []
    assert with_address(rig) == []
    assert rig.lists(ANNA) == {"new_leads": [other], "team_requests": [], "my_requests": []}
    for request in (lead, own):
        assert rig.look(request)[0] == rig.claim(request, BEN)[0] == rig.reply(request)[0] == 404
        found = rig.request(request)
        assert (found.erased, found.due_at, found.banner) == (True, None, "kay")
    again = rig.table.get(f"REQUEST#{own}", "REQUEST")
    erase(rig, ANA)
    assert rig.table.get(f"REQUEST#{own}", "REQUEST") == again
    assert sorted(f.kind for f in rig.facts()) == ["reply", "request", "request", "request"]


def test_who_gave_an_address_alone_is_erased_by_it(rig: RequestRig) -> None:
    request = rig.took(by_email(email=ADDRESS, name=FIRST_NAME, message=FIRST_NAME))
    assert len(desk(rig, "export", {"email": ADDRESS})[1]["line"]["requests"]) == 1
    status, body = desk(rig, "erase", {"email": ADDRESS, "reason": f"{ADDRESS} asked"})
    assert (status, body["code"]) == (400, "reason_names_number")
    assert desk(rig, "erase", {"email": ADDRESS, "reason": "case 7"})[0] == 200
    rig.clock.advance(301)
    rig.sweep()
    assert with_address(rig) == []
    assert rig.request(request).erased


def test_an_answer_on_its_way_is_called_off(rig: RequestRig) -> None:
    rig.clock.advance(10 * 3600)
    request = rig.took(PERSON)
    rig.clock.advance(20 * 60)
    assert rig.reply(request)[1]["delivery"] == "deferred"
    erase(rig, ANA)
    rig.sweep_for(60 * 14, step=10)
    assert len(rig.twilio.messages) == 1  # the confirmation
    assert left_of(rig, ANA) == []


def test_an_erasure_that_a_new_request_overtakes_leaves_it(rig: RequestRig) -> None:
    """Who asks again after the erasure is there again, and is not texted before their own START."""
    rig.took(PERSON)
    erase(rig, ANA)
    rig.clock.advance(60)
    status, body = rig.submit(PERSON, key="k-2")
    assert (status, body["confirmation"]["reason"]) == (201, "erased")
    rig.clock.advance(301)
    rig.sweep()
    assert rig.request(body["id"]).message == f"{FIRST_NAME} asks"
    customer = rig.services().customers.get(rig.services().customers.id_of(Phone(ANA)))
    assert customer is not None
    assert (customer.phone, customer.bindings) == (None, {})


def test_an_address_says_nothing_where_it_is_printed() -> None:
    assert str(Email(ADDRESS)) == "a…@mail.example"
    assert repr(Email(ADDRESS)) == "Email(a…@mail.example)"


@pytest.mark.parametrize("body", [{}, {"email": ADDRESS, "phone": ANA}, {"email": "nobody"}])
def test_the_desk_names_one_person(rig: RequestRig, body: dict[str, str]) -> None:
    assert desk(rig, "export", body)[0] == 400


def test_what_an_erasure_did_not_find_the_sweep_does(
    rig: RequestRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index may be a moment behind: it looks once more."""
    from instore.adapters.requests import Requests

    lead = rig.took({**of_widget(), **PERSON}, key="lead")
    own = rig.took(PERSON, key="own")
    rig.reply(own, text=f"Dear {FIRST_NAME}")
    with monkeypatch.context() as patch:
        patch.setattr(Requests, "_of", lambda *_: [])
        assert erase(rig, ANA)[0] == 200
    assert left_of(rig, ANA) != []
    rig.clock.advance(301)
    rig.sweep()
    assert left_of(rig, ANA) == with_address(rig) == []
    assert rig.request(lead).erased
    assert rig.lists(ANNA) == {"new_leads": [], "team_requests": [], "my_requests": []}
