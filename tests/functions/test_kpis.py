"""GET /kpis: who sees whose figures, what a question costs, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.call_rig import BRANCH
from tests.kpi_rig import (
    ACCOUNT,
    ANNA,
    BEN,
    BOSS_LOGIN,
    DAY,
    FAR,
    LOGINS,
    UNIT,
    Kind,
    KpiRig,
    fact,
    store,
)

from instore.adapters.calls import Calls
from instore.adapters.table import Table
from instore.call import Call
from instore.deflection import CallState
from instore.directory import Associate

Requests = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def rig(table: Table, clock: Any) -> KpiRig:
    return KpiRig(table, clock)


@pytest.fixture
def told(rig: KpiRig) -> KpiRig:
    """Four requests in two stores and two banners, on today and yesterday."""
    rig.tell(
        fact(Kind.REQUEST, "r1", by="text"), fact(Kind.REQUEST, "r2", by="email", agent=BEN),
        fact(Kind.REQUEST, "r3", by="text", unit=FAR, agent="301", day=DAY - timedelta(days=1)),
        fact(Kind.REQUEST, "r4", by="text", unit="10000004/77", banner="zales", agent="x"),
        fact(Kind.REPLY, "r1", wall_s=90, hours_s=60),
    )  # fmt: skip
    return rig


def requests_in(rows: list[dict[str, Any]]) -> dict[str, int]:
    """`banner store branch associate day` of a row -> requests."""
    return {
        " ".join(row[name] for name in ("banner", "store", "branch", "associate", "day") if name in row):
        sum(n for name, n in row["counts"].items() if name.startswith("requests"))
        for row in rows
    }  # fmt: skip


def test_the_whole_answer(told: KpiRig) -> None:
    answer = told.kpis(associate=LOGINS[ANNA])
    assert (answer["statusCode"], answer["headers"]) == (
        200, {"content-type": "application/json", "cache-control": "no-store"})  # fmt: skip
    body = json.loads(answer["body"])
    nobody = {"n": 0, "total_s": 0}
    ninety = {"n": 1, "total_s": 90, "mean_s": 90, "median_s": 90, "p90_s": 90}
    sixty = {"n": 1, "total_s": 60, "mean_s": 60, "median_s": 60, "p90_s": 60}
    assert body.pop("meaning")["correspondence_preference"].startswith(
        "Requests submitted in the period"
    )
    assert body == {
        "first": "2026-11-01", "last": "2026-11-30", "by": "all", "full_containment": False,
        "rows": [{"counts": {"requests_text": 1}, "shares": {"correspondence_preference": 1},
                  "waits": {"request_reply_time": ninety, "request_reply_time_in_hours": sixty,
                            "first_response_time": nobody, "first_response_time_in_hours": nobody}}],
    }  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), [
    ({}, {"": 4}),
    ({"by": "banner"}, {"kay": 3, "zales": 1}),
    ({"by": "store"}, {f"kay {UNIT}": 2, f"kay {FAR}": 1, "zales 10000004/77": 1}),
    ({"by": "day"}, {"2026-11-17": 1, "2026-11-18": 3}),
    ({"by": "associate", "store": UNIT}, {f"kay {UNIT} {LOGINS[ANNA]}": 1, f"kay {UNIT} {LOGINS[BEN]}": 1}),
    ({"by": "associate", "banner": "zales"}, {"zales 10000004/77 x": 1}),
    ({"banner": "kay"}, {"": 3}), ({"store": UNIT}, {"": 2}), ({"associate": LOGINS[BEN]}, {"": 1}),
    ({"to": "2026-11-17"}, {"": 1}), ({"from": "2026-11-19"}, {"": 0}),
    ({"from": "2026-12-24", "to": "2026-12-31"}, {"": 0}), ({"by": "branch"}, {}),
])  # fmt: skip
def test_head_office_asks_as_it_likes(
    told: KpiRig, query: dict[str, str], expected: dict[str, int]
) -> None:
    assert requests_in(told.rows(**query)) == expected


MINE = "kpis/read"
OTHER = "zoe@kay.example.com"
NORTH = f"{ACCOUNT}/4300"


@pytest.mark.parametrize(("login", "query", "expected"), [
    (LOGINS[ANNA], {}, 1),
    (LOGINS[ANNA].upper(), {"associate": LOGINS[ANNA]}, 1),
    (LOGINS[ANNA], {"associate": LOGINS[BEN]}, "scope_missing"),
    (LOGINS[ANNA], {"store": UNIT}, "scope_missing"),
    (LOGINS[ANNA], {"store": FAR}, "scope_missing"),
    (LOGINS[ANNA], {"banner": "kay"}, "scope_missing"),
    (LOGINS[ANNA], {"branch": "orders"}, "scope_missing"),
    (BOSS_LOGIN, {}, 2),
    (BOSS_LOGIN, {"store": UNIT}, 2),
    (BOSS_LOGIN, {"associate": LOGINS[BEN]}, 1),
    (BOSS_LOGIN, {"associate": BOSS_LOGIN}, 0),
    (BOSS_LOGIN, {"associate": OTHER}, "scope_missing"),
    (BOSS_LOGIN, {"associate": "nobody@kay.example.com"}, "scope_missing"),
    (BOSS_LOGIN, {"store": FAR}, "scope_missing"),
    (BOSS_LOGIN, {"banner": "kay"}, "scope_missing"),
    (BOSS_LOGIN, {"store": "10000002"}, "scope_missing"),
    (BOSS_LOGIN, {"store": "10000003/4100"}, "scope_missing"),
    (BOSS_LOGIN, {"store": NORTH}, 1),
    (BOSS_LOGIN, {"store": NORTH, "associate": "nora@kay.example.com"}, 1),
    (BOSS_LOGIN, {"store": NORTH, "associate": LOGINS[ANNA]}, "scope_missing"),
    (LOGINS[ANNA], {"store": NORTH}, "scope_missing"),
    ("gone@kay.example.com", {}, "associate_disabled"),
    ("stranger@kay.example.com", {}, "unknown_associate"),
    (None, {}, "unknown_associate"),
])  # fmt: skip
def test_an_associate_sees_themselves_and_a_manager_the_store(
    told: KpiRig, login: Any, query: dict[str, str], expected: int | str
) -> None:
    boss = replace(store().managers[0], visiting=True)
    nora = Associate("401", "pid-401", "nora@kay.example.com", "Nora")
    told.write_store(replace(store(), group="4300", managers=(boss,), associates=(nora,)))
    told.tell(fact(Kind.REQUEST, "r9", by="text", unit=NORTH, agent="401"))
    answer = told.kpis(login=login, scopes=MINE, **query)
    body = json.loads(answer["body"])
    if isinstance(expected, str):
        assert (answer["statusCode"], body["code"]) == (403, expected)
    else:
        assert requests_in(body["rows"]) == {"": expected}


def test_without_the_scope_nobody_sees_anything(told: KpiRig) -> None:
    answer = told.kpis(scopes="outreach/read kpis/all")
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(("query", "status", "code"), [
    ({"from": "18.11.2026"}, 400, "date_wrong"), ({"from": "0001-01-01"}, 400, "date_wrong"),
    ({"from": "2026-12-01"}, 400, "period_wrong"), ({"from": "2025-01-01"}, 400, "period_too_long"),
    ({"by": "unit_day"}, 400, "by_wrong"), ({"by": "week"}, 400, "by_wrong"),
    ({"format": "xml"}, 400, "format_wrong"),
    ({"store": UNIT, "associate": LOGINS[ANNA]}, 400, "too_narrow"),
    ({"banner": "nine"}, 404, "unknown_banner"), ({"store": "10000002"}, 404, "unknown_store"),
    ({"store": "10000002/9"}, 404, "unknown_store"), ({"branch": "orders"}, 404, "unknown_branch"),
    ({"associate": "stranger@kay.example.com"}, 404, "unknown_associate"),
    ({"associate": "x" * 2100}, 400, "value_too_long"), ({"store": f"1/{'x' * 2100}"}, 400, "value_too_long"),
    ({"store": "PROGRAM/CURRENT"}, 404, "unknown_store"), ({"store": "1#2/3#4"}, 404, "unknown_store"),
    ({"store": f"{UNIT}/"}, 404, "unknown_store"), ({"from": "２０２６-11-01"}, 400, "date_wrong"),
    ({"from": "2026-11-01,2026-11-02"}, 400, "date_wrong"), ({"from": "2026-02-29"}, 400, "date_wrong"),
])  # fmt: skip
def test_a_wrong_question(told: KpiRig, query: dict[str, str], status: int, code: str) -> None:
    answer = told.kpis(**query)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)


def test_a_question_too_large_to_be_answered_is_told_so(
    told: KpiRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year of twenty thousand associates: not a time-out, and not an answer that Lambda drops."""
    for name, value in (("LARGEST", 900), ("PATIENCE", timedelta(seconds=-1))):
        with monkeypatch.context() as patch:
            patch.setattr(f"instore.runtime.kpi_operations.{name}", value)
            for form in ("json", "csv"):
                answer = told.kpis(by="store", format=form)
                assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (
                    400,
                    "too_much",
                )


