"""The day's wires: handlers to the simulator and the simulator to us, without sockets.

Latency passes on the day's clock. A fault does here what it does on a real wire: a time-out is
waited for, a reset is a broken connection, and `processed` says whether the vendor did it.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx

from instore.adapters.liveperson import LivePerson
from instore.runtime.settings import Settings

from ..faults import Fault, Faults, Kind
from ..functions import Function, Killed, StackServices
from ..http_event import Request, Response
from ..serving import Answer
from ..serving import Request as VendorRequest
from .evidence import REF, Letter
from .trouble import Trouble

_GARBAGE = Answer(200, b"<html><body>Bad gateway \xff", {"content-type": "text/html"})
_OTHER_SHAPE = Answer(200, b'{"unexpected": ["shape"]}')


class VendorWire(httpx.BaseTransport):
    """From one function to the simulated platform. Keeps a note of each campaign that left us."""

    def __init__(
        self, function: str, *, handle: Callable[[VendorRequest], Answer], faults: Faults,
        trouble: Trouble, clock: Any, seed: int, letters: dict[str, Letter],
        called: Counter[str],
    ) -> None:  # fmt: skip
        self._function, self._handle, self._faults = function, handle, faults
        self._trouble, self._clock, self._letters, self._called = trouble, clock, letters, called
        self._random = random.Random(f"{seed} wire {function}")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        target = request.url.raw_path.decode()
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = VendorRequest(request.method, target, headers, body)
        name = f"vendor {request.method} {kind_of(asked.path)}"
        letter = None
        if kind_of(asked.path) == "campaign":
            written = json.loads(body)
            refs = [ref for one in written["consumers"]
                    for value in one.get("variables", {}).values()
                    for ref in REF.findall(value)]  # fmt: skip
            letter = Letter(self._clock.now(), tuple(refs), threading.current_thread().name)
            self._letters[written["campaignName"]] = letter
        self._called[kind_of(asked.path)] += 1
        wait = float(request.extensions.get("timeout", {}).get("read") or 5.0)
        reply: Answer = self._trouble.cross(
            self._function, name, lambda: self._answer(asked, wait=wait)
        )
        if letter is not None and reply.status == 200 and b"proactiveCampaignId" in reply.body:
            letter.answered = True
        return httpx.Response(reply.status, content=reply.body,
                              headers={"content-type": "application/json", **reply.headers})  # fmt: skip

    def _answer(self, asked: VendorRequest, *, wait: float) -> Answer:
        fault = self._faults.take(f"{asked.method} {asked.path}") if self._trouble.on else None
        usual = self._random.uniform(0.2, 1.2) if "/campaign" in asked.path else 0.08
        self._clock.sleep(usual / 2)
        if fault is None:
            reply = self._handle(asked)
            self._clock.sleep(usual / 2)
            return reply
        return self._spoilt(asked, fault, wait=wait)

    def _spoilt(self, asked: VendorRequest, fault: Fault, *, wait: float) -> Answer:
        late = fault.kind is Kind.LATENCY and fault.seconds >= wait
        reply = None
        if fault.processed or (fault.kind is Kind.LATENCY and not late):
            reply = self._handle(asked)
        self._clock.sleep(min(fault.seconds, wait))
        if late:
            raise httpx.ReadTimeout("fault injected")
        if fault.kind is Kind.RESET:
            raise httpx.ReadError("fault injected")
        if fault.kind is Kind.STATUS:
            return Answer(fault.status, b'{"message": "fault injected"}')
        if fault.kind is Kind.LATENCY:
            assert reply is not None
            return reply
        return _GARBAGE if fault.kind is Kind.GARBAGE else _OTHER_SHAPE


def forget_answers(letters: Mapping[str, Letter], *, clock: Any, within: timedelta) -> None:
    """A process of this lane died: answers that it had not written down are lost with it."""
    lane = threading.current_thread().name
    for letter in letters.values():
        if letter.lane == lane and letter.left >= clock.now() - within:
            letter.answered = False


def kind_of(path: str) -> str:
    """What a vendor call is about, in a word or two."""
    for mark, kind in (
        ("/conversations", "campaign status"), ("/campaign", "campaign"),
        ("transactions", "transactions"), ("campaigns/", "campaign report"),
        ("app/token", "token"), ("baseURI", "domain API"), ("agent_view", "agent view"),
        ("jwks", "signing keys"), ("le-users", "people"),
    ):  # fmt: skip
        if mark in path and not (kind == "campaign" and "prmsg" in path):
            return kind
    return "other"


class StackWire(httpx.BaseTransport):
    """From the simulator, or an associate's app, to our HTTP API."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        reply = self._answer(Request(request.method, request.url.raw_path.decode(),
                                     list(request.headers.items()), body))  # fmt: skip
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)


class DayServices(StackServices):
    """Services whose LivePerson is reached over the day's wire and the day's clock."""

    def __init__(self, settings: Settings, *, now: Any, sleep: Any, wire: Any,
                 clients: dict[str, Any]) -> None:  # fmt: skip
        super().__init__(settings, now=now, sleep=sleep)
        self.clients = clients
        made: Any = self  # a cached property of the class, filled before its first use
        if settings.liveperson_domain_api:
            made.liveperson = LivePerson(
                secrets=self.secrets, domain_api=settings.liveperson_domain_api,
                gateway=settings.liveperson_gateway, now=now, sleep=sleep, transport=wire,
                monotonic=lambda: now().timestamp(),
            )  # fmt: skip


def put_boundary(
    function: Function, *, trouble: Trouble, meter: Any, on_kill: Callable[[], None]
) -> None:
    """Count, kill and repeat at this function's AWS calls."""

    def boundary(
        run: Callable[[], Any], *, service: str, operation: str, params: dict[str, Any]
    ) -> Any:
        def metered() -> Any:
            result = meter(run, service=service, operation=operation, params=params)
            if trouble.repeats_send(service, operation):
                run()
            return result

        try:
            return trouble.cross(function.name, f"{service}.{operation}", metered)
        except Killed:
            on_kill()
            raise

    function.boundary = boundary
