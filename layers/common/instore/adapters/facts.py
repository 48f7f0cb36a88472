"""Facts in the table, and the days they come to. docs/data-model.md, "fact and summary".

A fact is one put under its own name. While its day lasts that is all; told of a day that is over, it
also opens the day of its store again, after the put: whoever sums a day reads its revision before the
facts, and writes what they come to only if no fact opened the day meanwhile.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from ..kpi import KEPT, Closed, Count, Fact, Figures, Kind, Period, Times, UnitDay
from ..kpi_hours import is_over
from ..model import SHARDS, due_shard, epoch
from .table import Done, Item, Table

LINE = "KPI"  # of the `due` index
LATE_AFTER = timedelta(minutes=15)  # facts come in company: their day is summed once for all
_NOBODY = "-"
_STATE = "STATE"
_PAGE = 4500  # facts of 210 bytes: nearly the megabyte that one Query reads at most
# As JSON. DynamoDB takes 400 KB, and counts at most half as much again (numbers of one digit).
_LARGEST = 260_000


class Facts:
    """FACT and KPI items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # ------------------------------------------------------------ telling

    def tell(self, fact: Fact, *, now: datetime, opens: bool = True) -> bool:
        """Keep a fact; told again it changes nothing. False: it was known. One request, and one more
        of a day that is over everywhere. `opens` is false for who sees to that otherwise."""
        done = self._table.put(_fact_item(fact), condition="attribute_not_exists(pk)")
        if opens and is_over(fact.day, now=now):
            self.open(fact.banner, unit=fact.unit, day=fact.day, now=now)
        return isinstance(done, Done)

    def of_day(self, banner: str, *, day: date, unit: str = "") -> list[Fact]:
        """All facts of a banner's day, or of one unit of it. One Query."""
        pk = _facts_pk(banner, day)
        return [_fact(item) for item in self._table.query(pk, sk_prefix=unit and f"{unit}#")]

    def by_unit(self, banner: str, *, day: date) -> Iterator[tuple[str, list[Fact]]]:
        """The same unit by unit, a page and a unit at a time: all of a day of many thousand
        associates is more than memory holds. One Query a megabyte."""
        facts = map(_fact, self._pages(_facts_pk(banner, day), low="!", high="~"))
        return ((unit, list(some)) for unit, some in groupby(facts, key=lambda fact: fact.unit))

    def open(self, banner: str, *, unit: str, day: date, now: datetime) -> None:
        """What is summed of this day is not all: it is read from its facts until it is summed again.
        One UpdateItem; it also makes the item, so that nobody adds what was summed before."""
        pk, sk = _day_key(banner, unit=unit, day=day)
        self._table.update(
            pk, sk, "SET #open = :yes, due_shard = if_not_exists(due_shard, :shard), "
            "due_at = if_not_exists(due_at, :due), expires_at = :expires ADD rev :one",
            names={"open": "open"},
            values={"yes": True, "shard": due_shard(pk + sk, line=LINE), "one": 1,
                    "due": epoch(now + LATE_AFTER), "expires": _expiry(day)},
        )  # fmt: skip

    # ------------------------------------------------------------ summing

    def closed(self, banner: str) -> Closed:
        """One GetItem."""
        item = self._table.get(f"KPI#{banner}", _STATE) or {}
        return Closed(*(date.fromisoformat(item[name]) if name in item else None
                        for name in ("stores", "calls")))  # fmt: skip

    def close_day(self, banner: str, *, name: str, day: date) -> None:
        """Everything up to this day is summed: `name` stores or calls. Never goes back."""
        self._table.update(
            f"KPI#{banner}", _STATE, "SET #name = :day",
            condition="attribute_not_exists(#name) OR #name < :day",
            names={"name": name}, values={"day": day.isoformat()},
        )  # fmt: skip

    def add(self, summed: UnitDay, *, due_at: datetime | None = None) -> bool:
        """Write a day that nobody has summed yet. False: somebody has, or a late fact has opened it.
        `due_at`: when it is summed again, for one that stays open."""
        item = _day_item(summed, due_at=due_at)
        return isinstance(self._table.put(item, condition="attribute_not_exists(pk)"), Done)

    def replace(self, summed: UnitDay, *, due_at: datetime | None = None) -> bool:
        """Write a day summed again, if nothing opened it since `summed.rev` was read."""
        item = _day_item(summed, due_at=due_at) | {"rev": summed.rev + 1}
        return isinstance(self._table.put(item, condition="rev = :seen",
                                          values={"seen": summed.rev}), Done)  # fmt: skip

    def day_of(self, key: tuple[str, str]) -> UnitDay | None:
        """A day as it stands, by key from `due`. One GetItem."""
        item = self._table.get(*key)
        return _unit_day(item) if item else None

    def due(self, *, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Keys of days to be summed again, oldest first in each shard. A Query a shard."""
        return [(item["pk"], item["sk"]) for shard in range(SHARDS)
                for item in self._table.due(f"{LINE}#{shard}", until=epoch(now), limit=limit)]  # fmt: skip

    # ------------------------------------------------------------ reading

    def days(self, banner: str, period: Period) -> Iterator[UnitDay]:
        """Everything summed of a banner, a page at a time. One Query a month, and one a megabyte."""
        for month in _months(period.first, period.last):
            yield from map(_unit_day, self._pages(
                f"KPI#{banner}#{month:%Y-%m}", low=max(period.first, month).isoformat(),
                high=f"{period.last.isoformat()}~",
            ))  # fmt: skip

    def days_of(self, banner: str, period: Period, *, units: Iterable[str]) -> list[UnitDay]:
        """The same of a few units: a BatchGetItem a hundred days."""
        keys = [_day_key(banner, unit=unit, day=day) for unit in units for day in period.days()]
        return [_unit_day(item) for item in self._table.get_many(keys).values()]

    def _pages(self, pk: str, *, low: str, high: str) -> Iterator[Item]:
        """Items between two sort keys, read as they are taken."""
        while True:
            items = self._table.query(pk, sk_range=(low, high), limit=_PAGE)
            yield from items
            if len(items) < _PAGE:
                return
            low = f"{items[-1]['sk']}\0"  # the next there can be

    # ------------------------------------------------------------ the associate's day, and the report

    def batches_of(self, account: str, *, agent: str, day: date) -> list[str]:
        """Ids of the batches that took quota of an associate's day. One GetItem."""
        item = self._table.get(f"ASSOCIATE#{account}#{agent}", f"DAY#{day.isoformat()}") or {}
        return sorted(name[1:] for name in item if name.startswith("bb"))

    def names_of(self, units: Iterable[str]) -> dict[str, str]:
        """What people call these stores, as far as the map still has them."""
        keys = {(f"STORE#{unit.replace('/', '#', 1)}", "STORE"): unit for unit in units}
        found = self._table.get_many(keys, attributes=("name",))
        return {keys[key]: item["name"] for key, item in found.items() if item.get("name")}

    def reported(self) -> str | None:
        """The newest month (2026-11) a report is written of for good."""
        item = self._table.get("KPI#REPORT", _STATE)
        return item["month"] if item else None

    def note_report(self, month: str) -> None:
        self._table.put({"pk": "KPI#REPORT", "sk": _STATE, "month": month})


def _facts_pk(banner: str, day: date) -> str:
    return f"FACT#{banner}#{day.isoformat()}"


def _day_key(banner: str, *, unit: str, day: date) -> tuple[str, str]:
    return f"KPI#{banner}#{day:%Y-%m}", f"{day.isoformat()}#{unit}"


def _expiry(day: date) -> int:
    return epoch(datetime.fromisoformat(f"{day.isoformat()}T00:00+00:00") + KEPT)


def _months(first: date, last: date) -> Sequence[date]:
    months, month = [], first.replace(day=1)
    while month <= last:
        months.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def _fact_item(fact: Fact) -> Item:
    return {
        "pk": _facts_pk(fact.banner, fact.day), "sk": f"{fact.unit}#{fact.kind}#{fact.name}",
        "unit": fact.unit, "kind": str(fact.kind), "name": fact.name, "agent": fact.agent,
        **fact.values, "expires_at": _expiry(fact.day),
    }  # fmt: skip


_OWN = frozenset({"pk", "sk", "unit", "kind", "name", "agent", "expires_at"})


def _fact(item: Item) -> Fact:
    _, banner, day = item["pk"].split("#")
    return Fact(
        Kind(item["kind"]), item["name"], banner, item["unit"], date.fromisoformat(day),
        item.get("agent"), {name: value for name, value in item.items() if name not in _OWN},
    )  # fmt: skip


def _day_item(summed: UnitDay, *, due_at: datetime | None) -> Item:
    pk, sk = _day_key(summed.banner, unit=summed.unit, day=summed.day)
    due: dict[str, Any] = {}
    if due_at is not None:
        due = {"due_shard": due_shard(pk + sk, line=LINE), "due_at": epoch(due_at)}
    agents = {
        agent or _NOBODY: {"n": {str(k): n for k, n in figures.counts.items()},
                           "t": {str(k): sorted(Counter(waits).elements())
                                 for k, waits in figures.times.items()}}
        for agent, figures in summed.figures.items()
    }  # fmt: skip
    # More than an item holds (some 1,500 associates in one place): it stays with the facts.
    is_large = len(json.dumps(agents, separators=(",", ":"))) > _LARGEST
    return {"pk": pk, "sk": sk, "agents": {} if is_large else agents,
            "open": summed.open or is_large or None, "rev": summed.rev,
            "expires_at": _expiry(summed.day), **due}  # fmt: skip


def _unit_day(item: Item) -> UnitDay:
    day, _, unit = item["sk"].partition("#")
    return UnitDay(
        item["pk"].split("#")[1], unit, date.fromisoformat(day),
        {None if agent == _NOBODY else agent: Figures(
            {Count(k): int(n) for k, n in raw["n"].items()},
            {Times(k): Counter(seconds) for k, seconds in raw["t"].items()},
        ) for agent, raw in item.get("agents", {}).items()},
        open=item.get("open", False), rev=int(item.get("rev", 0)),
    )  # fmt: skip