def test_without_dates_it_is_this_month_up_to_yesterday(told: KpiRig) -> None:
    body = json.loads(told.kpis(**{"from": "", "to": ""})["body"])
    assert (body["first"], body["last"]) == ("2026-11-01", "2026-11-17")


def test_csv_is_the_same_and_safe_to_open(told: KpiRig) -> None:
    told.tell(fact(Kind.REQUEST, "r5", by="text", agent="=1+1"))
    answer = told.kpis(by="associate", store=UNIT, format="csv")
    assert answer["headers"] == {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": 'attachment; filename="kpis-2026-11-01-2026-11-30.csv"',
    }
    rows = list(csv.DictReader(io.StringIO(answer["body"].removeprefix("\ufeff"))))
    assert [(row["associate"], row["requests_text"], row["request_reply_time_mean_s"])
            for row in rows] == [
        (LOGINS[ANNA], "1", "90"), (LOGINS[BEN], "0", ""), ("'=1+1", "1", "")]  # fmt: skip


# ------------------------------------------------------------------ calls


def call(n: int, at: datetime, *, store: str | None = "4100") -> Call:
    return Call(
        f"CA{n:032x}", "kay", "orders", "why", CallState.OFFERED, at, customer="h", store=store
    )


def with_line(rig: KpiRig) -> None:
    rig.apply(lambda d: d.update(line={"account_sid": "AC" + "0" * 32, "secret": "instore/twilio/ac" + "0" * 32,
                                       "branches": [BRANCH]}))  # fmt: skip


