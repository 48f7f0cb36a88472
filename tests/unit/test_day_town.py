"""The parts a day stands on: lanes on one clock, seeded trouble, figures and pictures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial

import pytest
from local.day.figures import Minute, minutes, percentile
from local.day.picture import draw, first_day, sparkline
from local.day.plan import KINDS, Settings, make_plan
from local.day.town import Town, TownClock
from local.day.trouble import LEVELS, Trouble, add_faults
from local.faults import Faults
from local.functions import Killed

START = datetime(2026, 11, 18, 16, tzinfo=UTC)
ACCOUNTS = dict.fromkeys(("kay", "zales", "jared", "kay_outlet", "zales_outlet", "banter",
                          "peoples"), "10000002")  # fmt: skip


def test_who_sleeps_lets_the_others_work() -> None:
    town, told = Town(clock := TownClock(START)), []

    def note(what: str) -> None:
        told.append((what, int((clock.now() - START).total_seconds())))

    def sender() -> None:
        note("claims")
        clock.sleep(10)
        note("sends")

    town.in_(1, "sender", sender)
    town.in_(2, "sender", lambda: note("second batch"))
    town.in_(5, "people", lambda: note("opts out"))
    town.run(until=START + timedelta(minutes=1))
    town.finish()
    # A lane does one thing after the other; another lane does not wait for it.
    assert told == [("claims", 1), ("opts out", 5), ("sends", 11), ("second batch", 11)]
    assert clock.now() == START + timedelta(minutes=1)


def test_what_a_job_raises_ends_the_day() -> None:
    town = Town(TownClock(START))
    town.in_(1, "people", lambda: {}["nothing"])
    with pytest.raises(KeyError):
        town.run(until=START + timedelta(minutes=1))


def test_the_clock_of_nobodys_lane_just_moves() -> None:
    clock = TownClock(START)
    Town(clock)
    clock.sleep(30)
    assert clock.now() == START + timedelta(seconds=30)


def _killed_at(seed: int) -> list[tuple[int, bool]]:
    trouble, found = Trouble(seed=seed, kill_rate=0.2, repeat_rate=0), []
    trouble.on = True
    for n in range(60):
        ran: list[int] = []
        try:
            trouble.cross("Sweep", "dynamodb.Query", partial(ran.append, 1))
        except Killed:
            found.append((n, bool(ran)))
    assert trouble.kills["Sweep"] == len(found)
    return found


def test_kills_are_seeded_and_fall_before_and_after_a_call() -> None:
    assert _killed_at(1) == _killed_at(1) != _killed_at(2)
    assert {after for _, after in _killed_at(1)} == {True, False}


def test_nobody_is_killed_before_the_day_begins() -> None:
    trouble = Trouble(seed=1, kill_rate=1.0, repeat_rate=1.0)
    assert trouble.cross("Sweep", "x", lambda: 7) == 7
    assert not trouble.repeats_send("sqs", "SendMessage")
    trouble.on = True
    assert trouble.repeats_send("sqs", "SendMessage")
    assert not trouble.repeats_send("dynamodb", "PutItem")
    assert trouble.loses_delete("sqs", "DeleteMessageBatch")


def test_every_kind_of_fault_comes_at_every_family_of_calls() -> None:
    faults = Faults(seed=1)
    add_faults(faults, level="storm")
    for path in ("POST /api/v2/account/1/campaign", "GET /api/v2/account/1/campaign/x/conversations",
                 "POST /sentinel/api/account/1/app/token"):  # fmt: skip
        met = [faults.take(path) for _ in range(3000)]
        kinds = {(f.kind, f.processed, f.status) for f in met if f is not None}
        assert len(kinds) == 10
        share = sum(f is not None for f in met) / len(met)
        assert share == pytest.approx(LEVELS["storm"], abs=0.05)
    assert faults.take("webhook 1", outgoing=True) is None or True
    with pytest.raises(KeyError):
        add_faults(faults, level="worse")


def test_no_level_means_no_fault() -> None:
    faults = Faults(seed=1)
    add_faults(faults, level="none")
    assert [faults.take("POST /api/v2/account/1/campaign") for _ in range(99)] == [None] * 99


def test_a_plan_is_the_scale_it_says_and_the_seeds_own() -> None:
    plan = make_plan(Settings(scale=Fraction(1, 1000), seed=4), accounts=ACCOUNTS)
    again = make_plan(Settings(scale=Fraction(1, 1000), seed=4), accounts=ACCOUNTS)
    other = make_plan(Settings(scale=Fraction(1, 1000), seed=5), accounts=ACCOUNTS)
    assert plan.asks == again.asks != other.asks
    assert len(plan.clerks) == 16
    rows = [ref for ask in plan.asks for _, ref in ask.recipients]
    assert len(rows) == len(set(rows))
    assert 1600 <= len(rows) <= 1760  # one associate in ten asks for more than the day allows
    assert {who.kind for who in plan.customers} >= set(KINDS) - {"again", "twice in the batch"}
    assert len({who.phone for who in plan.customers}) == len(plan.customers)
    assert [ask.at for ask in plan.asks] == sorted(ask.at for ask in plan.asks)


def test_minutes_tell_who_waited_and_how_long() -> None:
    at = [START + timedelta(seconds=s) for s in (0, 30, 130, 200)]
    course = minutes([(at[0], at[2]), (at[1], at[1]), (at[1], at[3])])
    assert [(m.sent, m.waiting, m.oldest_s) for m in course] == [
        (1, 1, 0.0), (0, 2, 60.0), (1, 2, 120.0), (1, 1, 150.0), (0, 0, 0.0)]  # fmt: skip
    assert minutes([]) == []


def test_percentiles() -> None:
    assert [percentile([3, 1, 2, 4], share) for share in (0.5, 0.99, 0.01)] == [2, 4, 1]
    assert percentile([], 0.5) == 0


def test_pictures() -> None:
    course = [Minute(START + timedelta(minutes=n), n % 3, n % 2, float(n)) for n in range(1200)]
    assert len(first_day(course)) == 16 * 60
    drawn = draw(course, title="A <day>")
    assert drawn.startswith("<svg")
    assert "A &lt;day&gt;" in drawn
    assert "11:00 New York" in drawn
    assert sparkline([0, 1, 4, 8]) == " ▁▄█"
    assert (sparkline([]), first_day([])) == ("", [])
    assert draw([], title="nothing").endswith("</svg>\n")
