"""The two transition tables, turns, ids: rules of a batch without any table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from instore.batch import (
    BATCH_NEXT,
    ROW_NEXT,
    Batch,
    BatchState,
    Row,
    RowState,
    batch_id,
    in_turn,
)
from instore.directory import Pointer
from instore.model import Phone

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)


def batch(name: str = "b1", agent: str = "201", minutes: int = 0) -> Batch:
    return Batch(id=name, pointer=Pointer("1", "2", agent), login="a", banner="kay",
                 template="t", fingerprint="f", program=1, day="2026-11-18",
                 accepted_at=NOW + timedelta(minutes=minutes),
                 expires_at=NOW + timedelta(days=35))  # fmt: skip


def test_every_state_has_its_line_in_the_tables() -> None:
    assert set(BATCH_NEXT) == set(BatchState)
    assert set(ROW_NEXT) == set(RowState)


def test_a_batch_that_may_be_at_the_vendor_is_never_claimed_over() -> None:
    ways_in = {s for s, following in BATCH_NEXT.items() if BatchState.CLAIMED in following}
    assert ways_in == {BatchState.ACCEPTED, BatchState.DEFERRED}
    for state in BatchState:
        rows = (Row(0, Phone("+12125550100"), state=RowState.ACCEPTED),)
        assert replace(batch(), state=state, rows=rows).can_be_claimed(NOW) is (
            state is BatchState.ACCEPTED)  # fmt: skip


def test_an_unknown_row_never_becomes_sendable_again() -> None:
    reachable, frontier = set[RowState](), {RowState.UNKNOWN}
    while frontier:
        state = frontier.pop()
        for following in ROW_NEXT[state] - reachable:
            reachable.add(following)
            frontier.add(following)
    assert reachable.isdisjoint({RowState.PENDING, RowState.ACCEPTED, RowState.DEFERRED})


@pytest.mark.parametrize("state", list(BatchState))
@pytest.mark.parametrize("following", list(BatchState))
def test_batches_only_take_steps_of_the_table(state: BatchState, following: BatchState) -> None:
    start = replace(batch(), state=state)
    if following in BATCH_NEXT[state]:
        assert start.to(following).state is following
    else:
        with pytest.raises(ValueError, match="never goes"):
            start.to(following)


@pytest.mark.parametrize("state", list(RowState))
@pytest.mark.parametrize("following", list(RowState))
def test_rows_only_take_steps_of_the_table(state: RowState, following: RowState) -> None:
    start = Row(0, None, state=state)
    if following in ROW_NEXT[state]:
        assert start.to(following).state is following
    else:
        with pytest.raises(ValueError, match="never goes"):
            start.to(following)


def test_a_deferred_batch_can_be_claimed_from_its_earliest_row_on() -> None:
    later, soon = NOW + timedelta(hours=2), NOW + timedelta(hours=1)
    rows = tuple(
        Row(n, None, state=RowState.DEFERRED, until=at) for n, at in enumerate((later, soon))
    )
    waiting = replace(batch(), state=BatchState.DEFERRED, rows=rows, due_at=NOW)
    assert waiting.next_until() == soon
    assert not waiting.can_be_claimed(soon - timedelta(seconds=1))
    assert waiting.can_be_claimed(soon)
    assert [row.n for row in waiting.due_rows(soon)] == [1]
    assert not replace(waiting, rows=()).can_be_claimed(later)


def test_ids_follow_from_associate_and_key_alone() -> None:
    one = batch_id(Pointer("1", "2", "201"), key="k")
    assert one == batch_id(Pointer("1", "9", "201"), key="k")
    near = [("1", "202", "k"), ("2", "201", "k"), ("1", "201", "K")]
    others = {batch_id(Pointer(account, "2", agent), key=key) for account, agent, key in near}
    assert len(others | {one}) == 4
    assert len(one) == 24


def test_nobodys_tenth_goes_before_anothers_first() -> None:
    busy = [batch(f"a{n}", "201", n) for n in range(10)]
    late = [batch(f"z{n}", f"30{n}", 60 + n) for n in range(3)]
    order = [b.id for b in in_turn([*busy, *late])]
    assert order[:5] == ["a0", "z0", "z1", "z2", "a1"]
    assert order[5:] == [f"a{n}" for n in range(2, 10)]
