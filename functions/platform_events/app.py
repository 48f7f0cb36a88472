"""LivePerson's webhook -> verify who signed it, queue what it says, answer at once.

LivePerson may disable an app whose webhook is slow (2.5 s), so nothing is decided here. A queue
that is away is answered with 503, and LivePerson sends the event again.
"""

from __future__ import annotations

from typing import Any

from instore.assignment import Heard, hear_relay, hear_webhook
from instore.errors import InstoreError, NotAuthenticatedError
from instore.runtime.http import body_of, refuse, respond
from instore.runtime.observability import arrived, count, logger, metrics, note_refusal
from instore.runtime.services import services
from instore.runtime.snapshot import ready
from instore.runtime.webhooks import LARGEST_BODY_KB, parsed

ready("secrets", "queues")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0. Answers 200, 400, 401, 413 or 503."""
    arrived(function="platform_events")
    try:
        heard = _hear(event)
        if heard.changes:
            services().queues.conversation_changes(c.as_message() for c in heard.changes)
    except InstoreError as error:
        if isinstance(error, NotAuthenticatedError):
            count("SignatureRefused")
        note_refusal(error, sentence="Event refused")
        return refuse(error)
    if heard.ignored:
        count("EventIgnored", heard.ignored)
    return respond(200, {"queued": len(heard.changes), "ignored": heard.ignored})


def _hear(event: dict[str, Any]) -> Heard:
    webhooks = services().webhooks
    body = body_of(event, most_kb=LARGEST_BODY_KB)
    if event.get("routeKey") == "POST /liveperson/participants":
        relayed_ms = webhooks.verify_relay(event, body=body)
        return hear_relay(parsed(body), relayed_ms=relayed_ms)
    account = webhooks.verify_liveperson(event, body=body)
    return hear_webhook(account, parsed(body))
