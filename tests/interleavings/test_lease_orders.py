"""I1, I3 and I5 in every order of AWS calls: one lease, the cap, and an opt-out that wins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from tests.interleavings.orders import all_orders

from instore.adapters.consents import Consents
from instore.adapters.customers import Customers
from instore.adapters.table import Table
from instore.consent import Blocked, Customer, Reserved
from instore.directory import Pointer
from instore.model import Phone
from instore.program import Program

ANA, BEN = Pointer("10000002", "11", "501"), Pointer("10000003", "12", "777")


class Shop:
    """A fresh customer for every order, with consent for two banners."""

    def __init__(self, table: Table, program: Program, now: datetime) -> None:
        self.table, self.program, self.now = table, program, now
        self.customers = Customers(table, key="a key of the stack")
        self._numbers = count(100)
        self.phone = Phone("+12125550199")

    def new_customer(self, *, sends: int = 0) -> None:
        self.phone = Phone(f"+1212555{next(self._numbers):04}")
        for banner in ("kay", "zales"):
            self.customers.record_consent(
                self.phone, banner=banner, consent_class="one_to_one", wording="Yes.",
                method="tablet", evidence="form", who="ana", at=self.now, now=self.now,
                country="US",
            )  # fmt: skip
        for n in range(sends):
            assert self.reserve(f"before-{n}") == Reserved()

    @property
    def id(self) -> str:
        return self.customers.id_of(self.phone)

    def reserve(
        self, batch: str, *, pointer: Pointer = ANA, banner: str = "kay",
        known: Customer | None = None,
    ) -> Any:  # fmt: skip
        known = known or self.customers.get_many([self.id]).get(self.id)
        return self.customers.reserve(
            self.id, known=known, phone=self.phone,
            banner=banner, pointer=pointer, batch=batch, purpose="one_to_one",
            program=self.program, now=self.now,
        )  # fmt: skip

    def customer(self) -> Customer:
        customer = self.customers.get(self.id)
        assert customer is not None
        return customer


@pytest.fixture
def shop(table: Table, program: Program, now: datetime) -> Shop:
    return Shop(table, program, now)


def test_two_banners_one_lease(shop: Shop, now: datetime) -> None:
    def start() -> list[Callable[[], Any]]:
        shop.new_customer()
        return [lambda: shop.reserve("kay-1"),
                lambda: shop.reserve("zales-1", pointer=BEN, banner="zales")]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert sorted(map(str, results)) == sorted(
            map(str, [Reserved(), Blocked("held", now + timedelta(hours=72))])
        )
        winner = ["kay", "zales"][results.index(Reserved())]
        customer = shop.customer()
        assert customer.lease is not None
        assert customer.lease.banner == winner
        assert len(customer.sent) == 1

    assert all_orders(start, check) >= 3


def test_three_batches_of_one_associate_and_the_cap(shop: Shop) -> None:
    """Three may go in a day, one went: of three more at once exactly two go."""

    def start() -> list[Callable[[], Any]]:
        shop.new_customer(sends=1)
        known = shop.customer()  # all three have read before the first writes: the worst case
        return [lambda: shop.reserve("b1", known=known), lambda: shop.reserve("b2", known=known),
                lambda: shop.reserve("b3", known=known)]  # fmt: skip

    def check(results: list[Any]) -> None:
        gone = results.count(Reserved())
        assert len(shop.customer().sent) == 1 + gone
        blocked = [result.reason for result in results if isinstance(result, Blocked)]
        assert (gone, blocked) == (2, ["customer_cap"])

    assert all_orders(start, check) > 6


def test_the_same_batch_twice_counts_once(shop: Shop) -> None:
    """A queue that delivers twice, an accept that is driven again."""

    def start() -> list[Callable[[], Any]]:
        shop.new_customer()
        return [lambda: shop.reserve("b1"), lambda: shop.reserve("b1")]

    def check(results: list[Any]) -> None:
        assert results == [Reserved(), Reserved()]
        assert len(shop.customer().sent) == 1

    assert all_orders(start, check) >= 3


def test_an_opt_out_is_never_lost_and_never_overtaken(shop: Shop) -> None:
    """I1, I9: whatever the order, the customer is out, and a reservation stored before knows it
    was first: its revision is older than the opt-out's."""

    def start() -> list[Callable[[], Any]]:
        shop.new_customer()
        return [
            lambda: shop.reserve("b1"),
            lambda: shop.customers.opt_out(shop.id, banner="kay", scope="all", how="text",
                                           words="STOP", now=shop.now),
        ]  # fmt: skip

    def check(results: list[Any]) -> None:
        reservation, was_new = results
        assert was_new is True
        customer = shop.customer()
        assert customer.opted_out == shop.now
        assert Consents(shop.table).problems(shop.id) == []
        held = customer.lease is not None
        assert reservation == (Reserved() if held else Blocked("opted_out"))
        assert shop.reserve("b2") == Blocked("opted_out")

    assert all_orders(start, check) >= 3


def test_release_against_another_associates_try(shop: Shop) -> None:
    def start() -> list[Callable[[], Any]]:
        shop.new_customer(sends=1)
        return [lambda: shop.customers.release(shop.id, batch="before-0", now=shop.now),
                lambda: shop.reserve("zales-1", pointer=BEN, banner="zales")]  # fmt: skip

    def check(results: list[Any]) -> None:
        customer = shop.customer()
        if results[1] == Reserved():
            assert customer.lease is not None
            assert customer.lease.banner == "zales"
            assert [sent.batch for sent in customer.sent] == ["zales-1"]
        else:
            assert results[1].reason == "held"
            assert (customer.lease, customer.sent) == (None, ())

    assert all_orders(start, check) >= 3


def test_two_consents_make_two_entries(shop: Shop) -> None:
    def start() -> list[Callable[[], Any]]:
        shop.new_customer()

        def record(banner: str, seconds: int) -> int:  # other keys: only the revision guards
            return shop.customers.record_consent(
                shop.phone, banner=banner, consent_class="marketing", wording="Yes.",
                method="web", evidence="form", who="ana", at=shop.now, country="US",
                now=shop.now + timedelta(seconds=seconds),
            )  # fmt: skip

        return [lambda: record("kay", 1), lambda: record("jared", 2)]

    def check(results: list[Any]) -> None:
        assert sorted(results) == [3, 4]
        assert Consents(shop.table).problems(shop.id) == []
        assert set(shop.customer().consents) == {"kay", "zales", "jared"}

    assert all_orders(start, check) >= 3


def test_binding_and_reservation_keep_each_other(shop: Shop) -> None:
    def start() -> list[Callable[[], Any]]:
        shop.new_customer()
        return [
            lambda: shop.reserve("b1"),
            lambda: shop.customers.bind(shop.id, phone=shop.phone, banner="jared", pointer=BEN,
                                        now=shop.now, source="routed"),
        ]  # fmt: skip

    def check(results: list[Any]) -> None:
        assert results == [Reserved(), None]
        assert set(shop.customer().bindings) == {"kay", "jared"}

    assert all_orders(start, check) >= 3
