"""A customer texts one of our numbers: Twilio's own keywords first, then our webhook.

Default handling of long codes: one word alone, any case, is obeyed and answered by Twilio itself,
and is posted to our webhook all the same (no OptOutType, which only Advanced Opt-Out adds).
Sources: docs/messaging/guides/webhook-request, support 223134027.
"""

from __future__ import annotations

from functools import partial

from .records import HandsetText
from .segments import segments_of
from .sending import enqueue, is_blocked, set_status
from .state import Media, Message, OwnedNumber
from .twiml import Verb, parse
from .webhooks import VERSION, Hook, Reply, post
from .world import World

STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})
HELP = frozenset({"HELP", "INFO"})
SAYS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from"
    " this number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for"
    " help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


def receive(
    world: World, sender: str, to: str, body: str, media: tuple[Media, ...]
) -> Message | None:
    """A text arrives. None: the number is nobody's (released, say), and the text is lost."""
    number = world.owned(to)
    if number is None:
        return None
    message = Message(
        world.sid("MM" if media else "SM"), number.account, "inbound", sender, to, body,
        world.now(), world.next_order(), "received", segments_of(body), service=number.service,
        media=list(media),
    )  # fmt: skip
    message.sent = world.now()
    message.history.append(("received", world.now()))
    world.messages[message.sid] = message
    keyword = _obey(world, number, sender, body)
    _tell(world, number, message, keyword)
    return message


def _obey(world: World, number: OwnedNumber, sender: str, body: str) -> str:
    """Block or unblock, and Twilio's own answer. Returns STOP, START, HELP or nothing."""
    word = body.strip().upper()
    keyword = next((name for name, words in (("STOP", STOP), ("START", START), ("HELP", HELP))
                    if word in words), "")  # fmt: skip
    if not keyword:
        return ""
    phone = world.phone(sender)
    was_blocked = is_blocked(world, sender, number.number)
    answered = not was_blocked
    if keyword == "STOP":
        phone.blocked.add(number.service or number.number)
    elif keyword == "START":
        phone.blocked -= {number.number, number.service}
        answered = was_blocked or world.options.start_answered == "always"
    if answered:
        world.handsets.append(
            HandsetText(world.now(), sender, number.number, SAYS[keyword], "carrier")
        )
    return keyword


def _tell(world: World, number: OwnedNumber, message: Message, keyword: str) -> None:
    """The webhook of the number, or of the service that keeps inbound texts to itself."""
    service = world.services.get(number.service)
    url, method, fallback = number.sms_url, number.sms_method, number.sms_fallback_url
    if service is not None and not service.use_inbound_webhook_on_number:
        url, method = service.inbound_request_url, service.inbound_method
        fallback = service.fallback_url
    if not url:
        return  # nobody asked to be told: the text is thrown away
    fields = fields_of(world, message)
    if service is not None and service.advanced_opt_out and keyword:
        fields["OptOutType"] = keyword
    post(world, Hook("sms", number.number, number.account, method, url, fields, fallback,
                     partial(_answered, world, number, message.sender, url)))  # fmt: skip


def fields_of(world: World, message: Message) -> dict[str, str]:
    """The form of an inbound text. Places are the numbers', blank when unknown."""
    fields = {
        "ToCountry": "US", "SmsMessageSid": message.sid, "NumMedia": str(len(message.media)),
        "SmsSid": message.sid, "SmsStatus": "received", "Body": message.body,
        "To": message.to, "NumSegments": str(message.segments), "MessageSid": message.sid,
        "AccountSid": message.account, "From": message.sender, "ApiVersion": VERSION,
        "FromCountry": "US", **places(world, "From", message.sender),
        **places(world, "To", message.to),
    }  # fmt: skip
    if message.service:
        fields["MessagingServiceSid"] = message.service
    base = f"{world.base_url}/{VERSION}/Accounts/{message.account}/Messages/{message.sid}/Media"
    for index, one in enumerate(message.media):
        fields[f"MediaUrl{index}"] = f"{base}/{one.sid}"
        fields[f"MediaContentType{index}"] = one.content_type
    return fields


def places(world: World, side: str, number: str) -> dict[str, str]:
    """FromCity and its relatives: where the number is from, not the person."""
    phone, place = world.phones.get(number), world.market.places.get(number[2:5])
    city, state, code = (place.locality.upper(), place.region, "") if place else ("", "", "")
    if phone is not None and phone.city:
        city, state, code = phone.city, phone.region, phone.postal_code
    return {f"{side}City": city, f"{side}State": state, f"{side}Zip": code}


def _answered(world: World, number: OwnedNumber, sender: str, url: str, reply: Reply) -> None:
    """Carry out the TwiML of our answer: each Message is a text, under the same rules."""
    if reply.code or not reply.body.strip():
        return
    with world.lock:
        if "xml" not in reply.content_type:
            world.alert(12300, url, f"content type {reply.content_type!r}")
            return
        verbs = parse(world, reply.body, url=url, kind="sms")
        for verb in verbs or []:
            _reply(world, number, sender, verb, url)


def _reply(world: World, number: OwnedNumber, sender: str, verb: Verb, url: str) -> None:
    to = verb.attributes.get("to", sender)
    body = verb.text + "".join(one.text for one in verb.children if one.name == "Body")
    if is_blocked(world, to, number.number):
        world.alert(21610, url, "a reply to an unsubscribed recipient")
        return
    message = Message(
        world.sid("SM"), number.account, "outbound-reply", number.number, to, body, world.now(),
        world.next_order(), "queued", segments_of(body), service=number.service,
        media_urls=tuple(one.text for one in verb.children if one.name == "Media"),
        status_callback=verb.attributes.get("statusCallback", ""),
    )  # fmt: skip
    world.messages[message.sid] = message
    set_status(world, message, "queued", tell=False)
    enqueue(world, message)
