"""What is counted of calls that become texts: one item each, never changed, the same key only once.

Found by banner and UTC day, so that any period in any zone is counted exactly without a scan. Whoever
counts in a zone reads the days that touch it and keeps what `at` falls into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

KEPT = timedelta(days=1100)  # three years: a year against the year before


class Kind(StrEnum):
    """What happened. A call is `offered` or `passed`; offered ones may be `accepted`, those may be
    `texted` and may have `started` a conversation. `repeat`: a customer of a started one begins
    another by text, without a call."""

    PASSED = "passed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    TEXTED = "texted"
    STARTED = "started"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing that happened, at `at`. `name` is what it happened to: a call's CallSid, for REPEAT
    `<account>#<conversation>`. Nothing says whose it was: it is kept for years, past an erasure.
    `how`: text or push (texted), the reason (passed). `again`: of a call, that its customer had
    texted after one before and called all the same. A text is counted at the instant the digit was
    pressed, whenever it went."""

    kind: Kind
    name: str
    at: datetime
    banner: str
    branch: str
    store: str | None = None
    how: str | None = None
    again: bool = False


def day_key(banner: str, *, day: date) -> str:
    """Where everything of a banner's UTC day lies."""
    return f"MEASURED#{banner}#{day.isoformat()}"


def day_of(at: datetime) -> date:
    """The UTC day an instant falls into."""
    return at.astimezone(UTC).date()
