"""The harness itself: it finds all orders, and the race it is there to find."""

import random
from collections.abc import Callable
from math import comb
from typing import Any

import pytest
from tests.interleavings.orders import all_orders, all_orders_that_differ

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


class LostUpdate:
    """Read, add one, write back, by two at a time: the textbook race, and where it ended."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.ends: list[int] = []

    def start(self) -> list[Any]:
        self.table.put({"pk": "COUNT", "sk": "COUNT", "n": 0})
        return [self.add, self.add]

    def count(self) -> dict[str, Any]:
        item = self.table.get("COUNT", "COUNT")
        assert item is not None
        return item

    def add(self) -> None:
        item = self.count()
        self.table.put({**item, "n": item["n"] + 1})

    def note(self, _: list[Any]) -> None:
        self.ends.append(self.count()["n"])


def test_a_lost_update_is_found(table: Table) -> None:
    """It loses in some order, and only in some."""
    race = LostUpdate(table)
    assert all_orders(race.start, race.note) == 6
    assert sorted(race.ends) == [1, 1, 1, 1, 2, 2]


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


def test_calls_that_touch_nothing_in_common_have_one_order(table: Table) -> None:
    def start() -> list[Any]:
        def three(name: str) -> None:
            table.get("X", "read by all")
            table.put({"pk": name, "sk": "X"})
            table.update(name, "X", "SET n = :n", values={"n": 1})

        return [lambda: three("a"), lambda: three("b"), lambda: three("c")]

    assert all_orders_that_differ(start, lambda _: None) == 1


def test_what_matters_in_a_lost_update_is_who_reads_and_writes_when(table: Table) -> None:
    """Of six orders four are kinds of their own: reads may swap, and the last writes decide."""
    race = LostUpdate(table)
    assert all_orders_that_differ(race.start, race.note) == 4
    assert sorted(race.ends) == [1, 1, 2, 2]


@pytest.mark.parametrize("seed", range(12))
def test_orders_that_differ_reach_every_end_that_any_order_reaches(table: Table, seed: int) -> None:
    """Random little programs of reads, writes and conditions over three items: same set of ends."""
    dice = random.Random(seed)
    counts = dice.choice([(3, 3), (4, 3), (2, 2, 2), (3, 2, 1)])
    programs = [[(dice.choice("gpcu"), dice.choice("xyz")) for _ in range(n)] for n in counts]
    ends: set[str] = set()

    def start() -> list[Callable[[], Any]]:
        for name in "xyz":
            table.put({"pk": name, "sk": "X", "v": 0, "by": ""})
        return [lambda n=n: run(n) for n in range(len(programs))]  # type: ignore[misc]  # binds the loop's value

    def run(who: int) -> list[Any]:
        seen: list[Any] = []
        last = 0
        for kind, name in programs[who]:
            if kind == "g":
                last = (table.get(name, "X") or {})["v"]
                seen.append(last)
            elif kind == "p":
                table.put({"pk": name, "sk": "X", "v": last + 10 * who + 1, "by": str(who)})
            elif kind == "u":
                table.update(name, "X", "ADD v :one", values={"one": 1})
            else:
                done = table.update(name, "X", "SET v = :new", condition="v = :seen",
                                    values={"new": last + 100, "seen": last})  # fmt: skip
                seen.append(type(done).__name__)
        return seen

    def note(results: list[Any]) -> None:
        items = [table.get(name, "X") for name in "xyz"]
        ends.add(repr((results, items)))

    every = all_orders(start, note)
    of_all, ends = ends, set()
    assert all_orders_that_differ(start, note) <= every
    assert ends == of_all
