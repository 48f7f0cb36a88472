"""Sending one text over the SMS line: write it down, claim it, look once more, one POST, settle.

Twilio has no idempotency on create. So the text is written under its own id before anything else,
the claim is written before the call, and whatever is not known to have failed counts as sent: never
posted again, but looked for (I4). Customer, program and hours are read after the claim: an opt-out
stored before this instant wins (I9).

A process killed anywhere leaves an item that the sweep takes up (`resume`): before the claim the
text still goes, after it Twilio is asked what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .carrier import CALL_AGAIN
from .carrier_codes import LATER, Effect
from .errors import BadInputError, TwilioRefusedError, UnavailableError, VendorError
from .line_effects import note_effect, take_word
from .line_text import CALLED_OFF, WAITING, Draft, Outcome, Text, TextState, Word, status_of
from .line_weighing import Go, weigh
from .model import as_stored

if TYPE_CHECKING:
    from .adapters.customers import Customers
    from .adapters.stores import Stores
    from .adapters.texts import Texts
    from .adapters.twilio import Twilio
    from .program import Program

CLAIM_FOR = timedelta(minutes=3)  # longer than any function lives that sends
PICK_UP = timedelta(minutes=1)  # who wrote it down has claimed it by then
RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(minutes=30)
_TRIES = 3
METRICS = {
    TextState.BLOCKED: "LineTextsBlocked", TextState.DEFERRED: "LineTextsDeferred",
    TextState.REFUSED: "LineTextsRefused", TextState.UNKNOWN: "LineTextsUnknown",
    TextState.UNRESOLVED: "LineTextsUnresolved",
}  # fmt: skip
# Why a text was refused, where more is known than Twilio's code.
_REFUSED = {Effect.SUPPRESS: "opted_out", Effect.BAD_NUMBER: "unreachable",
            Effect.SENDER_LOST: "sender_lost"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Means:
    """What sending works with. `current`: the program in force; `public_url`: base of our HTTP API
    as Twilio calls it; `count` adds one to a metric."""

    current: Callable[[], Program]
    texts: Texts
    customers: Customers
    stores: Stores
    twilio: Twilio
    public_url: str
    now: Callable[[], datetime]
    count: Callable[[str], None]


def send(draft: Draft, *, means: Means) -> Outcome:
    """Send this text, unless its id was sent, is being sent, or may not go.

    The same id again answers how the text stands. `intended` means that Twilio was busy or away
    and the sweep sends it. Raises UnavailableError when the table is away: ask again.
    """
    now = means.now()
    text, new = means.texts.begin(draft, now=now, due_at=now + PICK_UP)
    if text.outcome.is_called_off:
        anew = text.anew(draft, now=as_stored(now), due_at=now + PICK_UP)
        wanted = means.texts.save(anew, before=text)
        if wanted is None:
            return _as_it_stands(text, means=means)
        text = wanted
    elif not new and not text.may_start(now):
        return text.outcome
    return start(text, means=means)


def call_off(text: str, *, means: Means) -> Outcome:
    """Take back a text that is still to go; how it stands then. One that somebody is asking Twilio
    for, or has asked for, is left as it is. `send` with its id again wants it after all.

    Raises UnavailableError when others keep writing it, and BadInputError if there is no such text.
    """
    for _ in range(_TRIES):
        found = means.texts.get(text)
        if found is None:
            raise BadInputError("no such text", code="unknown_text")
        if found.state not in WAITING:
            return found.outcome
        saved = means.texts.save(found.ended(TextState.BLOCKED, CALLED_OFF), before=found)
        if saved is not None:
            return saved.outcome
    raise UnavailableError("the text keeps changing", code="text_contended")


def start(text: Text, *, means: Means) -> Outcome:
    """Claim a text that nobody has asked Twilio for, and ask, if it may go."""
    now = as_stored(means.now())
    claimed = means.texts.save(
        replace(text, state=TextState.CLAIMED, claimed_at=now, reason="", until=None,
                due_at=now + CLAIM_FOR),
        before=text,
    )  # fmt: skip
    if claimed is None:
        return _as_it_stands(text, means=means)
    try:
        verdict = weigh(claimed, means=means)
    except UnavailableError as error:
        _again(claimed, error.public_code, means=means)
        raise
    if isinstance(verdict, Outcome):
        return _hold(claimed, verdict, means=means)
    return _post(claimed, verdict, means=means)


def _post(text: Text, go: Go, *, means: Means) -> Outcome:
    """The one POST. Only what certainly did nothing gives the claim back."""
    try:
        sent = means.twilio.send(
            go.line, sender=text.sender, to=go.to, body=text.body, media=text.media,
            service=text.service, callback=callback_of(text.id, public_url=means.public_url),
            validity_s=go.validity_s,
        )  # fmt: skip
    except TwilioRefusedError as error:
        return _refused(text, error, means=means)
    except BadInputError as error:
        means.count("LineTroubles")
        ended = text.ended(TextState.REFUSED, error.public_code)
        return _settle(ended, before=text, means=means)
    except (VendorError, UnavailableError) as error:
        means.count("VendorFailed")
        if isinstance(error, VendorError) and error.processed is None:
            due = means.now() + RETRY
            lost = replace(text, state=TextState.UNKNOWN, reason=error.public_code, due_at=due)
            return _settle(lost, before=text, means=means)
        return _again(text, error.public_code, means=means)
    # A word that we do not know is one all the same: Twilio has it.
    status = status_of(sent.status) or TextState.ACCEPTED
    word = Word(status, sent.code, as_stored(means.now()))
    means.count("LineTextsAccepted")
    return take_word(text, sid=sent.sid, word=word, means=means).outcome


def _refused(text: Text, error: TwilioRefusedError, *, means: Means) -> Outcome:
    """Twilio did not take it: not now, or not at all."""
    note_effect(text, error.effect, code=error.code, at=means.now(), means=means)
    reason = _REFUSED.get(error.effect, f"twilio_{error.code or error.vendor_status}")
    if error.effect in LATER:
        return _again(text, reason, means=means)
    return _settle(text.ended(TextState.REFUSED, reason), before=text, means=means)


def _hold(text: Text, outcome: Outcome, *, means: Means) -> Outcome:
    """It does not go now: blocked for good, or deferred."""
    if outcome.state is TextState.DEFERRED:
        later = replace(text, state=outcome.state, reason=outcome.reason, until=outcome.until,
                        due_at=outcome.until)  # fmt: skip
        return _settle(later, before=text, means=means)
    return _settle(text.ended(outcome.state, outcome.reason), before=text, means=means)


def _again(text: Text, reason: str, *, means: Means) -> Outcome:
    """Certainly nothing was sent: the sweep tries again, twice at once and then ever more rarely.
    What lasts (a queue of ten hours, credentials that are refused) is not asked for each minute."""
    wait = min(RETRY * 2 ** min(max(0, text.tries - 1), 10), LONGEST_RETRY)
    back = replace(text, state=TextState.INTENDED, reason=reason, claimed_at=None,
                   due_at=means.now() + wait, tries=text.tries + 1)  # fmt: skip
    return _settle(back, before=text, means=means)


def _settle(text: Text, *, before: Text, means: Means) -> Outcome:
    """Store how the call ended, unless Twilio's own word of it was faster: that is truer."""
    saved = means.texts.save(text, before=before)
    if saved is None:
        return _as_it_stands(text, means=means)
    if saved.state in METRICS:
        means.count(METRICS[saved.state])
    return saved.outcome


def _as_it_stands(text: Text, *, means: Means) -> Outcome:
    """Somebody else wrote it since it was read."""
    found = means.texts.get(text.id)
    return found.outcome if found else text.outcome


def callback_of(text: str, *, public_url: str) -> str:
    """Where Twilio tells what becomes of a text: our id in it finds the text whatever we missed."""
    return f"{public_url}/twilio/status?text={text}{CALL_AGAIN}"
