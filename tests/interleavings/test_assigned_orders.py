"""Two or three at one conversation at once, in every order of their requests (I4, I13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.assigned_rig import BOT, DANA, EVE, PK, Rig, program_with
from tests.interleavings.orders import all_orders

from instore.adapters.table import Table
from instore.assigning import take
from instore.notify import resume
from instore.program import Program

Operation = Callable[[], Any]


@pytest.fixture
def rig(table: Table, strict_program: Program, clock: Any) -> Rig:
    rig = Rig(table, strict_program, clock)
    rig.clean().converse().consent()
    return rig


def anew(rig: Rig, **changed: Any) -> None:
    rig.vendor.campaigns.clear()
    rig.converse(**changed)


def test_the_same_change_twice_at_once(rig: Rig) -> None:
    means, now = rig.quiet, rig.clock.now()
    change = rig.change(60, DANA)

    def start() -> list[Operation]:
        anew(rig)
        return [lambda: take(change, means=means, now=now)] * 2

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)]
        assert len(rig.vendor.campaigns) == 1
        item = rig.item()
        assert (item["state"], item["agent"], item["notice"]["state"]) == ("assigned", DANA, "sent")
        assert "change" not in item
        assert "due_at" not in item

    assert all_orders(start, check) > 20


def test_an_older_and_a_newer_change_at_once(rig: Rig) -> None:
    means, now = rig.quiet, rig.clock.now()
    changes = [rig.change(60, DANA), rig.change(90, EVE)]

    def start() -> list[Operation]:
        anew(rig)
        return [lambda c=c: take(c, means=means, now=now) for c in changes]  # type: ignore[misc]  # binds the loop's value

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)]
        assert len(rig.vendor.campaigns) == 1
        item = rig.item()
        assert (item["agent"], item["agent_id"], item["misrouted"]) == (EVE, "222", True)
        assert item["notice"]["state"] == "sent"
        assert "change" not in item

    assert all_orders(start, check) > 20


def test_the_bot_decides_anew_while_a_change_is_taken(rig: Rig) -> None:
    """A new wait that begins between our reading and our writing is not ended by old news."""
    means, now = rig.quiet, rig.clock.now()
    change = rig.change(60, BOT)

    def start() -> list[Operation]:
        anew(rig, state="assigned", agent=DANA, agent_id="111", waiting=False)

        def decide() -> None:
            rig.table.update(PK, "CONVERSATION",
                             "SET #s = :d, waiting = :t, #w = :two, turn = turn + :one",
                             names={"s": "state", "w": "wait"},
                             values={"d": "decided", "t": True, "two": 2, "one": 1})  # fmt: skip

        return [lambda: take(change, means=means, now=now), decide]

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)]
        item = rig.item()
        assert (item["state"], item["waiting"], item["wait"]) == ("decided", True, 2)
        assert "agent" not in item

    assert all_orders(start, check) == 3


@pytest.mark.slow
def test_the_function_and_two_sweeps_at_one_notice(rig: Rig) -> None:
    means, now = rig.quiet, rig.clock.now()
    notice = {"wait": 1, "state": "due", "at": "2026-11-18T17:00:00.000Z", "account": "20000001",
              "group": "north", "agent": "111"}  # fmt: skip

    def start() -> list[Operation]:
        anew(rig, state="assigned", agent=DANA, agent_id="111", waiting=False, notice=notice,
             due_at=int(now.timestamp()), changed_ts=rig.change(60).ts)  # fmt: skip
        return [lambda: resume((PK, "CONVERSATION"), means=means, now=now)] * 3

    def check(results: list[Any]) -> None:
        assert sorted(len(result.metrics) for result in results) == [0, 0, 1]
        assert len(rig.vendor.campaigns) == 1
        assert rig.item()["notice"]["state"] == "sent"

    assert all_orders(start, check) > 20


def test_the_words_and_the_news_of_the_assignment_at_once(rig: Rig) -> None:
    rig.program = program_with(rig.program, when="first_reply")
    means, now = rig.quiet, rig.clock.now()

    def start() -> list[Operation]:
        anew(rig)
        changes = [rig.change(60, DANA), rig.words(90, DANA)]
        return [lambda c=c: take(c, means=means, now=now) for c in changes]  # type: ignore[misc]  # binds the loop's value

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)]
        assert len(rig.vendor.campaigns) == 1
        assert rig.item()["notice"]["state"] == "sent"

    assert all_orders(start, check) == 3
