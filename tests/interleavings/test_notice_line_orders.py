"""A notice by the SMS line: killed at every boundary, and two or three at it at once (I4, I13).

At most one text to the customer over both channels, whatever dies, whoever comes again and whatever
the program says by then; and none lost but the one of which nobody can know.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tests.interleavings.orders import all_orders_that_differ
from tests.notice_rig import NoticeRig
from tests.outreach_rig import ACCOUNT, ANNA, BEN, GROUP, Killed, phone

from instore.adapters.table import Table
from instore.assigning import take
from instore.assignment_state import NoticeState
from instore.carrier_codes import Effect
from instore.errors import TwilioRefusedError, VendorThrottledError, VendorUnavailableError
from instore.line_sweeping import take_up
from instore.line_text import Draft, Purpose
from instore.model import Phone, epoch, epoch_ms, iso
from instore.notice_line import text_id
from instore.notify import Means, Notice, attempt, resume
from instore.number_health import Hold
from instore.runtime.means import notice_means, texting_means
from instore.runtime.services import Services
from instore.texting import call_off, send

EXHAUSTIVE = bool(os.environ.get("INSTORE_EXHAUSTIVE"))
# Killed after a call is killed before the next one: only the last differs.
SIDES = (False, pytest.param(True, marks=pytest.mark.slow))
NOON = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)


@pytest.fixture
def rig(table: Table, clock: Any) -> NoticeRig:
    rig = NoticeRig(table, clock, alone=not EXHAUSTIVE)
    rig.customer(rig.number)
    return rig.program().converse()


def fresh(rig: NoticeRig, name: str, **changed: Any) -> None:
    """A wait that begins at noon; what went before is not counted."""
    rig.forget()
    rig.twilio.failures = []
    rig.clock.advance((NOON - rig.clock.now()).total_seconds())
    rig.converse(name, **changed)


def another(rig: NoticeRig, n: int) -> None:
    """Another customer waits: Twilio's list has the same words for nobody else of their number.
    The sweep has nothing more to do with the last one's text, and the clock that was put back does
    not hold up LivePerson's line."""
    rig.table.delete("PACE#10000001#notify", "PACE")
    if "notice" in rig.talk():
        rig.table.delete(f"TEXT#{text_id(rig.talk())}", "TEXT")
    rig.number = phone(100 + n)
    rig.customer(rig.number)
    fresh(rig, f"wait-{n}")


def assigned_until(rig: NoticeRig, n: int, *, after: bool) -> bool:
    """Anna takes it, and the process dies at the n-th boundary. False: there is none."""
    rig.boundaries.reset(n, after=after)
    killed = False
    try:
        rig.assign()
    except Killed:
        killed = True
    rig.boundaries.reset()
    return killed


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("relay", [False, True])
def test_killed_anywhere_it_is_one_text_or_honestly_unknown(
    rig: NoticeRig, after: bool, flipped: bool, relay: bool
) -> None:
    """`flipped`: the program says the other channel from right after the death on."""
    if relay:
        rig.own_number()
    ends: list[str] = []
    for n in range(60):
        rig.program(relay=relay)
        another(rig, n)
        killed = assigned_until(rig, n, after=after)
        if flipped:
            rig.program(relay=relay, channel="liveperson")
        rig.told(rig.change(f"pid-{ANNA}"))  # the queue brings it again
        rig.pass_minutes(6)
        rig.told(rig.change(f"pid-{ANNA}"))
        if rig.notice().startswith("claimed"):
            rig.pass_an_hour()  # Twilio's list is asked for an hour
        reached = len(rig.sent()) + rig.campaigns()
        ends.append(rig.notice())
        assert reached <= 1, n
        assert ends[-1] == {1: "sent texted" if rig.sent() else "sent accepted",
                            0: "unknown text_not_found"}[reached], n  # fmt: skip
        assert rig.bound() == ANNA
        assert "due_at" not in rig.talk(), n
        if not killed:
            break
    assert len(ends) > 15
    # Unknown is only what died with the text claimed: customer and line are read in between.
    assert 1 <= ends.count("unknown text_not_found") <= 3
    assert ("sent accepted" in ends) == flipped


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("flipped", [False, True])
def test_killed_with_liveperson_asked_it_does_not_go_by_the_line_as_well(
    rig: NoticeRig, after: bool, flipped: bool
) -> None:
    """What LivePerson was asked nobody can tell: there is no text of the line, and none begins."""
    ends: list[str] = []
    for n in range(60):
        rig.program(channel="liveperson")
        another(rig, n)
        killed = assigned_until(rig, n, after=after)
        if flipped:
            rig.program()
        rig.told(rig.change(f"pid-{ANNA}"))
        rig.pass_minutes(6)
        ends.append(rig.notice())
        assert len(rig.sent()) + rig.campaigns() <= 1, n
        if ends[-1] != "unknown claim_lost":
            assert ends[-1] == ("sent texted" if rig.sent() else "sent accepted"), n
            assert len(rig.sent()) + rig.campaigns() == 1, n
        if not killed:
            break
    assert 1 <= ends.count("unknown claim_lost") <= 3
    assert ("sent texted" in ends) == flipped


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize(
    ("failure", "processed"),
    [(VendorUnavailableError("time-out"), True),
     *(pytest.param(*row, marks=pytest.mark.slow) for row in (
         (VendorUnavailableError("time-out"), False), (VendorThrottledError("busy"), False),
         (TwilioRefusedError(code=30999, effect=Effect.NONE), False)))],
)  # fmt: skip
def test_killed_while_twilio_fails_it_is_never_a_second_text(
    rig: NoticeRig, failure: Exception, processed: bool, after: bool
) -> None:
    refused = isinstance(failure, TwilioRefusedError)
    for n in range(60):
        rig.program()
        another(rig, n)
        rig.twilio.failures, rig.twilio.processed_although_failed = [failure], processed
        killed = assigned_until(rig, n, after=after)
        rig.pass_an_hour()
        failed = not rig.twilio.failures
        reached = len(rig.sent())
        assert reached <= 1
        assert rig.campaigns() == 0
        if killed and rig.notice() == "none":
            assert rig.talk()["waiting"] is True  # the news came to nothing: the queue has it yet
        elif reached:
            assert rig.notice() == "sent texted", n
        elif refused and failed and rig.notice().startswith("skipped"):
            assert rig.notice() == "skipped twilio_30999", n
        else:
            assert rig.notice() == "unknown text_not_found", n
        if not killed:
            return
    raise AssertionError("an assignment has more than sixty boundaries")


