"""A customer's text to one of our numbers: what it asks of us, and on to LivePerson.

Three things hold whatever happens. A STOP is recorded before any vendor is called (I9). Words are
never lost: a text is done only when LivePerson has it, a person has it (`unclaimed`), or it asked
for nothing but what we did; until then the queue brings it again, and at last keeps it for a
person. And bringing it again changes nothing, but where nobody can know (line_conversation.py).

The customer's words are stored nowhere but in the queue and at LivePerson, except those that
nobody can be given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from .line_conversation import Means, Number, Said, Work, mention, say, whose_number
from .line_text import Draft, Purpose
from .model import Phone, as_stored
from .revocation import is_carrier_word, is_restart, is_revocation, is_sure_restart
from .thread import InboundText, read_text

if TYPE_CHECKING:
    from .told import Told

# Twilio lifts its own block for these, and says so itself; source as for `is_carrier_word`.
_TWILIO_STARTS = frozenset({"START", "YES", "UNSTOP"})
_HELP = frozenset({"HELP", "INFO", "AYUDA", "AIDE"})


class Wish(StrEnum):
    """What a text asks of us, beside being read."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of a text, in a word: `said` (LivePerson has it), `heard` (it asked for something
    and that is done), `unclaimed` (nobody can be given it: a person looks), `duplicate`.

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
    number = _number(text.to, means=means) if text.to else None
    customer = means.customers.id_of(text.sender) if text.sender else None
    if number is None or text.sender is None or customer is None:
        return _keep_for_a_person(text, customer, means=means, now=now)
    taken = means.threads.take_in(customer, text=text, now=now)
    if taken.done:
        return Passed("duplicate")
    passed = _pass_on(Work(text, text.sender, customer, number, means, now, taken.again))
    means.threads.finish(customer, text=text, what=passed.what, repeated=passed.repeated,
                         conversation=passed.conversation)  # fmt: skip
    return passed


def _keep_for_a_person(
    text: InboundText, customer: str | None, *, means: Means, now: datetime
) -> Passed:
    """Nobody can be given it: a number of ours that the program does not know, a sender who is no
    telephone. A STOP counts all the same, and everywhere: whose it was to be is not known."""
    new = customer is not None and wish_of(text)[0] is Wish.STOP and means.customers.opt_out(
        customer, banner=means.program.banners[0].name, scope="all", now=now, at=text.at,
        how="text to our number", words=text.body, evidence=f"sms#{text.sid}",
    )  # fmt: skip
    fresh = means.unclaimed.keep(text, customer=customer, now=now)
    metrics = (*(["InboundUnclaimed"] if fresh else []), *(["OptedOut"] if new else []))
    return Passed("unclaimed" if fresh else "duplicate", metrics=metrics)


def _number(to: Phone, *, means: Means) -> Number | None:
    """Whose number was texted: an associate's own, a branch's of the voice menu, a banner's."""
    program = means.program
    if program.line is None:
        return None
    relay = means.lines.get(to)
    if relay is not None:
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


def _pass_on(work: Work) -> Passed:
    wish, answered = wish_of(work.text)
    metrics: tuple[str, ...] = ()
    work.means.customers.clear_unreachable(work.customer)  # who texts can be texted
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


def wish_of(text: InboundText) -> tuple[Wish, bool]:
    """What a text asks of us, and whether Twilio has answered it: by its default handling, which
    takes one word alone, or by the account's own (Advanced Opt-Out), which names it."""
    if text.opt_out in Wish.__members__ and text.opt_out != "NONE":
        return Wish[text.opt_out], True
    if is_revocation(text.body):
        return Wish.STOP, is_carrier_word(text.body)
    lifts = text.body.strip().upper() in _TWILIO_STARTS
    if lifts or is_restart(text.body):
        return Wish.START, lifts
    if text.body.strip(" \t\r\n.,!?¡¿").upper() in _HELP:
        # Twilio's default answer names no brand, and carriers want one that does (CTIA).
        return Wish.HELP, False
    return Wish.NONE, False


def _hear_stop(work: Work, *, answered: bool) -> tuple[str, ...]:
    """Record it, and confirm it where Twilio has not: once, whoever else has confirmed it."""
    heard = work.means.customers.hear_stop(
        work.customer, banner=work.number.banner.name, event=f"sms#{work.text.sid}",
        scope=work.means.program.consent.opt_out_scope, how="text to our number",
        words=work.text.body, evidence=f"sms#{work.text.sid}", now=work.now, at=work.text.at,
    )  # fmt: skip
    if heard.confirm and not answered:
        _confirm("opted_out", work)
    return ("OptedOut",) if heard.new else ()


def _hear_start(work: Work, *, answered: bool) -> bool:
    """Lift the block, if there is one that is older than this word."""
    restored = work.means.customers.opt_in(
        work.customer, banner=work.number.banner.name, how="text to our number",
        scope=work.means.program.consent.opt_out_scope, words=work.text.body,
        evidence=f"sms#{work.text.sid}", now=work.now, at=work.text.at,
    )  # fmt: skip
    if restored and not answered:
        _confirm("opted_in", work)
    return restored


def _confirm(key: str, work: Work) -> None:
    """The one answer in our words. Named by the text it answers: brought again, it is not sent
    again."""
    banner, pointer = work.number.banner, whose_number(work.number, means=work.means)
    language = banner.language
    store = work.means.stores.store(pointer.account, group=pointer.group) if pointer else None
    person = store.find(pointer.agent_id) if store and pointer else None
    somebody = work.means.program.message("associate", language=language)
    body = work.means.program.message(
        key, language=language, banner=banner.label, store=store.name if store else banner.label,
        associate=(person.nickname if person else "") or somebody,
    )  # fmt: skip
    work.means.send(Draft(
        id=f"{work.text.sid}-{key}", sender=work.number.line, to=work.sender, body=body,
        purpose=Purpose.CONFIRM, banner=banner.name, customer=work.customer, pointer=pointer,
        asked_at=work.text.at, service=work.number.service,
    ))  # fmt: skip
