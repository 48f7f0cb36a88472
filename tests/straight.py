"""DynamoDB calls straight into moto's handler: no HTTP request is written, parsed and answered.

Used where a test makes very many of them. It stands where botocore would send (below the lock and
the watchers of local/lock.py), so that boundaries, orders and meters see every call as before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local import lock
from local.moto_handler import ask
from moto.core import DEFAULT_ACCOUNT_ID

_OPERATIONS = {"GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Query",
               "BatchWriteItem", "TransactWriteItems", "Scan"}  # fmt: skip


@contextmanager
def straight_calls() -> Iterator[None]:
    """While open, what the table asks is answered by moto's handler itself. Needs `locked_calls`."""
    before = lock._original

    def call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        if operation not in _OPERATIONS or client.meta.service_model.service_name != "dynamodb":
            return before(client, operation, params)
        return _ask(operation, params, region=client.meta.region_name)

    lock._original = call
    try:
        yield
    finally:
        lock._original = before


@pytest.fixture(autouse=True)
def straight(_aws: None) -> Iterator[None]:
    """For a conftest: whole folders of tests, unless somebody's DynamoDB Local is to answer."""
    if os.environ.get("DYNAMODB_ENDPOINT"):
        yield
        return
    with straight_calls():
        yield


def _ask(operation: str, params: dict[str, Any], *, region: str) -> Any:
    told: Any
    told, done = ask(operation, params, account=DEFAULT_ACCOUNT_ID, region=region)
    if not done:
        raise ClientError(told, operation)
    return told
