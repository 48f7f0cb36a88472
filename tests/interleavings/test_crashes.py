"""I13: any process dies at any moment, and the next one, and texts go once or are honestly unknown.

One life of a batch from the request to its closing, with the process of every event on the way
(accept, send, sweep) dying in every state it can be in (tests/outreach_world.py): alone,
exhaustively; in pairs, the recovery dying too, three deaths an event by a fixed seed. All pairs
(some 180) are followed with INSTORE_EXHAUSTIVE=1, in a quarter of a minute.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.outreach_rig import ANNA, Rig, phone
from tests.outreach_world import World, survive

from instore.adapters.table import Table

OF = None if os.environ.get("INSTORE_EXHAUSTIVE") else 3
NOT_FREE = {"sent", "delivered", "replied", "unresolved"}
ACCEPTED, NO = ("accepted", None), [("blocked", "held"), ("blocked", "no_consent")]
SETTLED = ("delivered", "rejected", "delivered", "blocked", "blocked")
FOUND = ("sent", "sent", "sent", "blocked", "blocked")  # by the campaign's name alone
NOBODY_KNOWS = ("unresolved", "unresolved", "unresolved", "blocked", "blocked")


@pytest.fixture
def world(table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(Rig(table, clock), monkeypatch)


def people(world: World) -> list[str]:
    """Three who may be texted, of whom the vendor refuses one; one held by another banner, one
    who never agreed."""
    rig = world.rig
    numbers = [phone(n) for n in range(5)]
    for number in numbers[:3]:
        rig.customer(number)
    until = int(rig.clock.now().timestamp()) + 48 * 3600
    rig.customer(numbers[3], lease={"banner": "zales", "owner": "10000003.9", "batch": "b1",
                                    "until": until, "since": 1})  # fmt: skip
    rig.vendor.refuse = {numbers[1][1:]: "INVALID_NUMBER"}
    return numbers


class Ends:
    """What must hold at every end; `seen` are the ends there were, as states of the rows."""

    def __init__(self, world: World, numbers: list[str], *, agent: str = ANNA) -> None:
        self.world, self.numbers, self.agent = world, numbers, agent
        self.seen: set[tuple[str, ...]] = set()
        self.day = world.now.date().isoformat()

    def __call__(self) -> None:
        rig, taken = self.world.rig, 0
        batches = list(self.world.items("BATCH#").values())
        for batch in batches:
            states = [row["s"] for row in batch["rows"]]
            self.seen.add(tuple(states))
            # Nothing is stuck: closed, not due any more, nothing owed.
            assert batch["state"] == "closed"
            assert not {"due_at", "due_shard", "owed"} & set(batch)
            for number, state in zip(self.numbers, states, strict=True):
                self._one_text(number, state)
            taken += sum(state != "blocked" for state in states)
        if not batches:  # the request died before anything was written, and nobody asked again
            assert rig.vendor.campaigns == []
        assert rig.used(self.agent, day=self.day) == taken
        assert self.world.messages == [] == self.world.asks

    def _one_text(self, number: str, state: str) -> None:
        """Asked of the vendor once where a text went, at most once where nobody can know, never
        elsewhere. `sent` found by the campaign's name alone is the vendor having taken the call."""
        vendor = self.world.rig.vendor
        calls = sum(number == phone.e164 for _, campaign in vendor.campaigns
                    for phone, _ in campaign.recipients)  # fmt: skip
        assert calls in {"unresolved": (0, 1), "blocked": (0,)}.get(state, (1,)), (number, state)
        assert vendor.texts[number[1:]] == (calls if number[1:] not in vendor.refuse else 0)
        held = self.world.rig.leased(number) and state != "blocked"
        assert held == (state in NOT_FREE), (number, state)


@pytest.mark.parametrize("asks_again", [True, False])
@pytest.mark.parametrize("shows_again", [True, False])
def test_one_death_anywhere_in_the_life_of_a_batch(
    world: World, asks_again: bool, shows_again: bool
) -> None:
    """All 17 deaths. Without `shows_again` the queue loses what it had given out, without
    `asks_again` the client gives up: the sweep alone brings it to its end."""
    world.asks_again, world.shows_again = asks_again, shows_again
    numbers = people(world)
    world.client("k", numbers, verdicts=[ACCEPTED] * 3 + NO)
    ends = Ends(world, numbers)
    assert survive(world, ends, kills=1) == 18
    assert ends.seen == {SETTLED, FOUND, NOBODY_KNOWS}


@pytest.mark.slow
def test_two_deaths_one_upon_the_other(world: World) -> None:
    numbers = people(world)
    world.client("k", numbers, verdicts=[ACCEPTED] * 3 + NO)
    ends = Ends(world, numbers)
    assert survive(world, ends, kills=2, of=OF) >= 50
    assert {SETTLED, FOUND} <= ends.seen <= {SETTLED, FOUND, NOBODY_KNOWS}


def test_one_death_in_a_life_that_waits_for_the_morning(world: World) -> None:
    """Asked after hours: deferred, brought to the queue at the opening, sent."""
    world.rig.clock.advance(9 * 3600)  # nine in the evening in New York
    numbers = people(world)
    world.client("k", numbers, verdicts=[("deferred", "outside_window")] * 3 + NO)
    ends = Ends(world, numbers)
    ends.day = "2026-11-18"
    assert survive(world, ends, kills=1) >= 18
    assert ends.seen == {SETTLED, FOUND, NOBODY_KNOWS}


def test_one_death_in_a_life_of_two_calls(world: World) -> None:
    """Chunks of two: the third text goes with a call of its own, and each call is unknown alone."""
    world.rig.apply(lambda d: d["outreach"].update(chunk=2))
    numbers = people(world)[:3]
    world.client("k", numbers, verdicts=[ACCEPTED] * 3)
    ends = Ends(world, numbers)
    assert survive(world, ends, kills=1) >= 18
    assert ends.seen == {
        ("delivered", "rejected", "delivered"),
        ("sent", "sent", "delivered"), ("unresolved", "unresolved", "delivered"),
        ("delivered", "rejected", "sent"), ("delivered", "rejected", "unresolved"),
    }  # fmt: skip
