"""The bench at tiny sizes: its pieces run, and what it counts is what the budgets promise."""

from __future__ import annotations

import gc
import random
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest
from local import invoke
from local.bench import __main__ as command
from local.bench import agent_map, line, operations, report, startup
from local.bench.operations import Counted, Speed
from local.bench.shop import opened
from local.capacity.line import counted as line_counts
from local.rendering import translate
from local.template import read_template, resources_of

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]
FUNCTIONS = set(resources_of(read_template(), "AWS::Serverless::Function"))


@pytest.fixture(scope="module")
def counted() -> list[Counted]:
    import pytest_socket

    pytest_socket.enable_socket()
    with opened() as shop:
        return command.count(shop)


def named(counted: list[Counted], name: str) -> Counted:
    return next(one for one in counted if one.name == name)


def test_counts_stay_within_the_budgets(counted: list[Counted]) -> None:
    fresh = named(counted, "Conversation routed, all fresh")
    assert (fresh.dynamodb, fresh.vendor) == (4, 0)
    assert named(counted, operations.STALE).dynamodb == 4
    assert named(counted, operations.STALE).vendor == 1
    silent = named(counted, "Conversation routed, a minute of silence before")
    assert silent.dynamodb == 6  # four, the store, the program
    again = named(counted, "The same event again")
    assert (again.dynamodb, again.write_units) == (1, 0)
    assert named(counted, "The same request again").write_units == 0
    assert named(counted, "The same queue records again").write_units == 0
    assert named(counted, "A sweep with nothing to do").write_units == 0
    hands = named(counted, line.HANDS)
    # Beside three a text: both lines of the shard before and after, and the texts themselves.
    assert (hands.dynamodb, hands.vendor, hands.write_units) == (3 * 100 + 2 * 2 + 1, 100, 600)
    assert named(counted, line.STATUS).dynamodb == 2
    assert named(counted, line.RUNNING).dynamodb <= 7
    used = report.used_per_recipient(counted)
    assert 2.0 < used["write_units"] <= 2.5
    assert sum(one.vendor / one.per for one in counted if one.name in report.OUTREACH) == 0.02


def test_the_line_asks_for_what_the_capacity_model_says(counted: list[Counted]) -> None:
    """`local/capacity/counted.yaml` is these very figures, written by the bench."""
    assert line.for_capacity(counted) == {
        name: asdict(one) for name, one in line_counts().items()}  # fmt: skip


def test_counts_alone_are_written_anew(counted: list[Counted]) -> None:
    page = report.WHERE.read_text("utf-8")
    again = report.counted_again(page, counted, day=date(2026, 12, 24))
    assert "Counted again on 2026-12-24." in again
    head, _, rest = again.partition("## What an operation asks for")
    assert page.startswith(head)
    assert rest.partition("## Start-up")[2] == page.partition("## Start-up")[2]
    twice = report.counted_again(again, counted, day=date(2026, 12, 24))
    assert twice == again
    assert all(f"| {one.name} | {one.per} |" in again for one in counted)


def test_every_operation_is_on_the_page(counted: list[Counted]) -> None:
    page = report.document(report.Findings("make bench", date(2026, 11, 18), counted=counted))
    for one in counted:
        assert f"| {one.name} | {one.per} |" in page
    assert "Made by `make bench` on 2026-11-18" in page


def test_speeds_are_taken_for_each_part() -> None:
    with opened() as shop:
        speeds = operations.time_all(shop, runs=1, conversations=1, texts=10)
    assert [one.name for one in speeds] == [
        "Conversation routed, all fresh", "Batch of 10 accepted", "Batches sent",
        "Batches settled", "Accepted, sent and settled"]  # fmt: skip
    assert all(len(one.per_s) == 1 and one.median > 0 < one.own_ms[0] for one in speeds)
    whole, parts = speeds[-1], speeds[1:4]
    assert 1 / whole.per_s[0] == pytest.approx(sum(1 / part.per_s[0] for part in parts))


def test_the_map_is_measured_and_an_unchanged_one_is_not_written() -> None:
    found = agent_map.measure(agents=50, stores=10, trace=False)
    first, nothing, revision, one = found["runs"]
    assert (first["writes"], first["requests"]) == (50 * 5 + 10 * 2 + 2, 1 + 1 + 20 + 10 + 2)
    assert (nothing["requests"], nothing["writes"], nothing["write_units"]) == (1, 0, 0)
    assert (revision["requests"], revision["writes"]) == (2, 1)
    assert (one["requests"], one["writes"]) == (5, 3)


