"""What one decision about a conversation depends on, and what it can be.

Plain values without names or numbers, so that a whole case fits into a receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .directory import Store
from .model import Channel, Stickiness
from .presence import Evidence, Presence, Status
from .program import Banner


class Wanted(StrEnum):
    """What the resolvers found out about the person the customer wants."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    TERMINATED = "terminated"


class Choice(StrEnum):
    """Where an offered choice stands (stickiness offer_choice)."""

    NOT_OFFERED = "not_offered"
    OFFERED = "offered"
    WAIT = "wait"
    NEXT = "next"


class Act(StrEnum):
    """What LivePerson is asked to do."""

    TRANSFER = "transfer"
    ASK = "ask"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the store and what is known about them right now."""

    agent_id: str
    enabled: bool
    manager: bool
    presence: Presence


@dataclass(frozen=True, slots=True)
class Rules:
    """The parts of a banner's program that a decision follows."""

    stickiness: Stickiness
    steps: tuple[str, ...]
    closed: bool
    all_offline_minutes: int | None
    all_busy_minutes: int | None
    keyword: bool  # may the customer be asked for a name
    tries: int
    human_skill: str
    virtual_skill: str | None
    last_skill: str


@dataclass(frozen=True, slots=True)
class CalledBranch:
    """The branch of the voice menu that the customer had called before they text: its name, the
    skill it leads to, why people call it."""

    name: str
    skill: str
    intent: str


@dataclass(frozen=True, slots=True)
class Case:
    """All that one decision depends on. `store_open` None = no store is known.

    `trail` tells what each resolver said; it holds no word and no number of the customer's.
    `evidence_at` is when LivePerson told who is there: presence has an age. `called`: the customer
    was on the phone and was offered to text instead; `store_open` is then that branch's store.
    """

    at: datetime
    program: int
    rules: Rules
    channel: Channel
    notified: bool  # will a text bring the customer back when the wait ends
    wanted: Wanted
    wanted_id: str | None
    asked: int
    choice: Choice
    store_open: bool | None
    answered: bool  # did LivePerson tell us who is there
    people: tuple[Person, ...]
    busy_since: datetime | None
    trail: tuple[str, ...]
    evidence_at: datetime | None = None
    called: CalledBranch | None = None

    def wanted_person(self) -> Person | None:
        """The wanted associate, if known and enabled."""
        if self.wanted is not Wanted.KNOWN:
            return None
        return next((p for p in self.people if p.agent_id == self.wanted_id and p.enabled), None)

    @property
    def waits(self) -> bool:
        """The customer chose to wait. An offer answered with neither word counts as that: they
        came for this person."""
        chosen = self.choice in (Choice.WAIT, Choice.OFFERED)
        return chosen and self.wanted_person() is not None


@dataclass(frozen=True, slots=True)
class Trace:
    """One thing that was looked at: was it taken, and why (not)."""

    step: str
    taken: bool
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do. `skill` is always named with `agent_id` (LivePerson wants both); `outcome` is
    the step or trigger that decided, `message` the program's sentence for the customer."""

    act: Act
    outcome: str
    message: str
    skill: str | None = None
    agent_id: str | None = None
    waiting: bool = False
    trace: tuple[Trace, ...] = ()


def rules_of(banner: Banner) -> Rules:
    """What a decision needs of a banner's program."""
    routing = banner.routing
    return Rules(
        stickiness=routing.stickiness, steps=tuple(routing.steps), closed=routing.triggers.closed,
        all_offline_minutes=routing.triggers.all_offline_minutes,
        all_busy_minutes=routing.triggers.all_busy_minutes,
        keyword="keyword" in routing.resolvers, tries=routing.keyword_tries,
        human_skill=banner.human_skill, virtual_skill=banner.virtual_skill,
        last_skill=banner.last_skill,
    )  # fmt: skip


def people_of(store: Store | None, *, evidence: Evidence) -> tuple[Person, ...]:
    """Everyone of the store once, with their presence; who manages is a manager, whatever else."""
    if store is None:
        return ()
    managers = {person.agent_id for person in store.managers}
    people: dict[str, Person] = {}
    for p in store.people():
        presence = evidence.about(p.agent_id)
        people[p.agent_id] = Person(p.agent_id, p.enabled, p.agent_id in managers, presence)
    return tuple(people.values())


def all_busy(people: tuple[Person, ...]) -> bool:
    """Somebody is online, and nobody who is can take one more. Unknown people are not busy."""
    enabled = [person.presence for person in people if person.enabled]
    return (
        any(presence.status is Status.ONLINE for presence in enabled)
        and not any(presence.can_take for presence in enabled)
        and not any(presence.status is Status.UNKNOWN for presence in enabled)
    )
