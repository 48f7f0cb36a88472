"""Kill switches and held numbers, as single commands of `make configure`.

    stop all | banner NAME | store ACCOUNT/GROUP | associate LOGIN    and `resume` of the same
    release-number NUMBER      a number held for filtering may send again
    status                     version in force, what is stopped, which numbers are held

A switch is a new version of the program, like any other change: conditional on the version last
seen, with a note in the history, undone by `resume` or `rollback`. It refuses names nobody has:
a switch that stops nothing would be worse than none.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from instore.adapters.number_health import NumberHealth
from instore.adapters.stores import Stores
from instore.errors import BadInputError, ConflictError
from instore.model import Phone, fold_login
from instore.program import Program, load_program

if TYPE_CHECKING:
    from instore.adapters.programs import Programs
    from instore.adapters.table import Table

KINDS = ("all", "banner", "store", "associate")
_LISTS = {"banner": "banners", "store": "stores", "associate": "associates"}


def switched(document: Any, *, kind: str, name: str, stop: bool) -> Any:
    """The document with this switch thrown (or taken back), everything else as it was."""
    changed = copy.deepcopy(document)
    stops = changed.get("stops") or {}
    if kind == "all":
        stops = {**stops, "all": stop}
    else:
        listed = [one for one in stops.get(_LISTS[kind], []) if not same(kind, one, name)]
        stops = {**stops, _LISTS[kind]: [*listed, name] if stop else listed}
    changed["stops"] = {key: value for key, value in stops.items() if value}
    if not changed["stops"]:
        del changed["stops"]
    return changed


def same(kind: str, one: str, other: str) -> bool:
    return fold_login(one) == fold_login(other) if kind == "associate" else one == other


def check_name(program: Program, table: Table, *, kind: str, name: str) -> str:
    """The name as it is stored. Raises BadInputError when nobody has it."""
    found: str | None = name
    match kind:
        case "banner":
            found = name if program.banner(name) else None
        case "store":
            account, _, group = name.partition("/")
            stores = Stores(table, now=_now)
            found = name if group and stores.store(account, group=group) else None
        case "associate":
            stores, found = Stores(table, now=_now), fold_login(name)
            if not any(stores.by_login(a.id, login=found) for a in program.human_accounts()):
                found = None
    if found is None:
        raise BadInputError(f"there is no {kind} {name!r}", code=f"unknown_{kind}")
    return found


def still_stopped(program: Program, *, kind: str, name: str) -> Iterator[str]:
    """What else keeps somebody from sending after a `resume`, in words."""
    banner = program.banner(name) if kind == "banner" else None
    if kind != "all" and program.stops.all:
        yield "everything is stopped (resume all)"
    if banner is not None and banner.stopped:
        yield f"banner {name} says `stopped: true` in the program itself (apply a corrected one)"
    if kind == "store" and name.partition("/")[2] in program.stops.stores:
        yield f"every store {name.partition('/')[2]} is stopped, whatever its account"


def keep(program: Program, before: Any) -> None:
    """Refuse a new program that would take back a switch in force, as a file written before it
    does: nobody resumes by accident. Raises BadInputError `would_resume`."""
    stops = load_program(before).stops
    new = {kind: getattr(program.stops, names) for kind, names in _LISTS.items()}
    lost = [f"{kind} {name}" for kind, names in _LISTS.items() for name in getattr(stops, names)
            if not any(same(kind, name, other) for other in new[kind])]  # fmt: skip
    lost += ["all"] if stops.all and not program.stops.all else []
    if lost:
        raise BadInputError(f"stopped, but not in this file: {', '.join(lost)}; resume first, or "
                            "write it under `stops`", code="would_resume")  # fmt: skip


def throw(document: Any, table: Table, *, kind: str, name: str, stop: bool) -> Any:
    """The new document for a switch, from the one in force."""
    program = load_program(document)
    if kind == "all":
        return switched(document, kind=kind, name="", stop=stop)
    if stop:
        return switched(document, kind=kind, name=check_name(program, table, kind=kind, name=name),
                        stop=True)  # fmt: skip
    listed = getattr(program.stops, _LISTS[kind])
    if not any(same(kind, one, name) for one in listed):
        raise BadInputError(f"{kind} {name!r} is not stopped", code="not_stopped")
    return switched(document, kind=kind, name=name, stop=False)


def release_number(
    programs: Programs, table: Table, *, number: str, who: str, note: str, dry_run: bool
) -> str:  # fmt: skip
    """Let a held number send again. Raises BadInputError (not ours, not held), ConflictError."""
    program = load_program(json.loads(programs.read()["document"]))
    number = Phone(number).e164
    if number not in {banner.number.outbound for banner in program.banners}:
        raise BadInputError(f"no banner texts from {number}", code="unknown_number")
    numbers, now = NumberHealth(table), _now()
    known = numbers.hold_of(program.owner.id, number=number)
    if not known.stops(now):
        raise BadInputError(f"{number} is not held", code="not_held")
    if dry_run:
        return f"dry run: {number} stays held until {known.until:%Y-%m-%d %H:%M} UTC"
    if not numbers.release(known, account=program.owner.id, who=who, note=note, now=now):
        raise ConflictError(f"{number} has changed meanwhile; look again", code="number_changed")
    return f"{number} is free; texts kept back for it go within the hour, if they still may"


def status(programs: Programs, table: Table) -> Iterator[str]:
    """Lines that say what keeps texts from going."""
    current = programs.read()
    program = load_program(json.loads(current["document"]))
    yield f"version {current['version']} of {current['at']} by {current['who']}: {current['note']}"
    stops = [f"stopped: {kind} {name}" for kind, names in _LISTS.items()
             for name in getattr(program.stops, names)]  # fmt: skip
    stops += [f"stopped: banner {b.name} (in the program itself)" for b in program.banners
              if b.stopped]  # fmt: skip
    stops += ["stopped: all"] if program.stops.all else []
    yield from stops or ["nothing is stopped"]
    numbers = {banner.number.outbound: banner.name for banner in program.banners}
    held = NumberHealth(table).holds(program.owner.id, numbers=numbers)
    now = _now().timestamp()
    lines = [f"held: {number} ({numbers[number]}) since {item['at']} until "
             f"{datetime.fromtimestamp(item['held_until'], UTC):%Y-%m-%d %H:%M} UTC: {item['note']}"
             for number, item in sorted(held.items()) if item.get("held_until", 0) > now]  # fmt: skip
    yield from lines or ["no number is held"]


def _now() -> datetime:
    return datetime.now(UTC)
