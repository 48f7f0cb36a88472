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
from .errors import UnavailableError
from .model import Phone
from .relay_buying import AGAIN, SPARE_S, Means
from .relay_report import Outcome, Report, already, done, pending, refused
from .relay_state import Activation, LineState, is_same

if TYPE_CHECKING:
    from .program_line import Line

_AT_ONCE = 100
_TRIES = 6
SUCCESSOR = "successor"  # source of the bindings made here


def deactivate(
    held: Activation, *, successor: Pointer | None, by: str, means: Means, dry: bool = False
) -> Report:
    """The associate texts from it no longer. `successor`: who has the customers from now on; None:
    the manager of the store, and if there is none, nobody for now.

    May be repeated: what is done is done, and customers who were not handed over yet are. Raises
    UnavailableError and VendorErrors as `activate` does.
    """
    if successor is not None and not _fits(successor, held, means):
        return refused("successor_unfit", held)
    account, agent = held.pointer.account, held.pointer.agent_id
    for _ in range(_TRIES):
        found = means.lines.activation(account, agent_id=agent)
        if found is None:
            return refused("no_line")
        report = _end(found, successor=successor, by=by, means=means, dry=dry)
        if report is not None:
            return report
    raise UnavailableError("the activation keeps changing", code="line_contended")


def _end(
    found: Activation, *, successor: Pointer | None, by: str, means: Means, dry: bool
) -> Report | None:
    match found.state:
        case LineState.RELEASING if found.number is None and not dry:
            return _give_back(found, means=means, why="withdrawn")
        case LineState.RELEASED | LineState.RELEASING:
            return already(found)
        case LineState.WANTED | LineState.BUYING:
            return (
                Report(Outcome.WOULD, "withdrawn") if dry else withdraw(found, by=by, means=means)
            )
        case LineState.QUARANTINED:
            if successor in (None, found.successor) and not found.handing:
                return already(found)
            heir = successor or found.successor
        case _:
            heir = successor or _manager(found, means)
    why = None if heir is not None else "no_successor"
    if dry:
        return Report(Outcome.WOULD, why, found.state, found.number)
    free_at = found.free_at or means.now() + timedelta(days=line_of(means).pool.quarantine_days)
    if found.state is not LineState.QUARANTINED or heir != found.successor:
        saved = means.lines.save(
            found.quarantined(successor=heir, free_at=free_at, by=by, now=means.now())
        )
        if saved is None:
            return None
        found = saved
    return _hand_over(found, means=means, why=why)


def line_of(means: Means) -> Line:
    line = means.program.line
    if line is None:  # numbers are still ours, and the program forgot them
        raise UnavailableError("the program has no SMS line", code="line_off")
    return line


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
    for _ in range(_TRIES):
        line = means.lines.get(number)
        if line is None or line.successor is None or not is_same(line.successor, held.pointer):
            return
        found = means.lines.activation(line.pointer.account, agent_id=line.pointer.agent_id)
        if (found is None or found.number != number or found.free_at is None
                or found.state is not LineState.QUARANTINED):  # fmt: skip
            return
        moved = found.quarantined(successor=successor, free_at=found.free_at, by=held.by,
                                  now=means.now())  # fmt: skip
        if means.lines.save(replace(moved, handing=found.handing)) is not None:
            return
    raise UnavailableError("the activation keeps changing", code="line_contended")


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


def withdraw(found: Activation, *, by: str, means: Means) -> Report | None:
    """End a wish: what was bought for it goes back at once, for nobody ever texted with it. It is
    written before that is done: a run that buys for it meanwhile must not take it for theirs."""
    if found.tried_at is not None:
        owned = means.twilio.owned(line_of(means), tag=found.tag)
        if found.is_unclear(means.now(), shown=[one.number for one in owned]):
            return pending("unclear", means.now() + AGAIN)
        if owned:
            sids = tuple(one.sid for one in owned)
            leaving = means.lines.save(found.withdrawn(sids, by=by, now=means.now()))
            if leaving is None:
                return None
            found = leaving
    return _give_back(found, means=means, by=by, why="withdrawn")


def _give_back(
    found: Activation, *, means: Means, by: str | None = None, why: str | None = None
) -> Report | None:  # fmt: skip
    """The last step, which may be repeated: Twilio has its numbers back, then so has the pool."""
    line = line_of(means)
    for sid in filter(None, (found.sid, *found.surplus)):
        means.twilio.release(line, sid=sid)
    ended = means.lines.give_back(found.to(LineState.RELEASED, now=means.now(), by=by), line=line)
    return None if ended is None else done(ended, why)


def release(
    held: Activation, *, force: bool, by: str, means: Means, dry: bool = False
) -> Report:  # fmt: skip
    """Give the number back to Twilio, for good. Frees nothing else: customers, threads and the
    line's history stay. May be repeated."""
    account, agent = held.pointer.account, held.pointer.agent_id
    for _ in range(_TRIES):
        found = means.lines.activation(account, agent_id=agent)
        if found is None:
            return refused("no_line")
        report = _release(found, force=force, by=by, means=means, dry=dry)
        if report is not None:
            return report
    raise UnavailableError("the activation keeps changing", code="line_contended")


def _release(
    found: Activation, *, force: bool, by: str, means: Means, dry: bool
) -> Report | None:  # fmt: skip
    match found.state:
        case LineState.RELEASED:
            return already(found)
        case LineState.QUARANTINED:
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
        leaving = replace(found.to(LineState.RELEASING, now=means.now(), by=by), handing=False)
        saved = means.lines.save(leaving)
        if saved is None:
            return None
        found = saved
    return _give_back(found, means=means)
