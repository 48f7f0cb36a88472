"""A call to a branch of the voice menu, as it is kept: what was offered, answered and done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .deflection import CallState

KEPT = timedelta(days=35)
FINISH_AFTER = timedelta(minutes=1)  # from then on the sweep finishes what stopped in between


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `sid` is Twilio's CallSid, `reason` why it was passed or not texted, `told` the
    sentence the caller heard after the digit, `consent` the number of the ledger's entry.

    The caller's number is not in it: `customer` is its keyed hash, None = withheld.
    """

    sid: str
    banner: str
    branch: str
    intent: str
    state: CallState
    at: datetime
    customer: str | None = None
    store: str | None = None
    reason: str | None = None
    again: bool = False  # they had texted after a call before, and call again
    accepted_at: datetime | None = None
    consent: int | None = None
    told: str | None = None
    by_text: bool = False  # the push service had its chance
    due_at: int | None = None
