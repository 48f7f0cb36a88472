"""What the customer item promises: one conditional write a reservation, nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from instore.adapters.customers import Customers
from instore.adapters.table import Refused, Table
from instore.consent import Binding, Blocked, Lease, Reserved, Sent
from instore.directory import Pointer
from instore.errors import BadInputError, UnavailableError
from instore.model import Phone, epoch
from instore.program import Program

PHONE = Phone("+12125550123")
ANA, BEN = Pointer("10000002", "11", "501"), Pointer("10000003", "12", "777")
Calls = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def customers(table: Table) -> Customers:
    return Customers(table, key="a key of the stack")


@pytest.fixture
def who(customers: Customers) -> str:
    return customers.id_of(PHONE)


@pytest.fixture
def consented(customers: Customers, who: str, now: datetime) -> str:
    consent(customers, now)
    return who


def consent(customers: Customers, now: datetime, *, banner: str = "kay", **changes: Any) -> int:
    usual: dict[str, Any] = {
        "consent_class": "one_to_one", "wording": "Yes, text me.", "method": "tablet",
        "evidence": "form-1", "who": "ana@example.com", "at": now - timedelta(days=1),
        "now": now, "country": "US",
    }  # fmt: skip
    return customers.record_consent(PHONE, banner=banner, **{**usual, **changes})


@pytest.fixture
def reserve(customers: Customers, program: Program, now: datetime) -> Callable[..., Any]:
    def take(batch: str = "b1", *, pointer: Pointer = ANA, banner: str = "kay",
             known: Any = "read", now: datetime = now, purpose: str = "one_to_one",
             due: datetime | None = None) -> Any:  # fmt: skip
        customer = customers.id_of(PHONE)
        return customers.reserve(
            customer, known=customers.get(customer) if known == "read" else known, phone=PHONE,
            banner=banner, pointer=pointer, batch=batch, purpose=purpose, program=program,
            now=now, due=due,
        )  # fmt: skip

    return take


# ------------------------------------------------------------------ ids and reading
def test_the_id_hides_the_number(customers: Customers, table: Table, who: str) -> None:
    assert len(who) == 40
    assert "5550123" not in who
    assert Customers(table, key="another key").id_of(PHONE) != who
    assert customers.key_of(who) == (f"CUSTOMER#{who}", "CUSTOMER")


def test_nobody(customers: Customers, who: str) -> None:
    assert customers.get(who) is None
    assert customers.get_many([who]) == {}


def test_get_many_is_one_request(
    customers: Customers, consented: str, requests_made: Calls
) -> None:
    found = customers.get_many([consented, "f" * 40])
    assert list(found) == [consented]
    assert found[consented] == customers.get(consented)
    assert [call[1] for call in requests_made] == ["BatchGetItem", "GetItem"]


def test_from_item_is_for_items_read_elsewhere(
    customers: Customers, table: Table, consented: str
) -> None:
    item = table.get(*customers.key_of(consented))
    assert item is not None
    assert customers.from_item(item) == customers.get(consented)


# ------------------------------------------------------------------ bind
def test_bind_makes_the_customer(customers: Customers, who: str, now: datetime) -> None:
    customers.bind(who, phone=PHONE, banner="kay", pointer=ANA, now=now, source="assigned")
    customer = customers.get(who)
    assert customer is not None
    assert customer.bindings == {"kay": Binding(ANA, now, "assigned")}
    assert (customer.phone, customer.rev, customer.created_at) == (PHONE, 1, now)


def test_bindings_are_per_banner_and_the_newest_stands(
    customers: Customers, who: str, now: datetime, requests_made: Calls
) -> None:
    later = now + timedelta(hours=1)
    customers.bind(who, phone=PHONE, banner="kay", pointer=ANA, now=now, source="assigned")
    assert len(requests_made) == 2
    customers.bind(who, phone=PHONE, banner="jared", pointer=ANA, now=now, source="assigned")
    customers.bind(who, phone=PHONE, banner="kay", pointer=BEN, now=later, source="routed")
    assert len(requests_made) == 4
    customer = customers.get(who)
    assert customer is not None
    assert customer.bindings == {
        "kay": Binding(BEN, later, "routed"), "jared": Binding(ANA, now, "assigned"),
    }  # fmt: skip
    assert customer.created_at == now
    assert customer.rev == 3


def test_bind_keeps_consent(customers: Customers, consented: str, now: datetime) -> None:
    before = customers.get(consented)
    customers.bind(consented, phone=PHONE, banner="kay", pointer=ANA, now=now, source="assigned")
    after = customers.get(consented)
    assert before is not None
    assert after is not None
    assert after.consents == before.consents


# ------------------------------------------------------------------ reserve
def test_a_reservation_is_one_small_write(
    customers: Customers, consented: str, reserve: Callable[..., Any], table: Table,
    requests_made: Calls, now: datetime,
) -> None:  # fmt: skip
    known = customers.get(consented)
    requests_made.clear()
    assert reserve(known=known) == Reserved()
    assert [call[1] for call in requests_made] == ["UpdateItem"]
    customer = customers.get(consented)
    assert customer is not None
    assert customer.lease == Lease("kay", "10000002.501", "b1", epoch(now) + 72 * 3600, epoch(now))
    assert customer.sent == (Sent(epoch(now), "b1"),)
    assert customer.bindings == {"kay": Binding(ANA, now, "outreach")}
    assert len(str(table.get(*customers.key_of(consented)))) < 1024


def test_no_consent_no_write(reserve: Callable[..., Any], requests_made: Calls) -> None:
    assert reserve(known=None) == Blocked("no_consent")
    assert requests_made == []


def test_weak_consent_and_other_banner(consented: str, reserve: Callable[..., Any]) -> None:
    assert reserve(purpose="marketing") == Blocked("consent_too_weak")
    assert reserve(banner="jared") == Blocked("no_consent")


def test_the_same_batch_again_writes_nothing(
    customers: Customers, consented: str, reserve: Callable[..., Any], requests_made: Calls
) -> None:
    assert reserve() == Reserved()
    known = customers.get(consented)
    requests_made.clear()
    assert reserve(known=known) == Reserved()
    assert requests_made == []


def test_one_lease_over_all_banners(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime
) -> None:
    consent(customers, now, banner="zales")
    assert reserve() == Reserved()
    held = Blocked("held", now + timedelta(hours=72))
    assert reserve("b2", pointer=BEN, banner="zales") == held
    assert reserve("b2", pointer=BEN) == held
    much_later = now + timedelta(hours=72)
    assert reserve("b2", pointer=BEN, banner="zales", now=much_later) == Reserved()


def test_the_cap(consented: str, reserve: Callable[..., Any], now: datetime) -> None:
    for batch in ("b1", "b2", "b3"):
        assert reserve(batch) == Reserved()
    assert reserve("b4") == Blocked("customer_cap", now + timedelta(hours=24))


def test_a_stale_view_decides_again_on_the_new_one(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime
) -> None:
    stale = customers.get(consented)
    customers.opt_out(consented, banner="kay", scope="all", how="text", words="STOP", now=now)
    assert reserve(known=stale) == Blocked("opted_out")
    customer = customers.get(consented)
    assert customer is not None
    assert customer.lease is None


def test_a_stale_view_that_still_holds_is_stored(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime
) -> None:
    stale = customers.get(consented)
    customers.bind(consented, phone=PHONE, banner="jared", pointer=BEN, now=now, source="routed")
    assert reserve(known=stale) == Reserved()
    customer = customers.get(consented)
    assert customer is not None
    assert set(customer.bindings) == {"kay", "jared"}


def test_a_customer_who_vanished_has_no_consent(
    customers: Customers, consented: str, reserve: Callable[..., Any], table: Table
) -> None:
    stale = customers.get(consented)
    table.delete(*customers.key_of(consented))
    assert reserve(known=stale) == Blocked("no_consent")
    assert customers.get(consented) is None


def test_an_unknown_banner_is_an_error(reserve: Callable[..., Any]) -> None:
    with pytest.raises(BadInputError) as caught:
        reserve(banner="nowhere")
    assert caught.value.public_code == "unknown_banner"


class Restless(Table):
    """A table in which somebody else always was faster."""

    def update(self, pk: str, sk: str, *args: Any, **kwargs: Any) -> Any:
        super().update(pk, sk, "ADD rev :one", values={"one": 1})
        return super().update(pk, sk, *args, **kwargs)

    def transact(self, writes: Any) -> bool:
        return False


def test_three_lost_races_are_busy(
    customers: Customers, consented: str, program: Program, dynamodb: Any, table: Table,
    now: datetime,
) -> None:  # fmt: skip
    restless = Customers(Restless(dynamodb, table.name), key="a key of the stack")
    answer = restless.reserve(
        consented, known=customers.get(consented), phone=PHONE, banner="kay", pointer=ANA,
        batch="b1", purpose="one_to_one", program=program, now=now,
    )  # fmt: skip
    assert answer == Blocked("busy")
    customer = customers.get(consented)
    assert customer is not None
    assert customer.lease is None


def test_release_and_consent_say_so_when_others_keep_writing(
    customers: Customers, consented: str, reserve: Callable[..., Any], dynamodb: Any,
    table: Table, now: datetime,
) -> None:  # fmt: skip
    assert reserve() == Reserved()
    restless = Customers(Restless(dynamodb, table.name), key="a key of the stack")
    with pytest.raises(UnavailableError):
        restless.release(consented, batch="b1", now=now)
    with pytest.raises(UnavailableError):
        consent(restless, now)


def test_bind_says_so_when_the_item_never_holds_still(
    customers: Customers, who: str, dynamodb: Any, table: Table, now: datetime
) -> None:
    class Flickering(Table):
        def update(self, *args: Any, **kwargs: Any) -> Any:
            return Refused(None)

    flickering = Customers(Flickering(dynamodb, table.name), key="a key of the stack")
    with pytest.raises(UnavailableError):
        flickering.bind(who, phone=PHONE, banner="kay", pointer=ANA, now=now, source="routed")
    assert customers.get(who) is None


# ------------------------------------------------------------------ release, end_lease
def test_release_gives_everything_back_but_the_binding(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime,
    requests_made: Calls,
) -> None:  # fmt: skip
    assert reserve() == Reserved()
    requests_made.clear()
    customers.release(consented, batch="b1", now=now)
    assert [call[1] for call in requests_made] == ["GetItem", "UpdateItem"]
    customer = customers.get(consented)
    assert customer is not None
    assert (customer.lease, customer.sent) == (None, ())
    requests_made.clear()
    customers.release(consented, batch="b1", now=now)
    assert [call[1] for call in requests_made] == ["GetItem"]


def test_release_leaves_a_later_batch_alone(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime
) -> None:
    assert reserve("b1") == Reserved()
    later = now + timedelta(minutes=1)
    assert reserve("b2", now=later) == Reserved()
    customers.release(consented, batch="b1", now=later)
    customer = customers.get(consented)
    assert customer is not None
    assert customer.lease is not None
    assert customer.lease.batch == "b2"
    assert customer.sent == (Sent(epoch(later), "b2"),)


def test_release_to_an_expired_text_before_frees(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime
) -> None:
    assert reserve("b1") == Reserved()
    much_later = now + timedelta(hours=71)
    assert reserve("b2", now=much_later) == Reserved()
    customers.release(consented, batch="b2", now=much_later + timedelta(hours=2))
    customer = customers.get(consented)
    assert customer is not None
    assert customer.lease is None


def test_release_of_nobody(customers: Customers, who: str, now: datetime) -> None:
    customers.release(who, batch="b1", now=now)
    assert customers.get(who) is None


def test_end_lease_is_for_its_owner(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime
) -> None:
    assert reserve() == Reserved()
    customers.end_lease(consented, owner_account="10000003", owner_agent="501", now=now)
    assert customers.get(consented).lease is not None  # type: ignore[union-attr]  # it is there
    customers.end_lease(consented, owner_account="10000002", owner_agent="501", now=now)
    customer = customers.get(consented)
    assert customer is not None
    assert customer.lease is None
    assert customer.sent != ()


def test_end_lease_keeps_a_text_that_is_still_to_go(
    customers: Customers, consented: str, reserve: Callable[..., Any], now: datetime,
    requests_made: Calls,
) -> None:  # fmt: skip
    tomorrow = now + timedelta(hours=14)
    assert reserve(due=tomorrow) == Reserved()
    assert reserve("b2") == Reserved()
    held = customers.get(consented)
    requests_made.clear()
    customers.end_lease(consented, owner_account="10000002", owner_agent="501",
                        now=tomorrow - timedelta(seconds=1))  # fmt: skip
    assert [call[1] for call in requests_made] == ["GetItem"]
    assert customers.get(consented) == held
    customers.end_lease(consented, owner_account="10000002", owner_agent="501", now=tomorrow)
    assert customers.get(consented).lease is None  # type: ignore[union-attr]  # it is there


def test_end_lease_of_nobody_makes_nobody(customers: Customers, who: str, now: datetime) -> None:
    customers.end_lease(who, owner_account="1", owner_agent="2", now=now)
    assert customers.get(who) is None


def test_the_number_is_in_no_key(
    customers: Customers, consented: str, reserve: Callable[..., Any], requests_made: Calls
) -> None:
    reserve()
    for _, _, params in requests_made:
        assert "5550123" not in str(params.get("Key", ""))
