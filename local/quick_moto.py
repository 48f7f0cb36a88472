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
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

_Key = tuple[str, str | None]
_changing: ContextVar[frozenset[_Key] | None] = ContextVar("changing", default=None)
_models: Any = importlib.import_module("moto.dynamodb.models")
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
    _models.Table.__deepcopy__ = _kept
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
    keys = set()
    for part in transact_items:
        for asked in part.values():
            table = backend.tables.get(asked.get("TableName"))
            named = asked.get("Key") or asked.get("Item") or {}
            if table is not None:
                keys.add((_said(named, table.hash_key_attr), _said(named, table.range_key_attr)))
    token = _changing.set(frozenset(keys))
    try:
        _transact(backend, transact_items)
    finally:
        _changing.reset(token)


def _kept(table: Any, memo: dict[int, Any]) -> Any:
    """A table to go back to: of its items only those are copied that the transaction names."""
    changing = _changing.get()
    kept = copy.copy(table)
    kept.items = type(table.items)(table.items.default_factory)
    for hash_key, held in table.items.items():
        if table.range_key_attr is None:
            touched = changing is None or (str(hash_key.value), None) in changing
            kept.items[hash_key] = copy.deepcopy(held, memo) if touched else held
            continue
        kept.items[hash_key] = {
            range_key: copy.deepcopy(item, memo)
            if changing is None or (str(hash_key.value), str(range_key.value)) in changing
            else item
            for range_key, item in held.items()
        }
    if table.stream_shard is not None:
        kept.stream_shard = copy.copy(table.stream_shard)
        kept.stream_shard.items = list(table.stream_shard.items)
    return kept


def _said(named: dict[str, Any], attribute: str | None) -> Any:
    return None if attribute is None else str(next(iter(named.get(attribute, {"S": ""}).values())))
