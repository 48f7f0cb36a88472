"""STOP, START and HELP by text, in Twilio's words and in plain ones; and what our side writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from local.lock import watching
from tests.inbound_rig import ANNA, BRANCH_NUMBER, PATIENCE, InboundRig
from tests.line_rig import ANNAS, SENDER, inbound, status
from tests.outreach_rig import ACCOUNT, phone

from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.carrier_codes import Effect
from instore.errors import TwilioRefusedError, VendorUnavailableError
from instore.line_answers import parts_of
from instore.model import epoch
from instore.runtime.means import status_means
from instore.statuses import take_status
from instore.told import STATUS, Told

ANA = phone(0)
STOPPED = "You will get no more texts from us. Text START to get them again."
BACK = "You will get texts from us again. Text STOP to end them."
HELPED = (
    "Kay Jewelers: N201 reads your texts to this number. Write what you need and we will answer "
    "here. Msg and data rates may apply. Text STOP to end texts."
)


@pytest.fixture
def rig(table: Table, clock: Any) -> InboundRig:
    return InboundRig(table, clock)


def out(rig: InboundRig) -> bool:
    known = rig.known()
    return known is not None and known.opted_out is not None


def entries(rig: InboundRig) -> list[tuple[str, str]]:
    found = Consents(rig.table).entries(rig.name())
    assert Consents(rig.table).problems(rig.name()) == []
    return [(entry["what"], entry["words"]) for entry in found]


# ---------------------------------------------------------------- STOP


@pytest.mark.parametrize("word", ["STOP", "stop", " Unsubscribe ", "OPTOUT", "Revoke"])
def test_twilios_own_words_are_recorded_and_twilio_answers(rig: InboundRig, word: str) -> None:
    rig.texts(word)
    assert out(rig)
    assert entries(rig) == [("revoked", word)]
    assert (rig.twilio.messages, rig.connector.talks) == ([], [])


@pytest.mark.parametrize("words", ["stop please", "opt out", "no más mensajes", "ARRET",
                                   "Please stop texting me", "🛑"])  # fmt: skip
def test_plain_words_are_recorded_and_confirmed_once_by_us(rig: InboundRig, words: str) -> None:
    fields = rig.texts(words)
    assert out(rig)
    assert rig.twilio.to(ANA) == [STOPPED]
    assert rig.twilio.messages[0].sender == SENDER
    assert rig.again(fields) == []
    rig.texts(words)
    assert rig.twilio.to(ANA) == [STOPPED]
    assert [what for what, _ in entries(rig)] == ["revoked"]
    assert rig.connector.talks == []


def test_what_twilio_answered_itself_is_not_confirmed_by_us(rig: InboundRig) -> None:
    """Advanced Opt-Out: the account's own words in any language."""
    rig.texts("basta ya", OptOutType="STOP")
    assert out(rig)
    rig.texts("otra vez", OptOutType="START")
    assert not out(rig)
    rig.texts("socorro", OptOutType="HELP")
    assert (rig.twilio.messages, rig.connector.talks) == ([], [])
    assert entries(rig) == [("revoked", "basta ya"), ("restored", "otra vez")]


def test_one_stop_is_confirmed_whoever_hears_the_next(rig: InboundRig) -> None:
    rig.texts("STOP")
    rig.texts("please stop")
    assert rig.twilio.messages == []


def test_a_stop_is_shown_where_the_customer_is_talking(rig: InboundRig) -> None:
    rig.texts("Is my ring ready?")
    rig.texts("STOP")
    assert rig.connector.said == [["Is my ring ready?", "STOP"]]


def test_a_stop_opens_nothing_where_the_conversation_is_over(rig: InboundRig) -> None:
    rig.texts("Is my ring ready?")
    rig.connector.talks[0].is_open = False
    fields = rig.texts("STOP")
    assert out(rig)
    assert rig.connector.said == [["Is my ring ready?"]]
    assert rig.received(fields)["what"] == "heard"
    rig.texts("HELP")
    assert rig.connector.said == [["Is my ring ready?"]]


def test_a_stop_counts_though_livepersons_away(rig: InboundRig) -> None:
    rig.texts("Is my ring ready?")
    fields = inbound("please stop")
    rig.connector.failures = [VendorUnavailableError("5xx")] * 2
    assert rig.again(fields) == ["m-0"]
    assert out(rig)
    assert rig.twilio.to(ANA) == [STOPPED]
    rig.connector.failures = []
    assert rig.again(fields) == []
    assert rig.twilio.to(ANA) == [STOPPED]
    assert [what for what, _ in entries(rig)] == ["revoked"]


