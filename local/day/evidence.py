"""What is known after a day, as plain data: what the simulator saw, and what we had answered.

The checks read nothing else, so that a test may doctor it and see them report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

REF = re.compile(r"\bref ([a-z0-9-]+)")  # how a text names its row


@dataclass(slots=True)
class Letter:
    """A campaign call as it left us: when, with which rows, and whether its answer came and its
    process (`lane`) lived to write it down."""

    left: datetime
    refs: tuple[str, ...]
    lane: str
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A proactive text that reached a handset, from the simulator's own log."""

    at: datetime
    phone: str
    sender: str
    body: str
    campaign: str


@dataclass(slots=True)
class Row:
    """One recipient asked for. `verdict` is what the associate was answered, `final` how the row
    stood in the end; `ref` stands in the text itself."""

    ref: str
    key: str
    login: str
    banner: str
    sender: str
    store_zone: str
    store_state: str
    country: str
    phone: str
    template: str
    answered_at: datetime
    verdict: str
    reason: str = ""
    until: datetime | None = None
    final: str = ""
    final_reason: str = ""


@dataclass(slots=True)
class Person:
    """A customer's own doing: banner -> class agreed to before the day, opted out when (as soon
    as our side had acknowledged it), where they said they live."""

    consents: dict[str, str] = field(default_factory=dict)
    zone: str | None = None
    postal_code: str | None = None
    out_at: datetime | None = None
    asked_out_at: datetime | None = None
    must_be_heard: bool = True  # False: only the carrier heard it


@dataclass(slots=True)
class Evidence:
    """All of it. `letters` campaign -> the call; `created` campaign -> when the vendor took it;
    `taken` reference -> campaigns in which the vendor took it;
    `closed` phone -> ends of conversations; `bot` (conversation, message) -> our answers;
    `answers` Idempotency-Key -> our answers; `stuck` keys of work that still waits for nothing."""

    texts: list[Text] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    created: dict[str, datetime] = field(default_factory=dict)
    taken: dict[str, list[str]] = field(default_factory=dict)
    closed: dict[str, list[datetime]] = field(default_factory=dict)
    bot: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    answers: dict[str, list[str]] = field(default_factory=dict)
    stuck: list[str] = field(default_factory=list)
    lease_hours: float = 72
    per_day: int = 100
    window: tuple[str, str] = ("11:00", "20:00")
