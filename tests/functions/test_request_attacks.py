"""What a stranger tries with service requests: the public form as a text bomb, our own numbers as
customers, markup in names, links behind links; and what goes wrong by itself: people leave, numbers
change banners, stores close."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.outreach_rig import ACCOUNT, ANNA, BEN, GROUP, KEY, phone
from tests.request_rig import (
    EVE,
    INES,
    KAY_NUMBER,
    MAYA,
    OTHER_GROUP,
    PICTURE,
    RELAY,
    RequestRig,
    by_email,
    of_widget,
)

from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.directory import Pointer
from instore.model import Phone, customer_id
from instore.relay_state import LineState
from instore.service_request import MOST_ASKED, Shelf


@pytest.fixture
def rig(table: Table, clock: Any) -> RequestRig:
    return RequestRig(table, clock)


def ledger(rig: RequestRig, number: str = INES) -> int:
    return len(Consents(rig.table).entries(customer_id(Phone(number), key=KEY.encode())))


# ------------------------------------------------------------ text bombs


def test_the_form_cannot_be_made_to_text_a_stranger_all_day(rig: RequestRig) -> None:
    """Whatever store, associate and banner are named: it is one person's telephone."""
    for n in range(MOST_ASKED):
        rig.took(of_widget() if n % 2 else {}, key=f"k-{n}")
        rig.clock.advance(3600)
    status, body = rig.submit(key="k-one-more")
    assert (status, body["code"]) == (429, "asked_too_often")
    assert INES not in str(body)
    assert len(rig.twilio.messages) == ledger(rig) == MOST_ASKED
    assert rig.submit(key="k-0")[0] == 200  # what was taken is taken
    assert rig.submit(by_email(), key="k-mail")[0] == 201  # by e-mail nothing goes by itself
    assert rig.submit(key="k-other", phone=phone(6))[0] == 201
    rig.clock.advance(24 * 3600 - MOST_ASKED * 3600 + 1)  # the first is a day old
    assert rig.submit(key="k-one-more")[0] == 201
    assert rig.submit(key="k-and-more")[1]["code"] == "asked_too_often"


