"""Calls that become texts: every branch of the decision, by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_program_line import BRANCH, document

from instore import voice
from instore.consent import ConsentClass, Customer
from instore.deflected import (
    Deflected,
    accepted,
    begun,
    comes_back,
    deflected_from,
    deflected_item,
    standing,
    texts_since,
)
from instore.deflection import (
    Caller,
    Digit,
    Passed,
    caller_of,
    digit_of,
    first_text,
    in_words,
    next_opening,
    passed_because,
    wording,
)
from instore.directory import Opening, Store
from instore.errors import ProgramError
from instore.first_text import names_banner, tells_how_to_stop
from instore.model import Phone, epoch
from instore.program import Program, load_program
from instore.program_line import Branch
from instore.text import segments

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
ANA = Phone("+12125550123")


def program(**branch: Any) -> tuple[Program, Branch]:
    made = load_program(document(branches=[{**BRANCH, **branch}]))
    assert made.line is not None
    return made, made.line.branches[0]


def why(caller: Caller, customer: Customer | None = None, **branch: Any) -> Passed | None:
    made, one = program(**branch)
    kay = made.banner("kay")
    assert kay is not None
    return passed_because(caller, branch=one, banner=kay, program=made, customer=customer, now=NOW)


# ------------------------------------------------------------------ who calls


@pytest.mark.parametrize("written", [
    "+12125550123", "+1(212) 555-0123", "+1 212 555 0123", "(212) 555-0123", "212.555.0123",
    "2125550123", "12125550123", "sip:+12125550123@pbx.example;user=phone", "tel:+12125550123",
    " +12125550123 ", "sip:2125550123@10.0.0.1",
])  # fmt: skip
def test_a_callers_number_in_any_form(written: str) -> None:
    assert caller_of({"From": written}, country="US") == Caller(ANA)


@pytest.mark.parametrize("written", [
    "", " ", "anonymous", "Anonymous", "ANONYMOUS", "Restricted", "unknown", "Unavailable",
    "blocked", "private", "sip:anonymous@anonymous.invalid", "+266696687", "+7378742833",
    "+2562533", "+8656696", "+86282452253",
])  # fmt: skip
def test_a_withheld_number_is_nobodys(written: str) -> None:
    assert caller_of({"From": written}, country="US") == Caller(None, withheld=True)
    assert caller_of({}, country="US") == Caller(None, withheld=True)


@pytest.mark.parametrize(
    "written", ["client:kate", "sip:desk@pbx.example", "911", "+1999", "x" * 99]
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert caller_of({"From": written}, country="US") == Caller(None)


@pytest.mark.parametrize(("told", "forged"), [
    ("TN-Validation-Failed-A", True), ("TN-Validation-Failed", True),
    ("TN-Validation-Passed-A", False), ("No-TN-Validation", False), ("", False),
])  # fmt: skip
def test_a_number_that_the_carriers_disown_is_forged(told: str, forged: bool) -> None:
    assert caller_of({"From": ANA.e164, "StirVerstat": told}, country="US").forged is forged


@given(st.text(max_size=60))
def test_no_from_breaks_it(text: str) -> None:
    caller = caller_of({"From": text}, country="US")
    assert caller.phone is None or caller.phone.e164.startswith("+")


# ------------------------------------------------------------------ to whom


def test_an_ordinary_caller_is_offered() -> None:
    assert why(Caller(ANA)) is None
    assert why(Caller(ANA), Customer("c")) is None


@pytest.mark.parametrize(("customer", "reason"), [
    (Customer("c", opted_out=NOW), Passed.OPTED_OUT),
    (Customer("c", opted_out=NOW, opted_out_except=frozenset({"kay"})), Passed.OPTED_OUT),
    (Customer("c", opted_out_of=frozenset({"kay"})), Passed.OPTED_OUT),
    (Customer("c", opted_out=NOW, erased_at=NOW), Passed.ERASED),
    (Customer("c", unreachable="twilio_21614"), Passed.UNREACHABLE),
    (Customer("c", erased_at=NOW, back_at=NOW), None),
    (Customer("c", deflected={"kay": Deflected("orders", "i", "CA1", NOW,
                                               texts=(epoch(NOW) - 5,) * 3)}),
     Passed.TEXTED_ENOUGH),
    (Customer("c", deflected={"kay": Deflected("orders", "i", "CA1", NOW,
                                               texts=(epoch(NOW) - 5,) * 2)}), None),
    (Customer("c", deflected={"zales": Deflected("orders", "i", "CA1", NOW,
                                                 texts=(epoch(NOW) - 5,) * 3)}), None),
])  # fmt: skip
def test_a_known_customer(customer: Customer, reason: Passed | None) -> None:
    assert why(Caller(ANA), customer) is reason


@pytest.mark.parametrize(("number", "reason"), [
    ("+18765550123", Passed.ABROAD),  # Jamaica: +1 is the plan of more than two countries
    ("+18095550123", Passed.ABROAD),
    ("+17875550123", None),  # Puerto Rico is none
    ("+14165550123", None),
])  # fmt: skip
def test_another_country_of_the_same_plan_is_abroad(number: str, reason: Passed | None) -> None:
    assert why(Caller(Phone(number))) is reason


def test_an_opt_out_of_another_banner_counts_as_far_as_the_program_says() -> None:
    elsewhere = Customer("c", opted_out_of=frozenset({"zales"}))
    assert why(Caller(ANA), elsewhere) is Passed.OPTED_OUT
    raw = document(branches=[BRANCH])
    raw["consent"]["opt_out_scope"] = "banner"
    made = load_program(raw)
    kay = made.banner("kay")
    assert made.line is not None
    assert kay is not None
    assert passed_because(Caller(ANA), branch=made.line.branches[0], banner=kay, program=made,
                          customer=elsewhere, now=NOW) is None  # fmt: skip


def test_the_first_reason_is_told() -> None:
    assert why(Caller(None, withheld=True, forged=True)) is Passed.WITHHELD
    assert why(Caller(ANA, forged=True), Customer("c", opted_out=NOW)) is Passed.FORGED
    assert why(Caller(Phone("+442071838750"))) is Passed.ABROAD
    assert why(Caller(Phone("+18885550123"))) is Passed.NO_HANDSET


# ------------------------------------------------------------------ digits


@pytest.mark.parametrize(("digits", "turn", "means"), [
    ("1", 1, Digit.ACCEPT), ("1", 2, Digit.ACCEPT), ("1", 9, Digit.ACCEPT),
    ("2", 1, Digit.DECLINE), ("2", 2, Digit.DECLINE),
    ("", 1, Digit.AGAIN_SILENT), ("", 2, Digit.SILENT), ("", 3, Digit.SILENT),
    ("7", 1, Digit.AGAIN_WRONG), ("7", 2, Digit.WRONG), ("*", 1, Digit.AGAIN_WRONG),
    ("11", 1, Digit.AGAIN_WRONG), ("#", 2, Digit.WRONG),
])  # fmt: skip
def test_what_a_digit_means(digits: str, turn: int, means: Digit) -> None:
    assert digit_of(digits, branch=program()[1], turn=turn) is means


def test_the_digits_are_the_programs() -> None:
    branch = program(accept_digit="5", decline_digit="0", tries=1)[1]
    assert digit_of("5", branch=branch, turn=1) is Digit.ACCEPT
    assert digit_of("0", branch=branch, turn=1) is Digit.DECLINE
    assert digit_of("1", branch=branch, turn=1) is Digit.WRONG
    assert digit_of("", branch=branch, turn=1) is Digit.SILENT


@pytest.mark.parametrize(("branch", "where"), [
    ({"accept_digit": "2"}, "line.branches[0]"),
    ({"name": "line"}, "line.branches[0].name"),
    ({"name": "orders/late"}, "line.branches[0].name"),
    ({"onward": "http://menu.example.com"}, "line.branches[0].onward"),
    ({"onward": "12125550100"}, "line.branches[0].onward"),
])  # fmt: skip
def test_what_a_branch_may_not_be(branch: dict[str, Any], where: str) -> None:
    with pytest.raises(ProgramError) as caught:
        program(**branch)
    assert [problem.where for problem in caught.value.problems] == [where]


def test_a_strict_banners_branch_leads_to_nobody_elses_customers() -> None:
    raw = document(branches=[{**BRANCH, "skill": "kay-associates"}])
    load_program(raw)
    raw["banners"][0] |= {"routing": {"stickiness": "strict", "triggers": {"closed": False},
                                      "steps": ["wait_for_associate"]}}  # fmt: skip
    with pytest.raises(ProgramError) as caught:
        load_program(raw)
    assert [p.where for p in caught.value.problems] == ["line.branches[0].skill"]


def test_a_first_text_of_the_programs_own_names_the_banner_and_tells_how_to_stop() -> None:
    raw = document(branches=[BRANCH])
    raw["messages"]["es"]["texts"]["call_text_closed"] = "Gracias, {banner} le responde pronto."
    raw["messages"]["en"]["texts"]["call_text"] = "Thanks! Reply STOP to end texts."
    with pytest.raises(ProgramError) as caught:
        load_program(raw)
    assert [(p.where, p.what) for p in caught.value.problems] == [
        ("messages.en.texts.call_text", "a first text names the {banner}"),
        ("messages.es.texts.call_text_closed",
         "a first text tells how to end texts: STOP or ALTO or BAJA in capitals"),
    ]  # fmt: skip


# ------------------------------------------------------------------ what is said


def store(*openings: Opening, zone: str = "America/New_York") -> Store:
    return Store("10000002", "701", "Yonkers", "kay", zone, "NY", "10704", openings, (), ())


def test_the_built_in_first_texts_keep_the_rules_of_first_texts() -> None:
    made, branch = program()
    kay = made.banner("kay")
    assert kay is not None
    closed = store(Opening(4, time(9), time(20)))
    never = store(Opening(0, time(10), time(10)))
    for place in (None, store(), closed, never):
        text = first_text(made, branch=branch, banner=kay, store=place, now=NOW)
        assert tells_how_to_stop(text, language="en")
        assert names_banner(text, banner=kay)
        assert segments(text).encoding == "GSM-7"
        assert segments(text).count <= 2


def test_the_wording_says_digit_number_and_cost() -> None:
    made, branch = program(accept_digit="3", decline_digit="4")
    kay = made.banner("kay")
    assert kay is not None
    said = wording(made, branch=branch, banner=kay)
    for part in ("Kay Jewelers", "Press 3", "press 4", "number you are calling from", "data rates"):
        assert part in said


@pytest.mark.parametrize(("openings", "opens", "words"), [
    ([Opening(2, time(13), time(20))], datetime(2026, 11, 18, 18, tzinfo=UTC), "1 PM"),
    ([Opening(3, time(9, 30), time(20))], datetime(2026, 11, 19, 14, 30, tzinfo=UTC), "9:30 AM"),
    ([Opening(3, time(12), time(20))], datetime(2026, 11, 19, 17, tzinfo=UTC), "Thursday 12 PM"),
    ([Opening(2, time(8), time(9))], datetime(2026, 11, 25, 13, tzinfo=UTC), "Wednesday 8 AM"),
    ([Opening(1, time(0, 15), time(9))], datetime(2026, 11, 24, 5, 15, tzinfo=UTC),
     "Tuesday 12:15 AM"),
    ([Opening(4, time(9), time(20)), Opening(3, time(10), time(20))],
     datetime(2026, 11, 19, 15, tzinfo=UTC), "10 AM"),
])  # fmt: skip
def test_the_next_opening_and_how_it_is_said(
    openings: list[Opening], opens: datetime, words: str
) -> None:
    place = store(*openings)
    assert next_opening(place, now=NOW) == opens
    assert in_words(opens, store=place, language="en", now=NOW) == words


def test_an_opening_on_the_day_the_clocks_change() -> None:
    place = store(Opening(6, time(2, 30), time(20)))  # 14 March 2027 has no 02:30
    saturday = datetime(2027, 3, 13, 17, tzinfo=UTC)
    assert next_opening(place, now=saturday) == datetime(2027, 3, 14, 7, tzinfo=UTC)


def test_a_store_without_openings_to_come_has_none() -> None:
    assert next_opening(store(Opening(0, time(10), time(10))), now=NOW) is None


# ------------------------------------------------------------------ what stands on the customer

CALL = Deflected("orders", "Where is my order", "CA1", NOW)


def having(deflected: Deflected, banner: str = "kay") -> Customer:
    return Customer("c", deflected={banner: deflected})


def stands(deflected: Deflected, *, at: datetime = NOW, new_round: bool = False) -> bool:
    return standing(having(deflected), banner="kay", conversation="a#1", new_round=new_round,
                    now=at) is not None  # fmt: skip


def test_a_call_stands_for_a_day_and_one_conversation() -> None:
    assert stands(CALL)
    assert stands(CALL, at=NOW + timedelta(hours=24) - timedelta(seconds=1))
    assert not stands(CALL, at=NOW + timedelta(hours=24))
    assert not stands(CALL, at=NOW - timedelta(minutes=6))
    mine, others = (begun(CALL, conversation=name, at=NOW) for name in ("a#1", "a#2"))
    assert stands(mine)
    assert not stands(mine, new_round=True)
    assert not stands(others)
    assert standing(having(CALL, "zales"), banner="kay", conversation="a#1", new_round=False,
                    now=NOW) is None  # fmt: skip
    assert standing(None, banner="kay", conversation="a#1", new_round=False, now=NOW) is None


def test_the_next_call_takes_its_place_and_remembers_the_last_conversation() -> None:
    used = begun(replace(CALL, texts=(epoch(NOW),)), conversation="a#1", at=NOW)
    later = NOW + timedelta(hours=23)
    then = accepted(used, branch="returns", intent="i", call="CA2", at=later)
    assert then == Deflected("returns", "i", "CA2", later, before=NOW,
                             texts=(epoch(NOW), epoch(later)))  # fmt: skip
    assert accepted(then, branch="x", intent="x", call="CA2", at=NOW) is then
    unused = accepted(then, branch="orders", intent="i", call="CA3", at=NOW + timedelta(hours=48))
    assert (unused.before, unused.texts) == (NOW, (epoch(NOW + timedelta(hours=48)),))
    assert accepted(None, branch="orders", intent="i", call="CA1", at=NOW).texts == (epoch(NOW),)
    assert texts_since(None, now=NOW) == ()


def test_who_comes_back_has_texted_after_a_call_and_has_not_called() -> None:
    used = begun(CALL, conversation="a#1", at=NOW)

    def back(deflected: Deflected | None, *, days: int = 1, conversation: str = "a#2") -> bool:
        customer = having(deflected) if deflected else None
        return comes_back(customer, banner="kay", conversation=conversation, days=30,
                          now=NOW + timedelta(days=days)) is not None  # fmt: skip

    assert back(used)
    assert back(used, days=30)
    assert not back(used, days=31)
    assert not back(used, conversation="a#1")
    assert not back(CALL)
    assert not back(None)


@pytest.mark.parametrize("deflected", [
    CALL, begun(CALL, conversation="a#1", at=NOW), replace(CALL, before=NOW, texts=(1, 2)),
])  # fmt: skip
def test_it_is_stored_and_read_back(deflected: Deflected) -> None:
    assert deflected_from(deflected_item(deflected)) == deflected


def test_a_stronger_consent_allows_what_a_weaker_one_does() -> None:
    none, one, marketing = ConsentClass.NONE, ConsentClass.ONE_TO_ONE, ConsentClass.MARKETING
    assert marketing.allows(one)
    assert one.allows(one)
    assert not one.allows(marketing)
    assert not none.allows(one)


# ------------------------------------------------------------------ TwiML


@given(st.text(alphabet=st.characters(), max_size=200), st.text(max_size=80))
def test_whatever_is_said_it_is_well_formed(words: str, address: str) -> None:
    xml = voice.document(
        voice.gather(voice.say(words, language="en"), action=address, timeout_s=5),
        voice.go_on(f"https://x.example/{address}"), voice.hang_up(),
    )  # fmt: skip
    root = ElementTree.fromstring(xml.encode())
    assert [verb.tag for verb in root] == ["Gather", "Redirect", "Hangup"]
    assert root.find("Gather/Say") is not None


def test_nothing_said_leaves_its_place() -> None:
    words = "A & B <Hangup/> \"quoted\" 'single' \x00\x0b\ud800"
    root = ElementTree.fromstring(voice.document(voice.say(words, language="en")).encode())
    assert len(root) == 1
    assert root[0].text == "A & B <Hangup/> \"quoted\" 'single' "
    assert root[0].get("language") == "en-US"


def test_a_sentence_is_never_longer_than_twilio_speaks() -> None:
    root = ElementTree.fromstring(voice.document(voice.say("x" * 9000, language="en")).encode())
    assert len(root[0].text or "") == 4096


@pytest.mark.parametrize(("language", "spoken"), [
    ("en", "en-US"), ("es", "es-US"), ("fr", "fr-CA"), ("fr-FR", "fr-FR"), ("de", "de"),
])  # fmt: skip
def test_a_language_has_a_voice(language: str, spoken: str) -> None:
    assert voice.voice_of(language) == spoken


def test_numbers_are_spelled_out() -> None:
    assert voice.spelled("+12125550140") == "2 1 2, 5 5 5, 0 1 4 0"
    assert voice.spelled("+442071838750") == "4 4 2 0 7 1 8 3 8 7 5 0"


@pytest.mark.parametrize(("onward", "verb"), [
    ("+18005550199", "<Dial>+18005550199</Dial>"),
    ("https://x.example/hold?a=1&b=2",
     '<Redirect method="POST">https://x.example/hold?a=1&amp;b=2</Redirect>'),
])  # fmt: skip
def test_a_call_goes_on(onward: str, verb: str) -> None:
    assert voice.go_on(onward) == verb
