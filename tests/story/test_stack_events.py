"""Queues, schedules and streams of the local stack, in the shapes and with the rules of AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from local.schedules import next_time
from local.stack import LocalStack
from tests.stack_rig import NIGHTLY, ORDERED, STREAM, WORKER, Build, builder, send

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def build(tmp_path: Path, clock: Any) -> Iterator[Build]:
    with builder(tmp_path, clock) as made:
        yield made


NOTED = """
def handler(event, context):
    print(json.dumps([one["body"] for one in event["Records"]]))
    return {"batchItemFailures": [{"itemIdentifier": one["messageId"]}
            for one in event["Records"] if one["body"] == "bad"]}
"""


def bodies_seen(stack: LocalStack, function: str = "Worker") -> list[Any]:
    return [json.loads(line) for line in stack.logs[function]]


def test_partial_failure_redrive_and_dead_letters(build: Build, clock: Any) -> None:
    stack = build(WORKER, NOTED)
    send(stack, "Jobs", *(f"job{n}" for n in range(11)), "bad")
    began = clock.now()
    assert stack.pump() == 1
    assert len(bodies_seen(stack)[0]) == 12
    assert (clock.now() - began).total_seconds() == 5  # the batching window
    assert stack.pump() == 0  # hidden
    clock.advance(354)
    assert stack.pump() == 0  # hidden for 360 s from the moment it was received
    clock.advance(1)
    assert stack.pump() == 1
    assert bodies_seen(stack)[1:] == [["bad"]]
    clock.advance(361)
    assert stack.pump() == 0  # received twice: to the dead letters
    assert stack.dead_letters("Dead") == ["bad"]
    assert stack.dead_letters("Dead") == ["bad"]  # looking takes nothing away


def test_patience_moves_the_clock_for_delayed_messages(build: Build, clock: Any) -> None:
    stack = build(WORKER, NOTED)
    send(stack, "Jobs", "later", DelaySeconds=15)
    assert stack.pump() == 0
    began = clock.now()
    assert stack.pump(patience_s=60) == 1
    assert (clock.now() - began).total_seconds() == 15 + 5
    assert bodies_seen(stack) == [["later"]]


@pytest.mark.parametrize("answer", [
    '{"batchItemFailures": [{"itemIdentifier": ""}]}', '{"batchItemFailures": [{"id": "x"}]}',
    '{"batchItemFailures": [{"itemIdentifier": "unknown"}]}', '{"batchItemFailures": "all"}',
    '["x"]', '{"failures": []}', "1/0", "object()",
])  # fmt: skip
def test_an_answer_that_cannot_be_read_fails_the_whole_batch(build: Build, answer: str) -> None:
    stack = build(WORKER, f"def handler(event, context):\n    return {answer}\n")
    send(stack, "Jobs", "one", "two")
    assert stack.pump() == 1
    counts = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.rendered.reference("Jobs"), AttributeNames=["All"]
    )["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "2"


@pytest.mark.parametrize("answer", ["None", "{}", '{"batchItemFailures": None}'])
def test_an_empty_answer_is_success(build: Build, answer: str) -> None:
    stack = build(WORKER, f"def handler(event, context):\n    return {answer}\n")
    send(stack, "Jobs", "one", "two")
    assert stack.pump(patience_s=1000) == 1


def test_a_record_has_the_shape_of_aws(build: Build, clock: Any) -> None:
    stack = build(ORDERED, "def handler(event, context):\n    print(json.dumps(event))\n")
    send(stack, "Ordered", "hello", MessageGroupId="g1", MessageDeduplicationId="d1",
         MessageAttributes={"kind": {"DataType": "String", "StringValue": "x"}})  # fmt: skip
    stack.pump()
    (record,) = json.loads(stack.logs["Worker"][0])["Records"]
    attributes = record.pop("attributes")
    millis = str(int(clock.now().timestamp() * 1000))
    assert attributes.pop("SequenceNumber").isdigit()
    assert attributes.pop("SenderId")
    assert attributes == {
        "ApproximateReceiveCount": "1", "SentTimestamp": millis,
        "ApproximateFirstReceiveTimestamp": millis,
        "MessageGroupId": "g1", "MessageDeduplicationId": "d1",
    }  # fmt: skip
    assert len(record.pop("messageId")) == 36
    assert record.pop("receiptHandle")
    assert record == {
        "body": "hello", "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "messageAttributes": {"kind": {"stringValue": "x", "stringListValues": [],
                                       "binaryListValues": [], "dataType": "String"}},
        "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{stack.rendered.stack}-Ordered.fifo",
    }  # fmt: skip


def test_a_group_keeps_its_order_while_one_of_it_is_retried(build: Build, clock: Any) -> None:
    stack = build(ORDERED, """
        tries = []
        def handler(event, context):
            bodies = [one["body"] for one in event["Records"]]
            print(json.dumps(bodies))
            tries.append(bodies)
            if len(tries) > 1:
                return None
            return {"batchItemFailures": [{"itemIdentifier": one["messageId"]}
                    for one in event["Records"] if one["body"].startswith("a")]}
    """)  # fmt: skip
    for body in ("a1", "b1", "a2"):
        send(stack, "Ordered", body, MessageGroupId=body[0], MessageDeduplicationId=body)
    stack.pump()
    send(stack, "Ordered", "a3", MessageGroupId="a", MessageDeduplicationId="a3")
    assert stack.pump() == 0  # group a is blocked by its failed ones
    clock.advance(361)
    stack.pump()
    assert bodies_seen(stack) == [["a1", "b1", "a2"], ["a1", "a2", "a3"]]


def test_schedules_retry_and_give_up_to_dead_letters(build: Build, clock: Any) -> None:
    stack = build(NIGHTLY, """
        def handler(event, context):
            print(json.dumps(event))
            raise ValueError("no")
    """)  # fmt: skip
    assert stack.tick_schedules() == ["NightlyTurn"]
    assert stack.tick_schedules() == []
    assert stack.pump() == 1
    assert len(stack.logs["Nightly"]) == 1
    assert stack.pump(patience_s=200) == 2  # after one minute and after two more
    event = json.loads(stack.logs["Nightly"][0])
    assert event.pop("id")
    arn = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/NightlyTurn"
    assert event == {
        "version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "account": "123456789012", "time": "2026-11-18T17:00:00Z", "region": "us-east-1",
        "resources": [arn], "detail": "{}",
    }  # fmt: skip
    (lost,) = stack.dead_letters("Dead")
    assert lost["time"] == "2026-11-18T17:00:00Z"
    clock.advance(3600)
    assert stack.tick_schedules() == ["NightlyTurn"]  # many turns missed, one event


@pytest.mark.parametrize(("expression", "after", "expected"), [
    ("rate(1 minute)", "2026-11-18T17:00:30", "2026-11-18T17:01:30"),
    ("rate(2 hours)", "2026-11-18T17:00:30", "2026-11-18T19:00:30"),
    ("cron(0 12 * * ? *)", "2026-11-18T12:00:00", "2026-11-19T12:00:00"),
    ("cron(0/15 8-9 ? * MON-FRI *)", "2026-11-20T09:45:00", "2026-11-23T08:00:00"),
    ("cron(30 6 1 JAN,JUL ? *)", "2026-11-18T00:00:00", "2027-01-01T06:30:00"),
    ("cron(0 0 1 1 ? 2026)", "2026-11-18T00:00:00", None),
    ("at(2026-12-01T00:00:00)", "2026-11-18T00:00:00", "2026-12-01T00:00:00"),
    ("at(2026-12-01T00:00:00)", "2026-12-01T00:00:00", None),
])  # fmt: skip
def test_turns_of_schedules(expression: str, after: str, expected: str | None) -> None:
    found = next_time(expression, after=datetime.fromisoformat(after + "+00:00"))
    assert (found and found.isoformat()) == (expected and expected + "+00:00")


@pytest.mark.parametrize("expression", [
    "rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "rate(1 second)", "every minute",
    "cron(0 25 * * ? *)", "cron(0 12 * * * *)", "cron(0 12 ? * ? *)", "cron(0 12 * * ?)",
])  # fmt: skip
def test_wrong_schedules(expression: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        next_time(expression, after=datetime(2026, 11, 18, tzinfo=UTC))


def test_streams_are_fed_in_order_and_what_keeps_failing_is_given_up(build: Build) -> None:
    stack = build(STREAM, """
        def handler(event, context):
            print(json.dumps(event))
            return {"batchItemFailures": [
                {"itemIdentifier": one["dynamodb"]["SequenceNumber"]} for one in event["Records"]
                if one["dynamodb"]["Keys"]["pk"]["S"] == "bad"]}
    """)  # fmt: skip
    dynamodb = stack.client("dynamodb")
    for key in ("one", "bad"):
        dynamodb.put_item(TableName=stack.table_name, Item={"pk": {"S": key}, "n": {"N": "1"}})
    stack.pump()
    events = [json.loads(line)["Records"] for line in stack.logs["Reader"]]
    keys = [[one["dynamodb"]["Keys"]["pk"]["S"] for one in batch] for batch in events]
    assert keys == [["one", "bad"], ["bad"]]
    first = events[0][0]
    assert first["eventName"] == "INSERT"
    assert first["eventSource"] == "aws:dynamodb"
    assert first["eventSourceARN"].startswith("arn:aws:dynamodb:us-east-1:123456789012:table/")
    assert first["dynamodb"]["NewImage"] == {"pk": {"S": "one"}, "n": {"N": "1"}}
    assert first["dynamodb"]["ApproximateCreationDateTime"] == 1795021200
    assert stack.dead_letters("Dead")[0]["DDBStreamBatchInfo"]["batchSize"] == 1
