"""What is held on a customer, and what was erased, in the shapes of customer_models.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ..consent import Binding, Customer
from ..erasing import Erased
from ..exporting import ELSEWHERE, Gathered, Text
from ..model import from_epoch, iso, maybe_iso
from ..receipts import stored_decision
from .customer_models import (
    BindingOut,
    ConsentHeldOut,
    ConversationNameOut,
    ConversationOut,
    ElsewhereOut,
    EntryOut,
    ErasedOut,
    ExportOut,
    LeaseOut,
    LedgerOut,
    ProfileOut,
    TextOut,
)


def erased(done: Erased) -> ErasedOut:
    return ErasedOut(
        customer=done.customer, erased_at=iso(done.erased_at), entries=done.entries,
        texts=done.texts, waiting=list(done.waiting),
        conversations=[ConversationNameOut(account=account, conversation=name)
                       for account, name in done.conversations],
    )  # fmt: skip


def exported(found: Gathered, *, now: datetime) -> ExportOut:
    return ExportOut(
        customer=found.id, exported_at=iso(now), ledger=_ledger(found),
        profile=_profile(found.customer) if found.customer else None,
        conversations=[_conversation(item) for item in found.conversations],
        texts=[_text(text) for text in found.texts],
        line={kind: [_record(item) for item in items] for kind, items in found.others.items()},
        elsewhere=[ElsewhereOut(where=a, what=b, until=c) for a, b, c in ELSEWHERE],
    )  # fmt: skip


def _ledger(found: Gathered) -> LedgerOut:
    entries: list[EntryOut] = []
    not_ours: list[dict[str, Any]] = []
    for entry in found.entries:
        try:
            entries.append(EntryOut(**{k: v for k, v in entry.items() if k not in ("pk", "sk")}))
        except ValidationError:
            not_ours.append(_plain(entry))
    return LedgerOut(verified=not found.problems and not not_ours, problems=list(found.problems),
                     entries=entries, not_ours=not_ours or None)  # fmt: skip


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """A stored item as JSON can say it."""
    said: dict[str, Any] = json.loads(json.dumps(dict(item), default=str))
    return said


def _profile(known: Customer) -> ProfileOut:
    lease = known.lease
    return ProfileOut(
        phone=known.phone.e164 if known.phone else None, zone=known.zone,
        postal_code=known.postal_code, created_at=maybe_iso(known.created_at),
        consents={
            banner: ConsentHeldOut(consent_class=c.consent_class.value, at=iso(c.at), entry=c.entry)
            for banner, c in known.consents.items()
        },
        opted_out=maybe_iso(known.opted_out), opted_out_except=sorted(known.opted_out_except),
        opted_out_of=sorted(known.opted_out_of), stopped_at=maybe_iso(known.stopped_at),
        bindings={banner: _binding(one) for banner, one in known.bindings.items()},
        lease=LeaseOut(banner=lease.banner, owner=lease.owner, batch=lease.batch,
                       since=_at(lease.since), until=_at(lease.until)) if lease else None,
        erased_at=maybe_iso(known.erased_at), back_at=maybe_iso(known.back_at),
        unreachable=known.unreachable,
    )  # fmt: skip


def _binding(one: Binding) -> BindingOut:
    pointer = one.pointer
    return BindingOut(account=pointer.account, store=pointer.group, agent_id=pointer.agent_id,
                      at=iso(one.at), source=one.source)  # fmt: skip


_SAME = ("account", "conversation", "banner", "channel", "state", "created_at", "outcome", "answer",
         "phone", "consumer", "language", "attributes", "wanted", "agent_id")  # fmt: skip
_ELSE = ("pk", "sk", "customer", "answer_at", "expires_at")  # shown in other words


def _conversation(item: Mapping[str, Any]) -> ConversationOut:
    return ConversationOut(
        **{name: item[name] for name in _SAME if name in item}, decision=_decision(item),
        answered_at=item.get("answer_at"), kept_until=_at(item["expires_at"]),
        also=_plain({name: item[name] for name in item if name not in (*_SAME, *_ELSE)}),
    )  # fmt: skip


def _decision(item: Mapping[str, Any]) -> dict[str, Any] | None:
    if "receipt" not in item:
        return None
    try:
        return asdict(stored_decision(item["receipt"]))
    except ValueError:
        return None  # written by a newer version: the rest is shown all the same


_KEYS = ("pk", "sk", "customer", "rev", "due_shard", "due_at")  # ours, and nothing of theirs


def _record(item: Mapping[str, Any]) -> dict[str, Any]:
    return _plain({name: item[name] for name in item if name not in _KEYS})


def _text(text: Text) -> TextOut:
    batch, row = text.batch, text.row
    due_at = None if text.at is None else _at(text.at)
    if batch is None or row is None:
        return TextOut(batch=text.batch_id, due_at=due_at)
    return TextOut(
        batch=text.batch_id, due_at=due_at, banner=batch.banner, template=batch.template,
        associate=batch.login, asked_at=iso(batch.accepted_at), kept_until=iso(batch.expires_at),
        state=str(row.state), reason=row.reason if row.reason_stands else None,
        rule=row.rule if row.reason_stands else None, segments=row.segments,
        vendor_id=row.vendor_id, variables=list(row.variables) or None, zone=row.zone,
        phone=row.phone.e164 if row.phone else None, postal_code=row.postal_code,
    )  # fmt: skip


def _at(seconds: int) -> str:
    return iso(from_epoch(seconds))
