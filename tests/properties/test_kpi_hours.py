"""How long a store was open between two instants: counted, and asked minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kpi_rig import store

from instore.directory import Opening
from instore.kpi_hours import open_seconds

ZONES = ("America/New_York", "America/St_Johns", "America/Phoenix", "Pacific/Apia", "UTC",
         "Australia/Lord_Howe", "Asia/Kathmandu")  # fmt: skip
# Around every change of the clocks of these zones in 2026, and in between.
AROUND = [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC),
          datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC),
          datetime(2026, 7, 4, tzinfo=UTC)]  # fmt: skip
MOMENT = st.one_of(st.integers(0, 23 * 4 + 3).map(lambda q: time(q // 4, q % 4 * 15)))


@st.composite
def opening(draw: st.DrawFn) -> Opening:
    opens = draw(MOMENT)
    closes = draw(st.one_of(st.just(time.max), MOMENT.filter(lambda t: t > opens)
                            if opens < time(23, 45) else st.just(time.max)))  # fmt: skip
    return Opening(draw(st.integers(0, 6)), opens, closes)


@settings(max_examples=150, deadline=None)
@given(openings=st.lists(opening(), min_size=1, max_size=6), zone=st.sampled_from(ZONES),
       begin=st.sampled_from(AROUND), ahead=st.integers(-1500, 1500), minutes=st.integers(0, 4000))  # fmt: skip
def test_open_time_is_what_the_door_says_minute_by_minute(
    openings: list[Opening], zone: str, begin: datetime, ahead: int, minutes: int
) -> None:
    shop = replace(store(), zone=zone, openings=tuple(openings))
    begin += timedelta(minutes=ahead)
    open_for = sum(shop.is_open(begin + timedelta(minutes=n)) for n in range(minutes))
    end = begin + timedelta(minutes=minutes)
    assert open_seconds(openings, zone=zone, begin=begin, end=end) == open_for * 60


@settings(max_examples=100, deadline=None)
@given(openings=st.lists(opening(), max_size=6), zone=st.sampled_from(ZONES),
       begin=st.sampled_from(AROUND), cuts=st.lists(st.integers(0, 400_000), min_size=2, max_size=5))  # fmt: skip
def test_a_wait_is_the_sum_of_its_parts(
    openings: list[Opening], zone: str, begin: datetime, cuts: list[int]
) -> None:
    times = [begin + timedelta(seconds=s) for s in sorted(cuts)]
    parts = sum(open_seconds(openings, zone=zone, begin=a, end=b)
                for a, b in pairwise(times))  # fmt: skip
    assert parts == open_seconds(openings, zone=zone, begin=times[0], end=times[-1])


@settings(max_examples=100, deadline=None)
@given(before=st.integers(-1500, 4000), after=st.integers(-1500, 4000))
def test_a_wait_around_a_change_of_the_clocks_ends(before: int, after: int) -> None:
    """To the millisecond, as instants are stored: New York puts its clocks back at six in UTC."""
    change, door = datetime(2026, 11, 1, 6, tzinfo=UTC), [Opening(6, time(0), time.max)]
    begin, end = change - timedelta(milliseconds=before), change + timedelta(milliseconds=after)
    found = open_seconds(door, zone="America/New_York", begin=begin, end=end)
    assert found == max(before + after, 0) // 1000
