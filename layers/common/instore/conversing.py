"""The bot's calls as flows: a conversation opens, a customer writes, an answer goes back.

Three things hold whatever happens. The same event gets the same answer (I6): answers are stored
with one conditional write, and who loses the race gives the winner's. The customer is never left
without an answer: what we depend on being away leads to the banner's last skill. And a STOP is
never lost for that reason: if it cannot be recorded, LivePerson has to bring it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from .bot_messages import CreateCall, EventCall, reply
from .conversation import Answer, Conversation, State
from .errors import BadInputError, NotFoundError, UnavailableError
from .identifying import identify
from .model import CONVERSATION_ID, Channel, from_epoch_ms, iso
from .program import Account, Banner, Program
from .revocation import is_carrier_word, is_restart, is_revocation
from .routing_flow import Means, Turn, take_turn

ENVIRONMENTS = ("draft", "production")
_CONFIRMED = "Routing bot: the customer wants no texts; that is confirmed already."


@dataclass(frozen=True, slots=True)
class Seat:
    """Which bot LivePerson is talking to. `account` comes from the verified token."""

    program: Program
    account: Account
    bot: str

    @property
    def banner(self) -> Banner:
        """The banner this bot serves. Raises NotFoundError for a bot we do not know."""
        banner = self.program.banner_of_bot(self.account.id, self.bot)
        if banner is None:
            raise NotFoundError("no banner of the program has this bot", code="unknown_bot")
        return banner


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as JSON text, with the names of the metrics it counts for."""

    body: str
    outcome: str
    counts: tuple[str, ...] = ()


def environments(seat: Seat) -> tuple[str, ...]:
    """The environments of a bot. Raises NotFoundError for a bot we do not know."""
    return ENVIRONMENTS if seat.banner else ()


def check_environment(seat: Seat, *, environment: str) -> None:
    """Raises NotFoundError for a bot or an environment we do not have."""
    if environment not in environments(seat):
        raise NotFoundError("no such environment", code="unknown_environment")


def check_conversation(conversation: str) -> str:
    """The id as it will be a key. Raises BadInputError for what LivePerson never sends."""
    if not re.fullmatch(CONVERSATION_ID, conversation):
        raise BadInputError("not a conversation id", code="wrong_field")
    return conversation


def state_of(seat: Seat, *, version: int) -> dict[str, str]:
    """What LivePerson's health check is told: maintenance when its banner is switched off."""
    on = seat.banner.features.routing and not seat.banner.stopped
    return {"state": "online" if on else "maintenance", "version": f"1.{version}.0"}


def open_conversation(
    call: CreateCall, *, seat: Seat, conversation: str, means: Means, now: datetime
) -> bool:
    """Keep what identifies the customer; LivePerson sends it only here. One PutItem.

    False if the conversation was known: that is success for LivePerson, and nothing changes.
    """
    context = call.context
    visitor = context.visitor if context else None
    skill = str(context.skill_id) if context and context.skill_id is not None else None
    banner = seat.banner
    identity = identify(
        call.sdes.authenticated_sdes if call.sdes else None,
        unauthenticated=call.sdes.unauthenticated_sdes if call.sdes else None,
        browser=(visitor.browser or "") if visitor else "",
        banner=banner,
    )
    phone = identity.phone
    return means.conversations.create(Conversation(
        account=seat.account.id, id=conversation, banner=banner.name, bot=seat.bot,
        channel=identity.channel, created_at=now,
        customer=means.customers.id_of(phone) if phone else None,
        phone=phone.e164 if phone else None,
        consumer=visitor.consumer_id if visitor else None,
        language=(visitor.language or None) if visitor else None,
        campaign_skill_id=skill, attributes=identity.attributes,
        line=identity.line.e164 if identity.line else None,
    ))  # fmt: skip


