"""What a text costs: write units and vendor calls, from the request to the settled outcome."""

from __future__ import annotations

from typing import Any

import pytest
from local.units import Meter
from tests.outreach_rig import Rig, phone

from instore.adapters.table import Table

Calls = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def metered(rig: Rig) -> Meter:
    meter = Meter(rig.table._client)
    rig.boundaries.__class__ = type(  # the meter stands where the boundaries stand
        "Metered", (rig.boundaries.__class__,), {"__call__": lambda _, run, **kw: meter(run, **kw)}
    )
    return meter


def test_a_batch_of_ten_costs_at_most_two_and_a_half_units_a_text(rig: Rig) -> None:
    numbers = rig.customers(10)
    meter = metered(rig)
    batch_id = rig.text(numbers)[1]["id"]
    rig.deliver()
    assert set(rig.states(batch_id)) == {"sent"}
    rig.clock.advance(130)
    rig.sweep()
    assert rig.item(batch_id)["state"] == "closed"
    assert set(rig.states(batch_id)) == {"delivered"}
    assert meter.write_units / 10 <= 2.5, meter.written
    assert meter.written["CUSTOMER"] == 10
    assert meter.written["ASSOCIATE"] == 1


def test_ten_batches_that_wait_for_their_window_cost_no_more(rig: Rig) -> None:
    numbers = rig.customers(100)
    rig.clock.advance(11 * 3600)  # late in the evening
    meter = metered(rig)
    ids = [rig.text(numbers[n * 10 : n * 10 + 10], key=f"k-{n}")[1]["id"] for n in range(10)]
    assert {state for name in ids for state in rig.states(name)} == {"deferred"}
    rig.clock.advance(12 * 3600 + 60)  # a minute after eleven: everybody's turn has come
    rig.sweep()
    rig.deliver()
    rig.clock.advance(120)
    rig.sweep()
    assert {state for name in ids for state in rig.states(name)} == {"delivered"}
    assert {rig.item(name)["state"] for name in ids} == {"closed"}
    assert meter.write_units / 100 <= 2.5, meter.written


def test_ten_batches_need_one_call_and_one_question(rig: Rig) -> None:
    numbers = [phone(n) for n in range(100)]
    for number in numbers:
        rig.customer(number)
    for n in range(10):
        rig.text(numbers[n * 10 : n * 10 + 10], key=f"k-{n}")
    rig.deliver()
    rig.clock.advance(130)
    rig.sweep()
    assert rig.vendor.asked == ["campaign", "status"]
    assert len(rig.vendor.asked) / 100 <= 0.1


def test_a_repeated_request_writes_nothing(rig: Rig) -> None:
    numbers = rig.customers(10)
    rig.text(numbers)
    meter = metered(rig)
    rig.text(numbers)
    assert meter.write_units == 0


def test_a_duplicate_delivery_reads_once_and_writes_nothing(rig: Rig, requests_made: Calls) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.deliver()
    requests_made.clear()
    rig.deliver([batch_id])
    operations = [name for _, name, params in requests_made if "PROGRAM" not in str(params)]
    assert operations == ["BatchGetItem"]
