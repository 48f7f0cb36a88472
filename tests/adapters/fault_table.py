"""What may become of any call to a vendor over HTTP, and which error each is. Both clients' tables
begin with these rows; what differs between the vendors stands in their own tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from tests.adapters.vendor_rig import Cut

from instore.errors import (
    VendorError,
    VendorGarbageError,
    VendorNotReachedError,
    VendorUnavailableError,
)

# fault -> what the vendor does to a rig, error, requests made, processed
Fault = tuple[Callable[[Any], Any], type[VendorError], int, bool | None]


def slowly(rig: Any) -> httpx.Response:
    """Byte after byte, each within the read time-out: 40 seconds in all."""
    tick = lambda: setattr(rig, "ticks", rig.ticks + 0.4)  # noqa: E731 - one expression
    return httpx.Response(200, stream=Cut(*[b" "] * 100, between=tick))


def cut_short(status: int) -> httpx.Response:
    """The connection is reset in the middle of the body."""
    return httpx.Response(status, stream=Cut(b"{", error=httpx.ReadError("reset")))


ANY_CALL: dict[str, Fault] = {
    "connection refused":
        (lambda _: httpx.ConnectError("refused"), VendorNotReachedError, 1, False),
    "connect time-out":
        (lambda _: httpx.ConnectTimeout("slow"), VendorNotReachedError, 1, False),
    "no free connection":
        (lambda _: httpx.PoolTimeout("full"), VendorNotReachedError, 1, False),
    "read time-out":
        (lambda _: httpx.ReadTimeout("slow"), VendorUnavailableError, 1, None),
    "write time-out":
        (lambda _: httpx.WriteTimeout("slow"), VendorUnavailableError, 1, None),
    "reset while sending":
        (lambda _: httpx.WriteError("reset"), VendorUnavailableError, 1, None),
    "reset before the answer":
        (lambda _: httpx.ReadError("reset"), VendorUnavailableError, 1, None),
    "broken protocol":
        (lambda _: httpx.RemoteProtocolError("no http"), VendorUnavailableError, 1, None),
    "reset mid-body": (lambda _: cut_short(200), VendorUnavailableError, 1, None),
    "an answer that never ends": (slowly, VendorUnavailableError, 1, None),
    "408": (lambda _: httpx.Response(408), VendorUnavailableError, 1, None),
    "500": (lambda _: httpx.Response(500, text="oops"), VendorUnavailableError, 1, None),
    "503": (lambda _: httpx.Response(503), VendorUnavailableError, 1, None),
    "redirect":
        (lambda _: httpx.Response(307, headers={"location": "https://elsewhere.test/"}),
         VendorGarbageError, 1, None),
    "found elsewhere":
        (lambda _: httpx.Response(302, headers={"location": "https://elsewhere.test/"}),
         VendorGarbageError, 1, None),
}  # fmt: skip


def refusals(error: type[VendorError]) -> dict[str, Fault]:
    """A refusal counts by its status, whatever comes of its body."""
    return {
        "400": (lambda _: httpx.Response(400), error, 1, False),
        "400, reset mid-body": (lambda _: cut_short(400), error, 1, False),
    }


# Answers with 2xx that say nothing.
GARBAGE: dict[str, Callable[[], httpx.Response]] = {
    "HTML": lambda: httpx.Response(200, html="<html>busy</html>"),
    "another shape": lambda: httpx.Response(200, json={"surprise": True}),
    "truncated": lambda: httpx.Response(200, text='{"agentViewRecords": [{"sid": "SM'),
    "nothing": lambda: httpx.Response(204),
    "not text": lambda: httpx.Response(200, content=b"\xff\xfe"),
    "deeper than deep": lambda: httpx.Response(200, text="[" * 200_000),
    "cannot be decoded": lambda: httpx.Response(
        200, headers={"content-encoding": "gzip"}, stream=Cut(b"no gzip")
    ),
}


def oversize(megabytes: int) -> httpx.Response:
    """An answer of more than so many megabytes."""
    return httpx.Response(200, stream=Cut(*[b" " * 500_000] * (2 * megabytes + 1)))
