"""Who may be texted, by whom, how often: consent, opt-out, lease and cap of one customer.

Absence of a record means no (C20). Two classes (C21): `one_to_one` allows an associate's own text,
`marketing` allows that and promotions. An opt-out beats every consent, older or newer, until the
customer takes it back. One lease per customer over all banners (C19, I5): a customer has one
thread with the whole brand.

Everything here is decided on one customer item, so that one condition on its revision stores it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from .batch import KEPT
from .deflected import Deflected
from .directory import Pointer
from .model import Phone, epoch, from_epoch

if TYPE_CHECKING:
    from .program_parts import Outreach

__all__ = [
    "Binding", "Blocked", "Chain", "Consent", "ConsentClass", "Customer", "Erasing", "Lease",
    "Reserved", "Reservation", "Revoked", "Sent", "cap_until", "lease_owner", "let_go",
    "may_text", "released", "reserved", "stopped",
]  # fmt: skip

_MOST_SENT = 50  # remembered texts, unless more of them still count


class ConsentClass(StrEnum):
    """What a customer agreed to for one banner; `none` is a recorded no."""

    NONE = "none"
    ONE_TO_ONE = "one_to_one"
    MARKETING = "marketing"

    def allows(self, other: ConsentClass) -> bool:
        """Whether what `other` allows is allowed by this one already."""
        order = list(ConsentClass)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent in force for one banner: class, since when, and its entry in the ledger."""

    consent_class: ConsentClass
    at: datetime
    entry: int


@dataclass(frozen=True, slots=True)
class Binding:
    """The associate a customer belongs to at one banner; outlives every conversation."""

    pointer: Pointer
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has the one thread with this customer: until when (epoch s), since when, for which
    batch. `owner` is `<account>.<agent>`."""

    banner: str
    owner: str
    batch: str
    until: int
    since: int


@dataclass(frozen=True, slots=True, order=True)
class Sent:
    """A proactive text of `batch`, due at `at` (epoch s): what the cap counts. A deferred text
    counts when it goes and not when it was asked for. `banner`: whose text it is; "" = written
    before that was kept."""

    at: int
    batch: str
    banner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """Head of the consent ledger: number and hash of the newest entry."""

    n: int
    hash: str


@dataclass(frozen=True, slots=True)
class Erasing:
    """An erasure under way: what is from before `at` goes; `batches` may still have rows to go."""

    at: datetime
    batches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the table knows them. `rev` is the revision every write is conditional on.

    `opted_out` blocks every banner there is or will be, but `opted_out_except`, where the customer
    asked for texts again; `opted_out_of` blocks these banners only. `erased_at`: this is a
    tombstone, until `back_at`, the customer's own word to begin anew; nothing else ends it.
    """

    id: str
    phone: Phone | None = None
    rev: int = 0
    consents: Mapping[str, Consent] = field(default_factory=dict)
    opted_out: datetime | None = None
    opted_out_except: frozenset[str] = frozenset()
    opted_out_of: frozenset[str] = frozenset()
    lease: Lease | None = None
    sent: tuple[Sent, ...] = ()
    bindings: Mapping[str, Binding] = field(default_factory=dict)
    zone: str | None = None
    postal_code: str | None = None
    chain: Chain | None = None
    created_at: datetime | None = None
    erased_at: datetime | None = None
    erased_entry: int | None = None  # the ledger's entry of it
    back_at: datetime | None = None
    stopped_at: datetime | None = None  # when their newest STOP was said, lifted or not
    erasing: Erasing | None = None
    unreachable: str | None = None  # why no text can reach this number, as a carrier said
    deflected: Mapping[str, Deflected] = field(default_factory=dict)  # by banner
    asked: tuple[int, ...] = ()  # instants (epoch s) of the last day's service requests by text

    @property
    def is_erased(self) -> bool:
        """Whether this is a tombstone: nothing personal is kept, and nobody may text."""
        return self.erased_at is not None and self.back_at is None

    def is_out_of(self, banner: str) -> bool:
        """Whether the customer's own word blocks this banner, taken by itself."""
        everything = self.opted_out is not None and banner not in self.opted_out_except
        return everything or banner in self.opted_out_of


@dataclass(frozen=True, slots=True)
class Revoked:
    """What came of a STOP. `new`: the customer was not out before. `confirm`: this is the one text
    that may confirm it (47 CFR 64.1200(a)(12)), whoever recorded it."""

    new: bool
    confirm: bool


