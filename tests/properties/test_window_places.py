"""I2: whose clocks and whose rules count, against the oracle's own reading of the data.

Any area code x any store x postal code and zone told or not: moved numbers, regions over a zone
line, both countries, nothing known. And each rule of each state and province on each weekday.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.properties.window_oracle import (
    AREA_CODES,
    HOURS,
    MINUTE,
    REGIONS,
    ZONES,
    allowed,
    home_of,
    lawful,
    vendor_sends,
    whereabouts,
)

from instore.model import Phone
from instore.program_parts import Hours
from instore.window import Allowed, Deferred, Never, check_hours

SHOP = Hours.model_validate({"from": "11:00", "to": "20:00"})
LONGEST = timedelta(hours=48)
TOLD = sorted(code for code, row in AREA_CODES.items() if row["regions"])
CODES = [None, "10001", "90210", "32501", "79901", "37402", "46320", "99723", "96799", "00901",
         "M5V 2T6", "V6B", "P0T", "G4T", "A1A 1A1", "X0C", "00000", "Z1Z 1Z1"]  # fmt: skip
NOWHERE = ["500", "800", "987"]  # personal, toll-free, not given out
STORES = [(country, region, zone) for (country, region), zones in sorted(REGIONS.items())
          for zone in zones]  # fmt: skip
# A minute of any day of a year, and of both change-over days more often than chance would have it.
INSTANTS = st.one_of(
    st.integers(0, 366 * 1440).map(lambda n: datetime(2026, 9, 1, tzinfo=UTC) + n * MINUTE),
    st.integers(0, 34 * 60).map(lambda n: datetime(2026, 11, 1, 2, tzinfo=UTC) + n * MINUTE),
    st.integers(0, 34 * 60).map(lambda n: datetime(2027, 3, 14, 2, tzinfo=UTC) + n * MINUTE),
)


def test_every_zone_of_the_two_countries_is_there() -> None:
    """zone.tab of the tz database: no place people live in is without its clock."""
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    countries = ("US", "CA", "PR", "VI", "GU", "AS", "MP")
    listed = {row[2] for row in rows if row[0] in countries}
    assert len(listed) > 50
    assert listed <= {zone for _, zone in ZONES}


@pytest.mark.parametrize(
    ("country", "region", "sides"),
    [
        ("US", "FL", "New_York Chicago"), ("US", "TX", "Chicago Denver"),
        ("US", "TN", "New_York Chicago"), ("US", "KY", "New_York Chicago"),
        ("US", "IN", "New_York Chicago"), ("US", "ND", "Chicago Denver"),
        ("US", "SD", "Chicago Denver"), ("US", "NE", "Chicago Denver"),
        ("US", "KS", "Chicago Denver"), ("US", "OR", "Los_Angeles Denver"),
        ("US", "ID", "Denver Los_Angeles"), ("US", "MI", "New_York Chicago"),
        ("CA", "ON", "New_York Chicago"), ("CA", "QC", "New_York Halifax"),
        ("CA", "BC", "Los_Angeles Denver"), ("CA", "NU", "New_York Chicago Denver"),
    ],
)  # fmt: skip
def test_a_region_over_a_zone_line_keeps_the_hours_of_all_its_sides(
    country: str, region: str, sides: str
) -> None:
    """By the area codes that say no more than the region: none of its clocks is left out."""
    winter = datetime(2027, 1, 15, 18, tzinfo=UTC)
    offsets = {winter.astimezone(ZoneInfo(f"America/{side}")).utcoffset() for side in sides.split()}
    known = {winter.astimezone(ZoneInfo(zone)).utcoffset() for zone in REGIONS[country, region]}
    assert offsets <= known
    codes = [code for code, row in AREA_CODES.items() if region in row["regions"].split()]
    reached = {winter.astimezone(ZoneInfo(zone)).utcoffset()
               for code in codes for zone in AREA_CODES[code]["zones"].split()}  # fmt: skip
    assert offsets <= reached


@settings(max_examples=400, deadline=None, derandomize=True)
@given(area=st.one_of(st.sampled_from(TOLD), st.sampled_from(TOLD), st.sampled_from(NOWHERE)),
       store=st.sampled_from(STORES),
       zone=st.one_of(st.none(), st.none(), st.sampled_from(ZONES).map(lambda z: z[1]),
                      st.sampled_from(["EST", "Etc/GMT+5", "Mars/Olympus"])),
       postal=st.one_of(st.none(), st.sampled_from(CODES)), shop=st.booleans(),
       now=INSTANTS)  # fmt: skip
@example(area="305", store=("US", "CA", "America/Los_Angeles"), zone=None, postal=None, shop=True,
         now=datetime(2026, 11, 18, 19, 30, tzinfo=UTC))  # fmt: skip
@example(area="787", store=("US", "AK", "America/Adak"), zone=None, postal=None, shop=True,
         now=datetime(2026, 11, 18, 17, tzinfo=UTC))  # fmt: skip
def test_a_number_a_store_and_what_the_customer_told(
    area: str, store: tuple[str, str, str], zone: str | None, postal: str | None, shop: bool,
    now: datetime,
) -> None:  # fmt: skip
    country, region, store_zone = store
    zones, jurisdictions = whereabouts(area, country=country, region=region, store_zone=store_zone,
                                       zone=zone, postal=postal)  # fmt: skip
    where = {"zones": zones, "jurisdictions": jurisdictions, "store_zone": store_zone,
             "hours": (time(11), time(20)) if shop else None,
             "number_zones": home_of(area, country=country)}  # fmt: skip
    answer = check_hours(
        phone=Phone(f"+1{area}5550123"), store_zone=store_zone, zone=zone, postal_code=postal,
        associate_window=SHOP if shop else None, region=region, country=country, now=now,
        max_defer=LONGEST,
    )  # fmt: skip
    assert isinstance(answer, Allowed) == allowed(now, **where)
    if isinstance(answer, Deferred):
        assert now < answer.until <= now + LONGEST
        assert allowed(answer.until, **where)
        assert not allowed(answer.until - MINUTE, **where)
    # Nothing in between was lawful: a few dozen minutes of it, looked at one by one.
    end = answer.until if isinstance(answer, Deferred) else now + LONGEST
    if not isinstance(answer, Allowed):
        between = int((end - now) / MINUTE)
        for n in random.Random(between).sample(range(between), min(between, 40)):
            assert not allowed(now + n * MINUTE, **where), now + n * MINUTE
    if isinstance(answer, Never):
        assert answer.rule


@pytest.mark.parametrize("jurisdiction", sorted({row["jurisdiction"] for row in HOURS}))
def test_each_rule_on_each_weekday(jurisdiction: str) -> None:
    """The minute before, of and after every hour that any rule knows, by the region's own clocks,
    Monday to Sunday: allowed just when the rows of the file say so."""
    country, _, region = jurisdiction.partition("-")
    edges = {row[end] for row in HOURS for end in ("from", "to") if row[end]}
    zones = REGIONS[country, region] if region else ["America/Denver"]
    for zone in zones:
        area = _area_without_another_rule(country, region, zone=zone)
        for day in range(16, 23):
            for edge in sorted(edges):
                clock = datetime.fromisoformat(f"2026-11-{day}T{edge}").replace(
                    tzinfo=ZoneInfo(zone)
                )
                for minutes in (-1, 0, 1):
                    now = clock.astimezone(UTC) + minutes * MINUTE
                    answer = check_hours(
                        phone=Phone(f"+1{area}5550123"), store_zone=zone, zone=zone, now=now,
                        postal_code=None, associate_window=None, country=country,
                        region=region or None, max_defer=LONGEST,
                    )  # fmt: skip
                    expected = vendor_sends(
                        now, number_zones=home_of(area, country=country)
                    ) and lawful(now, zones=[zone], jurisdictions={country, jurisdiction})
                    assert isinstance(answer, Allowed) == expected, (zone, now)


def _area_without_another_rule(country: str, region: str, *, zone: str) -> str:
    """An area code of this clock that brings no rule but the region's: first of those at home."""
    ruled = {row["jurisdiction"] for row in HOURS} - {f"{country}-{region}"}
    found = [
        (region not in row["regions"].split(), len(row["zones"]), area)
        for area, row in AREA_CODES.items()
        if row["country"] == country and zone in row["zones"].split()
        and not ruled & {f"{country}-{name}" for name in row["regions"].split()}
    ]  # fmt: skip
    return min(found)[2] if found else {"US": "212", "CA": "416"}[country]
