"""DynamoDB calls straight into moto's handler: no HTTP request is written, parsed and answered.

Used where a test makes very many of them and reads no stream. It stands where botocore would send (below the lock and
the watchers of local/lock.py), so that boundaries, orders and meters see every call as before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from local import lock
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.responses import DynamoHandler

_OPERATIONS = {
    "GetItem": "get_item", "BatchGetItem": "batch_get_item", "PutItem": "put_item",
    "UpdateItem": "update_item", "DeleteItem": "delete_item", "Query": "query",
    "BatchWriteItem": "batch_write_item", "TransactWriteItems": "transact_write_items",
    "Scan": "scan",
}  # fmt: skip


@contextmanager
def straight_calls() -> Iterator[None]:
    """While open, what the table asks is answered by moto's handler itself. Needs `locked_calls`."""
    before = lock._original

    def call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        method = _OPERATIONS.get(operation)
        if method is None or client.meta.service_model.service_name != "dynamodb":
            return before(client, operation, params)
        return _ask(method, operation, params, region=client.meta.region_name)

    lock._original = call
    try:
        yield
    finally:
        lock._original = before


def _ask(method: str, operation: str, params: dict[str, Any], *, region: str) -> Any:
    handler = DynamoHandler()
    handler.body = handler.params = params
    handler.region, handler.current_account, handler.headers = region, DEFAULT_ACCOUNT_ID, {}
    if method == "transact_write_items":  # moto copies the whole table, its stream included
        for table in handler.dynamodb_backend.tables.values():
            if table.stream_shard is not None:
                table.stream_shard.items.clear()
    try:
        return getattr(handler, method)().result
    except DynamodbException as error:
        told = json.loads(error.description)
        code = told.pop("__type").rpartition("#")[2]
        words = told.pop("message", None) or told.pop("Message", "")
        raise ClientError({"Error": {"Code": code, "Message": words}, **told}, operation) from error
