"""The day's own window and ours agree: two readings of the same law, sharing no code."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from local.day.oracle import outside, rows
from local.day.plan import PLACES

from instore.model import Phone
from instore.program_parts import Hours
from instore.window import Allowed, check_hours

CODES = sorted({code for place in PLACES for code in place.area_codes}
               | {"888", "684", "787", "907", "869", "205", "334", "219", "928"})  # fmt: skip
POSTS = (None, *sorted({place.postal_code for place in PLACES}), "38326", "32501", "V6B 1A1", "xx")
ZONES = (None, "America/New_York", "America/Los_Angeles", "America/Denver", "Pacific/Honolulu")
HOURS = Hours.model_validate({"from": "11:00", "to": "20:00"})
YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@settings(max_examples=1500, deadline=None)
@given(
    code=st.sampled_from(CODES), post=st.sampled_from(POSTS), zone=st.sampled_from(ZONES),
    place=st.sampled_from(PLACES), minute=st.integers(0, 365 * 24 * 60 - 1),
    seconds=st.sampled_from([0, 1, 59]), shop=st.booleans(),
)  # fmt: skip
def test_the_days_window_is_ours(
    code: str, post: str | None, zone: str | None, place: object, minute: int, seconds: int,
    shop: bool,
) -> None:  # fmt: skip
    assert place in PLACES
    home = PLACES[PLACES.index(place)]
    at = YEAR + timedelta(minutes=minute, seconds=seconds)
    ours = check_hours(
        phone=Phone(f"+1{code}5552000"), store_zone=home.zone, region=home.state,
        associate_window=HOURS if shop else None, zone=zone, postal_code=post,
        country=home.country, now=at, max_defer=timedelta(days=14),
    )  # fmt: skip
    theirs = outside(
        at, phone=f"+1{code}5552000", zone=zone, postal_code=post, country=home.country,
        store_zone=home.zone, store_state=home.state, window=("11:00", "20:00") if shop else None,
    )  # fmt: skip
    if theirs is not None:
        assert not isinstance(ours, Allowed), theirs
    elif code not in ("888", "684", "869"):
        # Toll-free, Samoa and Saint Kitts are never texted, whatever the hour. LivePerson keeps
        # what it gets before 8 or after 21 by the number's own clock until the next morning.
        homes = next(r["zones"].split() for r in rows("area_codes.csv") if r["area_code"] == code)
        held = any(not 8 <= at.astimezone(ZoneInfo(home)).hour < 21 for home in homes)
        assert isinstance(ours, Allowed) is not held


def test_the_hours_are_read_as_the_program_has_them() -> None:
    assert (HOURS.start, HOURS.end) == (time(11), time(20))
