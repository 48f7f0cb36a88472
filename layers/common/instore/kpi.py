"""The indices of the program, each defined beside the code that works it out.

A *fact* is one thing that happened to one store or branch on one of its own days; it never changes,
and told twice it counts once. *Figures* are what any number of facts come to: counts, and the times
themselves, so that medians are exact. Figures add up: associates make a store, stores a banner,
banners the corporation, days any period. An index is a function of figures, and of nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

ANSWERED_WITHIN = timedelta(
    hours=72
)  # of a text: a customer who writes later writes for a reason of theirs
KEPT = timedelta(days=1100)  # three years: a year against the year before
BEGIN_BEFORE = timedelta(days=10)  # of a banner nothing is summed of yet: no fact is older


class Kind(StrEnum):
    """What a fact says. Each is told once for its name."""

    REQUEST = "request"  # name: the service request; `by` text | email
    REPLY = (
        "reply"  # name: the service request; `wall_s`, `hours_s` from submission to first answer
    )
    TEXTED = "texted"  # name: the associate; texted customers first on this day, not counted yet
    SENT = "sent"  # name: the associate; `count` texts of the day that went
    ANSWERED = "answered"  # name: batch and customer, hashed; the customer wrote back
    CONVERSATION = "conversation"  # name: account and conversation; a person was given it
    RESPONSE = (
        "response"  # the same name; `wall_s`, `hours_s` from its beginning to a person's words
    )
    CALL_PASSED = "call_passed"  # of measured.py, by branch
    CALL_OFFERED = "call_offered"
    CALL_ACCEPTED = "call_accepted"
    CALL_TEXTED = "call_texted"
    CALL_STARTED = "call_started"
    CALL_REPEAT = "call_repeat"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `unit`: store_unit(...) or branch_unit(...); `day`: the unit's own
    date; `agent`: LivePerson's agent id, None where it is nobody's in particular; `values`: whole
    numbers, words and truths, per kind. Nothing of a customer: no number, no id, no words."""

    kind: Kind
    name: str
    banner: str
    unit: str
    day: date
    agent: str | None = None
    values: Mapping[str, int | str | bool] = field(default_factory=dict)


def store_unit(account: str, *, group: str) -> str:
    """How a store is called here."""
    return f"{account}/{group}"


def branch_unit(name: str) -> str:
    """How a branch of the voice menu is called here."""
    return f"branch/{name}"


class Count(StrEnum):
    """What is counted."""

    REQUESTS_TEXT = "requests_text"
    REQUESTS_EMAIL = "requests_email"
    TEXTS_SENT = "texts_sent"
    TEXTS_ANSWERED = "texts_answered"
    TEXTS_PENDING = "texters_pending"  # associate days whose texts are not all settled yet
    CONVERSATIONS = "conversations"
    CALLS_PASSED = "calls_passed"
    CALLS_OFFERED = "calls_offered"
    CALLS_ACCEPTED = "calls_accepted"
    CALLS_TEXTED = "calls_texted"
    CALLS_STARTED = "calls_started"
    RETURNED_BY_TEXT = "returned_by_text"
    RETURNED_BY_CALL = "returned_by_call"


class Times(StrEnum):
    """What is timed, in whole seconds: by the clock on the wall, and while the store was open (C35)."""

    REPLY_WALL = "reply_wall"
    REPLY_HOURS = "reply_hours"
    RESPONSE_WALL = "response_wall"
    RESPONSE_HOURS = "response_hours"


@dataclass(frozen=True, slots=True)
class Figures:
    """What some facts come to. `times`: how many waited so many whole seconds, which is exact and
    grows with how differently people waited, not with how many they are."""

    counts: Mapping[Count, int] = field(default_factory=dict)
    times: Mapping[Times, Mapping[int, int]] = field(default_factory=dict)

    def __add__(self, other: Figures) -> Figures:
        return total((self, other))

    def count(self, name: Count) -> int:
        return self.counts.get(name, 0)

    def waits(self, name: Times) -> Mapping[int, int]:
        return self.times.get(name, {})


