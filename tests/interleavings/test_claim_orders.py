"""I4: of several invocations that start from the same state, one claims, calls and settles."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from tests.interleavings.orders import all_orders
from tests.interleavings.switching import switched_orders
from tests.outreach_rig import Rig, phone

from instore.adapters.table import Table
from instore.outreach_send import Means, send


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def means_of(rig: Rig) -> Means:
    house = rig.services()
    return Means(
        program=house.programs.current(), current=house.programs.current, batches=house.batches,
        customers=house.customers, stores=house.stores, numbers=house.numbers, pace=house.pace,
        liveperson=house.liveperson, now=house.now, sleep=house.sleep, remaining=lambda: 60.0,
    )  # fmt: skip


def test_two_deliveries_of_one_batch_send_once(rig: Rig) -> None:
    rounds = itertools.count()
    state: dict[str, Any] = {}

    def start() -> list[Callable[[], Any]]:
        n = next(rounds)
        number = phone(n)
        rig.customer(number)
        rig.clock.advance(86400 if n % 50 == 0 else 30)
        batch_id = rig.text([number], key=f"k-{n}")[1]["id"]
        rig.queue.take()
        state.update(number=number, batch=batch_id)
        body = f'{{"batch": "{batch_id}"}}'
        return [lambda: send({"m": body}, token=f"a{n}", means=means_of(rig)),
                lambda: send({"m": body}, token=f"b{n}", means=means_of(rig))]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert rig.vendor.texts[state["number"][1:]] == 1
        assert sum(tally.submitted for tally in results) == 1
        assert [tally.failed for tally in results] == [[], []]
        assert rig.states(state["batch"]) == ["sent"]

    assert switched_orders(start, check, calls=14) == 28


def test_a_claim_has_one_winner_in_every_order(rig: Rig) -> None:
    from dataclasses import replace

    from instore.outreach_chunks import claimed

    rounds = itertools.count()

    def start() -> list[Callable[[], Any]]:
        n = next(rounds)
        number = phone(n)
        rig.customer(number)
        batch_id = rig.text([number], key=f"k-{n}")[1]["id"]
        batches = rig.services().batches
        seen = batches.get(batch_id)
        assert seen is not None
        claims = [claimed(seen, token=t, rows=range(10), now=rig.clock.now()) for t in ("a", "b")]
        late = replace(seen, due_at=rig.clock.now())  # the sweep moving the clock of the same one
        return [lambda: batches.save(claims[0]), lambda: batches.save(claims[1]),
                lambda: batches.save(late)]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert len([r for r in results if r is not None]) == 1

    assert all_orders(start, check) >= 6


def test_an_opt_out_while_a_batch_is_sent_counts_if_it_was_first(rig: Rig) -> None:
    """I9 in every order: an opt-out stored before the claim's second look always wins."""
    from instore.adapters.customers import Customers
    from instore.model import Phone

    rounds = itertools.count()
    state: dict[str, Any] = {}
    calls: list[str] = []

    def start() -> list[Callable[[], Any]]:
        n = next(rounds)
        number = phone(n)
        rig.customer(number)
        rig.clock.advance(86400 if n % 50 == 0 else 30)
        batch_id = rig.text([number], key=f"k-{n}")[1]["id"]
        rig.queue.take()
        calls.clear()
        state.update(number=number, batch=batch_id)
        customers: Customers = rig.services().customers
        means = means_of(rig)
        original = means.customers.get_many

        def looked(ids: Any) -> Any:
            found = original(ids)
            calls.append("looked")
            return found

        means.customers.get_many = looked  # type: ignore[method-assign]  # for this test only
        body = f'{{"batch": "{batch_id}"}}'

        def opt_out() -> None:
            customers.opt_out(customers.id_of(Phone(number)), banner="kay", scope="all",
                              how="text", words="STOP", now=rig.clock.now())  # fmt: skip
            calls.append("out")

        return [lambda: send({"m": body}, token=f"t{n}", means=means), opt_out]

    def check(results: list[Any]) -> None:
        texts = rig.vendor.texts[state["number"][1:]]
        assert texts == (0 if calls.index("out") < calls.index("looked") else 1)

    assert switched_orders(start, check, calls=12) == 24
