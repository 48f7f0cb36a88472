"""A change of a conversation, taken once: who has it now, and the text to whoever waited.

Each step leaves the conversation so that the next delivery, or the sweep, goes on where this
one stopped: the change is kept until its consequences are written, and they include that a
notice is owed. A delivery that brings nothing new costs one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .assignment import ConversationChange, Kind
from .assignment_state import (
    RETRY_S,
    NoticeState,
    Outcome,
    Settlement,
    notice_state,
    replied,
    settle,
    still_assigned,
)
from .errors import UnavailableError
from .kpi_conversations import note_given, note_words
from .model import Stickiness, epoch, epoch_ms, from_epoch_ms, iso
from .notify import Means, Notice, attempt, take_back

if TYPE_CHECKING:
    from .directory import Pointer

_TRIES = 4
AHEAD = timedelta(minutes=10)  # how far LivePerson's clock may be before ours


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a change: outcome, whether LivePerson chose another agent than we did (and a
    strict program forbids that), how the notice ended if one was tried."""

    what: str
    misrouted: bool = False
    strict: bool = False
    notice: Notice | None = None


def take(change: ConversationChange, *, means: Means, now: datetime) -> Taken:
    """Take one change. Raises UnavailableError or VendorError: give it to us again.

    A time to come is no information (I12): kept as the newest, it would hide all that follows. A
    STOP is a STOP whenever it says it was.
    """
    texted = _pass_on(change, means=means)
    if change.kind is not Kind.REVOCATION and _is_to_come(change, now=now):
        return Taken(texted or "time_to_come")
    match change.kind:
        case Kind.STATE:
            return _take_state(change, means=means, now=now)
        case Kind.AGENT_TEXT:
            taken = _take_reply(change, means=means, now=now)
            if means.counting is not None:
                note_words(change, counting=means.counting, now=now)
            return replace(taken, what=texted) if texted else taken
        case Kind.COLLEAGUE_TEXT:
            return Taken(texted or "not_needed")
        case Kind.REVOCATION:
            return _take_revocation(change, means=means, now=now)
        case Kind.RESTART:
            return _take_restart(change, means=means, now=now)


def _pass_on(change: ConversationChange, *, means: Means) -> str | None:
    """Words in a conversation of the SMS line go to the customer, whatever else they mean here.
    None: it is none, or nobody on our side wrote."""
    if means.pass_on is None or change.kind not in (Kind.AGENT_TEXT, Kind.COLLEAGUE_TEXT):
        return None
    told = means.pass_on(change)
    return None if told in ("foreign", "wordless") else told


def _is_to_come(change: ConversationChange, *, now: datetime) -> bool:
    return change.ts > epoch_ms(now + AHEAD)


def _take_state(change: ConversationChange, *, means: Means, now: datetime) -> Taken:
    taken = means.changes.take_in(change)
    item = taken.item
    settlement: Settlement | None = None
    for _ in range(_TRIES):
        if item is None:
            return Taken("foreign")
        if "change" not in item:
            break
        proposed = _consequences(item, means=means, now=now)
        if proposed.outcome is Outcome.CLOSED:
            _end_leases(item, means=means, now=now)
        if proposed.outcome in (Outcome.LEFT, Outcome.CLOSED):
            take_back(item, means=means)
        proposed = _counted(item, proposed, means=means, now=now)
        written = means.changes.settle(item, proposed)
        if written is not None:
            item, settlement = written, proposed
            break
        item = means.changes.get(item["pk"])
    else:
        raise UnavailableError("the conversation keeps changing", code="conversation_busy")
    notice = _notify(item, means=means, now=now)
    if settlement is None:
        return Taken("duplicate", notice=notice)
    return Taken(settlement.outcome, settlement.misrouted,
                 strict=settlement.misrouted and _strict(item, means), notice=notice)  # fmt: skip


def _counted(
    item: Mapping[str, Any], proposed: Settlement, *, means: Means, now: datetime
) -> Settlement:
    """The first person who is given a conversation is a fact, told before it is settled."""
    if proposed.given_to is None or means.counting is None:
        return proposed
    if not note_given(item, proposed.given_to, counting=means.counting, now=now):
        return proposed
    return replace(proposed, sets={**proposed.sets, "given": True})


