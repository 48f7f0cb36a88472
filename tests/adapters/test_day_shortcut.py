"""The day's short way to moto answers as the long way does, and rolls back as it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from local.day.quick import QuickMeter, quick
from local.day.shortcut import shorten
from local.units import Meter

from instore.adapters.table import Done, Refused, Table


@pytest.fixture
def short(table: Table) -> Iterator[Table]:
    """The same table by the short way."""
    client = boto3.client("dynamodb")
    shorten(client)
    with quick(table.name):
        yield Table(client, table.name)


def _both(one: Table, other: Table, what: str, *args: Any, **more: Any) -> list[Any]:
    return [getattr(t, what)(*args, **more) for t in (one, other)]


def test_reads_are_the_same(table: Table, short: Table) -> None:
    item = {"pk": "BATCH#b1", "sk": "BATCH", "n": 5, "half": 0.5, "yes": True, "tags": {"a", "b"},
            "rows": [{"s": "sent", "g": 1}, "x"], "due_shard": "DUE#1", "due_at": 100}  # fmt: skip
    short.put(item)
    long, quick_ = _both(table, short, "get", "BATCH#b1", "BATCH")
    assert long == quick_ == item
    keys = [("BATCH#b1", "BATCH"), ("BATCH#none", "BATCH")]
    long, quick_ = _both(table, short, "get_many", keys)
    assert long == quick_
    long, quick_ = _both(table, short, "query", "BATCH#b1")
    assert long == quick_ == [item]
    for shard, until in (("DUE#1", 100), ("DUE#1", 99), ("DUE#2", 100)):
        long, quick_ = _both(table, short, "due", shard, until=until, limit=10)
        assert long == quick_
        assert len(quick_) == (shard == "DUE#1" and until == 100)


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW", "ALL_OLD", "UPDATED_NEW"])
def test_updates_answer_the_same(table: Table, short: Table, returns: str) -> None:
    answers = []
    for number, way in enumerate((table, short)):
        way.put({"pk": f"PACE#{number}", "sk": "PACE", "free_at": 7, "who": "x"})
        answers.append(way.update(f"PACE#{number}", "PACE", "SET free_at = free_at + :n",
                                  condition="free_at <= :most", values={"n": 3, "most": 7},
                                  returns=returns))  # fmt: skip
    first, second = answers
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert {k: v for k, v in first.item.items() if k != "pk"} == {
        k: v for k, v in second.item.items() if k != "pk"}  # fmt: skip


def test_a_refused_condition_is_refused_with_the_item(short: Table) -> None:
    short.put({"pk": "BATCH#b", "sk": "BATCH", "rev": 3})
    answer = short.update("BATCH#b", "BATCH", "SET rev = :new", condition="rev = :seen",
                          values={"new": 9, "seen": 2})  # fmt: skip
    assert answer == Refused({"pk": "BATCH#b", "sk": "BATCH", "rev": 3})
    again = short.put({"pk": "BATCH#b", "sk": "BATCH"}, condition="attribute_not_exists(pk)")
    assert isinstance(again, Refused)


def test_a_transaction_is_all_or_nothing(table: Table, short: Table) -> None:
    short.put({"pk": "CUSTOMER#c", "sk": "CUSTOMER", "rev": 1})
    wrong = [
        short.put_action({"pk": "CUSTOMER#c", "sk": "CONSENT#1"},
                         condition="attribute_not_exists(pk)"),
        short.update_action("CUSTOMER#c", "CUSTOMER", "SET rev = :new", condition="rev = :seen",
                            values={"new": 3, "seen": 2}),
    ]  # fmt: skip
    assert short.transact(wrong) is False
    assert table.query("CUSTOMER#c") == [{"pk": "CUSTOMER#c", "sk": "CUSTOMER", "rev": 1}]
    good = [wrong[0], short.update_action("CUSTOMER#c", "CUSTOMER", "SET rev = :new",
                                          condition="rev = :seen",
                                          values={"new": 2, "seen": 1})]  # fmt: skip
    assert short.transact(good) is True
    assert [item["sk"] for item in table.query("CUSTOMER#c")] == ["CONSENT#1", "CUSTOMER"]
    assert (table.get("CUSTOMER#c", "CUSTOMER") or {})["rev"] == 2


def test_the_quick_meter_counts_as_the_other(table: Table, short: Table, dynamodb: Any) -> None:
    from local.lock import watching

    meters = [Meter(dynamodb), QuickMeter(dynamodb, table=table.name)]
    for number, meter in enumerate(meters):
        with watching(meter):
            key = f"BATCH#{number}", "BATCH"
            item = {"pk": key[0], "sk": key[1], "due_shard": "DUE#1", "due_at": 5, "x": "y" * 1500}
            short.put(item)
            short.update(*key, "SET due_at = :n", values={"n": 6})
            short.update(*key, "REMOVE due_at, due_shard")
            short.get(*key)
            short.get_many([key])
    assert meters[0].write_units == meters[1].write_units > 6
    assert meters[0].read_units == meters[1].read_units > 0
