"""What the simulator knows: accounts, numbers, services, messages, handsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})


@dataclass(slots=True)
class Account:
    """One set of credentials. `test` = test credentials: magic numbers only, nothing is sent."""

    sid: str
    auth_token: str
    api_keys: dict[str, str] = field(default_factory=dict)
    suspended: bool = False
    test: bool = False


class Held(Protocol):
    """What belongs to one account."""

    @property
    def account(self) -> str: ...


@dataclass(slots=True)
class OwnedNumber:
    """A number of ours, as IncomingPhoneNumbers knows it. Blank URL = none."""

    sid: str
    account: str
    number: str
    friendly_name: str
    created: datetime
    updated: datetime
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    settings: dict[str, str] = field(default_factory=dict)  # fields kept and not acted on
    service: str = ""
    sms_capable: bool = True
    segments_per_s: float | None = None  # None = the option
    free_at: datetime | None = None  # when its queue will be empty


@dataclass(slots=True)
class Service:
    """A messaging service. `pool` holds PN sids in order of joining."""

    sid: str
    account: str
    friendly_name: str
    created: datetime
    updated: datetime
    inbound_request_url: str = ""
    inbound_method: str = "POST"
    fallback_url: str = ""
    status_callback: str = ""
    use_inbound_webhook_on_number: bool = True
    sticky_sender: bool = True
    area_code_geomatch: bool = True
    validity_period: int = 36000
    advanced_opt_out: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    pool: list[str] = field(default_factory=list)
    sticky: dict[str, str] = field(default_factory=dict)  # To -> From


@dataclass(frozen=True, slots=True)
class Media:
    """A picture in a text a customer sent."""

    sid: str
    content_type: str
    data: bytes


@dataclass(slots=True)
class Message:
    """One text, in or out. `history` holds every status with its instant, the first one too."""

    sid: str
    account: str
    direction: str
    sender: str  # "" until a service has picked one
    to: str
    body: str
    created: datetime
    order: int
    status: str
    segments: int
    service: str = ""
    media: list[Media] = field(default_factory=list)
    media_urls: tuple[str, ...] = ()
    status_callback: str = ""
    validity_s: int = 36000
    send_at: datetime | None = None
    sent: datetime | None = None
    updated: datetime | None = None
    error: int | None = None
    priced: bool = False
    deleted: bool = False
    redacted: bool = False
    history: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def deadline(self) -> datetime:
        """When it may no longer leave the queue."""
        return (self.send_at or self.created) + timedelta(seconds=self.validity_s)

    @property
    def statuses(self) -> list[str]:
        return [status for status, _ in self.history]


@dataclass(slots=True)
class Handset:
    """A customer's phone. What it is decides how a text to it ends."""

    number: str
    landline: bool = False
    unknown: bool = False  # dead or never given out
    off: bool = False
    receipts: bool = True  # False: its carrier sends none, texts stay `sent`
    city: str = ""
    region: str = ""
    postal_code: str = ""
    blocked: set[str] = field(default_factory=set)  # numbers and services it said STOP to


@dataclass(slots=True)
class Verdict:
    """How the next texts that match will end. `reached`: on the handset all the same."""

    code: int
    to: str = ""
    sender: str = ""
    times: int | None = 1
    reached: bool = False
    share: float = 1.0
