"""AWS calls as IAM sees them: which action on which resource, with which leading keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .intrinsics import ACCOUNT, PARTITION, REGION

# What a call needs, where it is not an action of the same name. Source: AWS's service
# authorization reference (SQS batches, S3 object and listing calls).
_OTHER_NAME = {
    "sqs:SendMessageBatch": "sqs:SendMessage", "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket", "s3:HeadBucket": "s3:ListBucket",
}  # fmt: skip
_IN_TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
                   "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}  # fmt: skip

# (table name, index name or None) -> name of the partition key there.
PartitionKey = Callable[[str, "str | None"], str]


class UnknownCallError(Exception):
    """A call this file cannot judge: it must learn to, rather than let it pass."""


@dataclass(frozen=True, slots=True)
class Access:
    """One thing asked of IAM. `leading_keys`: partition key values touched, None = none sent."""

    action: str
    resource: str
    leading_keys: tuple[str, ...] | None = None


def accesses(
    service: str, *, operation: str, params: Mapping[str, Any], partition_key: PartitionKey
) -> list[Access]:
    """Everything one call needs. Raises UnknownCallError for calls whose rules are not known."""
    if service == "dynamodb":
        return _dynamodb(operation, params, partition_key)
    action = _OTHER_NAME.get(f"{service}:{operation}", f"{service}:{operation}")
    if service == "sqs":
        return [Access(action, queue_arn(params["QueueUrl"]))]
    if service == "secretsmanager":
        return [Access(action, secret_arn(params["SecretId"]))]
    if service == "s3":
        key = f"/{params['Key']}" if "Key" in params else ""
        return [Access(action, f"arn:{PARTITION}:s3:::{params['Bucket']}{key}")]
    raise UnknownCallError(f"no rule for {service}:{operation}")


def table_arn(name: str) -> str:
    """ARN of a table given by name or ARN."""
    if name.startswith("arn:"):
        return name
    return f"arn:{PARTITION}:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def queue_arn(url: str) -> str:
    """ARN of a queue given by URL."""
    account, name = url.rsplit("/", 2)[-2:]
    return f"arn:{PARTITION}:sqs:{REGION}:{account}:{name}"


def secret_arn(secret: str) -> str:
    """ARN of a secret given by ARN or name. AWS adds a dash and six characters of its own."""
    if secret.startswith("arn:"):
        return secret
    return f"arn:{PARTITION}:secretsmanager:{REGION}:{ACCOUNT}:secret:{secret}-AAAAAA"


def _dynamodb(
    operation: str, params: Mapping[str, Any], partition_key: PartitionKey
) -> list[Access]:
    def one(name: str, table: str, keys: list[Mapping[str, Any]]) -> Access:
        values = [_text(item[partition_key(table, None)]) for item in keys]
        return Access(f"dynamodb:{name}", table_arn(table), tuple(dict.fromkeys(values)))

    if operation in ("GetItem", "UpdateItem", "DeleteItem"):
        return [one(operation, params["TableName"], [params["Key"]])]
    if operation == "PutItem":
        return [one(operation, params["TableName"], [params["Item"]])]
    if operation == "BatchGetItem":
        return [one(operation, table, asked["Keys"])
                for table, asked in params["RequestItems"].items()]  # fmt: skip
    if operation == "BatchWriteItem":
        return [one(operation, table, [write["PutRequest"]["Item"] if "PutRequest" in write
                                       else write["DeleteRequest"]["Key"] for write in writes])
                for table, writes in params["RequestItems"].items()]  # fmt: skip
    if operation in ("TransactWriteItems", "TransactGetItems"):
        return [one(_IN_TRANSACTION[kind], part["TableName"], [part.get("Key") or part["Item"]])
                for action in params["TransactItems"] for kind, part in action.items()]  # fmt: skip
    if operation == "Query":
        return [_query(params, partition_key)]
    if operation in ("Scan", "DescribeTable", "DescribeTimeToLive"):
        return [Access(f"dynamodb:{operation}", _with_index(params))]
    raise UnknownCallError(f"no rule for dynamodb:{operation}")


def _with_index(params: Mapping[str, Any]) -> str:
    index = params.get("IndexName")
    return table_arn(params["TableName"]) + (f"/index/{index}" if index else "")


def _query(params: Mapping[str, Any], partition_key: PartitionKey) -> Access:
    # With an index, the leading key is that of the index.
    key = partition_key(params["TableName"], params.get("IndexName"))
    names = params.get("ExpressionAttributeNames", {})
    for name, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", params["KeyConditionExpression"]):
        if names.get(name, name) == key:
            leading = _text(params["ExpressionAttributeValues"][value])
            return Access("dynamodb:Query", _with_index(params), (leading,))
    raise UnknownCallError("a query without its partition key")


def _text(value: Any) -> str:
    # Typed JSON ({"S": ...}) from a client, plain values from a resource.
    return str(next(iter(value.values()))) if isinstance(value, dict) else str(value)
