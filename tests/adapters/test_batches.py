"""Batches in the table: round trip, one writer per revision, index only while due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from instore.adapters.batches import Batches, from_item, to_item
from instore.adapters.table import Refused, Table
from instore.batch import Batch, BatchState, Claim, Row, RowState
from instore.directory import Pointer
from instore.errors import UnavailableError
from instore.model import Phone, due_shard


def full(now: datetime) -> Batch:
    rows = (
        Row(0, None, state=RowState.SENT, segments=2, chunk="t-0", vendor_id="v",
            customer="c-0", masked="+1…00"),
        Row(1, None).blocked("invalid_number"),
        Row(2, Phone("+12125550101"), (), RowState.DEFERRED, reason="outside_window",
            until=now + timedelta(hours=3), rule="NY 08:00", segments=1,
            first=(now + timedelta(hours=1), "NY 07:00")),
        Row(3, Phone("+12125550102"), ("Anna", "Kay"), RowState.ACCEPTED, segments=1,
            zone="America/New_York", postal_code="10704", first=(None, None)),
    )  # fmt: skip
    return Batch(
        id="b1", pointer=Pointer("10000002", "4100", "201"), login="a@x", banner="kay",
        template="t", fingerprint="f", program=3, accepted_at=now, day="2026-11-18",
        expires_at=now + timedelta(days=35), state=BatchState.UNKNOWN, rows=rows, owed=2,
        claim=Claim("t-0", now + timedelta(minutes=5)), due_at=now + timedelta(minutes=25),
        remaining=7, campaigns={"t-0": "c-1"}, rev=4,
    )  # fmt: skip


def test_a_batch_comes_back_as_it_went(table: Table, now: datetime) -> None:
    batch = full(now)
    assert from_item(to_item(batch)) == batch
    batches = Batches(table, id_of=str)
    assert batches.create(batch, now=now) is None
    assert batches.get("b1") == batch
    assert batches.get_many(["b1", "b2"]) == {"b1": batch}
    assert batches.get("b2") is None


def test_a_number_is_kept_only_while_a_text_is_still_to_go(table: Table, now: datetime) -> None:
    """However a row is written, and in whatever state (I10): one place sees to it."""
    for state in RowState:
        batches = Batches(table, id_of=lambda phone: f"id of {phone.e164}")
        row = Row(0, Phone("+12125550100"), ("Anna",), state, zone="America/New_York",
                  postal_code="10704", segments=1)  # fmt: skip
        batch = replace(full(now), id=f"b-{state}", rows=(row,))
        batches.create(batch, now=now)
        created = batches.get(batch.id)
        saved = batches.save(batch)
        assert saved is not None
        assert batches.get(batch.id) == saved
        assert created is not None
        to_go = state in ("pending", "accepted", "deferred")
        without = replace(row, phone=None, variables=(), zone=None, postal_code=None,
                          customer="id of +12125550100", masked="+1…00")  # fmt: skip
        assert created.rows == saved.rows == ((row,) if to_go else (without,))
        assert saved.rows[0].shown == "+1…00"
        assert saved.rows[0].customer_by(batches._id_of) == "id of +12125550100"


def test_a_batch_of_ten_stays_under_one_kilobyte_while_it_is_queued(now: datetime) -> None:
    from local.units import item_size

    from instore.adapters.table import encode

    rows = tuple(Row(n, Phone(f"+1212555010{n}"), ("Anna", "Kay"), RowState.ACCEPTED, segments=1)
                 for n in range(10))  # fmt: skip
    batch = replace(full(now), rows=rows, claim=None, campaigns={}, owed=0)
    assert item_size(encode(to_item(batch))) <= 1024


def test_a_batch_nobody_can_read_does_not_take_the_others_along(
    table: Table, now: datetime
) -> None:
    batches, batch = Batches(table, id_of=str), full(now)
    good = replace(batch, id="b2")
    batches.create(good, now=now)
    item = to_item(batch)
    row = item["rows"][0]
    for broken in (
        {"state": "of a newer version"}, {"rows": [{**row, "p": "no number"}]}, {"rows": [7]},
        {"rows": None}, {"due_at": "soon"}, {"claim": {}}, {"accepted_at": "yesterday"},
    ):  # fmt: skip
        table.put({**item, **broken})
        assert batches.get_many(["b1", "b2"]) == {"b2": good}


def test_a_day_holds_no_more_shares_than_texts(table: Table, now: datetime) -> None:
    batches, batch = Batches(table, id_of=str), full(now)
    key = ("ASSOCIATE#10000002#201", "DAY#2026-11-18")
    assert batches.take_quota(batch, wanted=0, limit=5, now=now) == (0, 0)
    assert table.get(*key) is None
    assert batches.take_quota(batch, wanted=3, limit=5, now=now) == (3, 3)
    assert batches.take_quota(batch, wanted=0, limit=5, now=now) == (3, 3)
    assert batches.give_back_quota(batch, taken=3, kept=0)
    assert not batches.give_back_quota(batch, taken=3, kept=0)
    stored = table.get(*key) or {}
    assert stored.keys() == {"pk", "sk", "used", "expires_at"}
    assert stored["used"] == 0


def test_the_same_id_twice_gives_back_the_first(table: Table, now: datetime) -> None:
    batches, batch = Batches(table, id_of=str), full(now)
    batches.create(batch, now=now)
    assert batches.create(replace(batch, fingerprint="other"), now=now) == batch
    later = now + timedelta(days=36)
    assert batches.create(replace(batch, fingerprint="other"), now=later) is None


def test_only_one_writer_wins_a_revision(table: Table, now: datetime) -> None:
    batches, batch = Batches(table, id_of=str), full(now)
    batches.create(batch, now=now)
    first = batches.save(replace(batch, due_at=None, claim=None, owed=0, campaigns={}))
    assert first is not None
    assert first.rev == 5
    assert batches.save(replace(batch, remaining=0)) is None
    stored = batches.get("b1")
    assert stored == first
    assert batches.due(now=now + timedelta(days=1), shard=_shard(), limit=5) == []


def test_a_write_repeated_by_the_sdk_has_won(table: Table, now: datetime) -> None:
    batches, batch = Batches(table, id_of=str), full(now)
    batches.create(batch, now=now)
    change = replace(batch, due_at=None, claim=None)
    assert batches.save(change) is not None
    assert batches.save(change) is not None  # its first answer was lost
    assert batches.save(replace(change, claim=Claim("other", now))) is None


def test_saving_what_is_not_there_creates_nothing(table: Table, now: datetime) -> None:
    batches = Batches(table, id_of=str)
    assert batches.save(full(now)) is None
    assert batches.get("b1") is None


def _shard() -> int:
    return int(due_shard("b1").removeprefix("DUE#"))


def test_due_work_is_found_when_it_is_due(table: Table, now: datetime) -> None:
    batches, batch = Batches(table, id_of=str), full(now)
    batches.create(batch, now=now)
    assert batches.due(now=now, shard=_shard(), limit=5) == []
    (item,) = batches.due(now=now + timedelta(minutes=25), shard=_shard(), limit=5)
    assert (item["pk"], item["sk"]) == ("BATCH#b1", "BATCH")


def test_a_crowded_day_gives_up_after_a_while(
    table: Table, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Refused:
        return Refused({"used": 1})

    monkeypatch.setattr(table, "update", refuse)
    with pytest.raises(UnavailableError):
        Batches(table, id_of=str).take_quota(full(now), wanted=5, limit=10, now=now)


def test_a_put_refused_without_an_item_is_no_answer(
    table: Table, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "put", lambda *_, **__: Refused(None))
    with pytest.raises(UnavailableError):
        Batches(table, id_of=str).create(full(now), now=now)
