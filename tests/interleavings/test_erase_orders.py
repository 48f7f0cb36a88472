"""I10 in every order of AWS calls: an erasure beside whatever else writes of the same customer.

Whatever the order, once the sweep has looked again nothing personal is left and the ledger
verifies; nobody's work is lost but that of the erased customer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from tests.interleavings.orders import all_orders, all_orders_that_differ
from tests.outreach_rig import ACCOUNT, ANNA, GROUP, LOGINS, Rig, http_event, phone, sqs_event
from tests.privacy_rig import (
    FIRST_NAME,
    REASON,
    TOMBSTONE,
    consent,
    converse,
    customers_of,
    erase,
    item_of,
    left_of,
    name_of,
    starts,
    text,
    verifies,
)

from instore import erasing
from instore.adapters.conversations import Conversations
from instore.adapters.table import Table
from instore.conversation import Answer, Conversation, State
from instore.directory import Pointer
from instore.model import Channel, Phone
from instore.runtime import outreach_operations
from instore.runtime.services import using

pytestmark = pytest.mark.slow

Operation = Callable[[], Any]


class Shop:
    """A fresh customer for every order, an erasure of theirs, and the end of it."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self._numbers, self.number = rig, count(1), ""

    def new_customer(self) -> None:
        self.number = phone(next(self._numbers) % 400)
        self.rig.table.delete(f"CUSTOMER#{name_of(self.rig, self.number)}", "CUSTOMER")
        self.rig.clock.advance(86400)  # a day of its own for quota and keys
        consent(self.rig, self.number)

    def erase(self) -> erasing.Erased:
        house = self.rig.services()
        means = erasing.Means(house.customers, house.batches, house.erasures)
        return erasing.erase(Phone(self.number), reason=REASON, who="desk", means=means,
                             now=self.rig.clock.now())  # fmt: skip

    def finish(self) -> None:
        for _ in range(3):
            self.rig.clock.advance(301)
            self.rig.sweep()

    def assert_erased(self) -> None:
        self.finish()
        assert left_of(self.rig, self.number) == []
        assert set(item_of(self.rig, self.number)) == TOMBSTONE
        assert verifies(self.rig, self.number)


@pytest.fixture
def shop(table: Table, clock: Any) -> Shop:
    return Shop(Rig(table, clock))


def _tried(shop: Shop, other: Callable[[], Operation], check: Callable[[Any], None]) -> int:
    """`other` prepares a fresh customer's other operation; `check` looks at its result."""

    def start() -> list[Operation]:
        shop.new_customer()
        return [shop.erase, other()]

    def look(results: list[Any]) -> None:
        erased, result = results
        assert isinstance(erased, erasing.Erased), repr(erased)
        check(result)
        shop.assert_erased()

    return all_orders_that_differ(start, look)


def test_beside_an_accept(shop: Shop) -> None:
    """The batch is taken with or without them, or has to be asked for again; nobody is texted."""
    rig = shop.rig

    def accepts() -> Operation:
        body = {"template": "new-arrivals", "recipients": [
            {"phone": shop.number, "variables": [FIRST_NAME, "Kay"]}]}  # fmt: skip
        event = http_event("POST /outreach", body, key=f"k-{shop.number}", login=LOGINS[ANNA])

        def run() -> Any:
            with using(rig.services()):
                return outreach_operations.send(event)

        return run

    def check(result: Any) -> None:
        row = json.loads(result["body"])["rows"][0]
        assert (row["status"], row.get("reason")) in (("accepted", None), ("blocked", "erased"))
        rig.deliver()
        assert rig.vendor.texts == {}

    assert _tried(shop, accepts, check) >= 5


def test_beside_a_send(shop: Shop) -> None:
    """It goes once or not at all; if it went, the row says so, and has no number either way."""
    rig = shop.rig

    def sends() -> Operation:
        from proactive_batch import app

        batch_id = text(rig, shop.number, key=f"k-{shop.number}")[1]["id"]
        rig.vendor.texts.clear()
        event = sqs_event([json.dumps({"batch": one}) for one in rig.queue.take()])

        def run() -> str:
            with using(rig.services()):
                app.handler(event, rig.context())
            return str(batch_id)

        return run

    def check(batch_id: str) -> None:
        shop.finish()
        (state,) = rig.states(batch_id)
        went = rig.vendor.texts[shop.number[1:]]
        assert (state, went) in (("delivered", 1), ("sent", 1), ("blocked", 0))

    assert _tried(shop, sends, check) >= 5


def test_beside_a_binding(shop: Shop) -> None:
    def binds() -> Operation:
        name, number, now = name_of(shop.rig, shop.number), Phone(shop.number), shop.rig.clock.now()
        pointer = Pointer(ACCOUNT, GROUP, ANNA)
        return lambda: customers_of(shop.rig).bind(
            name, phone=number, banner="kay", pointer=pointer, now=now, source="assigned"
        )

    assert _tried(shop, binds, lambda result: _assert_none(result)) >= 3


def _assert_none(result: Any) -> None:
    assert result is None, repr(result)


