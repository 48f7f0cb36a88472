"""The consent ledger in the table: customer and entry change together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..consent import ConsentClass, Customer
from ..consent_ledger import new_entry, verify_chain
from ..errors import BadInputError, UnavailableError
from ..model import Phone, iso
from ..wall_clock import find_zone
from .customer_items import changed, consent_item, customer_from, customer_key
from .table import Item, Table

_TRIES = 3
_CLOCK_SKEW = timedelta(minutes=5)

# What an entry does to the customer: attributes to set (None = remove), or nothing to record.
_Changes = Callable[[Customer], Mapping[str, Any] | None]


class Consents:
    """Appends entries; reads and verifies them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(
        self, customer: str, *, phone: Phone, banner: str, consent_class: ConsentClass | str,
        wording: str, method: str, evidence: str, who: str, at: datetime, now: datetime,
        country: str, zone: str | None, postal_code: str | None,
    ) -> int:  # fmt: skip
        """See Customers.record_consent."""
        try:
            agreed = ConsentClass(consent_class)
        except ValueError as error:
            raise BadInputError("no such consent class", code="bad_consent") from error
        if at > now + _CLOCK_SKEW:
            raise BadInputError("consent dated in the future", code="consent_in_future")
        if zone is not None and find_zone(zone) is None:
            raise BadInputError("not an IANA time zone", code="invalid_zone")
        n = 0

        def changes(known: Customer) -> Mapping[str, Any]:
            nonlocal n
            n = known.chain.n + 1 if known.chain else 1
            in_force = known.consents.get(banner)
            newest = in_force is None or in_force.at <= at
            consents = {name: consent_item(c) for name, c in known.consents.items()}
            if newest:
                consents[banner] = {"class": agreed.value, "at": iso(at), "entry": n}
            told = {"zone": zone, "postal_code": postal_code}
            return {"consents": consents, "phone": phone.e164,
                    **{name: text for name, text in told.items() if text}}  # fmt: skip

        self._append(customer, changes=changes, now=now, at=iso(at), who=who, banner=banner,
                     what=agreed.value, method=method, wording=wording, evidence=evidence,
                     country=country)  # fmt: skip
        return n

    def revoke(
        self, customer: str, *, banner: str, scope: str, how: str, words: str, now: datetime,
        who: str,
    ) -> bool:  # fmt: skip
        """See Customers.opt_out."""

        def changes(known: Customer) -> Mapping[str, Any] | None:
            if scope == "all":
                whole = known.opted_out is not None and not known.opted_out_except
                return None if whole else {"opted_out": iso(now), "opted_out_except": None}
            if known.is_out_of(banner):
                return None
            if known.opted_out is not None:
                return {"opted_out_except": (known.opted_out_except - {banner}) or None}
            return {"opted_out_of": known.opted_out_of | {banner}}

        return self._append(customer, changes=changes, now=now, at=iso(now), who=who,
                            banner=banner, what="revoked", method=how, words=words,
                            scope=scope)  # fmt: skip

    def restore(
        self, customer: str, *, banner: str, scope: str, how: str, words: str, now: datetime
    ) -> bool:
        """See Customers.opt_in."""

        def changes(known: Customer) -> Mapping[str, Any] | None:
            out_of = known.opted_out_of
            if scope == "all":
                lifted = {"opted_out": None, "opted_out_except": None, "opted_out_of": None}
                return lifted if known.opted_out or out_of else None
            if not known.is_out_of(banner):
                return None
            # A block on everything, lifted for one banner, stays for the others, those to come too.
            but = known.opted_out_except | {banner} if known.opted_out else None
            return {"opted_out_except": but, "opted_out_of": (out_of - {banner}) or None}

        return self._append(customer, changes=changes, now=now, at=iso(now), who="customer",
                            banner=banner, what="restored", method=how, words=words,
                            scope=scope)  # fmt: skip

    def entries(self, customer: str) -> list[Item]:
        """All entries of a customer in the order of the chain."""
        found = self._table.query(customer_key(customer)[0], sk_prefix="CONSENT#")
        return sorted(found, key=lambda entry: int(entry["n"]))

    def problems(self, customer: str) -> list[str]:
        """What is wrong with a customer's ledger; empty = it verifies up to its head."""
        item = self._table.get(*customer_key(customer))
        head = customer_from(item).chain if item else None
        return verify_chain(self.entries(customer), head=head)

    def _append(self, customer: str, *, changes: _Changes, now: datetime, **facts: Any) -> bool:
        """Read, decide, and write customer and entry in one transaction on the revision read."""
        for _ in range(_TRIES):
            item = self._table.get(*customer_key(customer))
            known = customer_from(item) if item else Customer(customer)
            change = changes(known)
            if change is None:
                return False
            entry = new_entry(known.chain, recorded_at=iso(now), **facts)
            created = {} if item else {"id": customer, "created_at": iso(now)}
            head = {"chain": {"n": entry["n"], "hash": entry["hash"]}}
            update = changed({**change, **created, **head}, rev=known.rev)
            if not item:
                update["values"].pop("rev")
            if self._table.transact([
                self._table.update_action(
                    *customer_key(customer), **update,
                    condition="rev = :rev" if item else "attribute_not_exists(pk)",
                ),
                self._table.put_action(
                    {"pk": customer_key(customer)[0],
                     "sk": f"CONSENT#{iso(now)}#{entry['n']:06d}", **entry},
                    condition="attribute_not_exists(pk)",
                ),
            ]):  # fmt: skip
                return True
        raise UnavailableError("the customer keeps changing", code="customer_contended")
