"""Take an associate's number out of use: quarantine, hand over, and much later give it back.

Deactivating loses nothing (C18): the number stays ours, texts to it reach the successor, history and
customers go over to them, and who did it is kept. Releasing is a step of its own, refused before the
quarantine ends unless forced, for a released number soon belongs to a stranger.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from .directory import Pointer, Store
from .errors import UnknownSecretError, VendorNotAuthorizedError
from .relay_means import AGAIN, SPARE_S, Means, settled
from .relay_report import Outcome, Report, already, done, pending, refused
from .relay_state import Activation, Asked, LineState, is_same

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Phone

_AT_ONCE = 100
SUCCESSOR = "successor"  # source of the bindings made here
_ENDING = (LineState.RELEASING, LineState.RELEASED)


def deactivate(
    held: Activation, *, successor: Pointer | None, asked: Asked, means: Means, dry: bool = False
) -> Report:
    """The associate texts from it no longer. `successor`: who has the customers from now on; None:
    the manager of the store, and if there is none, nobody for now. What somebody asked for later
    stays as it is.

    May be repeated: what is done is done, and customers who were not handed over yet are. Raises
    UnavailableError and VendorErrors as `activate` does.
    """
    if successor is not None and not _fits(successor, held, means):
        return refused("successor_unfit", held)
    return _settled(
        held, means,
        lambda found: _end(found, successor=successor, asked=asked, means=means, dry=dry),
    )  # fmt: skip


def _settled(
    held: Activation, means: Means, step: Callable[[Activation], Report | None]
) -> Report:  # fmt: skip
    """`step` on what is stored now. An account that the program no longer names may be closed."""
    try:
        return settled(held.pointer, means=means,
                       step=lambda found: refused("no_line") if found is None else step(found))  # fmt: skip
    except (UnknownSecretError, VendorNotAuthorizedError):
        if not held.is_elsewhere(means.line.account_sid):
            raise
        return refused("account_closed", held)


def _end(
    found: Activation, *, successor: Pointer | None, asked: Asked, means: Means, dry: bool
) -> Report | None:
    if found.state not in _ENDING and found.is_later_than(asked):
        return refused("overtaken", found)
    match found.state:
        case LineState.RELEASED:
            return _ended_already(found, asked=asked, means=means, dry=dry)
        case LineState.RELEASING:
            is_wish = found.number is None and not dry
            return _give_back(found, means=means, why="withdrawn") if is_wish else already(found)
        case LineState.WANTED | LineState.BUYING:
            return (
                Report(Outcome.WOULD, "withdrawn")
                if dry
                else withdraw(found, asked=asked, means=means)
            )
        case LineState.QUARANTINED:
            if successor in (None, found.successor) and not found.handing:
                return _ended_already(found, asked=asked, means=means, dry=dry)
            heir = successor or found.successor
        case _:
            heir = successor or _manager(found, means)
    why = None if heir is not None else "no_successor"
    if dry:
        return Report(Outcome.WOULD, why, found.state, found.number)
    free_at = found.free_at or means.now() + timedelta(days=means.line.pool.quarantine_days)
    if found.state is not LineState.QUARANTINED or heir != found.successor:
        saved = means.lines.save(
            found.quarantined(successor=heir, free_at=free_at, asked=asked, now=means.now())
        )
        if saved is None:
            return None
        found = saved
    return _hand_over(found.asked_again(asked), means=means, why=why)


def _ended_already(
    found: Activation, *, asked: Asked, means: Means, dry: bool
) -> Report | None:  # fmt: skip
    """Nothing to do, but written: an older request for the number may still come."""
    again = found.asked_again(asked)
    kept = found if dry or again == found else means.lines.save(again)
    return None if kept is None else already(kept)


def _fits(successor: Pointer, held: Activation, means: Means) -> bool:
    store = means.stores.store(successor.account, group=successor.group)
    person = store.find(successor.agent_id) if store is not None else None
    return (
        store is not None and person is not None and person.enabled
        and store.banner == held.banner and successor.agent_id != held.pointer.agent_id
    )  # fmt: skip


def _manager(found: Activation, means: Means) -> Pointer | None:
    """The store's manager: of the store where they are now, else of the one they left."""
    there = means.stores.by_agent(found.pointer.account, agent_id=found.pointer.agent_id)
    for pointer in filter(None, (there, found.pointer)):
        store = means.stores.store(pointer.account, group=pointer.group)
        manager = None if store is None else _manager_of(store, found)
        if manager is not None:
            return manager
    return None


def _manager_of(store: Store, found: Activation) -> Pointer | None:
    able = (m for m in sorted(store.managers, key=lambda m: (m.visiting, m.agent_id))
            if m.enabled and m.agent_id != found.pointer.agent_id)  # fmt: skip
    manager = next(able, None) if store.banner == found.banner else None
    return None if manager is None else Pointer(store.account, store.group, manager.agent_id)


def _hand_over(held: Activation, *, means: Means, why: str | None) -> Report | None:
    """Bind every customer who is still the leaver's to the successor. Who was bound to somebody
    else since stays there. None: overtaken."""
    if held.handing and held.successor is not None:
        if not _move_customers(held, held.successor, means):
            return pending("no_time", means.now())
        saved = means.lines.save(held.handed_over())
        if saved is None:
            return None
        held = saved
    return done(held, why)


