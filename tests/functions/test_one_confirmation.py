"""A STOP is confirmed once, whoever heard it and however often it is said; after START, anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.bot_rig import PHONE, BotRig, text_event

from instore.adapters.consents import Consents
from instore.adapters.conversation_changes import ConversationChanges
from instore.adapters.customers import Customers
from instore.adapters.table import Table
from instore.assigning import take
from instore.assignment import ConversationChange, Kind, hear_webhook
from instore.consent import Customer, Revoked
from instore.model import Phone, epoch_ms, iso
from instore.notify import Means

SENTENCE = "You will get no more texts from us. Text START to get them again."
BACK = "You will get texts from us again. Text STOP to end them."
NOTE = "Routing bot: the customer wants no texts; that is confirmed already."
CLOSE = {"name": "CLOSE_CONVERSATION", "parameters": {}}


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    rig = BotRig(table, clock)
    rig.bind()
    rig.create()
    return rig


def heard(answer: tuple[int, Any]) -> list[str]:
    """What reaches the customer; a STOP's answer closes the conversation either way."""
    status, body = answer
    assert status == 200
    said = [part["data"] for part in body["response"] if part["type"] == "TEXT"]
    private = [text for text in said if text.get("messageAudience") == "AGENTS_AND_MANAGERS"]
    assert [text["message"] for text in private] in ([], [NOTE])
    if private:
        assert [p["data"] for p in body["response"] if p["type"] == "ACTION"] == [CLOSE]
    return [text["message"] for text in said if text not in private]


def known(bot: BotRig) -> Customer:
    customers = bot.services.customers
    customer = customers.get(customers.id_of(Phone(PHONE)))
    assert customer is not None
    return customer


def ledger(bot: BotRig) -> list[dict[str, Any]]:
    return Consents(bot.table).entries(known(bot).id)


def by_webhook(bot: BotRig, text: str = "STOP", *, sequence: int = 1, at: float = 0,
               conversation: str = "c-1") -> str:  # fmt: skip
    """The same text as LivePerson's webhook brings it, taken as functions/agent_assigned does."""
    who = {"id": "c" * 32, "role": "CONSUMER"}
    entry = {"sequence": sequence, "originatorMetadata": who, "dialogId": conversation,
             "serverTimestamp": epoch_ms(bot.clock.now()) + int(at * 1000),
             "event": {"type": "ContentEvent", "message": text}}  # fmt: skip
    (change,) = hear_webhook(bot.account, {"type": "ms.MessagingEventNotification",
                                           "body": {"changes": [entry]}}).changes  # fmt: skip
    return take(change, means=means(bot), now=bot.clock.now()).what


def means(bot: BotRig) -> Means:
    """What a revocation needs of them; the rest is never touched."""
    given: dict[str, Any] = dict.fromkeys(Means.__dataclass_fields__)
    return Means(**{**given, "program": bot.program, "changes": ConversationChanges(bot.table),
                    "customers": bot.services.customers, "now": bot.clock.now})  # fmt: skip


# ------------------------------------------------------------------ the bot


def test_one_stop_one_confirmation_and_the_same_event_the_same_answer(bot: BotRig) -> None:
    first = bot.say("Stop texting me please", 1)
    assert heard(first) == [SENTENCE]
    assert bot.say("Stop texting me please", 1) == first


def test_a_second_stop_in_the_conversation_is_not_confirmed(bot: BotRig) -> None:
    assert heard(bot.say("STOP", 1)) == [SENTENCE]
    for sequence, text in enumerate(("STOP", "stop it", "I said STOP!", "Unsubscribe"), 2):
        assert heard(bot.say(text, sequence)) == []
    assert known(bot).opted_out == bot.clock.now()
    assert [entry["what"] for entry in ledger(bot)] == ["revoked"]


@pytest.mark.parametrize("scope", ["all", "banner"])
def test_a_stop_in_another_conversation_is_not_confirmed(
    table: Table, clock: Any, scope: str
) -> None:
    bot = BotRig(table, clock, consent={"opt_out_scope": scope})
    bot.bind()
    bot.create()
    assert heard(bot.say("STOP", 1)) == [SENTENCE]
    clock.advance(3 * 86400)
    bot.create(conversation="c-2")
    assert heard(bot.say("STOP", 1, conversation="c-2")) == []


def test_a_late_text_does_not_bring_the_confirmation_again(bot: BotRig) -> None:
    assert heard(bot.say("STOP", 5)) == [SENTENCE]
    assert heard(bot.say("hello", 4)) == []
    assert heard(bot.say("hello", 3)) == []