@pytest.mark.parametrize("after", SIDES)
def test_the_sweep_killed_anywhere_sends_at_most_once(rig: NoticeRig, after: bool) -> None:
    for n in range(60):
        another(rig, n)
        rig.twilio.failures = [VendorThrottledError("busy")]
        rig.assign()
        assert rig.notice() == "due line_busy"
        rig.clock.advance(61)
        rig.boundaries.reset(n, after=after)
        killed = False
        try:
            rig.look()
        except Killed:
            killed = True
        rig.boundaries.reset()
        rig.pass_an_hour()
        assert (len(rig.sent()), rig.notice()) in (
            (1, "sent texted"), (0, "unknown text_not_found")), n  # fmt: skip
        if not killed:
            assert len(rig.sent()) == 1
            return
    raise AssertionError("its step has more than sixty boundaries")


# ------------------------------------------------------------ at once, in every order


def warm(house: Services) -> None:
    """What a process reads once a minute it has read: two must not wait for one another in it."""
    house.programs.current()
    house.stores.store(ACCOUNT, group=GROUP)
    for pid in (f"pid-{ANNA}", f"pid-{BEN}"):
        house.stores.by_pid(ACCOUNT, pid=pid)


def due(rig: NoticeRig, *, change: Any = None, **notice: Any) -> None:
    """The conversation with a notice that the sweep finds due, and no text yet: the same items in
    every order, or the search takes them for different ones. `change`: news not yet settled."""
    now = rig.clock.now()
    fresh(rig, "the-one", state="assigned", agent=f"pid-{ANNA}", agent_id=ANNA, waiting=False,
          due_at=epoch(now), changed_ts=epoch_ms(now), changed_rank=2, change=change,
          notice={"wait": 1, "state": "due", "at": iso(now), "since": iso(now),
                  "account": ACCOUNT, "group": GROUP, "agent": ANNA, **notice})  # fmt: skip
    rig.table.delete(f"TEXT#{text_id(rig.talk())}", "TEXT")


def quiet(house: Services, rig: NoticeRig) -> Means:
    """Means whose customer and number make no requests: what is left are the requests of the
    conversation and its text, few enough to try every order of them."""
    means = notice_means(house)
    assert means.line is not None
    known = house.customers.get(house.customers.id_of(Phone(rig.number)))
    customers: Any = SimpleNamespace(get=lambda _: known, bind=lambda *_, **__: None)
    numbers: Any = SimpleNamespace(hold_of=lambda *_, **__: Hold(""))
    pace: Any = SimpleNamespace(take=lambda *_, **__: 0.0)
    sending = replace(texting_means(house, count=rig.counted.append), customers=customers)
    line = replace(means.line, send=lambda draft: send(draft, means=sending),
                   call_off=lambda text: call_off(text, means=sending))  # fmt: skip
    return replace(means, customers=customers, numbers=numbers, pace=pace, line=line)


