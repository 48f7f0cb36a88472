"""What DynamoDB bills, by hand: sizes, units, indexes, and what a meter adds up."""

from __future__ import annotations

from typing import Any

import pytest
from local.lock import watching
from local.units import Index, Meter, indexes, item_size, read_units, size, write_units

from instore.adapters.table import Refused, Table

KEYS = {"pk": {"S": "A#1"}, "sk": {"S": "A"}}  # 2+3 + 2+1 = 8 bytes


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        ({"S": "abc"}, 3), ({"S": "é"}, 2), ({"N": "7"}, 2), ({"N": "-12345"}, 4),
        ({"N": "1.5"}, 2), ({"BOOL": True}, 1), ({"NULL": True}, 1), ({"SS": ["a", "bc"]}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 1 + 2 + 1 + 2),
        ({"M": {"k": {"S": "ab"}}}, 3 + 1 + 1 + 2), ({"L": []}, 3),
    ],
)  # fmt: skip
def test_sizes(value: dict[str, Any], bytes_: int) -> None:
    assert size(value) == bytes_


def test_an_item_is_names_and_values() -> None:
    assert item_size(KEYS) == 8
    assert item_size(None) == 0


def of_size(total: int, **more: Any) -> dict[str, Any]:
    item = {**KEYS, **more, "x": {"S": ""}}
    return {**item, "x": {"S": "a" * (total - item_size(item))}}


def test_a_write_costs_the_larger_of_before_and_after() -> None:
    assert write_units(None, of_size(1024)) == 1
    assert write_units(None, of_size(1025)) == 2
    assert write_units(of_size(3000), of_size(100)) == 3
    assert write_units(of_size(2048), None) == 2
    assert write_units(None, None) == 1  # a refused write of what is not there


def test_an_index_entry_costs_when_it_comes_goes_or_moves() -> None:
    due = {"due_shard": {"S": "DUE#1"}, "due_at": {"N": "5"}}
    later = {**due, "due_at": {"N": "6"}}
    plain = of_size(100)
    assert write_units(None, of_size(100, **due)) == 2
    assert write_units(of_size(100, **due), of_size(100, **due)) == 1
    assert write_units(of_size(100, **due), of_size(120, **later)) == 3
    assert write_units(of_size(100, **due), plain) == 2
    assert write_units(plain, of_size(100, due_shard={"S": "DUE#1"})) == 1  # half a key is none


def test_an_index_that_holds_more_than_keys_pays_for_changes_in_it() -> None:
    everything = Index(("a",), None)
    some = Index(("a",), ("a", "pk", "sk", "b"))
    old, new = {"a": {"S": "1"}, "b": {"S": "x"}}, {"a": {"S": "1"}, "b": {"S": "y"}}
    other = {**old, "c": {"S": "z"}}
    assert (everything.units(old, new), some.units(old, new)) == (1, 1)
    assert (everything.units(old, other), some.units(old, other)) == (1, 0)
    large = {"a": {"S": "2"}, "b": {"S": "y" * 1024}}
    assert everything.units(old, large) == 1 + 2
    assert all(index.holds is not None for index in indexes())  # ours hold keys only


def test_a_read_costs_per_item_and_half_when_eventual() -> None:
    assert read_units([of_size(4096)], consistent=True) == 1
    assert read_units([of_size(4097)], consistent=True) == 2
    assert read_units([None], consistent=False) == 0.5
    assert read_units([of_size(100)] * 3, consistent=True) == 3
    assert read_units([of_size(100)] * 3, consistent=True, together=True) == 1
    assert read_units([], consistent=False, together=True) == 0.5


@pytest.fixture
def meter(table: Table) -> Meter:
    return Meter(table._client)


def test_a_meter_adds_up_every_kind_of_request(table: Table, meter: Meter) -> None:
    with watching(meter):
        table.put({"pk": "A#1", "sk": "A", "n": 1})
        table.update("A#1", "A", "ADD n :one", values={"one": 1})
        table.update("A#1", "A", "SET n = :one", condition="n = :nine",
                     values={"one": 1, "nine": 9})  # fmt: skip
        table.write_many([{"pk": "B#1", "sk": "B"}, {"pk": "B#2", "sk": "B"}],
                         deletes=[("B#3", "B")])  # fmt: skip
        table.get("A#1", "A")
        table.get("A#2", "A", consistent=False)
        table.get_many([("A#1", "A"), ("B#1", "B"), ("C#1", "C")], attributes=["n"])
        table.query("A#1")
        table.delete("A#1", "A")
    assert meter.requests == {
        "dynamodb.PutItem": 1, "dynamodb.UpdateItem": 2, "dynamodb.BatchWriteItem": 1,
        "dynamodb.GetItem": 2, "dynamodb.BatchGetItem": 1, "dynamodb.Query": 1,
        "dynamodb.DeleteItem": 1,
    }  # fmt: skip
    assert meter.of("dynamodb") == 9
    assert meter.of("sqs") == 0
    assert meter.written == {"A": 4, "B": 3}
    assert meter.write_units == 7
    assert meter.read_units == 1 + 0.5 + 3 + 1
    meter.reset()
    assert (meter.write_units, meter.read_units, meter.of("dynamodb")) == (0, 0, 0)


def test_a_transaction_costs_double(table: Table, meter: Meter) -> None:
    actions = [
        table.put_action({"pk": "A#1", "sk": "A"}, condition="attribute_not_exists(pk)"),
        table.update_action("A#2", "A", "SET n = :one", condition="attribute_not_exists(pk)",
                            values={"one": 1}),
    ]  # fmt: skip
    with watching(meter):
        assert table.transact(actions)
    assert meter.write_units == 4


def test_a_refused_write_costs_the_larger_of_what_is_there_and_what_was_offered(
    table: Table, meter: Meter
) -> None:
    """DynamoDB developer guide, "working with items": 300 KB there, 310 KB offered cost 310."""
    table.put({"pk": "A#1", "sk": "A", "wide": "w" * 1500})
    large = {"pk": "A#1", "sk": "A", "wide": "w" * 2500}
    with watching(meter):
        assert isinstance(table.put(large, condition="attribute_not_exists(pk)"), Refused)
    assert meter.write_units == 3
    with watching(meter):
        small = {"pk": "A#1", "sk": "A"}
        assert isinstance(table.put(small, condition="attribute_not_exists(pk)"), Refused)
    assert meter.write_units == 3 + 2
    meter.reset()
    with watching(meter):
        assert not table.transact([table.put_action(large, condition="attribute_not_exists(pk)")])
    assert meter.write_units == 6


def test_a_wide_read_with_few_attributes_costs_the_whole_item(table: Table, meter: Meter) -> None:
    table.put({"pk": "A#1", "sk": "A", "n": 1, "wide": "w" * 9000})
    with watching(meter):
        table.get_many([("A#1", "A")], attributes=["n"])
    assert meter.read_units == 3
