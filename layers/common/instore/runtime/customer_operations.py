"""The two operations on a customer's own data: everything held, and erase.

For the people who handle privacy requests: the scopes name no associate, so none is asked for.
Both are noted in the log, by the customer's id and who asked, never by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import erasing, exporting
from ..errors import ForbiddenError
from ..model import Phone
from .customer_answers import erased, exported
from .customer_models import CustomerIn, EraseIn
from .observability import count, logger
from .outreach_http import Response, caller_of, read_body, respond
from .services import Services, services

EXPORT, ERASE = "customers/export", "customers/erase"
Event = Mapping[str, Any]


def export(event: Event) -> Response:
    """POST /customers/export: one answer with all there is. Reads only."""
    house = services()
    who = _asker(event, house, scope=EXPORT)
    asked = read_body(event, CustomerIn)
    phone = Phone.parse(asked.phone, region=asked.country)
    held = exporting.gather(phone, means=_means(house), ledger=house.consents)
    count("CustomersExported")
    logger.info("Customer exported", extra={"customer": held.id, "who": who,
                                            "verified": not held.problems})  # fmt: skip
    return respond(200, exported(held, now=house.now()))


def erase(event: Event) -> Response:
    """POST /customers/erase: 200 all is gone, 202 a batch is in somebody's hands at this moment and
    the sweep does the rest. The same request again is harmless."""
    house = services()
    who = _asker(event, house, scope=ERASE)
    asked = read_body(event, EraseIn)
    phone = Phone.parse(asked.phone, region=asked.country)
    done = erasing.erase(phone, reason=asked.reason, who=who, means=_means(house), now=house.now())
    count("CustomersErased")
    logger.info("Customer erased", extra={
        "customer": done.customer, "who": who, "entries": done.entries, "texts": done.texts,
        "conversations": len(done.conversations), "waiting": done.waiting,
    })  # fmt: skip
    return respond(202 if done.waiting else 200, erased(done))


OPERATIONS: dict[str, Callable[[Event], Response]] = {
    "POST /customers/export": export,
    "POST /customers/erase": erase,
}


def _means(house: Services) -> erasing.Means:
    return erasing.Means(house.customers, house.batches, house.erasures)


def _asker(event: Event, house: Services, *, scope: str) -> str:
    """Who asks, as the verified token says: login, application or subject. Raises ForbiddenError
    without the scope, should a route ever be left open."""
    caller = caller_of(event, claim=house.settings.associate_claim)
    if scope not in caller.scopes:
        raise ForbiddenError(f"this takes scope {scope}", code="scope_missing")
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    named = caller.login or claims.get("client_id") or claims.get("sub")
    return str(named or "unnamed")[:120]
