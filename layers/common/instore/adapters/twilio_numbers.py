"""Telephone numbers at Twilio: find, buy, configure, release, put into a messaging service.

Source: Twilio's AvailablePhoneNumbers, IncomingPhoneNumbers and Messaging Services resources.
Buying has no key either: the tag (FriendlyName) that goes with it finds what a lost answer bought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..carrier import Candidate, Owned
from ..carrier_codes import Effect
from ..errors import BadInputError, TwilioRefusedError, VendorGarbageError
from ..model import Phone
from .twilio_session import MESSAGING, Call, account_path, checked_sid, is_sid, ours, text_of

if TYPE_CHECKING:
    from ..program_line import Line
    from .twilio_session import Session

LONGEST_TAG = 64
MOST_FOUND = 1000  # the most entries a page may have
NEEDED = ("sms", "mms", "voice")  # texts, pictures, and the voice that says: texts only


@dataclass(frozen=True, slots=True)
class Where:
    """Where a number should be from; what is None does not narrow. Region, near and postal code
    are for the United States and Canada only."""

    country: str
    area_code: str | None = None
    region: str | None = None
    near: Phone | None = None
    postal_code: str | None = None


def find_numbers(session: Session, line: Line, *, where: Where, limit: int) -> list[Candidate]:
    """Numbers for sale, fit for a line: texts, pictures, calls, no beta, never toll-free.

    None is reserved. An entry that cannot be read makes the whole answer garbage.
    """
    query = [(f"{what.capitalize()}Enabled", "true") for what in NEEDED]
    query += [("Beta", "false"), ("PageSize", str(min(limit, MOST_FOUND)))]
    narrower = {
        "AreaCode": where.area_code, "InRegion": where.region,
        "NearNumber": where.near.e164 if where.near else None,
        "InPostalCode": where.postal_code,
    }  # fmt: skip
    query += [(name, value) for name, value in narrower.items() if value is not None]
    path = account_path(line, "AvailablePhoneNumbers", where.country, "Local")
    answer = session.ask(line, Call("GET", path, query)).json()
    entries = answer.get("available_phone_numbers") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise VendorGarbageError("Twilio's numbers for sale have another shape")
    found = [_candidate(entry) for entry in entries]
    return [one for one in found if one is not None][:limit]


def buy_number(
    session: Session, line: Line, *, number: Phone, tag: str, sms_url: str, voice_url: str
) -> Owned:
    """Buy exactly this number, with our tag and our addresses in the same call.

    TwilioRefusedError with effect NOT_FOR_SALE: take the next candidate. VendorUnavailableError
    and VendorGarbageError: it may be ours, look for the tag with `list_owned`.
    """
    if number.is_toll_free:
        raise BadInputError("a toll-free number is never bought", code="toll_free")
    form = [("PhoneNumber", number.e164), *_settings(tag, sms_url, voice_url)]
    call = Call("POST", account_path(line, "IncomingPhoneNumbers"), form=form)
    bought = _owned(session.ask(line, call).json(), line)
    if bought.number != number:
        raise VendorGarbageError("Twilio tells of another number")
    return bought


def list_owned(
    session: Session, line: Line, *, tag: str | None, number: Phone | None
) -> list[Owned]:
    """All numbers with exactly this tag and number. Twilio's filter also takes patterns, and what
    is found here may be adopted or released, so each one is compared again."""
    query = [("PageSize", "1000")]
    if tag is not None:
        query.append(("FriendlyName", tag))
    if number is not None:
        query.append(("PhoneNumber", number.e164))
    call = Call("GET", account_path(line, "IncomingPhoneNumbers"), query)
    entries = session.pages(line, call, key="incoming_phone_numbers")
    return [
        one for one in (_owned(entry, line) for entry in entries)
        if (tag is None or one.friendly_name == tag) and (number is None or one.number == number)
    ]  # fmt: skip


def configure_number(
    session: Session, line: Line, *, sid: str, tag: str | None, sms_url: str | None,
    voice_url: str | None,
) -> Owned:  # fmt: skip
    """Change what is not None; the same call twice ends the same."""
    path = account_path(line, "IncomingPhoneNumbers", checked_sid(sid, kind="PN"))
    form = _settings(tag, sms_url, voice_url)
    if not form:
        raise BadInputError("nothing to change", code="nothing_to_change")
    changed = _owned(session.ask(line, Call("POST", path, form=form)).json(), line)
    if changed.sid != sid:
        raise VendorGarbageError("Twilio tells of another number")
    return changed


def release_number(session: Session, line: Line, *, sid: str) -> None:
    """Give the number back. 404 = it is not ours any more, so an unknown end may be repeated."""
    path = account_path(line, "IncomingPhoneNumbers", checked_sid(sid, kind="PN"))
    try:
        reply = session.ask(line, Call("DELETE", path))
    except TwilioRefusedError as error:
        if error.vendor_status != 404:
            raise
        return
    if reply.status not in (200, 204):
        raise VendorGarbageError("Twilio does not say that the number is released",
                                 vendor_status=reply.status)  # fmt: skip


def add_sender(session: Session, line: Line, *, service: str, sid: str) -> None:
    """Put a number into a service's pool. 21710 = it is in it already."""
    path = f"/v1/Services/{checked_sid(service, kind='MG')}/PhoneNumbers"
    form = [("PhoneNumberSid", checked_sid(sid, kind="PN"))]
    try:
        answer = session.ask(line, Call("POST", path, form=form, host=MESSAGING)).json()
    except TwilioRefusedError as error:
        if error.effect is not Effect.DONE:
            raise
        return
    if ours(answer, line).get("sid") != sid or answer.get("service_sid") != service:
        raise VendorGarbageError("Twilio tells of another number or service")