def test_a_stop_counts_at_once_though_a_text_before_it_cannot_be_passed_on(rig: InboundRig) -> None:
    """LivePerson is away: what was said before comes again for half an hour, a STOP waits for none
    of it."""
    rig.connector.failures = [VendorUnavailableError("lost")]
    words, stop = inbound("Where is my ring?"), inbound("please stop")
    assert rig.again(words, stop) == ["m-0"]
    assert out(rig)
    assert rig.twilio.to(ANA) == [STOPPED]
    assert rig.received(stop)["state"] == "done"
    rig.clock.advance(PATIENCE)
    assert rig.again(words) == []
    assert rig.connector.said == [["Where is my ring?"]]


def test_a_stop_counts_though_twilio_refuses_the_confirmation(rig: InboundRig) -> None:
    rig.twilio.failures = [
        TwilioRefusedError(code=21610, effect=Effect.SUPPRESS, vendor_status=400)
    ]
    rig.texts("please stop")
    assert out(rig)
    assert rig.twilio.messages == []


def test_a_confirmation_that_comes_too_late_is_none(rig: InboundRig) -> None:
    """47 CFR 64.1200(a)(12): within five minutes."""
    said = rig.clock.now()
    rig.clock.advance(PATIENCE)
    assert rig.again(inbound("please stop"), at=said) == []
    assert out(rig)
    assert rig.twilio.messages == []


def test_a_stop_that_comes_late_or_a_start_that_comes_late(rig: InboundRig) -> None:
    """What counts is when it was said, not when it is brought."""
    first = rig.clock.now()
    rig.clock.advance(60)
    rig.texts("please stop")
    assert rig.again(inbound("start"), at=first) == []
    assert out(rig)
    rig.clock.advance(60)
    rig.texts("start")
    assert not out(rig)


def test_a_stop_is_as_old_as_it_was_said(rig: InboundRig) -> None:
    """Brought only at the second try, it does not hide the START that was said after it."""
    said = rig.clock.now()
    started = rig.clock.now() + timedelta(seconds=60)
    rig.clock.advance(PATIENCE)
    assert rig.again(inbound("please stop"), at=said) == []
    assert out(rig)
    assert rig.again(inbound("start"), at=started) == []
    assert not out(rig)


def test_the_echo_of_a_stop_out_of_livepersons_conversation_stops_nothing(rig: InboundRig) -> None:
    """LivePerson tells of the STOP that we said in its conversation, after a START: without the
    mark on the conversation it would count as a new one."""
    rig.connector.opened = rig.bot_is_asked
    rig.texts("Is my ring ready?")
    rig.texts("STOP")
    rig.clock.advance(10)
    rig.texts("START")
    assert not out(rig)
    rig.clock.advance(10)
    (talk,) = rig.connector.talks
    consumer = {"id": "c0ffee", "role": "CONSUMER"}
    for words in ("STOP", "START"):
        document = rig.document(talk, words, originatorMetadata=consumer)
        assert rig.heard(document) == []
    assert [what for what, _ in entries(rig)] == ["revoked", "restored"]


# ---------------------------------------------------------------- START


@pytest.mark.parametrize(("word", "confirmed"), [("START", []), ("yes", []), ("unstop", []),
                                                 ("start please", [BACK]), ("alta", [BACK])])  # fmt: skip
def test_a_start_lifts_the_block(rig: InboundRig, word: str, confirmed: list[str]) -> None:
    rig.texts("STOP")
    fields = rig.texts(word)
    assert not out(rig)
    assert rig.again(fields) == []
    assert rig.twilio.to(ANA) == confirmed
    assert rig.connector.talks == []


def test_an_old_start_told_again_lifts_no_newer_stop(rig: InboundRig) -> None:
    """What Twilio signed holds for ever; notes of other texts are gone after 35 days."""
    start = rig.texts("YES")
    rig.clock.advance(36 * 86400)
    rig.texts("STOP")
    for item in items(rig):
        if item.get("expires_at", 10**12) < epoch(rig.clock.now()):
            rig.table.delete(item["pk"], item["sk"])
    rig.clock.advance(60)
    assert rig.again(start) == []
    assert out(rig)
    rig.texts("YES")
    assert not out(rig)


def test_a_start_without_a_stop_asks_nothing_and_other_words_may_be_meant(rig: InboundRig) -> None:
    rig.texts("START")
    assert rig.connector.talks == []
    rig.texts("resume")
    rig.texts("yes")
    assert rig.connector.said == [["resume", "yes"]]
    assert rig.twilio.messages == []


# ---------------------------------------------------------------- HELP


