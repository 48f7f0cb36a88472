"""Bodies of Twilio's API, whole and as documented, in our own values: what the client reads.

Twilio, docs/messaging/api/message-resource, docs/phone-numbers/api, docs/usage/twilios-response:
numbers are text, dates are RFC 2822 (ISO 8601 at messaging.twilio.com), fields may be null.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.adapters.twilio_rig import (
    ACCOUNT,
    ANA,
    LINE,
    NUMBER,
    PICTURE,
    SEND,
    SERVICE,
    SHOP,
    SID,
    TEXT,
    Rig,
)

from instore.carrier import Candidate, MessageSeen, Owned, SentText, body_digest
from instore.carrier_codes import Effect
from instore.errors import TwilioRefusedError
from instore.model import Phone

CREATED_BY_NUMBER = f"""{{
  "account_sid": "{SID}", "api_version": "2010-04-01", "body": "Votre bague est prête. 💍",
  "date_created": "Sun, 22 Nov 2026 14:05:09 +0000", "date_sent": null,
  "date_updated": "Sun, 22 Nov 2026 14:05:09 +0000", "direction": "outbound-api",
  "error_code": null, "error_message": null, "from": "+12125550140",
  "messaging_service_sid": null, "num_media": "0", "num_segments": "1", "price": null,
  "price_unit": "USD", "sid": "{TEXT}", "status": "queued",
  "subresource_uris": {{"media": "{ACCOUNT}/Messages/{TEXT}/Media.json"}},
  "to": "+16465550171", "uri": "{ACCOUNT}/Messages/{TEXT}.json"}}"""
CREATED_BY_SERVICE = json.dumps(json.loads(CREATED_BY_NUMBER) | {
    "sid": PICTURE, "status": "accepted", "num_segments": "0", "num_media": "1",
    "messaging_service_sid": SERVICE, "price_unit": None,
})  # fmt: skip
UNDELIVERED = json.dumps(json.loads(CREATED_BY_NUMBER) | {
    "status": "undelivered", "error_code": 30005, "error_message": "Unknown destination handset",
    "date_sent": "Sun, 22 Nov 2026 14:05:11 +0000", "price": "-0.00830",
})  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    [(CREATED_BY_NUMBER, SentText(TEXT, "queued", 1)),
     (CREATED_BY_SERVICE, SentText(PICTURE, "accepted", 0)),
     (CREATED_BY_SERVICE.replace('"accepted"', '"scheduled"'), SentText(PICTURE, "scheduled", 0))],
)  # fmt: skip
def test_created(clock: Any, body: str, said: SentText) -> None:
    assert Rig(clock, httpx.Response(201, text=body)).twilio.send(LINE, **SEND) == said


def test_fetched(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(200, text=UNDELIVERED))
    assert rig.twilio.fetch(LINE, sid=TEXT) == MessageSeen(
        TEXT, "undelivered", 30005, ANA, SHOP, body_digest("Votre bague est prête. 💍"),
        datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC),
    )  # fmt: skip


def test_listed(clock: Any) -> None:
    messages = f"{ACCOUNT}/Messages.json?To=%2B16465550171&From=%2B12125550140&PageSize=2"
    pages = [
        {"end": 1, "first_page_uri": f"{messages}&Page=0", "page": 0, "page_size": 2, "start": 0,
         "next_page_uri": f"{messages}&Page=1&PageToken=PAMM{'7b22' * 8}",
         "previous_page_uri": None, "uri": messages,
         "messages": [json.loads(CREATED_BY_SERVICE) | {"from": None}, json.loads(UNDELIVERED)]},
        {"end": 1, "first_page_uri": f"{messages}&Page=0", "page": 1, "page_size": 2, "start": 2,
         "next_page_uri": None, "previous_page_uri": f"{messages}&Page=0", "uri": messages,
         "messages": []},
    ]  # fmt: skip
    rig = Rig(clock, *(httpx.Response(200, json=page) for page in pages))
    seen = rig.twilio.list(LINE, to=ANA, sender=SHOP, limit=10)
    assert [(one.sid, one.status, one.sender) for one in seen] == [
        (PICTURE, "accepted", None), (TEXT, "undelivered", SHOP)
    ]  # fmt: skip


def test_for_sale(clock: Any) -> None:
    body = {
        "available_phone_numbers": [{
            "address_requirements": "none", "beta": False,
            "capabilities": {"mms": True, "sms": True, "voice": True},
            "friendly_name": "(416) 555-0188", "iso_country": "CA", "lata": "888",
            "latitude": "43.648690", "locality": "Toronto", "longitude": "-79.385440",
            "phone_number": "+14165550188", "postal_code": None, "rate_center": "TORONTO",
            "region": "ON",
        }],
        "uri": f"{ACCOUNT}/AvailablePhoneNumbers/CA/Local.json",
    }  # fmt: skip
    found = Rig(clock, httpx.Response(200, json=body)).twilio.search(LINE, country="CA")
    assert found == [Candidate(Phone("+14165550188"), "Toronto", "ON", None)]


BOUGHT = {
    "account_sid": SID, "address_requirements": "none", "address_sid": None,
    "api_version": "2010-04-01", "beta": False, "bundle_sid": None,
    "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
    "date_created": "Sun, 22 Nov 2026 14:05:09 +0000",
    "date_updated": "Sun, 22 Nov 2026 14:05:09 +0000", "emergency_address_sid": None,
    "emergency_address_status": "unregistered", "emergency_status": "Inactive",
    "friendly_name": "instore 9d2e", "identity_sid": None, "origin": "twilio",
    "phone_number": "+12125550140", "sid": NUMBER, "sms_application_sid": "",
    "sms_fallback_method": "POST", "sms_fallback_url": "", "sms_method": "POST",
    "sms_url": "https://shop.test/twilio/sms", "status": "in-use", "status_callback": "",
    "status_callback_method": "POST", "trunk_sid": None, "type": "local",
    "uri": f"{ACCOUNT}/IncomingPhoneNumbers/{NUMBER}.json", "voice_application_sid": None,
    "voice_caller_id_lookup": False, "voice_fallback_method": "POST", "voice_fallback_url": None,
    "voice_method": "POST", "voice_receive_mode": "voice",
    "voice_url": "https://shop.test/twilio/voice/line",
}  # fmt: skip
OURS = Owned(NUMBER, SHOP, "instore 9d2e", "https://shop.test/twilio/sms",
             "https://shop.test/twilio/voice/line")  # fmt: skip


def test_bought_and_listed(clock: Any) -> None:
    listed = {"incoming_phone_numbers": [BOUGHT], "next_page_uri": None, "page": 0, "end": 0,
              "page_size": 1000, "start": 0, "uri": f"{ACCOUNT}/IncomingPhoneNumbers.json"}  # fmt: skip
    rig = Rig(clock, httpx.Response(201, json=BOUGHT), httpx.Response(200, json=listed))
    assert rig.twilio.buy(LINE, number=SHOP, tag="instore 9d2e", sms_url=OURS.sms_url,
                          voice_url=OURS.voice_url) == OURS  # fmt: skip
    assert rig.twilio.owned(LINE, tag="instore 9d2e") == [OURS]


@pytest.mark.parametrize("can", [[], ["MMS", "SMS", "Voice"]])
def test_added_to_a_service(clock: Any, can: list[str]) -> None:
    body = {"sid": NUMBER, "account_sid": SID, "service_sid": SERVICE, "phone_number": SHOP.e164,
            "country_code": "US", "capabilities": can, "date_created": "2026-11-22T14:05:09Z",
            "date_updated": "2026-11-22T14:05:09Z",
            "url": f"https://messaging.twilio.com/v1/Services/{SERVICE}/PhoneNumbers/{NUMBER}"}  # fmt: skip
    Rig(clock, httpx.Response(201, json=body)).twilio.add_to_service(
        LINE, service=SERVICE, sid=NUMBER
    )


@pytest.mark.parametrize(
    ("status", "body", "code", "effect"),
    [(400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient",
            "more_info": "https://www.twilio.com/docs/errors/21610", "status": 400},
      21610, Effect.SUPPRESS),
     (404, {"status": 404, "message": "The requested resource was not found"}, None, Effect.NONE),
     (400, {"type": "https://www.twilio.com/docs/api/errors/21614", "title": "Not a mobile number",
            "status": 400, "detail": "", "code": 21614, "instance": "/x", "errors": []},
      21614, Effect.BAD_NUMBER),
     (400, {"errors": [{"code": 21614, "message": "no", "infoUrl": "", "context": {}}]}, None,
      Effect.NONE)],
)  # fmt: skip
def test_refused(clock: Any, status: int, body: Any, code: int | None, effect: Effect) -> None:
    with pytest.raises(TwilioRefusedError) as caught:
        Rig(clock, httpx.Response(status, json=body)).twilio.send(LINE, **SEND)
    assert (caught.value.code, caught.value.effect) == (code, effect)
