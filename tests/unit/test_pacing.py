"""The arithmetic of the pace; the property is in tests/properties/test_pacing_bound.py."""

from datetime import UTC, datetime, timedelta

import pytest

from instore.errors import BadInputError
from instore.pacing import Turn, cost, micros, next_turn


def test_micros_is_exact() -> None:
    instant = datetime(2026, 11, 18, 17, 0, 0, 123457, tzinfo=UTC)
    assert micros(instant) == 1795021200123457
    assert micros(instant + timedelta(microseconds=1)) - micros(instant) == 1


@pytest.mark.parametrize(
    ("count", "rate", "expected"),
    [(1, 1, 1_000_000), (9, 9, 1_000_000), (1, 9, 111_112), (100, 9, 11_111_112),
     (1, 1.8, 555_556), (3, 0.001, 3_000_000_000)],
)  # fmt: skip
def test_cost_is_rounded_up(count: int, rate: float, expected: int) -> None:
    assert cost(count, rate=rate) == expected


@pytest.mark.parametrize(("count", "rate"), [(0, 1), (-1, 1), (1, 0), (1, -3), (1, 0.0001)])
def test_nonsense_is_refused(count: int, rate: float) -> None:
    with pytest.raises(BadInputError) as caught:
        cost(count, rate=rate)
    assert caught.value.public_code == "bad_pace"


def test_first_taker_goes_at_once() -> None:
    assert next_turn(None, now=50, price=10) == Turn(50, 60)


def test_idle_line_gives_no_credit() -> None:
    assert next_turn(20, now=50, price=10) == Turn(50, 60)


def test_busy_line_is_queued_behind() -> None:
    turn = next_turn(2_000_050, now=50, price=10)
    assert turn == Turn(2_000_050, 2_000_060)
    assert turn.wait(now=50) == 2.0
    assert turn.wait(now=3_000_000) == 0.0
