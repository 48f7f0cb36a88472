"""A caller is offered to text instead: to whom, what each digit means, what they are told.

Pure. A call that is not offered, is declined or cannot become texts goes on as if nobody had asked:
whoever waits on the phone is never worse off for it. Where a stranger could be texted it is not
offered: a withheld or forged number, one that no text reaches, somebody who does not want any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from .consent import stopped
from .deflected import texts_since
from .errors import BadInputError
from .line_sender import is_named, is_relay
from .model import Phone
from .wall_clock import find_zone, openings
from .window_rules import place_of_area_code, regions_of

if TYPE_CHECKING:
    from .consent import Customer
    from .directory import Store
    from .program import Banner, Program
    from .program_line import Branch
    from .relay_state import RelayLine

# What Twilio writes for a caller who withholds the number: words, and the words as they are typed on
# a telephone. Source: Twilio, "Incoming phone calls with a withheld caller ID".
# The digits come with and without a plus; RESTRICTED has ten, as a number of Austin would.
_WITHHELD = frozenset({"anonymous", "restricted", "blocked", "unknown", "unavailable", "private",
                       "266696687", "7378742833", "17378742833", "2562533", "8656696",
                       "86282452253"})  # fmt: skip
# The carriers' own signature on the caller's number does not hold: somebody uses it who has it not.
_FORGED = "TN-Validation-Failed"
_AHEAD_DAYS = 8


class CallState(StrEnum):
    """Where a call stands. offered -> accepted -> texted | pushed | not_texted; or offered ->
    declined | silent | wrong_digit | hung_up; or passed, which was never offered."""

    PASSED = "passed"
    OFFERED = "offered"
    DECLINED = "declined"
    SILENT = "silent"
    WRONG_DIGIT = "wrong_digit"
    HUNG_UP = "hung_up"
    ACCEPTED = "accepted"
    TEXTED = "texted"
    PUSHED = "pushed"
    NOT_TEXTED = "not_texted"


# Who hung up may have pressed the digit before: the two reports come in any order.
MAY_ACCEPT = frozenset({CallState.OFFERED, CallState.HUNG_UP})
SETTLED = frozenset({CallState.TEXTED, CallState.PUSHED, CallState.NOT_TEXTED})
TAKEN = SETTLED | {CallState.ACCEPTED}


class Passed(StrEnum):
    """Why a caller is not offered to text."""

    SWITCHED_OFF = "switched_off"
    WITHHELD = "withheld"
    FORGED = "forged"
    ABROAD = "abroad"
    NO_HANDSET = "no_handset"
    ERASED = "erased"
    OPTED_OUT = "opted_out"
    UNREACHABLE = "unreachable"
    TEXTED_ENOUGH = "texted_enough"


class Digit(StrEnum):
    """What an answer to the offer comes to."""

    ACCEPT = "accept"
    DECLINE = "decline"
    AGAIN_WRONG = "again_wrong"
    AGAIN_SILENT = "again_silent"
    WRONG = "wrong"
    SILENT = "silent"


# What a call is after an answer that ends the offer.
ENDS = {Digit.DECLINE: CallState.DECLINED, Digit.WRONG: CallState.WRONG_DIGIT,
        Digit.SILENT: CallState.SILENT}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as Twilio tells it. `phone` None: withheld, or not a number that can be texted."""

    phone: Phone | None
    withheld: bool = False
    forged: bool = False


def caller_of(fields: Mapping[str, str], *, country: str) -> Caller:
    """Read the caller's number, in whatever form it is written: +1(212) 555-0123, sip:…, digits."""
    told = fields.get("From", "").strip()
    number = told.removeprefix("sip:").removeprefix("tel:").partition("@")[0].partition(";")[0]
    forged = fields.get("StirVerstat", "").startswith(_FORGED)
    if not number or number.lower().removeprefix("+") in _WITHHELD:
        return Caller(None, withheld=True, forged=forged)
    try:
        return Caller(Phone.parse(number, region=country), forged=forged)
    except BadInputError:
        return Caller(None, forged=forged)


