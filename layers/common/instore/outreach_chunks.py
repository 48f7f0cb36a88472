"""Which batches go to the vendor in one call, and what became of them: pure arithmetic.

One call has one skill, one template and one number, and at most `chunk` recipients. Batches are
filled in whole; only one larger than the chunk size is cut, and its rest waits for another turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .batch import Batch, BatchState, Claim, Row, RowState
from .delivery import settle_accepted, settle_refused
from .errors import VendorError
from .model import Phone
from .program import Banner, Program, Template

CLAIM_FOR = timedelta(minutes=5)  # longer than the function lives, shorter than the queue hides
LOOK_AFTER = timedelta(minutes=2)  # when the vendor is asked what became of the texts
# A due time that is about right stays: moving an entry of the index costs two write units.
ABOUT = timedelta(seconds=15)
REPORTED_AFTER = timedelta(minutes=25)  # LivePerson's reports are up to 20 minutes late


@dataclass(frozen=True, slots=True)
class Route:
    """What all texts of one call share."""

    banner: Banner
    template: Template

    @property
    def name(self) -> tuple[str, str, str]:
        return self.banner.campaign_skill, self.template.id, self.banner.number.outbound


@dataclass(slots=True)
class Chunk:
    """One future call. `route` None: the program no longer knows the banner or the template."""

    route: Route | None
    size: int  # where banners that share a call differ, the smallest holds
    batches: list[Batch] = field(default_factory=list)
    rows: dict[str, frozenset[int]] = field(default_factory=dict)  # batch -> rows that go with it
    phones: set[Phone | None] = field(default_factory=set)  # a number goes once in a call

    @property
    def count(self) -> int:
        return len(self.phones)

    def add(self, batch: Batch, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.batches.append(batch)
        self.rows[batch.id] = frozenset(row.n for row in rows)
        self.phones |= {row.phone for row in rows}


def plan_chunks(batches: Sequence[Batch], *, program: Program, now: datetime) -> list[Chunk]:
    """Put batches, given in the order of their turn, into as few calls as keep that order."""
    plan: list[Chunk] = []
    filling: dict[tuple[str, str, str], Chunk] = {}
    for batch in batches:
        route = route_of(batch, program=program)
        if route is None:
            plan.append(Chunk(None, size=len(batch.rows)))
            plan[-1].add(batch, batch.due_rows(now))
            continue
        size = route.banner.outreach.chunk
        rows = batch.due_rows(now)[:size]
        phones = {row.phone for row in rows}
        chunk = filling.get(route.name)
        full = chunk is None or chunk.count + len(rows) > min(size, chunk.size)
        if chunk is None or full or chunk.phones & phones:
            chunk = filling[route.name] = Chunk(route, size=size)
            plan.append(chunk)
        chunk.size = min(size, chunk.size)
        chunk.add(batch, rows)
    return plan


def route_of(batch: Batch, *, program: Program) -> Route | None:
    """The way a batch goes by this program; None: it knows the banner or the template no more."""
    banner = program.banner(batch.banner)
    template = program.template(batch.template, banner) if banner else None
    return Route(banner, template) if banner and template else None


def claimed(batch: Batch, *, token: str, rows: Collection[int], now: datetime) -> Batch:
    """The batch as it is claimed: of the rows planned for this call, those that are still due
    carry its name. What became due since it was planned waits for another call.

    A batch that leaves the line is due when its outcome will be looked at; a claim that is still
    there by then has not run out, and the sweep lets it be.
    """
    going = [replace(row, chunk=token) for row in batch.due_rows(now) if row.n in rows]
    due_at = now + LOOK_AFTER if batch.in_line else batch.due_at
    return batch.with_rows(going).to(BatchState.CLAIMED, due_at=due_at,
                                     claim=Claim(token, now + CLAIM_FOR))  # fmt: skip


def going(batch: Batch) -> list[Row]:
    """Rows the present claim is about."""
    token = batch.claim.token if batch.claim else None
    undecided = (RowState.ACCEPTED, RowState.DEFERRED, RowState.UNKNOWN)
    return [row for row in batch.rows if row.chunk == token and row.state in undecided]


def settled(batch: Batch, *, now: datetime) -> Batch:
    """The batch after its call, in the state its rows call for.

    Unknown rows come first: nothing else of the batch moves until they are cleared up. A batch
    that touched the vendor stays due once more, to ask what became of it and to make sure that
    customers of rows that did not go are free.
    """
    token = batch.claim.token if batch.claim else None
    if any(row.chunk == token and row.state is RowState.SENT for row in batch.rows):
        batch = replace(batch, sent_at=now)
    if batch.has(RowState.UNKNOWN):
        return batch.to(BatchState.UNKNOWN, due_at=now + REPORTED_AFTER)
    batch = replace(batch, claim=None)
    if batch.has(RowState.ACCEPTED):
        return batch.to(BatchState.ACCEPTED, due_at=min(batch.due_at or now, now))
    if batch.has(RowState.DEFERRED):
        return batch.to(BatchState.DEFERRED, due_at=batch.opens_at(), in_line=True)
    look_at = now + LOOK_AFTER
    about = batch.due_at is not None and look_at - ABOUT <= batch.due_at <= look_at
    return batch.to(BatchState.SUBMITTED, due_at=batch.due_at if about else look_at)


def kept_back(batch: Batch, *, until: datetime, reason: str, now: datetime) -> Batch:
    """The unclaimed batch with everything due put off: not lost, not counted anew, and visible."""
    rows = [row.put_off(reason, until=until) for row in batch.due_rows(now)]
    batch = batch.with_rows(rows)
    return batch.to(BatchState.DEFERRED, due_at=batch.opens_at(), in_line=True)


def put_back(rows: Iterable[Row]) -> list[Row]:
    """Rows of a call that certainly was not processed: as if it had never been tried."""
    return [replace(row, chunk=None) for row in rows]


def refused(rows: Iterable[Row], error: VendorError) -> list[Row]:
    """Rows of a call that failed as a whole: refused, or nobody can know (I4)."""
    if error.processed is None:
        return [row.to(RowState.UNKNOWN) for row in rows]
    return [row.to(RowState.REJECTED, reason="vendor_refused") for row in rows]


def answered(
    rows: Iterable[Row], *, accepted: Mapping[str, str], failed: Mapping[str, str]
) -> list[Row]:
    """Rows of a call that was answered, one by one. In neither list = nobody can know. An id given
    to several texts names none of them: a report on one would be taken for all."""
    given = Counter(accepted.values())
    outcome = []
    for row in rows:
        digits = row.phone.digits if row.phone else ""
        if digits in accepted:
            text_id = accepted[digits]
            once = given[text_id] == 1
            outcome.append(settle_accepted(row, vendor_id=text_id if once else None))
        elif digits in failed:
            outcome.append(settle_refused(row, message=failed[digits]))
        else:
            outcome.append(row.to(RowState.UNKNOWN))
    return outcome
