"""Conversations as LivePerson changes them: newest state first, one settlement, one notice.

Beside conversations.py, which holds what the routing bot writes on the same items. Every write
is one conditional UpdateItem; a refused one brings the item as it is, at no extra request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..assignment import ConversationChange
from ..assignment_state import MOVES, NoticeState, Settlement
from ..conversation import State
from ..model import due_shard
from .table import Done, Item, Table

SK = "CONVERSATION"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The conversation after a change was offered; None = not one of ours. `fresh`: it was new."""

    item: Item | None
    fresh: bool


class ConversationChanges:
    """What functions/agent_assigned and functions/sweep do to CONVERSATION items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, pk: str) -> Item | None:
        """One GetItem."""
        return self._table.get(pk, SK)

    def known(self, change: ConversationChange) -> Item | None:
        """The conversation a change is about. One GetItem."""
        return self.get(_pk(change))

    def has_another_open(self, item: Mapping[str, Any]) -> bool:
        """Whether this customer has another conversation of which no end is known. By the index
        `customer`, which may be a moment behind; two requests, one if there is none."""
        keys = [(key["pk"], key["sk"]) for key in self._table.of_customer(item["customer"])
                if key["sk"] == SK and key["pk"] != item["pk"]]  # fmt: skip
        found = self._table.get_many(keys, attributes=("state",)) if keys else {}
        return any(other["state"] != State.CLOSED.value for other in found.values())

    def glance(self, change: ConversationChange) -> Item | None:
        """The same, perhaps a moment old, at half the price."""
        return self._table.get(_pk(change), SK, consistent=False)

    def mark_heard(self, item: Mapping[str, Any], *, ts: int) -> None:
        """A person's first words were told as a fact (kpi_conversations.py). One UpdateItem."""
        self._table.update(item["pk"], SK, "SET heard_ts = if_not_exists(heard_ts, :ts)",
                           condition="attribute_exists(pk)", values={"ts": ts})  # fmt: skip

    def take_in(self, change: ConversationChange) -> TakenIn:
        """Keep a change as the newest state, unless it is old, the same again, or foreign.

        The change is kept beside the conversation until `settle` has drawn its consequences:
        whoever comes next finds an unfinished one and finishes it.
        """
        kept = {"closed": change.closed, "pids": list(change.assigned)}
        written = self._table.update(
            _pk(change), SK, "SET changed_ts = :ts, changed_rank = :rank, #change = :change",
            condition="attribute_exists(pk) AND (attribute_not_exists(changed_ts) "
                      "OR changed_ts < :ts OR (changed_ts = :ts AND changed_rank < :rank))",
            names={"change": "change"},
            values={"ts": change.ts, "rank": change.rank, "change": kept}, returns="ALL_NEW",
        )  # fmt: skip
        return TakenIn(written.item, isinstance(written, Done))

    def settle(self, item: Mapping[str, Any], settlement: Settlement) -> Item | None:
        """Write the consequences of the kept change, if nothing it rests on has moved since.

        Returns the item as written; None when somebody was faster: read again, decide again.
        """
        sets = dict(settlement.sets)
        if "due_at" in sets:
            sets["due_shard"] = due_shard(item["pk"])
        drops = ("change", *settlement.drops)
        names = {f"k{i}": name for i, name in enumerate((*sets, *drops))}
        values = {f"k{i}": value for i, value in enumerate(sets.values())}
        expression = "REMOVE " + ", ".join(f"#k{i + len(sets)}" for i in range(len(drops)))
        if sets:
            expression += " SET " + ", ".join(f"#k{i} = :k{i}" for i in range(len(sets)))
        unmoved, seen_names, seen_values = _unmoved(item)
        written = self._table.update(
            item["pk"], SK, expression, condition=unmoved, names=names | seen_names,
            values=values | seen_values, returns="ALL_NEW",
        )  # fmt: skip
        return written.item if isinstance(written, Done) else None

    def note_reply(self, change: ConversationChange) -> TakenIn:
        """Remember that an agent wrote: the newest such moment, nothing of what was written."""
        reply = {"pid": change.agents[0].pid, "ts": change.ts}
        written = self._table.update(
            _pk(change), SK, "SET reply = :reply",
            condition="attribute_exists(pk) AND (attribute_not_exists(reply) OR reply.ts < :ts)",
            values={"reply": reply, "ts": change.ts}, returns="ALL_NEW",
        )  # fmt: skip
        return TakenIn(written.item, isinstance(written, Done))

    def mark_revoked(self, item: Mapping[str, Any], *, ts: int) -> None:
        """This STOP has been recorded: the same delivery again has nothing left to do."""
        self._table.update(
            item["pk"], SK, "SET revoked_ts = :ts",
            condition="attribute_exists(pk) AND "
                      "(attribute_not_exists(revoked_ts) OR revoked_ts < :ts)",
            values={"ts": ts},
        )  # fmt: skip

    def move_notice(
        self, item: Mapping[str, Any], *, to: NoticeState, at: str, due_at: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> bool:  # fmt: skip
        """Move the notice of `item`'s wait along MOVES. False: it is elsewhere by now, or about
        another associate, who took over since `item` was read.

        `due_at`: when the sweep is to look again, epoch seconds; None = never. A conversation
        that waits anew keeps its own `due_at`: the old notice only closes its own books.
        """
        wait, agent = item["notice"]["wait"], item["notice"]["agent"]
        before = {f"from{i}": str(state) for i, state in enumerate(MOVES[to])}
        fields: dict[str, Any] = {"state": str(to), "at": at, **(details or {})}
        names = {name: name for name in ("notice", "wait", "agent", *fields)}
        values = {**fields, **before, "wait": wait, "agent": agent}
        there = (f"attribute_exists(pk) AND #notice.#wait = :wait AND #notice.#agent = :agent "
                 f"AND #notice.#state IN ({', '.join(f':{name}' for name in before)})")  # fmt: skip
        if to is NoticeState.CLAIMED:
            there += " AND #state = :assigned"
            values["assigned"] = "assigned"
        setting = ", ".join(f"#notice.#{name} = :{name}" for name in fields)
        due = " REMOVE due_shard, due_at"
        timed = dict(values)
        if due_at is not None:
            due = ", due_shard = :due_shard, due_at = :due_at"
            timed |= {"due_shard": due_shard(item["pk"]), "due_at": due_at}
        done = self._table.update(item["pk"], SK, f"SET {setting}{due}", names=names,
                                  values=timed, condition=f"{there} AND #wait = :wait")  # fmt: skip
        if isinstance(done, Done):
            return True
        if done.item is None or done.item.get("wait", 0) == wait or due_at is not None:
            return False
        closed = self._table.update(item["pk"], SK, f"SET {setting}", names=names, values=values,
                                    condition=there)  # fmt: skip
        return isinstance(closed, Done)

    def look_again(self, item: Mapping[str, Any], *, due_at: int | None) -> None:
        """Set when the sweep looks at this conversation next, if it is still due as it was read."""
        expression = "REMOVE due_shard, due_at" if due_at is None else "SET due_at = :due_at"
        values = {"seen": item["due_at"]} | ({} if due_at is None else {"due_at": due_at})
        self._table.update(item["pk"], SK, expression, condition="due_at = :seen", values=values)


def _pk(change: ConversationChange) -> str:
    return f"CONVERSATION#{change.account}#{change.conversation}"


def _unmoved(item: Mapping[str, Any]) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The condition (with its names and values) that what a settlement rests on is still so."""
    names = {"seen_change": "change", "seen_turn": "turn", "seen_notice": "notice"}
    values: dict[str, Any] = {"seen_ts": item["changed_ts"], "seen_rank": item["changed_rank"],
                              "seen_turn": item["turn"]}  # fmt: skip
    condition = ("changed_ts = :seen_ts AND changed_rank = :seen_rank "
                 "AND attribute_exists(#seen_change) AND #seen_turn = :seen_turn")  # fmt: skip
    if "notice" not in item:
        return f"{condition} AND attribute_not_exists(#seen_notice)", names, values
    return (f"{condition} AND #seen_notice.#seen_state = :seen_state",
            names | {"seen_state": "state"},
            values | {"seen_state": item["notice"]["state"]})  # fmt: skip
