"""The indices, worked out by hand: every number here was reckoned on paper first."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, date, datetime, time
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from tests.kpi_rig import ANNA, BEN, DAY, FAR, UNIT, fact, far_store, store

from instore.directory import Opening, Pointer
from instore.kpi import Count, Figures, Kind, Period, Times, figures_of, total
from instore.kpi_asking import Place
from instore.kpi_csv import COLUMNS, write
from instore.kpi_facts import (
    answered,
    conversation_given,
    first_response,
    of_call,
    replied,
    requested,
    sent,
    texted,
)
from instore.kpi_hours import day_in, is_over, open_seconds
from instore.kpi_indices import SHARES, WAITS, Share, Wait, is_full
from instore.kpi_plot import bars, line
from instore.measured import Kind as Happened
from instore.measured import Measured

NY = ZoneInfo("America/New_York")
SHARE = {index.name: index for index in SHARES}
WAIT = {index.name: index for index in WAITS}


def new_york(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=NY).astimezone(UTC)


def whole(*facts: object) -> Figures:
    return total(figures_of(facts).values())  # type: ignore[arg-type]  # stands in for the real one


def test_three_requests_of_four_by_text_are_three_quarters() -> None:
    facts = [requested(store(), request=f"r{n}", by="text" if n else "email", source="widget",
                       at=new_york(18, 12)) for n in range(4)]  # fmt: skip
    assert SHARE["correspondence_preference"].of(whole(*facts)) == Share(3, 4)
    assert Share(3, 4).value == Fraction(3, 4)


def test_a_reply_next_morning_took_the_night_by_the_clock_and_two_hours_of_the_store() -> None:
    """Open nine to nine; submitted at 20:00, answered at 10:00: 14 hours, and 1 + 1 of them open."""
    reply = replied(store(), request="r1", submitted_at=new_york(18, 20),
                    replied_at=new_york(19, 10), agent=ANNA)  # fmt: skip
    assert (reply.day, reply.agent, reply.unit) == (DAY, ANNA, UNIT)
    assert reply.values == {"wall_s": 14 * 3600, "hours_s": 2 * 3600}


def test_reply_times_of_four_requests() -> None:
    """60, 120, 600 and 3600 s: mean 1095, median (120 + 600) / 2, nine in ten within 3600."""
    facts = [fact(Kind.REPLY, f"r{n}", wall_s=s, hours_s=s // 2)
             for n, s in enumerate((600, 60, 3600, 120))]  # fmt: skip
    wait = WAIT["request_reply_time"].of(whole(*facts))
    assert (wait.number, wait.total_s, wait.mean_s) == (4, 4380, 1095)
    assert (wait.median_s, wait.ninetieth_s) == (360, 3600)
    assert WAIT["request_reply_time_in_hours"].of(whole(*facts)).waits == {
        30: 1, 60: 1, 300: 1, 1800: 1}  # fmt: skip


@pytest.mark.parametrize(("seconds", "median", "ninetieth"), [
    ((), None, None), ((7,), 7, 7), ((1, 2), Fraction(3, 2), 2), (tuple(range(1, 11)), Fraction(11, 2), 9),
    (tuple(range(1, 12)), 6, 10), ((5, 5, 5, 9), 5, 9), ((1, 1, 8, 8), Fraction(9, 2), 8),
    ((0,) * 9 + (4,), 0, 0),
])  # fmt: skip
def test_the_middle_and_nine_in_ten(
    seconds: tuple[int, ...], median: Fraction | None, ninetieth: int | None
) -> None:
    wait = Wait(Counter(seconds))
    assert (wait.median_s, wait.ninetieth_s) == (median, ninetieth)


def test_ten_calls_worked_out() -> None:
    """Ten offered: six pressed the digit, five became a conversation. Of those who texted before,
    three came back by text and one called again: three quarters contained."""
    calls = [fact(Kind.CALL_OFFERED, f"CA{n}", agent=None, unit="branch/service", **again)
             for n, again in enumerate([{"again": True}, *[{}] * 9])]  # fmt: skip
    calls += [
        fact(Kind.CALL_ACCEPTED, f"CA{n}", agent=None, unit="branch/service") for n in range(6)
    ]
    calls += [
        fact(Kind.CALL_STARTED, f"CA{n}", agent=None, unit="branch/service") for n in range(5)
    ]
    calls += [fact(Kind.CALL_REPEAT, f"c{n}", agent=None, unit="branch/service") for n in range(3)]
    figures = whole(*calls)
    assert SHARE["offer_accepted"].of(figures) == Share(6, 10)
    assert SHARE["deflection"].of(figures) == Share(5, 10)
    assert SHARE["containment"].of(figures) == Share(3, 4)


def test_two_of_eight_texts_answered_and_a_day_that_is_not_settled_counts_nothing() -> None:
    anna, ben = (Pointer("10000002", "4100", agent) for agent in (ANNA, BEN))
    facts = [texted(anna, banner="kay", day="2026-11-18"), texted(ben, banner="kay", day="2026-11-18"),
             sent(anna, banner="kay", day=DAY, count=8),
             *(answered(anna, banner="kay", batch="b1", day="2026-11-18", customer=c)
               for c in ("x", "y"))]  # fmt: skip
    figures = whole(*facts)
    assert SHARE["outreach_answered"].of(figures) == Share(2, 8)
    assert figures.count(Count.TEXTS_PENDING) == 1
    assert all("x" not in one.name and "y" not in one.name for one in facts[-2:])


def test_nothing_is_no_information() -> None:
    assert [index.of(Figures()).value for index in SHARES] == [None] * len(SHARES)
    assert [index.of(Figures()).mean_s for index in WAITS] == [None] * len(WAITS)
    assert total([]) == Figures() == figures_of([]).get((UNIT, None), Figures())


def test_a_conversation_belongs_to_the_day_it_has_in_its_store() -> None:
    """Half past midnight UTC on the 19th is still the 18th in New York and Los Angeles."""
    at = datetime(2026, 11, 19, 0, 30, tzinfo=UTC)
    for where in (store(), far_store()):
        given = conversation_given(where, account="1", conversation="c", agent=ANNA, at=at)
        assert (given.day, given.unit) == (DAY, f"{where.account}/{where.group}")
    late = first_response(store(), account="1", conversation="c", agent=ANNA, began_at=at,
                          at=datetime(2026, 11, 19, 5, 0, tzinfo=UTC))  # fmt: skip
    assert late.day == date(2026, 11, 19)
    assert late.values == {"wall_s": 16200, "hours_s": 5400}  # 19:30 to 21:00, and then the night


def test_a_call_has_its_day_in_the_zone_of_its_branch() -> None:
    call = Measured(Happened.OFFERED, "CA1", datetime(2026, 11, 19, 3, tzinfo=UTC), "kay", "service",
                    store="4100", again=True)  # fmt: skip
    one = of_call(call, zone="America/New_York")
    assert (one.day, one.unit, one.kind, one.values) == (
        DAY, "branch/service", Kind.CALL_OFFERED, {"again": True})  # fmt: skip
    assert of_call(call, zone="UTC").day == date(2026, 11, 19)
    assert {Kind(f"call_{kind}") for kind in Happened} == {
        kind for kind in Kind if kind.startswith("call_")
    }


@pytest.mark.parametrize(("begin", "end", "open_s"), [
    (new_york(18, 10), new_york(18, 11), 3600),
    (new_york(18, 21), new_york(19, 9), 0),
    (new_york(18, 8), new_york(18, 22), 12 * 3600),
    (new_york(18, 12), new_york(25, 12), 7 * 12 * 3600),
    (new_york(18, 12), new_york(18, 12), 0),
    (new_york(18, 12), new_york(18, 11), 0),
    (new_york(7, 12, month=3), new_york(9, 12, month=3), 24 * 3600),  # over the spring change
])  # fmt: skip
def test_only_open_hours_count(begin: datetime, end: datetime, open_s: int) -> None:
    found = open_seconds(store().openings, zone="America/New_York", begin=begin, end=end)
    assert found == open_s


def test_the_hour_that_comes_twice_counts_twice() -> None:
    """1 November 2026 has 25 hours in New York, 8 March 23: open day and night, and one to three."""
    night = [Opening(6, time(0), time.max)]
    one_to_three = [Opening(6, time(1), time(3))]
    for month, day, hours, small in ((11, 1, 25, 3), (3, 8, 23, 1)):
        begin, end = new_york(day, 0, month=month), new_york(day + 1, 0, month=month)
        assert open_seconds(night, zone="America/New_York", begin=begin, end=end) == hours * 3600
        assert open_seconds(one_to_three, zone="America/New_York", begin=begin,
                            end=end) == small * 3600  # fmt: skip
        assert open_seconds([], zone="America/New_York", begin=begin, end=end) == hours * 3600


def test_openings_that_overlap_are_open_once() -> None:
    double = [
        Opening(2, time(9), time(12)),
        Opening(2, time(10), time(11)),
        Opening(2, time(11), time(13)),
    ]
    found = open_seconds(
        double, zone="America/New_York", begin=new_york(18, 0), end=new_york(19, 0)
    )
    assert found == 4 * 3600


def test_a_day_is_over_when_it_is_over_everywhere() -> None:
    assert not is_over(DAY, now=datetime(2026, 11, 19, 11, 59, tzinfo=UTC))
    assert is_over(DAY, now=datetime(2026, 11, 19, 12, tzinfo=UTC))
    last = datetime(2026, 11, 19, 11, 59, 59, tzinfo=UTC)
    assert day_in("Etc/GMT+12", at=last) == DAY
    assert day_in("Nowhere/Such", at=last) == date(2026, 11, 19)


@pytest.mark.parametrize(("first", "last", "full"), [
    (date(2026, 9, 1), date(2026, 11, 30), True), (date(2026, 9, 1), date(2026, 11, 29), False),
    (date(2026, 11, 18), date(2027, 2, 17), True), (date(2026, 11, 18), date(2027, 2, 16), False),
])  # fmt: skip
def test_full_containment_takes_three_months(first: date, last: date, full: bool) -> None:
    assert is_full(Period(first, last)) is full


def test_a_line_of_csv() -> None:
    figures = Figures({Count.REQUESTS_TEXT: 1, Count.REQUESTS_EMAIL: 2},
                      {Times.REPLY_WALL: {60: 1, 61: 2}})  # fmt: skip
    place = Place("kay", UNIT, ANNA)
    text = write(Period(DAY, DAY), {place: figures}, name_of={place: "=HYPERLINK(1)@kay"})
    assert (text[0], text[-2:]) == ("\ufeff", "\r\n")
    ((row),) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert tuple(row) == COLUMNS
    assert row["associate"] == "'=HYPERLINK(1)@kay"
    assert (row["from"], row["to"], row["store_or_branch"]) == ("2026-11-18", "2026-11-18", UNIT)
    assert (row["correspondence_preference"], row["containment"]) == ("0.3333", "")
    assert [row[f"request_reply_time_{part}"] for part in ("n", "total_s", "mean_s", "median_s",
                                                           "p90_s")] == [
        "3", "182", "60.7", "61", "61"]  # fmt: skip


def test_a_plot_has_its_values_and_gaps_where_there_are_none() -> None:
    drawn = ET.fromstring(
        line("A & B", names=["1", "2", "3", "4"], values=[0, 50, None, 100], unit=" %")
    )
    space = "{http://www.w3.org/2000/svg}"
    points = [
        (float(c.get("cx") or 0), float(c.get("cy") or 0)) for c in drawn.iter(f"{space}circle")
    ]
    assert [y for _, y in points] == [158.0, 83.0, 8.0]
    assert len([p for p in drawn.iter(f"{space}path") if p.get("class") == "curve"]) == 1
    assert drawn.findtext(f"{space}title") == "A & B"
    empty = ET.fromstring(line("none", names=[], values=[], unit=""))
    assert not list(empty.iter(f"{space}circle"))


def test_bars_are_as_long_as_their_values() -> None:
    space = "{http://www.w3.org/2000/svg}"
    drawn = ET.fromstring(bars("x", rows=[("a", 10.0, "10"), ("<b>", 5.0, "5"), ("c", None, "")]))
    widths = [float(bar.get("width") or 0) for bar in drawn.iter(f"{space}rect")]
    assert widths == [280.0, 140.0]
    assert "<b>" in [text.text for text in drawn.iter(f"{space}text")]
    assert FAR != UNIT
