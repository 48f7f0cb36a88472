"""A Twilio made of prepared answers, and what it was asked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import httpx
from tests.adapters.vendor_rig import Answer, FakeSecretsManager, _next, good

from instore.adapters.secrets import Secrets
from instore.adapters.twilio import Twilio
from instore.model import Phone
from instore.program_line import Line

SID = "AC" + "3f0c9a1e5b7d2468" * 2
LINE = Line.model_validate({"account_sid": SID, "secret": f"rig/twilio/{SID.lower()}"})
ACCOUNT = f"/2010-04-01/Accounts/{SID}"
TEXT = "SM" + "7b21" * 8
PICTURE = "MM" + "7b22" * 8
NUMBER = "PN" + "90ab" * 8
SERVICE = "MG" + "51de" * 8
SHOP, ANA = Phone("+12125550140"), Phone("+16465550171")
KEYS = {"auth_token": "token-1"}
SEND: dict[str, Any] = {"sender": SHOP, "to": ANA, "body": "Your ring is ready.", "validity_s": 600,
        "callback": "https://shop.test/twilio/status?text=t-1"}  # fmt: skip


class Rig:
    """`script` answers in turn, the last one for ever."""

    def __init__(self, clock: Any, *script: Answer, api: str = "https://api.twilio.com") -> None:
        self.script = list(script)
        self.seen: list[httpx.Request] = []
        self.slept: list[float] = []
        self.ticks = 0.0
        self.manager = FakeSecretsManager({LINE.secret: dict(KEYS)})
        self.secrets = Secrets(self.manager, prefix="rig/", now=clock.now)  # type: ignore[arg-type]  # stands in for the real one
        self.twilio = Twilio(
            secrets=self.secrets, api=api, now=clock.now, sleep=self._sleep,
            transport=httpx.MockTransport(self._answer), monotonic=lambda: self.ticks,
        )  # fmt: skip

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ticks += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return _next(self.script, request, None)


def form(request: httpx.Request) -> list[tuple[str, str]]:
    """The fields of a request's body, in order; refuses what is no form."""
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return parse_qsl(request.content.decode(), keep_blank_values=True, strict_parsing=True)


def query(request: httpx.Request) -> list[tuple[str, str]]:
    return parse_qsl(request.url.query.decode(), keep_blank_values=True, strict_parsing=True)


def text(**changes: Any) -> dict[str, Any]:
    """A text as Twilio shows it; `sender` stands for its field `from`."""
    shown = {
        "sid": TEXT, "account_sid": SID, "api_version": "2010-04-01", "status": "queued",
        "body": SEND["body"], "from": SHOP.e164, "to": ANA.e164, "direction": "outbound-api",
        "num_segments": "1", "num_media": "0", "error_code": None, "error_message": None,
        "messaging_service_sid": None, "price": None, "price_unit": "USD", "date_sent": None,
        "date_created": "Wed, 18 Nov 2026 16:59:58 +0000",
        "date_updated": "Wed, 18 Nov 2026 16:59:58 +0000",
        "uri": f"{ACCOUNT}/Messages/{TEXT}.json", "subresource_uris": {},
    }  # fmt: skip
    if "sender" in changes:
        changes["from"] = changes.pop("sender")
    return shown | changes


def page(*texts: Any, following: Any = None) -> httpx.Response:
    """A page of texts."""
    return good({"messages": list(texts), "next_page_uri": following, "page": 0, "page_size": 50})


def owned(**changes: Any) -> dict[str, Any]:
    """A number of the account as Twilio shows it."""
    return {
        "sid": NUMBER, "account_sid": SID, "phone_number": SHOP.e164, "friendly_name": "tag-1",
        "sms_url": "https://shop.test/twilio/sms", "voice_url": "https://shop.test/twilio/voice",
        "sms_method": "POST", "voice_method": "POST", "status": "in-use", "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
    } | changes  # fmt: skip


def for_sale(number: str, **changes: Any) -> dict[str, Any]:
    """A number for sale as Twilio shows it."""
    return {
        "phone_number": number, "friendly_name": number, "iso_country": "US",
        "locality": "New York", "region": "NY", "postal_code": "10001", "lata": "132",
        "capabilities": {"voice": True, "sms": True, "mms": True}, "beta": False,
    } | changes  # fmt: skip


def refusal(code: int | None, *, status: int = 400) -> httpx.Response:
    """An error as Twilio words it. Its message may hold the number, so ours must not quote it."""
    body: dict[str, Any] = {"status": status, "message": f"The number {ANA.e164} is refused"}
    if code is not None:
        body |= {"code": code, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return httpx.Response(status, content=json.dumps(body))
