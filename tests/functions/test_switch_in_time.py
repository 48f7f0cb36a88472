"""A kill switch is effective within a minute, wherever a text stands: on the clock, in processes
that know the old program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests import assigned_rig
from tests.assigned_rig import DANA
from tests.outreach_rig import ACCOUNT, GROUP, LOGINS, Rig, sqs_event

from instore.adapters.programs import Programs
from instore.adapters.table import Table
from instore.assigning import take
from instore.errors import UnavailableError
from instore.program import Program, load_program
from instore.runtime.services import Services, using

Change = Callable[[dict[str, Any]], None]
SWITCHES = [
    (lambda d: d.update(stops={"all": True}), "stopped_all"),
    (lambda d: d.update(stops={"banners": ["kay"]}), "stopped_banner"),
    (lambda d: d.update(stops={"stores": [f"{ACCOUNT}/{GROUP}"]}), "stopped_store"),
    (lambda d: d.update(stops={"associates": [LOGINS["201"]]}), "stopped_associate"),
]
EACH_SWITCH = pytest.mark.parametrize(("switch", "reason"), SWITCHES)


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def deliver(rig: Rig, house: Services) -> Any:
    """All that waits, to a process that has been running for a while."""
    from proactive_batch import app

    bodies = [f'{{"batch": "{batch_id}"}}' for batch_id in rig.queue.take()]
    with using(house):
        return app.handler(sqs_event(bodies), rig.context())


@EACH_SWITCH
def test_what_is_queued_does_not_go_a_minute_later(rig: Rig, switch: Change, reason: str) -> None:
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    house = rig.services()
    house.programs.current()  # the process knows the old program, read this very instant
    rig.apply(switch)
    rig.clock.advance(60)
    deliver(rig, house)
    assert rig.vendor.asked == []
    assert rig.item(batch_id)["rows"][0]["r"] == reason
    assert not rig.leased(number)


@EACH_SWITCH
def test_what_stands_in_the_line_does_not_go_either(rig: Rig, switch: Change, reason: str) -> None:
    """The invocation began with a program 59 s old, then waited for its turn: the switch thrown
    before that counts when the turn comes, for the batch just claimed."""
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    house = rig.services()
    house.programs.current()
    rig.apply(switch)
    rig.clock.advance(59)
    rate = 9 * 0.8
    house.pace.take("10000001", channel="bulk", count=round(30 * rate), rate=rate, max_wait=0)
    began = rig.clock.now()
    deliver(rig, house)
    assert rig.clock.now() - began == timedelta(seconds=30)
    assert rig.vendor.asked == []
    assert rig.item(batch_id)["rows"][0]["r"] == reason


def test_a_program_that_cannot_be_read_when_the_turn_comes_sends_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    house = rig.services()
    known, asked = house.programs.current(), [1]

    def current(_: Programs) -> Program:
        if asked.pop() == 1:
            asked.append(2)
            return known
        raise UnavailableError("the table did not answer")

    monkeypatch.setattr(Programs, "current", current)
    assert deliver(rig, house) == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert rig.vendor.asked == []
    assert rig.states(batch_id) == ["accepted"]
    assert rig.item(batch_id)["state"] == "accepted"


def test_a_resume_lets_the_next_ones_go(rig: Rig) -> None:
    first, second = rig.customers(2)
    house = rig.services()
    rig.apply(lambda d: d.update(stops={"all": True}))
    rig.text([first])
    rig.apply()
    rig.text([second], key="k-2")
    rig.clock.advance(60)
    deliver(rig, house)
    assert rig.vendor.texts == {second[1:]: 1}


# ------------------------------------------------------------------ notices


@pytest.fixture
def waiting(table: Table, strict_program: Program, clock: Any) -> assigned_rig.Rig:
    return assigned_rig.Rig(table, strict_program, clock).converse().consent()


def stopped(program: Program) -> Program:
    document = program.model_dump(mode="json", by_alias=True)
    return load_program({**document, "stops": {"all": True}})


def test_a_notice_whose_turn_came_after_the_switch_does_not_go(waiting: assigned_rig.Rig) -> None:
    means = replace(waiting.means, current=lambda: stopped(waiting.program))
    take(waiting.change(60, DANA), means=means, now=waiting.clock.now())
    assert waiting.notice() == "skipped stopped_all"
    assert waiting.vendor.campaigns == []


def test_a_notice_whose_program_cannot_be_read_is_due_again(waiting: assigned_rig.Rig) -> None:
    def away() -> Program:
        raise UnavailableError("the table did not answer")

    means = replace(waiting.means, current=away)
    with pytest.raises(UnavailableError):
        take(waiting.change(60, DANA), means=means, now=waiting.clock.now())
    assert waiting.notice() == "due unavailable"
    assert waiting.vendor.campaigns == []


def test_a_notice_does_not_go_through_a_held_number(waiting: assigned_rig.Rig) -> None:
    means, now = waiting.means, waiting.clock.now()
    owner, number = waiting.program.owner.id, waiting.program.banners[0].number.outbound
    free = means.numbers.hold_of(owner, number=number)
    assert means.numbers.hold(free, account=owner, run=20, now=now, until=now + timedelta(hours=1))
    waiting.take(waiting.change(60, DANA))
    assert waiting.notice() == "skipped number_held"
    assert waiting.vendor.campaigns == []
    assert waiting.bound() == "111", "the reply still finds the associate"


def test_a_notice_goes_when_the_hold_is_over(waiting: assigned_rig.Rig) -> None:
    means, now = waiting.means, waiting.clock.now()
    owner, number = waiting.program.owner.id, waiting.program.banners[0].number.outbound
    free = means.numbers.hold_of(owner, number=number)
    means.numbers.hold(free, account=owner, run=20, now=now, until=now + timedelta(hours=1))
    waiting.clock.advance(3600)
    waiting.take(waiting.change(60, DANA))
    assert waiting.notice() == "sent"


def test_a_process_reads_a_switch_within_sixty_seconds_of_it(rig: Rig) -> None:
    """Read strongly consistent: what was applied before the read is in it."""
    programs = Programs(rig.table, now=rig.clock.now)
    for late_s in (0, 1, 30, 59):
        assert programs.current().stops.all is False
        rig.apply(lambda d: d.update(stops={"all": True}))
        rig.clock.advance(late_s)
        programs.current()
        rig.clock.advance(60 - late_s)
        assert programs.current().stops.all is True
        rig.apply()
        rig.clock.advance(60)
