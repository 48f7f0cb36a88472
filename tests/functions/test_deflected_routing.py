"""The conversation that follows a call: led to the branch's skill once, counted, its agents told."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from local.samples import sample_document
from tests.bot_rig import KATE, PHONE, BotRig
from tests.line_rig import LINE

from instore.adapters.calls import Calls
from instore.adapters.table import Table
from instore.explaining import explain
from instore.measured import Measured
from instore.model import Phone
from instore.program import load_program
from instore.receipts import replays, stored_case, stored_decision
from instore.replaying import replay_under

BRANCH: dict[str, Any] = {
    "name": "orders", "banner": "kay", "number": "+12125550140", "skill": "kay-orders",
    "intent": "Where is my order", "store": "701", "repeat_days": 30,
}  # fmt: skip
LED = "Thank you. The right team has your message and usually answers within 15 minutes."


def with_line(**branch: Any) -> dict[str, Any]:
    return {**LINE, "branches": [{**BRANCH, **branch}]}


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    return BotRig(table, clock, line=with_line())


def called(bot: BotRig, *, at: datetime | None = None, banner: str = "kay", **more: Any) -> str:
    """The customer pressed the digit a minute ago."""
    at = at or bot.clock.now() - timedelta(minutes=1)
    customer = bot.services.customers.id_of(Phone(PHONE))
    stands = {"branch": "orders", "intent": "Where is my order", "call": "CA1",
              "at": at.astimezone(UTC).isoformat(timespec="milliseconds"), **more}  # fmt: skip
    bot.table.put({"pk": f"CUSTOMER#{customer}", "sk": "CUSTOMER", "id": customer, "rev": 1,
                   "phone": PHONE, "deflected": {banner: stands}})  # fmt: skip
    return customer


def parts(answer: tuple[int, Any]) -> tuple[list[tuple[str, str]], dict[str, str] | None]:
    """Texts with their audience, and the transfer."""
    status, body = answer
    assert status == 200, body
    texts = [(p["data"]["message"], p["data"].get("messageAudience", "ALL"))
             for p in body["response"] if p["type"] == "TEXT"]  # fmt: skip
    actions = [p["data"]["parameters"] for p in body["response"] if p["type"] == "ACTION"]
    return texts, actions[0] if actions else None


def measured(bot: BotRig) -> list[Measured]:
    return list(Calls(bot.table).of_day("kay", day=date(2026, 11, 18)))


def test_it_goes_to_the_branch_and_the_agents_read_why(bot: BotRig) -> None:
    customer = called(bot)
    bot.bind(KATE)
    bot.create()
    texts, transfer = parts(bot.say("my ring has not come"))
    assert transfer == {"skillName": "kay-orders"}
    assert texts == [
        (LED, "ALL"),
        ("Was on the phone at 2026-11-18 16:59 UTC and took a text instead of waiting. Called: "
         "orders (Where is my order).", "AGENTS_AND_MANAGERS"),
    ]  # fmt: skip
    assert bot.liveperson.calls == [], "nobody's presence is asked for"
    item = bot.item()
    assert (item["outcome"], item["state"]) == ("deflected", "decided")
    stored = bot.table.get(f"CUSTOMER#{customer}", "CUSTOMER")
    assert stored is not None
    assert stored["deflected"]["kay"]["used"] == "10000002#c-1"
    assert measured(bot) == [Measured("started", "CA1", bot.clock.now(), "kay", "orders",
                                      store="701")]  # type: ignore[arg-type]  # fmt: skip


def test_the_receipt_names_the_call_and_replays(bot: BotRig) -> None:
    called(bot)
    bot.create()
    bot.say("hello")
    receipt = bot.item()["receipt"]
    case, decision = stored_case(receipt), stored_decision(receipt)
    assert case.called is not None
    assert (case.called.name, case.called.skill, case.called.intent) == (
        "orders", "kay-orders", "Where is my order")  # fmt: skip
    assert replays(receipt)
    assert (decision.outcome, decision.message) == ("deflected", "deflected")
    told = explain(bot.item())
    assert told.why == (
        "Handed to the skill of the branch that the customer had called (skill kay-orders): called "
        "branch orders (Where is my order) and took a text instead."
    )
    assert told.replays is True
    assert PHONE[2:] not in receipt


def test_a_receipt_without_a_call_is_as_it_was(bot: BotRig) -> None:
    bot.create()
    bot.say("KateM123")
    assert "called" not in json.loads(bot.item()["receipt"])
    assert replays(bot.item()["receipt"])


def test_another_program_may_lead_it_elsewhere(bot: BotRig) -> None:
    called(bot)
    bot.create()
    bot.say("hello")
    receipt = bot.item()["receipt"]
    raw = sample_document("in_store")
    raw["line"] = with_line(skill="kay-care")
    changed = replay_under(receipt, program=load_program(raw), banner="kay")
    assert changed.new is not None
    assert (changed.new.skill, changed.kind) == ("kay-care", "deflected, other skill")
    raw["line"] = with_line(name="returns")
    unknown = replay_under(receipt, program=load_program(raw), banner="kay")
    assert unknown.unknown == "the branch that was called is not in this program"
    del raw["line"]
    raw["banners"][0]["number"]["strategy"] = "shared"
    assert replay_under(receipt, program=load_program(raw), banner="kay").unknown is not None
    raw = sample_document("in_store")
    raw["line"] = with_line()
    raw["banners"][0] |= {"routing": {"stickiness": "strict", "steps": ["wait_for_associate"]},
                          "fallback_skill": "kay-care"}  # fmt: skip
    strict = replay_under(receipt, program=load_program(raw), banner="kay")
    assert strict.unknown == "resolver `binding` was not asked then"


def test_while_the_store_is_closed_the_customer_is_told_so(bot: BotRig, clock: Any) -> None:
    clock.advance(9 * 3600)  # 21:00 in Yonkers
    called(bot)
    bot.create()
    texts, transfer = parts(bot.say("hello"))
    assert transfer == {"skillName": "kay-orders"}
    assert texts[0][0] == (
        "Thank you. The right team has your message and answers when we open again."
    )
    assert replays(bot.item()["receipt"])


def test_a_branch_without_a_store_knows_no_hours(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock, line=with_line(store=None))
    clock.advance(9 * 3600)
    called(bot)
    bot.create()
    assert parts(bot.say("hello"))[0][0][0] == LED


def test_it_counts_for_one_conversation_only(bot: BotRig, clock: Any) -> None:
    called(bot)
    bot.bind(KATE)
    bot.create()
    first = bot.say("hello")
    assert bot.say("hello") == first
    assert parts(bot.say("and again", 1))[1] == {"skillName": "kay-orders"}, "its answer stands"
    bot.create(conversation="c-2")
    clock.advance(60)
    texts, transfer = parts(bot.say("hello", conversation="c-2"))
    assert transfer == {"skillName": "kay-associates", "agentId": KATE}
    assert len(texts) == 1
    clock.advance(3600)
    assert parts(bot.say("back again", 2))[1] == {"skillName": "kay-associates", "agentId": KATE}
    assert [m.kind for m in measured(bot)].count("started") == 1  # type: ignore[comparison-overlap]  # a plain word


@pytest.mark.parametrize("ago", [timedelta(hours=24), timedelta(days=3), timedelta(minutes=-10)])
def test_it_stands_for_a_day(bot: BotRig, ago: timedelta) -> None:
    called(bot, at=bot.clock.now() - ago)
    bot.bind(KATE)
    bot.create()
    assert parts(bot.say("hello"))[1] == {"skillName": "kay-associates", "agentId": KATE}
    assert measured(bot) == []


@pytest.mark.parametrize(("branch", "banner"), [
    ({"name": "returns"}, "kay"), ({"banner": "zales"}, "kay"), ({}, "zales"),
])  # fmt: skip
def test_a_branch_that_is_gone_or_another_banners_leads_nowhere(
    table: Table, clock: Any, branch: dict[str, str], banner: str
) -> None:
    bot = BotRig(table, clock, line=with_line(**branch))
    called(bot, banner=banner)
    bot.create()
    assert parts(bot.say("hello"))[1] is None, "they are asked for a name, as ever"
    assert measured(bot) == []


def test_a_program_without_a_line_leads_nowhere(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock, line=None, banners__0__number__strategy="shared")
    called(bot)
    bot.create()
    assert parts(bot.say("KateM123"))[1] == {"skillName": "kay-associates", "agentId": KATE}


def test_killed_before_the_answer_was_kept_it_still_leads_this_conversation(bot: BotRig) -> None:
    called(bot, used="10000002#c-1", used_at="2026-11-18T16:59:30.000Z")
    bot.create()
    assert parts(bot.say("hello"))[1] == {"skillName": "kay-orders"}
    assert measured(bot) == [], "it was counted before"


def test_of_two_conversations_at_once_one_follows_the_call(
    bot: BotRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    called(bot)
    bot.bind(KATE)
    bot.create()
    bot.create(conversation="c-2")
    begin = Calls.begin_conversation

    def other_first(self: Calls, customer: str, **more: Any) -> bool:
        begin(self, customer, **{**more, "conversation": "10000002#c-2"})
        return begin(self, customer, **more)

    monkeypatch.setattr(Calls, "begin_conversation", other_first)
    assert parts(bot.say("hello"))[1] == {"skillName": "kay-associates", "agentId": KATE}
    assert [m.name for m in measured(bot)] == ["CA1"]


# ------------------------------------------------------------------ strict


def strict_bot(table: Table, clock: Any) -> BotRig:
    line = {**LINE, "branches": [{**BRANCH, "banner": "gold", "skill": "gold-line"}]}
    raw = sample_document("one_to_one")
    line["branches"][0]["banner"] = raw["banners"][0]["name"]
    return BotRig(table, clock, program="one_to_one", line=line)


def test_a_strict_program_keeps_who_has_an_associate_with_them(table: Table, clock: Any) -> None:
    bot = strict_bot(table, clock)
    called(bot, banner=bot.banner.name)
    bot.bind(KATE)
    bot.create()
    texts, transfer = parts(bot.say("hello"))
    assert transfer is not None
    assert transfer["agentId"] == KATE
    assert texts[1][1] == "AGENTS_AND_MANAGERS", "they read why all the same"
    steps = [(t.step, t.taken) for t in stored_decision(bot.item()["receipt"]).trace]
    assert ("deflected", False) in steps
    assert replays(bot.item()["receipt"])


def test_a_strict_program_leads_the_others_to_the_branch(table: Table, clock: Any) -> None:
    bot = strict_bot(table, clock)
    called(bot, banner=bot.banner.name)
    bot.create()
    assert parts(bot.say("hello"))[1] == {"skillName": "gold-line"}
    assert replays(bot.item()["receipt"])


# ------------------------------------------------------------------ who comes back


def test_who_texts_again_without_calling_is_counted_once(bot: BotRig, clock: Any) -> None:
    called(bot, used="10000002#c-0", used_at="2026-11-01T10:00:00.000Z")
    bot.create()
    clock.advance(5)
    bot.say("KateM123")
    bot.say("KateM123", 1)
    began = bot.clock.now() - timedelta(seconds=5)
    assert measured(bot) == [Measured("repeat", "10000002#c-1", began, "kay", "orders",
                                      store="701")]  # type: ignore[arg-type]  # fmt: skip
    assert parts(bot.say("KateM123", 1))[1] == {"skillName": "kay-associates", "agentId": KATE}


@pytest.mark.parametrize("more", [
    {"used": "10000002#c-0", "used_at": "2026-10-01T10:00:00.000Z"},  # longer ago than repeat_days
    {"at": datetime(2026, 11, 10, tzinfo=UTC)},  # called, and never texted
])  # fmt: skip
def test_others_are_not(bot: BotRig, more: dict[str, Any]) -> None:
    called(bot, **more)
    bot.create()
    bot.say("KateM123")
    assert measured(bot) == []


def test_on_the_web_nobody_comes_back_by_text(bot: BotRig) -> None:
    called(bot, used="10000002#c-0", used_at="2026-11-01T10:00:00.000Z")
    bot.create(sdes={"authenticatedSdes": {"ctmrinfo": {"info": {"imei": PHONE}}}})
    bot.say("KateM123")
    assert measured(bot) == []


def test_requests_of_a_conversation_that_follows_a_call(
    bot: BotRig, requests_made: list[Any]
) -> None:
    """One more than any other, for what stands on the customer; nobody's presence is asked for."""
    called(bot)
    bot.services.programs.current()
    requests_made.clear()
    bot.create()
    bot.say("hello")
    assert [name for _, name, _ in requests_made] == [
        "PutItem", "GetItem", "BatchGetItem", "TransactWriteItems", "GetItem", "UpdateItem",
    ]  # fmt: skip
