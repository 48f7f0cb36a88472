"""A second, naive texting window: may a text reach this handset at this instant?

It reads the data files by itself, looks at one instant at a time, and shares no code with
instore.window; where the two disagree, a person has to find out which of them is wrong.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(__file__).parents[2] / "layers" / "common" / "instore" / "data"
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@cache
def rows(name: str) -> list[dict[str, str]]:
    """A data file's rows, comments left out."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def outside(
    instant: datetime, *, phone: str, zone: str | None, postal_code: str | None, country: str,
    store_zone: str, store_state: str, window: tuple[str, str] | None,
) -> str | None:  # fmt: skip
    """None when the text was in time, else who was disturbed: a zone, or the shop itself."""
    if window is not None:
        clock = f"{instant.astimezone(ZoneInfo(store_zone)):%H:%M}"
        if not window[0] <= clock < window[1]:
            return f"shop hours: {clock} {store_zone}"
    zones, regions = whereabouts(phone, zone=zone, postal_code=postal_code, country=country,
                                 store_zone=store_zone, store_state=store_state)  # fmt: skip
    for name in sorted(zones):
        wrong = _unlawful(instant, zone=name, regions=regions)
        if wrong is not None:
            return wrong
    return None


def _unlawful(instant: datetime, *, zone: str, regions: Iterable[str]) -> str | None:
    there = instant.astimezone(ZoneInfo(zone))
    for rule in rows("texting_hours.csv"):
        if rule["jurisdiction"] not in regions:
            continue
        first, _, last = rule["weekdays"].partition("-")
        if not DAYS.index(first) <= there.weekday() <= DAYS.index(last or first):
            continue
        if rule["from"] == "" or not rule["from"] <= f"{there:%H:%M}" < rule["to"]:
            return f"{rule['jurisdiction']}: {there:%a %H:%M} {zone}"
    return None


def whereabouts(
    phone: str, *, zone: str | None, postal_code: str | None, country: str, store_zone: str,
    store_state: str,
) -> tuple[set[str], set[str]]:  # fmt: skip
    """Every zone whose clock counts, and every jurisdiction whose hours count."""
    code = next((r for r in rows("area_codes.csv") if r["area_code"] == phone[2:5]), None)
    post = _postal(postal_code)
    regions = {country}
    if code is not None:
        regions |= {code["country"]} | {f"{code['country']}-{s}" for s in code["regions"].split()}
    if post is not None:
        regions |= {post["country"]} | {f"{post['country']}-{s}" for s in post["region"].split()}
    else:
        regions.add(f"{country}-{store_state}")
    if post is not None:
        posted = set(post["zones"].split()) or {
            name for r in rows("regions.csv") if r["country"] == post["country"]
            and r["region"] in post["region"].split() for name in r["zones"].split()
        }  # fmt: skip
        return ({zone} if zone in posted else posted | ({zone} if zone else set())), regions
    if zone:
        return {zone}, regions
    if code is not None:
        return {store_zone, *code["zones"].split()}, regions
    return {store_zone, *(name for r in rows("regions.csv") if r["country"] == country
                          for name in r["zones"].split())}, regions  # fmt: skip


def _postal(code: str | None) -> dict[str, str] | None:
    """The row with the longest beginning of this code; None for what is no postal code."""
    clean = (code or "").replace(" ", "").upper()
    if re.fullmatch(r"[0-9]{5}(-.*)?", clean):
        country = "US"
    elif re.fullmatch(r"[A-Z][0-9][A-Z]([0-9][A-Z][0-9])?", clean):
        country = "CA"
    else:
        return None
    best: dict[str, str] | None = None
    for row in rows("postal_codes.csv"):
        start = clean[: len(row["first"])]
        if row["country"] != country or not row["first"] <= start <= row["last"]:
            continue
        if best is None or len(row["first"]) > len(best["first"]):
            best = row
    return best
