"""Facts that agent_assigned tells: who was given a conversation, the first words, a text answered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.assigned_rig import (
    ACCOUNT,
    BOT,
    CONVERSATION,
    DANA,
    EVE,
    TEAM,
    Rig,
    operations,
    program_with,
)

from agent_assigned.app import handler
from instore.adapters.batches import Batches
from instore.adapters.conversation_changes import ConversationChanges
from instore.adapters.facts import Facts
from instore.adapters.table import Table
from instore.assigning import take
from instore.assignment import ConversationChange
from instore.batch import Batch, BatchState
from instore.directory import Pointer
from instore.kpi import Fact, Kind, Period
from instore.kpi_conversations import Counting
from instore.model import epoch
from instore.notify import Means
from instore.program import Program
from instore.runtime.services import Services, using
from instore.runtime.settings import Settings

EVENTS = Path(__file__).parents[2] / "events"


class Counted(Rig):
    """The rig of "assigned", with facts."""

    @property
    def facts(self) -> Facts:
        return Facts(self.table)

    @property
    def means(self) -> Means:
        batches = Batches(self.table, id_of=self.customers.id_of)
        changes = ConversationChanges(self.table)
        return replace(super().means, counting=Counting(self.facts, batches, self.customers,
                                                        self.stores, changes))  # fmt: skip

    def told(self) -> dict[Kind, Fact]:
        day = self.clock.now().date()
        found = [fact for n in range(4) for fact in
                 self.facts.of_day("plan", day=day - timedelta(days=n))]  # fmt: skip
        assert len({fact.kind for fact in found}) == len(found)
        return {fact.kind: fact for fact in found}

    def texted(self, hours_before: float, *, banner: str = "plan", batch: str = "b1") -> None:
        """A proactive text of Eve's, so long before the conversation began."""
        at = self.began - timedelta(hours=hours_before)
        stored = self.table.get(f"CUSTOMER#{self.customer}", "CUSTOMER") or {}
        assert stored
        self.table.put({**stored, "sent": [*stored.get("sent", []), [epoch(at), batch, banner]]})
        Batches(self.table, id_of=self.customers.id_of).create(Batch(
            batch, Pointer(ACCOUNT, "north", "222"), "eve@plan.example.com", banner, "t", "f", 1,
            at, at.date().isoformat(), self.began + timedelta(days=9), BatchState.CLOSED,
        ), now=at)  # fmt: skip


@pytest.fixture
def rig(table: Table, strict_program: Program, clock: Any) -> Counted:
    return Counted(table, strict_program, clock)


NAME = f"{ACCOUNT}#{CONVERSATION}"
UNIT = f"{ACCOUNT}/north"


def test_the_first_person_given_a_conversation_is_a_fact_once(rig: Counted) -> None:
    rig.converse().consent()
    given = rig.change(60, DANA)
    rig.take(given, given, rig.change(70), rig.change(80, EVE))
    fact = rig.told()[Kind.CONVERSATION]
    assert (fact.name, fact.unit, fact.agent, fact.day) == (NAME, UNIT, "111", rig.began.date())
    assert rig.item()["given"] is True


def test_the_bot_is_nobody(rig: Counted) -> None:
    rig.converse().consent()
    rig.take(rig.change(60, BOT), rig.words(61, BOT))
    assert rig.told() == {}


def test_the_first_words_of_a_person_are_the_response(rig: Counted) -> None:
    rig.converse().consent()
    rig.take(rig.words(30, BOT), rig.change(60, DANA), rig.words(95, DANA), rig.words(99, DANA),
             rig.words(300, EVE))  # fmt: skip
    fact = rig.told()[Kind.RESPONSE]
    assert (fact.agent, dict(fact.values)) == ("111", {"wall_s": 95, "hours_s": 95})


def test_words_that_overtook_the_assignment_count_all_the_same(rig: Counted) -> None:
    rig.converse().consent()
    rig.take(rig.words(95, DANA), rig.change(60, DANA))
    assert set(rig.told()) == {Kind.CONVERSATION, Kind.RESPONSE}


