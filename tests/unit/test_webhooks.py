"""Signatures over raw bytes: what verifies, what does not, and what a forger costs us."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from instore.errors import (
    BadInputError,
    NotAuthenticatedError,
    TooLargeError,
    UnavailableError,
    UnknownSecretError,
)
from instore.runtime.http import body_of
from instore.runtime.webhooks import LARGEST_BODY_KB, Webhooks, parsed, sign

LARGEST = LARGEST_BODY_KB * 1024
ACCOUNT, CLIENT, SECRET = "20000001", "5a1c0de0-0000-4000-8000-00000000001a", "hush"
NAME = f"instore/lp/{ACCOUNT}"
BODY = '{"kind": "notification", "text": "caf\u00e9 \U0001f600"}'.encode()


class FakeSecrets:
    """Secrets by name; counts how often each is read from outside (first time, or forgotten)."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {
            NAME: {"webhook_secret": SECRET, "webhook_client_id": CLIENT}, "relay": "relay key",
        }  # fmt: skip
        self.reads: list[str] = []
        self._kept: dict[str, Any] = {}

    def account(self, name: str) -> Any:
        if name not in self._kept:
            self.reads.append(name)
            value = self.values.get(name, UnknownSecretError("none"))
            if isinstance(value, Exception):
                raise value
            self._kept[name] = value
        return self._kept[name]

    text = account

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)


@pytest.fixture
def secrets() -> FakeSecrets:
    return FakeSecrets()


@pytest.fixture
def webhooks(secrets: FakeSecrets, clock: Any) -> Webhooks:
    return Webhooks(
        secrets,  # type: ignore[arg-type]  # stands in for the real one
        prefix="instore/", relay_secret="relay", now=clock.now,
    )  # fmt: skip


def event(
    *, signature: str | None = None, account: str = ACCOUNT, client: str = CLIENT
) -> dict[str, Any]:
    return {"headers": {
        "x-liveperson-account-id": account, "x-liveperson-client-id": client,
        "x-liveperson-signature": sign(BODY, key=SECRET) if signature is None else signature,
    }}  # fmt: skip


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_a_genuine_signature_names_its_account(webhooks: Webhooks, digest: str) -> None:
    signature = sign(BODY, key=SECRET, digest=digest)
    assert webhooks.verify_liveperson(event(signature=signature), body=BODY) == ACCOUNT


def test_the_signature_is_of_the_bytes_not_of_the_json(webhooks: Webhooks) -> None:
    again = json.dumps(json.loads(BODY)).encode()
    with pytest.raises(NotAuthenticatedError):
        webhooks.verify_liveperson(event(signature=sign(again, key=SECRET)), body=BODY)


@pytest.mark.parametrize(
    "broken",
    [{"signature": ""}, {"signature": "sha1="}, {"signature": "md5=AAAA"}, {"signature": "é=é"},
     {"signature": sign(BODY, key="other")}, {"signature": sign(BODY, key=SECRET)[5:]},
     {"client": "another"}, {"client": ""}, {"account": ""}, {"account": "20000009"},
     {"account": "../20000001"}, {"account": "A" * 500}],
)  # fmt: skip
def test_whatever_is_wrong_the_answer_is_the_same(
    webhooks: Webhooks, broken: dict[str, str]
) -> None:
    with pytest.raises(NotAuthenticatedError) as error:
        webhooks.verify_liveperson(event(**broken), body=BODY)
    assert error.value.message == "the signature does not verify"


def test_no_headers_at_all(webhooks: Webhooks) -> None:
    with pytest.raises(NotAuthenticatedError):
        webhooks.verify_liveperson({}, body=BODY)


def test_a_rotated_secret_is_read_anew_but_once_a_minute(
    webhooks: Webhooks, secrets: FakeSecrets, clock: Any
) -> None:
    assert webhooks.verify_liveperson(event(), body=BODY) == ACCOUNT
    secrets.values[NAME] = {"webhook_secret": "new", "webhook_client_id": CLIENT}
    assert webhooks.verify_liveperson(event(signature=sign(BODY, key="new")), body=BODY) == ACCOUNT
    assert secrets.reads == [NAME, NAME]
    for _ in range(5):
        clock.advance(10)
        with pytest.raises(NotAuthenticatedError):
            webhooks.verify_liveperson(event(signature="sha1=forged"), body=BODY)
    assert secrets.reads == [NAME, NAME]
    clock.advance(11)
    with pytest.raises(NotAuthenticatedError):
        webhooks.verify_liveperson(event(signature="sha1=forged"), body=BODY)
    assert secrets.reads == [NAME, NAME, NAME]


def test_an_unknown_account_is_looked_for_once_a_minute(
    webhooks: Webhooks, secrets: FakeSecrets, clock: Any
) -> None:
    for _ in range(3):
        with pytest.raises(NotAuthenticatedError):
            webhooks.verify_liveperson(event(account="20000009"), body=BODY)
    assert secrets.reads == ["instore/lp/20000009"]
    clock.advance(61)
    secrets.values["instore/lp/20000009"] = secrets.values[NAME]
    assert webhooks.verify_liveperson(event(account="20000009"), body=BODY) == "20000009"


def test_what_is_remembered_of_strangers_is_bounded(webhooks: Webhooks) -> None:
    for number in range(1100):
        with pytest.raises(NotAuthenticatedError):
            webhooks.verify_liveperson(event(account=f"3{number:05d}"), body=BODY)
    assert len(webhooks._checks._asked) <= 1000


