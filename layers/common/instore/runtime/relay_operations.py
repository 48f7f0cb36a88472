"""The operations on relay numbers: only corporate administrators change anything (R141).

What is asked for is written down as a run and worked on from a queue, one associate or a thousand:
this function has no way to buy or release a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..directory import Pointer
from ..errors import KeyReusedError, NotFoundError
from ..model import as_stored, fingerprint
from ..relay_asking import LONGEST_LOGIN, Directory, find_associate, holders, people, read_csv
from ..relay_run import Kind, Run, Target, run_id
from ..relay_state import Activation
from .http import query_of
from .observability import count, logger
from .outreach_http import (
    Caller,
    Response,
    caller_of,
    idempotency_key,
    path_id,
    read_body,
    respond,
)
from .outreach_models import In
from .relay_models import (
    ADMIN,
    READ,
    ActivateIn,
    DeactivateIn,
    OrphansIn,
    ReleaseIn,
    shown_held,
    shown_line,
    shown_run,
)
from .services import Services, services

Event = Mapping[str, Any]


def activate(event: Event) -> Response:
    """POST /relay/activate: 202, a run that gives each of them a number; dry, one that only looks."""
    house, caller = services(), _admin(event)
    asked = read_body(event, ActivateIn)
    logins, stores = asked.logins, asked.stores
    if asked.csv is not None:
        logins, stores = read_csv(asked.csv)
    rows = people(logins, stores=stores, directory=_directory(house))
    return _begin(event, Kind.ACTIVATE, asked, caller=caller, rows=rows, dry=asked.dry_run)


def deactivate(event: Event) -> Response:
    """POST /relay/deactivate: 202, a run that quarantines each number and hands its customers over."""
    house, caller = services(), _admin(event)
    asked = read_body(event, DeactivateIn)
    directory, successor = _directory(house), None
    if asked.successor is not None:
        (found,) = people([asked.successor], stores=[], directory=directory)
        if found.pointer is None:
            raise NotFoundError("no associate has the successor's login", code="unknown_associate")
        successor = found.pointer
    rows = holders(asked.logins, numbers=asked.numbers, directory=directory)
    return _begin(event, Kind.DEACTIVATE, asked, caller=caller, rows=rows, dry=asked.dry_run,
                  successor=successor)  # fmt: skip


def release(event: Event) -> Response:
    """POST /relay/release: 202, a run that gives each number back to Twilio."""
    house, caller = services(), _admin(event)
    asked = read_body(event, ReleaseIn)
    rows = holders(asked.logins, numbers=asked.numbers, directory=_directory(house))
    return _begin(event, Kind.RELEASE, asked, caller=caller, rows=rows, dry=asked.dry_run,
                  force=asked.force)  # fmt: skip


def orphans(event: Event) -> Response:
    """POST /relay/orphans: 202, a run over the numbers that carry our tag and are nobody's."""
    caller, asked = _admin(event), read_body(event, OrphansIn)
    return _begin(event, Kind.ORPHANS, asked, caller=caller, rows=[], dry=asked.dry_run)


def look_at_run(event: Event) -> Response:
    """GET /relay/runs/{id}: how far it is, and what became of each row."""
    query_of(event)
    house = services()
    _admin(event)
    run = path_id(event)
    found = house.relay_runs.get(run) if run else None
    if found is None or found.expires_at < house.now():
        raise NotFoundError("no such run", code="unknown_run")
    return respond(200, _shown(found, house))


def show_number(event: Event) -> Response:
    """GET /relay/{login}: an associate's number with its history, also of one who has left."""
    query_of(event)
    house = services()
    _admin(event)
    login = str((event.get("pathParameters") or {}).get("login", ""))
    held = (house.lines.by_login(login) or _now_of(login, house)) if _is_login(login) else None
    if held is None:
        raise _no_line()
    lost = held.number is not None and house.lines.is_lost(held)
    return respond(200, shown_held(held, lost=lost))


def show_own(event: Event) -> Response:
    """GET /relay/mine: the number of the associate whose token this is (R145): of who has this login
    now, not of who had it when a number was given."""
    query_of(event)
    house = services()
    caller = caller_of(event, house=house).needs(READ)
    held = _now_of(caller.speaks_for(None), house)
    if held is None:
        raise _no_line()
    return respond(200, shown_line(held))


OPERATIONS: dict[str, Callable[[Event], Response]] = {
    "POST /relay/activate": activate,
    "POST /relay/deactivate": deactivate,
    "POST /relay/release": release,
    "POST /relay/orphans": orphans,
    "GET /relay/runs/{id}": look_at_run,
    "GET /relay/mine": show_own,
    "GET /relay/{login}": show_number,
}


def _admin(event: Event) -> Caller:
    return caller_of(event, house=services()).needs(ADMIN)


def _directory(house: Services) -> Directory:
    return Directory(house.programs.current(), house.stores, house.lines)


def _is_login(text: str) -> bool:
    return 0 < len(text) <= LONGEST_LOGIN


def _now_of(login: str, house: Services) -> Activation | None:
    """The number of who has this login now, if they have one."""
    who = find_associate(login, _directory(house)) if _is_login(login) else None
    return None if who is None else house.lines.activation(who.account, agent_id=who.agent_id)


def _no_line() -> NotFoundError:
    return NotFoundError("no relay number under this login", code="no_line")


def _begin(
    event: Event, kind: Kind, asked: In, *, caller: Caller, rows: list[Target], dry: bool,
    force: bool = False, successor: Pointer | None = None,
) -> Response:  # fmt: skip
    """Write the run down, then tell who works on it. The same key and body again is the same run,
    and a message that was lost is sent again."""
    house = services()
    fresh = Run(
        id=run_id(caller.name, key=idempotency_key(event)), kind=kind, by=caller.name, dry=dry,
        force=force, successor=successor, total=len(rows), created_at=as_stored(house.now()),
        fingerprint=fingerprint([str(kind), asked.model_dump()]),
    )  # fmt: skip
    stored = house.relay_runs.create(fresh, targets=rows)
    if stored is not None and stored.fingerprint != fresh.fingerprint:
        raise KeyReusedError
    run = stored or fresh
    if run.has_work:
        house.queues.relay_ready(run.id)
    if stored is None:
        count("RelayRuns")
        logger.info("Relay run opened", extra={"run": run.id, "kind": str(kind), "dry": dry,
                                               "rows": run.total, "who": caller.name})  # fmt: skip
    return respond(202 if run.has_work else 200, _shown(run, house))


def _shown(run: Run, house: Services) -> Any:
    return shown_run(run, reports=house.relay_runs.reports(run.id))
