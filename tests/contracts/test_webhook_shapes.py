"""The shapes LivePerson documents, the signature it publishes, and our own event files agree."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from instore.assignment import from_message, hear_relay, hear_webhook
from instore.model import fingerprint
from instore.runtime.webhooks import sign

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "events").glob("platform_events.*.json"))


def load(path: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(path.read_text())
    return event


def test_there_is_a_file_for_each_way_in() -> None:
    assert [path.name.split(".")[1] for path in FILES] == ["assigned", "consumer_text", "relay"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_event_files_are_http_api_events_of_version_2(path: Path) -> None:
    event = load(path)
    assert event["version"] == "2.0"
    http = event["requestContext"]["http"]
    assert event["routeKey"] == f"{http['method']} {http['path']}" == f"POST {event['rawPath']}"
    assert event["requestContext"]["routeKey"] == event["routeKey"]
    assert all(name == name.lower() for name in event["headers"])
    assert event["isBase64Encoded"] is False
    assert list(event["headers"].values()).count("${SIGNATURE}") == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_event_files_are_understood_whole(path: Path) -> None:
    body = json.loads(load(path)["body"])
    heard = hear_relay(body, relayed_ms=1) if "payload" in body else hear_webhook("20000001", body)
    assert (len(heard.changes), heard.ignored) == (1, 0)


def test_the_queue_file_is_what_a_fifo_queue_delivers() -> None:
    (record,) = load(ROOT / "events" / "agent_assigned.sqs.json")["Records"]
    assert set(record) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody",
        "eventSource", "eventSourceARN", "awsRegion",
    }  # fmt: skip
    assert {"MessageGroupId", "MessageDeduplicationId", "SequenceNumber"} < set(
        record["attributes"]
    )
    message = json.loads(record["body"])
    change = from_message(message)
    group = f"{change.account}.{change.conversation}"
    assert record["attributes"]["MessageGroupId"] == group
    assert record["attributes"]["MessageDeduplicationId"] == fingerprint(message)
    assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
    assert record["eventSourceARN"].endswith(".fifo")


# The documented example of an assignment, serialised without spaces, under the secret that
# LivePerson's page on the notification protocol uses as its placeholder.
DOCUMENTED = (
    '{"kind":"notification","body":{"changes":[{"sequence":0,"originatorId":"ade26082b1185839d17e0'
    '794924c1a0005cf5663e7c35e38f80dd8552a1a96e5","originatorMetadata":{"id":"ade26082b1185839d17e'
    '0794924c1a0005cf5663e7c35e38f80dd8552a1a96e5","role":"CONSUMER"},"serverTimestamp":1528371161'
    '893,"event":{"type":"ContentEvent","message":"Hello from Consumer","contentType":"text/plain"'
    '},"dialogId":"5491244f-e462-4c63-bf4e-faf4b2d3e7b5"}]},"type":"ms.MessagingEventNotification"}'
)


@pytest.mark.parametrize(
    ("digest", "signature"),
    [("sha1", "sha1=+3X24WRrJUcmuvIFRY8UmvbbAUE="),
     ("sha256", "sha256=QqqOhHDNXdWCoknvHN12dhqKQCmgHax2qetNC+n77gk=")],
)  # fmt: skip
def test_the_signature_is_liveperson_s(digest: str, signature: str) -> None:
    assert sign(DOCUMENTED.encode(), key="THE_CLIENT_SECRET", digest=digest) == signature


def test_the_relay_s_source_signs_what_we_verify() -> None:
    """Header names, event file and the order of what is signed are those of the document."""
    text = (ROOT / "docs" / "relay-function.md").read_text()
    (source,) = re.findall(r"```javascript\n(.*?)```", text, re.DOTALL)
    headers = load(ROOT / "events" / "platform_events.relay.json")["headers"]
    for name in re.findall(r'"(x-instore-[a-z]+)"', source):
        assert name in headers
    assert '.update(stamp + "." + body, "utf8")' in source
    assert '"sha256=" + signature' in source
    made = hmac.new(b"k", b"1." + b"{}", hashlib.sha256).digest()
    assert sign(b"1.{}", key="k", digest="sha256") == f"sha256={base64.b64encode(made).decode()}"
