"""Sending: claim, look once more, one call, settle. At most one call per reservation (I4).

The number's hold comes first, then the pace, then the claim, so that a batch which has to wait is
nobody's. The claim is written before the call and names it: a process killed in between leaves a
name that outbound reporting can be searched for. Customers and the program are read after the
claim: an opt-out stored before this instant wins (I9), a switch thrown a minute before it, too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .batch import NUMBER_HELD, Batch, in_turn
from .errors import UnavailableError
from .model import epoch
from .number_health import Hold
from .outreach_call import call, give_back, outside_line, settle_all
from .outreach_chunks import Chunk, claimed, going, kept_back, plan_chunks, route_of
from .outreach_recheck import customers_of, look_again, write_down
from .program import Program

if TYPE_CHECKING:
    from .adapters.batches import Batches
    from .adapters.customers import Customers
    from .adapters.liveperson import LivePerson
    from .adapters.number_health import NumberHealth
    from .adapters.pace import Pace
    from .adapters.stores import Stores

# Left over for the vendor call (10 s), its settlement and the answer to the queue.
NEEDED_S = 15.0
CALL_S = 12.0  # of these, what must be there when the call begins
# What cannot even be tried, for a reason of its own, lets the rest of the line pass for so long.
STAND_BACK = timedelta(minutes=3)
_BATCH_ID = re.compile(r"[A-Za-z0-9-]{1,40}\Z")  # what a table can be asked for


@dataclass(frozen=True, slots=True)
class Means:
    """What sending works with. `remaining` tells the seconds this invocation still has; `current`
    the program in force, at most a minute old: `program` may have aged since the start."""

    program: Program
    current: Callable[[], Program]
    batches: Batches
    customers: Customers
    stores: Stores
    numbers: NumberHealth
    pace: Pace
    liveperson: LivePerson
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]


@dataclass(slots=True)
class Tally:
    """What an invocation did: `failed` are queue records to be delivered again, the rest counts
    recipients, except `redriven` (records), `unsettled` (batches), `vendor_failed` (calls)."""

    failed: list[str] = field(default_factory=list)
    submitted: int = 0
    rejected: int = 0
    unknown: int = 0
    blocked: int = 0
    deferred: int = 0
    redriven: int = 0
    unsettled: int = 0
    vendor_failed: int = 0
    held: int = 0


def read_record(body: str) -> str | None:
    """The batch a queue message is about, or None if it is no message of ours."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = message.get("batch") if isinstance(message, dict) else None
    return found if isinstance(found, str) and _BATCH_ID.match(found) else None


def send(records: Mapping[str, str], *, token: str, means: Means) -> Tally:
    """Send what these queue records (id -> body) ask for; `token` is unique per invocation.

    A record that cannot be read, or names no batch, fails alone. A batch that is claimed, sent,
    closed or not due yet is done as far as its record goes.
    """
    tally = Tally()
    wanted: dict[str, list[str]] = {}
    for record_id, body in records.items():
        batch_id = read_record(body)
        if batch_id is None:
            tally.failed.append(record_id)
        else:
            wanted.setdefault(batch_id, []).append(record_id)
    stored = means.batches.get_many(wanted) if wanted else {}
    tally.failed += [r for batch_id in wanted if batch_id not in stored for r in wanted[batch_id]]
    now = means.now()
    ready = [batch for batch in stored.values() if batch.can_be_claimed(now)]
    again = _send_all(in_turn(ready), token=token, means=means, tally=tally)
    tally.failed += [record for batch_id in again for record in wanted[batch_id]]
    tally.redriven += len(again)
    return tally


def _send_all(
    batches: Sequence[Batch], *, token: str, means: Means, tally: Tally
) -> list[str]:  # fmt: skip
    """Send chunk by chunk; the ids of batches whose records must come again.

    A vendor who asks us to wait is given that time before the next call, or the rest is left to
    another invocation.
    """
    again: list[str] = []
    holds: dict[str, Hold] = {}
    called, wait_s = False, 0.0
    for number, chunk in enumerate(plan_chunks(batches, program=means.program, now=means.now())):
        try:
            until = _held_until(chunk, holds, means=means)
        except UnavailableError:
            again += _stand_back(chunk.batches, means=means)  # not known to be free: not sent
            continue
        if until is not None:
            again += _keep_back(chunk, until=until, means=means, tally=tally)
            continue
        try:
            its_turn = _paused(chunk, called=called, wait_s=wait_s, means=means) and _its_turn(
                chunk, means=means
            )
        except UnavailableError:
            again += outside_line(chunk.batches)  # the line cannot be seen: nobody goes
            continue
        if not its_turn:
            again += _put_off(chunk.batches, means=means)
            continue
        asked = _send_chunk(chunk, token=f"{token}-{number}", means=means, tally=tally, again=again)
        if asked is not None:
            called, wait_s = True, asked
    return again


def _paused(chunk: Chunk, *, called: bool, wait_s: float, means: Means) -> bool:
    """Leave the vendor the time between two calls. False: there is not enough of it left."""
    if not called or chunk.route is None:
        return True
    pause_s = max(chunk.route.banner.outreach.gap_s, wait_s)
    if pause_s > means.remaining() - NEEDED_S:
        return False
    means.sleep(pause_s)
    return True


