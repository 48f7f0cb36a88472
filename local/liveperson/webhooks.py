"""Signed webhooks: the whole state each time, at least once, in no promised order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from functools import partial
from typing import Any

from ..faults import Kind
from .state import Account, Conversation, Message, Webhook
from .world import World

CHANGE = "cqm.ExConversationChangeNotification"
CONTENT = "ms.MessagingEventNotification.ContentEvent"
SLOW_S = 2.5
SLOW_FOR = timedelta(minutes=2)


def signature(secret: str, raw: bytes, *, digest: str = "sha1") -> str:
    """`sha1=` + base64(HMAC(secret, raw body)), as in x-liveperson-signature."""
    mac = hmac.new(secret.encode(), raw, getattr(hashlib, digest)).digest()
    return f"{digest}={base64.b64encode(mac).decode()}"


def announce(world: World, conversation: Conversation) -> None:
    """Put the conversation's state into the outbox of each webhook of its account."""
    details = _details(world, conversation)
    change = {"type": "UPSERT", "result": {"convId": conversation.id, "effectiveTTR": -1,
                                           "conversationDetails": details}}  # fmt: skip
    _post(world, conversation, CHANGE,
          {"kind": "notification", "body": {"changes": [change]}, "type": CHANGE})  # fmt: skip


def announce_message(world: World, conversation: Conversation, message: Message) -> None:
    consumer = message.by == "CONSUMER"
    who = conversation.consumer if consumer else _pid(world, conversation, message.by)
    change = {
        "sequence": message.sequence,
        "originatorId": who,
        "originatorMetadata": {"id": who, "role": "CONSUMER" if consumer else "ASSIGNED_AGENT"},
        "serverTimestamp": int(message.at.timestamp() * 1000),
        "event": {"type": "ContentEvent", "message": message.text, "contentType": "text/plain"},
        "conversationId": conversation.id,
        "dialogId": conversation.id,
        "messageAudience": message.audience,
    }
    _post(world, conversation, CONTENT,
          {"kind": "notification", "body": {"changes": [change]},
           "type": "ms.MessagingEventNotification"})  # fmt: skip


def _post(world: World, conversation: Conversation, kind: str, body: dict[str, Any]) -> None:
    account: Account = world.accounts[conversation.account]
    if world.options.webhook_covers == "own" and conversation.channel != "CONNECTOR":
        return  # only those that were opened by an app of ours
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    world.outbox += [(hook, body, raw) for hook in account.webhooks if kind in hook.types]


def _pid(world: World, conversation: Conversation, user_id: str) -> str:
    return world.user(conversation.account, user_id).pid


def _details(world: World, conversation: Conversation) -> dict[str, Any]:
    people = [(conversation.consumer, "CONSUMER", "ACTIVE")]
    for user_id, state in (
        (conversation.assigned, "ACTIVE"), (conversation.suggested, "SUGGESTED")
    ):  # fmt: skip
        if user_id is not None:
            people.append((_pid(world, conversation, user_id), "ASSIGNED_AGENT", state))
    started = int(conversation.started.timestamp() * 1000)
    details: dict[str, Any] = {
        "skillId": conversation.skill,
        "participants": [{"id": who, "role": role} for who, role, _ in people],
        "brandId": conversation.account,
        "state": conversation.state,
        "stage": conversation.state,
        "startTs": started,
        "metaDataLastUpdateTs": conversation.updated_ms,
        "ttr": {"ttrType": "NORMAL", "value": 600},
    }
    dialog: dict[str, Any] = {
        "dialogId": conversation.id, "dialogType": "MAIN", "channelType": "MESSAGING",
        "participantsDetails": [{"id": w, "role": r, "state": s} for w, r, s in people],
        "state": conversation.state, "creationTs": started,
        "metaDataLastUpdateTs": conversation.updated_ms,
    }  # fmt: skip
    if conversation.ended is not None:
        ended = int(conversation.ended.timestamp() * 1000)
        details |= {"endTs": ended, "closeReason": conversation.closed_by}
        dialog |= {"endTs": ended, "closedBy": conversation.closed_by}
    if world.options.webhook_details == "full":
        details["dialogs"] = [dialog]
    return details


def empty_outbox(world: World, *, copies: int, shuffle: bool) -> int:
    """Send what waits; returns how many requests were made."""
    with world.lock:
        waiting, world.outbox = world.outbox, []
        sending = []
        for item in waiting:
            fault = world.faults.take(f"webhook {item[0].account}", outgoing=True)
            again = fault.copies if fault is not None and fault.kind is Kind.DUPLICATE else copies
            shuffle = shuffle or (fault is not None and fault.kind is Kind.REORDER)
            sending += [item] * again
        if shuffle:
            world.random.shuffle(sending)
    for hook, body, raw in sending:
        send(world, hook, body, raw)
    return len(sending)


def send(
    world: World, hook: Webhook, body: dict[str, Any], raw: bytes, *, attempt: int = 0
) -> None:
    """One delivery; on anything but 200 or 201 it comes again 30 s later, five times at most."""
    if hook.disabled:
        return
    reply = world.call(
        "webhook", "POST", hook.url, body=body, raw=raw, timeout=world.options.webhook_timeout_s,
        headers={
            "content-type": "application/json",
            "x-liveperson-account-id": hook.account,
            "x-liveperson-client-id": hook.client_id,
            "x-liveperson-signature": signature(
                hook.secret, raw, digest=world.options.webhook_digest),
        },
    )  # fmt: skip
    with world.lock:
        _mind_slowness(world, hook, reply.seconds)
        if reply.status not in (200, 201) and attempt < world.options.webhook_max_retries:
            again = partial(send, world, hook, body, raw, attempt=attempt + 1)
            world.later(world.options.webhook_retry_s, again)


def _mind_slowness(world: World, hook: Webhook, seconds: float) -> None:
    """Slower than 2.5 s for two minutes without a quick answer: the app is switched off."""
    if seconds < SLOW_S:
        hook.slow_since = None
    elif hook.slow_since is None:
        hook.slow_since = world.now()
    elif world.now() - hook.slow_since >= SLOW_FOR:
        hook.disabled = True
