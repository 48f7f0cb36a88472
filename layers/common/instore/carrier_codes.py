"""Twilio's and the carriers' error codes: what each means for us. The one table of them.

Twilio advises against acting on the codes, since the code of a cause may change, but there is no
other signal: so this is a list of those that we know, and every other one has no effect (`NONE`)
besides failing that one text. Nothing here is matched exhaustively.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What a code changes beyond the one text or call that it ended."""

    SUPPRESS = "suppress"  # this customer must not be texted any more: write the opt-out
    BAD_NUMBER = "bad_number"  # the customer's number cannot get texts: remember it, block
    SENDER_LOST = "sender_lost"  # our number cannot send (any more): out of service, tell somebody
    STOP_BATCH = "stop_batch"  # account or service is set up wrongly: the next would fail as well
    HOLD = "hold"  # the sender may not send for now; somebody or a new day lifts it
    RETRY_LATER = "retry_later"  # the same text may go through later, spaced
    NOT_FOR_SALE = "not_for_sale"  # this telephone number cannot be bought: take the next one
    DONE = "done"  # what was asked for is so already
    ALARM = "alarm"  # nobody's number is bad: filtered, or our own mistake; a person must look
    NONE = "none"  # only this one failed


# "Not now": the same text may go through later, and certainly did not go now.
LATER = frozenset({Effect.RETRY_LATER, Effect.HOLD})


@dataclass(frozen=True, slots=True)
class CarrierCode:
    """One row: the number, what follows from it, what it says, and where that is written."""

    number: int
    effect: Effect
    meaning: str
    source: str


# Where it is written: Twilio's error dictionary has one page per code.
_DICTIONARY = "https://www.twilio.com/docs/api/errors/{number}"
_CREATE = "on the API's answer"
_STATUS = "on a status callback"
_BOTH = "on either"