def test_calls_count_on_the_branch_s_own_day(rig: KpiRig) -> None:
    """Three in the morning UTC is the evening before in New York; without a store it is UTC's day."""
    with_line(rig)
    calls = Calls(rig.table)
    calls.open(call(1, datetime(2026, 11, 18, 3, tzinfo=UTC)))
    calls.open(call(2, datetime(2026, 11, 18, 6, tzinfo=UTC)))
    calls.open(call(3, datetime(2026, 11, 18, 3, tzinfo=UTC), store=None))
    days = {row["day"]: row["counts"] for row in rig.rows(branch="orders", by="day")}
    assert days == {"2026-11-17": {"calls_offered": 1}, "2026-11-18": {"calls_offered": 2}}
    assert rig.rows(by="branch")[0]["branch"] == "orders"
    assert rig.rows(by="store") == []
    rig.at(datetime(2026, 11, 23, 13, tzinfo=UTC))  # five days on: the 18th of calls is closed
    rig.report()
    assert {row["day"]: row["counts"] for row in rig.rows(branch="orders", by="day")} == days


# ------------------------------------------------------------------ what it costs


def asked(requests: Requests) -> dict[str, int]:
    made = Counter(operation for _, operation, params in requests if "PROGRAM" not in str(params))
    assert "Scan" not in made
    return dict(made)


