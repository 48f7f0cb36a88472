"""Webhooks we send: forms, signed for real, repeated as the URL's fragment says.

Status callbacks and inbound texts wait in an outbox until the story has them delivered: once, in
order, or several times and shuffled. Voice webhooks go at once, because somebody is on the phone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlencode

from ..faults import Kind
from .signing import overrides, signature, signed_url
from .world import World

VERSION = "2010-04-01"


@dataclass(frozen=True, slots=True)
class Reply:
    """What our side answered, or that it did not (`code`: 11200 and its relatives, else 0)."""

    status: int
    content_type: str
    body: str
    code: int = 0


Then = Callable[[Reply], None]


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook ready to be sent. `then` gets the answer (of the first copy only)."""

    kind: str
    number: str  # ours: what a fault's route can name
    account: str
    method: str
    url: str
    fields: dict[str, str]
    fallback: str = ""
    then: Then | None = None
    token: str = ""

    @property
    def name(self) -> str:
        return f"webhook {self.kind} {self.number}"


def post(world: World, hook: Hook) -> None:
    """Put a webhook in the outbox; status callbacks as late as the story wants them."""
    with world.lock:
        hook = replace(hook, token=_token(world))
        if world.late_s and hook.kind == "status":
            world.later(world.late_s, partial(_put, world, hook))
        else:
            world.outbox.append(hook)


def _put(world: World, hook: Hook) -> None:
    world.outbox.append(hook)  # the outbox of then: it is another one after each delivery


def empty_outbox(world: World, *, copies: int, shuffle: bool) -> int:
    """Send what waits; returns how many webhooks were sent."""
    with world.lock:
        waiting, world.outbox = world.outbox, []
        sending: list[tuple[Hook, bool]] = []
        for hook in waiting:
            fault = world.faults.take(hook.name, outgoing=True)
            again = fault.copies if fault is not None and fault.kind is Kind.DUPLICATE else copies
            shuffle = shuffle or (fault is not None and fault.kind is Kind.REORDER)
            sending += [(hook, copy > 0) for copy in range(again)]
        if shuffle:
            world.random.shuffle(sending)
    for hook, repeated in sending:
        send(world, hook, again=repeated)
    return len(sending)


def send(world: World, hook: Hook, *, again: bool = False) -> Reply:
    """Send one webhook, with repeats and the fallback URL; its answer is acted on once."""
    reply = _tries(world, hook, hook.url, hook.fields)
    if reply.code and hook.fallback:
        told = {**hook.fields, "ErrorCode": str(reply.code), "ErrorUrl": hook.url}
        reply = _tries(world, hook, hook.fallback, told)
    if hook.then is not None and not again:
        hook.then(reply)
    return reply


def _tries(world: World, hook: Hook, url: str, fields: dict[str, str]) -> Reply:
    options = world.options
    rules = overrides(url, connect_s=options.connect_timeout_s, read_s=options.read_timeout_s)
    secret = world.accounts[hook.account].auth_token
    shown = signed_url(url, voice=hook.kind in ("voice", "call_status"))
    if hook.method == "GET":
        url = _with_query(url, fields)
        shown = _with_query(shown, fields)
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "user-agent": "TwilioProxy/1.1",
        "i-twilio-idempotency-token": hook.token or _token(world),
        "x-twilio-signature": signature(shown, fields if hook.method == "POST" else {},
                                        token=secret),
    }  # fmt: skip
    reply = Reply(0, "", "", 11200)
    for _ in range(1 + rules.repeats):
        status, content_type, body, failure = world.call(
            hook.kind, hook.method, url, fields, headers,
            connect_s=rules.connect_s, read_s=rules.read_s,
        )  # fmt: skip
        # After a redirect Twilio asks again with GET and without the form: as good as lost.
        failure = failure or {3: "3xx", 4: "4xx", 5: "5xx"}.get(status // 100, "")
        if not failure:
            return Reply(status, content_type, body)
        reply = Reply(status, content_type, body, {"ct": 11205, "rt": 11205}.get(failure, 11200))
        if failure not in rules.after:
            break
    world.alert(reply.code, url, f"{hook.kind}: {reply.status or 'no answer'}")
    return reply


def _with_query(url: str, fields: dict[str, str]) -> str:
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{urlencode(fields)}{mark}{fragment}"


def _token(world: World) -> str:
    return str(uuid.UUID(int=world.random.getrandbits(128), version=4))