@pytest.mark.parametrize("sweeps", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_function_and_sweeps_at_one_notice(rig: NoticeRig, sweeps: int) -> None:
    house = rig.services()
    warm(house)
    means = quiet(house, rig)

    def start() -> list[Any]:
        due(rig, change={"closed": False, "pids": [f"pid-{ANNA}"]})
        key, now = (rig.pk, "CONVERSATION"), rig.clock.now()
        again = rig.change(f"pid-{ANNA}", at=0)
        return [lambda: take(again, means=means, now=now),
                *[lambda: resume(key, means=means, now=now)] * sweeps]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)]
        assert (len(rig.sent()), rig.campaigns()) == (1, 0)
        assert rig.notice() == "sent texted"
        assert [one.notice.state for one in results if one.notice is not None] == ["sent"]

    assert all_orders_that_differ(start, check) > 10


def test_a_sweep_by_each_channel_at_one_notice(rig: NoticeRig) -> None:
    """One process has the program from before a switch of channels, the other from after it."""
    house, other = rig.services(), rig.services()
    warm(house)
    means = quiet(house, rig)
    rig.program(channel="liveperson")
    warm(other)
    switched = quiet(other, rig)
    seen: set[str] = set()

    def start() -> list[Any]:
        due(rig)
        key, now = (rig.pk, "CONVERSATION"), rig.clock.now()
        return [lambda: resume(key, means=means, now=now),
                lambda: resume(key, means=switched, now=now)]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)]
        assert len(rig.sent()) + rig.campaigns() == 1
        assert rig.notice() == ("sent texted" if rig.sent() else "sent accepted")
        seen.add(rig.talk()["notice"]["via"])

    assert all_orders_that_differ(start, check) > 2
    assert seen == {"twilio", "liveperson"}


@pytest.mark.parametrize("text_first", [True, False])
def test_the_sweeps_text_and_the_sweeps_notice_meet(rig: NoticeRig, text_first: bool) -> None:
    """Killed with the text written down and not claimed: the line's sweep sends it, the notice's
    sweep takes it back. One of the two wins, and the text goes once in the end."""
    house = rig.services()
    warm(house)
    means = quiet(house, rig)
    assert means.line is not None
    ends: set[str] = set()

    def start() -> list[Any]:
        due(rig, state="claimed", via="twilio")
        warm(house)
        now = rig.clock.now()
        draft = Draft(id=text_id(rig.talk()), sender=Phone("+19295550100"), to=Phone(rig.number),
                      body="words", purpose=Purpose.NOTICE, banner="kay",
                      customer=rig.talk()["customer"])  # fmt: skip
        house.texts.begin(draft, now=now, due_at=now)
        both = [
            lambda: take_up(house.texts.get(draft.id) or pytest.fail("no such text"),
                            means=texting_means(house, count=rig.counted.append)),
            lambda: resume((rig.pk, "CONVERSATION"), means=means, now=now),
        ]  # fmt: skip
        return both if text_first else both[::-1]

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)]
        notice, text = rig.talk()["notice"]["state"], rig.line_text()
        assert text is not None
        ends.add(notice)
        if notice == "due":  # taken back in time: it is tried anew
            assert (text.outcome.is_called_off, rig.sent()) == (True, [])
            assert attempt(rig.talk(), means=means) == Notice(NoticeState.SENT, "texted")
        assert len(rig.sent()) == 1
        if notice == "claimed":  # it was read while Twilio was being asked: it is read again
            assert rig.talk()["due_at"] == epoch(rig.clock.now()) + 180

    assert all_orders_that_differ(start, check) > 2
    assert ends == {"sent", "due", "claimed"}


def test_somebody_takes_over_while_it_is_being_sent(rig: NoticeRig) -> None:
    house = rig.services()
    warm(house)
    means = quiet(house, rig)

    def start() -> list[Any]:
        due(rig)
        key, now = (rig.pk, "CONVERSATION"), rig.clock.now()
        over = rig.change(f"pid-{BEN}", at=1)
        return [lambda: resume(key, means=means, now=now),
                lambda: take(over, means=means, now=now)]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)]
        ((_, body),) = rig.sent()
        notice = rig.talk()["notice"]
        assert body.startswith("N201" if notice["agent"] == ANNA else "N202")
        assert (notice["state"], rig.talk()["agent_id"]) == ("sent", BEN)

    assert all_orders_that_differ(start, check) > 2