def answer_event(
    event: EventCall, *, seat: Seat, conversation: str, means: Means, now: datetime
) -> Reply:
    """Answer one event. Raises NotFoundError for a conversation we do not know (LivePerson then
    opens it again and repeats the event), UnavailableError only for a STOP we cannot record."""
    banner = seat.banner
    try:
        known = means.conversations.get(
            seat.account.id, conversation=conversation, bot=seat.bot, now=now
        )
        if known is None:
            raise NotFoundError("no such conversation", code="unknown_conversation")
        return _answer(event, seat, known, banner, means, now)
    except UnavailableError:
        if is_revocation(event.text):
            raise
        return _to_last_skill(banner, program=seat.program)


def _answer(
    event: EventCall, seat: Seat, conversation: Conversation, banner: Banner, means: Means,
    now: datetime,
) -> Reply:  # fmt: skip
    if event.kind != "message":
        return _aside(event, conversation=conversation, program=seat.program)
    # A STOP counts whenever it comes: late, or beside an event that was answered already (I9).
    told = _hear_stop(event, seat, conversation, banner, means, now)
    if told is not None:
        return told
    if _is_repeat(event, conversation=conversation) and conversation.answer is not None:
        return Reply(_given(conversation.answer, conversation, event), "repeated")
    told = _hear_start(event, seat, conversation, banner, means, now)
    if told is not None:
        return told
    if _still_valid(conversation, banner=banner, now=now) and conversation.answer is not None:
        return Reply(conversation.answer, "repeated")
    turn = Turn(
        program=seat.program, account=seat.account, banner=banner, conversation=conversation,
        text=event.text, sequence=event.sequence, dialog=event.dialog,
    )  # fmt: skip
    answer, counts = take_turn(turn, means=means, now=now)
    return _keep(answer, event, conversation, means, now, counts=counts)


def _keep(
    answer: Answer, event: EventCall, conversation: Conversation, means: Means, now: datetime,
    *, counts: tuple[str, ...],
) -> Reply:  # fmt: skip
    """Store the answer, or give the one that was stored first."""
    kept = means.conversations.keep_answer(conversation, answer=answer, now=now)
    if kept is None or kept.answer is None:
        raise NotFoundError("the conversation is gone", code="unknown_conversation")
    if kept.answer == answer.text:
        return Reply(kept.answer, answer.outcome, counts)
    return Reply(_given(kept.answer, kept, event), "repeated")


def _given(answer: str, conversation: Conversation, event: EventCall) -> str:
    """The stored answer, but the confirmation of a STOP only to the STOP itself: a text that
    comes late, or lost the race, would have the customer told twice."""
    if conversation.outcome != "opted_out" or _is_stop_heard(event, conversation=conversation):
        return answer
    return reply(_CONFIRMED, intent="opted_out", close=True, private=True)


def _is_repeat(event: EventCall, *, conversation: Conversation) -> bool:
    """Whether this very event was answered: its number, or a START while we wait for a word."""
    if _is_stop_heard(event, conversation=conversation):
        return True
    if not conversation.is_in(event.dialog):
        return False
    if event.type == "START":
        return conversation.state is State.ASKED
    seen = conversation.answer_seq
    return event.sequence is not None and seen is not None and event.sequence <= seen


def _still_valid(conversation: Conversation, *, banner: Banner, now: datetime) -> bool:
    """A final answer stands for a while: late events of the same moment do not decide anew."""
    if not conversation.decided or conversation.answer_at is None:
        return False
    return now - conversation.answer_at < timedelta(seconds=banner.routing.decision_valid_s)


def _hear_stop(
    event: EventCall, seat: Seat, conversation: Conversation, banner: Banner, means: Means,
    now: datetime,
) -> Reply | None:  # fmt: skip
    """STOP of a customer whose number we know. Heard once: the same event again, after a START
    perhaps, is a repeat like any other."""
    customer = conversation.customer
    if customer is None or not is_revocation(event.text):
        return None
    if _is_stop_heard(event, conversation=conversation):
        return None
    if conversation.line is not None:  # heard and confirmed before it came here (inbound.py)
        return _say("opted_out", event, seat, conversation, banner, means, now, aloud=False)
    where = f"{conversation.account}#{conversation.id}"
    heard = means.customers.hear_stop(
        customer, banner=banner.name, scope=seat.program.consent.opt_out_scope,
        how="text to the routing bot", words=event.text, evidence=where,
        event=f"{where}#{_name(event) or iso(now)}", now=now, at=_said_at(event, or_else=now),
    )  # fmt: skip
    ours = heard.confirm and not _carrier_confirms(event, seat, conversation)
    return _say("opted_out", event, seat, conversation, banner, means, now, aloud=ours)


