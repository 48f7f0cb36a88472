"""A START counts wherever it is said, and forward only: late or again it lifts nothing newer (I9, I10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.bot_rig import PHONE, BotRig, text_event

from instore import erasing
from instore.adapters.consents import Consents
from instore.adapters.conversation_changes import ConversationChanges
from instore.adapters.erasures import Erasures
from instore.adapters.table import Table
from instore.assigning import take
from instore.assignment import hear_webhook
from instore.consent import Customer
from instore.model import Phone, epoch_ms, iso
from instore.notify import Means

OPTED_IN = "You will get texts from us again. Text STOP to end them."


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    rig = BotRig(table, clock)
    rig.bind()
    rig.create()
    return rig


def known(bot: BotRig) -> Customer:
    customers = bot.services.customers
    customer = customers.get(customers.id_of(Phone(PHONE)))
    assert customer is not None
    return customer


def stop(bot: BotRig, *, scope: str = "all") -> None:
    """Recorded by an associate, for instance."""
    bot.services.customers.opt_out(known(bot).id, banner="kay", scope=scope, how="told", words="",
                                   now=bot.clock.now())  # fmt: skip


def erase(bot: BotRig) -> None:
    means = erasing.Means(bot.services.customers, bot.services.batches, Erasures(bot.table))
    erasing.erase(Phone(PHONE), reason="2026-7", who="desk", means=means, now=bot.clock.now())


def opening(last: str, **more: Any) -> dict[str, Any]:
    """The event that opens a dialog and repeats the customer's last words."""
    return {"type": "START", "source": "CONVERSATION", "data": {},
            "context": {"lpEvent": {"sequence": 1, "lastConsumerMessage": last, **more}}}  # fmt: skip