def _held_until(chunk: Chunk, holds: dict[str, Hold], *, means: Means) -> datetime | None:
    """When a chunk of a held number is looked at again; None: its number is free. One read a
    number and invocation."""
    if chunk.route is None:
        return None
    number = chunk.route.banner.number.outbound
    if number not in holds:
        holds[number] = means.numbers.hold_of(means.program.owner.id, number=number)
    return holds[number].next_look(means.now())


def _keep_back(chunk: Chunk, *, until: datetime, means: Means, tally: Tally) -> list[str]:
    """Defer what is due of a held number. Quota, reservation and cap stay as they are; when it
    goes, everything is judged again. Answers what could not be marked."""
    left = []
    for batch in chunk.batches:
        kept = kept_back(batch, until=until, reason=NUMBER_HELD, now=means.now())
        try:
            if means.batches.save(kept) is not None:
                tally.held += len(batch.due_rows(means.now()))
        except UnavailableError:
            left.append(batch.id)
    return left


def _its_turn(chunk: Chunk, *, means: Means) -> bool:
    """Wait for the pace as long as this invocation can; False = another one has to.

    One line for both limits of the vendor: a call weighs as many texts as it has, and never less
    than the texts that pass in the time between two allowed calls.
    """
    room = means.remaining() - NEEDED_S
    if room < 0:
        return False
    if chunk.route is None:
        return True
    rate = chunk.route.banner.outreach.rate
    weight = max(chunk.count, math.ceil(rate.messages_per_s / rate.requests_per_s))
    slept = means.pace.take(
        means.program.owner.id, channel="bulk", count=weight, max_wait=room,
        rate=rate.messages_per_s * (1 - rate.notification_share),
    )  # fmt: skip
    return slept is not None


def _put_off(batches: Sequence[Batch], *, means: Means) -> list[str]:
    """Put unclaimed batches back into the line at their old place; the sweep lets go of as many as
    the pace takes. Those that could not be marked fail their records.

    No message is sent for them: copies in the queue would multiply for as long as the line is busy.
    """
    left = []
    for batch in batches:
        place = batch.place(means.now())
        if batch.in_line and batch.due_at is not None and epoch(batch.due_at) == epoch(place):
            continue  # it never left; the index knows whole seconds
        try:
            means.batches.save(batch.to(batch.state, due_at=place, in_line=True))
        except UnavailableError:
            left.append(batch.id)
    return left


def _stand_back(batches: Sequence[Batch], *, means: Means) -> list[str]:
    """Batches that cannot be tried. Those in the line would be let go again and again in place of
    others that could go, and nobody behind them ever: they stand back. The others' records fail."""
    for batch in batches:
        if batch.in_line:
            try:
                means.batches.save(batch.to(batch.state, due_at=means.now() + STAND_BACK))
            except UnavailableError:
                continue  # it stays where it is
    return outside_line(batches)


def _send_chunk(
    chunk: Chunk, *, token: str, means: Means, tally: Tally, again: list[str]
) -> float | None:  # fmt: skip
    """Claim, look once more, call, settle. Answers how long the vendor wants to be left alone after
    its call; None: it was not called."""
    held: list[Batch] = []
    for batch in chunk.batches:
        try:
            mine = means.batches.save(
                claimed(batch, token=token, rows=chunk.rows[batch.id], now=means.now())
            )
        except UnavailableError:
            again += outside_line([batch])
            continue
        if mine is not None:
            held.append(mine)
    try:
        means = replace(means, program=means.current())
        held, moved = _on_their_way(held, chunk, program=means.program)
        again += give_back(moved, means=means, tally=tally)
        customers = customers_of(held, means=means)
        checked = [look_again(batch, customers, means=means) for batch in held]
    except UnavailableError:
        again += give_back(held, means=means, tally=tally)
        return None
    checked, unwritten = write_down(held, checked, means=means)
    again += give_back(unwritten, means=means, tally=tally)
    if means.remaining() < CALL_S:  # a slow table: a call cut off in the middle is never cleared up
        again += give_back(checked, means=means, tally=tally)
        return None
    rows = [row for batch in checked for row in going(batch)]
    if chunk.route is None or not rows:
        settle_all(checked, means=means, tally=tally)
        return None
    outcome = call(chunk.route, rows, token=token, means=means, tally=tally)
    after = iter(outcome.rows)  # in the order of `rows`: batch by batch, row by row
    done = [batch.with_rows([next(after) for _ in going(batch)]) for batch in checked]
    if outcome.campaign_id is not None:
        done = [replace(batch, campaigns={**batch.campaigns, token: outcome.campaign_id})
                for batch in done]  # fmt: skip
    not_before = means.now() + STAND_BACK if outcome.stands_back else None
    done = settle_all(done, means=means, tally=tally, not_before=not_before)
    if outcome.stands_back:  # our own mistake ends where people look
        again += [batch.id for batch in done]
    elif outcome.again:
        again += outside_line(done)
    return outcome.wait_s


def _on_their_way(
    held: Sequence[Batch], chunk: Chunk, *, program: Program
) -> tuple[list[Batch], list[Batch]]:
    """Batches that still go the way this call was planned for, and those that a program put in
    force meanwhile gives another number, skill or template: they are planned anew."""
    stay: list[Batch] = []
    moved: list[Batch] = []
    for batch in held:
        route = route_of(batch, program=program)
        same = route is None or (chunk.route is not None and route.name == chunk.route.name)
        (stay if same else moved).append(batch)
    return stay, moved
