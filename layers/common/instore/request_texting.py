"""The texts of a service request: its one confirmation, an associate's answers, and what they have
texted the customer elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .line_sender import sender_for
from .line_text import RANK, Draft, Purpose, TextState
from .line_words import worded
from .model import from_iso
from .service_request import (
    REPLY_TEXT,
    Answered,
    ReplyState,
    Shelf,
    Told,
    confirmation_id,
    reply_text_id,
)

if TYPE_CHECKING:
    from .directory import Store
    from .program import Banner, Program
    from .requesting import Means
    from .service_request import Reply, ServiceRequest

# A text that nobody can tell of counts as one: the associate wrote it.
_WENT = frozenset({*RANK, TextState.UNRESOLVED})
_WILL_NOT = frozenset({TextState.BLOCKED, TextState.REFUSED})


def confirm(
    request: ServiceRequest, *, program: Program, banner: Banner, store: Store | None, means: Means
) -> Told:
    """The one confirmation (R138), from the associate's number; of the store's, from the banner's."""
    assert request.phone is not None
    own = request.pointer if request.shelf is Shelf.ASSOCIATE else None
    sender = sender_for(own, banner=banner, lines=means.lines)
    body = worded("request_text" if own else "request_text_store", program=program, banner=banner,
                  store=store, whose=own, language=request.language)  # fmt: skip
    outcome = means.send(Draft(
        id=confirmation_id(request), sender=sender.number, to=request.phone, body=body,
        purpose=Purpose.ASKED, banner=banner.name, customer=request.customer, pointer=own,
        asked_at=request.created_at, service=sender.service,
    ))  # fmt: skip
    return Told(outcome.state.value, outcome.reason, outcome.until)


def text_it(reply: Reply, *, request: ServiceRequest, banner: Banner, means: Means) -> Answered:
    """Send an answer, within the hours, unless the customer asked just now; what became of it."""
    if request.phone is None:
        return Answered(replace(reply, state=ReplyState.REFUSED, reason="erased"))
    sender = sender_for(reply.pointer, banner=banner, lines=means.lines)
    outcome = means.send(Draft(
        id=reply_text_id(reply.id), sender=sender.number, to=request.phone, body=reply.body,
        media=reply.media, purpose=Purpose.ASKED, banner=banner.name, customer=request.customer,
        pointer=reply.pointer, asked_at=request.created_at, service=sender.service,
    ))  # fmt: skip
    if outcome.state in _WILL_NOT:
        return Answered(replace(reply, state=ReplyState.REFUSED, reason=outcome.reason))
    if outcome.state not in _WENT:
        return Answered(replace(reply, reason=outcome.reason))
    text = means.texts.get(reply_text_id(reply.id))
    went = text.claimed_at if text is not None and text.claimed_at is not None else reply.at
    return Answered(replace(reply, state=ReplyState.SENT, reason=""), went)


def texted_elsewhere(request: ServiceRequest, *, means: Means) -> list[datetime]:
    """When its associate first texted this customer since, in whatever conversation (R149)."""
    if not request.is_texted or request.pointer is None:
        return []
    held = means.texts.held(request.customer)
    return sorted(from_iso(item["claimed_at"]) for item in held if _is_answer(item, request))[:1]


def _is_answer(item: Mapping[str, Any], request: ServiceRequest) -> bool:
    pointer = request.pointer
    mine = pointer is not None and (item.get("account"), item.get("agent")) == (
        pointer.account, pointer.agent_id
    )  # fmt: skip
    said = item["purpose"] == Purpose.REPLY or item["id"].startswith(REPLY_TEXT)
    went = item["state"] in _WENT and "claimed_at" in item
    return mine and said and went and from_iso(item["claimed_at"]) >= request.created_at
