"""A customer's text to one of our numbers: what it asks of us, and on to LivePerson.

Three things hold whatever happens. A STOP is recorded before any vendor is called (I9). Words are
never lost: a text is done only when LivePerson has it, a person has it (`unclaimed`), or it asked
for nothing but what we did; until then the queue brings it again, and at last keeps it for a
person. And bringing it again changes nothing, but where nobody can know (line_conversation.py).

The customer's words are stored nowhere but in the queue and at LivePerson, except those that
nobody can be given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .line_conversation import Means, Number, Said, Work, mention, say, whose_number
from .line_sender import is_named, is_relay
from .line_text import Draft, Purpose
from .line_wish import Wish, wish_of
from .line_words import worded
from .model import Phone, as_stored
from .revocation import is_sure_restart
from .thread import InboundText, read_text

if TYPE_CHECKING:
    from .consent import Customer
    from .relay_state import RelayLine
    from .told import Told

HOW = "text to our number"  # what the ledger says of how consent was taken back or given again


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of a text, in a word: `said` (LivePerson has it), `heard` (it asked for something
    and that is done), `unclaimed` (nobody can be given it: a person looks), `duplicate`, `erased`
    (the customer was erased after they said it: it went with the rest), `ours` (it says that it comes
    from a number of our own, where our bot would answer itself: nothing is done for it).

    `repeated`: LivePerson may have the words twice. `metrics` are to be counted once each.
    """

    what: str
    conversation: str | None = None
    repeated: bool = False
    metrics: tuple[str, ...] = ()


def take(told: Told, *, means: Means, now: datetime) -> Passed:
    """Take one text. Raises BadInputError for what is none; UnavailableError or VendorError: bring
    it again."""
    text, now = read_text(told.fields, at=told.at), as_stored(now)
    lines = _lines(text, means=means)
    if text.sender is not None and (
        is_named(text.sender, program=means.program) or is_relay(lines.get(text.sender))
    ):
        return Passed("ours", metrics=("InboundOfOurs",))
    number = _number(text.to, lines.get(text.to), means=means) if text.to else None
    customer = means.customers.id_of(text.sender) if text.sender else None
    if number is None or text.sender is None or customer is None:
        return _keep_for_a_person(text, customer, means=means, now=now)
    wish, answered = wish_of(text.body, opt_out=text.opt_out)
    # What Twilio signed holds for ever: a START, told again in years, must not lift a newer STOP.
    taken = means.threads.take_in(customer, text=text, now=now, for_good=wish is Wish.START)
    if taken.done:
        return Passed("duplicate")
    if _is_erased(text, means.customers.note_text_from(customer)):
        passed = Passed("erased")
    else:
        work = Work(text, text.sender, customer, number, means, now, taken.again)
        passed = _pass_on(work, wish, answered=answered)
    means.threads.finish(customer, text=text, what=passed.what, repeated=passed.repeated,
                         conversation=passed.conversation)  # fmt: skip
    return passed


def _keep_for_a_person(
    text: InboundText, customer: str | None, *, means: Means, now: datetime
) -> Passed:
    """Nobody can be given it: a number that the program does not know or that is ours no more, a
    sender who is no telephone. A STOP counts all the same, and everywhere: whose it was to be is not
    known."""
    if customer is not None and _is_erased(text, means.customers.get(customer)):
        return Passed("erased")
    wish, _ = wish_of(text.body, opt_out=text.opt_out)
    new = customer is not None and wish is Wish.STOP and means.customers.opt_out(
        customer, banner=means.program.banners[0].name, scope="all", now=now, at=text.at,
        how=HOW, words=text.body, evidence=_evidence(text),
    )  # fmt: skip
    fresh = means.unclaimed.keep(text, customer=customer, now=now)
    metrics = (*(["InboundUnclaimed"] if fresh else []), *(["OptedOut"] if new else []))
    return Passed("unclaimed" if fresh else "duplicate", metrics=metrics)


def _is_erased(text: InboundText, known: Customer | None) -> bool:
    """Whether the customer was erased after saying this, and it was under way. Nothing of it may be
    written any more, and what it asked for the erasure has done, or a newer word has undone."""
    return known is not None and known.erased_at is not None and text.at <= known.erased_at


