"""The SMS line's day: hand-worked mornings, rates and bills."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from local.capacity.__main__ import main
from local.capacity.judge import Verdict
from local.capacity.line import INDEX_WRITES, LineDay, counted
from local.capacity.line_report import text
from local.capacity.load import Contract, LineLoad, Load, contract_of

from instore.program import Program

ONE_ZONE = {"America/New_York": 1.0}


@pytest.fixture(scope="module")
def without(_samples: tuple[Program, Program]) -> Contract:
    return contract_of(_samples[1])


@pytest.fixture(scope="module")
def contract(_samples: tuple[Program, Program]) -> Contract:
    return contract_of(_samples[0])


def day(contract: Contract, **line: Any) -> LineDay:
    """One zone, nothing else than what is named."""
    numbers = {"conversations_each": 0, "requests": 0, "calls": 0, "deferred": 0, **line}
    assert contract.line is not None
    return LineDay(Load(zones=ONE_ZONE, line=LineLoad(**numbers)), contract, contract.line)


def named(one: LineDay, name: str) -> Verdict:
    return next(v for v in one.verdicts() if v.name == name)


def test_what_is_allowed_is_the_programs_and_the_templates(contract: Contract) -> None:
    line = contract.line
    assert line is not None
    assert (line.numbers, line.senders_per_service, line.services, line.hands) == (49, 400, 1, 5)
    assert (line.http_per_s, line.numbers_per_campaign, line.long_code_per_s) == (10_000, 49, 1)


def test_a_program_without_a_line_has_no_such_day(
    without: Contract, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert without.line is None
    own = ["--program", "local/programs/one_to_one.yaml", "--out", str(tmp_path / "p.svg")]
    assert main(own) == 0
    assert "SMS line" not in capsys.readouterr().out


def test_a_night_of_a_hundred_thousand_takes_eighteen_minutes(contract: Contract) -> None:
    """50 calls under way, each 0.5 s and four requests of 5 ms: 50 / 0.52025 s = 96.1 a second."""
    one = day(contract, deferred=100_000)
    assert one.hands_per_s == pytest.approx(50 / (0.5 + 4.05 * 0.005))
    assert sum(one.morning.sent) == pytest.approx(100_000)
    assert one.morning.sent[660] == pytest.approx(one.hands_per_s * 60)
    gone = [n for n, sent in enumerate(one.morning.sent) if sent]
    assert (gone[0], gone[-1]) == (660, 677)  # 100,000 / 5,767 a minute = 17.3
    assert not named(one, "Hands of the line").breaks
    assert (
        named(one, "Hands of the line").needed == 27
    )  # 62 minutes, the first and the last included


def test_more_than_the_hands_do_in_an_hour_breaks_them(contract: Contract) -> None:
    one = day(contract, deferred=400_000)
    hands = named(one, "Hands of the line")
    assert (hands.breaks, hands.breaks_at) == (True, 721)
    assert "LineConcurrency" in text(one)
    assert contract.line is not None
    wider = replace(contract, line=replace(contract.line, hands=9))
    assert not named(day(wider, deferred=400_000), "Hands of the line").breaks
    most = replace(contract, line=replace(contract.line, hands=50))
    assert day(most).hands_per_s == pytest.approx(2 * one.hands_per_s)  # ten shards, no more


def test_conversations_are_texts_in_and_out_with_their_statuses(contract: Contract) -> None:
    one = day(contract, associates=100, conversations_each=2)
    assert sum(one.often["opening"]) == pytest.approx(200)
    assert sum(one.heard) == pytest.approx(200 * 7.70)
    assert sum(one.texts) == pytest.approx(200 * 9.92)
    assert sum(one.often["status"]) == pytest.approx(200 * 9.92 * 3)
    each = counted()
    writes = sum(one.total(lambda op: op.write_units))
    assert writes == pytest.approx(200 * (
        each["opening"].write_units + each["routed"].write_units
        + 6.70 * each["running"].write_units + 9.92 * each["answer"].write_units
        + 9.92 * 3 * each["status"].write_units))  # fmt: skip


def test_numbers_are_held_against_pool_services_and_campaigns(contract: Contract) -> None:
    one = day(contract)
    for name, allowed in (("the program's pool", 49), ("messaging services", 400),
                          ("T-Mobile's campaigns", 49)):  # fmt: skip
        verdict = named(one, f"Relay numbers, {name}")
        assert (verdict.allowed, verdict.needed, verdict.breaks_at) == (allowed, 20_000, 0)
    assert named(one, "Relay numbers, messaging services").remedy == "50 services in the pool"
    few = day(contract, associates=49)
    assert not [v for v in few.verdicts() if v.breaks]
    assert contract.line is not None
    alone = replace(contract, line=replace(contract.line, services=0))
    assert "messaging services" not in text(day(alone))


def test_a_month_costs_what_the_price_list_says(contract: Contract) -> None:
    one = day(contract, associates=1000, calls=100, accepted_share=0, call_min=2, days=10)
    bill = one.bill()
    assert bill["number_months"] == pytest.approx(1000 * 1.15)
    assert bill["campaign_months"] == 30
    assert bill["voice_minutes"] == pytest.approx(100 * 2 * 10 * 0.0085)
    assert (bill["sms_out"], bill["sms_in"]) == (0, 0)
    texts = day(contract, associates=100, conversations_each=1, days=1).bill()
    assert texts["sms_out"] == pytest.approx(992 * 0.0083)
    assert texts["fee_att"] == pytest.approx(992 * 119 / 405 * 0.0035)
    assert texts["fee_t_mobile_in"] == pytest.approx(770 * 140 / 405 * 0.0025)
    assert texts["http_requests"] == pytest.approx((770 + 3 * 992 + 2 * 100 + 992) / 1e6)


def test_a_text_moves_its_entry_of_the_index_so_often(contract: Contract) -> None:
    """Of the six units of a due text two are the item's; claim and outcome move the entry."""
    assert (counted()["due"].write_units - 2) + 1 + 1 == INDEX_WRITES
    hottest = named(day(contract, deferred=100_000), "Hottest shard of due texts")
    assert hottest.needed == pytest.approx(96.12 * 6 / 10, rel=1e-3)


def test_the_report_tells_the_morning_and_the_bill(contract: Contract) -> None:
    told = text(day(contract, deferred=100_000))
    assert "The morning: 100,000 texts deferred overnight, 96.1 a second by 5 hands" in told
    assert "the last of an opening waits 17 min" in told
    assert "long code, 1 a second: 27 h 47 min" in told
    assert "10-digit campaign, 225 a second: 8 min" in told
    assert "US local number, a month" in told
    assert "none waits a minute" in text(day(contract, deferred=100))
