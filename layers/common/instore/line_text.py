"""One text over the SMS line: what is asked for, where it stands, and what Twilio says of it.

Twilio has no idempotency on create, so a text has an id of ours, made from what it is about, and
is posted at most once under it (I4). Its statuses come late, twice and in any order: each has a
rank, a text only ever climbs, and every order of the same reports ends in the same place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .directory import Pointer
from .model import Phone, mended

ASKED_FOR = timedelta(minutes=15)  # so long an answer to what was asked for needs no texting hours
LOOK_AFTER = timedelta(hours=1)  # by then Twilio's callbacks have said how it ended
CALLED_OFF = "called_off"
CONFIRM_FOR = timedelta(minutes=5)  # 47 CFR 64.1200(a)(12): a STOP is confirmed within these
_ID = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")  # stands in a URL and a queue's group as it is


def is_text_id(text: str) -> bool:
    """Whether this can be the id of a text (`Draft.id`)."""
    return _ID.match(text) is not None


class Purpose(StrEnum):
    """Why a text goes, which says what may stop it.

    REPLY: words of an associate in a running conversation; ASKED: what the customer asked for just
    now, later it minds the hours; NOTICE, FIRST: nobody asked, so consent and hours; CONFIRM: the
    one answer to a STOP, or to HELP, which an opt-out does not stop.
    """

    REPLY = "reply"
    ASKED = "asked"
    NOTICE = "notice"
    FIRST = "first"
    CONFIRM = "confirm"

    @property
    def needs_consent(self) -> bool:
        return self in (Purpose.NOTICE, Purpose.FIRST)


class TextState(StrEnum):
    """Where a text stands. Up to `unresolved` it is our word, from `accepted` on it is Twilio's."""

    INTENDED = "intended"  # written down; nobody has asked Twilio yet
    DEFERRED = "deferred"  # goes at `until`
    BLOCKED = "blocked"  # will not go: `reason`
    CLAIMED = "claimed"  # somebody is asking Twilio
    REFUSED = "refused"  # Twilio did not take it: `reason`
    UNKNOWN = "unknown"  # asked, and the answer was lost
    UNRESOLVED = "unresolved"  # nobody can know; a person looks
    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    CANCELED = "canceled"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


# Order of Twilio's own words. A receipt is truer than none, and one that says yes is the truest:
# the text was on the handset. Source: Twilio, "Outbound message status in status callbacks".
RANK: Mapping[TextState, int] = {
    TextState.SCHEDULED: 1, TextState.ACCEPTED: 2, TextState.QUEUED: 3, TextState.SENDING: 4,
    TextState.SENT: 5, TextState.CANCELED: 6, TextState.FAILED: 7, TextState.UNDELIVERED: 8,
    TextState.DELIVERED: 9,
}  # fmt: skip
FINAL = frozenset({TextState.CANCELED, TextState.FAILED, TextState.UNDELIVERED,
                   TextState.DELIVERED})  # fmt: skip
NOT_RECEIVED = FINAL - {TextState.DELIVERED}
WAITING = frozenset({TextState.INTENDED, TextState.DEFERRED})  # certainly not asked for yet
ENDED = FINAL | {TextState.BLOCKED, TextState.REFUSED, TextState.UNRESOLVED}
# What Twilio says beside those: `read` is RCS and WhatsApp.
_ALSO = {"read": TextState.DELIVERED, "partially_delivered": TextState.DELIVERED}


@dataclass(frozen=True, slots=True)
class Draft:
    """A text somebody wants sent. `id` is made from what the text is about: the same id is the same
    text, whatever else it says, and 1-100 of `A-Z a-z 0-9 . _ -` without anything personal.

    `customer` is Customers.id_of(to); `pointer` whose words it is, None = the brand's. `asked_at`
    goes with ASKED and CONFIRM. `service`: the messaging service the sender is in.
    """

    id: str
    sender: Phone
    to: Phone
    body: str = field(repr=False)
    purpose: Purpose
    banner: str
    customer: str
    pointer: Pointer | None = None
    media: tuple[str, ...] = field(default=(), repr=False)
    asked_at: datetime | None = None
    conversation: str | None = None
    service: str | None = None

    def __post_init__(self) -> None:
        # Words come out of JSON, which may hold half an emoji; no table and no carrier takes one.
        object.__setattr__(self, "body", mended(self.body))
        if not is_text_id(self.id):
            raise ValueError("a text's id stands in a URL as it is")
        if not self.body and not self.media:
            raise ValueError("a text says or shows something")
        if self.purpose in (Purpose.ASKED, Purpose.CONFIRM) and self.asked_at is None:
            raise ValueError("when it was asked for decides whether it may go")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a text is. `reason`: why it is blocked, refused or waits; `until`: when a deferred
    one goes. `intended` after a call: Twilio was busy or away, the sweep sends it."""

    state: TextState
    reason: str = ""
    until: datetime | None = None

    @property
    def went(self) -> bool:
        """Whether Twilio has it, as far as anybody knows."""
        return self.state in RANK and self.state not in NOT_RECEIVED

    @property
    def is_called_off(self) -> bool:
        """Whether whoever wanted it took it back before anybody had asked Twilio."""
        return self.state is TextState.BLOCKED and self.reason == CALLED_OFF


@dataclass(frozen=True, slots=True)
class Word:
    """One statement of Twilio about a text: status, error code if any, when we heard it."""

    status: TextState
    code: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What Twilio's words come to: the state, its error code, and all words once, by rank."""

    state: TextState
    code: int | None
    history: tuple[Word, ...]


