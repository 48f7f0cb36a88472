"""The pace item: one update when busy, two after idleness, nothing reserved when too late."""

from __future__ import annotations

from typing import Any

import pytest

from instore.adapters.pace import Pace
from instore.adapters.table import Refused, Table
from instore.errors import UnavailableError
from instore.pacing import micros

Calls = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def pace(table: Table, clock: Any) -> Pace:
    return Pace(table, now=clock.now, sleep=clock.sleep)


def take(pace: Pace, count: int = 9, *, max_wait: float = 10, rate: float = 9) -> float | None:
    return pace.take("10000001", channel="campaign", count=count, rate=rate, max_wait=max_wait)


def test_the_first_goes_at_once_and_the_next_wait_their_turn(pace: Pace, clock: Any) -> None:
    started = clock.now()
    assert [take(pace) for _ in range(3)] == [0.0, 1.0, 1.0]
    assert (clock.now() - started).total_seconds() == 2.0


def test_two_writes_after_idleness_then_one(pace: Pace, clock: Any, requests_made: Calls) -> None:
    take(pace)
    assert [call[1] for call in requests_made] == ["UpdateItem"] * 2
    requests_made.clear()
    take(pace)
    assert [call[1] for call in requests_made] == ["UpdateItem"]
    requests_made.clear()
    clock.advance(60)
    assert take(pace) == 0.0
    assert [call[1] for call in requests_made] == ["UpdateItem"] * 2


def test_idleness_is_no_credit(pace: Pace, clock: Any) -> None:
    take(pace)
    clock.advance(3600)
    assert [take(pace), take(pace)] == [0.0, 1.0]


def test_too_long_a_wait_reserves_nothing(pace: Pace, table: Table, clock: Any) -> None:
    take(pace, 100)
    before = table.get("PACE#10000001#campaign", "PACE")
    assert take(pace, max_wait=11.0) is None
    assert table.get("PACE#10000001#campaign", "PACE") == before
    assert take(pace, max_wait=11.2) == pytest.approx(11.111112)


def test_no_waiting_at_all(pace: Pace) -> None:
    assert take(pace, max_wait=0) == 0.0
    assert take(pace, max_wait=0) is None


def test_accounts_and_channels_have_their_own_line(pace: Pace) -> None:
    take(pace, 100)
    assert pace.take("10000001", channel="notify", count=1, rate=1.8, max_wait=0) == 0.0
    assert pace.take("10000002", channel="campaign", count=1, rate=9, max_wait=0) == 0.0


def test_a_slow_rate_does_not_drift(pace: Pace, table: Table, clock: Any) -> None:
    started = micros(clock.now())
    for _ in range(50):
        take(pace, 1, rate=7)
    item = table.get("PACE#10000001#campaign", "PACE")
    assert item is not None
    assert item["free_at"] == started + 50 * 142_858


def test_a_line_that_never_holds_still_is_an_error(clock: Any, dynamodb: Any, table: Table) -> None:
    class Restless(Table):
        def update(self, *args: Any, **kwargs: Any) -> Any:
            return Refused({"free_at": micros(clock.now())})

    pace = Pace(Restless(dynamodb, table.name), now=clock.now, sleep=clock.sleep)
    with pytest.raises(UnavailableError) as caught:
        take(pace)
    assert caught.value.public_code == "pace_contended"
