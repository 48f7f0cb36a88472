"""moto made quick answers as moto does: the order of what it finds, and a transaction taken back."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from local.day.quick import stored_table
from local.stack import table_definition

from instore.adapters.table import Table


def _said(table: Table) -> list[dict[str, Any]]:
    return [item.to_json()["Attributes"] for item in stored_table(table.name).all_items()]


def test_all_items_come_by_partition_and_then_by_sort_key(table: Table) -> None:
    for pk, sk in [("B", "2"), ("A", "9"), ("B", "1"), ("A", "10")]:
        table.put({"pk": pk, "sk": sk})
    told = [(item["pk"]["S"], item["sk"]["S"]) for item in _said(table)]
    assert told == [("A", "10"), ("A", "9"), ("B", "1"), ("B", "2")]


def test_a_cancelled_transaction_leaves_table_and_stream_as_they_were(
    table: Table, dynamodb: Any
) -> None:
    assert "StreamSpecification" in table_definition()
    table.put({"pk": "A", "sk": "1", "deep": {"n": 1}})
    table.put({"pk": "A", "sk": "2"})
    before, written = _said(table), len(stored_table(table.name).stream_shard.items)
    key = {"pk": {"S": "A"}, "sk": {"S": "1"}}
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=[
            {"Update": {"TableName": table.name, "Key": key, "UpdateExpression": "SET deep.n = :n",
                        "ExpressionAttributeValues": {":n": {"N": "2"}}}},
            {"Put": {"TableName": table.name, "Item": {"pk": {"S": "B"}, "sk": {"S": "1"}}}},
            {"ConditionCheck": {"TableName": table.name, "Key": {**key, "sk": {"S": "2"}},
                                "ConditionExpression": "attribute_not_exists(pk)"}},
        ])  # fmt: skip
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        "None", "None", "ConditionalCheckFailed"]  # fmt: skip
    assert _said(table) == before
    assert len(stored_table(table.name).stream_shard.items) == written


def test_a_query_finds_its_partition_and_an_index_what_has_its_key_in_order(table: Table) -> None:
    for n, (pk, sk) in enumerate([("B", "2"), ("A", "9"), ("B", "1"), ("A", "10")]):
        table.put({"pk": pk, "sk": sk, "due_shard": "X#1", "due_at": 10 - n // 2})
    table.put({"pk": "A", "sk": "5", "due_shard": "X#2", "due_at": 1})
    table.put({"pk": "A", "sk": "7"})
    assert [item["sk"] for item in table.query("A")] == ["10", "5", "7", "9"]
    assert [item["sk"] for item in table.query("A", newest_first=True)] == ["9", "7", "5", "10"]
    due = [(item["pk"], item["sk"]) for item in table.due("X#1", until=99, limit=9)]
    assert due == [("A", "10"), ("B", "1"), ("A", "9"), ("B", "2")]
    assert table.query("C") == []