def test_beside_a_consent_and_a_stop(shop: Shop) -> None:
    """Another entry of the ledger at the same moment: both are there, and the chain holds."""

    def stops() -> Operation:
        name, now = name_of(shop.rig, shop.number), shop.rig.clock.now()
        return lambda: customers_of(shop.rig).opt_out(
            name, banner="kay", scope="all", how="text", words=f"stop, {FIRST_NAME}", now=now
        )

    def check(result: Any) -> None:
        assert result in (True, False)

    assert _tried(shop, stops, check) >= 3


def test_beside_an_associates_consent(shop: Shop) -> None:
    """Entered at that moment, it is the word of before the erasure: never in force after it."""

    def enters() -> Operation:
        now, number = shop.rig.clock.now(), Phone(shop.number)
        return lambda: customers_of(shop.rig).record_consent(
            number, banner="kay", consent_class="one_to_one", wording="Yes.", method="tablet",
            evidence="e", who="anna", at=now, now=now, country="US", zone="America/New_York",
        )  # fmt: skip

    def check(result: Any) -> None:
        assert result in (2, 3)
        known = customers_of(shop.rig).get(name_of(shop.rig, shop.number))
        assert known is not None
        assert (known.is_erased, known.phone, known.zone) == (True, None, None)
        assert dict(known.consents) == {}

    def start() -> list[Operation]:
        shop.new_customer()
        return [shop.erase, enters()]

    def look(results: list[Any]) -> None:
        check(results[1])
        shop.finish()
        assert verifies(shop.rig, shop.number)

    assert all_orders_that_differ(start, look) >= 3


def test_beside_a_start_said_before(shop: Shop) -> None:
    def restarts() -> Operation:
        customers_of(shop.rig).opt_out(name_of(shop.rig, shop.number), banner="kay", scope="all",
                                       how="text", words="x", now=shop.rig.clock.now())  # fmt: skip
        said = shop.rig.clock.now()
        return lambda: starts(shop.rig, shop.number, said=said)

    def check(result: Any) -> None:
        assert result in (True, False)

    assert _tried(shop, restarts, check) >= 3


def test_beside_an_answer_of_the_bot(shop: Shop) -> None:
    """An answer that was worked out before would write number and words back. Refused, or emptied:
    already before the sweep looks again."""
    rig = shop.rig

    def start() -> list[Operation]:
        shop.new_customer()
        before, now = converse(rig, f"c-{shop.number[-4:]}", shop.number), rig.clock.now()
        answer = Answer(text=f"Hello {FIRST_NAME}", state=State.DECIDED, outcome="associate",
                        round=0, asked=0)  # fmt: skip
        return [shop.erase,
                lambda: Conversations(rig.table).keep_answer(before, answer=answer, now=now)]  # fmt: skip

    def look(results: list[Any]) -> None:
        assert isinstance(results[0], erasing.Erased)
        assert isinstance(results[1], Conversation)
        assert left_of(rig, shop.number) == []
        shop.assert_erased()

    assert all_orders(start, look) >= 7


def test_beside_a_conversation_that_begins(shop: Shop) -> None:
    """Begun a moment before and written a moment after: the second look finds it."""
    rig = shop.rig
    found: set[bool] = set()

    def start() -> list[Operation]:
        shop.new_customer()
        talk = Conversation(
            ACCOUNT, f"n-{shop.number[-4:]}", "kay", "kay-bot", Channel.SMS, rig.clock.now(),
            phone=shop.number, customer=name_of(rig, shop.number), consumer=FIRST_NAME,
        )  # fmt: skip
        return [shop.erase, lambda: Conversations(rig.table).create(talk)]

    def look(results: list[Any]) -> None:
        erased, created = results
        assert created is True
        found.add(bool(erased.conversations))
        shop.assert_erased()

    assert all_orders(start, look) >= 7
    assert found == {True, False}  # by the erasure itself, and by the sweep alone


def test_two_erasures_at_once_are_one(shop: Shop) -> None:
    def check(result: Any) -> None:
        assert isinstance(result, erasing.Erased)
        whats = [e["what"] for e in _entries(shop)]
        assert whats == ["one_to_one", "erased"]

    assert _tried(shop, lambda: shop.erase, check) >= 3


def _entries(shop: Shop) -> list[dict[str, Any]]:
    return shop.rig.services().consents.entries(name_of(shop.rig, shop.number))


def test_the_sweep_beside_another_request(shop: Shop) -> None:
    """The sweep ends one erasure while the next is asked for."""
    rig = shop.rig

    def start() -> list[Operation]:
        shop.new_customer()
        erase(rig, shop.number)
        rig.clock.advance(301)
        house, name = rig.services(), name_of(rig, shop.number)
        means = erasing.Means(house.customers, house.batches, house.erasures)
        now = rig.clock.now()
        return [shop.erase,
                lambda: erasing.go_on((f"CUSTOMER#{name}", "CUSTOMER"), means=means, now=now)]  # fmt: skip

    def look(results: list[Any]) -> None:
        assert isinstance(results[0], erasing.Erased)
        assert results[1] in (True, False)
        shop.assert_erased()

    assert all_orders_that_differ(start, look) >= 3
