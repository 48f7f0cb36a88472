"""The routing bot over its handler: LivePerson's calls in, answers, table and requests out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.bot_rig import BOSS, KATE, LEO, PHONE, BotRig, associate, text_event, told

from instore.adapters.backend import Found
from instore.adapters.table import Table
from instore.errors import VendorGarbageError, VendorThrottledError, VendorUnavailableError
from instore.model import Phone, due_shard, epoch, iso
from instore.presence import Presence, Status
from instore.receipts import decision_text, replay, stored_decision

SKILL = {"skillName": "kay-virtual"}
TEAM = "We are connecting you with our team."
TO_KATE = {"skillName": "kay-associates", "agentId": KATE}
SIGNED_IN = {
    "authenticatedSdes": {
        "ctmrinfo": {"type": "ctmrinfo", "info": {"customerId": "M-77", "ctype": "gold",
                                                  "companyBranch": "north", "role": "x"}},
    },
    "unauthenticatedSdes": {},
}  # fmt: skip


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    return BotRig(table, clock)


@pytest.fixture
def strict(table: Table, clock: Any) -> BotRig:
    rig = BotRig(table, clock, program="one_to_one")
    rig.add_store(
        name="Team North", openings=(),
        associates=(associate(KATE, "Dana", words=("DanaR111",)), associate(LEO, "Leo")),
    )  # fmt: skip
    return rig


def operations(calls: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    return [name for _, name, _ in calls]


# ------------------------------------------------------------------ the four routes


def test_environments_and_state(bot: BotRig) -> None:
    assert bot.call("GET", "environments") == (200, ["draft", "production"])
    assert bot.call("GET", "state", environment="draft") == (
        200, {"state": "online", "version": "1.4.0"},
    )  # fmt: skip


@pytest.mark.parametrize("switch", ["banners__0__stopped", "banners__0__features"])
def test_a_banner_switched_off_is_in_maintenance_and_still_answers(
    table: Table, clock: Any, switch: str
) -> None:
    value: Any = True if switch.endswith("stopped") else {"routing": False}
    bot = BotRig(table, clock, **{switch: value})
    assert bot.call("GET", "state")[1]["state"] == "maintenance"
    bot.create()
    assert told(bot.say("KateM123")) == (TEAM, SKILL)
    assert bot.liveperson.calls == []


@pytest.mark.parametrize(
    ("method", "tail", "more", "code"),
    [
        ("GET", "environments", {"bot": "nobody"}, "unknown_bot"),
        ("GET", "environments", {"bot": "zales-router"}, "unknown_bot"),  # another account's
        ("GET", "state", {"environment": "alpha"}, "unknown_environment"),
        ("PUT", "conversation", {"bot": "nobody"}, "unknown_bot"),
        ("POST", "events", {"environment": "alpha"}, "unknown_environment"),
        ("POST", "events", {"conversation": "evicted"}, "unknown_conversation"),
    ],
)
def test_what_we_do_not_know_is_404(
    bot: BotRig, method: str, tail: str, more: Any, code: str
) -> None:
    body = text_event("hi") if tail == "events" else {}
    status, answer = bot.call(method, tail, body, **more)
    assert (status, answer["code"]) == (404, code)
    assert answer["message"]


def test_an_evicted_conversation_recovers_by_create_and_the_same_event(bot: BotRig) -> None:
    assert bot.say("KateM123")[0] == 404
    bot.create()
    assert told(bot.say("KateM123"))[1] == TO_KATE


def test_other_routes_do_not_exist(bot: BotRig) -> None:
    assert bot.call("DELETE", "conversation")[1]["code"] == "unknown_route"


# ------------------------------------------------------------------ create


def test_create_keeps_who_it_is_and_a_second_one_changes_nothing(bot: BotRig, clock: Any) -> None:
    bot.create()
    first = bot.item()
    assert {k: first[k] for k in first if k not in ("pk", "sk")} == {
        "account": "10000002", "conversation": "c-1", "banner": "kay", "bot": "kay-router",
        "customer": bot.services.customers.id_of(Phone(PHONE)), "phone": PHONE,
        "consumer": "consumer-1", "channel": "sms", "language": "en-US",
        "campaign_skill_id": "901", "created_at": iso(clock.now()),
        "expires_at": epoch(clock.now() + timedelta(days=120)),
        "state": "created", "turn": 0, "round": 0, "asked": 0,
    }  # fmt: skip
    clock.advance(5)
    bot.create(phone="+12125550199")
    assert bot.item() == first


def test_create_needs_next_to_nothing(bot: BotRig) -> None:
    assert bot.call("PUT", "conversation", {}) == (200, {})
    assert bot.item()["channel"] == "sms"
    assert "customer" not in bot.item()
    nulls = {"sdes": None, "context": None}
    assert bot.call("PUT", "conversation", nulls, conversation="c-2") == (200, {})


def test_verified_attributes_are_kept_only_where_a_resolver_names_them(strict: BotRig) -> None:
    strict.create(sdes={**SIGNED_IN, "unauthenticatedSdes": {"ctmrinfo": {"imei": PHONE}}})
    item = strict.item()
    assert item["channel"] == "web"
    assert item["attributes"] == {
        "ctmrinfo.customerId": "M-77", "ctmrinfo.ctype": "gold",
        "ctmrinfo.companyBranch": "north",
    }  # fmt: skip
    assert "phone" not in item  # anybody can write a number into a web page's attributes


# ------------------------------------------------------------------ budgets


def test_a_bound_customer_costs_five_requests_and_one_vendor_call(
    bot: BotRig, requests_made: list[Any]
) -> None:
    bot.bind()
    bot.services.programs.current()
    requests_made.clear()
    bot.create()
    assert told(bot.say("Hello again")) == ("Connecting you with Kate.", TO_KATE)
    assert operations(requests_made) == [
        "PutItem", "GetItem", "BatchGetItem", "GetItem", "UpdateItem",
    ]  # fmt: skip
    assert bot.liveperson.calls == [("agent_view", [KATE, LEO, BOSS])]
    requests_made.clear()
    bot.create(conversation="c-2")
    assert told(bot.say("Hello", conversation="c-2"))[1] == TO_KATE
    assert operations(requests_made) == ["PutItem", "GetItem", "BatchGetItem", "UpdateItem"]
    assert len(bot.liveperson.calls) == 1


def test_a_keyword_costs_the_same(bot: BotRig, requests_made: list[Any]) -> None:
    bot.services.programs.current()
    requests_made.clear()
    bot.create()
    assert told(bot.say("katem123"))[1] == TO_KATE
    assert len(requests_made) == 5


def test_a_repeated_event_is_one_request_and_the_same_answer(
    bot: BotRig, requests_made: list[Any]
) -> None:
    bot.create()
    first = bot.say("KateM123", 3)
    bot.away(KATE, LEO, BOSS)
    bot.clock.advance(3600)  # well after the decision stopped being valid for new events
    bot.services.programs.current()
    for sequence in (3, 3, 2):
        requests_made.clear()
        assert bot.say("KateM123", sequence) == first
        assert operations(requests_made) == ["GetItem"]


def test_presence_is_kept_for_fifteen_seconds(bot: BotRig, clock: Any) -> None:
    bot.bind()
    for number, seconds in enumerate((0, 15, 0.5)):
        clock.advance(seconds)
        bot.create(conversation=f"c{number}")
        bot.say("hi there", conversation=f"c{number}")
    assert len(bot.liveperson.calls) == 2


# ------------------------------------------------------------------ I6: the same answer


def test_a_final_decision_stands_for_fifteen_minutes_then_a_new_round_decides(
    bot: BotRig, clock: Any
) -> None:
    bot.create()
    first = bot.say("KateM123", 0)
    bot.away(KATE)
    clock.advance(899)
    assert bot.say("are you there?", 1) == first
    clock.advance(1)
    again = told(bot.say("Leo77", 2))
    assert again == ("Connecting you with Leo.", {**TO_KATE, "agentId": LEO})
    assert (bot.item()["round"], bot.item()["turn"]) == (1, 2)


def test_of_two_answers_to_one_moment_the_first_stored_is_given_twice(bot: BotRig) -> None:
    bot.create()
    inner = bot.services.presences.of_store
    winner: list[Any] = []

    def meanwhile(*args: Any, **named: Any) -> Any:
        # The other invocation sees another world: Kate is away, so it chooses Leo.
        bot.services.presences.of_store = inner
        told_before = inner(*args, **named)
        bot.away(KATE)
        bot.clock.advance(16)
        winner.append(bot.beside("KateM123", 0))
        return told_before

    bot.services.presences.of_store = meanwhile
    loser = bot.say("KateM123", 0)
    assert told(winner[0])[1] == {**TO_KATE, "agentId": LEO}
    assert loser == winner[0]
    assert bot.item()["turn"] == 1


def test_a_conversation_that_vanishes_while_we_decide_is_opened_again(bot: BotRig) -> None:
    bot.create()
    inner = bot.services.presences.of_store

    def vanish(*args: Any, **named: Any) -> Any:
        bot.table.delete(f"CONVERSATION#{bot.account}#c-1", "CONVERSATION")
        return inner(*args, **named)

    bot.services.presences.of_store = vanish
    assert bot.say("KateM123")[0] == 404


def test_the_receipt_in_the_table_replays_to_the_answer_given(bot: BotRig) -> None:
    bot.create()
    bot.away(KATE)
    bot.say("KateM123")
    item = bot.item()
    stored = stored_decision(item["receipt"])
    assert decision_text(replay(item["receipt"])) == decision_text(stored)
    assert (stored.agent_id, stored.outcome) == (LEO, "least_loaded_peer")
    assert (item["target"], item["outcome"], item["state"]) == (LEO, stored.outcome, "decided")
    assert item["wanted"] == {"account": bot.account, "group": "701", "agent": KATE}
    for secret in (PHONE, "KateM123", "Kate", "consumer-1"):
        assert secret not in item["receipt"]


# ------------------------------------------------------------------ stand-ins


def test_the_least_loaded_peer_then_the_manager_then_the_skill(bot: BotRig) -> None:
    bot.bind()
    bot.away(KATE)
    bot.create()
    sentence, transfer = told(bot.say("hello"))
    assert sentence == (
        "Kate is not available right now, so Leo from the same store will help you."
    )
    assert transfer == {**TO_KATE, "agentId": LEO}
    bot.away(LEO)
    bot.clock.advance(16)
    bot.create(conversation="c-2")
    assert told(bot.say("hello", conversation="c-2"))[1] == {**TO_KATE, "agentId": BOSS}
    bot.away(BOSS)
    bot.clock.advance(16)
    bot.create(conversation="c-3")
    assert told(bot.say("hello", conversation="c-3")) == (TEAM, SKILL)


def test_a_closed_store_needs_nobodys_presence(bot: BotRig, clock: Any) -> None:
    bot.bind()
    clock.advance(9 * 3600)  # two in the morning in New York
    bot.create()
    sentence, transfer = told(bot.say("hello"))
    assert (sentence, transfer) == (
        "The store is closed right now. Our virtual associates will help you.", SKILL,
    )  # fmt: skip
    assert bot.liveperson.calls == []


def test_a_store_busy_for_long_goes_to_the_virtual_associates(bot: BotRig, clock: Any) -> None:
    bot.bind()
    bot.online(KATE, LEO, BOSS, load=1.0, slots=0)
    outcomes = []
    for number in range(3):
        bot.create(conversation=f"c{number}")
        bot.say("hello", conversation=f"c{number}")
        outcomes.append(bot.item(f"c{number}")["outcome"])
        clock.advance(7.5 * 60)
    assert outcomes == ["skill", "skill", "all_busy"]
    bot.online(LEO)
    bot.create(conversation="free")
    bot.say("hello", conversation="free")
    assert bot.item("free")["target"] == LEO
    assert "busy_since" not in (bot.table.get(f"STORE#{bot.account}#701", "STORE") or {})


@pytest.mark.parametrize(
    "fault",
    [VendorUnavailableError("away"), VendorGarbageError("not JSON"), VendorThrottledError("429")],
)
def test_no_answer_about_presence_is_no_information(bot: BotRig, fault: Exception) -> None:
    bot.bind()
    bot.create()
    bot.services.programs.current()
    token = bot.token()
    view = bot.liveperson.agent_view

    def failing(*args: Any, **named: Any) -> Any:
        bot.liveperson.calls.append(("agent_view", "failed"))
        raise fault

    bot.liveperson.agent_view = failing
    assert told(bot.say("hello", token=token)) == (TEAM, SKILL)
    # The silence is kept for a moment, not for as long as an answer.
    bot.create(conversation="c-2")
    bot.say("hello", conversation="c-2")
    assert len(bot.liveperson.calls) == 1
    bot.liveperson.agent_view = view
    bot.clock.advance(3)
    bot.create(conversation="c-3")
    assert told(bot.say("hello", conversation="c-3"))[1] == TO_KATE


def test_a_disabled_associate_is_never_chosen(bot: BotRig) -> None:
    bot.bind()
    bot.add_store(associates=(associate(KATE, "Kate", on=False), associate(LEO, "Leo")))
    bot.create()
    assert told(bot.say("hello"))[1] == {**TO_KATE, "agentId": LEO}
    assert bot.liveperson.calls == [("agent_view", [LEO, BOSS])]


def test_an_associate_who_moved_is_found_in_the_new_store(bot: BotRig) -> None:
    bot.bind()
    bot.add_store(associates=(associate(LEO, "Leo"),))
    bot.add_store(group="702", name="Bronx", associates=(associate(KATE, "Kate"),), managers=())
    bot.create()
    assert told(bot.say("hello"))[1] == TO_KATE
    assert bot.item()["wanted"]["group"] == "702"


# ------------------------------------------------------------------ keywords


def test_unknown_words_ask_twice_then_the_skill_takes_over(bot: BotRig) -> None:
    bot.create()
    assert told(bot.say("zzz9", 0)) == (
        "Who would you like to reach? Please text the name or code on their card.", None,
    )  # fmt: skip
    assert told(bot.say("zzz8", 1)) == (
        "We could not find that name or code. Please check the card and text it again.", None,
    )  # fmt: skip
    assert bot.item()["asked"] == 2
    assert told(bot.say("zzz7", 2)) == (TEAM, SKILL)
    assert bot.item()["state"] == "decided"


def test_a_greeting_is_asked_and_is_no_miss(bot: BotRig) -> None:
    bot.create()
    assert told(bot.say("Hello"))[1] is None
    customer = bot.services.customers.id_of(Phone(PHONE))
    assert bot.table.query(f"CUSTOMER#{customer}", sk_prefix="MISSES") == []


@pytest.mark.parametrize(
    "text", ["2n9c", " KATEM123. ", "kate m123", "May I speak to KateM123 please?", "KateM I23"]
)
def test_keywords_as_people_type_them(bot: BotRig, text: str) -> None:
    bot.create()
    assert told(bot.say(text))[1] == TO_KATE


@pytest.mark.parametrize("phone", [PHONE, None])
def test_too_many_misses_are_no_longer_looked_up(
    bot: BotRig, clock: Any, phone: str | None
) -> None:
    for number in range(11):
        bot.create(phone=phone, conversation=f"c{number}")
        bot.say(f"guess{number}", conversation=f"c{number}")
    bot.create(phone=phone, conversation="last")
    assert told(bot.say("KateM123", conversation="last")) == (TEAM, SKILL)
    clock.advance(3600)
    bot.create(phone=phone, conversation="next")
    assert told(bot.say("KateM123", conversation="next"))[1] == TO_KATE


def test_another_languages_words(bot: BotRig) -> None:
    visitor = {"language": "es-MX"}
    bot.call("PUT", "conversation", {"context": {"visitor": visitor}})
    assert told(bot.say("hola amigo"))[0].startswith("¿Con quién desea hablar?")


# ------------------------------------------------------------------ strict


def test_a_member_reaches_their_navigator_by_token(strict: BotRig) -> None:
    strict.create(sdes=SIGNED_IN)
    sentence, transfer = told(strict.say("Good morning"))
    assert sentence == "Connecting you with Dana."
    assert transfer == {"skillName": "plan-navigators", "agentId": KATE}
    assert strict.backend.calls == []


def test_an_offline_navigator_is_waited_for_and_nobody_else(strict: BotRig, clock: Any) -> None:
    strict.away(KATE, status=Status.OFFLINE)
    strict.create(sdes=SIGNED_IN)
    sentence, transfer = told(strict.say("Good morning"))
    assert sentence == (
        "Dana is away right now. Your message is in Dana's own queue and Dana will answer you here."
    )
    assert transfer == {"skillName": "plan-navigators", "agentId": KATE}
    item = strict.item()
    assert (item["waiting"], item["wait"], item["waiting_since"]) == (True, 1, iso(clock.now()))
    assert item["due_at"] == epoch(clock.now()) + 1440 * 60
    assert item["due_shard"] == due_shard(item["pk"])
    strict.online(KATE)
    clock.advance(900)
    strict.say("still there?", 1)
    item = strict.item()
    assert item["wait"] == 1
    assert not {"waiting", "waiting_since"} & item.keys()


def test_a_text_is_promised_only_if_it_will_be_sent(strict: BotRig) -> None:
    strict.away(KATE, status=Status.OFFLINE)
    sdes = json.loads(json.dumps(SIGNED_IN))
    sdes["authenticatedSdes"]["personal"] = {"contacts": [{"phone": "612-555-0123"}]}
    strict.create(sdes=sdes)
    assert "answer you here" in told(strict.say("Hi there"))[0]
    strict.services.customers.record_consent(
        Phone("+16125550123"), banner="plan", consent_class="one_to_one", wording="w", method="web",
        evidence="e", who="w", at=strict.clock.now(), now=strict.clock.now(), country="US",
    )  # fmt: skip
    strict.create(sdes=sdes, conversation="c-2")
    sentence, _ = told(strict.say("Hi there", conversation="c-2"))
    assert sentence.endswith("we will text you when Dana takes it.")


def test_a_program_without_notices_promises_none(table: Table, clock: Any) -> None:
    rig = BotRig(table, clock, program="one_to_one", notification__when="never")
    rig.add_store(openings=(), associates=(associate(KATE, "Dana", words=("DanaR111",)),))
    rig.away(KATE)
    rig.create(sdes=SIGNED_IN)
    assert told(rig.say("Hi there"))[0].endswith("Dana will answer you here.")


@pytest.mark.parametrize(
    ("gone", "fails", "outcome"),
    [
        (True, False, "skill"),
        (False, False, "wait_for_associate"),
        (True, True, "wait_for_associate"),
    ],
)
def test_somebody_nobody_mentions_is_looked_up_before_waiting(
    strict: BotRig, gone: bool, fails: bool, outcome: str
) -> None:
    del strict.liveperson.presence[KATE]
    strict.liveperson.gone = {KATE} if gone else set()
    if fails:
        user = VendorUnavailableError("away")

        def away(*_: Any, **__: Any) -> Any:
            raise user

        strict.liveperson.user = away
    strict.create(sdes=SIGNED_IN)
    answer = told(strict.say("Good morning"))
    assert strict.item()["outcome"] == outcome
    if outcome == "skill":
        assert answer == (TEAM, {"skillName": "plan-desk"})
        assert "wanted" not in strict.item()
        # Everybody else now knows, too, without asking again.
        strict.new_process()
        strict.create(sdes=SIGNED_IN, conversation="c-2")
        assert told(strict.say("Hi", conversation="c-2")) == answer
        assert [name for name, _ in strict.liveperson.calls] == ["agent_view", "user"]


def test_a_terminated_navigator_leads_to_the_desk_in_the_words_of_an_unknown_one(
    strict: BotRig,
) -> None:
    strict.add_store(associates=(associate(KATE, "Dana", words=("DanaR111",), on=False),
                                 associate(LEO, "Leo")))  # fmt: skip
    strict.create(sdes=SIGNED_IN)
    assert told(strict.say("Hi there")) == (TEAM, {"skillName": "plan-desk"})
    assert strict.liveperson.calls == []


def test_the_back_end_names_the_navigator_and_the_number(strict: BotRig) -> None:
    sdes = {"authenticatedSdes": {"ctmrinfo": {"info": {"customerId": "M-88"}}}}
    strict.backend.members["M-88"] = Found(login="leo@example.com", phone=Phone("+16125550144"))
    strict.away(LEO)
    strict.create(sdes=sdes)
    told(strict.say("Hello"))
    item = strict.item()
    assert (item["target"], item["phone"]) == (LEO, "+16125550144")
    assert item["customer"] == strict.services.customers.id_of(Phone("+16125550144"))


def test_a_back_end_that_is_away_is_no_information(strict: BotRig) -> None:
    strict.backend.fails = True
    strict.create(sdes={"authenticatedSdes": {"ctmrinfo": {"info": {"customerId": "M-88"}}}})
    assert told(strict.say("DanaR111"))[1] == {"skillName": "plan-navigators", "agentId": KATE}


def test_an_sms_answer_finds_the_navigator_by_number(strict: BotRig) -> None:
    strict.bind(phone="+16125550123")
    strict.create(phone="6125550123")
    assert told(strict.say("Yes please"))[1] == {"skillName": "plan-navigators", "agentId": KATE}


# ------------------------------------------------------------------ offer_choice


def test_the_customer_may_wait_or_take_the_next(table: Table, clock: Any) -> None:
    steps = ["associate", "least_loaded_peer", "wait_for_associate", "skill"]
    for word, agent in (("wait", KATE), ("NEXT", LEO), ("is she back soon?", KATE)):
        rig = BotRig(table, clock, routing__stickiness="offer_choice", routing__steps=steps)
        rig.bind()
        rig.away(KATE)
        talk = f"c-{word[:2]}"
        rig.create(conversation=talk)
        sentence, action = told(rig.say("hello", 0, conversation=talk))
        assert sentence.startswith("Kate is not available. Text WAIT")
        assert action is None
        assert rig.item(talk)["choice"]["agent"] == KATE
        assert told(rig.say(word, 1, conversation=talk))[1] == {**TO_KATE, "agentId": agent}
        assert "choice" not in rig.item(talk)


# ------------------------------------------------------------------ other events


def test_a_welcome_event_asks_and_the_first_text_is_still_heard(bot: BotRig) -> None:
    bot.create()
    start = {"type": "START", "source": "CONVERSATION", "data": {},
             "context": {"lpEvent": {"sequence": 0, "lastConsumerMessage": None}}}  # fmt: skip
    first = bot.call("POST", "events", start)
    assert told(first)[1] is None
    assert bot.call("POST", "events", start) == first
    assert bot.item()["asked"] == 1
    assert told(bot.say("KateM123", 0))[1] == TO_KATE


@pytest.mark.parametrize(
    "last", ["KateM123", {"message": "KateM123"}, {"event": {"message": "KateM123"}}]
)
def test_a_welcome_event_with_the_customers_words_is_a_text(bot: BotRig, last: Any) -> None:
    bot.create()
    start = {"type": "START", "source": "CONVERSATION",
             "context": {"lpEvent": {"lastConsumerMessage": last}}}  # fmt: skip
    assert told(bot.call("POST", "events", start))[1] == TO_KATE


@pytest.mark.parametrize("kind", ["RICH_CONTENT", "hosted-file", "SOMETHING_NEW"])
def test_a_picture_or_anything_new_from_a_customer_is_routed(bot: BotRig, kind: str) -> None:
    bot.bind()
    bot.create()
    event = text_event("KateM123", type=kind, data={"structuredContent": {"type": "x"}})
    assert told(bot.call("POST", "events", event))[1] == TO_KATE


def test_events_that_need_no_decision_get_a_harmless_message(bot: BotRig) -> None:
    bot.create()
    closing = {"type": "CLOSE_CONVERSATION", "source": "CONVERSATION"}
    assert told(bot.call("POST", "events", closing)) == ("Thank you. Goodbye.", None)
    news = {"type": "CONVERSATION", "source": "CONVERSATION", "context": {}}
    status, body = bot.call("POST", "events", news)
    assert status == 200
    assert body["response"] == [{"type": "TEXT", "data": {
        "message": "Routing bot: event CONVERSATION needs no answer.",
        "messageAudience": "AGENTS_AND_MANAGERS",
    }}]  # fmt: skip
    assert bot.item()["turn"] == 0


# ------------------------------------------------------------------ STOP and START


def test_stop_is_recorded_answered_and_closed(bot: BotRig) -> None:
    customer = bot.bind()
    bot.create()
    first = bot.say("STOP", 0)
    assert told(first) == (
        "You will get no more texts from us. Text START to get them again.",
        {"name": "CLOSE_CONVERSATION"},
    )
    known = bot.services.customers.get(customer)
    assert known is not None
    assert known.opted_out == bot.clock.now()
    assert bot.say("STOP", 0) == first
    assert bot.item()["state"] == "closed"
    assert told(bot.say("START", 1)) == (
        "You will get texts from us again. Text STOP to end them.", None,
    )  # fmt: skip
    known = bot.services.customers.get(customer)
    assert known is not None
    assert known.opted_out is None
    assert told(bot.say("start", 2))[1] == TO_KATE  # nothing to restore: an ordinary text


def test_stop_is_heard_even_while_a_decision_stands(bot: BotRig) -> None:
    customer = bot.bind()
    bot.create()
    bot.say("hello", 0)
    receipt = bot.item()["receipt"]
    assert told(bot.say("stop", 1))[1] == {"name": "CLOSE_CONVERSATION"}
    assert bot.item()["receipt"] == receipt  # why it was routed so can still be told (I11)
    known = bot.services.customers.get(customer)
    assert known is not None
    assert known.opted_out is not None


@pytest.mark.parametrize("text", ["STOP \ud83d", "\udc4b STOP"])
def test_a_broken_emoji_does_not_lose_a_stop(bot: BotRig, text: str) -> None:
    customer = bot.bind()
    bot.create()
    assert told(bot.say(text, 1))[1] == {"name": "CLOSE_CONVERSATION"}
    known = bot.services.customers.get(customer)
    assert known is not None
    assert known.opted_out == bot.clock.now()


def test_stop_of_somebody_without_a_number_is_a_text_like_any_other(bot: BotRig) -> None:
    bot.create(phone=None)
    assert told(bot.say("STOP"))[0].startswith("Who would you like to reach?")


# ------------------------------------------------------------------ dependencies away


def break_table(bot: BotRig, *operations: str) -> None:
    """These operations are throttled from now on."""
    from instore.errors import UnavailableError

    inner = bot.table._call

    def throttled(operation: str, **request: Any) -> Any:
        if operation in operations:
            raise UnavailableError("the table is throttled or away")
        return inner(operation, **request)

    bot.table._call = throttled


@pytest.mark.parametrize("operation", ["get_item", "batch_get_item", "update_item"])
def test_a_throttled_table_still_answers_the_customer(bot: BotRig, operation: str) -> None:
    bot.create()
    bot.services.programs.current()
    break_table(bot, operation)
    assert told(bot.say("KateM123")) == (TEAM, SKILL)


def test_a_stop_that_cannot_be_recorded_must_come_again(bot: BotRig) -> None:
    bot.create()
    bot.services.programs.current()
    break_table(bot, "update_item", "transact_write_items", "put_item")
    status, body = bot.say("STOP")
    assert (status, body["code"]) == (503, "unavailable")


def test_without_a_program_nothing_can_be_said(bot: BotRig) -> None:
    break_table(bot, "get_item")
    status, body = bot.say("KateM123")
    assert (status, body["code"]) == (503, "unavailable")


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "malformed_json"),
        ("[]", 400, "malformed_json"),
        ('{"type": NaN}', 400, "malformed_json"),
        ("[" * 100_000, 400, "malformed_json"),
        ("", 400, "malformed_json"),
        ("{}", 400, "wrong_field"),
        ('{"type": 7}', 400, "wrong_field"),
        ('{"type": "TEXT", "data": {"message": 7}}', 400, "wrong_field"),
        ('{"type": "TEXT", "context": {"lpEvent": {"sequence": "x"}}}', 400, "wrong_field"),
        ('{"type": "TEXT", "data": []}', 400, "wrong_field"),
        ('{"x": "' + "y" * 262_144 + '"}', 413, "too_large"),
        ("y" * 400_000, 413, "too_large"),
    ],
)
def test_bad_bodies_are_refused_with_a_code_and_a_sentence(
    bot: BotRig, body: str, status: int, code: str
) -> None:
    bot.create()
    before = bot.item()
    for encoded in (False, True):
        got, answer = bot.call("POST", "events", body, encoded=encoded)
        assert (got, answer["code"]) == (status, code)
        assert len(answer["message"]) > 10
    assert bot.item() == before


def test_a_wrong_field_is_named(bot: BotRig) -> None:
    status, answer = bot.call("PUT", "conversation", {"context": {"visitor": {"language": 7}}})
    assert (status, answer["message"]) == (
        400, "context.visitor.language: Input should be a valid string",
    )  # fmt: skip
    status, answer = bot.call("PUT", "conversation", {"sdes": "x"}, conversation="a/b")
    assert (status, answer["message"]) == (400, "not a conversation id")


def test_presence_garbage_for_one_person_is_not_a_yes(bot: BotRig) -> None:
    bot.bind()
    bot.liveperson.presence[KATE] = Presence(Status.UNKNOWN)
    bot.create()
    assert told(bot.say("hello"))[1] == {**TO_KATE, "agentId": LEO}


def test_the_unforeseen_is_503_and_no_stack_trace(
    bot: BotRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.create()
    monkeypatch.setattr(type(bot.services.stores), "word_keys", lambda *_, **__: 1 / 0)
    assert bot.say("KateM123") == (
        503, {"code": "unavailable", "message": "try again in a moment"},
    )  # fmt: skip
