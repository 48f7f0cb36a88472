"""Held numbers in the table: one winner, and what was judged is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instore.adapters.number_health import NumberHealth
from instore.adapters.table import Table
from instore.number_health import Hold

NUMBER, OTHER, OWNER = "+12125550100", "+12125550101", "10000001"


@pytest.fixture
def numbers(table: Table) -> NumberHealth:
    return NumberHealth(table)


def test_a_healthy_number_has_no_item(numbers: NumberHealth, requests_made: list[Any]) -> None:
    assert numbers.hold_of(OWNER, number=NUMBER) == Hold(NUMBER)
    assert [name for _, name, _ in requests_made] == ["GetItem"]
    assert numbers.holds(OWNER, numbers=[NUMBER, OTHER]) == {}


def test_held_and_released(numbers: NumberHealth, table: Table, now: datetime) -> None:
    until = now + timedelta(hours=12)
    free = numbers.hold_of(OWNER, number=NUMBER)
    assert numbers.hold(free, account=OWNER, run=20, now=now, until=until)
    held = numbers.hold_of(OWNER, number=NUMBER)
    assert held == Hold(NUMBER, now + timedelta(seconds=1), until, 20, 1)
    assert table.get(f"NUMBER#{OWNER}#{NUMBER}", "NUMBER") == {
        "pk": f"NUMBER#{OWNER}#{NUMBER}", "sk": "NUMBER", "rev": 1, "run": 20, "who": "sweep",
        "held_until": int(until.timestamp()), "judged_to": int(now.timestamp()) + 1,
        "at": "2026-11-18T17:00:00.000Z", "note": "20 texts or more filtered in a row",
    }  # fmt: skip
    later = datetime(2026, 11, 18, 18, tzinfo=UTC)
    assert numbers.release(held, account=OWNER, who="ana", note="asked Twilio", now=later)
    assert numbers.hold_of(OWNER, number=NUMBER) == Hold(
        NUMBER, later + timedelta(seconds=1), None, 0, 2
    )
    (item,) = numbers.holds(OWNER, numbers=[NUMBER, OTHER]).values()
    assert ("held_until" in item, item["who"], item["note"]) == (False, "ana", "asked Twilio")


def test_of_two_that_saw_the_same_one_wins(numbers: NumberHealth, now: datetime) -> None:
    free = numbers.hold_of(OWNER, number=NUMBER)
    until = now + timedelta(hours=12)
    assert numbers.hold(free, account=OWNER, run=20, now=now, until=until)
    assert not numbers.hold(free, account=OWNER, run=25, now=now, until=until)
    held = numbers.hold_of(OWNER, number=NUMBER)
    assert numbers.release(held, account=OWNER, who="ana", note="", now=now)
    assert not numbers.release(held, account=OWNER, who="ben", note="", now=now)
    assert not numbers.hold(held, account=OWNER, run=30, now=now, until=until)
    assert numbers.hold_of(OWNER, number=NUMBER).until is None


def test_a_write_whose_answer_was_lost_has_won(numbers: NumberHealth, now: datetime) -> None:
    free = numbers.hold_of(OWNER, number=NUMBER)
    until = now + timedelta(hours=12)
    for _ in range(2):  # the SDK repeats the very same request
        assert numbers.hold(free, account=OWNER, run=20, now=now, until=until)
    held = numbers.hold_of(OWNER, number=NUMBER)
    for _ in range(2):
        assert numbers.release(held, account=OWNER, who="ana", note="", now=now)


def test_accounts_do_not_meet(numbers: NumberHealth, now: datetime) -> None:
    free = numbers.hold_of(OWNER, number=NUMBER)
    numbers.hold(free, account=OWNER, run=20, now=now, until=now + timedelta(hours=1))
    assert numbers.hold_of("10000009", number=NUMBER) == Hold(NUMBER)
