"""What `make contract` sends and patches, proven without network on a document of our own."""

from __future__ import annotations

import copy
import inspect
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from local.contract import fetching
from local.contract.asking import LINE, PATHS, requests, secrets
from local.contract.document import FORM, example, operation, patched, unknown_names

from instore.adapters.twilio import Twilio

TEXTS, SALE, NUMBERS, POOL = PATHS[0], PATHS[2], PATHS[3], PATHS[5]
ROOT = Path(fetching.__file__).parents[2]


def answers(shown: Any, status: str = "200") -> dict[str, Any]:
    return {status: {"content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/one"},
        "examples": {"first": {"value": shown}, "second": {"value": None}},
    }}}}  # fmt: skip


def form(fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {FORM: {"schema": {"type": "object", "properties": fields}}}},
            **more}  # fmt: skip


def query(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": {"type": "string", "format": "date-time"}}
            for name in names]  # fmt: skip


TEXT = {"sid": "SM" + "12" * 16, "account_sid": LINE.account_sid, "to": "+12125550101",
        "from": "+12125550102"}  # fmt: skip
API: dict[str, Any] = {
    "openapi": "3.0.1",
    "paths": {
        TEXTS: {
            "servers": [{"url": "https://api.twilio.com"}],
            "get": {"parameters": [{"name": "AccountSid", "in": "path"},
                                   *query("To", "From", "PageSize", "DateSent", "DateSent<")],
                    "responses": answers({"messages": [TEXT]})},
            "post": form(
                {"To": {"type": "string"}, "From": {}, "MessagingServiceSid": {}, "Body": {},
                 "MediaUrl": {"type": "array"}},
                **{"x-twilio": {"conditional": [["from", "messaging_service_sid"],
                                                ["body", "media_url"]]}},
                responses=answers(TEXT, "201"),
            ),
        },
        PATHS[1]: {"get": {"responses": answers(TEXT)}},
        SALE: {"get": {"parameters": query("AreaCode"), "responses": answers({})}},
        NUMBERS: {"get": {"parameters": [], "responses": answers({})},
                  "post": form({"PhoneNumber": {}},
                               responses=answers({"phone_number": "+12125550103"}, "201"))},
        PATHS[4]: {"delete": {"responses": {"204": {}}}},
        "/2010-04-01/Accounts/{AccountSid}/Calls.json": {"get": {}},
    },
    "components": {
        "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        "schemas": {"one": {"properties": {"x": {"$ref": "#/components/schemas/two"}}},
                    "two": {"items": {"$ref": "#/components/schemas/one"}}, "unused": {}},
    },
}  # fmt: skip
MESSAGING: dict[str, Any] = {
    "openapi": "3.0.1",
    "paths": {POOL: {"post": form({"PhoneNumberSid": {}}, responses=answers({}, "201"))}},
    "components": {"schemas": {"one": {}}},
}


@pytest.fixture
def document() -> Any:
    return patched([API, MESSAGING], paths=PATHS)


def test_two_documents_become_one_and_stay_as_they_were() -> None:
    before = copy.deepcopy((API, MESSAGING))
    document = patched([API, MESSAGING], paths=PATHS)
    assert before == (API, MESSAGING)
    assert list(document["paths"]) == list(PATHS)
    assert not any("servers" in item for item in document["paths"].values())
    assert set(document["components"]["schemas"]) == {"one", "two"}
    assert document["components"]["securitySchemes"] == API["components"]["securitySchemes"]
    assert document["openapi"] == "3.0.1"


def test_a_path_that_nobody_has() -> None:
    with pytest.raises(KeyError):
        patched([MESSAGING], paths=PATHS)


def test_conditions_that_stand_beside_the_schema_become_part_of_it(document: Any) -> None:
    schema = operation(document, "POST", "/2010-04-01/Accounts/AC1/Messages.json")[
        "requestBody"]["content"][FORM]["schema"]  # fmt: skip
    assert schema["allOf"] == [
        {"anyOf": [{"required": ["From"]}, {"required": ["MessagingServiceSid"]}]},
        {"anyOf": [{"required": ["Body"]}, {"required": ["MediaUrl"]}]},
    ]
    bought = document["paths"][NUMBERS]["post"]["requestBody"]["content"][FORM]
    assert "allOf" not in bought["schema"]
    assert "encoding" not in bought


