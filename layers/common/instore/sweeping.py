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
from .delivery import Report, is_open, take_reports
from .errors import InstoreError, UnavailableError, VendorError
from .number_health import look_at_call, look_at_numbers
from .outreach_accept import Desk, resume
from .outreach_chunks import CLAIM_FOR, LOOK_AFTER, REPORTED_AFTER, going, settled
from .reconciling import Inquiry, look_up

if TYPE_CHECKING:
    from .adapters.liveperson import LivePerson
    from .adapters.number_health import NumberHealth
    from .adapters.stores import Stores

SHARDS = 10
A_TIME = 50
SPARE_S = 10.0
REDRIVE_EVERY = timedelta(minutes=5)
ASK_AGAIN = timedelta(minutes=5)
SECOND_LOOK = timedelta(minutes=60)
LAST_LOOK = timedelta(minutes=30)  # outbound reporting is 20 minutes late, its carriers a few more
NUMBERS_AT = 7  # numbers are looked at in this minute of every ten
GIVE_UP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Broom:
    """What sweeping works with. `conversation` settles a due conversation (notify.resume),
    `customer` goes on with an erasure (erasing.go_on); both name the metrics to count."""

    desk: Desk
    stores: Stores
    numbers: NumberHealth
    liveperson: LivePerson
    conversation: Callable[[tuple[str, str]], Iterable[str]]
    customer: Callable[[tuple[str, str]], Iterable[str]]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]


@dataclass(slots=True)
class Swept:
    """What a sweep did: metric name -> count, age of the oldest due work, items that failed,
    batches with texts left to a person, banners whose number was held."""

    counts: dict[str, int] = field(default_factory=dict)
    oldest_s: float = 0.0
    failed: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def add(self, name: str, count: int = 1) -> None:
        if count:
            self.counts[name] = self.counts.get(name, 0) + count


def sweep(broom: Broom) -> Swept:
    """Go through the due work, fairly, until there is none or the time is short.

    An item that fails or cannot be read is left due, noted, and does not stop the others.
    """
    swept = Swept()
    seen: set[tuple[str, str]] = set()
    inquiry = Inquiry(broom.liveperson, broom.desk.program.owner, broom.sleep)
    if broom.now().minute % 10 == NUMBERS_AT:
        _guarded(partial(_look_at_numbers, broom, swept), "numbers", swept)
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
        for batch in in_turn(list(batches.values())):
            if broom.remaining() <= SPARE_S:
                return swept
            _guarded(partial(_sweep_batch, batch, broom, inquiry, swept), batch.id, swept)
        for key in keys:
            step = _OTHERS.get(key[0].split("#", 1)[0])
            if step is not None and broom.remaining() > SPARE_S:
                _guarded(partial(step, key, broom, swept), key[0], swept)
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


def _sweep_customer(key: tuple[str, str], broom: Broom, swept: Swept) -> None:
    for metric in broom.customer(key):
        swept.add(metric)


_OTHERS = {"CONVERSATION": _sweep_conversation, "CUSTOMER": _sweep_customer}


def _sweep_batch(batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept) -> None:
    now = broom.now()
    if batch.due_at is None or batch.due_at > now:
        return  # somebody else was faster
    match batch.state:
        case BatchState.ACCEPTING:
            resume(batch, desk=broom.desk, stores=broom.stores, now=now)
            swept.add("Redriven")
        case BatchState.ACCEPTED | BatchState.DEFERRED:
            newest = _so_far(batch, inquiry, swept, now=now)
            _queue_again(newest, broom, swept, now=now, news=newest != batch)
        case BatchState.CLAIMED:
            _expire_claim(batch, broom, swept, now=now)
        case BatchState.UNKNOWN:
            _clear_up(batch, broom, inquiry, swept, now=now)
        case BatchState.SUBMITTED | BatchState.CLOSED:
            _finish(batch, broom, inquiry, swept, now=now)


def _queue_again(batch: Batch, broom: Broom, swept: Swept, *, now: datetime, news: bool) -> None:
    """A deferred batch whose time has come, or an accepted one whose message was lost.

    The queue first, then the clock: stopped in between, the worst is a second message, which
    finds the batch claimed. News of texts that went is stored before: who sends the rest reads it.
    """
    saved: Batch | None = batch
    if news:
        saved = broom.desk.batches.save(batch.to(batch.state))
    if saved is None:
        return
    broom.desk.queues.batch_ready(batch.id)
    broom.desk.batches.save(saved.to(saved.state, due_at=now + REDRIVE_EVERY))
    if batch.state is BatchState.ACCEPTED:
        swept.add("Redriven")


