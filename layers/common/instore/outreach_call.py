"""The call of a chunk and what is written of it: certainly gone, certainly not, or unknown (I4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from .batch import NOT_RECEIVED, Batch, Row, RowState
from .campaign import Campaign
from .delivery import was_not_processed
from .errors import BadInputError, UnavailableError, VendorError, VendorThrottledError
from .model import Phone
from .outreach_chunks import Route, answered, going, put_back, refused, settled

if TYPE_CHECKING:
    from .outreach_send import Means, Tally

AT_LEAST_S = 1.0  # LivePerson asks for that much after every 429


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows after a call; `again`: certainly nothing was done and the same call may be repeated.
    `wait_s`: before the vendor is called again; `stands_back`: the trouble is this call's own."""

    rows: list[Row]
    again: bool = False
    campaign_id: str | None = None
    wait_s: float = 0.0
    stands_back: bool = False


def call(route: Route, rows: Sequence[Row], *, token: str, means: Means, tally: Tally) -> Outcome:
    """One campaign, once."""
    try:
        campaign = Campaign(
            name=f"instore-{token}", skill=route.banner.campaign_skill,
            template_id=route.template.id, outbound=Phone(route.banner.number.outbound),
            recipients=tuple((row.phone, row.variables) for row in rows if row.phone is not None),
        )  # fmt: skip
    except BadInputError:
        # Our own mistake and not the vendor's word: no text is lost for it. The record comes
        # again, and with the cause unmended ends where people look.
        return Outcome(put_back(rows), again=True, stands_back=True)
    try:
        result = means.liveperson.start_campaign(means.program.owner, campaign=campaign)
    except VendorThrottledError as error:
        tally.vendor_failed += 1
        wait_s = max(AT_LEAST_S, error.retry_after or 0.0)
        return Outcome(put_back(rows), again=True, wait_s=wait_s)
    except VendorError as error:
        tally.vendor_failed += 1
        if was_not_processed(error):
            return Outcome(put_back(rows), again=True)
        return Outcome(refused(rows, error))
    except UnavailableError:
        tally.vendor_failed += 1  # the account's keys could not be read: nothing was sent
        return Outcome(put_back(rows), again=True)
    return Outcome(answered(rows, accepted=result.accepted, failed=result.failed),
                    campaign_id=result.campaign_id)  # fmt: skip


def give_back(batches: Sequence[Batch], *, means: Means, tally: Tally) -> list[str]:
    """End claims of which nothing came; the ids of batches whose records must come again."""
    back = [b.with_rows(put_back(going(b))) for b in batches]
    return outside_line(settle_all(back, means=means, tally=tally))


def outside_line(batches: Sequence[Batch]) -> list[str]:
    """Ids of those not in the line. What stands there is let go of by the sweep: its record, too,
    would only make two messages of one, and so every minute for as long as the vendor is away."""
    return [batch.id for batch in batches if not batch.in_line]


def settle_all(
    batches: Sequence[Batch], *, means: Means, tally: Tally, not_before: datetime | None = None
) -> list[Batch]:  # fmt: skip
    """Store what came of these claims; the batches as they stand now, or stood where that could
    not be written. What is left of them is not due before `not_before`."""
    after = []
    for batch in batches:
        token = batch.claim.token if batch.claim else None
        mine = [row for row in batch.rows if row.chunk == token]
        done = settled(batch, now=means.now())
        if not_before is not None:
            done = replace(done, due_at=max(done.due_at or not_before, not_before))
        try:
            saved = means.batches.save(done)
        except UnavailableError:
            saved = None
        after.append(saved or batch)
        if saved is None:
            tally.unsettled += 1  # its claim runs out and the sweep asks the vendor
            continue
        _count(mine, batch, tally=tally)
        _let_go(mine, batch, means=means)
    return after


def _let_go(rows: Sequence[Row], batch: Batch, *, means: Means) -> None:
    """Free the customers of rows that certainly did not go. The sweep makes sure of it."""
    for row in rows:
        customer = row.customer_by(means.customers.id_of)
        if row.state in NOT_RECEIVED and customer is not None:
            try:
                means.customers.release(customer, batch=batch.id, now=means.now())
            except UnavailableError:
                return


def _count(rows: Sequence[Row], batch: Batch, *, tally: Tally) -> None:
    states = [row.state for row in rows]
    tally.submitted += states.count(RowState.SENT)
    tally.rejected += states.count(RowState.REJECTED)
    tally.unknown += states.count(RowState.UNKNOWN)
    tally.blocked += states.count(RowState.BLOCKED)
    tally.deferred += batch.count(RowState.DEFERRED)
