"""One caller, more than one offer: two calls at once, two branches in one call, a number that is
no number, a program that changes while the caller listens."""

from __future__ import annotations

from typing import Any

import pytest
from tests.call_rig import BRANCH, CALLER, CallRig
from tests.line_rig import ANNAS, SENDER
from tests.outreach_rig import away

from instore.adapters.table import Table
from instore.adapters.texts import Texts
from instore.deflection import CallState


@pytest.fixture
def rig(table: Table, clock: Any) -> CallRig:
    return CallRig(table, clock)


def test_calls_at_the_same_time_get_no_more_texts_than_a_day_has(rig: CallRig) -> None:
    """Whoever calls with a number that is not theirs could otherwise have it texted at will."""
    rig.with_branch(most_texts=2)
    for call in (1, 2, 3, 4):
        assert rig.ask_us(call=call).action is not None
    said = [rig.press(call=call) for call in (1, 2, 3, 4)]
    assert len(rig.twilio.to(CALLER)) == 2
    assert [one.hangs_up for one in said] == [True, True, False, False]
    assert [one.redirect for one in said[2:]] == [BRANCH["onward"]] * 2
    assert rig.counts() == {"offered": 4, "accepted": 2, "texted": 2}
    assert [entry["evidence"] for entry in rig.ledger()] == [rig.call(n).sid for n in (1, 2)]
    late = rig.call(3)
    assert (late.state, late.reason, late.told) == (
        CallState.NOT_TEXTED, "texted_enough", "call_not_texted")  # fmt: skip
    assert rig.press(call=3).redirect == BRANCH["onward"]  # Twilio asks again: the same answer
    assert rig.press(call=1).hangs_up  # whose text went hears so again, cap or not
    rig.hang_up(call=3)
    rig.clock.advance(600)
    rig.sweep()
    assert len(rig.twilio.to(CALLER)) == 2


def two_branches(rig: CallRig) -> None:
    other = {**BRANCH, "name": "repairs", "banner": "zales", "number": "+12125550141",
             "skill": "zales-repairs", "store": None}  # fmt: skip

    def both(document: dict[str, Any]) -> None:
        document["line"]["branches"].append(other)
        for banner in document["banners"]:
            banner["features"] = {**banner.get("features", {}), "line": True}

    rig.with_branch(both)


def test_consent_for_one_banner_is_not_given_on_anothers_offer(rig: CallRig) -> None:
    """The brand's menu leads the same call from one branch to another: the digit after the second
    offer says nothing about the first."""
    two_branches(rig)
    rig.ask_us()
    second = rig.ask_us(branch="repairs")
    assert (second.action, second.redirect) == (None, BRANCH["onward"])
    assert rig.press(branch="repairs").redirect == BRANCH["onward"]
    assert rig.call().state is CallState.OFFERED
    assert rig.ledger() == []
    assert rig.twilio.messages == []
    assert rig.press().hangs_up  # the first branch's own offer stands
    assert [entry["banner"] for entry in rig.ledger()] == ["kay"]


@pytest.mark.parametrize("digit", ["2", "1"])
def test_nobody_is_offered_twice_in_a_call(rig: CallRig, digit: str) -> None:
    rig.twilio.failures = []
    rig.ask_us()
    rig.press(digit)
    again = rig.ask_us()
    assert (again.action, again.redirect) == (None, BRANCH["onward"])
    assert rig.counts()["offered"] == 1


def test_the_offer_that_twilio_asks_for_again_is_the_same(rig: CallRig) -> None:
    first = rig.ask_us()
    assert rig.ask_us() == first
    rig.hang_up()
    assert rig.ask_us() == first  # the end was reported before


