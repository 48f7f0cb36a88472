"""Undoing an import: whatever has not gone yet does not go, and nobody stays reserved for it.

First the batch, on the revision read: a sender who was faster keeps it, and it is looked at again
when that is over. Then the customers and the associate's day, each of which may be done again.
What the vendor has, it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING

from .batch import TO_GO, Batch, BatchState, Row
from .outreach_accept import Desk, resume
from .outreach_chunks import settled

if TYPE_CHECKING:
    from .adapters.stores import Stores

REASON = "cancelled"
# When a batch that is at the vendor is looked at again.
LOOK_AGAIN_S = 60
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Undoing:
    """What cancelling works with."""

    desk: Desk
    stores: Stores
    now: Callable[[], datetime]
    remaining: Callable[[], float]


def cancel_batches(batch_ids: Iterable[str], *, undoing: Undoing, spare_s: float) -> int | None:
    """Stop these batches. None: that is done; else the seconds after which the same call may do the
    rest: a batch is at the vendor right now, or the time is short. Unknown ids are batches that
    were never written; those stopped before cost one read."""
    ids, again = iter(batch_ids), None
    while some := list(islice(ids, _AT_ONCE)):
        for batch in undoing.desk.batches.get_many(some).values():
            done = _cancel(batch, undoing=undoing)
            if done is _Done.NOT_NOW:
                again = LOOK_AGAIN_S
            elif done is _Done.NOW and undoing.remaining() < spare_s:
                return 0
    return again


class _Done(Enum):
    NOW = auto()
    BEFORE = auto()
    NOT_NOW = auto()


def _cancel(batch: Batch, *, undoing: Undoing) -> _Done:
    """Stop one batch, and let go of everything it took."""
    desk, now = undoing.desk, undoing.now()
    if batch.state is BatchState.ACCEPTING:  # half taken: taken whole it can be given back whole
        batch = resume(batch, desk=desk, stores=undoing.stores, now=now).batch
    if batch.has(*TO_GO):
        if batch.state is BatchState.CLAIMED:
            return _Done.NOT_NOW
        stopped = desk.batches.save(without_what_is_to_go(batch, now=now))
        if stopped is None:
            return _Done.NOT_NOW
        batch = stopped
    return _let_go(batch, undoing=undoing)


def without_what_is_to_go(batch: Batch, *, now: datetime) -> Batch:
    """The unclaimed batch with every row that is still to go blocked. A batch of which something
    is unknown stays so until that is cleared up."""
    batch = batch.with_rows(row.called_off(REASON) for row in batch.rows if row.state in TO_GO)
    if batch.state is BatchState.UNKNOWN:
        return batch.to(BatchState.UNKNOWN)
    return settled(batch, now=now)


def _let_go(batch: Batch, *, undoing: Undoing) -> _Done:
    """Free the customers of cancelled rows, then give the day back what they took. That the day has
    it is the sign that all was done; until then it is done again, which changes nothing."""
    desk, now = undoing.desk, undoing.now()
    rows: Sequence[Row] = [row for row in batch.rows if row.reason == REASON]
    if not rows:
        return _Done.BEFORE
    taken = sum(row.was_taken for row in batch.rows)
    share, _ = desk.batches.take_quota(batch, wanted=0, limit=0, now=now)
    if share == taken - len(rows):
        return _Done.BEFORE
    for row in rows:
        customer = row.customer_by(desk.customers.id_of)
        if customer is not None:
            desk.customers.release(customer, batch=batch.id, now=now)
    desk.batches.give_back_quota(batch, taken=share, kept=taken - len(rows))
    return _Done.NOW
