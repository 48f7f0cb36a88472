"""The local HTTP API: events and answers as API Gateway makes them, who may come in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from local.issuer import Issuer
from tests.stack_rig import ECHO, WEB, Build, builder

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def build(tmp_path: Path, clock: Any) -> Iterator[Build]:
    with builder(tmp_path, clock) as made:
        yield made


def test_an_http_event_has_the_shape_of_aws(build: Build, clock: Any) -> None:
    stack = build(WEB, ECHO)
    assert stack.outputs == {"Url": stack.url}
    answer = httpx.post(
        f"{stack.url}/open/a%20b?x=1&y=&x=2", content=b"{}",
        headers=[("X-Two", "a"), ("x-two", "b"), ("Cookie", "c=1; d=2"), ("User-Agent", "me"),
                 ("Content-Type", "application/json")],
    )  # fmt: skip
    assert answer.headers["content-type"] == "application/json"
    event = answer.json()
    headers = event.pop("headers")
    assert headers["x-two"] == "a,b"
    assert "cookie" not in headers
    context = event.pop("requestContext")
    api = f"{stack.rendered.stack}-api"
    assert len(context.pop("requestId")) == 16
    assert context == {
        "accountId": "123456789012", "apiId": api, "domainPrefix": api,
        "domainName": f"{api}.execute-api.us-east-1.amazonaws.com",
        "http": {"method": "POST", "path": "/open/a b", "protocol": "HTTP/1.1",
                 "sourceIp": "127.0.0.1", "userAgent": "me"},
        "routeKey": "POST /open/{name}", "stage": "$default",
        "time": "18/Nov/2026:17:00:00 +0000", "timeEpoch": 1795021200000,
    }  # fmt: skip
    assert event == {
        "version": "2.0", "routeKey": "POST /open/{name}", "rawPath": "/open/a b",
        "rawQueryString": "x=1&y=&x=2", "cookies": ["c=1", "d=2"],
        "queryStringParameters": {"x": "1,2", "y": ""}, "pathParameters": {"name": "a b"},
        "body": "{}", "isBase64Encoded": False,
    }  # fmt: skip


@pytest.mark.parametrize(("method", "path", "route"), [
    ("POST", "/open/fixed", "POST /open/fixed"), ("POST", "/open/other", "POST /open/{name}"),
    ("PATCH", "/rest/a/b", "ANY /rest/{all+}"),
])  # fmt: skip
def test_the_most_specific_route_wins(build: Build, method: str, path: str, route: str) -> None:
    stack = build(WEB, ECHO)
    event = httpx.request(method, stack.url + path).json()
    assert event["routeKey"] == route
    assert "body" not in event
    if path == "/rest/a/b":
        assert event["pathParameters"] == {"all": "a/b"}


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/open/x"), ("POST", "/open"), ("POST", "/open/"), ("POST", "/open/a/b"), ("GET", "/"),
])  # fmt: skip
def test_no_route(build: Build, method: str, path: str) -> None:
    answer = httpx.request(method, build(WEB, ECHO).url + path)
    assert (answer.status_code, answer.text) == (404, '{"message":"Not Found"}')


@pytest.mark.parametrize(("kind", "body", "text"), [
    ("application/json", b"{}", True), ("text/plain", b"hi", True), ("text/plain", b"\xff", False),
    ("application/x-www-form-urlencoded", b"a=1", False), ("image/png", b"\x89PNG", False),
])  # fmt: skip
def test_bodies_that_are_no_text_come_in_base64(
    build: Build, kind: str, body: bytes, text: bool
) -> None:
    event = httpx.post(f"{build(WEB, ECHO).url}/open/x", content=body,
                       headers={"content-type": kind}).json()  # fmt: skip
    assert event["isBase64Encoded"] is not text
    assert event["body"] == (body.decode() if text else base64.b64encode(body).decode())


@pytest.mark.parametrize(("result", "status", "kind", "body"), [
    ('{"statusCode": 201, "body": "x"}', 201, "text/plain;charset=UTF-8", b"x"),
    ('{"statusCode": "202", "body": "eA==", "isBase64Encoded": True, "headers": {"A": True}, '
     '"cookies": ["c=1"]}', 202, "text/plain;charset=UTF-8", b"x"),
    ('{"statusCode": 200, "body": {"a": 1}}', 500, "application/json",
     b'{"message":"Internal Server Error"}'),
    ('{"statusCode": "what"}', 500, "application/json", b'{"message":"Internal Server Error"}'),
    ("1/0", 500, "application/json", b'{"message":"Internal Server Error"}'),
    ('"x" * 7_000_000', 500, "application/json", b'{"message":"Internal Server Error"}'),
    ("services().sleep(31)", 503, "application/json", b'{"message":"Service Unavailable"}'),
    ("services().sleep(61)", 503, "application/json", b'{"message":"Service Unavailable"}'),
    ("None", 200, "application/json", b"null"), ('"hi"', 200, "application/json", b"hi"),
])  # fmt: skip
def test_answers_are_mapped(build: Build, result: str, status: int, kind: str, body: bytes) -> None:
    stack = build(WEB, f"def handler(event, context):\n    return {result}\n")
    answer = httpx.post(f"{stack.url}/open/x")
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    assert answer.content == body
    if status == 202:
        assert answer.headers["a"] == "true"
        assert answer.headers["set-cookie"] == "c=1"


@pytest.mark.parametrize("size", [6 * 1024 * 1024 + 1, 10 * 1024 * 1024 + 1])
def test_bodies_have_a_limit(build: Build, size: int) -> None:
    stack = build(WEB, ECHO)
    request = (f"POST /open/x HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n").encode()
    import socket

    port = int(stack.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        if size < 10 * 1024 * 1024:
            connection.sendall(b"x" * size)
        head = connection.recv(1000)
    assert head.startswith(b"HTTP/1.1 413")


def test_the_authorizer(build: Build, clock: Any) -> None:
    issuer = Issuer(clock, audience="shop").serve()
    try:
        stack = build(WEB, ECHO, parameters={"Issuer": issuer.url})

        def ask(token: str | None, prefix: str = "Bearer ") -> httpx.Response:
            headers = {} if token is None else {"Authorization": prefix + token}
            return httpx.get(f"{stack.url}/closed", headers=headers)

        read = {"scopes": ("notes/read", "other")}
        good = ask(issuer.mint("maria", **read, groups=["a", "b"], staff=True))
        jwt = good.json()["requestContext"]["authorizer"]["jwt"]
        assert jwt["scopes"] == ["notes/read"]
        assert jwt["claims"]["email"] == "maria"
        assert jwt["claims"]["groups"] == "[a b]"
        assert jwt["claims"]["staff"] == "true"
        assert jwt["claims"]["exp"] == "1795024800"
        assert ask(issuer.mint("maria", **read), prefix="").status_code == 200
        refused = [
            ask(None), ask("nonsense"), ask(issuer.mint("m", **read, lifetime_s=-1)),
            ask(issuer.mint("m", **read, audience="else")),
            ask(issuer.mint("m", **read, issuer="https://else.example.com")),
            ask(issuer.mint("m", **read, stranger=True)),
            ask(issuer.mint("m", **read, nbf=1795021200 + 60)),
        ]  # fmt: skip
        assert {(one.status_code, one.text) for one in refused} == {
            (401, '{"message":"Unauthorized"}')
        }
        other = ask(issuer.mint("m", scopes=("notes/write",)))
        assert (other.status_code, other.text) == (403, '{"message":"Forbidden"}')
        clock.advance(3601)
        assert ask(issuer.mint("m", **read, lifetime_s=-1)).status_code == 401
    finally:
        issuer.close()
