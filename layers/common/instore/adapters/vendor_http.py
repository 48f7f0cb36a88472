"""The one place where vendors are called over HTTP and their failures become our errors.

httpx is imported at the first call, so that a function which never calls a vendor does not pay
for it. No redirect is followed, no proxy is taken from the environment, every answer has a
largest size and every call an end. Nothing is retried here.

| what happened | error | sent? |
|---|---|---|
| no connection (refused, time-out, TLS handshake), an address that is none | VendorNotReachedError | no |
| read or write time-out, reset, broken protocol, 408, 5xx | VendorUnavailableError | unknown |
| 401, 403 | VendorNotAuthorizedError | refused |
| 429 | VendorThrottledError with `retry_after` | refused |
| other 4xx | VendorError | refused |
| 3xx, too large, not JSON, fails its schema | VendorGarbageError | unknown |
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode

from ..errors import (
    BadInputError,
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)

if TYPE_CHECKING:
    import httpx

ONE_MB = 1_000_000
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take, in seconds, and how large its answer may be, in bytes.

    `connect` is spent at most twice (TCP, then TLS); what is left of `total` goes to waiting for
    the answer. `fresh` opens a new connection: for a call that must not be lost on one that
    went stale while the process was frozen.
    """

    total: float
    connect: float = 0.5
    largest: int = ONE_MB
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One call, complete: the url includes the query, the body is what goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What came back, read whole; header names in lower case. Never printed: it holds numbers."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises VendorGarbageError for anything else, NaN included."""
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise VendorGarbageError(
                "the vendor's answer is not JSON", vendor_status=self.status
            ) from error

    def must_be_good(self) -> Reply:
        """Itself if 2xx or 304 (unchanged), else the error that the status stands for."""
        status = self.status
        if 200 <= status < 300 or status == 304:
            return self
        if status == 429:
            wait = _seconds(self.headers.get("retry-after"))
            raise VendorThrottledError(
                "the vendor asks us to slow down", vendor_status=status, retry_after=wait
            )
        if status in (401, 403):
            raise VendorNotAuthorizedError(
                "the vendor does not accept our credentials", vendor_status=status
            )
        if status >= 500 or status == 408:
            raise VendorUnavailableError("the vendor failed", vendor_status=status)
        if status >= 400:
            raise VendorError("the vendor refused the request", vendor_status=status)
        raise VendorGarbageError("the vendor sent us elsewhere", vendor_status=status)


class VendorHttp:
    """Connections to vendors, made at the first call and kept for the life of the process."""

    def __init__(
        self, *, transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.monotonic = monotonic
        self._transport = transport
        self._clients: dict[bool, httpx.Client] = {}
        self._making = Lock()  # texts go side by side: a client made twice is one lost open

    def send(self, request: Request, *, limits: Limits, until: float | None = None) -> Reply:
        """One request, one answer of any status. `until` (monotonic) may end it before its limits.

        Raises VendorNotReachedError, VendorUnavailableError or VendorGarbageError.
        """
        import httpx

        end = self.monotonic() + limits.total
        end = end if until is None else min(end, until)
        left = end - self.monotonic()
        if left <= 0:
            raise VendorNotReachedError("no time left to call the vendor")
        connect = min(limits.connect, left / 2)
        wait = max(limits.total - 2 * limits.connect, limits.total / 4)
        timeout = httpx.Timeout(min(wait, left), connect=connect, pool=connect)
        client = self._client(fresh=limits.fresh)
        try:
            outgoing = client.build_request(
                request.method, request.url, headers=dict(request.headers),
                content=request.body or None, timeout=timeout,
            )  # fmt: skip
            if (outgoing.url.port or 0) > HIGHEST_PORT:
                raise ValueError("no such port")
        except (httpx.InvalidURL, ValueError) as error:
            raise VendorNotReachedError("the vendor's address is none") from error
        try:
            answer = client.send(outgoing, stream=True)
            try:
                return self._read(answer, end=end, largest=limits.largest)
            finally:
                answer.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise VendorNotReachedError("the vendor could not be reached") from error
        except httpx.DecodingError as error:
            raise VendorGarbageError("the vendor's answer cannot be decoded") from error
        except (httpx.RequestError, UnicodeError) as error:  # the latter: a name no DNS can have
            raise VendorUnavailableError("the vendor did not answer") from error

    def close(self) -> None:
        """Let go of the connections; the next call makes new ones. A Lambda process never does."""
        while self._clients:
            self._clients.popitem()[1].close()

    def _read(self, answer: httpx.Response, *, end: float, largest: int) -> Reply:
        """The whole answer. Of one that is no success the status alone decides, whatever becomes
        of its body."""
        import httpx

        body = bytearray()
        try:
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > largest:
                    raise VendorGarbageError("the vendor's answer is too large")
                if self.monotonic() > end:
                    raise VendorUnavailableError("the vendor's answer takes too long")
        except (httpx.RequestError, VendorError):
            if answer.is_success:
                raise
            body.clear()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, bytes(body))

    def _client(self, *, fresh: bool) -> httpx.Client:
        with self._making:
            if fresh not in self._clients:
                self._clients[fresh] = self._made(fresh=fresh)
            return self._clients[fresh]

    def _made(self, *, fresh: bool) -> httpx.Client:
        import httpx

        # Both tell every address at INFO, and addresses hold keywords and member ids.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        # Settings from the environment (proxies) are not ours to obey: the deployer names a
        # gateway in the template if there is one.
        return httpx.Client(
            transport=self._transport, follow_redirects=False, trust_env=False,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=0 if fresh else 10),
        )  # fmt: skip


def with_query(url: str, query: Mapping[str, str]) -> str:
    """The url with its query, escaped once and for all: what is signed is what is sent."""
    return f"{url}?{urlencode(query, quote_via=quote)}" if query else url


def segment(text: str) -> str:
    """One segment of a path. Nothing in it can leave its place. Raises BadInputError."""
    if text in ("", ".", "..") or len(text) > 255:
        raise BadInputError("not usable in a web address", code="invalid_id")
    return quote(text, safe="")


def compact(value: Any) -> bytes:
    """A JSON body."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; the date form is not used by LivePerson and counts as not told."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
