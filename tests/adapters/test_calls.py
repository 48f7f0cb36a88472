"""Calls in the table: each step once, whoever comes twice, over midnight too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from instore.adapters.calls import Calls
from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.call import Call
from instore.deflected import Deflected
from instore.deflection import CallState
from instore.errors import UnavailableError
from instore.measured import Kind, Measured
from instore.model import Phone

ANA = Phone("+12125550123")
MIDNIGHT = datetime(2026, 11, 18, 23, 59, 59, 500_000, tzinfo=UTC)
DAYS = (date(2026, 11, 18), date(2026, 11, 19))
RINGS = Call("CA1", "kay", "orders", "Where is my order", CallState.OFFERED, MIDNIGHT,
             customer="c1", store="701")  # fmt: skip


@pytest.fixture
def calls(table: Table) -> Calls:
    return Calls(table)


def take(calls: Calls, call: Call, at: datetime) -> Call:
    return calls.accept(call, phone=ANA, wording="Press 1.", country="US", now=at, most_texts=3)


def measured(calls: Calls) -> list[tuple[str, str]]:
    return [(one.kind.value, one.name) for day in DAYS for one in calls.of_day("kay", day=day)]


def test_a_call_is_opened_once(calls: Calls) -> None:
    assert calls.open(RINGS) is RINGS
    later = Call("CA1", "kay", "orders", "Else", CallState.PASSED, MIDNIGHT + timedelta(seconds=1),
                 reason="withheld")  # fmt: skip
    assert calls.open(later) == RINGS
    assert calls.get("CA1") == RINGS
    assert calls.get("CA2") is None
    assert measured(calls) == [("offered", "CA1")]


def test_a_digit_is_taken_once_over_midnight_too(calls: Calls, table: Table) -> None:
    calls.open(RINGS)
    first = take(calls, RINGS, MIDNIGHT)
    assert (first.state, first.consent, first.accepted_at) == (CallState.ACCEPTED, 1, MIDNIGHT)
    again = take(calls, RINGS, MIDNIGHT + timedelta(seconds=1))
    assert again == first
    assert len(Consents(table).entries("c1")) == 1
    assert measured(calls) == [("accepted", "CA1"), ("offered", "CA1")]


def test_a_text_is_counted_on_the_day_of_the_digit(calls: Calls) -> None:
    calls.open(RINGS)
    call = take(calls, RINGS, MIDNIGHT)
    done = calls.finish(call, state=CallState.TEXTED, told="call_texted")
    assert (done.state, done.told, done.due_at) == (CallState.TEXTED, "call_texted", None)
    assert calls.finish(call, state=CallState.NOT_TEXTED, told="call_not_texted") == done
    (texted,) = [m for m in calls.of_day("kay", day=DAYS[0]) if m.kind is Kind.TEXTED]
    assert texted == Measured(Kind.TEXTED, "CA1", MIDNIGHT, "kay", "orders", "701", "text")
    assert calls.of_day("kay", day=DAYS[1]) == []


def test_a_call_that_went_on_is_not_accepted(calls: Calls, table: Table) -> None:
    calls.open(RINGS)
    assert calls.end(RINGS, state=CallState.DECLINED) is True
    assert calls.end(RINGS, state=CallState.HUNG_UP) is False
    assert take(calls, RINGS, MIDNIGHT).state is CallState.DECLINED
    assert Consents(table).entries("c1") == []


def test_what_is_gone_stays_gone(calls: Calls, table: Table) -> None:
    """The call's item has expired: nothing is recorded for it, and nothing is made of it."""
    assert take(calls, RINGS, MIDNIGHT) is RINGS
    assert Consents(table).entries("c1") == []
    assert calls.finish(RINGS, state=CallState.NOT_TEXTED, told="call_not_texted") is RINGS
    assert calls.get("CA1") is None


def test_a_customer_who_keeps_changing_is_told_as_that(
    calls: Calls, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.open(RINGS)
    monkeypatch.setattr(Table, "transact", lambda *_: False)
    with pytest.raises(UnavailableError) as caught:
        take(calls, RINGS, MIDNIGHT)
    assert caught.value.public_code == "customer_contended"


def test_a_tombstone_keeps_no_call(calls: Calls, table: Table) -> None:
    calls.open(RINGS)
    table.put({"pk": "CUSTOMER#c1", "sk": "CUSTOMER", "id": "c1", "rev": 3,
               "opted_out": "2026-11-01T00:00:00.000Z", "erased_at": "2026-11-01T00:00:00.000Z"})  # fmt: skip
    take(calls, RINGS, MIDNIGHT)
    item = table.get("CUSTOMER#c1", "CUSTOMER")
    assert item is not None
    assert "deflected" not in item
    assert "phone" not in item


def test_one_banners_call_leaves_the_others_alone(calls: Calls, table: Table) -> None:
    stands = {"branch": "rings", "intent": "i", "call": "CA0", "at": "2026-11-18T10:00:00.000Z"}
    table.put({"pk": "CUSTOMER#c1", "sk": "CUSTOMER", "id": "c1", "rev": 3,
               "deflected": {"zales": stands}})  # fmt: skip
    calls.open(RINGS)
    take(calls, RINGS, MIDNIGHT)
    item = table.get("CUSTOMER#c1", "CUSTOMER")
    assert item is not None
    assert item["deflected"]["zales"] == stands
    assert item["deflected"]["kay"]["call"] == "CA1"


def begin(calls: Calls, conversation: str, **more: Any) -> bool:
    stands = Deflected("orders", "Where is my order", "CA1", MIDNIGHT)
    return calls.begin_conversation("c1", **{
        "deflected": stands, "banner": "kay", "store": "701", "conversation": conversation,
        "now": MIDNIGHT + timedelta(minutes=1), **more})  # fmt: skip


def test_a_conversation_follows_a_call_once(calls: Calls) -> None:
    assert begin(calls, "a#1") is False, "nobody pressed a digit"
    calls.open(RINGS)
    take(calls, RINGS, MIDNIGHT)
    assert begin(calls, "a#1") is True
    assert begin(calls, "a#1") is True, "it is its own"
    assert begin(calls, "a#2") is False
    assert [kind for kind, _ in measured(calls)].count("started") == 1


def test_a_newer_call_takes_the_place(calls: Calls) -> None:
    calls.open(RINGS)
    take(calls, RINGS, MIDNIGHT)
    newer = Call("CA2", "kay", "orders", "i", CallState.OFFERED, MIDNIGHT, customer="c1")
    calls.open(newer)
    take(calls, newer, MIDNIGHT + timedelta(minutes=5))
    assert begin(calls, "a#1") is False


def test_a_repeat_counts_once(calls: Calls) -> None:
    stands = Deflected("orders", "i", "CA1", MIDNIGHT)
    for _ in range(2):
        calls.measure_repeat("a#9", deflected=stands, banner="kay", store=None, began_at=MIDNIGHT)
    assert measured(calls) == [("repeat", "a#9")]
