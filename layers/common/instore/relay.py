"""Give one associate a number of their own: exactly one, however often and by whomever asked.

Where they are on the way to it is their activation's state; each look at it ends in one step
(relay_buying.py) or a report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from .carrier_codes import Effect
from .directory import Pointer
from .errors import TwilioRefusedError, VendorError, VendorNotAuthorizedError
from .relay_buying import SERVICE_FULL, for_sale, give_back_surplus, go_on, set_up
from .relay_means import AGAIN, Means, User, settled
from .relay_report import Outcome, Report, already, done, pending, refused
from .relay_state import Activation, Asked, LineState, is_same

if TYPE_CHECKING:
    from .adapters.lines import NotBegun


def find_user(pointer: Pointer, *, means: Means) -> User | str:
    """The associate, or why they cannot have a number."""
    store = means.stores.store(pointer.account, group=pointer.group)
    associate = store.find(pointer.agent_id) if store is not None else None
    banner = means.program.banner(store.banner) if store is not None else None
    if store is None or associate is None or banner is None:
        return "unknown_associate"
    if means.program.line is None or not banner.features.line:
        return "line_off"
    if banner.number.strategy != "relay":
        return "number_shared"
    if not associate.enabled:
        return "associate_disabled"
    return User(pointer, associate, store, banner, means.program.line)


def activate(pointer: Pointer, *, asked: Asked, means: Means) -> Report:
    """See to it that this associate has one active number, as far as that goes now; unless their
    number's end was asked for later.

    Raises UnavailableError when the table does not answer, and VendorNotAuthorizedError or
    TwilioRefusedError (effect STOP_BATCH) for what would fail for everybody; each may be repeated.
    """
    user = find_user(pointer, means=means)
    if isinstance(user, str):
        return refused(user)
    return settled(
        pointer, means=means,
        step=lambda found: _once(user, found, asked=asked, means=means),
    )  # fmt: skip


def _once(user: User, found: Activation | None, *, asked: Asked, means: Means) -> Report | None:
    """What follows from what is there; None: look again."""
    hindrance = _hindrance(user, found, means=means)
    if hindrance is not None:
        return hindrance
    if found is None or found.state is LineState.RELEASED:
        if found is not None and found.is_later_than(asked):
            return refused("overtaken", found)
        begun = _begin(user, before=found, asked=asked, means=means)
        if isinstance(begun, Activation):
            return go_on(begun, user=user, means=means)
        return refused("pool_full") if begun.name == "POOL_FULL" else None
    if found.is_elsewhere(user.line.account_sid):  # and its number is not, by now
        moved = means.lines.rehome(found, line=user.line)
        is_full = not isinstance(moved, Activation) and moved.name == "POOL_FULL"
        return refused("pool_full", found) if is_full else None
    if found.is_wish:
        return go_on(found.asked_again(asked), user=user, means=means)
    if found.state is LineState.ACTIVE:
        return _as_it_should_be(found, user=user, asked=asked, means=means)
    if found.is_later_than(asked):
        return refused("overtaken", found)
    revived = means.lines.save(found.revived(asked=asked, now=means.now()))
    if revived is None:
        return None
    mended = _as_it_should_be(revived, user=user, asked=asked, means=means)
    as_it_was = mended is not None and mended.outcome is Outcome.ALREADY
    return done(revived, "revived") if as_it_was else mended


def _hindrance(user: User, found: Activation | None, *, means: Means) -> Report | None:
    """Why nothing can be done for this user now, whatever Twilio has for sale."""
    if found is not None and found.state is LineState.RELEASING:
        return refused("being_released", found)
    if found is not None and found.state is not LineState.RELEASED:
        if found.banner != user.banner.name:
            # Customers of one banner do not come to text with another.
            return refused("other_banner", found)
        return _at_another_account(user, found, means=means)
    # Who moved to another account is another agent there, with the same login.
    other = means.lines.by_login(user.associate.login)
    if (other is None or is_same(other.pointer, user.pointer)
            or not (other.is_wish or other.state is LineState.ACTIVE)):  # fmt: skip
        return None
    return refused("has_another", other)


def _at_another_account(user: User, found: Activation, *, means: Means) -> Report | None:
    """Bought when the program named another account of Twilio's: here it cannot be texted from,
    unless it was moved along."""
    if not found.is_elsewhere(user.line.account_sid):
        return None
    moved = found.number is not None and means.twilio.owned(user.line, number=found.number)
    return None if moved else refused("other_account", found)


def _begin(
    user: User, *, before: Activation | None, asked: Asked, means: Means
) -> Activation | NotBegun:
    pointer = user.pointer
    tag = f"{means.lines.stack_mark()}{pointer.account}-{pointer.agent_id}-{means.token()}"
    wish = Activation.wished(pointer, login=user.associate.login, banner=user.banner.name, tag=tag,
                             asked=asked, now=means.now())  # fmt: skip
    if before is not None and before.number is not None:  # its customers stay theirs to hand over
        wish = replace(wish, former=(*before.former, before.number))
    return means.lines.begin(wish, before=before, line=user.line)


def _as_it_should_be(
    found: Activation, *, user: User, asked: Asked, means: Means
) -> Report | None:  # fmt: skip
    """An active number: what is left of an earlier purchase is given back, and one that Twilio
    would no longer send from is set up anew, or replaced when it is not ours any more."""
    again = found.asked_again(asked)  # written: an older request for its end may still come
    given = give_back_surplus(again, line=user.line, means=means)
    is_served = found.service in (None, *user.line.pool.messaging_services)
    if given is not None:
        return given
    if is_served and not means.lines.is_lost(found):
        kept = found if again == found else means.lines.save(again)
        return None if kept is None else already(kept)
    # By its number: somebody may have named it anew by hand, or bought it back.
    owned = next(iter(means.twilio.owned(user.line, number=found.number)), None)
    if owned is None:
        # Not an end that anybody asked for: whoever asks for a number may have the next.
        ended = replace(found.to(LineState.RELEASED, now=means.now()), asked_at=asked.at)
        means.lines.give_back(ended, line=user.line)
        return None  # and look again: they are without a number now
    if not owned.can_text:
        return refused("cannot_text", found)
    ready = set_up(again, owned, user.line, means)
    if ready is None:
        return None
    mended = replace(ready, sid=owned.sid)
    if mended != (found if ready is again else ready):  # of which all but the latter is stored
        stored = means.lines.save(mended)
        if stored is None:
            return None
        ready = stored
    means.lines.clear_lost(found)
    return done(ready, "repaired")


def would_activate(pointer: Pointer, *, means: Means) -> Report:
    """What `activate` would do, without writing or buying: a dry run."""
    user = find_user(pointer, means=means)
    if isinstance(user, str):
        return refused(user)
    found = means.lines.activation(pointer.account, agent_id=pointer.agent_id)
    hindrance = _hindrance(user, found, means=means)
    if hindrance is not None:
        return hindrance
    if found is not None and found.state is LineState.ACTIVE:
        if found.is_elsewhere(user.line.account_sid):
            return Report(Outcome.WOULD, "repaired", found.state, found.number)
        return already(found)
    if found is not None and found.state is LineState.QUARANTINED:
        return Report(Outcome.WOULD, "revived", found.state, found.number)
    first = next(for_sale(user, means=means), None)
    if first is None:
        return refused("no_number")
    ring, candidate = first
    place = ", ".join(filter(None, (candidate.locality, candidate.region)))
    return Report(Outcome.WOULD, None, number=candidate.number, near=ring.name, place=place or None)


def tried(act: Callable[[], Report], *, means: Means) -> Report:
    """The report of `act`; a vendor that is away leaves it pending. What would fail for everybody
    else as well is raised."""
    try:
        return act()
    except VendorNotAuthorizedError:
        raise
    except TwilioRefusedError as error:
        if error.effect is Effect.STOP_BATCH and error.code != SERVICE_FULL:
            raise
        return refused("twilio_refused", code=error.code)
    except VendorError:
        return pending("vendor_away", means.now() + AGAIN)
