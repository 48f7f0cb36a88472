"""What was promised to a caller who pressed the digit, and how it is kept: a push or a first text.

Kept by whoever comes first: the answer to the digit, the end of the call, the sweep. Both go under
an id made of the call's, so that the same call is the same text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .call import FINISH_AFTER, Call
from .deflection import SETTLED, CallState, first_text, is_off, push_text
from .line_text import ENDED, Draft, Purpose
from .model import Phone

if TYPE_CHECKING:
    from .deflecting import Means
    from .program import Banner, Program
    from .program_line import Branch

GIVE_UP = timedelta(days=3)  # of asking what became of a text; it is blocked or gone by then
AGAIN = timedelta(minutes=5)
FOR_PUSH_S = 0.8  # of the 2.5 s in which a caller is answered
# Sentences of the program that a caller hears once the digit was pressed.
SAID_TEXTED, SAID_PUSHED, SAID_NOT_TEXTED = "call_texted", "call_pushed", "call_not_texted"


@dataclass(frozen=True, slots=True)
class Promise:
    """One push or text to this caller, as the branch says it."""

    call: Call
    phone: Phone
    branch: Branch
    banner: Banner


def place_of(call: Call, program: Program) -> tuple[Branch, Banner] | None:
    """The branch that made this offer, and its banner; None if the program has it no more."""
    branch = program.line.branch(call.branch) if program.line else None
    banner = program.banner(call.banner)
    return (branch, banner) if branch and banner and is_about(call, branch) else None


def is_about(call: Call, branch: Branch) -> bool:
    return (call.branch, call.banner) == (branch.name, branch.banner)


def keep(promise: Promise, *, means: Means, now: datetime) -> Call:
    """Push or text, as far as it is not done, and note what became of it."""
    call = promise.call
    if promise.branch.push and not call.by_text and call.state not in SETTLED:
        if _pushed(promise, means=means):
            return means.calls.finish(call, state=CallState.PUSHED, told=SAID_PUSHED)
        # From here on it is the text: a push that works later would come beside it. Or somebody
        # else's push has gone meanwhile.
        call = means.calls.leave_push(call)
    customer, asked_at = call.customer, call.accepted_at
    if call.state in SETTLED or customer is None or asked_at is None:
        return call
    outcome = means.send(_first_text(promise, customer, asked_at, means=means, now=now))
    if outcome.went:
        return means.calls.finish(call, state=CallState.TEXTED, told=SAID_TEXTED)
    if outcome.state in ENDED or now - asked_at > GIVE_UP:
        return means.calls.finish(call, state=CallState.NOT_TEXTED, told=SAID_NOT_TEXTED,
                                  reason=outcome.reason or outcome.state)  # fmt: skip
    again = FINISH_AFTER if call.told is None else AGAIN
    return means.calls.look_again(call, told=SAID_TEXTED, due_at=now + again)


def _first_text(
    promise: Promise, customer: str, asked_at: datetime, *, means: Means, now: datetime
) -> Draft:
    branch, banner = promise.branch, promise.banner
    store = means.stores.store(banner.account, group=branch.store) if branch.store else None
    return Draft(
        id=_id(promise.call), sender=Phone(branch.number), to=promise.phone, purpose=Purpose.ASKED,
        body=first_text(means.program, branch=branch, banner=banner, store=store, now=now),
        banner=banner.name, customer=customer, asked_at=asked_at,
    )  # fmt: skip


def _pushed(promise: Promise, *, means: Means) -> bool:
    push = means.program.line.push if means.program.line else None
    if push is None or is_off(promise.branch, banner=promise.banner, program=means.program):
        return False
    text = push_text(means.program, branch=promise.branch, banner=promise.banner)
    return means.push.push(push, phone=promise.phone, text=text, key=_id(promise.call),
                           most_s=FOR_PUSH_S)  # fmt: skip


def _id(call: Call) -> str:
    """The text's own id, and the push's: the same call, the same text."""
    return f"call-{call.sid}"
