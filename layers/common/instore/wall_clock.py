"""When a daily window begins by a zone's own clock, change-over days included.

Everything is asked of zoneinfo at the instant itself; no offset is ever stored or assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)


@lru_cache(maxsize=512)
def find_zone(key: str) -> ZoneInfo | None:
    """The IANA zone, None when there is none of that name."""
    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError):
        return None


@lru_cache(maxsize=16384)
def openings(key: str, *, day: date, opens: time, closes: time) -> tuple[datetime, ...]:
    """When a window of this local day begins: once; twice or at the change on a change-over day."""
    zone = find_zone(key) or ZoneInfo("UTC")

    def inside(instant: datetime) -> bool:
        local = instant.astimezone(zone)
        return local.date() == day and opens <= local.time() < closes

    begins = datetime.combine(day, opens)
    candidates = {begins.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    candidates.update(_changes(key, day=day))
    return tuple(sorted(c for c in candidates if inside(c) and not inside(c - _MINUTE)))


def _changes(key: str, *, day: date) -> Iterable[datetime]:
    """The instants of this day at which the zone's offset changes, to the minute."""
    zone = find_zone(key) or ZoneInfo("UTC")
    start = datetime.combine(day, time.min, tzinfo=UTC) - timedelta(hours=14)
    return _bisect(zone, low=start, high=start + timedelta(hours=52))


def _bisect(zone: ZoneInfo, *, low: datetime, high: datetime) -> Iterator[datetime]:
    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(zone).utcoffset()

    if offset(low) == offset(high):
        return
    while high - low > _MINUTE:
        middle = low + ((high - low) / 2 // _MINUTE) * _MINUTE
        if offset(middle) == offset(low):
            low = middle
        else:
            high = middle
    yield high
