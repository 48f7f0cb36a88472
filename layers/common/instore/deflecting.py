"""A call becomes texts, as flows: Twilio asks what to say, the digit is pressed, the call ends.

Twilio asks again when it loses an answer, so each step gives the same answer for the same call: the
offer stands on the call's item, what the caller was told after the digit, too. What the digit stands
for, consent, customer, call and measure, is written in one transaction; then the text goes, under an
id of its own, at most once. Stopped in between, the end of the call or the sweep finishes it.

The text goes before the answer to the digit, not after it: whom no text reaches hears it at once and
stays on the phone. It has a short time; then the caller is told that it is on its way, and what
became of it is asked for later.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .call import Call
from .call_answers import Answer, Ring, ask, ends, goes_on, mark_of
from .call_promise import SAID_NOT_TEXTED, SAID_TEXTED, Promise, is_about, keep, place_of
from .deflection import (
    ENDS,
    MAY_ACCEPT,
    TAKEN,
    CallState,
    Digit,
    Passed,
    caller_of,
    digit_of,
    passed_because,
    wording,
)
from .errors import UnavailableError
from .line_text import Draft, Outcome
from .model import Phone, as_stored

if TYPE_CHECKING:
    from .adapters.calls import Calls
    from .adapters.customers import Customers
    from .adapters.push import PushService
    from .adapters.stores import Stores
    from .program import Program

FOR_TEXT_S = 1.5  # of the 2.5 s in which a caller is answered


@dataclass(frozen=True, slots=True)
class Means:
    """What these flows work with. `send` sends a text (texting.send), within `FOR_TEXT_S` where a
    caller listens."""

    program: Program
    calls: Calls
    customers: Customers
    stores: Stores
    push: PushService
    send: Callable[[Draft], Outcome]


def offer(ring: Ring, *, means: Means, now: datetime) -> Answer:
    """The call has come: offer to text, or let it go on.

    One read and one transaction; a repeated question one read more. A table that is away lets the
    call go on: nobody knows whether this caller wants texts.
    """
    try:
        new = _new_call(ring, means=means, now=as_stored(now))
        call = means.calls.open(new)
    except UnavailableError:
        return goes_on(ring, "away")
    counted = "CallsPassed" if call.reason else "CallsOffered"
    counts = (counted,) if call is new else ()
    if not is_about(call, ring.branch):
        return goes_on(ring, "offered_before")  # the menu led the same call to another branch
    if call.state is CallState.PASSED:
        spoken = ["call_opted_out"] if call.reason == Passed.OPTED_OUT else []
        return goes_on(ring, call.reason or "passed", *spoken, counts=counts)
    if call.state not in MAY_ACCEPT:
        return goes_on(ring, call.state)  # it was answered: nobody is offered twice in a call
    return ask(ring, turn=1, counts=counts)


def choose(ring: Ring, *, turn: int, means: Means, now: datetime, offer: str = "") -> Answer:
    """The caller pressed a digit, or none, after the offer of this turn; `offer`: its `mark_of`, ""
    if nobody knows it."""
    digit = digit_of(ring.fields.get("Digits", "").strip(), branch=ring.branch, turn=turn)
    if digit is Digit.ACCEPT:
        return _accept(ring, turn=turn, mark=offer, means=means, now=as_stored(now))
    if digit not in ENDS:
        wrong = "call_wrong" if digit is Digit.AGAIN_WRONG else None
        return ask(ring, turn=turn + 1, first=wrong)
    with suppress(UnavailableError):  # only a note: the caller's way on does not depend on it
        call = means.calls.get(ring.sid)
        if call is not None and call.state is CallState.OFFERED:
            means.calls.end(call, state=ENDS[digit])
    return goes_on(ring, digit)


def hear_end(ring: Ring, *, means: Means, now: datetime) -> str:
    """The call is over: who hung up half way is noted, what was accepted is finished. A word for
    the log. Raises UnavailableError.

    The number's status address names one branch, and the menu may have led the call to another: it
    is the call that says which.
    """
    call = means.calls.get(ring.sid)
    if call is None:
        return "unknown"
    if call.state is CallState.OFFERED:
        means.calls.end(call, state=CallState.HUNG_UP)
        return CallState.HUNG_UP
    if call.state is not CallState.ACCEPTED:
        return call.state
    phone, place = _caller(ring, call, means), place_of(call, means.program)
    if phone is None or place is None:
        return call.state  # the sweep sees to it
    return keep(Promise(call, phone, *place), means=means, now=as_stored(now)).state


def resume(key: tuple[str, str], *, means: Means, now: datetime) -> CallState | None:
    """What the sweep does with a call that is due: finish what its digit promised. None: nothing is
    due. `key` is (pk, sk) from the `due` index; the number is the customer's. Raises
    UnavailableError."""
    now = as_stored(now)
    call = means.calls.get(key[0].removeprefix("CALL#"))
    if call is None or call.due_at is None or call.due_at > now.timestamp():
        return None
    customer = means.customers.get(call.customer) if call.customer else None
    phone, place = customer.phone if customer else None, place_of(call, means.program)
    if phone is None or place is None:
        reason = "erased" if place else "switched_off"
        return means.calls.finish(call, state=CallState.NOT_TEXTED, told=SAID_NOT_TEXTED,
                                  reason=reason).state  # fmt: skip
    return keep(Promise(call, phone, *place), means=means, now=now).state


def _new_call(ring: Ring, *, means: Means, now: datetime) -> Call:
    """The call as it is noted: offered, or passed and why."""
    caller = caller_of(ring.fields, country=ring.banner.country)
    customer = means.customers.id_of(caller.phone) if caller.phone else None
    known, line = (means.calls.who_calls(customer, phone=caller.phone)
                   if customer and caller.phone else (None, None))  # fmt: skip
    reason = passed_because(caller, branch=ring.branch, banner=ring.banner, program=means.program,
                            customer=known, line=line, now=now)  # fmt: skip
    before = known.deflected.get(ring.banner.name) if known else None
    last = before.last_began if before else None
    return Call(
        ring.sid, ring.banner.name, ring.branch.name, ring.branch.intent,
        CallState.PASSED if reason else CallState.OFFERED, now, customer=customer,
        store=ring.branch.store, reason=reason,
        again=last is not None and now - last <= timedelta(days=ring.branch.repeat_days),
    )  # fmt: skip


def _accept(ring: Ring, *, turn: int, mark: str, means: Means, now: datetime) -> Answer:
    """The digit that accepts: noted once, then push or text, and what the caller hears."""
    try:
        taken = _take(ring, turn=turn, mark=mark, means=means, now=now)
    except UnavailableError:
        return goes_on(ring, "away")
    if isinstance(taken, Answer):
        return taken
    promise, counts = taken
    was, call = promise.call.state, promise.call
    # Accepted it is: if the table goes away now, the end of the call or the sweep finishes it.
    with suppress(UnavailableError):
        call = keep(promise, means=means, now=now)
    if was is CallState.ACCEPTED and call.state in (CallState.TEXTED, CallState.PUSHED):
        counts += ("CallsTexted",)
    told = call.told or SAID_TEXTED
    if told == SAID_NOT_TEXTED:
        return goes_on(ring, call.state, told, counts=counts)
    return ends(ring, call.state, told, counts=counts)


def _take(
    ring: Ring, *, turn: int, mark: str, means: Means, now: datetime
) -> tuple[Promise, tuple[str, ...]] | Answer:
    """Note that the offer was accepted: what is promised, and metrics to count; or what Twilio does
    instead. Raises UnavailableError."""
    call = means.calls.get(ring.sid)
    phone = _caller(ring, call, means) if call else None
    if call is None or phone is None or not is_about(call, ring.branch):
        return goes_on(ring, "not_offered")
    counts: tuple[str, ...] = ()
    if call.state in MAY_ACCEPT:
        words = wording(means.program, branch=ring.branch, banner=ring.banner)
        if mark not in ("", mark_of(words)):
            return ask(ring, turn=turn)  # the program has changed: this is not what they heard
        call = means.calls.accept(call, phone=phone, wording=words, now=now,
                                  country=ring.banner.country,
                                  most_texts=ring.branch.most_texts)  # fmt: skip
        counts = ("CallsAccepted",) if call.accepted_at else ()
    if call.state not in TAKEN:
        return goes_on(ring, call.state)  # declined before, by another answer
    return Promise(call, phone, ring.branch, ring.banner), counts


def _caller(ring: Ring, call: Call, means: Means) -> Phone | None:
    """The caller's number, if this is the caller who was offered."""
    phone = caller_of(ring.fields, country=ring.banner.country).phone
    return phone if phone and means.customers.id_of(phone) == call.customer else None
