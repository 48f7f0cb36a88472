"""When a number is held: a run of filtered texts, whatever the order in which it is told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instore.adapters.liveperson import Transaction
from instore.batch import Row, RowState
from instore.delivery import Report
from instore.number_health import (
    Hold,
    Outcome,
    batch_is_filtered,
    call_is_filtered,
    look_at_call,
    look_at_numbers,
    numbers_of,
    run_of,
)
from instore.program import Program, load_program

NOW = datetime(2026, 11, 18, 17, 7, tzinfo=UTC)
KAY, ZALES = "+12125550100", "+12125550103"


def at(minutes_ago: float) -> datetime:
    return NOW - timedelta(minutes=minutes_ago)


def told(text: str) -> list[Outcome]:
    """x = filtered, o = arrived, a minute apart, the last one a minute ago."""
    return [Outcome(at(len(text) - n), filtered=c == "x") for n, c in enumerate(text)]


@pytest.mark.parametrize(("text", "run"), [
    ("", 0), ("o", 0), ("x", 1), ("xxx", 3), ("xxo", 0), ("oxx", 2), ("xoxx", 2), ("xxxox", 1),
])  # fmt: skip
def test_a_run_is_what_was_filtered_since_the_last_that_arrived(text: str, run: int) -> None:
    assert run_of(told(text), after=at(60)) == run


@pytest.mark.parametrize("text", ["xxox", "xoxx", "oxxx"])
def test_every_order_of_telling_gives_the_same_run(text: str) -> None:
    runs = {run_of(order, after=at(60)) for order in itertools.permutations(told(text))}
    assert runs == {len(text) - 1 - text.index("o")}


@given(st.lists(st.sampled_from("xo"), max_size=30), st.randoms())
def test_any_shuffle_of_any_history_gives_the_same_run(letters: list[str], chance: Any) -> None:
    text = "".join(letters)
    outcomes = told(text)
    chance.shuffle(outcomes)
    assert run_of(outcomes, after=at(60)) == len(text) - 1 - text.rfind("o")


def test_at_one_instant_the_one_that_arrived_is_the_later() -> None:
    both = [Outcome(NOW, filtered=False), Outcome(NOW, filtered=True)]
    assert run_of(both, after=at(1)) == 0


def test_what_was_judged_before_counts_no_more() -> None:
    assert run_of(told("xxxx"), after=at(2)) == 1


def reports(filtered: int, arrived: int, other: int = 0) -> list[Report]:
    return [*[Report("FAILED", "twilio_30007")] * filtered, *[Report("DELIVERED")] * arrived,
            *[Report("SKIPPED", "twilio_21610"), Report("SENT")] * other]  # fmt: skip


@pytest.mark.parametrize(("filtered", "arrived", "is_run"), [
    (20, 0, True), (19, 0, False), (20, 20, True), (20, 21, False), (50, 50, True),
])  # fmt: skip
def test_a_call_shows_a_run_when_most_of_it_was_filtered(
    filtered: int, arrived: int, is_run: bool
) -> None:
    assert call_is_filtered(reports(filtered, arrived, other=9), run=20) is is_run


def rows(filtered: int, others: int, to_go: int = 5) -> list[Row]:
    failed = [Row(n, None, state=RowState.FAILED, reason="filtered", vendor_id="i")
              for n in range(filtered)]  # fmt: skip
    sent = [Row(n, None, state=RowState.DELIVERED, vendor_id="i") for n in range(others)]
    return [*failed, *sent, *[Row(n, None, state=RowState.DEFERRED) for n in range(to_go)]]


@pytest.mark.parametrize(("filtered", "others", "blocked"), [
    (5, 5, True), (4, 6, False), (5, 4, False), (9, 0, False), (20, 60, True), (19, 60, False),
    (0, 0, False),
])  # fmt: skip
def test_a_batch_is_filtered_by_half_of_ten_or_by_a_run(
    filtered: int, others: int, blocked: bool
) -> None:
    assert batch_is_filtered(rows(filtered, others), run=20) is blocked


def test_a_hold_ends_by_itself_and_is_looked_at_every_hour() -> None:
    hold = Hold(KAY, until=NOW + timedelta(hours=12))
    assert hold.next_look(NOW) == NOW + timedelta(hours=1)
    assert hold.next_look(NOW + timedelta(hours=11, minutes=30)) == NOW + timedelta(hours=12)
    assert hold.next_look(NOW + timedelta(hours=12)) is None
    assert hold.stops(NOW + timedelta(hours=12, seconds=-1))
    assert not hold.stops(NOW + timedelta(hours=12))
    assert Hold(KAY).next_look(NOW) is None


def test_banners_that_share_a_number_share_the_strictest_rule(program: Program) -> None:
    found = numbers_of(program)
    assert len(found) == 7
    document = program.model_dump(mode="json", by_alias=True)
    document["banners"][1]["number"]["outbound"] = KAY
    document["banners"][1]["outreach"]["filtering"] = {"run": 5, "hold_hours": 48}
    shared = numbers_of(load_program(document))[KAY]
    assert (shared.run, shared.hold) == (5, timedelta(hours=48))
    assert shared.skills == {"kay", "kay-outlet"}


# ------------------------------------------------------------------ looking


class Reporting:
    """Outbound reporting as a list of texts; remembers what it was asked."""

    def __init__(self, *texts: Transaction) -> None:
        self.texts, self.asked = texts, list[tuple[str, ...]]()

    def transactions(
        self, _: Any, *, start: datetime, end: datetime, statuses: tuple[str, ...],
        skills: tuple[str, ...] = (),
    ) -> list[Transaction]:  # fmt: skip
        self.asked.append(statuses)
        return [t for t in self.texts
                if t.status in statuses and (not skills or t.skill in skills)
                and (t.attempted_at is None or start <= t.attempted_at <= end)]  # fmt: skip


class Kept:
    """Holds in a dictionary; `hold_of` counts its reads."""

    def __init__(self, *holds: Hold) -> None:
        self.holds, self.reads, self.slow = {h.number: h for h in holds}, 0, False

    def hold_of(self, account: str, *, number: str) -> Hold:
        assert account == "10000001"
        self.reads += 1
        return self.holds.get(number, Hold(number))

    def hold(self, known: Hold, *, account: str, run: int, now: datetime, until: datetime) -> bool:
        assert account == "10000001"
        if self.slow:
            return False
        self.holds[known.number] = Hold(known.number, now, until, run, known.rev + 1)
        return True


def text(minutes_ago: float | None, status: str = "FAILED", skill: str = "kay",
         error: str | None = "twilio_30007") -> Transaction:  # fmt: skip
    attempted = None if minutes_ago is None else at(minutes_ago)
    return Transaction("t", "c", status, None, error, attempted, None, skill)


def filtered(count: int, *, skill: str = "kay", since: float = 90) -> list[Transaction]:
    return [text(since - n, skill=skill) for n in range(count)]


def look(program: Program, reporting: Reporting, kept: Kept) -> list[str]:
    numbers: Any = kept
    liveperson: Any = reporting
    return list(look_at_numbers(program=program, numbers=numbers, liveperson=liveperson, now=NOW))


def test_a_healthy_day_costs_one_question_and_no_read(program: Program) -> None:
    reporting, kept = Reporting(*filtered(19), text(30, error="twilio_21610")), Kept()
    assert look(program, reporting, kept) == []
    assert (reporting.asked, kept.reads) == ([("FAILED",)], 0)


def test_twenty_filtered_in_a_row_hold_the_number(program: Program) -> None:
    reporting, kept = Reporting(*filtered(20), text(95, "DELIVERED", error=None)), Kept()
    assert look(program, reporting, kept) == [KAY]
    assert kept.holds[KAY] == Hold(KAY, NOW, NOW + timedelta(hours=12), 20, 1)
    assert look(program, reporting, kept) == []  # held already: nothing is counted twice
    assert kept.holds[KAY].rev == 1


@pytest.mark.parametrize("arrived", [
    text(70.5, "DELIVERED", error=None), text(60, "READ", error=None),
    text(80, "RESPONDED", error=None), text(None, "DELIVERED", error=None),
])  # fmt: skip
def test_one_that_arrived_breaks_the_run(program: Program, arrived: Transaction) -> None:
    kept = Kept()
    assert look(program, Reporting(*filtered(20), arrived), kept) == []
    assert kept.holds == {}


def test_what_arrived_from_another_number_breaks_nothing(program: Program) -> None:
    other = text(60, "DELIVERED", skill="zales", error=None)
    assert look(program, Reporting(*filtered(20), other), Kept()) == [KAY]


def test_each_number_is_judged_by_itself(program: Program) -> None:
    texts = [*filtered(12), *filtered(12, skill="zales"), *filtered(25, skill="nobodys")]
    assert look(program, Reporting(*texts), Kept()) == []
    texts += filtered(8, skill="zales", since=40)
    assert look(program, Reporting(*texts), Kept()) == [ZALES]


def test_texts_whose_time_is_not_told_make_no_run(program: Program) -> None:
    assert look(program, Reporting(*filtered(19), text(None)), Kept()) == []


def test_after_a_release_only_newer_texts_count(program: Program) -> None:
    released = Hold(KAY, judged_to=at(80), rev=2)
    assert look(program, Reporting(*filtered(30)), Kept(released)) == []  # 19 are newer
    assert look(program, Reporting(*filtered(31)), Kept(released)) == [KAY]


def test_who_comes_second_does_not_hold_it_again(program: Program) -> None:
    kept = Kept()
    kept.slow = True
    assert look(program, Reporting(*filtered(20)), kept) == []


def held_by_call(
    program: Program, kept: Kept, *, count: int = 20, sent: float = 2, number: str = KAY
) -> bool:
    numbers: Any = kept
    listed = {str(n): report for n, report in enumerate(reports(count, 3))}
    return look_at_call(listed, number=number, sent_at=at(sent), program=program,
                        numbers=numbers, now=NOW)  # fmt: skip


def test_one_calls_own_listing_holds_the_number_at_once(program: Program) -> None:
    kept = Kept()
    assert held_by_call(program, kept)
    assert kept.holds[KAY].run == 20
    assert not held_by_call(program, kept)  # looked at again
    kept.holds[KAY] = Hold(KAY, judged_to=at(1), rev=2)  # and after a release
    assert not held_by_call(program, kept)
    assert held_by_call(program, kept, sent=0.5)


def test_a_call_with_less_than_a_run_is_not_even_looked_up(program: Program) -> None:
    kept = Kept()
    assert not held_by_call(program, kept, count=19)
    assert not held_by_call(program, kept, number="+12125550199")
    assert kept.reads == 0
