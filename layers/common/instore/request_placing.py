"""Whose a new request is: a lead of a store, the team's, or one associate's (R139, R140).

A request must not be lost because its associate has left: it goes to the successor who has their
number, else to their store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .directory import Pointer, Store
from .errors import BadInputError, ConflictError
from .service_request import Shelf, Source

if TYPE_CHECKING:
    from .adapters.lines import Lines
    from .adapters.stores import Stores
    from .program import Banner, Program
    from .relay_state import Activation


@dataclass(frozen=True, slots=True)
class Directory:
    """Where stores and people are looked up."""

    program: Program
    stores: Stores
    lines: Lines


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request lies. `pointer`: whose it is; None on a shelf."""

    banner: Banner
    store: Store
    shelf: Shelf
    pointer: Pointer | None = None


def place(
    source: Source, *, store: str | None, associate: str | None, directory: Directory
) -> Place:  # fmt: skip
    """Where a request goes. `store`: agent group, or <account>/<group>; `associate`: login name.

    From the widget it is the store's, whatever associate is named with it. From a storefront or
    footer it is the associate's; of somebody the map does not know, the store's if one is named.
    Raises BadInputError `unknown_store` or `unknown_associate`, ConflictError `line_off` where the
    retailer is not opted in (R150).
    """
    if directory.program.line is None:
        raise ConflictError("the program has no SMS line", code="line_off")
    if source is not Source.WIDGET and associate is not None:
        found = _of_associate(associate, directory)
        if found is not None:
            return _opted_in(found)
    if store is None:
        raise BadInputError("no associate has this login, and no store is named",
                            code="unknown_associate")  # fmt: skip
    return _opted_in(_of_store(_store(store, directory), directory))


def _opted_in(found: Place) -> Place:
    if not found.banner.features.line:
        raise ConflictError("the SMS line is off for this banner", code="line_off")
    return found


def _of_associate(login: str, directory: Directory) -> Place | None:
    """Theirs, or their successor's, or their store's; None: nobody ever had this login."""
    last: Store | None = None
    for account in directory.program.human_accounts():
        pointer = directory.stores.by_login(account.id, login=login)
        if pointer is None:
            continue
        found = _theirs(pointer, directory)
        if found is not None:
            return found
        last = directory.stores.store(pointer.account, group=pointer.group) or last
    held = directory.lines.by_login(login)
    if held is not None:
        found = _succeeded(held, directory)
        if found is not None:
            return found
        last = last or directory.stores.store(held.pointer.account, group=held.pointer.group)
    if last is None or directory.program.banner(last.banner) is None:
        return None
    return _of_store(last, directory)


def successor_of(pointer: Pointer, *, directory: Directory) -> Pointer | None:
    """Who has the number of this associate, who has left, if anybody took it over and is there."""
    held = directory.lines.activation(pointer.account, agent_id=pointer.agent_id)
    found = _succeeded(held, directory) if held is not None else None
    return found.pointer if found is not None else None


def _succeeded(held: Activation, directory: Directory) -> Place | None:
    successor = held.successor
    if successor is None:
        return None
    now_at = directory.stores.by_agent(successor.account, agent_id=successor.agent_id)
    return _theirs(now_at or successor, directory)


def shelf_of(program: Program) -> Shelf:
    """Where a store's requests lie until somebody has them."""
    line = program.line
    return Shelf.TEAM if line is not None and line.team_mode else Shelf.LEADS


def _theirs(pointer: Pointer, directory: Directory) -> Place | None:
    """The associate's, if they are there and enabled."""
    store = directory.stores.store(pointer.account, group=pointer.group)
    person = store.find(pointer.agent_id) if store else None
    banner = directory.program.banner(store.banner) if store else None
    if store is None or banner is None or person is None or not person.enabled:
        return None
    return Place(banner, store, Shelf.ASSOCIATE, pointer)


def _of_store(store: Store, directory: Directory) -> Place:
    banner = directory.program.banner(store.banner)
    if banner is None:
        raise BadInputError("no banner of the program has this store", code="unknown_store")
    return Place(banner, store, shelf_of(directory.program))


def _store(name: str, directory: Directory) -> Store:
    account, slash, group = name.rpartition("/")
    accounts = [a.id for a in directory.program.human_accounts() if not slash or a.id == account]
    named = (directory.stores.store(a, group=group) for a in accounts)
    known = [store for store in named if store is not None]
    if len(known) != 1:
        raise BadInputError("no such store" if not known else "several stores have this group: "
                            "name it <account>/<group>", code="unknown_store")  # fmt: skip
    return known[0]
