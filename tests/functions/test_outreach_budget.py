"""What a text costs: write units and vendor calls, from the request to the settled outcome."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.outreach_rig import Rig, phone

from instore.adapters.table import Table

Calls = list[tuple[str, str, dict[str, Any]]]
INDEX = {"due_shard", "due_at"}


def size(value: dict[str, Any]) -> int:
    """Bytes of a typed value, as DynamoDB counts them (developer guide, item sizes)."""
    ((kind, raw),) = value.items()
    if kind == "S":
        return len(raw.encode())
    if kind == "N":
        return math.ceil(len(raw.strip("-").replace(".", "")) / 2) + 1
    if kind == "L":
        return 3 + sum(1 + size(v) for v in raw)
    if kind == "M":
        return 3 + sum(1 + len(k.encode()) + size(v) for k, v in raw.items())
    return sum(len(v.encode()) for v in raw) if kind == "SS" else 1


def item_size(item: dict[str, Any] | None) -> int:
    return sum(len(k.encode()) + size(v) for k, v in (item or {}).items())


class Meter:
    """Adds up write units: the larger of the item before and after, per KB, and the index."""

    def __init__(self, table: Table) -> None:
        self.units, self.by_kind, self._table = 0.0, dict[str, float](), table
        client: Any = table._client
        self._get = client.get_item
        self._before: dict[str, Any] | None = None
        self._key: dict[str, Any] | None = None

    def __call__(self, run: Any, *, service: str, operation: str, params: dict[str, Any]) -> Any:
        if operation not in ("PutItem", "UpdateItem", "DeleteItem"):
            return run()
        key = params.get("Key") or {k: params["Item"][k] for k in ("pk", "sk")}
        before = self._read(key)
        try:
            return run()
        finally:
            after = self._read(key)
            units = max(1, math.ceil(max(item_size(before), item_size(after)) / 1024))
            old = {k: v for k, v in (before or {}).items() if k in INDEX}
            new = {k: v for k, v in (after or {}).items() if k in INDEX}
            if old != new:
                units += bool(old) + bool(new)
            kind = key["pk"]["S"].split("#")[0]
            self.units += units
            self.by_kind[kind] = self.by_kind.get(kind, 0) + units

    def _read(self, key: dict[str, Any]) -> dict[str, Any] | None:
        from local.lock import watching

        with watching(None, alone=True):
            found: dict[str, Any] | None = self._get(
                TableName=self._table.name, Key=key, ConsistentRead=True
            ).get("Item")
        return found


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def metered(rig: Rig) -> Meter:
    meter = Meter(rig.table)
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
    assert meter.units / 10 <= 2.5, meter.by_kind
    assert meter.by_kind["CUSTOMER"] == 10
    assert meter.by_kind["ASSOCIATE"] == 1


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
    assert meter.units == 0


def test_a_duplicate_delivery_reads_once_and_writes_nothing(rig: Rig, requests_made: Calls) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.deliver()
    requests_made.clear()
    rig.deliver([batch_id])
    operations = [name for _, name, params in requests_made if "PROGRAM" not in str(params)]
    assert operations == ["BatchGetItem"]