# One line per code: number, effect, meaning, where it turns up.
_ROWS: tuple[tuple[int, Effect, str, str], ...] = (
    # account and credentials
    (20003, Effect.STOP_BATCH, "wrong or revoked credentials, or a suspended account", _CREATE),
    (20404, Effect.NONE, "there is no such resource", _CREATE),
    (20429, Effect.RETRY_LATER, "too many requests at once; not processed", _CREATE),
    (30002, Effect.STOP_BATCH, "the account was suspended after the text was queued", _STATUS),
    # the recipient
    (21610, Effect.SUPPRESS, "the recipient opted out of this sender or service", _BOTH),
    (30640, Effect.SUPPRESS, "the recipient is a known litigator", _STATUS),
    (21211, Effect.BAD_NUMBER, "the recipient's number is invalid", _CREATE),
    (21614, Effect.BAD_NUMBER, "the recipient's number is not a mobile number", _CREATE),
    (21635, Effect.BAD_NUMBER, "the recipient's number is a landline", _CREATE),
    (30005, Effect.BAD_NUMBER, "unknown or dead number", _STATUS),
    (30006, Effect.BAD_NUMBER, "landline, or a carrier that cannot be reached", _STATUS),
    (30003, Effect.RETRY_LATER, "the handset is off or has no signal; or a landline", _STATUS),
    (30004, Effect.NONE, "blocked at the destination", _STATUS),
    # the sender
    (21212, Effect.SENDER_LOST, "the sender's number is invalid", _CREATE),
    (21606, Effect.SENDER_LOST, "the sender is not ours, or cannot text", _CREATE),
    (21660, Effect.SENDER_LOST, "the sender is not of this account", _CREATE),
    (21661, Effect.SENDER_LOST, "the sender cannot text, or is still being ported", _CREATE),
    (30024, Effect.HOLD, "the sender is not provisioned at that carrier yet", _STATUS),
    (30032, Effect.STOP_BATCH, "the toll-free sender is not verified", _STATUS),
    (30033, Effect.STOP_BATCH, "the sender's campaign is suspended", _STATUS),
    (30034, Effect.STOP_BATCH, "the sender is in no approved campaign", _STATUS),
    (30035, Effect.HOLD, "registration of the sender is pending; resolves itself", _STATUS),
    # rate and queue
    (21611, Effect.RETRY_LATER, "the sender's queue is full", _CREATE),
    (30001, Effect.RETRY_LATER, "the sender's queue overflowed", _STATUS),
    (30017, Effect.RETRY_LATER, "the carrier is congested", _STATUS),
    (30022, Effect.RETRY_LATER, "the campaign's rate was exceeded", _STATUS),
    (30023, Effect.HOLD, "the brand's daily cap at T-Mobile; over at midnight Pacific", _STATUS),
    (14107, Effect.HOLD, "two numbers answered each other 30 times in 30 seconds", _BOTH),
    # on the way
    (21612, Effect.NONE, "this pair of sender and recipient cannot be routed", _CREATE),
    (30007, Effect.ALARM, "filtered by Twilio or the carrier", _STATUS),
    (30008, Effect.RETRY_LATER, "failed, nobody says why", _STATUS),
    (30019, Effect.NONE, "the carrier finds it too large", _STATUS),
    (30036, Effect.NONE, "the validity period ended before it could go", _STATUS),
    (30047, Effect.RETRY_LATER, "quiet hours: rescheduling failed", _STATUS),
    (30410, Effect.NONE, "the provider timed out: it may have arrived, so no repeat", _STATUS),
    (30450, Effect.ALARM, "taken for message pumping", _STATUS),
    (30453, Effect.ALARM, "blocked as fraud", _STATUS),
    (30485, Effect.ALARM, "blocked as fraud", _STATUS),
    (30500, Effect.RETRY_LATER, "an error inside Twilio", _STATUS),
    (30610, Effect.RETRY_LATER, "quiet hours where the recipient is", _STATUS),
    # set up or asked wrongly
    (21408, Effect.STOP_BATCH, "texting to this country is not switched on", _CREATE),
    (21608, Effect.STOP_BATCH, "a trial account texts verified numbers only", _CREATE),
    (21602, Effect.ALARM, "no body", _CREATE),
    (21603, Effect.ALARM, "no sender", _CREATE),
    (21604, Effect.ALARM, "no recipient, or the body is no form", _CREATE),
    (21617, Effect.ALARM, "longer than 1,600 characters", _CREATE),
    (21619, Effect.ALARM, "nothing to send", _CREATE),
    (21701, Effect.STOP_BATCH, "there is no such messaging service", _CREATE),
    (21703, Effect.STOP_BATCH, "the messaging service has no sender that fits", _CREATE),
    (21704, Effect.STOP_BATCH, "the messaging service has no senders", _CREATE),
    (21705, Effect.STOP_BATCH, "the messaging service's id is wrong", _CREATE),
    # telephone numbers and pools
    (21421, Effect.NOT_FOR_SALE, "the number to buy is invalid", _CREATE),
    (21422, Effect.NOT_FOR_SALE, "the number to buy is not available (any more)", _CREATE),
    (21452, Effect.NOT_FOR_SALE, "no number in this area code", _CREATE),
    (21710, Effect.DONE, "the number is in this messaging service already", _CREATE),
    (21712, Effect.ALARM, "the number is in another messaging service", _CREATE),
    (21714, Effect.STOP_BATCH, "the messaging service has as many senders as it may", _CREATE),
)
CODES: Mapping[int, CarrierCode] = {
    number: CarrierCode(number, effect, meaning, f"{_DICTIONARY.format(number=number)} ({where})")
    for number, effect, meaning, where in _ROWS
}


def effect_of(code: int | None) -> Effect:
    """What follows from a code; NONE for no code and for each that is not in the table."""
    known = CODES.get(code) if code is not None else None
    return Effect.NONE if known is None else known.effect


def may_repeat(code: int | None) -> bool:
    """May the same text be tried again later? Only where it certainly did not go through."""
    return effect_of(code) in LATER


def meaning_of(code: int | None) -> str:
    """A code in words, for a person; the number itself for one that is not in the table."""
    if code is None:
        return "no code was given"
    known = CODES.get(code)
    return f"code {code}" if known is None else known.meaning
