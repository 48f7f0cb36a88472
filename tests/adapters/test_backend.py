"""The brand's back end: two questions, one contract, and nothing read into a bad answer."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.adapters.vendor_rig import Cut, FakeSecretsManager, good

from instore.adapters.backend import Backend, Found
from instore.adapters.secrets import Secrets
from instore.errors import (
    UnavailableError,
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Phone
from instore.program_parts import BackendResolver

SETTINGS = BackendResolver(base_url="https://brand.test/api/v1", secret="rig/brand", timeout_s=2)
PAGE = Path(__file__).parents[2] / "docs" / "backend-api.md"


class Brand:
    """A back end with prepared answers, and the requests it got."""

    def __init__(self, clock: Any, *script: Any) -> None:
        self.script, self.seen = list(script), []
        self.manager = FakeSecretsManager({"rig/brand": {"token": "key-1"}})
        secrets = Secrets(self.manager, prefix="rig/", now=clock.now)  # type: ignore[arg-type]  # stands in for the real one
        self.client = Backend(secrets=secrets, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def member(self, name: str = "M-1", settings: BackendResolver = SETTINGS) -> Found | None:
        return self.client.associate_of_member(settings, member=name)


def test_member(clock: Any) -> None:
    brand = Brand(clock, good({"alias": "2N9C", "phone": "+12125550123"}))
    assert brand.member("M 1/2") == Found(alias="2N9C", phone=Phone("+12125550123"))
    (request,) = brand.seen
    assert request.method == "GET"
    assert request.url.raw_path == b"/api/v1/members/M%201%2F2/associate"
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.headers["accept"] == "application/json"
    assert request.extensions["timeout"] == {"connect": 0.5, "pool": 0.5, "read": 1, "write": 1}


def test_keyword(clock: Any) -> None:
    brand = Brand(clock, good({"agentId": "3100000001"}))
    found = brand.client.associate_of_keyword(SETTINGS, keyword="ANA")
    assert found == Found(agent_id="3100000001")
    assert str(brand.seen[0].url) == "https://brand.test/api/v1/keywords/ANA/associate"


@pytest.mark.parametrize(
    ("body", "found"),
    [({"login": "ana@shop.test"}, Found(login="ana@shop.test")),
     ({"employeeId": "123456", "alias": None, "phone": None}, Found(employee_id="123456")),
     ({"alias": "ANA", "somethingNew": 1}, Found(alias="ANA"))],
)  # fmt: skip
def test_ways_to_name_an_associate(clock: Any, body: Any, found: Found) -> None:
    assert Brand(clock, good(body)).member() == found


@pytest.mark.parametrize(
    "body",
    [[], None, "ANA", {}, {"alias": None}, {"alias": ""}, {"alias": " "}, {"alias": 5},
     {"alias": "a" * 256}, {"alias": "ANA", "login": "ana@shop.test"}, {"phone": "+12125550123"},
     {"alias": "ANA", "phone": "212 555 0123"}, {"alias": "ANA", "phone": 12125550123}],
)  # fmt: skip
def test_an_answer_that_breaks_the_contract_is_no_answer(clock: Any, body: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Brand(clock, good(body)).member()


def test_not_found_is_nobody(clock: Any) -> None:
    assert Brand(clock, httpx.Response(404, text="<html>")).member() is None


def test_what_a_customer_typed_does_not_reach_the_logs(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """httpx tells every address at INFO, the level of Lambda's root logger."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    caplog.set_level(logging.INFO)
    brand = Brand(clock, good({"alias": "2N9C"}))
    brand.client.associate_of_keyword(SETTINGS, keyword="5558675309")
    brand.client.associate_of_member(SETTINGS, member="member-4711")
    assert len(brand.seen) == 2
    assert caplog.text == ""
    assert [logging.getLogger(name).level for name in ("httpx", "httpcore")] == [30, 30]


