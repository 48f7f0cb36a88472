"""How long a customer waited while the store was open (C35), and which day of a store an instant is.

The store's own clock decides, as in `Store.is_open`: an hour that a change-over day has twice counts
twice, one that it does not have counts for nothing. A store without hours is always open.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .directory import Opening
from .wall_clock import find_zone

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_OVER_AT = time(12)  # UTC, of the day after: by then the day has ended in every zone there is


def day_in(zone: str, *, at: datetime) -> date:
    """The date in this zone; in UTC where nobody knows the zone."""
    return at.astimezone(_zone(zone)).date()


def is_over(day: date, *, now: datetime) -> bool:
    """Whether this date has ended everywhere: what is told of it from now on is late."""
    return now >= datetime.combine(day + _DAY, _OVER_AT, tzinfo=UTC)


def open_seconds(
    openings: Sequence[Opening], *, zone: str, begin: datetime, end: datetime
) -> int:  # fmt: skip
    """Whole seconds between two instants during which the store was open; 0 if the second is first."""
    if end <= begin:
        return 0
    if not openings:
        return int((end - begin).total_seconds())
    week = _week(openings)
    seconds = sum((_inside(week, a, b) for a, b in _steady(_zone(zone), begin, end)), timedelta())
    return int(seconds.total_seconds())


def _zone(name: str) -> ZoneInfo:
    return find_zone(name) or ZoneInfo("UTC")


def _week(openings: Sequence[Opening]) -> dict[int, list[tuple[timedelta, timedelta]]]:
    """Per weekday when it is open, since midnight, without overlaps."""
    week: dict[int, list[tuple[timedelta, timedelta]]] = {}
    for opening in sorted(openings, key=lambda o: (o.weekday, o.opens)):
        opens, closes = _since_midnight(opening.opens), _since_midnight(opening.closes)
        day = week.setdefault(opening.weekday, [])
        if day and opens <= day[-1][1]:
            day[-1] = (day[-1][0], max(day[-1][1], closes))
        else:
            day.append((opens, closes))
    return week


def _since_midnight(moment: time) -> timedelta:
    if moment == time.max:  # 24:00
        return _DAY
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


def _steady(
    zone: ZoneInfo, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:  # fmt: skip
    """The stretches of wall clock between two instants in which no clock is changed, as naive times."""

    def offset(instant: datetime) -> timedelta:
        return instant.astimezone(zone).utcoffset() or timedelta()

    at, last = begin.astimezone(UTC), end.astimezone(UTC)
    while at < last:
        second = at.replace(microsecond=0)  # clocks are changed on whole ones
        whole = (min(at + _DAY, last) - second) // _SECOND
        shift, until = offset(at), min(at + _DAY, last)
        if offset(second + whole * _SECOND) != shift:
            change = bisect(range(whole), False,
                            key=lambda n: offset(second + n * _SECOND) != shift)  # fmt: skip
            until = second + change * _SECOND
        naive = at.replace(tzinfo=None) + shift
        yield naive, naive + (until - at)
        at = until


def _inside(
    week: dict[int, list[tuple[timedelta, timedelta]]], begin: datetime, end: datetime
) -> timedelta:
    found, midnight = timedelta(), datetime.combine(begin.date(), time.min)
    while midnight < end:
        for opens, closes in week.get(midnight.weekday(), ()):
            found += max(min(end, midnight + closes) - max(begin, midnight + opens), timedelta())
        midnight += _DAY
    return found
