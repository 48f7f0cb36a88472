"""Consent and opt-out with their ledger: both or neither, in order, provable."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from instore.adapters.consents import Consents
from instore.adapters.customers import Customers
from instore.adapters.table import Table
from instore.consent import Consent, ConsentClass, may_text
from instore.errors import BadInputError
from instore.model import Phone, iso

PHONE = Phone("+13055550123")


@pytest.fixture
def customers(table: Table) -> Customers:
    return Customers(table, key="a key of the stack")


@pytest.fixture
def ledger(table: Table) -> Consents:
    return Consents(table)


@pytest.fixture
def who(customers: Customers) -> str:
    return customers.id_of(PHONE)


def record(customers: Customers, now: datetime, **changes: Any) -> int:
    usual: dict[str, Any] = {
        "banner": "kay", "consent_class": "one_to_one", "wording": "Yes, text me.",
        "method": "tablet", "evidence": "form-1", "who": "ana@example.com", "at": now,
        "now": now, "country": "US",
    }  # fmt: skip
    return customers.record_consent(PHONE, **{**usual, **changes})


def out(customers: Customers, now: datetime, *, banner: str = "kay", scope: str = "all") -> bool:
    return customers.opt_out(customers.id_of(PHONE), banner=banner, scope=scope, how="text",
                             words="please stop", now=now)  # fmt: skip


def back(customers: Customers, now: datetime, *, banner: str = "kay", scope: str = "all") -> bool:
    return customers.opt_in(customers.id_of(PHONE), banner=banner, scope=scope, how="text",
                            words="START", now=now)  # fmt: skip


def verdict(customers: Customers, now: datetime, *, banner: str = "kay", scope: str = "all") -> Any:
    customer = customers.get(customers.id_of(PHONE))
    return may_text(customer, banner=banner, purpose="one_to_one", scope=scope, now=now)


def test_a_consent_is_in_force_and_in_the_ledger(
    customers: Customers, ledger: Consents, who: str, now: datetime
) -> None:
    at = now - timedelta(days=2)
    assert record(customers, now, at=at, zone="America/Chicago", postal_code="32501") == 1
    customer = customers.get(who)
    assert customer is not None
    assert customer.consents == {"kay": Consent(ConsentClass.ONE_TO_ONE, at, 1)}
    assert (customer.phone, customer.zone, customer.postal_code, customer.rev) == (
        PHONE, "America/Chicago", "32501", 1)  # fmt: skip
    (entry,) = ledger.entries(who)
    assert entry["sk"] == f"CONSENT#{iso(now)}#000001"
    assert {name: entry.get(name) for name in ("n", "at", "recorded_at", "who", "banner", "what",
            "method", "wording", "evidence", "country")} == {
        "n": 1, "at": iso(at), "recorded_at": iso(now), "who": "ana@example.com",
        "banner": "kay", "what": "one_to_one", "method": "tablet", "wording": "Yes, text me.",
        "evidence": "form-1", "country": "US",
    }  # fmt: skip
    assert customer.chain is not None
    assert (customer.chain.n, customer.chain.hash) == (1, entry["hash"])


def test_entries_follow_each_other_and_verify(
    customers: Customers, ledger: Consents, who: str, now: datetime
) -> None:
    assert record(customers, now) == 1
    assert record(customers, now, banner="jared", consent_class=ConsentClass.MARKETING) == 2
    assert out(customers, now)
    assert back(customers, now)
    # A clock that runs behind: the chain goes by number, not by key.
    assert record(customers, now - timedelta(seconds=30)) == 5
    assert [e["what"] for e in ledger.entries(who)] == [
        "one_to_one", "marketing", "revoked", "restored", "one_to_one"]  # fmt: skip
    assert ledger.problems(who) == []


def test_tampering_in_the_table_is_found(
    customers: Customers, ledger: Consents, table: Table, who: str, now: datetime
) -> None:
    for _ in range(3):
        record(customers, now)
    entries = ledger.entries(who)
    table.put({**entries[1], "what": "marketing"})
    assert ledger.problems(who) == ["entry 2 was changed"]
    table.put(entries[1])
    table.delete(entries[2]["pk"], entries[2]["sk"])
    assert ledger.problems(who) == ["the customer's chain ends at 3, the ledger at 2"]


def test_nobody_has_an_intact_ledger(ledger: Consents, who: str) -> None:
    assert ledger.problems(who) == []
    assert ledger.entries(who) == []


def test_an_older_consent_does_not_replace_a_newer_one(
    customers: Customers, who: str, now: datetime
) -> None:
    record(customers, now, consent_class="none")
    assert record(customers, now, at=now - timedelta(days=1)) == 2
    assert verdict(customers, now) == "no_consent"
    assert record(customers, now, at=now) == 3
    assert verdict(customers, now) is None


def test_what_is_not_told_again_is_kept(customers: Customers, who: str, now: datetime) -> None:
    record(customers, now, zone="America/Chicago")
    record(customers, now, postal_code="32501")
    customer = customers.get(who)
    assert customer is not None
    assert (customer.zone, customer.postal_code) == ("America/Chicago", "32501")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"consent_class": "perhaps"}, "bad_consent"), ({"zone": "Mars/Olympus"}, "invalid_zone"),
     ({"at": timedelta(minutes=6)}, "consent_in_future")],
)  # fmt: skip
def test_bad_consent_leaves_nothing(
    customers: Customers, ledger: Consents, who: str, now: datetime, changes: dict[str, Any],
    code: str,
) -> None:  # fmt: skip
    if "at" in changes:
        changes = {"at": now + changes["at"]}
    with pytest.raises(BadInputError) as caught:
        record(customers, now, **changes)
    assert caught.value.public_code == code
    assert customers.get(who) is None
    assert ledger.entries(who) == []


def test_stop_for_everything(
    customers: Customers, ledger: Consents, who: str, now: datetime
) -> None:
    record(customers, now)
    assert out(customers, now)
    assert not out(customers, now)
    assert not out(customers, now, banner="jared", scope="banner")
    assert verdict(customers, now) == "opted_out"
    entry = ledger.entries(who)[-1]
    assert (entry["who"], entry["words"], entry["method"], entry["scope"]) == (
        "customer", "please stop", "text", "all")  # fmt: skip
    assert len(ledger.entries(who)) == 2


def test_stop_for_one_banner(customers: Customers, now: datetime) -> None:
    record(customers, now)
    record(customers, now, banner="jared")
    assert out(customers, now, scope="banner")
    assert not out(customers, now, scope="banner")
    assert verdict(customers, now, scope="banner") == "opted_out"
    assert verdict(customers, now, banner="jared", scope="banner") is None
    assert verdict(customers, now, banner="jared", scope="all") == "opted_out"
    assert out(customers, now, banner="jared", scope="banner")
    assert back(customers, now, scope="banner")
    assert verdict(customers, now, scope="banner") is None
    assert verdict(customers, now, banner="jared", scope="banner") == "opted_out"


def test_stop_before_any_consent_blocks_the_consent(
    customers: Customers, ledger: Consents, who: str, now: datetime
) -> None:
    assert out(customers, now)
    assert record(customers, now, consent_class="marketing") == 2
    assert verdict(customers, now) == "opted_out"
    assert ledger.problems(who) == []


def test_start_restores_what_was_agreed_and_no_more(customers: Customers, now: datetime) -> None:
    assert not back(customers, now)
    out(customers, now)
    assert back(customers, now)
    assert verdict(customers, now) == "no_consent"
    record(customers, now)
    out(customers, now)
    out(customers, now, banner="jared", scope="banner")
    assert back(customers, now)
    assert verdict(customers, now) is None
    assert not back(customers, now)


def test_start_for_one_banner_keeps_the_block_on_the_others(
    customers: Customers, now: datetime
) -> None:
    record(customers, now)
    record(customers, now, banner="jared")
    out(customers, now)
    assert back(customers, now, scope="banner")
    assert verdict(customers, now, scope="banner") is None
    assert verdict(customers, now, banner="jared", scope="banner") == "opted_out"
    assert not back(customers, now, scope="banner")


def test_start_for_one_banner_keeps_the_block_on_banners_yet_to_come(
    customers: Customers, who: str, now: datetime
) -> None:
    out(customers, now)
    assert back(customers, now, scope="banner")
    record(customers, now)
    record(customers, now, banner="jared")
    assert verdict(customers, now, scope="banner") is None
    assert verdict(customers, now, banner="jared", scope="banner") == "opted_out"
    assert verdict(customers, now, scope="all") == "opted_out"
    customer = customers.get(who)
    assert customer is not None
    assert (customer.opted_out, customer.opted_out_except) == (now, frozenset({"kay"}))
    assert back(customers, now, banner="jared", scope="banner")
    assert verdict(customers, now, banner="jared", scope="banner") is None


@pytest.mark.parametrize("scope", ["banner", "all"])
def test_a_second_stop_ends_the_exception(
    customers: Customers, who: str, now: datetime, scope: str
) -> None:
    record(customers, now)
    out(customers, now)
    back(customers, now, scope="banner")
    assert out(customers, now + timedelta(hours=1), scope=scope)
    assert not out(customers, now + timedelta(hours=2), scope=scope)
    assert verdict(customers, now + timedelta(hours=1), scope="banner") == "opted_out"
    customer = customers.get(who)
    assert customer is not None
    assert customer.opted_out_except == frozenset()
    assert back(customers, now + timedelta(hours=2), scope="all")
    assert verdict(customers, now + timedelta(hours=1), scope="banner") is None


def test_customer_and_entry_are_written_together(
    customers: Customers, now: datetime, requests_made: list[tuple[str, str, dict[str, Any]]]
) -> None:
    record(customers, now)
    assert [call[1] for call in requests_made] == ["GetItem", "TransactWriteItems"]
    update, put = requests_made[1][2]["TransactItems"]
    assert update["Update"]["ConditionExpression"] == "attribute_not_exists(pk)"
    assert put["Put"]["ConditionExpression"] == "attribute_not_exists(pk)"
    requests_made.clear()
    out(customers, now)
    assert requests_made[1][2]["TransactItems"][0]["Update"]["ConditionExpression"] == "rev = :rev"