def _carrier_confirms(event: EventCall, seat: Seat, conversation: Conversation) -> bool:
    """Whether the customer has the confirmation from the carrier: by SMS, for its own words."""
    by_sms = conversation.channel is Channel.SMS
    return (by_sms and seat.program.consent.confirm == "carrier"
            and is_carrier_word(event.text))  # fmt: skip


def _hear_start(
    event: EventCall, seat: Seat, conversation: Conversation, banner: Banner, means: Means,
    now: datetime,
) -> Reply | None:  # fmt: skip
    """START restores what the customer had agreed to; without a STOP it is a text like others.

    It counts forward only: brought late or again, it lifts neither a newer STOP nor an erasure.
    A START event repeats the last words, whenever they were said: only the first one is news."""
    customer = conversation.customer
    if customer is None or conversation.line is not None or not is_restart(event.text):
        return None
    opens = event.type == "START"
    if _is_repeat(event, conversation=conversation) or (opens and conversation.answer_at):
        return None
    restored = means.customers.opt_in(
        customer, banner=banner.name, scope=seat.program.consent.opt_out_scope,
        how="text to the routing bot", words=event.text, now=now,
        evidence=f"{conversation.account}#{conversation.id}",
        at=_said_at(event, or_else=conversation.created_at if opens else now),
    )  # fmt: skip
    return _say("opted_in", event, seat, conversation, banner, means, now) if restored else None


def _said_at(event: EventCall, *, or_else: datetime) -> datetime:
    said = event.said_ms
    return or_else if said is None else from_epoch_ms(said)


def _is_stop_heard(event: EventCall, *, conversation: Conversation) -> bool:
    return conversation.stop is not None and conversation.stop == _name(event)


def _name(event: EventCall) -> str | None:
    """Names the very event, as dialog#number; None if LivePerson did not name it so."""
    if event.dialog is None or event.sequence is None:
        return None
    return f"{event.dialog}#{event.sequence}"


def _say(
    outcome: str, event: EventCall, seat: Seat, conversation: Conversation, banner: Banner,
    means: Means, now: datetime, aloud: bool = True,
) -> Reply:  # fmt: skip
    """`aloud`: to the customer; else to the agents only, as an empty answer is an error."""
    language = conversation.language or banner.language
    sentence = seat.program.message(outcome, language=language, banner=banner.label)
    if not aloud:
        sentence = _CONFIRMED
    # After STOP there is nothing more to say; after START the customer may go on and ask.
    stopped = outcome == "opted_out"
    answer = Answer(
        text=reply(sentence, intent=outcome, close=stopped, private=not aloud), outcome=outcome,
        state=State.CLOSED if stopped else State.ASKED, round=conversation.round,
        asked=conversation.asked, sequence=event.sequence, dialog=event.dialog,
        stop=_name(event) if stopped else None,
    )  # fmt: skip
    counts = ("OptedOut",) if stopped else ()
    return _keep(answer, event, conversation, means, now, counts=counts)


def _aside(event: EventCall, *, conversation: Conversation, program: Program) -> Reply:
    """An event that needs no decision still needs a message: an empty answer is an error."""
    language = conversation.language
    if event.kind == "close":
        sentence = program.message("goodbye", language=language)
        return Reply(reply(sentence, intent="goodbye"), "goodbye")
    note = f"Routing bot: event {event.type} needs no answer."
    return Reply(reply(note, intent="ignored", private=True), "ignored", ("EventIgnored",))


def _to_last_skill(banner: Banner, *, program: Program) -> Reply:
    """The answer when what we depend on is away: a person of some kind takes over."""
    sentence = program.message("skill", language=banner.language, banner=banner.label)
    body = reply(sentence, intent="last_skill", skill=banner.last_skill)
    return Reply(body, "dependencies_away", ("RoutedToSkill",))
