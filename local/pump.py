"""Feeds queues to functions, as Lambda's event source mappings do.

Batches up to BatchSize, waits the batching window, honours partial failures, deletes what
succeeded and leaves the rest to the queue: visibility, redrive and dead letters are moto's SQS.
Sources: AWS, "Using Lambda with Amazon SQS" and "Implementing partial batch responses".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .access import Access
from .functions import Clock, Function, FunctionFailedError
from .intrinsics import REGION

_KNOWN = {"BatchSize", "EventSourceArn", "FunctionName", "FunctionResponseTypes", "Enabled",
          "MaximumBatchingWindowInSeconds", "ScalingConfig", "Tags"}  # fmt: skip
_NEEDED = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


class Source(Protocol):
    """Something that may have work for a function."""

    def feed(self) -> bool:
        """Deliver what is due now. False: there was nothing."""
        ...

    def waiting(self) -> bool:
        """Whether something is not due yet but will be."""
        ...


class MappingError(Exception):
    """An event source mapping that AWS would refuse, or that this file does not know."""


class QueueMapping:
    """One queue and the function it feeds."""

    def __init__(
        self, properties: Mapping[str, Any], *, function: Function, url: str, sqs: Any,
        clock: Clock,
    ) -> None:  # fmt: skip
        unknown = set(properties) - _KNOWN
        if unknown:
            raise MappingError(f"not supported here: {', '.join(sorted(unknown))}")
        self._arn = str(properties["EventSourceArn"])
        for action in _NEEDED:
            if not function.role.decide([Access(action, self._arn)]).allowed:
                raise MappingError(f"the role of {function.name} does not allow {action}")
        self._size = int(properties.get("BatchSize", 10))
        self._window_s = float(properties.get("MaximumBatchingWindowInSeconds", 0))
        if self._size > 10 and (self._arn.endswith(".fifo") or not self._window_s):
            raise MappingError("more than ten records a batch need a window and no FIFO queue")
        self._partial = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])
        self._function, self._url, self._sqs, self._clock = function, url, sqs, clock

    def feed(self) -> bool:
        """Deliver one batch. False: the queue has nothing visible."""
        messages = self._receive([])
        if not messages:
            return False
        if self._window_s and len(messages) < self._size:
            self._clock.sleep(self._window_s)
            messages = self._receive(messages)
        done = self._deliver(messages)
        for start in range(0, len(done), 10):
            self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]}
                         for n, one in enumerate(done[start:start + 10])],
            )  # fmt: skip
        return True

    def waiting(self) -> bool:
        """Whether the queue holds messages that are delayed or being retried."""
        counts = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["All"])
        return any(int(counts["Attributes"][f"ApproximateNumberOfMessages{kind}"])
                   for kind in ("", "Delayed", "NotVisible"))  # fmt: skip

    def _receive(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        while len(messages) < self._size:
            more = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=min(10, self._size - len(messages)),
                MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"],
                WaitTimeSeconds=0,
            ).get("Messages", [])  # fmt: skip
            if not more:
                break
            messages = [*messages, *more]
        return messages

    def _deliver(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        event = {"Records": [record_of(one, arn=self._arn) for one in messages]}
        try:
            result = self._function(event)
        except FunctionFailedError:
            return []
        if not self._partial:
            return messages
        failed = failures(result, known={one["MessageId"] for one in messages})
        return [one for one in messages if one["MessageId"] not in failed]


def record_of(message: Mapping[str, Any], *, arn: str) -> dict[str, Any]:
    """A message as a record of Lambda's event."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {name: _attribute(value)
                              for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }  # fmt: skip


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"stringValue": value.get("StringValue"), "stringListValues": [],
            "binaryListValues": [], "dataType": value["DataType"]}  # fmt: skip


def failures(result: Any, *, known: set[str]) -> set[str]:
    """Ids that failed, from a partial batch response. One that cannot be read means all failed."""
    if result is None or result == {}:
        return set()
    if not isinstance(result, dict) or "batchItemFailures" not in result:
        return known
    listed = result["batchItemFailures"]
    if listed is None:
        return set()
    if not isinstance(listed, list):
        return known
    named: set[Any] = {
        one.get("itemIdentifier") if isinstance(one, dict) else None for one in listed
    }
    return named if named <= known else known


class Pump:
    """Runs every source until nobody has anything due."""

    def __init__(self, *, clock: Clock, limit: int = 10_000) -> None:
        self.sources: list[Source] = []
        self._clock, self._limit = clock, limit

    def run(self, *, until_idle: bool, patience_s: float) -> int:
        """Deliver, and tell how many batches it took.

        `patience_s` is how much time may pass (in steps of a second) for messages that are
        delayed or wait for another try.
        """
        batches, asked = 0, self.sources
        while True:
            fed = sum(source.feed() for source in asked)
            batches += fed
            if batches > self._limit:
                raise RuntimeError("the pump does not come to an end")
            if not until_idle:
                return batches
            if fed:
                asked = self.sources
                continue
            # Until somebody has something due, only those that hold something are worth asking.
            asked = [source for source in asked if source.waiting()] if patience_s > 0 else []
            if not asked:
                return batches
            self._clock.sleep(1)
            patience_s -= 1
