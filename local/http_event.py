"""An HTTP request as API Gateway's HTTP API hands it to Lambda (payload format 2.0), and back.

Sources: AWS, "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway"; quotas of
HTTP APIs (10 MB bodies, 30 s) and Lambda (6 MB a call).
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from .intrinsics import ACCOUNT, REGION

GATEWAY_LIMIT = 10 * 1024 * 1024
LAMBDA_LIMIT = 6 * 1024 * 1024
_TEXT = ("application/json", "application/xml", "application/javascript")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire; repeated headers are still apart."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str = "127.0.0.1"

    @property
    def raw_path(self) -> str:
        return self.target.split("?", 1)[0]

    @property
    def query(self) -> str:
        return self.target.split("?", 1)[1] if "?" in self.target else ""

    def joined_headers(self) -> dict[str, str]:
        """Names in lower case, repeats joined by commas, cookies apart."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            low = name.lower()
            joined[low] = f"{joined[low]},{value}" if low in joined else value
        return joined


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back over the wire."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = field(default_factory=tuple)


def said(status: int, message: str, *headers: tuple[str, str]) -> Response:
    """One of API Gateway's own answers."""
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return Response(status, body, (("content-type", "application/json"), *headers))


def is_text(content_type: str) -> bool:
    """Whether API Gateway passes a body of this type as text. Form posts it does not."""
    kind = content_type.split(";", 1)[0].strip().lower()
    return (not kind or kind.startswith("text/") or kind in _TEXT
            or kind.endswith(("+json", "+xml")))  # fmt: skip


def event_of(
    request: Request, *, route_key: str, api_id: str, parameters: Mapping[str, str],
    stage: str, now: datetime, authorizer: Mapping[str, Any] | None,
) -> dict[str, Any]:  # fmt: skip
    """The event of payload format 2.0. Parts that have nothing to say are absent, as at AWS."""
    headers = request.joined_headers()
    cookies = headers.pop("cookie", "")
    path = unquote(request.raw_path)
    domain = f"{api_id}.execute-api.{REGION}.amazonaws.com"
    context: dict[str, Any] = {
        "accountId": ACCOUNT, "apiId": api_id, "domainName": domain, "domainPrefix": api_id,
        "http": {
            "method": request.method, "path": path, "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip, "userAgent": headers.get("user-agent", ""),
        },
        "requestId": uuid.uuid4().hex[:16], "routeKey": route_key, "stage": stage,
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }  # fmt: skip
    event: dict[str, Any] = {
        "version": "2.0", "routeKey": route_key, "rawPath": path,
        "rawQueryString": request.query, "headers": headers, "requestContext": context,
        "isBase64Encoded": False,
    }  # fmt: skip
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    if cookies:
        event["cookies"] = [part.strip() for part in cookies.split(";")]
    pairs: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        pairs[name] = f"{pairs[name]},{value}" if name in pairs else value
    if pairs:
        event["queryStringParameters"] = pairs
    if parameters:
        event["pathParameters"] = dict(parameters)
    if request.body:
        event |= _body(request.body, headers.get("content-type", ""))
    return event


def _body(body: bytes, content_type: str) -> dict[str, Any]:
    if is_text(content_type):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def response_of(result: Any) -> Response:
    """What a handler gave back, as HTTP; 500 where API Gateway cannot read it."""
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else json.dumps(result, separators=(",", ":"))
        return Response(200, body.encode(), (("content-type", "application/json"),))
    try:
        return _declared(result)
    except (TypeError, ValueError, AttributeError):
        return said(500, "Internal Server Error")


def _declared(result: Mapping[str, Any]) -> Response:
    status = int(result["statusCode"])
    if not 100 <= status <= 599:
        raise ValueError("no HTTP status")
    raw = result.get("body", "")
    if not isinstance(raw, str | type(None)):
        raise TypeError("a body must be text")
    body = base64.b64decode(raw or "") if result.get("isBase64Encoded") else (raw or "").encode()
    headers = [(name.lower(), _plain(value))
               for name, value in (result.get("headers") or {}).items()]  # fmt: skip
    if body and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or ()]
    return Response(status, body, tuple(headers))


def _plain(value: Any) -> str:
    if isinstance(value, dict | list):
        raise TypeError("a header must be text")
    return str(value).lower() if isinstance(value, bool) else str(value)
