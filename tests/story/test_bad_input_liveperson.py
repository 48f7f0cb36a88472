"""What comes in LivePerson's name and is not right: tokens, signatures, bodies, queue records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEN,
    KAY,
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

from instore.runtime.fifo import AGAIN_AFTER_S
from instore.runtime.webhooks import sign

pytestmark = pytest.mark.enable_socket
BOT = "/v1/bots/kay-router/environments"
TALK = f"{BOT}/production/conversations/c-1"
ROUTES = (("GET", BOT), ("GET", f"{BOT}/production/state"), ("PUT", TALK),
          ("POST", f"{TALK}/events"))  # fmt: skip
CREATE = {"context": {"lpEvent": {}}, "sdes": {}}
HELLO = {"type": "TEXT", "source": "CONSUMER", "data": {"message": "hello"},
         "context": {"lpEvent": {"sequence": 0}}}  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Iterator[Scene]:
    with in_store() as scene:
        yield scene


def client_of(scene: Scene, account: str = KAY) -> str:
    found = scene.program.account(account)
    assert found is not None
    return found.bot_client_id


def good_token(scene: Scene, **changes: Any) -> str:
    return scene.sim.bot_token(KAY, client_of(scene), **changes)


def resigned(scene: Scene, *, key: Any, algorithm: str, **claims: Any) -> str:
    """The claims and the header of a good token, signed by somebody else."""
    token = good_token(scene)
    claims = {**jwt.decode(token, options={"verify_signature": False}), **claims}
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def stranger() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


TOKENS: dict[str, Any] = {
    "expired": lambda s: good_token(s, lifetime_s=-60),
    "another client": lambda s: good_token(s, azp="5a1c0de0-0000-4000-8000-00000000ffff"),
    "another scope": lambda s: good_token(s, scope="something.else"),
    "another account": lambda s: s.sim.bot_token("10000003", client_of(s)),
    "another key": lambda s: resigned(s, key=stranger(), algorithm="RS256"),
    "unsigned": lambda s: resigned(s, key="", algorithm="none"),
    "shared secret": lambda s: resigned(s, key="x" * 64, algorithm="HS256"),
    "an app's, not the bot's": lambda s: s.issuer.mint("dana@kay.example.com"),
    "cut": lambda s: good_token(s)[:-5],
    "no jwt": lambda s: "let-me-in",
}


def ask(scene: Scene, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token or good_token(scene)}",
               "content-type": "application/json"}  # fmt: skip
    return scene.http.request(method, path, content=None if body is None else raw, headers=headers)


@pytest.mark.parametrize("kind", TOKENS)
def test_a_bot_token_that_is_wrong(shop: Scene, kind: str) -> None:
    before = stored(shop)
    for method, path in ROUTES:
        answer = ask(shop, method, path, HELLO, token=TOKENS[kind](shop))
        assert told(answer) == (401, "not_authenticated")
    assert stored(shop) == before


def test_no_token_at_all(shop: Scene) -> None:
    for method, path in ROUTES:
        for headers in ({}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer"}):
            assert told(shop.http.request(method, path, headers=headers)) == (
                401, "not_authenticated")  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/bots/nobody/environments", None, 404, "unknown_bot"),
        ("GET", "/v1/bots/zales-router/environments", None, 404, "unknown_bot"),
        ("GET", f"{BOT}/staging/state", None, 404, "unknown_environment"),
        ("PUT", f"{BOT}/staging/conversations/c-1", CREATE, 404, "unknown_environment"),
        ("POST", f"{TALK}/events", HELLO, 404, "unknown_conversation"),
        ("PUT", f"{BOT}/production/conversations/%00", CREATE, 400, "wrong_field"),
        ("PUT", f"{BOT}/production/conversations/{'c' * 200}", CREATE, 400, "wrong_field"),
        *[(method, path, raw, 400, "malformed_json")
          for method, path in (("PUT", TALK), ("POST", f"{TALK}/events"))
          for raw in (b"{", b"[]", b"null", b'{"a": NaN}', b"\xff", b'"x"', b"[" * 50_000)],
        ("POST", f"{TALK}/events", {}, 400, "wrong_field"),
        ("POST", f"{TALK}/events", {**HELLO, "type": 7}, 400, "wrong_field"),
        ("POST", f"{TALK}/events", {**HELLO, "data": "hello"}, 400, "wrong_field"),
        ("POST", f"{TALK}/events", {**HELLO, "context": {"lpEvent": {"sequence": -1}}}, 400,
         "wrong_field"),
        ("PUT", TALK, {"sdes": 7}, 400, "wrong_field"),
        ("PUT", TALK, b'{"a": "' + b"x" * 262_144 + b'"}', 413, "too_large"),
        ("POST", f"{TALK}/events", b'{"a": "' + b"x" * 262_144 + b'"}', 413, "too_large"),
    ],
)  # fmt: skip
def test_a_bot_call_that_is_wrong(
    shop: Scene, method: str, path: str, body: Any, status: int, code: str
) -> None:
    before = stored(shop)
    assert told(ask(shop, method, path, body)) == (status, code)
    assert stored(shop) == before


def test_an_event_never_seen_gets_an_answer(shop: Scene) -> None:
    path = TALK.replace("c-1", "c-2")
    assert ask(shop, "PUT", path, CREATE).status_code == 200
    before = stored(shop)
    event = {"type": "SOMETHING_NEW", "source": "CONVERSATION", "data": {"odd": [1]}}
    answer = ask(shop, "POST", f"{path}/events", event)
    assert answer.status_code == 200
    assert [part["type"] for part in answer.json()["response"]] == ["TEXT"]
    assert stored(shop) == before


# ------------------------------------------------------------------ the webhook
def webhook(scene: Scene, raw: bytes, *, signed: bytes | None = None, **changed: str) -> Any:
    secret = json.loads(scene.stack.client("secretsmanager").get_secret_value(
        SecretId=f"instore/lp/{KAY}")["SecretString"])  # fmt: skip
    headers = {"content-type": "application/json", "x-liveperson-account-id": KAY,
               "x-liveperson-client-id": secret["webhook_client_id"],
               "x-liveperson-signature": sign(raw if signed is None else signed,
                                              key=secret["webhook_secret"])}  # fmt: skip
    return scene.http.post("/liveperson/events", content=raw, headers=headers | {
        name.replace("_", "-"): value for name, value in changed.items()})  # fmt: skip


def test_a_webhook_that_liveperson_did_not_sign(shop: Scene) -> None:
    document = {"kind": "notification", "type": "cqm.ExConversationChangeNotification",
                "body": {"changes": []}}  # fmt: skip
    raw = json.dumps(document, separators=(",", ":")).encode()
    again = json.dumps(json.loads(raw)).encode()  # the same JSON, other bytes
    assert again != raw
    before = stored(shop), waiting(shop, "AssignmentQueue")
    for answer in (
        webhook(shop, raw, signed=again),
        webhook(shop, raw, x_liveperson_signature="sha1=AAAA"),
        webhook(shop, raw, x_liveperson_signature=""),
        webhook(shop, raw, x_liveperson_account_id="10000001"),
        webhook(shop, raw, x_liveperson_account_id="../backend"),
        webhook(shop, raw, x_liveperson_client_id="somebody"),
        shop.http.post("/liveperson/participants", content=raw),
    ):
        assert told(answer) == (401, "not_authenticated")
    assert told(webhook(shop, b"{")) == (400, "bad_json")
    assert told(webhook(shop, b" " * 1_024_001)) == (413, "too_large")
    assert webhook(shop, raw).json() == {"queued": 0, "ignored": 0}
    for never_seen in ({"type": "cqm.SomethingNew", "body": {"changes": [{}]}}, [], None, 7, {}):
        answer = webhook(shop, json.dumps(never_seen).encode())
        assert (answer.status_code, answer.json()) == (200, {"queued": 0, "ignored": 1})
    assert (stored(shop), waiting(shop, "AssignmentQueue")) == before


# ------------------------------------------------------------------ poison in the queues
def poison(scene: Scene, queue: str, body: str, **more: Any) -> None:
    scene.stack.client("sqs").send_message(
        QueueUrl=scene.stack.rendered.reference(queue), MessageBody=body, **more
    )


@pytest.mark.slow
def test_a_poison_record_goes_to_the_dead_letters_alone() -> None:
    with in_store() as scene:
        for phone in (ANA, BEN):
            consent(scene, phone)
        one = outreach(scene, ANA, key="1")
        for body in ('{"batch": 7}', "not json", '{"batch": "nobody-knows-it"}'):
            poison(scene, "OutreachQueue", body, DelaySeconds=15)  # as long as a batch lingers
        two = outreach(scene, BEN, key="2")
        scene.settle(patience_s=30)
        lines = [json.loads(line) for line in scene.stack.logs["ProactiveBatch"]]
        assert [(x["records"], x["failed"]) for x in lines if "records" in x] == [(5, 3)]
        for answer, phone in ((one, ANA), (two, BEN)):
            assert verdicts(batch(scene, answer)) == [("sent", None)]
            assert len(on_screen(scene, phone)) == 1
        scene.settle(patience_s=360 * 5)
        left = [json.dumps(one) for one in scene.stack.dead_letters("OutreachDeadLetters")]
        assert sorted(left) == ['"not json"', '{"batch": "nobody-knows-it"}', '{"batch": 7}']
        assert waiting(scene, "OutreachQueue") == 0
        assert [len(on_screen(scene, phone)) for phone in (ANA, BEN)] == [1, 1]


@pytest.mark.slow
def test_a_poison_change_goes_to_the_dead_letters_alone() -> None:
    with in_store() as scene:
        dead = "AssignmentDeadLetters"
        for n, body in enumerate(("{", '{"kind": "state"}', "[]")):
            poison(scene, "AssignmentQueue", body, MessageGroupId=f"g{n}",
                   MessageDeduplicationId=f"{n}")  # fmt: skip
        scene.sim.text_from(ANA, to="+12125550100", text="hello")
        scene.settle(patience_s=sum(AGAIN_AFTER_S) + 30)
        assert len(scene.stack.dead_letters(dead)) == 3
        assert waiting(scene, "AssignmentQueue") == 0
        assert on_screen(scene, ANA) == [scene.program.message("ask_keyword", language="en")]


def test_a_change_that_fails_comes_again_in_seconds(shop: Scene) -> None:
    def tries() -> int:
        logged = (json.loads(line) for line in shop.stack.logs["AgentAssigned"])
        return sum(line.get("message") == "Change not taken" for line in logged)

    before = tries()
    poison(shop, "AssignmentQueue", "{", MessageGroupId="g", MessageDeduplicationId="g")
    shop.settle()
    assert tries() == before + 1
    shop.settle(patience_s=25)
    assert tries() == before + 2
    queue = shop.stack.rendered.reference("AssignmentQueue")
    shop.stack.client("sqs").purge_queue(QueueUrl=queue)