def test_a_text_that_loses_the_race_to_a_stop_is_not_told_of_it(
    bot: BotRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = bot.services.conversations
    original, said = conversations.keep_answer, []

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.undo()
        said.append(bot.beside("STOP", 2))
        return original(*args, **kwargs)

    monkeypatch.setattr(conversations, "keep_answer", meanwhile)
    assert heard(bot.say("hello", 1)) == []
    assert [heard(answer) for answer in said] == [[SENTENCE]]


def test_after_start_a_stop_is_confirmed_anew(bot: BotRig) -> None:
    assert heard(bot.say("STOP", 1)) == [SENTENCE]
    assert heard(bot.say("START", 2)) == [BACK]
    assert "stop_confirmed" not in (bot.table.get(f"CUSTOMER#{known(bot).id}", "CUSTOMER") or {})
    bot.clock.advance(60)
    assert heard(bot.say("please stop", 3)) == [SENTENCE]
    assert heard(bot.say("please stop", 4)) == []
    assert [entry["what"] for entry in ledger(bot)] == ["revoked", "restored", "revoked"]


def test_a_crash_after_the_block_does_not_lose_the_confirmation(
    bot: BotRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block is written, the answer is not: the event comes again and is answered."""
    with monkeypatch.context() as patched:
        patched.setattr(bot.services.conversations, "keep_answer", lambda *_, **__: 1 / 0)
        assert bot.call("POST", "events", text_event("STOP", 1))[0] == 503
    assert known(bot).opted_out == bot.clock.now()
    assert heard(bot.say("STOP", 1)) == [SENTENCE]
    assert heard(bot.say("STOP", 2)) == []


def test_a_stop_nobody_numbered_is_confirmed_once(bot: BotRig) -> None:
    def unnamed() -> Any:
        bot.clock.advance(1)
        return bot.call("POST", "events", {"type": "TEXT", "source": "CONSUMER",
                                           "data": {"message": "STOP"}})  # fmt: skip

    assert heard(unnamed()) == [SENTENCE]
    assert heard(unnamed()) == []


def test_two_stops_at_the_same_moment_are_confirmed_once(
    bot: BotRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two conversations, the second between the first one's read and write."""
    customers, name = bot.services.customers, known(bot).id
    told: list[Revoked] = []

    def stop(event: str) -> None:
        told.append(customers.hear_stop(
            name, banner="kay", scope="all", how="t", words="STOP", evidence="e", event=event,
            now=bot.clock.now(),
        ))  # fmt: skip

    original = Table.transact

    def meanwhile(self: Table, actions: Any) -> Any:
        monkeypatch.undo()
        stop("c-2#d#1")
        return original(self, actions)

    monkeypatch.setattr(Table, "transact", meanwhile)
    stop("c-1#d#1")
    assert told == [Revoked(new=True, confirm=True), Revoked(new=False, confirm=False)]
    assert len(ledger(bot)) == 1


# ------------------------------------------------------------------ other paths


def test_a_stop_heard_by_bot_and_webhook_is_confirmed_once(bot: BotRig) -> None:
    assert heard(bot.say("STOP", 1)) == [SENTENCE]
    assert by_webhook(bot, sequence=1) == "duplicate"
    assert heard(bot.say("STOP", 2)) == []


def test_a_stop_the_webhook_brings_first_is_confirmed_by_the_bot_once(bot: BotRig) -> None:
    assert by_webhook(bot, sequence=1) == "revoked"
    assert heard(bot.say("STOP", 1)) == [SENTENCE]
    assert heard(bot.say("STOP", 2)) == []
    assert [entry["what"] for entry in ledger(bot)] == ["revoked"]


def test_a_late_webhook_of_a_stop_the_bot_heard_does_not_undo_a_start(bot: BotRig) -> None:
    bot.say("STOP", 1)
    bot.say("START", 2)
    assert by_webhook(bot, sequence=1) == "duplicate"
    assert known(bot).opted_out is None
    assert by_webhook(bot, "please stop", sequence=7) == "revoked"
    assert known(bot).opted_out == bot.clock.now()


def test_an_agents_conversation_says_nothing_and_a_later_stop_is_confirmed(bot: BotRig) -> None:
    assert by_webhook(bot, "stop texting me", sequence=9) == "revoked"
    assert by_webhook(bot, "STOP!", sequence=10, at=1) == "revoked_before"
    bot.clock.advance(86400)
    bot.create(conversation="c-2")
    assert heard(bot.say("STOP", 1, conversation="c-2")) == [SENTENCE]
    assert heard(bot.say("STOP", 2, conversation="c-2")) == []


def test_a_recorded_no_leaves_the_confirmation_to_the_customers_own_stop(bot: BotRig) -> None:
    customers = bot.services.customers
    customers.opt_out(known(bot).id, banner="kay", scope="all", how="in store", words="no",
                      now=bot.clock.now(), who="ana@example.com")  # fmt: skip
    assert heard(bot.say("STOP", 1)) == [SENTENCE]
    assert heard(bot.say("STOP", 2)) == []


def test_out_since_before_confirmations_were_noted_is_not_confirmed_again(
    bot: BotRig, table: Table
) -> None:
    name = known(bot).id
    item = table.get(f"CUSTOMER#{name}", "CUSTOMER") or {}
    table.put({**item, "opted_out": iso(bot.clock.now())})
    assert heard(bot.say("STOP", 1)) == []


# ------------------------------------------------------------------ the carrier confirms


@pytest.mark.parametrize(
    ("text", "said"),
    [("STOP", []), (" stop ", []), ("OptOut", []), ("opt out", [SENTENCE]),
     ("Stop.", [SENTENCE]), ("please stop texting me", [SENTENCE]), ("ARRET", [SENTENCE])],
)  # fmt: skip
def test_where_the_carrier_confirms_its_own_words_we_do_not(
    table: Table, clock: Any, text: str, said: list[str]
) -> None:
    bot = BotRig(table, clock, consent={"confirm": "carrier"})
    bot.bind()
    bot.create()
    assert heard(bot.say(text, 1)) == said
    assert known(bot).opted_out == clock.now()
    assert heard(bot.say("stop all", 2)) == []


def test_the_carrier_does_not_see_what_is_typed_on_the_web(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock, consent={"confirm": "carrier"})
    bot.bind()
    bot.create()
    item = bot.item()
    table.put({**item, "channel": "web"})
    assert heard(bot.say("STOP", 1)) == [SENTENCE]


# ------------------------------------------------------------------ the ledger


def test_every_entry_says_who_when_how_in_what_words_and_where(bot: BotRig) -> None:
    long = "Hi. " * 60 + "Please stop texting me."
    bot.say(long, 1)
    began = bot.clock.now()
    bot.clock.advance(60)
    bot.say("START", 2)
    bot.clock.advance(60)
    by_webhook(bot, "stop texting me", sequence=3, at=-30)
    told = [{name: entry.get(name) for name in ("what", "who", "method", "words", "evidence",
                                                "at", "recorded_at", "banner", "scope")}
            for entry in ledger(bot)]  # fmt: skip
    same = {"who": "customer", "evidence": f"{bot.account}#c-1", "banner": "kay", "scope": "all"}
    assert told == [
        {**same, "what": "revoked", "method": "text to the routing bot", "words": long,
         "at": iso(began), "recorded_at": iso(began)},
        {**same, "what": "restored", "method": "text to the routing bot", "words": "START",
         "at": iso(began + timedelta(seconds=60)),
         "recorded_at": iso(began + timedelta(seconds=60))},
        {**same, "what": "revoked", "method": "words in a conversation",
         "words": "stop texting me", "at": iso(began + timedelta(seconds=90)),
         "recorded_at": iso(began + timedelta(seconds=120))},
    ]  # fmt: skip
    assert Consents(bot.table).problems(known(bot).id) == []


def test_a_stop_said_in_a_time_to_come_is_entered_as_of_now(bot: BotRig) -> None:
    by_webhook(bot, sequence=3, at=86400)
    assert ledger(bot)[0]["at"] == iso(bot.clock.now())


def test_the_name_of_the_text_goes_through_the_queue() -> None:
    from instore.assignment import from_message

    change = ConversationChange("10000002", "c-1", Kind.REVOCATION, 1795021195521, words="STOP",
                                event="c-1#4")  # fmt: skip
    assert from_message(change.as_message()) == change


def test_customers_hear_stop_is_one_read_and_one_write(
    table: Table, clock: Any, requests_made: list[Any]
) -> None:
    customers = Customers(table, key="k")
    name = customers.id_of(Phone(PHONE))
    given: Any = {"banner": "kay", "scope": "all", "how": "t", "words": "STOP", "evidence": "e",
                  "now": clock.now()}  # fmt: skip
    requests_made.clear()
    assert customers.hear_stop(name, event="1", **given) == Revoked(new=True, confirm=True)
    assert [call[1] for call in requests_made] == ["GetItem", "TransactWriteItems"]
    requests_made.clear()
    assert customers.hear_stop(name, event="1", **given) == Revoked(new=False, confirm=True)
    assert customers.hear_stop(name, event="2", **given) == Revoked(new=False, confirm=False)
    assert [call[1] for call in requests_made] == ["GetItem", "UpdateItem"] * 2