def test_lists_are_repeated_keys(document: Any) -> None:
    content = document["paths"][TEXTS]["post"]["requestBody"]["content"][FORM]
    assert content["encoding"] == {"MediaUrl": {"style": "form", "explode": True}}


def test_a_day_is_a_date(document: Any) -> None:
    schemas = {
        one["name"]: one.get("schema") for one in document["paths"][TEXTS]["get"]["parameters"]
    }
    assert schemas["DateSent"] == schemas["DateSent<"] == {"type": "string"}
    assert schemas["To"] == {"type": "string", "format": "date-time"}


def test_which_operation_a_request_is_for(document: Any) -> None:
    assert operation(document, "DELETE", "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json")
    for method, path in (("PUT", TEXTS), ("DELETE", TEXTS), ("GET", "/"), ("GET", "/x" + SALE),
                         ("GET", "/2010-04-01/Accounts/AC1/2/Messages.json")):  # fmt: skip
        with pytest.raises(KeyError):
            operation(document, method, path)


def test_a_misspelt_name_is_found(document: Any) -> None:
    post = unknown_names(document, "POST", TEXTS, query=[], form=["To", "Media", "Body"])
    get = unknown_names(document, "GET", TEXTS, query=["To", "to", "Pagesize"], form=["x"])
    assert (post, get) == ({"Media"}, {"to", "Pagesize", "x"})


def test_first_example_of_the_success(document: Any) -> None:
    assert example(document, "POST", TEXTS) == TEXT


def test_every_method_and_every_argument_of_the_client_is_asked(document: Any) -> None:
    asked: dict[str, set[str]] = {}
    for ask in requests(document):
        asked.setdefault(ask.method, set()).update(ask.arguments)
    methods = {
        name: set(inspect.signature(method).parameters) - {"self", "line"}
        for name, method in inspect.getmembers(Twilio, inspect.isfunction) if name[0] != "_"
    }  # fmt: skip
    assert asked == methods


def test_every_name_that_the_client_can_write_is_written(document: Any) -> None:
    """Each request is made for real, and together they use every field and parameter there is in
    the client's code."""
    written: set[str] = set()

    def note(request: httpx.Request) -> httpx.Response:
        written.update(dict(parse_qsl(request.url.query.decode(), True)))
        written.update(dict(parse_qsl(request.content.decode(), True)))
        return httpx.Response(418)

    def now() -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC)

    twilio = Twilio(secrets=secrets(now), api="https://mock.test", now=now, sleep=lambda _: None,
                    transport=httpx.MockTransport(note))  # fmt: skip
    for ask in requests(document):
        with pytest.raises(Exception, match="Twilio refused the request"):
            ask(twilio)
    assert written == {
        "To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback", "ValidityPeriod",
        "PageSize", "SmsEnabled", "MmsEnabled", "VoiceEnabled", "Beta", "AreaCode", "InRegion",
        "NearNumber", "InPostalCode", "PhoneNumber", "FriendlyName", "SmsUrl", "SmsMethod",
        "VoiceUrl", "VoiceMethod", "PhoneNumberSid",
    }  # fmt: skip


def test_nothing_of_npm_is_kept_in_the_project() -> None:
    assert fetching.SCRATCH == ROOT / "build" / "contract"
    assert "build/" in (ROOT / ".gitignore").read_text().split()


def test_npm_is_pinned_by_hash() -> None:
    lock = json.loads((ROOT / "local/contract/package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert len(packages) > 100
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert not any("resolved" in one for one in packages.values())
    wanted = json.loads((ROOT / "local/contract/package.json").read_text())["dependencies"]
    assert wanted == lock["packages"][""]["dependencies"]
    assert all(version[0].isdigit() for version in wanted.values())
    assert (
        fetching.CARRIER.lstrip("@").replace("/", "-").replace("@", "-") + ".tgz"
        == fetching.CARRIER_FILE
    )
