"""The local stack: roles, settings, time, logs, and that nothing leaves this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from local.functions import FunctionFailedError
from local.permissions import FOLDER, needed
from local.policy import Use
from local.stack import RealEndpointError
from tests.stack_rig import ECHO, WEB, Build, builder

pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def straight() -> None:
    """In place of that of conftest.py: here botocore's own events are listened to."""


@pytest.fixture
def build(tmp_path: Path, clock: Any) -> Iterator[Build]:
    with builder(tmp_path, clock) as made:
        yield made


READ = """
def handler(event, context):
    client = services()._client(event["service"])
    try:
        getattr(client, event["operation"])(**event["params"])
    except Exception as error:
        return error.response["Error"]
    return "ok"
"""


def test_a_call_that_the_role_does_not_allow_is_refused(build: Build) -> None:
    stack = build(WEB, READ)

    def ask(service: str, operation: str, **params: Any) -> Any:
        event = {"service": service, "operation": operation, "params": params}
        return stack.call("Web", event)

    table, bucket = stack.table_name, stack.rendered.reference("Files")
    note, other = {"pk": {"S": "NOTE#1"}}, {"pk": {"S": "OTHER#1"}}
    assert ask("dynamodb", "get_item", TableName=table, Key=note) == "ok"
    refused = ask("dynamodb", "get_item", TableName=table, Key=other)
    role = stack.rendered.reference("WebRole")
    assert refused == {
        "Code": "AccessDeniedException",
        "Message": f"User: arn:aws:sts::123456789012:assumed-role/{role}/Web is not authorized to "
        "perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/"
        f"{table} because no identity-based policy allows the dynamodb:GetItem action",
    }
    assert ask("dynamodb", "put_item", TableName=table, Item=note)["Code"] == (
        "AccessDeniedException"
    )
    assert ask("dynamodb", "get_item", TableName="other", Key=note)["Code"] == (
        "AccessDeniedException"
    )
    queue = stack.rendered.reference("Jobs")
    assert ask("sqs", "send_message", QueueUrl=queue, MessageBody="x")["Code"] == "AccessDenied"
    stack.client("s3").put_object(Bucket=bucket, Key="a/1", Body=b"x")
    assert ask("s3", "get_object", Bucket=bucket, Key="a/1") == "ok"
    assert ask("s3", "get_object", Bucket=bucket, Key="b/1")["Code"] == "AccessDenied"
    # Who may not list a bucket is not told that a file is absent.
    assert ask("s3", "head_object", Bucket=bucket, Key="a/2")["Code"] == "403"
    assert ask("s3", "get_object", Bucket=bucket, Key="a/2")["Code"] == "AccessDenied"
    allowed = [one.verdict.allowed for one in stack.calls["Web"]]
    assert allowed == [True, False, False, False, False, True, False, True, False, True, False]


def test_enforcement_can_be_off(build: Build) -> None:
    stack = build(WEB, READ, enforce=False)
    event = {"service": "dynamodb", "operation": "put_item",
             "params": {"TableName": stack.table_name, "Item": {"pk": {"S": "x"}}}}  # fmt: skip
    assert stack.call("Web", event) == "ok"
    assert [one.verdict.allowed for one in stack.calls["Web"]] == [False]


def test_a_function_is_told_what_its_template_says(build: Build, clock: Any) -> None:
    stack = build(WEB, """
        def handler(event, context):
            services().sleep(10)
            return [services().settings.table_name, services().now().isoformat(),
                    context.get_remaining_time_in_millis(), context.invoked_function_arn]
    """)  # fmt: skip
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{stack.rendered.stack}-Web"
    assert stack.call("Web", {}) == [stack.table_name, "2026-11-18T17:00:10+00:00", 50_000, arn]


def test_running_out_of_time_is_a_failure(build: Build) -> None:
    stack = build(WEB, "def handler(event, context):\n    services().sleep(61)\n")
    with pytest.raises(FunctionFailedError, match=r"Task timed out after 60\.00 seconds"):
        stack.call("Web", {})


