"""Whatever facts come in whatever order, however often, whenever days are closed in between: every
answer is what the facts told so far come to, and the parts make the whole."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kpi_rig import ANNA, BEN, FAR, UNIT, KpiRig, fact
from tests.map_rig import restore, snapshot
from tests.straight import straight

from instore.adapters.table import Table
from instore.kpi import Fact, Figures, Kind, Period, figures_of, total
from instore.kpi_asking import Question, ask, parts

__all__ = ["straight"]
FIRST = date(2026, 10, 29)  # the clocks of New York change on 1 November, in this period
DAYS = [FIRST + timedelta(days=n) for n in range(4)]
PERIOD = Period(FIRST, DAYS[-1])
BANNERS = ("kay", "zales")


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    kind = draw(st.sampled_from([Kind.REQUEST, Kind.REPLY, Kind.ANSWERED, Kind.CONVERSATION,
                                 Kind.RESPONSE, Kind.SENT]))  # fmt: skip
    # What a fact says follows from its name: told again, it is the same fact.
    number = draw(st.integers(0, 9))
    values: dict[str, Any] = {
        Kind.REQUEST: {"by": ("text", "email")[number % 2], "source": "widget"},
        Kind.REPLY: {"wall_s": number * 977, "hours_s": number * 311},
        Kind.RESPONSE: {"wall_s": number * 31, "hours_s": number * 7},
        Kind.SENT: {"count": number},
    }.get(kind, {})
    banner = ("kay", "zales")[number % 2]
    unit = (UNIT, FAR)[number // 2 % 2]
    return fact(kind, f"n{number}", unit=unit, banner=banner, day=draw(st.sampled_from(DAYS)),
                agent=(ANNA, BEN, None)[number % 3], **values)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(told=st.lists(facts(), max_size=25), data=st.data())
def test_order_and_repetition_change_nothing(told: list[Fact], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=10)) if told else []
    mixed = data.draw(st.permutations([*told, *(replace(one) for one in again)]))
    assert figures_of(mixed) == figures_of(told)


@settings(max_examples=200, deadline=None)
@given(told=st.lists(facts(), max_size=25, unique_by=lambda f: (f.banner, f.unit, f.day, f.kind, f.name)),
       cut=st.integers(0, 25))  # fmt: skip
def test_figures_of_all_are_the_sum_of_those_of_parts(told: list[Fact], cut: int) -> None:
    apart = [*figures_of(told[:cut]).values(), *figures_of(told[cut:]).values()]
    assert total(figures_of(told).values()) == total(apart) == sum(apart, Figures())


STEP = st.one_of(facts().map(lambda f: ("tell", f)), facts().map(lambda f: ("tell", f)),
                 st.integers(1, 40).map(lambda h: ("wait", h)), st.just(("sum", None)))  # fmt: skip


@settings(max_examples=int(os.environ.get("INSTORE_EXAMPLES", "25")), deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(early=st.lists(facts(), max_size=8), days=st.integers(0, 6),
       steps=st.lists(STEP, min_size=1, max_size=12))  # fmt: skip
def test_every_answer_is_what_was_told_so_far(
    table: Table, clock: Any, straight: None, early: list[Fact], days: int,
    steps: list[tuple[str, Any]],
) -> None:  # fmt: skip
    """Some facts, some days, a run; then late facts, hours and runs as they come."""
    rig = KpiRig(table, type(clock)(datetime(2026, 10, 30, 6, tzinfo=UTC)))
    rig.apply(lambda d: d.update(banners=[b for b in d["banners"] if b["name"] in BANNERS]))
    beginning = snapshot(table)
    told: list[Fact] = []
    first: list[tuple[str, Any]] = [("tell", one) for one in early]
    try:
        for what, detail in [*first, ("wait", 24 * days), ("sum", None), *steps]:
            if what == "wait":
                rig.clock.advance(detail * 3600)
            elif what == "sum":
                rig.report()
            elif detail.day <= (rig.clock.now() + timedelta(hours=14)).date():
                rig.tell(detail)
                told.append(detail)
            if (what, detail) not in first:
                agrees(rig, told)
    finally:
        restore(table, beginning)


def agrees(rig: KpiRig, told: list[Fact]) -> None:
    """Corporation, banners, stores, days, and one associate; the parts of each are the whole."""
    now = rig.clock.now()
    expected = total(figures_of(told).values())
    found = list(parts(Question(PERIOD, BANNERS), means=rig.means, now=now))
    assert total(one.figures for one in found) == expected
    for banner, day, unit in {(f.banner, f.day, f.unit) for f in told}:
        mine = [f for f in told if (f.banner, f.day, f.unit) == (banner, day, unit)]
        here = [
            one.figures for one in found if (one.banner, one.day, one.unit) == (banner, day, unit)
        ]
        assert total(here) == total(figures_of(mine).values())
    own = [f for f in told if (f.unit, f.agent, f.banner) == (UNIT, ANNA, "kay")]
    question = Question(PERIOD, ["kay"], units=[UNIT], agent=ANNA)
    asked = ask(question, means=rig.means, now=now)
    assert total(asked.values()) == total(figures_of(own).values())
