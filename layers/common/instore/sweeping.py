"""Every minute: whatever was to happen by now and did not.

Due work is found on the `due` index, shard by shard, keys only; each item is read before anything is
done about it, and each step is conditional on what was read, so that sweeps may overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from .batch import Batch, BatchState, in_turn
from .errors import UnavailableError
from .line_due import Hands, do_own, share_out
from .model import SHARDS
from .number_health import look_at_numbers
from .outreach_accept import Desk, resume
from .outreach_outcome import clear_up, expire_claim, finish, note_held, so_far
from .reconciling import Inquiry
from .swept import Swept, guarded

if TYPE_CHECKING:
    from .adapters.liveperson import LivePerson
    from .adapters.number_health import NumberHealth
    from .adapters.pace import Pace
    from .adapters.stores import Stores

A_TIME = 50
SPARE_S = 10.0
REDRIVE_EVERY = timedelta(minutes=5)
# How much of the bulk line one run gives away: a minute, and a little more than a minute, because
# a line that is never short of work loses nothing and what is too much goes back to its place.
AHEAD_S = 66.0
# So much before its turn a batch is sent for: the queue collects messages for five seconds. One that
# comes late leaves the line idle, and is still unclaimed when the next run counts (decisions/0015).
EARLY_S = 8.0
# Of a run, for what is not in the line: notices, outcomes, dead claims, the texts of
# the line. However many batches wait.
FOR_DUE_S = 30.0
NUMBERS_AT = 7  # numbers are looked at in this minute of every ten


@dataclass(frozen=True, slots=True)
class Broom:
    """What sweeping works with. `others`: what to do with due work that is no batch, by what its key
    begins with (runtime/sweep_steps.py); each step names the metrics to count. `hands` for texts of
    the line."""

    desk: Desk
    stores: Stores
    numbers: NumberHealth
    pace: Pace
    liveperson: LivePerson
    others: Mapping[str, Callable[[tuple[str, str]], Iterable[str]]]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]
    hands: Hands


def sweep(broom: Broom) -> Swept:
    """Go through the due work, fairly, until there is none or the time is short.

    An item that fails or cannot be read is left due, noted, and does not stop the others.
    """

    def call(shard: int) -> None:
        broom.desk.queues.texts_due(shard, at=broom.now())

    swept = Swept()
    seen: set[tuple[str, str]] = set()
    inquiry = Inquiry(broom.liveperson, broom.desk.program.owner, broom.sleep, broom.remaining)
    if broom.now().minute % 10 == NUMBERS_AT:
        guarded(partial(_look_at_numbers, broom, swept), "numbers", swept)
    texts: dict[int, list[str]] = {}  # of the line, by shard: looked for first, so that whoever is
    # called for them begins at once, and done last: a Twilio that is away delays nothing else
    guarded(lambda: texts.update(share_out(broom.hands, call=call, swept=swept)), "texts", swept)
    guarded(partial(_let_go, broom, inquiry, swept), "line", swept)
    while broom.remaining() > SPARE_S:
        due = _find_due(broom, "DUE", seen=seen)
        if not due:
            break
        keys = [key for _, _, key in due]
        seen.update(keys)
        swept.oldest_s = max(swept.oldest_s, broom.now().timestamp() - due[0][0])
        for batch in in_turn(_read(keys, broom, swept)):
            if broom.remaining() <= SPARE_S:
                break
            guarded(partial(_sweep_batch, batch, broom, inquiry, swept), batch.id, swept)
        for key in keys:
            step = broom.others.get(key[0].split("#", 1)[0])
            if step is not None and broom.remaining() > SPARE_S:
                guarded(partial(_other, step, key, swept), key[0], swept)
    if texts:
        do_own(broom.hands, texts, call=call, swept=swept)
    return swept


def _let_go(broom: Broom, inquiry: Inquiry, swept: Swept) -> None:
    """Let go of as many waiting batches as the pace takes until the next run, first come first.

    Nothing is written: a batch stands in the line until it is claimed. One whose message is lost
    or late is let go again by the next run, in place of a later one, and the message that comes
    second finds it claimed. What is booked already is not given away twice. Those let go are spread
    over the minute a call's worth at a time, so that each comes about when it can be sent.
    """
    seen: set[tuple[str, str]] = set()
    booked_s = 0.0
    while booked_s < AHEAD_S and broom.remaining() > FOR_DUE_S:
        due = _find_due(broom, "SEND", seen=seen)
        if not due:
            return
        if not seen:
            booked_s = broom.pace.booked_s(broom.desk.program.owner.id, channel="bulk")
        seen.update(key for _, _, key in due)
        waiting = _read([key for _, _, key in due], broom, swept)
        for batch in sorted(waiting, key=lambda b: (b.due_at or b.accepted_at, b.accepted_at)):
            now = broom.now()
            if not batch.in_line or batch.due_at is None or batch.due_at > now:
                continue  # somebody else was faster
            swept.note_wait(batch, now=now)
            if booked_s >= AHEAD_S or broom.remaining() <= FOR_DUE_S:
                continue  # how long the others wait is still told
            own_s, call_s = _line_time(batch, broom)
            turn_s = booked_s // call_s * call_s if call_s else 0.0
            delay_s = min(900, max(0, int(turn_s - EARLY_S)))
            guarded(partial(_let_go_of, batch, broom, inquiry, swept, delay_s), batch.id, swept)
            booked_s += own_s


def _let_go_of(
    batch: Batch, broom: Broom, inquiry: Inquiry, swept: Swept, delay_s: int
) -> None:  # fmt: skip
    """News of texts of it that went is stored before: who sends the rest reads it."""
    newest = so_far(batch, inquiry, swept, now=broom.now())
    if newest == batch or broom.desk.batches.save(newest.to(batch.state)) is not None:
        broom.desk.queues.batch_ready(batch.id, delay_s=delay_s)


def _line_time(batch: Batch, broom: Broom) -> tuple[float, float]:
    """Seconds of the bulk line that a batch takes, and a full call; none if nobody knows it."""
    banner = broom.desk.program.banner(batch.banner)
    if banner is None:
        return 0.0, 0.0
    rate = banner.outreach.rate
    a_second = rate.messages_per_s * (1 - rate.notification_share)
    return len(batch.due_rows(broom.now())) / a_second, banner.outreach.chunk / a_second


def _find_due(
    broom: Broom, line: str, *, seen: set[tuple[str, str]]
) -> list[tuple[int, int, tuple[str, str]]]:
    """The next due keys of a line with their due time and shard, oldest first."""
    now = broom.now()
    found = []
    for shard in range(SHARDS):
        limit = A_TIME + len(seen)
        for item in broom.desk.batches.due(now=now, shard=shard, limit=limit, line=line):
            key = (item["pk"], item["sk"])
            if key not in seen:
                found.append((int(item["due_at"]), shard, key))
    return sorted(found)


def _read(keys: Sequence[tuple[str, str]], broom: Broom, swept: Swept) -> list[Batch]:
    """The batches among these keys; what cannot be read is left due and noted."""
    batch_ids = [pk.removeprefix("BATCH#") for pk, _ in keys if pk.startswith("BATCH#")]
    try:
        batches = broom.desk.batches.get_many(batch_ids) if batch_ids else {}
    except UnavailableError:
        swept.failed += batch_ids
        return []
    swept.failed += [f"{name} unreadable" for name in batch_ids if name not in batches]
    return list(batches.values())


def _other(
    step: Callable[[tuple[str, str]], Iterable[str]], key: tuple[str, str], swept: Swept
) -> None:
    for metric in step(key):
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
            swept.note_wait(batch, now=now)
            _queue_again(batch, broom, swept, now=now)
        case BatchState.CLAIMED:
            expire_claim(batch, broom, swept, now=now)
        case BatchState.UNKNOWN:
            clear_up(batch, broom, inquiry, swept, now=now)
        case BatchState.SUBMITTED | BatchState.CLOSED:
            finish(batch, broom, inquiry, swept, now=now)


def _queue_again(batch: Batch, broom: Broom, swept: Swept, *, now: datetime) -> None:
    """A batch that nobody claimed although it was queued: the message is late or lost.

    The queue first, then the clock: stopped in between, the worst is a second message, which
    finds the batch claimed.
    """
    broom.desk.queues.batch_ready(batch.id, delay_s=0)
    broom.desk.batches.save(batch.to(batch.state, due_at=now + REDRIVE_EVERY))
    swept.add("Redriven")


def _look_at_numbers(broom: Broom, swept: Swept) -> None:
    for number in look_at_numbers(program=broom.desk.program, numbers=broom.numbers,
                                  liveperson=broom.liveperson, now=broom.now()):  # fmt: skip
        note_held(number, broom, swept)
