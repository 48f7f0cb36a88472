"""DynamoDB calls without the wire: moto's own handler, asked in its own words.

botocore still checks and writes out every request; moto still works out every condition and
expression. Left out is only that moto reads HTTP and writes HTTP: four fifths of the time.
"""

from __future__ import annotations

import importlib
import json
import re
from types import SimpleNamespace
from typing import Any

from ..intrinsics import ACCOUNT, REGION

OPERATIONS = ("GetItem", "BatchGetItem", "UpdateItem", "PutItem", "DeleteItem", "Query",
              "TransactWriteItems", "BatchWriteItem")  # fmt: skip
_GOOD, _BAD = SimpleNamespace(status_code=200), SimpleNamespace(status_code=400)


def shorten(client: Any) -> None:
    """From now on this DynamoDB client's calls go straight to moto."""
    handler_type = importlib.import_module("moto.dynamodb.responses").DynamoHandler
    refusal = importlib.import_module("moto.core.exceptions").JsonRESTError

    def answer(model: Any, params: Any, **_: Any) -> Any:
        handler = handler_type()
        handler.current_account, handler.region = ACCOUNT, REGION
        handler.body = handler.params = json.loads(params["body"])
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", model.name).lower()
        told: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        try:
            result = getattr(handler, method)().result
        except refusal as error:
            said = json.loads(error.description)
            message = said.pop("Message", None) or said.pop("message", "")
            code = said.pop("__type").rpartition("#")[2]
            told = {"ResponseMetadata": {"HTTPStatusCode": 400}, **said,
                    "Error": {"Code": code, "Message": message}}  # fmt: skip
            return _BAD, told
        return _GOOD, {**told, **result}

    for operation in OPERATIONS:
        client.meta.events.register_last(f"before-call.dynamodb.{operation}", answer)
