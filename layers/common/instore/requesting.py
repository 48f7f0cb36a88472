"""What associates do with service requests, and what is owed for them: claim, answer, go on.

Everything that follows from a request (its confirmation, whose customer it is, its answers, its
facts) is worked out from what is stored, each under a name of its own, so that whoever comes next
(the same request again, the sweep) goes on where a process ended. It stays due until nothing is owed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import kpi_facts
from .errors import UnavailableError, VendorError
from .line_sender import sender_for
from .model import as_stored
from .request_mailing import mail_it
from .request_placing import Directory, shelf_of, successor_of
from .request_rights import has_left
from .request_texting import confirm, text_it, texted_elsewhere
from .service_request import (
    ASK_AGAIN,
    GIVE_UP,
    WORK_ON,
    Answered,
    By,
    ReplyState,
    RequestState,
    ServiceRequest,
    Shelf,
    next_look,
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
    from .line_text import Draft, Outcome
    from .program import Banner, Program

_ROUNDS = 6  # of writing down what was done: two, and others may be at it


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
        if _is_left_waiting(saved) and not _is_left_waiting(request):
            means.count("LeadsWaiting")
        request = saved
        if not _is_owed(request):
            return request
    return request


def _is_left_waiting(request: ServiceRequest) -> bool:
    return request.waited_long and request.pointer is None


def _is_owed(request: ServiceRequest) -> bool:
    """Whether something can be done at once. What is on its way has to be waited for."""
    return request.replied_at is not None and not request.timed and not request.erased


def _one_round(
    request: ServiceRequest, *, means: Means, now: datetime, look: bool
) -> tuple[ServiceRequest, list[Answered]]:
    """The request once everything that can be done is, and what became of its answers."""
    program = means.current()
    banner = program.banner(request.banner)
    store = means.stores.store(request.account, group=request.group)
    after = replace(request, noted=True)
    if not request.noted and store is not None:
        means.facts.tell(_asked(request, store), now=now)
    if request.erased:
        return replace(after, due_at=None), []
    if banner is not None and request.is_texted and request.confirmed is None:
        after = replace(after, confirmed=confirm(
            request, program=program, banner=banner, store=store, means=means))  # fmt: skip
    after = _bound(after, banner, means)
    answers = [_answer(name, request, banner, program, means, now) for name in request.replies]
    known = [one for one in answers if one is not None]
    open_ones = tuple(one.reply.id for one in known if one.is_open)
    after = replace(after, replies=open_ones)
    times = [one.at for one in known if one.at is not None]
    if request.replied_at is None and (look or times):
        times += texted_elsewhere(request, means=means)
    if times:
        after = after.answered_at(min(times))
    if request.replied_at is not None and not request.timed:
        # Told of what is stored, so that it is never told otherwise.
        if store is not None:
            means.facts.tell(_timed(request, request.replied_at, store), now=now)
        after = replace(after, timed=True)
    if look and after.state is RequestState.TAKEN and not after.replies and has_left(after, means):
        after = _bound(_passed_on(after, program, means, now), banner, means)
    if banner is not None and after.pointer is None and not after.waited_long:
        patience = timedelta(minutes=banner.routing.silent_wait_alarm_minutes)
        after = replace(after, waited_long=now - after.created_at >= patience)
    return replace(after, due_at=_due(after, now)), known


def _due(after: ServiceRequest, now: datetime) -> datetime | None:
    if after.replied_at is not None and not after.timed:
        return now + WORK_ON
    looks = [at for at in (next_look(after, now=now),) if at is not None]
    return min([*looks, now + ASK_AGAIN]) if after.replies else min(looks, default=None)


# ------------------------------------------------------------ what follows from a request


def _bound(request: ServiceRequest, banner: Banner | None, means: Means) -> ServiceRequest:
    """The customer is the associate's now: what they text to the banner's number finds them, too."""
    pointer = request.pointer
    if pointer is None or request.bound == pointer.agent_id:
        return request
    if banner is None or not request.is_texted:
        return request
    assert request.phone is not None
    means.customers.bind(
        request.customer, phone=request.phone, banner=request.banner, pointer=pointer,
        now=request.taken_at or request.created_at, source="request",
    )  # fmt: skip
    sender = sender_for(pointer, banner=banner, lines=means.lines)
    if sender.is_own:
        means.lines.met(sender.number, customer=request.customer)  # handed over with the number
    return replace(request, bound=pointer.agent_id)


def _passed_on(
    request: ServiceRequest, program: Program, means: Means, now: datetime
) -> ServiceRequest:
    """What an associate who has left never answered: their successor's, else the store's to claim,
    where it is told of if nobody does."""
    assert request.pointer is not None
    successor = successor_of(
        request.pointer, directory=Directory(program, means.stores, means.lines)
    )
    if successor is not None:
        return request.taken(successor, now=as_stored(now))
    return request.shelved(shelf_of(program))


def _answer(
    name: str, request: ServiceRequest, banner: Banner | None, program: Program, means: Means,
    now: datetime,
) -> Answered | None:  # fmt: skip
    """Send one answer, or ask what became of it. None: it is gone."""
    reply = means.requests.reply(request.id, reply=name)
    if reply is None or reply.state is not ReplyState.ASKED:
        return None if reply is None else Answered(reply)
    if banner is None:
        answered = Answered(reply)  # gone from the program, perhaps by mistake
    elif reply.by is By.EMAIL:
        state, reason = mail_it(reply, request=request, banner=banner, line=program.line,
                                mail=means.mail, stores=means.stores)  # fmt: skip
        answered = Answered(replace(reply, state=state, reason=reason),
                            reply.at if state is ReplyState.SENT else None)  # fmt: skip
    else:
        answered = text_it(reply, request=request, banner=banner, means=means)
    if answered.is_open and now - reply.at >= GIVE_UP:
        reason = answered.reply.reason or "too_late"
        return Answered(replace(reply, state=ReplyState.REFUSED, reason=reason))
    return answered


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
