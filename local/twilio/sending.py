"""A text's way: queue of its sender, carrier, handset; every step told to the status callback.

Throughput is in segments a second and per sender. What is longer in the queue than its validity
period fails with 30036; nothing queued can be called back, not even by a STOP.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from .records import HandsetText
from .senders import pick_sender
from .state import Message, OwnedNumber, Verdict
from .webhooks import VERSION, Hook, post
from .world import World

ERRORS = {
    30001: "Queue overflow", 30003: "Unreachable destination handset",
    30004: "Message blocked", 30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier", 30007: "Message filtered", 30008: "Unknown error",
    30036: "Validity period expired", 21610: "Attempt to send to unsubscribed recipient",
}  # fmt: skip
# Ends before the text leaves Twilio: failed. Every other code is the carrier's: undelivered.
NEVER_LEFT = frozenset({21610, 30001, 30002, 30032, 30033, 30034, 30035, 30036, 30450, 30500})


def set_status(
    world: World, message: Message, status: str, *, error: int | None = None, tell: bool = True
) -> None:
    """The next step of a text. The first status is only in the API's answer: `tell` False."""
    message.status, message.updated = status, world.now()
    message.error = error
    message.history.append((status, world.now()))
    if tell and message.status_callback:
        _call_back(world, message, status, error)


def _call_back(world: World, message: Message, status: str, error: int | None) -> None:
    fields = {
        "AccountSid": message.account, "MessageSid": message.sid, "MessageStatus": status,
        "SmsSid": message.sid, "SmsStatus": status, "From": message.sender, "To": message.to,
        "ApiVersion": VERSION,
    }  # fmt: skip
    if message.service:
        fields["MessagingServiceSid"] = message.service
    if error is not None:
        fields["ErrorCode"] = str(error)
    if status in ("delivered", "undelivered"):
        fields["RawDlrDoneDate"] = world.now().strftime("%y%m%d%H%M")
    post(world, Hook("status", message.sender, message.account, "POST",
                     message.status_callback, fields))  # fmt: skip


def enqueue(world: World, message: Message) -> None:
    """Into its sender's queue: it leaves when all before it have, if that is in time."""
    number = world.owned(message.sender)
    leaves = world.now() if number is None else leaving(world, number)
    if number is not None and leaves - world.now() > timedelta(hours=world.options.queue_hours):
        set_status(world, message, "failed", error=30001)
    elif leaves > message.deadline:
        world.at(message.deadline, partial(_fail, world, message, 30036))
    else:
        if number is not None:
            rate = number.segments_per_s or world.options.segments_per_s
            number.free_at = leaves + timedelta(seconds=message.segments / rate)
        world.at(leaves, partial(_leave, world, message))


def leaving(world: World, number: OwnedNumber) -> datetime:
    """When the next text of this number would leave its queue."""
    return max(world.now(), number.free_at or world.now())


def accept_for_service(world: World, message: Message) -> None:
    """Work of the agenda: the service picks a sender; only then the text is queued."""
    if message.status not in ("accepted", "scheduled"):
        return  # cancelled
    service = world.services.get(message.service)
    if service is None:
        set_status(world, message, "failed", error=21701)
        return
    if not message.sender:
        message.sender = pick_sender(world, service, message.to)
    if service.advanced_opt_out and is_blocked(world, message.to, message.sender):
        set_status(world, message, "failed", error=21610)
        return
    set_status(world, message, "queued")
    enqueue(world, message)


def is_blocked(world: World, to: str, sender: str, service: str = "") -> bool:
    """Did this handset say STOP to the number, or to the service the number is in."""
    blocked = world.phone(to).blocked
    owned = world.owned(sender) if sender else None
    return bool(blocked & {sender, service, owned.service if owned is not None else ""} - {""})


def _fail(world: World, message: Message, error: int) -> None:
    if message.status == "queued":
        set_status(world, message, "failed", error=error)


def _leave(world: World, message: Message) -> None:
    """Work of the agenda: out of the queue, to the carrier."""
    verdict = _verdict(world, message)
    message.sent = world.now()
    if verdict is not None and verdict.code in NEVER_LEFT:
        message.sent = None
        set_status(world, message, "failed", error=verdict.code)
        return
    set_status(world, message, "sending", tell=False)
    set_status(world, message, "sent")
    world.later(world.options.delivery_s, partial(_arrive, world, message, verdict))


def _arrive(world: World, message: Message, verdict: Verdict | None) -> None:
    """Work of the agenda: on the handset or not, and what the carrier says about it."""
    message.priced = True
    if verdict is None or verdict.reached:
        to_handset(world, message, "twiml" if message.direction == "outbound-reply" else "api")
    if verdict is not None:
        set_status(world, message, "undelivered", error=verdict.code)
    elif world.phone(message.to).receipts:
        set_status(world, message, "delivered")


def to_handset(world: World, message: Message, kind: str) -> None:
    world.handsets.append(HandsetText(world.now(), message.to, message.sender, message.body, kind,
                                      message.sid, message.media_urls))  # fmt: skip


def _verdict(world: World, message: Message) -> Verdict | None:
    """How this text will end; None = well."""
    for verdict in world.verdicts:
        if verdict.times == 0 or verdict.to not in ("", message.to):
            continue
        if verdict.sender not in ("", message.sender):
            continue
        if verdict.share < 1.0 and world.random.random() >= verdict.share:
            continue
        if verdict.times is not None:
            verdict.times -= 1
        return verdict
    phone = world.phone(message.to)
    for code, holds in ((30005, phone.unknown), (30006, phone.landline), (30003, phone.off)):
        if holds:
            return Verdict(code)
    return None
