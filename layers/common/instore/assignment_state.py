"""What a change means for a conversation: who has it now, who waits, whether a notice is owed.

Pure. `settle` compares the conversation as it stands with the newest state LivePerson told and
says what to write; the one write that stores it also stores that a notice is owed, so that a
crash right after it loses nothing (I13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .directory import Pointer, pointer_item
from .model import epoch, from_epoch_ms, iso

Item = Mapping[str, Any]
RETRY_S = 60  # when the sweep looks at a notice that nobody finished


class NoticeState(StrEnum):
    """Where the one text of a wait stands."""

    AWAITING = "awaiting"  # assigned; the program wants the associate's first words before it
    DUE = "due"
    DEFERRED = "deferred"  # until the customer may be texted
    CLAIMED = "claimed"  # somebody is calling LivePerson; from here it is never called again
    SENT = "sent"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"  # LivePerson may or may not have sent it: never again (I4)


# To -> from. DUE out of CLAIMED is giving a claim back after a call that certainly did nothing,
# DEFERRED out of CLAIMED one that came too late in the day for any call;
# SENT out of UNKNOWN is an answer that came after the sweep had given up on it.
MOVES: dict[NoticeState, tuple[NoticeState, ...]] = {
    NoticeState.DUE: (NoticeState.AWAITING, NoticeState.DUE, NoticeState.DEFERRED,
                      NoticeState.CLAIMED),
    NoticeState.DEFERRED: (NoticeState.DUE, NoticeState.DEFERRED, NoticeState.CLAIMED),
    NoticeState.CLAIMED: (NoticeState.DUE, NoticeState.DEFERRED),
    NoticeState.SENT: (NoticeState.CLAIMED, NoticeState.UNKNOWN),
    NoticeState.SKIPPED: (NoticeState.AWAITING, NoticeState.DUE, NoticeState.DEFERRED,
                          NoticeState.CLAIMED),
    NoticeState.UNKNOWN: (NoticeState.CLAIMED,),
}  # fmt: skip
_PENDING = (NoticeState.AWAITING, NoticeState.DUE, NoticeState.DEFERRED)


class Outcome(StrEnum):
    """What a change did to a conversation."""

    ASSIGNED = "assigned"
    LEFT = "left"
    CLOSED = "closed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to write: attributes to set, those to drop, what happened in a word, and to whom it was
    given."""

    outcome: Outcome
    sets: Mapping[str, Any]
    drops: tuple[str, ...]
    misrouted: bool = False
    given_to: Pointer | None = None


def notice_state(item: Item) -> NoticeState | None:
    """State of the notice of the wait in force, or None when none is owed or was."""
    notice = item.get("notice")
    return NoticeState(notice["state"]) if notice else None


def still_assigned(item: Item, pids: Sequence[str]) -> bool:
    """True when the agent we know of still has it: no look-up and no decision is needed."""
    return (item.get("agent") in pids and item.get("state") == "assigned"
            and not item.get("waiting"))  # fmt: skip


def settle(
    item: Item, *, humans: Mapping[str, Pointer], after_first_reply: bool, silent_wait_s: int,
    now: datetime,
) -> Settlement:  # fmt: skip
    """Compare the conversation with its newest change (`item["change"]`).

    `humans`: those of the change's assigned PIDs that the agent map knows; bots and strangers
    are not in it. `silent_wait_s`: how long a customer may wait before somebody is told.
    """
    change = item["change"]
    if change["closed"]:
        return _closed(item)
    if still_assigned(item, change["pids"]):
        return Settlement(Outcome.UNCHANGED, {}, ())
    if humans:
        return _assigned(item, humans, after_first_reply=after_first_reply, now=now)
    if item.get("agent"):
        alone = not change["pids"]
        return _left(item, alone=alone, silent_wait_s=silent_wait_s)
    return Settlement(Outcome.UNCHANGED, {}, ())


def _assigned(
    item: Item, humans: Mapping[str, Pointer], *, after_first_reply: bool, now: datetime
) -> Settlement:
    expected = item.get("target")
    # Two humans at once is not a thing of LivePerson's; if it is told so, ours is the one.
    pid = min(humans, key=lambda pid: (humans[pid].agent_id != expected, pid))
    agent = humans[pid]
    misrouted = expected is not None and agent.agent_id != expected
    sets: dict[str, Any] = {"state": "assigned", "agent": pid, "agent_id": agent.agent_id,
                            "waiting": False}  # fmt: skip
    drops = [] if misrouted else ["misrouted"]
    if misrouted:
        sets["misrouted"] = True
    whose = pointer_item(agent)
    if item.get("waiting") and (item.get("notice") or {}).get("wait") != item.get("wait", 0):
        state = NoticeState.DUE
        if after_first_reply and not replied(item, pid):
            state = NoticeState.AWAITING
        sets["notice"] = {"wait": item.get("wait", 0), "state": str(state), "at": iso(now),
                          "since": item.get("waiting_since", iso(now)), **whose}  # fmt: skip
        if state is NoticeState.DUE:
            sets["due_at"] = epoch(now) + RETRY_S
        else:
            drops += ["due_shard", "due_at"]
    elif notice_state(item) in _PENDING:
        sets["notice"] = {**item["notice"], **whose}  # somebody else took over before the text
    else:
        drops += _nothing_due(item)
    return Settlement(Outcome.ASSIGNED, sets, tuple(drops), misrouted=misrouted, given_to=agent)


def _left(item: Item, *, alone: bool, silent_wait_s: int) -> Settlement:
    """The agent went. With a wanted associate and nobody else on it, the customer waits again.

    A conversation the bot has decided anew meanwhile keeps that decision: a late message about
    its earlier agent must not end its new wait.
    """
    sets = _dropped_notice(item, "agent_left")
    drops = ["agent", "agent_id", "misrouted"]
    if item["state"] != "assigned":
        return Settlement(Outcome.LEFT, sets, tuple(drops))
    sets |= {"state": "decided", "waiting": False}
    if alone and item.get("wanted"):
        since = from_epoch_ms(item["changed_ts"])
        sets |= {"waiting": True, "wait": item.get("wait", 0) + 1, "waiting_since": iso(since),
                 "due_at": epoch(since) + silent_wait_s}  # fmt: skip
    else:
        drops += _nothing_due(item)
    return Settlement(Outcome.LEFT, sets, tuple(drops))


def _closed(item: Item) -> Settlement:
    return Settlement(Outcome.CLOSED, {"state": "closed", "waiting": False,
                                       **_dropped_notice(item, "closed")},
                      _nothing_due(item))  # fmt: skip


def _nothing_due(item: Item) -> tuple[str, ...]:
    """What to drop so that the sweep looks no more: nothing while a text is under way, for if its
    claim is lost somebody has to find out."""
    return () if notice_state(item) is NoticeState.CLAIMED else ("due_shard", "due_at")


def _dropped_notice(item: Item, reason: str) -> dict[str, Any]:
    """A text not yet under way is not sent any more; one under way is left to finish."""
    if notice_state(item) not in _PENDING:
        return {}
    return {"notice": {**item["notice"], "state": str(NoticeState.SKIPPED), "reason": reason}}


def replied(item: Item, pid: str) -> bool:
    """Whether this agent wrote since the customer began to wait (first_reply programs)."""
    reply = item.get("reply")
    if not reply or reply["pid"] != pid:
        return False
    since = (item.get("notice") or {}).get("since") or item.get("waiting_since")
    return since is None or reply["ts"] >= datetime.fromisoformat(since).timestamp() * 1000
