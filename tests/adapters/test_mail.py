"""The brand's own mail: one letter for a key, and what its answers come to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from local.brand import Brand
from tests.adapters.vendor_rig import FakeSecretsManager

from instore.adapters.mail import MailService
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
from instore.model import Email
from instore.program_line import Mail
from instore.request_mailing import Letter
from instore.service_request import Link

SETTINGS = Mail(base_url="https://brand.test/mail", secret="rig/mail", timeout_s=2)
PAGE = Path(__file__).parents[2] / "docs" / "mail-api.md"
LETTER = Letter(Email("ines@mail.example"), "Ines", "Kay Jewelers", "anna@kay.example.com", "Anna",
                "q-1", "It is in store.", (Link("https://www.kay.example/a", "A"),
                                           Link("https://www.kay.example/b")),
                ("https://media.kay.example/a.jpg",))  # fmt: skip
BODY = {
    "to": "ines@mail.example", "name": "Ines", "banner": "Kay Jewelers",
    "from": {"login": "anna@kay.example.com", "name": "Anna"}, "request": "q-1",
    "text": "It is in store.", "links": [{"url": "https://www.kay.example/a", "title": "A"},
                                         {"url": "https://www.kay.example/b", "title": None}],
    "media": ["https://media.kay.example/a.jpg"],
}  # fmt: skip


class Rig:
    def __init__(self, clock: Any, *script: Any) -> None:
        self.script, self.seen = list(script), []
        self.manager = FakeSecretsManager({"rig/mail": {"token": "key-1"}})
        secrets = Secrets(self.manager, prefix="rig/", now=clock.now)  # type: ignore[arg-type]  # stands in for the real one
        self.mail = MailService(secrets=secrets, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, settings: Mail = SETTINGS) -> None:
        self.mail.send(settings, letter=LETTER, key="r-1")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_letter_is_handed_over(clock: Any, status: int) -> None:
    rig = Rig(clock, httpx.Response(status))
    rig.send()
    (request,) = rig.seen
    assert (request.method, str(request.url)) == ("POST", "https://brand.test/mail/messages")
    assert json.loads(request.content) == BODY
    assert request.headers["idempotency-key"] == "r-1"
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.headers["content-type"] == "application/json"


def test_without_a_secret_no_token_goes(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(202))
    rig.send(Mail(base_url="https://brand.test/mail"))
    assert "authorization" not in rig.seen[0].headers


@pytest.mark.parametrize(("answer", "error"), [
    (httpx.Response(400), VendorError), (httpx.Response(422), VendorError),
    (httpx.Response(429), VendorThrottledError), (httpx.Response(500), VendorUnavailableError),
    (httpx.Response(302, headers={"location": "https://x.test"}), VendorGarbageError),
    (httpx.ReadTimeout("x"), VendorUnavailableError), (httpx.ConnectError("x"), VendorNotReachedError),
    (httpx.Response(403), VendorNotAuthorizedError), (httpx.Response(304), VendorGarbageError),
])  # fmt: skip
def test_what_fails_is_told_apart(clock: Any, answer: Any, error: type[VendorError]) -> None:
    with pytest.raises(VendorError) as raised:
        Rig(clock, answer).send()
    assert type(raised.value) is error


def test_a_key_that_was_rotated_is_read_anew_once(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(401), httpx.Response(202))
    rig.send()
    assert rig.manager.reads == 2
    assert [r.headers["idempotency-key"] for r in rig.seen] == ["r-1"] * 2


@pytest.mark.parametrize("secret", [{}, {"token": ""}, {"token": 5}])
def test_a_secret_without_a_token_is_told(clock: Any, secret: Any) -> None:
    rig = Rig(clock, httpx.Response(202))
    rig.manager.values = {"rig/mail": secret}
    with pytest.raises(UnavailableError):
        rig.send()
    assert rig.seen == []


def test_a_letter_is_not_printed() -> None:
    assert "ines" not in repr(LETTER).lower()


@pytest.mark.enable_socket
def test_the_simulated_brand_sends_one_letter_for_a_key(clock: Any) -> None:
    brand = Brand().serve()
    try:
        secrets = Secrets(FakeSecretsManager({"rig/mail": brand.secret()}), prefix="rig/",
                          now=clock.now)  # type: ignore[arg-type]  # fmt: skip
        service = MailService(secrets=secrets)
        settings = Mail(base_url=brand.url, secret="rig/mail")
        for _ in range(2):
            service.send(settings, letter=LETTER, key="r-1")
        assert [(one["to"], one["text"]) for one in brand.letters.values()] == [
            ("ines@mail.example", "It is in store.")]  # fmt: skip
        assert brand.calls == [("/messages", 202)] * 2
        brand.token = "another"
        with pytest.raises(VendorNotAuthorizedError):
            service.send(settings, letter=LETTER, key="r-2")
        assert brand.calls[-1] == ("/messages", 401)
        service.close()
    finally:
        brand.close()


def test_the_page_describes_what_is_sent() -> None:
    page = PAGE.read_text()
    named = set(re.findall(r"^\| `([a-z.]+)` \|", page, re.M))
    assert named == {*(set(BODY) - {"from"}), "from.login", "from.name"}
