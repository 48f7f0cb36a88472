"""One turn of routing: look things up, resolve who is wanted, see who is there, decide.

Reads at most: one BatchGetItem (customer, misses, keywords), one store, one agent view. The
answer it returns is not stored yet; conversing.py does that with one conditional write.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from . import consent
from .bot_messages import reply
from .conversation import Answer, Conversation, State
from .errors import InstoreError
from .model import Channel, Stickiness, fingerprint
from .presence import Evidence
from .program import Account, Banner, Program
from .receipts import write_receipt
from .resolving import Clues, Resolution, person, resolve, words_to_look_up
from .routing import closes_store, decide, follows_call
from .routing_called import Called, count_repeat, find_call
from .routing_case import (
    Act,
    Case,
    Choice,
    Decision,
    Rules,
    Wanted,
    all_busy,
    people_of,
    rules_of,
)

if TYPE_CHECKING:
    from .adapters.backend import Backend
    from .adapters.calls import Calls
    from .adapters.conversations import Conversations
    from .adapters.customers import Customers
    from .adapters.liveperson import LivePerson
    from .adapters.presences import Presences
    from .adapters.stores import Stores
    from .consent import Customer
    from .program_line import Branch

MOST_MISSES = 10  # of one sender in a clock hour; then words are no longer looked up


@dataclass(frozen=True, slots=True)
class Means:
    """The adapters these flows use, and the version of the program they follow."""

    conversations: Conversations
    customers: Customers
    stores: Stores
    presences: Presences
    liveperson: LivePerson
    backend: Backend
    version: int
    calls: Calls


@dataclass(frozen=True, slots=True)
class Turn:
    """A customer's event to be answered."""

    program: Program
    account: Account
    banner: Banner
    conversation: Conversation
    text: str
    sequence: int | None
    dialog: str | None = None

    @property
    def is_new_round(self) -> bool:
        """The conversation was handed on before, and is back."""
        return self.conversation.state in (State.DECIDED, State.ASSIGNED, State.CLOSED)

    @property
    def asked(self) -> int:
        return 0 if self.is_new_round else self.conversation.asked

    @property
    def sender(self) -> str:
        """Whose misses are counted: the customer, or LivePerson's name for them, hashed."""
        talk = self.conversation
        return talk.customer or fingerprint([talk.account, talk.consumer or talk.id])


@dataclass(frozen=True, slots=True)
class _Found:
    """What the look-ups of a turn gave."""

    resolution: Resolution
    choice: Choice
    customer: Customer | None
    may_look_up: bool
    called: Called | None = None


def take_turn(turn: Turn, *, means: Means, now: datetime) -> tuple[Answer, tuple[str, ...]]:
    """Work out the answer to one event, with the names of the metrics it counts for.

    Raises UnavailableError when the table is away.
    """
    if turn.banner.stopped or not turn.banner.features.routing:
        return _switched_off(turn), ("RoutedToSkill",)
    found = _look_up(turn, means=means, now=now)
    resolution, counts = found.resolution, []
    if resolution.vendor_failed:
        counts.append("VendorFailed")
    if resolution.missed and resolution.wanted is Wanted.UNKNOWN:
        means.conversations.count_miss(turn.sender, now=now)
        counts.append("KeywordMissed")
    case, evidence = _case(turn, found, means, now)
    if evidence is not None and not evidence.answered:
        counts.append("PresenceUnknown")
    decision = decide(case)
    if decision.waiting and evidence is not None and _has_left(turn, found, case, evidence, means):
        case = replace(case, wanted=Wanted.TERMINATED,
                       trail=(*case.trail, "LivePerson: has left"))  # fmt: skip
        decision = decide(case)
    if decision.act is Act.TRANSFER:
        counts.append("Routed" if decision.agent_id else "RoutedToSkill")
    return _answer(turn, found, case, decision, means, now), tuple(counts)