def said(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert status == 200
    return str(body["response"][0]["data"]["message"])


def to_the_associate(bot: BotRig, text: str, *, at: int = 0, has: str | None = "pid") -> str:
    """What LivePerson's webhook tells of words in the conversation, said `at` seconds from now."""
    item = {**bot.item(), "state": "assigned", "agent": has}
    bot.table.put({name: value for name, value in item.items() if value is not None})
    entry = {"sequence": 9, "originatorMetadata": {"id": "c" * 32, "role": "CONSUMER"},
             "dialogId": "c-1", "serverTimestamp": epoch_ms(bot.clock.now()) + at * 1000,
             "event": {"type": "ContentEvent", "message": text}}  # fmt: skip
    heard = hear_webhook(bot.account, {"type": "ms.MessagingEventNotification",
                                       "body": {"changes": [entry]}}).changes  # fmt: skip
    if not heard:
        return "nothing"
    given: dict[str, Any] = dict.fromkeys(Means.__dataclass_fields__)
    means = Means(**{**given, "program": bot.program, "customers": bot.services.customers,
                     "changes": ConversationChanges(bot.table), "now": bot.clock.now})  # fmt: skip
    return take(heard[0], means=means, now=bot.clock.now()).what


# ------------------------------------------------------------------ to the bot, brought late or again


def test_a_start_brought_again_does_not_lift_an_erasure(bot: BotRig) -> None:
    for sequence, text in enumerate(("STOP", "START"), 1):
        bot.say(text, sequence)
        bot.clock.advance(10)
    erase(bot)
    bot.clock.advance(10)
    bot.say("START", 2)
    assert known(bot).is_erased
    assert said(bot.say("START", 3)) == OPTED_IN
    assert not known(bot).is_erased


@pytest.mark.parametrize("dated", [True, False])
def test_the_opening_event_brought_again_does_not_lift_a_later_stop(
    bot: BotRig, dated: bool
) -> None:
    stop(bot)
    bot.clock.advance(10)
    event = opening("START", **({"serverTimestamp": epoch_ms(bot.clock.now())} if dated else {}))
    event["context"]["lpEvent"]["dialogId"] = "c-1"
    bot.create(conversation="c-2")
    assert said(bot.call("POST", "events", event, conversation="c-2")) == OPTED_IN
    bot.clock.advance(10)
    bot.say("STOP", 2, conversation="c-2")
    out = known(bot).opted_out
    assert out == bot.clock.now()
    bot.clock.advance(10)
    bot.call("POST", "events", event, conversation="c-2")
    assert known(bot).opted_out == out


def test_old_words_in_a_conversation_given_back_to_the_bot_lift_nothing(bot: BotRig) -> None:
    bot.say("Kate", 1)
    bot.clock.advance(86400)
    stop(bot)
    bot.clock.advance(86400)
    bot.call("POST", "events", opening("START", serverTimestamp=epoch_ms(bot.clock.now())))
    assert known(bot).opted_out is not None


@pytest.mark.parametrize("again", [False, True])
def test_a_start_said_before_a_stop_and_heard_after_it(bot: BotRig, again: bool) -> None:
    if again:
        stop(bot)  # out already: the STOP below is the second one
    start = text_event("START", 5)
    start["context"]["lpEvent"]["serverTimestamp"] = epoch_ms(bot.clock.now())
    bot.create(conversation="c-2")
    bot.clock.advance(20)
    bot.say("STOP", 1, conversation="c-2")
    bot.clock.advance(20)
    bot.call("POST", "events", start)
    assert known(bot).opted_out is not None
    assert said(bot.say("START", 6)) == OPTED_IN
    assert known(bot).opted_out is None


def test_what_was_said_counts_by_when_it_was_said_and_not_by_when_it_came(bot: BotRig) -> None:
    late = text_event("STOP", 1)
    late["context"]["lpEvent"]["serverTimestamp"] = epoch_ms(bot.clock.now())
    bot.clock.advance(30)
    bot.call("POST", "events", late)
    start = text_event("START", 2)
    start["context"]["lpEvent"]["serverTimestamp"] = epoch_ms(
        bot.clock.now() - timedelta(seconds=9)
    )
    assert said(bot.call("POST", "events", start)) == OPTED_IN
    entries = Consents(bot.table).entries(known(bot).id)
    assert [entry["at"] for entry in entries] == [
        iso(bot.clock.now() - timedelta(seconds=s)) for s in (30, 9)
    ]


@pytest.mark.parametrize("stamp", ["soon", None, True, 17, {"a": 1}, 10**15])
def test_a_time_that_is_none_costs_no_answer(bot: BotRig, stamp: Any) -> None:
    bot.say("STOP", 1)
    start = text_event("START", 2)
    start["context"]["lpEvent"]["serverTimestamp"] = stamp
    assert said(bot.call("POST", "events", start)) == OPTED_IN


# ------------------------------------------------------------------ to an associate


@pytest.mark.parametrize("scope", ["all", "banner"])
def test_a_start_said_to_an_associate_lifts_the_block(bot: BotRig, scope: str) -> None:
    stop(bot, scope=scope)
    bot.clock.advance(60)
    assert to_the_associate(bot, "Start please") == "restored"
    assert not known(bot).is_out_of("kay")
    assert to_the_associate(bot, "Start please") == "not_out"
    last = Consents(bot.table).entries(known(bot).id)[-1]
    assert (last["what"], last["words"], last["evidence"], last["who"]) == (
        "restored", "Start please", f"{bot.account}#c-1", "customer")  # fmt: skip


def test_a_start_said_to_an_associate_lifts_a_tombstone(bot: BotRig) -> None:
    erase(bot)
    bot.clock.advance(60)
    assert to_the_associate(bot, "START", at=-61) == "not_out"
    assert known(bot).is_erased
    assert to_the_associate(bot, "START") == "restored"
    assert known(bot).back_at == bot.clock.now()


def test_a_start_said_before_a_newer_stop_lifts_nothing(bot: BotRig) -> None:
    stop(bot)
    bot.clock.advance(60)
    stop(bot)  # out already, and says it again
    bot.clock.advance(60)
    assert to_the_associate(bot, "START", at=-90) == "not_out"
    assert known(bot).opted_out is not None


def test_what_is_said_to_the_bot_is_left_to_the_bot(bot: BotRig) -> None:
    bot.say("STOP", 1)
    bot.clock.advance(60)
    assert to_the_associate(bot, "START", has=None) == "left_to_the_bot"
    assert known(bot).opted_out is not None
    assert said(bot.say("START", 2)) == OPTED_IN


@pytest.mark.parametrize("text", ["Resume", "alta", "yes", "Let us start", "restart", "SI"])
def test_what_may_answer_an_associates_question_is_no_start(bot: BotRig, text: str) -> None:
    stop(bot)
    bot.clock.advance(60)
    assert to_the_associate(bot, text) == "nothing"


def test_a_start_in_a_conversation_of_nobody_and_in_none(bot: BotRig) -> None:
    bot.create(conversation="c-3", phone=None)
    bot.table.put({**bot.item("c-3"), "pk": bot.item()["pk"], "conversation": "c-1"})
    assert to_the_associate(bot, "START") == "nobody_known"
    bot.table.delete(bot.item()["pk"], "CONVERSATION")
    entry = {"sequence": 1, "originatorMetadata": {"id": "c" * 32, "role": "CONSUMER"},
             "dialogId": "c-1", "serverTimestamp": epoch_ms(bot.clock.now()),
             "event": {"type": "ContentEvent", "message": "START"}}  # fmt: skip
    (change,) = hear_webhook(bot.account, {"type": "ms.MessagingEventNotification",
                                           "body": {"changes": [entry]}}).changes  # fmt: skip
    given: dict[str, Any] = dict.fromkeys(Means.__dataclass_fields__)
    means = Means(**{**given, "changes": ConversationChanges(bot.table)})
    assert take(change, means=means, now=bot.clock.now()).what == "foreign"