def _move_customers(held: Activation, successor: Pointer, means: Means) -> bool:
    """Those of their number, of numbers they had before, and of numbers they were successor for:
    a customer handed to a leaver is handed on. False: no time, again from the start."""
    inherited = means.lines.inherited(held.pointer)
    for number in inherited:
        _point_on(number, held, successor, means)
    for number in filter(None, (held.number, *held.former, *inherited)):
        ids = means.lines.customers_of(number)
        while some := list(islice(ids, _AT_ONCE)):
            if means.remaining() < SPARE_S:
                return False
            _bind(some, held, successor, means)
    return True


def _point_on(number: Phone, held: Activation, successor: Pointer, means: Means) -> None:
    """A quarantined number whose texts reach the leaver reaches their successor from now on."""

    def step(found: Activation | None) -> bool | None:
        if (found is None or found.number != number or found.state is not LineState.QUARANTINED
                or found.free_at is None or found.successor is None
                or not is_same(found.successor, held.pointer)):  # fmt: skip
            return True
        moved = found.quarantined(successor=successor, free_at=found.free_at, now=means.now(),
                                  asked=Asked(held.by, means.now()))  # fmt: skip
        # Nobody asked for this one's own end anew.
        kept = replace(moved, handing=found.handing, asked_at=found.asked_at)
        return None if means.lines.save(kept) is None else True

    line = means.lines.get(number)
    if line is not None:
        settled(line.pointer, means=means, step=step)


def _bind(ids: list[str], held: Activation, successor: Pointer, means: Means) -> None:
    now = means.now()  # before they are read: who is bound to somebody meanwhile stays there
    for customer in means.customers.get_many(ids).values():
        binding = customer.bindings.get(held.banner)
        if binding is None or customer.phone is None:
            continue  # erased, or nobody's
        # Of who was successor before, only what they were handed: the rest is their own.
        relieved = binding.source == SUCCESSOR and any(
            is_same(binding.pointer, one) for one in held.relieved
        )
        if relieved or is_same(binding.pointer, held.pointer):
            means.customers.bind(customer.id, phone=customer.phone, banner=held.banner,
                                 pointer=successor, now=now, source=SUCCESSOR)  # fmt: skip


def withdraw(found: Activation, *, asked: Asked, means: Means) -> Report | None:
    """End a wish: what was bought for it goes back at once, for nobody ever texted with it. It is
    written before that is done: a run that buys for it meanwhile must not take it for theirs."""
    if found.tried_at is not None:
        owned = means.twilio.owned(means.line_of(found), tag=found.tag)
        if found.is_unclear(means.now(), shown=[one.number for one in owned]):
            return pending("unclear", means.now() + AGAIN)
        if owned:
            sids = tuple(one.sid for one in owned)
            leaving = means.lines.save(found.withdrawn(sids, asked=asked, now=means.now()))
            if leaving is None:
                return None
            found = leaving
    return _give_back(found, means=means, asked=asked, why="withdrawn")


def _give_back(
    found: Activation, *, means: Means, asked: Asked | None = None, why: str | None = None
) -> Report | None:  # fmt: skip
    """The last step, which may be repeated: Twilio has its numbers back, then so has the pool. Both
    are those of the account they were bought at: at another they are not found, which reads as
    given back long ago."""
    line = means.line_of(found)
    for sid in filter(None, (found.sid, *found.surplus)):
        means.twilio.release(line, sid=sid)
    ended = means.lines.give_back(
        found.to(LineState.RELEASED, now=means.now(), asked=asked), line=line
    )
    return None if ended is None else done(ended, why)


def release(
    held: Activation, *, force: bool, asked: Asked, means: Means, dry: bool = False
) -> Report:  # fmt: skip
    """Give the number back to Twilio, for good. Frees nothing else: customers, threads and the
    line's history stay. May be repeated."""
    return _settled(
        held, means, lambda found: _release(found, force=force, asked=asked, means=means, dry=dry)
    )


def _release(
    found: Activation, *, force: bool, asked: Asked, means: Means, dry: bool
) -> Report | None:  # fmt: skip
    match found.state:
        case LineState.RELEASED:
            return _ended_already(found, asked=asked, means=means, dry=dry)
        case LineState.QUARANTINED:
            if found.is_later_than(asked):
                return refused("overtaken", found)
            if not force and found.free_at is not None and means.now() < found.free_at:
                return replace(refused("in_quarantine", found), again_at=found.free_at)
        case LineState.RELEASING:
            pass
        case _:
            return refused("still_active", found)
    if dry:
        return Report(Outcome.WOULD, None, found.state, found.number)
    if found.state is LineState.QUARANTINED:
        # Once more: a text that was on its way when it was deactivated bound its customer late.
        if found.successor is not None and not _move_customers(found, found.successor, means):
            return pending("no_time", means.now())
        leaving = replace(
            found.to(LineState.RELEASING, now=means.now(), asked=asked), handing=False
        )
        saved = means.lines.save(leaving)
        if saved is None:
            return None
        found = saved
    return _give_back(found, means=means)
