"""What the table promises about a changing conversation: each write once, on what was read."""

from __future__ import annotations

from typing import Any

import pytest
from tests.assigned_rig import DANA, EVE, PK, Rig

from instore.adapters.conversation_changes import ConversationChanges
from instore.adapters.table import Table
from instore.assignment_state import MOVES, NoticeState, Outcome, Settlement
from instore.program import Program

AT = "2026-11-18T17:00:00.000Z"


@pytest.fixture
def rig(table: Table, strict_program: Program, clock: Any) -> Rig:
    return Rig(table, strict_program, clock).converse()


@pytest.fixture
def changes(table: Table) -> ConversationChanges:
    return ConversationChanges(table)


def test_only_newer_changes_are_taken_in(rig: Rig, changes: ConversationChanges) -> None:
    first = changes.take_in(rig.change(60, DANA))
    assert first.fresh
    assert first.item is not None
    assert first.item["change"] == {"closed": False, "pids": [DANA]}
    for old in (rig.change(60, DANA), rig.change(60, EVE), rig.change(59, EVE), rig.change(60)):
        again = changes.take_in(old)
        assert not again.fresh
        assert again.item == first.item
    assert changes.take_in(rig.change(60, closed=True)).fresh  # same moment, later in nature
    assert changes.take_in(rig.change(61)).fresh


def test_a_conversation_that_is_not_ours_is_not_made(
    rig: Rig, changes: ConversationChanges, table: Table
) -> None:
    table.delete(PK, "CONVERSATION")
    assert changes.take_in(rig.change(60, DANA)).item is None
    assert changes.note_reply(rig.words(60, DANA)).item is None
    changes.mark_revoked({"pk": PK}, ts=1)
    assert changes.get(PK) is None


@pytest.mark.parametrize(
    "meanwhile",
    ["SET changed_ts = changed_ts + :one", "SET changed_rank = changed_rank + :one",
     "SET turn = turn + :one", "SET notice = :notice", "REMOVE #change"],
)  # fmt: skip
def test_a_settlement_is_written_on_what_it_rests_on_only(
    rig: Rig, changes: ConversationChanges, table: Table, meanwhile: str
) -> None:
    item = changes.take_in(rig.change(60, DANA)).item
    assert item is not None
    values = {name: value for name, value in (("one", 1), ("notice", {"state": "due"}))
              if f":{name}" in meanwhile}  # fmt: skip
    names = {"change": "change"} if "#change" in meanwhile else None
    table.update(PK, "CONVERSATION", meanwhile, names=names, values=values or None)
    settlement = Settlement(Outcome.ASSIGNED, {"state": "assigned"}, ("due_shard", "due_at"))
    assert changes.settle(item, settlement) is None
    assert rig.item()["state"] == "decided"


def test_a_settlement_sets_drops_and_ends_the_change(
    rig: Rig, changes: ConversationChanges
) -> None:
    item = changes.take_in(rig.change(60, DANA)).item
    assert item is not None
    written = changes.settle(item, Settlement(Outcome.LEFT, {"due_at": 7}, ("wanted", "absent")))
    assert written is not None
    assert (written["due_at"], written["due_shard"][:4]) == (7, "DUE#")
    assert "wanted" not in written
    assert "change" not in written
    assert changes.settle(item, Settlement(Outcome.UNCHANGED, {}, ())) is None


@pytest.mark.parametrize("to", list(MOVES))
@pytest.mark.parametrize("before", list(NoticeState))
def test_a_notice_moves_along_its_table_only(
    rig: Rig, changes: ConversationChanges, before: NoticeState, to: NoticeState
) -> None:
    rig.converse(state="assigned", notice={"wait": 1, "agent": "111", "state": str(before)})
    moved = changes.move_notice(rig.item(), to=to, at=AT, details={"reason": "r"})
    assert moved is (before in MOVES[to])
    assert rig.item()["notice"]["state"] == (to if moved else before)
    assert ("due_at" in rig.item()) is not moved


def test_no_way_leads_out_of_an_end() -> None:
    """I4 in one line: nothing that may have reached a customer can be claimed again."""
    assert MOVES[NoticeState.CLAIMED] == (NoticeState.DUE, NoticeState.DEFERRED)
    for over in (NoticeState.SENT, NoticeState.SKIPPED):
        assert not [to for to, before in MOVES.items() if over in before]
    assert [to for to, b in MOVES.items() if NoticeState.UNKNOWN in b] == [NoticeState.SENT]