@pytest.mark.parametrize("base", ["https://h.test:99999", "https://xn--zzzz-.test"])
def test_an_address_that_is_none_was_not_reached(clock: Any, base: str) -> None:
    brand = Brand(clock, good({"alias": "2N9C"}))
    settings = BackendResolver(base_url=base, secret="rig/brand")
    with pytest.raises(VendorNotReachedError):
        brand.client.associate_of_member(settings, member="M-1")
    assert brand.seen == []


@pytest.mark.parametrize("name", ["", ".", "..", "m" * 256])
def test_a_name_nobody_can_have_is_not_asked(clock: Any, name: str) -> None:
    brand = Brand(clock, good({"alias": "ANA"}))
    assert brand.member(name) is None
    assert brand.seen == []


def test_without_a_secret_no_key_is_sent(clock: Any) -> None:
    brand = Brand(clock, good({"alias": "ANA"}), httpx.Response(401))
    open_settings = BackendResolver(base_url="http://127.0.0.1:8080/x")
    brand.member(settings=open_settings)
    assert "authorization" not in brand.seen[0].headers
    with pytest.raises(VendorNotAuthorizedError):
        brand.member(settings=open_settings)
    assert (len(brand.seen), brand.manager.reads) == (2, 0)


def test_rotated_key_is_read_anew(clock: Any) -> None:
    brand = Brand(clock, good({"alias": "ANA"}), httpx.Response(401), good({"alias": "ANA"}))
    brand.member()
    brand.manager.values["rig/brand"] = {"token": "key-2"}
    assert brand.member() == Found(alias="ANA")
    assert [r.headers["authorization"] for r in brand.seen] == [
        "Bearer key-1", "Bearer key-1", "Bearer key-2"
    ]  # fmt: skip


@pytest.mark.parametrize("secret", [{}, {"token": ""}, {"token": 5}])
def test_secret_without_a_token(clock: Any, secret: Any) -> None:
    brand = Brand(clock, good({"alias": "ANA"}))
    brand.manager.values["rig/brand"] = secret
    with pytest.raises(UnavailableError) as caught:
        brand.member()
    assert (caught.value.public_code, brand.seen) == ("secret_unavailable", [])


@pytest.mark.parametrize(
    ("fault", "error", "requests"),
    [(httpx.ConnectError("no"), VendorNotReachedError, 1),
     (httpx.ReadTimeout("slow"), VendorUnavailableError, 1),
     (httpx.Response(200, stream=Cut(b'{"al', error=httpx.ReadError("reset"))),
      VendorUnavailableError, 1),
     (httpx.Response(401), VendorNotAuthorizedError, 2),
     (httpx.Response(403), VendorNotAuthorizedError, 2),
     (httpx.Response(429), VendorThrottledError, 1),
     (httpx.Response(400), VendorError, 1),
     (httpx.Response(500), VendorUnavailableError, 1),
     (httpx.Response(302, headers={"location": "https://elsewhere.test"}), VendorGarbageError, 1),
     (httpx.Response(200, text="<html>"), VendorGarbageError, 1),
     (httpx.Response(200, text='{"alias": "A'), VendorGarbageError, 1),
     (httpx.Response(200, text='{"alias": "A", "x": NaN}'), VendorGarbageError, 1),
     (httpx.Response(200, text='{"alias": "' + "A" * 10_000 + '"}'), VendorGarbageError, 1)],
)  # fmt: skip
def test_faults(clock: Any, fault: Any, error: type[VendorError], requests: int) -> None:
    brand = Brand(clock, fault)
    with pytest.raises(VendorError) as caught:
        brand.member()
    assert (type(caught.value), len(brand.seen)) == (error, requests)


def test_the_contract_page_names_what_the_code_asks_and_reads() -> None:
    page = PAGE.read_text()
    assert set(re.findall(r"^GET \{base\}(\S+)", page, re.M)) == {
        "/members/{member}/associate", "/keywords/{keyword}/associate"
    }  # fmt: skip
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == {
        "alias", "agentId", "login", "employeeId", "phone"
    }  # fmt: skip
