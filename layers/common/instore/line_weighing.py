"""May this text go now: switches, the customer's own word, consent, hours - and how long it may lie.

A text within a running conversation, or one that was asked for just now, minds no hours. What
nobody asked for needs consent and the hours of window.py. An opt-out stops all but its own answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from .consent import may_text, stopped
from .line_text import ASKED_FOR, CONFIRM_FOR, Outcome, Purpose, Text, TextState
from .model import Phone
from .window import Allowed, Deferred, check_hours, closes_at

if TYPE_CHECKING:
    from .consent import Customer
    from .directory import Store
    from .program import Banner, Program
    from .program_line import Line
    from .program_parts import Hours
    from .texting import Means

# How long a text may lie at Twilio when no hours end it: words of a conversation get stale.
REPLY_FOR = timedelta(hours=1)
_SHORTEST_S, _LONGEST_S = 6, 36_000  # Twilio's limits for ValidityPeriod; 5 and less it discourages
# Twilio counts from when it takes the text, and our call may take so long (adapters/twilio_session).
_CALL_S = 10
# How old a text may be when it goes at last. A Sunday without texting hours must fit in.
OLDEST = {Purpose.REPLY: timedelta(hours=1), Purpose.CONFIRM: timedelta(hours=1)}
OLDEST_OTHERS = timedelta(hours=72)


class _Hours(TypedDict):
    """Whose clocks and rules count, as window.py asks for them."""

    phone: Phone
    store_zone: str
    region: str | None
    country: str
    zone: str | None
    postal_code: str | None
    associate_window: Hours | None


@dataclass(frozen=True, slots=True)
class Go:
    """It may. `validity_s`: so long Twilio may keep it before it is worthless or unlawful."""

    line: Line
    to: Phone
    validity_s: int


@dataclass(frozen=True, slots=True)
class _Case:
    """All that is looked at: the text, to whom, and by which rules. `store` is its associate's."""

    text: Text
    to: Phone
    program: Program
    line: Line
    banner: Banner
    customer: Customer | None
    store: Store | None

    def go(self, validity_s: int) -> Go:
        return Go(self.line, self.to, validity_s)


def weigh(text: Text, *, means: Means) -> Go | Outcome:
    """Decide by what is stored at this instant. Raises UnavailableError: nothing is known then."""
    program, now = means.current(), means.now()
    line, banner = program.line, program.banner(text.banner)
    if line is None or text.to is None:
        return _blocked("line_off" if line is None else "erased")
    if banner is None:
        return _blocked("stopped_banner")
    if now - text.created_at > OLDEST.get(text.purpose, OLDEST_OTHERS):
        return _blocked("too_late")
    case = _Case(text, text.to, program, line, banner,
                 customer=means.customers.get(text.customer), store=_store_of(text, means))  # fmt: skip
    reason = _switched_off(case) or _refused(case, now=now)
    if reason is not None:
        return _blocked(reason)
    now = means.now()  # reading took its time, and what follows counts in seconds
    if text.purpose is Purpose.REPLY:
        return case.go(int(REPLY_FOR.total_seconds()))
    if text.purpose is Purpose.CONFIRM:
        left = _seconds((text.asked_at or now) + CONFIRM_FOR - now)
        return _blocked("too_late") if left is None else case.go(left)
    verdict = _in_hours(case, now=now)
    return _soon(case, verdict, now=now) if text.purpose is Purpose.ASKED else verdict


def _store_of(text: Text, means: Means) -> Store | None:
    of = text.pointer
    return means.stores.store(of.account, group=of.group) if of is not None else None


def _soon(case: _Case, verdict: Go | Outcome, *, now: datetime) -> Go | Outcome:
    """What was asked for just now minds no hours, but may not lie at Twilio into them either."""
    asked = _seconds((case.text.asked_at or now) + ASKED_FOR - now)
    longest = int(REPLY_FOR.total_seconds())
    if isinstance(verdict, Go):
        return case.go(min(longest, max(verdict.validity_s, asked or 0)))
    return verdict if asked is None else case.go(asked)


def _switched_off(case: _Case) -> str | None:
    pointer = case.text.pointer
    agent = case.store.find(pointer.agent_id) if case.store and pointer else None
    return case.program.stop_reason(
        banner=case.banner, store=pointer.group if pointer else "",
        login=agent.login if agent else "", feature="line",
    )  # fmt: skip


def _refused(case: _Case, *, now: datetime) -> str | None:
    """Why the customer's own word, or what is known of their number, stands in the way."""
    text, scope = case.text, case.program.consent.opt_out_scope
    if text.purpose.needs_consent:
        return may_text(case.customer, banner=text.banner, purpose="one_to_one", scope=scope,
                        now=now)  # fmt: skip
    if text.purpose is Purpose.CONFIRM:
        return None
    return stopped(case.customer, banner=text.banner, scope=scope)


def _in_hours(case: _Case, *, now: datetime) -> Go | Outcome:
    """Go as long as the hours last, or not before they begin. Whose associate is in no store that
    we know has no hours; the brand's own texts have the law's alone."""
    if case.text.pointer is not None and case.store is None:
        return _blocked("unknown_associate")
    hours = _hours(case)
    longest = timedelta(hours=case.banner.outreach.max_defer_hours)
    allowed = check_hours(**hours, now=now, max_defer=longest)
    if isinstance(allowed, Allowed):
        ends = closes_at(**hours, now=now)
        left = _seconds(ends - now)
        if left is not None:
            return case.go(left)
        allowed = check_hours(**hours, now=ends, max_defer=longest)  # it would go after their end
    if isinstance(allowed, Deferred):
        return Outcome(TextState.DEFERRED, "outside_window", allowed.until)
    return _blocked("never")


def _hours(case: _Case) -> _Hours:
    store, customer = case.store, case.customer
    return {
        "phone": case.to, "store_zone": store.zone if store else "",
        "region": store.state if store else None, "country": case.banner.country,
        "zone": customer.zone if customer else None,
        "postal_code": customer.postal_code if customer else None,
        "associate_window": case.banner.outreach.associate_window if store else None,
    }  # fmt: skip


def _seconds(left: timedelta) -> int | None:
    """How long Twilio may keep what has to be gone in this time; None: too late to begin."""
    seconds = int(left.total_seconds()) - _CALL_S
    return min(_LONGEST_S, seconds) if seconds >= _SHORTEST_S else None


def _blocked(reason: str) -> Outcome:
    return Outcome(TextState.BLOCKED, reason)
