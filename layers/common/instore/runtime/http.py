"""HTTP at the edge of Lambda: API Gateway's payload 2.0 in, answers and errors out.

Own code and not Powertools' resolver: four routes need no router, and importing it costs 30 ms of
every cold start (54 against 24 ms beside the logger, two cores). Errors become answers in one
place, `guard`.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import BadInputError, InstoreError, TooLargeError
from ..model import mended
from .observability import note_failure, note_refusal

MAX_BODY_KB = 256
Event = dict[str, Any]
Response = dict[str, Any]
Handler = Callable[[Event, Any], Response]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `body` is raw: signatures are verified over these bytes, not over JSON.

    `route` is API Gateway's routeKey (`GET /v1/bots/{bot}/environments`), `headers` have
    lower-case names, `claims` are those of a token that API Gateway has verified.
    """

    route: str
    path: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str]
    body: bytes = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    def header(self, name: str) -> str | None:
        """A header, whatever the case of its name."""
        return self.headers.get(name.lower())

    def json(self, *, mend: bool = False) -> dict[str, Any]:
        """The body as a JSON object. Raises BadInputError that says what is wrong.

        `mend`: broken characters become U+FFFD. For what a customer typed and somebody else cut:
        a STOP beside half an emoji is a STOP.
        """
        return read_json(self.body, mend=mend)


def read_request(event: Event) -> Request:
    """Take a request out of API Gateway's event (HTTP API, payload format 2.0).

    Raises TooLargeError beyond 256 KB, BadInputError for a body that is not what it says.
    """
    context = event.get("requestContext") or {}
    authorizer = context.get("authorizer") or {}
    return Request(
        route=event.get("routeKey", ""),
        path=event.get("pathParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        query=event.get("queryStringParameters") or {},
        body=body_of(event, most_kb=MAX_BODY_KB),
        claims=(authorizer.get("jwt") or {}).get("claims") or {},
    )


def query_of(event: Mapping[str, Any], *, known: Sequence[str] = ()) -> dict[str, str]:
    """The query's parameters. Raises BadInputError `unknown_parameter` for any that is not `known`:
    a filter misspelt must not give everything. Its name, which is the caller's, is not repeated."""
    query = {name: str(value) for name, value in (event.get("queryStringParameters") or {}).items()}
    if query.keys() - set(known):
        raise BadInputError(
            f"a query parameter is unknown; known: {', '.join(known) or 'none'}",
            code="unknown_parameter",
        )
    return query


def body_of(event: Mapping[str, Any], *, most_kb: int) -> bytes:
    """The body's bytes as they were sent. Raises TooLargeError beyond so many KB, BadInputError
    `bad_body` for one that is not base64 as it says."""
    text, most = event.get("body") or "", most_kb * 1024
    too_large = TooLargeError(f"the body is larger than {most_kb} KB")
    if len(text) > most * 4 // 3 + 4:
        raise too_large
    try:
        encoded = event.get("isBase64Encoded")
        body = (base64.b64decode(text, validate=True) if encoded
                else text.encode("utf-8", "surrogatepass"))  # fmt: skip
    except ValueError as error:
        raise BadInputError("the body is not base64", code="bad_body") from error
    if len(body) > most:
        raise too_large
    return body


def read_json(body: bytes, *, mend: bool = False) -> dict[str, Any]:
    """A JSON object out of bytes, or BadInputError. Refuses NaN, nesting that no honest caller
    needs and, unless they are to be mended, bytes that are not UTF-8 and lone surrogates: none of
    them could be stored or answered."""
    try:
        text = body.decode("utf-8", "replace" if mend else "strict")
        value = json.loads(text, parse_constant=_refuse)
        if b"\\u" in body:
            plain = json.dumps(value, ensure_ascii=False)
            if mend:
                value = json.loads(mended(plain))
            else:
                plain.encode("utf-8")
    except UnicodeError as error:
        raise BadInputError("the body is not UTF-8 text", code="malformed_json") from error
    except (ValueError, RecursionError) as error:
        raise BadInputError("the body is not JSON", code="malformed_json") from error
    if not isinstance(value, dict):
        raise BadInputError("the body is not a JSON object", code="malformed_json")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def respond(status: int, body: Any) -> Response:
    """An answer in API Gateway's form. `body`: text that is JSON already, or anything JSON can."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": text}


def refuse(error: InstoreError) -> Response:
    """A deliberate error as an answer: its status, a code and a sentence."""
    return respond(error.status, {"code": error.public_code, "message": error.message})


def guard(handler: Handler) -> Handler:
    """Turn errors into answers. What we did not foresee is logged once and answered with 503: the
    caller may repeat it, and never sees a stack trace."""

    @functools.wraps(handler)
    def guarded(event: Event, context: Any) -> Response:
        try:
            return handler(event, context)
        except InstoreError as error:
            note_refusal(error)
            return refuse(error)
        except Exception as error:  # noqa: BLE001 - the one place where the unforeseen becomes an answer
            note_failure(error)
            return respond(503, {"code": "unavailable", "message": "try again in a moment"})

    return guarded