def _look_up(turn: Turn, *, means: Means, now: datetime) -> _Found:
    talk, banner = turn.conversation, turn.banner
    offered = None if turn.is_new_round else talk.choice
    keys = [means.customers.key_of(talk.customer)] if talk.customer else []
    misses = means.conversations.miss_key(turn.sender, now=now)
    if offered is None:
        keys.append(misses)
        for word in words_to_look_up(banner, conversation=talk, text=turn.text):
            keys += means.stores.word_keys(banner.name, word=word)
    items = means.conversations.look_up(keys) if keys else {}
    item = items.get(means.customers.key_of(talk.customer)) if talk.customer else None
    customer = means.customers.from_item(item) if item else None
    called = find_call(turn, customer=customer, calls=means.calls, now=now)
    if called is None:
        count_repeat(turn, customer=customer, calls=means.calls, now=now)
    elif banner.routing.stickiness is not Stickiness.STRICT:
        # The branch decides: nobody else's words or bindings are looked at.
        return _Found(Resolution(), Choice.NOT_OFFERED, customer, True, called)
    if offered is not None:
        again = person(offered, banner=banner, stores=means.stores)
        return _Found(again, _chosen(turn.text), customer, True)
    may_look_up = items.get(misses, {}).get("misses", 0) <= MOST_MISSES
    clues = Clues(banner, talk, customer, turn.text, items, may_look_up)
    resolution = resolve(clues, stores=means.stores, backend=means.backend)
    if resolution.phone is not None and customer is None:
        customer = means.customers.get(means.customers.id_of(resolution.phone))
    return _Found(resolution, Choice.NOT_OFFERED, customer, may_look_up, called)


def _chosen(text: str) -> Choice:
    word = text.strip().strip(".!").upper()
    return {"WAIT": Choice.WAIT, "NEXT": Choice.NEXT}.get(word, Choice.OFFERED)


def _case(turn: Turn, found: _Found, means: Means, now: datetime) -> tuple[Case, Evidence | None]:
    """The case to decide, and the evidence if anybody's presence matters to it."""
    resolution, banner = found.resolution, turn.banner
    rules = _rules(turn)
    if not found.may_look_up:
        rules = replace(rules, keyword=False)
    store = resolution.store
    blind = Evidence(now, answered=False, of={})
    case = Case(
        at=now, program=means.version, rules=rules, channel=turn.conversation.channel,
        notified=_is_notified(turn, found, now), wanted=resolution.wanted,
        wanted_id=resolution.pointer.agent_id if resolution.pointer else None,
        asked=turn.asked, choice=found.choice,
        store_open=store.is_open(now) if store else None, answered=False,
        people=people_of(store, evidence=blind), busy_since=None, trail=tuple(resolution.trail),
        called=found.called.case if found.called else None,
    )  # fmt: skip
    if found.called is not None and follows_call(case):
        return replace(case, store_open=_is_open(found.called.branch, turn, means, now)), None
    strict = rules.stickiness is Stickiness.STRICT
    if store is None or closes_store(case) or (strict and case.wanted is not Wanted.KNOWN):
        return case, None
    told = means.presences.of_store(
        turn.account, store=store, max_age_s=banner.routing.presence_max_age_s, now=now
    )
    people = people_of(store, evidence=told.evidence)
    busy_since = None
    if rules.all_busy_minutes is not None and not strict and told.evidence.answered:
        if all_busy(people):
            busy_since = means.stores.busy_since(store, now=now)
        else:
            means.stores.clear_busy(store)
    answered = told.evidence.answered
    seen = replace(case, answered=answered, people=people, busy_since=busy_since,
                   evidence_at=told.evidence.at if answered else None)  # fmt: skip
    return seen, told.evidence


def _is_open(branch: Branch, turn: Turn, means: Means, now: datetime) -> bool | None:
    """Whether the branch's store is open; None where the program names none that is known."""
    group = branch.store
    store = means.stores.store(turn.banner.account, group=group) if group else None
    return store.is_open(now) if store else None


