"""The indices: what each is called, what it means, and how it follows from figures.

The definition that people read and the code that works it out stand in one row, so that neither
changes without the other; `GET /kpis` and the monthly report show both.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate

from .kpi import Count, Figures, Period, Times

FULL_CONTAINMENT_MONTHS = 3  # what a shorter period says about it is a beginning


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, exact."""

    part: int
    whole: int

    @property
    def value(self) -> Fraction | None:
        """None of nothing: 0 of 0 is no information."""
        return Fraction(self.part, self.whole) if self.whole else None


@dataclass(frozen=True, slots=True)
class Wait:
    """How long customers waited: how many so many seconds."""

    waits: Mapping[int, int]

    @property
    def number(self) -> int:
        return sum(self.waits.values())

    @property
    def total_s(self) -> int:
        return sum(seconds * n for seconds, n in self.waits.items())

    @property
    def mean_s(self) -> Fraction | None:
        return Fraction(self.total_s, self.number) if self.waits else None

    @property
    def median_s(self) -> Fraction | None:
        """The middle one; of an even number half-way between the two in the middle."""
        if not self.waits:
            return None
        low, high = self._at((self.number - 1) // 2), self._at(self.number // 2)
        return Fraction(low + high, 2)

    @property
    def ninetieth_s(self) -> int | None:
        """What nine in ten waited at the most (nearest rank)."""
        return self._at(-(-self.number * 9 // 10) - 1) if self.waits else None

    def _at(self, place: int) -> int:
        """How long the one at this place waited, the shortest at 0."""
        ordered = sorted(self.waits)
        upto = list(accumulate(self.waits[seconds] for seconds in ordered))
        return ordered[bisect(upto, place)]


@dataclass(frozen=True, slots=True)
class ShareIndex:
    """An index that is a share: the sum of some counts of the sum of some."""

    name: str
    label: str
    meaning: str
    part: Sequence[Count]
    whole: Sequence[Count]

    def of(self, figures: Figures) -> Share:
        return Share(sum(map(figures.count, self.part)), sum(map(figures.count, self.whole)))


@dataclass(frozen=True, slots=True)
class WaitIndex:
    """An index that is a time."""

    name: str
    label: str
    meaning: str
    times: Times

    def of(self, figures: Figures) -> Wait:
        return Wait(figures.waits(self.times))


_C = Count
SHARES = (
    ShareIndex(
        "correspondence_preference", "Text preferred",
        "Requests submitted in the period that ask for an answer by text, of all requests submitted.",
        [_C.REQUESTS_TEXT], [_C.REQUESTS_TEXT, _C.REQUESTS_EMAIL],
    ),
    ShareIndex(
        "outreach_answered", "Texts answered",
        "Texts of the period's quota after which the customer began a conversation within 72 hours, "
        "of those that went. A text counts once its associate's day is settled.",
        [_C.TEXTS_ANSWERED], [_C.TEXTS_SENT],
    ),
    ShareIndex(
        "offer_accepted", "Callers who chose texts",
        "Calls in which the caller pressed the digit, of calls offered texts.",
        [_C.CALLS_ACCEPTED], [_C.CALLS_OFFERED],
    ),
    ShareIndex(
        "deflection", "Calls deflected",
        "Calls that became a conversation by text, of calls offered texts.",
        [_C.CALLS_STARTED], [_C.CALLS_OFFERED],
    ),
    ShareIndex(
        "containment", "Contained",
        "Of customers who had texted after a call and came back: times by text, of all times. Over "
        "three months at least it is full containment, over less a beginning.",
        [_C.RETURNED_BY_TEXT], [_C.RETURNED_BY_TEXT, _C.RETURNED_BY_CALL],
    ),
)  # fmt: skip
WAITS = (
    WaitIndex("request_reply_time", "Reply to a request",
              "From submission to the associate's first answer, by the clock on the wall; of requests "
              "submitted in the period and answered so far.", Times.REPLY_WALL),
    WaitIndex("request_reply_time_in_hours", "Reply to a request, store open",
              "The same, counting only while the store was open.", Times.REPLY_HOURS),
    WaitIndex("first_response_time", "First response",
              "From the customer's beginning of a conversation to a person's first words, of "
              "conversations first answered in the period, by the clock on the wall.",
              Times.RESPONSE_WALL),
    WaitIndex("first_response_time_in_hours", "First response, store open",
              "The same, counting only while the store was open.", Times.RESPONSE_HOURS),
)  # fmt: skip


def is_full(period: Period) -> bool:
    """Whether containment over it is full: from one day of a month to the day before its namesake
    three months later, at least."""
    month = period.first.month + FULL_CONTAINMENT_MONTHS
    later = date(period.first.year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    return period.last + timedelta(days=1) >= later + timedelta(days=min(period.first.day, 28) - 1)