def _consequences(item: Mapping[str, Any], *, means: Means, now: datetime) -> Settlement:
    pids: list[str] = item["change"]["pids"]
    humans: dict[str, Pointer] = {}
    if not item["change"]["closed"] and not still_assigned(item, pids):
        for pid in pids:
            pointer = means.stores.by_pid(item["account"], pid=pid)
            if pointer is not None:
                humans[pid] = pointer
    banner = means.program.banner(item["banner"])
    routing = banner.routing if banner else means.program.routing
    return settle(
        item, humans=humans, silent_wait_s=routing.silent_wait_alarm_minutes * 60, now=now,
        after_first_reply=means.program.notification.when == "first_reply",
    )  # fmt: skip


def _end_leases(item: Mapping[str, Any], *, means: Means, now: datetime) -> None:
    """The customer is free again for everybody; a lease of somebody else is not ours to end."""
    if not item.get("customer"):
        return
    owners = {(item["account"], item.get("agent_id"))}
    if wanted := item.get("wanted"):
        owners.add((wanted["account"], wanted["agent"]))
    for account, agent in sorted((a, g) for a, g in owners if g):
        means.customers.end_lease(item["customer"], owner_account=account, owner_agent=agent,
                                  now=now)  # fmt: skip


def _strict(item: Mapping[str, Any], means: Means) -> bool:
    banner = means.program.banner(item["banner"])
    return banner is not None and banner.routing.stickiness is Stickiness.STRICT


def _take_reply(change: ConversationChange, *, means: Means, now: datetime) -> Taken:
    """An agent wrote. Only programs that notify at the first reply wait for that."""
    if means.program.notification.when != "first_reply":
        return Taken("not_needed")
    taken = means.changes.note_reply(change)
    item = taken.item
    if item is None:
        return Taken("foreign")
    notice = _notify(item, means=means, now=now)
    return Taken("replied" if taken.fresh else "duplicate", notice=notice)


def _notify(item: Mapping[str, Any], *, means: Means, now: datetime) -> Notice | None:
    """Try the notice that is owed, now that the item says all that is known.

    With `first_reply` the words may have come before the news of the assignment or after it:
    whichever of the two is written second finds both here.
    """
    if notice_state(item) is NoticeState.AWAITING and replied(item, item["agent"]):
        due_at = epoch(now) + RETRY_S
        if not means.changes.move_notice(item, to=NoticeState.DUE, at=iso(now), due_at=due_at):
            return None
        item = {**item, "notice": {**item["notice"], "state": str(NoticeState.DUE)}}
    if notice_state(item) is not NoticeState.DUE:
        return None
    return attempt(item, means=means)


def _take_revocation(change: ConversationChange, *, means: Means, now: datetime) -> Taken:
    """The customer took consent back in plain words: that ends all texts (I9)."""
    item = means.changes.known(change)
    if item is None:
        return Taken("foreign")
    if item.get("line"):
        return Taken("heard_before")  # by our number, before it came to LivePerson (inbound.py)
    if item.get("revoked_ts", 0) >= change.ts:
        return Taken("duplicate")
    if change.event and item.get("stop") == change.event:
        return Taken("duplicate")  # the bot heard this very text, and answered it
    if not item.get("customer"):
        return Taken("nobody_known")
    new = means.customers.opt_out(item["customer"], **_said(change, item, means), now=now)
    if not _is_to_come(change, now=now):
        means.changes.mark_revoked(item, ts=change.ts)
    return Taken("revoked" if new else "revoked_before")


def _take_restart(change: ConversationChange, *, means: Means, now: datetime) -> Taken:
    """The customer asked an associate for texts again. What is said to the bot is the bot's: it
    answers. Said before a STOP or an erasure, it lifts nothing, however late it comes."""
    item = means.changes.known(change)
    if item is None:
        return Taken("foreign")
    if not item.get("customer"):
        return Taken("nobody_known")
    if item.get("line"):
        return Taken("heard_before")
    if not item.get("agent"):
        return Taken("left_to_the_bot")
    restored = means.customers.opt_in(item["customer"], **_said(change, item, means), now=now)
    return Taken("restored" if restored else "not_out")


def _said(change: ConversationChange, item: Mapping[str, Any], means: Means) -> dict[str, Any]:
    """What the ledger keeps of words in a conversation."""
    return {
        "banner": item["banner"], "scope": means.program.consent.opt_out_scope,
        "how": "words in a conversation", "words": change.words,
        "evidence": f"{change.account}#{change.conversation}", "at": from_epoch_ms(change.ts),
    }  # fmt: skip
