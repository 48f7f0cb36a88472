"""The one text that tells a waiting customer their associate is there (R91, R101, R113).

At most once for each wait of a conversation: the wait is claimed in the table right before the
call, and whatever is not known to have failed counts as sent (I4). Consent, opt-out, stop
switches and texting hours are checked each time it is tried, and once more after the claim, when
the wait for a turn is over (I1, I2, I9). The binding phone -> agent is written before the text, so
that the answer, a new conversation, finds the same agent (R114).

A number held because carriers filter it sends no notice: it would not arrive (number_health.py).

A text in a thread the customer already has on the phone says nothing new: conversations by SMS
get none, they see the associate's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .assignment_state import RETRY_S, NoticeState, notice_state
from .batch import NUMBER_HELD
from .campaign import Campaign
from .consent import may_text
from .directory import Pointer
from .errors import UnavailableError, VendorError, VendorNotAuthorizedError
from .first_text import notice_variables
from .model import Phone, Stickiness, epoch, fingerprint, iso
from .window import Deferred, Never, check_window

if TYPE_CHECKING:
    from .adapters.conversation_changes import ConversationChanges
    from .adapters.customers import Customers
    from .adapters.liveperson import LivePerson
    from .adapters.number_health import NumberHealth
    from .adapters.pace import Pace
    from .adapters.stores import Stores
    from .consent import Customer
    from .directory import Store
    from .program import Banner, Program, Template

CLAIM_S = 180  # longer than the function lives: a claim older than this has lost its owner
PACE_WAIT_S = 3.0
SILENT_AGAIN = timedelta(days=1)
METRICS = {
    NoticeState.SENT: "NoticesSent", NoticeState.SKIPPED: "NoticesSkipped",
    NoticeState.DEFERRED: "NoticesDeferred", NoticeState.UNKNOWN: "NoticesUnknown",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Means:
    """What it takes to settle a change and to send a notice. `now`: the clock, and
    `current`: the program in force, for what is decided again after a wait."""

    program: Program
    current: Callable[[], Program]
    changes: ConversationChanges
    stores: Stores
    customers: Customers
    numbers: NumberHealth
    pace: Pace
    liveperson: LivePerson
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Notice:
    """How a try ended. `reason`: why it was skipped, or the rule that defers it; never a text."""

    state: NoticeState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What the sweep found: how a notice ended, if one was due, and whether a wait is silent."""

    notice: Notice | None = None
    silent_wait: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics to count, each once."""
        told = METRICS.get(self.notice.state) if self.notice else None
        return (*([told] if told else []), *(["SilentWait"] if self.silent_wait else []))


@dataclass(frozen=True, slots=True)
class _Letter:
    """Everything about one text but the decision to send it."""

    banner: Banner
    template: Template
    store: Store
    customer: Customer
    phone: Phone
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _NotNow:
    """Why no text goes at this instant: never (skipped), or not before `until` (epoch seconds)."""

    state: NoticeState
    reason: str
    until: int | None = None


def resume(key: tuple[str, str], *, means: Means, now: datetime) -> Resumed:
    """Do what is due for one conversation: a deferred or unfinished notice, a silent wait.

    `key` is (pk, sk) from the `due` index. Running twice at once is harmless. A throttled or
    unreachable vendor leaves the notice due.
    """
    item = means.changes.get(key[0])
    if item is None or item.get("due_at", epoch(now) + 1) > epoch(now):
        return Resumed()
    if item.get("waiting"):
        means.changes.look_again(item, due_at=epoch(now + SILENT_AGAIN))
        return Resumed(silent_wait=True)
    match notice_state(item):
        case NoticeState.DUE | NoticeState.DEFERRED:
            try:
                return Resumed(attempt(item, means=means))
            except (VendorError, UnavailableError):
                return Resumed(Notice(NoticeState.DUE, "vendor_unavailable"))
        case NoticeState.CLAIMED:
            return Resumed(_end(item, NoticeState.UNKNOWN, "claim_lost", means=means, now=now))
    means.changes.look_again(item, due_at=None)
    return Resumed()


def attempt(item: Mapping[str, Any], *, means: Means) -> Notice | None:
    """Try to send the notice that `item` owes. None: somebody else has it, or had it, or it is
    about another associate by now.

    Raises VendorError or UnavailableError when certainly nothing was sent and another try may
    succeed; the notice is due again by then.
    """
    now = means.now()
    customer = _customer(item, means)
    _bind(item, customer, means=means, now=now)
    letter = _weigh(item, customer, means=means, now=now)
    if isinstance(letter, _NotNow):
        return _put_off(item, letter, means=means, now=now)
    if means.numbers.hold_of(means.program.owner.id, number=letter.banner.number.outbound).stops(
        now
    ):
        # Nothing gets through now, hours later it is news no more, and each try makes it worse.
        return _end(item, NoticeState.SKIPPED, NUMBER_HELD, means=means, now=now)
    rate = letter.banner.outreach.rate
    paced = means.pace.take(
        means.program.owner.id, channel="notify", count=1, max_wait=PACE_WAIT_S,
        rate=min(rate.requests_per_s, rate.messages_per_s) * rate.notification_share,
    )  # fmt: skip
    now = means.now()
    if paced is None:
        return _end(item, NoticeState.DUE, "paced", means=means, now=now,
                    due_at=epoch(now) + RETRY_S)  # fmt: skip
    if not means.changes.move_notice(item, to=NoticeState.CLAIMED, at=iso(now),
                                     due_at=epoch(now) + CLAIM_S):  # fmt: skip
        return None
    try:
        means = replace(means, program=means.current())
        letter = _weigh(item, _customer(item, means), means=means, now=now)
    except UnavailableError as error:
        _end(item, NoticeState.DUE, error.public_code, means=means, now=now,
             due_at=epoch(now) + RETRY_S)  # fmt: skip
        raise
    if isinstance(letter, _NotNow):
        return _put_off(item, letter, means=means, now=now)
    return _send(item, letter, means=means, now=now)


def _weigh(
    item: Mapping[str, Any], customer: Customer | None, *, means: Means, now: datetime
) -> _Letter | _NotNow:
    """The text, if it may go at this instant."""
    store = means.stores.store(item["notice"]["account"], group=item["notice"]["group"])
    letter = _letter(item, customer, store, program=means.program, now=now)
    if isinstance(letter, str):
        return _NotNow(NoticeState.SKIPPED, letter)
    allowed = check_window(
        phone=letter.phone, store=letter.store, program_outreach=letter.banner.outreach, now=now,
        zone=letter.customer.zone, postal_code=letter.customer.postal_code,
        country=letter.banner.country,
    )  # fmt: skip
    if isinstance(allowed, Never):
        return _NotNow(NoticeState.SKIPPED, allowed.rule)
    if isinstance(allowed, Deferred):
        return _NotNow(NoticeState.DEFERRED, allowed.rule, epoch(allowed.until))
    return letter


def _send(
    item: Mapping[str, Any], letter: _Letter, *, means: Means, now: datetime
) -> Notice | None:
    """The one call. Only what certainly did nothing gives the claim back."""
    name = fingerprint([item["account"], item["conversation"], item["notice"]["wait"]])
    campaign = Campaign(
        name=f"instore-notice-{name}", skill=letter.banner.campaign_skill,
        template_id=letter.template.id, outbound=Phone(letter.banner.number.outbound),
        recipients=((letter.phone, letter.variables),),
    )  # fmt: skip
    try:
        result = means.liveperson.start_campaign(means.program.owner, campaign=campaign)
    except (VendorError, UnavailableError) as error:
        if isinstance(error, VendorError) and error.processed is None:
            return _end(item, NoticeState.UNKNOWN, error.public_code, means=means, now=now)
        if not error.retryable and not isinstance(error, VendorNotAuthorizedError):
            return _end(item, NoticeState.SKIPPED, error.public_code, means=means, now=now)
        _end(item, NoticeState.DUE, error.public_code, means=means, now=now,
             due_at=epoch(now) + RETRY_S)  # fmt: skip
        raise
    if letter.phone.digits in result.accepted:
        return _end(item, NoticeState.SENT, "accepted", means=means, now=now)
    if letter.phone.digits in result.failed:
        return _end(item, NoticeState.SKIPPED, "vendor_rejected", means=means, now=now)
    return _end(item, NoticeState.UNKNOWN, "vendor_garbage", means=means, now=now)


def _letter(
    item: Mapping[str, Any], customer: Customer | None, store: Store | None, *,
    program: Program, now: datetime,
) -> _Letter | str:  # fmt: skip
    """The text to send, or the reason code why none is."""
    banner = program.banner(item["banner"])
    template = program.template(program.notification.template or "", banner) if banner else None
    if banner is None or template is None or program.notification.when == "never":
        return "switched_off"
    if item.get("channel") == "sms":
        return "same_thread"
    phone = _phone(item, customer)
    if phone is None:
        return "no_number"
    agent = store.find(item["notice"]["agent"]) if store else None
    if store is None or agent is None:
        return "agent_unknown"
    stopped = program.stop_reason(banner=banner, store=store.group, login=agent.login,
                                  feature="notification")  # fmt: skip
    scope = program.consent.opt_out_scope
    refused = stopped or may_text(customer, banner=banner.name, purpose="one_to_one", scope=scope,
                                  now=now)  # fmt: skip
    if customer is None or refused:
        return refused or "no_consent"
    variables = notice_variables(template, nickname=agent.nickname, banner=banner,
                                 link=program.notification.link)  # fmt: skip
    if variables is None:
        return "template_asks_more"
    return _Letter(banner, template, store, customer, phone, variables)


def _bind(
    item: Mapping[str, Any], customer: Customer | None, *, means: Means, now: datetime
) -> None:
    """The customer's next message goes to whoever has this conversation, unless LivePerson moved
    it away from the one agent a strict program allows. Dated by the news of it: a try that read
    the conversation before somebody else took over does not undo the newer binding."""
    banner = means.program.banner(item["banner"])
    strict = banner is not None and banner.routing.stickiness is Stickiness.STRICT
    phone = _phone(item, customer)
    if banner is None or phone is None or (strict and item.get("misrouted")):
        return
    notice = item["notice"]
    since = min(datetime.fromtimestamp(item["changed_ts"] / 1000, UTC), now)
    means.customers.bind(
        item["customer"], phone=phone, banner=banner.name, now=since, source="assigned",
        pointer=Pointer(notice["account"], notice["group"], notice["agent"]),
    )  # fmt: skip


def _customer(item: Mapping[str, Any], means: Means) -> Customer | None:
    return means.customers.get(item["customer"]) if item.get("customer") else None


def _phone(item: Mapping[str, Any], customer: Customer | None) -> Phone | None:
    if customer is not None and customer.phone is not None:
        return customer.phone
    return Phone(item["phone"]) if item.get("phone") else None


def _put_off(
    item: Mapping[str, Any], why: _NotNow, *, means: Means, now: datetime
) -> Notice | None:
    return _end(item, why.state, why.reason, means=means, now=now, due_at=why.until)


def _end(
    item: Mapping[str, Any], state: NoticeState, reason: str, *, means: Means, now: datetime,
    due_at: int | None = None,
) -> Notice | None:  # fmt: skip
    details = {"reason": reason} | ({"until": due_at} if due_at is not None else {})
    moved = means.changes.move_notice(dict(item), to=state, at=iso(now), due_at=due_at,
                                      details=details)  # fmt: skip
    return Notice(state, reason) if moved else None
