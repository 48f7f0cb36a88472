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
AREA_CODES = {row["area_code"]: row for row in rows("area_codes.csv")}
POSTAL_CODES = rows("postal_codes.csv")
REGIONS = {(row["country"], row["region"]): row["zones"].split() for row in rows("regions.csv")}
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


def whereabouts(
    area: str, *, country: str, region: str, store_zone: str, zone: str | None, postal: str | None
) -> tuple[set[str], set[str]]:  # fmt: skip
    """Zones and jurisdictions that count, read off the words of docs and data, not off the code.

    Zone: the one told; else the postal code's; else the store's and the area code's. One told
    against the postal code: both. An area code that says nothing: all of the country. Rules: of
    the postal code's region, else the store's; and of the area code's; all, if neither is known.
    """
    posted = _posted(postal)
    numbered = AREA_CODES.get(area)
    if zone is not None and zone not in {name for _, name in ZONES}:
        zone = None
    country_wide = [(c, r) for c, r in REGIONS if c == country and r not in ("GU", "MP", "AS")]
    if posted:
        zones = set(posted[2])
        if zone is not None:
            zones = {zone} if zone in zones else {zone} | zones
    elif zone is not None:
        zones = {zone}
    elif numbered:
        zones = {store_zone, *numbered["zones"].split()}
    else:
        zones = {store_zone, *(z for place in country_wide for z in REGIONS[place])}
    places = [(country, "")]
    if posted:
        places += [(posted[0], r) for r in ("", *posted[1])]
    else:
        places.append((country, region))
    if numbered:
        places += [(numbered["country"], r) for r in ("", *numbered["regions"].split())]
    elif not posted:
        places += country_wide
    return zones, {f"{c}-{r}" if r else c for c, r in places}


def _posted(postal: str | None) -> tuple[str, list[str], list[str]] | None:
    """Country, regions and zones of a postal code, by the longest beginning that fits."""
    code = (postal or "").replace(" ", "").upper()
    country = "US" if code.isdigit() else "CA"
    best: dict[str, str] | None = None
    for row in POSTAL_CODES:
        head = code[: len(row["first"])]
        fits = row["country"] == country and row["first"] <= head <= row["last"] and head
        if fits and (best is None or len(row["first"]) >= len(best["first"])):
            best = row
    if best is None:
        return None
    regions = best["region"].split()
    return (
        country,
        regions,
        (best["zones"].split() or [z for r in regions for z in REGIONS[country, r]]),
    )


def in_shop_hours(instant: datetime, *, zone: str, start: time, end: time) -> bool:
    return start <= instant.astimezone(ZoneInfo(zone)).time() < end


def number_at_home(country: str, zone: str) -> tuple[str, list[str], set[str]]:
    """A number of an area code there, with the fewest zones: the number, its zones, its rules.

    Where no area code knows the zone (a village with a clock of its own), the country's usual one.
    """
    there = [row for row in AREA_CODES.values()
             if row["country"] == country and zone in row["zones"].split()]  # fmt: skip
    usual = AREA_CODES[{"US": "212", "CA": "416"}[country]]
    row = min(there, key=lambda r: (len(r["zones"]), r["area_code"]), default=usual)
    rules = {f"{row['country']}-{region}" for region in row["regions"].split()}
    return f"+1{row['area_code']}5550123", row["zones"].split(), rules


def home_of(area: str, *, country: str) -> list[str]:
    """Where the number may be at home: its area code's zones, else all of the country's."""
    if area in AREA_CODES:
        return AREA_CODES[area]["zones"].split()
    return [z for (c, r), zones in REGIONS.items() if c == country and r not in ("GU", "MP", "AS")
            for z in zones]  # fmt: skip


def vendor_sends(instant: datetime, *, number_zones: Iterable[str]) -> bool:
    """LivePerson sends from 08:00 to 21:00 where the number is at home; else it keeps the text."""
    return all("08:00" <= f"{instant.astimezone(ZoneInfo(zone)):%H:%M}" < "21:00"
               for zone in number_zones)  # fmt: skip


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
    hours: tuple[time, time] | None, number_zones: Iterable[str],
) -> bool:  # fmt: skip
    if not vendor_sends(instant, number_zones=number_zones):
        return False
    if hours and not in_shop_hours(instant, zone=store_zone, start=hours[0], end=hours[1]):
        return False
    return lawful(instant, zones=zones, jurisdictions=jurisdictions)
