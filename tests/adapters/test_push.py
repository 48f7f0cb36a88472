"""The brand's push service: two requests, one short time, and a text whenever it is not certain."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from local.brand import Brand
from tests.adapters.vendor_rig import FakeSecretsManager, good

from instore.adapters.push import PushService
from instore.adapters.secrets import Secrets
from instore.model import Phone
from instore.program_line import Push

ANA = Phone("+12125550123")
SETTINGS = Push(base_url="https://push.test/v1", secret="rig/push", timeout_s=1.5)
ENROLLED = {"token": "device-1", "active": False}


class Rig:
    """A service with prepared answers, and the requests it got."""

    def __init__(self, clock: Any, *script: Any) -> None:
        self.script, self.seen = list(script), list[httpx.Request]()
        self.manager = FakeSecretsManager({"rig/push": {"token": "key-1"}})
        secrets = Secrets(self.manager, prefix="rig/", now=clock.now)  # type: ignore[arg-type]  # stands in for the real one
        self.service = PushService(secrets=secrets, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, httpx.Response)
        return answer

    def push(self, settings: Push = SETTINGS, **more: Any) -> bool:
        return self.service.push(settings, phone=ANA, text="Hello", key="call-CA1", **more)


def test_an_enrolled_caller_is_pushed_to(clock: Any) -> None:
    rig = Rig(clock, good(ENROLLED), httpx.Response(202))
    assert rig.push() is True
    search, push = rig.seen
    assert (search.method, str(search.url)) == ("POST", "https://push.test/v1/enrollments/search")
    assert json.loads(search.content) == {"phone": "+12125550123"}
    assert (push.method, str(push.url)) == ("POST", "https://push.test/v1/pushes")
    assert json.loads(push.content) == {"token": "device-1", "text": "Hello"}
    assert "idempotency-key" not in search.headers
    assert push.headers["idempotency-key"] == "call-CA1"
    for request in rig.seen:
        assert request.headers["authorization"] == "Bearer key-1"
        assert request.headers["content-type"] == "application/json"
        assert ANA.digits not in str(request.url)
    assert search.extensions["timeout"]["connect"] == 0.375


def test_where_a_caller_listens_it_has_less_time(clock: Any) -> None:
    rig = Rig(clock, good(ENROLLED), httpx.Response(200))
    rig.push(most_s=0.8)
    assert rig.seen[0].extensions["timeout"]["connect"] == 0.2
    rig = Rig(clock, good(ENROLLED), httpx.Response(200))
    rig.push(most_s=9.0)
    assert rig.seen[0].extensions["timeout"]["connect"] == 0.375


@pytest.mark.parametrize(("active", "pushed"), [(True, True), (False, False), (None, False)])
def test_who_counts_as_app_user_is_the_programs_to_say(
    clock: Any, active: bool | None, pushed: bool
) -> None:
    told = {"token": "device-1", **({} if active is None else {"active": active})}
    rig = Rig(clock, good(told), httpx.Response(200))
    strict = SETTINGS.model_copy(update={"enrolled": "active"})
    assert rig.push(strict) is pushed
    assert len(rig.seen) == 1 + pushed


@pytest.mark.parametrize("script", [
    [httpx.Response(404)],
    [good(ENROLLED), httpx.Response(404)],
    [good(ENROLLED), httpx.Response(410)],
    [good(ENROLLED), httpx.Response(400)],
    [good(ENROLLED), httpx.Response(503)],
    [good(ENROLLED), httpx.Response(429)],
    [good(ENROLLED), httpx.Response(304)],
    [good(ENROLLED), httpx.Response(302, headers={"location": "https://elsewhere.test"})],
    [good(ENROLLED), httpx.ReadTimeout("slow")],
    [httpx.Response(500)],
    [httpx.ConnectError("refused")],
    [httpx.Response(200, text="<html>")],
    [good([])], [good({})], [good({"token": ""})], [good({"token": 7})],
    [good({"token": "x" * 4097})], [good({"token": "d", "active": "yes"})],
])  # fmt: skip
def test_everything_else_is_a_text(clock: Any, script: list[Any]) -> None:
    assert Rig(clock, *script).push() is False


def test_a_key_that_was_rotated_is_read_anew_once(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(401), good(ENROLLED), httpx.Response(403), httpx.Response(202))
    assert rig.push() is True
    assert rig.manager.reads == 3
    assert Rig(clock, httpx.Response(401), httpx.Response(401)).push() is False


def test_a_secret_without_a_token_is_a_text(clock: Any) -> None:
    rig = Rig(clock)
    rig.manager.values["rig/push"] = {"token": ""}
    assert rig.push() is False
    assert rig.seen == []


def test_without_a_secret_nothing_proves_who_asks(clock: Any) -> None:
    rig = Rig(clock, good(ENROLLED), httpx.Response(204))
    assert rig.push(SETTINGS.model_copy(update={"secret": None})) is True
    assert "authorization" not in rig.seen[0].headers


@pytest.mark.enable_socket
def test_the_simulated_service_keeps_the_contract(clock: Any) -> None:
    brand = Brand().serve()
    try:
        brand.add_app_user(ANA.e164, active=True)
        manager = FakeSecretsManager({"rig/push": brand.secret()})
        secrets = Secrets(manager, prefix="rig/", now=clock.now)  # type: ignore[arg-type]  # stands in for the real one
        service = PushService(secrets=secrets)
        settings = SETTINGS.model_copy(update={"base_url": brand.url, "enrolled": "active"})

        def push(number: Phone = ANA, key: str = "call-CA1") -> bool:
            return service.push(settings, phone=number, text="Hello", key=key)

        assert push() is True
        assert push() is True
        assert [(one.phone, one.text) for one in brand.pushes.values()] == [(ANA.e164, "Hello")]
        assert push(Phone("+12125550124")) is False
        assert push(key="call-CA2") is True
        assert len(brand.pushes) == 2
        brand.add_app_user(ANA.e164, active=False)
        assert push(key="call-CA3") is False
        brand.token = "another"
        assert push(key="call-CA4") is False
        service.close()
    finally:
        brand.close()
