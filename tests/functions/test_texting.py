"""Sending one text over the line: what goes, what waits, what is blocked, and what failed calls do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.line_rig import PUBLIC, SENDER, LineRig
from tests.outreach_rig import ACCOUNT, ANNA, phone

from instore.adapters.table import Table
from instore.carrier_codes import Effect, effect_of
from instore.errors import (
    BadInputError,
    TwilioRefusedError,
    UnavailableError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.line_text import Outcome, Purpose, TextState
from instore.model import iso

ANA = phone(0)
S = TextState


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    return LineRig(table, clock)


def refused(code: int | None) -> TwilioRefusedError:
    return TwilioRefusedError(code=code, effect=effect_of(code), vendor_status=400)


def test_a_text_goes_once_and_leaves_no_number_behind(rig: LineRig) -> None:
    assert rig.send(rig.draft()) == Outcome(S.QUEUED)
    (message,) = rig.twilio.messages
    assert (message.to, message.sender, message.body) == (ANA, SENDER, "Hello t-1")
    assert message.callback == f"{PUBLIC}/twilio/status?text=t-1#rc=3&rp=all"
    item = rig.table.get("TEXT#t-1", "TEXT")
    assert item is not None
    assert {"to", "body", "media"} & set(item) == set()
    assert item["sid"] == message.sid
    assert item["history"] == [["queued", None, iso(rig.clock.now())]]
    assert rig.counted == ["LineTextsAccepted"]


def test_the_same_id_is_the_same_text_whatever_it_says(rig: LineRig) -> None:
    rig.send(rig.draft())
    assert rig.send(rig.draft(body="Something else", to=rig.draft(number=phone(1)).to)).state == (
        S.QUEUED
    )
    assert len(rig.twilio.messages) == 1


def test_what_a_text_costs(rig: LineRig, requests_made: list[Any]) -> None:
    requests_made.clear()
    rig.send(rig.draft())
    first = [operation for _, operation, _ in requests_made]
    # What is written twice is the claim and what Twilio said; program and store are kept a minute.
    assert first == ["PutItem", "UpdateItem", "GetItem", "GetItem", "GetItem", "UpdateItem"]
    requests_made.clear()
    rig.send(rig.draft())
    assert [operation for _, operation, _ in requests_made] == ["PutItem"]


@pytest.mark.parametrize("purpose", list(Purpose))
def test_an_opt_out_stops_all_but_its_own_answer(rig: LineRig, purpose: Purpose) -> None:
    rig.customer(ANA, opted_out=iso(rig.clock.now()))
    outcome = rig.send(rig.draft(purpose=purpose, asked_at=rig.clock.now()))
    if purpose is Purpose.CONFIRM:
        assert outcome == Outcome(S.QUEUED)
        assert rig.twilio.messages[0].validity_s == 290  # a call takes ten seconds at most
    else:
        assert outcome == Outcome(S.BLOCKED, "opted_out")
        assert rig.twilio.messages == []
        assert "body" not in rig.table.get("TEXT#t-1", "TEXT")  # type: ignore[operator]  # it is there


@pytest.mark.parametrize(("purpose", "outcome"), [
    (Purpose.REPLY, Outcome(S.QUEUED)), (Purpose.ASKED, Outcome(S.QUEUED)),
    (Purpose.NOTICE, Outcome(S.BLOCKED, "no_consent")),
    (Purpose.FIRST, Outcome(S.BLOCKED, "no_consent")),
])  # fmt: skip
def test_only_what_nobody_asked_for_needs_consent(
    rig: LineRig, purpose: Purpose, outcome: Outcome
) -> None:
    rig.customer(ANA, consent=None)
    assert rig.send(rig.draft(purpose=purpose, asked_at=rig.clock.now())) == outcome


NIGHT_H = 12  # five in the morning in New York


@pytest.mark.parametrize(("purpose", "state"), [
    (Purpose.REPLY, S.QUEUED), (Purpose.ASKED, S.QUEUED),
    (Purpose.NOTICE, S.DEFERRED), (Purpose.FIRST, S.DEFERRED),
])  # fmt: skip
def test_only_what_nobody_asked_for_minds_the_hours(
    rig: LineRig, purpose: Purpose, state: TextState
) -> None:
    rig.customer(ANA)
    rig.clock.advance(NIGHT_H * 3600)
    draft = rig.draft(purpose=purpose, asked_at=rig.clock.now())
    outcome = rig.send(draft)
    assert outcome.state is state
    if state is not S.DEFERRED:
        # What was asked for just now may not lie at Twilio into the night, either.
        assert rig.twilio.messages[0].validity_s == (3600 if purpose is Purpose.REPLY else 890)
        return
    assert outcome.reason == "outside_window"
    assert iso(outcome.until) == "2026-11-19T16:00:00.000Z"  # type: ignore[arg-type]  # 11:00 in the shop
    assert rig.send(draft) == outcome
    rig.clock.advance((16 - 5) * 3600 - 60)
    rig.sweep()
    assert rig.twilio.messages == []
    rig.clock.advance(60)
    rig.sweep()
    assert rig.twilio.to(ANA) == ["Hello t-1"]
    assert rig.stored().state is S.QUEUED


def test_what_was_asked_for_long_ago_minds_the_hours(rig: LineRig) -> None:
    rig.customer(ANA)
    rig.clock.advance(NIGHT_H * 3600)
    asked = rig.clock.now() - timedelta(minutes=15, seconds=1)
    assert rig.send(rig.draft(purpose=Purpose.ASKED, asked_at=asked)).state is S.DEFERRED


def test_twilio_may_keep_it_only_as_long_as_the_hours_last(rig: LineRig) -> None:
    rig.customer(ANA)
    rig.send(rig.draft(purpose=Purpose.NOTICE))  # noon; shop and law end at 20:00 or later
    rig.clock.advance(7 * 3600 + 55 * 60)
    rig.send(rig.draft("t-2", purpose=Purpose.NOTICE))
    rig.clock.advance(4 * 60 + 44)
    rig.send(rig.draft("t-3", purpose=Purpose.NOTICE))
    rig.clock.advance(1)  # 15 s left, of which the call may take 10: 5 are too few
    assert rig.send(rig.draft("t-4", purpose=Purpose.NOTICE)).state is S.DEFERRED
    assert [m.validity_s for m in rig.twilio.messages] == [8 * 3600 - 10, 290, 6]


def test_what_was_asked_for_lies_at_twilio_as_long_as_it_may_go(rig: LineRig) -> None:
    rig.customer(ANA)
    asked = rig.clock.now()
    rig.send(rig.draft(purpose=Purpose.ASKED, asked_at=asked))  # noon: an hour
    rig.clock.advance(7 * 3600 + 50 * 60)  # ten minutes before the shop closes
    rig.send(rig.draft("t-2", purpose=Purpose.ASKED, asked_at=rig.clock.now()))
    rig.send(rig.draft("t-3", purpose=Purpose.ASKED, asked_at=asked))
    assert [m.validity_s for m in rig.twilio.messages] == [3600, 890, 590]


def test_a_stop_is_confirmed_in_time_or_not_at_all(rig: LineRig) -> None:
    asked = rig.clock.now()
    rig.clock.advance(5 * 60 - 16)
    rig.send(rig.draft(purpose=Purpose.CONFIRM, asked_at=asked))
    rig.clock.advance(1)
    late = rig.send(rig.draft("t-2", purpose=Purpose.CONFIRM, asked_at=asked))
    assert late == Outcome(S.BLOCKED, "too_late")
    assert [m.validity_s for m in rig.twilio.messages] == [6]


def test_a_stop_stored_after_the_intent_and_before_the_call_wins(rig: LineRig) -> None:
    rig.customer(ANA)
    rig.clock.advance(NIGHT_H * 3600)
    assert rig.send(rig.draft(purpose=Purpose.NOTICE)).state is S.DEFERRED
    customers = rig.services().customers
    customers.opt_out(rig.draft().customer, banner="kay", scope="all", how="sms", words="STOP",
                      now=rig.clock.now())  # fmt: skip
    rig.clock.advance(11 * 3600)
    rig.sweep()
    assert rig.twilio.messages == []
    assert rig.stored().outcome == Outcome(S.BLOCKED, "opted_out")


@pytest.mark.parametrize(("change", "reason"), [
    (lambda d: d.update(stops={"all": True}), "stopped_all"),
    (lambda d: d["banners"][0].update(stopped=True), "stopped_banner"),
    (lambda d: d["banners"][0].update(features={"line": False}), "stopped_banner"),
    (lambda d: d.update(stops={"associates": ["ANNA@kay.example.com"]}), "stopped_associate"),
    (lambda d: d.pop("line"), "line_off"),
])  # fmt: skip
def test_switches_stop_even_replies(rig: LineRig, change: Any, reason: str) -> None:
    rig.with_line(change)
    assert rig.send(rig.draft()) == Outcome(S.BLOCKED, reason)
    assert rig.twilio.messages == []


def test_whose_store_is_not_known_has_no_hours(rig: LineRig) -> None:
    rig.customer(ANA)
    rig.table.delete(f"STORE#{ACCOUNT}#4100", "STORE")
    outcome = rig.send(rig.draft(purpose=Purpose.NOTICE))
    assert outcome == Outcome(S.BLOCKED, "unknown_associate")
    assert rig.send(rig.draft("t-2")).state is S.QUEUED  # a reply needs no hours


def test_the_brands_own_text_minds_the_law_alone(rig: LineRig) -> None:
    rig.customer(ANA)
    rig.clock.advance(-2 * 3600)  # ten in New York: lawful, and no associate's hour yet
    assert rig.send(rig.draft(purpose=Purpose.FIRST)).state is S.DEFERRED
    assert rig.send(rig.draft("t-2", purpose=Purpose.FIRST, pointer=None)).state is S.QUEUED


@pytest.mark.parametrize("failure", [
    VendorThrottledError("busy"), VendorNotReachedError("away"),
    VendorNotAuthorizedError("who?"), UnavailableError("no secret"), refused(21611),
    refused(14107),
])  # fmt: skip
def test_what_certainly_did_nothing_is_tried_again_by_the_sweep(
    rig: LineRig, failure: Exception
) -> None:
    rig.twilio.failures = [failure, failure]
    assert rig.send(rig.draft()).state is S.INTENDED
    rig.sweep()
    assert rig.twilio.messages == []  # not before a minute has passed
    rig.clock.advance(60)
    rig.sweep()
    assert rig.stored().state is S.INTENDED
    rig.clock.advance(60)
    rig.sweep()
    assert rig.stored().state is S.QUEUED
    assert rig.twilio.to(ANA) == ["Hello t-1"]


def test_words_of_a_conversation_do_not_come_an_hour_late(rig: LineRig) -> None:
    rig.twilio.failures = [VendorThrottledError("busy")]
    rig.send(rig.draft())
    rig.clock.advance(3601)
    rig.sweep()
    assert rig.stored().outcome == Outcome(S.BLOCKED, "too_late")
    assert rig.twilio.messages == []


@pytest.mark.parametrize("failure", [
    VendorUnavailableError("time-out"), VendorGarbageError("what?"),
])  # fmt: skip
def test_a_lost_answer_is_never_posted_again_and_found_in_the_list(
    rig: LineRig, failure: Exception
) -> None:
    rig.twilio.failures, rig.twilio.processed_although_failed = [failure], True
    assert rig.send(rig.draft()) == Outcome(S.UNKNOWN, failure.public_code)  # type: ignore[attr-defined]  # every one has it
    assert rig.send(rig.draft()).state is S.UNKNOWN
    rig.twilio.messages[0].status = "delivered"
    rig.clock.advance(60)
    rig.sweep()
    assert rig.stored().state is S.DELIVERED
    assert rig.stored().sid == rig.twilio.messages[0].sid
    assert len(rig.twilio.messages) == 1


def test_a_lost_answer_of_a_text_that_never_was_is_left_to_a_person(rig: LineRig) -> None:
    rig.twilio.failures = [VendorUnavailableError("reset")]
    rig.send(rig.draft())
    for _ in range(61):
        rig.clock.advance(60)
        rig.sweep()
    text = rig.stored()
    assert text.outcome == Outcome(S.UNRESOLVED, "vendor_unavailable")
    assert (text.to, text.body, text.due_at) == (None, "", None)
    assert rig.twilio.asked == ["list"] * 4  # after 1, 5, 15 and 60 minutes
    assert rig.twilio.messages == []


def test_a_twilio_that_cannot_be_asked_is_asked_for_a_day(rig: LineRig) -> None:
    rig.twilio.failures = [VendorUnavailableError("reset")]
    rig.twilio.away = VendorUnavailableError("away")
    rig.send(rig.draft())
    for _ in range(23 * 6):
        rig.clock.advance(600)
        rig.sweep()
    assert rig.stored().state is S.UNKNOWN
    for _ in range(8):
        rig.clock.advance(600)
        rig.sweep()
    assert rig.stored().state is S.UNRESOLVED


def test_the_list_is_read_with_care(rig: LineRig) -> None:
    """Same words to the same person: yesterday's, another text's, one that came later."""
    rig.send(rig.draft("old", body="Ok"))
    rig.clock.advance(86400)
    rig.send(rig.draft("known", body="Ok"))
    rig.twilio.failures = [VendorUnavailableError("reset")]
    rig.send(rig.draft("lost", body="Ok"))
    rig.clock.advance(240)
    rig.send(rig.draft("later", body="Ok"))
    rig.sweep()
    assert rig.stored("lost").state is S.UNKNOWN
    rig.clock.advance(3600)
    rig.sweep()
    assert rig.stored("lost").state is S.UNRESOLVED


@pytest.mark.parametrize(("code", "reason"), [
    (21211, "unreachable"), (21614, "unreachable"), (21610, "opted_out"), (21606, "sender_lost"),
    (21617, "twilio_21617"), (21701, "twilio_21701"), (99999, "twilio_99999"),
    (None, "twilio_400"),
])  # fmt: skip
def test_a_refusal_is_final_and_its_code_has_its_effect(
    rig: LineRig, code: int | None, reason: str
) -> None:
    name = rig.customer(ANA)
    rig.twilio.failures = [refused(code)]
    assert rig.send(rig.draft()) == Outcome(S.REFUSED, reason)
    rig.clock.advance(7200)
    rig.sweep()
    assert rig.twilio.messages == []
    customer = rig.services().customers.get(name)
    assert customer is not None
    effect = effect_of(code)
    assert (customer.opted_out is not None) is (effect is Effect.SUPPRESS)
    assert (customer.unreachable is not None) is (effect is Effect.BAD_NUMBER)
    lost = rig.table.get(f"LINE#{SENDER}", "LOST")
    assert (lost is not None) is (effect is Effect.SENDER_LOST)
    counts = {Effect.SUPPRESS: "OptedOut", Effect.SENDER_LOST: "SendersLost",
              Effect.ALARM: "LineTroubles", Effect.STOP_BATCH: "LineTroubles"}  # fmt: skip
    wanted = [counts[effect]] if effect in counts else []
    assert rig.counted == [*wanted, "LineTextsRefused"]
    if effect in (Effect.SUPPRESS, Effect.BAD_NUMBER):
        assert rig.send(rig.draft("t-2")).state is S.BLOCKED  # and every next one before the call


def test_what_the_client_refuses_is_our_mistake(rig: LineRig) -> None:
    rig.twilio.failures = [BadInputError("too long", code="too_long")]
    assert rig.send(rig.draft()) == Outcome(S.REFUSED, "too_long")
    assert rig.counted == ["LineTroubles", "LineTextsRefused"]


def test_a_status_may_come_before_the_answer(rig: LineRig) -> None:
    def during() -> None:
        from tests.line_rig import status

        rig.tell(status(rig.twilio.messages[0].sid, "sent"), path="/twilio/status",
                 query="text=t-1")  # fmt: skip
        rig.deliver_sms()

    rig.twilio.during = during
    assert rig.send(rig.draft()).state is S.SENT
    assert [word.status for word in rig.stored().history] == [S.QUEUED, S.SENT]


def test_a_text_whose_callbacks_got_lost_is_looked_at_twice(rig: LineRig) -> None:
    rig.send(rig.draft())
    rig.twilio.messages[0].status = "sent"
    rig.clock.advance(3600)
    rig.sweep()
    assert rig.stored().state is S.SENT
    rig.clock.advance(23 * 3600)
    rig.sweep()
    assert rig.stored().due_at is None  # a carrier without receipts: it stays `sent` for good
    assert rig.twilio.asked == ["fetch", "fetch"]


def test_a_draft_that_could_not_go_is_none() -> None:
    rig: Any = LineRig
    with pytest.raises(ValueError, match="URL"):
        rig.draft(rig, "a b")
    with pytest.raises(ValueError, match="says or shows"):
        rig.draft(rig, body="")
    with pytest.raises(ValueError, match="asked for"):
        rig.draft(rig, purpose=Purpose.ASKED)
    assert rig.draft(rig).pointer.agent_id == ANNA
