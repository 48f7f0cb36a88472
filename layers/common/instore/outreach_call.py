"""The call of a chunk and what is written of it: certainly gone, certainly not, or unknown (I4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .batch import NOT_RECEIVED, Batch, Row, RowState
from .campaign import Campaign
from .delivery import was_not_processed
from .errors import BadInputError, UnavailableError, VendorError
from .model import Phone
from .outreach_chunks import Route, answered, going, put_back, refused, settled

if TYPE_CHECKING:
    from .outreach_send import Means, Tally


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows after a call; `again`: certainly nothing was done and the same call may be repeated."""

    rows: list[Row]
    again: bool = False
    campaign_id: str | None = None


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
        return Outcome(put_back(rows), again=True)
    try:
        result = means.liveperson.start_campaign(means.program.owner, campaign=campaign)
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
    """End claims of which nothing came; the ids of the batches, whose records must come again."""
    settle_all([b.with_rows(put_back(going(b))) for b in batches], means=means, tally=tally)
    return [batch.id for batch in batches]


def settle_all(batches: Sequence[Batch], *, means: Means, tally: Tally) -> None:
    for batch in batches:
        token = batch.claim.token if batch.claim else None
        mine = [row for row in batch.rows if row.chunk == token]
        try:
            saved = means.batches.save(settled(batch, now=means.now()))
        except UnavailableError:
            saved = None
        if saved is None:
            tally.unsettled += 1  # its claim runs out and the sweep asks the vendor
            continue
        _count(mine, batch, tally=tally)
        _let_go(mine, batch, means=means)


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
