"""A service request: a customer asks one associate, or a store, for help, and says how to answer.

From the connect widget it is a lead of the store, which one associate claims, or the whole team's
where the retailer works in teams; from an associate's storefront or footer it is that associate's.
A text request carries consent in the words the customer saw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .directory import Pointer
from .model import Email, Phone, epoch

KEPT = timedelta(days=400)  # of a request, with what was answered
# Requests by text that one number may make in a day, over all stores and banners: each is confirmed
# by a text, and who fills in the form may have typed somebody else's number.
MOST_ASKED, ASKED_WITHIN = 5, timedelta(hours=24)
# After submission: has its associate texted the customer meanwhile, from wherever they text?
LOOKS = tuple(timedelta(minutes=n) for n in (10, 30, 60, 120, 240, 480, 960)) + tuple(
    timedelta(days=n) for n in range(1, 35)
)
WORK_ON = timedelta(minutes=1)  # what stopped in between is taken up by the sweep, from then on
ASK_AGAIN = timedelta(minutes=5)  # what became of a reply that is on its way
GIVE_UP = timedelta(days=4)  # of a reply: a text waits for its hours at most three days


class Source(StrEnum):
    """Where the customer asked."""

    WIDGET = "widget"
    STOREFRONT = "storefront"
    FOOTER = "footer"


class By(StrEnum):
    """How the customer wants to be answered."""

    TEXT = "text"
    EMAIL = "email"


class Shelf(StrEnum):
    """Where a request lies until somebody has it: New Leads of a store, or Customer Requests of a
    team; or with one associate from the beginning."""

    LEADS = "new_leads"
    TEAM = "team_requests"
    ASSOCIATE = "my_requests"


class RequestState(StrEnum):
    """open (nobody has it) -> taken -> answered."""

    OPEN = "open"
    TAKEN = "taken"
    ANSWERED = "answered"


class ReplyState(StrEnum):
    """asked -> sent | refused. A deferred text stays `asked` until it goes."""

    ASKED = "asked"
    SENT = "sent"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Agreed:
    """The consent of a text request: the words the customer saw, and where they may be."""

    wording: str
    zone: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """How far a confirmation or a reply is: a state of line_text.py, and why it is there."""

    state: str
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """One request as it is stored. `rev` counts its writes; each is conditional on the one read.

    `account` and `group` name the store it was submitted to, `shelf` where it lies while nobody has
    it, `pointer` who has it, as they were when they got it, `bound` the agent the customer was
    bound to for it. `customer` is the keyed hash of the number, or of the address where no number
    was given; `also` that of an address beside a number. `confirmed`: the confirmation text as first
    known, None = still owed. `replies` are on their way. `noted` and `timed`: its facts are told.
    `waited_long`: nobody had claimed it for too long, and somebody was told.
    """

    id: str
    fingerprint: str
    source: Source
    by: By
    banner: str
    account: str
    group: str
    shelf: Shelf
    customer: str
    created_at: datetime
    also: str = ""
    rev: int = 1
    name: str = field(default="", repr=False)
    phone: Phone | None = None
    email: Email | None = None
    message: str = field(default="", repr=False)
    page: str = field(default="", repr=False)
    language: str | None = None
    pointer: Pointer | None = None
    taken_at: datetime | None = None
    consent: int | None = None
    confirmed: Told | None = None
    bound: str | None = None
    replies: tuple[str, ...] = ()
    replied_at: datetime | None = None
    noted: bool = False
    timed: bool = False
    waited_long: bool = False
    erased: bool = False
    due_at: datetime | None = None

    @property
    def state(self) -> RequestState:
        if self.pointer is None:
            return RequestState.OPEN
        return RequestState.TAKEN if self.replied_at is None else RequestState.ANSWERED

    @property
    def is_texted(self) -> bool:
        """Whether the customer is to be texted, and may be for all that is kept of them."""
        return self.by is By.TEXT and self.phone is not None

    def is_of(self, pointer: Pointer) -> bool:
        """Whether this associate has it, in whatever store they work now."""
        mine = self.pointer
        return mine is not None and (mine.account, mine.agent_id) == (
            pointer.account, pointer.agent_id
        )  # fmt: skip

    def taken(self, pointer: Pointer, *, now: datetime) -> ServiceRequest:
        """Somebody has it now; what follows from that is due."""
        return replace(self, pointer=pointer, taken_at=now, due_at=now + WORK_ON)

    def shelved(self, shelf: Shelf) -> ServiceRequest:
        """Nobody has it any more: it lies where the store's people claim it, and waits anew."""
        return replace(self, pointer=None, taken_at=None, shelf=shelf, waited_long=False)

    def answered_at(self, at: datetime) -> ServiceRequest:
        """The first answer stands: it is stamped once."""
        return self if self.replied_at is not None else replace(self, replied_at=at)

    def without_person(self) -> ServiceRequest:
        """Nothing personal, nothing owed. Which associate had it, and when, is theirs."""
        return replace(self, name="", phone=None, email=None, message="", page="", language=None,
                       replies=(), erased=True, due_at=None)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """A product page: where it is, and what it is called."""

    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an associate answered. `words` as typed; `media` are addresses of photos and assets."""

    id: str
    request: str
    fingerprint: str
    at: datetime
    by: By
    pointer: Pointer
    login: str
    customer: str
    words: str = field(default="", repr=False)
    links: tuple[Link, ...] = field(default=(), repr=False)
    media: tuple[str, ...] = field(default=(), repr=False)
    state: ReplyState = ReplyState.ASKED
    reason: str = ""
    erased: bool = False

    @property
    def body(self) -> str:
        """The words, then a line for each product."""
        lines = [self.words] if self.words.strip() else []
        lines += [f"{link.title}: {link.url}" if link.title else link.url for link in self.links]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one answer. `at`: when the customer was answered; None: not, or not yet."""

    reply: Reply
    at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.reply.state is ReplyState.ASKED


def request_id(caller: str, *, key: str) -> str:
    """Follows from who asks and the Idempotency-Key: the same request again is the same one."""
    return _named("request", caller, key)


def reply_id(request: str, *, associate: Pointer, key: str) -> str:
    """Follows from the request, who answers and the Idempotency-Key."""
    return _named("reply", request, associate.account, associate.agent_id, key)


def confirmation_id(request: ServiceRequest) -> str:
    """The confirmation text's own id."""
    return f"request-{request.id}"


def reply_text_id(reply: str) -> str:
    return f"{REPLY_TEXT}{reply}"


REPLY_TEXT = "reply-"


def asked_since(asked: Iterable[int], *, now: datetime) -> tuple[int, ...]:
    """Of the instants (epoch s) at which a number made requests by text, those that count."""
    return tuple(at for at in asked if at > epoch(now - ASKED_WITHIN))


def next_look(request: ServiceRequest, *, now: datetime) -> datetime | None:
    """When the sweep looks at it next, if nothing of ours is owed."""
    if request.erased or request.replied_at is not None:
        return None
    coming = (request.created_at + look for look in LOOKS)
    return next((at for at in coming if at > now), None)


def _named(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
