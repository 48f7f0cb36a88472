"""What Twilio tells us about texts and telephone numbers: values only.

adapters/twilio.py asks; a value here has been checked field by field, so that nothing that an
answer did not clearly say can be read into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .model import Phone, fingerprint, mended

# Ends the address of a webhook: Twilio asks again when ours fails; without it it does so for lost
# connections only, and a customer's text or a status would be lost. It is no part of what Twilio
# signs. Source: Twilio, "Connection overrides".
CALL_AGAIN = "#rc=3&rp=all"


@dataclass(frozen=True, slots=True)
class SentText:
    """A text that Twilio took: its id (`SM…`, with media `MM…`), the status it has for now, how
    many segments (0 while a messaging service picks the sender), and the code if it failed."""

    sid: str
    status: str
    segments: int
    code: int | None = None


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A text as Twilio has it now. `to` and `sender` are None where they are no telephone numbers
    (a short code, or a sender not picked yet); `digest` is `body_digest` of its words."""

    sid: str
    status: str
    code: int | None
    to: Phone | None
    sender: Phone | None
    digest: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A local number that Twilio would sell now. Nothing is reserved: it may be gone on purchase."""

    number: Phone
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Owned:
    """A number of the account: its id (`PN…`), our own tag, where texts and calls to it go, and
    whether it can text at all."""

    sid: str
    number: Phone
    friendly_name: str
    sms_url: str = ""
    voice_url: str = ""
    can_text: bool = True


def body_digest(body: str) -> str:
    """Names a text's words without keeping them: to find a text again in Twilio's list.

    Spaces around the words do not count: nobody documents whether they are kept.
    """
    return fingerprint(mended(body).strip())
