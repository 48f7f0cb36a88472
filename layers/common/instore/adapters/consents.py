"""The consent ledger in the table: customer and entry change together or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..consent import ConsentClass, Customer, Revoked
from ..consent_ledger import ERASED, PERSONAL, new_entry, nothing_to_take, verify_ledger
from ..errors import BadInputError, UnavailableError
from ..model import Phone, due_shard, epoch, iso
from ..wall_clock import find_zone
from .customer_items import changed, consent_item, customer_from, customer_key
from .table import Done, Item, Table

_TRIES = 3
_CLOCK_SKEW = timedelta(minutes=5)
_OWED = "owed"  # recorded where nothing can be said: the confirmation is still to be given

# What an entry does to the customer: attributes to set (None = remove), or nothing to record.
_Changes = Callable[[Customer], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Along:
    """What is written with an entry of the ledger, together or not at all: writes of a transaction
    by the entry's number, and attributes of the customer. `is_done`: whether somebody else has
    written it meanwhile, so that the entry is theirs, too."""

    writes: Callable[[int], Sequence[Mapping[str, Any]]]
    changes: Callable[[Customer], Mapping[str, Any]]
    is_done: Callable[[], bool]


class Consents:
    """Appends entries; reads and verifies them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(
        self, customer: str, *, phone: Phone, banner: str, consent_class: ConsentClass | str,
        wording: str, method: str, evidence: str, who: str, at: datetime, now: datetime,
        country: str, zone: str | None = None, postal_code: str | None = None,
        along: Along | None = None,
    ) -> int:  # fmt: skip
        """See Customers.record_consent; 0 = `along` was done by somebody else."""
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
            if along is not None and in_force is not None:
                # Asking for one text takes nothing back of what was agreed to before.
                newest = newest and not in_force.consent_class.allows(agreed)
            if known.erased_at is not None and iso(at) <= iso(known.erased_at):
                newest = False  # agreed to before the erasure: kept in the ledger only
            consents = {name: consent_item(c) for name, c in known.consents.items()}
            if newest:
                consents[banner] = {"class": agreed.value, "at": iso(at), "entry": n}
            told = {"phone": phone.e164, "zone": zone, "postal_code": postal_code}
            if known.is_erased:
                told = {}  # an associate's entry brings nothing personal back, and lifts nothing
            also = along.changes(known) if along else {}
            return {"consents": consents, **{name: text for name, text in told.items() if text},
                    **also}  # fmt: skip

        new = self._append(customer, changes=changes, now=now, at=iso(at), who=who, banner=banner,
                           what=agreed.value, method=method, wording=wording, evidence=evidence,
                           country=country, along=along)  # fmt: skip
        return n if new else 0

    def revoke(
        self, customer: str, *, banner: str, scope: str, how: str, words: str, now: datetime,
        who: str, evidence: str = "", at: datetime | None = None, event: str | None = None,
    ) -> Revoked:  # fmt: skip
        """See Customers.opt_out and Customers.hear_stop (`event`)."""
        said = min(at or now, now)
        confirming, newest = {"stop_confirmed": event or _OWED}, False

        def changes(known: Customer) -> Mapping[str, Any] | None:
            nonlocal newest
            ends = [iso(end) for end in (known.stopped_at, known.erased_at) if end]
            newest = max(ends, default="") < iso(said)
            confirming["stopped_at"] = iso(max(said, known.stopped_at or said))
            if scope == "all":
                whole = known.opted_out is not None and not known.opted_out_except
                out: Mapping[str, Any] = {"opted_out": iso(now), "opted_out_except": None}
                return None if whole else {**out, **confirming}
            if known.is_out_of(banner):
                return None
            if known.opted_out is not None:
                kept = known.opted_out_except - {banner}
                return {"opted_out_except": kept or None, **confirming}
            return {"opted_out_of": known.opted_out_of | {banner}, **confirming}

        new = self._append(customer, changes=changes, now=now, at=iso(said), who=who,
                           banner=banner, what="revoked", method=how, words=words, scope=scope,
                           evidence=evidence)  # fmt: skip
        if not new and newest:
            self._stopped_again(customer, said=said)
        if event is None or new:
            return Revoked(new, confirm=event is not None)
        return Revoked(new=False, confirm=self._owed(customer, event=event))

    def _stopped_again(self, customer: str, *, said: datetime) -> None:
        """Who is out already says STOP once more: a START said before it lifts nothing."""
        self._table.update(
            *customer_key(customer), "SET stopped_at = :said ADD rev :one",
            condition="attribute_exists(pk) AND "
                      "(attribute_not_exists(stopped_at) OR stopped_at < :said)",
            values={"said": iso(said), "one": 1},
        )  # fmt: skip

    def _owed(self, customer: str, *, event: str) -> bool:
        """Whether the confirmation of an opt-out recorded before falls to this event: nobody gave
        it yet, or this very event did and is brought again. One write."""
        mine = self._table.update(
            *customer_key(customer), "SET stop_confirmed = :event ADD rev :one",
            condition="stop_confirmed = :owed OR stop_confirmed = :event",
            values={"event": event, "owed": _OWED, "one": 1},
        )  # fmt: skip
        return isinstance(mine, Done)

    def restore(
        self, customer: str, *, banner: str, scope: str, how: str, words: str, now: datetime,
        evidence: str = "", at: datetime | None = None,
    ) -> bool:  # fmt: skip
        """See Customers.opt_in."""
        said = iso(min(at or now, now))

        def changes(known: Customer) -> Mapping[str, Any] | None:
            out_of = known.opted_out_of
            if known.stopped_at is not None and said < iso(known.stopped_at):
                return None  # a STOP was said after it
            back: dict[str, Any] = {"stop_confirmed": None}  # the next STOP is confirmed anew
            if known.is_erased and known.erased_at is not None:
                if said <= iso(known.erased_at):
                    return None  # said before the erasure, written late
                back |= {"back_at": iso(now)}
            if scope == "all":
                lifted = {"opted_out": None, "opted_out_except": None, "opted_out_of": None}
                return {**lifted, **back} if known.opted_out or out_of else None
            if not known.is_out_of(banner):
                return None
            # A block on everything, lifted for one banner, stays for the others, those to come too.
            but = known.opted_out_except | {banner} if known.opted_out else None
            return {"opted_out_except": but, "opted_out_of": (out_of - {banner}) or None, **back}

        return self._append(customer, changes=changes, now=now, at=said, who="customer",
                            banner=banner, what="restored", method=how, words=words,
                            scope=scope, evidence=evidence)  # fmt: skip

    def erase(
        self, customer: str, *, reason: str, who: str, now: datetime, due_at: datetime
    ) -> None:
        """Make the customer a tombstone, known before or not: out of everything, nothing personal.

        Noted in the ledger, unless that is its last entry already; `erasing` and the `due` entry
        stay until `end` of erasures.py. Raises UnavailableError.
        """

        def changes(known: Customer) -> Mapping[str, Any] | None:
            last = known.chain.n if known.chain else 0
            if known.is_erased and known.erased_entry == last:
                return None
            return {**tombstone(known, now=now, due_at=due_at), "erased_entry": last + 1}

        self._append(customer, changes=changes, now=now, at=iso(now), who=who, banner="*",
                     what=ERASED, method="request", evidence=reason, scope="all")  # fmt: skip

    def empty(self, customer: str) -> int:
        """Take the personal words out of every entry before the newest erasure; returns how many had
        some. What was agreed after it is a new decision. The chain verifies as before."""
        found = self.entries(customer)
        erasure = max((_n(entry) for entry in found if entry.get("what") == ERASED), default=0)
        entries = [entry for entry in found if _n(entry) < erasure and not nothing_to_take(entry)]
        for entry in entries:
            self._table.update(
                entry["pk"], entry["sk"], f"SET erased = :yes REMOVE {', '.join(PERSONAL)}",
                condition="attribute_exists(pk)", values={"yes": True},
            )  # fmt: skip
        return len(entries)

    def entries(self, customer: str) -> list[Item]:
        """All entries of a customer in the order of the chain."""
        found = self._table.query(customer_key(customer)[0], sk_prefix="CONSENT#")
        return sorted(found, key=_n)

    def problems(self, customer: str) -> list[str]:
        """What is wrong with a customer's ledger; empty = it verifies up to its head."""
        item = self._table.get(*customer_key(customer))
        head = customer_from(item).chain if item else None
        return verify_ledger(self.entries(customer), head=head)

    def _append(
        self, customer: str, *, changes: _Changes, now: datetime, along: Along | None = None,
        **facts: Any,
    ) -> bool:  # fmt: skip
        """Read, decide, and write customer and entry in one transaction on the revision read."""
        for _ in range(_TRIES):
            item = self._table.get(*customer_key(customer))
            known = customer_from(item) if item else Customer(customer)
            change = changes(known)
            if change is None:
                return False
            entry = new_entry(known.chain, recorded_at=iso(now), salt=secrets.token_hex(8), **facts)
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
                *(along.writes(entry["n"]) if along else ()),
            ]):  # fmt: skip
                return True
            if along is not None and along.is_done():
                return False
        raise UnavailableError("the customer keeps changing", code="customer_contended")


def _n(entry: Mapping[str, Any]) -> int:
    """The entry's number; 0 for one that somebody else wrote there: it is the verification that
    complains, and an erasure must not stumble over it."""
    n = entry.get("n")
    return n if isinstance(n, int) else 0


def tombstone(known: Customer, *, now: datetime, due_at: datetime) -> Mapping[str, Any]:
    """What an erasure leaves of a customer: out of everything, the chain, and what is to be
    cleaned up after it. No lease and no counted text, so that nothing queued can ever go."""
    batches = [*(known.erasing.batches if known.erasing else ()), *(s.batch for s in known.sent)]
    gone = ("phone", "zone", "postal_code", "consents", "bindings", "lease", "sent",
            "opted_out_except", "opted_out_of", "back_at", "stop_confirmed", "stopped_at",
            "deflected", "unreachable", "asked")  # fmt: skip
    return {
        **dict.fromkeys(gone), "opted_out": iso(now), "erased_at": iso(now),
        "erasing": {"at": iso(now), "batches": list(dict.fromkeys(batches))},
        "due_shard": due_shard(known.id), "due_at": epoch(due_at),
    }  # fmt: skip