@pytest.mark.parametrize("told", [
    "+17378742833", "7378742833", "+7378742833", "17378742833", "266696687", "2562533", "8656696",
    "86282452253", "+86282452253", "Anonymous", "sip:anonymous@anonymous.invalid",
    "sip:+7378742833@10.0.0.1",
])  # fmt: skip
def test_a_withheld_number_is_nobodys_however_it_is_written(rig: CallRig, told: str) -> None:
    assert rig.ask_us(number=told).action is None
    assert rig.call().reason == "withheld"
    assert rig.call().customer is None


def test_what_is_agreed_to_is_what_was_heard(rig: CallRig) -> None:
    """The program changes while the caller listens: now the other digit would mean yes. Nobody agrees
    by a digit to what they were not asked; they are asked again."""
    heard = rig.ask_us()
    assert heard.action is not None
    query = heard.action.partition("?")[2]
    rig.with_branch(accept_digit="2", decline_digit="1")
    rig.clock.advance(61)  # the program is kept a minute
    again = rig.ask_us("/choice", query=query, Digits="2")
    assert again.action not in (None, heard.action)
    assert again.says == rig.ask_us().says != heard.says
    assert rig.ledger() == []
    assert rig.twilio.messages == []
    assert again.action is not None
    query = again.action.partition("?")[2]
    assert rig.ask_us("/choice", query=query, Digits="2").hangs_up
    assert [entry["wording"] for entry in rig.ledger()] == list(again.says)
    rig.with_branch()  # Twilio asks for the same answer once more, the program changed again
    assert rig.ask_us("/choice", query=query, Digits="1").hangs_up
    assert len(rig.twilio.messages) == 1


def test_the_end_is_told_to_one_branch_and_finishes_what_another_promised(
    rig: CallRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number has one status address, and the brand's menu leads its calls to any branch: the text
    comes from whom the caller agreed to, in their words."""

    two_branches(rig)
    rig.ask_us(branch="repairs")
    with monkeypatch.context() as patched:
        patched.setattr(Texts, "begin", away)
        assert rig.press(branch="repairs").hangs_up
    assert rig.call().state is CallState.ACCEPTED
    rig.hang_up()
    (sent,) = rig.twilio.messages
    assert (sent.sender, sent.body.partition(":")[0]) == ("+12125550141", "Zales")
    assert rig.call().state is CallState.TEXTED


def test_an_end_that_is_not_this_callers_is_left_to_the_sweep(
    rig: CallRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.ask_us()
    with monkeypatch.context() as patched:
        patched.setattr(Texts, "begin", away)
        rig.press()
    assert rig.hang_up(number="anonymous").status == 204
    assert rig.call().state is CallState.ACCEPTED
    assert rig.twilio.messages == []
    rig.clock.advance(61)
    rig.sweep()
    assert rig.call().state is CallState.TEXTED
    assert len(rig.twilio.to(CALLER)) == 1


def test_a_push_that_went_meanwhile_has_no_text_beside_it(rig: CallRig) -> None:
    """The digit and the end of the call arrive together: one pushes, the other hears nothing."""
    rig.with_branch(push=True)
    rig.push.enrolled = {CALLER}
    rig.ask_us()
    push = rig.push.push

    def hears_nothing(*_: Any, **__: Any) -> bool:
        rig.push.push = push  # type: ignore[method-assign]  # for this test only
        assert rig.hang_up().status == 204
        return False

    rig.push.push = hears_nothing  # type: ignore[method-assign]  # for this test only
    assert rig.press().says == (
        "Thank you. Please open our app: your conversation with us is there. Goodbye.",)  # fmt: skip
    assert (len(rig.push.pushed), rig.twilio.messages) == (1, [])
    assert rig.call().state is CallState.PUSHED


@pytest.mark.parametrize("number", ["+12125550141", "+19295550101", SENDER])
def test_a_number_of_our_own_is_not_texted(rig: CallRig, number: str) -> None:
    """A call put through by another branch or an associate, or from another banner's number, shows
    that number."""
    two_branches(rig)
    rig.give(SENDER, ANNAS)
    assert rig.ask_us(number=number).action is None
    assert rig.call().reason == "no_handset"
