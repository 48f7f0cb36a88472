"""The pace in every order of AWS calls: turns never overlap, on a new, an idle and a busy line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count, pairwise
from typing import Any

import pytest
from tests.interleavings.orders import all_orders

from instore.adapters.pace import Pace
from instore.adapters.table import Table
from instore.pacing import micros

_lines = count()


@pytest.mark.parametrize(("idle_s", "takers"), [
    *(pytest.param(idle_s, 3, marks=pytest.mark.slow) for idle_s in (None, -60)),
    (0, 3), (5, 3), (None, 2), (-60, 2)])  # fmt: skip
def test_turns_do_not_overlap(table: Table, now: datetime, idle_s: int | None, takers: int) -> None:
    line = ""

    def start() -> list[Callable[[], Any]]:
        nonlocal line
        line = f"line-{next(_lines)}"
        if idle_s is not None:
            table.put({"pk": f"PACE#a#{line}", "sk": "PACE",
                       "free_at": micros(now) + idle_s * 1_000_000})  # fmt: skip

        def take() -> float | None:
            # Sleeping changes nothing for the others: their clock stands still, which is worst.
            pace = Pace(table, now=lambda: now, sleep=lambda _: None)
            return pace.take("a", channel=line, count=9, rate=9, max_wait=60)

        return [take] * takers

    def check(results: list[Any]) -> None:
        turns = sorted(results)
        assert turns[0] == max(idle_s or 0, 0)
        assert all(later - earlier == 1.0 for earlier, later in pairwise(turns))
        item = table.get(f"PACE#a#{line}", "PACE")
        assert item is not None
        assert item["free_at"] == micros(now) + int(turns[-1] + 1) * 1_000_000

    assert all_orders(start, check) > 1


def test_the_last_place_is_given_once(table: Table, now: datetime) -> None:
    """Room for one within the wait: one gets it, one is told None and reserves nothing."""

    def start() -> list[Callable[[], Any]]:
        channel = f"line-{next(_lines)}"
        table.put({"pk": f"PACE#a#{channel}", "sk": "PACE", "free_at": micros(now) + 1_000_000})
        pace = Pace(table, now=lambda: now, sleep=lambda _: None)
        return [lambda: pace.take("a", channel=channel, count=9, rate=9, max_wait=1)] * 2

    def check(results: list[Any]) -> None:
        assert sorted(results, key=str) == [1.0, None]

    assert all_orders(start, check) == 2
