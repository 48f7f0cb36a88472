"""Customers in the table: one item each, every write conditional on the revision it was decided on.

So a decision (may this customer be reserved, is the cap used up) is only ever stored on the state it
was taken on; a write that comes second is refused with the newer item and decides again on that.
The cost of a reservation is one write of an item below 1 KB.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from ..consent import (
    Binding,
    Blocked,
    ConsentClass,
    Customer,
    Reservation,
    Reserved,
    Revoked,
    lease_owner,
    let_go,
    released,
    reserved,
)
from ..directory import Pointer
from ..errors import BadInputError, UnavailableError
from ..model import Email, Phone, customer_id, epoch, iso
from ..program import Program
from .consents import Consents
from .customer_items import (
    binding_item,
    customer_from,
    customer_key,
    lease_item,
    sent_items,
    store,
)
from .table import Done, Refused, Table

_TRIES = 3


class Customers:
    """Reads, bindings, reservations; consent and opt-out through the ledger (consents.py)."""

    def __init__(self, table: Table, *, key: str) -> None:
        self._table, self._key = table, key.encode()
        self._consents = Consents(table)

    def id_of(self, whose: Phone | Email) -> str:
        """The name of a customer, from the number, under the stack's own key; of whoever gave none,
        from the address."""
        if isinstance(whose, Phone):
            return customer_id(whose, key=self._key)
        return hmac.new(self._key, f"mailto:{whose.folded}".encode(), hashlib.sha256).hexdigest()[
            :40
        ]

    def sealed(self, digest: str) -> str:
        """A digest of something with numbers in it, under the stack's own key: numbers are few
        enough to be found by trying them all, but not without the key. 32 hex characters."""
        return hmac.new(self._key, digest.encode(), hashlib.sha256).hexdigest()[:32]

    def key_of(self, customer: str) -> tuple[str, str]:
        """Where the item is, for joining into somebody else's BatchGetItem."""
        return customer_key(customer)

    def from_item(self, item: Mapping[str, Any]) -> Customer:
        return customer_from(item)

    def get(self, customer: str) -> Customer | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(*self.key_of(customer))
        return customer_from(item) if item else None

    def get_many(self, ids: Iterable[str]) -> dict[str, Customer]:
        """One BatchGetItem per hundred; those without an item are left out."""
        found = self._table.get_many([self.key_of(customer) for customer in ids])
        return {item["id"]: customer_from(item) for item in found.values()}

    def bind(
        self, customer: str, *, phone: Phone, banner: str, pointer: Pointer, now: datetime,
        source: str,
    ) -> None:  # fmt: skip
        """Remember whose customer this is at this banner; the newest binding stands, by `now`. An
        erased customer stays nobody's.

        One write, two for a customer without any binding; creates the item if need be.
        """
        binding = binding_item(Binding(pointer, now, source))
        for _ in range(_TRIES):
            added = self._table.update(
                *customer_key(customer), "SET bindings.#banner = :binding ADD rev :one",
                condition="attribute_exists(bindings) AND (attribute_not_exists(bindings.#banner) "
                          "OR bindings.#banner.#at <= :at)",
                names={"banner": banner, "at": "at"},
                values={"binding": binding, "one": 1, "at": iso(now)},
            )  # fmt: skip
            if isinstance(added, Done) or (added.item and banner in added.item.get("bindings", {})):
                return
            if added.item and "erased_at" in added.item and "back_at" not in added.item:
                return  # a tombstone takes no binding and no number
            first = self._table.update(
                *self.key_of(customer),
                "SET bindings = :bindings, id = :id, phone = :phone, "
                "created_at = if_not_exists(created_at, :now) ADD rev :one",
                condition="attribute_not_exists(bindings) AND "
                          "(attribute_not_exists(erased_at) OR attribute_exists(back_at))",
                values={"bindings": {banner: binding}, "id": customer, "phone": phone.e164,
                        "now": iso(now), "one": 1},
            )  # fmt: skip
            if isinstance(first, Done):
                return
        raise UnavailableError("the customer keeps changing", code="customer_contended")

    def reserve(
        self, customer: str, *, known: Customer | None, phone: Phone, banner: str,
        pointer: Pointer, batch: str, purpose: str, program: Program, now: datetime,
        due: datetime | None = None,
    ) -> Reservation:  # fmt: skip
        """Reserve a customer for a batch: consent, opt-out, lease and cap in one conditional write.

        `known` is the customer as read just before (get_many); `due` when the text is to go, None =
        at once. Lease, counted text and binding
        are stored together. The same batch again is Reserved without a write; a customer without
        an item is Blocked without one. Never raises for losing a race: that is Blocked `busy`.
        """
        settings = program.banner(banner)
        if settings is None:
            raise BadInputError("no such banner", code="unknown_banner")
        for _ in range(_TRIES):
            answer = reserved(
                known, banner=banner, owner=lease_owner(pointer.account, pointer.agent_id),
                batch=batch, purpose=purpose, scope=program.consent.opt_out_scope,
                limits=settings.outreach, now=now, due=due,
            )  # fmt: skip
            if isinstance(answer, Reserved | Blocked):
                return answer
            bindings = {**answer.bindings, banner: Binding(pointer, now, "outreach")}
            changes = {
                "lease": lease_item(answer.lease), "sent": sent_items(answer.sent),
                "bindings": {name: binding_item(b) for name, b in bindings.items()},
                "phone": phone.e164,
            }  # fmt: skip
            stored = store(self._table, customer, changes=changes, rev=answer.rev)
            if isinstance(stored, Done):
                return Reserved()
            known = customer_from(stored.item) if stored.item else None
        return Blocked("busy")

    def release(self, customer: str, *, batch: str, now: datetime) -> None:
        """Give back lease and count for a text that was certainly not sent. Doing it twice, or
        for a batch that has nothing, changes nothing. One read, one write if there is need."""
        self._free(customer, lambda known: released(known, batch=batch), now=now)

    def _free(
        self, customer: str, freeing: Callable[[Customer], Customer], *, now: datetime
    ) -> None:
        known = self.get(customer)
        for _ in range(_TRIES):
            if known is None:
                return
            freed = freeing(known)
            if freed == known:
                return
            lease = freed.lease
            if lease is not None and lease.until <= epoch(now):
                lease = None
            changes = {"lease": lease_item(lease), "sent": sent_items(freed.sent)}
            stored = store(self._table, customer, changes=changes, rev=known.rev)
            if isinstance(stored, Done):
                return
            known = customer_from(stored.item) if stored.item else None
        raise UnavailableError("the customer keeps changing", code="customer_contended")

    def end_lease(
        self, customer: str, *, owner_account: str, owner_agent: str, now: datetime
    ) -> None:
        """The conversation is over: the customer is free, if this associate has them and has no
        text for them that is still to go. One read, one write if there is need."""
        owner = lease_owner(owner_account, owner_agent)
        self._free(customer, lambda known: let_go(known, owner=owner, now=now), now=now)

    def record_consent(
        self, phone: Phone, *, banner: str, consent_class: ConsentClass | str, wording: str,
        method: str, evidence: str, who: str, at: datetime, now: datetime, country: str,
        zone: str | None = None, postal_code: str | None = None,
    ) -> int:  # fmt: skip
        """Append a consent given at `at` to the ledger and put it in force; returns its number.

        An older consent than the one in force is kept in the ledger only. An opt-out is not
        lifted, and an erased customer stays erased: that takes the customer's own START. Raises
        BadInputError (bad_consent, consent_in_future, invalid_zone) and UnavailableError.
        """
        return self._consents.record(
            self.id_of(phone), phone=phone, banner=banner, consent_class=consent_class,
            wording=wording, method=method, evidence=evidence, who=who, at=at, now=now,
            country=country, zone=zone, postal_code=postal_code,
        )  # fmt: skip

    def opt_out(
        self, customer: str, *, banner: str, scope: str, how: str, words: str, now: datetime,
        who: str = "customer", evidence: str = "", at: datetime | None = None,
    ) -> bool:  # fmt: skip
        """Block this customer, for all banners or (`scope` banner) this one. False: already was.

        `who` entered it: the customer, or the login of an associate who was told. `evidence`: where
        it can be looked up. `at`: when it was said, if not `now`.

        Works for a customer never seen before: the block is there before any consent. Nothing is
        said to the customer here: the one confirmation stays owed.
        """
        return self._consents.revoke(
            customer, banner=banner, scope=scope, how=how, words=words, now=now, who=who,
            evidence=evidence, at=at,
        ).new  # fmt: skip

    def hear_stop(
        self, customer: str, *, banner: str, scope: str, how: str, words: str, evidence: str,
        event: str, now: datetime, at: datetime | None = None,
    ) -> Revoked:  # fmt: skip
        """Block as `opt_out` does, where an answer can be given: the answer says whether this
        `event` is the one to confirm it. The same event again is told the same.

        One read and one transaction; of who was out already, one write, or two for a newer STOP.
        """
        return self._consents.revoke(
            customer, banner=banner, scope=scope, how=how, words=words, now=now, who="customer",
            evidence=evidence, event=event, at=at,
        )  # fmt: skip

    def opt_in(
        self, customer: str, *, banner: str, scope: str, how: str, words: str, now: datetime,
        evidence: str = "", at: datetime | None = None,
    ) -> bool:  # fmt: skip
        """Lift the block on the customer's own word, said `at` (`now` unless given). False: there
        was none, or a STOP or an erasure is newer than that word, which came late or again.
        Consent is not made by it: who never agreed still cannot be texted."""
        return self._consents.restore(customer, banner=banner, scope=scope, how=how, words=words,
                                      now=now, evidence=evidence, at=at)  # fmt: skip

    def mark_unreachable(self, customer: str, *, reason: str, now: datetime) -> None:
        """Remember that the carrier says that this number takes no texts: nobody texts it. A
        tombstone remembers nothing. One write; creates the item if need be."""
        self._table.update(
            *customer_key(customer),
            "SET unreachable = if_not_exists(unreachable, :told), id = :id, "
            "created_at = if_not_exists(created_at, :now) ADD rev :one",
            condition="attribute_not_exists(erased_at) OR attribute_exists(back_at)",
            values={"told": {"reason": reason, "at": iso(now)}, "id": customer, "now": iso(now),
                    "one": 1},
        )  # fmt: skip

    def note_text_from(self, customer: str) -> Customer | None:
        """`clear_unreachable`: who texts can be texted; and the customer as stored. One write."""
        written = self._reachable(customer, returns="ALL_NEW")
        return customer_from(written.item) if written.item else None

    def clear_unreachable(self, customer: str) -> bool:
        """The number does take texts. False: nobody said otherwise. One write."""
        return isinstance(self._reachable(customer), Done)

    def _reachable(self, customer: str, *, returns: str = "NONE") -> Done | Refused:
        return self._table.update(
            *customer_key(customer), "REMOVE unreachable ADD rev :one", returns=returns,
            condition="attribute_exists(unreachable)", values={"one": 1},
        )  # fmt: skip
