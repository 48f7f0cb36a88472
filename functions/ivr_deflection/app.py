"""Somebody calls one of our numbers -> what Twilio says and does next, as TwiML.

A branch of the voice menu offers to text instead of waiting; a relay number says that it takes
texts only. Twilio falls back to the number's second address when we fail, so a failure is answered
as one: the caller is not left in silence.
"""

from __future__ import annotations

from typing import Any

from instore.errors import InstoreError, NotAuthenticatedError
from instore.runtime.http import body_of, refuse
from instore.runtime.observability import arrived, count, logger, metrics, note_refusal
from instore.runtime.services import services
from instore.runtime.snapshot import ready
from instore.runtime.twilio_webhooks import twiml
from instore.runtime.voice_operations import STEPS
from instore.runtime.webhooks import LARGEST_BODY_KB

ready("table", "secrets", "twilio_webhooks", modules=("httpx", "phonenumbers"))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0. Answers 200 (TwiML), 204, 400, 401, 413 or 503."""
    route = str(event.get("routeKey"))
    arrived(function="ivr_deflection", route=route)
    house = services()
    try:
        fields = house.twilio_webhooks.verify(event, body=body_of(event, most_kb=LARGEST_BODY_KB))
        answer = STEPS[route](event, fields, house)
    except InstoreError as error:
        if isinstance(error, NotAuthenticatedError):
            count("SignatureRefused")
        note_refusal(error, sentence="Call refused")
        return refuse(error)
    for metric in answer.counts:
        count(metric)
    logger.info("Call answered", extra={"what": answer.what, "call": fields.get("CallSid", "")})
    return twiml(answer.twiml) if answer.twiml else {"statusCode": 204}
