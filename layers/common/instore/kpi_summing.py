"""Days that are over become summaries: what questions of months are answered from.

A day is closed once it has ended in every zone, in order; its stores are written only where nobody
has, so that a run that stops half way is taken up by the next. A late fact opens its store's day; it
is summed again, and stored only if no other fact came in between. Texts of a day that are not settled
keep it open, until every batch of the day is closed: then how many went is a fact of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from .batch import KEPT, BatchState, RowState
from .directory import Pointer
from .kpi import BEGIN_BEFORE, Fact, Figures, Kind, Period, UnitDay, figures_of
from .kpi_asking import calls_between
from .kpi_facts import sent

if TYPE_CHECKING:
    from .adapters.batches import Batches
    from .adapters.facts import Facts
    from .kpi_asking import Means
    from .program import Banner

# After the date's end everywhere (12:00 UTC of the next): an hour for whoever is still writing.
STORES_AFTER = timedelta(hours=1)
# A call's text is measured on the day of the call, up to three days later (call_promise.GIVE_UP).
CALLS_AFTER = timedelta(days=4)
SETTLE_AGAIN = timedelta(hours=6)
SECOND_LOOK = timedelta(days=5)
SPARE_S = 20.0
A_TIME = 50
WENT = (RowState.SENT, RowState.DELIVERED, RowState.REPLIED)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Summed:
    """What a run did: dates closed and store days summed again; `done` is false when time ran out."""

    closed: int = 0
    again: int = 0
    done: bool = True


@dataclass(frozen=True, slots=True)
class Abacus:
    """What summing works with; `remaining` tells the seconds this invocation still has."""

    means: Means
    batches: Batches
    remaining: Callable[[], float]

    @property
    def facts(self) -> Facts:
        return self.means.facts

    @property
    def is_late(self) -> bool:
        """Whether what is left of this invocation is to be left to the next."""
        return self.remaining() <= SPARE_S


def sum_up(abacus: Abacus, *, now: datetime) -> Summed:
    """Close what is over, then sum again what was opened. Stops when the time is short; raises
    UnavailableError when the table is away: the next run goes on."""
    summed = Summed()
    for banner in abacus.means.program.banners:
        closed = abacus.facts.closed(banner.name)
        for name, until, after, close in (
            ("stores", closed.stores, STORES_AFTER, _close_stores),
            ("calls", closed.calls, CALLS_AFTER, _close_calls),
        ):
            first = until or (now - BEGIN_BEFORE).date()
            for day in Period(first + _DAY, now.date()).days():
                if now < _end_of(day) + after:
                    break
                if not close(banner, day, abacus, now):
                    summed.done = False
                    return summed
                abacus.facts.close_day(banner.name, name=name, day=day)
                summed.closed += 1
    for key in abacus.facts.due(now=now, limit=A_TIME):
        if abacus.is_late:
            summed.done = False
            return summed
        summed.again += _again(key, abacus, now)
    return summed


def _end_of(day: date) -> datetime:
    return datetime.combine(day + _DAY, time(12), tzinfo=UTC)


def _close_stores(banner: Banner, day: date, abacus: Abacus, now: datetime) -> bool:
    """False: time ran out. What is summed stays, and the next run goes on behind it."""
    has = {one.unit for one in abacus.facts.days(banner.name, Period(day, day))}
    for unit, facts in abacus.facts.by_unit(banner.name, day=day):
        if abacus.is_late:
            return False
        if unit not in has:
            _write(UnitDay(banner.name, unit, day), facts, abacus.facts.add, abacus, now)
    if abacus.is_late:
        return False
    _look_again(banner, day - SECOND_LOOK, abacus, now)
    return True


def _look_again(banner: Banner, day: date, abacus: Abacus, now: datetime) -> None:
    """A second look at a closed day: what does not agree with its facts is opened. Nothing should; a
    process that died between a fact and its mark, and was never called again, is found so."""
    stands = {one.unit: one for one in abacus.facts.days(banner.name, Period(day, day))}
    for unit, facts in abacus.facts.by_unit(banner.name, day=day):
        one = stands.get(unit)
        if one is None or not (one.open or dict(one.figures) == _by_agent(facts, unit)):
            abacus.facts.open(banner.name, unit=unit, day=day, now=now)


def _close_calls(banner: Banner, day: date, abacus: Abacus, _now: datetime) -> bool:
    if abacus.is_late:
        return False
    facts = calls_between(banner, Period(day, day), means=abacus.means)
    for unit in {fact.unit for fact in facts}:
        figures = _by_agent(facts, unit)
        abacus.facts.add(UnitDay(banner.name, unit, day, figures))
    return True


def _again(key: tuple[str, str], abacus: Abacus, now: datetime) -> bool:
    """Sum one day again. The revision is read before the facts: a fact told later makes it another."""
    stands = abacus.facts.day_of(key)
    if stands is None or not stands.open:
        return False
    facts = abacus.facts.of_day(stands.banner, day=stands.day, unit=stands.unit)
    return _write(stands, facts, abacus.facts.replace, abacus, now)


def _write(
    stands: UnitDay, facts: Sequence[Fact], store: Callable[..., bool], abacus: Abacus,
    now: datetime,
) -> bool:  # fmt: skip
    news, pending = _settle(stands.unit, facts, abacus, now)
    figures = _by_agent([*facts, *news], stands.unit)
    summed = UnitDay(stands.banner, stands.unit, stands.day, figures, open=pending,
                     rev=stands.rev)  # fmt: skip
    return store(summed, due_at=now + SETTLE_AGAIN if pending else None)


def _by_agent(facts: Iterable[Fact], unit: str) -> dict[str | None, Figures]:
    found = figures_of(facts)
    return {agent: figures for (whose, agent), figures in found.items() if whose == unit}


def _settle(
    unit: str, facts: Sequence[Fact], abacus: Abacus, now: datetime
) -> tuple[list[Fact], bool]:
    """How many texts of the day went, for each associate whose batches of it are all closed: new
    facts of this unit, and whether somebody's are still under way.

    Who changed stores within the day has batches in both: each store gets its own.
    """
    known = {fact.name for fact in facts if fact.kind is Kind.SENT}
    news: list[Fact] = []
    pending = False
    for fact in facts:
        if fact.kind is not Kind.TEXTED or fact.name in known:
            continue
        account, _, group = unit.partition("/")
        pointer = Pointer(account, group, fact.agent or "")
        ids = abacus.facts.batches_of(pointer.account, agent=pointer.agent_id, day=fact.day)
        batches = abacus.batches.get_many(ids).values()
        young = now.date() - fact.day < KEPT - timedelta(days=1)
        if (len(batches) < len(ids) and young) or any(
            batch.state is not BatchState.CLOSED for batch in batches
        ):
            pending = True
            continue
        counts = {(pointer, fact.banner): 0}
        for batch in batches:
            whose = (batch.pointer, batch.banner)
            counts[whose] = counts.get(whose, 0) + batch.count(*WENT)
        for (whom, banner), count in counts.items():
            told = sent(whom, banner=banner, day=fact.day, count=count)
            own = (told.banner, told.unit) == (fact.banner, unit)
            abacus.facts.tell(told, now=now, opens=not own)
            if own:
                news.append(told)
    return news, pending
