"""What we remember of one conversation between two calls of LivePerson's bot contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .directory import Pointer
from .model import Channel, shard_of

# Longer than the longest wait a skill can be set to (requirements speak of 100 days), so that a
# conversation is still known when its associate comes back from a long leave.
KEPT = timedelta(days=120)


class State(StrEnum):
    """created -> asked -> decided -> assigned -> closed; back to asked when it returns to us."""

    CREATED = "created"
    ASKED = "asked"
    DECIDED = "decided"
    ASSIGNED = "assigned"
    CLOSED = "closed"


def decided_on(name: str, *, now: datetime) -> str:
    """The day of a decision and its shard: `2026-11-21#7`, in UTC. `name` is the item's pk.

    Who looks for the receipts of a day asks all shards.
    """
    return f"{now.astimezone(UTC).date().isoformat()}#{shard_of(name)}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation as stored. `turn` counts our answers: an answer is only kept on the turn
    it was worked out for, so that of two answers to one moment exactly one is given.
    `answer_seq` is the highest number answered in the dialog `answer_dialog`, `stop` names the
    event of the newest STOP that was heard.

    `phone` is E.164 text, here only so that a binding or a notice can create the customer.
    `attributes` are verified engagement attributes that the program's resolvers name. `line`: the
    number of ours that the customer texts, E.164 text, in a conversation of the SMS line.
    """

    account: str
    id: str
    banner: str
    bot: str
    channel: Channel
    created_at: datetime
    customer: str | None = None
    phone: str | None = field(default=None, repr=False)
    consumer: str | None = None
    language: str | None = None
    campaign_skill_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict, repr=False)
    state: State = State.CREATED
    turn: int = 0
    round: int = 0
    asked: int = 0
    choice: Pointer | None = None
    answer: str | None = field(default=None, repr=False)
    answer_seq: int | None = None
    answer_dialog: str | None = None
    stop: str | None = None
    answer_at: datetime | None = None
    outcome: str | None = None
    wait: int = 0
    line: str | None = None

    @property
    def decided(self) -> bool:
        """Whether the stored answer is a final one."""
        return self.state in (State.DECIDED, State.ASSIGNED) and self.answer is not None

    def is_in(self, dialog: str | None) -> bool:
        """Whether `answer_seq` counts in this dialog. One that is not named is no other one."""
        return dialog is None or self.answer_dialog is None or dialog == self.answer_dialog

    def last_number(self, answer: Answer) -> int | None:
        """`answer_seq` after this answer: never lower within a dialog, anew in another one."""
        numbers = [answer.sequence, self.answer_seq if self.is_in(answer.dialog) else None]
        return max((number for number in numbers if number is not None), default=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one turn adds to a conversation. `text` is the whole reply as JSON text."""

    text: str = field(repr=False)
    state: State
    outcome: str
    round: int
    asked: int
    sequence: int | None = None
    dialog: str | None = None
    stop: str | None = None  # names the event if it is a STOP
    receipt: str | None = None
    wanted: Pointer | None = None
    choice: Pointer | None = None
    target: str | None = None  # agent id transferred to
    waiting: bool = False
    alarm_at: datetime | None = None  # when a silent wait is worth an alarm
    customer: str | None = None  # found out on the way, with `phone`
    phone: str | None = field(default=None, repr=False)
