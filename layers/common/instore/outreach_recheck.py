"""The second look, right before the call: what was allowed when it was asked may not be now.

Everything is judged again on customers read after the claim: consent and opt-out (I1, I9), stop
switches, the associate, the window (I2), whether the customer is still reserved for this batch, and
what became of the batch's texts so far: one that the carrier filters is not sent to its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from .batch import Batch, Row, RowState
from .consent import Blocked, Customer, cap_until
from .errors import UnavailableError
from .first_text import first_reason, text_reason
from .model import epoch
from .number_health import FILTERED, batch_is_filtered
from .outreach import Asker, Verdict, asker_of, is_reserved, judge
from .outreach_chunks import going
from .text import named_variables

if TYPE_CHECKING:
    from .outreach_send import Means


# A call begins a moment after this look (a token, two addresses) and takes ten seconds at most:
# a text looked at one second before the window closes would reach its handset outside it (I2).
ARRIVES = timedelta(seconds=15)


def customers_of(batches: Sequence[Batch], *, means: Means) -> dict[str, Customer]:
    phones = [row.phone for batch in batches for row in going(batch) if row.phone]
    return means.customers.get_many([means.customers.id_of(p) for p in phones]) if phones else {}


def look_again(batch: Batch, customers: Mapping[str, Customer], *, means: Means) -> Batch:
    """Every going row judged once more, as of this instant."""
    asker = asker_of(batch.pointer, banner=batch.banner, program=means.program,
                     stores=means.stores)  # fmt: skip
    if isinstance(asker, Asker):
        run = asker.banner.outreach.filtering.run
        asker = Verdict(FILTERED) if batch_is_filtered(batch.rows, run=run) else asker
    return batch.with_rows(
        _recheck(row, batch, asker, customers.get(means.customers.id_of(row.phone)), means=means)
        for row in going(batch) if row.phone is not None
    )  # fmt: skip


def write_down(
    claimed: Sequence[Batch], checked: Sequence[Batch], *, means: Means
) -> tuple[list[Batch], list[Batch]]:
    """Store batches that the look took rows out of; the others cost nothing. Answers those that
    may go on, and those that could not be written, as they were claimed.

    Were the process to die after the call, nobody could tell such a row from those that went, and
    a customer who opted out would stand as texted.
    """
    kept, unwritten = [], []
    for before, after in zip(claimed, checked, strict=True):
        if after.rows == before.rows:
            kept.append(after)
            continue
        try:
            stored = means.batches.save(after)
        except UnavailableError:
            unwritten.append(before)
            continue
        if stored is not None:
            kept.append(stored)
    return kept, unwritten


def _recheck(
    row: Row, batch: Batch, asker: Asker | Verdict, customer: Customer | None, *, means: Means
) -> Row:
    verdict = asker if isinstance(asker, Verdict) else _judge(row, batch, asker, customer, means)
    if verdict.defers:
        return row.put_off(verdict.reason, until=verdict.until, rule=verdict.rule)
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
    if verdict.allowed:  # and still when it arrives
        verdict = judge(row, customer=customer, asker=asker, purpose=template.purpose,
                        program=means.program, now=now + ARRIVES)  # fmt: skip
    mine = is_reserved(customer, pointer=batch.pointer, banner=batch.banner, batch=batch.id,
                       now=now)  # fmt: skip
    if not verdict.allowed:
        return verdict
    # The template may have changed since the batch was taken.
    wrong = text_reason(template, variables=named_variables(row.variables), banner=asker.banner)
    wrong = wrong or first_reason(customer, template=template, banner=batch.banner,
                                  batch=batch.id, now=now)  # fmt: skip
    if wrong is not None:
        return Verdict(wrong)
    if customer is None or not (mine or _reserved_anew(row, batch, asker, customer, means=means)):
        return Verdict("lease_lost")
    # A text that went later than it was counted for meets others than those it was counted with.
    full = cap_until(customer, batch=batch.id, limits=asker.banner.outreach, at=now)
    return verdict if full is None else Verdict("customer_cap", until=full)


def _reserved_anew(
    row: Row, batch: Batch, asker: Asker, customer: Customer, *, means: Means
) -> bool:
    """A customer set free because a conversation was closed while the text stood in the line is
    reserved for it again, unless somebody else took them: one conditional write, rarely needed. A
    reservation that has run out by its own time is not: the text is too old."""
    now, template = means.now(), means.program.template(batch.template, asker.banner)
    oldest = epoch(now) - asker.banner.outreach.lease_hours * 3600
    counted = any(sent.batch == batch.id and sent.at > oldest for sent in customer.sent)
    if row.phone is None or template is None or not counted:
        return False
    answer = means.customers.reserve(
        customer.id, known=customer, phone=row.phone, banner=batch.banner, pointer=batch.pointer,
        batch=batch.id, purpose=template.purpose, program=means.program, now=now,
    )  # fmt: skip
    return not isinstance(answer, Blocked)
