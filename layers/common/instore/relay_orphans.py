"""Numbers at Twilio that carry our tag and belong to nobody: adopted by who waits, or given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .relay import find_user
from .relay_buying import go_on
from .relay_ending import withdraw
from .relay_means import AGAIN, Means, User
from .relay_report import Outcome, Report, pending, refused
from .relay_state import Activation, Asked, LineState

if TYPE_CHECKING:
    from .carrier import Owned


@dataclass(frozen=True, slots=True)
class Orphan:
    """A number of the account that carries our tag and that no associate is known to have."""

    sid: str
    number: str  # E.164
    tag: str


def orphans(means: Means) -> list[Orphan]:
    """All of them at the program's account. Numbers with other names are none of ours, nor are
    another stack's. One BatchGetItem for each hundred numbers."""
    mark = means.lines.stack_mark()
    tagged = [one for one in means.twilio.owned(means.line) if one.friendly_name.startswith(mark)]
    holders = _holders(tagged, means)
    return [
        Orphan(one.sid, one.number.e164, one.friendly_name)
        for one in tagged if not _is_used(one, holders.get(one.friendly_name))
    ]  # fmt: skip


def _holders(owned: list[Owned], means: Means) -> dict[str, Activation]:
    """The activations the tags were made for, in whatever state, by tag."""
    mark = means.lines.stack_mark()
    parts = [one.friendly_name.removeprefix(mark).split("-") for one in owned]
    found = means.lines.activations((part[0], part[1]) for part in parts if len(part) == 3)
    return {one.tag: one for one in found}


def _is_used(owned: Owned, holder: Activation | None) -> bool:
    return holder is not None and holder.number == owned.number and holder.sid == owned.sid \
        and holder.state is not LineState.RELEASED  # fmt: skip


def settle_orphan(
    orphan: Orphan, *, asked: Asked, means: Means, dry: bool, only_adopt: bool = False
) -> Report:
    """Adopt it, if an activation waits for just this purchase; else give it back. Where its user
    may no longer have a number, the wish ends with it. `only_adopt`: nothing is given back, for
    that a person decides; the report says that there is something to decide."""
    found = [one for one in means.twilio.owned(means.line, tag=orphan.tag) if one.sid == orphan.sid]
    if not found:
        return refused("not_found")
    (one,) = found
    holder = _holders(found, means).get(one.friendly_name)
    if _is_used(one, holder):
        return refused("in_use", holder)
    waiting = holder if holder is not None and holder.is_wish else None
    user = None if waiting is None else find_user(waiting.pointer, means=means)
    adopted = isinstance(user, User)
    if only_adopt and not adopted:
        return Report(Outcome.REFUSED, "orphan", number=one.number)
    if dry or waiting is None:
        if not dry:
            means.twilio.release(means.line, sid=one.sid)
        why = "released" if waiting is None else "adopted" if adopted else "withdrawn"
        return Report(Outcome.WOULD if dry else Outcome.DONE, why, number=one.number)
    if isinstance(user, User):
        report = go_on(waiting, user=user, means=means)
    else:
        report = withdraw(waiting, asked=asked, means=means)
    return report or pending("bought_elsewhere", means.now() + AGAIN)
