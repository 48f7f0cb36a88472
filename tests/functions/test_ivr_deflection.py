"""Calls over their handler: who is offered to text, what each digit does, what is kept and sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from tests.call_rig import CALLER, NUMBER, CallRig, sid_of
from tests.line_rig import status
from tests.outreach_rig import ACCOUNT, ANNA, KEY, away, phone, shop

from instore.adapters.calls import Calls
from instore.adapters.customers import Customers
from instore.adapters.lines import Lines
from instore.adapters.table import Table
from instore.adapters.texts import Texts
from instore.carrier_codes import Effect
from instore.consent_ledger import verify_chain
from instore.deflection import CallState
from instore.directory import Opening
from instore.errors import (
    TwilioRefusedError,
    VendorNotReachedError,
    VendorUnavailableError,
)
from instore.model import Phone, customer_id, epoch, iso
from instore.runtime import observability

OFFER = (
    "Kay Jewelers. You can text with us instead of waiting. Press 1, and we send a text message to "
    "the number you are calling from. Message and data rates may apply. To stay on the phone, press "
    "2 or just wait."
)
ON_ITS_WAY = "Thank you. Our text message is on its way. Answer it whenever you like. Goodbye."
CANNOT = "We are sorry, we cannot text the number you are calling from."
HOLD = "https://menu.kay.example/hold?x=1&y=2"
CHOICE = "https://line.example.com/twilio/voice/orders/choice?turn="
MARK = "&offer=55c5fff1"  # what was offered
FIRST = (
    "Kay Jewelers: thanks for texting instead of waiting on the phone. Tell us here how we can help; "
    "we usually answer within 15 minutes. Msg & data rates may apply. Reply HELP for help, STOP to "
    "end texts."
)


@pytest.fixture
def rig(table: Table, clock: Any) -> CallRig:
    return CallRig(table, clock)


def name(number: str = CALLER) -> str:
    return customer_id(Phone(number), key=KEY.encode())


# ------------------------------------------------------------------ the offer


def test_a_caller_is_offered_and_it_is_noted_once(rig: CallRig) -> None:
    first = rig.ask_us()
    assert (first.says, first.action, first.redirect) == ((OFFER,), f"{CHOICE}1{MARK}", None)
    assert 'numDigits="1"' in first.raw
    assert 'actionOnEmptyResult="true"' in first.raw
    assert 'timeout="5"' in first.raw
    assert rig.ask_us() == first
    assert rig.call().state is CallState.OFFERED
    assert rig.counts() == {"offered": 1}
    item = rig.table.get(f"CALL#{sid_of(1)}", "CALL")
    now = rig.clock.now()
    assert item == {
        "pk": f"CALL#{sid_of(1)}", "sk": "CALL", "sid": sid_of(1), "banner": "kay",
        "branch": "orders", "intent": "Where is my order", "state": "offered", "at": iso(now),
        "created_at": iso(now), "customer": name(), "store": "4100",
        "expires_at": epoch(now + timedelta(days=35)),
    }  # fmt: skip
    assert rig.twilio.messages == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"number": "anonymous"}, "withheld"),
        ({"number": "+266696687"}, "withheld"),
        ({"number": ""}, "withheld"),
        ({"StirVerstat": "TN-Validation-Failed-A"}, "forged"),
        ({"number": "+18005550123"}, "no_handset"),
        ({"number": NUMBER}, "no_handset"),
        ({"number": "+19295550100"}, "no_handset"),
        ({"number": "sip:desk@pbx.example"}, "no_handset"),
        ({"number": "+442071838750"}, "abroad"),
    ],
)
def test_who_cannot_or_must_not_be_texted_just_goes_on(
    rig: CallRig, fields: dict[str, str], reason: str
) -> None:
    heard = rig.ask_us(**fields)
    assert (heard.says, heard.redirect, heard.action) == ((), HOLD, None)
    assert (rig.call().state, rig.call().reason) == (CallState.PASSED, reason)
    assert [(m.kind, m.how) for m in rig.measured()] == [("passed", reason)]
    assert rig.press(**fields).redirect == HOLD
    assert rig.twilio.messages == []
    assert rig.ledger() == []


def test_who_is_out_is_told_how_to_come_back_and_is_not_offered(rig: CallRig) -> None:
    rig.customer(CALLER, opted_out=iso(rig.clock.now()))
    heard = rig.ask_us()
    assert heard.says == (
        "You have asked us not to text you. If you would like texts again, text the word START to "
        "2 1 2, 5 5 5, 0 1 4 0.",
    )
    assert heard.redirect == HOLD
    assert rig.ask_us() == heard
    assert rig.press().redirect == HOLD
    assert rig.twilio.messages == []
    assert rig.call().reason == "opted_out"


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"unreachable": {"reason": "twilio_30006", "at": "2026-11-01T00:00:00.000Z"}},
         "unreachable"),
        ({"opted_out": "2026-11-01T00:00:00.000Z", "erased_at": "2026-11-01T00:00:00.000Z"},
         "erased"),
        ({"opted_out_of": {"zales"}}, "opted_out"),  # the program's scope: all
        ({"deflected": {"kay": {"branch": "orders", "intent": "i", "call": "CAx",
                                "at": "2026-11-18T16:00:00.000Z",
                                "texts": [1795017000, 1795017300, 1795017600]}}}, "texted_enough"),
    ],
)  # fmt: skip
def test_what_is_known_of_a_caller_may_pass_them(
    rig: CallRig, known: dict[str, Any], reason: str
) -> None:
    rig.customer(CALLER, **known)
    assert rig.ask_us().redirect == HOLD
    assert rig.call().reason == reason


def test_texts_of_yesterday_do_not_count(rig: CallRig) -> None:
    rig.customer(CALLER, deflected={"kay": {
        "branch": "orders", "intent": "i", "call": "CAx", "at": "2026-11-17T10:00:00.000Z",
        "texts": [1794800000, 1794800300, 1794800600]}})  # fmt: skip
    assert rig.ask_us().says == (OFFER,)


@pytest.mark.parametrize("switch", [
    lambda d: d.update(stops={"all": True}),
    lambda d: d.update(stops={"banners": ["kay"]}),
    lambda d: d.update(stops={"stores": ["4100"]}),
    lambda d: d["banners"][0].update(stopped=True),
    lambda d: d["banners"][0].update(features={"line": False}),
])  # fmt: skip
def test_a_switch_thrown_ends_offers(rig: CallRig, switch: Any) -> None:
    rig.with_branch(switch)
    assert rig.ask_us().redirect == HOLD
    assert rig.call().reason == "switched_off"


def test_a_table_that_is_away_lets_the_call_go_on(
    rig: CallRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Calls, "who_calls", away)
    assert rig.ask_us().redirect == HOLD
    assert rig.table.get(f"CALL#{sid_of(1)}", "CALL") is None
    assert rig.press().redirect == HOLD
    assert rig.twilio.messages == []


def test_a_number_is_taken_as_people_write_it(rig: CallRig) -> None:
    rig.ask_us(number="+1(212) 555-0133")
    rig.press(number="(212) 555-0133")
    assert rig.twilio.to("+12125550133") == [FIRST]
    assert rig.twilio.messages[0].sender == NUMBER


# ------------------------------------------------------------------ the answers


def test_silence_and_a_wrong_digit_are_asked_again_then_the_call_goes_on(rig: CallRig) -> None:
    rig.ask_us()
    again = rig.press("", turn=1)
    assert (again.says, again.action) == ((OFFER,), f"{CHOICE}2{MARK}")
    wrong = rig.press("7", turn=1)
    assert wrong.says == ("Sorry, that is none of the choices.", OFFER)
    assert rig.call().state is CallState.OFFERED
    assert rig.press("", turn=2).redirect == HOLD
    assert rig.call().state is CallState.SILENT
    assert rig.press("", turn=1) == again
    assert rig.press("1").redirect == HOLD, "the call went on: nothing is pressed any more"
    assert rig.twilio.messages == []
    assert rig.counts() == {"offered": 1}


@pytest.mark.parametrize(("digit", "turn", "state"), [
    ("2", 1, CallState.DECLINED), ("7", 2, CallState.WRONG_DIGIT), ("", 2, CallState.SILENT),
])  # fmt: skip
def test_who_does_not_want_stays_on_the_phone(
    rig: CallRig, digit: str, turn: int, state: CallState
) -> None:
    rig.ask_us()
    heard = rig.press(digit, turn=turn)
    assert (heard.says, heard.redirect) == ((), HOLD)
    assert rig.press(digit, turn=turn) == heard
    assert rig.call().state is state
    assert rig.ledger() == []


def test_without_a_way_on_the_caller_hears_goodbye(rig: CallRig) -> None:
    rig.with_branch(onward=None)
    rig.ask_us()
    heard = rig.press("2")
    assert (heard.says, heard.hangs_up) == (("Thank you for calling. Goodbye.",), True)


def test_a_call_may_go_on_to_a_number(rig: CallRig) -> None:
    rig.with_branch(onward="+18005550199")
    rig.ask_us()
    assert rig.press("2").dial == "+18005550199"


# ------------------------------------------------------------------ the digit


def test_the_digit_is_consent_text_and_measure_once(rig: CallRig) -> None:
    rig.ask_us()
    rig.clock.advance(7)
    heard = rig.press()
    assert (heard.says, heard.hangs_up) == ((ON_ITS_WAY,), True)
    rig.clock.advance(2)
    assert rig.press() == heard
    assert rig.hang_up().status == 204
    assert rig.twilio.to(CALLER) == [FIRST]
    (entry,) = rig.ledger()
    at = iso(rig.clock.now() - timedelta(seconds=2))
    assert {k: entry[k] for k in ("n", "at", "who", "banner", "what", "method", "wording",
                                  "evidence", "country")} == {
        "n": 1, "at": at, "who": "customer", "banner": "kay", "what": "one_to_one",
        "method": "call", "wording": OFFER, "evidence": sid_of(1), "country": "US",
    }  # fmt: skip
    assert verify_chain(rig.ledger()) == []
    call = rig.call()
    assert (call.state, call.told, call.consent, call.due_at) == (
        CallState.TEXTED, "call_texted", 1, None)  # fmt: skip
    item = rig.customer_item()
    assert item["phone"] == CALLER
    assert item["deflected"] == {"kay": {
        "branch": "orders", "intent": "Where is my order", "call": sid_of(1), "at": at,
        "texts": [epoch(rig.clock.now()) - 2]}}  # fmt: skip
    assert rig.counts() == {"offered": 1, "accepted": 1, "texted": 1}
    assert [m.how for m in rig.measured() if m.kind == "texted"] == ["text"]
    text = rig.stored(f"call-{sid_of(1)}")
    assert (text.purpose, text.banner, text.customer) == ("asked", "kay", name())


def test_asking_for_a_text_takes_no_stronger_consent_back(rig: CallRig) -> None:
    rig.customer(CALLER, consent="marketing")
    rig.call_in()
    assert rig.customer_item()["consents"]["kay"]["class"] == "marketing"
    assert [entry["what"] for entry in rig.ledger()] == ["one_to_one"]
    assert rig.twilio.to(CALLER) == [FIRST]


def test_asking_for_a_text_undoes_a_recorded_no(rig: CallRig) -> None:
    rig.customer(CALLER, consent="none")
    rig.call_in()
    assert rig.customer_item()["consents"]["kay"]["class"] == "one_to_one"


def test_the_digit_late_at_night_is_answered_at_once(rig: CallRig) -> None:
    rig.clock.advance(11 * 3600)  # 23:00 in New York: they ask for it, here and now
    rig.call_in()
    assert rig.twilio.to(CALLER) == [FIRST]


def test_a_second_call_the_same_day_is_another_text(rig: CallRig) -> None:
    rig.call_in()
    rig.clock.advance(600)
    rig.call_in(call=2)
    assert len(rig.twilio.to(CALLER)) == 2
    assert len(rig.customer_item()["deflected"]["kay"]["texts"]) == 2
    assert rig.customer_item()["deflected"]["kay"]["call"] == sid_of(2)
    assert rig.counts() == {"offered": 2, "accepted": 2, "texted": 2}


def test_a_digit_without_an_offer_is_none(rig: CallRig) -> None:
    assert rig.press().redirect == HOLD
    assert rig.table.get(f"CALL#{sid_of(1)}", "CALL") is None
    assert rig.twilio.messages == []


def test_a_digit_of_another_number_is_none(rig: CallRig) -> None:
    rig.ask_us()
    assert rig.press(number=phone(9)).redirect == HOLD
    assert (rig.twilio.messages, rig.call().state) == ([], CallState.OFFERED)


def test_a_landline_hears_at_once_that_it_cannot_be_texted_and_is_not_asked_again(
    rig: CallRig,
) -> None:
    rig.twilio.failures = [TwilioRefusedError(code=21614, effect=Effect.BAD_NUMBER)]
    heard = rig.call_in()
    assert (heard.says, heard.redirect) == ((CANNOT,), HOLD)
    assert rig.press() == heard
    call = rig.call()
    assert (call.state, call.reason, call.due_at) == (CallState.NOT_TEXTED, "unreachable", None)
    assert rig.counts() == {"offered": 1, "accepted": 1}
    assert rig.ask_us(call=2).redirect == HOLD
    assert rig.call(2).reason == "unreachable"


def test_a_carrier_that_says_later_that_it_is_a_landline_ends_later_offers(rig: CallRig) -> None:
    rig.call_in()
    text = f"call-{sid_of(1)}"
    sid = rig.twilio.messages[0].sid
    told = status(sid, "undelivered", code=30006, From=NUMBER, To=CALLER)
    rig.tell(told, path="/twilio/status", query=f"text={text}")
    rig.deliver_sms()
    rig.clock.advance(3600)
    assert rig.ask_us(call=2).redirect == HOLD
    assert rig.call(2).reason == "unreachable"


def test_an_opt_out_between_offer_and_digit_is_kept(rig: CallRig) -> None:
    rig.ask_us()
    Customers(rig.table, key=KEY).opt_out(name(), banner="kay", scope="all", how="text",
                                          words="STOP", now=rig.clock.now())  # fmt: skip
    heard = rig.press()
    assert (heard.says, heard.redirect) == ((CANNOT,), HOLD)
    assert rig.twilio.messages == []
    assert rig.call().reason == "opted_out"


@pytest.mark.parametrize("processed", [True, False])
def test_an_answer_of_twilios_that_is_lost_is_looked_for_and_never_repeated(
    rig: CallRig, processed: bool
) -> None:
    rig.twilio.failures = [VendorUnavailableError("no answer")]
    rig.twilio.processed_although_failed = processed
    heard = rig.call_in()
    assert heard.says == (ON_ITS_WAY,)
    assert (rig.call().state, rig.call().told) == (CallState.ACCEPTED, "call_texted")
    assert rig.press() == heard
    rig.hang_up()
    for _ in range(4):
        rig.clock.advance(3601)
        rig.sweep()
    assert len(rig.twilio.messages) == processed
    state = CallState.TEXTED if processed else CallState.NOT_TEXTED
    assert (rig.call().state, rig.call().due_at) == (state, None)
    assert rig.counts().get("texted", 0) == processed
    assert rig.press() == heard, "whatever became of it: the same question, the same answer"


def test_a_twilio_that_is_not_reached_gets_the_text_from_the_sweep(rig: CallRig) -> None:
    rig.twilio.failures = [VendorNotReachedError("no connection")]
    assert rig.call_in().says == (ON_ITS_WAY,)
    assert rig.twilio.messages == []
    rig.clock.advance(70)
    rig.sweep()
    rig.clock.advance(70)
    rig.sweep()
    assert rig.twilio.to(CALLER) == [FIRST]
    assert (rig.call().state, rig.counts()["texted"]) == (CallState.TEXTED, 1)


def test_twilios_word_may_come_before_its_answer(rig: CallRig) -> None:
    """The callback is taken while our POST is still under way: the text is read again."""
    text = f"TEXT#call-{sid_of(1)}"

    def meanwhile() -> None:
        rig.twilio.during = None
        rig.table.update(text, "TEXT", "ADD rev :one", values={"one": 1})

    rig.twilio.during = meanwhile
    assert rig.call_in().says == (ON_ITS_WAY,)
    assert rig.twilio.to(CALLER) == [FIRST]
    assert rig.call().state is CallState.TEXTED


def test_a_sender_that_is_lost_is_noted(rig: CallRig) -> None:
    rig.twilio.failures = [TwilioRefusedError(code=21606, effect=Effect.SENDER_LOST)]
    assert rig.call_in().says == (CANNOT,)
    assert rig.table.get(f"LINE#{NUMBER}", "LOST") is not None


def test_a_table_that_goes_away_while_the_digit_is_pressed_costs_no_caller(
    rig: CallRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.ask_us()
    with monkeypatch.context() as patched:
        patched.setattr(Table, "transact", away)
        heard = rig.press()
        assert (heard.says, heard.redirect) == ((), HOLD)
    assert rig.ledger() == []
    with monkeypatch.context() as patched:
        patched.setattr(Texts, "begin", away)
        assert rig.press().says == (ON_ITS_WAY,), "it was accepted, so it is owed"
    assert (rig.call().state, rig.call().told) == (CallState.ACCEPTED, None)
    assert rig.hang_up().status == 204
    assert rig.twilio.to(CALLER) == [FIRST]


def test_without_a_note_of_the_end_the_caller_goes_on_all_the_same(
    rig: CallRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.ask_us()
    monkeypatch.setattr(Calls, "end", away)
    assert rig.press("2").redirect == HOLD
    assert rig.call().state is CallState.OFFERED


# ------------------------------------------------------------------ what the text says


def weekday(day: int, opens: int, closes: int) -> Opening:
    return Opening(day, time(opens), time(closes))


@pytest.mark.parametrize(
    ("openings", "says"),
    [
        ([weekday(2, 10, 20)], "we usually answer within 15 minutes"),
        ([weekday(2, 13, 20)], "We are closed now and answer from 1 PM on."),
        ([weekday(4, 9, 20)], "We are closed now and answer from Friday 9 AM on."),
        ([Opening(3, time(9, 30), time(20))], "We are closed now and answer from 9:30 AM on."),
    ],
)
def test_the_first_text_says_what_to_expect_by_the_stores_hours(
    rig: CallRig, openings: list[Opening], says: str
) -> None:
    rig.hours(openings)  # it is Wednesday noon in New York
    rig.call_in()
    (text,) = rig.twilio.to(CALLER)
    assert says in text
    assert text.startswith("Kay Jewelers: ")
    assert text.endswith("STOP to end texts.")


def test_a_store_that_never_opens_says_no_hour(rig: CallRig) -> None:
    rig.write_store(replace(shop(), zone="America/New_York", openings=(
        Opening(0, time(10), time(10)),)))  # fmt: skip
    rig.call_in()
    assert "answer when we are back" in rig.twilio.to(CALLER)[0]


def test_hours_and_days_are_said_in_the_banners_language(rig: CallRig) -> None:
    def french(document: dict[str, Any]) -> None:
        document["banners"][0]["language"] = "fr"
        document["messages"]["fr"]["texts"] |= {
            "call_text_closed": "{banner} : nous répondons {opens}. ARRET pour ne plus recevoir.",
            "call_offer": "Appuyez sur {digit}.",
        }

    rig.with_branch(french)
    rig.hours([weekday(4, 9, 20)])
    assert '<Say language="fr-CA">Appuyez sur 1.</Say>' in rig.ask_us().raw
    rig.press()
    assert rig.twilio.to(CALLER) == [
        "Kay Jewelers : nous répondons vendredi 09:00. ARRET pour ne plus recevoir."
    ]


def test_a_messenger_link_is_part_of_the_first_text(rig: CallRig) -> None:
    rig.with_branch(messenger_link="https://m.me/kay", store=None)
    rig.call_in()
    assert rig.twilio.to(CALLER) == [f"{FIRST} Or in Messenger: https://m.me/kay"]


# ------------------------------------------------------------------ push


def test_an_enrolled_caller_gets_a_push_and_no_text(rig: CallRig) -> None:
    rig.with_branch(push=True)
    rig.push.enrolled = {CALLER}
    heard = rig.call_in()
    assert heard.says == (
        "Thank you. Please open our app: your conversation with us is there. Goodbye.",)  # fmt: skip
    assert rig.press() == heard
    assert rig.push.pushed == {
        f"call-{sid_of(1)}": "Kay Jewelers: tell us here how we can help; we usually answer within "
        "15 minutes."}  # fmt: skip
    assert rig.twilio.messages == []
    assert rig.call().state is CallState.PUSHED
    assert [m.how for m in rig.measured() if m.kind == "texted"] == ["push"]
    assert len(rig.ledger()) == 1


@pytest.mark.parametrize("away", [True, False])
def test_the_others_get_a_text(rig: CallRig, away: bool) -> None:
    rig.with_branch(push=True)
    rig.push.away, rig.push.enrolled = away, {CALLER} if away else set()
    assert rig.call_in().says == (ON_ITS_WAY,)
    assert rig.press().says == (ON_ITS_WAY,)
    assert rig.push.asked == [0.8]
    assert (rig.push.pushed, rig.twilio.to(CALLER)) == ({}, [FIRST])


def test_a_switch_thrown_before_the_digit_stops_push_and_text(rig: CallRig) -> None:
    rig.with_branch(push=True)
    rig.push.enrolled = {CALLER}
    rig.ask_us()
    rig.with_branch(lambda d: d.update(stops={"banners": ["kay"]}), push=True)
    heard = rig.press()
    assert (heard.says, heard.redirect) == ((CANNOT,), HOLD)
    assert (rig.push.pushed, rig.twilio.messages) == ({}, [])
    assert rig.call().reason == "stopped_banner"


def test_a_push_service_that_comes_back_adds_no_push_to_a_text(rig: CallRig) -> None:
    rig.with_branch(push=True)
    rig.push.away, rig.push.enrolled = True, {CALLER}
    rig.twilio.failures = [VendorNotReachedError("no connection")]
    rig.call_in()
    assert (rig.call().state, rig.call().by_text) == (CallState.ACCEPTED, True)
    rig.push.away = False
    rig.press()
    rig.hang_up()
    for _ in range(3):
        rig.clock.advance(70)
        rig.sweep()
    assert (len(rig.push.asked), rig.push.pushed) == (1, {})
    assert rig.twilio.to(CALLER) == [FIRST]


# ------------------------------------------------------------------ the end of the call


def test_hanging_up_half_way_is_noted_and_sends_nothing(rig: CallRig) -> None:
    rig.ask_us()
    assert rig.hang_up().status == 204
    assert rig.call().state is CallState.HUNG_UP
    assert rig.hang_up().status == 204
    assert rig.twilio.messages == []
    assert rig.counts() == {"offered": 1}


def test_the_end_may_be_reported_before_the_digit(rig: CallRig) -> None:
    rig.ask_us()
    rig.hang_up()
    assert rig.press().says == (ON_ITS_WAY,)
    assert rig.twilio.to(CALLER) == [FIRST]


def test_the_end_of_a_call_nobody_knows_is_nothing(rig: CallRig) -> None:
    assert rig.hang_up().status == 204
    assert rig.table.get(f"CALL#{sid_of(1)}", "CALL") is None


def test_a_customer_erased_before_the_sweep_comes_gets_no_text(rig: CallRig) -> None:
    from tests.privacy_rig import erase

    rig.twilio.failures = [VendorNotReachedError("no connection")]
    rig.call_in()
    assert erase(rig, CALLER)[0] == 200
    assert (rig.call().state, rig.call().due_at) == (CallState.NOT_TEXTED, None)
    assert "deflected" not in rig.customer_item()
    for _ in range(6):
        rig.clock.advance(301)
        rig.sweep()
    assert rig.twilio.messages == []
    assert (rig.call().state, rig.call().reason) == (CallState.NOT_TEXTED, "erased")
    assert rig.ask_us(call=2).redirect == HOLD


def test_a_branch_taken_out_of_the_program_ends_what_is_due(rig: CallRig) -> None:
    rig.twilio.failures = [VendorNotReachedError("no connection")]
    rig.call_in()
    rig.with_line()
    rig.table.update(f"CALL#{sid_of(1)}", "CALL", "SET due_at = :now",
                     values={"now": epoch(rig.clock.now())})  # fmt: skip
    rig.sweep()
    assert (rig.call().state, rig.call().reason) == (CallState.NOT_TEXTED, "switched_off")


# ------------------------------------------------------------------ who asks


def test_only_what_twilio_signed_is_answered(rig: CallRig) -> None:
    assert rig.ask_us(signature="AAAA").status == 401
    assert rig.ask_us(AccountSid="AC0").status == 401
    assert rig.table.get(f"CALL#{sid_of(1)}", "CALL") is None


@pytest.mark.parametrize("sid", ["", "CA1", "CA" + "z" * 32, "../x"])
def test_a_form_that_is_no_call_is_refused(rig: CallRig, sid: str) -> None:
    assert rig.ask_us(CallSid=sid).status == 400


def test_a_number_set_up_for_a_branch_nobody_has_falls_back_at_twilio(rig: CallRig) -> None:
    assert rig.ask_us(branch="returns").status == 503


def test_a_turn_that_is_none_is_the_first(rig: CallRig) -> None:
    rig.ask_us()
    assert rig.ask_us("/choice", query="turn=99", Digits="").action == f"{CHOICE}2{MARK}"
    assert rig.ask_us("/choice", query="", Digits="").action == f"{CHOICE}2{MARK}"


def test_a_program_without_a_line_has_no_branches(rig: CallRig) -> None:
    rig.apply()
    assert rig.ask_us().status == 503


def test_logs_name_no_number_and_no_words(
    rig: CallRig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    for level in ("info", "warning", "error"):
        monkeypatch.setattr(observability.logger, level,
                            lambda text, **more: said.append(f"{text} {more}"))  # fmt: skip
    rig.call_in()
    rig.hang_up()
    rig.ask_us(signature="AAAA")
    told = "".join(said) + capsys.readouterr().out
    assert [line.split(" {")[0] for line in said] == [*["Call answered"] * 3, "Call refused"]
    assert sid_of(1) in told
    assert CALLER[2:] not in told
    assert "Kay Jewelers" not in told
    assert '"CallsTexted"' in told


def test_the_whole_of_an_acceptance_is_few_requests(rig: CallRig, requests_made: list[Any]) -> None:
    """Offer: program, customer with relay number, one transaction. Digit: program, call, customer, transaction, call,
    store, then the text's own, measure and call."""
    rig.ask_us()
    assert [name for _, name, _ in requests_made] == [
        "GetItem",
        "BatchGetItem",
        "TransactWriteItems",
    ]
    requests_made.clear()
    rig.press()
    assert [name for _, name, _ in requests_made] == [
        "GetItem", "GetItem", "GetItem", "TransactWriteItems", "GetItem", "GetItem",
        "PutItem", "UpdateItem", "GetItem", "UpdateItem", "PutItem", "UpdateItem",
    ]  # fmt: skip
    requests_made.clear()
    rig.press()
    assert [name for _, name, _ in requests_made] == ["GetItem", "GetItem"]


