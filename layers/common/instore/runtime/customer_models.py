"""What the operations on a customer's data take and give; the OpenAPI document follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ..consent import Binding, Customer
from ..erasing import Erased
from ..exporting import ELSEWHERE, Held, Text
from ..model import iso
from ..receipts import stored_decision
from .outreach_models import Number, Route

Country = Annotated[
    str,
    Field("US", pattern=r"^[A-Z]{2}$", description="assumed when the number has no + (ISO 3166)"),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CustomerIn(_In):
    """Whose data: the number is in the body, never in an address."""

    phone: Number
    country: Country = "US"


class EraseIn(CustomerIn):
    """Erase this customer. The reason is kept as proof: a case number, nobody's name."""

    reason: str = Field(min_length=1, max_length=200)


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConversationNameOut(_Out):
    """A conversation as LivePerson names it."""

    account: str
    conversation: str


class ErasedOut(_Out):
    """What was erased. `waiting`: batches that are being sent or taken at this moment; they lose
    the number when that is over, and the sweep finishes the erasure within minutes."""

    customer: str
    erased_at: str
    entries: int = Field(description="ledger entries whose words were removed now")
    texts: int = Field(description="texts that were still to go and will not")
    conversations: list[ConversationNameOut] = Field(description="for LivePerson's own erasure")
    waiting: list[str]


class ConsentHeldOut(_Out):
    """The consent in force for a banner."""

    consent_class: str
    at: str
    entry: int


class BindingOut(_Out):
    """Whose customer this is at a banner."""

    account: str
    store: str
    agent_id: str
    at: str
    source: str


class LeaseOut(_Out):
    """Which associate has the thread, and until when."""

    banner: str
    owner: str
    batch: str
    since: str
    until: str


class ProfileOut(_Out):
    """The customer as stored."""

    phone: str | None = None
    zone: str | None = None
    postal_code: str | None = None
    created_at: str | None = None
    consents: dict[str, ConsentHeldOut]
    opted_out: str | None = Field(None, description="of every banner, since")
    opted_out_except: list[str]
    opted_out_of: list[str]
    bindings: dict[str, BindingOut]
    lease: LeaseOut | None = None
    erased_at: str | None = None
    back_at: str | None = Field(None, description="began anew by their own word")


class EntryOut(_Out):
    """One entry of the consent ledger."""

    n: int
    at: str
    recorded_at: str
    who: str
    what: str
    banner: str
    method: str
    scope: str | None = None
    country: str | None = None
    wording: str | None = None
    words: str | None = None
    evidence: str | None = None
    salt: str | None = None
    erased: bool | None = None
    personal: str
    prev: str
    hash: str


class LedgerOut(_Out):
    """The whole ledger, and whether it verifies up to its head."""

    verified: bool
    problems: list[str]
    entries: list[EntryOut]


class ConversationOut(_Out):
    """A conversation as stored; its words are with LivePerson."""

    account: str
    conversation: str
    banner: str
    channel: str
    state: str
    created_at: str
    kept_until: str
    outcome: str | None = None
    answered_at: str | None = None
    answer: str | None = None
    phone: str | None = None
    consumer: str | None = None
    language: str | None = None
    attributes: dict[str, str] | None = None
    wanted: dict[str, str] | None = None
    agent_id: str | None = None
    decision: dict[str, Any] | None = None


class TextOut(_Out):
    """A proactive text. `variables` only while it is still to go."""

    batch: str
    due_at: str | None = None
    banner: str | None = None
    template: str | None = None
    associate: str | None = None
    asked_at: str | None = None
    kept_until: str | None = None
    state: str | None = None
    reason: str | None = None
    rule: str | None = None
    segments: int | None = None
    variables: list[str] | None = None


class ElsewhereOut(_Out):
    """What is held outside of this table."""

    where: str
    what: str
    until: str


class ExportOut(_Out):
    """Everything held on one customer. `profile` is absent when nothing is."""

    customer: str
    exported_at: str
    profile: ProfileOut | None = None
    ledger: LedgerOut
    conversations: list[ConversationOut]
    texts: list[TextOut]
    elsewhere: list[ElsewhereOut]