@pytest.fixture
def year(rig: KpiRig) -> KpiRig:
    """Four months of two stores, every third day, closed up to yesterday; of calls, to five days ago."""
    for n in range(0, 120, 3):
        day = DAY - timedelta(days=120) + timedelta(days=n)
        for unit in (UNIT, FAR):
            rig.facts.tell(fact(Kind.REQUEST, f"r{n}", by="text", unit=unit, day=day),
                           now=datetime.combine(day, datetime.min.time(), tzinfo=UTC))  # fmt: skip
    rig.facts.close_day("kay", name="stores", day=DAY - timedelta(days=121))
    rig.report()
    return rig


def test_a_year_of_one_associate_is_a_handful_of_requests(
    year: KpiRig, requests_made: Requests
) -> None:
    requests_made.clear()
    row = year.rows(associate=LOGINS[ANNA], **{"from": "2025-11-19", "to": "2026-11-18"})[0]
    assert row["counts"] == {"requests_text": 40}
    # login (an account of people each, until found), store, state; a hundred days a BatchGetItem; one
    # Query for the day that is not closed.
    made = asked(requests_made)
    assert made["BatchGetItem"] == 4
    assert made["Query"] == 1
    assert sum(made.values()) <= 12


def test_a_year_of_a_banner_is_a_query_a_month(year: KpiRig, requests_made: Requests) -> None:
    requests_made.clear()
    row = year.rows(banner="kay", **{"from": "2025-11-19", "to": "2026-11-18"})[0]
    assert row["counts"] == {"requests_text": 80}
    # 13 months, today's facts, and calls of the five days (and one around) that are not closed.
    assert asked(requests_made) == {"GetItem": 1, "Query": 13 + 1 + 7}


def test_a_late_fact_costs_one_query_more_of_its_store(
    year: KpiRig, requests_made: Requests
) -> None:
    old = DAY - timedelta(days=120)
    year.tell(fact(Kind.REPLY, "r0", wall_s=5, hours_s=5, day=old))
    requests_made.clear()
    asking = {"from": "2025-11-19", "to": "2026-11-18"}
    assert year.rows(banner="kay", **asking)[0]["waits"]["request_reply_time"]["n"] == 1
    assert asked(requests_made) == {"GetItem": 1, "Query": 13 + 1 + 7 + 1}


def test_many_opened_stores_of_a_day_are_read_together(
    year: KpiRig, requests_made: Requests
) -> None:
    old = DAY - timedelta(days=120)
    for n in range(9):
        year.tell(fact(Kind.REPLY, f"q{n}", wall_s=5, hours_s=5, day=old, unit=f"10000002/{n}"))
    requests_made.clear()
    asking = {"from": old.isoformat(), "to": (old + timedelta(days=2)).isoformat()}
    row = year.rows(banner="kay", **asking)[0]
    assert (row["counts"], row["waits"]["request_reply_time"]["n"]) == ({"requests_text": 2}, 9)
    assert asked(requests_made) == {"GetItem": 1, "Query": 2}


def test_who_asks_before_anything_is_closed_reads_ten_days_at_most(
    rig: KpiRig, requests_made: Requests
) -> None:
    rig.tell(fact(Kind.REQUEST, by="text", day=date(2026, 11, 10)))
    requests_made.clear()
    assert rig.rows(banner="kay", **{"from": "2026-01-01"})[0]["counts"] == {"requests_text": 1}
    assert asked(requests_made)["Query"] <= 11 + 11 + 14
