"""Taking a batch: every recipient gets a verdict, and what was accepted cannot be lost.

The order of writes is the recovery plan. The batch comes first, in state `accepting`; then room
in the associate's day; then each customer; then the batch with its verdicts; then what was taken
too much; then the queue. Whoever stops in between, the same request or the sweep does the rest:
each step, done again for the same batch, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .batch import KEPT, TO_GO, Batch, BatchState, Row, RowState, batch_id
from .consent import Blocked, Customer
from .errors import BadInputError, KeyReusedError, UnavailableError
from .first_text import first_reason
from .model import Phone, as_stored, fingerprint
from .outreach import (
    Asker,
    Recipient,
    Verdict,
    asker_of,
    find_template,
    judge,
    next_day,
    read_rows,
)
from .program import Program

if TYPE_CHECKING:
    from .adapters.batches import Batches
    from .adapters.customers import Customers
    from .adapters.queues import Queues
    from .adapters.stores import Stores

# How long an accept may take before the sweep finishes it; also when a lost queue message shows.
OVERDUE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Desk:
    """What accepting works with."""

    program: Program
    version: int
    batches: Batches
    customers: Customers
    queues: Queues


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch as it stands, and whether this call is the one that decided it."""

    batch: Batch
    fresh: bool


def accept(
    asker: Asker, *, template: str, recipients: Sequence[Recipient], key: str, desk: Desk,
    now: datetime,
) -> Taken:  # fmt: skip
    """Take a batch once per `key` (the caller's Idempotency-Key); again = the same answer.

    Raises BadInputError (`batch_empty`, `batch_too_large`, `unknown_template`) and ConflictError
    `idempotency_key_reused` when the key came with another body before.
    """
    limit = asker.banner.outreach.recipients_per_batch
    plain = [_plain(recipient) for recipient in recipients]
    body = desk.customers.sealed(fingerprint([template, plain]))
    batch = _new_batch(asker, template=template, key=key, body=body, desk=desk, now=now)
    stored = desk.batches.get(batch.id)
    if stored is None or stored.expires_at < now:
        if not recipients:
            raise BadInputError("a batch has at least one recipient", code="batch_empty")
        if len(recipients) > limit:
            raise BadInputError(f"at most {limit} recipients a batch", code="batch_too_large")
        found = find_template(template, asker=asker, program=desk.program)
        rows = read_rows(recipients, banner=asker.banner, template=found)
        batch = replace(batch, rows=rows)
        stored = desk.batches.create(batch, now=now)
    if stored is None:
        return finish(batch, asker=asker, desk=desk, now=now, again=False)
    if stored.fingerprint != body:
        raise KeyReusedError
    if stored.state is BatchState.ACCEPTING:
        return finish(stored, asker=asker, desk=desk, now=now, again=True)
    return Taken(stored, fresh=False)


