"""The line of texts that may go: fair over many runs, free for those who wait, never overbooked."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests import slow_rig
from tests.outreach_rig import ANNA, BEN, LOGINS, Rig, phone

from instore.adapters.table import Table


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return slow_rig.ten_in_new_york(table, clock)


slow = partial(slow_rig.slow, requests_per_s=1)


def ask_all(rig: Rig, *, batches: int) -> dict[str, list[str]]:
    """`batches` of one text each for Anna, then as many for Ben: the ids in the order asked."""
    numbers = iter(rig.customers(2 * batches))
    ids: dict[str, list[str]] = {ANNA: [], BEN: []}
    for agent, mine in ids.items():
        for n in range(batches):
            rig.clock.advance(1)
            answer = rig.text([next(numbers)], key=f"{agent}-{n}", login=LOGINS[agent])[1]
            mine.append(answer["id"])
    return ids


def test_waiting_costs_nothing_however_long_the_line(rig: Rig) -> None:
    slow(rig, rate=0.1)  # 66 s of it are seven texts
    ids = [name for names in ask_all(rig, batches=20).values() for name in names]
    rig.clock.advance(3600 + 60)
    before = {name: rig.item(name)["rev"] for name in ids}
    rig.sweep()
    assert len(rig.queue.messages) == 7
    assert sorted(delay for _, delay in rig.queue.messages) == [0] * 7  # one call takes them all
    rig.services().pace.take("10000001", channel="bulk", count=20, rate=0.1, max_wait=1)
    rig.queue.take()
    rig.clock.advance(60)
    rig.sweep()  # 140 s of the line are given away already
    assert rig.queue.messages == []
    assert {name: rig.item(name)["rev"] for name in ids} == before


def test_what_was_let_go_and_not_claimed_is_let_go_again_and_sent_once(rig: Rig) -> None:
    slow(rig, rate=0.1)
    ask_all(rig, batches=10)
    rig.clock.advance(3600 + 60)
    rig.sweep()
    first = rig.queue.take()  # late: none of them has come when the next run lets go
    rig.clock.advance(60)
    rig.sweep()
    assert set(rig.queue.take()) == set(first)  # and nobody of a later place instead
    rig.deliver(first)
    rig.deliver(first)
    assert len(rig.vendor.texts) == 7
    assert set(rig.vendor.texts.values()) == {1}
    rig.clock.advance(60)
    rig.sweep()
    assert not set(rig.queue.take()) & set(first)


def test_nobodys_tenth_goes_before_anothers_first_over_many_runs(rig: Rig) -> None:
    slow(rig, rate=0.05, chunk=1, recipients_per_batch=1)
    ids = ask_all(rig, batches=6)
    rig.clock.advance(3600)
    for _ in range(8):
        rig.clock.advance(60)
        rig.sweep()
        rig.deliver()
    texted = {c.recipients[0][0].e164: at for at, c in rig.vendor.campaigns}
    assert len(texted) == 12
    order = sorted(texted.values())
    when = {
        agent: [rig_time(rig, name, texted, ids) for name in names] for agent, names in ids.items()
    }
    for mine, others in ((when[ANNA], when[BEN]), (when[BEN], when[ANNA])):
        assert mine == sorted(mine)
        assert all(mine[n + 1] >= others[n] for n in range(5)), order


def rig_time(rig: Rig, name: str, texted: dict[str, Any], ids: dict[str, list[str]]) -> Any:
    """When the batch's only text went: numbers were given out in the order of the ids."""
    return texted[phone([*ids[ANNA], *ids[BEN]].index(name))]


def test_those_let_go_are_spread_over_the_minute_a_call_at_a_time(rig: Rig) -> None:
    """A call takes 20 s of the line, and a message some seconds to come."""
    slow(rig, rate=0.1, chunk=2)
    ask_all(rig, batches=10)
    rig.clock.advance(3600 + 60)
    rig.sweep()
    assert sorted(delay for _, delay in rig.queue.messages) == [0, 0, 12, 12, 32, 32, 52]


def test_what_was_put_off_keeps_its_place(rig: Rig) -> None:
    slow(rig, rate=0.1)
    first = ask_all(rig, batches=1)[ANNA][0]
    rig.clock.advance(3600 + 60)
    rig.sweep()
    rig.services().pace.take("10000001", channel="bulk", count=30, rate=0.1, max_wait=999)
    rig.deliver()  # somebody else has the line: no turn within this invocation
    put_off = rig.item(first)
    assert put_off["due_shard"].startswith("SEND#")
    eleven = datetime(2026, 11, 18, 11, tzinfo=ZoneInfo("America/New_York"))
    assert put_off["due_at"] == eleven.timestamp()  # and not the minute it was put off
    assert rig.queue.messages == []