@pytest.mark.parametrize("when", ["assigned", "first_reply", "never"])
def test_it_does_not_depend_on_notices(
    table: Table, clock: Any, strict_program: Program, when: str
) -> None:
    rig = Counted(table, program_with(strict_program, when=when), clock)
    rig.converse().consent()
    rig.take(rig.change(60, DANA), rig.words(95, DANA))
    assert set(rig.told()) == {Kind.CONVERSATION, Kind.RESPONSE}


def test_later_words_cost_one_read(rig: Counted, requests_made: list[Any]) -> None:
    rig.converse().consent()
    rig.take(rig.change(60, DANA), rig.words(95, DANA))
    del requests_made[:]
    rig.take(rig.words(99, DANA))
    assert operations(requests_made) == ["GetItem"]
    assert requests_made[0][2]["ConsistentRead"] is False


def by_text(rig: Counted) -> Counted:
    rig.converse(channel="sms", target="111", waiting=False).consent()
    return rig


def test_a_conversation_after_a_text_answers_the_newest_one(rig: Counted) -> None:
    by_text(rig).texted(60, batch="b1")
    rig.texted(20, batch="b2")
    rig.texted(10, banner="other", batch="b3")
    rig.take(rig.change(60, DANA))
    fact = rig.told()[Kind.ANSWERED]
    day = (rig.began - timedelta(hours=20)).date()
    assert (fact.unit, fact.agent, fact.day) == (UNIT, "222", day)
    assert rig.customer not in str(fact)


@pytest.mark.parametrize(("hours", "answers"), [(71.9, True), (72.1, False), (-0.1, False)])
def test_only_within_three_days(rig: Counted, hours: float, answers: bool) -> None:
    by_text(rig).texted(hours)
    rig.take(rig.change(60, DANA))
    assert (Kind.ANSWERED in rig.told()) is answers


def test_a_batch_that_is_gone_was_answered_by_nobody(rig: Counted) -> None:
    by_text(rig).texted(20)
    rig.table.delete("BATCH#b1", "BATCH")
    rig.take(rig.change(60, DANA))
    assert set(rig.told()) == {Kind.CONVERSATION}


def test_a_store_the_map_lost_has_no_figures(rig: Counted) -> None:
    rig.converse().consent()
    rig.table.delete(f"STORE#{ACCOUNT}#north", "STORE")
    rig.take(rig.change(60, DANA), rig.words(95, DANA))
    assert rig.told() == {}
    assert TEAM.group == "north"


def test_words_in_a_conversation_that_is_not_ours(rig: Counted) -> None:
    words: ConversationChange = rig.words(95, DANA)
    taken = take(words, means=rig.means, now=rig.clock.now())
    assert taken.what in ("not_needed", "foreign")
    assert rig.told() == {}


def test_the_function_behind_the_queue_tells_them(rig: Counted, clock: Any) -> None:
    """An answer to a text of the day before yesterday opens that day again."""
    by_text(rig).texted(60)
    house: Any = Services(Settings(), now=clock.now, sleep=clock.sleep)
    house.table, house.customers, house.stores = rig.table, rig.customers, rig.stores
    house.programs = SimpleNamespace(current=lambda: rig.program)
    house.liveperson = rig.vendor
    event = json.loads((EVENTS / "agent_assigned.sqs.json").read_text())
    event["Records"][0]["body"] = json.dumps(rig.change(60, DANA).as_message())
    context = SimpleNamespace(function_name="f", memory_limit_in_mb=1, aws_request_id="r",
                              invoked_function_arn="a",
                              get_remaining_time_in_millis=lambda: 30_000)  # fmt: skip
    with using(house):
        assert handler(event, context) == {"batchItemFailures": []}
    told = rig.told()
    assert set(told) == {Kind.CONVERSATION, Kind.ANSWERED}
    day = told[Kind.ANSWERED].day
    (opened,) = rig.facts.days("plan", Period(day, day))
    assert opened.open
