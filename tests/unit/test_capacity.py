"""Which limit breaks first: hand-worked days, and the published rule-of-thumb figures."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local.capacity.flow import asked, crossing, needed_per_s, send, talk
from local.capacity.judge import Report, Verdict, judge
from local.capacity.load import Contract, Load, contract_of, limits, presets, read_load
from local.capacity.plot import draw
from local.capacity.report import clock, span, text

from instore.program import Program
from instore.program_parts import Hours

ONE_ZONE = {"America/New_York": 1.0}
OPENS, CLOSES = 11 * 60, 20 * 60


@pytest.fixture(scope="module")
def contract(_samples: tuple[Program, Program]) -> Contract:
    return contract_of(_samples[0])


def flat(sends: float, **changes: Any) -> Load:
    """One zone, nothing held back for the opening: what sums on paper assume."""
    numbers = {"sends": sends, "zones": ONE_ZONE, "held_share": 0.0, "t_mobile_share": 0.346}
    return Load(**{**numbers, **changes})


def named(report: Report, name: str) -> Verdict:
    return next(v for v in report.verdicts if v.name == name)


def one_bot(contract: Contract) -> Contract:
    return replace(contract, bots=(("the-bot", frozenset({"kay"})),))


# ---------------------------------------------------------------- what is allowed
def test_the_contract_is_the_programs(contract: Contract) -> None:
    assert (contract.messages_per_s, contract.requests_per_s) == (9, 10)
    assert contract.bulk_per_s == pytest.approx(7.2)
    assert (contract.opens_min, contract.closes_min, contract.window_s) == (660, 1200, 32_400)
    assert (contract.recipients_per_batch, contract.per_associate_day) == (10, 100)
    assert (contract.chunk, contract.gap_s, contract.senders) == (100, 1.0, 5)
    assert len(contract.bots) == 7
    assert contract.busiest_bot(flat(1)) == pytest.approx(1 / 7)
    assert (contract.t_mobile_per_day, contract.att_per_min) == (200_000, 3_600)


def test_banner_shares_and_shared_bots_decide_the_busiest(contract: Contract) -> None:
    two = replace(contract, bots=(("a", frozenset({"kay", "jared"})), ("b", frozenset({"zales"})),
                                  ("c", frozenset({"zales"}))))  # fmt: skip
    assert two.busiest_bot(flat(1)) == pytest.approx(2 / 3)
    own = flat(1, banner_shares={"zales": 0.9, "kay": 0.1})
    assert two.busiest_bot(own) == pytest.approx(0.45)


def test_own_limits_replace_the_listed_ones(program: Program) -> None:
    assert contract_of(program, own={"brands": 4}).brands == 4
    with pytest.raises(ValueError, match="no such limit: brandz"):
        contract_of(program, own={"brandz": 4})


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "9", None])
def test_a_limit_is_a_number_above_nothing(program: Program, value: Any) -> None:
    with pytest.raises(ValueError, match=r"brands: .* is no number above 0"):
        contract_of(program, own={"brands": value})


def test_windows_have_to_meet(program: Program) -> None:
    early, late = (Hours.model_validate({"from": a, "to": b})
                   for a, b in (("08:00", "10:00"), ("10:00", "12:00")))  # fmt: skip
    banners = [
        banner.model_copy(update={
            "outreach": banner.outreach.model_copy(update={"associate_window": window})
        })
        for banner, window in zip(program.banners[:2], (early, late), strict=True)
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no minute in common"):
        contract_of(program.model_copy(update={"banners": banners}))


def test_a_share_of_a_banner_that_is_not_there_is_refused(contract: Contract) -> None:
    with pytest.raises(ValueError, match="banner_shares: no such banner: kays"):
        judge(flat(1_000, banner_shares={"kays": 1.0}), contract)


def test_every_listed_limit_has_a_source() -> None:
    assert all(row["source"] and row["what"] and row["allowed"] > 0 for row in limits().values())


def test_a_load_must_add_up() -> None:
    with pytest.raises(ValueError, match=r"zones add up to 0\.900"):
        Load(zones={"America/New_York": 0.9})
    with pytest.raises(ValueError, match="may not be empty"):
        Load(curve=[0])
    with pytest.raises(ValueError, match="Extra inputs"):
        Load(texts=3)  # type: ignore[call-arg]  # what it refuses


def test_three_scales() -> None:
    expected = {"expected": (800_000, 48_000), "maximum": (1_600_000, 96_000),
                "stress": (800_000, 200_000)}  # fmt: skip
    assert {n: (read_load(n).sends, read_load(n).conversations) for n in presets()} == expected


# ---------------------------------------------------------------- the sums on paper
@pytest.mark.parametrize(
    ("sends", "at_9", "at_50", "bot", "t_mobile"),
    [
        (291_600, 1.00, 0.18, 0.23, 100_894),
        (800_000, 2.74, 0.49, 0.63, 276_800),
        (1_000_000, 3.43, 0.62, 0.79, 346_000),
        (1_600_000, 5.49, 0.99, 1.27, 553_600),
    ],
)
def test_where_it_breaks_by_hand(
    contract: Contract, sends: float, at_9: float, at_50: float, bot: float, t_mobile: float
) -> None:
    report = judge(flat(sends), one_bot(contract))
    assert round(named(report, "LivePerson texts").mean_used, 2) == at_9
    assert round(named(report, "Busiest bot, messages").mean_used, 2) == bot
    verdict = named(report, "T-Mobile, proactive texts")
    assert verdict.needed == pytest.approx(t_mobile, abs=1)
    assert verdict.breaks == (t_mobile > 200_000)
    raised = judge(flat(sends), replace(contract, messages_per_s=50.0))
    assert round(named(raised, "LivePerson texts").mean_used, 2) == at_50


def test_200000_conversations_are_too_many_for_two_bots(contract: Contract) -> None:
    report = judge(flat(800_000, reply_rate=0.25), one_bot(contract))
    verdict = named(report, "Busiest bot, messages")
    assert round(verdict.mean_used, 2) == 2.65
    assert verdict.remedy == "3 bots where now is one"
    # Replies come within the hour: three messages each, 420 a minute are reached in its course.
    per_minute = 200_000 / 540 * 3
    assert verdict.breaks_at == OPENS + int(420 / per_minute * 60)


def test_open_conversations_follow_from_90_minutes(contract: Contract) -> None:
    report = judge(flat(800_000, reply_rate=0.06), replace(contract, messages_per_s=100.0))
    assert max(report.talk.open) == pytest.approx(8_000)  # 1.48 a second, 90 minutes each


def test_every_other_limit_in_the_steady_middle_of_the_day(contract: Contract) -> None:
    """24.7 texts a second and so 88.9 conversations a minute, over seven bots."""
    report = judge(flat(800_000, t_mobile_share=140 / 405), replace(contract, messages_per_s=100.0))
    texts, talks = 800_000 / 540, 48_000 / 540  # a minute
    answers = talks * (9.92 + 3)
    expected = {
        "LivePerson requests": texts / 60 / 10 + talks / 4 / 60,
        "Busiest bot, messages": talks * 3 / 7,
        "Busiest bot, open conversations": talks * 2 / 7, "Send functions": texts / 60,
        "AT&T, one campaign": (texts + answers + talks / 4) * 119 / 405,
        "LivePerson recipients": 800_000 + 48_000 / 4,
        "T-Mobile, answers too": (800_000 + 48_000 * (9.92 + 3 + 0.25)) * 140 / 405,
        "Lambda, executions": 5 + (texts / 10 + talks * 0.9 + talks * 17.62 * 0.05) / 60,
        "Hottest partition": texts / 60 / 10 * 1.2,
        "Notices' share of the texts": talks / 4 / 60,
        "Associates' daily quota": 800_000,
    }  # fmt: skip
    assert {n: named(report, n).needed for n in expected} == pytest.approx(expected)
    same = expected.keys() - {"Lambda, executions"}  # whose mean is over the conversations' tail
    assert {n: named(report, n).mean for n in same} == pytest.approx({n: expected[n] for n in same})
    assert named(report, "Send functions").allowed == pytest.approx(5 * 100 / 1.5)


# ---------------------------------------------------------------- the queue
def test_what_is_held_for_the_opening_drains_at_the_pace(contract: Contract) -> None:
    queue = send(flat(4_320, held_share=1.0), contract, per_s=7.2)
    assert queue.sent[OPENS : OPENS + 11] == pytest.approx([432] * 10 + [0])
    assert (queue.queued_from, queue.late, queue.late_from) == (OPENS, 0, None)
    assert max(queue.waiting) == pytest.approx(3_888)
    assert queue.worst == (8, OPENS + 8)


def test_what_does_not_fit_is_late_from_the_first_that_misses(contract: Contract) -> None:
    full = 7.2 * 32_400
    assert send(flat(full, held_share=1.0), contract, per_s=7.2).late == pytest.approx(0, abs=1)
    queue = send(flat(full * 1.25), contract, per_s=7.2)
    assert queue.late == pytest.approx(full * 0.25)
    # Four fifths of what came up to 18:12 has gone by 20:00; from the next minute on nothing has.
    assert queue.late_from == OPENS + 432
    assert queue.worst[0] == 539 - 432


def test_each_zone_opens_and_closes_by_its_own_clock(contract: Contract) -> None:
    load = flat(1_000, zones={"America/New_York": 0.5, "America/Los_Angeles": 0.5},
                held_share=1.0)  # fmt: skip
    assert (load.first_zone, load.later_min("America/Los_Angeles")) == ("America/New_York", 180)
    due = asked(load, contract)
    assert due["America/New_York"][OPENS] == due["America/Los_Angeles"][OPENS + 180] == 500
    slow = send(load, contract, per_s=0.01)  # 0.6 a minute
    assert sum(slow.sent[:CLOSES]) == pytest.approx(0.6 * 540)
    assert sum(slow.sent[CLOSES:]) == pytest.approx(0.6 * 180)
    assert slow.late == pytest.approx(1_000 - 0.6 * 720)


def test_arizona_keeps_its_own_time(contract: Contract) -> None:
    summer = flat(1, zones={"America/Denver": 0.5, "America/Phoenix": 0.5}, day="2026-07-15")
    assert summer.later_min("America/Phoenix") == 60
    assert flat(1, zones={"America/Denver": 0.5, "America/Phoenix": 0.5}).later_min(
        "America/Phoenix") == 0  # fmt: skip


def test_the_curve_moves_texts_within_the_day(contract: Contract) -> None:
    due = asked(flat(900, curve=[2, 1, 0]), contract)["America/New_York"]
    thirds = [sum(due[OPENS + n * 180 : OPENS + n * 180 + 180]) for n in range(3)]
    assert thirds == pytest.approx([600, 300, 0])


def test_the_pace_needed_is_the_least_that_is_enough(contract: Contract) -> None:
    load = flat(800_000, held_share=1.0)
    assert needed_per_s(load, contract) == 31  # 800,000 / 32,400 s / 0.8
    assert send(load, contract, per_s=31 * 0.8).late < 1 < send(load, contract, per_s=24).late


def test_a_load_beyond_all_reason_still_needs_what_it_needs(contract: Contract) -> None:
    load = flat(1e9, held_share=1.0)
    needed = needed_per_s(load, contract)
    assert needed == pytest.approx(1e9 / 32_400 / 0.8, abs=1)
    assert send(load, contract, per_s=needed * 0.8).late < 1


def test_a_carrier_nobody_has_breaks_nothing(contract: Contract) -> None:
    report = judge(flat(800_000, t_mobile_share=0.0), contract)
    assert named(report, "T-Mobile, answers too").needed == 0
    assert named(report, "AT&T, one campaign").needed > 400


@settings(deadline=None, max_examples=25)
@given(st.floats(1, 50), st.floats(0, 1), st.integers(10_000, 2_000_000))
def test_no_text_is_lost_or_made(per_s: float, held: float, sends: int) -> None:
    contract = Contract(
        requests_per_s=10, messages_per_s=9, notification_share=0.2, recipients_per_batch=10,
        per_associate_day=100, chunk=100, gap_s=1, opens_min=660, closes_min=1200, senders=5,
        bots=(("b", frozenset({"kay"})),), recipients_per_day=1, bot_messages_per_min=1,
        bot_conversations=1, brands=1, campaigns=1, t_mobile_per_day=1, att_per_min=1,
        lambda_concurrency=1, partition_write_units=1,
    )  # fmt: skip
    load = Load(sends=sends, held_share=held)
    queue = send(load, contract, per_s=per_s)
    assert sum(queue.sent) + queue.late == pytest.approx(sends)
    assert max(queue.sent) <= per_s * 60 * (1 + 1e-9)
    told = talk(load, queue.sent)
    assert sum(told.started) == pytest.approx(sum(queue.sent) * load.reply_rate)
    assert sum(told.from_associates) == pytest.approx(sum(told.started) * 9.92)
    assert sum(told.from_customers) == pytest.approx(sum(told.started) * 7.70)


# ---------------------------------------------------------------- the report
def test_the_first_to_break_is_named_with_its_time(contract: Contract) -> None:
    report = judge(read_load(), contract)
    assert report.first is not None
    assert report.first.name == "LivePerson recipients"
    broken = [v for v in report.verdicts if v.breaks_at is not None]
    assert [v.name for v in broken] == [
        "LivePerson recipients", "LivePerson texts", "T-Mobile, answers too",
        "T-Mobile, proactive texts"]  # fmt: skip
    assert broken == sorted(broken, key=lambda v: v.breaks_at or 0)
    told = text(report)
    assert told.splitlines()[1] == (
        "Breaks first: LivePerson recipients at 12:11 (New York time); then LivePerson texts at "
        "13:12, T-Mobile, answers too at 15:19, T-Mobile, proactive texts at 17:55.")  # fmt: skip
    assert "LivePerson texts: raise by contract to 29/s" in told
    assert "LivePerson recipients: raise by contract to 812,000, or" in told  # notices, too
    assert "All but LivePerson texts: on the day as it goes once bulk has 23.2/s" in told
    assert "488,960 texts (61%) miss their window, the first of them due at 13:12" in told


def test_a_small_load_holds_everywhere(contract: Contract) -> None:
    report = judge(flat(50_000), contract)
    assert report.first is None
    told = text(report)
    assert told.splitlines()[1] == "Every limit holds."
    assert told.splitlines()[-1] == "Nothing to buy or raise."
    assert "All but LivePerson texts" not in told
    assert report.fitting is report.queue


def test_a_limit_that_is_nearly_used_is_told(contract: Contract) -> None:
    told = text(judge(flat(90_000), contract))
    assert "Holds, but more than 80% used:\n  LivePerson recipients, 91%" in told


def test_more_texts_than_quota_break_in_the_course_of_the_day(contract: Contract) -> None:
    verdict = named(judge(flat(100_000, associates=500), contract), "Associates' daily quota")
    assert (verdict.allowed, verdict.breaks_at) == (50_000, OPENS + 270)


def test_raising_what_breaks_makes_it_hold(contract: Contract) -> None:
    raised = replace(contract, messages_per_s=29.0, recipients_per_day=812_000, brands=3)
    assert judge(read_load(), raised).first is None


def test_the_plot_has_a_bar_for_each_limit_and_says_what_breaks(contract: Contract) -> None:
    report = judge(read_load("maximum"), contract)
    drawn = draw(report)
    root = Xml.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    bars = [r for r in root.iter(f"{space}rect")
            if r.get("class") in ("holds", "tight", "breaks")]  # fmt: skip
    assert len(bars) == len(report.verdicts)
    assert [b.get("class") for b in bars].count("breaks") == sum(v.breaks for v in report.verdicts)
    assert root.findtext(f"{space}title") == (
        "Breaks first: LivePerson recipients at 11:36 (New York time)"
    )
    assert drawn == draw(report)


def test_clock_and_span_and_crossing() -> None:
    assert (clock(65), clock(1440 + 20)) == ("01:05", "00:20 +1")
    assert (span(59), span(61)) == ("59 min", "1 h 01 min")
    assert (crossing([1, 2, 3], 2), crossing([1, 2], 2)) == (2, None)
