"""DynamoDB calls without the wire: moto's own handler, asked in its own words.

moto still works out every condition and expression. Left out is only that it reads HTTP and
writes HTTP: four fifths of the time.
"""

from __future__ import annotations

import importlib
import json
import re
from typing import Any


def ask(
    operation: str, params: dict[str, Any], *, account: str, region: str
) -> tuple[dict[str, Any], bool]:
    """What moto answers to this operation, and whether it did it: else the answer is a refusal in
    the shape of botocore's ClientError.response."""
    handler = importlib.import_module("moto.dynamodb.responses").DynamoHandler()
    refusal = importlib.import_module("moto.core.exceptions").JsonRESTError
    handler.current_account, handler.region = account, region
    handler.body, handler.params, handler.headers = params, params, {}
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    try:
        return getattr(handler, method)().result, True
    except refusal as error:
        said = json.loads(error.description)
        message = said.pop("Message", None) or said.pop("message", "")
        code = said.pop("__type").rpartition("#")[2]
        return {**said, "Error": {"Code": code, "Message": message}}, False
