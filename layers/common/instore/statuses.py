"""What Twilio says became of a text: found by our own id in the callback's address.

Late, twice and in any order: line_text.learned makes one thing of it. A callback is also how an
unknown text is found again: it brings Twilio's id for ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import BadInputError
from .line_effects import take_word
from .line_text import Text, Word, is_text_id, status_of

if TYPE_CHECKING:
    from .adapters.customers import Customers
    from .adapters.texts import Texts
    from .program import Program
    from .told import Told


@dataclass(frozen=True, slots=True)
class Means:
    """What taking a status works with; `count` adds one to a metric."""

    current: Callable[[], Program]
    texts: Texts
    customers: Customers
    count: Callable[[str], None]


def take_status(told: Told, *, means: Means) -> str:
    """Take one status callback; answers what it was: `learned`, `known`, `foreign` (no text of ours
    has this id, or has another of Twilio's), `unheard_of` (a status nobody told us of).

    One request for a known one, two for a new one, and what its code brings about. Raises
    UnavailableError: bring it again; BadInputError for what is no status.
    """
    sid = told.fields.get("MessageSid", "")
    if not sid:
        raise BadInputError("Twilio's form has no MessageSid", code="bad_form")
    status = status_of(told.fields.get("MessageStatus", ""))
    if status is None:
        return _ignored("unheard_of", means)
    name = told.fields.get("text", "")
    text = means.texts.get(name) if is_text_id(name) else None
    if text is None or not _is_about(text, sid=sid, told=told):
        return _ignored("foreign", means)
    word = Word(status, _code(told.fields.get("ErrorCode", "")), told.at)
    return "known" if take_word(text, sid=sid, word=word, means=means) is text else "learned"


def _is_about(text: Text, *, sid: str, told: Told) -> bool:
    """Whether the callback is about this very text, as far as it can be told."""
    sender = told.fields.get("From") or text.sender.e164
    return (text.guessed or text.sid in (None, sid)) and sender == text.sender.e164


def _code(digits: str) -> int | None:
    """ErrorCode comes as digits; 0, blank and anything else is none."""
    known = digits.isascii() and digits.isdigit() and len(digits) <= 6
    return (int(digits) or None) if known else None


def _ignored(why: str, means: Means) -> str:
    means.count("EventIgnored")
    return why
