"""Every minute: whatever was to happen by now and did not.

Due work is found on the `due` index, ten shards, keys only; each item is read before anything is
done about it, and each step is conditional on what was read, so that sweeps may overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from .batch import NOT_RECEIVED, Batch, BatchState, Row, RowState, in_turn
from .delivery import Report, take_reports
from .errors import InstoreError, UnavailableError, VendorError
from .outreach_accept import Desk, resume
from .outreach_chunks import CLAIM_FOR, REPORTED_AFTER, going, settled
from .reconciling import Inquiry, look_up

if TYPE_CHECKING:
    from .adapters.liveperson import LivePerson
    from .adapters.stores import Stores

SHARDS = 10
A_TIME = 50
SPARE_S = 10.0
REDRIVE_EVERY = timedelta(minutes=5)
ASK_AGAIN = timedelta(minutes=5)
SECOND_LOOK = timedelta(minutes=60)
GIVE_UP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Broom:
    """What sweeping works with. `conversation` settles a due conversation (notify.resume) and
    answers the names of the metrics to count."""

    desk: Desk
    stores: Stores
    liveperson: LivePerson
    conversation: Callable[[tuple[str, str]], Iterable[str]]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]


@dataclass(slots=True)
class Swept:
    """What a sweep did: metric name -> count, age of the oldest due work, items that failed."""

    counts: dict[str, int] = field(default_factory=dict)
    oldest_s: float = 0.0
    failed: list[str] = field(default_factory=list)

    def add(self, name: str, count: int = 1) -> None:
        if count:
            self.counts[name] = self.counts.get(name, 0) + count


def sweep(broom: Broom) -> Swept:
    """Go through the due work, fairly, until there is none or the time is short.

    An item that fails or cannot be read is left due, noted, and does not stop the others.
    """
    swept = Swept()
    seen: set[tuple[str, str]] = set()
    while broom.remaining() > SPARE_S:
        keys = _find_due(broom, swept=swept, seen=seen)
        if not keys:
            break
        seen.update(keys)
        batch_ids = [pk.removeprefix("BATCH#") for pk, _ in keys if pk.startswith("BATCH#")]
        try:
            batches = broom.desk.batches.get_many(batch_ids) if batch_ids else {}
        except UnavailableError:
            swept.failed += batch_ids
            batches = {}
        else:
            swept.failed += [f"{name} unreadable" for name in batch_ids if name not in batches]
        inquiry = Inquiry(broom.liveperson, broom.desk.program.owner, broom.sleep)
        for batch in in_turn(list(batches.values())):
            if broom.remaining() <= SPARE_S:
                return swept
            _guarded(partial(_sweep_batch, batch, broom, inquiry, swept), batch.id, swept)
        for key in keys:
            if key[0].startswith("CONVERSATION#") and broom.remaining() > SPARE_S:
                _guarded(partial(_sweep_conversation, key, broom, swept), key[0], swept)
    return swept


def _find_due(broom: Broom, *, swept: Swept, seen: set[tuple[str, str]]) -> list[tuple[str, str]]:
    now = broom.now()
    found = []
    for shard in range(SHARDS):
        for item in broom.desk.batches.due(now=now, shard=shard, limit=A_TIME + len(seen)):
            key = (item["pk"], item["sk"])
            if key not in seen:
                found.append((int(item["due_at"]), key))
    if found:
        swept.oldest_s = max(swept.oldest_s, now.timestamp() - min(found)[0])
    return [key for _, key in sorted(found)]


def _guarded(step: Callable[[], None], name: str, swept: Swept) -> None:
    """Run one item's step; a failure leaves the item due and is noted, by key and kind alone."""
    try:
        step()
    except InstoreError as error:
        swept.failed.append(f"{name} {error.public_code}")
    except Exception as error:  # noqa: BLE001 - one item nobody foresaw must not stop all others
        swept.failed.append(f"{name} {type(error).__name__}")


def _sweep_conversation(key: tuple[str, str], broom: Broom, swept: Swept) -> None:
    for metric in broom.conversation(key):
        swept.add(metric)


def _sweep_batch(batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept) -> None:
    now = broom.now()
    if batch.due_at is None or batch.due_at > now:
        return  # somebody else was faster
    match batch.state:
        case BatchState.ACCEPTING:
            resume(batch, desk=broom.desk, stores=broom.stores, now=now)
            swept.add("Redriven")
        case BatchState.ACCEPTED | BatchState.DEFERRED:
            _queue_again(batch, broom, swept, now=now)
        case BatchState.CLAIMED:
            _expire_claim(batch, broom, swept, now=now)
        case BatchState.UNKNOWN:
            _clear_up(batch, broom, inquiry, swept, now=now)
        case BatchState.SUBMITTED | BatchState.CLOSED:
            _finish(batch, broom, inquiry, swept, now=now)


