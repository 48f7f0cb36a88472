"""The second look, right before the call: what was allowed when it was asked may not be now.

Everything is judged again on customers read after the claim: consent and opt-out (I1, I9), stop
switches, the associate, the window (I2), and whether the customer is still held for this batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .batch import Batch, Row, RowState
from .consent import Customer, cap_until
from .outreach import Asker, Verdict, asker_of, judge, still_holds
from .outreach_chunks import going

if TYPE_CHECKING:
    from .outreach_send import Means


def customers_of(batches: Sequence[Batch], *, means: Means) -> dict[str, Customer]:
    phones = [row.phone for batch in batches for row in going(batch) if row.phone]
    return means.customers.get_many([means.customers.id_of(p) for p in phones]) if phones else {}


def look_again(batch: Batch, customers: Mapping[str, Customer], *, means: Means) -> Batch:
    """Every going row judged once more, as of this instant."""
    asker = asker_of(batch.pointer, banner=batch.banner, program=means.program,
                     stores=means.stores)  # fmt: skip
    return batch.with_rows(
        _recheck(row, batch, asker, customers.get(means.customers.id_of(row.phone)), means=means)
        for row in going(batch) if row.phone is not None
    )  # fmt: skip


def _recheck(
    row: Row, batch: Batch, asker: Asker | Verdict, customer: Customer | None, *, means: Means
) -> Row:
    verdict = asker if isinstance(asker, Verdict) else _judge(row, batch, asker, customer, means)
    if verdict.defers:
        return row.to(RowState.DEFERRED, chunk=None, reason=verdict.reason, until=verdict.until,
                      rule=verdict.rule, first=row.answered)  # fmt: skip
    if not verdict.allowed:
        return row.to(RowState.BLOCKED, reason=verdict.reason, until=verdict.until,
                      rule=verdict.rule, first=row.answered)  # fmt: skip
    return row


def _judge(
    row: Row, batch: Batch, asker: Asker, customer: Customer | None, means: Means
) -> Verdict:
    template, now = means.program.template(batch.template, asker.banner), means.now()
    if template is None:
        return Verdict("unknown_template")
    verdict = judge(row, customer=customer, asker=asker, purpose=template.purpose,
                    program=means.program, now=now)  # fmt: skip
    holds = still_holds(customer, pointer=batch.pointer, banner=batch.banner, batch=batch.id,
                        now=now)  # fmt: skip
    if not verdict.allowed:
        return verdict
    if customer is None or not holds:
        return Verdict("lease_lost")
    # A text that went later than it was counted for meets others than those it was counted with.
    full = cap_until(customer, batch=batch.id, limits=asker.banner.outreach, at=now)
    return verdict if full is None else Verdict("customer_cap", until=full)
