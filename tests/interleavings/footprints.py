"""What a DynamoDB call reads and writes, by item: which two calls may be swapped unnoticed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from instore.model import due_shard

_READS = frozenset({"GetItem", "BatchGetItem", "Query"})


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a call touches: items by their `pk`, and shards of the `due` index."""

    touched: frozenset[str] = frozenset()
    writes: bool = False


def clash(one: Footprint, other: Footprint) -> bool:
    """Would it make a difference to swap them? A refused condition has looked, so it counts."""
    return (one.writes or other.writes) and not one.touched.isdisjoint(other.touched)


def footprint(operation: str, params: Mapping[str, Any]) -> Footprint:
    return Footprint(frozenset(_touched(operation, params)), operation not in _READS)


def _touched(operation: str, params: Mapping[str, Any]) -> Iterable[str]:
    match operation:
        case "Query":
            yield _asked(params)
        case "BatchGetItem":
            for asked in params["RequestItems"].values():
                for key in asked["Keys"]:
                    yield from _item(key)
        case "TransactWriteItems":
            for action in params["TransactItems"]:
                (write,) = action.values()
                yield from _item(write.get("Key") or write["Item"])
        case _:
            yield from _item(params.get("Key") or params["Item"])


def _asked(params: Mapping[str, Any]) -> str:
    """The pk, the shard of what is due, or the customer whose conversations are asked for (who
    changes conversations themselves is not told apart here: KeyError for other indexes)."""
    values = params["ExpressionAttributeValues"]
    match params.get("IndexName"):
        case None:
            return str(values[":pk"]["S"])
        case "due":
            return str(values[":shard"]["S"])
    return f"CUSTOMER#{values[':customer']['S']}"


def _item(key: Mapping[str, Any]) -> Iterable[str]:
    pk = key["pk"]["S"]
    yield pk  # a query of the whole pk sees every item of it
    kind, _, name = pk.partition("#")
    if kind in ("BATCH", "CUSTOMER", "CONVERSATION"):  # what may be due; each names its own shard
        yield due_shard(pk if kind == "CONVERSATION" else name)
