"""moto looks through every item of a table for every query; a day has tens of thousands.

`quick(table)` lets a query look only at the items that could be in its answer: those of its
partition, or those that have the index's key. What the query then does with them is moto's own.
"""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..intrinsics import ACCOUNT, REGION
from ..units import Meter

Item = Mapping[str, Any]


def stored_table(name: str) -> Any:
    """moto's own table of this name."""
    return _backend().tables[name]


def _backend() -> Any:
    models = importlib.import_module("moto.dynamodb.models")
    return models.dynamodb_backends[ACCOUNT][REGION]


@contextmanager
def quick(name: str) -> Iterator[None]:
    """Speed up this table's queries, and keep no stream nobody reads, while open."""
    table = stored_table(name)
    query = table.query
    signature = inspect.signature(query)

    def narrow(hash_key: Any, *args: Any, **named: Any) -> Any:
        index_name = signature.bind(hash_key, *args, **named).arguments.get("index_name")
        if index_name is None:
            found = list(table.items.get(hash_key, {}).values())
        else:
            (attribute,) = [key["AttributeName"] for key in table.get_index(index_name).schema
                            if key["KeyType"] == "HASH"]  # fmt: skip
            found = holding(table, attribute)
        table.all_items = lambda: found
        try:
            return query(hash_key, *args, **named)
        finally:
            del table.all_items

    backend, shard = _backend(), table.stream_shard
    transact = backend.transact_write_items

    def undone(writes: list[Any]) -> Any:
        # moto copies the whole table to be able to roll back; here only what is written is kept.
        keys = [_key_of(table, write) for write in writes]
        before = [(key, copy.deepcopy(table.items.get(key[0], {}).get(key[1]))) for key in keys]
        try:
            return transact(writes)
        except Exception:
            for (first, second), item in before:
                table.items.get(first, {}).pop(second, None)
                if item is not None:
                    table.items[first][second] = item
            raise

    table.query, table.stream_shard = narrow, None
    table.__deepcopy__ = lambda _memo: table
    backend.transact_write_items = undone
    try:
        yield
    finally:
        del table.query, table.__deepcopy__, backend.transact_write_items
        table.stream_shard = shard


def _key_of(table: Any, write: Mapping[str, Any]) -> tuple[Any, Any]:
    typed = importlib.import_module("moto.dynamodb.models.dynamo_type").DynamoType
    (action,) = write.values()
    where = action.get("Key") or action["Item"]
    return typed(where[table.hash_key_attr]), typed(where[table.range_key_attr])


def holding(table: Any, attribute: str) -> list[Any]:
    """Items that have this attribute, in no order."""
    return [item for items in table.items.values() for item in items.values()
            if attribute in item.attrs]  # fmt: skip


class QuickMeter(Meter):
    """local.units.Meter, which looks at items where moto keeps them instead of asking for them."""

    def __init__(self, client: Any, *, table: str) -> None:
        super().__init__(client)
        types = importlib.import_module("moto.dynamodb.models.dynamo_type")
        self._typed, self._table = types.DynamoType, stored_table(table)

    def _look(self, _table: str, key: Item) -> Item | None:
        found = self._table.items.get(self._typed(key["pk"]), {}).get(self._typed(key["sk"]))
        return None if found is None else dict(found.to_json()["Attributes"])
