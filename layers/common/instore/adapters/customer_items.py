"""The customer item and its parts, as values and back (docs/data-model.md, customer)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..consent import Binding, Chain, Consent, ConsentClass, Customer, Erasing, Lease, Sent
from ..deflected import deflected_from
from ..directory import pointer_from, pointer_item
from ..model import Phone, from_iso, iso
from .table import Done, Item, Refused, Table, setting

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
        opted_out=_maybe(item, "opted_out"),
        opted_out_except=frozenset(item.get("opted_out_except", ())),
        opted_out_of=frozenset(item.get("opted_out_of", ())),
        lease=Lease(lease["banner"], lease["owner"], lease["batch"], lease["until"],
                    lease["since"]) if lease else None,
        sent=tuple(Sent(*one) for one in item.get("sent", ())),
        bindings={
            banner: Binding(pointer_from(b), from_iso(b["at"]), b["source"])
            for banner, b in item.get("bindings", {}).items()
        },
        zone=item.get("zone"),
        postal_code=item.get("postal_code"),
        chain=Chain(chain["n"], chain["hash"]) if chain else None,
        created_at=_maybe(item, "created_at"),
        erased_at=_maybe(item, "erased_at"),
        erased_entry=item.get("erased_entry"),
        back_at=_maybe(item, "back_at"),
        stopped_at=_maybe(item, "stopped_at"),
        erasing=Erasing(from_iso(erasing["at"]), tuple(erasing["batches"])) if erasing else None,
        unreachable=item.get("unreachable", {}).get("reason"),
        deflected={banner: deflected_from(d) for banner, d in item.get("deflected", {}).items()},
        asked=tuple(item.get("asked", ())),
    )  # fmt: skip


def _maybe(item: Mapping[str, Any], name: str) -> datetime | None:
    return from_iso(item[name]) if item.get(name) else None


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
    return {**pointer_item(binding.pointer), "at": iso(binding.at), "source": binding.source}


def changed(changes: Mapping[str, Any], *, rev: int) -> dict[str, Any]:
    """Expression, names and values that set these attributes (None = remove) on the next `rev`."""
    update = setting({**changes, "next": rev + 1})
    update["names"]["next"] = "rev"
    update["values"]["rev"] = rev  # what the condition compares
    return update


def store(table: Table, customer: str, *, changes: Mapping[str, Any], rev: int) -> Done | Refused:
    """Write on the revision read; Refused carries the customer as it is now."""
    return table.update(*customer_key(customer), condition="rev = :rev",
                        **changed(changes, rev=rev))  # fmt: skip
