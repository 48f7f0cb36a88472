"""The operations of the outreach API, from a verified caller to an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..batch import Batch, RowState
from ..consent import ConsentClass
from ..errors import BadInputError, NotFoundError
from ..first_text import text_reason
from ..model import Phone, iso, maybe_iso
from ..outreach import Asker, Recipient, Verdict, check, find_asker, find_template
from ..outreach_accept import accept
from ..text import named_variables, render, segments
from .http import query_of
from .means import desk_of
from .observability import count, logger
from .outreach_http import (
    BEHALF,
    Caller,
    Response,
    caller_of,
    idempotency_key,
    path_id,
    read_body,
    respond,
)
from .outreach_models import (
    CheckIn,
    CheckOut,
    ConsentIn,
    ConsentOut,
    LimitOut,
    OutreachIn,
    RecipientIn,
    only_the_limit,
    standing,
    taken,
)
from .services import Services, services
from .template_models import TemplatesOut, listed

Event = Mapping[str, Any]


def send(event: Event) -> Response:
    """POST /outreach: 202 when something goes, 200 when nothing does, 429 when only the day's
    limit is in the way."""
    house = services()
    caller = caller_of(event, house=house)
    key = idempotency_key(event)
    asked = read_body(event, OutreachIn)
    asker = _asker(caller, asked.associate, house)
    done = accept(
        asker, template=asked.template, key=key, desk=desk_of(house), now=house.now(),
        recipients=[_recipient(r) for r in asked.recipients],
    )  # fmt: skip
    if done.fresh:
        _note(done.batch)
    answer = taken(done.batch)
    again_at = only_the_limit(done.batch)
    if again_at is not None:
        return respond(429, LimitOut(**answer.model_dump(), until=iso(again_at)))
    return respond(200 if answer.state == "closed" else 202, answer)


def look(event: Event) -> Response:
    """GET /outreach/{id}: the batch as it stands, to its own associate only. 404 otherwise, so
    that ids cannot be tried out."""
    query_of(event)
    house = services()
    caller = caller_of(event, house=house)
    name = path_id(event)
    batch = house.batches.get(name) if name else None
    if batch is None or not caller.may_see(batch.login):
        raise NotFoundError("no such batch", code="unknown_batch")
    return respond(200, standing(batch))


def templates(event: Event) -> Response:
    """GET /outreach/templates: what the caller's banner has, with what a text of it costs."""
    asked = query_of(event, known=["associate"]).get("associate")
    house = services()
    banner = _asker(caller_of(event, house=house), asked, house).banner
    return respond(200, TemplatesOut(
        banner=banner.name, label=banner.label,
        templates=[listed(template) for template in banner.outreach.templates],
    ))  # fmt: skip


def may_text(event: Event) -> Response:
    """POST /outreach/check: what POST /outreach would decide, without writing anything."""
    house, now = services(), services().now()
    caller = caller_of(event, house=house)
    asked = read_body(event, CheckIn)
    asker = _asker(caller, asked.associate, house)
    program = house.programs.current()
    template = None
    if asked.template is not None:
        template = find_template(asked.template, asker=asker, program=program)
    used = house.batches.quota_used(asker.pointer, day=asker.day(now))
    verdict = check(
        asker, recipient=Recipient(asked.phone, zone=asked.zone, postal_code=asked.postal_code),
        purpose=template.purpose if template else "one_to_one", used=used, program=program, now=now,
        customer_of=lambda phone: house.customers.get(house.customers.id_of(phone)),
        template=template,
    )  # fmt: skip
    size = None
    if template is not None and asked.variables is not None:
        named = named_variables(asked.variables)
        size = segments(render(template, named))
        wrong = text_reason(template, variables=named, banner=asker.banner)
        verdict = verdict if wrong is None else Verdict(wrong)
    left = max(0, asker.banner.outreach.per_associate_day - used)
    return respond(200, CheckOut(
        allowed=verdict.allowed, reason=verdict.reason, rule=verdict.rule, remaining_today=left,
        until=maybe_iso(verdict.until),
        characters=size.characters if size else None, encoding=size.encoding if size else None,
        segments=size.count if size else None,
    ))  # fmt: skip


def record_consent(event: Event) -> Response:
    """POST /consents: one entry in the customer's ledger. Class `none` is an opt-out: it holds
    for the next reservation and for everything queued (I9)."""
    house, now = services(), services().now()
    caller = caller_of(event, house=house)
    asked = read_body(event, ConsentIn)
    asker = _asker(caller, asked.associate, house)
    banner = asker.banner
    if asked.banner is not None:
        caller.needs(BEHALF, to="naming a banner")
        found = house.programs.current().banner(asked.banner)
        if found is None:
            raise BadInputError("no such banner", code="unknown_banner")
        banner = found
    phone = Phone.parse(asked.phone, region=banner.country)
    customer = house.customers.id_of(phone)
    if asked.consent_class == "none":
        # The block first: stopped in between, the customer is texted by nobody.
        scope = house.programs.current().consent.opt_out_scope
        house.customers.opt_out(customer, banner=banner.name, scope=scope, how=asked.method,
                                words=asked.wording, now=now, who=asker.associate.login,
                                evidence=asked.evidence or "")  # fmt: skip
    entry = house.customers.record_consent(
        phone, banner=banner.name, consent_class=ConsentClass(asked.consent_class),
        wording=asked.wording, method=asked.method, evidence=asked.evidence or "",
        who=asker.associate.login, at=now, now=now, zone=asked.zone,
        postal_code=asked.postal_code, country=banner.country,
    )  # fmt: skip
    count("OptedOut", 1 if asked.consent_class == "none" else 0)
    return respond(201, ConsentOut(customer=customer, entry=entry))


OPERATIONS: dict[str, Callable[[Event], Response]] = {
    "POST /outreach": send,
    "GET /outreach/templates": templates,
    "GET /outreach/{id}": look,
    "POST /outreach/check": may_text,
    "POST /consents": record_consent,
}


def _asker(caller: Caller, associate: str | None, house: Services) -> Asker:
    login = caller.speaks_for(associate)
    return find_asker(login, program=house.programs.current(), stores=house.stores)


def _recipient(row: RecipientIn) -> Recipient:
    return Recipient(row.phone, tuple(row.variables), zone=row.zone, postal_code=row.postal_code)


def _note(batch: Batch) -> None:
    count("RecipientsAccepted", batch.count(RowState.ACCEPTED))
    count("RecipientsBlocked", batch.count(RowState.BLOCKED))
    count("RecipientsDeferred", batch.count(RowState.DEFERRED))
    logger.info("Batch taken", extra={"batch": batch.id, "state": str(batch.state),
                                      "rows": len(batch.rows)})  # fmt: skip
