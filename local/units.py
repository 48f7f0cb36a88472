"""What DynamoDB would bill for a call, by our own arithmetic: moto makes its numbers up.

    with watching_everything(Meter(client)) as ...     # or as the watcher of `watching`

A write costs a unit per KB of the larger of the item before and after; a refused one per KB of the
larger of what is there and what was offered (an update's offer is not known). Each index whose key
changed costs one for the entry that goes and one for the entry that comes. A read costs a unit per
4 KB, half when eventually consistent, item by item in a batch and all together in a query. Source:
DynamoDB developer guide, "item sizes", "read and write units", "working with items" and "global
secondary indexes: write considerations". Time to live and the stream cost nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .lock import watching
from .template import table_definition

Item = Mapping[str, Any]
Run = Callable[[], Any]
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


def size(value: Mapping[str, Any]) -> int:
    """Bytes of a typed value."""
    ((kind, raw),) = value.items()
    if kind == "S":
        return len(raw.encode())
    if kind == "N":
        return math.ceil(len(raw.strip("-").replace(".", "")) / 2) + 1
    if kind == "L":
        return 3 + sum(1 + size(v) for v in raw)
    if kind == "M":
        return 3 + sum(1 + len(k.encode()) + size(v) for k, v in raw.items())
    return sum(len(v.encode()) for v in raw) if kind == "SS" else 1


def item_size(item: Item | None) -> int:
    """Bytes of an item as the service hands it out; 0 for none."""
    return sum(len(k.encode()) + size(v) for k, v in (item or {}).items())


def write_units(before: Item | None, after: Item | None) -> int:
    """Units of one write that found `before` and left `after`, indexes included."""
    units = max(1, _kilobytes(before), _kilobytes(after))
    return units + sum(index.units(before, after) for index in indexes())


def read_units(items: Iterable[Item | None], *, consistent: bool, together: bool = False) -> float:
    """Units of reading these items (None = not there, which costs as the smallest)."""
    sizes = [item_size(item) for item in items]
    if together:
        sizes = [sum(sizes)]
    return sum(max(1, math.ceil(one / 4096)) for one in sizes) * (1 if consistent else 0.5)


@dataclass(frozen=True, slots=True)
class Index:
    """A global index: its key attributes, and what else it holds (None = the whole item)."""

    key: tuple[str, ...]
    holds: tuple[str, ...] | None

    def units(self, before: Item | None, after: Item | None) -> int:
        """What keeping the index costs: one for an entry that goes, comes or changes."""
        old, new = self._entry(before), self._entry(after)
        if old == new:
            return 0
        if old and new and all(old[name] == new[name] for name in self.key):
            return max(_kilobytes(old), _kilobytes(new))
        return _kilobytes(old) + _kilobytes(new)

    def _entry(self, item: Item | None) -> Item | None:
        if item is None or any(name not in item for name in self.key):
            return None
        return {k: v for k, v in item.items() if self.holds is None or k in self.holds}


@cache
def indexes() -> tuple[Index, ...]:
    """The indexes of the template's table."""
    found, definition = [], table_definition()
    for index in definition.get("GlobalSecondaryIndexes", ()):
        key = tuple(part["AttributeName"] for part in index["KeySchema"])
        base = tuple(part["AttributeName"] for part in definition["KeySchema"])
        more = tuple(index["Projection"].get("NonKeyAttributes", ()))
        whole = index["Projection"]["ProjectionType"] == "ALL"
        found.append(Index(key, None if whole else (*key, *base, *more)))
    return tuple(found)


def _kilobytes(item: Item | None) -> int:
    return math.ceil(item_size(item) / 1024)


class Meter:
    """A watcher (local.lock) that adds up requests and units.

    `client` is any DynamoDB client: items are looked at before and after each write.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.reset()

    def reset(self) -> None:
        """Begin again from nothing."""
        self.requests: Counter[str] = Counter()  # "dynamodb.GetItem" -> calls
        self.write_units, self.read_units = 0.0, 0.0
        self.written: dict[str, float] = {}  # "CUSTOMER" -> write units

    def of(self, service: str) -> int:
        """Requests made to a service."""
        return sum(n for name, n in self.requests.items() if name.startswith(f"{service}."))

    def __call__(self, run: Run, *, service: str, operation: str, params: dict[str, Any]) -> Any:
        self.requests[f"{service}.{operation}"] += 1
        if service != "dynamodb":
            return run()
        if operation in WRITES:
            return self._write(run, params)
        if operation == "BatchWriteItem":
            return self._write_many(run, params)
        if operation == "TransactWriteItems":
            return self._transact(run, params)
        answer = run()
        self.read_units += self._read(operation, params, answer)
        return answer

    def _write(self, run: Run, params: Mapping[str, Any]) -> Any:
        key = _key(params.get("Key") or params["Item"])
        before = self._look(params["TableName"], key)
        offered: Item | None = None
        try:
            return run()
        except BaseException:
            offered = params.get("Item")
            raise
        finally:
            after = self._look(params["TableName"], key)
            self._add(key, max(write_units(before, after), _kilobytes(offered)))

    def _write_many(self, run: Run, params: Mapping[str, Any]) -> Any:
        found = []
        for table, entries in params["RequestItems"].items():
            for entry in entries:
                request = entry.get("PutRequest") or entry["DeleteRequest"]
                key = _key(request.get("Key") or request["Item"])
                found.append((key, self._look(table, key), request.get("Item")))
        answer = run()
        for key, before, after in found:
            self._add(key, write_units(before, after))
        return answer

    def _transact(self, run: Run, params: Mapping[str, Any]) -> Any:
        """Each action costs twice what the write alone would; so it does when it is refused."""
        asked = [next(iter(action.values())) for action in params["TransactItems"]]
        found = [(one["TableName"], _key(one.get("Key") or one["Item"])) for one in asked]
        before = [self._look(*where) for where in found]
        offered: list[Item | None] = [None] * len(asked)
        try:
            return run()
        except BaseException:
            offered = [one.get("Item") for one in asked]
            raise
        finally:
            for (table, key), old, new in zip(found, before, offered, strict=True):
                units = max(write_units(old, self._look(table, key)), _kilobytes(new))
                self._add(key, 2 * units)

    def _read(self, operation: str, params: Mapping[str, Any], answer: Any) -> float:
        if operation == "GetItem":
            return self._units_of(params["TableName"], [params["Key"]], params)
        if operation == "BatchGetItem":
            return sum(self._units_of(table, asked["Keys"], asked)
                       for table, asked in params["RequestItems"].items())  # fmt: skip
        if operation == "Query":
            return read_units(answer["Items"], consistent=params.get("ConsistentRead", False),
                              together=True)  # fmt: skip
        return 0.0

    def _units_of(self, table: str, keys: Iterable[Item], asked: Mapping[str, Any]) -> float:
        """Looked at whole: naming a few attributes makes a read no cheaper."""
        found = [self._look(table, key) for key in keys]
        return read_units(found, consistent=asked.get("ConsistentRead", False))

    def _add(self, key: Item, units: float) -> None:
        kind = key["pk"]["S"].split("#")[0]
        self.write_units += units
        self.written[kind] = self.written.get(kind, 0) + units

    def _look(self, table: str, key: Item) -> Item | None:
        with watching(None, alone=True):
            found: Item | None = self._client.get_item(
                TableName=table, Key=key, ConsistentRead=True
            ).get("Item")
        return found


def _key(item: Item) -> dict[str, Any]:
    return {name: item[name] for name in ("pk", "sk")}
