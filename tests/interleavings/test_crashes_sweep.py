"""I13 for the sweep: each kind of work it does, dying in every state on the way, exhaustively.

Each test starts from a world in which the sweep has that one thing to do, and counts the deaths
of all that follows. INSTORE_EXHAUSTIVE=1 lets every recovery die once more.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.interleavings.test_crashes import Ends
from tests.outreach_rig import ACCOUNT, ANNA, GROUP, Rig, phone
from tests.outreach_world import State, World, survive

from instore.adapters.liveperson import TextStatus
from instore.adapters.table import Table
from instore.errors import VendorUnavailableError
from instore.model import due_shard, epoch, iso

KILLS = 2 if os.environ.get("INSTORE_EXHAUSTIVE") else 1


@pytest.fixture
def world(table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(Rig(table, clock), monkeypatch)
    world.asks_again = world.shows_again = False  # only the sweep is left to bring it to its end
    return world


def die(world: World, when: Callable[[State], bool]) -> None:
    """Let the next event's process die in the first state of this kind."""
    event = world.next_event()
    assert event is not None
    world.put_back(next(state for state in world.deaths_of(event) if when(state)))


def batch_in(state: State) -> dict[str, Any]:
    return next((i for (pk, _), i in state.items.items() if pk.startswith("BATCH#")), {})


def ask(world: World) -> None:
    event = world.next_event()
    assert event is not None
    world.happen(event)


def accepting(world: World) -> None:
    die(world, lambda state: batch_in(state).get("state") == "accepting")


def reserved(world: World) -> None:
    """Stopped with both customers held."""
    die(world, lambda state: sum("lease" in item for item in state.items.values()) == 2)


def owing(world: World) -> None:
    """All decided, and what was taken too much not given back: another banner was faster."""
    numbers = world.requests["k"]["numbers"]
    until = epoch(world.now) + 30
    for number in numbers:
        world.rig.customer(number, lease={"banner": "zales", "owner": "10000003.9", "batch": "b",
                                          "until": until, "since": 1})  # fmt: skip
    die(world, lambda state: "owed" in batch_in(state))


def deferred(world: World) -> None:
    world.rig.clock.advance(9 * 3600)
    ((_, key),) = world.asks
    world.asks = [(world.now, key)]
    ask(world)


def lost_message(world: World) -> None:
    ask(world)
    world.messages.clear()


def claimed_and_taken(world: World) -> None:
    ask(world)
    die(world, lambda state: bool(state.campaigns))


def claimed_and_not_called(world: World) -> None:
    ask(world)
    die(world, lambda state: batch_in(state).get("state") == "claimed")


def unknown_but_taken(world: World) -> None:
    ask(world)
    world.rig.vendor.failures = [VendorUnavailableError("time-out")]
    world.rig.vendor.processed_although_failed = True
    ask(world)
    assert world.rig.states(batch_in(world.state())["pk"][6:]) == ["unknown", "unknown"]


def unknown_and_lost(world: World) -> None:
    ask(world)
    world.rig.vendor.failures = [VendorUnavailableError("time-out")]
    ask(world)


def report_away_for_a_day(world: World) -> None:
    unknown_but_taken(world)
    world.rig.vendor.report_failure = VendorUnavailableError("away")
    world.rig.clock.advance(24 * 3600 - 180)


def submitted(world: World) -> None:
    ask(world)
    ask(world)
    number = world.requests["k"]["numbers"][1]
    world.rig.vendor.statuses = {
        f"id-{number[1:]}": TextStatus(f"id-{number[1:]}", "SKIPPED", None, "proactive_1400")
    }


def submitted_and_nobody_tells(world: World) -> None:
    ask(world)
    ask(world)
    world.rig.vendor.report_failure = VendorUnavailableError("away")
    world.rig.clock.advance(50 * 60)


