"""The operations on service requests: the brand's site submits, associates see, claim and answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .. import request_asking
from ..errors import BadInputError
from ..line_text import Outcome
from ..model import fingerprint
from ..outreach import Asker, find_asker
from ..request_asking import Answer, Asked
from ..requesting import Means
from ..service_request import (
    Agreed,
    By,
    Link,
    Reply,
    ReplyState,
    Shelf,
    Source,
    Told,
    confirmation_id,
    reply_text_id,
    request_id,
)
from .http import query_of
from .means import request_means
from .observability import count, logger
from .outreach_http import (
    Response,
    caller_of,
    idempotency_key,
    path_id,
    read_body,
    respond,
)
from .request_models import (
    ANSWER,
    CREATE,
    READ,
    PageOut,
    ReplyIn,
    ReplyOut,
    RequestIn,
    RequestsOut,
    shown,
    shown_reply,
    taken,
    whole,
)
from .services import Services, services

Event = Mapping[str, Any]
PAGE = 50
_PLACE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z#[0-9a-f]{24}", re.ASCII)


def submit(event: Event) -> Response:
    """POST /requests: 201 taken, 200 taken before."""
    house = services()
    caller = caller_of(event, house=house).needs(CREATE)
    key = idempotency_key(event)
    said = read_body(event, RequestIn)
    consent = said.consent
    asked = Asked(
        Source(said.source), By(said.by), _sealed(house, said.model_dump()), store=said.store,
        associate=said.associate, name=said.name, phone=said.phone, email=said.email,
        message=said.message, page=said.page, language=said.language,
    )  # fmt: skip
    agreed = None
    if consent is not None and asked.by is By.TEXT:
        agreed = Agreed(consent.wording, consent.zone, consent.postal_code)
    found, new = request_asking.submit(
        asked, request=request_id(caller.name, key=key), agreed=agreed, means=_means(event, house),
        now=house.now(),
    )  # fmt: skip
    if new:
        count("RequestsTaken")
        logger.info("Request taken", extra={"request": found.id, "shelf": found.shelf.value,
                                            "by": found.by.value, "banner": found.banner})  # fmt: skip
    return respond(201 if new else 200, taken(found))


def listing(event: Event) -> Response:
    """GET /requests: New Leads of the caller's store, their team's requests and their own."""
    query = query_of(event, known=["list", "after"])
    house = services()
    asker = _asker(event, house, scope=READ)
    name, after = query.get("list"), query.get("after")
    if name is not None and name not in {shelf.value for shelf in Shelf}:
        raise BadInputError("no such list", code="unknown_list")
    if after is not None and (name is None or not _is_place(after)):
        raise BadInputError("`after` is the `next` of a list that is named", code="bad_page")
    pages = {}
    for shelf in [Shelf(name)] if name else list(Shelf):
        found, following = house.requests.listed(shelf, pointer=asker.pointer, limit=PAGE,
                                                 after=after)  # fmt: skip
        pages[shelf.value] = PageOut(
            requests=[shown(one, mine=one.is_of(asker.pointer)) for one in found], next=following
        )
    return respond(200, RequestsOut(**pages))


def look(event: Event) -> Response:
    """GET /requests/{id}: one request with its answers, and how its texts stand now."""
    query_of(event)
    house = services()
    asker = _asker(event, house, scope=READ)
    found = request_asking.see(path_id(event), asker=asker, means=_means(event, house))
    text = house.texts.get(confirmation_id(found)) if found.is_texted else None
    replies = [_shown(reply, house) for reply in house.requests.replies(found.id)]
    if text is not None:
        found = replace(found, confirmed=_of(text.outcome))
    return respond(200, whole(found, mine=found.is_of(asker.pointer), replies=replies))


def claim(event: Event) -> Response:
    """POST /requests/{id}/claim: 200 it is theirs; 409 a colleague was first."""
    house = services()
    asker = _asker(event, house, scope=ANSWER)
    found = request_asking.claim(path_id(event), asker=asker, now=house.now(),
                                 means=_means(event, house))  # fmt: skip
    logger.info("Request claimed", extra={"request": found.id, "agent": asker.pointer.agent_id})
    return respond(200, shown(found, mine=True))


def reply(event: Event) -> Response:
    """POST /requests/{id}/reply: 200 handed over or refused, 202 on its way."""
    house = services()
    asker = _asker(event, house, scope=ANSWER)
    key = idempotency_key(event)
    said = read_body(event, ReplyIn)
    given = Answer(
        key, _sealed(house, said.model_dump()), said.text,
        tuple(Link(one.url, one.title) for one in said.links), tuple(said.media),
    )  # fmt: skip
    found, answered = request_asking.answer(
        path_id(event), given=given, asker=asker, means=_means(event, house), now=house.now()
    )  # fmt: skip
    logger.info("Request answered", extra={
        "request": found.id, "reply": answered.id, "state": answered.state.value,
        "why": answered.reason, "files": len(answered.media), "links": len(answered.links),
    })  # fmt: skip
    on_its_way = answered.state is ReplyState.ASKED
    return respond(202 if on_its_way else 200, _shown(answered, house))


OPERATIONS: dict[str, Callable[[Event], Response]] = {
    "POST /requests": submit,
    "GET /requests": listing,
    "GET /requests/{id}": look,
    "POST /requests/{id}/claim": claim,
    "POST /requests/{id}/reply": reply,
}


def _means(event: Event, house: Services) -> Means:
    return request_means(house, count=count, public_url=house.twilio_webhooks.public_url(event))


def _asker(event: Event, house: Services, *, scope: str) -> Asker:
    caller = caller_of(event, house=house).needs(scope)
    return find_asker(caller.speaks_for(None), program=house.programs.current(),
                      stores=house.stores)  # fmt: skip


def _sealed(house: Services, said: Mapping[str, Any]) -> str:
    """A digest of a body with a customer in it."""
    return house.customers.sealed(fingerprint(dict(said)))


def _is_place(after: str) -> bool:
    """Whether this can be the `next` of a page: DynamoDB refuses a range that ends before it begins."""
    return _PLACE.fullmatch(after) is not None


def _shown(answered: Reply, house: Services) -> ReplyOut:
    text = house.texts.get(reply_text_id(answered.id)) if answered.by is By.TEXT else None
    return shown_reply(answered, delivery=_of(text.outcome) if text else None)


def _of(outcome: Outcome) -> Told:
    return Told(outcome.state.value, outcome.reason, outcome.until)
