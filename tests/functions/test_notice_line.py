"""The notice by the SMS line: from which number, when, once, and what a lost answer means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.line_rig import inbound, status
from tests.notice_rig import BODY, OUTBOUND, OWN, NoticeRig
from tests.outreach_rig import ACCOUNT, ANNA, BEN, away, phone

from instore.adapters.table import Table
from instore.carrier_codes import effect_of
from instore.errors import (
    BadInputError,
    TwilioRefusedError,
    UnavailableError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.line_text import Purpose, TextState
from instore.model import epoch, from_iso, iso
from instore.reasons import REASONS, notice_sentence
from instore.runtime.means import texting_means
from instore.texting import call_off


@pytest.fixture
def rig(table: Table, clock: Any) -> NoticeRig:
    rig = NoticeRig(table, clock)
    rig.customer(rig.number)
    return rig.program().converse()


def refused(code: int) -> TwilioRefusedError:
    return TwilioRefusedError(code=code, effect=effect_of(code), vendor_status=400)


# ------------------------------------------------------------ what goes, and from where


def test_the_templates_text_goes_from_the_banners_number(rig: NoticeRig) -> None:
    assert rig.assign() == 0
    assert rig.sent() == [(OUTBOUND, BODY)]
    assert (rig.notice(), rig.campaigns()) == ("sent texted", 0)
    assert "due_at" not in rig.talk()
    text = rig.line_text()
    assert text is not None
    assert (text.purpose, text.conversation) == (Purpose.NOTICE, rig.conversation)
    assert (text.pointer.agent_id if text.pointer else None, text.service) == (ANNA, None)


def test_it_goes_from_the_associates_own_number(rig: NoticeRig) -> None:
    rig.program(relay=True).own_number()
    rig.assign()
    assert rig.sent() == [(OWN, BODY)]
    text = rig.line_text()
    assert text is not None
    assert text.service == "MG" + "1" * 32
    assert list(rig.services().lines.customers_of(text.sender)) == [text.customer]


def test_the_sweep_sends_it_from_there_too(rig: NoticeRig) -> None:
    rig.program(relay=True).own_number()
    rig.clock.advance(9 * 3600)  # 21:00 in New York
    rig.converse().assign()
    rig.clock.advance(14 * 3600)
    rig.sweep()
    assert rig.sent() == [(OWN, BODY)]
    text = rig.line_text()
    assert text is not None
    assert list(rig.services().lines.customers_of(text.sender)) == [text.customer]


def test_the_sweep_looks_for_other_conversations_too(rig: NoticeRig) -> None:
    rig.program(channel="liveperson", when_open="twilio")
    rig.converse("other", state="assigned", waiting=False, due_at=None, due_shard=None)
    rig.clock.advance(9 * 3600)
    rig.converse().assign()
    rig.clock.advance(14 * 3600)
    rig.sweep()
    assert (len(rig.sent()), rig.campaigns()) == (1, 0)


@pytest.mark.parametrize("own", [
    None, {"banner": "zales"}, {"state": "quarantined"},
])  # fmt: skip
def test_without_a_number_of_their_own_for_this_banner_it_is_the_banners(
    rig: NoticeRig, own: dict[str, Any] | None
) -> None:
    rig.program(relay=True)
    if own is not None:
        rig.own_number(**own)
    rig.assign()
    assert rig.sent() == [(OUTBOUND, BODY)]


def test_where_numbers_are_shared_nobodys_own_is_looked_for(rig: NoticeRig) -> None:
    rig.own_number()
    rig.assign()
    assert rig.sent() == [(OUTBOUND, BODY)]


@pytest.mark.parametrize(("stickiness", "sender"), [("strict", OUTBOUND), ("store", OWN)])
def test_a_stranger_who_got_a_strict_customer_is_not_who_an_answer_reaches(
    rig: NoticeRig, stickiness: str, sender: str
) -> None:
    def strict(document: dict[str, Any]) -> None:
        document["routing"]["stickiness"] = stickiness
        for banner in document["banners"]:
            banner["fallback_skill"] = f"{banner['name']}-last"
        document["routing"]["steps"] = ["associate", "wait_for_associate"]

    rig.program(strict, relay=True).own_number()
    rig.converse(target=BEN)  # we asked for Ben, LivePerson gave it to Anna
    rig.assign()
    assert rig.sent() == [(sender, BODY)]
    assert rig.bound() == (None if stickiness == "strict" else ANNA)


def test_the_binding_is_there_before_the_text(rig: NoticeRig) -> None:
    bound: list[str | None] = []
    rig.twilio.during = lambda: bound.append(rig.bound())
    rig.assign()
    assert bound == [ANNA]


def test_the_answer_by_sms_finds_this_associate(rig: NoticeRig) -> None:
    """The customer texts back: what the bot is asked then names them (inbound.py, routing)."""
    rig.assign()
    assert rig.tell(inbound("I am here", rig.number, To=OUTBOUND))["statusCode"] == 200
    house = rig.services()
    customer = house.customers.get(house.customers.id_of(rig.draft(number=rig.number).to))
    assert customer is not None
    assert customer.bindings["kay"].pointer.agent_id == ANNA
    assert customer.bindings["kay"].source == "assigned"


# ------------------------------------------------------------ which channel


def test_without_twilio_in_the_program_it_is_livepersons(rig: NoticeRig) -> None:
    rig.program(channel="liveperson").converse("other", state="decided")
    rig.assign()
    assert (rig.campaigns(), rig.sent(), rig.notice()) == (1, [], "sent accepted")
    assert rig.talk()["notice"]["via"] == "liveperson"


@pytest.mark.parametrize(
    ("other", "when_open", "by_twilio"),
    [
        ({"state": "assigned"}, "twilio", True),
        ({"state": "created", "channel": "sms"}, "twilio", True),
        ({"state": "closed"}, "twilio", False),
        ({"state": "assigned", "customer": "somebody-else"}, "twilio", False),
        (None, "twilio", False),
        ({"state": "assigned"}, "liveperson", False),
    ],
)
def test_where_liveperson_would_stay_silent(
    rig: NoticeRig, other: dict[str, Any] | None, when_open: str, by_twilio: bool
) -> None:
    rig.program(channel="liveperson", when_open=when_open)
    if other is not None:
        rig.converse("other", waiting=False, wait=None, due_at=None, due_shard=None, **other)
    rig.converse()
    rig.assign()
    assert (len(rig.sent()), rig.campaigns()) == ((1, 0) if by_twilio else (0, 1))


def test_a_switched_off_line_leaves_it_to_liveperson_or_to_nobody(rig: NoticeRig) -> None:
    """`when_open` only adds to what LivePerson does; `channel` is a decision against it."""

    def off(document: dict[str, Any]) -> None:
        document["banners"][0].setdefault("features", {})["line"] = False
        assert document["banners"][0]["name"] == "kay"

    rig.converse("other", state="assigned", waiting=False)
    rig.program(off, channel="liveperson", when_open="twilio").converse()
    rig.assign()
    assert (rig.campaigns(), rig.sent()) == (1, [])
    rig.program(off).converse("third")
    rig.assign()
    assert (rig.campaigns(), rig.sent(), rig.notice()) == (1, [], "skipped stopped_banner")


def test_by_sms_the_customer_is_in_that_thread_already(rig: NoticeRig) -> None:
    rig.converse(channel="sms").assign()
    assert (rig.notice(), rig.sent(), rig.line_text()) == ("skipped same_thread", [], None)


# ------------------------------------------------------------ when it does not go


def test_without_consent_and_after_a_stop_nothing_goes(rig: NoticeRig) -> None:
    rig.customer(rig.number, consent=None)
    rig.assign()
    assert rig.notice() == "skipped no_consent"
    rig.customer(rig.number, opted_out=iso(rig.clock.now()))
    rig.converse("other").assign()
    assert (rig.notice(), rig.sent()) == ("skipped opted_out", [])


def test_an_opt_out_after_the_claim_stops_it(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored between our claim and the line's own look: the line reads the customer last."""
    from instore.adapters.texts import Texts

    begin = Texts.begin

    def stopped(texts: Texts, draft: Any, **rest: Any) -> Any:
        rig.services().customers.opt_out(draft.customer, banner="kay", scope="all", how="sms",
                                         words="STOP", now=rig.clock.now())  # fmt: skip
        return begin(texts, draft, **rest)

    monkeypatch.setattr(Texts, "begin", stopped)
    rig.assign()
    assert (rig.notice(), rig.sent()) == ("skipped opted_out", [])


