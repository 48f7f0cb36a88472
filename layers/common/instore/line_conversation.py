"""A customer's words into their conversation at LivePerson: the running one, or a new one.

Each step is written down before the next is taken, so that who comes after a crash knows what may
have happened. Opening: `opening` -> LivePerson opens -> whose conversation it is -> `open`. An
opening that nobody finished is looked for before another one is begun. Saying: the text is named on
the thread (`posting`) before LivePerson is called.

At least once: when the answer to the customer's words was lost, nobody can know whether LivePerson
took them, for it has no key by which it would know a repeated text again. They are said again,
because words twice are better than words lost, and `Said.repeated` makes it known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from .errors import (
    UnavailableError,
    VendorError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
)
from .model import Phone
from .thread import InboundText, Opening, Thread, ThreadState

if TYPE_CHECKING:
    from .adapters.customers import Customers
    from .adapters.lines import Lines
    from .adapters.liveperson import LivePerson
    from .adapters.stores import Stores
    from .adapters.threads import Threads
    from .adapters.unclaimed import Unclaimed
    from .directory import Pointer
    from .line_text import Draft, Outcome
    from .program import Account, Banner, Program

# Longer than the function lives: an opening older than this has lost whoever began it.
OPENING_FOR = timedelta(minutes=2)
SKEW = timedelta(seconds=10)  # between the clocks of two functions
# LivePerson did nothing (throttled, not reached): a moment later is soon enough to ask again.
_WAITS = (1.0, 2.0)
_LONGEST_WAIT = 5.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Means:
    """What taking a text works with. `send` is texting.send with its own means."""

    program: Program
    lines: Lines
    threads: Threads
    unclaimed: Unclaimed
    customers: Customers
    stores: Stores
    liveperson: LivePerson
    send: Callable[[Draft], Outcome]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Number:
    """One of our numbers as it was texted: whose shop, whose own number if anybody's (`pointer`, as
    of the day they got it)."""

    line: Phone
    banner: Banner
    account: Account
    pointer: Pointer | None = None
    login: str = ""
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One text and all that goes with it."""

    text: InboundText
    sender: Phone
    customer: str
    number: Number
    means: Means
    now: datetime
    again: bool = False  # it was worked on before


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where a new conversation goes: the bot's skill, for somebody of this store."""

    skill: str
    store: str


@dataclass(frozen=True, slots=True)
class Said:
    """Where the words are now. `repeated`: LivePerson may have them twice."""

    conversation: str | None = None
    opened: bool = False
    repeated: bool = False


def mention(work: Work) -> Said:
    """Show what was heard to whoever has the customer's conversation; none is opened for it."""
    thread = work.means.threads.get(work.customer, line=work.number.line)
    if thread is None or not _is_running(thread, work.means):
        return Said()
    conversation = thread.conversation or ""
    thread, repeated = _about_to_say(work, thread)
    try:
        _told(work, thread, conversation, repeated=repeated)
    except VendorError as error:
        if not is_refusal(error):
            raise
        _save(replace(thread, state=ThreadState.CLOSED, since=work.now), work.means)
        return Said()
    return Said(conversation, repeated=repeated)


def say(work: Work) -> Said:
    """Say it in the running conversation, or in a new one if there is none, or if LivePerson takes
    nothing more in this one. Raises VendorError or UnavailableError: bring it again."""
    thread, opened = work.means.threads.get(work.customer, line=work.number.line), False
    if thread is None or not _is_running(thread, work.means):
        thread, opened = _open(work, thread)
    thread, repeated = _about_to_say(work, thread)
    try:
        _told(work, thread, thread.conversation or "", repeated=repeated)
    except VendorError as error:
        if opened or not is_refusal(error):
            raise
        closed = replace(thread, state=ThreadState.CLOSED, conversation=None)
        thread, opened = _open(work, _save(closed, work.means), but=thread.conversation)
        _told(work, thread, thread.conversation or "", repeated=repeated)
    return Said(thread.conversation, opened, repeated)


def _is_running(thread: Thread, means: Means) -> bool:
    return (
        thread.state is ThreadState.OPEN and thread.conversation is not None
        and not means.threads.is_over(thread.account, conversation=thread.conversation)
    )  # fmt: skip


def _about_to_say(work: Work, thread: Thread) -> tuple[Thread, bool]:
    """Written before the call: who finds this text named here knows that it may have been said."""
    sid = work.text.sid
    repeated = thread.may_have(sid, again=work.again)
    said = replace(thread, posting=thread.about_to_say(sid), phone=work.sender,
                   last_at=max(thread.last_at, work.text.at))  # fmt: skip
    return _save(said, work.means), repeated


def _told(work: Work, thread: Thread, conversation: str, *, repeated: bool) -> None:
    connector, account = work.means.liveperson.connector, work.number.account
    try:
        _patiently(lambda: connector.say(account, consumer=thread.consumer, words=work.text.words,
                                         conversation=conversation), work.means)  # fmt: skip
    except VendorError as error:
        if error.processed is False and not is_refusal(error) and not repeated:
            # Certainly not said, now or before: coming again is no repeating.
            work.means.threads.save(replace(thread, posting=thread.unsaid(work.text.sid)))
        raise


