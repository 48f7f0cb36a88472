"""Erasing a customer on request: every personal field goes, what blocks and what proves stays (I10).

The block comes first: from the first write on nobody can text this customer, and no queued row can
be held for them. Then the words of the ledger, the rows still to go, the conversations. The first
write also leaves the customer due, so that the sweep finishes what stopped in between, waits for
batches that somebody is just working on, and looks once more for what was under way meanwhile.
Every step, done again, changes nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .batch import TO_GO, Batch, BatchState, RowState
from .errors import BadInputError, UnavailableError
from .model import Phone, from_iso, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .adapters.batches import Batches
    from .adapters.customers import Customers
    from .adapters.erasures import Erasures
    from .consent import Customer, Erasing

# Longer than any function lives and than an index lags: what began before has ended by then.
LOOK_AGAIN = timedelta(minutes=5)
_TRIES = 3
# Somebody holds the batch: a write now would be taken for a lost claim. It ends by itself.
_IN_HAND = (BatchState.ACCEPTING, BatchState.CLAIMED)


@dataclass(frozen=True, slots=True)
class Means:
    """What erasing works with."""

    customers: Customers
    batches: Batches
    erasures: Erasures


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done. `waiting`: batches in somebody's hands, looked at again by the sweep;
    `conversations`: (account, id) of all there were, which LivePerson has to erase as well."""

    customer: str
    erased_at: datetime
    entries: int
    texts: int
    waiting: tuple[str, ...]
    conversations: tuple[tuple[str, str], ...]


def erase(phone: Phone, *, reason: str, who: str, means: Means, now: datetime) -> Erased:
    """Erase whoever has this number, known or not; `who` asks, for `reason`.

    Raises BadInputError `reason_names_number` and UnavailableError: ask again, the rest is done then.
    """
    if _names(reason, phone):
        raise BadInputError("the reason is kept and must not name the number",
                            code="reason_names_number")  # fmt: skip
    now = from_iso(iso(now))  # as exact as it will be stored
    customer = means.customers.id_of(phone)
    known = means.erasures.begin(customer, reason=reason, who=who, now=now, due_at=now + LOOK_AGAIN)
    if known.erasing is None:
        raise UnavailableError("the customer keeps changing", code="customer_contended")
    return _clean(known, known.erasing, means=means, now=now)


def go_on(key: tuple[str, str], *, means: Means, now: datetime) -> bool:
    """What the sweep does with a customer who is due: clean once more, end if nothing is left.

    `key` is (pk, sk) from the `due` index. True: this ended the erasure.
    """
    known = means.erasures.get(key[0].removeprefix("CUSTOMER#"))
    if known is None or known.erasing is None or now < known.erasing.at + LOOK_AGAIN:
        return False
    if _clean(known, known.erasing, means=means, now=now).waiting:
        means.erasures.look_again(known, due_at=now + LOOK_AGAIN)
        return False
    return means.erasures.end(known)


def _names(reason: str, phone: Phone) -> bool:
    """Whether these words hold the number, with its country's code or without, in any digits."""
    digits = "".join(str(unicodedata.digit(c)) for c in reason if c.isdigit())
    code = 1 if phone.is_north_american else 3  # the longest there is
    return phone.digits[min(code, len(phone.digits) - 6) :] in digits


def _clean(known: Customer, erasing: Erasing, *, means: Means, now: datetime) -> Erased:
    entries = means.erasures.empty_ledger(known.id)
    texts, waiting = 0, []
    for batch in _stored(erasing.batches, means.batches):
        done = _block(batch, known.id, means=means, now=now)
        if done is None:
            waiting.append(batch.id)
        else:
            texts += done
    talks = [item for item in means.erasures.conversations(known.id)
             if from_iso(item["created_at"]) <= erasing.at]  # fmt: skip
    for item in talks:
        means.erasures.empty_conversation(item)
    return Erased(
        known.id, known.erased_at or erasing.at, entries, texts, tuple(waiting),
        tuple((item["account"], item["conversation"]) for item in talks),
    )  # fmt: skip


def _stored(ids: tuple[str, ...], batches: Batches) -> Iterator[Batch]:
    """The batches that are still there. One that is there and cannot be read is an error: it may
    hold the number."""
    found = batches.get_many(ids) if ids else {}
    for batch_id in ids:
        batch = found.get(batch_id) or batches.get(batch_id)
        if batch is not None:
            yield batch


def _block(batch: Batch, customer: str, *, means: Means, now: datetime) -> int | None:
    """Rows of this customer that will not go any more. None: somebody has the batch in hand."""
    current: Batch | None = batch
    for _ in range(_TRIES):
        if current is None:
            return 0
        without, rows = blocked(current, customer=customer, id_of=means.customers.id_of, now=now)
        if not rows:
            return 0
        if current.state in _IN_HAND:
            return None
        if means.batches.save(without) is not None:
            return rows
        current = means.batches.get(batch.id)
    return None


def blocked(
    batch: Batch, *, customer: str, id_of: Callable[[Phone], str], now: datetime
) -> tuple[Batch, int]:
    """The batch with this customer's rows blocked as `erased` where they were still to go, and how
    many those are. Associate and store see what they were first answered, as before."""
    mine = [row for row in batch.rows
            if row.state in TO_GO and row.customer_by(id_of) == customer]  # fmt: skip
    after = batch.with_rows(
        row.to(RowState.BLOCKED, reason="erased", until=None, rule=None, chunk=None,
               first=row.answered)
        for row in mine
    )  # fmt: skip
    if batch.state not in (BatchState.ACCEPTED, BatchState.DEFERRED) or not mine:
        return after, len(mine)
    if after.has(RowState.ACCEPTED):
        return after, len(mine)
    if after.has(RowState.DEFERRED):
        return after.to(BatchState.DEFERRED, due_at=after.opens_at(), in_line=True), len(mine)
    return after.to(BatchState.SUBMITTED, due_at=now), len(mine)  # the sweep closes it