@pytest.mark.parametrize("word", ["HELP", "info", "Help!", "¿Ayuda?", "aide"])
def test_help_is_answered_in_our_words(rig: InboundRig, word: str) -> None:
    fields = rig.texts(word)
    assert rig.again(fields) == []
    assert rig.twilio.to(ANA) == [HELPED]
    assert rig.connector.talks == []


def test_help_is_answered_though_the_customer_is_out(rig: InboundRig) -> None:
    rig.texts("please stop")
    rig.texts("HELP")
    assert rig.twilio.to(ANA) == [STOPPED, HELPED]


def test_help_from_a_number_that_is_nobodys_own(rig: InboundRig) -> None:
    rig.texts("HELP", To=BRANCH_NUMBER)
    (told,) = rig.twilio.messages
    assert told.sender == BRANCH_NUMBER
    assert told.body == HELPED.replace("N201", "your associate")


def test_a_cry_for_help_is_no_help_word(rig: InboundRig) -> None:
    rig.texts("help, I lost my ring")
    assert rig.connector.said == [["help, I lost my ring"]]
    assert rig.twilio.messages == []


# ---------------------------------------------------------------- our side answers


def test_an_associates_words_go_to_the_customer_from_the_same_number(rig: InboundRig) -> None:
    rig.texts("Is my ring ready?")
    (talk,) = rig.connector.talks
    assert rig.writes(talk, "It is!\n") == []
    (told,) = rig.twilio.messages
    assert (told.to, told.sender, told.body) == (ANA, SENDER, "It is!")
    text = next(item for item in items(rig) if item["pk"].startswith("TEXT#"))
    assert (text["purpose"], text["agent"], text["conversation"]) == ("reply", ANNA, talk.id)
    assert text["customer"] == rig.name()


def items(rig: InboundRig) -> list[dict[str, Any]]:
    from instore.adapters.table import decode

    return [decode(raw) for raw in rig.table._client.scan(TableName=rig.table.name)["Items"]]


def test_the_same_words_told_again_are_texted_once_and_others_again(rig: InboundRig) -> None:
    rig.texts("Is my ring ready?")
    (talk,) = rig.connector.talks
    for _ in range(3):
        rig.writes(talk, "It is!")
    rig.writes(talk, "It is!", sequence=8)
    assert rig.twilio.to(ANA) == ["It is!", "It is!"]


def test_words_without_a_number_are_known_by_what_they_are(rig: InboundRig) -> None:
    rig.texts("Hi")
    (talk,) = rig.connector.talks
    rig.writes(talk, "Hello", sequence=None)
    rig.writes(talk, "Hello", sequence=None)
    rig.writes(talk, "Hello?", sequence=None)
    assert rig.twilio.to(ANA) == ["Hello", "Hello?"]


@pytest.mark.parametrize(("role", "pid"), [("ASSIGNED_AGENT", "bot-pid"), ("MANAGER", "pid-202"),
                                           ("AGENT", "pid-203")])  # fmt: skip
def test_whoever_speaks_aloud_is_heard(rig: InboundRig, role: str, pid: str) -> None:
    rig.texts("Hi")
    rig.writes(rig.connector.talks[0], "One moment.", role=role, pid=pid)
    assert rig.twilio.to(ANA) == ["One moment."]


@pytest.mark.parametrize("how", [{"messageAudience": "AGENTS_AND_MANAGERS"}, {"role": "CONTROLLER"},
                                 {"role": "READER"}])  # fmt: skip
def test_what_is_said_among_agents_stays_there(rig: InboundRig, how: dict[str, str]) -> None:
    rig.texts("Hi")
    rig.writes(rig.connector.talks[0], "He is difficult", **how)  # type: ignore[arg-type]  # mixed keywords
    assert rig.twilio.messages == []


def test_words_of_another_conversation_are_nobodys(rig: InboundRig) -> None:
    rig.texts("Hi")
    (talk,) = rig.connector.talks
    talk.id = "not-of-the-line"
    assert rig.writes(talk, "Hello") == []
    assert rig.twilio.messages == []


def test_an_answer_finds_its_way_by_what_the_bot_was_told(rig: InboundRig) -> None:
    """Our own note of whose conversation it is may not be written yet, or be lost."""
    rig.connector.opened = rig.bot_is_asked
    rig.texts("Hi")
    (talk,) = rig.connector.talks
    rig.table.delete(f"CONVERSATION#{ACCOUNT}#{talk.id}", "LINE")
    rig.writes(talk, "Hello")
    assert rig.twilio.to(ANA) == ["Hello"]


