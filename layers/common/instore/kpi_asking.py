"""What the indices are over a period: summed days where a day is closed, facts where it is not.

Exact at any time and without a scan: a day younger than the last closed one, and one that a late fact
has opened again, is read from its facts. Every store's days are its own; a period is dates, not
instants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from .kpi import BEGIN_BEFORE, Fact, Figures, Period, UnitDay, figures_of, total
from .kpi_facts import of_call

if TYPE_CHECKING:
    from .adapters.calls import Calls
    from .adapters.facts import Facts
    from .adapters.stores import Stores
    from .measured import Measured
    from .program import Banner, Program

MOST_DAYS = 400
FEW = 5  # open units of one day are asked for one by one, more of them all together
_AHEAD = timedelta(hours=14)  # the earliest zone: some store has tomorrow already
_DAY = timedelta(days=1)


class By(StrEnum):
    """What makes a row of the answer."""

    ALL = "all"
    BANNER = "banner"
    STORE = "store"
    ASSOCIATE = "associate"
    BRANCH = "branch"
    DAY = "day"
    UNIT_DAY = "unit_day"  # for the report, which adds up the rest itself


@dataclass(frozen=True, slots=True)
class Question:
    """Which figures. `units`: None = every store and branch of the banners."""

    period: Period
    banners: Sequence[str]
    units: Sequence[str] | None = None
    agent: str | None = None
    by: By = By.ALL


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What a row is about; "" = it is not told apart."""

    banner: str = ""
    unit: str = ""
    agent: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What asking and summing work with."""

    program: Program
    facts: Facts
    calls: Calls
    stores: Stores


@dataclass(frozen=True, slots=True)
class _Part:
    """Figures of one agent of one unit on one day."""

    banner: str
    unit: str
    day: date
    agent: str | None
    figures: Figures


def ask(question: Question, *, means: Means, now: datetime) -> dict[Place, Figures]:
    """Figures by row, in order of place; one row of nothing for a question by ALL without facts."""
    rows: dict[Place, list[Figures]] = {Place(): []} if question.by is By.ALL else {}
    for banner in question.banners:
        for part in _parts(banner, question, means, now):
            place = _place(part, question.by)
            if place is not None and question.agent in (None, part.agent):
                rows.setdefault(place, []).append(part.figures)
    return {place: total(rows[place]) for place in sorted(rows)}


def _place(part: _Part, by: By) -> Place | None:
    branch = _is_branch(part.unit)
    match by:
        case By.ALL:
            return Place()
        case By.BANNER:
            return Place(part.banner)
        case By.DAY:
            return Place(day=part.day.isoformat())
        case By.UNIT_DAY:
            return Place(part.banner, part.unit, day=part.day.isoformat())
        case By.STORE:
            return None if branch else Place(part.banner, part.unit)
        case By.BRANCH:
            return Place(part.banner, part.unit) if branch else None
        case By.ASSOCIATE:
            known = part.agent is not None and not branch
            return Place(part.banner, part.unit, part.agent or "") if known else None


def _parts(banner: str, question: Question, means: Means, now: datetime) -> Iterator[_Part]:
    period, units = question.period, question.units
    last = min(period.last, (now + _AHEAD).date())
    if last < period.first:
        return
    closed = means.facts.closed(banner)
    if units is None:
        summed = means.facts.days(banner, first=period.first, last=last)
    else:
        summed = means.facts.days_of(banner, units=units, first=period.first, last=last)

    def is_closed(day: date, unit: str) -> bool:
        until = closed.calls if _is_branch(unit) else closed.stores
        return until is not None and day <= until

    counted = [one for one in summed if is_closed(one.day, one.unit)]
    for one in counted:
        if not one.open:
            for agent, figures in one.figures.items():
                yield _Part(banner, one.unit, one.day, agent, figures)
    raw = list(_opened(banner, [one for one in counted if one.open], means))
    shops = units is None or any(not _is_branch(unit) for unit in units)
    lines = units is None or any(_is_branch(unit) for unit in units)
    oldest = (now - BEGIN_BEFORE).date()
    young = Period(max(period.first, (closed.stores or oldest) + _DAY), last)
    for day in young.days() if shops else ():
        raw += _facts_of(banner, day, units, means)
    young = Period(max(period.first, (closed.calls or oldest) + _DAY), last)
    if lines and young.first <= young.last:
        raw += calls_between(means.program.banner(banner), young, means=means)
    yield from _summed(raw, units)


def _opened(banner: str, days: Sequence[UnitDay], means: Means) -> Iterator[Fact]:
    for day, number in Counter(one.day for one in days).items():
        wanted = [one.unit for one in days if one.day == day]
        if number > FEW:
            every = means.facts.of_day(banner, day=day)
            yield from (fact for fact in every if fact.unit in wanted)
        else:
            for unit in wanted:
                yield from means.facts.of_day(banner, day=day, unit=unit)


def _facts_of(banner: str, day: date, units: Sequence[str] | None, means: Means) -> Iterable[Fact]:
    if units is None:
        return means.facts.of_day(banner, day=day)
    return [fact for unit in units if not _is_branch(unit)
            for fact in means.facts.of_day(banner, day=day, unit=unit)]  # fmt: skip


def calls_between(banner: Banner | None, period: Period, *, means: Means) -> list[Fact]:
    """What was measured of calls on these dates of each branch. A Query a UTC day that touches them."""
    if banner is None:
        return []
    zone = zones_of(banner, means=means)
    around = Period(period.first - _DAY, period.last + _DAY)
    facts = (of_call(one, zone=zone(one)) for day in around.days()
             for one in means.calls.of_day(banner.name, day=day))  # fmt: skip
    return [fact for fact in facts if period.first <= fact.day <= period.last]


def zones_of(banner: Banner, *, means: Means) -> Callable[[Measured], str]:
    """The zone a call's branch has its days in: its store's, UTC where there is none."""
    known: dict[str | None, str] = {None: "UTC"}

    def zone(one: Measured) -> str:
        if one.store not in known:
            store = means.stores.store(banner.account, group=one.store or "")
            known[one.store] = store.zone if store else "UTC"
        return known[one.store]

    return zone


def _summed(facts: Sequence[Fact], units: Sequence[str] | None) -> Iterator[_Part]:
    by_day: dict[tuple[str, date], list[Fact]] = {}
    for fact in facts:
        if units is None or fact.unit in units:
            by_day.setdefault((fact.banner, fact.day), []).append(fact)
    for (banner, day), some in by_day.items():
        for (unit, agent), figures in figures_of(some).items():
            yield _Part(banner, unit, day, agent, figures)


def _is_branch(unit: str) -> bool:
    return unit.startswith("branch/")
