"""Whatever a batch is like, it is stored so that it comes back, and always in the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from instore.adapters.batches import from_item, to_item
from instore.adapters.table import decode, encode
from instore.batch import Batch, BatchState, Claim, Row, RowState
from instore.directory import Pointer
from instore.model import Phone

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
# Few values of each, so that rows have much alike and differ in one thing only.
INSTANTS = st.one_of(st.none(), st.sampled_from([NOW, NOW + timedelta(hours=18)]))
RULES = st.sampled_from([None, "store hours", "state:NY"])
FIRST = st.one_of(st.none(), st.tuples(INSTANTS, RULES))
PHONES = st.one_of(st.none(), st.integers(0, 9).map(lambda n: Phone(f"+1212555010{n}")))


def row(n: int) -> st.SearchStrategy[Row]:
    return st.builds(
        Row, st.just(n), PHONES, st.sampled_from([(), ("Anna",), ("Anna", "")]),
        state=st.sampled_from(RowState), reason=st.sampled_from([None, "", "outside_window"]),
        until=INSTANTS, rule=RULES, segments=st.integers(0, 2),
        zone=st.sampled_from([None, "America/New_York"]),
        postal_code=st.sampled_from([None, "10704"]), chunk=st.sampled_from([None, "t-0", "t-1"]),
        vendor_id=st.sampled_from([None, "v"]), first=FIRST,
        customer=st.sampled_from([None, "c-0"]), masked=st.sampled_from([None, "+1…00"]),
    )  # fmt: skip


@st.composite
def batches(draw: Any) -> Batch:
    due_at = draw(INSTANTS)
    return Batch(
        id="b1", pointer=Pointer("10000002", "4100", "201"), login="a@x", banner="kay",
        template="t", fingerprint="f", program=3, accepted_at=NOW + timedelta(milliseconds=250),
        day="2026-11-18", expires_at=NOW + timedelta(days=35),
        state=draw(st.sampled_from(BatchState)),
        rows=tuple(draw(row(n)) for n in range(draw(st.integers(0, 12)))),
        claim=draw(st.sampled_from([None, Claim("t-0", NOW)])), due_at=due_at,
        remaining=draw(st.integers(0, 100)), owed=draw(st.integers(0, 2)),
        turn=draw(st.integers(0, 59)), in_line=due_at is not None and draw(st.booleans()),
        sent_at=draw(INSTANTS), campaigns=draw(st.sampled_from([{}, {"t-0": "c-1"}])),
        rev=draw(st.integers(0, 9)),
    )  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(batches())
def test_a_batch_comes_back_as_it_went(batch: Batch) -> None:
    item = to_item(batch)
    stored = decode(encode(item))
    assert stored == item
    assert from_item(stored) == batch
    assert to_item(from_item(stored)) == item


@settings(max_examples=80, deadline=None)
@given(batches())
def test_what_is_shared_is_shared_by_several_and_nothing_is_twice(batch: Batch) -> None:
    item = to_item(batch)
    shared, places = item.get("shared", []), [row.get("h") for row in item["rows"]]
    assert all(places.count(place) > 1 for place in range(len(shared)))
    assert set(places) - {None} == set(range(len(shared)))
    assert len({tuple(sorted(one.items())) for one in shared}) == len(shared)
    for stored, place in zip(item["rows"], places, strict=True):
        if place is not None:
            assert not set(stored) & set("urtkg")
        assert ("g" in stored) == (place is None)  # who knows no `h` cannot read it
