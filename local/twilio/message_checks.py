"""May this text be accepted at all: what Twilio refuses at once, with 400 and a code."""

from __future__ import annotations

from datetime import datetime, timedelta

from .codes import MAGIC_FROM, MAGIC_GOOD, MAGIC_TO
from .records import Refused
from .rules import PHONE, Form, instant_of
from .sending import is_blocked, leaving
from .state import Account, OwnedNumber, Service
from .world import World

MOST_CHARACTERS, MOST_MEDIA, MOST_VALIDITY_S = 1600, 10, 36000
SOONEST, LATEST = timedelta(seconds=300), timedelta(days=35)


def check_content(form: Form) -> None:
    """Something to say, not too long, not too many pictures."""
    media = form.all("MediaUrl")
    if "Body" in form and not form["Body"] and not media and not form.get("ContentSid"):
        raise Refused(21602)
    if len(form.get("Body", "")) > MOST_CHARACTERS:
        raise Refused(21617)
    if len(media) > MOST_MEDIA:
        raise Refused(21623)
    if not all(media):
        raise Refused(21620)
    validity = int(form.get("ValidityPeriod", MOST_VALIDITY_S))
    if not 1 <= validity <= MOST_VALIDITY_S:
        raise Refused(21624)


def check_magic(world: World, account: Account, form: Form) -> None:
    """The numbers with a fixed result. Test credentials know no other sender than the good one."""
    if account.test:
        if "MessagingServiceSid" in form:
            raise Refused(20008, "MessagingServiceSid")
        sender = form.get("From", "")
        if sender != MAGIC_GOOD:
            raise Refused(MAGIC_FROM.get(sender, 21606), sender)
    if account.test or world.options.magic_numbers == "everywhere":
        code = MAGIC_TO.get(form["To"])
        if code is not None:
            raise Refused(code, form["To"])


def check_recipient(world: World, form: Form, sender: str) -> None:
    to = form["To"]
    if not _can_exist(to) or to == sender:
        raise Refused(21211, to)
    if not to.startswith(world.options.countries):
        raise Refused(21408, to)
    if world.phone(to).landline:
        if not to.startswith("+1"):
            raise Refused(21635, to)
        if world.options.landline == "21614":
            raise Refused(21614, to)


def _can_exist(number: str) -> bool:
    if PHONE.fullmatch(number) is None:
        return False
    if not number.startswith("+1"):
        return True
    return len(number) == 12 and number[2] in "23456789" and number[5] in "23456789"


def check_sender(world: World, account: Account, number: str) -> OwnedNumber:
    """The number of ours that it comes from."""
    owned = world.owned(number)
    if owned is None:
        raise Refused(world.options.foreign_sender_code, number)
    if owned.account != account.sid:
        raise Refused(21660, number)
    if not owned.sms_capable:
        raise Refused(21661, number)
    return owned


def check_service(world: World, account: Account, form: Form) -> Service:
    """The service, with somebody in its pool; a From beside it must be in that pool."""
    service = world.services.get(form["MessagingServiceSid"])
    if service is None or service.account != account.sid:
        raise Refused(21701)
    if not service.pool:
        raise Refused(21704)
    if not any(world.numbers[sid].sms_capable for sid in service.pool):
        raise Refused(21703)
    if "From" in form:
        owned = check_sender(world, account, form["From"])
        if owned.sid not in service.pool:
            raise Refused(world.options.sender_outside_pool_code, form["From"])
    return service


def check_block(world: World, to: str, sender: str, service: Service | None) -> None:
    """STOP holds. With Advanced Opt-Out the same comes later, as a failed text."""
    if service is not None and service.advanced_opt_out:
        return
    if is_blocked(world, to, sender, service.sid if service is not None else ""):
        raise Refused(21610)


def check_queue(world: World, number: OwnedNumber) -> None:
    """A From of its own must have room in its queue; a service fails later instead (30001)."""
    if leaving(world, number) - world.now() > timedelta(hours=world.options.queue_hours):
        raise Refused(21611)


def send_at(world: World, form: Form) -> datetime | None:
    """When a scheduled text is to go; None = now."""
    if "ScheduleType" not in form:
        return None
    if "MessagingServiceSid" not in form:
        raise Refused(35118)
    if "SendAt" not in form:
        raise Refused(35111)
    found = instant_of(form["SendAt"])
    if found is None or not SOONEST <= found - world.now() <= LATEST:
        raise Refused(35114)
    return found
