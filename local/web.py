"""The template's HTTP API on loopback: its routes, its authorizers, its limits."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from .authorizer import Authorizer, RefusedError
from .functions import Clock, Function, FunctionFailedError
from .http_event import (
    GATEWAY_LIMIT,
    LAMBDA_LIMIT,
    Request,
    Response,
    event_of,
    response_of,
    said,
)
from .rendering import Rendered

_TIME_LIMIT_S = 30
_TARGET = re.compile(r"/functions/(?P<arn>arn:[^/]+)/invocations$")


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the API. `segments` of its path, `{name}` and `{name+}` as written."""

    method: str
    path: str
    function: str
    authorizer: str | None
    scopes: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.path if self.path == "$default" else f"{self.method} {self.path}"

    def rank(self) -> tuple[int, ...]:
        """The most specific route is asked first: fixed words, then {name}, then {name+}."""
        return tuple(2 if one.endswith("+}") else 1 if one.startswith("{") else 0
                     for one in _segments(self.path))  # fmt: skip

    def match(self, method: str, raw_path: str) -> dict[str, str] | None:
        """Path parameters if the request is for this route, else None."""
        if self.path == "$default":
            return {}
        if self.method not in ("ANY", method):
            return None
        wanted, given = _segments(self.path), _segments(raw_path)
        found: dict[str, str] = {}
        for index, one in enumerate(wanted):
            if one.endswith("+}") and len(given) > index:
                found[one[1:-2]] = unquote("/".join(given[index:]))
                return found
            if index >= len(given):
                return None
            if one.startswith("{") and given[index]:
                found[one[1:-1]] = unquote(given[index])
            elif one != unquote(given[index]):
                return None
        return found if len(wanted) == len(given) else None


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").split("/")


def routes_of(rendered: Rendered, api: Mapping[str, Any]) -> list[Route]:
    """The routes written in an API's OpenAPI body, in the order they are to be asked."""
    found = []
    for path, methods in api["Body"].get("paths", {}).items():
        for method, operation in methods.items():
            target = _TARGET.search(operation["x-amazon-apigateway-integration"]["uri"])
            assert target is not None, f"{path} leads to no function"
            security = next((dict(one) for one in operation.get("security", []) if one), {})
            authorizer, scopes = next(iter(security.items()), (None, ()))
            name = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            found.append(Route(name, path, rendered.named(target["arn"]), authorizer,
                               tuple(scopes)))  # fmt: skip
    return sorted(found, key=lambda one: (one.path == "$default", one.method == "ANY", one.rank()))


class Api:
    """One HTTP API: takes a request, gives a response."""

    def __init__(
        self, rendered: Rendered, logical_id: str, *, functions: Mapping[str, Function],
        clock: Clock,
    ) -> None:  # fmt: skip
        body = rendered.of("AWS::ApiGatewayV2::Api")[logical_id]
        self.id = rendered.reference(logical_id)
        self.routes = routes_of(rendered, body)
        self._functions, self._clock = functions, clock
        stages = rendered.of("AWS::ApiGatewayV2::Stage").values()
        self._stage = next((one["StageName"] for one in stages), "$default")
        schemes = body["Body"].get("components", {}).get("securitySchemes", {})
        self._authorizers = {
            name: Authorizer(one["x-amazon-apigateway-authorizer"], now=clock.now)
            for name, one in schemes.items()
        }

    def answer(self, request: Request) -> Response:
        """Route, authorize, call, map."""
        for route in self.routes:
            parameters = route.match(request.method, request.raw_path)
            if parameters is not None:
                break
        else:
            return said(404, "Not Found")
        authorizer: dict[str, Any] | None = None
        if route.authorizer is not None:
            try:
                authorizer = self._authorizers[route.authorizer].admit(
                    request.joined_headers(), scopes=route.scopes
                )
            except RefusedError as error:
                return said(error.status, error.message, ("www-authenticate", "Bearer"))
        if len(request.body) > LAMBDA_LIMIT:
            return said(413, "Request Entity Too Large")
        event = event_of(
            request, route_key=route.key, api_id=self.id, parameters=parameters,
            stage=self._stage, now=self._clock.now(), authorizer=authorizer,
        )  # fmt: skip
        return self._call(self._functions[route.function], event)

    def _call(self, function: Function, event: dict[str, Any]) -> Response:
        began = self._clock.now()
        try:
            response = response_of(function(event))
        except FunctionFailedError:
            response = said(500, "Internal Server Error")
        if (self._clock.now() - began).total_seconds() > _TIME_LIMIT_S:
            return said(503, "Service Unavailable")
        if len(response.body) > LAMBDA_LIMIT:
            return said(500, "Internal Server Error")
        return response


class Server(ThreadingHTTPServer):
    """Serves `answer` on 127.0.0.1, on a free port."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
        self._thread.join(timeout=5)


class _Connection(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 10  # an idle connection is let go, so that threads end

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > GATEWAY_LIMIT:
            self.close_connection = True
            response = said(413, "Request Entity Too Large")
        else:
            request = Request(self.command, self.path, list(self.headers.items()),
                              self.rfile.read(length), self.client_address[0])  # fmt: skip
            response = self.server.answer(request)
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the functions log."""


for _method in ("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"):
    setattr(_Connection, f"do_{_method}", _Connection._serve)
