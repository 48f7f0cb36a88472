"""What makes a campaign request wrong as a whole, and what makes one consumer of it fail."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ..serving import Request
from .records import Refused
from .state import Account, Template
from .world import World
from .zones import plausible

REQUIRED = ("campaignName", "skill", "templateId", "consent", "consumers")
KNOWN = {*REQUIRED, "outboundNumber", "schedulingMetrics"}
PLAIN_SMS = "1234567890"  # legacy template id: variable 1 is the text
_LENGTHS = {"campaignName": 255, "skill": 255, "templateId": 32}
_VARIABLE_LENGTH = 1550


def checked_campaign(world: World, request: Request, account: Account) -> dict[str, Any]:
    """The request body, or Refused with 400."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused(400, "content-type must be application/json")
    try:
        body = request.json()
    except ValueError as error:
        raise Refused(400, "body is not JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "body is not an object")
    if missing := [name for name in REQUIRED if body.get(name) in (None, "", [])]:
        raise Refused(400, f"Fields missing in request: {', '.join(missing)}")
    if world.options.unknown_fields == "refuse" and (unknown := set(body) - KNOWN):
        raise Refused(400, f"Unknown fields in request: {', '.join(sorted(unknown))}")
    for name, longest in _LENGTHS.items():
        if not isinstance(body[name], str) or len(body[name]) > longest:
            raise Refused(400, f"Invalid field: {name} is a text of at most {longest}")
    if body["consent"] is not True:
        raise Refused(400, "Invalid field: consent must be true")
    _check_names(world, account, body)
    _check_consumers(world, body["consumers"])
    return body


def _check_names(world: World, account: Account, body: dict[str, Any]) -> None:
    if account.skill_named(body["skill"]) is None:
        raise Refused(400, f"Invalid field: no skill {body['skill']!r}")
    if body["templateId"] not in account.templates and body["templateId"] != PLAIN_SMS:
        raise Refused(400, f"Invalid field: no template {body['templateId']!r}")
    number = body.get("outboundNumber")
    if number is None:
        raise Refused(400, "Fields missing in request: outboundNumber")
    if not isinstance(number, str) or not number.isdigit() or len(number) > 16:
        raise Refused(400, "Invalid field: outboundNumber is at most 16 digits")
    owner = world.numbers.get("+" + number, ("", ""))[0]
    if world.options.unknown_outbound_number == "refuse" and owner != account.id:
        raise Refused(400, "Invalid field: outboundNumber is not of this account")


def _check_consumers(world: World, consumers: Any) -> None:
    most = world.options.recipients_per_campaign
    if not isinstance(consumers, list) or not all(isinstance(c, dict) for c in consumers):
        raise Refused(400, "Invalid field: consumers is a list of objects")
    if len(consumers) > most:
        raise Refused(400, f"Invalid field: at most {most} consumers")
    for consumer in consumers:
        for value in (consumer.get("variables") or {}).values():
            if isinstance(value, str) and len(value) > _VARIABLE_LENGTH:
                raise Refused(400, f"Invalid field: a variable is at most {_VARIABLE_LENGTH}")


def refusal_of(
    world: World, consumer: dict[str, Any], template: Template, seen: set[str]
) -> str | None:
    """The errorMessage for this consumer, or None when it is accepted (and then in `seen`)."""
    content = consumer.get("consumerContent")
    sms = content.get("sms") if isinstance(content, dict) else None
    if not isinstance(sms, str) or not sms:
        return "MISSING_CONSUMER_INFORMATION==SMS"
    digits = sms.removeprefix("+") if world.options.plus_in_phone_numbers == "accept" else sms
    if not plausible(digits):
        return "INVALID_NUMBER"
    phone = world.phone("+" + digits)
    if phone.invalid or (phone.landline and world.options.landline == "invalid_number"):
        return "INVALID_NUMBER"
    if digits in seen:
        return "DUPLICATE_NUMBER"
    seen.add(digits)
    return _variables(consumer.get("variables") or {}, template) or _headers(consumer)


def _variables(given: dict[str, Any], template: Template) -> str | None:
    if len(given) > template.variables:
        return "TOO_MANY_VARIABLES"
    if len(given) < template.variables:
        return "INSUFFICIENT_VARIABLES"
    for n in range(1, template.variables + 1):
        if str(n) not in given:
            return f"MISSING_VARIABLE={n}"
        if not isinstance(given[str(n)], str):
            return f"VARIABLE_NOT_STRING={n}"
    return None


def _headers(consumer: dict[str, Any]) -> str | None:
    """SMS templates have no header, so that any header variable is one too many."""
    given = consumer.get("headerVariables") or {}
    for value in given.values():
        if not isinstance(value, str):
            return "HEADER_VARIABLE_NOT_STRING"
        if urlsplit(value).scheme != "https":
            return "HEADER_VARIABLE_INVALID_URL"
    return "TOO_MANY_HEADER_VARIABLES" if given else None
