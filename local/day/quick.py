"""moto looks through every item of a table for every query; a day has tens of thousands.

`quick(table)` lets a query look only at the items that could be in its answer: those of its
partition, or those that have the index's key. What the query then does with them is moto's own.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from ..intrinsics import ACCOUNT, REGION
from ..quick_moto import place_of, quicken
from ..units import Meter

Item = Mapping[str, Any]
Place = tuple[Any, Any]


def stored_table(name: str) -> Any:
    """moto's own table of this name."""
    return _backend().tables[name]


def _backend() -> Any:
    models = importlib.import_module("moto.dynamodb.models")
    return models.dynamodb_backends[ACCOUNT][REGION]


@contextmanager
def quick(name: str) -> Iterator[None]:
    """Speed up this table, and keep no stream nobody reads, while open."""
    quicken()
    backend, table = _backend(), stored_table(name)
    way, shard = _QuickWay(backend, table), table.stream_shard
    sqs: Any = importlib.import_module("moto.sqs.models")
    spelled = sqs.camelcase_to_underscores
    sqs.camelcase_to_underscores = lru_cache(spelled)
    table.held, table.stream_shard = way.held, None
    table.query, table.put_item, table.delete_item = way.query, way.put_item, way.delete_item
    backend.update_item, backend.transact_write_items = way.update_item, way.transact_write_items
    try:
        yield
    finally:
        del table.query, table.put_item, table.delete_item, table.held
        del backend.update_item, backend.transact_write_items
        table.stream_shard, sqs.camelcase_to_underscores = shard, spelled


def holding(table: Any, attribute: str) -> list[Any]:
    """Items of a quick table that have this attribute, in no order."""
    found: list[Any] = table.held.having(attribute)
    return found


class _Held:
    """Which items have an attribute, kept up to date from what was written since the last look."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._touched: list[Place] = [
            (first, second) for first, items in table.items.items() for second in items]  # fmt: skip
        self._members: dict[str, tuple[int, dict[Place, None]]] = {}

    def touch(self, place: Place) -> None:
        self._touched.append(place)

    def having(self, attribute: str) -> list[Any]:
        seen, members = self._members.get(attribute, (0, {}))
        for place in self._touched[seen:]:
            item = self._table.items.get(place[0], {}).get(place[1])
            if item is not None and attribute in item.attrs:
                members[place] = None
            else:
                members.pop(place, None)
        self._members[attribute] = len(self._touched), members
        return [self._table.items[first][second] for first, second in members]


class _QuickWay:
    """moto's methods of the same names, with what they search narrowed down before."""

    def __init__(self, backend: Any, table: Any) -> None:
        self._table, self.held = table, _Held(table)
        self._query, self._put, self._delete = table.query, table.put_item, table.delete_item
        self._update, self._transact = backend.update_item, backend.transact_write_items
        self._signature = inspect.signature(table.query)

    def query(self, hash_key: Any, *args: Any, **named: Any) -> Any:
        table = self._table
        index = self._signature.bind(hash_key, *args, **named).arguments.get("index_name")
        if index is None:
            found = list(table.items.get(hash_key, {}).values())
        else:
            (attribute,) = [key["AttributeName"] for key in table.get_index(index).schema
                            if key["KeyType"] == "HASH"]  # fmt: skip
            found = self.held.having(attribute)
        # In moto's own order, which decides between equals.
        found.sort(key=lambda item: (item.hash_key, item.range_key))
        table.all_items = lambda: found
        try:
            return self._query(hash_key, *args, **named)
        finally:
            del table.all_items

    def put_item(self, attributes: Item, *args: Any, **named: Any) -> Any:
        self.held.touch(self._place(attributes))
        return self._put(attributes, *args, **named)

    def delete_item(self, hash_key: Any, range_key: Any) -> Any:
        self.held.touch((hash_key, range_key))
        return self._delete(hash_key, range_key)

    def update_item(self, table_name: str, key: Item, *args: Any, **named: Any) -> Any:
        if table_name == self._table.name:
            self.held.touch(self._place(key))
        return self._update(table_name, key, *args, **named)

    def transact_write_items(self, writes: list[Any]) -> Any:
        try:
            return self._transact(writes)
        finally:
            for write in writes:
                for action in write.values():
                    self.held.touch(self._place(action.get("Key") or action["Item"]))

    def _place(self, key: Item) -> Place:
        return place_of(self._table, key)


class QuickMeter(Meter):
    """local.units.Meter, which looks at items where moto keeps them instead of asking for them."""

    def __init__(self, client: Any, *, table: str) -> None:
        super().__init__(client)
        self._table = stored_table(table)

    def _look(self, _table: str, key: Item) -> Item | None:
        first, second = place_of(self._table, key)
        found = self._table.items.get(first, {}).get(second)
        return None if found is None else dict(found.to_json()["Attributes"])
