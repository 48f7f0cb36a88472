"""What an erasure does to single items: tombstone, entries, conversations, the due entry."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from instore.adapters.consents import Consents
from instore.adapters.customers import Customers
from instore.adapters.erasures import Erasures
from instore.adapters.table import Table
from instore.consent import Customer, Erasing
from instore.errors import UnavailableError
from instore.model import Phone, due_shard, epoch, iso

WHO = "a" * 40
AGAIN = timedelta(minutes=5)


@pytest.fixture
def erasures(table: Table) -> Erasures:
    return Erasures(table)


def begin(erasures: Erasures, now: datetime) -> Customer:
    return erasures.begin(WHO, reason="request 7", who="desk", now=now, due_at=now + AGAIN)


def known(table: Table, **more: Any) -> None:
    table.put({"pk": f"CUSTOMER#{WHO}", "sk": "CUSTOMER", "id": WHO, "rev": 3, **more})


def test_the_tombstone_has_nothing_but_these(
    table: Table, erasures: Erasures, now: datetime
) -> None:
    known(table, phone="+12125550100", zone="America/New_York", postal_code="10704",
          consents={"kay": {"class": "marketing", "at": iso(now), "entry": 1}},
          bindings={"kay": {"account": "1", "group": "2", "agent": "3", "at": iso(now), "source": "x"}},
          lease={"banner": "kay", "owner": "1.2", "batch": "b2",
                                       "until": epoch(now) + 60, "since": 1},
          sent=[[1, "b1"], [2, "b2"], [1, "b1"]], opted_out_of={"kay"}, opted_out_except={"jared"},
          opted_out=iso(now - AGAIN), stop_confirmed="owed", back_at=iso(now),
          created_at=iso(now - AGAIN))  # fmt: skip
    customer = begin(erasures, now)
    item = table.get(f"CUSTOMER#{WHO}", "CUSTOMER") or {}
    (entry,) = Consents(table).entries(WHO)
    assert item == {
        "pk": f"CUSTOMER#{WHO}", "sk": "CUSTOMER", "id": WHO, "rev": 4,
        "created_at": iso(now - AGAIN), "opted_out": iso(now), "erased_at": iso(now),
        "erased_entry": 1, "erasing": {"at": iso(now), "batches": ["b1", "b2"]},
        "chain": {"n": 1, "hash": entry["hash"]}, "due_shard": due_shard(WHO),
        "due_at": epoch(now + AGAIN),
    }  # fmt: skip
    assert customer.is_erased
    assert customer.erasing == Erasing(now, ("b1", "b2"))


def test_asked_again_it_reaches_further_and_forgets_no_batch(
    table: Table, erasures: Erasures, now: datetime
) -> None:
    known(table, sent=[[1, "b1"]])
    begin(erasures, now)
    later = now + timedelta(minutes=2)
    customer = begin(erasures, later)
    assert customer.erased_at == now
    assert customer.erasing == Erasing(later, ("b1",))
    assert (table.get(f"CUSTOMER#{WHO}", "CUSTOMER") or {})["due_at"] == epoch(later + AGAIN)
    assert begin(erasures, now).erasing == Erasing(later, ("b1",))  # an older request comes late
    assert len(Consents(table).entries(WHO)) == 1


def test_an_erasure_ends_and_begins_again(table: Table, erasures: Erasures, now: datetime) -> None:
    first = begin(erasures, now)
    assert erasures.end(first)
    assert not erasures.end(first)  # the customer has changed since
    item = table.get(f"CUSTOMER#{WHO}", "CUSTOMER") or {}
    assert not item.keys() & {"erasing", "due_shard", "due_at"}
    again = begin(erasures, now + AGAIN)
    assert again.erasing == Erasing(now + AGAIN, ())
    assert erasures.look_again(again, due_at=now + 3 * AGAIN)
    assert (table.get(f"CUSTOMER#{WHO}", "CUSTOMER") or {})["due_at"] == epoch(now + 3 * AGAIN)
    assert [e["what"] for e in Consents(table).entries(WHO)] == ["erased"]


def test_entries_of_after_the_erasure_keep_their_words(
    table: Table, erasures: Erasures, now: datetime
) -> None:
    customers, phone = Customers(table, key="k"), Phone("+12125550100")
    name = customers.id_of(phone)

    def consent(minutes: int) -> None:
        at = now + timedelta(minutes=minutes)
        customers.record_consent(phone, banner="kay", consent_class="marketing", wording="Yes.",
                                 method="tablet", evidence="form", who="ana", at=at, now=at,
                                 country="US")  # fmt: skip

    consent(0)
    consent(1)
    at = now + timedelta(minutes=2)
    erasures.begin(name, reason="request 7", who="desk", now=at, due_at=at)
    consent(3)
    assert erasures.empty_ledger(name) == 2
    assert erasures.empty_ledger(name) == 0
    assert [("wording" in e, e.get("erased"), e.get("evidence")) for e in
            Consents(table).entries(name)] == [
        (False, True, None), (False, True, None), (False, None, "request 7"),
        (True, None, "form")]  # fmt: skip
    assert Consents(table).problems(name) == []


def test_a_conversation_is_emptied_once_and_its_turn_moves_on(
    table: Table, erasures: Erasures, now: datetime
) -> None:
    for name, at in (("c-2", now), ("c-1", now - AGAIN)):
        table.put({
            "pk": f"CONVERSATION#1#{name}", "sk": "CONVERSATION", "customer": WHO, "turn": 3,
            "phone": "+12125550100", "consumer": "x", "attributes": {"a": "b"}, "answer": "{}",
            "receipt": "{}", "created_at": iso(at),
        })  # fmt: skip
    table.put({"pk": "CONVERSATION#1#c-3", "sk": "CONVERSATION", "customer": "b" * 40,
               "created_at": iso(now)})  # fmt: skip
    first, second = erasures.conversations(WHO)
    assert (first["pk"], second["pk"]) == ("CONVERSATION#1#c-1", "CONVERSATION#1#c-2")
    assert erasures.empty_conversation(first)
    stored = table.get(first["pk"], "CONVERSATION") or {}
    assert stored == {"pk": first["pk"], "sk": "CONVERSATION", "customer": WHO, "turn": 4,
                      "receipt": "{}", "created_at": iso(now - AGAIN)}  # fmt: skip
    assert not erasures.empty_conversation(stored)
    assert (table.get(first["pk"], "CONVERSATION") or {})["turn"] == 4
    table.delete(second["pk"], "CONVERSATION")
    erasures.empty_conversation(second)
    assert table.get(second["pk"], "CONVERSATION") is None
    assert erasures.conversations("nobody") == []


def test_a_customer_who_keeps_changing_is_said_so(
    table: Table, dynamodb: Any, now: datetime
) -> None:
    class Restless(Table):
        """Somebody else is always faster: once begun, every further write is refused."""

        def update(self, pk: str, sk: str, *args: Any, **kwargs: Any) -> Any:
            super().update(pk, sk, "ADD rev :one", values={"one": 1})
            return super().update(pk, sk, *args, **kwargs)

    begin(Erasures(table), now)
    with pytest.raises(UnavailableError) as caught:
        begin(Erasures(Restless(dynamodb, table.name)), now + AGAIN)
    assert caught.value.public_code == "customer_contended"


def test_a_number_back_in_the_meantime_is_not_lost(
    table: Table, erasures: Erasures, dynamodb: Any, now: datetime
) -> None:
    """A START right between the two steps of beginning: theirs is the newer word."""

    class Between(Table):
        def transact(self, writes: Any) -> bool:
            done = super().transact(writes)
            Consents(Table(dynamodb, table.name)).restore(
                WHO, banner="kay", scope="all", how="text", words="START",
                now=now + timedelta(seconds=1),
            )  # fmt: skip
            return done

    customer = begin(Erasures(Between(dynamodb, table.name)), now)
    assert not customer.is_erased
    assert customer.erasing == Erasing(now, ())
