"""The one world behind all simulated hosts: state, limits, logs, calls to bots and webhooks."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from ..serving import Request
from ..simulator import Clock, CommonWorld
from .options import Options
from .records import HandsetText, Refusal, Refused, Sent
from .state import Account, Campaign, Conversation, Phone, User, Webhook
from .zones import zone_of


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a call we made. Status 0 = none (time-out, refused, cut off)."""

    status: int
    body: bytes
    seconds: float


def _nobody(conversation: Conversation) -> None:
    raise RuntimeError(f"no bot caller for {conversation.id}")


class World(CommonWorld[HandsetText]):
    """State and services shared by the rooms of the simulator."""

    def __init__(self, clock: Clock, *, options: Options, seed: int) -> None:
        super().__init__(clock, seed=seed)
        self.options = options
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, tuple[str, str]] = {}
        self.rollovers: dict[tuple[str, str], tuple[str, str]] = {}
        self.phones: dict[str, Phone] = {}
        self.conversations: dict[str, Conversation] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.dropped: list[tuple[str, HandsetText]] = []
        self.filtered: dict[str, float] = {}  # number -> share of its campaign texts
        self.misroutes: list[tuple[str, str, str]] = []
        self.escalations: list[tuple[str, str]] = []
        self.refusals: list[Refusal] = []
        self.sent: list[Sent] = []
        self.outbox: list[tuple[Webhook, dict[str, Any], bytes]] = []
        self.nonces: set[tuple[str, str]] = set()
        self.meters: dict[str, list[datetime]] = {}
        self._ids = itertools.count(1)
        self.wake_bot: Callable[[Conversation], None] = _nobody

    # -- time and chance
    def now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def number_id(self) -> str:
        """Ten digits, as LivePerson's user, skill and group ids."""
        return str(2434600000 + 137 * next(self._ids))

    # -- who and what
    def account(self, account_id: str) -> Account:
        found = self.accounts.get(account_id)
        if found is None:
            raise Refused(404, f"unknown account {account_id}")
        return found

    def user(self, account_id: str, user_id: str) -> User:
        return self.accounts[account_id].users[user_id]

    def phone(self, number: str) -> Phone:
        """The handset with this number; made up with a zone from its area code if never seen."""
        return self.phones.setdefault(number, Phone(number, zone_of(number)))

    def open_sms(self, number: str) -> Conversation | None:
        """The one open SMS thread of a phone, whatever account it is in."""
        return next(
            (c for c in self.conversations.values()
             if c.is_open and c.channel == "SMS" and c.phone == number), None
        )  # fmt: skip

    # -- limits, logs
    def meter(self, name: str, *, limit: int, seconds: float = 1.0) -> bool:
        """Count one use; False when there were already `limit` within the last `seconds`."""
        now = self.now()
        recent = [t for t in self.meters.get(name, []) if now - t < timedelta(seconds=seconds)]
        allowed = len(recent) < limit
        self.meters[name] = [*recent, now] if allowed else recent
        return allowed

    def refuse(self, request: Request, account: str, refused: Refused) -> None:
        self.refusals.append(Refusal(self.now(), request.method, request.path, account,
                                     refused.status, refused.reason))  # fmt: skip

    def filters(self, number: str) -> bool:
        """Does the carrier filter the next campaign text of this number. Seeded."""
        return number in self.filtered and self.random.random() < self.filtered[number]

    def to_handset(self, text: HandsetText) -> bool:
        """Hand a text to the carrier. False (and kept in `dropped`) when the handset opted out."""
        phone = self.phone(text.phone)
        reason = ""
        if text.sender in phone.opted_out and text.kind != "carrier":
            reason = "twilio_21610"
        elif phone.landline:
            reason = "outbound_twilio_21614"
        if reason:
            self.dropped.append((reason, text))
            return False
        self.handsets.append(text)
        return True

    # -- calls we make
    def call(
        self, kind: str, method: str, url: str, *, body: Any, raw: bytes,
        headers: dict[str, str], timeout: float,
    ) -> Reply:  # fmt: skip
        """One HTTP request to our own side, recorded in `sent`. Never raises for a bad answer."""
        began = time.monotonic()
        try:
            got = self._http.request(method, url, content=raw, headers=headers, timeout=timeout)
            status, answer = got.status_code, got.content
        except httpx.HTTPError:
            status, answer = 0, b""
        seconds = time.monotonic() - began
        try:
            shown: Any = got.json() if status else None
        except ValueError:
            shown = answer.decode(errors="replace")
        with self.lock:
            self.sent.append(Sent(self.now(), kind, method, url, body, status, shown, seconds))
        return Reply(status, answer, seconds)
