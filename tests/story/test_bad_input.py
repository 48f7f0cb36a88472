"""What nobody should send, over real HTTP: the documented status, a code, a sentence, no trace.

After each of these the table is byte for byte what it was: nothing is half done.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEN,
    DANA,
    batch,
    consent,
    in_store,
    on_screen,
    outreach,
    stored,
    told,
    verdicts,
    waiting,
)

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def shop() -> Iterator[Scene]:
    with in_store() as scene:
        consent(scene, ANA)
        yield scene


ONE = {"template": "new-arrivals", "recipients": [{"phone": ANA, "variables": ["Dana", "Kay"]}]}
AGREED = {"phone": BEN, "class": "one_to_one", "wording": "Yes", "method": "tablet"}


def but(body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**body, **changed}


def row(**changed: Any) -> dict[str, Any]:
    return {**ONE["recipients"][0], **changed}


SEND, CHECK, CONSENTS = "/outreach", "/outreach/check", "/consents"
BODIES: list[tuple[str, Any, int, str]] = [
    *[(path, raw, 400, "malformed_json")
      for path in (SEND, CHECK, CONSENTS)
      for raw in (b"", b"{", b"\xff\xfe", b"[" * 20_000, b'{"a": 1}}')],
    *[(path, raw, 400, "bad_request")
      for path in (SEND, CHECK, CONSENTS) for raw in (b"[]", b"null", b'"text"', b"17", b"{}")],
    *[(path, b'{"phone": "' + b"1" * 65_536 + b'"}', 413, "too_large")
      for path in (SEND, CHECK, CONSENTS)],
    (SEND, but(ONE, banner="zales"), 400, "bad_request"),
    (SEND, but(ONE, recipients=[row(until="now")]), 400, "bad_request"),
    (SEND, but(ONE, recipients=[row(phone=12135550101)]), 400, "bad_request"),
    (SEND, but(ONE, recipients=[row(variables=[1, 2])]), 400, "bad_request"),
    (SEND, but(ONE, recipients=[row(variables="Dana")]), 400, "bad_request"),
    (SEND, but(ONE, recipients=ANA), 400, "bad_request"),
    (SEND, but(ONE, recipients=None), 400, "bad_request"),
    (SEND, but(ONE, template=True), 400, "bad_request"),
    (SEND, but(ONE, recipients=[row(zone="Middle/Earth")]), 400, "bad_request"),
    (SEND, but(ONE, recipients=[row(zone="../../etc/passwd")]), 400, "bad_request"),
    (SEND, but(ONE, recipients=[]), 400, "batch_empty"),
    (SEND, but(ONE, recipients=[row()] * 11), 400, "batch_too_large"),
    (SEND, but(ONE, template="no-such-text"), 400, "unknown_template"),
    (SEND, but(ONE, associate="lee@kay.example.com"), 403, "scope_missing"),
    (CHECK, {"phone": ANA, "now": "please"}, 400, "bad_request"),
    (CHECK, {"phone": [ANA]}, 400, "bad_request"),
    (CHECK, {"phone": "call me"}, 200, ""),
    (CHECK, {"phone": ANA, "template": "no-such-text"}, 400, "unknown_template"),
    (CONSENTS, but(AGREED, **{"class": "everything"}), 400, "bad_request"),
    (CONSENTS, but(AGREED, phone="+1"), 400, "invalid_number"),
    (CONSENTS, but(AGREED, wording=""), 400, "bad_request"),
    (CONSENTS, but(AGREED, entry=7), 400, "bad_request"),
    (CONSENTS, but(AGREED, banner="zales"), 403, "scope_missing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status", "code"), BODIES,
    ids=[f"{n}-{path[1:]}-{code}" for n, (path, _, _, code) in enumerate(BODIES)],
)  # fmt: skip
def test_a_body_that_is_wrong(shop: Scene, path: str, body: Any, status: int, code: str) -> None:
    before = stored(shop), waiting(shop, "OutreachQueue")
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = shop.http.post(path, content=raw, headers={
        "authorization": f"Bearer {shop.issuer.mint(DANA)}", "idempotency-key": "bad",
        "content-type": "application/json"})  # fmt: skip
    if status == 200:
        assert answer.json()["allowed"] is False
    else:
        assert told(answer) == (status, code)
    assert (stored(shop), waiting(shop, "OutreachQueue")) == before


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, "idempotency_key_missing"), ("", "idempotency_key_missing"),
     ("k" * 201, "idempotency_key_invalid"), ("\u00e9".encode(), "idempotency_key_invalid")],
)  # fmt: skip
def test_a_send_needs_a_key(shop: Scene, key: Any, code: str) -> None:
    before = stored(shop)
    headers = {"authorization": f"Bearer {shop.issuer.mint(DANA)}"}
    answer = shop.http.post(SEND, json=ONE, headers=headers | ({} if key is None else {
        "idempotency-key": key}))  # fmt: skip
    assert told(answer) == (400, code)
    assert stored(shop) == before


def test_a_batch_that_is_not_there_or_not_yours(shop: Scene) -> None:
    for batch_id in ("nothing", "x" * 300, "..%2f..", "%00", "BATCH%23"):
        answer = shop.api("GET", f"/outreach/{batch_id}", login=DANA)
        assert told(answer) == (404, "unknown_batch"), batch_id


def test_who_is_no_associate(shop: Scene) -> None:
    before = stored(shop)
    for login in ("stranger@kay.example.com", "", "bot"):
        for path, body in ((SEND, ONE), (CHECK, {"phone": ANA}), (CONSENTS, AGREED)):
            answer = shop.api("POST", path, login=login, body=body, key="1")
            assert told(answer) == (403, "unknown_associate"), (login, path)
    assert stored(shop) == before


ROUTES = {
    ("POST", SEND): "outreach/send", ("GET", "/outreach/x"): "outreach/read",
    ("POST", CHECK): "outreach/read", ("POST", CONSENTS): "outreach/consent",
}  # fmt: skip
SCOPES = ("outreach/send", "outreach/read", "outreach/consent", "outreach/behalf", "openid", "")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_each_route_takes_its_own_scope_alone(
    shop: Scene, method: str, path: str, scope: str
) -> None:
    before = stored(shop)
    answer = shop.api(method, path, login=DANA, body={}, key="1", scopes=(scope,))
    if scope == ROUTES[method, path]:
        assert answer.status_code in (400, 404)  # let in, and then told what is wrong
    else:
        assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    assert stored(shop) == before


def unsigned(scene: Scene) -> str:
    claims = jwt.decode(scene.issuer.mint(DANA), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": scene.issuer.kid})


def public_key_as_secret(scene: Scene) -> str:
    """HS256 with what everybody can fetch: refused because RS256 is pinned."""
    parts = [
        {"alg": "HS256", "kid": scene.issuer.kid},
        jwt.decode(scene.issuer.mint(DANA), options={"verify_signature": False}),
    ]
    signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    mac = hmac.digest(json.dumps(scene.issuer.jwks()["keys"][1]).encode(), signed, "sha256")
    return f"{signed.decode()}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


TOKENS: dict[str, Any] = {
    "expired": lambda s: s.issuer.mint(DANA, lifetime_s=-1),
    "not yet valid": lambda s: s.issuer.mint(DANA, nbf=int(s.clock.now().timestamp()) + 600),
    "another audience": lambda s: s.issuer.mint(DANA, audience="somebody-else"),
    "another issuer": lambda s: s.issuer.mint(DANA, issuer="https://issuer.example.net"),
    "another key": lambda s: s.issuer.mint(DANA, stranger=True),
    "alg none": unsigned,
    "alg HS256": public_key_as_secret,
    "cut": lambda s: s.issuer.mint(DANA)[:-5],
    "no signature": lambda s: s.issuer.mint(DANA).rpartition(".")[0] + ".",
    "no jwt": lambda s: "let-me-in",
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_that_is_wrong(shop: Scene, kind: str) -> None:
    before = stored(shop)
    headers = {"authorization": f"Bearer {TOKENS[kind](shop)}", "idempotency-key": "1"}
    for method, path in ROUTES:
        answer = shop.http.request(method, path, json=ONE, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert stored(shop) == before


@pytest.mark.slow
def test_the_hundred_and_first_text_of_the_day() -> None:
    with in_store() as scene:
        phones = [f"+1323555{100 + n:04}" for n in range(99)] + ["+13105550100", "+13105550101"]
        for phone in phones:
            consent(scene, phone)
        for n in range(0, 100, 10):
            taken = outreach(scene, *phones[n : n + 10], key=f"{n}")
            assert taken.status_code == 202
            assert taken.json()["remaining_today"] == 90 - n
        before, queued = stored(scene), waiting(scene, "OutreachQueue")
        late = outreach(scene, phones[100], key="101")
        assert (late.status_code, late.json()["code"]) == (429, "daily_limit_reached")
        assert late.json()["until"] == "2026-11-19T08:00:00.000Z"  # midnight in California
        assert verdicts(batch(scene, late)) == [("blocked", "daily_limit")]
        # Nothing is new but the refusal itself, kept under its Idempotency-Key.
        old = {item["pk"]["S"] + item["sk"]["S"]: item for item in json.loads(before)}
        new = {item["pk"]["S"] + item["sk"]["S"]: item for item in json.loads(stored(scene))}
        assert {key for key in new if new[key] != old.get(key)} == {
            f"BATCH#{late.json()['id']}BATCH"
        }
        assert waiting(scene, "OutreachQueue") == queued
        scene.settle(patience_s=120)
        assert on_screen(scene, phones[100]) == []
        assert sum(len(on_screen(scene, phone)) for phone in phones) == 100
