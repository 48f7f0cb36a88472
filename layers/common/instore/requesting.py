"""What associates do with service requests, and what is owed for them: claim, answer, go on.

Everything that follows from a request (its confirmation, whose customer it is, its answers, its
facts) is worked out from what is stored, each under a name of its own, so that whoever comes next
(the same request again, the sweep) goes on where a process ended. It stays due until nothing is owed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import kpi_facts
from .errors import UnavailableError, VendorError
from .line_text import RANK, Draft, Outcome, Purpose, TextState
from .model import Phone, from_iso
from .request_mailing import mail_it
from .service_request import (
    ASK_AGAIN,
    GIVE_UP,
    REPLY_TEXT,
    WORK_ON,
    By,
    Reply,
    ReplyState,
    ServiceRequest,
    Shelf,
    Told,
    confirmation_id,
    next_look,
    reply_text_id,
)

if TYPE_CHECKING:
    from .adapters.customers import Customers
    from .adapters.facts import Facts
    from .adapters.lines import Lines
    from .adapters.mail import MailService
    from .adapters.media import MediaFiles
    from .adapters.requests import Requests
    from .adapters.stores import Stores
    from .adapters.texts import Texts
    from .directory import Store
    from .program import Banner, Program

_ROUNDS = 6  # of writing down what was done: two, and others may be at it
# A text that nobody can tell of counts as one: the associate wrote it.
_WENT = frozenset({*RANK, TextState.UNRESOLVED})
_WILL_NOT = frozenset({TextState.BLOCKED, TextState.REFUSED})


@dataclass(frozen=True, slots=True)
class Means:
    """What these flows work with. `current`: the program in force; `send`: texting.send with its
    own means; `count` adds one to a metric."""

    current: Callable[[], Program]
    requests: Requests
    customers: Customers
    stores: Stores
    lines: Lines
    texts: Texts
    facts: Facts
    mail: MailService
    files: MediaFiles
    send: Callable[[Draft], Outcome]
    count: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Answered:
    """What became of one answer. `at`: when the customer was answered; None: not, or not yet."""

    reply: Reply
    at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.reply.state is ReplyState.ASKED


def resume(key: tuple[str, str], *, means: Means, now: datetime) -> ServiceRequest | None:
    """What the sweep does with a request that is due: what is owed, and a look whether it has been
    answered elsewhere. `key` is (pk, sk) from the `due` index; None: nothing was due. Raises
    UnavailableError: it stays due."""
    request = means.requests.get(key[0].removeprefix("REQUEST#"))
    if request is None or request.due_at is None or request.due_at > now:
        return None
    return work_on(request, means=means, now=now, look=True)


def try_work(request: ServiceRequest, *, means: Means, now: datetime) -> ServiceRequest:
    """Do what is owed, now if it can be done: what is stored is due, and the sweep goes on."""
    with suppress(UnavailableError, VendorError):
        return work_on(request, means=means, now=now)
    return request


def work_on(
    request: ServiceRequest, *, means: Means, now: datetime, look: bool = False
) -> ServiceRequest:
    """Do what is owed for a request and write down that it is done; the request as it stands.

    `look`: also in the customer's texts for an answer the associate gave elsewhere.
    """
    for _ in range(_ROUNDS):
        after, answers = _one_round(request, means=means, now=now, look=look)
        settled = [one.reply for one in answers if not one.is_open]
        if after == request:
            return request
        saved = means.requests.save(after, before=request, replies=settled)
        if saved is None:
            found = means.requests.get(request.id)
            if found is None:
                return request
            request = found
            continue
        for reply in settled:
            refused = reply.state is ReplyState.REFUSED
            means.count("RequestRepliesRefused" if refused else "RequestRepliesSent")
        if saved.waited_long and not request.waited_long:
            means.count("LeadsWaiting")
        request = saved
        if not _is_owed(request):
            return request
    return request


def _is_owed(request: ServiceRequest) -> bool:
    """Whether something can be done at once. What is on its way has to be waited for."""
    return request.replied_at is not None and not request.timed and not request.erased


def _one_round(
    request: ServiceRequest, *, means: Means, now: datetime, look: bool
) -> tuple[ServiceRequest, list[_Answered]]:
    """The request once everything that can be done is, and what became of its answers."""
    program = means.current()
    banner = program.banner(request.banner)
    store = means.stores.store(request.account, group=request.group)
    after = replace(request, noted=True)
    if not request.noted and store is not None:
        means.facts.tell(_asked(request, store), now=now)
    if request.erased or banner is None:
        return replace(after, due_at=None), []
    if request.is_texted and request.confirmed is None:
        after = replace(after, confirmed=_confirm(request, program, banner, store, means))
    after = _bound(after, means)
    answers = [_answer(name, request, banner, program, means, now) for name in request.replies]
    known = [one for one in answers if one is not None]
    open_ones = tuple(one.reply.id for one in known if one.is_open)
    after = replace(after, replies=open_ones)
    times = [one.at for one in known if one.at is not None]
    if request.replied_at is None and (look or times):
        times += _texted_elsewhere(request, means)
    if times:
        after = after.answered_at(min(times))
    if request.replied_at is not None and not request.timed:
        # Told of what is stored, so that it is never told otherwise.
        if store is not None:
            means.facts.tell(_timed(request, request.replied_at, store), now=now)
        after = replace(after, timed=True)
    if after.pointer is None and not after.waited_long:
        patience = timedelta(minutes=banner.routing.silent_wait_alarm_minutes)
        after = replace(after, waited_long=now - after.created_at >= patience)
    return replace(after, due_at=_due(after, now)), known


def _due(after: ServiceRequest, now: datetime) -> datetime | None:
    if after.replied_at is not None and not after.timed:
        return now + WORK_ON
    looks = [at for at in (next_look(after, now=now),) if at is not None]
    return min([*looks, now + ASK_AGAIN]) if after.replies else min(looks, default=None)


# ------------------------------------------------------------ what follows from a request


def sender_of(request: ServiceRequest, *, banner: Banner, means: Means) -> tuple[Phone, str | None]:
    """The number its texts come from, with its messaging service: the associate's own, else the
    banner's."""
    line = means.lines.of(request.pointer) if request.pointer is not None else None
    if line is None:
        return Phone(banner.number.outbound), None
    return line.number, line.service


