"""Whoever else writes a customer while outreach is at work, in every order that makes a difference.

As test_five_races.py: all orders but those in which only calls that touch nothing in common change
places; afterwards the world runs on by itself until nothing waits.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.interleavings.races import (
    NUMBER,
    Operation,
    accepted,
    agreed,
    asking,
    customer_item,
    process,
    race,
    sending,
    texts,
)
from tests.outreach_rig import ACCOUNT, ANNA, Rig
from tests.outreach_world import World

from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.model import Phone


@pytest.fixture
def world(table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(Rig(table, clock), monkeypatch)


def test_an_accept_against_everything_else_that_changes_a_customer(world: World) -> None:
    """A conversation closes and a consent comes in while a text is accepted (21 orders): nothing of
    the others is lost, and a customer let go meanwhile is held anew before the text goes."""
    rig = world.rig
    customer = agreed(world)

    def closing(house: Any) -> None:
        house.customers.end_lease(customer, owner_account=ACCOUNT, owner_agent=ANNA,
                                  now=house.now())  # fmt: skip

    def consenting(house: Any) -> None:
        house.customers.record_consent(
            Phone(NUMBER), banner="jared", consent_class="marketing", wording="Yes.", method="web",
            evidence="form", who="customer", at=house.now(), now=house.now(), country="US",
        )  # fmt: skip

    def operations() -> list[Operation]:
        return [asking(world, [NUMBER], key="a"), process(world, closing),
                process(world, consenting)]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert results == [["accepted"], None, None]
        item = customer_item(world)
        assert set(item["consents"]) == {"kay", "jared"}
        assert Consents(rig.table).problems(customer) == []
        world.run_on()
        assert texts(world) == 1

    assert race(world, operations, check) >= 20


@pytest.mark.parametrize("queued", [pytest.param(True, marks=pytest.mark.slow), False])
def test_an_erasure_against_an_accept_or_a_sender(world: World, queued: bool) -> None:
    """I10 in every order: erased is blocked, at most the text that was on its way goes, and when
    all has come to rest the number is nowhere."""
    from instore.erasing import Means, erase

    batch_id = accepted(world, NUMBER) if queued else ""
    agreed(world, NUMBER)

    def erasing(house: Any) -> str:
        means = Means(house.customers, house.batches, house.erasures)
        return erase(Phone(NUMBER), reason="asked", who="x", means=means, now=house.now()).customer

    def operations() -> list[Operation]:
        other = sending(world, batch_id) if queued else asking(world, [NUMBER], key="k")
        return [other, process(world, erasing)]

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)], results
        assert texts(world) <= 1
        world.run_on()
        assert texts(world) <= 1
        assert NUMBER not in json.dumps(list(world.items().values()), default=str)
        assert asking(world, [NUMBER], key="again")() == ["blocked"]

    assert race(world, operations, check) >= 5
