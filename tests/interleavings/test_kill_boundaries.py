"""Lambda is killed before or after any one call; redelivery and sweep bring it to the right end.

For every boundary of accept and of send, and for both sides of it: nobody is texted twice (I4),
nothing is lost (I13), the quota equals what went out, and customers of rows that did not go are
free or will be.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.outreach_rig import Killed, Rig, phone
from tests.outreach_world import World

from instore.adapters.table import Table

START = datetime(2026, 11, 18, 17, tzinfo=UTC)
SIDES = [False, True]  # before the call took effect, after


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def _people(rig: Rig, first: int) -> list[str]:
    """Three who may be texted, one who is held by another banner, one who never agreed."""
    numbers = [phone(first + n) for n in range(5)]
    for number in numbers[:3]:
        rig.customer(number)
    until = int(rig.clock.now().timestamp()) + 3 * 3600
    rig.customer(numbers[3], lease={"banner": "zales", "owner": "10000003.9", "batch": "b1",
                                    "until": until, "since": 1})  # fmt: skip
    return numbers


def next_noon(rig: Rig) -> None:
    """Every kill has its own day: same hours, an unused quota."""
    day = timedelta(days=1)
    rig.clock.advance((START - rig.clock.now()) % day / timedelta(seconds=1) or 86400)


def verdicts(body: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(row["status"], row.get("reason")) for row in body["rows"]]


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("again_at_once", [True, False])
def test_accept_killed_anywhere_ends_as_if_it_had_not_been(
    rig: Rig, after: bool, again_at_once: bool
) -> None:
    rig.boundaries.reset()
    status, expected = rig.text(_people(rig, 0), key="whole")
    assert status == 202
    names = list(rig.boundaries.names)
    assert {"dynamodb.PutItem", "dynamodb.UpdateItem", "sqs"} <= set(names)
    rig.settle(4)
    for n in range(len(names)):
        next_noon(rig)
        numbers = _people(rig, 10 * n + 10)
        day = rig.clock.now().date().isoformat()
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.text(numbers, key=f"k-{n}")
        rig.boundaries.reset()
        if again_at_once:
            answer = rig.text(numbers, key=f"k-{n}")
            assert (answer[0], verdicts(answer[1])) == (202, verdicts(expected)), n
        rig.clock.advance(90)
        rig.settle(8)
        written = "dynamodb.PutItem" in (names[: n + 1] if after else names[:n])
        if written:  # from here on nobody has to come back for the texts to go
            assert [rig.vendor.texts[number[1:]] for number in numbers] == [1, 1, 1, 0, 0], n
        if not again_at_once:  # the client comes back only now: the sweep may have done it all
            answer = rig.text(numbers, key=f"k-{n}")
            assert (answer[0], verdicts(answer[1])) == (202, verdicts(expected)), n
            rig.settle(8)
        assert [rig.vendor.texts[number[1:]] for number in numbers] == [1, 1, 1, 0, 0], n
        assert rig.used(day=day) == 3, n


def test_an_accept_resumed_under_a_kill_switch_holds_nobody(rig: Rig) -> None:
    """Killed with customers reserved; by the time the sweep comes, sending is stopped."""
    rig.boundaries.reset()
    rig.text(_people(rig, 0), key="whole")
    names = list(rig.boundaries.names)
    # Only the day's first batch says that its associate texts: the second put of it.
    del names[[n for n, name in enumerate(names) if name == "dynamodb.PutItem"][1]]
    last_save = len(names) - 1 - names[::-1].index("dynamodb.UpdateItem") - 1
    numbers = _people(rig, 10)
    rig.boundaries.reset(last_save, after=False)
    with pytest.raises(Killed):
        rig.text(numbers, key="k")
    rig.boundaries.reset()
    assert [rig.leased(number) for number in numbers[:3]] == [True, True, True]
    rig.apply(lambda d: d.update(stops={"all": True}))
    rig.clock.advance(90)
    rig.settle(8)
    assert [rig.leased(number) for number in numbers[:3]] == [False, False, False]
    assert [rig.vendor.texts[number[1:]] for number in numbers] == [0, 0, 0, 0, 0]
    assert rig.used() == 3  # the first request's own


@pytest.mark.parametrize("after", SIDES)
def test_send_killed_anywhere_never_texts_twice(rig: Rig, after: bool) -> None:
    for key in ("first", "whole"):  # the very first use of a pace makes calls no other does
        next_noon(rig)
        numbers = _people(rig, 0)[:3]
        rig.vendor.refuse = {numbers[1][1:]: "INVALID_NUMBER"}
        rig.text(numbers, key=key)
        waiting = rig.queue.take()
        rig.boundaries.reset()
        rig.deliver(waiting)
    names = list(rig.boundaries.names)
    assert names.count("vendor") == 1
    for n in range(len(names)):
        next_noon(rig)
        numbers = _people(rig, 10 * n + 10)[:3]
        rig.vendor.refuse = {numbers[1][1:]: "INVALID_NUMBER"}
        batch_id = rig.text(numbers, key=f"k-{n}")[1]["id"]
        waiting = rig.queue.take()
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.deliver(waiting)
        rig.boundaries.reset()
        rig.clock.advance(360)
        rig.deliver(waiting)  # the queue shows it again after its visibility time-out
        rig.settle(80)
        texts = [rig.vendor.texts[number[1:]] for number in numbers]
        states = rig.states(batch_id)
        assert max(texts) <= 1, (n, names[n])
        reached = "vendor" in names[: n + 1] if after else "vendor" in names[:n]
        went = reached or not _claimed(n, names, after)
        assert texts == ([1, 0, 1] if went else [0, 0, 0]), (n, names[n])
        assert "unknown" not in states
        assert rig.item(batch_id)["state"] == "closed", (n, names[n])
        if not reached and _claimed(n, names, after):
            assert set(states) == {"unresolved"}  # nobody can know: a person looks


def _claimed(n: int, names: list[str], after: bool) -> bool:
    """Had the claim been written when the process was killed at its n-th call?"""
    vendor = names.index("vendor")
    claim = max(i for i, name in enumerate(names[:vendor]) if name == "dynamodb.UpdateItem")
    return n >= claim if after else n > claim


def test_a_real_kill_leaves_a_state_that_the_crash_tests_follow(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """test_crashes.py writes down what a process leaves behind instead of killing it: accept, send
    and sweep, killed at each call and on either side of it, leave nothing else."""
    world = World(rig, monkeypatch)
    world.client("k", _people(rig, 0))
    events = 0
    while (event := world.next_event()) is not None:
        events, before = events + 1, world.state()
        rig.boundaries.reset()
        *deaths, alive = world.deaths_of(event)
        calls = len(rig.boundaries.names)
        names = {state.name for state in deaths} | {alive.name}
        for n in range(calls):
            for after in SIDES:
                world.put_back(before)
                rig.boundaries.reset(n, after=after)
                with pytest.raises(Killed):
                    world.happen(event)
                assert world.state().name in names, (event, n, after)
        rig.boundaries.reset()
        world.put_back(alive)
    assert events >= 3