@pytest.mark.parametrize(
    ("stops", "reason"),
    [({"all": True}, "stopped_all"), ({"banners": ["kay"]}, "stopped_banner"),
     ({"stores": ["4100"]}, "stopped_store"),
     ({"associates": ["anna@kay.example.com"]}, "stopped_associate")],
)  # fmt: skip
def test_stop_switches(rig: NoticeRig, stops: dict[str, Any], reason: str) -> None:
    rig.program(lambda document: document.update(stops=stops)).assign()
    assert (rig.notice(), rig.sent()) == (f"skipped {reason}", [])


def test_at_night_it_waits_for_the_morning(rig: NoticeRig) -> None:
    rig.clock.advance(9 * 3600)  # 21:00 in New York
    rig.converse().assign()
    assert rig.talk()["notice"]["state"] == "deferred"
    assert rig.line_text() is None
    rig.pass_minutes(3)
    assert rig.sent() == []
    rig.clock.advance(14 * 3600)
    rig.sweep()
    assert (len(rig.sent()), rig.notice()) == (1, "sent texted")


def test_hours_that_end_before_the_line_looks_defer_it_and_the_next_morning_it_goes(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.adapters.texts import Texts

    begin = Texts.begin
    rig.clock.advance(8 * 3600 - 5)  # 19:59:55
    rig.converse()

    def late(texts: Texts, *rest: Any, **more: Any) -> Any:
        rig.clock.advance(6)
        return begin(texts, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Texts, "begin", late)
        rig.assign()
    notice, text = rig.talk()["notice"], rig.line_text()
    assert text is not None
    assert (notice["state"], notice["reason"]) == ("deferred", "outside_window")
    assert notice["until"] == epoch(from_iso("2026-11-19T16:00:00.000Z"))
    # The line does not send it behind our back: by then somebody else may have the conversation.
    assert (text.state, text.reason, text.due_at) == (TextState.BLOCKED, "called_off", None)
    rig.clock.advance(15 * 3600)
    rig.sweep()
    assert [body for _, body in rig.sent()] == [BODY]
    assert rig.notice() == "sent texted"


@pytest.mark.parametrize("number", [OUTBOUND, OWN])
def test_a_held_number_sends_no_notice(rig: NoticeRig, number: str) -> None:
    rig.program(relay=True).own_number()
    if number == OUTBOUND:
        rig.table.delete(f"ASSOCIATE#{ACCOUNT}#{ANNA}", "LINE")
    until = epoch(rig.clock.now() + timedelta(hours=3))
    rig.table.put({"pk": f"NUMBER#10000001#{OUTBOUND}", "sk": "NUMBER", "held_until": until,
                   "rev": 1, "judged_to": 1, "run": 5, "at": iso(rig.clock.now()), "who": "sweep"})  # fmt: skip
    rig.assign()
    if number == OWN:
        assert (rig.notice(), len(rig.sent())) == ("sent texted", 1)
    else:
        assert (rig.notice(), rig.sent()) == ("skipped number_held", [])


def test_a_text_that_got_too_long_is_not_cut(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instore.notice_line.MAX_TEXT", len(BODY) - 1)
    rig.assign()
    assert (rig.notice(), rig.sent(), rig.line_text()) == ("skipped too_long", [], None)
    monkeypatch.setattr("instore.notice_line.MAX_TEXT", len(BODY))
    rig.converse("other").assign()
    assert len(rig.sent()) == 1


# ------------------------------------------------------------ what Twilio answers


@pytest.mark.parametrize(
    ("answer", "notice"),
    [(refused(21610), "skipped opted_out"), (refused(21211), "skipped unreachable"),
     (refused(21606), "skipped sender_lost"), (refused(30999), "skipped twilio_30999"),
     (BadInputError("no", code="invalid_number"), "skipped invalid_number")],
)  # fmt: skip
def test_a_refusal_is_the_end_of_it(rig: NoticeRig, answer: Exception, notice: str) -> None:
    rig.twilio.failures = [answer]
    rig.assign()
    assert rig.notice() == notice
    rig.pass_minutes(5)
    assert (rig.sent(), rig.campaigns()) == ([], 0)


def test_a_busy_twilio_is_asked_again_and_the_words_are_of_then(rig: NoticeRig) -> None:
    rig.twilio.failures = [VendorThrottledError("429"), VendorThrottledError("429")]
    rig.assign()
    assert rig.notice() == "due line_busy"
    rig.pass_minutes(1)
    assert (rig.notice(), rig.sent()) == ("due line_busy", [])
    rig.told(rig.change(f"pid-{BEN}", at=90))  # somebody else takes over
    rig.pass_minutes(1)
    assert rig.sent() == [(OUTBOUND, BODY.replace("N201", "N202"))]
    assert (rig.notice(), rig.bound()) == ("sent texted", BEN)
    assert rig.line_text() is not None


@pytest.mark.parametrize("closed", [True, False])
def test_a_busy_twilio_and_then_nobody_has_it(rig: NoticeRig, closed: bool) -> None:
    rig.twilio.failures = [VendorThrottledError("429")]
    rig.assign()
    rig.told(rig.change(at=90, closed=closed))
    rig.pass_minutes(3)
    assert (rig.notice(), rig.sent()) == (f"skipped {'closed' if closed else 'agent_left'}", [])


@pytest.mark.parametrize("reached", [True, False])
def test_a_lost_answer_is_never_a_second_text(rig: NoticeRig, reached: bool) -> None:
    rig.twilio.failures = [VendorUnavailableError("time-out")]
    rig.twilio.processed_although_failed = reached
    rig.assign()
    assert rig.talk()["notice"]["state"] == "claimed"
    rig.assign()  # LivePerson tells it again
    rig.program(channel="liveperson")  # and nobody sends it the other way
    rig.pass_an_hour()
    assert (len(rig.sent()), rig.campaigns()) == (int(reached), 0)
    assert rig.notice() == ("sent texted" if reached else "unknown text_not_found")
    assert "due_at" not in rig.talk()


def test_a_lost_answer_that_is_not_cleared_up_is_looked_at_again(rig: NoticeRig) -> None:
    rig.twilio.failures = [VendorUnavailableError("time-out")]
    rig.assign()
    rig.clock.advance(180)
    assert rig.look().metrics == ()
    assert rig.talk()["due_at"] == epoch(rig.clock.now()) + 180
    rig.clock.advance(179)
    assert rig.look().notice is None


def test_a_text_that_is_known_not_to_have_arrived_is_told_so(rig: NoticeRig) -> None:
    rig.twilio.failures = [VendorUnavailableError("time-out")]
    rig.twilio.processed_although_failed = True
    rig.assign()
    text = rig.line_text()
    assert text is not None
    rig.tell(status(rig.twilio.messages[-1].sid, "undelivered", code=30005, From=OUTBOUND),
             path="/twilio/status", query=f"text={text.id}")  # fmt: skip
    rig.deliver_sms()
    rig.clock.advance(180)
    assert rig.look().metrics == ("NoticesSent",)
    assert rig.notice() == "sent not_received"


def test_a_line_that_was_taken_out_of_the_program_leaves_it_unknown(rig: NoticeRig) -> None:
    rig.twilio.failures = [VendorUnavailableError("time-out")]
    rig.assign()
    rig.apply()
    rig.clock.advance(180)
    assert rig.look().metrics == ("NoticesUnknown",)
    assert rig.notice() == "unknown claim_lost"


def test_a_table_away_leaves_it_to_the_sweep(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.adapters.texts import Texts

    with monkeypatch.context() as patch:
        patch.setattr(Texts, "begin", away)
        assert rig.assign() == 1
    assert rig.talk()["notice"]["state"] == "claimed"
    rig.pass_minutes(3)
    assert rig.notice() == "due claim_lost"
    rig.pass_minutes(1)
    assert (rig.notice(), len(rig.sent())) == ("sent texted", 1)


@pytest.mark.parametrize(
    ("pids", "closed", "why"),
    [((f"pid-{BEN}",), False, "agent_left"), ((), False, "agent_left"), ((), True, "closed")],
)
def test_it_changed_hands_while_it_was_claimed_in_vain(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch, pids: Any, closed: bool, why: str
) -> None:
    """Claimed about Anna, and the process ended: a text about her would be untrue by now."""
    from instore.adapters.texts import Texts

    with monkeypatch.context() as patch:
        patch.setattr(Texts, "begin", away)
        rig.converse(wanted=None).assign()
    rig.told(rig.change(*pids, at=90, closed=closed))
    rig.pass_minutes(5)
    assert (rig.notice(), rig.sent()) == (f"skipped {why}", [])


def test_who_left_is_not_announced_by_what_the_line_kept_for_the_morning(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours ended before the line looked, the process ended before it called the text off, Anna
    left, and the customer waits anew: what was claimed is nobody's any more."""
    from instore import notify
    from instore.adapters.texts import Texts

    begin = Texts.begin
    rig.clock.advance(8 * 3600 - 5)  # 19:59:55
    rig.converse()

    def late(texts: Texts, *rest: Any, **more: Any) -> Any:
        rig.clock.advance(6)
        return begin(texts, *rest, **more)

    def die(*_: Any, **__: Any) -> None:
        raise UnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(Texts, "begin", late)
        patch.setattr(notify, "came_to", die)
        assert rig.assign() == 1
    kept = rig.line_text()
    assert kept is not None
    assert (rig.talk()["notice"]["state"], kept.state) == ("claimed", TextState.DEFERRED)
    assert rig.told(rig.change(at=70)) == 0
    assert rig.services().texts.get(kept.id).outcome.is_called_off  # type: ignore[union-attr]  # it is there
    rig.told(rig.change(f"pid-{BEN}", at=100))
    for _ in range(2):
        rig.clock.advance(15 * 3600 // 2)
        rig.sweep()
    assert [body[:4] for _, body in rig.sent()] == ["N202"]
    assert rig.notice() == "sent texted"


def test_a_new_wait_is_a_new_text(rig: NoticeRig) -> None:
    rig.told(rig.change(f"pid-{ANNA}"), rig.change(at=120), rig.change(f"pid-{ANNA}", at=180))
    assert [body for _, body in rig.sent()] == [BODY, BODY]
    assert rig.talk()["notice"]["wait"] == 2
    assert len({rig.services().texts.get(one.callback.split("text=")[1].split("#")[0])
                for one in rig.twilio.messages}) == 2  # fmt: skip


# ------------------------------------------------------------ calling a text off


def test_calling_off_takes_back_what_nobody_asked_twilio_for(rig: NoticeRig) -> None:
    means = texting_means(rig.services(), count=rig.counted.append)
    rig.twilio.failures = [VendorThrottledError("429")]
    assert rig.send(rig.draft("c-1")).state is TextState.INTENDED
    assert call_off("c-1", means=means).is_called_off
    assert call_off("c-1", means=means).is_called_off
    assert rig.stored("c-1").to is None
    rig.pass_minutes(2)
    assert rig.twilio.to(phone(0)) == []
    assert rig.send(rig.draft("c-1", body="after all")).state is TextState.QUEUED
    assert rig.twilio.to(phone(0)) == ["after all"]
    assert call_off("c-1", means=means).state is TextState.QUEUED
    assert rig.send(rig.draft("c-1")).state is TextState.QUEUED
    assert rig.twilio.to(phone(0)) == ["after all"]
    with pytest.raises(BadInputError):
        call_off("nobody", means=means)


def test_calling_off_a_text_that_keeps_changing(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = rig.services()
    rig.twilio.failures = [VendorThrottledError("429")]
    rig.send(rig.draft("c-2"))
    monkeypatch.setattr(house.texts, "save", lambda *_, **__: None)
    with pytest.raises(UnavailableError) as caught:
        call_off("c-2", means=texting_means(house, count=rig.counted.append))
    assert caught.value.public_code == "text_contended"


def test_a_text_wanted_after_all_that_somebody_else_has_taken_up(
    rig: NoticeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.texting import send

    house = rig.services()
    means = texting_means(house, count=rig.counted.append)
    rig.twilio.failures = [VendorThrottledError("429")]
    rig.send(rig.draft("c-3"))
    call_off("c-3", means=means)
    monkeypatch.setattr(house.texts, "save", lambda *_, **__: None)
    assert send(rig.draft("c-3"), means=means).is_called_off
    assert rig.twilio.to(phone(0)) == []


# ------------------------------------------------------------ what a person is told


def test_every_way_it_ends_has_a_sentence() -> None:
    for reason in ("texted", "not_received", "line_busy", "line_looks", "text_not_found",
                   "line_off", "sender_lost", "too_late", "too_long", "number_held"):  # fmt: skip
        assert REASONS[reason] in notice_sentence("skipped", reason)
    assert notice_sentence("skipped", "twilio_30999") == (
        "It was not sent. Twilio refused it with its code 30999."
    )


@pytest.fixture(autouse=True)
def _nothing_personal_is_logged(
    rig: NoticeRig, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    yield
    said = "".join(capfd.readouterr())
    assert rig.number[1:] not in said
    assert "has read your message" not in said
