"""A consultant's batch of texts: the unit of intent, of claim and of outcome.

A batch is read whole, changed here by pure functions, and written whole under its revision.
Which state may follow which is said once, in the two tables below.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .directory import Pointer
from .model import Phone

# A reply inside 30 days still belongs to the campaign (LivePerson's lookback); then a margin.
KEPT = timedelta(days=35)


class BatchState(StrEnum):
    """Where a batch is. Only `claimed` may be at the vendor; only one invocation holds a claim."""

    ACCEPTING = "accepting"  # written, not yet answered: quota and reservations under way
    ACCEPTED = "accepted"  # has rows that may be sent now
    DEFERRED = "deferred"  # has rows that may be sent at their `until`
    CLAIMED = "claimed"  # an invocation is sending
    SUBMITTED = "submitted"  # the vendor has it; one look at the outcome is due
    UNKNOWN = "unknown"  # the vendor may have it; never sent again blindly
    CLOSED = "closed"


class RowState(StrEnum):
    """What became of one recipient."""

    PENDING = "pending"  # not decided yet (the batch is being accepted)
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    BLOCKED = "blocked"
    REJECTED = "rejected"  # the vendor refused this recipient
    UNKNOWN = "unknown"
    UNRESOLVED = "unresolved"  # final: a person has to look
    SENT = "sent"
    DELIVERED = "delivered"  # handed on by the vendor, not seen on the handset
    SKIPPED = "skipped"
    FAILED = "failed"
    REPLIED = "replied"


_B, _R = BatchState, RowState
BATCH_NEXT: Mapping[BatchState, frozenset[BatchState]] = {
    _B.ACCEPTING: frozenset({_B.ACCEPTED, _B.DEFERRED, _B.CLOSED}),
    # Without a claim: a held number, a cancelled import or an erasure took the rows away.
    _B.ACCEPTED: frozenset({_B.ACCEPTED, _B.CLAIMED, _B.DEFERRED, _B.SUBMITTED}),
    _B.DEFERRED: frozenset({_B.DEFERRED, _B.CLAIMED, _B.SUBMITTED}),
    _B.CLAIMED: frozenset({_B.ACCEPTED, _B.DEFERRED, _B.SUBMITTED, _B.UNKNOWN, _B.CLOSED}),
    _B.SUBMITTED: frozenset({_B.CLOSED}),
    _B.UNKNOWN: frozenset({_B.UNKNOWN, _B.ACCEPTED, _B.DEFERRED, _B.SUBMITTED, _B.CLOSED}),
    _B.CLOSED: frozenset({_B.CLOSED}),
}
_OUTCOMES = frozenset({_R.DELIVERED, _R.SKIPPED, _R.FAILED, _R.REPLIED})
ROW_NEXT: Mapping[RowState, frozenset[RowState]] = {
    _R.PENDING: frozenset({_R.ACCEPTED, _R.DEFERRED, _R.BLOCKED}),
    _R.ACCEPTED: frozenset({_R.DEFERRED, _R.BLOCKED, _R.SENT, _R.REJECTED, _R.UNKNOWN}),
    _R.DEFERRED: frozenset({_R.DEFERRED, _R.BLOCKED, _R.SENT, _R.REJECTED, _R.UNKNOWN}),
    _R.UNKNOWN: frozenset({_R.SENT, _R.UNRESOLVED}),
    _R.SENT: _OUTCOMES,
    _R.DELIVERED: _OUTCOMES - {_R.DELIVERED},
    _R.SKIPPED: frozenset({_R.FAILED, _R.REPLIED}),
    _R.FAILED: frozenset({_R.REPLIED}),
    _R.REPLIED: frozenset(),
    _R.BLOCKED: frozenset(),
    _R.REJECTED: frozenset(),
    _R.UNRESOLVED: frozenset(),
}
# A row that was certainly not received: its customer is free for others again.
NOT_RECEIVED = frozenset({_R.BLOCKED, _R.REJECTED, _R.SKIPPED, _R.FAILED})
# A row that is still to go needs number and variables; no other row does (I10).
TO_GO = frozenset({_R.PENDING, _R.ACCEPTED, _R.DEFERRED})


# Why a row waits: no reason any more once it has gone.
OUTSIDE_WINDOW, NUMBER_HELD = "outside_window", "number_held"

First = tuple[datetime | None, str | None]  # until and rule of a first answer


@dataclass(frozen=True, slots=True)
class Row:
    """One recipient of a batch, by its place `n` in the request (from 0).

    `until` is the next legal instant of a deferred row, or when a blocked one may be asked
    again. `chunk` names the vendor call the row was claimed for; it is set before that call.
    `first` keeps what the associate was answered when a later look decided otherwise.

    Number, variables and place are there while the row is still to go; after that `customer`
    (their id) and `masked` (the number as it may be shown) stand for them.
    """

    n: int
    phone: Phone | None  # None: not a telephone number, or not needed any more
    variables: tuple[str, ...] = ()
    state: RowState = RowState.PENDING
    reason: str | None = None
    until: datetime | None = None
    rule: str | None = None
    segments: int = 0
    zone: str | None = None
    postal_code: str | None = None
    chunk: str | None = None
    vendor_id: str | None = None
    first: First | None = None
    customer: str | None = None
    masked: str | None = None

    def to(self, state: RowState, **changes: Any) -> Row:
        """The row in its next state. Raises ValueError on a step the table does not allow."""
        if state not in ROW_NEXT[self.state]:
            raise ValueError(f"a row never goes from {self.state} to {state}")
        return replace(self, state=state, **changes)

    def blocked(
        self, reason: str, *, until: datetime | None = None, rule: str | None = None
    ) -> Row:
        return self.to(RowState.BLOCKED, reason=reason, until=until, rule=rule)

    def called_off(self, reason: str) -> Row:
        """The row, taken before, will not go; what was answered then is kept."""
        return self.to(RowState.BLOCKED, reason=reason, until=None, rule=None, chunk=None,
                       first=self.answered)  # fmt: skip

    def put_off(
        self, reason: str | None, *, until: datetime | None, rule: str | None = None
    ) -> Row:
        """The row, taken before, goes later; what was answered then is kept."""
        return self.to(RowState.DEFERRED, reason=reason, until=until, rule=rule, chunk=None,
                       first=self.answered)  # fmt: skip

    @property
    def was_taken(self) -> bool:
        """Was this row accepted or deferred once, whatever became of it later."""
        later = self.chunk is not None or self.first is not None
        return later or self.state is not RowState.BLOCKED

    @property
    def shown(self) -> str | None:
        """The number as it may be shown: country and last two digits."""
        return self.phone.masked if self.phone else self.masked

    def customer_by(self, id_of: Callable[[Phone], str]) -> str | None:
        """Whose row this is; `id_of` names customers by their number. None: nobody's."""
        return id_of(self.phone) if self.phone else self.customer

    def forgotten(self, id_of: Callable[[Phone], str]) -> Row:
        """The row without what only a text still to go needs."""
        if self.state in TO_GO or (self.phone is None and not self.variables):
            return self
        return replace(self, phone=None, variables=(), zone=None, postal_code=None,
                       customer=self.customer_by(id_of), masked=self.shown)  # fmt: skip

    @property
    def answered(self) -> First:
        """`until` and `rule` as they were answered when the row was taken."""
        return self.first or (self.until, self.rule)

    @property
    def reason_stands(self) -> bool:
        """Does `reason` (with `until` and `rule`) say something of how the row stands now: not
        that it once waited for its window, or for its number, when it has gone since."""
        waited = self.reason in (None, OUTSIDE_WINDOW, NUMBER_HELD)
        return not waited or self.state in (RowState.DEFERRED, RowState.BLOCKED)

    def is_due(self, now: datetime) -> bool:
        """May this row be sent at this instant, as far as the batch knows."""
        if self.state is RowState.DEFERRED:
            return self.until is not None and self.until <= now
        return self.state is RowState.ACCEPTED


