"""Conversations in the table: created once, one answer a turn, misses counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from instore.adapters.conversations import Conversations
from instore.adapters.presences import Presences
from instore.adapters.table import Table
from instore.conversation import Answer, Conversation, State
from instore.directory import Associate, Pointer, Store
from instore.errors import VendorUnavailableError
from instore.model import Channel, due_shard, epoch
from instore.presence import Evidence, Presence, Status
from instore.program import Account

KEY = ("CONVERSATION#10000002#c-1", "CONVERSATION")
KATE = Pointer("10000002", "701", "61001")


@pytest.fixture
def conversations(table: Table) -> Conversations:
    return Conversations(table)


@pytest.fixture
def talk(now: Any) -> Conversation:
    return Conversation(
        "10000002", "c-1", "kay", "kay-router", Channel.WEB, now, customer="ab12",
        phone="+12125550123", consumer="x", language="en-US", campaign_skill_id="901",
        attributes={"ctmrinfo.ctype": "gold"},
    )  # fmt: skip


def answer(text: str, **changes: Any) -> Answer:
    return replace(Answer(text, State.DECIDED, "associate", 0, 0, sequence=3), **changes)


def test_a_conversation_comes_back_as_it_was_created(
    conversations: Conversations, talk: Conversation
) -> None:
    def known(**changes: Any) -> Conversation | None:
        asked = {"conversation": "c-1", "bot": "kay-router", "now": talk.created_at, **changes}
        return conversations.get("10000002", **asked)

    assert known() is None
    assert conversations.create(talk) is True
    assert known() == talk
    assert conversations.create(replace(talk, customer="other")) is False
    assert known() == talk
    assert known(bot="kay-second") is None
    ends = talk.created_at + timedelta(days=120)
    assert known(now=ends - timedelta(seconds=1)) == talk
    assert known(now=ends) is None
    again = replace(talk, created_at=ends, customer="other")
    assert conversations.create(again) is True
    assert known(now=ends) == again


def test_neither_number_nor_attributes_are_printed(talk: Conversation) -> None:
    assert "2125550123" not in repr(talk)
    assert "gold" not in repr(talk)


def test_an_answer_is_kept_on_the_turn_it_was_worked_out_for(
    conversations: Conversations, talk: Conversation, now: Any
) -> None:
    conversations.create(talk)
    first = conversations.keep_answer(talk, answer=answer("first"), now=now)
    assert first is not None
    assert (first.answer, first.turn, first.answer_seq, first.answer_at) == ("first", 1, 3, now)
    # Another invocation read turn 0 as well: it gets the winner's.
    late = conversations.keep_answer(talk, answer=answer("second"), now=now)
    assert late == first
    again = conversations.keep_answer(first, answer=answer("third", sequence=None), now=now)
    assert again is not None
    assert (again.answer, again.turn, again.answer_seq) == ("third", 2, 3)


def test_an_answer_to_a_conversation_that_is_gone_creates_nothing(
    conversations: Conversations, talk: Conversation, table: Table, now: Any
) -> None:
    assert conversations.keep_answer(talk, answer=answer("x"), now=now) is None
    assert table.get(*KEY) is None


def test_waiting_is_counted_dated_and_due_until_the_next_answer(
    conversations: Conversations, talk: Conversation, table: Table, now: Any
) -> None:
    conversations.create(talk)
    waiting = answer("w", waiting=True, target="61001", wanted=KATE, receipt="{}",
                     alarm_at=now + timedelta(hours=1), choice=KATE)  # fmt: skip
    kept = conversations.keep_answer(talk, answer=waiting, now=now)
    item = table.get(*KEY)
    assert item is not None
    assert kept is not None
    assert (kept.wait, kept.choice) == (1, KATE)
    assert (item["waiting"], item["wait"], item["target"]) == (True, 1, "61001")
    assert item["wanted"] == {"account": "10000002", "group": "701", "agent": "61001"}
    assert item["due_at"] == epoch(now) + 3600
    assert table.due(due_shard(KEY[0]), until=epoch(now) + 3600, limit=5)[0]["pk"] == KEY[0]
    conversations.keep_answer(kept, answer=answer("n", customer="cd", phone="+1212"), now=now)
    item = table.get(*KEY)
    assert item is not None
    assert not {"waiting", "waiting_since", "target", "wanted", "choice"} & item.keys()
    assert (item["wait"], item["customer"], item["phone"]) == (1, "cd", "+1212")
    # The sweep, which also looks after notices, clears what is no longer due.
    assert item["due_at"] == epoch(now) + 3600


def test_what_others_wrote_on_the_item_stays(
    conversations: Conversations, talk: Conversation, table: Table, now: Any
) -> None:
    conversations.create(talk)
    table.update(*KEY, "SET #agent = :a, changed_ts = :t", names={"agent": "agent"},
                 values={"a": "pid-1", "t": 7})  # fmt: skip
    conversations.keep_answer(talk, answer=answer("x"), now=now)
    item = table.get(*KEY)
    assert item is not None
    assert (item["agent"], item["changed_ts"]) == ("pid-1", 7)


def test_misses_are_counted_by_the_hour(
    conversations: Conversations, table: Table, now: Any
) -> None:
    for minutes in (0, 59, 60):
        conversations.count_miss("ab12", now=now + timedelta(minutes=minutes))
    first, second = (conversations.miss_key("ab12", now=now + timedelta(hours=h)) for h in (0, 1))
    found = conversations.look_up([first, second, ("CUSTOMER#none", "CUSTOMER")])
    assert first == ("CUSTOMER#ab12", "MISSES#2026-11-18T17")
    assert {key: item["misses"] for key, item in found.items()} == {first: 2, second: 1}
    assert found[second]["expires_at"] == epoch(now) + 3 * 3600


# ------------------------------------------------------------------ presences


class View:
    """LivePerson's agent view: what it tells, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fails = False
        self.error: Exception = VendorUnavailableError("away")

    def agent_view(self, account: Account, *, agent_ids: list[str], now: Any) -> Evidence:
        self.asked.append(agent_ids)
        if self.fails:
            raise self.error
        return Evidence(now, answered=True, of={"1": Presence(Status.ONLINE)})


