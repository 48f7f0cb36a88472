"""What stands on a customer who pressed a digit: they were on the phone, and text instead.

One entry per banner on the customer's item. It leads their next conversation to the skill of the
branch they had called, once, within a day; afterwards it only says when that was, so that it can be
told who comes back by text and who calls again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .model import epoch, from_iso, iso, maybe_iso

if TYPE_CHECKING:
    from .consent import Customer

STANDS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Deflected:
    """A call that became texts: `call` is Twilio's CallSid, `at` when the digit was pressed.

    `used` names the conversation that followed (`<account>#<id>`), `used_at` when that was;
    `before` when an earlier one began; `texts` the instants (epoch s) of the last day's calls that
    were answered with a text.
    """

    branch: str
    intent: str
    call: str
    at: datetime
    used: str | None = None
    used_at: datetime | None = None
    before: datetime | None = None
    texts: tuple[int, ...] = ()

    @property
    def last_began(self) -> datetime | None:
        """When this customer last began a conversation after a call; None: never."""
        return self.used_at or self.before


def accepted(
    before: Deflected | None, *, branch: str, intent: str, call: str, at: datetime
) -> Deflected:
    """What stands after the digit was pressed in `call`. The same call again changes nothing."""
    if before is not None and before.call == call:
        return before
    return Deflected(
        branch, intent, call, at, before=before.last_began if before else None,
        texts=(*texts_since(before, now=at), epoch(at)),
    )  # fmt: skip


def texts_since(deflected: Deflected | None, *, now: datetime) -> tuple[int, ...]:
    """The instants of the last 24 hours at which a call was answered with a text."""
    if deflected is None:
        return ()
    return tuple(at for at in deflected.texts if at > epoch(now - STANDS))


def standing(
    customer: Customer | None, *, banner: str, conversation: str, new_round: bool, now: datetime
) -> Deflected | None:
    """The call that leads this conversation: not a day old, and no other conversation had it. The
    one that had it keeps it until it is handed on, and not when it comes back later."""
    deflected = customer.deflected.get(banner) if customer else None
    if deflected is None or not now - STANDS < deflected.at <= now + timedelta(minutes=5):
        return None
    if deflected.used is None:
        return deflected
    return deflected if deflected.used == conversation and not new_round else None


def comes_back(
    customer: Customer | None, *, banner: str, conversation: str, days: int, now: datetime
) -> Deflected | None:
    """The earlier call, if this customer texted after one within `days` and now begins another
    conversation by text, without having called."""
    deflected = customer.deflected.get(banner) if customer else None
    if deflected is None or deflected.used is None or deflected.used_at is None:
        return None
    if deflected.used == conversation or now - deflected.used_at > timedelta(days=days):
        return None
    return deflected


def deflected_item(deflected: Deflected) -> dict[str, Any]:
    """As it is stored on the customer."""
    item = {
        "branch": deflected.branch, "intent": deflected.intent, "call": deflected.call,
        "at": iso(deflected.at), "used": deflected.used, "used_at": maybe_iso(deflected.used_at),
        "before": maybe_iso(deflected.before), "texts": list(deflected.texts) or None,
    }  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}


def deflected_from(item: Mapping[str, Any]) -> Deflected:
    """Inverse of `deflected_item`."""
    return Deflected(
        item["branch"], item["intent"], item["call"], from_iso(item["at"]), item.get("used"),
        from_iso(item["used_at"]) if "used_at" in item else None,
        from_iso(item["before"]) if "before" in item else None, tuple(item.get("texts", ())),
    )  # fmt: skip


def begun(deflected: Deflected, *, conversation: str, at: datetime) -> Deflected:
    """The same, used by this conversation."""
    return replace(deflected, used=conversation, used_at=at)
