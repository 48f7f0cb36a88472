"""The line when something is wrong: what cannot go lets others pass, and waiting stays free."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests import slow_rig
from tests.outreach_rig import ANNA, BEN, LOGINS, Rig, phone

from instore.adapters.batches import from_item
from instore.adapters.number_health import NumberHealth
from instore.adapters.table import Table
from instore.errors import (
    BadInputError,
    UnavailableError,
    VendorNotReachedError,
    VendorThrottledError,
)
from instore.notify import Resumed

OWNER = "10000001"
MINUTE = 60


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return slow_rig.ten_in_new_york(table, clock)


slow = partial(slow_rig.slow, requests_per_s=10)


def waiting(rig: Rig, count: int, *, login: str = LOGINS[ANNA]) -> list[str]:
    """Batches of one text each, deferred to eleven; then it is a minute past."""
    ids = []
    for n, number in enumerate(rig.customers(count)):
        ids.append(rig.text([number], key=f"k-{n}", login=login)[1]["id"])
        rig.clock.advance(1)
    rig.clock.advance(3600 + MINUTE - count)
    return ids


def failed(answer: Any) -> list[str]:
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


def unavailable(*_: Any, **__: Any) -> Any:
    raise UnavailableError("the table did not answer")


def test_an_accepted_batch_is_put_off_by_one_write_however_often(rig: Rig) -> None:
    """It was accepted in the middle of a second; the index knows whole ones."""
    rig.clock.advance(2 * 3600 + 0.25)
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.services().pace.take(OWNER, channel="bulk", count=7200, rate=7.2, max_wait=1)
    rig.deliver()
    put_off = rig.item(batch_id)
    assert (put_off["state"], put_off["due_shard"][:5]) == ("accepted", "SEND#")
    for _ in range(3):
        rig.clock.advance(MINUTE)
        assert failed(rig.deliver([batch_id])) == []
    assert rig.item(batch_id) == put_off


def test_what_cannot_be_tried_lets_the_others_pass(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hold of one number cannot be read: a minute's worth of its texts at the head of the line
    would be let go again every minute, and nobody behind them ever."""
    slow(rig, rate=0.1)
    ids = waiting(rig, 14)
    stuck, others = ids[:7], ids[7:]
    rig.sweep()
    assert set(rig.queue.take()) == set(stuck)
    with monkeypatch.context() as patched:
        patched.setattr(NumberHealth, "hold_of", unavailable)
        assert failed(rig.deliver(stuck)) == []  # the line has them
    assert {rig.item(name)["due_shard"][:5] for name in stuck} == {"SEND#"}
    rig.clock.advance(MINUTE)
    rig.sweep()
    assert {name for name, _ in rig.queue.messages} == set(others)
    rig.deliver()
    rig.clock.advance(3 * MINUTE)
    rig.sweep()
    assert {name for name, _ in rig.queue.messages} == set(stuck)
    rig.deliver()
    assert rig.vendor.texts == {phone(n)[1:]: 1 for n in range(14)}