def shop(*people: Associate, group: str = "701") -> Store:
    return Store("10000002", group, "", "kay", "America/New_York", "NY", "", (), people, people[:1])


def member(agent_id: str, enabled: bool = True) -> Associate:
    return Associate(agent_id, agent_id, agent_id, agent_id, enabled)


def test_one_call_for_the_enabled_people_of_a_store(lp_account: Account, now: Any) -> None:
    view = View()
    presences = Presences(view)
    store = shop(member("2"), member("1"), member("3", enabled=False))
    told = presences.of_store(lp_account, store=store, max_age_s=15, now=now)
    assert (told.asked, view.asked) == (True, [["1", "2"]])
    assert told.evidence.about("1").status is Status.ONLINE
    assert told.evidence.about("2") == Presence(Status.OFFLINE, seen=False)
    later = now + timedelta(seconds=15)
    assert presences.of_store(lp_account, store=store, max_age_s=15, now=later).asked is False
    assert presences.of_store(lp_account, store=store, max_age_s=0, now=later).asked is True
    later += timedelta(seconds=15.1)
    assert presences.of_store(lp_account, store=store, max_age_s=15, now=later).asked is True


def test_somebody_new_in_the_store_is_asked_about(lp_account: Account, now: Any) -> None:
    view = View()
    presences = Presences(view)
    presences.of_store(lp_account, store=shop(member("1")), max_age_s=15, now=now)
    told = presences.of_store(lp_account, store=shop(member("1"), member("2")), max_age_s=15,
                              now=now)  # fmt: skip
    assert (told.asked, view.asked) == (True, [["1"], ["1", "2"]])


def test_silence_is_unknown_and_kept_for_three_seconds(lp_account: Account, now: Any) -> None:
    view = View()
    view.fails = True
    presences, store = Presences(view), shop(member("1"))
    told = presences.of_store(lp_account, store=store, max_age_s=15, now=now)
    assert told.evidence.answered is False
    assert told.evidence.about("1").status is Status.UNKNOWN
    view.fails = False
    for seconds, asked in ((2.9, False), (3, True)):
        later = now + timedelta(seconds=seconds)
        told = presences.of_store(lp_account, store=store, max_age_s=15, now=later)
        assert told.asked is asked
    assert told.evidence.answered is True


def test_whatever_an_answer_breaks_is_silence(lp_account: Account, now: Any) -> None:
    view = View()
    view.fails, view.error = True, OverflowError("int too large to convert to float")
    told = Presences(view).of_store(lp_account, store=shop(member("1")), max_age_s=15, now=now)
    assert (told.asked, told.evidence.answered) == (True, False)
    assert told.evidence.about("1").status is Status.UNKNOWN


def test_a_store_with_nobody_is_not_asked_about(lp_account: Account, now: Any) -> None:
    view = View()
    told = Presences(view).of_store(lp_account, store=shop(), max_age_s=15, now=now)
    assert (view.asked, told.evidence.answered) == ([], False)


def test_a_long_lived_process_does_not_keep_every_store(lp_account: Account, now: Any) -> None:
    view = View()
    presences = Presences(view)
    for group in range(501):
        presences.of_store(lp_account, store=shop(member("1"), group=str(group)), max_age_s=15,
                           now=now)  # fmt: skip
    first = presences.of_store(
        lp_account, store=shop(member("1"), group="0"), max_age_s=15, now=now
    )
    last = presences.of_store(lp_account, store=shop(member("1"), group="500"), max_age_s=15,
                              now=now)  # fmt: skip
    assert (first.asked, last.asked) == (True, False)
