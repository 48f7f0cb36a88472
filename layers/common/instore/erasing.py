"""Erasing a customer on request: every personal field goes, what blocks and what proves stays (I10).

The block comes first: from the first write on nobody can text this customer, and no queued row can
be reserved for them. Then the words of the ledger, the rows still to go, the conversations. The first
write also leaves the customer due, so that the sweep finishes what stopped in between, waits for
batches that somebody is just working on, and looks once more for what was under way meanwhile.
Every step, done again, changes nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from .batch import TO_GO, Batch, BatchState, RowState
from .errors import BadInputError, UnavailableError
from .model import Email, Phone, as_stored, from_iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .adapters.batches import Batches
    from .adapters.customers import Customers
    from .adapters.erasures import Erasures
    from .consent import Customer, Erasing

# Longer than any function lives and than an index lags: what began before has ended by then.
LOOK_AGAIN = timedelta(minutes=5)
_TRIES = 3
# Somebody has the batch in hand: a write now would be taken for a lost claim. It ends by itself.
_IN_HAND = (BatchState.ACCEPTING, BatchState.CLAIMED)


class Records(Protocol):
    """A kind of items of the SMS line that are about a customer (an adapter of them)."""

    def held(self, customer: str) -> Sequence[Mapping[str, Any]]:
        """The customer's items as they are stored, oldest first."""

    def empty(self, customer: str, *, until: datetime) -> int:
        """Take what is personal from those that began up to `until`, and call off what was still to
        happen; how many had something. Done again, it changes nothing. Raises UnavailableError."""


@dataclass(frozen=True, slots=True)
class Means:
    """What erasing works with. `others`: further records by the name an export gives them."""

    customers: Customers
    batches: Batches
    erasures: Erasures
    others: Mapping[str, Records] = field(default_factory=dict)


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


def erase(
    whose: Phone | Email, *, reason: str, who: str, means: Means, now: datetime
) -> Erased:  # fmt: skip
    """Erase whoever has this number, known or not; `who` asks, for `reason`. By an address, who gave
    no number.

    Raises BadInputError `reason_names_number` and UnavailableError: ask again, the rest is done then.
    """
    if _names(reason, whose):
        raise BadInputError("the reason is kept and must not name the number or address",
                            code="reason_names_number")  # fmt: skip
    now = as_stored(now)
    customer = means.customers.id_of(whose)
    known = means.erasures.begin(customer, reason=reason, who=who, now=now, due_at=now + LOOK_AGAIN)
    if known.erasing is None:
        raise UnavailableError("the customer keeps changing", code="customer_contended")
    return _clean(known, known.erasing, means=means, now=now)


def go_on(key: tuple[str, str], *, means: Means, now: datetime) -> bool:
    """What the sweep does with a customer who is due: clean once more, end if nothing is left.

    `key` is (pk, sk) from the `due` index. True: this ended the erasure.
    """
    known = means.customers.get(key[0].removeprefix("CUSTOMER#"))
    if known is None or known.erasing is None or now < known.erasing.at + LOOK_AGAIN:
        return False
    if _clean(known, known.erasing, means=means, now=now).waiting:
        means.erasures.look_again(known, due_at=now + LOOK_AGAIN)
        return False
    return means.erasures.end(known)


def _names(reason: str, whose: Phone | Email) -> bool:
    """Whether the number is in these words, with its country's code or without, in any digits; or
    the address."""
    if isinstance(whose, Email):
        return whose.folded in reason.lower()
    phone = whose
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
    for records in means.others.values():
        records.empty(known.id, until=erasing.at)
    return Erased(
        known.id, known.erased_at or erasing.at, entries, texts, tuple(waiting),
        tuple((item["account"], item["conversation"]) for item in talks),
    )  # fmt: skip


def _stored(ids: tuple[str, ...], batches: Batches) -> Iterator[Batch]:
    """The batches that are still there. One that is there and cannot be read is an error: it may
    have the number."""
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
    after = batch.with_rows(row.called_off("erased") for row in mine)
    if batch.state not in (BatchState.ACCEPTED, BatchState.DEFERRED) or not mine:
        return after, len(mine)
    if after.has(RowState.ACCEPTED):
        return after, len(mine)
    if after.has(RowState.DEFERRED):
        return after.to(BatchState.DEFERRED, due_at=after.opens_at(), in_line=True), len(mine)
    return after.to(BatchState.SUBMITTED, due_at=now), len(mine)  # the sweep closes it
