"""The outreach rig as something that can be written down, put back, and left to run on by itself.

A process that dies leaves behind what it wrote, sent and queued, and nothing else. So every way to
die in an operation is one of the states the world had while it ran: it is enough to write each of
them down (`World.deaths_of`) and to let the world run on from each (`survive`). Reads change
nothing and make no state of their own, and a kill before a call is a kill after the one before it.
tests/interleavings/test_kill_boundaries.py kills for real and finds no other states.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from local.lock import watching
from tests.outreach_rig import Rig

from instore.adapters.table import decode

HIDDEN = timedelta(seconds=360)  # until the queue shows an unfinished message again: template.yaml
MINUTE = timedelta(minutes=1)
_READS = frozenset({"GetItem", "BatchGetItem", "Query"})
_TOKEN = re.compile(r"\bt\d+-")
_PATIENCE = 60  # looks at work that is due and does not move
_LONG = 1000  # events of a life; the longest of the tests have some dozens

Event = tuple[datetime, str, Any]  # when, what (ask, queue, sweep), with what


@dataclass(frozen=True)
class State:
    """Everything that outlives a process, and the time."""

    now: datetime
    items: dict[tuple[str, str], dict[str, Any]]
    messages: tuple[tuple[datetime, tuple[str, ...]], ...]  # shown from then on: batches of a poll
    asks: tuple[tuple[datetime, str], ...]  # requests a client is still to make
    campaigns: tuple[Any, ...]
    texts: Counter[str]
    failures: tuple[Any, ...]

    @property
    def name(self) -> str:
        """States that differ only in how a claim is called have one name."""
        items = json.dumps(sorted(self.items.items()), sort_keys=True, default=str)
        rest = (self.now, sorted(self.messages), self.asks, sorted(self.texts.items()),
                [(at, c.name) for at, c in self.campaigns], len(self.failures))  # fmt: skip
        names: dict[str, str] = {}
        return _TOKEN.sub(lambda t: names.setdefault(t[0], f"claim{len(names)}-"),
                          f"{items} {rest}")  # fmt: skip


class _Outbox(list[tuple[str, int]]):
    """What the rig's queue is given goes to the world at once, to be shown when its delay is up."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def append(self, message: tuple[str, int]) -> None:
        batch_id, delay_s = message
        self._world.messages.append((self._world.now + timedelta(seconds=delay_s), (batch_id,)))


