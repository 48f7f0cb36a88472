"""HTTP at the edge: API Gateway's event in, answers and errors out."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from instore.errors import BadInputError, ConflictError, TooLargeError, UnavailableError
from instore.runtime.http import MAX_BODY_KB, guard, read_json, read_request, respond


def test_a_request_is_read_out_of_api_gateways_event() -> None:
    request = read_request({
        "routeKey": "POST /outreach", "headers": {"X-Thing": "a", "content-type": "b"},
        "queryStringParameters": {"q": "1"}, "pathParameters": {"id": "7"},
        "body": '{"a": "ü"}',
        "requestContext": {"authorizer": {"jwt": {"claims": {"email": "x"}}}},
    })  # fmt: skip
    assert (request.route, request.path["id"], request.query["q"]) == ("POST /outreach", "7", "1")
    assert request.header("x-THING") == "a"
    assert request.header("authorization") is None
    assert request.body == '{"a": "ü"}'.encode()
    assert request.json() == {"a": "ü"}
    assert request.claims == {"email": "x"}
    assert "ü" not in repr(request)


def test_an_event_with_next_to_nothing_is_a_request_with_nothing() -> None:
    request = read_request({"headers": None, "body": None, "requestContext": {"authorizer": None}})
    assert (request.route, request.path, request.headers, request.body) == ("", {}, {}, b"")
    assert (request.query, request.claims) == ({}, {})


def test_an_encoded_body_is_the_same_bytes() -> None:
    raw = b'{"emoji": "\xf0\x9f\x92\x8d", "n": 1.10}'
    event = {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}
    assert read_request(event).body == raw
    with pytest.raises(BadInputError) as refused:
        read_request({"body": "no base64!", "isBase64Encoded": True})
    assert refused.value.public_code == "bad_body"


def test_the_largest_body_is_256_kb_whatever_its_clothes() -> None:
    most = MAX_BODY_KB * 1024
    fits = "x" * most
    assert len(read_request({"body": fits}).body) == 262_144
    packed = base64.b64encode(fits.encode()).decode()
    assert len(read_request({"body": packed, "isBase64Encoded": True}).body) == 262_144
    for body in (fits + "x", "ü" * (most // 2 + 1), "x" * 999_999):
        with pytest.raises(TooLargeError):
            read_request({"body": body})
    more = base64.b64encode(fits.encode() + b"x").decode()
    with pytest.raises(TooLargeError):
        read_request({"body": more, "isBase64Encoded": True})


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"7", b"null", b'"x"', b"\xff{}", b'{"a": Infinity}',
             b'{"a": "\\ud83d"}', b'{"a":' * 50_000, b'{"a": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadInputError) as refused:
        read_json(body)
    assert refused.value.public_code == "malformed_json"


def test_escaped_pairs_are_text() -> None:
    assert read_json(b'{"a": "\\ud83d\\udc8d"}') == {"a": "💍"}


@pytest.mark.parametrize(
    ("body", "text"),
    [(b'{"a": "STOP \\ud83d"}', "STOP \ufffd"), (b'{"a": "\\udc8d STOP"}', "\ufffd STOP"),
     (b'{"a": "\\ud83d\\udc8d"}', "💍"), (b'{"a": "\\\\ud83d"}', "\\ud83d"), (b'{"a": "\xff"}', "\ufffd")],
)  # fmt: skip
def test_what_a_customer_typed_is_mended_not_refused(body: bytes, text: str) -> None:
    assert read_json(body, mend=True) == {"a": text}


def test_answers_are_json_that_nobody_caches() -> None:
    assert respond(200, {"a": "ü"}) == {
        "statusCode": 200, "body": '{"a": "ü"}',
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
    }  # fmt: skip
    assert respond(200, '{"ready":1}')["body"] == '{"ready":1}'


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (ConflictError("two of them", code="key_reused"), 409, "key_reused"),
        (UnavailableError("away"), 503, "unavailable"),
        (ZeroDivisionError("secret detail"), 503, "unavailable"),
    ],
)
def test_errors_become_answers(raised: Exception, status: int, code: str) -> None:
    def failing(event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise raised

    answer = guard(failing)({}, None)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["code"]) == (status, code)
    assert "secret" not in body["message"]


def test_a_good_answer_passes() -> None:
    assert guard(lambda event, context: respond(200, event))({"a": 1}, None)["body"] == '{"a": 1}'