def test_an_erasure_and_an_export_know_of_calls(rig: CallRig) -> None:
    from tests.privacy_rig import desk, erase, kinds_naming, left_of

    rig.call_in()
    counted = rig.counts()
    status, document = desk(rig, "export", {"phone": CALLER})
    assert status == 200
    assert document["ledger"]["verified"] is True
    assert [entry["evidence"] for entry in document["ledger"]["entries"]] == [sid_of(1)]
    (call,) = document["line"]["calls"]
    assert (call["sid"], call["branch"], call["state"]) == (sid_of(1), "orders", "texted")
    assert erase(rig, CALLER)[0] == 200
    rig.clock.advance(301)
    rig.sweep()
    assert left_of(rig, CALLER) == []
    assert rig.call().customer == name()
    assert "deflected" not in rig.customer_item()
    # What is counted is kept for years: it stays, and says nothing of whose call it was.
    assert rig.counts() == counted == {"offered": 1, "accepted": 1, "texted": 1}
    assert kinds_naming(rig, CALLER) == ["CALL", "CUSTOMER", "TEXT"]


def test_a_customer_forgotten_without_a_trace_gets_no_text(rig: CallRig) -> None:
    """The sweep finds a call due, and nobody's number with it."""
    rig.twilio.failures = [VendorNotReachedError("no connection")]
    rig.call_in()
    rig.table.delete(f"CUSTOMER#{name()}", "CUSTOMER")
    rig.table.delete(f"TEXT#call-{sid_of(1)}", "TEXT")
    rig.clock.advance(70)
    rig.sweep()
    assert (rig.call().state, rig.call().reason) == (CallState.NOT_TEXTED, "erased")
    assert rig.twilio.messages == []