def test_the_shelf_understands_what_the_builder_says() -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": "s"}, "a": {"S": "1"}, "b": {"S": "2"}}
    said = {"Key": {"pk": item["pk"], "sk": item["sk"]},
            "UpdateExpression": "SET #a = :a, c = :none REMOVE #b",
            "ExpressionAttributeNames": {"#a": "a", "#b": "b"},
            "ExpressionAttributeValues": {":a": {"S": "9"}, ":none": {"L": []}}}  # fmt: skip
    assert agent_map._updated(item, said) == {
        "pk": {"S": "p"}, "sk": {"S": "s"}, "a": {"S": "9"}, "c": {"L": []}}  # fmt: skip


def test_starts_are_compared_round_by_round() -> None:
    floor = startup.Start(startup.FLOOR, [100.0, 200.0, 100.0], [101.0, 202.0, 101.0])
    one = startup.Start("Sweep", [150.0, 300.0, 180.0], [200.0, 500.0, 300.0])
    first, second = startup.summary([floor, one])
    assert (first["loaded"], first["lowest"], first["highest"]) == (1, 1, 1)
    assert (second["loaded"], second["answered"], second["highest"]) == (1.5, 2.5, 1.8)
    assert (second["loaded_ms"], second["answered_ms"]) == (180, 300)


def test_rounds_hold_every_function_once_in_changing_order() -> None:
    names = ["a", "b", "c", "d"]
    order = list(startup._order(names, rounds=5, seed=1))
    rounds = [order[n : n + 4] for n in range(0, 20, 4)]
    assert all(sorted(one) == names for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1
    assert order != list(startup._order(names, rounds=5, seed=2))
    assert random.Random(1).sample(names, 4) == rounds[0]


def test_every_function_has_an_event_to_start_with_and_a_row_on_the_page() -> None:
    assert set(startup.events()) == FUNCTIONS
    page = report.WHERE.read_text("utf-8")
    rows = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("|")}
    assert rows >= FUNCTIONS
    assert startup.FLOOR in rows


def test_a_page_of_everything_has_all_tables() -> None:
    run = {"name": "first build", "requests": 3, "writes": 2, "write_units": 4.0,
           "seconds": 0.25, "traced_mb": 12.4}  # fmt: skip
    start = {"function": "Sweep", "loaded": 1.5, "answered": 2.25, "lowest": 1.4, "highest": 1.6,
             "loaded_ms": 300.0, "answered_ms": 450.0}  # fmt: skip
    page = report.document(report.Findings(
        "make bench", date(2026, 11, 18), starts=[start], rounds=7,
        speeds=[Speed("Batches sent", "recipients", [10.0, 30.0, 20.0], [1.0, 3.0, 2.0])],
        maps=[{"agents": 20_000, "stores": 4_000, "runs": [run]}], traced={"runs": [run]},
    ))  # fmt: skip
    assert "| Sweep | 1.50 | 1.40 to 1.60 | 2.25 | 300 | 450 |" in page
    assert "| first build | 3 | 2 | 4 | 12 | 0.25 (0.25 to 0.25) |" in page
    assert "| Batches sent | recipients | 20 (10 to 30) | 2.00 (1.00 to 3.00) |" in page
    assert "Medians of 7 cold starts" in page
    functions = resources_of(read_template(), "AWS::Serverless::Function")
    snapped = [name for name, one in functions.items() if "SnapStart" in one["Properties"]]
    assert f"SnapStart, which {', '.join(snapped)} have" in page
    assert functions["ProactiveBatch"]["Properties"].get(
        "MemorySize", read_template()["Globals"]["Function"]["MemorySize"]) == report.SENDER_MB  # fmt: skip


def test_a_quick_run_leaves_the_published_page_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published, quick = tmp_path / "docs" / "b.md", tmp_path / "build" / "b.md"
    monkeypatch.setattr(command, "WHERE", published)
    monkeypatch.setattr(command, "QUICK", quick)
    monkeypatch.setattr(command, "measure", lambda **_: report.Findings("x", date(2026, 11, 18)))
    kept: list[list[Counted]] = []
    monkeypatch.setattr(command, "keep_for_capacity", kept.append)
    assert command.main(["--quick"]) == 0
    assert (quick.exists(), published.exists(), kept) == (True, False, [])
    assert command.main([]) == 0
    assert (published.exists(), kept) == (True, [[]])


def test_translating_the_template_again_grumbles_about_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The translator's own timings, left unpublished, used to be a line among the bench's."""
    for _ in range(2):
        translate(parameters={})
    gc.collect()
    assert [r.getMessage() for r in caplog.records if r.name.startswith("samtranslator")] == []


def test_invoking_what_is_not_there_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke.main("no_such_event") == 1
    assert "no file of events/ is named like no_such_event" in capsys.readouterr().out