@dataclass(frozen=True, slots=True)
class Claim:
    """An invocation's right to a batch or an import; a batch's `token` is also the campaign's name
    at the vendor."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """One associate, one template, up to a hundred recipients. `rev` counts its writes."""

    id: str
    pointer: Pointer
    login: str
    banner: str
    template: str
    fingerprint: str
    program: int
    accepted_at: datetime
    day: str  # the store's local date on which it counts
    expires_at: datetime
    state: BatchState = BatchState.ACCEPTING
    rows: tuple[Row, ...] = ()
    claim: Claim | None = None
    due_at: datetime | None = None
    remaining: int = 0  # what was left of the day after this batch
    in_line: bool = False  # waits for its turn in the pace: no message is out for it
    turn: int = 0  # seconds it stands back at an opening: one for each batch before it that day
    owed: int = 0  # quota taken beyond the rows accepted, to be given back
    sent_at: datetime | None = None  # when the vendor last took texts of it
    campaigns: Mapping[str, str] = field(default_factory=dict)  # chunk -> vendor's campaign id
    rev: int = 0

    def to(self, state: BatchState, **changes: Any) -> Batch:
        """The batch in its next state. Raises ValueError on a step the table does not allow."""
        if state not in BATCH_NEXT[self.state]:
            raise ValueError(f"a batch never goes from {self.state} to {state}")
        if state not in (BatchState.ACCEPTED, BatchState.DEFERRED):
            changes["in_line"] = False  # only what has not been sent waits for its turn
        return replace(self, state=state, **changes)

    def with_rows(self, changed: Iterable[Row]) -> Batch:
        """The same batch with these rows in place of their namesakes."""
        new = {row.n: row for row in changed}
        return replace(self, rows=tuple(new.get(row.n, row) for row in self.rows))

    def forgotten(self, id_of: Callable[[Phone], str]) -> Batch:
        """The batch as it is stored: numbers and variables only where a text is still to go."""
        return replace(self, rows=tuple(row.forgotten(id_of) for row in self.rows))

    def due_rows(self, now: datetime) -> list[Row]:
        """Rows that may be sent now, in the order the associate wrote them."""
        return [row for row in self.rows if row.is_due(now)]

    def ready_since(self, now: datetime) -> datetime | None:
        """Since when the oldest of its texts could have gone; None: none may go yet."""
        waits = [max(self.accepted_at, row.until or self.accepted_at) for row in self.due_rows(now)]
        return min(waits, default=None)

    @property
    def line(self) -> str:
        """Which line of the `due` index it stands in."""
        return "SEND" if self.in_line else "DUE"

    def place(self, now: datetime) -> datetime:
        """Where it stands in the line of texts that may go: since when, and in whose turn."""
        return (self.ready_since(now) or now) + timedelta(seconds=self.turn)

    def opens_at(self) -> datetime | None:
        """When its earliest deferred row has its turn."""
        until = self.next_until()
        return None if until is None else until + timedelta(seconds=self.turn)

    def next_until(self) -> datetime | None:
        """When the earliest deferred row may be sent."""
        waiting = [r.until for r in self.rows if r.state is RowState.DEFERRED and r.until]
        return min(waiting, default=None)

    def has(self, *states: RowState) -> bool:
        return any(row.state in states for row in self.rows)

    def count(self, *states: RowState) -> int:
        return sum(row.state in states for row in self.rows)

    def can_be_claimed(self, now: datetime) -> bool:
        """Accepted, or deferred and due; a claimed batch is never claimed over (I4)."""
        if self.state is BatchState.DEFERRED:
            opening = self.next_until()
            return opening is not None and opening <= now
        return self.state is BatchState.ACCEPTED


def batch_id(pointer: Pointer, *, key: str) -> str:
    """The batch an Idempotency-Key of this associate always means. Shape: `b` + 23 hex digits."""
    seed = "\x1f".join((pointer.account, pointer.agent_id, key))
    return "b" + hashlib.sha256(seed.encode()).hexdigest()[:23]


def in_turn(batches: Sequence[Batch]) -> list[Batch]:
    """Order work so that nobody's tenth batch goes before another's first.

    Each associate's batches keep their own order (oldest due first); the queue takes everybody's
    first, then everybody's second, and so on.
    """
    oldest_first = sorted(batches, key=lambda b: (b.due_at or b.accepted_at, b.accepted_at, b.id))
    seen: dict[tuple[str, str], int] = {}
    ranked: list[tuple[int, int, Batch]] = []
    for place, batch in enumerate(oldest_first):
        who = (batch.pointer.account, batch.pointer.agent_id)
        seen[who] = seen.get(who, 0) + 1
        ranked.append((seen[who], place, batch))
    return [batch for _, _, batch in sorted(ranked, key=lambda entry: entry[:2])]