def test_the_sweep_leaves_what_is_not_due_and_what_it_has_no_time_for(rig: CallRig) -> None:
    rig.twilio.failures = [VendorNotReachedError("no connection")]
    rig.call_in()
    rig.clock.advance(30)
    rig.sweep()
    assert rig.twilio.messages == []
    rig.clock.advance(120)
    rig.remaining_s = 15.0
    rig.sweep()
    assert rig.call().state is CallState.ACCEPTED


# ------------------------------------------------------------------ the relay line


def test_who_calls_a_relay_number_hears_that_it_takes_texts(rig: CallRig) -> None:
    heard = rig.ask_us(branch="line", To="+12125550177")
    assert heard.hangs_up
    assert heard.says[0] == (
        "This number takes text messages only. Please hang up and send us a text."
    )
    assert heard.says[0] == heard.says[1]
    assert rig.ask_us(branch="line", To="client:x").says == heard.says


def test_who_calls_an_associates_number_hears_the_stores(rig: CallRig) -> None:
    rig.write_store(replace(shop(), phone="+12125550188"))
    rig.table.put({
        "pk": "LINE#+12125550177", "sk": "LINE", "account": ACCOUNT, "group": "0000",
        "agent": ANNA, "login": "anna@kay.example.com", "banner": "kay", "tag": "t", "rev": 1,
        "state": "active", "since": "2026-11-01T00:00:00.000Z", "by": "b", "sid": "PN1",
        "number": "+12125550177",
    })  # fmt: skip
    heard = rig.ask_us(branch="line", To="+12125550177")
    assert "2 1 2, 5 5 5, 0 1 8 8" in heard.says[0]


def test_a_table_that_is_away_costs_the_stores_name_only(
    rig: CallRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lines, "get", away)
    assert rig.ask_us(branch="line", To="+12125550177").hangs_up
