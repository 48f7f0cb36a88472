"""Every request that the Twilio client can make, and some that must be refused.

A test compares the requests with the client: each method, and each of its optional arguments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from instore.adapters.secrets import Secrets
from instore.adapters.twilio import Twilio
from instore.adapters.twilio_session import account_path
from instore.model import Phone
from instore.program_line import Line

from .document import Document, example

# The account of the documents' own examples: the client refuses answers about another one.
ACCOUNT = "AC" + "a" * 32
SECRET = "contract/twilio/" + ACCOUNT.lower()
LINE = Line.model_validate({"account_sid": ACCOUNT, "secret": SECRET})
NUMBER, SERVICE = "PN" + "a" * 32, "MG" + "a" * 32
SHOP, ANA = Phone("+12125550140"), Phone("+16465550171")
HOOK = "https://api.shop.example.com/twilio"

_ROOT = "/2010-04-01/Accounts/{AccountSid}"
PATHS = (
    f"{_ROOT}/Messages.json", f"{_ROOT}/Messages/{{Sid}}.json",
    f"{_ROOT}/AvailablePhoneNumbers/{{CountryCode}}/Local.json",
    f"{_ROOT}/IncomingPhoneNumbers.json", f"{_ROOT}/IncomingPhoneNumbers/{{Sid}}.json",
    "/v1/Services/{ServiceSid}/PhoneNumbers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the client's method and its arguments. `heard` = the example that Twilio's
    document shows is an answer to just this, so the client has to understand it, too."""

    method: str
    arguments: Mapping[str, Any]
    heard: bool = True

    def __call__(self, twilio: Twilio) -> Any:
        call: Callable[..., Any] = getattr(twilio, self.method)
        return call(LINE, **self.arguments)


class _OneSecret:
    """Secrets Manager with one secret."""

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        assert SecretId == SECRET
        return {"SecretString": json.dumps({"auth_token": "contract"})}


def secrets(now: Callable[[], Any]) -> Secrets:
    return Secrets(_OneSecret(), prefix="contract/", now=now)  # type: ignore[arg-type]  # all it needs


def requests(document: Document) -> list[Ask]:
    """All of them, with the numbers of the document's examples where an answer is compared."""
    listed = example(document, "GET", PATHS[0])["messages"][0]
    bought = Phone(example(document, "POST", PATHS[3])["phone_number"])
    text = {"sender": SHOP, "to": ANA, "body": "Your ring is ready. 💍 & more +1",
            "callback": f"{HOOK}/status?text=t-1", "validity_s": 600}  # fmt: skip
    addresses = {"sms_url": f"{HOOK}/sms", "voice_url": f"{HOOK}/voice/line"}
    pictures = ["https://cdn.shop.example.com/a.jpg?w=1&h=2"]
    return [
        Ask("send", text),
        Ask("send", text | {"validity_s": 36_000, "service": SERVICE}),
        Ask("send", text | {"media": pictures}),
        Ask("send", text | {"body": "", "media": pictures * 10, "service": SERVICE}),
        Ask("fetch", {"sid": example(document, "GET", PATHS[1])["sid"]}),
        Ask("list", {"to": Phone(listed["to"]), "sender": Phone(listed["from"]), "limit": 1}),
        Ask("list", {"to": ANA, "sender": SHOP, "limit": 5000}, heard=False),
        Ask("search", {"country": "US", "area_code": "212"}),
        Ask("search", {"country": "CA", "region": "ON", "limit": 5000}),
        Ask("search", {"country": "US", "near": SHOP}),
        Ask("search", {"country": "CA", "postal_code": "M5V 2T6"}),
        Ask("buy", {"number": bought, "tag": "instore 1f0c", **addresses}),
        Ask("owned", {}, heard=False),
        Ask("owned", {"tag": "instore 1f0c", "number": SHOP}, heard=False),
        Ask("configure", {"sid": NUMBER, "tag": "left", **addresses}),
        Ask("configure", {"sid": NUMBER, "sms_url": f"{HOOK}/sms"}),
        Ask("release", {"sid": NUMBER}),
        Ask("add_to_service", {"service": SERVICE, "sid": NUMBER}),
    ]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A request that the mock has to refuse, or its yes to the others would mean nothing."""

    what: str
    method: str
    path: str
    form: Mapping[str, str] | None = None
    proof: bool = True
    kind: str = "application/x-www-form-urlencoded"


def wrong_requests() -> list[Wrong]:
    texts, numbers = account_path(LINE, "Messages"), account_path(LINE, "IncomingPhoneNumbers")
    good = {"To": ANA.e164, "From": SHOP.e164, "Body": "hello"}
    return [
        Wrong("no recipient", "POST", texts, {"From": SHOP.e164, "Body": "hello"}),
        Wrong("no sender", "POST", texts, {"To": ANA.e164, "Body": "hello"}),
        Wrong("nothing to say", "POST", texts, {"To": ANA.e164, "From": SHOP.e164}),
        Wrong("a service that is none", "POST", texts, good | {"MessagingServiceSid": "MG1"}),
        Wrong("a validity in words", "POST", texts, good | {"ValidityPeriod": "an hour"}),
        Wrong("a callback that is no address", "POST", texts, good | {"StatusCallback": "here"}),
        Wrong("no credentials", "POST", texts, good, proof=False),
        Wrong("JSON", "POST", texts, good, kind="application/json"),
        Wrong("neither number nor area code", "POST", numbers, {"FriendlyName": "x"}),
        Wrong("a method in lower case", "POST", numbers,
              {"PhoneNumber": SHOP.e164, "SmsMethod": "post"}),
        Wrong("a page of 5000", "GET", f"{texts}?PageSize=5000"),
        Wrong("an account that is none", "GET", texts.replace(ACCOUNT, "AC1")),
        Wrong("no such resource", "GET", account_path(LINE, "Letters")),
    ]  # fmt: skip