def _rules(turn: Turn) -> Rules:
    """The banner's rules. A conversation of the SMS line stays in its account: LivePerson's
    roll-over to the virtual associates of another one begins a conversation under a new id, of
    which our number never hears again, and their answers would reach nobody."""
    rules, banner = rules_of(turn.banner), turn.banner
    if turn.conversation.line is None or banner.account == turn.program.owner.id:
        return rules
    strict = rules.stickiness is Stickiness.STRICT
    stays = banner.fallback_skill or (rules.last_skill if strict else banner.human_skill)
    return replace(rules, closed=False, all_offline_minutes=None, all_busy_minutes=None,
                   virtual_skill=None, last_skill=stays)  # fmt: skip


def _is_notified(turn: Turn, found: _Found, now: datetime) -> bool:
    """Whether a text will really tell the customer that their associate is back: the sentence
    they read promises it only then."""
    if turn.program.notification.when == "never" or not turn.banner.features.notification:
        return False
    if turn.conversation.channel is not Channel.WEB or found.customer is None:
        return False
    blocked = consent.may_text(found.customer, banner=turn.banner.name, purpose="one_to_one",
                               scope=turn.program.consent.opt_out_scope, now=now)  # fmt: skip
    return blocked is None


def _has_left(turn: Turn, found: _Found, case: Case, evidence: Evidence, means: Means) -> bool:
    """Ask LivePerson whether somebody whom its presence report does not mention still exists,
    before a customer waits for them. A vendor that fails has not said that they left."""
    agent_id, pointer = case.wanted_id or "", found.resolution.pointer
    if pointer is None or not evidence.answered or evidence.about(agent_id).seen:
        return False
    try:
        user = means.liveperson.user(turn.account, user_id=agent_id)
    except InstoreError:
        return False
    if user is not None and user.enabled and not user.deleted:
        return False
    means.stores.disable_agent(pointer.account, group=pointer.group, agent_id=agent_id)
    return True


def _answer(
    turn: Turn, found: _Found, case: Case, decision: Decision, means: Means, now: datetime
) -> Answer:
    resolution, banner, talk = found.resolution, turn.banner, turn.conversation
    known = case.wanted is Wanted.KNOWN
    taker = resolution.store.find(decision.agent_id) if (
        resolution.store and decision.agent_id) else None  # fmt: skip
    language = talk.language or banner.language
    somebody = turn.program.message("associate", language=language)
    sentence = turn.program.message(
        decision.message,
        language=language,
        banner=banner.label,
        store=resolution.store.name if resolution.store else "",
        associate=(taker.nickname if taker else "") or somebody,
        wanted=(resolution.associate.nickname if resolution.associate else "") or somebody,
        minutes=str(found.called.branch.answer_minutes) if found.called else "",
    )
    body = reply(sentence, intent=decision.outcome, skill=decision.skill,
                 agent_id=decision.agent_id, note=found.called.note if found.called else None)  # fmt: skip
    asking = decision.act is not Act.TRANSFER
    minutes = banner.routing.silent_wait_alarm_minutes
    phone = resolution.phone if talk.customer is None else None
    return Answer(
        text=body, state=State.ASKED if asking else State.DECIDED, outcome=decision.outcome,
        round=talk.round + turn.is_new_round, asked=turn.asked + (decision.act is Act.ASK),
        sequence=turn.sequence, dialog=turn.dialog, receipt=write_receipt(case, decision=decision),
        wanted=resolution.pointer if known else None,
        choice=resolution.pointer if decision.act is Act.CHOICE else None,
        target=decision.agent_id, waiting=decision.waiting,
        alarm_at=now + timedelta(minutes=minutes) if decision.waiting else None,
        customer=means.customers.id_of(phone) if phone else None,
        phone=phone.e164 if phone else None,
    )  # fmt: skip


def _switched_off(turn: Turn) -> Answer:
    """The banner's routing is off: its last skill takes every conversation."""
    language = turn.conversation.language or turn.banner.language
    sentence = turn.program.message("skill", language=language, banner=turn.banner.label)
    return Answer(
        text=reply(sentence, intent="switched_off", skill=turn.banner.last_skill),
        state=State.DECIDED, outcome="switched_off",
        round=turn.conversation.round + turn.is_new_round, asked=turn.asked,
        sequence=turn.sequence, dialog=turn.dialog,
    )  # fmt: skip
