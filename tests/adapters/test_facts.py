"""Facts and summed days in a real table, the whole way: what comes back is what was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.kpi_rig import ANNA, BEN, DAY, FAR, UNIT, Kind, fact

from instore.adapters.facts import LATE_AFTER, Facts
from instore.adapters.table import Table
from instore.kpi import KEPT, Closed, Count, Figures, Period, Times, UnitDay, figures_of
from instore.model import epoch

LATER = datetime(2026, 11, 20, tzinfo=UTC)
ON = Period(DAY, DAY)


@pytest.fixture
def facts(table: Table) -> Facts:
    return Facts(table)


def summed(*some: Any, unit: str = UNIT, day: date = DAY, **more: Any) -> UnitDay:
    figures = {agent: one for (_, agent), one in figures_of(some).items()}
    return UnitDay("kay", unit, day, figures, **more)


SOME = (fact(Kind.REQUEST, "r#1", by="text", source="widget"), fact(Kind.REPLY, "r#1", wall_s=0, hours_s=0),
        fact(Kind.CALL_OFFERED, "CA1", agent=None, again=True), fact(Kind.SENT, "s", agent=BEN, count=3))  # fmt: skip


def test_a_fact_comes_back_as_it_was_told(facts: Facts, now: datetime) -> None:
    far = fact(Kind.ANSWERED, "x", unit=f"{UNIT}0")
    for one in (*SOME, far):
        assert facts.tell(one, now=now)
        assert not facts.tell(replace(one, agent="999"), now=now)
    by_unit = {unit: sorted(some, key=str) for unit, some in facts.by_unit("kay", day=DAY)}
    assert by_unit == {UNIT: sorted(SOME, key=str), far.unit: [far]}
    assert sorted(facts.of_day("kay", day=DAY, unit=UNIT), key=str) == sorted(SOME, key=str)
    assert list(facts.by_unit("kay", day=DAY + timedelta(days=1))) == []
    assert list(facts.by_unit("zales", day=DAY)) == []


def test_a_summed_day_comes_back_as_it_was_written(facts: Facts) -> None:
    one = summed(*SOME)
    assert facts.add(one)
    assert not facts.add(one)
    assert facts.days_of("kay", ON, units=[UNIT, FAR]) == [one]
    assert list(facts.days("kay", ON)) == [one]


def test_a_day_too_large_for_an_item_stays_with_its_facts(facts: Facts, now: datetime) -> None:
    """Two thousand associates in one place, each a thousand seconds after the next."""
    everybody = {str(n): Figures({Count.CONVERSATIONS: 20}, {Times.RESPONSE_WALL: {
        1000 * m + n % 1000: 1 for m in range(40)}}) for n in range(2000)}  # fmt: skip
    assert facts.add(UnitDay("kay", UNIT, DAY, everybody))
    assert list(facts.days("kay", ON)) == [UnitDay("kay", UNIT, DAY, {}, open=True)]
    assert (
        facts.due(now=LATER + timedelta(days=99), limit=5) == []
    )  # nothing is to be done about it
    facts.tell(SOME[0], now=LATER)
    assert facts.replace(UnitDay("kay", UNIT, DAY, everybody, rev=1))
    assert facts.due(now=LATER + timedelta(days=99), limit=5) == []


@pytest.mark.slow
def test_what_an_item_just_holds_is_kept_in_it(facts: Facts) -> None:
    """The worst there is: nothing but seconds of one digit, which DynamoDB makes most of."""
    one = UnitDay("kay", UNIT, DAY, {ANNA: Figures({}, {Times.RESPONSE_WALL: {7: 129_000}})})
    assert facts.add(one)
    assert list(facts.days("kay", ON)) == [one]


def test_more_than_a_page_is_read_page_by_page(
    facts: Facts, now: datetime, monkeypatch: pytest.MonkeyPatch, requests_made: Any
) -> None:
    monkeypatch.setattr("instore.adapters.facts._PAGE", 2)
    for n in range(5):
        facts.tell(fact(Kind.CONVERSATION, f"c{n}", unit=(UNIT, FAR)[n // 3]), now=now)
        facts.add(summed(unit=f"10000002/{n}"))
    requests_made.clear()
    found = {unit: len(some) for unit, some in facts.by_unit("kay", day=DAY)}
    assert (found, len(requests_made)) == ({UNIT: 3, FAR: 2}, 3)
    assert [one.unit for one in facts.days("kay", ON)] == [f"10000002/{n}" for n in range(5)]


def test_days_of_a_period_are_those_and_no_others(facts: Facts) -> None:
    days = [
        date(2026, 9, 30),
        date(2026, 10, 1),
        date(2026, 10, 31),
        date(2026, 11, 1),
        date(2026, 12, 1),
    ]
    for day in days:
        facts.add(summed(day=day))
        facts.add(summed(day=day, unit=FAR))
    found = list(facts.days("kay", Period(days[1], days[3])))
    assert sorted({one.day for one in found}) == days[1:4]
    assert len(found) == 6


def test_a_late_fact_opens_the_day_and_a_late_writer_is_refused(facts: Facts) -> None:
    facts.add(summed())
    facts.tell(SOME[0], now=LATER)
    (one,) = facts.days("kay", ON)
    assert (one.open, one.rev) == (True, 1)
    assert facts.due(now=LATER + LATE_AFTER - timedelta(seconds=1), limit=5) == []
    ((pk, sk),) = facts.due(now=LATER + LATE_AFTER, limit=5)
    assert facts.day_of((pk, sk)) == one
    facts.tell(SOME[1], now=LATER)
    assert not facts.replace(summed(SOME[0], rev=1))
    assert facts.replace(summed(*SOME[:2], rev=2))
    assert facts.due(now=LATER + LATE_AFTER, limit=5) == []
    (one,) = facts.days("kay", ON)
    assert one == summed(*SOME[:2], rev=3)


def test_a_late_fact_of_a_store_without_a_day_keeps_others_from_adding_it(facts: Facts) -> None:
    facts.tell(SOME[0], now=LATER)
    assert not facts.add(summed())
    (one,) = facts.days("kay", ON)
    assert (one.open, one.rev, dict(one.figures)) == (True, 1, {})
    assert facts.day_of(("KPI#kay#2026-11", "2026-11-18#none")) is None


def test_closing_never_goes_back(facts: Facts) -> None:
    assert facts.closed("kay") == Closed()
    for day in (DAY, DAY - timedelta(days=1)):
        facts.close_day("kay", name="stores", day=day)
    facts.close_day("kay", name="calls", day=DAY - timedelta(days=4))
    assert facts.closed("kay") == Closed(DAY, DAY - timedelta(days=4))


def test_what_is_kept_is_kept_for_three_years_from_its_day(
    facts: Facts, table: Table, now: datetime
) -> None:
    facts.tell(SOME[0], now=now)
    facts.add(summed())
    facts.tell(fact(Kind.REQUEST, "late", by="text", unit=FAR), now=LATER)
    expected = epoch(datetime(2026, 11, 18, tzinfo=UTC) + KEPT)
    items = [*table.query("FACT#kay#2026-11-18"), *table.query("KPI#kay#2026-11")]
    assert [item["expires_at"] for item in items] == [expected] * 4


def test_names_and_batches(facts: Facts, table: Table) -> None:
    table.put({"pk": "STORE#10000002#4100", "sk": "STORE", "name": "Kay 4100"})
    assert facts.names_of([UNIT, FAR]) == {UNIT: "Kay 4100"}
    table.put({"pk": f"ASSOCIATE#1#{ANNA}", "sk": "DAY#2026-11-18", "used": 3, "bb12": 2, "bb02": 1,
               "expires_at": 9})  # fmt: skip
    assert facts.batches_of("1", agent=ANNA, day=DAY) == ["b02", "b12"]
    assert facts.batches_of("1", agent=BEN, day=DAY) == []
