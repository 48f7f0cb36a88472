"""Texts of which nobody knows whether they went: whose a message in Twilio's list is, and how long
what certainly did not go is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from tests.line_rig import SENDER, LineRig, status
from tests.outreach_rig import phone

from instore.adapters.table import Table
from instore.errors import UnavailableError, VendorThrottledError, VendorUnavailableError
from instore.line_text import Outcome, Purpose, TextState

ANA = phone(0)
S = TextState
LOST = VendorUnavailableError("time-out")


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    rig = LineRig(table, clock)
    rig.customer(ANA)
    return rig


def lose(rig: LineRig, text: str, *, went: bool, body: str = "Ok", **more: Any) -> None:
    """The answer to this text's POST gets lost; `went`: Twilio has it all the same."""
    rig.twilio.failures, rig.twilio.processed_although_failed = [LOST], went
    assert rig.send(rig.draft(text, body=body, **more)).state is S.UNKNOWN


def call(rig: LineRig, text: str, sid: str, word: str) -> None:
    rig.tell(status(sid, word), path="/twilio/status", query=f"text={text}")
    assert rig.deliver_sms() == {"batchItemFailures": []}


@pytest.mark.parametrize("went", [(True, False), (False, True)])
def test_of_two_lost_texts_with_the_same_words_nobody_gets_the_others(
    rig: LineRig, went: tuple[bool, bool]
) -> None:
    """One of them went, and the list does not say which: a person looks, or its callback says it."""
    lose(rig, "one", went=went[0])
    rig.clock.advance(30)
    lose(rig, "two", went=went[1])
    for _ in range(62):
        rig.clock.advance(60)
        rig.sweep()
    assert [rig.stored(name).state for name in ("one", "two")] == [S.UNRESOLVED] * 2
    gone = "one" if went[0] else "two"
    call(rig, gone, rig.twilio.messages[0].sid, "delivered")
    assert rig.stored(gone).state is S.DELIVERED


def test_two_lost_texts_that_both_went_are_found_in_turn(rig: LineRig) -> None:
    for name in ("one", "two"):
        lose(rig, name, went=True)
        rig.clock.advance(20)
    rig.clock.advance(60)
    rig.sweep()
    sids = [one.sid for one in rig.twilio.messages]
    assert [rig.stored(name).sid for name in ("one", "two")] == sids
    assert [rig.stored(name).guessed for name in ("one", "two")] == [True, True]


def test_a_message_whose_call_is_still_under_way_is_not_taken(rig: LineRig) -> None:
    lose(rig, "lost", went=False)
    rig.clock.advance(60)
    rig.twilio.failures = []
    rig.twilio.during = rig.sweep  # looks for the lost one while this one's answer is on its way
    assert rig.send(rig.draft("next", body="Ok")).state is S.QUEUED
    assert rig.stored("lost").state is S.UNKNOWN
    assert rig.stored("next").sid == rig.twilio.messages[0].sid


@pytest.mark.parametrize("other", [{"body": "No"}, {"sender": "+12125550188"}])
def test_other_words_or_another_number_are_no_rival(rig: LineRig, other: dict[str, str]) -> None:
    from instore.model import Phone

    sender = Phone(other["sender"]) if "sender" in other else Phone(SENDER)
    lose(rig, "other", went=False, body=other.get("body", "Ok"), sender=sender)
    lose(rig, "lost", went=True)
    rig.clock.advance(60)
    rig.sweep()
    assert rig.stored("lost").state is S.QUEUED
    assert rig.stored("other").state is S.UNKNOWN


def test_what_came_with_our_own_id_is_truer_than_a_guess(rig: LineRig) -> None:
    """The guess took a message that somebody else sent from our number; the callback knows better."""
    lose(rig, "lost", went=True)
    real = rig.twilio.messages.pop()
    rig.twilio.failures = []
    rig.send(rig.draft("strange", body="Ok"))
    strange = rig.twilio.messages[0].sid
    rig.table.delete("TEXT#strange", "TEXT")
    rig.twilio.messages[0].status, rig.twilio.messages[0].code = "undelivered", 30008
    rig.clock.advance(60)
    rig.sweep()
    assert (rig.stored("lost").sid, rig.stored("lost").state) == (strange, S.UNDELIVERED)
    call(rig, "lost", real.sid, "sent")
    text = rig.stored("lost")
    assert (text.sid, text.state, text.code, text.guessed) == (real.sid, S.SENT, None, False)
    call(rig, "lost", strange, "delivered")  # told once, it is no guess any more
    assert rig.stored("lost") == text


def test_a_guess_that_was_right_is_none_any_more(rig: LineRig) -> None:
    lose(rig, "lost", went=True)
    rig.clock.advance(60)
    rig.sweep()
    sid = rig.twilio.messages[0].sid
    call(rig, "lost", sid, "queued")
    assert (rig.stored("lost").sid, rig.stored("lost").guessed) == (sid, False)


@pytest.mark.parametrize("away", [LOST, UnavailableError("no secret")])
def test_asking_for_a_lost_text_ends_whatever_is_away(rig: LineRig, away: Exception) -> None:
    lose(rig, "lost", went=False)
    rig.twilio.away = away
    rig.clock.advance(24 * 3600)
    rig.sweep()
    assert rig.stored("lost").state is S.UNRESOLVED


def test_a_text_that_twilio_does_not_take_is_tried_ever_more_rarely(rig: LineRig) -> None:
    """A sender's queue is full for hours, or our credentials are refused: each minute for three
    days would be four thousand calls a text."""
    rig.twilio.failures = [VendorThrottledError("busy")] * 1000
    rig.send(rig.draft(purpose=Purpose.FIRST))
    tried = []
    for minute in range(1, 121):
        rig.clock.advance(60)
        before = len(rig.twilio.failures)
        rig.sweep()
        if len(rig.twilio.failures) < before:
            tried.append(minute)
    assert tried == [1, 2, 4, 8, 16, 32, 62, 92]
    for _ in range(72 * 2):
        rig.clock.advance(1800)
        rig.sweep()
    assert rig.stored().outcome == Outcome(S.BLOCKED, "too_late")
    assert len(rig.twilio.failures) > 1000 - 120
    assert rig.stored().due_at is None


def test_half_an_emoji_does_not_keep_a_text_from_going(rig: LineRig) -> None:
    """LivePerson's JSON may hold one: no table takes it, and its queue would bring it for ever."""
    assert rig.send(rig.draft(body="hi \ud83d there")).state is S.QUEUED
    assert rig.twilio.to(ANA) == ["hi \ufffd there"]
    lose(rig, "lost", went=True, body="hi \ud83d")
    rig.clock.advance(60)
    rig.sweep()
    assert rig.stored("lost").state is S.QUEUED
