"""Numbers for sale. Nothing is reserved by a search: what it showed may be gone when it is bought."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_EARTH_MILES = 3959.0
_FIRST_LINE, _LINES = 160, 10000  # 555-0160 and on: below it live the customers of the stories


@dataclass(frozen=True, slots=True)
class Place:
    area_code: str
    country: str
    region: str
    locality: str
    postal_code: str
    latitude: float
    longitude: float

    def miles_to(self, latitude: float, longitude: float) -> float:
        """Great-circle distance."""
        one, two = math.radians(self.latitude), math.radians(latitude)
        turn = math.radians(longitude - self.longitude)
        cosine = (math.sin(one) * math.sin(two)
                  + math.cos(one) * math.cos(two) * math.cos(turn))  # fmt: skip
        return _EARTH_MILES * math.acos(max(-1.0, min(1.0, cosine)))


@dataclass(frozen=True, slots=True)
class ForSale:
    """A number on the market, with what it can do."""

    number: str
    place: Place
    sms: bool = True
    mms: bool = True
    voice: bool = True


def _read_places() -> dict[str, Place]:
    text = (Path(__file__).parent / "places.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {
        row["area_code"]: Place(row["area_code"], row["country"], row["region"], row["locality"],
                                row["postal_code"], float(row["latitude"]), float(row["longitude"]))
        for row in rows
    }  # fmt: skip


class Market:
    """By area code: so many numbers each, unless a story stocks it or sells it out."""

    def __init__(self, *, per_area_code: int) -> None:
        self.places = _read_places()
        self._shelves: dict[str, list[ForSale]] = {}
        for area_code in self.places:
            self.stock(area_code, per_area_code)

    def stock(
        self, area_code: str, count: int, *, sms: bool = True, mms: bool = True, voice: bool = True,
        country: str = "US", region: str = "", locality: str = "", postal_code: str = "",
    ) -> list[str]:  # fmt: skip
        """Put so many more numbers on the shelf and return them. Unknown area codes need a region."""
        if area_code not in self.places:
            self.places[area_code] = Place(area_code, country, region, locality, postal_code, 0, 0)
        shelf = self._shelves.setdefault(area_code, [])
        taken = {one.number for one in shelf}
        new: list[ForSale] = []
        for line in range(_FIRST_LINE, _LINES):
            if len(new) == count:
                break
            number = f"+1{area_code}555{line:04d}"
            if number not in taken:
                new.append(ForSale(number, self.places[area_code], sms, mms, voice))
        shelf += new
        return [one.number for one in new]

    def sell_out(self, area_code: str) -> None:
        """Somebody else buys every number of this area code."""
        self._shelves[area_code] = []

    def snatch(self, number: str) -> None:
        """Somebody else buys this one, after a search showed it to us."""
        self.take(number)

    def put_back(self, number: str) -> None:
        """A released number is for sale again, to anybody."""
        place = self.places.get(number[2:5])
        if place is not None:
            self._shelves.setdefault(number[2:5], []).insert(0, ForSale(number, place))

    def take(self, number: str) -> ForSale | None:
        """Off the shelf, if it is there."""
        shelf = self._shelves.get(number[2:5], [])
        for index, one in enumerate(shelf):
            if one.number == number:
                return shelf.pop(index)
        return None

    def first_of(self, area_code: str) -> ForSale | None:
        shelf = self._shelves.get(area_code, [])
        return shelf[0] if shelf else None

    def search(self, country: str, filters: dict[str, str]) -> list[ForSale]:
        """What matches every filter of AvailablePhoneNumbers/{country}/Local."""
        return [one for one in self._all() if one.place.country == country
                and self._matches(one, filters)]  # fmt: skip

    def _all(self) -> Iterator[ForSale]:
        for area_code in sorted(self._shelves):
            yield from self._shelves[area_code]

    def _matches(self, one: ForSale, filters: dict[str, str]) -> bool:
        place = one.place
        exact = {"AreaCode": place.area_code, "InRegion": place.region,
                 "InPostalCode": place.postal_code, "InLocality": place.locality,
                 "SmsEnabled": _word(one.sms), "MmsEnabled": _word(one.mms),
                 "VoiceEnabled": _word(one.voice)}  # fmt: skip
        if any(name in filters and filters[name].casefold() != value.casefold()
               for name, value in exact.items()):  # fmt: skip
            return False
        if "Contains" in filters and not pattern(filters["Contains"]).search(one.number):
            return False
        return self._near(place, filters)

    def _near(self, place: Place, filters: dict[str, str]) -> bool:
        if "NearLatLong" in filters:
            latitude, longitude = map(float, filters["NearLatLong"].split(","))
        elif "NearNumber" in filters:
            other = self.places.get(filters["NearNumber"][2:5])
            if other is None:
                return False
            latitude, longitude = other.latitude, other.longitude
        else:
            return True
        return place.miles_to(latitude, longitude) <= float(filters.get("Distance", "25"))


def pattern(contains: str) -> re.Pattern[str]:
    """`*` one digit, `%` any digits, a `+` at the beginning and a `$` at the end anchor."""
    keys = dict(zip("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999", strict=True))
    body = "".join({"*": r"\d", "%": r"\d*", "$": "$"}.get(c, re.escape(keys.get(c.lower(), c)))
                   for c in contains.removeprefix("+"))  # fmt: skip
    return re.compile(("^\\+" if contains.startswith("+") else "") + body)


def _word(value: bool) -> str:
    return "true" if value else "false"
