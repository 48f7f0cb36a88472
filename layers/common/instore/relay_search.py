"""Where to look for a number near a store: its own area code, the next ones, then the region.

A number from next door is still a local number; one from another country never is. Distances come
from data/area_code_places.csv: the middle of each area code's people, good enough for an order.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import cos, hypot, radians
from typing import Any

from .directory import Store
from .model import Phone
from .window_rules import place_of_area_code, place_of_postal_code

_KM_A_DEGREE = 111.0
# Further away people no longer take a number for a local one.
NEAR_KM = 200.0
MOST_NEIGHBOURS = 6


@dataclass(frozen=True, slots=True)
class Ring:
    """One search: how near it is (`area_code`, `neighbour`, `postal_code`, `nearby`, `region`) and
    what narrows it, in the words of `Twilio.search`."""

    name: str
    narrowed: dict[str, Any]


def rings(store: Store, *, country: str) -> list[Ring]:
    """The searches for a number near this store, nearest first.

    The store's own number says its area code; where none is known, or it is toll-free, the postal
    code has to do.
    """
    phone, code = store_phone(store), None
    if phone is not None and not phone.is_toll_free and _country(phone.area_code) == country:
        code = phone.area_code
    found: list[Ring] = []
    if code is not None:
        found.append(Ring("area_code", {"area_code": code}))
        found += [Ring("neighbour", {"area_code": near}) for near in neighbours(code)]
        found.append(Ring("nearby", {"near": phone}))
    if store.postal_code:
        found.append(Ring("postal_code", {"postal_code": store.postal_code}))
    found += [Ring("region", {"region": region}) for region in _regions(store, code, country)]
    return found


def store_phone(store: Store | None) -> Phone | None:
    """Where the store can be called; None if the roster does not say."""
    return Phone(store.phone) if store is not None and store.phone else None


def _regions(store: Store, code: str | None, country: str) -> tuple[str, ...]:
    if store.state:
        return (store.state,)
    place = place_of_area_code(code) if code is not None else None
    if place is None and store.postal_code:
        place = place_of_postal_code(store.postal_code)
    return place.regions if place is not None and place.country == country else ()


@lru_cache(maxsize=1024)
def neighbours(code: str) -> tuple[str, ...]:
    """The area codes next to this one in the same country, overlays first, at most six."""
    home = _places().get(code)
    if home is None:
        return ()
    far = sorted((_km(home, there), other) for other, there in _places().items()
                 if other != code and _country(other) == _country(code))  # fmt: skip
    return tuple(other for km, other in far[:MOST_NEIGHBOURS] if km <= NEAR_KM)


def _km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Flat distance: good enough between neighbours."""
    narrowing = cos(radians((a[0] + b[0]) / 2))
    return hypot(a[0] - b[0], (a[1] - b[1]) * narrowing) * _KM_A_DEGREE


def _country(code: str | None) -> str | None:
    place = place_of_area_code(code) if code is not None else None
    return None if place is None else place.country


@lru_cache(maxsize=1)
def _places() -> dict[str, tuple[float, float]]:
    with (files(__package__) / "data" / "area_code_places.csv").open() as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return {code: (float(row["latitude"]), float(row["longitude"]))
            for row in rows for code in row["area_codes"].split()}  # fmt: skip