def _open(
    work: Work, thread: Thread | None, *, but: str | None = None
) -> tuple[Thread, bool]:  # fmt: skip
    """A conversation for this thread; `but`: not this one. The binding comes first: LivePerson asks
    our bot at once, and the bot is to find the associate whose number was texted."""
    number, means = work.number, work.means
    if thread is not None and thread.state is ThreadState.OPENING:
        if work.now - thread.since < OPENING_FOR:
            raise UnavailableError("somebody is opening a conversation", code="thread_busy")
        found = means.threads.running(thread, since=thread.since - SKEW)
        if found is not None:
            return _opened(work, thread, found), False
    skill, whose = _skill(number, means=means), whose_number(number, means=means)
    if whose is not None:
        means.customers.bind(work.customer, phone=work.sender, banner=number.banner.name,
                             pointer=whose, now=work.text.at, source="relay_number")  # fmt: skip
        means.lines.met(number.line, customer=work.customer)
    wanted = _Wanted(skill, whose.group if whose else "")
    return _open_new(work, _save(_begun(work, thread), means), wanted, but=but)


def whose_number(number: Number, *, means: Means) -> Pointer | None:
    """Whose number it is, and the store where they are now. One GetItem."""
    then = number.pointer
    if then is None:
        return None
    return means.stores.by_agent(then.account, agent_id=then.agent_id) or then


def _open_new(
    work: Work, begun: Thread, wanted: _Wanted, *, but: str | None
) -> tuple[Thread, bool]:  # fmt: skip
    try:
        return _opened(work, begun, _ask_to_open(work, begun, wanted)), True
    except VendorError as error:
        if not is_refusal(error):
            _give_up(work, begun, error)
            raise
    found = work.means.threads.running(begun)
    if found is not None and found != but:
        # LivePerson opens no second one for a consumer: one that we lost is there.
        return _opened(work, begun, found), False
    # Or it is there and nothing tells us which: the thread goes on as another consumer.
    begun = _save(replace(begun, turn=begun.turn + 1), work.means)
    try:
        return _opened(work, begun, _ask_to_open(work, begun, wanted)), True
    except VendorError as error:
        _give_up(work, begun, error)
        raise


def _give_up(work: Work, begun: Thread, error: VendorError) -> None:
    """LivePerson certainly opened nothing: nothing need be looked for, the next try may begin."""
    if error.processed is False:
        work.means.threads.save(replace(begun, state=ThreadState.CLOSED, since=work.now))


def _ask_to_open(work: Work, thread: Thread, wanted: _Wanted) -> str:
    number, connector = work.number, work.means.liveperson.connector
    opening = Opening(thread.consumer, work.sender, number.line, wanted.skill, number.login,
                      wanted.store)  # fmt: skip
    return _patiently(lambda: connector.open(number.account, opening=opening), work.means)


def _begun(work: Work, thread: Thread | None) -> Thread:
    if thread is None:
        return Thread(
            customer=work.customer, line=work.number.line, phone=work.sender,
            banner=work.number.banner.name, account=work.number.account.id,
            state=ThreadState.OPENING, since=work.now, created_at=work.now, last_at=work.text.at,
        )  # fmt: skip
    return replace(thread, state=ThreadState.OPENING, since=work.now, conversation=None,
                   phone=work.sender, banner=work.number.banner.name,
                   account=work.number.account.id)  # fmt: skip


def _skill(number: Number, *, means: Means) -> str:
    """LivePerson's number of the bot's skill. Never "every skill" in its place: a conversation that
    anybody may take has lost its associate."""
    skill = means.stores.states.load(number.account.id).skills.get(number.banner.bot_skill)
    if skill is None:
        raise UnavailableError("the agent map does not know the bot's skill", code="skill_unknown")
    return skill


def _opened(work: Work, thread: Thread, conversation: str) -> Thread:
    """The conversation is there: first whose it is, then that the thread runs in it."""
    work.means.threads.own(thread, conversation=conversation, now=work.now)
    return _save(replace(thread, state=ThreadState.OPEN, conversation=conversation,
                         since=work.now), work.means)  # fmt: skip


def _save(thread: Thread, means: Means) -> Thread:
    saved = means.threads.save(thread)
    if saved is None:
        raise UnavailableError("the thread keeps changing", code="thread_busy")
    return saved


def _patiently(call: Callable[[], _T], means: Means) -> _T:
    """The call, made again a little later when LivePerson certainly did nothing."""
    for wait in _WAITS:
        try:
            return call()
        except (VendorThrottledError, VendorNotReachedError) as error:
            means.sleep(min(max(wait, error.retry_after or 0), _LONGEST_WAIT))
    return call()


def is_refusal(error: VendorError) -> bool:
    """Whether LivePerson said no to what was asked, rather than to us or for now."""
    return (
        error.processed is False and not error.retryable
        and not isinstance(error, VendorNotAuthorizedError)
    )  # fmt: skip
