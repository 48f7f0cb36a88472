"""Twilio tells of a customer's text or of a status of ours -> verify, queue in order, answer.

Nothing is decided here and no table is read: Twilio asks three times for every text of ours, and a
customer's words must not wait for a table. A queue that is away is answered with 503.
"""

from __future__ import annotations

from typing import Any

from instore.errors import InstoreError, NotAuthenticatedError
from instore.model import Phone, customer_id
from instore.runtime.http import body_of, refuse
from instore.runtime.observability import arrived, count, logger, metrics, note_refusal
from instore.runtime.services import services
from instore.runtime.snapshot import ready
from instore.runtime.twilio_webhooks import twiml
from instore.runtime.webhooks import LARGEST_BODY_KB
from instore.told import INBOUND, STATUS, place_of_status, place_of_text

ready("secrets", "queues")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0. Answers 200 (TwiML), 204, 400, 401, 413 or 503."""
    arrived(function="sms_webhook", route=event.get("routeKey"))
    house = services()
    try:
        fields = house.twilio_webhooks.verify(event, body=body_of(event, most_kb=LARGEST_BODY_KB))
        if event.get("routeKey") == "POST /twilio/status":
            text = (event.get("queryStringParameters") or {}).get("text", "")
            place, fields = place_of_status(fields, text=text), {**fields, "text": text}
            house.queues.sms(STATUS, fields, group=place.group, dedup=place.dedup, at=house.now())
            return {"statusCode": 204}
        place = place_of_text(fields, id_of=_id_of)
        house.queues.sms(INBOUND, fields, group=place.group, dedup=place.dedup, at=house.now())
        return twiml()
    except InstoreError as error:
        if isinstance(error, NotAuthenticatedError):
            count("SignatureRefused")
        note_refusal(error, sentence="Request of Twilio refused")
        return refuse(error)


def _id_of(phone: Phone) -> str:
    house = services()
    key = house.secrets.text(house.settings.customer_key_secret)
    return customer_id(phone, key=key.encode())