def test_logs_are_kept_and_searched_for_personal_data(build: Build) -> None:
    stack = build(WEB, "def handler(event, context):\n    print(event['line'])\n")
    stack.call("Web", {"line": "Batch claimed"})
    stack.assert_nothing_personal("hello Ana")
    stack.call("Web", {"line": "to +12125550123"})
    with pytest.raises(AssertionError, match="personal data"):
        stack.assert_nothing_personal()
    assert stack.logs["Web"] == ["Batch claimed", "to +12125550123"]
    stack.logs["Web"].clear()
    stack.call("Web", {"line": "said hello Ana"})
    with pytest.raises(AssertionError, match="personal data"):
        stack.assert_nothing_personal("hello Ana")


def test_powertools_lines_are_kept_too(build: Build) -> None:
    stack = build(WEB, """
        from instore.runtime.observability import logger
        def handler(event, context):
            logger.warning("Batch claimed", extra={"n": 2})
    """)  # fmt: skip
    stack.call("Web", {})
    (line,) = stack.logs["Web"]
    assert json.loads(line)["message"] == "Batch claimed"


def test_secrets_and_rosters(build: Build) -> None:
    stack = build(WEB, ECHO)
    stack.put_secret("instore/a", {"key": 1})
    stack.put_secret("instore/a", {"key": 2})
    secret = stack.client("secretsmanager").get_secret_value(SecretId="instore/a")
    assert json.loads(secret["SecretString"]) == {"key": 2}
    stack.put_roster("111", stores_csv="a\n", associates_csv="b\n")
    bucket = stack.rendered.reference("Files")
    found = stack.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in found] == ["roster/111/associates.csv", "roster/111/stores.csv"]


def test_nothing_leaves_this_machine(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = build(WEB, ECHO)
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(RealEndpointError):
        client.list_tables()
    del stack
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(RealEndpointError):
        build(WEB, ECHO)


def test_a_parameter_that_the_template_lacks_is_an_error(build: Build) -> None:
    with pytest.raises(LookupError, match="Isuer"):
        build(WEB, ECHO, parameters={"Isuer": "x"})


def test_calls_are_kept_for_the_proof_that_every_permission_is_needed(
    build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Any
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    stack = build(WEB, READ)
    for key in ("NOTE#1", "OTHER#+12125550123"):
        stack.call("Web", {"service": "dynamodb", "operation": "get_item",
                           "params": {"TableName": stack.table_name, "Key": {"pk": {"S": key}}},
                           })  # fmt: skip
    stack.__exit__()
    run = needed(tmp_path / "kept")["Web"]
    assert run.uses == {Use("Read", "action", "dynamodb:GetItem"), Use("Read", "resource", "0"),
                        Use("Read", "key", "NOTE#*")}  # fmt: skip
    table = f"arn:aws:dynamodb:us-east-1:123456789012:table/{stack.table_name}"
    assert run.denied == {f"dynamodb:GetItem on {table} with OTHER"}


def test_only_one_call_is_under_way_at_a_time(build: Build) -> None:
    stack = build(WEB, ECHO)
    dynamodb, name = stack.client("dynamodb"), stack.table_name
    inside: list[int] = []
    most = []

    def linger(**_: Any) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.005)  # long enough for others to come in, if they can
        inside.pop()

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", linger)

    def add() -> None:
        for _ in range(5):
            dynamodb.update_item(TableName=name, Key={"pk": {"S": "n"}},
                                 UpdateExpression="ADD n :one",
                                 ExpressionAttributeValues={":one": {"N": "1"}})  # fmt: skip

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    item = dynamodb.get_item(TableName=name, Key={"pk": {"S": "n"}})["Item"]
    assert item["n"] == {"N": "20"}
    assert most == [1] * 20
