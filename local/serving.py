"""A small HTTP/1.1 server for simulators: threads, keep-alive, loopback only, a free port.

`serve(handle)` starts it and returns a Site; `site.close()` ends every connection and thread.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .faults import Fault, Faults, Kind

_BODY_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. Header names are lower case; `path` is unquoted, `target` is not."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Query parameters in order, repeats kept."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def url(self) -> str:
        """The address without the query, as the caller saw it."""
        return f"http://{self.headers.get('host', '')}{urlsplit(self.target).path}"

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. Headers are added to content-type and content-length."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(status: int, value: Any = None, **headers: str) -> Answer:
    """A JSON answer; None = no body. Underscores in header names become dashes."""
    body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
    return Answer(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


Handle = Callable[[Request], Answer]


class Site(ThreadingHTTPServer):
    """A running server. `url` is its address; `crashes` holds what handlers raised."""

    daemon_threads = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self, handle: Handle, *, port: int, faults: Faults | None,
        refusal: Callable[[int], Answer] | None = None,
    ) -> None:  # fmt: skip
        self.handle = handle
        self.refusal = refusal or (lambda status: answer(status, {"message": "fault injected"}))
        self.faults = faults or Faults()
        self.crashes: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Talk)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def opened(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is not worth a traceback on the screen."""

    def close(self) -> None:
        """Stop listening, hang up on everybody, wait for the threads."""
        self.shutdown()
        with self._guard:
            for connection in self._open:
                with _Quiet():
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.server_close()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(
    handle: Handle, *, port: int = 0, faults: Faults | None = None,
    refusal: Callable[[int], Answer] | None = None,
) -> Site:  # fmt: skip
    """Start serving on 127.0.0.1 and return at once. Port 0 = any free one.

    `refusal` words the answer of a STATUS fault as the vendor would.
    """
    return Site(handle, port=port, faults=faults, refusal=refusal)


class _Quiet:
    """Errors of a connection that is gone already are of no interest."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, OSError)


class _Talk(BaseHTTPRequestHandler):
    """One connection: reads requests, meets faults, writes each answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Site

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        with _Quiet():
            super().finish()
        self.server.closed(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing on the screen: simulators keep their own log."""

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > _BODY_LIMIT:
            self._write(answer(413, {"message": "too large"}))
            return
        request = Request(
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        fault = self.server.faults.take(f"{request.method} {request.path}")
        reply = self._answer(request, fault)
        if reply is None:
            self.close_connection = True
            with _Quiet():
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._write(reply)

    def _answer(self, request: Request, fault: Fault | None) -> Answer | None:
        if fault is None or fault.kind is Kind.LATENCY or fault.processed:
            if fault is not None and fault.kind is Kind.LATENCY and not fault.processed:
                time.sleep(fault.seconds)
            try:
                reply = self.server.handle(request)
            except Exception as error:  # noqa: BLE001 - a simulator's bug must not hang the story
                self.server.crashes.append(error)
                reply = answer(500, {"message": f"simulator: {error!r}"})
            if fault is None:
                return reply
            if fault.kind is Kind.LATENCY:
                if fault.processed:
                    time.sleep(fault.seconds)
                return reply
        return self.server.refusal(fault.status) if fault.kind is Kind.STATUS else _spoilt(fault)

    def _write(self, reply: Answer) -> None:
        self.send_response(reply.status)
        headers = {"content-type": "application/json", **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        if reply.status not in (204, 304) and self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Talk, f"do_{_method}", _Talk._serve)


def _spoilt(fault: Fault) -> Answer | None:
    if fault.kind is Kind.GARBAGE:
        return Answer(200, b"<html><body>Bad gateway \xff", {"content-type": "text/html"})
    if fault.kind is Kind.WRONG_SCHEMA:
        return answer(200, {"unexpected": ["shape"]})
    return None
