"""Texts that are due: to go now, or left by a process that ended, or lost, or never heard of again.

An unknown text is looked for in Twilio's own list, by sender, recipient and words: a minute after
the call, and again until an hour is over. Not found then, it is left to a person: Twilio's list is
complete long before, but a customer texted twice is worse than one texted once by hand.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .carrier import body_digest
from .errors import BadInputError, TwilioRefusedError, UnavailableError, VendorError
from .line_effects import take_word
from .line_text import FINAL, Outcome, Text, TextState, Word, status_of
from .model import as_stored
from .texting import METRICS, Means, start

if TYPE_CHECKING:
    from .carrier import MessageSeen
    from .program_line import Line

# After the call. Twilio's own time-out is about 26 s, so a text it has is listed by the first.
LOOKS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
GIVE_UP = timedelta(hours=24)  # of asking a Twilio that does not answer
LAST_LOOK = timedelta(hours=24)  # at what a text came to whose callbacks got lost
_BEFORE, _AFTER = timedelta(minutes=1), timedelta(minutes=3)  # of the claim: clocks and a slow call


def take_up(text: Text, *, means: Means) -> Outcome | None:
    """Do what is due for a text, as it was read. None: nothing was, or somebody was faster.

    Everything begins with a write that is conditional on what was read, so running twice at once,
    or late, is harmless. Raises UnavailableError: it stays due.
    """
    now = means.now()
    if text.due_at is None or text.due_at > now:
        return None
    if text.may_start(now):
        return start(text, means=means)
    if text.state is TextState.CLAIMED:
        lost = replace(text, state=TextState.UNKNOWN, reason="claim_lost", due_at=now)
        claimed_no_more = means.texts.save(lost, before=text)
        if claimed_no_more is None:
            return None
        means.count(METRICS[TextState.UNKNOWN])
        text = claimed_no_more
    if text.state is TextState.UNKNOWN:
        return _look_for(text, means=means, now=now)
    if text.sid is not None and text.state not in FINAL:
        return _look_at(text, text.sid, means=means, now=now)
    return _store(replace(text, due_at=None), before=text, means=means)


def _look_for(text: Text, *, means: Means, now: datetime) -> Outcome | None:
    """Is it in Twilio's list? Then it is as if its answer had come."""
    age = now - (text.claimed_at or text.created_at)
    line = means.current().line
    found = None
    try:
        if line is not None and text.to is not None:
            found = _found(text, line, means=means)
        answered = line is not None
    except (VendorError, UnavailableError):
        means.count("VendorFailed")
        answered = False
    if found is not None:
        word = Word(status_of(found.status) or TextState.ACCEPTED, found.code, as_stored(now))
        return take_word(text, sid=found.sid, word=word, means=means, guessed=True).outcome
    if age >= (LOOKS[-1] if answered else GIVE_UP) or text.to is None:
        ended = text.ended(TextState.UNRESOLVED, text.reason)
        return _store(ended, before=text, means=means)
    coming = [look - age for look in LOOKS if look > age]
    wait = coming[0] if coming and answered else timedelta(minutes=5)
    return _store(replace(text, due_at=now + wait), before=text, means=means)


def _found(text: Text, line: Line, *, means: Means) -> MessageSeen | None:
    """The message of Twilio's that is this text: same numbers and words, created about when we
    asked, and none that is known to be another of our texts.

    Others of our texts may be lost as this one is, and have the same words: as long as there are
    fewer messages than such texts, nobody knows whose they are. Else all of them went, in turn.
    """
    if text.to is None:
        return None
    seen = means.twilio.list(line, to=text.to, sender=text.sender)
    asked, words = text.claimed_at or text.created_at, body_digest(text.body)
    like = [one for one in seen if one.digest == words
            and asked - _BEFORE <= one.created_at <= asked + _AFTER]  # fmt: skip
    if not like:
        return None
    others = [one for one in means.texts.of(text.customer) if one.id != text.id]
    known = {one.sid for one in others}
    free = sorted((one for one in like if one.sid not in known), key=lambda one: one.created_at)
    rivals = [one for one in others if _is_lost_alike(one, text)]
    if len(free) <= len(rivals):
        return None
    return free[sum((one.claimed_at, one.id) < (asked, text.id) for one in rivals)]


def _is_lost_alike(other: Text, text: Text) -> bool:
    """Whether Twilio's message of this text could be taken for that one's as well."""
    if other.sid is not None or other.claimed_at is None or other.sender != text.sender:
        return False
    if other.state not in (TextState.CLAIMED, TextState.UNKNOWN, TextState.UNRESOLVED):
        return False
    apart = abs(other.claimed_at - (text.claimed_at or text.created_at))
    return apart <= _BEFORE + _AFTER and other.body in ("", text.body)


def _look_at(text: Text, sid: str, *, means: Means, now: datetime) -> Outcome | None:
    """How a text stands whose callbacks did not tell: an hour after the call, and a day after it.
    A carrier without receipts leaves it at `sent` for good."""
    line, began = means.current().line, text.claimed_at or text.created_at
    try:
        seen = means.twilio.fetch(line, sid=sid) if line is not None else None
    except (TwilioRefusedError, BadInputError):
        seen = None  # Twilio has deleted it, or never had it
    except (VendorError, UnavailableError):
        means.count("VendorFailed")
        seen = None
    status = status_of(seen.status) if seen is not None else None
    if seen is not None and status is not None:
        word = Word(status, seen.code, as_stored(now))
        text = take_word(text, sid=sid, word=word, means=means, guessed=text.guessed)
        if text.state in FINAL:
            return text.outcome
    due = began + LAST_LOOK
    later = replace(text, due_at=due if now < due else None)
    return _store(later, before=text, means=means)


def _store(text: Text, *, before: Text, means: Means) -> Outcome | None:
    saved = means.texts.save(text, before=before)
    if saved is None:
        return None  # somebody was faster
    if saved.state in METRICS and saved.state is not before.state:
        means.count(METRICS[saved.state])
    return saved.outcome
