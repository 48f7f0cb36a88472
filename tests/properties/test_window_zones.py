"""I2 against the oracle: every zone of the US and Canada, every minute of its change-over days."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.properties.window_oracle import MINUTE, ZONES, first_minutes, number_at_home

from instore.model import Phone
from instore.program_parts import Hours
from instore.window import Allowed, Deferred, Never, check_hours

# Both change-over days of the continent, whole, as UTC from before midnight in Newfoundland to
# after midnight in the Aleutians. They are Sundays: the weekday rules are at work, too.
CHANGES = [datetime(2026, 11, 1, 2, tzinfo=UTC), datetime(2027, 3, 14, 2, tzinfo=UTC)]
REGIONS = {"US": ["TX", "AL", "KY", "FL", "NY"], "CA": ["ON"]}
LONGEST = timedelta(hours=72)


def hours(start: time, end: time) -> Hours:
    return Hours.model_validate({"from": start, "to": end})


def expected(first: datetime | None, *, now: datetime) -> object:
    if first is None or first - now > LONGEST:
        return None
    return Allowed() if first == now else first


def answered(answer: Allowed | Deferred | Never) -> object:
    match answer:
        case Deferred(until=until):
            return until
        case Never():
            return None
    return answer


@pytest.mark.parametrize("day", CHANGES, ids=["autumn", "spring"])
@pytest.mark.parametrize(
    ("country", "zone"),
    [pytest.param(country, zone, id=zone, marks=[pytest.mark.slow] if n % 4 else [])
     for n, (country, zone) in enumerate(ZONES)],
)  # fmt: skip
def test_every_minute_of_a_change_over_day(country: str, zone: str, day: datetime) -> None:
    region = REGIONS[country][len(zone) % len(REGIONS[country])]
    number, number_zones, rules = number_at_home(country, zone)
    firsts = first_minutes(
        day, minutes=34 * 60, look_ahead=50 * 60, zones=[zone], store_zone=zone, hours=None,
        jurisdictions={country, f"{country}-{region}", *rules}, number_zones=number_zones,
    )  # fmt: skip
    for n, first in enumerate(firsts):
        now = day + n * MINUTE
        answer = check_hours(
            phone=Phone(number), store_zone=zone, associate_window=None, zone=zone,
            postal_code=None, region=region, country=country, now=now, max_defer=LONGEST,
        )  # fmt: skip
        assert answered(answer) == expected(first, now=now), now


PAIRS = st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES))
STARTS = st.one_of(
    st.sampled_from(CHANGES).flatmap(
        lambda day: st.integers(0, 34 * 60).map(lambda n: day + n * MINUTE)
    ),
    st.integers(0, 366 * 24 * 60).map(lambda n: datetime(2026, 9, 1, tzinfo=UTC) + n * MINUTE),
)
CLOCK = st.integers(0, 24 * 60 - 1).map(lambda n: time(n // 60, n % 60))


@settings(max_examples=120, deadline=None)
@given(PAIRS, STARTS, st.tuples(CLOCK, CLOCK), st.sampled_from(["TX", "AL", "RI", "ME", "WA"]))
@example(  # a shop that opens within the hour that is left out in spring
    (("US", "America/New_York"), ("US", "America/New_York")), datetime(2027, 3, 14, 6, tzinfo=UTC),
    (time(2, 30), time(23, 0)), "WA",
)  # fmt: skip
@example(  # a shop that closes within the hour that comes twice in autumn
    (("US", "America/Chicago"), ("US", "America/Adak")), datetime(2026, 11, 1, 6, tzinfo=UTC),
    (time(0, 5), time(1, 30)), "WA",
)  # fmt: skip
def test_shop_hours_and_law_together(
    pair: tuple[tuple[str, str], tuple[str, str]], now: datetime, opening: tuple[time, time],
    region: str,
) -> None:  # fmt: skip
    """A customer with a stated zone, a shop in any other, any shop hours."""
    (_, store_zone), (_, zone) = pair
    start, end = min(opening), max(opening)
    if start == end:
        end = time(23, 59) if start < time(23, 59) else end
        start = time(0, 0) if start == end else start
    number, number_zones, rules = number_at_home("US", zone)
    where = {"zones": [zone], "store_zone": store_zone, "hours": (start, end),
             "number_zones": number_zones,
             "jurisdictions": {"US", f"US-{region}", *rules}}  # fmt: skip
    first = first_minutes(now, minutes=1, look_ahead=72 * 60, **where)[0]
    answer = check_hours(
        phone=Phone(number), store_zone=store_zone, associate_window=hours(start, end), zone=zone,
        postal_code=None, region=region, country="US", now=now, max_defer=LONGEST,
    )  # fmt: skip
    assert answered(answer) == expected(first, now=now)


@settings(max_examples=200, deadline=None)
@given(PAIRS, STARTS, CLOCK, CLOCK)
def test_only_shop_hours_by_the_shops_clock(
    pair: tuple[tuple[str, str], tuple[str, str]], now: datetime, one: time, other: time
) -> None:
    """Windows in the small hours, where the clock itself jumps: the opening is right there, too."""
    from instore.window import _daily, _next_opening  # the law never opens at night

    (_, zone), _ = pair
    start, end = min(one, other), max(one, other)
    if start == end:
        return
    where = {"zones": [], "jurisdictions": (), "store_zone": zone, "hours": (start, end),
             "number_zones": ()}  # fmt: skip
    first = first_minutes(now, minutes=1, look_ahead=50 * 60, **where)[0]
    opening, _ = _next_opening(zone, week=_daily("shop", start, end), instant=now)
    assert opening == first


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 48 * 60), st.integers(0, 59_999))
def test_seconds_do_not_matter(minute: int, millis: int) -> None:
    """An instant within a minute gets the answer of the next one, or Allowed with it."""
    at = datetime(2026, 11, 17, tzinfo=UTC) + minute * MINUTE

    def ask(now: datetime) -> Allowed | Deferred | Never:
        return check_hours(
            phone=Phone("+12125550123"), store_zone="America/New_York", zone="America/Los_Angeles",
            associate_window=hours(time(11), time(20)), postal_code=None, region="NY",
            country="US", now=now, max_defer=LONGEST,
        )  # fmt: skip

    within = at + timedelta(milliseconds=millis)
    if isinstance(ask(at), Allowed):
        assert isinstance(ask(within), Allowed)
    else:
        assert ask(within) == ask(at)
