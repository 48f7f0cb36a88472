"""LivePerson asks our bot who takes this conversation (Custom Endpoint, four routes)."""

from __future__ import annotations

from typing import Any

from instore import conversing
from instore.bot_messages import read_create, read_event
from instore.errors import NotFoundError
from instore.routing_flow import Means
from instore.runtime.bot_tokens import verify_bot_token
from instore.runtime.http import Request, Response, guard, read_request, respond
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import Services, services
from instore.runtime.snapshot import ready

ready("table", "secrets", modules=("httpx", "jwt", "oauthlib.oauth1", "phonenumbers"))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@guard
def handler(event: dict[str, Any], _context: Any) -> Response:
    """Answer one call. Errors become `{"code", "message"}` with their status (runtime/http.py)."""
    path = event.get("pathParameters") or {}
    arrived(route=event.get("routeKey"), conversation=path.get("conversation", ""))
    return answer(read_request(event), services())


def answer(request: Request, use: Services) -> Response:
    """Verify the token, then take the route."""
    program, now = use.programs.at_hand(), use.now()
    account = verify_bot_token(request.header("authorization"), program=program,
                               token_keys=use.liveperson.token_keys, now=now)  # fmt: skip
    seat = conversing.Seat(program, account, request.path.get("bot", ""))
    if request.route == "GET /v1/bots/{bot}/environments":
        return respond(200, list(conversing.environments(seat)))
    conversing.check_environment(seat, environment=request.path.get("environment", ""))
    version = use.programs.version
    if request.route.endswith("/state"):
        return respond(200, conversing.state_of(seat, version=version))
    conversation = conversing.check_conversation(request.path.get("conversation", ""))
    means = Means(use.conversations, use.customers, use.stores, use.presences, use.liveperson,
                  use.backend, version, use.calls)  # fmt: skip
    if request.route.startswith("PUT "):
        new = conversing.open_conversation(read_create(request.json(mend=True)), seat=seat,
                                           conversation=conversation, means=means, now=now)  # fmt: skip
        logger.info("Conversation opened", extra={"new": new})
        return respond(200, {})
    if not request.route.startswith("POST "):
        raise NotFoundError("no such route", code="unknown_route")
    reply = conversing.answer_event(read_event(request.json(mend=True)), seat=seat,
                                    conversation=conversation, means=means, now=now)  # fmt: skip
    for name in reply.counts:
        count(name)
    logger.info("Event answered", extra={"outcome": reply.outcome})
    return respond(200, reply.body)