def _so_far(batch: Batch, inquiry: Inquiry, swept: Swept, *, now: datetime) -> Batch:
    """What became of the texts that went, before more of the same batch go."""
    if batch.sent_at is None or now < batch.sent_at + LOOK_AFTER:
        return batch
    if not any(row.state is RowState.SENT and row.vendor_id for row in batch.rows):
        return batch
    reports, _ = _ask(batch, inquiry, swept, late=False)
    return batch.with_rows(take_reports(batch.rows, _joined(reports)))


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
        swept.unresolved.append(batch.id)


def _finish(batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept, *, now: datetime) -> None:
    """A look at what became of the texts; customers of those that did not go are freed.

    Two minutes after the call its listing is asked. Where a text is still on its way then, or
    failed for a reason not told, outbound reporting is asked half an hour after the call; that is
    the last look. A vendor who is busy or away is asked again every five minutes, for an hour.
    """
    sent_at = batch.sent_at or max([batch.accepted_at, *(r.until for r in batch.rows if r.until)])
    late = now >= sent_at + LAST_LOOK
    reports, unanswered = _ask(batch, inquiry, swept, late=late and batch.sent_at is not None)
    if unanswered and batch.state is BatchState.SUBMITTED and now - sent_at < SECOND_LOOK:
        broom.desk.batches.save(replace(batch, due_at=now + ASK_AGAIN))
        return
    batch = batch.with_rows(take_reports(batch.rows, _joined(reports)))
    for told in reports:
        _look_at_call(told, batch, broom, swept, sent_at=sent_at, now=now)
    desk = broom.desk
    for row in batch.rows:
        customer = row.customer_by(desk.customers.id_of)
        if row.chunk and customer is not None and row.state in NOT_RECEIVED:
            desk.customers.release(customer, batch=batch.id, now=now)
    if batch.owed:
        kept = sum(row.was_taken for row in batch.rows)
        desk.batches.give_back_quota(batch, taken=kept + batch.owed, kept=kept)
    batch = replace(batch, owed=0)
    if not late and batch.sent_at is not None and any(is_open(row) for row in batch.rows):
        desk.batches.save(replace(batch, due_at=sent_at + LAST_LOOK))
    else:
        desk.batches.save(replace(batch.to(BatchState.CLOSED), due_at=None))


def _ask(
    batch: Batch, inquiry: Inquiry, swept: Swept, *, late: bool
) -> tuple[list[dict[str, Report]], bool]:
    """What is said of each call of a batch, and whether one that may answer later did not."""
    reports, unanswered = [], False
    for campaign_id in batch.campaigns.values():
        try:
            reports.append(inquiry.reports(campaign_id, late=late))
        except VendorError as error:
            swept.add("VendorFailed")
            unanswered = unanswered or error.retryable
    return reports, unanswered


def _joined(reports: Iterable[dict[str, Report]]) -> dict[str, Report]:
    return {text_id: report for told in reports for text_id, report in told.items()}


def _look_at_call(
    told: dict[str, Report], batch: Batch, broom: Broom, swept: Swept, *, sent_at: datetime,
    now: datetime,
) -> None:  # fmt: skip
    program = broom.desk.program
    banner = program.banner(batch.banner)
    if banner is not None and look_at_call(
        told, number=banner.number.outbound, sent_at=sent_at, program=program,
        numbers=broom.numbers, now=now,
    ):  # fmt: skip
        _note_held(banner.number.outbound, broom, swept)


def _look_at_numbers(broom: Broom, swept: Swept) -> None:
    for number in look_at_numbers(program=broom.desk.program, numbers=broom.numbers,
                                  liveperson=broom.liveperson, now=broom.now()):  # fmt: skip
        _note_held(number, broom, swept)


def _note_held(number: str, broom: Broom, swept: Swept) -> None:
    swept.add("NumberHeld")
    swept.held += [b.name for b in broom.desk.program.banners if b.number.outbound == number]