class Sum:
    """Figures that grow: adds up without keeping what was added."""

    def __init__(self) -> None:
        self._counts: Counter[Count] = Counter()
        self._times: dict[Times, Counter[int]] = {}

    def add(self, figures: Figures) -> None:
        for counted, number in figures.counts.items():
            self._counts[counted] += number
        for timed, waits in figures.times.items():
            mine = self._times.setdefault(timed, Counter())
            for seconds, number in waits.items():
                mine[seconds] += number

    @property
    def figures(self) -> Figures:
        return Figures({name: n for name, n in self._counts.items() if n},
                       {name: dict(waits) for name, waits in self._times.items() if waits})  # fmt: skip


def total(many: Iterable[Figures]) -> Figures:
    """All of these together; of none, nothing."""
    whole = Sum()
    for one in many:
        whole.add(one)
    return whole.figures


_ONE = {
    Kind.ANSWERED: Count.TEXTS_ANSWERED, Kind.CONVERSATION: Count.CONVERSATIONS,
    Kind.CALL_PASSED: Count.CALLS_PASSED, Kind.CALL_OFFERED: Count.CALLS_OFFERED,
    Kind.CALL_ACCEPTED: Count.CALLS_ACCEPTED, Kind.CALL_TEXTED: Count.CALLS_TEXTED,
    Kind.CALL_STARTED: Count.CALLS_STARTED, Kind.CALL_REPEAT: Count.RETURNED_BY_TEXT,
}  # fmt: skip
_TIMED = {
    Kind.REPLY: (Times.REPLY_WALL, Times.REPLY_HOURS),
    Kind.RESPONSE: (Times.RESPONSE_WALL, Times.RESPONSE_HOURS),
}
Key = tuple[str, str | None]  # unit and agent


def figures_of(facts: Iterable[Fact]) -> dict[Key, Figures]:
    """Facts summed by unit and agent. Order and repetition change nothing."""
    once = {(fact.banner, fact.unit, fact.day, fact.kind, fact.name): fact for fact in facts}
    settled = {key[:3] + key[4:] for key in once if key[3] is Kind.SENT}
    found: dict[Key, Sum] = {}
    for key, fact in once.items():
        if fact.kind is Kind.TEXTED and key[:3] + key[4:] in settled:
            continue
        found.setdefault((fact.unit, fact.agent), Sum()).add(_one(fact))
    return {key: whole.figures for key, whole in found.items()}


def _one(fact: Fact) -> Figures:
    values = fact.values
    match fact.kind:
        case Kind.REQUEST:
            by = Count.REQUESTS_TEXT if values["by"] == "text" else Count.REQUESTS_EMAIL
            return Figures({by: 1})
        case Kind.REPLY | Kind.RESPONSE:
            wall, hours = _TIMED[fact.kind]
            return Figures(
                {}, {wall: {int(values["wall_s"]): 1}, hours: {int(values["hours_s"]): 1}}
            )
        case Kind.SENT:
            return Figures({Count.TEXTS_SENT: int(values["count"])})
        case Kind.TEXTED:
            return Figures({Count.TEXTS_PENDING: 1})
        case _:
            again = {Count.RETURNED_BY_CALL: 1} if values.get("again") else {}
            return Figures({_ONE[fact.kind]: 1, **again})


@dataclass(frozen=True, slots=True)
class UnitDay:
    """What the facts of one store or branch on one day come to, by agent. `open`: a fact came, or
    texts are to settle, since it was summed: the facts are truer. `rev` counts its changes."""

    banner: str
    unit: str
    day: date
    figures: Mapping[str | None, Figures] = field(default_factory=dict)
    open: bool = False
    rev: int = 0


@dataclass(frozen=True, slots=True)
class Closed:
    """Up to which day, itself included, everything of a banner is summed: stores, and calls."""

    stores: date | None = None
    calls: date | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Dates, both included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