class World:
    """A rig with its clock, queue, vendor and clients, moved from event to event.

    `asks_again`: a client that got no answer asks again 20 s later. `shows_again`: the queue
    shows a message again whose process died, as SQS does; without, only the sweep is left.
    """

    def __init__(self, rig: Rig, monkeypatch: Any) -> None:
        self.rig = rig
        self.messages: list[tuple[datetime, tuple[str, ...]]] = []
        self.asks: list[tuple[datetime, str]] = []
        self.requests: dict[str, dict[str, Any]] = {}  # key -> what is asked, see `client`
        self.asks_again = self.shows_again = True
        self.horizon: datetime | None = None  # what would happen later is not waited for
        self._tokens = 0
        self._note: Callable[[], None] | None = None
        rig.queue.messages = _Outbox(self)
        whole = type(rig.boundaries)
        rig.boundaries.__class__ = type("Noted", (whole,), {
            "cross": lambda b, name, run: self._cross(name, lambda: whole.cross(b, name, run)),
        })  # fmt: skip
        monkeypatch.setattr("proactive_batch.app.secrets.token_hex", self._token)

    def _token(self, _: int) -> str:
        self._tokens += 1
        return f"t{self._tokens}"

    def _cross(self, name: str, run: Callable[[], Any]) -> Any:
        try:
            return run()
        finally:
            if self._note is not None and name.rpartition(".")[2] not in _READS:
                self._note()

    # ------------------------------------------------------------ states

    @property
    def now(self) -> datetime:
        now: datetime = self.rig.clock.now()
        return now

    def state(self) -> State:
        vendor = self.rig.vendor
        return State(self.now, self.items(), tuple(self.messages), tuple(self.asks),
                     tuple(vendor.campaigns), Counter(vendor.texts),
                     tuple(vendor.failures))  # fmt: skip

    def put_back(self, state: State) -> None:
        self.rig.clock.advance((state.now - self.now).total_seconds())
        stored, table = self.items(), self.rig.table
        with watching(None, alone=True):
            for key, item in state.items.items():
                if stored.get(key) != item:
                    table.put(item)
            for key in stored.keys() - state.items.keys():
                table.delete(*key)
        self.messages, self.asks = list(state.messages), list(state.asks)
        vendor = self.rig.vendor
        vendor.campaigns, vendor.texts = list(state.campaigns), Counter(state.texts)
        vendor.failures = list(state.failures)

    def items(self, kind: str = "") -> dict[tuple[str, str], dict[str, Any]]:
        """All items, or those whose pk begins so."""
        table = self.rig.table
        with watching(None, alone=True):
            found = [decode(raw) for raw in table._client.scan(TableName=table.name)["Items"]]
        return {(i["pk"], i["sk"]): i for i in found if i["pk"].startswith(kind)}

    # ------------------------------------------------------------ events

    def client(
        self, key: str, numbers: list[str], *, at: datetime | None = None, **more: Any
    ) -> None:
        """Somebody will ask for this batch. Every answer ever given must be `verdicts`, if told."""
        self.requests[key] = {"numbers": numbers, **more}
        self.asks.append((at or self.now, key))

    def next_event(self) -> Event | None:
        """What happens next, the earliest first; None = nothing waits any more."""
        events: list[Event] = [(max(at, self.now), "ask", key) for at, key in self.asks]
        events += [(max(at, self.now), "queue", ids) for at, ids in self.messages]
        due = [at for item in self.items().values() if (at := _due_at(item)) is not None]
        if due:
            events.append((max(min(due), self.now), "sweep", ""))
        soonest = min(events, default=None)
        late = soonest is not None and self.horizon is not None and soonest[0] > self.horizon
        return None if late else soonest

    def happen(self, event: Event) -> None:
        """Let it happen, to its end."""
        at, what, which = event
        self.rig.clock.advance((at - self.now).total_seconds())
        if what == "ask":
            self._ask(which)
        elif what == "queue":
            self._deliver(which)
        else:
            self._noted()
            self.rig.sweep()

    def _ask(self, key: str) -> None:
        mine = min(ask for ask in self.asks if ask[1] == key)
        self.asks.remove(mine)
        again = (self.now + timedelta(seconds=20), key)
        self.asks += [again] * self.asks_again
        self._noted()
        asked = self.requests[key]
        _, body = self.rig.text(asked["numbers"], key=key, **asked.get("more", {}))
        if self.asks_again:
            self.asks.remove(again)
        told = [(row["status"], row.get("reason")) for row in body["rows"]]
        assert told == asked.get("verdicts", told)

    def _deliver(self, ids: tuple[str, ...]) -> None:
        self.messages.remove(min(message for message in self.messages if message[1] == ids))
        hidden = (self.now + HIDDEN, ids)
        self.messages += [hidden] * self.shows_again
        self._noted()
        answer = self.rig.deliver(list(ids))
        failed = {entry["itemIdentifier"] for entry in answer["batchItemFailures"]}
        if self.shows_again:
            self.messages.remove(hidden)
            left = tuple(one for n, one in enumerate(ids) if f"m-{n}" in failed)
            self.messages += [(hidden[0], left)] * bool(left)

    def _noted(self) -> None:
        if self._note is not None:
            self._note()

    def deaths_of(self, event: Event) -> list[State]:
        """The states in which a process can die of this event; the last is the one it ends in."""
        noted: list[State] = []
        self._note = lambda: noted.append(self.state())
        try:
            self.happen(event)
        finally:
            self._note = None
        return [*noted, self.state()]

    def run_on(self, *, known: set[str] | None = None) -> bool:
        """Let everything happen that waits, in the order of time, until nothing does. False: it
        came to a state that is `known`; all it came through are known from then on."""
        known = set() if known is None else known
        looks = events = 0
        while (event := self.next_event()) is not None:
            events += 1
            assert events < _LONG, f"it never comes to rest: {self.state().name}"
            before = self.state()
            if before.name in known:
                return False
            known.add(before.name)
            self.happen(event)
            if replace(self.state(), now=before.now).name != before.name:
                looks = 0
                continue
            looks += 1
            assert looks < _PATIENCE, f"work is due and does not move: {before.name}"
            self.rig.clock.advance(MINUTE.total_seconds())
        return True


def _due_at(item: dict[str, Any]) -> datetime | None:
    """When a sweep can do something about an item; a live claim is left alone."""
    if "due_at" not in item:
        return None
    claim = item["claim"]["until"] if item.get("state") == "claimed" else 0
    return datetime.fromtimestamp(max(item["due_at"], claim), UTC)


def survive(
    world: World, check: Callable[[], None], *, kills: int, of: int | None = None, seed: int = 3
) -> int:  # fmt: skip
    """Let the world as it is run on, with up to `kills` processes dying on the way, anywhere.

    Whatever dies, `check` must hold at every end. With `of`, no more than so many deaths, chosen
    by `seed`, are followed from each event. Returns how many deaths were.
    """
    dice = random.Random(seed)
    known: list[set[str]] = [set() for _ in range(kills + 1)]
    died = 0

    def follow(state: State, *, left: int) -> None:
        nonlocal died
        world.put_back(state)
        if left == 0:
            if world.run_on(known=known[0]):
                check()
            return
        while state.name not in known[left]:
            known[left].add(state.name)
            event = world.next_event()
            if event is None:
                check()
                return
            *deaths, state = world.deaths_of(event)
            distinct = list({death.name: death for death in deaths}.values())
            if of is not None and len(distinct) > of:
                distinct = dice.sample(distinct, of)
            died += len(distinct)
            for death in distinct:
                follow(death, left=left - 1)
            world.put_back(state)

    follow(world.state(), left=kills)
    return died
