"""What may be asked about service requests: submit one, see, claim and answer it.

Who may what is in request_rights.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from .consent import stopped
from .errors import BadInputError, ConflictError, KeyReusedError, NotFoundError, UnavailableError
from .line_sender import is_ours
from .model import Email, Phone, as_stored
from .outreach import Asker, number_reason
from .request_content import check_addresses, check_files
from .request_placing import Directory, Place, place
from .request_rights import claimable, has_left, sees
from .requesting import Means, try_work
from .service_request import (
    WORK_ON,
    Agreed,
    By,
    Link,
    Reply,
    ServiceRequest,
    Shelf,
    Source,
    reply_id,
)

if TYPE_CHECKING:
    from .program import Banner, Program
    from .program_line import Line

_TRIES = 4
_MOST_OPEN = 20  # answers on their way, of one request


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the brand's site sends it. `store` and `associate` as in request_placing.py;
    `wording`: what the customer agreed to by asking for texts; `fingerprint`: of all of it, sealed."""

    source: Source
    by: By
    fingerprint: str
    store: str | None = None
    associate: str | None = None
    name: str = field(default="", repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    message: str = field(default="", repr=False)
    page: str = field(default="", repr=False)
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An associate's answer as they send it."""

    key: str
    fingerprint: str
    words: str = field(default="", repr=False)
    links: tuple[Link, ...] = field(default=(), repr=False)
    media: tuple[str, ...] = field(default=(), repr=False)


def submit(
    asked: Asked, *, request: str, agreed: Agreed | None, means: Means, now: datetime
) -> tuple[ServiceRequest, bool]:  # fmt: skip
    """Take a request; the one that has this id, and whether it is new (R136-R140).

    Raises ConflictError: idempotency_key_reused, line_off, mail_off; BadInputError: unknown_store,
    unknown_associate, phone_missing, email_missing, consent_missing, our_number, invalid_number and
    its like; TooOftenError: asked_too_often.
    """
    known = means.requests.get(request)
    if known is None:
        fresh, banner = _read(asked, request=request, agreed=agreed, means=means,
                              now=as_stored(now))  # fmt: skip
        known, new = means.requests.create(fresh, agreed=agreed, country=banner.country, now=now)
        if new:
            return try_work(known, means=means, now=now), True
    _must_be_same(known, asked)
    return try_work(known, means=means, now=now), False


def see(request: str, *, asker: Asker, means: Means) -> ServiceRequest:
    """A request that this associate may see. Raises NotFoundError, also for one that is not theirs
    to see, so that ids cannot be tried out."""
    found = means.requests.get(request) if request else None
    if found is None or not sees(asker, found, means):
        raise NotFoundError("no such request", code="unknown_request")
    return found


def claim(request: str, *, asker: Asker, means: Means, now: datetime) -> ServiceRequest:
    """Take a request off the store's shelf: one associate, once. Again by the same one: as it is.

    Raises NotFoundError, ConflictError `already_claimed`, UnavailableError.
    """
    for _ in range(_TRIES):
        found = claimable(request, asker=asker, means=means)
        if found.is_of(asker.pointer):
            return try_work(found, means=means, now=now)
        if found.pointer is not None and not has_left(found, means):
            raise ConflictError("a colleague has claimed it", code="already_claimed")
        taken = found.taken(asker.pointer, now=as_stored(now))
        saved = means.requests.save(taken, before=found)
        if saved is not None:
            means.count("RequestsClaimed")
            return try_work(saved, means=means, now=now)
    raise UnavailableError("the request keeps changing", code="request_contended")


def answer(
    request: str, *, given: Answer, asker: Asker, means: Means, now: datetime
) -> tuple[ServiceRequest, Reply]:  # fmt: skip
    """Answer a request the way the customer asked to be answered. Of a team, whoever answers first
    has it from then on; an answer that cannot go takes nothing from the others.

    Raises NotFoundError; ConflictError: not_claimed, already_claimed, idempotency_key_reused, what
    stops a text to this customer, erased; BadInputError of request_content.py; UnavailableError.
    """
    found = _answerable(request, asker=asker, means=means)
    name = reply_id(found.id, associate=asker.pointer, key=given.key)
    for _ in range(_TRIES):
        stored = means.requests.reply(found.id, reply=name)
        if stored is not None:
            return _again(stored, given, found, means=means, now=now)
        reply = _checked(given, name, found, asker=asker, means=means, now=as_stored(now))
        if not found.is_of(asker.pointer):
            found = claim(found.id, asker=asker, means=means, now=now)
        begun = means.requests.begin_reply(reply, request=found, due_at=now + WORK_ON)
        if begun is not None:
            return _after(reply, try_work(begun, means=means, now=now), means)
        found = see(found.id, asker=asker, means=means)
        if not found.is_of(asker.pointer):
            raise ConflictError("a colleague has claimed it", code="already_claimed")
    raise UnavailableError("the request keeps changing", code="request_contended")


def _again(
    stored: Reply, given: Answer, found: ServiceRequest, *, means: Means, now: datetime
) -> tuple[ServiceRequest, Reply]:
    _must_be_same(stored, given)
    return _after(stored, try_work(found, means=means, now=now), means)


def _must_be_same(stored: ServiceRequest | Reply, sent: Asked | Answer) -> None:
    if stored.fingerprint != sent.fingerprint:
        raise KeyReusedError


def _after(reply: Reply, found: ServiceRequest, means: Means) -> tuple[ServiceRequest, Reply]:
    return found, means.requests.reply(found.id, reply=reply.id) or reply


# ------------------------------------------------------------ a new request


def _read(
    asked: Asked, *, request: str, agreed: Agreed | None, means: Means, now: datetime
) -> tuple[ServiceRequest, Banner]:
    program = means.current()
    where = place(asked.source, store=asked.store, associate=asked.associate,
                  directory=Directory(program, means.stores, means.lines))  # fmt: skip
    phone = _phone(asked, where.banner, program, means)
    email = Email(asked.email) if asked.email else None
    _answer_possible(asked.by, phone, email, agreed, program)
    named = [means.customers.id_of(phone)] if phone else []
    named += [means.customers.id_of(email)] if email else []
    fresh = ServiceRequest(
        id=request, fingerprint=asked.fingerprint, source=asked.source, by=asked.by,
        banner=where.banner.name, account=where.store.account, group=where.store.group,
        shelf=where.shelf, customer=named[0], also="".join(named[1:]), created_at=now,
        name=asked.name, phone=phone, email=email, message=asked.message, page=asked.page,
        language=asked.language, pointer=where.pointer, taken_at=_taken(where, now),
        due_at=now + WORK_ON,
    )  # fmt: skip
    return fresh, where.banner


def _taken(where: Place, now: datetime) -> datetime | None:
    return now if where.pointer is not None else None


def _phone(asked: Asked, banner: Banner, program: Program, means: Means) -> Phone | None:
    """Their number. One that is to be texted is a handset in the banner's country and none of ours:
    our own bot would answer the text, and the answer would be answered, for ever."""
    if asked.phone is None:
        return None
    phone = Phone.parse(asked.phone, region=banner.country)
    if asked.by is By.TEXT:
        wrong = number_reason(phone, banner=banner)
        if wrong is not None:
            raise BadInputError("nobody's handset in the banner's country", code=wrong)
        if is_ours(phone, program=program, lines=means.lines):
            raise BadInputError("a number of the brand's own", code="our_number")
    return phone


def _answer_possible(
    by: By, phone: Phone | None, email: Email | None, agreed: Agreed | None, program: Program
) -> None:
    if by is By.TEXT:
        if phone is None:
            raise BadInputError("an answer by text needs a number", code="phone_missing")
        if agreed is None:
            raise BadInputError("an answer by text needs consent, with its wording",
                                code="consent_missing")  # fmt: skip
        return
    if email is None:
        raise BadInputError("an answer by e-mail needs an address", code="email_missing")
    if program.line is None or program.line.mail is None:
        raise ConflictError("the program has no mail", code="mail_off")


def _answerable(request: str, *, asker: Asker, means: Means) -> ServiceRequest:
    """A request that they have, or may have by answering it: of a team, nobody has it yet."""
    found = claimable(request, asker=asker, means=means)
    if found.is_of(asker.pointer):
        return found
    if found.pointer is not None:
        code = "not_claimed" if has_left(found, means) else "already_claimed"
        raise ConflictError("somebody else has it", code=code)
    if found.shelf is Shelf.LEADS:
        raise ConflictError("claim it first", code="not_claimed")
    return found


# ------------------------------------------------------------ an answer


def _checked(
    given: Answer, name: str, found: ServiceRequest, *, asker: Asker, means: Means, now: datetime
) -> Reply:
    """The answer, if it can go as far as anybody knows: nothing is stored of one that cannot."""
    program = means.current()
    reply = Reply(name, found.id, given.fingerprint, now, found.by, asker.pointer,
                  asker.associate.login, found.customer, given.words, given.links, given.media)  # fmt: skip
    line = program.line
    if line is None:
        raise ConflictError("the program has no SMS line", code="line_off")
    if found.erased:
        raise ConflictError("the customer was erased", code="erased")
    if len(found.replies) >= _MOST_OPEN:
        raise ConflictError("too many answers are still on their way", code="too_many_replies")
    if found.by is By.TEXT:
        _may_be_texted(found, asker=asker, program=program, means=means)
    elif line.mail is None:
        raise ConflictError("the program has no mail", code="mail_off")
    _may_be_shown(reply, line, means)
    return reply


def _may_be_texted(
    found: ServiceRequest, *, asker: Asker, program: Program, means: Means
) -> None:  # fmt: skip
    banner = program.banner(found.banner)
    if banner is None:
        raise ConflictError("texting is switched off", code="stopped_banner")
    reason = program.stop_reason(
        banner=banner, store=asker.pointer.group, login=asker.associate.login, feature="line"
    ) or stopped(means.customers.get(found.customer), banner=banner.name,
                 scope=program.consent.opt_out_scope)  # fmt: skip
    if reason is not None:
        raise ConflictError("this customer may not be texted", code=reason)


def _may_be_shown(reply: Reply, line: Line, means: Means) -> None:
    check_addresses(reply, line=line)
    if reply.media:
        check_files(means.files.look(reply.media), words=reply.body, line=line)
