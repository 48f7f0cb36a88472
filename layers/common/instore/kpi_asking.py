"""What the indices are over a period: summed days where a day is closed, facts where it is not.

Exact at any time and without a scan: a day younger than the last closed one, and one that a late fact
has opened again, is read from its facts. Every store's days are its own; a period is dates, not
instants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from .errors import BadInputError
from .kpi import BEGIN_BEFORE, Fact, Figures, Period, Sum, UnitDay, figures_of
from .kpi_facts import of_call

if TYPE_CHECKING:
    from .adapters.calls import Calls
    from .adapters.facts import Facts
    from .adapters.stores import Stores
    from .measured import Measured
    from .program import Banner, Program

MOST_DAYS = 400
TOO_MUCH = "this reads more than one answer may take: ask for fewer days, one banner or one store"
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
    """What asking and summing work with. `now`: the clock, for who may not ask for ever."""

    program: Program
    facts: Facts
    calls: Calls
    stores: Stores
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Part:
    """Figures of one agent of one unit on one day."""

    banner: str
    unit: str
    day: date
    agent: str | None
    figures: Figures

    @property
    def is_of_branch(self) -> bool:
        return _is_branch(self.unit)


def ask(
    question: Question, *, means: Means, now: datetime, until: datetime | None = None
) -> dict[Place, Figures]:
    """Figures by row, in order of place; one row of nothing for a question by ALL without facts.

    Raises BadInputError `too_much` when the clock is past `until` before all is read.
    """
    rows: dict[Place, Sum] = {Place(): Sum()} if question.by is By.ALL else {}
    for part in parts(question, means=means, now=now):
        if until is not None and means.now() > until:
            raise BadInputError(TOO_MUCH, code="too_much")
        place = _place(part, question.by)
        if place is not None:
            rows.setdefault(place, Sum()).add(part.figures)
    return {place: rows[place].figures for place in sorted(rows)}


def parts(question: Question, *, means: Means, now: datetime) -> Iterator[Part]:
    """What the answer is made of, read as it is taken: a year of everybody is never held at once."""
    for banner in question.banners:
        for part in _parts(banner, question, means, now):
            if question.agent in (None, part.agent):
                yield part


def _place(part: Part, by: By) -> Place | None:
    match by:
        case By.ALL:
            return Place()
        case By.BANNER:
            return Place(part.banner)
        case By.DAY:
            return Place(day=part.day.isoformat())
        case By.STORE:
            return None if part.is_of_branch else Place(part.banner, part.unit)
        case By.BRANCH:
            return Place(part.banner, part.unit) if part.is_of_branch else None
        case By.ASSOCIATE:
            known = part.agent is not None and not part.is_of_branch
            return Place(part.banner, part.unit, part.agent or "") if known else None


def _parts(banner: str, question: Question, means: Means, now: datetime) -> Iterator[Part]:
    units, first = question.units, question.period.first
    last = min(question.period.last, (now + _AHEAD).date())
    if last < first:
        return
    closed = means.facts.closed(banner)
    period = Period(first, last)
    if units is None:
        summed: Iterable[UnitDay] = means.facts.days(banner, period)
    else:
        summed = means.facts.days_of(banner, period, units=units)
    opened: dict[date, set[str]] = {}
    for one in summed:
        until = closed.calls if _is_branch(one.unit) else closed.stores
        if until is None or one.day > until:
            continue
        if one.open:
            opened.setdefault(one.day, set()).add(one.unit)
        else:
            yield from (Part(banner, one.unit, one.day, agent, figures)
                        for agent, figures in one.figures.items())  # fmt: skip
    for day, some in opened.items():
        yield from _read(banner, day, some if len(some) <= FEW else None, only=some, means=means)
    oldest = (now - BEGIN_BEFORE).date()
    stores = None if units is None else {unit for unit in units if not _is_branch(unit)}
    for day in Period(max(first, (closed.stores or oldest) + _DAY), last).days():
        yield from _read(banner, day, stores, only=stores, means=means)
    young = Period(max(first, (closed.calls or oldest) + _DAY), last)
    known, asks_calls = means.program.banner(banner), units is None or any(map(_is_branch, units))
    if known and asks_calls and young.first <= young.last:
        calls = calls_between(known, young, means=means)
        yield from _summed([fact for fact in calls if units is None or fact.unit in units])


def _read(
    banner: str, day: date, units: Collection[str] | None, *, only: Collection[str] | None,
    means: Means,
) -> Iterator[Part]:  # fmt: skip
    """What facts of a day come to, each unit by a Query of its own; None: all of them by one, of
    which those in `only` are taken."""
    if units is None:
        for unit, facts in means.facts.by_unit(banner, day=day):
            if only is None or unit in only:
                yield from _summed(facts)
        return
    for unit in units:
        yield from _summed(means.facts.of_day(banner, day=day, unit=unit))


def calls_between(banner: Banner, period: Period, *, means: Means) -> list[Fact]:
    """What was measured of calls on these dates of each branch. A Query a UTC day that touches them."""
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


def _summed(facts: Sequence[Fact]) -> Iterator[Part]:
    by_day: dict[tuple[str, date], list[Fact]] = {}
    for fact in facts:
        by_day.setdefault((fact.banner, fact.day), []).append(fact)
    for (banner, day), some in by_day.items():
        for (unit, agent), figures in figures_of(some).items():
            yield Part(banner, unit, day, agent, figures)


def _is_branch(unit: str) -> bool:
    return unit.startswith("branch/")
