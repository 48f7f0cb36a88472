"""messaging.twilio.com: messaging services and the numbers in their pools."""

from __future__ import annotations

import re
from typing import Any

from ..serving import Answer, answer
from .asking import Ask, theirs
from .paging import iso, page_v1
from .records import Refused
from .rules import Form
from .state import Account, OwnedNumber, Service
from .world import World

ACTED_ON = {
    "FriendlyName": "friendly_name", "InboundRequestUrl": "inbound_request_url",
    "InboundMethod": "inbound_method", "FallbackUrl": "fallback_url",
    "StatusCallback": "status_callback", "StickySender": "sticky_sender",
    "AreaCodeGeomatch": "area_code_geomatch", "ValidityPeriod": "validity_period",
    "UseInboundWebhookOnNumber": "use_inbound_webhook_on_number",
}  # fmt: skip
HOST = "https://messaging.twilio.com/v1/Services"


def create(world: World, ask: Ask) -> Answer:
    service = new_service(world, ask.account.sid, ask.form["FriendlyName"])
    _configure(service, ask.form)
    return answer(201, shown(service))


def new_service(world: World, account: str, name: str) -> Service:
    now = world.now()
    service = Service(world.sid("MG"), account, name, now, now)
    world.services[service.sid] = service
    return service


def _configure(service: Service, form: Form) -> None:
    for field, value in form.items():
        if field not in ACTED_ON:
            service.settings[re.sub(r"(?<!^)(?=[A-Z])", "_", field).lower()] = value
            continue
        current = getattr(service, ACTED_ON[field])
        if isinstance(current, bool):
            setattr(service, ACTED_ON[field], value == "true")
        else:
            setattr(service, ACTED_ON[field], type(current)(value))


def shown(service: Service) -> dict[str, Any]:
    url = f"{HOST}/{service.sid}"
    return {
        "sid": service.sid, "account_sid": service.account,
        **{name: getattr(service, name) for name in ACTED_ON.values()},
        **service.settings, "us_app_to_person_registered": True,
        "date_created": iso(service.created), "date_updated": iso(service.updated), "url": url,
        "links": {"phone_numbers": f"{url}/PhoneNumbers", "messages": f"{url}/Messages"},
    }  # fmt: skip


def find(world: World, account: Account, sid: str) -> Service:
    return theirs(world.services.get(sid), account=account, sid=sid)


def fetch(world: World, ask: Ask) -> Answer:
    return answer(200, shown(find(world, ask.account, ask.place["Sid"])))


def update(world: World, ask: Ask) -> Answer:
    service = find(world, ask.account, ask.place["Sid"])
    _configure(service, ask.form)
    service.updated = world.now()
    return answer(200, shown(service))


def delete(world: World, ask: Ask) -> Answer:
    service = find(world, ask.account, ask.place["Sid"])
    for sid in service.pool:
        world.numbers[sid].service = ""
    del world.services[service.sid]
    return Answer(204)


def listing(world: World, ask: Ask) -> Answer:
    items = [one for one in world.services.values() if one.account == ask.account.sid]
    return page_v1(ask.request, items, name="services", query=ask.query,
                   key=lambda one: one.sid, shown=shown)  # fmt: skip


# ------------------------------------------------------------ pools
def join(world: World, ask: Ask) -> Answer:
    """A number is in one service at most; a pool holds 400 unless Twilio raised it."""
    service = find(world, ask.account, ask.place["ServiceSid"])
    sid = ask.form["PhoneNumberSid"]
    owned = theirs(world.numbers.get(sid), account=ask.account, sid=sid)
    enrol(world, service, owned)
    return answer(201, _member(service, owned))


def enrol(world: World, service: Service, owned: OwnedNumber) -> None:
    """Put a number in a pool. Raises Refused 21710, 21712, 21714."""
    if owned.service == service.sid:
        raise Refused(21710)
    if owned.service:
        raise Refused(21712)
    if len(service.pool) >= world.options.pool_limit:
        raise Refused(21714)
    service.pool.append(owned.sid)
    owned.service = service.sid


def _member(service: Service, owned: OwnedNumber) -> dict[str, Any]:
    return {
        "sid": owned.sid, "account_sid": owned.account, "service_sid": service.sid,
        "phone_number": owned.number, "country_code": "US",
        "capabilities": ["MMS", "SMS", "Voice"] if owned.sms_capable else ["Voice"],
        "date_created": iso(owned.created), "date_updated": iso(owned.updated),
        "url": f"{HOST}/{service.sid}/PhoneNumbers/{owned.sid}",
    }  # fmt: skip


def members(world: World, ask: Ask) -> Answer:
    service = find(world, ask.account, ask.place["ServiceSid"])
    items = [world.numbers[sid] for sid in service.pool]
    return page_v1(ask.request, items, name="phone_numbers", query=ask.query,
                   key=lambda one: one.sid, shown=lambda one: _member(service, one))  # fmt: skip


def member(world: World, ask: Ask) -> Answer:
    service = find(world, ask.account, ask.place["ServiceSid"])
    return answer(200, _member(service, _in_pool(world, service, ask.place["Sid"])))


def leave(world: World, ask: Ask) -> Answer:
    service = find(world, ask.account, ask.place["ServiceSid"])
    owned = _in_pool(world, service, ask.place["Sid"])
    service.pool.remove(owned.sid)
    owned.service = ""
    return Answer(204)


def _in_pool(world: World, service: Service, sid: str) -> OwnedNumber:
    if sid not in service.pool:
        raise Refused(20404, sid)
    return world.numbers[sid]
