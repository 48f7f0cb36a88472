"""The customer item and its parts, as values and back (docs/data-model.md, customer)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from ..consent import Binding, Chain, Consent, ConsentClass, Customer, Erasing, Lease, Sent
from ..directory import Pointer
from ..model import Phone, from_iso, iso
from .table import Done, Item, Refused, Table

SK = "CUSTOMER"


def customer_key(customer: str) -> tuple[str, str]:
    """pk and sk of a customer's item."""
    return f"CUSTOMER#{customer}", SK


def customer_from(item: Mapping[str, Any]) -> Customer:
    """The customer item as a value."""
    lease, chain, erasing = item.get("lease"), item.get("chain"), item.get("erasing")
    return Customer(
        id=item["id"],
        phone=Phone(item["phone"]) if item.get("phone") else None,
        rev=item["rev"],
        consents={
            banner: Consent(ConsentClass(c["class"]), from_iso(c["at"]), c["entry"])
            for banner, c in item.get("consents", {}).items()
        },
        opted_out=_optional(item.get("opted_out"), read=from_iso),
        opted_out_except=frozenset(item.get("opted_out_except", ())),
        opted_out_of=frozenset(item.get("opted_out_of", ())),
        lease=Lease(lease["banner"], lease["owner"], lease["batch"], lease["until"],
                    lease["since"]) if lease else None,
        sent=tuple(Sent(*one) for one in item.get("sent", ())),
        bindings={
            banner: Binding(Pointer(b["account"], b["group"], b["agent"]), from_iso(b["at"]),
                            b["source"])
            for banner, b in item.get("bindings", {}).items()
        },
        zone=item.get("zone"),
        postal_code=item.get("postal_code"),
        chain=Chain(chain["n"], chain["hash"]) if chain else None,
        created_at=_optional(item.get("created_at"), read=from_iso),
        erased_at=_optional(item.get("erased_at"), read=from_iso),
        erased_entry=item.get("erased_entry"),
        back_at=_optional(item.get("back_at"), read=from_iso),
        stopped_at=_optional(item.get("stopped_at"), read=from_iso),
        erasing=Erasing(from_iso(erasing["at"]), tuple(erasing["batches"])) if erasing else None,
    )  # fmt: skip


def _optional(text: str | None, *, read: Callable[[str], datetime]) -> datetime | None:
    return read(text) if text else None


def consent_item(consent: Consent) -> Item:
    return {"class": consent.consent_class.value, "at": iso(consent.at), "entry": consent.entry}


def lease_item(lease: Lease | None) -> Item | None:
    if lease is None:
        return None
    return {"banner": lease.banner, "owner": lease.owner, "batch": lease.batch,
            "until": lease.until, "since": lease.since}  # fmt: skip


def sent_items(sent: Iterable[Sent]) -> list[list[int | str]]:
    return [[one.at, one.batch, *([one.banner] if one.banner else [])] for one in sent]


def binding_item(binding: Binding) -> Item:
    pointer = binding.pointer
    return {"account": pointer.account, "group": pointer.group, "agent": pointer.agent_id,
            "at": iso(binding.at), "source": binding.source}  # fmt: skip


def changed(changes: Mapping[str, Any], *, rev: int) -> dict[str, Any]:
    """Expression, names and values that set these attributes (None = remove) on the next `rev`."""
    sets = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
    gone = [f"#{name}" for name, value in changes.items() if value is None]
    expression = "SET " + ", ".join([*sets, "rev = :next"])
    if gone:
        expression += " REMOVE " + ", ".join(gone)
    values = {name: value for name, value in changes.items() if value is not None}
    return {"expression": expression, "names": {name: name for name in changes},
            "values": {**values, "rev": rev, "next": rev + 1}}  # fmt: skip


def store(table: Table, customer: str, *, changes: Mapping[str, Any], rev: int) -> Done | Refused:
    """Write on the revision read; Refused carries the customer as it is now."""
    return table.update(*customer_key(customer), condition="rev = :rev",
                        **changed(changes, rev=rev))  # fmt: skip