def _lines(text: InboundText, *, means: Means) -> Mapping[Phone, RelayLine]:
    """What is known of both numbers where they are relay numbers, in one request."""
    numbers = [number for number in (text.to, text.sender) if number is not None]
    return means.lines.all_of(numbers) if means.program.line and numbers else {}


def _number(to: Phone, relay: RelayLine | None, *, means: Means) -> Number | None:
    """Whose number was texted: an associate's own, a branch's of the voice menu, a banner's. One that
    was given back is nobody's: no answer could go out from it."""
    program = means.program
    if program.line is None:
        return None
    if relay is not None:
        if relay.is_gone:
            return None
        banner = program.banner(relay.banner)
        account = program.account(banner.account) if banner else None
        if banner is None or account is None:
            return None
        return Number(to, banner, account, relay.answers_to, relay.login, relay.service)
    branch = next((one for one in program.line.branches if one.number == to.e164), None)
    banner = (
        program.banner(branch.banner) if branch
        else next((b for b in program.banners if b.number.outbound == to.e164), None)
    )  # fmt: skip
    account = program.account(banner.account) if banner else None
    return Number(to, banner, account) if banner and account else None


def _pass_on(work: Work, wish: Wish, *, answered: bool) -> Passed:
    metrics: tuple[str, ...] = ()
    if wish is Wish.STOP:
        metrics = _hear_stop(work, answered=answered)
    elif wish is Wish.HELP and not answered:
        _confirm("help", work)
    elif wish is Wish.START and not _hear_start(work, answered=answered):
        # Nothing to restore: a text like any other, unless it can mean nothing else.
        wish = Wish.START if is_sure_restart(work.text.body) else Wish.NONE
    if wish is Wish.NONE:
        return _passed("said", say(work), metrics)
    return _passed("heard", mention(work), metrics)


def _passed(what: str, said: Said, metrics: tuple[str, ...]) -> Passed:
    told = (*(["InboundSaid"] if what == "said" else []),
            *(["InboundOpened"] if said.opened else []),
            *(["InboundRepeated"] if said.repeated else []))  # fmt: skip
    return Passed(what, said.conversation, said.repeated, (*metrics, *told))


def _hear_stop(work: Work, *, answered: bool) -> tuple[str, ...]:
    """Record it, and confirm it where Twilio has not: once, whoever else has confirmed it."""
    heard = work.means.customers.hear_stop(work.customer, event=_evidence(work.text), **_said(work))
    if heard.confirm and not answered:
        _confirm("opted_out", work)
    return ("OptedOut",) if heard.new else ()


def _hear_start(work: Work, *, answered: bool) -> bool:
    """Lift the block, if there is one that is older than this word."""
    restored = work.means.customers.opt_in(work.customer, **_said(work))
    if restored and not answered:
        _confirm("opted_in", work)
    return restored


def _said(work: Work) -> dict[str, Any]:
    """What the ledger keeps of a text."""
    return {
        "banner": work.number.banner.name, "scope": work.means.program.consent.opt_out_scope,
        "how": HOW, "words": work.text.body, "evidence": _evidence(work.text),
        "now": work.now, "at": work.text.at,
    }  # fmt: skip


def _evidence(text: InboundText) -> str:
    return f"sms#{text.sid}"


def _confirm(key: str, work: Work) -> None:
    """The one answer in our words. Named by the text it answers: brought again, it is not sent
    again."""
    banner, pointer = work.number.banner, whose_number(work.number, means=work.means)
    store = work.means.stores.store(pointer.account, group=pointer.group) if pointer else None
    body = worded(key, program=work.means.program, banner=banner, store=store, whose=pointer)
    work.means.send(Draft(
        id=f"{work.text.sid}-{key}", sender=work.number.line, to=work.sender, body=body,
        purpose=Purpose.CONFIRM, banner=banner.name, customer=work.customer, pointer=pointer,
        asked_at=work.text.at, service=work.number.service,
    ))  # fmt: skip
