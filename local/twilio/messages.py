"""/Messages: create, fetch, list, redact or cancel, delete, and the pictures customers sent.

Nothing here knows whether a POST repeats an earlier one: there is no idempotency key, and a
repeated POST texts somebody twice.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..serving import Answer, answer
from . import message_checks as checks
from .asking import Ask, theirs
from .paging import page_2010, rfc2822
from .records import Refused
from .rules import Form, instant_of
from .segments import segments_of
from .sending import ERRORS, accept_for_service, enqueue, set_status
from .state import FINAL, Account, Media, Message, Service
from .webhooks import VERSION
from .world import World


def create(world: World, ask: Ask) -> Answer:
    """POST: 201 with the first status. Everything after comes to the status callback."""
    account, form = ask.account, ask.form
    checks.check_content(form)
    checks.check_magic(world, account, form)
    sender = form.get("From", "")
    checks.check_recipient(world, form, sender)
    if account.test:
        return answer(201, shown(_made(world, account, form, None)))
    service = None
    if "MessagingServiceSid" in form:
        service = checks.check_service(world, account, form)
        checks.check_block(world, form["To"], sender, service)
    else:
        owned = checks.check_sender(world, account, sender)
        checks.check_block(world, form["To"], sender, None)
        checks.check_queue(world, owned)
    send_at = checks.send_at(world, form)
    message = _made(world, account, form, service)
    message.send_at = send_at
    world.messages[message.sid] = message
    _begin(world, message)
    return answer(201, shown(message))


def _made(world: World, account: Account, form: Form, service: Service | None) -> Message:
    media = tuple(form.all("MediaUrl"))
    body = form.get("Body", "")
    return Message(
        world.sid("MM" if media else "SM"), account.sid, "outbound-api", form.get("From", ""),
        form["To"], body, world.now(), world.next_order(), "queued", segments_of(body),
        service=service.sid if service is not None else "", media_urls=media,
        status_callback=form.get("StatusCallback")
        or (service.status_callback if service is not None else ""),
        validity_s=int(form.get("ValidityPeriod")
                       or (service.validity_period if service is not None else 36000)),
    )  # fmt: skip


def _begin(world: World, message: Message) -> None:
    if message.send_at is not None:
        set_status(world, message, "scheduled", tell=False)
        world.at(message.send_at, partial(accept_for_service, world, message))
    elif message.service:
        first = world.options.service_and_from_status if message.sender else "accepted"
        set_status(world, message, first, tell=False)
        if first == "accepted":
            world.later(0, partial(accept_for_service, world, message))
        else:
            enqueue(world, message)
    else:
        set_status(world, message, "queued", tell=False)
        enqueue(world, message)


def shown(message: Message) -> dict[str, Any]:
    """A message as the 2010 API shows it: numbers are strings, dates RFC 2822."""
    uri = f"/{VERSION}/Accounts/{message.account}/Messages/{message.sid}"
    picked = bool(message.sender) and message.status not in ("accepted", "scheduled")
    return {
        "sid": message.sid, "account_sid": message.account, "api_version": VERSION,
        "body": message.body, "from": message.sender or None, "to": message.to,
        "direction": message.direction, "status": message.status,
        "error_code": message.error,
        "error_message": ERRORS.get(message.error, "Error") if message.error else None,
        "num_segments": str(message.segments) if picked else "0",
        "num_media": str(len(message.media) + len(message.media_urls)),
        "messaging_service_sid": message.service or None,
        "price": f"-{0.0079 * message.segments:.5f}" if message.priced else None,
        "price_unit": "USD",
        "date_created": rfc2822(message.created), "date_sent": rfc2822(message.sent),
        "date_updated": rfc2822(message.updated or message.created),
        "uri": f"{uri}.json", "subresource_uris": {"media": f"{uri}/Media.json"},
    }  # fmt: skip


def find(world: World, account: Account, sid: str) -> Message:
    """A message of this account. Raises Refused 20404."""
    message = theirs(world.messages.get(sid), account=account, sid=sid)
    if message.deleted:
        raise Refused(20404, sid)
    return message


def fetch(world: World, ask: Ask) -> Answer:
    return answer(200, shown(find(world, ask.account, ask.place["Sid"])))


def listing(world: World, ask: Ask) -> Answer:
    """Newest first. A text that was not sent yet has no date, so no filter by date finds it."""
    items = [m for m in world.messages.values()
             if m.account == ask.account.sid and not m.deleted and _wanted(m, ask.query)]  # fmt: skip
    items.sort(key=lambda m: (m.created, m.order), reverse=True)
    return page_2010(ask.request, items, name="messages", query=ask.query, key=lambda m: m.sid,
                     shown=shown)  # fmt: skip


def _wanted(message: Message, query: Form) -> bool:
    if query.get("To", message.to) != message.to:
        return False
    if query.get("From", message.sender) != message.sender:
        return False
    for name in ("DateSent", "DateSent<", "DateSent>"):
        if name not in query:
            continue
        wanted = instant_of(query[name])
        if message.sent is None or wanted is None:
            return False
        whole_days = "T" not in query[name]
        sent = message.sent.replace(hour=0, minute=0, second=0) if whole_days else message.sent
        sent = sent.replace(microsecond=0)
        if not {"DateSent": sent == wanted, "DateSent<": sent <= wanted,
                "DateSent>": sent >= wanted}[name]:  # fmt: skip
            return False
    return True


def update(world: World, ask: Ask) -> Answer:
    """An empty Body redacts; Status=canceled calls back what is only scheduled."""
    message = find(world, ask.account, ask.place["Sid"])
    if ask.form.get("Status") == "canceled":
        if message.status != "scheduled":
            raise Refused(20001, "only a scheduled message can be canceled")
        set_status(world, message, "canceled")
    if "Body" in ask.form:
        if ask.form["Body"]:
            raise Refused(20001, "Body can only be emptied")
        if message.status not in FINAL | {"sent"}:
            raise Refused(20009)
        message.body, message.redacted = "", True
    return answer(200, shown(message))


def delete(world: World, ask: Ask) -> Answer:
    message = find(world, ask.account, ask.place["Sid"])
    if message.status not in FINAL | {"sent"}:
        raise Refused(20009)
    message.deleted, message.body, message.media = True, "", []
    return Answer(204)


def media_listing(world: World, ask: Ask) -> Answer:
    message = find(world, ask.account, ask.place["MessageSid"])
    base = f"/{VERSION}/Accounts/{message.account}/Messages/{message.sid}/Media"
    return page_2010(
        ask.request, message.media, name="media_list", query=ask.query, key=lambda m: m.sid,
        shown=lambda m: {"sid": m.sid, "account_sid": message.account, "parent_sid": message.sid,
                         "content_type": m.content_type, "uri": f"{base}/{m.sid}.json"},
    )  # fmt: skip


def media(world: World, ask: Ask) -> Answer:
    """The picture itself; with .json, what is known of it."""
    found = _media(find(world, ask.account, ask.place["MessageSid"]), ask.place["Sid"])
    if ask.bare:
        return Answer(200, found.data, {"content-type": found.content_type})
    return answer(200, {"sid": found.sid, "content_type": found.content_type,
                        "account_sid": ask.account.sid, "parent_sid": ask.place["MessageSid"],
                        "uri": ask.request.target})  # fmt: skip


def delete_media(world: World, ask: Ask) -> Answer:
    message = find(world, ask.account, ask.place["MessageSid"])
    message.media.remove(_media(message, ask.place["Sid"]))
    return Answer(204)


def _media(message: Message, sid: str) -> Media:
    found = next((one for one in message.media if one.sid == sid), None)
    if found is None:
        raise Refused(20404, sid)
    return found
