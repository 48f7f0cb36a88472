"""Feeds a table's stream to a function, as Lambda's event source mapping does.

Source: AWS, "Using AWS Lambda with Amazon DynamoDB". A failed batch is tried again from the first
record that failed, at most MaximumRetryAttempts times, then given up.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from .access import Access
from .functions import Function, FunctionFailedError
from .pump import MappingError, failures

_KNOWN = {"BatchSize", "EventSourceArn", "FunctionName", "FunctionResponseTypes", "Enabled",
          "MaximumBatchingWindowInSeconds", "StartingPosition", "MaximumRetryAttempts",
          "BisectBatchOnFunctionError", "DestinationConfig", "Tags"}  # fmt: skip
_NEEDED = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream")


class StreamMapping:
    """One stream and the function it feeds. moto's streams have one shard."""

    def __init__(
        self, properties: Mapping[str, Any], *, function: Function, streams: Any,
        send: Callable[..., None],
    ) -> None:  # fmt: skip
        unknown = set(properties) - _KNOWN
        if unknown:
            raise MappingError(f"not supported here: {', '.join(sorted(unknown))}")
        self._arn = str(properties["EventSourceArn"])
        for action in _NEEDED:
            if not function.role.decide([Access(action, self._arn)]).allowed:
                raise MappingError(f"the role of {function.name} does not allow {action}")
        self._size = int(properties.get("BatchSize", 100))
        self._retries = int(properties.get("MaximumRetryAttempts", -1))
        self._halve = bool(properties.get("BisectBatchOnFunctionError", False))
        self._partial = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])
        self._lost_to = (
            properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        )
        self._function, self._streams, self._send = function, streams, send
        self._pending: list[dict[str, Any]] = []
        self._failed = 0  # tries of the batch that begins with the first pending record
        shards = streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
        self._iterator = streams.get_shard_iterator(
            StreamArn=self._arn, ShardId=shards[0]["ShardId"],
            ShardIteratorType=properties.get("StartingPosition", "LATEST"),
        )["ShardIterator"]  # fmt: skip

    def feed(self) -> bool:
        """Deliver one batch. A batch that fails is left for the next turn (see `waiting`)."""
        answer = self._streams.get_records(ShardIterator=self._iterator, Limit=1000)
        self._iterator = answer["NextShardIterator"]
        self._pending += [stream_record(one, arn=self._arn) for one in answer["Records"]]
        if not self._pending:
            return False
        size = max(1, self._size >> self._failed) if self._halve else self._size
        batch = self._pending[:size]
        done = self._deliver(batch)
        del self._pending[:done]
        if done == len(batch):
            self._failed = 0
            return True
        self._failed = 1 if done else self._failed + 1
        if 0 <= self._retries < self._failed:
            lost = self._pending[: len(batch) - done]
            del self._pending[: len(lost)]
            self._failed = 0
            if self._lost_to:
                self._send(self._lost_to, body=json.dumps(self._lost(lost)), attributes={})
            return True
        return self._retries >= 0 or done > 0

    def waiting(self) -> bool:
        """Whether a batch failed and will be tried again."""
        return bool(self._pending)

    def _lost(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        # AWS tells where the records were, not what was in them.
        return {"version": "1.0", "DDBStreamBatchInfo": {
            "batchSize": len(records), "streamArn": self._arn,
            "startSequenceNumber": records[0]["dynamodb"]["SequenceNumber"],
            "endSequenceNumber": records[-1]["dynamodb"]["SequenceNumber"],
        }}  # fmt: skip

    def _deliver(self, batch: list[dict[str, Any]]) -> int:
        # How many records from the front are done.
        try:
            result = self._function({"Records": batch})
        except FunctionFailedError:
            return 0
        if not self._partial:
            return len(batch)
        numbers = [one["dynamodb"]["SequenceNumber"] for one in batch]
        failed = failures(result, known=set(numbers))
        return next((n for n, one in enumerate(numbers) if one in failed), len(batch))


def stream_record(record: Mapping[str, Any], *, arn: str) -> dict[str, Any]:
    """A stream record as Lambda's event has it: times as epoch seconds, bytes in base64."""
    change = dict(_plain(record["dynamodb"]))
    change["ApproximateCreationDateTime"] = int(
        record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    )
    return {
        "eventID": record["eventID"], "eventName": record["eventName"], "eventVersion": "1.1",
        "eventSource": "aws:dynamodb", "awsRegion": record["awsRegion"], "dynamodb": change,
        "eventSourceARN": arn,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
