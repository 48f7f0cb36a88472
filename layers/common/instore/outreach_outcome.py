"""What became of texts that went, or may have gone: asked of the vendor, written down, made good.

Steps of the sweep (sweeping.py), each for one batch that is due, each conditional on what was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .batch import NOT_RECEIVED, Batch, BatchState, Row, RowState
from .delivery import Report, is_open, take_reports
from .errors import VendorError
from .number_health import look_at_call
from .outreach_chunks import CLAIM_FOR, LOOK_AFTER, REPORTED_AFTER, going, settled
from .reconciling import NOT_ASKED, Inquiry, look_up

if TYPE_CHECKING:
    from .sweeping import Broom
    from .swept import Swept

ASK_AGAIN = timedelta(minutes=5)
SECOND_LOOK = timedelta(minutes=60)
LAST_LOOK = timedelta(minutes=30)  # outbound reporting is 20 minutes late, its carriers a few more
GIVE_UP = timedelta(hours=24)


def so_far(batch: Batch, inquiry: Inquiry, swept: Swept, *, now: datetime) -> Batch:
    """What became of the texts that went, before more of the same batch go."""
    if batch.sent_at is None or now < batch.sent_at + LOOK_AFTER:
        return batch
    if not any(row.state is RowState.SENT and row.vendor_id for row in batch.rows):
        return batch
    told, _ = _ask(batch, inquiry, swept, late=False)
    return _learned(batch, told)


def expire_claim(batch: Batch, broom: Broom, swept: Swept, *, now: datetime) -> None:
    """The invocation died between its claim and its settlement: nobody knows how far it came."""
    if batch.claim is None or batch.claim.until > now:
        return
    rows = [row.to(RowState.UNKNOWN) for row in going(batch)]
    if not rows:  # the look before the call took them all out: there was none
        broom.desk.batches.save(settled(batch, now=now))
        return
    asked_at = batch.claim.until - CLAIM_FOR
    unknown = batch.with_rows(rows).to(BatchState.UNKNOWN, due_at=asked_at + REPORTED_AFTER)
    if broom.desk.batches.save(unknown) is not None:
        swept.add("TextsUnknown", len(rows))


def clear_up(batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept, *, now: datetime) -> None:
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
    except VendorError as error:
        _note_silence(error, swept)
        if now - asked_at < GIVE_UP:
            broom.desk.batches.save(batch.to(BatchState.UNKNOWN, due_at=now + ASK_AGAIN))
            return
        campaign_id = None
    if campaign_id is not None:
        sent = batch.with_rows([row.to(RowState.SENT) for row in rows])
        campaigns = {**batch.campaigns, token: campaign_id}
        found = settled(replace(sent, campaigns=campaigns), now=now)
        if broom.desk.batches.save(replace(found, sent_at=asked_at)):
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


def finish(batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept, *, now: datetime) -> None:
    """A look at what became of the texts; customers of those that did not go are freed.

    Two minutes after the call its listing is asked. Where a text is still on its way then, or
    failed for a reason not told, outbound reporting is asked half an hour after the call; that is
    the last look. A vendor who is busy or away is asked again every five minutes, for an hour.
    """
    sent_at = batch.sent_at or max([batch.accepted_at, *(r.until for r in batch.rows if r.until)])
    late = now >= sent_at + LAST_LOOK
    told, unanswered = _ask(batch, inquiry, swept, late=late and batch.sent_at is not None)
    if unanswered and batch.state is BatchState.SUBMITTED and now - sent_at < SECOND_LOOK:
        broom.desk.batches.save(replace(batch, due_at=now + ASK_AGAIN))
        return
    batch = _learned(batch, told)
    for token, reports in told.items():
        _look_at_call(token, reports, batch, broom, swept, sent_at=sent_at, now=now)
    desk = broom.desk
    for row in batch.rows:
        customer = row.customer_by(desk.customers.id_of)
        if row.chunk and customer is not None and row.state in NOT_RECEIVED:
            _note_opt_out(row, customer, batch, broom, swept, now=now)
            desk.customers.release(customer, batch=batch.id, now=now)
    if batch.owed:
        kept = sum(row.was_taken for row in batch.rows)
        desk.batches.give_back_quota(batch, taken=kept + batch.owed, kept=kept)
    batch = replace(batch, owed=0)
    if not late and batch.sent_at is not None and any(is_open(row) for row in batch.rows):
        desk.batches.save(replace(batch, due_at=sent_at + LAST_LOOK))
    else:
        desk.batches.save(replace(batch.to(BatchState.CLOSED), due_at=None))


def _note_opt_out(
    row: Row, customer: str, batch: Batch, broom: Broom, swept: Swept, *, now: datetime
) -> None:
    """The carrier or LivePerson says that this customer opted out there: it is our opt-out, too,
    for everything queued and every banner the program says (I9)."""
    if row.state is RowState.BLOCKED or row.reason != "opted_out":
        return
    desk = broom.desk
    if desk.customers.opt_out(
        customer, banner=batch.banner, scope=desk.program.consent.opt_out_scope, how="carrier",
        words="", who="carrier", evidence=f"batch {batch.id}", now=now,
    ):  # fmt: skip
        swept.add("OptedOut")


def _ask(
    batch: Batch, inquiry: Inquiry, swept: Swept, *, late: bool
) -> tuple[dict[str, dict[str, Report]], bool]:
    """What is said of each call of a batch, and whether one that may answer later did not."""
    told, unanswered = {}, False
    for token, campaign_id in batch.campaigns.items():
        try:
            told[token] = inquiry.reports(campaign_id, late=late)
        except VendorError as error:
            _note_silence(error, swept)
            unanswered = unanswered or error.retryable
    return told, unanswered


def _learned(batch: Batch, told: Mapping[str, Mapping[str, Report]]) -> Batch:
    """The batch with what is told of each call, taken by the rows of that call alone."""
    for token, reports in told.items():
        mine = [row for row in batch.rows if row.chunk == token]
        batch = batch.with_rows(take_reports(mine, reports))
    return batch


def _called_at(batch: Batch, token: str, *, sent_at: datetime) -> datetime:
    """When a call was made. Of several only the newest is kept: of each the earliest it can have
    been, so that old evidence never counts as new."""
    if len(batch.campaigns) == 1:
        return sent_at
    waits = [row.until for row in batch.rows if row.chunk == token and row.until]
    return max([batch.accepted_at, *waits])


def _look_at_call(
    token: str, told: Mapping[str, Report], batch: Batch, broom: Broom, swept: Swept, *,
    sent_at: datetime, now: datetime,
) -> None:  # fmt: skip
    program = broom.desk.program
    banner = program.banner(batch.banner)
    if banner is not None and look_at_call(
        told, number=banner.number.outbound, program=program, numbers=broom.numbers, now=now,
        sent_at=_called_at(batch, token, sent_at=sent_at),
    ):  # fmt: skip
        note_held(banner.number.outbound, broom, swept)


def _note_silence(error: VendorError, swept: Swept) -> None:
    """Count a question that failed; one that was not even put is no failure of the vendor."""
    if error.public_code != NOT_ASKED:
        swept.add("VendorFailed")


def note_held(number: str, broom: Broom, swept: Swept) -> None:
    swept.add("NumberHeld")
    swept.held += [b.name for b in broom.desk.program.banners if b.number.outbound == number]
