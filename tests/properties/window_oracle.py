"""A second, naive texting window: no cleverness, every minute looked at on its own.

It reads the data files by itself and shares no code with instore.window.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(__file__).parents[2] / "layers" / "common" / "instore" / "data"
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINUTE = timedelta(minutes=1)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(line for line in file if line[0] != "#"))


HOURS = rows("texting_hours.csv")
ZONES = sorted({(row["country"], zone) for row in rows("regions.csv")
                for zone in row["zones"].split()})  # fmt: skip


def lawful(instant: datetime, *, zones: Iterable[str], jurisdictions: Iterable[str]) -> bool:
    for zone in zones:
        local = instant.astimezone(ZoneInfo(zone))
        for row in HOURS:
            if row["jurisdiction"] not in jurisdictions:
                continue
            first, last = (row["weekdays"].split("-") * 2)[:2]
            if not DAYS.index(first) <= local.weekday() <= DAYS.index(last):
                continue
            if row["from"] == "" or not row["from"] <= f"{local:%H:%M}" < row["to"]:
                return False
    return True


def in_shop_hours(instant: datetime, *, zone: str, start: time, end: time) -> bool:
    return start <= instant.astimezone(ZoneInfo(zone)).time() < end


def first_minutes(
    start: datetime, *, minutes: int, look_ahead: int, **where: object
) -> list[datetime | None]:
    """For each of `minutes` minutes from `start`: the first allowed minute from there, or None."""
    assert start.second == start.microsecond == 0
    assert start.tzinfo is UTC
    answer: list[datetime | None] = []
    following: datetime | None = None
    for n in reversed(range(minutes + look_ahead)):
        instant = start + n * MINUTE
        if allowed(instant, **where):  # type: ignore[arg-type]  # passed through
            following = instant
        answer.append(following)
    return answer[::-1][:minutes]


def allowed(
    instant: datetime, *, zones: Iterable[str], jurisdictions: Iterable[str], store_zone: str,
    hours: tuple[time, time] | None,
) -> bool:  # fmt: skip
    if hours and not in_shop_hours(instant, zone=store_zone, start=hours[0], end=hours[1]):
        return False
    return lawful(instant, zones=zones, jurisdictions=jurisdictions)
