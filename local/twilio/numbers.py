"""Numbers: search what is for sale, buy, configure, list, release.

A search reserves nothing. Buying one named number twice gives one number and a 21422; buying by
area code twice gives two.
"""

from __future__ import annotations

import re
from typing import Any

from ..serving import Answer, answer
from .asking import Ask, theirs
from .codes import MAGIC_BUY, MAGIC_GOOD
from .market import ForSale, pattern
from .paging import page_2010, rfc2822
from .records import Refused
from .rules import Form
from .state import Account, OwnedNumber
from .webhooks import VERSION
from .world import World

LONGEST_NAME = 64
# form field -> attribute of OwnedNumber; what is not here is kept and shown, and does nothing
ACTED_ON = {
    "FriendlyName": "friendly_name", "SmsUrl": "sms_url", "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url", "SmsFallbackMethod": "sms_fallback_method",
    "VoiceUrl": "voice_url", "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url", "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback", "StatusCallbackMethod": "status_callback_method",
}  # fmt: skip
KEPT = {"SmsApplicationSid": "sms_application_sid", "VoiceApplicationSid": "voice_application_sid",
        "AddressSid": "address_sid", "BundleSid": "bundle_sid", "TrunkSid": "trunk_sid",
        "IdentitySid": "identity_sid", "EmergencyAddressSid": "emergency_address_sid",
        "EmergencyStatus": "emergency_status", "VoiceReceiveMode": "voice_receive_mode",
        "VoiceCallerIdLookup": "voice_caller_id_lookup"}  # fmt: skip


def search(world: World, ask: Ask) -> Answer:
    """GET AvailablePhoneNumbers/{country}/Local: an unknown country is 404, nothing found is []."""
    _check_search(ask.query)
    country = ask.place["CountryCode"]
    if country not in ("US", "CA"):
        raise Refused(20404, country)
    size = int(ask.query.get("PageSize", "50"))
    found = world.market.search(country, ask.query)[:size]
    return answer(200, {"available_phone_numbers": [_for_sale(one) for one in found],
                        "uri": ask.request.target})  # fmt: skip


def _check_search(query: Form) -> None:
    contains = query.get("Contains")
    if contains is not None and not re.fullmatch(r"\+?[0-9A-Za-z*%]{1,15}\$?", contains):
        raise Refused(20001, "Contains")
    near = query.get("NearLatLong")
    if near is not None and not re.fullmatch(r"-?\d+(\.\d+)?,-?\d+(\.\d+)?", near):
        raise Refused(20001, "NearLatLong")
    if not 0 <= int(query.get("Distance", "25")) <= 500:
        raise Refused(20001, "Distance")


def _for_sale(one: ForSale) -> dict[str, Any]:
    place = one.place
    return {
        "phone_number": one.number, "friendly_name": pretty(one.number),
        "iso_country": place.country, "region": place.region, "locality": place.locality,
        "postal_code": place.postal_code, "lata": None, "rate_center": place.locality.upper(),
        "latitude": f"{place.latitude:.6f}", "longitude": f"{place.longitude:.6f}",
        "capabilities": {"voice": one.voice, "sms": one.sms, "mms": one.mms},
        "address_requirements": "none", "beta": False,
    }  # fmt: skip


def pretty(number: str) -> str:
    """The friendly name a number has until it gets another: (213) 555-0160."""
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}" if len(number) == 12 else number


def buy(world: World, ask: Ask) -> Answer:
    """POST IncomingPhoneNumbers: one named number, or Twilio's choice in an area code."""
    form = ask.form
    if ask.account.test:
        return answer(201, shown(_test_purchase(world, ask.account, form)))
    _check_name(form)
    if "PhoneNumber" in form:
        found = world.market.take(form["PhoneNumber"])
        if found is None:
            raise Refused(MAGIC_BUY.get(form["PhoneNumber"], 21422), form["PhoneNumber"])
    else:
        first = world.market.first_of(form["AreaCode"])
        if first is None:
            raise Refused(21452, form["AreaCode"])
        found = world.market.take(first.number)
        assert found is not None
    owned = new_number(world, ask.account.sid, found.number)
    owned.sms_capable = found.sms
    configure(owned, form)
    world.numbers[owned.sid] = owned
    return answer(201, shown(owned))


def _test_purchase(world: World, account: Account, form: Form) -> OwnedNumber:
    number, area_code = form.get("PhoneNumber"), form.get("AreaCode")
    if number is not None and number != MAGIC_GOOD:
        raise Refused(MAGIC_BUY.get(number, 21421), number)
    if number is None and area_code != "500":
        raise Refused(21452, area_code or "")
    return new_number(world, account.sid, MAGIC_GOOD)


def new_number(world: World, account: str, number: str) -> OwnedNumber:
    now = world.now()
    return OwnedNumber(world.sid("PN"), account, number, pretty(number), now, now)


def _check_name(form: Form) -> None:
    if len(form.get("FriendlyName", "")) > LONGEST_NAME:
        raise Refused(20002)


def configure(owned: OwnedNumber, form: Form) -> None:
    for field, value in form.items():
        if field in ACTED_ON:
            setattr(owned, ACTED_ON[field], value)
        elif field in KEPT:
            owned.settings[KEPT[field]] = value


def shown(owned: OwnedNumber) -> dict[str, Any]:
    return {
        "sid": owned.sid, "account_sid": owned.account, "phone_number": owned.number,
        **{name: getattr(owned, name) for name in ACTED_ON.values()},
        **dict.fromkeys(KEPT.values()), **owned.settings,
        "capabilities": {"voice": True, "sms": owned.sms_capable, "mms": owned.sms_capable,
                         "fax": False},
        "address_requirements": "none", "beta": False, "origin": "twilio", "type": "local",
        "api_version": VERSION, "status": "in-use",
        "date_created": rfc2822(owned.created), "date_updated": rfc2822(owned.updated),
        "uri": f"/{VERSION}/Accounts/{owned.account}/IncomingPhoneNumbers/{owned.sid}.json",
    }  # fmt: skip


def find(world: World, account: Account, sid: str) -> OwnedNumber:
    """A number of this account. Raises Refused 20404."""
    return theirs(world.numbers.get(sid), account=account, sid=sid)


def fetch(world: World, ask: Ask) -> Answer:
    return answer(200, shown(find(world, ask.account, ask.place["Sid"])))


def update(world: World, ask: Ask) -> Answer:
    owned = find(world, ask.account, ask.place["Sid"])
    _check_name(ask.form)
    configure(owned, ask.form)
    owned.updated = world.now()
    return answer(200, shown(owned))


def listing(world: World, ask: Ask) -> Answer:
    """GET: FriendlyName as it is, PhoneNumber whole or in part."""
    name, number = ask.query.get("FriendlyName"), ask.query.get("PhoneNumber")
    items = [one for one in world.numbers.values()
             if one.account == ask.account.sid and name in (None, one.friendly_name)
             and (number is None or pattern(number).search(one.number))]  # fmt: skip
    return page_2010(ask.request, items, name="incoming_phone_numbers", query=ask.query,
                     key=lambda one: one.sid, shown=shown)  # fmt: skip


def release(world: World, ask: Ask) -> Answer:
    """DELETE: gone from account and pool, with its stickiness; a text to it goes nowhere."""
    remove(world, find(world, ask.account, ask.place["Sid"]))
    return Answer(204)


def remove(world: World, owned: OwnedNumber) -> None:
    del world.numbers[owned.sid]
    service = world.services.get(owned.service)
    if service is not None:
        service.pool.remove(owned.sid)
        service.sticky = {to: n for to, n in service.sticky.items() if n != owned.number}
