"""How fast we may call a vendor: a queue in time, kept as one number (GCRA).

The number is the instant, in whole microseconds, from which the line is free again. Taking `count`
messages moves it on by the time they occupy at the agreed rate; the taker waits until its turn
begins. So in any interval of `t` seconds at most `rate * t` plus one taker's `count` messages
start, whoever takes and in whatever order. Integers only: nothing drifts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .errors import BadInputError

MICROS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """When a taker's turn begins and when the line is free after it, microseconds since 1970."""

    begins: int
    free_at: int

    def wait(self, *, now: int) -> float:
        """Seconds until the turn begins; 0 when it has."""
        return max(0, self.begins - now) / MICROS


def micros(instant: datetime) -> int:
    """An instant in whole microseconds since 1970, exactly."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def cost(count: int, *, rate: float) -> int:
    """Microseconds that `count` messages occupy at `rate` per second, rounded up.

    The rate is taken in thousandths, rounded down: never faster than agreed.
    """
    thousandths = int(rate * 1000)
    if count < 1 or thousandths < 1:
        raise BadInputError("a pace needs a count and a rate above zero", code="bad_pace")
    return -(-count * 1000 * MICROS // thousandths)


def next_turn(free_at: int | None, *, now: int, price: int) -> Turn:
    """The turn of a taker who comes at `now` to a line free from `free_at` (None = never used)."""
    begins = now if free_at is None else max(now, free_at)
    return Turn(begins, begins + price)
