"""The two operations on a customer's own data: everything held, and erase.

For the people who handle privacy requests: the scopes name no associate, so none is asked for.
Both are noted in the log, by the customer's id and who asked, never by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import erasing, exporting
from ..model import Email, Phone
from .customer_answers import erased, exported
from .customer_models import CustomerIn, EraseIn
from .means import erasing_means
from .observability import count, logger
from .outreach_http import Response, caller_of, read_body, respond
from .services import services

EXPORT, ERASE = "customers/export", "customers/erase"
Event = Mapping[str, Any]


def export(event: Event) -> Response:
    """POST /customers/export: one answer with all there is. Reads only."""
    house = services()
    caller = caller_of(event, house=house).needs(EXPORT)
    asked = read_body(event, CustomerIn)
    found = exporting.gather(_whose(asked), means=erasing_means(house), ledger=house.consents)
    count("CustomersExported")
    logger.info("Customer exported", extra={"customer": found.id, "who": caller.name,
                                            "verified": not found.problems})  # fmt: skip
    return respond(200, exported(found, now=house.now()))


def erase(event: Event) -> Response:
    """POST /customers/erase: 200 all is gone, 202 a batch is in somebody's hands at this moment and
    the sweep does the rest. The same request again is harmless."""
    house = services()
    caller = caller_of(event, house=house).needs(ERASE)
    asked = read_body(event, EraseIn)
    done = erasing.erase(_whose(asked), reason=asked.reason, who=caller.name, means=erasing_means(house),
                         now=house.now())  # fmt: skip
    count("CustomersErased")
    logger.info("Customer erased", extra={
        "customer": done.customer, "who": caller.name, "entries": done.entries, "texts": done.texts,
        "conversations": len(done.conversations), "waiting": done.waiting,
    })  # fmt: skip
    return respond(202 if done.waiting else 200, erased(done))


def _whose(asked: CustomerIn) -> Phone | Email:
    if asked.phone is not None:
        return Phone.parse(asked.phone, region=asked.country)
    return Email(asked.email or "")


OPERATIONS: dict[str, Callable[[Event], Response]] = {
    "POST /customers/export": export,
    "POST /customers/erase": erase,
}