def test_the_bound_holds_when_they_come_together(
    rig: RequestRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in the write that takes the request: who read before another's write reads anew."""
    for n in range(MOST_ASKED - 1):
        rig.took(key=f"k-{n}")
    plain, times = Table.transact, [int(rig.clock.now().timestamp())] * MOST_ASKED
    customer = customer_id(Phone(INES), key=KEY.encode())

    def overtaken(table: Table, writes: Any) -> bool:
        monkeypatch.undo()
        table.update(f"CUSTOMER#{customer}", "CUSTOMER", "SET asked = :all ADD rev :one",
                     values={"all": times, "one": 1})  # fmt: skip
        return plain(table, writes)

    monkeypatch.setattr(Table, "transact", overtaken)
    assert rig.submit(key="k-late")[1]["code"] == "asked_too_often"
    assert len(rig.twilio.messages) == ledger(rig) == MOST_ASKED - 1


@pytest.mark.parametrize("number", [KAY_NUMBER, RELAY, "+12125550190"])
def test_our_own_numbers_are_no_customers(rig: RequestRig, number: str) -> None:
    """A text to one of them would be answered by our own bot, and that answer by itself, for ever."""
    rig.with_requests(lambda d: d["line"].update(branches=[{
        "name": "orders", "banner": "kay", "number": "+12125550190", "skill": "orders-text",
        "intent": "an order"}]))  # fmt: skip
    assert rig.submit(phone=number)[1]["code"] == "our_number"
    assert rig.twilio.messages == []


def test_a_number_twilio_has_back_is_somebodys(rig: RequestRig) -> None:
    rig.give_number(number="+12125550188", state=LineState.RELEASED)
    assert rig.submit(phone="+12125550188")[0] == 201


# ------------------------------------------------------------ which number a text comes from


def lead_and_answer(rig: RequestRig) -> list[str]:
    rig.reply(rig.took())
    return [one.sender for one in rig.twilio.messages]


@pytest.mark.parametrize("why", ["strategy", "banner"])
def test_a_relay_number_texts_for_its_own_banner_only(rig: RequestRig, why: str) -> None:
    if why == "strategy":
        rig.with_requests(lambda d: d["banners"][0]["number"].update(strategy="shared"))
    else:
        rig.give_number(banner="zales")
    assert lead_and_answer(rig) == [KAY_NUMBER, KAY_NUMBER]
    customer = customer_id(Phone(INES), key=KEY.encode())
    assert customer not in set(rig.services().lines.customers_of(Phone(RELAY)))


def test_a_banners_number_that_twilio_does_not_have_is_told_plainly(
    rig: RequestRig, capsys: Any
) -> None:
    from instore.carrier_codes import effect_of
    from instore.errors import TwilioRefusedError

    rig.twilio.failures = [
        TwilioRefusedError(code=21606, effect=effect_of(21606), vendor_status=400)
    ]
    status, body = rig.submit(of_widget())
    told = body["confirmation"]
    assert (status, told["state"], told["reason"]) == (201, "refused", "sender_lost")
    assert "account" in told["why"]
    assert '"SendersLost":[1.0]' in capsys.readouterr().out
    assert rig.lists()["new_leads"] == [body["id"]]


# ------------------------------------------------------------ who has it


def test_an_answer_that_is_refused_takes_no_request_from_the_team(rig: RequestRig) -> None:
    rig.with_team()
    request = rig.took(of_widget())
    assert rig.reply(request, BEN, media=["https://evil.test/x"])[1]["code"] == "host_not_listed"
    assert rig.lists(BEN)["team_requests"] == [request]
    assert rig.reply(request)[0] == 200


def test_what_somebody_leaves_behind_is_found_again(rig: RequestRig) -> None:
    """Without a successor it lies in New Leads of the store, where it is claimed and told of."""
    request, answered = rig.took(), rig.took(key="k-2", phone=phone(6))
    rig.reply(answered)
    rig.leave(ANNA)
    rig.sweep_for(12, step=4)
    assert rig.lists(BEN) == {"new_leads": [request], "team_requests": [], "my_requests": []}
    assert rig.lists(MAYA)["new_leads"] == [request]
    assert rig.request(request).shelf is Shelf.LEADS
    assert rig.request(answered).pointer == Pointer(ACCOUNT, GROUP, ANNA)
    assert rig.claim(request, BEN)[0] == 200
    assert rig.lists(BEN) == {"new_leads": [], "team_requests": [], "my_requests": [request]}
    customer = rig.services().customers.get(rig.request(request).customer)
    assert customer is not None
    assert customer.bindings["kay"].pointer.agent_id == BEN
    assert len(rig.twilio.messages) == 3  # nobody is confirmed twice


def test_a_lead_left_behind_is_told_of_once_more(rig: RequestRig, capsys: Any) -> None:
    """That it had waited long before somebody claimed it helps nobody who is to claim it now."""
    request = rig.took(of_widget())
    rig.sweep_for(26 * 60, step=120)
    assert rig.request(request).waited_long
    rig.claim(request, ANNA)
    rig.sweep_for(26 * 60, step=120)
    assert capsys.readouterr().out.count('"LeadsWaiting":[1.0]') == 1
    rig.leave(ANNA)
    rig.sweep_for(26 * 60, step=120)
    assert (rig.request(request).pointer, rig.request(request).waited_long) == (None, True)
    assert capsys.readouterr().out.count('"LeadsWaiting":[1.0]') == 1


def test_what_somebody_leaves_behind_is_their_successors(rig: RequestRig) -> None:
    request = rig.took()
    rig.leave(ANNA)
    rig.give_number(state=LineState.QUARANTINED, successor=Pointer(ACCOUNT, GROUP, BEN))
    rig.sweep_for(14, step=2)
    assert rig.lists(BEN)["my_requests"] == [request]
    customer = rig.services().customers.get(rig.request(request).customer)
    assert customer is not None
    assert customer.bindings["kay"].pointer.agent_id == BEN
    assert rig.reply(request, BEN)[0] == 200


def test_who_only_moved_or_has_an_answer_on_its_way_keeps_it(rig: RequestRig) -> None:
    moved = rig.took()
    rig.clock.advance(10 * 3600)  # night
    answered = rig.took(key="k-2", phone=phone(6))
    rig.clock.advance(20 * 60)
    assert rig.reply(answered)[1]["delivery"] == "deferred"
    rig.sweep_for(14, step=2)
    assert rig.lists()["my_requests"] == [answered, moved]
    rig.leave(ANNA)
    rig.sweep_for(60 * 14, step=20)
    assert rig.request(answered).pointer == Pointer(ACCOUNT, GROUP, ANNA)
    assert rig.request(answered).replied_at is not None
    assert rig.request(moved).pointer is None


def test_a_lead_of_a_store_that_closed_is_told_of_and_nobody_elses(rig: RequestRig) -> None:
    request, own = rig.took(of_widget()), rig.took(key="k-2")
    rig.table.delete(f"STORE#{ACCOUNT}#{GROUP}", "STORE")
    assert rig.submit(of_widget(), key="k-3")[1]["code"] == "unknown_store"
    assert rig.look(request, EVE)[0] == rig.claim(request, EVE)[0] == 404
    rig.sweep_for(60 * 26, step=30)
    for left in (rig.request(request), rig.request(own)):
        assert (left.pointer, left.waited_long) == (None, True)


def test_a_store_of_an_account_that_left_the_program_takes_no_requests(rig: RequestRig) -> None:
    from tests.request_rig import other_store

    rig.write_store(replace(other_store(), account="10000099"))
    status, body = rig.submit(of_widget(store=f"10000099/{OTHER_GROUP}"))
    assert (status, body["code"]) == (400, "unknown_store")


# ------------------------------------------------------------ what is typed


def test_names_stay_on_one_line_and_titles_lead_nowhere(rig: RequestRig) -> None:
    """The name is handed to the brand's mail, where a line of its own is another header."""
    request = rig.took(by_email(name=" Ines\r\nBcc: x@evil.test\x00\u2028 "))
    rig.reply(request, links=[{"url": "https://www.kay.example/a", "title": "The\nring"}])
    (letter,) = rig.mail.letters.values()
    assert (letter.name, letter.links[0].title) == ("Ines  Bcc: x@evil.test", "The ring")


@pytest.mark.parametrize("more", [
    {"links": [{"url": "https://www.kay.example/a", "title": "https://evil.test"}]},
    {"text": "Look: HTTPS://bit.test/x."}, {"text": "http://www.kay.example@evil.test"},
])  # fmt: skip
def test_a_link_is_a_link_wherever_it_stands(rig: RequestRig, more: dict[str, Any]) -> None:
    request = rig.took()
    assert rig.reply(request, **more)[1]["code"] == "host_not_listed"
    assert rig.reply(request, text="(see https://www.kay.example), or ask https://.")[0] == 200


@pytest.mark.parametrize(("body", "code"), [
    ({"message": " \n "}, "bad_request"), ({"consent": {"wording": "\u00a0 "}}, "bad_request"),
    ({"by": "email", "email": "a\x00b@mail.example"}, "invalid_email"),
])  # fmt: skip
def test_nothing_is_no_message_and_no_consent(
    rig: RequestRig, body: dict[str, Any], code: str
) -> None:
    status, answer = rig.submit(body)
    assert (status, answer["code"]) == (400, code)
    assert ledger(rig) == 0


def test_who_wants_an_email_may_have_a_number_anywhere(rig: RequestRig) -> None:
    assert rig.submit(by_email(phone="+442079460123"))[0] == 201


@pytest.mark.parametrize(
    "after", ["~~", "~", "2026", "REQUEST#", "2026-11-18T17:00:00.000Z#" + "g" * 24]
)
def test_a_place_in_a_list_is_one_that_we_gave(rig: RequestRig, after: str) -> None:
    """DynamoDB refuses a range whose ends are the wrong way round."""
    status, body = rig.ask_requests("GET /requests", scopes="requests/read", key=None,
                                    query={"list": "new_leads", "after": after})  # fmt: skip
    assert (status, body["code"]) == (400, "bad_page")


def test_an_erasure_forgets_how_often_somebody_asked(rig: RequestRig) -> None:
    from tests.privacy_rig import erase

    request = rig.took()
    customer = rig.request(request).customer
    asked = rig.table.get(f"CUSTOMER#{customer}", "CUSTOMER")
    assert asked is not None
    assert asked["asked"] == [int(rig.clock.now().timestamp())]
    erase(rig, INES)
    for n in range(MOST_ASKED + 1):  # nobody is texted, so nobody is counted
        assert rig.submit(key=f"n-{n}")[1]["confirmation"]["reason"] == "erased"
    left = rig.table.get(f"CUSTOMER#{customer}", "CUSTOMER")
    assert left is not None
    assert "asked" not in left


def test_where_the_picture_is_from_is_said_as_it_will_be_fetched(rig: RequestRig) -> None:
    """Neither a dot at the end nor a port without one: what is checked is what Twilio asks."""
    request = rig.took()
    for n, url in enumerate(("https://media.kay.example./a", "https://media.kay.example../a",
                             "https://media.kay.example:/a", PICTURE)):  # fmt: skip
        status, body = rig.reply(request, media=[url], key=f"r-{n}")
        assert status == (200 if url == PICTURE else 400), url
        assert body.get("code") in (None, "host_not_listed", "bad_address")


def test_a_banner_that_was_left_out_by_mistake_loses_no_answer(rig: RequestRig) -> None:
    from instore.errors import VendorNotReachedError

    request, late = rig.took(by_email()), rig.took(by_email(), key="k-2")
    rig.mail.failures = [VendorNotReachedError("x")] * 2
    assert rig.reply(request)[0] == rig.reply(late)[0] == 202
    rig.with_requests(lambda d: d["banners"].pop(0))
    rig.sweep_for(8)
    assert rig.look(request)[0] == 403  # its store is nobody's either
    rig.with_requests()
    rig.sweep_for(8)
    assert [rig.look(one)[1]["replies"][0]["state"] for one in (request, late)] == ["sent"] * 2