def _settings(tag: str | None, sms_url: str | None, voice_url: str | None) -> list[tuple[str, str]]:
    if tag is not None and not 1 <= len(tag) <= LONGEST_TAG:
        raise BadInputError("a number's tag has 1 to 64 characters", code="invalid_tag")
    form = [] if tag is None else [("FriendlyName", tag)]
    for name, url in (("Sms", sms_url), ("Voice", voice_url)):
        if url is not None:
            form += [(f"{name}Url", url), (f"{name}Method", "POST")]
    return form


def _candidate(entry: Any) -> Candidate | None:
    """A number for sale; None if it is toll-free or cannot do what is needed."""
    can = entry.get("capabilities") if isinstance(entry, dict) else None
    if not isinstance(can, dict):
        raise VendorGarbageError("a number for sale does not say what it can do")
    number = _number(entry)
    able = {str(name).lower() for name, value in can.items() if value is True}
    if number.is_toll_free or not able.issuperset(NEEDED):
        return None
    return Candidate(number, text_of(entry, "locality") or None, text_of(entry, "region") or None,
                     text_of(entry, "postal_code") or None)  # fmt: skip


def _owned(entry: Any, line: Line) -> Owned:
    answer = ours(entry, line)
    name = text_of(answer, "friendly_name")
    if not is_sid(answer.get("sid"), kind="PN") or name is None:
        raise VendorGarbageError("a number of Twilio's has no id or no name")
    can = answer.get("capabilities")
    # Only a clear no counts: a number that works is not given up for a field that is missing.
    can_text = not isinstance(can, dict) or (can.get("sms"), can.get("SMS")).count(False) == 0
    return Owned(answer["sid"], _number(answer), name, text_of(answer, "sms_url") or "",
                 text_of(answer, "voice_url") or "", can_text)  # fmt: skip


def _number(entry: dict[str, Any]) -> Phone:
    try:
        return Phone(text_of(entry, "phone_number") or "")
    except BadInputError as error:
        raise VendorGarbageError("a number of Twilio's is no telephone number") from error
