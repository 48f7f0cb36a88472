"""The hourly run: days closed, opened and closed again, texts settled, and the month's report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import boto3
import pytest
from local.units import Meter
from tests.kpi_rig import (
    ACCOUNT,
    ANNA,
    BEFORE,
    BEN,
    DAY,
    FAR,
    LOGINS,
    UNIT,
    Kind,
    KpiRig,
    fact,
    store,
)

from instore.adapters.liveperson import TextStatus
from instore.adapters.table import Table
from instore.call_promise import GIVE_UP
from instore.kpi import Count, Figures, Period, UnitDay
from instore.kpi_report import collect, due_month, month_before
from instore.kpi_summing import CALLS_AFTER
from instore.program import load_program

OVER = datetime(2026, 11, 19, 13, tzinfo=UTC)  # an hour after the 18th has ended everywhere
QUIET = {"closed": 0, "again": 0, "done": True, "report": None}


@pytest.fixture
def rig(table: Table, clock: Any) -> KpiRig:
    return KpiRig(table, clock)


@pytest.fixture
def alone(rig: KpiRig) -> KpiRig:
    """One banner, up to date: what a run does is then about this day alone. The month before is
    reported."""
    rig.apply(lambda d: d.update(banners=d["banners"][:1]))
    rig.facts.note_report("2026-10")
    rig.report()
    return rig


def stands(rig: KpiRig, unit: str = UNIT, day: date = DAY) -> UnitDay | None:
    found = rig.facts.days_of("kay", Period(day, day), units=[unit])
    return found[0] if found else None


def test_a_day_is_closed_an_hour_after_it_is_over_everywhere(alone: KpiRig) -> None:
    alone.tell(fact(Kind.REQUEST, "r1", by="text"), fact(Kind.REQUEST, "r2", by="text", unit=FAR))
    alone.at(OVER - timedelta(seconds=1))
    alone.report()
    assert stands(alone) is None
    alone.at(OVER)
    assert alone.report() == {**QUIET, "closed": 1}
    for unit in (UNIT, FAR):
        one = stands(alone, unit)
        assert one is not None
        assert (one.open, one.figures[ANNA].counts) == (False, {Count.REQUESTS_TEXT: 1})
    assert alone.report() == QUIET


def test_the_first_run_looks_back_ten_days_and_the_next_goes_on(rig: KpiRig) -> None:
    rig.apply(lambda d: d.update(banners=d["banners"][:1]))
    rig.facts.note_report("2026-10")
    # Stores: 9th to 17th; calls, four days later: 9th to 13th.
    assert rig.report() == {**QUIET, "closed": 9 + 5}
    assert rig.facts.closed("kay").stores == date(2026, 11, 17)
    assert rig.facts.closed("kay").calls == date(2026, 11, 13)


def test_calls_wait_until_no_text_of_theirs_can_come() -> None:
    assert CALLS_AFTER > GIVE_UP


def test_a_run_without_time_does_nothing_and_says_so(alone: KpiRig) -> None:
    alone.tell(fact(Kind.REQUEST, by="text"))
    alone.at(OVER)
    alone.remaining_s = 15.0
    assert alone.report() == {**QUIET, "done": False}
    alone.tell(fact(Kind.REQUEST, "r2", by="text", day=BEFORE))
    alone.remaining_s = 300.0
    assert alone.report() == {**QUIET, "closed": 2}  # the calls of the 14th as well
    alone.at(OVER + timedelta(minutes=30))
    alone.remaining_s = 15.0
    assert alone.report() == {**QUIET, "done": False}  # the late fact's day waits
    alone.remaining_s = 300.0
    assert alone.report() == {**QUIET, "again": 1}


def test_a_run_that_runs_out_of_time_in_a_day_is_taken_up_behind_it(
    alone: KpiRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A banner of a thousand stores: each run sums what it can, and no store twice."""
    for n in range(5):
        alone.tell(fact(Kind.CONVERSATION, unit=f"10000002/{n}"))
    alone.at(OVER)
    left: list[float] = []
    monkeypatch.setattr(
        KpiRig, "remaining_s", property(lambda _: left.pop(), lambda *_: None), raising=False
    )

    def run(stores: int) -> dict[str, Any]:
        left[:] = [0.0] * 9 + [300.0] * stores
        return alone.report()

    for stores in (2, 1):
        assert run(stores) == {**QUIET, "done": False}
    assert alone.rows()[0]["counts"] == {"conversations": 5}
    done = [stands(alone, f"10000002/{n}") is not None for n in range(5)]
    assert done == [True, True, False, False, False]


