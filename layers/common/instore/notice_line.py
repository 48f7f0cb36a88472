"""The notice by the SMS line: when it goes there, from which number, and what its text came to.

The claim of the notice comes first, as for LivePerson; then the text has a state of its own
(texting.py), under an id made from the wait: however often it is tried, by whomever, it is posted
at most once (I4). So a process that died, and an answer that was lost, are no guess here: the text
says how far it came.

When LivePerson would stay silent. It sends no campaign text to a customer with an open
conversation "in any channel" (Proactive Messaging, v2). Known to us are the conversations of this
customer, by their number, that our bots were asked about and that nobody told us the end of. Every
one of them beside the waiting one counts as open, those of the SMS line too, which LivePerson may
not connect with the number: too many cost nothing, for the text goes all the same. Not known to us
are conversations our bots never saw. Assumed: the waiting conversation itself does not count, for
it is on the web, and a web visitor is another consumer to LivePerson than a telephone. Where it
does count, the program says `channel: twilio`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .assignment_state import NoticeState
from .directory import pointer_from
from .line_sender import Sender, sender_for
from .line_text import NOT_RECEIVED, RANK, WAITING, Draft, Outcome, Purpose, TextState
from .model import epoch, fingerprint
from .notice_letter import Item, Letter, is_with_a_stranger
from .text import MAX_TEXT

if TYPE_CHECKING:
    from .adapters.lines import Lines
    from .adapters.texts import Texts
    from .notify import Means

VIA = "twilio"  # the notice's `via` from its claim on


@dataclass(frozen=True, slots=True)
class LineMeans:
    """What the SMS line does for notices. `send` is texting.send, `call_off` texting.call_off, each
    with its own means."""

    lines: Lines
    texts: Texts
    send: Callable[[Draft], Outcome]
    call_off: Callable[[str], Outcome]


@dataclass(frozen=True, slots=True)
class CameTo:
    """What a text means for its notice; `until` (epoch seconds) with DEFERRED."""

    state: NoticeState
    reason: str
    until: int | None = None


def goes_by_line(item: Item, letter: Letter, *, means: Means) -> bool:
    """Whether this notice goes by the SMS line. One Query and a BatchGetItem where the program
    makes it depend on the customer's other conversations."""
    notification = means.program.notification
    if notification.channel == "twilio":
        return True
    if means.line is None or notification.when_open != "twilio" or not letter.banner.features.line:
        return False
    return means.changes.has_another_open(item)


def sender_of(item: Item, letter: Letter, *, line: LineMeans) -> Sender:
    """The associate's own number if there is one, else the banner's. Never that of a stranger to
    whom LivePerson gave a strict program's customer: an answer to it would be theirs."""
    banner = letter.banner
    whose = None if is_with_a_stranger(item, banner) else pointer_from(item["notice"])
    return sender_for(whose, banner=banner, lines=line.lines)


def send(item: Item, letter: Letter, *, sender: Sender, line: LineMeans) -> Outcome:
    """Have the text sent, now or not at all: one that the line would keep for later is called off,
    because by then somebody else may have the conversation.

    Raises UnavailableError: the text may be under way, and its item says how far.
    """
    if len(letter.body) > MAX_TEXT:
        return Outcome(TextState.BLOCKED, "too_long")
    if sender.is_own:
        # Whoever takes the number over one day takes over those it texted.
        line.lines.met(sender.number, customer=item["customer"])
    return line.send(Draft(
        id=text_id(item), sender=sender.number, to=letter.phone, body=letter.body,
        purpose=Purpose.NOTICE, banner=letter.banner.name, customer=item["customer"],
        pointer=pointer_from(item["notice"]), conversation=item["conversation"],
        service=sender.service,
    ))  # fmt: skip


def read(item: Item, *, line: LineMeans) -> Outcome | None:
    """How the notice's text stands; None: nobody has written one down."""
    text = line.texts.get(text_id(item))
    return None if text is None else text.outcome


def came_to(item: Item, outcome: Outcome, *, line: LineMeans) -> CameTo:
    """Where the notice is with its text in this state. CLAIMED: nobody knows yet whether it went;
    DUE and DEFERRED: it certainly did not, and will not unless it is tried anew."""
    until = outcome.until
    if outcome.state in WAITING:
        outcome = line.call_off(text_id(item))
    if outcome.is_called_off:
        if until is not None:
            return CameTo(NoticeState.DEFERRED, "outside_window", epoch(until))
        return CameTo(NoticeState.DUE, "line_busy")
    if outcome.state in RANK:
        lost = outcome.state in NOT_RECEIVED
        return CameTo(NoticeState.SENT, "not_received" if lost else "texted")
    if outcome.state in (TextState.BLOCKED, TextState.REFUSED):
        return CameTo(NoticeState.SKIPPED, outcome.reason)
    if outcome.state is TextState.UNRESOLVED:
        return CameTo(NoticeState.UNKNOWN, "text_not_found")
    return CameTo(NoticeState.CLAIMED, "line_looks")


def text_id(item: Item) -> str:
    """One text for each wait: the id of its item (line_text.Draft)."""
    return f"notice-{wait_name(item)}"


def wait_name(item: Item) -> str:
    """What a wait is called towards vendors, who call it back."""
    return fingerprint([item["account"], item["conversation"], item["notice"]["wait"]])