@pytest.mark.parametrize("state", ["decided", "closed"])
def test_only_who_is_assigned_is_announced(
    rig: Rig, changes: ConversationChanges, state: str
) -> None:
    rig.converse(state=state, notice={"wait": 1, "agent": "111", "state": "due"})
    assert not changes.move_notice(rig.item(), to=NoticeState.CLAIMED, at=AT, due_at=9)


def test_a_notice_about_somebody_else_by_now_is_left_alone(rig: Rig) -> None:
    rig.converse(state="assigned", notice={"wait": 1, "agent": "111", "state": "due"})
    seen = rig.item()
    rig.converse(state="assigned", notice={"wait": 1, "agent": "222", "state": "due"})
    for to in (NoticeState.CLAIMED, NoticeState.SKIPPED, NoticeState.DEFERRED):
        assert not ConversationChanges(rig.table).move_notice(seen, to=to, at=AT, due_at=9)
    assert rig.item()["notice"] == {"wait": 1, "agent": "222", "state": "due"}


def test_an_old_notice_closes_its_books_without_touching_the_new_wait(
    rig: Rig, changes: ConversationChanges
) -> None:
    rig.converse(wait=2, notice={"wait": 1, "agent": "111", "state": "claimed"})
    due_at = rig.item()["due_at"]
    assert changes.move_notice(rig.item(), to=NoticeState.SENT, at=AT)
    assert (rig.item()["notice"]["state"], rig.item()["due_at"]) == ("sent", due_at)
    rig.converse(wait=2, notice={"wait": 1, "agent": "111", "state": "due"}, state="assigned")
    assert not changes.move_notice(rig.item(), to=NoticeState.CLAIMED, at=AT, due_at=9)
    assert not changes.move_notice({**rig.item(), "pk": "CONVERSATION#none"},
                                   to=NoticeState.SENT, at=AT)  # fmt: skip


def test_the_newest_words_are_remembered(rig: Rig, changes: ConversationChanges) -> None:
    assert changes.note_reply(rig.words(60, DANA)).fresh
    assert not changes.note_reply(rig.words(59, EVE)).fresh
    item = changes.note_reply(rig.words(61, EVE)).item
    assert item is not None
    assert item["reply"]["pid"] == EVE


def test_a_stop_is_marked_with_its_newest_time(rig: Rig, changes: ConversationChanges) -> None:
    for ts in (5, 7, 6):
        changes.mark_revoked(rig.item(), ts=ts)
    assert rig.item()["revoked_ts"] == 7


def test_looking_again_moves_only_what_was_read(rig: Rig, changes: ConversationChanges) -> None:
    item = rig.item()
    changes.look_again({**item, "due_at": 1}, due_at=99)
    assert rig.item()["due_at"] == item["due_at"]
    changes.look_again(item, due_at=99)
    assert rig.item()["due_at"] == 99
    changes.look_again(rig.item(), due_at=None)
    assert "due_at" not in rig.item()


@pytest.mark.parametrize(
    ("state", "customer", "found"),
    [("assigned", "theirs", True), ("created", "theirs", True), ("closed", "theirs", False),
     ("assigned", "somebody", False)],
)  # fmt: skip
def test_another_conversation_of_the_customer_that_is_not_known_to_be_over(
    rig: Rig, changes: ConversationChanges, table: Table, state: str, customer: str, found: bool
) -> None:
    mine = rig.item()
    table.put({"pk": f"{PK}-other", "sk": "CONVERSATION", "state": state,
               "customer": mine["customer"] if customer == "theirs" else customer})  # fmt: skip
    # What else names a customer is no conversation.
    table.put({"pk": f"{PK}-other", "sk": "LINE", "customer": mine["customer"]})
    assert changes.has_another_open(mine) is found


def test_looking_for_another_conversation_costs_one_request_if_there_is_none(
    rig: Rig, changes: ConversationChanges, requests_made: list[Any]
) -> None:
    mine = rig.item()
    del requests_made[:]
    assert changes.has_another_open(mine) is False
    assert [operation for _, operation, _ in requests_made] == ["Query"]
