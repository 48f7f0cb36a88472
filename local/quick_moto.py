"""Four of moto's habits made quick: they took half of the time of most tests.

For each Query moto sorts the whole table by values it works out anew at every comparison, though
it sorts what it finds once more; for each part of a transaction it copies the whole table; for
each node of an update's expression it asks an abstract class ten times; and a template in JSON it
reads as YAML. What it answers stays what it was. A day's one large table goes further
(local/day/quick.py).
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

_models: Any = importlib.import_module("moto.dynamodb.models")
_typed: Any = importlib.import_module("moto.dynamodb.models.dynamo_type").DynamoType
_transact, _asked = _models.DynamoDBBackend.transact_write_items, _models.Table.query
_signature = inspect.signature(_asked)
_nodes: Any = importlib.import_module("moto.dynamodb.parsing.ast_nodes")
_stacks: Any = importlib.import_module("moto.cloudformation.models")
_parse = _stacks.Stack.parse_template
_is_kind: Callable[[type, Any], bool] = functools.cache(issubclass)
_wanted: dict[type, tuple[type, ...]] = {}


def quicken() -> None:
    """From now on, in this process. Said twice, it changes nothing more."""
    _models.Table.query, _models.Table.all_items = _query, _all_items
    _models.DynamoDBBackend.transact_write_items = _transact_write_items
    _nodes.DepthFirstTraverser.traverse_node_recursively = _traverse
    _stacks.Stack.parse_template = staticmethod(_parse_template)


def _parse_template(template: str) -> Any:
    return json.loads(template) if template.startswith("{") else _parse(template)


def _traverse(traverser: Any, node: Any, child_id: int = -1) -> Any:
    """moto's own, except that each kind of node is asked for its class once."""
    if not _is_kind(type(node), _nodes.Node):
        return node
    parent = node.parent
    for n, child in enumerate(node.children or ()):
        traverser.pre_processing_of_child(node, n)
        _traverse(traverser, child, n)
    kind = type(traverser)
    if kind not in _wanted:
        _wanted[kind] = traverser.nodes_to_be_processed()
    if _is_kind(type(node), _wanted[kind]):
        node = traverser.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


@functools.wraps(_asked)
def _query(table: Any, hash_key: Any, *args: Any, **named: Any) -> Any:
    """moto's own, looking only at the partition, or at what has the index's key."""
    if table.range_key_attr is None or "all_items" in vars(table):  # or narrowed down already
        return _asked(table, hash_key, *args, **named)
    index = _signature.bind(table, hash_key, *args, **named).arguments.get("index_name")
    if index is None:
        found = list(table.items.get(hash_key, {}).values())
    else:
        (attribute,) = [key["AttributeName"] for key in table.get_index(index).schema
                        if key["KeyType"] == "HASH"]  # fmt: skip
        found = [item for held in table.items.values() for item in held.values()
                 if attribute in item.attrs]  # fmt: skip
    table.all_items = lambda: found
    try:
        return _asked(table, hash_key, *args, **named)
    finally:
        del table.all_items


def _all_items(table: Any) -> list[Any]:
    """In moto's order (hash key, then range key), each key worked out once."""
    if table.range_key_attr is None:
        return sorted(table.items.values(), key=lambda item: item.hash_key.cast_value)
    every = [item for held in table.items.values() for item in held.values()]
    return sorted(every, key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value))


def _transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
    """moto's own, going back by what the transaction names instead of by copies of the table."""
    tables, before = {}, []
    for asked in (asked for part in transact_items for asked in part.values()):
        table = backend.tables.get(asked.get("TableName"))
        if table is not None and table.range_key_attr is not None:
            place = place_of(table, asked.get("Key") or asked["Item"])
            before.append((table, place, copy.deepcopy(_at(table, place))))
            tables[table.name] = table, len(table.stream_shard.items) if table.stream_shard else 0
    for table, _ in tables.values():
        table.__deepcopy__ = lambda _memo, table=table: table
    try:
        _transact(backend, transact_items)
    except Exception:
        for table, (first, second), item in before:
            table.items.get(first, {}).pop(second, None)
            if item is not None:
                table.items[first][second] = item
        for table, told in tables.values():
            if table.stream_shard is not None:
                del table.stream_shard.items[told:]
        raise
    finally:
        for table, _ in tables.values():
            del table.__deepcopy__


def place_of(table: Any, key: Mapping[str, Any]) -> tuple[Any, Any]:
    """Where moto's table keeps the item with this key."""
    return _typed(key[table.hash_key_attr]), _typed(key[table.range_key_attr])


def _at(table: Any, place: tuple[Any, Any]) -> Any:
    return table.items.get(place[0], {}).get(place[1])
