"""Make the layer's data/area_codes.csv: area code -> country, regions, every zone it touches.

Source: the geographic and time zone data of Google's phonenumbers, the full package, which is too
large to ship. Run with the version that phonenumberslite is pinned to:

    uv pip install --target /tmp/pn phonenumbers==9.0.42
    PYTHONPATH=/tmp/pn:. python -m local.make_area_codes

All prefixes of an area code are united, overlays share what their elders know, and what the data
is known to get wrong is corrected below. A zone too many is only strict; one too few is unlawful.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(__file__).parent.parent / "layers" / "common" / "instore" / "data"
TERRITORIES = {"PR": "PR", "VI": "VI", "GU": "GU", "MP": "MP", "AS": "AS"}  # part of the US

# Codes over the same ground: newer ones have no exchanges in the data yet.
FAMILIES = [
    ("208", "986"), ("219",), ("250", "778", "236", "672", "257"), ("270", "364"),
    ("306", "639", "474"), ("308",), ("402", "531"), ("407", "689"), ("418", "581", "367"),
    ("423", "729"), ("541", "458"), ("709", "879"), ("807",),
    ("812", "930"), ("850", "448"), ("902", "782"),
]  # fmt: skip

# Area codes whose zones the data has wrong or too few: every zone of the regions is kept.
WHOLE_REGION = frozenset({
    "208", "986",                              # Idaho, north Pacific and south Mountain
    "219", "574", "812", "930",                # Indiana: Central in its corners
    "236", "250", "257", "672", "778",         # British Columbia: Peace and Kootenay differ
    "270", "364", "606",                       # Kentucky, both sides of the line
    "306", "639", "474",                       # Saskatchewan: no change-over, Lloydminster has
    "308", "605", "701", "620", "785",         # Plains: Central and Mountain
    "423", "729",                              # Tennessee: Sequatchie valley is Central
    "448", "850",                              # Florida west of the Apalachicola is Central
    "418", "367", "581",                       # Quebec: Magdalen Islands and Blanc-Sablon
    "458", "541",                              # Oregon: Malheur county is Mountain
    "709", "879",                              # Newfoundland and Labrador
    "775",                                     # Nevada: West Wendover is Mountain
    "807", "867", "902", "782", "906", "907", "928",
})  # fmt: skip

# Assigned codes the metadata does not know yet.
EXTRA = {"729": ("US", ("TN",)), "867": ("CA", ("NT", "NU", "YT")),
         "902": ("CA", ("NS", "PE")), "782": ("CA", ("NS", "PE"))}  # fmt: skip
ONLY_EASTERN = frozenset({"689"})  # Orlando; the data says Central

NAMES = {"Washington D.C.": "DC", "British Colombia": "BC"}


def main() -> None:
    """Write the table, sorted by area code."""
    # Only in the full package, which is not among our dependencies.
    geocodes = import_module("phonenumbers.geodata").GEOCODE_DATA
    timezones = import_module("phonenumbers.tzdata").TIMEZONE_DATA

    regions = _regions()
    places: dict[str, Counter[str]] = {}
    for prefix, texts in geocodes.items():
        if prefix.startswith("1") and len(prefix) >= 4 and "en" in texts:
            places.setdefault(prefix[1:4], Counter())[texts["en"].rsplit(", ", 1)[-1]] += 1
    zones: dict[str, set[str]] = {}
    for prefix, names in timezones.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            zones.setdefault(prefix[1:4], set()).update(names)
    with (DATA / "area_codes.csv").open("w", newline="") as file:
        file.write("# Made by local/make_area_codes.py from phonenumbers 9.0.42; do not edit.\n")
        file.write("# regions empty = a country of which no texting hours are known.\n")
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["area_code", "country", "regions", "zones"])
        for code in (str(number) for number in range(200, 1000)):
            row = _row(code, places=places, zones=zones, regions=regions)
            if row is not None:
                rows.writerow(row)


def _row(
    code: str, *, places: dict[str, Counter[str]], zones: dict[str, set[str]],
    regions: dict[tuple[str, str], list[str]],
) -> list[str] | None:  # fmt: skip
    country = _country(code)
    if country is None:
        return None
    if country not in ("US", "CA", *TERRITORIES):
        return [code, country, "", " ".join(sorted(zones.get(code, ())))]
    if country in TERRITORIES:
        return [code, "US", country, " ".join(regions["US", country])]
    own = (
        EXTRA[code][1]
        if code in EXTRA
        else _region_names(places.get(code, Counter()), country=country)
    )
    possible = sorted({zone for region in own for zone in regions[country, region]})
    if code in ONLY_EASTERN:
        possible = [zone for zone in possible if _beat(zone) == _beat("America/New_York")]
    elif code not in WHOLE_REGION:
        family = next((f for f in FAMILIES if code in f), (code,))
        told = {_beat(zone) for member in family for zone in zones.get(member, ())}
        possible = [zone for zone in possible if _beat(zone) in told] or possible
    return [code, country, " ".join(own), " ".join(possible)]


def _country(code: str) -> str | None:
    """The country of a geographic code; None for toll-free, premium and personal codes."""
    import phonenumbers

    if code in EXTRA:
        return EXTRA[code][0]
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        if metadata and metadata.leading_digits and re.fullmatch(metadata.leading_digits, code):
            return str(region)
    for rest in ("2345678", "5550100", "6712345"):
        number = phonenumbers.parse(f"+1{code}{rest}")
        if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE:
            return str(phonenumbers.region_code_for_number(number))
    return None


def _region_names(found: Counter[str], *, country: str) -> tuple[str, ...]:
    """Regions named by at least one place in twenty: a border town's neighbour is not one."""
    codes = {row["name"]: row["region"] for row in _rows() if row["country"] == country}
    known = set(codes.values())
    named: Counter[str] = Counter()
    for place, count in found.items():
        region = NAMES.get(place) or codes.get(place) or (place if place in known else None)
        if region is not None:
            named[region] += count
    if not named:
        raise SystemExit(f"no region of {country} among {sorted(found)}")
    return tuple(sorted(r for r, count in named.items() if count * 20 >= named.total()))


def _beat(zone: str) -> tuple[object, ...]:
    """What the clock does there, winter and summer: zones that agree are one for this purpose."""
    return tuple(
        datetime(2024, month, 15, 12, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
        for month in (1, 7)
    )


def _rows() -> Iterable[dict[str, str]]:
    with (DATA / "regions.csv").open(newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


def _regions() -> dict[tuple[str, str], list[str]]:
    return {(row["country"], row["region"]): row["zones"].split() for row in _rows()}


if __name__ == "__main__":
    main()
