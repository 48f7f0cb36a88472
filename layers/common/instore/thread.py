"""A customer's thread with one of our numbers, and the conversation at LivePerson it runs in.

The customer sees one thread for each of our numbers; LivePerson sees conversations that end and
begin anew. A thread knows the conversation it runs in now, and what was last begun in it, so that
who comes after a crash knows what may have happened already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .errors import BadInputError
from .model import Phone, mended

# Marks a conversation of the line in its engagement attributes (`ctmrinfo.ctype`). They are sent
# with our own token, so the bot reads them among the authenticated ones.
LINE_CUSTOMER = "sms-line"
WORDLESS = "(a text without words)"  # LivePerson takes no empty message
# Exactly: a longer one could be a signed form cut elsewhere (twilio_webhooks.py), and a text that
# was taken in would come again under another name.
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}\Z")
MOST_POSTING = 20
_MOST_MEDIA = 10  # Twilio's own limit, Messages resource


class ThreadState(StrEnum):
    """opening -> open -> closed -> opening. In `opening` nobody knows whether LivePerson has opened
    a conversation."""

    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Thread:
    """One customer and one of our numbers (`line`). `phone` is gone once they were erased; `since`:
    when `state` began; `posting` names the texts last handed to LivePerson, or about to be; `turn`
    counts the consumers it has had there after the first, `rev` its writes (0 = none yet)."""

    customer: str
    line: Phone
    phone: Phone | None = field(repr=False)
    banner: str
    account: str
    state: ThreadState
    since: datetime
    created_at: datetime
    last_at: datetime
    conversation: str | None = None
    posting: tuple[str, ...] = ()
    turn: int = 0
    rev: int = 0

    @property
    def consumer(self) -> str:
        """LivePerson's consumer of this thread: a name without the customer's number in it. One
        for each thread, because a consumer has one open conversation; another one when theirs is
        somewhere we cannot find."""
        name = f"{self.customer}.{self.line.digits}"
        return f"{name}.{self.turn}" if self.turn else name

    def may_have(self, sid: str, *, again: bool) -> bool:
        """Whether LivePerson may have this text already. `again`: it was worked on before; so long
        ago that it is not named any more, nobody knows."""
        return sid in self.posting or (again and len(self.posting) >= MOST_POSTING)

    def about_to_say(self, sid: str) -> tuple[str, ...]:
        """`posting` with this text as the last one."""
        return (*self.unsaid(sid), sid)[-MOST_POSTING:]

    def unsaid(self, sid: str) -> tuple[str, ...]:
        """`posting` without this text: LivePerson certainly does not have it."""
        return tuple(one for one in self.posting if one != sid)


@dataclass(frozen=True, slots=True)
class Opening:
    """A conversation to be opened. `skill_id` is LivePerson's number of the bot's skill; `login`
    and `store` are those of the associate whose number was texted, for the agent to see."""

    consumer: str
    phone: Phone = field(repr=False)
    line: Phone
    skill_id: str
    login: str = ""
    store: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or file in a text: where Twilio keeps it, and what it is."""

    url: str
    kind: str


@dataclass(frozen=True, slots=True)
class InboundText:
    """A customer's text as Twilio told it. `sender` and `to` are None where they are no telephone
    numbers; `opt_out` is STOP, START or HELP where Twilio has taken it for one and answered
    (Advanced Opt-Out); `at`: when we heard it."""

    sid: str
    body: str = field(repr=False)
    at: datetime
    sender: Phone | None = field(repr=False)
    to: Phone | None
    media: tuple[Media, ...] = field(default=(), repr=False)
    opt_out: str = ""
    said_from: str = field(default="", repr=False)
    said_to: str = ""

    @property
    def words(self) -> str:
        """What the associate reads: the customer's words, then a line for each picture."""
        lines = [self.body] if self.body.strip() else []
        lines += [f"[{media.kind}] {media.url}" for media in self.media]
        return "\n".join(lines) or WORDLESS


def read_text(fields: Mapping[str, str], *, at: datetime) -> InboundText:
    """A text out of Twilio's form. Raises BadInputError for what is none.

    Source: Twilio, "Twilio's request to your incoming message webhook".
    """
    sid = fields.get("MessageSid", "")
    if not _SID.match(sid):
        raise BadInputError("not a text of Twilio's", code="bad_form")
    said_from, said_to = fields.get("From", ""), fields.get("To", "")
    return InboundText(
        sid, mended(fields.get("Body", "")), at, sender=_phone(said_from), to=_phone(said_to),
        media=_media(fields), opt_out=fields.get("OptOutType", "").strip().upper(),
        said_from=said_from[:40], said_to=said_to[:40],
    )  # fmt: skip


def _media(fields: Mapping[str, str]) -> tuple[Media, ...]:
    """As many as there are addresses: `NumMedia` is not believed."""
    found = []
    for n in range(_MOST_MEDIA):
        url = fields.get(f"MediaUrl{n}", "")
        if url.startswith(("https://", "http://")):
            found.append(Media(url, fields.get(f"MediaContentType{n}", "") or "file"))
    return tuple(found)


def _phone(text: str) -> Phone | None:
    """A short code or a name is nobody's telephone."""
    try:
        return Phone(text)
    except BadInputError:
        return None
