"""The one text that tells a waiting customer their associate is there (R91, R101, R113).

At most once for each wait of a conversation: the wait is claimed in the table right before the
call, and whatever is not known to have failed counts as sent (I4). Consent, opt-out, stop
switches and texting hours are checked each time it is tried, and once more after the claim, when
the wait for a turn is over (I1, I2, I9). The binding phone -> agent is written before the text, so
that the answer, a new conversation, finds the same agent (R114).

It goes as a campaign of LivePerson's or by the SMS line (notice_line.py), as the program says; the
claim is one for both, so that the one never goes where the other may have gone.

A number held because carriers filter it sends no notice: it would not arrive (number_health.py).

A text in a thread the customer already has on the phone says nothing new: conversations by SMS
get none, they see the associate's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .assignment_state import RETRY_S, NoticeState, notice_state
from .batch import NUMBER_HELD
from .campaign import Campaign
from .directory import pointer_from
from .errors import UnavailableError, VendorError, VendorNotAuthorizedError
from .model import Phone, epoch, from_epoch_ms, iso
from .notice_letter import Letter, NotNow, is_with_a_stranger, phone_of, weigh
from .notice_line import (
    VIA,
    LineMeans,
    came_to,
    goes_by_line,
    read,
    send,
    sender_of,
    text_id,
    wait_name,
)

if TYPE_CHECKING:
    from .adapters.conversation_changes import ConversationChanges
    from .adapters.customers import Customers
    from .adapters.liveperson import LivePerson
    from .adapters.number_health import NumberHealth
    from .adapters.pace import Pace
    from .adapters.stores import Stores
    from .assignment import ConversationChange
    from .consent import Customer
    from .kpi_conversations import Counting
    from .line_text import Outcome
    from .program import Program

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
    `current`: the program in force, for what is decided again after a wait. None without an SMS
    line: `pass_on`, which texts words of its conversations to the customer (line_answers.py), and
    `line`, which sends notices."""

    program: Program
    current: Callable[[], Program]
    changes: ConversationChanges
    stores: Stores
    customers: Customers
    numbers: NumberHealth
    pace: Pace
    liveperson: LivePerson
    now: Callable[[], datetime]
    pass_on: Callable[[ConversationChange], str] | None = None
    counting: Counting | None = None
    line: LineMeans | None = None


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
            if not _is_with_its_agent(item):
                # It changed hands while the text was claimed, and the claim came to nothing.
                why = "closed" if item["state"] == "closed" else "agent_left"
                return Resumed(_end(item, NoticeState.SKIPPED, why, means=means, now=now))
            try:
                return Resumed(attempt(item, means=means))
            except (VendorError, UnavailableError):
                return Resumed(Notice(NoticeState.DUE, "vendor_unavailable"))
        case NoticeState.CLAIMED:
            return Resumed(_look_after_claim(item, means=means, now=now))
    means.changes.look_again(item, due_at=None)
    return Resumed()


def take_back(item: Mapping[str, Any], *, means: Means) -> None:
    """Whom a claimed notice is about has left: what the line keeps of its text for later is called
    off, for a new wait writes over the claim, and nobody would look after it. One that is under way
    is left as it is. Raises UnavailableError."""
    if means.line is None or item.get("notice", {}).get("via") != VIA:
        return
    if notice_state(item) is NoticeState.CLAIMED and read(item, line=means.line) is not None:
        means.line.call_off(text_id(item))


def attempt(item: Mapping[str, Any], *, means: Means) -> Notice | None:
    """Try to send the notice that `item` owes. None: somebody else has it, or had it, or it is
    about another associate by now.

    Raises VendorError or UnavailableError when certainly nothing was sent and another try may
    succeed; the notice is due again by then. By the SMS line, UnavailableError may leave it claimed:
    then the sweep asks the text how far it came.
    """
    now = means.now()
    customer = _customer(item, means)
    _bind(item, customer, means=means, now=now)
    letter = weigh(item, customer, means=means, now=now)
    if isinstance(letter, NotNow):
        return _put_off(item, letter, means=means, now=now)
    if goes_by_line(item, letter, means=means):
        return _send_by_line(item, letter, means=means)
    if _is_held(Phone(letter.banner.number.outbound), means=means, now=now):
        return _end(item, NoticeState.SKIPPED, NUMBER_HELD, means=means, now=now)
    rate = letter.banner.outreach.rate
    paced = means.pace.take(
        means.program.owner.id, channel="notify", count=1, max_wait=PACE_WAIT_S,
        rate=min(rate.requests_per_s, rate.messages_per_s) * rate.notification_share,
    )  # fmt: skip
    now = means.now()
    if paced is None:
        return _try_later(item, "paced", means=means, now=now)
    if not _claim(item, "liveperson", means=means, now=now):
        return None
    try:
        means = replace(means, program=means.current())
        letter = weigh(item, _customer(item, means), means=means, now=now)
    except UnavailableError as error:
        _try_later(item, error.public_code, means=means, now=now)
        raise
    if isinstance(letter, NotNow):
        return _put_off(item, letter, means=means, now=now)
    return _send(item, letter, means=means, now=now)