@dataclass(frozen=True, slots=True)
class Reserved:
    """The customer has the lease for this batch and the text is counted."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """No. `reason`: no_consent, opted_out, erased, consent_too_weak, held, customer_cap or busy (others
    kept writing: ask again). `until`: from when it may be asked again, None = not a matter of time.
    """

    reason: str
    until: datetime | None = None


Reservation = Reserved | Blocked


def lease_owner(account: str, agent_id: str) -> str:
    """Who has a lease: an associate of an account."""
    return f"{account}.{agent_id}"


def stopped(customer: Customer | None, *, banner: str, scope: str) -> str | None:
    """What stops even a text that needs no consent: erased, opted_out, unreachable; else None."""
    if customer is None:
        return None
    if customer.is_erased:
        return "erased"
    anything = customer.opted_out is not None or customer.opted_out_of
    if customer.is_out_of(banner) or (scope == "all" and anything):
        return "opted_out"
    return "unreachable" if customer.unreachable is not None else None


def may_text(
    customer: Customer | None, *, banner: str, purpose: str, now: datetime, scope: str = "all"
) -> str | None:
    """None when consent allows it, else why not: erased, opted_out, unreachable, no_consent,
    consent_too_weak.

    `purpose` one_to_one accepts either class, anything else needs marketing. With `scope` all
    (program.consent.opt_out_scope) an opt-out of any banner counts for every banner. A consent
    dated after `now` is none yet.
    """
    if customer is None:
        return "no_consent"
    refused = stopped(customer, banner=banner, scope=scope)
    if refused is not None:
        return refused
    consent = customer.consents.get(banner)
    if consent is None or consent.consent_class is ConsentClass.NONE or consent.at > now:
        return "no_consent"
    if purpose != "one_to_one" and consent.consent_class is not ConsentClass.MARKETING:
        return "consent_too_weak"
    return None


def reserved(
    customer: Customer | None, *, banner: str, owner: str, batch: str, purpose: str, scope: str,
    limits: Outreach, now: datetime, due: datetime | None = None,
) -> Customer | Reservation:  # fmt: skip
    """The customer as it must be stored to be reserved for this batch, or the answer without a write.

    `due`: when the text is to go, None = at once; it is counted then, and the lease outlives it.
    The same batch again is Reserved: it has the lease and is counted already.
    """
    refusal = may_text(customer, banner=banner, purpose=purpose, scope=scope, now=now)
    if customer is None or refusal is not None:
        return Blocked(refusal or "no_consent")
    at, lease = epoch(now), customer.lease
    live = lease if lease is not None and lease.until > at else None
    if live is not None and (live.owner != owner or live.banner != banner):
        return Blocked("held", from_epoch(live.until))
    if live is not None and any(sent.batch == batch for sent in customer.sent):
        return Reserved()
    goes = max(now, due or now)
    full = cap_until(customer, batch=batch, limits=limits, at=goes)
    if full is not None:
        return Blocked("customer_cap", full)
    length = limits.lease_hours * 3600
    remembered = _remembered(customer.sent, batch=batch, limits=limits, at=at)
    until = max(epoch(goes) + length, live.until if live else 0)
    return replace(
        customer,
        lease=Lease(banner, owner, batch, until, since=live.since if live else at),
        sent=(*remembered, Sent(epoch(goes), batch, banner)),
    )


def _remembered(
    sent: Sequence[Sent], *, batch: str, limits: Outreach, at: int
) -> list[Sent]:  # fmt: skip
    """The other texts a customer keeps, in their order: all that cap or lease still count, and of
    the older ones the newest, as long as their batches are kept, so that they can be found."""
    others = [one for one in sent if one.batch != batch]
    counted = at - max(limits.customer_cap.hours, limits.lease_hours) * 3600
    known = at - int(KEPT.total_seconds())
    room = _MOST_SENT - 1 - sum(one.at > counted for one in others)
    older = sorted(one for one in others if known < one.at <= counted)
    kept = set(older[-room:]) if room > 0 else set()
    return [one for one in others if one.at > counted or one in kept]


def cap_until(
    customer: Customer, *, batch: str, limits: Outreach, at: datetime
) -> datetime | None:  # fmt: skip
    """When the cap has room for a text of this batch that would go `at`; None: it has room then.

    Counts what the other batches have in any `hours` around that instant: texts that went, and
    texts still to go. As many as the cap in one such time leave no room in it.
    """
    cap, span = limits.customer_cap.sends, limits.customer_cap.hours * 3600
    others = sorted(sent.at for sent in customer.sent if sent.batch != batch)
    room = epoch(at)
    for first, last in zip(others, others[cap - 1 :], strict=False):
        if max(last, room) - min(first, room) < span:
            room = first + span
    return None if room == epoch(at) else from_epoch(room)


def released(customer: Customer, *, batch: str) -> Customer:
    """The customer without this batch's claim: not counted, and free unless an earlier text is part
    of the same unbroken lease, whose own end then stands again."""
    mine = next((sent for sent in customer.sent if sent.batch == batch), None)
    others = tuple(sent for sent in customer.sent if sent.batch != batch)
    lease = customer.lease
    if lease is not None and lease.batch == batch:
        before = [sent for sent in others if sent.at >= lease.since]
        if before and mine is not None:
            earlier = max(before, key=lambda sent: sent.at)
            less = max(0, mine.at - earlier.at)  # an end reckoned from the other one stands
            lease = replace(lease, batch=earlier.batch, until=lease.until - less)
        else:
            lease = None
    return replace(customer, lease=lease, sent=others)


def let_go(customer: Customer, *, owner: str, now: datetime) -> Customer:
    """The customer once a conversation with `owner` is over: free, unless somebody else has them
    or a text accepted under the lease is still to go."""
    lease = customer.lease
    if lease is None or lease.owner != owner:
        return customer
    if any(sent.at > epoch(now) for sent in customer.sent):
        return customer
    return replace(customer, lease=None)
