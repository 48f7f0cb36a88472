"""A shop with hours, a manager and two associates, and a second one in another zone: what the tests
of the indices share."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.outreach_rig import ACCOUNT, ANNA, BEN, GROUP, LOGINS, ROOT, Rig, shop

from instore.adapters.facts import Facts
from instore.adapters.table import Table
from instore.directory import Associate, Opening, Store
from instore.kpi import Fact, Kind, Period, store_unit
from instore.kpi_asking import Means
from instore.runtime.means import kpi_means
from instore.runtime.services import Services
from instore.runtime.settings import Settings

UNIT, FAR = store_unit(ACCOUNT, group=GROUP), store_unit(ACCOUNT, group="4200")
BOSS = "209"
BOSS_LOGIN = "boss@kay.example.com"
NINE_TO_NINE = tuple(Opening(day, time(9), time(21)) for day in range(7))
DAY = date(2026, 11, 18)  # of the tests' clock
BEFORE = DAY - timedelta(days=1)


def store() -> Store:
    boss = Associate(agent_id=BOSS, pid="pid-209", login=BOSS_LOGIN, nickname="Boss")
    return replace(shop(), openings=NINE_TO_NINE, managers=(boss,))


def far_store() -> Store:
    zoe = Associate(agent_id="301", pid="pid-301", login="zoe@kay.example.com", nickname="Zoe")
    return replace(shop(), group="4200", name="Kay & Sons <4200>", zone="America/Los_Angeles",
                   associates=(zoe,), openings=NINE_TO_NINE)  # fmt: skip


class Reports:
    """The bucket: what was written, and a boundary like any other call."""

    def __init__(self, boundaries: Any) -> None:
        self._boundaries = boundaries
        self.files: dict[str, tuple[bytes, str]] = {}

    def write(self, key: str, data: bytes, *, content: str) -> None:
        self._boundaries.cross("s3.PutObject",
                               lambda: self.files.__setitem__(key, (data, content)))  # fmt: skip


class KpiRig(Rig):
    """Facts in a table, and the two functions on it."""

    def __init__(self, table: Table, clock: Any) -> None:
        super().__init__(table, clock, Settings(table_name="t", associate_claim="email"))
        self.write_store(store())
        self.write_store(far_store())
        self.facts = Facts(table)
        self.reports = Reports(self.boundaries)
        self.remaining_s = 300.0

    def services(self) -> Services:
        house: Any = super().services()
        if not self.settings.report_bucket:  # else it is moto's
            house.report_files = self.reports
        return house

    def tell(self, *facts: Fact) -> None:
        for fact in facts:
            self.facts.tell(fact, now=self.clock.now())

    def at(self, instant: datetime) -> None:
        self.clock.advance((instant - self.clock.now()).total_seconds())

    @property
    def means(self) -> Means:
        return kpi_means(self.services())

    def kpis(
        self, *, login: str = LOGINS[ANNA], scopes: str = "kpis/read kpis/all", **query: str
    ) -> dict[str, Any]:
        """One GET /kpis as API Gateway hands it over; from 1 to 30 November unless said."""
        from functions.kpis import app

        event = json.loads((ROOT / "events/kpis.ask.json").read_text())
        event["queryStringParameters"] = {"from": "2026-11-01", "to": "2026-11-30"} | {
            name.rstrip("_"): value for name, value in query.items()
        }
        jwt = event["requestContext"]["authorizer"]["jwt"]
        jwt["claims"] |= {"email": login, "scope": scopes}
        jwt["scopes"] = None
        with self.process():
            answer: dict[str, Any] = app.handler(event, self.context())
        return answer

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.kpis(**query)
        assert answer["statusCode"] == 200, answer
        found: list[dict[str, Any]] = json.loads(answer["body"])["rows"]
        return found

    def report(self) -> dict[str, Any]:
        """The hourly run."""
        from functions.kpi_report import app

        with self.process():
            told: dict[str, Any] = app.handler({}, self.context())
        return told


def fact(
    kind: Kind, name: str = "n1", *, unit: str = UNIT, day: date = DAY, agent: str | None = ANNA,
    banner: str = "kay", **values: Any,
) -> Fact:  # fmt: skip
    return Fact(kind, name, banner, unit, day, agent, values)


__all__ = ["ACCOUNT", "ANNA", "BEFORE", "BEN", "BOSS", "BOSS_LOGIN", "DAY", "FAR", "GROUP", "LOGINS",
           "UNIT", "Fact", "Kind", "KpiRig", "Period", "fact", "far_store", "store"]  # fmt: skip