@pytest.mark.parametrize(
    "value", [UnavailableError("away"), {}, {"webhook_secret": SECRET},
              {"webhook_secret": "", "webhook_client_id": CLIENT},
              {"webhook_secret": SECRET, "webhook_client_id": 7}],
)  # fmt: skip
def test_a_secret_that_cannot_be_used_is_for_liveperson_to_try_again(
    webhooks: Webhooks, secrets: FakeSecrets, value: Any
) -> None:
    secrets.values[NAME] = value
    with pytest.raises(UnavailableError):
        webhooks.verify_liveperson(event(), body=BODY)


@pytest.mark.parametrize(("broken", "value", "told"), [
    ({"account": ""}, None, {"why": "no_account"}),
    ({}, UnknownSecretError("none"), {"why": "secret_missing", "secret": NAME}),
    ({}, UnavailableError("away"), {"why": "secret_unreadable", "secret": NAME}),
    ({}, {}, {"why": "secret_unreadable", "lacks": "webhook_secret", "secret": NAME}),
    ({}, {"webhook_secret": SECRET},
     {"why": "secret_unreadable", "lacks": "webhook_client_id", "secret": NAME}),
    ({"client": "another"}, None, {"why": "client_differs", "secret": NAME}),
    ({"signature": "sha1=x"}, None, {"why": "signature_differs", "secret": NAME}),
])  # fmt: skip
def test_the_log_is_told_what_is_wrong(
    webhooks: Webhooks, secrets: FakeSecrets, broken: dict[str, str], value: Any,
    told: dict[str, str],
) -> None:  # fmt: skip
    if value is not None:
        secrets.values[NAME] = value
    for _ in range(2):  # what is remembered of it is told as well
        with pytest.raises((NotAuthenticatedError, UnavailableError)) as error:
            webhooks.verify_liveperson(event(**broken), body=BODY)
        assert error.value.told == told


def relay(clock: Any, *, age: float = 0, **headers: str) -> dict[str, Any]:
    stamp = str(int((clock.now() - timedelta(seconds=age)).timestamp()))
    signature = sign(stamp.encode() + b"." + BODY, key="relay key", digest="sha256")
    return {"headers": {"x-instore-timestamp": stamp, "x-instore-signature": signature} | headers}


@pytest.mark.parametrize("age", [0, 299, 300, -300])
def test_a_relayed_event_is_dated(webhooks: Webhooks, clock: Any, age: float) -> None:
    stamp = int(clock.now().timestamp() - age) * 1000
    assert webhooks.verify_relay(relay(clock, age=age), body=BODY) == stamp


@pytest.mark.parametrize("age", [301, -301, 86400])
def test_an_old_or_future_relayed_event_is_refused(
    webhooks: Webhooks, clock: Any, secrets: FakeSecrets, age: float
) -> None:
    with pytest.raises(NotAuthenticatedError):
        webhooks.verify_relay(relay(clock, age=age), body=BODY)
    assert secrets.reads == []


def test_of_a_relayed_event_the_log_is_told_too(webhooks: Webhooks, clock: Any) -> None:
    for event_, why in ((relay(clock, age=400), {"why": "time_differs"}),
                        (relay(clock, **{"x-instore-signature": "x"}),
                         {"why": "signature_differs", "secret": "relay"})):  # fmt: skip
        with pytest.raises(NotAuthenticatedError) as error:
            webhooks.verify_relay(event_, body=BODY)
        assert error.value.told == why


def test_the_time_is_part_of_what_is_signed(webhooks: Webhooks, clock: Any) -> None:
    replayed = relay(clock, age=400)
    replayed["headers"]["x-instore-timestamp"] = str(int(clock.now().timestamp()))
    with pytest.raises(NotAuthenticatedError):
        webhooks.verify_relay(replayed, body=BODY)


@pytest.mark.parametrize("stamp", ["", "now", "1e9", "-1", "17636544000", "\u0661" * 10])
def test_a_time_that_is_none(webhooks: Webhooks, clock: Any, stamp: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        webhooks.verify_relay(relay(clock, **{"x-instore-timestamp": stamp}), body=BODY)


def test_the_relay_signs_with_sha256_only(webhooks: Webhooks, clock: Any) -> None:
    stamp = str(int(clock.now().timestamp()))
    weak = sign(stamp.encode() + b"." + BODY, key="relay key", digest="sha1")
    with pytest.raises(NotAuthenticatedError):
        webhooks.verify_relay(relay(clock, **{"x-instore-signature": weak}), body=BODY)


def raw_body(event: dict[str, Any]) -> bytes:
    return body_of(event, most_kb=LARGEST_BODY_KB)


def test_raw_bytes_of_both_encodings() -> None:
    assert raw_body({"body": BODY.decode()}) == BODY
    assert raw_body({"body": base64.b64encode(BODY).decode(), "isBase64Encoded": True}) == BODY
    assert raw_body({}) == b""


@pytest.mark.parametrize("length", [LARGEST + 1, 3 * LARGEST])
def test_a_megabyte_is_enough(length: int) -> None:
    with pytest.raises(TooLargeError):
        raw_body({"body": "x" * length})
    assert len(raw_body({"body": "x" * LARGEST})) == LARGEST


def test_an_encoding_that_is_none() -> None:
    with pytest.raises(BadInputError):
        raw_body({"body": "a*b", "isBase64Encoded": True})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 200_000])
def test_bodies_that_are_not_json(body: bytes) -> None:
    with pytest.raises(BadInputError) as error:
        parsed(body)
    assert error.value.public_code == "bad_json"