def _queue_again(batch: Batch, broom: Broom, swept: Swept, *, now: datetime) -> None:
    """A deferred batch whose time has come, or an accepted one whose message was lost.

    The queue first, then the clock: stopped in between, the worst is a second message, which
    finds the batch claimed.
    """
    broom.desk.queues.batch_ready(batch.id)
    broom.desk.batches.save(batch.to(batch.state, due_at=now + REDRIVE_EVERY))
    if batch.state is BatchState.ACCEPTED:
        swept.add("Redriven")


def _expire_claim(batch: Batch, broom: Broom, swept: Swept, *, now: datetime) -> None:
    """The invocation died between its claim and its settlement: nobody knows how far it came."""
    if batch.claim is None or batch.claim.until > now:
        return
    rows = [row.to(RowState.UNKNOWN) for row in going(batch)]
    asked_at = batch.claim.until - CLAIM_FOR
    unknown = batch.with_rows(rows).to(BatchState.UNKNOWN, due_at=asked_at + REPORTED_AFTER)
    if broom.desk.batches.save(unknown) is not None:
        swept.add("TextsUnknown", len(rows))


def _clear_up(batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept, *, now: datetime) -> None:
    """Ask outbound reporting for the campaign that carries our token; look twice, then give up.

    Found: its rows went. Not found twice: final, for a person to see; the customers' leases run
    out by themselves. The report not answering is no information and ends nothing for a day.
    A call that was answered has left these rows out, and that its campaign exists says nothing
    about them (I12): reports name no numbers, so they are final at once.
    """
    rows = [row for row in batch.rows if row.state is RowState.UNKNOWN]
    token = batch.claim.token if batch.claim else ""
    if token in batch.campaigns:
        _leave_to_a_person(batch, rows, broom, swept, now=now)
        return
    asked_at = batch.claim.until - CLAIM_FOR if batch.claim else batch.accepted_at
    try:
        campaign_id = look_up(f"instore-{token}", asked_at=asked_at, now=now, inquiry=inquiry)
    except VendorError:
        swept.add("VendorFailed")
        if now - asked_at < GIVE_UP:
            broom.desk.batches.save(batch.to(BatchState.UNKNOWN, due_at=now + ASK_AGAIN))
            return
        campaign_id = None
    if campaign_id is not None:
        sent = batch.with_rows([row.to(RowState.SENT) for row in rows])
        campaigns = {**batch.campaigns, token: campaign_id}
        if broom.desk.batches.save(settled(replace(sent, campaigns=campaigns), now=now)):
            swept.add("TextsSubmitted", len(rows))
        return
    if now - asked_at < SECOND_LOOK:
        broom.desk.batches.save(batch.to(BatchState.UNKNOWN, due_at=asked_at + SECOND_LOOK))
        return
    _leave_to_a_person(batch, rows, broom, swept, now=now)


def _leave_to_a_person(
    batch: Batch, rows: Sequence[Row], broom: Broom, swept: Swept, *, now: datetime
) -> None:
    lost = batch.with_rows([row.to(RowState.UNRESOLVED) for row in rows])
    if broom.desk.batches.save(settled(lost, now=now)):
        swept.add("UnknownClosed", len(rows))


def _finish(batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept, *, now: datetime) -> None:
    """One look at what became of the texts; customers of those that did not go are freed.

    A vendor who is busy or away is asked again every five minutes, for an hour.
    """
    reports: dict[str, Report] = {}
    unanswered = False
    for campaign_id in batch.campaigns.values():
        try:
            reports |= inquiry.reports(campaign_id)
        except VendorError as error:
            swept.add("VendorFailed")
            unanswered = unanswered or error.retryable
    sent_by = max([batch.accepted_at, *(row.until for row in batch.rows if row.until)])
    if unanswered and batch.state is BatchState.SUBMITTED and now - sent_by < SECOND_LOOK:
        broom.desk.batches.save(replace(batch, due_at=now + ASK_AGAIN))
        return
    batch = batch.with_rows(take_reports(batch.rows, reports))
    desk = broom.desk
    for row in batch.rows:
        if row.chunk and row.phone is not None and row.state in NOT_RECEIVED:
            desk.customers.release(desk.customers.id_of(row.phone), batch=batch.id, now=now)
    if batch.owed:
        kept = sum(row.was_taken for row in batch.rows)
        desk.batches.give_back_quota(batch, taken=kept + batch.owed, kept=kept)
    desk.batches.save(replace(batch.to(BatchState.CLOSED), due_at=None, owed=0))
