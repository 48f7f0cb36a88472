"""Why was this routed so: the receipt of a conversation, explained and replayed on the spot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import NotFoundError, UnavailableError
from ..explaining import explain
from ..model import ACCOUNT_ID, CONVERSATION_ID, epoch
from .explain_models import shown
from .http import query_of
from .outreach_http import Response, caller_of, respond
from .services import services

EXPLAIN = "outreach/explain"
Event = Mapping[str, Any]


def receipt(event: Event) -> Response:
    """GET /conversations/{account}/{id}/receipt: one read of the conversation, nothing else.

    For who operates the program, not for an associate: the scope names no person, so no login is
    asked for. 404 for what is not there any more, and for what never was.
    """
    query_of(event)
    house = services()
    caller_of(event, house=house).needs(EXPLAIN, to="explaining")
    path = event.get("pathParameters") or {}
    account, conversation = str(path.get("account", "")), str(path.get("id", ""))
    if not (re.fullmatch(ACCOUNT_ID, account) and re.fullmatch(CONVERSATION_ID, conversation)):
        raise NotFoundError("no such conversation", code="unknown_conversation")
    item = house.conversations.stored(account, conversation=conversation)
    if item is None or item["expires_at"] <= epoch(house.now()):
        raise NotFoundError("no such conversation", code="unknown_conversation")
    try:
        answer = shown(account, conversation, item["banner"], explain(item))
    except ValueError as error:
        raise UnavailableError("this version cannot read the receipt",
                               code="receipt_unreadable") from error  # fmt: skip
    return respond(200, answer)


OPERATIONS: dict[str, Callable[[Event], Response]] = {
    "GET /conversations/{account}/{id}/receipt": receipt,
}
