"""The vendor's pace is shared: texts in bulk can fill their own part and nothing of the notices'."""

from __future__ import annotations

from typing import Any

import pytest
from tests import assigned_rig
from tests.assigned_rig import DANA
from tests.outreach_rig import Rig

from instore.adapters.pace import Pace
from instore.adapters.table import Table
from instore.notify import PACE_WAIT_S
from instore.program import Program

RATE, SHARE = 9, 0.2  # of both samples


@pytest.fixture
def waiting(table: Table, strict_program: Program, clock: Any) -> assigned_rig.Rig:
    return assigned_rig.Rig(table, strict_program, clock).converse().consent()


def test_a_full_line_of_bulk_delays_a_notice_by_nothing(waiting: assigned_rig.Rig) -> None:
    owner, pace = waiting.program.owner.id, waiting.means.pace
    rate = RATE * (1 - SHARE)
    pace.take(owner, channel="bulk", count=round(3600 * rate), rate=rate, max_wait=0)
    assert pace.take(owner, channel="bulk", count=1, rate=rate, max_wait=60) is None
    before = waiting.clock.now()
    waiting.take(waiting.change(60, DANA))
    assert waiting.notice() == "sent"
    assert waiting.clock.now() == before


@pytest.mark.parametrize(("ahead", "waited_s"), [(1, 0.556), (5, 2.778)])
def test_a_notice_waits_for_the_notices_before_it(
    waiting: assigned_rig.Rig, ahead: int, waited_s: float
) -> None:
    """The bound: n notices before it take n / 1.8 seconds; beyond three it is due again."""
    owner, pace = waiting.program.owner.id, waiting.means.pace
    pace.take(owner, channel="notify", count=ahead, rate=RATE * SHARE, max_wait=0)
    before = waiting.clock.now()
    waiting.take(waiting.change(60, DANA))
    assert waiting.notice() == "sent"
    assert (waiting.clock.now() - before).total_seconds() == pytest.approx(waited_s, abs=0.001)
    assert waited_s <= PACE_WAIT_S


def test_with_too_many_before_it_a_notice_is_due_again(waiting: assigned_rig.Rig) -> None:
    owner, pace = waiting.program.owner.id, waiting.means.pace
    pace.take(owner, channel="notify", count=6, rate=RATE * SHARE, max_wait=0)
    before = waiting.clock.now()
    waiting.take(waiting.change(60, DANA))
    assert waiting.notice() == "due paced"
    assert waiting.clock.now() == before


def test_both_shares_together_are_what_the_vendor_allows(
    table: Table, clock: Any, strict_program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[str, float] = {}
    inner = Pace.take

    def note(self: Pace, account: str, *, channel: str, rate: float, **more: Any) -> float | None:
        taken[channel] = rate
        return inner(self, account, channel=channel, rate=rate, **more)

    monkeypatch.setattr(Pace, "take", note)
    bulk = Rig(table, clock)
    bulk.text(bulk.customers(1))
    bulk.deliver()
    notices = assigned_rig.Rig(table, strict_program, clock).converse().consent()
    notices.take(notices.change(60, DANA))
    assert notices.notice() == "sent"
    assert taken == {"bulk": pytest.approx(7.2), "notify": pytest.approx(1.8)}
    assert sum(taken.values()) <= RATE
