"""The one world behind api.twilio.com and messaging.twilio.com: state, clock, agenda, logs, chance.

Requests are handled under `lock`; webhooks are sent outside it, because whoever answers one may
call us back meanwhile.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

import httpx

from ..faults import Faults
from ..serving import Request
from .market import Market
from .options import Options
from .records import Alert, HandsetText, Refusal, Refused, Sent
from .state import Account, Handset, Message, OwnedNumber, Service, Verdict

if TYPE_CHECKING:
    from .webhooks import Hook


class Clock(Protocol):
    """Injected time: aware UTC."""

    def now(self) -> datetime: ...


class World:
    """State and services shared by the rooms of the simulator."""

    def __init__(self, clock: Clock, *, options: Options, seed: int, faults: Faults | None) -> None:
        self.clock = clock
        self.options = options
        self.random = random.Random(seed)
        self.faults = faults or Faults(seed=seed)
        self.lock = threading.RLock()
        self.base_url = ""
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, OwnedNumber] = {}  # by PN sid
        self.services: dict[str, Service] = {}
        self.market = Market(per_area_code=options.stock_per_area_code)
        self.messages: dict[str, Message] = {}
        self.phones: dict[str, Handset] = {}
        self.verdicts: list[Verdict] = []
        self.handsets: list[HandsetText] = []
        self.refusals: list[Refusal] = []
        self.alerts: list[Alert] = []
        self.sent: list[Sent] = []
        self.outbox: list[Hook] = []
        self.late_s = 0.0  # how long after the event status callbacks leave
        self.leads: dict[str, str] = {}
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._moment: datetime | None = None
        self._order = itertools.count()
        self._http = httpx.Client(trust_env=False, verify=False)  # loopback, no TLS

    # -- time and chance
    def now(self) -> datetime:
        """The clock's time; while work of the agenda is done, the instant it was due."""
        return self._moment or self.clock.now()

    def next_order(self) -> int:
        return next(self._order)

    def sid(self, prefix: str) -> str:
        """Two letters and 32 hexadecimal digits, seeded."""
        return f"{prefix}{self.random.getrandbits(128):032x}"

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self.at(self.now() + timedelta(seconds=seconds), what)

    def at(self, due: datetime, what: Callable[[], None]) -> None:
        """Put work on the agenda; it is done when the clock has reached `due`."""
        with self.lock:
            heapq.heappush(self._agenda, (due, self.next_order(), what))

    def do_next(self) -> bool:
        """Do the next piece of work that is due, as of its own instant. False: nothing is due."""
        with self.lock:
            if not self._agenda or self._agenda[0][0] > self.clock.now():
                return False
            self._moment, _, work = heapq.heappop(self._agenda)
            try:
                work()
            finally:
                self._moment = None
            return True

    def next_due_at(self) -> datetime | None:
        """When the next piece of work is due; None when nothing waits."""
        with self.lock:
            return self._agenda[0][0] if self._agenda else None

    # -- who and what
    def owned(self, number: str) -> OwnedNumber | None:
        return next((one for one in self.numbers.values() if one.number == number), None)

    def phone(self, number: str) -> Handset:
        """The handset with this number; an ordinary one if never seen."""
        return self.phones.setdefault(number, Handset(number))

    # -- logs
    def refuse(self, request: Request, refused: Refused) -> None:
        self.refusals.append(Refusal(self.now(), request.method, request.path, refused.status,
                                     refused.code, refused.message))  # fmt: skip

    def alert(self, code: int, url: str, reason: str) -> None:
        with self.lock:
            self.alerts.append(Alert(self.now(), code, url, reason))

    # -- calls we make
    def go_through(self, transport: httpx.BaseTransport) -> None:
        """From now on make calls through this, instead of over loopback."""
        self._http.close()
        self._http = httpx.Client(transport=transport)

    def call(
        self, kind: str, method: str, url: str, fields: dict[str, str], headers: dict[str, str],
        *, connect_s: float, read_s: float,
    ) -> tuple[int, str, str, str]:  # fmt: skip
        """One request to our side: (status, content type, body, failure), recorded in `sent`.

        Status 0 = no answer; `failure` is then ct (no connection) or rt (no answer in time).
        """
        began, failure = time.monotonic(), ""
        timeout = httpx.Timeout(read_s, connect=connect_s)
        try:
            got = self._http.request(
                method, self._led(url), timeout=timeout, headers=headers,
                content=urlencode(fields).encode() if method == "POST" else None,
            )  # fmt: skip
            status, kind_of, body = got.status_code, got.headers.get("content-type", ""), got.text
        except (httpx.ConnectError, httpx.ConnectTimeout):
            status, kind_of, body, failure = 0, "", "", "ct"
        except httpx.HTTPError:
            status, kind_of, body, failure = 0, "", "", "rt"
        with self.lock:
            self.sent.append(Sent(self.now(), kind, method, url, fields,
                                  headers["x-twilio-signature"], status, body,
                                  time.monotonic() - began))  # fmt: skip
        return status, kind_of, body, failure

    def _led(self, url: str) -> str:
        """Where a public address leads to on this machine; the fragment is not sent."""
        url = url.partition("#")[0]
        for public, local in self.leads.items():
            if url.startswith(public):
                return local + url[len(public) :]
        return url

    def close(self) -> None:
        self._http.close()
