"""What alarms watch: failures that were answered politely are counted all the same."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from functions.agent_assigned.app import handler as changes
from functions.outreach_api.app import handler as outreach
from functions.platform_events.app import handler as webhook
from functions.routing_bot.app import handler as bot
from local.template import read_template, resources_of

from instore.errors import BadInputError, UnavailableError
from instore.runtime.observability import cause_of, note_failure, note_refusal
from instore.runtime.services import HURRIED, USUAL, Services, using
from instore.runtime.settings import Settings, read_settings

CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=512, aws_request_id="r-1",
    invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
    get_remaining_time_in_millis=lambda: 60_000,
)  # fmt: skip
TEMPLATE = read_template()
FUNCTIONS = resources_of(TEMPLATE, "AWS::Serverless::Function")
ALARMED = {a["Properties"]["MetricName"]
           for a in resources_of(TEMPLATE, "AWS::CloudWatch::Alarm").values()}  # fmt: skip


class Away(Services):
    """Whatever a handler asks for is away, or broken in a way that nobody foresaw."""

    def __init__(self, error: Exception) -> None:
        super().__init__(Settings())
        self.error = error

    def __getattribute__(self, name: str) -> Any:
        if name in ("programs", "webhooks", "queues", "table", "stores", "liveperson"):
            raise object.__getattribute__(self, "error")
        return object.__getattribute__(self, name)


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Metric -> sum, out of the embedded metric lines that were printed."""
    found: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        document = json.loads(line) if line.startswith("{") else {}
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                total = sum(values) if isinstance(values, list) else values
                found[metric["Name"]] = found.get(metric["Name"], 0) + total
    return found


ERRORS = [UnavailableError("the table is away"), RuntimeError("a defect")]


@pytest.mark.parametrize("error", ERRORS, ids=["away", "defect"])
@pytest.mark.parametrize(("handler", "event"), [
    (bot, {"routeKey": "GET /v1/bots/{bot}/environments", "pathParameters": {"bot": "b"}}),
    (outreach, {"routeKey": "GET /outreach/{id}", "pathParameters": {"id": "b1"},
                "requestContext": {"authorizer": {"jwt": {"claims": {
                    "email": "a@b.example", "scope": "outreach/read"}}}}}),
])  # fmt: skip
def test_an_http_failure_is_answered_and_counted(
    handler: Any, event: dict[str, Any], error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(Away(error)):
        answer = handler({"headers": {}, "body": "", **event}, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "unavailable")
    assert counted(capsys)["RequestFailed"] == 1
    assert "RequestFailed" in ALARMED


def test_a_webhook_that_cannot_be_queued_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with using(Away(UnavailableError("the queue is away"))):
        answer = webhook(
            {"headers": {}, "body": "{}", "routeKey": "POST /liveperson/events"}, CONTEXT
        )
    assert answer["statusCode"] == 503
    assert counted(capsys)["RequestFailed"] == 1


@pytest.mark.parametrize("error", ERRORS, ids=["away", "defect"])
def test_a_change_that_fails_is_counted(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    change = {"account": "1", "conversation": "c", "kind": "state", "ts": 1795021195521,
              "state": "OPEN", "agents": [], "consumer": None}  # fmt: skip
    record = {
        "messageId": "m-1", "receiptHandle": "r-1", "body": json.dumps(change),
        "attributes": {"MessageGroupId": "1.c", "ApproximateReceiveCount": "1"},
    }  # fmt: skip
    with using(Away(error)):
        answer = changes({"Records": [record]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert counted(capsys)["ChangeFailed"] == 1
    assert "ChangeFailed" in ALARMED


def test_what_a_caller_did_wrong_is_not_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr("instore.runtime.observability.count", found.append)
    note_refusal(BadInputError("no"))
    assert found == []
    note_refusal(UnavailableError("away"))
    note_failure(RuntimeError())
    assert found == ["RequestFailed", "RequestFailed"]


def test_a_cause_is_told_by_class_and_code_only() -> None:
    said = "the customer wrote: my number is +12125550123"
    aws = ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, "PutItem")
    told = []
    for cause in (aws, ValueError(said), None):
        error = UnavailableError("away")
        error.__cause__ = cause
        told.append(cause_of(error))
    assert told == ["ClientError AccessDenied", "ValueError", ""]


def worst(calls: int, limits: Any) -> float:
    return calls * limits.tries * (limits.connect_s + limits.read_s)  # type: ignore[no-any-return]  # plain numbers


def test_aws_calls_end_before_their_function_does() -> None:
    """The webhook: one secret, one queue call, inside the 2.5 s LivePerson allows."""
    assert worst(2, HURRIED) <= 2.5 < FUNCTIONS["PlatformEvents"]["Properties"]["Timeout"]
    for name, function in FUNCTIONS.items():
        assert worst(1, USUAL) < function["Properties"]["Timeout"] or name == "PlatformEvents"


def test_only_the_webhook_is_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("boto3.client", lambda _name, config: seen.append(config))
    for name, function in FUNCTIONS.items():
        given = dict.fromkeys(
            function["Properties"].get("Environment", {}).get("Variables", {}), "x"
        )
        Services(read_settings({**given, "TABLE_NAME": "t"}))._client("sqs")
        told = seen.pop()
        limits = told.connect_timeout, told.read_timeout, told.retries["total_max_attempts"]
        assert limits == ((0.3, 0.7, 1) if name == "PlatformEvents" else (0.5, 1.0, 3)), name