def test_to_who_said_stop_nothing_goes(rig: InboundRig) -> None:
    rig.texts("Hi")
    rig.texts("STOP")
    assert rig.writes(rig.connector.talks[0], "But wait") == []
    assert rig.twilio.messages == []
    rig.texts("START")
    rig.writes(rig.connector.talks[0], "Welcome back", sequence=9)
    assert rig.twilio.to(ANA) == ["Welcome back"]


@pytest.mark.parametrize("state", ["releasing", "released"])
def test_from_a_number_that_is_gone_nothing_goes(rig: InboundRig, state: str) -> None:
    rig.texts("Hi")
    rig.give(SENDER, ANNAS, state=state)
    assert rig.writes(rig.connector.talks[0], "Hello") == []
    assert rig.twilio.messages == []


def test_a_number_that_twilio_no_longer_sends_from_is_noted(rig: InboundRig) -> None:
    rig.texts("Hi")
    lost = TwilioRefusedError(code=21606, effect=Effect.SENDER_LOST, vendor_status=400)
    rig.twilio.failures = [lost]
    assert rig.writes(rig.connector.talks[0], "Hello") == []
    assert (rig.table.get(f"LINE#{SENDER}", "LOST") or {})["code"] == 21606


def test_words_dated_in_the_future_are_words_all_the_same(rig: InboundRig) -> None:
    rig.texts("Hi")
    ahead = (epoch(rig.clock.now()) + 3600) * 1000
    assert rig.writes(rig.connector.talks[0], "Hello", serverTimestamp=ahead) == []
    assert rig.twilio.to(ANA) == ["Hello"]


def test_a_text_of_unknown_outcome_is_not_sent_again(rig: InboundRig) -> None:
    rig.texts("Hi")
    (talk,) = rig.connector.talks
    rig.twilio.failures, rig.twilio.processed_although_failed = (
        [VendorUnavailableError("5xx")],
        True,
    )
    assert rig.writes(talk, "Hello") == []
    assert rig.writes(talk, "Hello") == []
    assert rig.twilio.to(ANA) == ["Hello"]


def test_a_status_that_is_faster_than_the_answer_is_kept(rig: InboundRig) -> None:
    """Twilio calls back before it has answered our request."""
    rig.texts("Hi")

    def called_back() -> None:
        told = rig.twilio.messages[-1]
        name = told.callback.partition("text=")[2].partition("#")[0]
        with watching(None, alone=True):  # another process
            means = status_means(rig.services(), count=rig.counted.append)
            fields = {**status(told.sid, "delivered"), "text": name}
            take_status(Told(STATUS, fields, rig.clock.now()), means=means)

    rig.twilio.during = called_back
    assert rig.writes(rig.connector.talks[0], "Hello") == []
    assert rig.twilio.to(ANA) == ["Hello"]
    text = next(item for item in items(rig) if item["pk"].startswith("TEXT#"))
    assert text["state"] == "delivered"


def test_a_long_answer_goes_in_parts_in_order(rig: InboundRig) -> None:
    rig.texts("Hi")
    words = " ".join(f"word{n:04d}" for n in range(400))
    rig.writes(rig.connector.talks[0], words)
    parts = rig.twilio.to(ANA)
    assert len(parts) == 3
    assert all(len(part) <= 1600 for part in parts)
    assert " ".join(parts) == words


def test_where_a_text_is_cut() -> None:
    assert parts_of("short ") == ["short"]
    assert parts_of("x" * 1600) == ["x" * 1600]
    assert parts_of("x" * 1601) == ["x" * 1600, "x"]
    assert parts_of("x" * 1000 + "\n" + "y" * 1000) == ["x" * 1000, "y" * 1000]
    assert parts_of("x" * 1600 + " y") == ["x" * 1600, "y"]
    assert parts_of("a " + "x" * 1700) == ["a " + "x" * 1598, "x" * 102]


def test_without_a_line_words_are_nobodys_business(rig: InboundRig, requests_made: Any) -> None:
    rig.texts("Hi")
    rig.without_line()
    rig.clock.advance(61)
    del requests_made[:]
    rig.writes(rig.connector.talks[0], "Hello")
    assert "BatchGetItem" not in [op for _, op, _ in requests_made]  # nobody asks whose it is
    assert rig.twilio.messages == []


def test_an_answer_costs_eight_requests(rig: InboundRig, requests_made: Any) -> None:
    rig.texts("Hi")
    del requests_made[:]
    rig.writes(rig.connector.talks[0], "Hello")
    made = [op for _, op, _ in requests_made]
    # whose, thread, number, who wrote; then texting's own: written, claimed, weighed, settled
    assert made[:5] == ["GetItem", "BatchGetItem", "GetItem", "GetItem", "GetItem"]
    assert len(made) <= 11
