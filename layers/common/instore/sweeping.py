"""Every minute: whatever was to happen by now and did not.

Due work is found on the `due` index, shard by shard, keys only; each item is read before anything is
done about it, and each step is conditional on what was read, so that sweeps may overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from .batch import Batch, BatchState, in_turn
from .errors import InstoreError, UnavailableError
from .model import SHARDS
from .number_health import look_at_numbers
from .outreach_accept import Desk, resume
from .outreach_outcome import clear_up, expire_claim, finish, note_held, so_far
from .reconciling import Inquiry

if TYPE_CHECKING:
    from .adapters.liveperson import LivePerson
    from .adapters.number_health import NumberHealth
    from .adapters.stores import Stores

A_TIME = 50
SPARE_S = 10.0
REDRIVE_EVERY = timedelta(minutes=5)
NUMBERS_AT = 7  # numbers are looked at in this minute of every ten


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
    oldest_send_s: float = 0.0
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
    inquiry = Inquiry(broom.liveperson, broom.desk.program.owner, broom.sleep, broom.remaining)
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
            ready = batch.ready_since(now)
            if ready is not None:
                swept.oldest_send_s = max(swept.oldest_send_s, (now - ready).total_seconds())
            newest = so_far(batch, inquiry, swept, now=now)
            _queue_again(newest, broom, swept, now=now, news=newest != batch)
        case BatchState.CLAIMED:
            expire_claim(batch, broom, swept, now=now)
        case BatchState.UNKNOWN:
            clear_up(batch, broom, inquiry, swept, now=now)
        case BatchState.SUBMITTED | BatchState.CLOSED:
            finish(batch, broom, inquiry, swept, now=now)


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


def _look_at_numbers(broom: Broom, swept: Swept) -> None:
    for number in look_at_numbers(program=broom.desk.program, numbers=broom.numbers,
                                  liveperson=broom.liveperson, now=broom.now()):  # fmt: skip
        note_held(number, broom, swept)
