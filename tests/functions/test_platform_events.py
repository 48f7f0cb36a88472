"""The webhook's function: what is queued, what is refused and how, what a refusal looks like."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from instore.adapters.queues import Queues
from instore.adapters.secrets import Secrets
from instore.errors import UnavailableError
from instore.runtime import observability
from instore.runtime.services import Services, using
from instore.runtime.settings import Settings
from instore.runtime.webhooks import sign
from platform_events.app import handler

EVENTS = Path(__file__).parents[2] / "events"
ACCOUNT, CLIENT, SECRET = "20000001", "5a1c0de0-0000-4000-8000-00000000001a", "webhook secret"
RELAY_KEY = "relay key"
CONTEXT = SimpleNamespace(
    function_name="platform_events", memory_limit_in_mb=512, aws_request_id="r1",
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:platform_events",
)  # fmt: skip


class Boxes:
    """Secrets Manager and SQS as far as this function asks them."""

    def __init__(self) -> None:
        keys = {"webhook_secret": SECRET, "webhook_client_id": CLIENT}
        self.secrets = {f"instore/lp/{ACCOUNT}": json.dumps(keys), "relay-arn": RELAY_KEY}
        self.entries: list[dict[str, Any]] = []
        self.refuse: list[Any] = []

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        if SecretId not in self.secrets:
            sm = boto3.client("secretsmanager")
            sm.get_secret_value(SecretId=SecretId)  # moto: ResourceNotFoundException
        return {"SecretString": self.secrets[SecretId]}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        assert request["QueueUrl"] == "assignment.fifo"
        if self.refuse:
            return {"Failed": self.refuse}
        self.entries += request["Entries"]
        return {"Successful": request["Entries"]}

    def queued(self) -> list[dict[str, Any]]:
        return [json.loads(entry["MessageBody"]) for entry in self.entries]


@pytest.fixture
def boxes() -> Boxes:
    return Boxes()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    add = observability.metrics.add_metric

    def note(*, name: str, unit: Any, value: float) -> None:
        names.append(name)
        add(name=name, unit=unit, value=value)

    monkeypatch.setattr(observability.metrics, "add_metric", note)
    return names


@pytest.fixture
def post(boxes: Boxes, clock: Any, _aws: None, counted: list[str]) -> Any:
    settings = Settings(secret_prefix="instore/", relay_secret="relay-arn")
    house = Services(settings, now=clock.now)
    house.secrets = Secrets(boxes, prefix="instore/", now=clock.now)  # type: ignore[arg-type]  # stands in for the real one
    house.queues = Queues(boxes, outreach="outreach", assignment="assignment.fifo")  # type: ignore[arg-type]  # stands in for the real one

    def post(event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with using(house):
            answer = handler(event, CONTEXT)
        assert answer["headers"]["content-type"] == "application/json"
        return answer["statusCode"], json.loads(answer["body"])

    return post


def signed(name: str, clock: Any, **changed: Any) -> dict[str, Any]:
    """An event file with its placeholders filled in, as `make invoke` does."""
    event: dict[str, Any] = json.loads((EVENTS / f"platform_events.{name}.json").read_text())
    event |= changed
    body = event["body"].encode()
    stamp = str(int(clock.now().timestamp()))
    if "x-instore-signature" in event["headers"]:
        signature = sign(stamp.encode() + b"." + body, key=RELAY_KEY, digest="sha256")
        event["headers"] |= {"x-instore-timestamp": stamp, "x-instore-signature": signature}
    else:
        event["headers"]["x-liveperson-signature"] = sign(body, key=SECRET)
    return event


def test_an_assignment_is_queued_for_its_conversation(post: Any, boxes: Boxes, clock: Any) -> None:
    assert post(signed("assigned", clock)) == (200, {"queued": 1, "ignored": 0})
    (entry,) = boxes.entries
    record = json.loads((EVENTS / "agent_assigned.sqs.json").read_text())["Records"][0]
    assert entry["MessageBody"] == record["body"]
    assert entry["MessageGroupId"] == record["attributes"]["MessageGroupId"]
    assert entry["MessageDeduplicationId"] == record["attributes"]["MessageDeduplicationId"]


def test_a_stop_is_queued_and_other_words_are_not(post: Any, boxes: Boxes, clock: Any) -> None:
    event = signed("consumer_text", clock)
    assert post(event) == (200, {"queued": 1, "ignored": 0})
    assert boxes.queued()[0]["kind"] == "revocation"
    chat = event["body"].replace("Please stop texting me", "My blood pressure is 140")
    assert post(signed("consumer_text", clock, body=chat)) == (200, {"queued": 0, "ignored": 1})
    assert len(boxes.entries) == 1


def test_the_relay_and_the_webhook_say_the_same(post: Any, boxes: Boxes, clock: Any) -> None:
    post(signed("assigned", clock))
    assert post(signed("relay", clock)) == (200, {"queued": 1, "ignored": 0})
    webhook, relay = boxes.queued()
    assert webhook["agents"] == [{"pid": relay["agents"][0]["pid"], "state": "ACTIVE"}]
    same = ("account", "conversation", "kind", "ts", "state", "consumer")
    assert {name: webhook[name] for name in same} == {name: relay[name] for name in same}


def test_a_base64_body_is_verified_as_it_was_sent(post: Any, boxes: Boxes, clock: Any) -> None:
    event = signed("consumer_text", clock)
    event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert post(event)[0] == 200
    assert len(boxes.entries) == 1


def test_a_signature_over_reserialised_json_is_refused(
    post: Any, boxes: Boxes, clock: Any, counted: list[str]
) -> None:
    event = signed("consumer_text", clock)
    again = json.dumps(json.loads(event["body"]), separators=(",", ":"))  # the emoji is escaped
    event["headers"]["x-liveperson-signature"] = sign(again.encode(), key=SECRET)
    assert post(event) == (
        401, {"code": "not_authenticated", "message": "the signature does not verify"}
    )  # fmt: skip
    assert boxes.entries == []
    assert counted == ["Arrived", "SignatureRefused"]


def test_an_unknown_account_is_refused(post: Any, clock: Any, counted: list[str]) -> None:
    event = signed("assigned", clock)
    event["headers"]["x-liveperson-account-id"] = "99999999"
    assert post(event)[0] == 401
    assert counted == ["Arrived", "SignatureRefused"]


def test_the_relays_key_does_not_open_the_webhook(post: Any, clock: Any) -> None:
    event = signed("relay", clock, routeKey="POST /liveperson/events")
    assert post(event)[0] == 401
    other = signed("assigned", clock, routeKey="POST /liveperson/participants")
    assert post(other)[0] == 401


def test_not_json_after_a_good_signature(post: Any, clock: Any) -> None:
    assert post(signed("assigned", clock, body="{")) == (
        400, {"code": "bad_json", "message": "the body is not JSON"}
    )  # fmt: skip


def test_a_relay_without_its_envelope(post: Any, clock: Any) -> None:
    status, body = post(signed("relay", clock, body="{}"))
    assert (status, body["code"]) == (400, "bad_relay")


def test_too_large(post: Any, clock: Any) -> None:
    status, body = post(signed("assigned", clock, body="x" * 1_024_001))
    assert (status, body["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", ['{"type": "zz.New", "body": {"changes": [{}]}}', "[]", "null"])
def test_an_event_never_seen_is_ignored_and_counted(
    post: Any, boxes: Boxes, clock: Any, counted: list[str], body: str
) -> None:
    assert post(signed("assigned", clock, body=body)) == (200, {"queued": 0, "ignored": 1})
    assert boxes.entries == []
    assert counted == ["Arrived", "EventIgnored"]


def test_a_queue_that_refuses_is_for_liveperson_to_try_again(
    post: Any, boxes: Boxes, clock: Any
) -> None:
    boxes.refuse = [{"Id": "0", "Code": "InternalError"}]
    status, body = post(signed("assigned", clock))
    assert (status, body["code"]) == (503, "unavailable")


def test_a_secret_that_cannot_be_read_is_for_liveperson_to_try_again(
    post: Any, boxes: Boxes, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise UnavailableError("a secret cannot be read", code="secret_unavailable")

    monkeypatch.setattr(boxes, "get_secret_value", away)
    status, body = post(signed("assigned", clock))
    assert (status, body["code"]) == (503, "secret_unavailable")


def test_no_table_and_no_program_are_needed(
    post: Any, clock: Any, requests_made: list[Any]
) -> None:
    assert post(signed("assigned", clock))[0] == 200
    assert requests_made == []


def test_nothing_heavy_is_imported_to_verify_and_queue() -> None:
    """What the cold start must not pay for: the program (pydantic), HTTP clients, token keys."""
    import subprocess
    import sys

    code = (
        "import sys; sys.path[:0] = ['layers/common', 'functions']; import platform_events.app; "
        "heavy = {'pydantic', 'httpx', 'boto3', 'jwt', 'cryptography', 'phonenumbers'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=EVENTS.parent)  # fmt: skip
    assert said.stdout.strip() == "[]"