def status_of(word: str) -> TextState | None:
    """Twilio's word for a status as ours; None for one that nobody has told us of."""
    word = word.strip().lower()
    if word in _ALSO:
        return _ALSO[word]
    return next((one for one in RANK if one.value == word), None)


def standing(state: TextState, history: Iterable[Word]) -> Standing:
    """Where a text stands after these words, in whatever order and however often they came.

    `state` is what we say of it without them. A word told twice is kept once, with its first
    hearing; of one status told with and without a code the code stands.
    """
    first: dict[tuple[TextState, int | None], Word] = {}
    for word in history:
        key = (word.status, word.code)
        if key not in first or word.at < first[key].at:
            first[key] = word
    words = sorted(first.values(), key=lambda w: (RANK[w.status], w.code or 0))
    if not words:
        return Standing(state, None, ())
    return Standing(words[-1].status, words[-1].code, tuple(words))


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is stored. `to`, `body` and `media` are there until Twilio has it for certain, or
    it will not go. `due_at`: when the sweep looks at it; None = nothing is left to do.

    `rev`: every write is conditional on the revision read. `pointer`, `conversation`, `service`,
    `asked_at` as in Draft. `guessed`: Twilio's id was concluded from its list and not told with
    ours. `tries`: how often it certainly did not go and is to be tried again.
    """

    id: str
    rev: int
    state: TextState
    purpose: Purpose
    banner: str
    customer: str
    sender: Phone
    created_at: datetime
    to: Phone | None = None
    body: str = field(default="", repr=False)
    media: tuple[str, ...] = field(default=(), repr=False)
    pointer: Pointer | None = None
    conversation: str | None = None
    service: str | None = None
    asked_at: datetime | None = None
    claimed_at: datetime | None = None
    reason: str = ""
    until: datetime | None = None
    sid: str | None = None
    history: tuple[Word, ...] = ()
    due_at: datetime | None = None
    guessed: bool = False
    tries: int = 0

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.state, self.reason, self.until)

    @property
    def code(self) -> int | None:
        """Twilio's error code, if it failed for one."""
        return standing(self.state, self.history).code

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for these words now, and nobody has asked Twilio for them."""
        return self.state is TextState.INTENDED and not self.purpose.needs_consent

    def may_start(self, now: datetime) -> bool:
        """Whether somebody may ask Twilio now: nobody has, and it is not for later."""
        later = self.until is not None and self.until > now
        return self.state in WAITING and not later

    def anew(self, draft: Draft, *, now: datetime, due_at: datetime) -> Text:
        """A text that was called off, wanted after all, as the draft says now. `now` as stored."""
        return replace(
            self, state=TextState.INTENDED, purpose=draft.purpose, banner=draft.banner,
            sender=draft.sender, to=draft.to, body=draft.body, media=draft.media,
            pointer=draft.pointer, service=draft.service, conversation=draft.conversation,
            asked_at=draft.asked_at, created_at=now, claimed_at=None, reason="", until=None,
            due_at=due_at, tries=0,
        )  # fmt: skip

    def ended(self, state: TextState, reason: str = "") -> Text:
        """It will not go, or nobody will know. Number and words are not needed any more."""
        return replace(self, state=state, reason=reason, until=None, due_at=None, **_NO_WORDS)

    def erased(self) -> Text:
        """Without number and words; called off if nobody has asked Twilio."""
        if self.state in WAITING:
            return self.ended(TextState.BLOCKED, "erased")
        return replace(self, **_NO_WORDS)


def learned(text: Text, *, sid: str, word: Word, guessed: bool = False) -> Text:
    """The text after one word of Twilio's; unchanged by one that is known, or is about another text.

    Whatever we thought of it before, Twilio has it: number and words go. Until the last word, one
    look is due an hour after the call, should the callbacks get lost. What came with our own id ends
    a guess: of another message than the one guessed, nothing that was told of that one stays.
    """
    history = text.history
    if text.sid not in (None, sid):
        if guessed or not text.guessed:
            return text
        history = ()
    now = standing(text.state, (*history, word))
    if text.sid == sid and now.history == text.history and guessed >= text.guessed:
        return text
    due = None if now.state in FINAL else (text.claimed_at or text.created_at) + LOOK_AFTER
    return replace(text, sid=sid, state=now.state, history=now.history, until=None, due_at=due,
                   guessed=guessed and (text.guessed or text.sid is None),
                   reason="" if now.code is None else f"twilio_{now.code}", **_NO_WORDS)  # fmt: skip


_NO_WORDS: Any = {"to": None, "body": "", "media": ()}
