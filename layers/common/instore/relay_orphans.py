"""Numbers at Twilio that carry our tag and belong to nobody: adopted by who waits, or given back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .relay import find_user
from .relay_buying import AGAIN, Means, go_on
from .relay_ending import line_of, withdraw
from .relay_report import Outcome, Report, pending, refused
from .relay_state import Activation, LineState

if TYPE_CHECKING:
    from .carrier import Owned


@dataclass(frozen=True, slots=True)
class Orphan:
    """A number of the account that carries our tag and that no associate is known to have."""

    sid: str
    number: str  # E.164
    tag: str


def orphans(means: Means) -> Iterator[Orphan]:
    """All of them. Numbers with other names are none of ours, nor are another stack's."""
    mark = means.lines.stack_mark()
    for one in means.twilio.owned(line_of(means)):
        if one.friendly_name.startswith(mark) and not _is_used(one, _holder(one, means)):
            yield Orphan(one.sid, one.number.e164, one.friendly_name)


def _holder(owned: Owned, means: Means) -> Activation | None:
    """The activation the tag was made for, in whatever state."""
    parts = owned.friendly_name.removeprefix(means.lines.stack_mark()).split("-")
    if len(parts) != 3:
        return None
    found = means.lines.activation(parts[0], agent_id=parts[1])
    return found if found is not None and found.tag == owned.friendly_name else None


def _is_used(owned: Owned, holder: Activation | None) -> bool:
    return holder is not None and holder.number == owned.number and holder.sid == owned.sid \
        and holder.state is not LineState.RELEASED  # fmt: skip


def settle_orphan(orphan: Orphan, *, by: str, means: Means, dry: bool) -> Report:
    """Adopt it, if an activation waits for just this purchase; else give it back. Where its user
    may no longer have a number, the wish ends with it."""
    line = line_of(means)
    found = [one for one in means.twilio.owned(line, tag=orphan.tag) if one.sid == orphan.sid]
    if not found:
        return refused("not_found")
    (one,) = found
    holder = _holder(one, means)
    if _is_used(one, holder):
        return refused("in_use", holder)
    if holder is None or not holder.is_wish:
        if not dry:
            means.twilio.release(line, sid=one.sid)
        return Report(Outcome.WOULD if dry else Outcome.DONE, "released", number=one.number)
    user = find_user(holder.pointer, means=means)
    if isinstance(user, str):
        if dry:
            return Report(Outcome.WOULD, "withdrawn", number=one.number)
        report = withdraw(holder, by=by, means=means)
    else:
        if dry:
            return Report(Outcome.WOULD, "adopted", number=one.number)
        report = go_on(holder, user=user, means=means)
    return report or pending("bought_elsewhere", means.now() + AGAIN)