def _confirm(
    request: ServiceRequest, program: Program, banner: Banner, store: Store | None, means: Means
) -> Told:
    """The one confirmation (R138), from the associate's number; of the store's, from the banner's."""
    assert request.phone is not None
    own = request.shelf is Shelf.ASSOCIATE
    asked = request if own else replace(request, pointer=None)
    sender, service = sender_of(asked, banner=banner, means=means)
    language = request.language or banner.language
    person = store.find(request.pointer.agent_id) if own and store and request.pointer else None
    body = program.message(
        "request_text" if own else "request_text_store", language=language, banner=banner.label,
        store=store.name if store else banner.label,
        associate=(person.nickname if person else "")
        or program.message("associate", language=language),
    )  # fmt: skip
    outcome = means.send(Draft(
        id=confirmation_id(request), sender=sender, to=request.phone, body=body,
        purpose=Purpose.ASKED, banner=banner.name, customer=request.customer,
        pointer=asked.pointer, asked_at=request.created_at, service=service,
    ))  # fmt: skip
    return Told(outcome.state.value, outcome.reason, outcome.until)


def _bound(request: ServiceRequest, means: Means) -> ServiceRequest:
    """The customer is the associate's now: what they text to the banner's number finds them, too."""
    pointer = request.pointer
    if not request.is_texted or pointer is None or request.bound == pointer.agent_id:
        return request
    assert request.phone is not None
    means.customers.bind(
        request.customer, phone=request.phone, banner=request.banner, pointer=pointer,
        now=request.taken_at or request.created_at, source="request",
    )  # fmt: skip
    line = means.lines.of(pointer)
    if line is not None:
        means.lines.met(line.number, customer=request.customer)  # handed over with the number
    return replace(request, bound=pointer.agent_id)


def _answer(
    name: str, request: ServiceRequest, banner: Banner, program: Program, means: Means,
    now: datetime,
) -> _Answered | None:  # fmt: skip
    """Send one answer, or ask what became of it. None: it is gone."""
    reply = means.requests.reply(request.id, reply=name)
    if reply is None or reply.state is not ReplyState.ASKED:
        return None if reply is None else _Answered(reply)
    if reply.by is By.EMAIL:
        state, reason = mail_it(reply, request=request, banner=banner, line=program.line,
                                mail=means.mail, stores=means.stores)  # fmt: skip
        answered = _Answered(replace(reply, state=state, reason=reason),
                             reply.at if state is ReplyState.SENT else None)  # fmt: skip
    else:
        answered = _text(reply, request, banner, means)
    if answered.is_open and now - reply.at >= GIVE_UP:
        reason = answered.reply.reason or "too_late"
        return _Answered(replace(reply, state=ReplyState.REFUSED, reason=reason))
    return answered


def _text(reply: Reply, request: ServiceRequest, banner: Banner, means: Means) -> _Answered:
    """An answer by text: within the hours, unless the customer asked just now."""
    if request.phone is None:
        return _Answered(replace(reply, state=ReplyState.REFUSED, reason="erased"))
    sender, service = sender_of(request, banner=banner, means=means)
    outcome = means.send(Draft(
        id=reply_text_id(reply.id), sender=sender, to=request.phone, body=reply.body,
        media=reply.media, purpose=Purpose.ASKED, banner=banner.name, customer=request.customer,
        pointer=reply.pointer, asked_at=request.created_at, service=service,
    ))  # fmt: skip
    if outcome.state in _WILL_NOT:
        return _Answered(replace(reply, state=ReplyState.REFUSED, reason=outcome.reason))
    if outcome.state not in _WENT:
        return _Answered(replace(reply, reason=outcome.reason))
    text = means.texts.get(reply_text_id(reply.id))
    went = text.claimed_at if text is not None and text.claimed_at is not None else reply.at
    return _Answered(replace(reply, state=ReplyState.SENT, reason=""), went)


def _texted_elsewhere(request: ServiceRequest, means: Means) -> list[datetime]:
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


def _asked(request: ServiceRequest, store: Store) -> Any:
    own = request.pointer if request.shelf is Shelf.ASSOCIATE else None
    return kpi_facts.requested(
        store, request=request.id, by=request.by.value, source=request.source.value,
        at=request.created_at, agent=own.agent_id if own else None,
    )  # fmt: skip


def _timed(request: ServiceRequest, replied_at: datetime, store: Store) -> Any:
    assert request.pointer is not None
    return kpi_facts.replied(
        store, request=request.id, submitted_at=request.created_at, replied_at=replied_at,
        agent=request.pointer.agent_id,
    )  # fmt: skip
