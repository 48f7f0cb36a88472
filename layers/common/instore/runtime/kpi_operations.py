"""GET /kpis: who may see whose figures, and the answer as JSON or CSV.

An associate sees their own, who manages a store sees it and everybody in it, scope kpis/all sees all.
What somebody may not see and what is not there are told apart only to who sees all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ..errors import BadInputError, ForbiddenError, NotFoundError
from ..kpi import Figures, Period, branch_unit, store_unit
from ..kpi_asking import MOST_DAYS, TOO_MUCH, By, Means, Place, Question, ask
from ..kpi_csv import write
from ..model import fold_login
from ..outreach import Asker, find_asker
from .http import query_of
from .kpi_models import ROUTES, answer
from .means import kpi_means
from .outreach_http import Caller, Response, caller_of, respond
from .services import services

Event = Mapping[str, Any]
READ, ALL = "kpis/read", "kpis/all"
PATIENCE = timedelta(seconds=20)  # of the 28 the function has: the rest is for writing the answer
LONGEST = 200  # characters of a value: some become keys of the table, which takes 2 KB
LARGEST = 4_500_000  # characters; Lambda hands over 6 MB at most, with every quote escaped


@dataclass(frozen=True, slots=True)
class _Asked:
    """The query as it was written; "" = not at all."""

    banner: str = ""
    store: str = ""
    branch: str = ""
    associate: str = ""


def kpis(event: Event) -> Response:
    """GET /kpis."""
    query = query_of(event, known=[*ROUTES[0].query])
    house = services()
    caller = caller_of(event, house=house).needs(READ)
    if any(len(value) > LONGEST for value in query.values()):
        raise BadInputError("no name is as long as this", code="value_too_long")
    period = _period(query, today=house.now().date())
    by, form = (
        _one_of(query, "by", [str(by) for by in By]),
        _one_of(query, "format", ["json", "csv"]),
    )
    asked = _Asked(*(query.get(name, "") for name in ("banner", "store", "branch", "associate")))
    means = kpi_means(house)
    scope = _all(asked, means) if ALL in caller.scopes else _own(asked, caller, means)
    now = house.now()
    rows = ask(Question(period, *scope, By(by)), means=means, now=now, until=now + PATIENCE)
    name_of = _names(rows, means)
    if form == "csv":
        response: Response = {"statusCode": 200, "headers": {
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": f'attachment; filename="kpis-{period.first}-{period.last}.csv"',
        }, "body": write(period, rows, name_of=name_of)}  # fmt: skip
    else:
        response = respond(200, answer(period, by, rows, name_of=name_of))
    if len(response["body"]) > LARGEST:
        raise BadInputError(TOO_MUCH, code="too_much")
    return response


OPERATIONS: dict[str, Callable[[Event], Response]] = {"GET /kpis": kpis}
_Scope = tuple[list[str], "list[str] | None", "str | None"]  # banners, units, agent


def _all(asked: _Asked, means: Means) -> _Scope:
    """What who sees all has asked for. Raises BadInputError, NotFoundError."""
    program = means.program
    if sum(map(bool, (asked.store, asked.branch, asked.associate))) > 1:
        raise BadInputError("ask for one of store, branch, associate", code="too_narrow")
    if asked.banner and program.banner(asked.banner) is None:
        raise NotFoundError("no such banner", code="unknown_banner")
    if asked.associate:
        try:
            asker = find_asker(asked.associate, program=program, stores=means.stores)
        except ForbiddenError as error:
            raise NotFoundError("no associate with this login", code="unknown_associate") from error
        return _of_one(asker)
    if asked.store:
        account, _, group = asked.store.partition("/")
        store = means.stores.store(account, group=group) if account and group else None
        if store is None or program.banner(store.banner) is None:
            raise NotFoundError("no such store", code="unknown_store")
        return [store.banner], [store_unit(account, group=group)], None
    if asked.branch:
        branch = program.line.branch(asked.branch) if program.line else None
        if branch is None:
            raise NotFoundError("no such branch", code="unknown_branch")
        return [branch.banner], [branch_unit(branch.name)], None
    return [asked.banner] if asked.banner else [b.name for b in program.banners], None, None


def _own(asked: _Asked, caller: Caller, means: Means) -> _Scope:
    """What an associate or a manager of a store has asked for. Raises ForbiddenError.

    Who manages several stores names the one that is not their own.
    """
    if caller.login is None:
        raise ForbiddenError("the token names no associate", code="unknown_associate")
    me = find_asker(caller.login, program=means.program, stores=means.stores)
    account, _, group = asked.store.partition("/")
    store = means.stores.store(account, group=group) if asked.store else me.store
    manages = store is not None and store.account == me.pointer.account and any(
        one.agent_id == me.pointer.agent_id for one in store.managers
    )  # fmt: skip
    if asked.banner or asked.branch or (asked.store and not manages):
        caller.needs(ALL, to="asking for this")
    if asked.associate and fold_login(asked.associate) == fold_login(caller.login):
        return _of_one(me)
    if store is None or not manages:
        if asked.associate:
            caller.needs(ALL, to="asking for this associate")
        return _of_one(me)
    agent = None
    if asked.associate:
        agent = next((one.agent_id for one in store.people()
                      if fold_login(one.login) == fold_login(asked.associate)), None)  # fmt: skip
        if agent is None:
            caller.needs(ALL, to="asking for this associate")
    return [store.banner], [store_unit(store.account, group=store.group)], agent


def _of_one(asker: Asker) -> _Scope:
    unit = store_unit(asker.pointer.account, group=asker.pointer.group)
    return [asker.store.banner], [unit], asker.pointer.agent_id


def _names(rows: Mapping[Place, Figures], means: Means) -> dict[Place, str]:
    """Logins of the associates of one store; of more stores nobody reads so many maps."""
    units = {place.unit for place in rows if place.agent}
    if len(units) != 1:
        return {}
    account, _, group = units.pop().partition("/")
    store = means.stores.store(account, group=group)
    people = {one.agent_id: one.login for one in store.people()} if store else {}
    return {place: people[place.agent] for place in rows if place.agent in people}


def _period(query: Mapping[str, str], *, today: date) -> Period:
    """Raises BadInputError."""
    last = _date(query, "to") or today - timedelta(days=1)
    first = _date(query, "from") or last.replace(day=1)
    if last < first:
        raise BadInputError("the period ends before it begins", code="period_wrong")
    if (last - first).days >= MOST_DAYS:
        raise BadInputError(f"at most {MOST_DAYS} days", code="period_too_long")
    return Period(first, last)


def _date(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"{name} is not a date", code="date_wrong") from error
    if not 2000 <= found.year <= 2200:
        raise BadInputError(f"{name} is too far away", code="date_wrong")
    return found


def _one_of(query: Mapping[str, str], name: str, values: list[str]) -> str:
    value = query.get(name) or values[0]
    if value not in values:
        raise BadInputError(f"{name} is one of {', '.join(values)}", code=f"{name}_wrong")
    return value
