"""Texts of the line when somebody else was faster, the table or Twilio is away, or a thing is gone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.line_rig import SENDER, LineRig, status
from tests.outreach_rig import phone

from instore.adapters.table import Table
from instore.carrier_codes import Effect
from instore.errors import TwilioRefusedError, UnavailableError, VendorUnavailableError
from instore.line_sweeping import take_up
from instore.line_text import Outcome, Purpose, TextState, Word
from instore.runtime.means import texting_means
from instore.runtime.services import using
from instore.texting import send, start

ANA = phone(0)
S = TextState


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    rig = LineRig(table, clock)
    rig.customer(ANA)
    return rig


def means(rig: LineRig, **changes: Any) -> Any:
    return replace(texting_means(rig.services(), count=rig.counted.append), **changes)


def look(rig: LineRig, text: str = "t-1", **changes: Any) -> Any:
    found = rig.services().texts.get(text)
    return None if found is None else take_up(found, means=means(rig, **changes))


def away(*_: Any, **__: Any) -> Any:
    raise UnavailableError("the table did not answer")


def test_a_customer_who_cannot_be_read_is_not_texted_and_the_text_not_lost(rig: LineRig) -> None:
    with pytest.raises(UnavailableError):
        send(rig.draft(), means=means(rig, customers=SimpleNamespace(get=away)))
    assert rig.stored().outcome == Outcome(S.INTENDED, "unavailable")
    assert rig.twilio.messages == []
    rig.clock.advance(60)
    rig.sweep()
    assert rig.twilio.to(ANA) == ["Hello t-1"]


def test_a_claim_that_somebody_else_has_is_left_alone(rig: LineRig) -> None:
    rig.clock.advance(12 * 3600)
    rig.send(rig.draft(purpose=Purpose.NOTICE))
    stale = rig.stored()
    rig.clock.advance(11 * 3600)
    assert start(stale, means=means(rig)).state is S.QUEUED
    assert start(stale, means=means(rig)).state is S.QUEUED
    assert len(rig.twilio.messages) == 1
    rig.table.delete("TEXT#t-1", "TEXT")
    assert start(stale, means=means(rig)) == stale.outcome


def test_a_status_that_came_while_the_call_failed_is_truer(rig: LineRig) -> None:
    def heard() -> None:
        house = rig.services()
        text = rig.stored()
        from instore.line_effects import take_word
        from instore.runtime.means import status_means

        take_word(text, sid=rig.twilio.messages[0].sid, word=Word(S.SENT, None, rig.clock.now()),
                  means=status_means(house, count=rig.counted.append))  # fmt: skip

    rig.twilio.failures, rig.twilio.processed_although_failed = [VendorUnavailableError("x")], True
    rig.twilio.during = heard
    assert rig.send(rig.draft()).state is S.SENT
    assert rig.stored().state is S.SENT


def test_what_is_not_due_or_gone_is_left_alone(rig: LineRig) -> None:
    assert look(rig, "nobody") is None
    rig.send(rig.draft())
    assert look(rig) is None


def test_two_sweeps_that_find_a_dead_claim(rig: LineRig, monkeypatch: pytest.MonkeyPatch) -> None:
    house = rig.services()
    text, _ = house.texts.begin(rig.draft(), now=rig.clock.now(), due_at=rig.clock.now())
    claimed = house.texts.save(replace(text, state=S.CLAIMED, claimed_at=rig.clock.now()),
                               before=text)  # fmt: skip
    assert claimed is not None
    texts = SimpleNamespace(get=lambda _: claimed, save=lambda *_, **__: None)
    assert look(rig, texts=texts) is None
    unknown = replace(claimed, state=S.UNKNOWN)
    texts.get = lambda _: unknown
    assert look(rig, texts=texts) is None
    rig.clock.advance(60)
    assert look(rig).state is S.UNKNOWN
    assert rig.stored().reason == "claim_lost"
    assert rig.counted == ["LineTextsUnknown"]


def test_an_unknown_text_waits_for_a_line_that_was_switched_off(rig: LineRig) -> None:
    rig.twilio.failures = [VendorUnavailableError("x")]
    rig.send(rig.draft())
    rig.with_line(lambda d: d.pop("line"))
    rig.clock.advance(3600)
    assert look(rig).state is S.UNKNOWN
    assert rig.twilio.asked == []
    rig.clock.advance(23 * 3600)
    assert look(rig).state is S.UNRESOLVED


@pytest.mark.parametrize("failure", [
    TwilioRefusedError(code=20404, effect=Effect.NONE), VendorUnavailableError("x"),
])  # fmt: skip
def test_a_text_that_twilio_does_not_tell_of_is_left_as_it_is(
    rig: LineRig, failure: Exception
) -> None:
    rig.send(rig.draft())
    rig.twilio.away = failure
    for hours in (1, 23):
        rig.clock.advance(hours * 3600)
        assert look(rig).state is S.QUEUED
    assert rig.stored().due_at is None


def test_a_look_learns_how_it_ended(rig: LineRig) -> None:
    rig.send(rig.draft())
    rig.twilio.messages[0].status, rig.twilio.messages[0].code = "undelivered", 30005
    rig.clock.advance(3600)
    assert look(rig).state is S.UNDELIVERED
    assert rig.services().customers.get(rig.draft().customer).unreachable == "twilio_30005"  # type: ignore[union-attr]  # it is there
    rig.send(rig.draft("t-2", phone(1)))
    rig.twilio.messages[1].status = "no word we know"
    rig.clock.advance(3600)
    assert look(rig, "t-2").state is S.QUEUED


def test_a_due_time_that_was_left_over_is_taken_away(rig: LineRig) -> None:
    house = rig.services()
    text, _ = house.texts.begin(rig.draft(), now=rig.clock.now(), due_at=rig.clock.now())
    house.texts.save(replace(text, state=S.REFUSED), before=text)
    assert look(rig).state is S.REFUSED
    assert rig.stored().due_at is None


def test_a_word_that_cannot_be_stored_is_to_come_again(rig: LineRig) -> None:
    from instore.line_effects import take_word

    rig.send(rig.draft())
    text = rig.stored()
    word = Word(S.DELIVERED, None, rig.clock.now())
    stuck = SimpleNamespace(get=lambda _: text, save=lambda *_, **__: None)
    with pytest.raises(UnavailableError):
        take_word(text, sid=text.sid or "", word=word, means=means(rig, texts=stuck))
    stuck.get = lambda _: None
    assert take_word(text, sid=text.sid or "", word=word, means=means(rig, texts=stuck)) is text


def test_the_sweep_begins_no_call_that_it_cannot_end(rig: LineRig) -> None:
    rig.twilio.failures = [VendorUnavailableError("x")]
    rig.send(rig.draft())
    rig.clock.advance(60)
    rig.remaining_s = 19.0
    rig.sweep()
    assert rig.twilio.asked == []
    rig.remaining_s = 30.0
    rig.sweep()
    assert rig.twilio.asked == ["list"]


def test_a_text_left_to_a_person_is_named_in_the_log(
    rig: LineRig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.twilio.failures = [VendorUnavailableError("x")]
    rig.send(rig.draft())
    rig.clock.advance(3601)
    rig.sweep()
    told = [vars(one)["text"] for one in caplog.records if one.msg == "Text left to a person"]
    assert told == ["TEXT#t-1"]


def test_outside_of_the_country_nobody_may_be_texted_first(rig: LineRig) -> None:
    number = "+442071838750"
    rig.customer(number)
    assert rig.send(rig.draft("uk", number, purpose=Purpose.FIRST)) == Outcome(S.BLOCKED, "never")
    assert rig.send(rig.draft("uk-2", number)).went


def test_a_banner_that_is_gone_sends_nothing(rig: LineRig) -> None:
    assert rig.send(rig.draft(banner="nobodys")) == Outcome(S.BLOCKED, "stopped_banner")


def test_a_means_without_an_address_takes_the_one_it_is_told(rig: LineRig) -> None:
    with using(rig.services()) as house:
        made = texting_means(house, count=rig.counted.append, public_url="https://other.example/")
    assert made.public_url == "https://other.example"


def test_a_number_may_be_lost_while_a_text_waits(rig: LineRig) -> None:
    rig.clock.advance(12 * 3600)
    rig.send(rig.draft(purpose=Purpose.NOTICE))
    rig.clock.advance(11 * 3600)
    rig.twilio.failures = [TwilioRefusedError(code=21606, effect=Effect.SENDER_LOST)]
    rig.sweep()
    assert rig.stored().outcome == Outcome(S.REFUSED, "sender_lost")
    assert rig.table.get(f"LINE#{rig.draft().sender.e164}", "LOST") is not None


@pytest.mark.parametrize("code", [21606, 30034])
def test_a_callback_may_tell_of_our_number_or_account(
    rig: LineRig, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.send(rig.draft())
    rig.tell(status(rig.twilio.messages[0].sid, "failed", code=code), path="/twilio/status",
             query="text=t-1")  # fmt: skip
    rig.deliver_sms()
    assert (rig.table.get(f"LINE#{SENDER}", "LOST") is not None) is (code == 21606)
    assert ("SendersLost" if code == 21606 else "LineTroubles") in capsys.readouterr().out
