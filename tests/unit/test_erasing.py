"""Erasing as a flow: which rows are blocked, when it waits, when it is over (I10)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instore.batch import Batch, BatchState, Claim, Row, RowState
from instore.consent import Customer, Erasing
from instore.directory import Pointer
from instore.erasing import Means, blocked, erase, go_on
from instore.errors import BadInputError, UnavailableError
from instore.model import Phone

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
ANA, BEN = Phone("+12125550100"), Phone("+12125550101")
KEY = ("CUSTOMER#ana", "CUSTOMER")


def id_of(phone: Phone) -> str:
    return {ANA: "ana", BEN: "ben"}[phone]


def row(n: int, phone: Phone | None, state: RowState, **more: Any) -> Row:
    return Row(n, phone, ("x",), state, **more)


def batch(state: BatchState, *rows: Row, **more: Any) -> Batch:
    return Batch("b1", Pointer("1", "2", "3"), "a@x", "kay", "t", "f", 1, NOW, "2026-11-18",
                 NOW + timedelta(days=35), state, rows, **more)  # fmt: skip


R, B = RowState, BatchState
LATER = NOW + timedelta(hours=3)


@pytest.mark.parametrize(
    ("before", "states", "after", "due_at"),
    [
        (B.ACCEPTED, (R.ACCEPTED, R.ACCEPTED), B.ACCEPTED, LATER),
        (B.ACCEPTED, (R.ACCEPTED, R.DEFERRED), B.DEFERRED, NOW + timedelta(hours=9)),
        (B.ACCEPTED, (R.ACCEPTED, R.SENT), B.SUBMITTED, NOW),
        (B.ACCEPTED, (R.ACCEPTED, R.BLOCKED), B.SUBMITTED, NOW),
        (B.DEFERRED, (R.DEFERRED, R.DEFERRED), B.DEFERRED, NOW + timedelta(hours=9)),
        (B.DEFERRED, (R.DEFERRED, R.REJECTED), B.SUBMITTED, NOW),
        (B.UNKNOWN, (R.DEFERRED, R.UNKNOWN), B.UNKNOWN, LATER),
        (B.ACCEPTING, (R.PENDING, R.PENDING), B.ACCEPTING, LATER),
    ],
)
def test_a_batch_without_one_customer(
    before: BatchState, states: tuple[RowState, RowState], after: BatchState, due_at: datetime
) -> None:
    """Theirs is blocked, the other row is as it was, and the batch waits for what is left."""
    other = row(1, BEN, states[1], until=NOW + timedelta(hours=9))
    whole = batch(before, row(0, ANA, states[0], until=LATER, rule="r", chunk="k"), other,
                  due_at=LATER)  # fmt: skip
    without, count = blocked(whole, customer="ana", id_of=id_of, now=NOW)
    assert count == 1
    assert (without.state, without.due_at) == (after, due_at)
    mine = without.rows[0]
    assert (mine.state, mine.reason, mine.until, mine.rule, mine.chunk, mine.first) == (
        R.BLOCKED, "erased", None, None, None, (LATER, "r"))  # fmt: skip
    assert mine.was_taken
    assert without.rows[1] == other


@pytest.mark.parametrize("state", sorted(set(R) - {R.PENDING, R.ACCEPTED, R.DEFERRED}))
def test_what_has_gone_stays_what_it_became(state: RowState) -> None:
    whole = batch(B.DEFERRED, row(0, None, state, customer="ana"), row(1, BEN, R.DEFERRED))
    assert blocked(whole, customer="ana", id_of=id_of, now=NOW) == (whole, 0)


@dataclass
class World:
    """Adapters as lists: what is stored, and what was done to it."""

    known: Customer | None = None
    batches: list[Batch | None] = field(default_factory=list)  # what each read answers
    lost: int = 0  # saves that somebody else wins
    done: list[str] = field(default_factory=list)

    def id_of(self, phone: Phone) -> str:
        return id_of(phone)

    @property
    def means(self) -> Means:
        anything: Any = self
        return Means(anything, anything, anything)

    def begin(self, customer: str, **_: Any) -> Any:
        return self.known

    def get(self, name: str) -> Any:
        return self.batches.pop(0) if name == "b1" else self.known

    def get_many(self, ids: Any) -> dict[str, Batch]:
        first = self.batches.pop(0)
        return {first.id: first} if first else {}

    def save(self, changed: Batch) -> Batch | None:
        self.lost -= 1
        if self.lost >= 0:
            return None
        self.done.append(f"saved {changed.state}")
        return changed

    def empty_ledger(self, customer: str) -> int:
        return 0

    def conversations(self, customer: str) -> list[Any]:
        return []

    def look_again(self, known: Customer, *, due_at: datetime) -> bool:
        self.done.append(f"again in {due_at - NOW}")
        return True

    def end(self, known: Customer) -> bool:
        self.done.append("ended")
        return True


def tombstone(*batches: str, at: datetime = NOW - timedelta(minutes=5)) -> Customer:
    return Customer("ana", erased_at=at, erasing=Erasing(at, batches))


MINE = row(0, ANA, R.ACCEPTED)


def test_the_sweep_ends_what_is_done() -> None:
    world = World(tombstone())
    assert go_on(KEY, means=world.means, now=NOW)
    assert world.done == ["ended"]


@pytest.mark.parametrize(
    "known", [None, Customer("ana"), tombstone(at=NOW - timedelta(minutes=4, seconds=59))]
)
def test_the_sweep_leaves_alone_what_is_not_due(known: Customer | None) -> None:
    world = World(known)
    assert not go_on(KEY, means=world.means, now=NOW)
    assert world.done == []


@pytest.mark.parametrize("state", [B.ACCEPTING, B.CLAIMED])
def test_a_batch_in_somebodys_hands_is_waited_for(state: BatchState) -> None:
    held = batch(state, MINE, claim=Claim("k", NOW))
    world = World(tombstone("b1"), [held])
    assert not go_on(KEY, means=world.means, now=NOW)
    assert world.done == ["again in 0:05:00"]
    asked = World(tombstone("b1"), [held])
    assert erase(ANA, reason="r", who="w", means=asked.means, now=NOW).waiting == ("b1",)
    without = replace(held, rows=(row(0, BEN, R.ACCEPTED),))
    assert go_on(KEY, means=World(tombstone("b1"), [without]).means, now=NOW)


def test_a_save_that_lost_looks_at_the_batch_again() -> None:
    accepted, claimed = batch(B.ACCEPTED, MINE), batch(B.CLAIMED, MINE)
    won = World(tombstone("b1"), [accepted, accepted, accepted], lost=2)
    assert go_on(KEY, means=won.means, now=NOW)
    assert won.done == ["saved submitted", "ended"]
    beaten = World(tombstone("b1"), [accepted] * 4, lost=3)
    assert not go_on(KEY, means=beaten.means, now=NOW)
    since_claimed = World(tombstone("b1"), [accepted, claimed], lost=1)
    assert not go_on(KEY, means=since_claimed.means, now=NOW)
    vanished = World(tombstone("b1"), [accepted, None], lost=1)
    assert go_on(KEY, means=vanished.means, now=NOW)
    expired = World(tombstone("b1"), [None, None])
    assert go_on(KEY, means=expired.means, now=NOW)
    assert expired.done == ["ended"]


def test_a_customer_who_never_holds_still_is_asked_for_again() -> None:
    with pytest.raises(UnavailableError) as caught:
        erase(ANA, reason="r", who="w", means=World(Customer("ana")).means, now=NOW)
    assert caught.value.public_code == "customer_contended"


@pytest.mark.parametrize("reason", ["2125550100", "call (212) 555-0100", "+1 212 555 0100 asked"])
def test_a_reason_must_not_name_the_number(reason: str) -> None:
    with pytest.raises(BadInputError) as caught:
        erase(ANA, reason=reason, who="w", means=World().means, now=NOW)
    assert caught.value.public_code == "reason_names_number"
