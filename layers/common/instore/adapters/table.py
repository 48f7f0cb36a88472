"""The one DynamoDB table: plain items in, plain items out, AWS errors as ours.

Values are Python's own: str, int, float (as Decimal inside), bool, None, list, dict, set[str].
Every write that must happen once carries its condition; a condition that fails is an answer
(`Refused` with the item as it is), not an exception. docs/data-model.md has keys and shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..errors import ContendedError, UnavailableError
from .typed_json import Item, decode, encode, typed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["Done", "Item", "Refused", "Table", "decode", "encode", "setting"]

_RETRYABLE = frozenset({
    "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
    "InternalServerError", "ServiceUnavailable", "TransactionConflictException",
    "TransactionInProgressException",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """The write happened. `item` is what was asked back (`returns`), else empty."""

    item: Item


@dataclass(frozen=True, slots=True)
class Refused:
    """The condition did not hold, nothing was written. `item` is the stored one, None if absent."""

    item: Item | None


class Table:
    """DynamoDB through its low-level client: a resource costs 60 ms of import and says no more."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, pk: str, sk: str, *, consistent: bool = True) -> Item | None:
        """One GetItem. Strongly consistent unless told otherwise."""
        answer = self._call("get_item", Key=_key(pk, sk), ConsistentRead=consistent)
        return decode(answer["Item"]) if "Item" in answer else None

    def get_many(
        self, keys: Iterable[tuple[str, str]], *, attributes: Sequence[str] = ()
    ) -> dict[tuple[str, str], Item]:
        """BatchGetItem in hundreds, absent ones left out, unprocessed keys asked again."""
        pending = list(dict.fromkeys(keys))
        found: dict[tuple[str, str], Item] = {}
        projection: dict[str, Any] = {}
        if attributes:
            names = {f"#p{i}": name for i, name in enumerate(("pk", "sk", *attributes))}
            projection = {
                "ProjectionExpression": ",".join(names),
                "ExpressionAttributeNames": names,
            }
        tries = 0
        while pending:
            chunk, pending = pending[:100], pending[100:]
            request = {"Keys": [_key(*key) for key in chunk], "ConsistentRead": True, **projection}
            answer = self._call("batch_get_item", table=False, RequestItems={self.name: request})
            for raw in answer["Responses"].get(self.name, []):
                item = decode(raw)
                found[item["pk"], item["sk"]] = item
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            pending += [(key["pk"]["S"], key["sk"]["S"]) for key in left]
            tries += bool(left)
            if tries > 10:
                raise UnavailableError("the table keeps leaving keys unprocessed")
        return found

    def put(
        self, item: Mapping[str, Any], *, condition: str | None = None,
        names: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None,
    ) -> Done | Refused:  # fmt: skip
        """PutItem of a whole item, replaced or guarded by `condition`."""
        return self._write(
            "put_item", condition=condition, names=names, values=values, Item=encode(item)
        )

    def update(
        self, pk: str, sk: str, expression: str, *, condition: str | None = None,
        names: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None,
        returns: str = "NONE",
    ) -> Done | Refused:  # fmt: skip
        """UpdateItem. `names` and `values` are given without # and : (they are added here).

        `returns`: NONE, ALL_OLD, ALL_NEW, UPDATED_OLD or UPDATED_NEW.
        """
        return self._write(
            "update_item", condition=condition, names=names, values=values,
            Key=_key(pk, sk), UpdateExpression=expression, ReturnValues=returns,
        )  # fmt: skip

    def delete(
        self, pk: str, sk: str, *, condition: str | None = None,
        names: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None,
    ) -> Done | Refused:  # fmt: skip
        """DeleteItem; deleting what is not there is done, too."""
        return self._write(
            "delete_item", condition=condition, names=names, values=values, Key=_key(pk, sk)
        )

    def write_many(
        self, puts: Iterable[Mapping[str, Any]], *, deletes: Iterable[tuple[str, str]] = ()
    ) -> None:
        """BatchWriteItem in twenty-fives, without conditions; unprocessed ones are sent again."""
        pending: list[Any] = [{"PutRequest": {"Item": encode(item)}} for item in puts]
        pending += [{"DeleteRequest": {"Key": _key(*key)}} for key in deletes]
        tries = 0
        while pending:
            chunk, pending = pending[:25], pending[25:]
            answer = self._call("batch_write_item", table=False, RequestItems={self.name: chunk})
            left = answer.get("UnprocessedItems", {}).get(self.name, [])
            pending += left
            tries += bool(left)
            if tries > 10:
                raise UnavailableError("the table keeps leaving writes unprocessed")

    def query(
        self, pk: str, *, sk_prefix: str = "", sk_range: tuple[str, str] | None = None,
        limit: int | None = None, newest_first: bool = False,
    ) -> list[Item]:  # fmt: skip
        """All items of one pk (or those whose sk begins so, or lies between two), in order of sk."""
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if sk_prefix:
            condition, values[":sk"] = condition + " AND begins_with(sk, :sk)", {"S": sk_prefix}
        elif sk_range:
            condition += " AND sk BETWEEN :low AND :high"
            values |= {":low": {"S": sk_range[0]}, ":high": {"S": sk_range[1]}}
        return self._query(
            limit, KeyConditionExpression=condition, ExpressionAttributeValues=values,
            ConsistentRead=True, ScanIndexForward=not newest_first,
        )  # fmt: skip

    def due(self, shard: str, *, until: int, limit: int) -> list[Item]:
        """Keys of due work of one shard, oldest first: items `pk`, `sk`, `due_shard`, `due_at`."""
        return self._query(
            limit, IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :until",
            ExpressionAttributeValues={":shard": {"S": shard}, ":until": {"N": str(until)}},
        )  # fmt: skip

    def decided(self, shard: str) -> list[Item]:
        """Keys of the conversations of one shard of a day (`decided` index): `pk`, `sk`."""
        return self._query(
            None, IndexName="decided", KeyConditionExpression="decided_on = :shard",
            ExpressionAttributeValues={":shard": {"S": shard}},
        )  # fmt: skip

    def of_customer(self, customer: str) -> list[Item]:
        """Keys of the items that name this customer (`customer` index): `pk`, `sk`."""
        return self._query(
            None, IndexName="customer", KeyConditionExpression="customer = :customer",
            ExpressionAttributeValues={":customer": {"S": customer}},
        )  # fmt: skip

    def held_of(self, customer: str, *, sk: str) -> list[Item]:
        """This customer's items under one sk, oldest first: keys from the index, which may be a
        moment behind, then the items, strongly consistent."""
        keys = [(key["pk"], key["sk"]) for key in self.of_customer(customer) if key["sk"] == sk]
        found = self.get_many(keys) if keys else {}
        return sorted(found.values(), key=lambda item: (item["created_at"], item["pk"]))

    def transact(self, writes: Sequence[Mapping[str, Any]]) -> bool:
        """TransactWriteItems of `put_action`/`update_action` entries. False: a condition failed."""
        from botocore.exceptions import ClientError

        try:
            self._call("transact_write_items", table=False, TransactItems=list(writes))
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                return False
            contended = any(reason.get("Code") == "TransactionConflict" for reason in reasons)
            kind = ContendedError if contended else UnavailableError
            raise kind("the table could not run the transaction") from error
        return True

    def put_action(self, item: Mapping[str, Any], *, condition: str, **rest: Any) -> dict[str, Any]:
        """One Put of a transaction."""
        return {"Put": {"TableName": self.name, "Item": encode(item),
                        **_expressions(condition, **rest)}}  # fmt: skip

    def update_action(
        self, pk: str, sk: str, expression: str, *, condition: str, **rest: Any
    ) -> dict[str, Any]:
        """One Update of a transaction."""
        return {"Update": {"TableName": self.name, "Key": _key(pk, sk),
                           "UpdateExpression": expression,
                           **_expressions(condition, **rest)}}  # fmt: skip

    def delete_action(self, pk: str, sk: str) -> dict[str, Any]:
        """One Delete of a transaction; of what is not there, too."""
        return {"Delete": {"TableName": self.name, "Key": _key(pk, sk)}}

    def _query(self, limit: int | None, **request: Any) -> list[Item]:
        items: list[Item] = []
        while True:
            if limit is not None:
                request["Limit"] = limit - len(items)
            answer = self._call("query", **request)
            items += [decode(raw) for raw in answer["Items"]]
            request["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
            if not request["ExclusiveStartKey"] or (limit is not None and len(items) >= limit):
                return items

    def _write(
        self, operation: str, *, condition: str | None, names: Mapping[str, str] | None,
        values: Mapping[str, Any] | None, **request: Any,
    ) -> Done | Refused:  # fmt: skip
        from botocore.exceptions import ClientError

        request |= _expressions(condition, names=names, values=values)
        if condition:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            answer = self._call(operation, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stored = error.response.get("Item")
            return Refused(decode(cast("Mapping[str, Any]", stored)) if stored else None)
        return Done(decode(answer.get("Attributes", {})))

    def _call(self, operation: str, *, table: bool = True, **request: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        if table:
            request["TableName"] = self.name
        try:
            return getattr(self._client, operation)(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] in _RETRYABLE:
                raise UnavailableError("the table is throttled or away") from error
            raise
        except BotoCoreError as error:
            raise UnavailableError("the table did not answer") from error


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _expressions(
    condition: str | None, *, names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    parts: dict[str, Any] = {}
    if condition:
        parts["ConditionExpression"] = condition
    if names:
        parts["ExpressionAttributeNames"] = {f"#{name}": path for name, path in names.items()}
    if values:
        parts["ExpressionAttributeValues"] = {f":{name}": typed(v) for name, v in values.items()}
    return parts


def setting(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Expression, names and values of an update that sets these attributes, and removes those that
    are to be None."""
    kept = {name: value for name, value in changes.items() if value is not None}
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in kept)
    if gone := [f"#{name}" for name in changes if name not in kept]:
        expression += " REMOVE " + ", ".join(gone)
    return {"expression": expression, "names": {name: name for name in changes}, "values": kept}