def test_a_store_too_large_to_be_summed_holds_up_nobody(
    alone: KpiRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instore.adapters.facts._LARGEST", 50)
    alone.tell(
        fact(Kind.REPLY, "r1", wall_s=60, hours_s=50), fact(Kind.CONVERSATION, "c", unit=FAR)
    )
    alone.at(OVER)
    assert alone.report() == {**QUIET, "closed": 2}
    large, small = stands(alone), stands(alone, FAR)
    assert large is not None
    assert small is not None
    assert (large.open, dict(large.figures), small.open) == (True, {}, False)
    assert alone.rows()[0]["waits"]["request_reply_time"]["median_s"] == 60
    alone.tell(fact(Kind.REPLY, "r2", wall_s=80, hours_s=50))
    alone.clock.advance(3600)
    assert alone.report() == {**QUIET, "again": 1}
    assert alone.rows()[0]["waits"]["request_reply_time"]["median_s"] == 70
    alone.clock.advance(3600)
    assert alone.report() == QUIET


def test_a_late_fact_opens_its_day_until_it_is_summed_again(alone: KpiRig) -> None:
    alone.tell(fact(Kind.REQUEST, "r1", by="text"))
    alone.at(OVER)
    alone.report()
    late = fact(Kind.REPLY, "r1", wall_s=86400, hours_s=4 * 3600)
    alone.tell(late)
    one = stands(alone)
    assert one is not None
    assert one.open
    assert alone.rows()[0]["waits"]["request_reply_time"]["median_s"] == 86400
    assert alone.report() == QUIET  # facts come in company: not yet
    alone.clock.advance(15 * 60)
    assert alone.report() == {**QUIET, "again": 1}
    one = stands(alone)
    assert one is not None
    assert not one.open
    assert alone.rows()[0]["waits"]["request_reply_time"]["median_s"] == 86400
    assert alone.report() == QUIET
    assert not alone.facts.tell(late, now=alone.clock.now())  # told again, nothing is counted twice
    alone.clock.advance(3600)
    assert alone.report() == {**QUIET, "again": 1}
    assert alone.rows()[0]["waits"]["request_reply_time"]["n"] == 1


def test_what_nobody_opened_is_found_by_the_second_look(alone: KpiRig) -> None:
    """A process died between a fact and its mark and was never called again."""
    alone.tell(fact(Kind.REQUEST, "r1", by="text"), fact(Kind.REQUEST, "r1", by="text", unit=FAR))
    alone.at(OVER)
    alone.report()
    alone.facts.tell(fact(Kind.REQUEST, "r2", by="email"), now=alone.clock.now(), opens=False)
    alone.facts.tell(fact(Kind.REQUEST, "r2", by="email", unit="10000002/9"),
                     now=alone.clock.now(), opens=False)  # fmt: skip
    alone.at(OVER + timedelta(days=4))
    alone.report()
    assert alone.rows()[0]["counts"] == {"requests_text": 2}
    alone.at(OVER + timedelta(days=5))
    alone.report()
    alone.clock.advance(15 * 60)
    assert alone.report()["again"] == 2
    assert alone.rows()[0]["counts"] == {"requests_text": 2, "requests_email": 2}
    alone.at(OVER + timedelta(days=7))
    alone.report()
    alone.clock.advance(15 * 60)
    assert alone.report() == QUIET


def test_closing_costs_a_unit_a_store_and_looking_at_it_again_none(alone: KpiRig) -> None:
    for n in range(12):
        alone.tell(*(fact(Kind.CONVERSATION, f"c{m}", unit=f"10000002/{n}") for m in range(5)))
    alone.at(OVER)
    meter = Meter(alone.table._client)
    alone.boundaries.__class__ = type("Metered", (alone.boundaries.__class__,), {
        "__call__": lambda _, run, **kw: meter(run, **kw)})  # fmt: skip
    alone.report()
    assert meter.write_units == 12 + 2  # and how far the banner is, stores and calls
    alone.report()
    assert meter.write_units == 12 + 2


def test_a_fact_costs_a_write_unit_and_a_late_one_the_mark_as_well(rig: KpiRig) -> None:
    meter = Meter(rig.table._client)
    rig.boundaries.__class__ = type("Metered", (rig.boundaries.__class__,), {
        "__call__": lambda _, run, **kw: meter(run, **kw)})  # fmt: skip
    with rig.process() as house:
        house.facts.tell(fact(Kind.REQUEST, "r1", by="text"), now=rig.clock.now())
        assert meter.write_units == 1
        house.facts.tell(fact(Kind.REQUEST, "r2", by="text", day=BEFORE), now=rig.clock.now())
        assert meter.write_units == 1 + 1 + 2  # item and its entry in the index
        house.facts.tell(fact(Kind.REQUEST, "r3", by="text", day=BEFORE), now=rig.clock.now())
        assert meter.write_units == 4 + 2


# ------------------------------------------------------------------ texts


def test_texts_count_once_every_batch_of_the_day_is_closed(alone: KpiRig) -> None:
    numbers = alone.customers(6)
    alone.text(numbers[:4], key="a")
    alone.text(numbers[4:], key="b")
    lost = f"id-{numbers[1][1:]}"
    alone.vendor.statuses[lost] = TextStatus(lost, "FAILED", None, None)
    pending = {"texters_pending": 1}
    assert alone.rows()[0]["counts"] == pending
    alone.settle()
    assert alone.rows()[0]["counts"] == pending  # settled, but the day is not over
    alone.at(OVER)
    assert alone.report() == {**QUIET, "closed": 2}
    assert alone.rows()[0]["counts"] == {"texts_sent": 5}
    assert alone.rows(associate=LOGINS[ANNA])[0]["counts"] == {"texts_sent": 5}
    assert alone.rows(associate=LOGINS[BEN])[0]["counts"] == {}
    alone.clock.advance(7 * 3600)
    assert alone.report() == QUIET


def test_texts_that_wait_for_tomorrow_keep_the_day_open(alone: KpiRig) -> None:
    alone.clock.advance(11 * 3600)  # late in the evening of New York
    alone.text(alone.customers(3))
    alone.at(OVER)
    assert alone.report() == {**QUIET, "closed": 2}
    one = stands(alone)
    assert one is not None
    assert one.open
    assert alone.rows()[0]["counts"] == {"texters_pending": 1}
    alone.at(OVER + timedelta(hours=4))  # after eleven
    alone.settle(30)
    alone.report()
    assert alone.rows()[0]["counts"] == {"texters_pending": 1}
    alone.at(OVER + timedelta(hours=7))
    assert alone.report()["again"] == 1
    assert alone.rows()[0]["counts"] == {"texts_sent": 3}
    one = stands(alone)
    assert one is not None
    assert not one.open


def test_a_batch_that_cannot_be_read_keeps_the_day_open_for_a_month(alone: KpiRig) -> None:
    batch_id = alone.text(alone.customers(2))[1]["id"]
    alone.settle()
    alone.table.delete(f"BATCH#{batch_id}", "BATCH")
    alone.at(OVER)
    alone.report()
    assert alone.rows()[0]["counts"] == {"texters_pending": 1}
    alone.at(OVER + timedelta(days=36))
    alone.report()
    alone.report()
    found = alone.facts.of_day("kay", day=DAY, unit=UNIT)
    assert [(f.kind, dict(f.values)) for f in found] == [
        (Kind.SENT, {"count": 0}), (Kind.TEXTED, {})]  # fmt: skip


def test_who_changed_stores_within_the_day_has_texts_in_both(alone: KpiRig) -> None:
    numbers = alone.customers(3)
    alone.text(numbers[:2], key="a")
    second = alone.text(numbers[2:], key="b")[1]["id"]
    alone.settle()
    alone.table.update(f"BATCH#{second}", "BATCH", "SET #g = :far", names={"g": "group"},
                       values={"far": "4200"})  # fmt: skip
    alone.at(OVER)
    alone.report()
    sent = {row["store"]: row["counts"].get("texts_sent") for row in alone.rows(by="store")}
    assert sent == {UNIT: 2, FAR: 1}


def test_the_first_batch_alone_says_that_somebody_texts(alone: KpiRig) -> None:
    numbers = alone.customers(2)
    alone.text(numbers[:1], key="a")
    alone.boundaries.reset()
    alone.text(numbers[1:], key="b")
    assert alone.boundaries.names.count("dynamodb.PutItem") == 1  # the batch
    (one,) = alone.facts.of_day("kay", day=DAY, unit=UNIT)
    assert (one.kind, one.name, one.unit, one.agent) == (
        Kind.TEXTED, f"{ACCOUNT}.{ANNA}", UNIT, ANNA)  # fmt: skip


# ------------------------------------------------------------------ the report


class Page(HTMLParser):
    """Tags and texts of a page; fails on anything that would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img", "iframe", "a", "object"), tag
        for name, value in attrs:
            assert not re.fullmatch("src|href|srcset|on.*", name), name
            assert "url(" not in (value or "")
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


FOURTH = datetime(2026, 12, 4, 12, tzinfo=UTC)


def month_of(rig: KpiRig) -> str:
    data, content = rig.reports.files["reports/2026-11.html"]
    assert content == "text/html; charset=utf-8"
    return data.decode()


def test_the_month_is_reported_once_its_texts_had_their_time(alone: KpiRig) -> None:
    alone.tell(
        fact(Kind.REQUEST, "r1", by="text"), fact(Kind.REQUEST, "r2", by="text", unit=FAR),
        fact(Kind.REQUEST, "r3", by="email", day=date(2026, 11, 30)),
        fact(Kind.REQUEST, "r4", by="email", day=date(2026, 12, 1)),
        fact(Kind.REPLY, "r1", wall_s=125, hours_s=60), fact(Kind.SENT, "x", count=1234),
    )  # fmt: skip
    alone.at(FOURTH - timedelta(minutes=1))
    assert alone.report()["report"] is None
    alone.at(FOURTH)
    assert alone.report()["report"] == "2026-11"
    page = Page(month_of(alone))
    assert "in-store: November 2026" in page.texts
    assert page.tags.count("svg") == 9 + 9  # nine indices by day, and by banner
    assert "Kay & Sons <4200>" in page.texts
    assert "Kay Jewelers" in page.texts
    rows = month_of(alone).split("<tr>")
    assert any("Text preferred</td><td>66.7 %</td><td>3<" in row for row in rows)
    assert any("Reply to a request, median</td><td>2 min</td><td>1<" in row for row in rows)
    assert any("Texts answered</td><td>0.0 %</td><td>1,234<" in row for row in rows)
    alone.clock.advance(3600)
    assert alone.report()["report"] is None
    assert len(alone.reports.files) == 1


def test_it_lies_in_the_bucket_as_a_page(alone: KpiRig) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="reports-of-tests")
    alone.settings = replace(alone.settings, report_bucket="reports-of-tests")
    alone.at(FOURTH)
    assert alone.report()["report"] == "2026-11"
    kept = s3.get_object(Bucket="reports-of-tests", Key="reports/2026-11.html")
    assert kept["ContentType"] == "text/html; charset=utf-8"
    assert kept["Body"].read().startswith(b"<!doctype html>")


def test_a_report_of_nothing_is_a_page(alone: KpiRig) -> None:
    alone.at(FOURTH)
    alone.report()
    Page(month_of(alone))


def test_a_report_names_what_is_not_settled_and_every_branch(alone: KpiRig) -> None:
    alone.tell(fact(Kind.TEXTED, "x", day=date(2026, 11, 30)))
    alone.table.put(
        {"pk": f"ASSOCIATE#{ACCOUNT}#{ANNA}", "sk": "DAY#2026-11-30", "bbgone": 1, "used": 1}
    )
    alone.facts.add(UnitDay("kay", "branch/orders", DAY, {
        None: next(iter(_figures(fact(Kind.CALL_OFFERED, "c", agent=None)).values()))}))  # fmt: skip
    alone.at(FOURTH)
    alone.report()
    page = Page(month_of(alone))
    assert any(text.startswith("Texts of 1 associate days were not settled") for text in page.texts)
    assert "orders" in page.texts


def _figures(*facts: Any) -> Any:
    from instore.kpi import figures_of

    return figures_of(facts)


def test_a_branch_that_changed_banners_within_the_month_has_both_halves(rig: KpiRig) -> None:
    rig.apply(lambda d: d.update(banners=d["banners"][:2]))
    for n, banner in enumerate(one.name for one in rig.means.program.banners):
        day = DAY - timedelta(days=n)
        figures = {None: Figures({Count.CALLS_OFFERED: 3})}
        rig.facts.add(UnitDay(banner, "branch/orders", day, figures))
        rig.facts.close_day(banner, name="calls", day=DAY)
    month = collect(date(2026, 11, 1), means=rig.means, now=FOURTH)
    assert month.branches == {"orders": Figures({Count.CALLS_OFFERED: 6})}


@pytest.mark.parametrize(("now", "reported", "expected"), [
    (FOURTH, None, date(2026, 11, 1)), (FOURTH, "2026-10", date(2026, 11, 1)),
    (FOURTH, "2026-11", None), (FOURTH - timedelta(seconds=1), None, None),
    (datetime(2027, 1, 28, tzinfo=UTC), "2026-11", date(2026, 12, 1)),
])  # fmt: skip
def test_which_month_is_due(
    rig: KpiRig, now: datetime, reported: str | None, expected: date | None
) -> None:
    assert due_month(rig.means.program, reported=reported, now=now) == expected
    assert month_before(date(2026, 1, 31)) == date(2025, 12, 1)


def test_the_program_says_on_which_day(rig: KpiRig) -> None:
    sid = "0" * 32
    program = rig.means.program
    later = load_program({**program.model_dump(mode="json"), "line": {
        "account_sid": f"AC{sid}", "secret": f"instore/twilio/ac{sid}", "report_day": 9}})  # fmt: skip
    assert due_month(later, reported=None, now=datetime(2026, 12, 8, 23, tzinfo=UTC)) is None
    assert due_month(later, reported=None, now=datetime(2026, 12, 9, tzinfo=UTC)) == date(
        2026, 11, 1
    )


def test_nothing_of_a_customer_is_in_a_fact_or_a_day(alone: KpiRig) -> None:
    number = alone.customers(1)[0]
    alone.text([number])
    alone.settle()
    alone.at(OVER)
    alone.report()
    kept = json.dumps(
        [[str(f) for f in alone.facts.of_day("kay", day=DAY, unit=UNIT)], str(stands(alone))]
    )
    assert number[-4:] not in kept
    assert store().phone not in kept or not store().phone
