"""The routing bot when events come late, anew or oddly, and when what it depends on is away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.bot_rig import BOSS, KATE, LEO, PHONE, BotRig, text_event, told

from instore.adapters.table import Table
from instore.consent import Customer
from instore.errors import UnavailableError
from instore.model import Phone, iso

TO_KATE = {"skillName": "kay-associates", "agentId": KATE}
TO_LEO = {"skillName": "kay-associates", "agentId": LEO}
CLOSED = {"name": "CLOSE_CONVERSATION"}
TEAM = "We are connecting you with our team."


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    return BotRig(table, clock)


def in_dialog(bot: BotRig, text: str, sequence: int, dialog: str) -> Any:
    event = text_event(text, sequence)
    event["context"]["lpEvent"]["dialogId"] = dialog
    return bot.call("POST", "events", event)


def start(bot: BotRig, last: str) -> Any:
    event = {"type": "START", "source": "CONVERSATION",
             "context": {"lpEvent": {"sequence": 2, "lastConsumerMessage": last}}}  # fmt: skip
    return bot.call("POST", "events", event)


def customer(bot: BotRig, name: str) -> Customer:
    known = bot.services.customers.get(name)
    assert known is not None
    return known


# ------------------------------------------------------------------ STOP whenever it comes (I9)


def test_a_stop_that_comes_after_a_later_message_was_answered_is_heard(bot: BotRig) -> None:
    name = bot.bind()
    bot.create()
    bot.say("KateM123", 5)
    first = bot.say("STOP", 4)
    assert told(first)[1] == CLOSED
    assert customer(bot, name).opted_out == bot.clock.now()
    assert bot.item()["answer_seq"] == 5
    again = bot.say("KateM123", 5)  # answered before: nobody is transferred, nobody told twice
    assert told(again)[1] == CLOSED
    assert again[1]["response"][0]["data"]["messageAudience"] == "AGENTS_AND_MANAGERS"


def test_a_start_event_whose_last_words_are_stop_is_heard(bot: BotRig) -> None:
    name = bot.bind()
    bot.create(conversation="c-1")
    bot.away(KATE, LEO, BOSS)
    bot.say("WAIT", 1)
    assert told(start(bot, "STOP"))[1] == CLOSED
    assert customer(bot, name).opted_out == bot.clock.now()


def test_a_start_event_while_a_word_is_awaited_hears_stop_only(bot: BotRig) -> None:
    name = bot.services.customers.id_of(Phone(PHONE))
    bot.create()
    asked = bot.say("hello", 1)
    assert start(bot, "KateM123") == asked
    assert told(start(bot, "STOP"))[1] == CLOSED
    assert customer(bot, name).opted_out == bot.clock.now()


def test_the_same_stop_brought_again_is_one_request_and_undoes_no_start(
    bot: BotRig, requests_made: list[Any]
) -> None:
    name = bot.bind()
    bot.create()
    bot.say("STOP", 1)
    restarted = bot.say("START", 2)
    requests_made.clear()
    assert bot.say("STOP", 1) == restarted
    assert [operation for _, operation, _ in requests_made] == ["GetItem"]
    assert customer(bot, name).opted_out is None
    assert told(bot.say("STOP", 3))[1] == CLOSED
    assert customer(bot, name).opted_out == bot.clock.now()


# ------------------------------------------------------------------ dialogs, expiry, other bots


def test_a_new_dialog_whose_numbers_begin_anew_is_decided_anew(bot: BotRig) -> None:
    bot.create()
    assert told(in_dialog(bot, "KateM123", 7, "d-1"))[1] == TO_KATE
    bot.clock.advance(7 * 86400)
    bot.away(KATE)
    first = in_dialog(bot, "KateM123", 2, "d-2")
    assert told(first)[1] == TO_LEO
    bot.online(KATE)
    bot.clock.advance(3600)
    assert in_dialog(bot, "KateM123", 2, "d-2") == first
    assert (bot.item()["answer_dialog"], bot.item()["answer_seq"]) == ("d-2", 2)


def test_a_start_event_of_a_new_dialog_is_no_repeat_and_forgets_the_old_numbers(
    bot: BotRig,
) -> None:
    bot.create()
    in_dialog(bot, "hello", 7, "d-1")
    event = {"type": "START", "source": "CONVERSATION",
             "context": {"lpEvent": {"dialogId": "d-2", "lastConsumerMessage": None}}}  # fmt: skip
    bot.call("POST", "events", event)
    assert bot.item()["turn"] == 2
    assert "answer_seq" not in bot.item()
    assert told(in_dialog(bot, "KateM123", 0, "d-2"))[1] == TO_KATE


def test_an_expired_conversation_is_unknown_and_begun_anew(bot: BotRig) -> None:
    bot.create()
    bot.clock.advance(17 * 7 * 86400)
    assert bot.say("hello", 1)[0] == 200
    bot.clock.advance(18 * 7 * 86400)
    status, body = bot.say("KateM123", 1)
    assert (status, body["code"]) == (404, "unknown_conversation")
    bot.create()
    assert bot.item()["created_at"] == iso(bot.clock.now())
    assert told(bot.say("KateM123", 1))[1] == TO_KATE


def test_another_bots_conversation_is_unknown_until_it_is_handed_over(
    table: Table, clock: Any
) -> None:
    bot = BotRig(table, clock, banners__0__bots=["kay-router", "kay-second"])
    bot.create()
    assert bot.say("KateM123", 1, bot="kay-second")[0] == 404
    bot.create(bot="kay-second")
    assert bot.item()["bot"] == "kay-second"
    assert told(bot.say("KateM123", 1, bot="kay-second"))[1] == TO_KATE
    assert bot.say("KateM123", 2)[0] == 404


# ------------------------------------------------------------------ an answer all the same


@pytest.mark.parametrize(
    ("field", "length"), [("browser", 1000), ("consumerId", 256), ("language", 40)]
)
def test_what_is_too_long_is_cut_off(bot: BotRig, field: str, length: int) -> None:
    visitor = {"consumerId": "c", "language": "en", field: "m" * (length + 1)}
    assert bot.call("PUT", "conversation", {"context": {"visitor": visitor}}) == (200, {})
    kept = {"consumerId": "consumer", "language": "language"}.get(field)
    if kept is not None:
        assert bot.item()[kept] == "m" * length
    assert told(bot.say("KateM123"))[1] == TO_KATE


def test_the_customer_is_answered_long_after_the_table_went_away(bot: BotRig) -> None:
    bot.create()
    bot.say("hello", 1)

    def away(*_: Any, **__: Any) -> Any:
        raise UnavailableError("the table is throttled or away")

    bot.table._call = away
    for seconds in (61, 1, 3600):
        bot.clock.advance(seconds)
        assert told(bot.say("KateM123", 2)) == (TEAM, {"skillName": "kay-virtual"})
    status, body = bot.say("STOP", 3)
    assert (status, body["code"]) == (503, "unavailable")


def test_a_stored_program_that_does_not_validate_tells_nothing(bot: BotRig) -> None:
    bot.create()
    item = bot.table.get("PROGRAM", "CURRENT") or {}
    newer = json.loads(item["document"]) | {"schema_version": 2}
    bot.table.put({**item, "version": 5, "document": json.dumps(newer)})
    bot.clock.advance(61)
    assert told(bot.say("KateM123", 1))[1] == TO_KATE  # by the program this process has
    bot.new_process()
    assert bot.say("KateM123", 2) == (503, {
        "code": "program_invalid_stored", "message": "the stored program does not validate",
    })  # fmt: skip