ROUTES = (
    Route("POST /customers/export", "exportCustomer", "Everything held on this customer",
          "customers/export", CustomerIn, {200: ExportOut}, (400, 401, 403, 413, 503)),
    Route("POST /customers/erase", "eraseCustomer", "Erase this customer, and block",
          "customers/erase", EraseIn, {200: ErasedOut, 202: ErasedOut}, (400, 401, 403, 413, 503)),
)  # fmt: skip


def erased(done: Erased) -> ErasedOut:
    return ErasedOut(
        customer=done.customer, erased_at=iso(done.erased_at), entries=done.entries,
        texts=done.texts, waiting=list(done.waiting),
        conversations=[ConversationNameOut(account=account, conversation=name)
                       for account, name in done.conversations],
    )  # fmt: skip


def exported(held: Held, *, now: datetime) -> ExportOut:
    ledger = LedgerOut(
        verified=not held.problems, problems=list(held.problems),
        entries=[EntryOut(**{k: v for k, v in entry.items() if k not in ("pk", "sk")})
                 for entry in held.entries],
    )  # fmt: skip
    return ExportOut(
        customer=held.id, exported_at=iso(now), ledger=ledger,
        profile=_profile(held.customer) if held.customer else None,
        conversations=[_conversation(item) for item in held.conversations],
        texts=[_text(text) for text in held.texts],
        elsewhere=[ElsewhereOut(where=a, what=b, until=c) for a, b, c in ELSEWHERE],
    )  # fmt: skip


def _profile(known: Customer) -> ProfileOut:
    lease = known.lease
    return ProfileOut(
        phone=known.phone.e164 if known.phone else None, zone=known.zone,
        postal_code=known.postal_code, created_at=_iso(known.created_at),
        consents={
            banner: ConsentHeldOut(consent_class=c.consent_class.value, at=iso(c.at), entry=c.entry)
            for banner, c in known.consents.items()
        },
        opted_out=_iso(known.opted_out), opted_out_except=sorted(known.opted_out_except),
        opted_out_of=sorted(known.opted_out_of),
        bindings={banner: _binding(one) for banner, one in known.bindings.items()},
        lease=LeaseOut(banner=lease.banner, owner=lease.owner, batch=lease.batch,
                       since=_at(lease.since), until=_at(lease.until)) if lease else None,
        erased_at=_iso(known.erased_at), back_at=_iso(known.back_at),
    )  # fmt: skip


def _binding(one: Binding) -> BindingOut:
    pointer = one.pointer
    return BindingOut(account=pointer.account, store=pointer.group, agent_id=pointer.agent_id,
                      at=iso(one.at), source=one.source)  # fmt: skip


_SAME = ("account", "conversation", "banner", "channel", "state", "created_at", "outcome", "answer",
         "phone", "consumer", "language", "attributes", "wanted", "agent_id")  # fmt: skip


def _conversation(item: Mapping[str, Any]) -> ConversationOut:
    return ConversationOut(
        **{name: item[name] for name in _SAME if name in item}, decision=_decision(item),
        answered_at=item.get("answer_at"), kept_until=_at(item["expires_at"]),
    )  # fmt: skip


def _decision(item: Mapping[str, Any]) -> dict[str, Any] | None:
    if "receipt" not in item:
        return None
    try:
        return asdict(stored_decision(item["receipt"]))
    except ValueError:
        return None  # written by a newer version: the rest is shown all the same


def _text(text: Text) -> TextOut:
    batch, row = text.batch, text.row
    due_at = None if text.at is None else _at(text.at)
    if batch is None or row is None:
        return TextOut(batch=text.batch_id, due_at=due_at)
    return TextOut(
        batch=text.batch_id, due_at=due_at, banner=batch.banner, template=batch.template,
        associate=batch.login, asked_at=iso(batch.accepted_at), kept_until=iso(batch.expires_at),
        state=str(row.state), reason=row.reason, rule=row.rule, segments=row.segments,
        variables=list(row.variables) or None,
    )  # fmt: skip


def _at(seconds: int) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)
