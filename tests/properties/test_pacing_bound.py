"""Whoever takes, whenever: in any interval at most rate * t plus one taker's share."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from instore.pacing import MICROS, cost, next_turn

TAKERS = st.lists(
    st.tuples(st.integers(0, 5 * MICROS), st.integers(1, 100)), min_size=1, max_size=40
)


@given(TAKERS, st.sampled_from([0.5, 1.8, 9.0, 7.2, 10.0, 33.333, 250.0]))
def test_never_faster_than_agreed(takers: list[tuple[int, int]], rate: float) -> None:
    now, free_at = 1_795_021_200_000_000, None
    starts: list[tuple[int, int]] = []
    for gap, count in takers:
        now += gap
        turn = next_turn(free_at, now=now, price=cost(count, rate=rate))
        free_at = turn.free_at
        starts.append((turn.begins, count))
        assert turn.begins >= now
    assert all(before[0] < after[0] for before, after in pairwise(starts))
    for first in range(len(starts)):
        for last in range(first, len(starts)):
            lasted = starts[last][0] - starts[first][0]
            sent = sum(count for _, count in starts[first : last + 1])
            assert sent - starts[last][1] <= rate * lasted / MICROS + 1e-6


@given(st.integers(1, 10_000), st.floats(0.001, 1000))
def test_cost_never_below_the_exact_price(count: int, rate: float) -> None:
    assert cost(count, rate=rate) * rate >= count * MICROS * (1 - 1e-12)
