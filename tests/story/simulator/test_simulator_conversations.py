"""Conversations: roll-over, one SMS thread, bot calls, transfer, queue and fallback time."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from local.liveperson import StoryError

pytestmark = pytest.mark.enable_socket
OWNER, SUB = "20000001", "20000002"
KAY, JARED = "+12125550140", "+12125550141"
DANA, ERIN = "dana@shop.example", "erin@shop.example"
PHONE = "+12125550123"


def test_a_text_rolls_over_to_the_sub_accounts_bot(sim: Any, ours: Any) -> None:
    sim.text_from(PHONE, to=KAY, text="Is my ring ready?")
    sim.run()
    first, second = sim.conversations(phone=PHONE)
    assert (first.account, first.state, first.closed_by) == (OWNER, "CLOSE", "SYSTEM")
    assert (second.account, second.continues) == (SUB, first.id)
    assert first.consumer != second.consumer
    assert [len(c.consumer) for c in (first, second)] == [64, 64]
    create, event = ours.got
    path = f"/v1/bots/kay-router/environments/draft/conversations/{second.id}"
    assert [(r.method, r.path) for r in (create, event)] == [
        ("PUT", path), ("POST", f"{path}/events")]  # fmt: skip
    body = create.json()
    assert body["sdes"]["unauthenticatedSdes"]["ctmrinfo"]["info"] == {"imei": PHONE}
    assert body["context"]["skillId"] == second.skill
    assert body["context"]["visitor"]["consumerId"] == second.consumer
    said = event.json()
    assert (said["type"], said["data"]) == ("TEXT", {"message": "Is my ring ready?"})
    assert said["context"]["lpEvent"]["conversationId"] == second.id
    assert PHONE not in event.body.decode()  # no phone number in events
    text = sim.handset(PHONE)[0]
    assert (text.kind, text.sender, text.body) == ("bot", KAY, "One moment.")


def test_the_roll_over_may_keep_the_id(make: Any) -> None:
    sim = make(rollover_conversation="kept")
    sim.text_from(PHONE, to=KAY, text="hi")
    assert [(c.account, c.state) for c in sim.conversations(phone=PHONE)] == [(SUB, "OPEN")]


def test_bot_tokens(sim: Any, ours: Any) -> None:
    sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    token = ours.got[0].headers["authorization"].removeprefix("Bearer ")
    kid = jwt.get_unverified_header(token)["kid"]
    key = sim.secrets_for(SUB)["bot_token_keys"][kid]
    claims = jwt.decode(token, key, ["RS256"], audience=SUB, issuer="Sentinel",
                        options={"verify_exp": False, "verify_iat": False})  # fmt: skip
    assert claims["azp"] == "our-bot-client"
    assert claims["scope"] == "thirdpartybots.customendpoint.bot"
    assert sim.test_connection(SUB, "kay-bot") == ["draft"]
    ours.answers("state", 503)
    with pytest.raises(StoryError, match="state: 503"):
        sim.test_connection(SUB, "kay-bot")


def test_one_sms_thread_over_all_numbers(sim: Any) -> None:
    first = sim.text_from(PHONE, to=KAY, text="hi")
    other = sim.text_from(PHONE, to=JARED, text="and you?")
    assert other is first
    assert [m.text for m in first.messages] == ["hi", "and you?"]
    elsewhere = sim.text_from("+12125550177", to=JARED, text="hello")
    assert (elsewhere.account, elsewhere is first) == (OWNER, False)
    with pytest.raises(StoryError):
        sim.text_from(PHONE, to="+12125550999", text="hi")


def test_a_reply_goes_to_the_campaigns_skill(sim: Any, callers: Any, clock: Any) -> None:
    sim.roll_over((OWNER, "kay-virtual"), (SUB, "kay-fallback"))
    for days, skill in ((1, "kay-fallback"), (31, "kay-bot")):
        phone = f"+121255501{days:02d}"
        callers(sim).campaign(phone, skill="kay-virtual")
        sim.run()
        clock.advance(days * 86_400)
        got = sim.text_from(phone, to=KAY, text="yes")
        assert sim.world.accounts[SUB].skills[got.skill].name == skill


def test_404_makes_it_create_again_once(sim: Any, ours: Any) -> None:
    ours.answers("event", 404)
    sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    assert [r.method for r in ours.got] == ["PUT", "POST", "PUT", "POST"]
    assert sim.escalations == []
    ours.answers("event", 404, 404)
    conversation = sim.text_from("+12125550124", to=KAY, text="hi")
    sim.run()
    assert sim.escalations == [(conversation.id, "the bot answered 404")]


def test_three_attempts_then_the_default_skill(sim: Any, ours: Any, clock: Any) -> None:
    ours.answers("event", 500, 503, 500)
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    for attempts, wait in ((1, 4), (1, 1), (2, 9), (2, 1), (3, 60)):
        sim.run()
        assert len(ours.requests("event")) == attempts
        clock.advance(wait)
    sim.run()
    sequences = {e["context"]["lpEvent"]["sequence"] for e in ours.requests("event")}
    assert (len(ours.requests("event")), sequences) == (3, {0})
    assert sim.escalations == [(conversation.id, "no answer in 3 attempts (500)")]
    assert sim.world.accounts[SUB].skills[conversation.skill].name == "kay-fallback"


ACTION = {"type": "ACTION", "data": {"name": "CLOSE_CONVERSATION", "parameters": {}}}
TEXT = {"type": "TEXT", "data": {"message": "hi"}}


def _answer(*parts: Any, intents: Any = ()) -> bytes:
    return json.dumps({"response": list(parts), "analytics": {"intents": list(intents)}}).encode()


def _transfer(**parameters: Any) -> bytes:
    return _answer({"type": "ACTION", "data": {"name": "TRANSFER", "parameters": parameters}})


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"<html>", "the answer is not JSON"),
        (b'{"response": []}', "response and analytics are both required"),
        (b'{"response": [], "analytics": {}}', "analytics.intents is required"),
        (_answer(), "verify-ai-response.missing-action-and-messages"),
        (_answer({"type": "DELAY", "data": {"seconds": 1}}),
         "verify-ai-response.missing-action-and-messages"),
        (_answer({"type": "DELAY", "data": {"seconds": 0}}, TEXT),
         "DELAY needs seconds of 1 or more"),
        (_answer(ACTION, ACTION), "only one action per answer"),
        (_answer({"type": "TEXT", "data": {"message": " "}}), "TEXT needs a message"),
        (_answer({"type": "SONG", "data": {}}), "unknown part 'SONG'"),
        (_answer(TEXT, intents=[{"id": "a b", "confidenceScore": 1}]),
         "an intent id has no spaces"),
        (_answer(TEXT, intents=[{"id": "a", "confidenceScore": 2}]), "confidenceScore is 0 to 1"),
        (_transfer(skillName="Kay-People"),
         "pipes.messaging-handle-bot-action.transfer-skill-not-existing"),
        (_transfer(agentId="1"), "pipes.messaging-handle-bot-action.transfer-skill-not-existing"),
        (_transfer(skillName="kay-people", agentId="1"), "no agent '1' in account 20000002"),
        (_transfer(skillName="kay-people", agentId=7), "no agent 7 in account 20000002"),
    ],
)  # fmt: skip
def test_wrong_answers_escalate(sim: Any, ours: Any, raw: bytes, why: str) -> None:
    ours.raw = raw
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    assert sim.escalations == [(conversation.id, why)]
    assert [(r.method, r.reason) for r in sim.refusals] == [("BOT", why)]
    assert sim.handset(PHONE) == []


def test_skill_transfer_list_is_obeyed(make: Any, ours: Any) -> None:
    sim = make()
    skills = sim.world.accounts[SUB]
    skills.skill_named("kay-bot").transfer_list = [skills.skill_named("kay-fallback").id]
    ours.transfers("kay-people")
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    why = "skill 'kay-people' is not in the skillTransferList"
    assert sim.escalations == [(conversation.id, why)]


def test_transfer_to_an_agent_online(sim: Any, ours: Any) -> None:
    dana, erin = sim.agent(DANA).login(), sim.agent(ERIN).login()
    ours.transfers("kay-people", dana.id)
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    assert (conversation.suggested, conversation.assigned) == (dana.id, None)
    assert erin.offered() == []  # nobody else meanwhile
    with pytest.raises(StoryError, match="cannot accept"):
        erin.accept(conversation)
    dana.accept(conversation)
    dana.reply(conversation, "It is ready!")
    assert [(t.kind, t.body) for t in sim.handset(PHONE)] == [
        ("bot", "One moment."), ("agent", "It is ready!")]  # fmt: skip
    sim.text_from(PHONE, to=KAY, text="thanks")
    sim.run()
    assert len(ours.requests("event")) == 1  # the bot is out of it
    dana.close(conversation)
    assert sim.text_from(PHONE, to=KAY, text="again") is not conversation


def test_away_agent_is_waited_for_then_anyone(sim: Any, ours: Any, clock: Any) -> None:
    dana, erin = sim.agent(DANA), sim.agent(ERIN).login()
    ours.transfers("kay-people", dana.id)
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    clock.advance(599)
    sim.run()
    assert (conversation.suggested, erin.offered()) == (dana.id, [])
    dana.login()
    assert dana.offered() == [conversation]
    dana.away()
    assert dana.offered() == []
    clock.advance(1)
    sim.run()
    assert conversation.suggested is None
    assert conversation.transfers[-1]["reason"] == "SuggestedAgentTimeout"
    erin.accept(conversation)
    assert sim.misroutes == []


def test_accepted_in_time_has_no_fallback(sim: Any, ours: Any, clock: Any) -> None:
    dana = sim.agent(DANA).login()
    ours.transfers("kay-people", dana.id)
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    dana.accept(conversation)
    clock.advance(700)
    sim.run()
    assert conversation.assigned == dana.id


def test_bot_transfers_may_fall_to_another_at_once(make: Any, ours: Any) -> None:
    sim = make(bot_transfer_to_unavailable="anyone")
    erin = sim.agent(ERIN).login()
    ours.transfers("kay-people", sim.agent(DANA).id)
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    assert (erin.offered(), sim.misroutes) == ([conversation], [])


@pytest.mark.parametrize(
    ("change", "why"), [({"enabled": False}, "disabled"), ({"deleted": True}, "deleted")]
)
def test_a_dead_account_is_a_misroute(
    sim: Any, ours: Any, change: dict[str, bool], why: str
) -> None:
    dana = sim.agent(DANA)
    sim.change_user(SUB, DANA, **change)
    ours.transfers("kay-people", dana.id)
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    assert sim.misroutes == [(conversation.id, dana.id, why)]
    assert sim.agent(ERIN).login().offered() == [conversation]
    with pytest.raises(StoryError):
        dana.login()


def test_no_transfer_to_who_is_there_already(sim: Any, ours: Any) -> None:
    dana = sim.agent(DANA).login()
    ours.transfers("kay-people", dana.id)
    conversation = sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    dana.accept(conversation)
    dana.transfer(conversation, skill="kay-people", to=DANA)
    assert sim.misroutes == [(conversation.id, dana.id, "already a participant")]


def test_slots_are_finite(sim: Any, ours: Any) -> None:
    dana = sim.agent(DANA).login()
    for n in range(3):
        ours.transfers("kay-people", dana.id)
        sim.text_from(f"+1212555010{n}", to=KAY, text="hi")
        sim.run()
    for conversation in dana.offered()[:2]:
        dana.accept(conversation)
    assert dana.offered() == []  # max_slots is 2
    dana.close(sim.conversation(phone="+12125550100"))
    assert [c.phone for c in dana.offered()] == ["+12125550102"]


def test_virtual_skill_goes_back_to_the_owner_account(sim: Any, ours: Any) -> None:
    ours.transfers("kay-virtual")
    sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    found = sim.conversation(phone=PHONE)
    assert found.account == OWNER
    assert sim.world.accounts[OWNER].skills[found.skill].name == "kay-virtual"


def test_web_members_bring_authenticated_attributes(sim: Any, ours: Any) -> None:
    sdes = {"ctmrinfo": {"customerId": "M-1", "ctype": "gold"}}
    member = sim.member("M-1")
    conversation = member.opens_web_conversation(SUB, "kay-bot", "hello", sdes)
    sim.run()
    create = ours.requests("create")[0]
    assert create["sdes"]["authenticatedSdes"] == {
        "ctmrinfo": {"type": "ctmrinfo", "info": {"customerId": "M-1", "ctype": "gold"}}
    }
    assert create["sdes"]["unauthenticatedSdes"] == {}
    assert member.screen() == ["One moment."]
    assert sim.handsets == []
    assert member.says("still there?") is conversation
    assert member.opens_web_conversation(SUB, "kay-bot", "me again") is conversation
    member.leaves()
    assert (conversation.closed_by, member.conversation) == ("CONSUMER", None)
    guest = sim.member("G").opens_web_conversation(SUB, "kay-bot", "hi", signed_in=False)
    sim.run()
    assert guest.sdes == {"unauthenticated": {"ctmrinfo": {"customerId": "G"}}}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("events", {"events": [{"type": "ctmrinfo", "info": {"customerId": "M-1"}}]}),
        ("history", {"customerInfo": {"customerInfo": {"customerId": "M-1"}}}),
    ],
)
def test_attributes_come_in_other_shapes(
    make: Any, ours: Any, shape: str, expected: dict[str, Any]
) -> None:
    sim = make(sde_shape=shape, sms_phone_in=(), bot_start_event=True)
    sim.member("M-1").opens_web_conversation(SUB, "kay-bot", "hello")
    sim.text_from(PHONE, to=KAY, text="hi")
    sim.run()
    web, sms = ours.requests("create")
    assert web["sdes"]["authenticatedSdes"] == expected
    assert sms["sdes"] == {"authenticatedSdes": {}, "unauthenticatedSdes": {}}
    start = ours.requests("event")[0]
    assert (start["type"], start["context"]["lpEvent"]["lastConsumerMessage"]) == ("START", "hello")


def test_the_bot_closes(sim: Any, ours: Any) -> None:
    ours.says(TEXT, ACTION)
    conversation = sim.text_from(PHONE, to=KAY, text="bye")
    sim.run()
    assert (conversation.state, conversation.closed_by) == ("CLOSE", "AGENT")


def test_stop_may_end_at_the_carrier(make: Any, ours: Any) -> None:
    sim = make(stop_reaches_conversation=False, carrier_answers_stop=False)
    assert sim.text_from(PHONE, to=KAY, text="STOP") is None
    assert (sim.handset(PHONE), sim.conversations()) == ([], [])
