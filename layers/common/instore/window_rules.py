"""The dated data behind the texting window: hours per state and province, where a number may be.

Four small tables in `data/`, read at first use and kept: `texting_hours.csv` (the law, a source in
every row), `regions.csv`, `area_codes.csv` and `postal_codes.csv` (zones and regions). They are
data with legal sign-off, not code. Unverified rules are enforced like the others and say so in
their name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from importlib.resources import files

from .errors import InstoreError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BASE_NAMES = {"US": "federal", "CA": "Canada"}


class RulesError(InstoreError):
    """A data file that does not hold together; nothing is sent on half a rule book."""

    public_code = "texting_hours_invalid"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the law: texts may arrive from `start` up to but not at `end`, wall clock there.

    `start` None = not at all on those weekdays (Monday = 0).
    """

    jurisdiction: str  # US, US-CT, CA …
    weekdays: frozenset[int]
    start: time | None
    end: time | None
    source: str
    checked: date
    verified: bool

    @property
    def name(self) -> str:
        """`CT 09:00-20:00`, `federal 08:00-21:00`, `AL closed`: what a receipt shows."""
        where = _BASE_NAMES.get(self.jurisdiction) or self.jurisdiction.partition("-")[2]
        if self.start is None or self.end is None:
            return f"{where} closed"
        return f"{where} {self.start:%H:%M}-{self.end:%H:%M}"

    @property
    def citation(self) -> str:
        return self.source if self.verified else f"{self.source}; not verified"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody may be: a country, its plausible regions and the zones to satisfy."""

    country: str
    regions: tuple[str, ...]
    zones: tuple[str, ...]


@lru_cache(maxsize=1)
def texting_hours() -> dict[str, tuple[Rule, ...]]:
    """Jurisdiction -> its rules. Each covers every weekday exactly once, or RulesError."""
    found: dict[str, list[Rule]] = {}
    for row in _rows("texting_hours.csv"):
        found.setdefault(row["jurisdiction"], []).append(_rule(row))
    for jurisdiction, rules in found.items():
        if sorted(day for rule in rules for day in rule.weekdays) != list(range(7)):
            raise RulesError(f"{jurisdiction}: every weekday once, please")
        country = jurisdiction.partition("-")[0]
        if country not in found:
            raise RulesError(f"{jurisdiction}: no rule for {country}")
        if country != jurisdiction and jurisdiction.partition("-")[2] not in regions_of(country):
            raise RulesError(f"{jurisdiction}: no such region")
    return {jurisdiction: tuple(rules) for jurisdiction, rules in found.items()}


def _rule(row: dict[str, str]) -> Rule:
    where = row["jurisdiction"]
    if row["verified"] not in ("yes", "no") or not row["source"]:
        raise RulesError(f"{where}: needs a source, and verified yes or no")
    if bool(row["from"]) != bool(row["to"]):
        raise RulesError(f"{where}: from and to, or neither")
    start = time.fromisoformat(row["from"]) if row["from"] else None
    end = time.fromisoformat(row["to"]) if row["to"] else None
    if start is not None and end is not None and start >= end:
        raise RulesError(f"{where}: hours upside down")
    return Rule(
        jurisdiction=where, weekdays=_weekdays(row["weekdays"]), start=start, end=end,
        source=row["source"], checked=date.fromisoformat(row["checked"]),
        verified=row["verified"] == "yes",
    )  # fmt: skip


def _weekdays(text: str) -> frozenset[int]:
    """`mon-fri`, `sun`: a day or a run of days."""
    first, _, last = text.partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        raise RulesError(f"{text!r} names no weekdays")
    return frozenset(range(_DAYS.index(first), _DAYS.index(last or first) + 1))


@lru_cache(maxsize=1)
def _regions() -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in _rows("regions.csv"):
        found.setdefault(row["country"], {})[row["region"]] = tuple(row["zones"].split())
    return found


def regions_of(country: str) -> dict[str, tuple[str, ...]]:
    """Region -> its zones, of a country we know hours of; empty for any other."""
    return _regions().get(country, {})


@lru_cache(maxsize=8)
def anywhere(country: str) -> Place:
    """Nothing is known but the country: every region and every zone of it.

    Pacific territories of the US are left out: their day is not ours, no instant would suit both
    Guam and New Jersey in shop hours, and their area codes are known.
    """
    regions = {name: zones for name, zones in regions_of(country).items()
               if name not in ("GU", "MP", "AS")}  # fmt: skip
    zones = sorted({zone for names in regions.values() for zone in names})
    return Place(country, tuple(regions), tuple(zones))


@lru_cache(maxsize=1)
def _area_codes() -> dict[str, Place]:
    return {
        row["area_code"]: Place(row["country"], tuple(row["regions"].split()),
                                tuple(row["zones"].split()))
        for row in _rows("area_codes.csv")
    }  # fmt: skip


def place_of_area_code(area_code: str | None) -> Place | None:
    """Where numbers of this code were given out; None for toll-free, personal and new codes."""
    return _area_codes().get(area_code or "")


@lru_cache(maxsize=1)
def _postal_codes() -> dict[tuple[str, str], Place]:
    found: dict[tuple[str, str], Place] = {}
    for row in _rows("postal_codes.csv"):
        country, regions = row["country"], tuple(row["region"].split())
        zones = tuple(row["zones"].split()) or tuple(
            zone for region in regions for zone in regions_of(country)[region]
        )
        for prefix in _run(row["first"], row["last"]):
            found[country, prefix] = Place(country, regions, zones)
    return found


def _run(first: str, last: str) -> Iterator[str]:
    """`060`-`069` and `K`-`N`, spelled out."""
    if first.isdigit():
        yield from (f"{n:0{len(first)}}" for n in range(int(first), int(last) + 1))
    else:
        yield from (first[:-1] + chr(n) for n in range(ord(first[-1]), ord(last[-1]) + 1))


@lru_cache(maxsize=4096)
def place_of_postal_code(postal_code: str | None) -> Place | None:
    """Where a ZIP or a Canadian postal code is; None when it says nothing (bad, foreign, unused).

    The shape tells the country: five digits are American, A1A 1A1 is Canadian.
    """
    code = "".join((postal_code or "").split()).upper()
    if code.partition("-")[0].isdigit() and len(code.partition("-")[0]) == 5:
        country = "US"
    elif len(code) in (3, 6) and code[:1].isalpha() and code[1:2].isdigit():
        country = "CA"
    else:
        return None
    for length in range(5, 0, -1):
        place = _postal_codes().get((country, code[:length]))
        if place is not None:
            return place
    return None


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files(__package__) / "data" / name).read_text(encoding="utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
