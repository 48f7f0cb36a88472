"""The day's DynamoDB calls go straight to moto's handler (local/moto_handler.py).

botocore still checks and writes out every request: the day counts what would be on the wire.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from ..intrinsics import ACCOUNT, REGION
from ..moto_handler import ask

OPERATIONS = ("GetItem", "BatchGetItem", "UpdateItem", "PutItem", "DeleteItem", "Query",
              "TransactWriteItems", "BatchWriteItem")  # fmt: skip
_GOOD, _BAD = SimpleNamespace(status_code=200), SimpleNamespace(status_code=400)


def shorten(client: Any) -> None:
    """From now on this DynamoDB client's calls go straight to moto."""

    def answer(model: Any, params: Any, **_: Any) -> Any:
        asked = json.loads(params["body"])
        told, done = ask(model.name, asked, account=ACCOUNT, region=REGION)
        status = _GOOD if done else _BAD
        return status, {"ResponseMetadata": {"HTTPStatusCode": status.status_code}, **told}

    for operation in OPERATIONS:
        client.meta.events.register_last(f"before-call.dynamodb.{operation}", answer)