def test_a_place_that_cannot_be_given_up_is_kept(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    (batch_id,) = waiting(rig, 1)
    before = rig.item(batch_id)
    with monkeypatch.context() as patched:
        patched.setattr(NumberHealth, "hold_of", unavailable)
        patched.setattr(Table, "update", unavailable)
        assert failed(rig.deliver([batch_id])) == []
    assert rig.item(batch_id) == before


def test_a_call_that_is_our_mistake_lets_the_others_pass(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch_id,) = waiting(rig, 1)

    def wrong(**_: Any) -> Any:
        raise BadInputError("a campaign beyond LivePerson's limits", code="invalid_campaign")

    with monkeypatch.context() as patched:
        patched.setattr("instore.outreach_call.Campaign", wrong)
        assert failed(rig.deliver([batch_id])) == ["m-0"]  # people hear of it
    item = rig.item(batch_id)
    assert (item["state"], item["due_shard"][:5]) == ("deferred", "SEND#")
    assert item["due_at"] == int((rig.clock.now() + timedelta(minutes=3)).timestamp())
    assert rig.states(batch_id) == ["deferred"]


@pytest.mark.parametrize("when", ["claim", "look", "call", "pace"])
def test_messages_do_not_multiply_while_something_is_away(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The sweep sends one every minute to a batch in the line; each that fails would live on for
    half an hour and end as a dead letter."""
    (batch_id,) = waiting(rig, 1)
    with monkeypatch.context() as patched:
        if when == "call":
            rig.vendor.failures = [VendorNotReachedError("no connection")]
        elif when == "look":
            patched.setattr("instore.adapters.customers.Customers.get_many", unavailable)
        elif when == "claim":
            patched.setattr("instore.adapters.batches.Batches.save", unavailable)
        else:
            patched.setattr("instore.adapters.pace.Pace.take", unavailable)
        assert failed(rig.deliver([batch_id])) == []
    item = rig.item(batch_id)
    assert (item["state"], item["due_shard"][:5]) == ("deferred", "SEND#")
    rig.sweep()
    assert failed(rig.deliver()) == []
    assert rig.vendor.texts == {phone(0)[1:]: 1}


def test_a_long_line_leaves_time_for_everything_else(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts of a banner the program forgot cost nothing of the pace: all of them are let go."""
    waiting(rig, 30)
    rig.table.put({"pk": "CONVERSATION#10000002#c1", "sk": "CONVERSATION", "due_shard": "DUE#3",
                   "due_at": 1})  # fmt: skip
    asked: list[str] = []

    def resume(key: tuple[str, str], **_: Any) -> Resumed:
        asked.append(key[0])
        return Resumed()

    monkeypatch.setattr("instore.notify.resume", resume)
    say = rig.queue.batch_ready

    def slowly(batch_id: str, *, delay_s: int = 0) -> None:
        rig.remaining_s -= 2.5
        say(batch_id, delay_s=delay_s)

    monkeypatch.setattr(rig.queue, "batch_ready", slowly)
    rig.remaining_s = 55.0
    rig.sweep()
    assert len(rig.queue.messages) == 10
    assert asked == ["CONVERSATION#10000002#c1"]


def test_a_claim_out_of_the_line_that_dies_is_cleared_up(rig: Rig) -> None:
    """Its texts are looked at in two minutes; the claim runs five, and nobody sends meanwhile."""
    (batch_id,) = waiting(rig, 1)
    rig.sweep()
    rig.deliver_until("vendor")
    died = rig.item(batch_id)
    assert (died["state"], died["due_shard"][:4]) == ("claimed", "DUE#")
    assert died["due_at"] == int((rig.clock.now() + timedelta(minutes=2)).timestamp())
    for _ in range(4):
        rig.clock.advance(MINUTE)
        rig.sweep()
        rig.deliver([batch_id])
        assert rig.item(batch_id) == died
    rig.clock.advance(MINUTE)
    rig.sweep()
    assert rig.item(batch_id)["state"] == "unknown"
    rig.settle()
    assert (rig.states(batch_id), rig.vendor.texts) == (["sent"], {phone(0)[1:]: 1})


@pytest.mark.parametrize("state", ["deferred", "accepted"])
def test_a_batch_let_go_by_the_previous_version_goes_once(rig: Rig, state: str) -> None:
    """It had taken the batch out of the line, and no row shared anything with another."""
    numbers = rig.customers(2)
    batch_id = rig.text(numbers)[1]["id"]
    rig.clock.advance(3600 + MINUTE)
    item = rig.item(batch_id)
    rows = rig.rows(batch_id)
    for row in rows:
        row.pop("h")
        if state == "accepted":
            row["s"] = "accepted"
            for letter in ("u", "r", "t"):
                row.pop(letter)
    item.pop("shared")
    due_at = int((rig.clock.now() + timedelta(minutes=5)).timestamp())
    rig.table.put({**item, "state": state, "rows": rows, "due_at": due_at,
                   "due_shard": item["due_shard"].replace("SEND", "DUE")})  # fmt: skip
    rig.sweep()
    assert rig.queue.messages == []
    rig.clock.advance(5 * MINUTE)
    assert rig.sweep()["counts"] == {"Redriven": 1}  # its message was lost
    waits = rig.queue.take()
    rig.deliver(waits)
    rig.deliver(waits)
    rig.settle()
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("closed", ["delivered"] * 2)
    assert rig.vendor.texts == {number[1:]: 1 for number in numbers}


def test_a_version_that_knows_no_shared_attributes_cannot_read_a_claim(rig: Rig) -> None:
    """Without its chunk a text that went is one nobody has tried: rolled back, it would go again.
    Such a version needs the segments of every row."""
    numbers = rig.customers(2)
    rig.clock.advance(2 * 3600)
    batch_id = rig.text(numbers)[1]["id"]
    rig.deliver_until("vendor")
    item = rig.item(batch_id)
    assert item["state"] == "claimed"
    assert [set(row) & {"g", "k"} for row in item["rows"]] == [set(), set()]
    assert [row.segments for row in from_item(item).rows] == [1, 1]


def test_a_vendor_who_asks_for_time_gets_it_before_the_next_call(rig: Rig) -> None:
    slow(rig, rate=80, chunk=1)
    first, second = waiting(rig, 2)
    rig.vendor.failures = [VendorThrottledError("slow down", retry_after=7.0)]
    began = rig.clock.now()
    assert failed(rig.deliver([first, second])) == []
    ((at, _),) = rig.vendor.campaigns
    assert at - began >= timedelta(seconds=7)
    assert (rig.states(first), rig.states(second)) == (["deferred"], ["sent"])
    rig.sweep()
    rig.deliver()
    assert set(rig.vendor.texts.values()) == {1}
    assert rig.states(first) == ["sent"]


@pytest.mark.parametrize(("asked", "waited"), [(None, 1.0), (0.0, 1.0), (3.0, 3.0)])
def test_a_429_costs_a_second_at_least(rig: Rig, asked: float | None, waited: float) -> None:
    slow(rig, rate=80, chunk=1, gap_s=0.2)
    ids = waiting(rig, 2)
    rig.vendor.failures = [VendorThrottledError("slow down", retry_after=asked)]
    began = rig.clock.now()
    rig.deliver(ids)
    assert rig.vendor.campaigns[0][0] - began == timedelta(seconds=waited)


def test_a_vendor_who_asks_for_more_time_than_there_is_gets_no_other_call(rig: Rig) -> None:
    slow(rig, rate=80, chunk=1)
    ids = waiting(rig, 3)
    before = {name: rig.item(name) for name in ids[1:]}
    rig.vendor.failures = [VendorThrottledError("slow down", retry_after=60.0)]
    began = rig.clock.now()
    assert failed(rig.deliver(ids)) == []
    assert rig.vendor.asked == ["campaign"]
    assert rig.clock.now() == began  # nobody pays for a function that sleeps in vain
    assert {name: rig.item(name) for name in ids[1:]} == before
    rig.sweep()
    rig.deliver()
    assert rig.vendor.texts == {phone(n)[1:]: 1 for n in range(3)}


def test_what_waits_is_told_although_none_of_it_can_go(rig: Rig, capsys: Any) -> None:
    slow(rig, rate=0.1)
    waiting(rig, 1, login=LOGINS[BEN])
    rig.services().pace.take(OWNER, channel="bulk", count=7200, rate=7.2, max_wait=1)
    rig.clock.advance(9 * MINUTE)
    capsys.readouterr()
    rig.sweep()
    assert rig.queue.messages == []
    assert '"OldestSendSeconds":[600.0]' in capsys.readouterr().out
