"""The harness itself: it finds all orders, and the race it is there to find."""

from math import comb
from typing import Any

import pytest
from tests.interleavings.orders import all_orders

from instore.adapters.table import Table


def test_every_order_is_tried_once(table: Table) -> None:
    seen: list[tuple[str, ...]] = []
    steps: list[str] = []

    def start() -> list[Any]:
        steps.clear()

        def three(name: str) -> None:
            for _ in range(3):
                table.get("X", name)
                steps.append(name)

        return [lambda: three("a"), lambda: three("b")]

    tried = all_orders(start, lambda _: seen.append(tuple(steps)))
    assert tried == comb(6, 3) == len(set(seen))


def test_a_lost_update_is_found(table: Table) -> None:
    """Read, add one, write back: the textbook race loses in some order, and only in some."""
    ends: list[int] = []

    def start() -> list[Any]:
        table.put({"pk": "COUNT", "sk": "COUNT", "n": 0})

        def add() -> None:
            item = table.get("COUNT", "COUNT")
            assert item is not None
            table.put({**item, "n": item["n"] + 1})

        return [add, add]

    def note(_: list[Any]) -> None:
        item = table.get("COUNT", "COUNT")
        assert item is not None
        ends.append(item["n"])

    assert all_orders(start, note) == 6
    assert sorted(ends) == [1, 1, 1, 1, 2, 2]


def test_an_error_is_a_result_and_a_failed_check_names_its_order(table: Table) -> None:
    def start() -> list[Any]:
        def broken() -> None:
            table.get("X", "X")
            raise ValueError("broken")

        return [broken]

    def check(results: list[Any]) -> None:
        assert not isinstance(results[0], ValueError)

    with pytest.raises(AssertionError) as caught:
        all_orders(start, check)
    assert caught.value.__notes__ == ["order of calls: (0,)"]
    assert all_orders(start, lambda _: None, only=(0,)) == 1
