"""Summing is killed before or after any one call, or meets a late fact or another run there.

However it goes: every answer is what the facts come to, then and after the next runs; every day is
summed in the end, and the report is the one that would have been written (I13).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.kpi_rig import BEFORE, DAY, FAR, Kind, KpiRig, Reports, fact
from tests.map_rig import restore, snapshot
from tests.outreach_rig import Killed

from instore.adapters.table import Table
from instore.kpi import Figures, Period, figures_of, total
from instore.kpi_asking import Question, ask

# A run inside a run hands in the metrics of both.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")

EXHAUSTIVE = bool(os.environ.get("INSTORE_EXHAUSTIVE"))
START = datetime(2026, 12, 4, 12, 30, tzinfo=UTC)  # the report of November is due
NEW = DAY.replace(month=12, day=2)
LATE = (
    fact(Kind.REPLY, "r1", wall_s=7, hours_s=5, day=NEW), fact(Kind.REPLY, "r9", wall_s=9, hours_s=9),
    fact(Kind.REPLY, "r8", wall_s=8, hours_s=8, unit=FAR),  # of the day that is summed again
    fact(Kind.REQUEST, "r9", by="email", unit="10000002/77", day=BEFORE),
)  # fmt: skip


class Tries(KpiRig):
    """Two days that are over and not closed, one of November that a late fact opened, texts of a
    batch that is settled, and the report due: one run does all of it."""

    def __init__(self, table: Table, clock: Any) -> None:
        super().__init__(table, clock)
        self.apply(lambda d: d.update(banners=d["banners"][:1]))
        self.tell(
            fact(Kind.REQUEST, "r1", by="text"), fact(Kind.REQUEST, "r2", by="text", unit=FAR)
        )
        self.text(self.customers(2))
        self.settle(20)
        self.at(datetime(2026, 12, 2, 12, 30, tzinfo=UTC))
        self.facts.close_day("kay", name="stores", day=BEFORE - timedelta(days=2))
        self.facts.close_day("kay", name="calls", day=DAY + timedelta(days=8))
        self.report()
        self.tell(fact(Kind.REQUEST, "r1", by="email", day=NEW), fact(Kind.CONVERSATION, "c", day=NEW),
                  fact(Kind.CONVERSATION, "d", unit=FAR, day=NEW, agent="301"))  # fmt: skip
        self.tell(fact(Kind.REPLY, "r2", unit=FAR, wall_s=3, hours_s=2))
        self.at(START)
        self._beginning = snapshot(table)

    def anew(self) -> Tries:
        restore(self.table, self._beginning)
        self.clock = type(self.clock)(START)
        self.reports = Reports(self.boundaries)
        self.boundaries.reset()
        return self

    def answer(self) -> Figures:
        question = Question(Period(BEFORE - timedelta(days=9), START.date()), ["kay"])
        return total(ask(question, means=self.means, now=self.clock.now()).values())

    def oracle(self) -> Figures:
        """What all facts there are come to."""
        days = (BEFORE + timedelta(days=n) for n in range(20))
        facts = [one for day in days for one in self.facts.of_day("kay", day=day)]
        return total(figures_of(facts).values())

    def ends_well(self) -> None:
        assert self.answer() == self.oracle()
        self.clock.advance(3600)
        self.report()
        assert self.answer() == self.oracle()
        open_ = [one for one in self.facts.days("kay", Period(BEFORE, START.date())) if one.open]
        assert open_ == []
        assert list(self.reports.files) == ["reports/2026-11.html"]
        assert self.facts.reported() == "2026-11"
        self.boundaries.reset()
        assert self.report() == {"closed": 0, "again": 0, "done": True, "report": None}
        assert not {"dynamodb.PutItem", "dynamodb.UpdateItem"} & set(self.boundaries.names)


@pytest.fixture
def rig(table: Table, clock: Any, straight: None) -> Tries:
    return Tries(table, clock)


def calls_of(rig: Tries, run: Callable[[], Any]) -> list[str]:
    rig.anew()
    run()
    return list(rig.boundaries.names)


WRITES = ("s3.PutObject", "dynamodb.PutItem", "dynamodb.UpdateItem")


def boundaries(names: list[str], *, every: int) -> list[int]:
    """Before which calls something happens: before each write, and each of so many reads; before all
    of them in make proofs."""
    return [n for n, name in enumerate(names)
            if EXHAUSTIVE or name in WRITES or n % every == 0]  # fmt: skip


def test_killed_at_each_call_the_next_run_ends_the_same(rig: Tries) -> None:
    names = calls_of(rig, rig.report)
    page = rig.reports.files["reports/2026-11.html"]
    assert {"s3.PutObject", "dynamodb.PutItem", "dynamodb.UpdateItem"} <= set(names)
    assert rig.oracle().counts["texts_sent"] == 2
    # Killed between two writes is killed before the second, whatever was read in between.
    for n in boundaries(names, every=len(names) - 1):
        # Killed after a call is killed before the next one.
        for after in (False, True) if EXHAUSTIVE or n == len(names) - 1 else (False,):
            rig.anew().boundaries.reset(n, after=after)
            with pytest.raises(Killed):
                rig.report()
            rig.boundaries.reset()
            assert rig.answer() == rig.oracle(), (n, names[n])
            rig.report()
            assert rig.reports.files["reports/2026-11.html"] == page, (n, names[n])
            rig.ends_well()


@contextmanager
def meanwhile(rig: Tries, at: int, what: Callable[[], Any]) -> Iterator[None]:
    """Let something happen right before the n-th call of a run."""
    calls, kind = [0], rig.boundaries.__class__
    original = kind.cross

    def cross(self: Any, name: str, run: Callable[[], Any]) -> Any:
        calls[0] += 1
        if calls[0] == at + 1:
            kind.cross = original  # type: ignore[method-assign]  # for this test only
            try:
                what()
            finally:
                kind.cross = cross  # type: ignore[method-assign]  # for this test only
        return original(self, name, run)

    kind.cross = cross  # type: ignore[method-assign]  # for this test only
    try:
        yield
    finally:
        kind.cross = original  # type: ignore[method-assign]  # for this test only


def test_a_late_fact_told_before_any_call_is_lost_by_none(rig: Tries) -> None:
    names = calls_of(rig, rig.report)
    for n in boundaries(names, every=4):
        rig.anew()
        with meanwhile(rig, n, lambda: rig.tell(*LATE)):
            rig.report()
        assert rig.oracle().counts["requests_email"] == 2
        rig.ends_well()


def test_two_runs_at_once_are_one(rig: Tries) -> None:
    names = calls_of(rig, rig.report)
    for n in boundaries(names, every=4):
        rig.anew()
        with meanwhile(rig, n, rig.report):
            rig.report()
        rig.ends_well()


def test_two_runs_and_a_late_fact_in_between(rig: Tries) -> None:
    """The slower run has read the facts, a late one comes and is summed by the faster run; what the
    slower one writes then must not undo that."""
    names = calls_of(rig, rig.report)

    def both() -> None:
        rig.tell(*LATE)
        rig.clock.advance(16 * 60)
        rig.report()

    for n in boundaries(names, every=4):
        rig.anew()
        with meanwhile(rig, n, both):
            rig.report()
        rig.ends_well()


def test_telling_is_killed_and_done_again(rig: Tries) -> None:
    for late in LATE:
        for n in range(2):
            for after in (False, True):
                rig.anew()
                rig.report()
                rig.boundaries.reset(n, after=after)
                with suppress(Killed), rig.process() as house:
                    house.facts.tell(late, now=rig.clock.now())
                rig.boundaries.reset()
                rig.tell(late)
                assert rig.answer() == rig.oracle()
                rig.ends_well()


def test_a_run_between_a_fact_and_its_mark(rig: Tries) -> None:
    def run() -> None:
        rig.clock.advance(16 * 60)
        rig.report()

    for late in LATE:
        for n in range(2):
            rig.anew()
            rig.report()
            # Opened before already: there is something to be summed again.
            rig.tell(fact(Kind.CONVERSATION, "e", unit=late.unit, day=late.day))
            with meanwhile(rig, n, run), rig.process() as house:
                house.facts.tell(late, now=rig.clock.now())
            assert rig.answer() == rig.oracle()
            rig.ends_well()