SENT, LOST = ("sent", "sent"), ("unresolved", "unresolved")
DONE, SKIPPED = ("delivered", "delivered"), ("delivered", "skipped")
KINDS: list[tuple[Callable[[World], None], int, set[tuple[str, ...]]]] = [
    (accepting, 17, {DONE, SENT, LOST}), (reserved, 14, {DONE, SENT, LOST}),
    (owing, 3, {("blocked", "blocked")}), (deferred, 9, {DONE, SENT, LOST}),
    (lost_message, 10, {DONE, SENT, LOST}), (claimed_and_taken, 6, {SENT}),
    (claimed_and_not_called, 8, {LOST}), (unknown_but_taken, 4, {SENT}),
    (unknown_and_lost, 6, {LOST}), (report_away_for_a_day, 6, {LOST}),
    (submitted, 3, {SKIPPED}), (submitted_and_nobody_tells, 6, {SENT}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "deaths", "ends"), KINDS, ids=[k.__name__ for k, _, _ in KINDS])
def test_a_sweep_dies_at_this_and_it_still_ends_well(
    world: World, kind: Callable[[World], None], deaths: int, ends: set[tuple[str, ...]]
) -> None:
    numbers = [phone(0), phone(1)]
    for number in numbers:
        world.rig.customer(number)
    world.client("k", numbers)
    check = Ends(world, numbers)
    kind(world)
    assert survive(world, check, kills=KILLS) >= deaths
    assert check.seen == ends


# ---------------------------------------------------------------- conversations
PK = f"CONVERSATION#{ACCOUNT}#1c0de000-0000-4000-8000-0000000000c1"


def conversation(world: World, **changed: Any) -> None:
    """Somebody waits for Anna, or has waited: due now."""
    rig, since = world.rig, world.now - timedelta(minutes=30)
    customer = rig.customer(phone(0))
    rig.table.put({
        "pk": PK, "sk": "CONVERSATION", "account": ACCOUNT, "banner": "kay", "channel": "web",
        "conversation": PK.rpartition("#")[2], "bot": "kay-router", "customer": customer,
        "phone": phone(0), "state": "decided", "turn": 1, "round": 0, "asked": 0, "target": ANNA,
        "wanted": {"account": ACCOUNT, "group": GROUP, "agent": ANNA}, "waiting": True, "wait": 1,
        "waiting_since": iso(since), "due_shard": due_shard(PK), "due_at": epoch(world.now) - 1,
        "created_at": iso(since), "changed_ts": int(since.timestamp() * 1000), **changed,
    })  # fmt: skip
    world.horizon = world.now + timedelta(hours=12)


def notice(world: World, state: str) -> dict[str, Any]:
    return {"state": "assigned", "agent": "pid-201", "agent_id": ANNA, "waiting": False,
            "notice": {"wait": 1, "state": state, "at": iso(world.now), "account": ACCOUNT,
                       "group": GROUP, "agent": ANNA}}  # fmt: skip


def test_a_silent_wait_is_told_and_looked_at_again_tomorrow(world: World) -> None:
    conversation(world)
    began = epoch(world.now)

    def check() -> None:
        assert world.items("CONVERSATION#")[PK, "CONVERSATION"]["due_at"] == began + 86400
        assert world.rig.vendor.campaigns == []

    assert survive(world, check, kills=KILLS) >= 1


@pytest.mark.parametrize(
    ("was", "ends"),
    [("due", {("sent", 1), ("unknown", 0), ("unknown", 1)}), ("claimed", {("unknown", 0)})],
)
def test_a_notice_that_is_due_goes_once(world: World, was: str, ends: set[Any]) -> None:
    """One text, or none and a word that nobody knows; never two, and never due for ever."""
    conversation(world, **notice(world, was))
    seen = set()

    def check() -> None:
        item = world.items("CONVERSATION#")[PK, "CONVERSATION"]
        assert "due_at" not in item
        assert len(world.rig.vendor.campaigns) == world.rig.vendor.texts[phone(0)[1:]]
        seen.add((item["notice"]["state"], len(world.rig.vendor.campaigns)))

    assert survive(world, check, kills=KILLS) >= len(ends)
    assert seen == ends


def test_a_notice_of_the_night_goes_in_the_morning_once(world: World) -> None:
    world.rig.clock.advance(10 * 3600)
    conversation(world, **notice(world, "due"))
    world.horizon = world.now + timedelta(hours=20)
    seen = set()

    def check() -> None:
        item = world.items("CONVERSATION#")[PK, "CONVERSATION"]
        assert "due_at" not in item
        seen.add((item["notice"]["state"], len(world.rig.vendor.campaigns)))

    assert survive(world, check, kills=KILLS) >= 4
    assert seen == {("sent", 1), ("unknown", 0), ("unknown", 1)}
