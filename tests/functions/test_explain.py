"""Why was this routed so: one read, every step in a sentence, replayed on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from functions.outreach_api import app
from tests.bot_rig import BOSS, CONTEXT, KATE, LEO, PHONE, BotRig

from instore.adapters.table import Table
from instore.model import epoch, iso
from instore.presence import Status
from instore.runtime.services import using

EVENT = Path(__file__).parents[2] / "events" / "outreach_api.receipt.json"
Requests = Callable[[], list[tuple[str, str, dict[str, Any]]]]


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    return BotRig(table, clock)


def ask(
    bot: BotRig, conversation: str = "c-1", *, scope: str = "outreach/explain",
    account: str | None = None,
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    event = json.loads(EVENT.read_text())
    jwt = event["requestContext"]["authorizer"]["jwt"]
    jwt["claims"]["scope"], jwt["scopes"] = scope, None
    event["pathParameters"] = {"account": account or bot.account, "id": conversation}
    with using(bot.services):
        answer = app.handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def change(bot: BotRig, **sets: Any) -> None:
    bot.table.put({**bot.item(), **sets})


def test_the_whole_answer(bot: BotRig) -> None:
    bot.away(KATE)
    bot.online(BOSS, load=0.9, slots=0)
    bot.create()
    bot.say("KateM123")
    status, told = ask(bot)
    assert status == 200
    assert told == {
        "account": bot.account, "conversation": "c-1", "banner": "kay", "state": "decided",
        "why": "Handed to another associate of the store (agent 61002): lowest load of 1 who are "
               "free.",
        "decision": {
            "at": iso(bot.clock.now()), "program": 4, "act": "transfer",
            "outcome": "least_loaded_peer", "message": "peer", "skill": "kay-associates",
            "agent_id": LEO, "waiting": False, "store_open": True, "presence_known": True,
        },
        "rules": {
            "stickiness": "store", "steps": ["associate", "least_loaded_peer", "manager", "skill"],
            "closed": True, "all_offline_minutes": 30, "all_busy_minutes": 15, "may_ask": True,
            "keyword_tries": 2, "human_skill": "kay-associates", "virtual_skill": "kay-virtual",
            "last_skill": "kay-virtual",
        },
        "steps": [
            {"step": "resolve binding",
             "looked_at": "Whose customer this is, by an earlier conversation or text.",
             "found": "None.", "then": "The next one was asked."},
            {"step": "resolve keyword", "looked_at": "Whom the customer's words name.",
             "found": "Found.", "then": "This is the wanted associate."},
            {"step": "associate", "looked_at": "Whether the wanted associate can take it.",
             "found": "Away.", "then": "So the next step was looked at."},
            {"step": "least_loaded_peer",
             "looked_at": "Whether another associate of the store can take it.",
             "found": "Lowest load of 1 who are free.", "then": "This decided."},
        ],
        "candidates": [
            {"agent_id": KATE, "role": "associate", "enabled": True, "status": "AWAY",
             "mentioned": True, "could_take": False, "wanted": True, "chosen": False, "load": 0.0,
             "free_slots": 5, "in_status_s": 0, "presence_age_s": 0},
            {"agent_id": LEO, "role": "associate", "enabled": True, "status": "ONLINE",
             "mentioned": True, "could_take": True, "wanted": False, "chosen": True, "load": 0.2,
             "free_slots": 5, "in_status_s": 0, "presence_age_s": 0},
            {"agent_id": BOSS, "role": "manager", "enabled": True, "status": "ONLINE",
             "mentioned": True, "could_take": False, "wanted": False, "chosen": False, "load": 0.9,
             "free_slots": 0, "in_status_s": 0, "presence_age_s": 0},
        ],
        "wait": {"waiting": False, "waits": 0}, "misrouted": False, "replays": True,
    }  # fmt: skip


def test_one_read_and_nothing_of_the_customer(bot: BotRig, requests_made: Any) -> None:
    bot.bind()
    bot.create()
    bot.say("my secret words")
    bot.new_process()  # which knows no program yet
    requests_made.clear()
    status, told = ask(bot)
    assert status == 200
    assert [(service, operation) for service, operation, *_ in requests_made] == [
        ("dynamodb", "GetItem")
    ]
    shown = json.dumps(told)
    for secret in (PHONE, PHONE[1:], "secret", "Kate", "consumer-1", bot.item()["customer"]):
        assert secret not in shown


def test_presence_has_an_age(bot: BotRig) -> None:
    bot.create()
    bot.say("KateM123")
    bot.create(conversation="c-2")
    bot.clock.advance(9)
    bot.say("KateM123", conversation="c-2")
    ages = {one["presence_age_s"] for one in ask(bot, "c-2")[1]["candidates"]}
    assert ages == {9}


def test_a_wait_and_its_notice(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock, program="one_to_one")
    bot.away(KATE)
    bot.bind()
    bot.create()
    bot.say("hello")
    told = ask(bot)[1]
    assert told["why"] == (
        "Left waiting in the wanted associate's own queue (agent 61001): into the wanted "
        "associate's own queue."
    )
    assert told["wait"] == {"waiting": True, "since": iso(clock.now()), "waits": 1}
    until = epoch(clock.now() + timedelta(hours=14))
    change(bot, waiting=False, notice={
        "wait": 1, "state": "deferred", "at": iso(clock.now()), "account": bot.account,
        "group": "701", "agent": KATE, "reason": "federal 08:00-21:00", "until": until,
    })  # fmt: skip
    wait = ask(bot)[1]["wait"]
    assert wait["notice"] == "deferred"
    assert wait["notice_why"] == (
        "It waits until the customer may be texted. The rule that decides: federal 08:00-21:00. "
        "Looked at again from 2026-11-19T07:00:00.000Z on."
    )


def test_a_misroute_is_said(bot: BotRig) -> None:
    bot.bind()
    bot.create()
    bot.say("hello")
    change(bot, misrouted=True, agent_id=LEO, state="assigned")
    told = ask(bot)[1]
    assert told["misrouted"] is True
    assert told["misroute"] == (
        "LivePerson gave it to agent 61002 although agent 61001 was asked for."
    )


def test_who_has_left_is_said(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock, program="one_to_one")
    bot.liveperson.presence.pop(KATE)
    bot.liveperson.gone.add(KATE)
    bot.bind()
    bot.create()
    bot.say("hello")
    steps = {one["step"]: one for one in ask(bot)[1]["steps"]}
    assert steps["resolve LivePerson"] == {
        "step": "resolve LivePerson", "found": "Has left.",
        "looked_at": "Whether the wanted associate still exists in LivePerson.",
        "then": "So it was decided anew without them.",
    }  # fmt: skip
    assert steps["associate"]["found"] == "Has left."


def test_before_anything_is_decided(bot: BotRig) -> None:
    bot.create()
    status, told = ask(bot)
    assert status == 200
    assert told == {
        "account": bot.account, "conversation": "c-1", "banner": "kay", "state": "created",
        "why": "Nothing has been decided yet: the customer has not written.", "steps": [],
        "candidates": [], "wait": {"waiting": False, "waits": 0}, "misrouted": False,
    }  # fmt: skip


def test_a_question_to_the_customer_is_a_decision(bot: BotRig) -> None:
    bot.create()
    bot.say("hello there")
    told = ask(bot)[1]
    assert told["why"] == (
        "Asked the customer whom they want to reach: nobody known is wanted yet."
    )
    assert told["decision"]["presence_known"] is False
    assert told["candidates"] == []


def test_a_stop_leaves_the_last_decision_explained(bot: BotRig) -> None:
    bot.bind()
    bot.create()
    bot.say("hello")
    bot.say("STOP", 1)
    told = ask(bot)[1]
    assert told["newest"] == (
        "The newest message was a STOP; it was recorded and the conversation ended."
    )
    assert told["why"].startswith("Handed to the wanted associate (agent 61001)")


def test_routing_switched_off_is_said(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock, banners__0__stopped=True)
    bot.create()
    bot.say("hello")
    told = ask(bot)[1]
    assert told["why"] == (
        "Routing was switched off for this banner; its last skill took the conversation."
    )
    assert "decision" not in told


def test_a_receipt_that_no_longer_replays_is_said(bot: BotRig) -> None:
    bot.bind()
    bot.create()
    bot.say("hello")
    receipt = bot.item()["receipt"]
    change(bot, receipt=receipt.replace(f'0,"{KATE}",false]', f'0,"{LEO}",false]'))
    assert bot.item()["receipt"] != receipt
    assert ask(bot)[1]["replays"] is False


@pytest.mark.parametrize(
    ("account", "conversation"),
    [(None, "c-2"), ("99999999", "c-1"), ("No-such", "c-1"), (None, "a b"), (None, "x" * 129)],
)
def test_what_is_not_there_is_404(bot: BotRig, account: str | None, conversation: str) -> None:
    bot.create()
    status, told = ask(bot, conversation, account=account)
    assert (status, told["code"]) == (404, "unknown_conversation")


def test_what_has_expired_is_404(bot: BotRig) -> None:
    bot.create()
    bot.clock.advance(121 * 86400)
    assert ask(bot)[0] == 404


@pytest.mark.parametrize("scope", ["outreach/read", "outreach/admin", ""])
def test_it_takes_its_own_scope(bot: BotRig, scope: str) -> None:
    bot.create()
    status, told = ask(bot, scope=scope)
    assert (status, told["code"]) == (403, "scope_missing")


def test_a_newer_receipt_is_not_guessed_at(bot: BotRig) -> None:
    bot.bind()
    bot.create()
    bot.say("hello")
    whole = bot.item()["receipt"]
    for receipt in (whole.replace('"v":2', '"v":9'), whole[:40], "[]", '{"v":2}',
                    whole.replace('"did":["transfer"', '"did":[["transfer"]')):  # fmt: skip
        change(bot, receipt=receipt)
        status, told = ask(bot)
        assert (status, told["code"]) == (503, "receipt_unreadable"), receipt


def test_the_conversation_says_on_which_day_it_was_decided(bot: BotRig) -> None:
    bot.bind()
    bot.create()
    assert "decided_on" not in bot.item()
    bot.say("hello")
    day, _, shard = bot.item()["decided_on"].partition("#")
    assert day == "2026-11-18"
    assert shard in set("0123456789")
    conversations = bot.services.conversations
    found = [key for n in range(10) for key in conversations.decided(f"{day}#{n}")]
    assert found == [(f"CONVERSATION#{bot.account}#c-1", "CONVERSATION")]
    assert conversations.receipts(found)[0].keys() == {
        "pk", "sk", "account", "conversation", "banner", "outcome", "receipt"
    }  # fmt: skip


def test_away_is_only_one_way_to_be_unfit(bot: BotRig) -> None:
    bot.away(KATE, LEO, BOSS, status=Status.BACK_SOON)
    bot.bind()
    bot.create()
    bot.say("hello")
    told = ask(bot)[1]
    assert [step["found"] for step in told["steps"]] == [
        "Found.", "Back soon.", "Nobody is free.", "Nobody is free.", "The last step.",
    ]  # fmt: skip
    assert told["why"] == (
        "Handed to a skill, because no step found a person (skill kay-virtual): the last step."
    )
