"""An export shows all the table holds, a ledger that was tampered with included (I10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.outreach_rig import ACCOUNT, Rig, phone
from tests.privacy_rig import (
    ANA,
    FORM,
    consent,
    converse,
    desk,
    entries,
    erase,
    everything,
    export,
    item_of,
    name_of,
    text,
    verifies,
)

from instore.adapters.customers import Customers
from instore.adapters.table import Table, decode


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def change(rig: Rig, entry: dict[str, Any], expression: str, **values: Any) -> None:
    rig.table.update(entry["pk"], entry["sk"], expression, condition="attribute_exists(pk)",
                     values=values)  # fmt: skip


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list | set | frozenset | tuple):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


# What says nothing of the customer: keys, bookkeeping of the table, the receipt's short form.
BOOKKEEPING = {"pk", "sk", "rev", "due_shard", "due_at", "expires_at", "receipt", "lease", "sent",
               "chain", "stop_confirmed"}  # fmt: skip


def test_whatever_is_stored_of_a_customer_is_in_the_export(rig: Rig) -> None:
    consent(rig)
    text(rig)
    converse(rig)
    key = f"CONVERSATION#{ACCOUNT}#c-1"
    rig.table.update(key, "CONVERSATION", "SET notice = :notice, waiting_since = :since",
                     condition="attribute_exists(pk)",
                     values={"notice": {"state": "sent", "at": "2026-11-18T17:05:00.000Z"},
                             "since": "2026-11-18T17:04:00.000Z"})  # fmt: skip
    Customers(rig.table, key="another").opt_out(
        name_of(rig), banner="kay", scope="all", how="told", words="no more", now=rig.clock.now(),
    )  # fmt: skip
    shown = {str(leaf) for leaf in leaves(export(rig))}
    missing = {}
    for raw in everything(rig):
        item = decode(raw)
        if item["pk"] not in (f"CUSTOMER#{name_of(rig)}", key):
            continue
        for name, value in item.items():
            gone = [leaf for leaf in leaves(value) if str(leaf) not in shown]
            if name not in BOOKKEEPING and gone:
                missing[name] = gone
    assert missing == {}


def test_a_text_still_to_go_is_shown_with_number_words_and_place(rig: Rig) -> None:
    consent(rig)
    text(rig)
    (row,) = export(rig)["texts"]
    assert (row["phone"], row["variables"], row["postal_code"]) == (
        ANA, ["Anastasia", "Kay"], "10704")  # fmt: skip


def test_a_ledger_whose_customer_is_gone_does_not_verify(rig: Rig) -> None:
    consent(rig)
    rig.table.delete(f"CUSTOMER#{name_of(rig)}", "CUSTOMER")
    assert not verifies(rig)
    ledger = export(rig)["ledger"]
    assert (ledger["verified"], ledger["problems"]) == (
        False, ["the customer's chain is missing, the ledger ends at 1"])  # fmt: skip


def test_the_reason_of_an_erasure_cannot_be_taken_away(rig: Rig) -> None:
    consent(rig)
    erase(rig)
    assert verifies(rig)
    change(rig, entries(rig)[-1], "SET erased = :yes REMOVE evidence, salt", yes=True)
    assert export(rig)["ledger"]["problems"] == ["the words of entry 2 were changed"]


def test_entries_in_no_shape_of_ours_are_shown_and_said_to_be_wrong(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    consent(rig)
    change(rig, entries(rig)[0], "SET note = :note", note=f"see {FORM}")
    rig.table.put({"pk": f"CUSTOMER#{name_of(rig)}", "sk": "CONSENT#9", "what": "marketing"})
    capsys.readouterr()
    ledger = export(rig)["ledger"]
    assert (ledger["verified"], ledger["entries"]) == (False, [])
    assert [entry.get("note") for entry in ledger["not_ours"]] == [None, f"see {FORM}"]
    assert FORM not in capsys.readouterr().out
    assert erase(rig)[0] == 200
    assert item_of(rig)["chain"]["n"] == 2


@pytest.mark.parametrize(
    ("number", "reason"),
    [(ANA, "".join(chr(0xFF10 + int(c)) for c in phone(0)[2:])), (ANA, "٢١٢ ٥٥٥ ٠١٠٠"),
     ("+447700900123", "asked from 07700 900123"), ("+447700900123", "+44 7700 900 123")],
)  # fmt: skip
def test_a_reason_must_not_hold_the_number_however_it_is_written(
    rig: Rig, number: str, reason: str
) -> None:
    status, body = desk(rig, "erase", {"phone": number, "reason": reason})
    assert (status, body["code"]) == (400, "reason_names_number")
    assert [item for item in everything(rig) if "CUSTOMER" in json.dumps(item["pk"])] == []


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_reason_says_something(rig: Rig, reason: str) -> None:
    status, body = desk(rig, "erase", {"phone": ANA, "reason": reason})
    assert (status, body["details"][0]["where"]) == (400, "reason")
