"""The Connector API: an app speaks as the customer. Two tokens are checked, then the request.

What it opens is a conversation like any other, on channel CONNECTOR: the bot is called, agents
answer, webhooks tell; but no handset of this simulator gets a word of it, that is the app's work.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import jwt

from ..serving import Answer, Request, answer
from . import conversations, routing
from .records import Refused
from .routing import consumer_id
from .state import Account, Conversation, Skill
from .tokens import bearer, signing_key
from .world import World

CHANNEL = "CONNECTOR"
JWS_KID = "consumer-jws"
SCOPE = "msg.consumer"
_EVERYBODY = Skill("-1", "every skill")
# What the documents name of a request; anything else is a slip of ours.
_ASKED = {"ttrDefName", "campaignInfo", "conversationContext", "channelType", "brandId", "skillId"}


def name_consumer(world: World, request: Request, found: dict[str, str]) -> Answer:
    """POST /api/account/{acc}/consumer?v=1.0: a token for a consumer the app names."""
    account = world.account(found["acc"])
    _app(world, request, account)
    if request.query.get("v") != "1.0":
        raise Refused(400, f"wrong version {request.query.get('v')!r}")
    body = _json(request)
    consumer = body.get("ext_consumer_id") if isinstance(body, dict) else None
    if not isinstance(consumer, str) or not consumer or len(consumer) > 128:
        raise Refused(400, "ext_consumer_id is missing or too long")
    claims = {"account_id": account.id, "ext_consumer_id": consumer,
              "lp_consumer_id": consumer_id(account.id, consumer),
              "iat": int(world.now().timestamp())}  # fmt: skip
    token = jwt.encode(claims, signing_key(JWS_KID), algorithm="RS256", headers={"kid": JWS_KID})
    return answer(201, {"token": token})


def open_conversation(world: World, request: Request, found: dict[str, str]) -> Answer:
    """POST …/messaging/consumer/conversation?v=3: profile, then conversation, in this order."""
    account, consumer = _admitted(world, request, found)
    parts = _json(request)
    if not isinstance(parts, list) or len(parts) != 2:
        _bad("expected an array of two requests")
    profile = _checked(parts[0], "userprofile.SetUserProfile")
    asked = _checked(parts[1], "cm.ConsumerRequestConversation")
    sdes = _sdes(profile)
    if set(asked) - _ASKED:
        _bad(f"unknown fields {sorted(set(asked) - _ASKED)}")
    if asked.get("brandId") != account.id:
        _error(400, 40001, "Missing parameter", "Brand Id is missing")
    if asked.get("channelType") != "MESSAGING":
        _bad("channelType must be MESSAGING")
    if asked.get("ttrDefName") not in (None, "NORMAL", "URGENT", "PRIORITIZED"):
        _bad("no such ttrDefName")
    if not world.meter("connector", limit=world.options.connector_per_s):
        _error(429, 42900, "Too many requests", "please try again later")
    if world.options.second_conversation == "refused" and _open_of(world, account, consumer):
        _bad("the consumer has an open conversation")
    skill = _skill(account, asked.get("skillId", "-1"))
    fresh = Conversation(
        world.uuid(), account.id, skill.id, CHANNEL, consumer_id(account.id, consumer),
        world.now(), member=consumer, sdes={"authenticated": sdes},
    )  # fmt: skip
    world.conversations[fresh.id] = fresh
    routing.arrive(world, fresh, skill)
    return answer(200, [
        {"code": "OK", "body": {"msg": "OK User Profile set successfully"}, "reqId": parts[0]["id"]},
        {"code": "OK", "body": {"conversationId": fresh.id}, "reqId": parts[1]["id"]},
    ])  # fmt: skip


def send(world: World, request: Request, found: dict[str, str]) -> Answer:
    """POST …/messaging/consumer/conversation/send?v=3: one request, the words."""
    account, consumer = _admitted(world, request, found)
    asked = _json(request)
    if not world.meter("connector", limit=world.options.connector_per_s):
        _error(429, 42900, "Too many requests", "please try again later")
    body = _checked(asked, "ms.PublishEvent")
    event = body.get("event")
    if not isinstance(event, dict) or event.get("type") != "ContentEvent":
        _bad("no ContentEvent")
    if event.get("contentType") != "text/plain" or not isinstance(event.get("message"), str):
        _bad("a message is plain text")
    if not event["message"].strip():
        _bad("the message is empty")
    current = _theirs(world, account, consumer, body.get("dialogId"))
    message = conversations.say(world, current, "CONSUMER", event["message"])
    return answer(200, {"reqId": asked["id"], "code": "OK",
                        "body": {"sequence": message.sequence}})  # fmt: skip


def _admitted(world: World, request: Request, found: dict[str, str]) -> tuple[Account, str]:
    """The account and the consumer in whose name this is, once both tokens are good."""
    account = world.account(found["acc"])
    if request.query.get("v") != "3":
        _bad(f"wrong version {request.query.get('v')!r}")
    _app(world, request, account)
    token = request.headers.get("x-lp-on-behalf", "")
    if not token:
        _error(401, 40104, "ConsumerJWS is missing", "X_ON_BEHALF_HEADER is not present")
    try:
        key = signing_key(JWS_KID).public_key()
        claims = jwt.decode(token, key, algorithms=["RS256"],
                            options={"verify_iat": False, "verify_exp": False})  # fmt: skip
    except jwt.PyJWTError:
        _error(401, 40103, "Invalid ConsumerJWS", "ConsumerJWS is invalid")
    lifetime = world.options.consumer_token_s
    ended = lifetime is not None and claims["iat"] + lifetime <= world.now().timestamp()
    if claims["account_id"] != account.id or ended:
        _error(401, 40103, "Invalid ConsumerJWS", "ConsumerJWS is invalid")
    return account, str(claims["ext_consumer_id"])


def _app(world: World, request: Request, account: Account) -> None:
    """The app's token: V1, of this account and app, with the connector's scope; no `Bearer`."""
    token = request.headers.get("authorization", "")
    if not token:
        _error(401, 40105, "AppJWT is missing", "AUTHORIZATION header is not present")
    if " " in token:
        _error(401, 40102, "Invalid AppJWT", "AppJWT has expired or is invalid")
    plain = Request(request.method, request.target, {"authorization": f"Bearer {token}"}, b"")
    try:
        bearer(world, plain, account, versions=("V1",), scope=SCOPE)
    except Refused as refused:
        raise Refused(401, refused.reason, body=_said(
            401, 40102, "Invalid AppJWT", "AppJWT has expired or is invalid"
        )) from refused  # fmt: skip


def _theirs(world: World, account: Account, consumer: str, named: Any) -> Conversation:
    current = world.conversations.get(str(named))
    whose = (account.id, consumer_id(account.id, consumer))
    if current is None or (current.account, current.consumer) != whose:
        _bad("no such conversation of this consumer")
    if not current.is_open:
        _bad("the conversation is closed")
    return current


def _open_of(world: World, account: Account, consumer: str) -> Conversation | None:
    who = consumer_id(account.id, consumer)
    return next((c for c in world.conversations.values()
                 if c.is_open and c.account == account.id and c.consumer == who), None)  # fmt: skip


def _skill(account: Account, skill_id: Any) -> Skill:
    if skill_id == "-1":
        return _EVERYBODY
    skill = account.skills.get(skill_id) if isinstance(skill_id, str) else None
    if skill is None or skill.deleted:
        _bad(f"no skill {skill_id!r}")
    return skill


def _sdes(profile: dict[str, Any]) -> dict[str, Any]:
    """Customer info and personal info: the two kinds that may be sent."""
    if set(profile) - {"authenticatedData"}:
        _bad("a profile has authenticatedData only")
    found = {}
    for sde in profile.get("authenticatedData", {}).get("lp_sdes", []):
        kind = sde.get("type")
        inner = {"ctmrinfo": "info", "personal": "personal"}.get(kind)
        if inner is None or set(sde) != {"type", inner} or not isinstance(sde[inner], dict):
            _bad(f"no engagement attribute {kind!r} in this form")
        found[kind] = sde[inner]
    return found


def _checked(part: Any, kind: str) -> dict[str, Any]:
    """The body of a request of this type."""
    if not isinstance(part, dict) or set(part) != {"kind", "id", "type", "body"}:
        _bad("a request has kind, id, type and body")
    if part["kind"] != "req" or part["type"] != kind:
        _bad(f"expected {kind}")
    if not re.fullmatch(r".{1,40}", str(part["id"])) or not isinstance(part["body"], dict):
        _bad("no id, or a body that is no object")
    return dict(part["body"])


def _json(request: Request) -> Any:
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind != "application/json":
        raise Refused(415, f"wrong content type {kind!r}")
    try:
        return request.json()
    except ValueError:
        _bad("not JSON")


def _bad(reason: str) -> NoReturn:
    """What is wrong with a request beside its tokens: no document gives the codes."""
    _error(400, 40000, "Bad request", reason)


def _error(status: int, code: int, title: str, details: str) -> NoReturn:
    raise Refused(status, details, body=_said(status, code, title, details))


def _said(status: int, code: int, title: str, details: str) -> dict[str, Any]:
    return {"kind": "resp", "code": status, "type": ".ReqBody$ErrorResp",
            "body": {"title": title, "details": details, "errorCode": code}}  # fmt: skip