def passed_because(
    caller: Caller, *, branch: Branch, banner: Banner, program: Program,
    customer: Customer | None, now: datetime, line: RelayLine | None = None,
) -> Passed | None:  # fmt: skip
    """Why this caller is not offered to text; None: they are. `customer` is whoever has the number,
    `line` what is known of it if it is or was a relay number."""
    if is_off(branch, banner=banner, program=program):
        return Passed.SWITCHED_OFF
    if caller.withheld:
        return Passed.WITHHELD
    if caller.forged:
        return Passed.FORGED
    phone = caller.phone
    # A call put through by somebody of ours shows our number, and a text to it would come back.
    if phone is None or phone.is_toll_free or is_named(phone, program=program) or is_relay(line):
        return Passed.NO_HANDSET
    if not _is_of_here(phone) or not regions_of(banner.country):
        return Passed.ABROAD
    reason = stopped(customer, banner=banner.name, scope=program.consent.opt_out_scope)
    if customer is None or reason is not None:
        return Passed(reason) if reason else None
    had = texts_since(customer.deflected.get(banner.name), now=now)
    return Passed.TEXTED_ENOUGH if len(had) >= branch.most_texts else None


def _is_of_here(phone: Phone) -> bool:
    """A number of the countries that we know how to text in: +1 is the Caribbean's, too."""
    place = place_of_area_code(phone.area_code)
    return phone.is_north_american and (place is None or bool(regions_of(place.country)))


def digit_of(digits: str, *, branch: Branch, turn: int) -> Digit:
    """What the caller's answer to the offer of this `turn` (1, 2 …) means; blank = silence."""
    if digits == branch.accept_digit:
        return Digit.ACCEPT
    if digits == branch.decline_digit:
        return Digit.DECLINE
    again = turn < branch.tries
    if digits:
        return Digit.AGAIN_WRONG if again else Digit.WRONG
    return Digit.AGAIN_SILENT if again else Digit.SILENT


def is_off(branch: Branch, *, banner: Banner, program: Program) -> bool:
    """Whether a switch is thrown for all, this banner or the branch's store, or there is no line."""
    reason = program.stop_reason(banner=banner, store=branch.store or "", login="", feature="line")
    return reason is not None


def wording(program: Program, *, branch: Branch, banner: Banner) -> str:
    """The offer as it is spoken: what a caller who presses the digit agrees to."""
    return program.message(
        "call_offer", language=language_of(program, banner=banner), banner=banner.label,
        digit=branch.accept_digit, decline=branch.decline_digit,
    )  # fmt: skip


def first_text(
    program: Program, *, branch: Branch, banner: Banner, store: Store | None, now: datetime
) -> str:
    """The first text: greeting, what to expect by the store's hours, the Messenger link if any.

    A store whose hours nobody knows, or no store, counts as open.
    """
    language = language_of(program, banner=banner)
    values = {"banner": banner.label, "minutes": str(branch.answer_minutes),
              "link": branch.messenger_link or ""}  # fmt: skip
    name = "call_text"
    if store is not None and not store.is_open(now):
        opens = next_opening(store, now=now)
        name = "call_text_later" if opens is None else "call_text_closed"
        if opens is not None:
            values["opens"] = in_words(opens, store=store, language=language, now=now)
    text = program.message(name, language=language, **values)
    if branch.messenger_link is None:
        return text
    return f"{text} {program.message('call_text_link', language=language, **values)}"


def push_text(program: Program, *, branch: Branch, banner: Banner) -> str:
    """What the app shows: a tap opens its messaging screen."""
    return program.message("call_push", language=language_of(program, banner=banner),
                           banner=banner.label, minutes=str(branch.answer_minutes))  # fmt: skip


def language_of(program: Program, *, banner: Banner) -> str:
    """Callers are spoken to in the banner's language: nobody knows theirs yet."""
    return banner.language or program.language


def next_opening(store: Store, *, now: datetime) -> datetime | None:
    """When the store opens next, UTC; None if not within eight days."""
    local = now.astimezone(find_zone(store.zone))
    found = [
        opening
        for ahead in range(_AHEAD_DAYS)
        for day in [local.date() + timedelta(days=ahead)]
        for hours in store.openings
        if hours.weekday == day.weekday()
        for opening in openings(store.zone, day=day, opens=hours.opens, closes=hours.closes)
        if opening > now
    ]
    return min(found, default=None)


_DAYS: Mapping[str, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
}


def in_words(opens: datetime, *, store: Store, language: str, now: datetime) -> str:
    """An opening as a customer reads it, by the store's clock: `10 AM`, `Monday 9:30 AM`, `lundi
    10:00`. The day is named when that hour comes before the store's next opening once more."""
    local = opens.astimezone(find_zone(store.zone))
    days = _DAYS.get(language[:2], _DAYS["en"])
    if language[:2] in ("es", "fr"):
        clock = f"{local:%H:%M}"
    else:
        hour = local.hour % 12 or 12
        minutes = f":{local:%M}" if local.minute else ""
        clock = f"{hour}{minutes} {'AM' if local.hour < 12 else 'PM'}"
    return clock if opens - now < timedelta(hours=24) else f"{days[local.weekday()]} {clock}"