def resume(batch: Batch, *, desk: Desk, stores: Stores, now: datetime) -> Taken:
    """Finish an accept that stopped on the way, from the stored rows alone."""
    asker = asker_of(batch.pointer, banner=batch.banner, program=desk.program, stores=stores)
    return finish(batch, asker=asker, desk=desk, now=now, again=True)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A row that may go, now or later, with the customer as just read."""

    row: Row
    verdict: Verdict
    phone: Phone
    id: str
    known: Customer | None


def finish(
    batch: Batch, *, asker: Asker | Verdict, desk: Desk, now: datetime, again: bool
) -> Taken:
    """Decide every pending row, reserve, store the verdicts, queue. Same batch, same end."""
    rows = list(batch.rows)
    if isinstance(asker, Verdict):
        wanted, limit = [], 0
        _block_pending(rows, reason=asker.reason or "unknown_associate")
    else:
        wanted = _judge_all(rows, batch, asker=asker, desk=desk, now=now)
        limit = asker.banner.outreach.per_associate_day
    taken, used = 0, 0
    if wanted or again:
        taken, used = desk.batches.take_quota(batch, wanted=len(wanted), limit=limit, now=now)
    else:
        used = desk.batches.quota_used(batch.pointer, day=batch.day)
    if isinstance(asker, Asker):
        _reserve_all(rows, wanted, taken=taken, batch=batch, asker=asker, desk=desk, now=now)
    kept = sum(row.state in (RowState.ACCEPTED, RowState.DEFERRED) for row in rows)
    owed = taken - kept
    turn = 0
    if isinstance(asker, Asker):
        turn = min(59, max(0, used - taken) // asker.banner.outreach.recipients_per_batch)
    decided = _decided(replace(batch, rows=tuple(rows), owed=owed, turn=turn,
                               remaining=max(0, limit - used + owed)))  # fmt: skip
    saved = desk.batches.save(decided)
    if saved is None:
        saved = _whoever_was_faster(batch.id, desk=desk)
        _free_leftovers(saved, batch.rows, desk=desk, now=now)
        kept = sum(row.was_taken for row in saved.rows)
        if taken > kept:  # given back whole by the faster one, and then taken anew by this call
            desk.batches.give_back_quota(saved, taken=taken, kept=kept)
        return Taken(saved, fresh=False)
    if again:
        _free_leftovers(saved, batch.rows, desk=desk, now=now)
    if owed:
        desk.batches.give_back_quota(saved, taken=taken, kept=kept)
    if saved.state is BatchState.ACCEPTED:
        _queue(saved, desk=desk)
    return Taken(saved, fresh=True)


def _judge_all(
    rows: list[Row], batch: Batch, *, asker: Asker, desk: Desk, now: datetime
) -> list[_Wanted]:
    """Block in place what is not allowed; answer the rest with their verdicts, in order."""
    template = desk.program.template(batch.template, asker.banner)
    if template is None:
        _block_pending(rows, reason="unknown_template")
        return []
    pending = [(row, row.phone, desk.customers.id_of(row.phone)) for row in rows
               if row.state is RowState.PENDING and row.phone is not None]  # fmt: skip
    known = desk.customers.get_many([customer for _, _, customer in pending]) if pending else {}
    wanted = []
    for row, phone, customer in pending:
        verdict = judge(row, customer=known.get(customer), asker=asker, purpose=template.purpose,
                        program=desk.program, now=now)  # fmt: skip
        if verdict.allowed or verdict.defers:
            early = first_reason(known.get(customer), template=template, banner=batch.banner,
                                 batch=batch.id, now=now)  # fmt: skip
            if early is not None:
                rows[row.n] = row.blocked(early)
                continue
            wanted.append(_Wanted(row, verdict, phone, customer, known.get(customer)))
        else:
            rows[row.n] = row.blocked(verdict.reason or "", until=verdict.until, rule=verdict.rule)
    return wanted


def _block_pending(rows: list[Row], *, reason: str) -> None:
    for row in rows:
        if row.state is RowState.PENDING:
            rows[row.n] = row.blocked(reason)


def _reserve_all(
    rows: list[Row], wanted: Sequence[_Wanted], *, taken: int, batch: Batch, asker: Asker,
    desk: Desk, now: datetime,
) -> None:  # fmt: skip
    """Reserve customers in order until the day's share is used; the rest meets the limit."""
    left = taken
    for want in wanted:
        row, verdict = want.row, want.verdict
        if left == 0:
            rows[row.n] = row.blocked("daily_limit", until=next_day(asker, day=batch.day))
            continue
        template = find_template(batch.template, asker=asker, program=desk.program)
        answer = desk.customers.reserve(
            want.id, known=want.known, phone=want.phone, banner=batch.banner,
            pointer=batch.pointer, batch=batch.id, purpose=template.purpose,
            program=desk.program, now=now, due=verdict.until if verdict.defers else None,
        )  # fmt: skip
        if isinstance(answer, Blocked):
            rows[row.n] = row.blocked(answer.reason, until=answer.until)
            continue
        left -= 1
        rows[row.n] = row.to(RowState.ACCEPTED)
        if verdict.defers:
            rows[row.n] = row.to(RowState.DEFERRED, reason=verdict.reason, until=verdict.until,
                                 rule=verdict.rule)  # fmt: skip


def _decided(batch: Batch) -> Batch:
    if batch.has(RowState.ACCEPTED):
        return batch.to(BatchState.ACCEPTED)
    if batch.has(RowState.DEFERRED):
        return batch.to(BatchState.DEFERRED, due_at=batch.opens_at(), in_line=True)
    # With quota still to be given back the batch stays due: the sweep makes sure of it.
    return batch.to(BatchState.CLOSED, due_at=batch.due_at if batch.owed else None)


def _free_leftovers(stored: Batch, rows: Sequence[Row], *, desk: Desk, now: datetime) -> None:
    """Release customers an interrupted or overtaken accept may have reserved for rows that did not go."""
    for row in rows:
        customer = row.customer_by(desk.customers.id_of)
        if row.state in TO_GO and customer and stored.rows[row.n].state is RowState.BLOCKED:
            desk.customers.release(customer, batch=stored.id, now=now)


def _whoever_was_faster(batch_id_: str, *, desk: Desk) -> Batch:
    stored = desk.batches.get(batch_id_)
    if stored is None or stored.state is BatchState.ACCEPTING:
        raise UnavailableError("the batch changed while it was being taken")
    return stored


def _queue(batch: Batch, *, desk: Desk) -> None:
    """Say that it can go. A queue that does not answer is no loss: the sweep finds the batch."""
    banner = desk.program.banner(batch.banner)
    linger = banner.outreach.linger_s if banner else 0
    try:
        desk.queues.batch_ready(batch.id, delay_s=linger)
    except UnavailableError:
        return


def _new_batch(
    asker: Asker, *, template: str, key: str, body: str, desk: Desk, now: datetime
) -> Batch:
    at = as_stored(now)
    linger = timedelta(seconds=asker.banner.outreach.linger_s)
    return Batch(
        id=batch_id(asker.pointer, key=key), pointer=asker.pointer, login=asker.associate.login,
        banner=asker.banner.name, template=template, fingerprint=body, program=desk.version,
        accepted_at=at, day=asker.day(now), expires_at=at + KEPT, due_at=at + OVERDUE + linger,
    )  # fmt: skip


def _plain(recipient: Recipient) -> list[object]:
    return [recipient.phone, list(recipient.variables), recipient.zone, recipient.postal_code]
