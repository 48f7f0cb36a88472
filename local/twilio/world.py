"""The one world behind api.twilio.com and messaging.twilio.com: state, logs, calls to our side."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx

from ..faults import Faults
from ..serving import Request
from ..simulator import Clock, CommonWorld
from .market import Market
from .options import Options
from .records import Alert, HandsetText, Refusal, Refused, Sent
from .state import Account, Handset, Message, OwnedNumber, Service, Verdict

if TYPE_CHECKING:
    from .webhooks import Hook


class World(CommonWorld[HandsetText]):
    """State and services shared by the rooms of the simulator."""

    def __init__(self, clock: Clock, *, options: Options, seed: int, faults: Faults | None) -> None:
        super().__init__(clock, seed=seed, faults=faults)
        self.options = options
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, OwnedNumber] = {}  # by PN sid
        self.services: dict[str, Service] = {}
        self.market = Market(per_area_code=options.stock_per_area_code)
        self.messages: dict[str, Message] = {}
        self.phones: dict[str, Handset] = {}
        self.verdicts: list[Verdict] = []
        self.refusals: list[Refusal] = []
        self.alerts: list[Alert] = []
        self.sent: list[Sent] = []
        self.outbox: list[Hook] = []
        self.late_s = 0.0  # how long after the event status callbacks leave
        self.leads: dict[str, str] = {}
        self._moment: datetime | None = None

    # -- time and chance
    def now(self) -> datetime:
        """The clock's time; while work of the agenda is done, the instant it was due."""
        return self._moment or self.clock.now()

    def sid(self, prefix: str) -> str:
        """Two letters and 32 hexadecimal digits, seeded."""
        return f"{prefix}{self.random.getrandbits(128):032x}"

    def do_next(self) -> bool:
        """Do the next piece of work that is due, as of its own instant. False: nothing is due."""
        with self.lock:
            due = self.take_due()
            if due is None:
                return False
            self._moment, work = due
            try:
                work()
            finally:
                self._moment = None
            return True

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