def _send(item: Mapping[str, Any], letter: Letter, *, means: Means, now: datetime) -> Notice | None:
    """The one call. Only what certainly did nothing gives the claim back."""
    campaign = Campaign(
        name=f"instore-notice-{wait_name(item)}", skill=letter.banner.campaign_skill,
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
        _try_later(item, error.public_code, means=means, now=now)
        raise
    if letter.phone.digits in result.accepted:
        return _end(item, NoticeState.SENT, "accepted", means=means, now=now)
    if letter.phone.digits in result.failed:
        return _end(item, NoticeState.SKIPPED, "vendor_rejected", means=means, now=now)
    return _end(item, NoticeState.UNKNOWN, "vendor_garbage", means=means, now=now)


def _send_by_line(item: Mapping[str, Any], letter: Letter, *, means: Means) -> Notice | None:
    """Claim, then have the line send it. It looks at customer, switches and hours itself, after a
    claim of its own and right before the call."""
    now, line = means.now(), means.line
    if line is None:
        return _end(item, NoticeState.SKIPPED, "line_off", means=means, now=now)
    sender = sender_of(item, letter, line=line)
    outbound = letter.banner.number.outbound
    if sender.number.e164 == outbound and _is_held(sender.number, means=means, now=now):
        return _end(item, NoticeState.SKIPPED, NUMBER_HELD, means=means, now=now)
    if not _claim(item, VIA, means=means, now=now):
        return None
    outcome = send(item, letter, sender=sender, line=line)
    return _settle(item, outcome, line=line, means=means, now=means.now())


def _settle(
    item: Mapping[str, Any], outcome: Outcome, *, line: LineMeans, means: Means, now: datetime
) -> Notice | None:
    """Write down what its text came to. A text that nobody knows the end of leaves it claimed."""
    came = came_to(item, outcome, line=line)
    if came.state is NoticeState.CLAIMED:
        return Notice(came.state, came.reason)
    if came.state is NoticeState.DUE:
        return _try_later(item, came.reason, means=means, now=now)
    return _end(item, came.state, came.reason, means=means, now=now, due_at=came.until)


def _look_after_claim(item: Mapping[str, Any], *, means: Means, now: datetime) -> Notice | None:
    """Whoever claimed it is gone, or Twilio's answer was lost. What LivePerson was asked nobody can
    tell; a text of the line tells itself."""
    line = means.line
    if line is None or item["notice"].get("via") != VIA:
        return _end(item, NoticeState.UNKNOWN, "claim_lost", means=means, now=now)
    outcome = read(item, line=line)
    if outcome is None:
        return _try_later(item, "claim_lost", means=means, now=now)
    notice = _settle(item, outcome, line=line, means=means, now=now)
    if notice is not None and notice.state is NoticeState.CLAIMED:
        means.changes.look_again(item, due_at=epoch(now) + CLAIM_S)
    return notice


def _claim(item: Mapping[str, Any], via: str, *, means: Means, now: datetime) -> bool:
    return means.changes.move_notice(item, to=NoticeState.CLAIMED, at=iso(now),
                                     due_at=epoch(now) + CLAIM_S, details={"via": via})  # fmt: skip


def _is_held(number: Phone, *, means: Means, now: datetime) -> bool:
    """Nothing gets through now, hours later it is news no more, and each try makes it worse."""
    return means.numbers.hold_of(means.program.owner.id, number=number.e164).stops(now)


def _is_with_its_agent(item: Mapping[str, Any]) -> bool:
    return bool(item["state"] == "assigned" and item.get("agent_id") == item["notice"]["agent"])


def _bind(
    item: Mapping[str, Any], customer: Customer | None, *, means: Means, now: datetime
) -> None:
    """The customer's next message goes to whoever has this conversation, unless LivePerson moved
    it away from the one agent a strict program allows. Dated by the news of it: a try that read
    the conversation before somebody else took over does not undo the newer binding."""
    banner = means.program.banner(item["banner"])
    phone = phone_of(item, customer)
    if banner is None or phone is None or is_with_a_stranger(item, banner):
        return
    since = min(from_epoch_ms(item["changed_ts"]), now)
    means.customers.bind(
        item["customer"], phone=phone, banner=banner.name, now=since, source="assigned",
        pointer=pointer_from(item["notice"]),
    )  # fmt: skip


def _customer(item: Mapping[str, Any], means: Means) -> Customer | None:
    return means.customers.get(item["customer"]) if item.get("customer") else None


def _try_later(
    item: Mapping[str, Any], reason: str, *, means: Means, now: datetime
) -> Notice | None:
    return _end(item, NoticeState.DUE, reason, means=means, now=now, due_at=epoch(now) + RETRY_S)


def _put_off(item: Mapping[str, Any], why: NotNow, *, means: Means, now: datetime) -> Notice | None:
    return _end(item, why.state, why.reason, means=means, now=now, due_at=why.until)


def _end(
    item: Mapping[str, Any], state: NoticeState, reason: str, *, means: Means, now: datetime,
    due_at: int | None = None,
) -> Notice | None:  # fmt: skip
    details = {"reason": reason} | ({"until": due_at} if due_at is not None else {})
    moved = means.changes.move_notice(dict(item), to=state, at=iso(now), due_at=due_at,
                                      details=details)  # fmt: skip
    return Notice(state, reason) if moved else None
