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

from .call import FINISH_AFTER, Call
from .call_answers import Answer, Ring, ask, ends, goes_on, mark_of
from .deflection import (
    ENDS,
    MAY_ACCEPT,
    SETTLED,
    TAKEN,
    CallState,
    Digit,
    Passed,
    caller_of,
    digit_of,
    first_text,
    is_off,
    passed_because,
    push_text,
    wording,
)
from .errors import UnavailableError
from .line_text import ENDED, Draft, Outcome, Purpose
from .model import Phone, as_stored

if TYPE_CHECKING:
    from .adapters.calls import Calls
    from .adapters.customers import Customers
    from .adapters.push import PushService
    from .adapters.stores import Stores
    from .program import Banner, Program
    from .program_line import Branch

GIVE_UP = timedelta(days=3)  # of asking what became of a text; it is blocked or gone by then
FOR_PUSH_S, FOR_TEXT_S = 0.8, 1.5  # of the 2.5 s in which a caller is answered
AGAIN = timedelta(minutes=5)
# Sentences of the program that a caller hears once the digit was pressed.
_TEXTED, _PUSHED, _NOT_TEXTED = "call_texted", "call_pushed", "call_not_texted"


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
    now = as_stored(now)
    caller = caller_of(ring.fields, country=ring.banner.country)
    try:
        customer = means.customers.id_of(caller.phone) if caller.phone else None
        known = means.customers.get(customer) if customer else None
        reason = passed_because(caller, branch=ring.branch, banner=ring.banner, program=means.program,
                                customer=known, now=now)  # fmt: skip
        before = known.deflected.get(ring.banner.name) if known else None
        last = before.last_began if before else None
        new = Call(
            ring.sid, ring.banner.name, ring.branch.name, ring.branch.intent,
            CallState.PASSED if reason else CallState.OFFERED, now, customer=customer,
            store=ring.branch.store, reason=reason,
            again=last is not None and now - last <= timedelta(days=ring.branch.repeat_days),
        )  # fmt: skip
        call = means.calls.open(new)
    except UnavailableError:
        return goes_on(ring, "away")
    counted = "CallsPassed" if call.reason else "CallsOffered"
    counts = (counted,) if call is new else ()
    if call.branch != ring.branch.name or call.banner != ring.banner.name:
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
        return _accept(ring, turn, offer, means, as_stored(now))
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
    the log. Raises UnavailableError."""
    call = means.calls.get(ring.sid)
    if call is None:
        return "unknown"
    if call.state is CallState.OFFERED:
        means.calls.end(call, state=CallState.HUNG_UP)
        return CallState.HUNG_UP
    if call.state is CallState.ACCEPTED:
        phone = _caller(ring, call, means)
        return _finish(call, phone, ring.branch, ring.banner, means, as_stored(now)).state
    return call.state


def resume(key: tuple[str, str], *, means: Means, now: datetime) -> CallState | None:
    """What the sweep does with a call that is due: finish what its digit promised. None: nothing is
    due. `key` is (pk, sk) from the `due` index; the number is the customer's. Raises
    UnavailableError."""
    now = as_stored(now)
    call = means.calls.get(key[0].removeprefix("CALL#"))
    if call is None or call.due_at is None or call.due_at > now.timestamp():
        return None
    branch = means.program.line.branch(call.branch) if means.program.line else None
    banner = means.program.banner(call.banner)
    customer = means.customers.get(call.customer) if call.customer else None
    phone = customer.phone if customer else None
    if branch is None or banner is None or phone is None:
        reason = "erased" if branch and banner else "switched_off"
        return means.calls.finish(call, state=CallState.NOT_TEXTED, told=_NOT_TEXTED,
                                  reason=reason).state  # fmt: skip
    return _finish(call, phone, branch, banner, means, now).state


def _accept(ring: Ring, turn: int, offer: str, means: Means, now: datetime) -> Answer:
    try:
        call = means.calls.get(ring.sid)
        phone = _caller(ring, call, means) if call else None
        if call is None or phone is None or (call.branch, call.banner) != (
            ring.branch.name, ring.banner.name
        ):  # fmt: skip
            return goes_on(ring, "not_offered")
        counts: tuple[str, ...] = ()
        if call.state in MAY_ACCEPT:
            words = wording(means.program, branch=ring.branch, banner=ring.banner)
            if offer not in ("", mark_of(words)):
                return ask(ring, turn=turn)  # the program has changed: this is not what they heard
            call = means.calls.accept(call, phone=phone, wording=words, now=now,
                                      country=ring.banner.country,
                                      most_texts=ring.branch.most_texts)  # fmt: skip
            counts = ("CallsAccepted",) if call.accepted_at else ()
        if call.state not in TAKEN:
            return goes_on(ring, call.state)  # declined before, by another answer
    except UnavailableError:
        return goes_on(ring, "away")
    was = call.state
    # Accepted it is: if the table goes away now, the end of the call or the sweep finishes it.
    with suppress(UnavailableError):
        call = _finish(call, phone, ring.branch, ring.banner, means, now)
    if was is CallState.ACCEPTED and call.state in (CallState.TEXTED, CallState.PUSHED):
        counts += ("CallsTexted",)
    told = call.told or _TEXTED
    if told == _NOT_TEXTED:
        return goes_on(ring, call.state, told, counts=counts)
    return ends(ring, call.state, told, counts=counts)


def _caller(ring: Ring, call: Call, means: Means) -> Phone | None:
    """The caller's number, if this is the caller who was offered."""
    phone = caller_of(ring.fields, country=ring.banner.country).phone
    return phone if phone and means.customers.id_of(phone) == call.customer else None


def _finish(
    call: Call, phone: Phone | None, branch: Branch, banner: Banner, means: Means, now: datetime
) -> Call:
    """Push or text, as far as it is not done, and note what became of it."""
    customer, asked_at = call.customer, call.accepted_at
    if call.state in SETTLED or customer is None or asked_at is None or phone is None:
        return call
    if branch.push and not call.by_text:
        if _pushed(call, phone, branch, banner, means):
            return means.calls.finish(call, state=CallState.PUSHED, told=_PUSHED)
        # From here on it is the text: a push that works later would come beside it.
        call = means.calls.leave_push(call)
    store = means.stores.store(banner.account, group=branch.store) if branch.store else None
    body = first_text(means.program, branch=branch, banner=banner, store=store, now=now)
    outcome = means.send(Draft(
        id=_id(call), sender=Phone(branch.number), to=phone, purpose=Purpose.ASKED, body=body,
        banner=banner.name, customer=customer, asked_at=asked_at,
    ))  # fmt: skip
    if outcome.went:
        return means.calls.finish(call, state=CallState.TEXTED, told=_TEXTED)
    if outcome.state in ENDED or now - asked_at > GIVE_UP:
        return means.calls.finish(call, state=CallState.NOT_TEXTED, told=_NOT_TEXTED,
                                  reason=outcome.reason or outcome.state)  # fmt: skip
    again = FINISH_AFTER if call.told is None else AGAIN
    return means.calls.look_again(call, told=_TEXTED, due_at=now + again)


def _pushed(call: Call, phone: Phone, branch: Branch, banner: Banner, means: Means) -> bool:
    push = means.program.line.push if means.program.line else None
    if push is None or is_off(branch, banner=banner, program=means.program):
        return False
    text = push_text(means.program, branch=branch, banner=banner)
    return means.push.push(push, phone=phone, text=text, key=_id(call), most_s=FOR_PUSH_S)


def _id(call: Call) -> str:
    """The text's own id, and the push's: the same call, the same text."""
    return f"call-{call.sid}"
