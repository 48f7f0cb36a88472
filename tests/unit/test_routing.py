"""The decision: each step, each trigger, each reason not to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from instore.directory import Associate, Opening, Store
from instore.model import Channel, Stickiness
from instore.presence import Evidence, Presence, Status
from instore.program import Program
from instore.routing import closes_store, decide
from instore.routing_case import (
    Act,
    Case,
    Choice,
    Decision,
    Person,
    Rules,
    Wanted,
    all_busy,
    people_of,
    rules_of,
)

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
KATE, LEO, NOOR, BOSS = "51001", "51002", "51003", "51900"
RULES = Rules(
    stickiness=Stickiness.STORE,
    steps=("associate", "least_loaded_peer", "manager", "wait_for_associate", "skill"),
    closed=True, all_offline_minutes=30, all_busy_minutes=15, keyword=True, tries=2,
    human_skill="kay-associates", virtual_skill="kay-virtual", last_skill="kay-virtual",
)  # fmt: skip


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def on(load: float | None = 0.2, slots: int | None = 4, minutes: float = 60) -> Presence:
    return Presence(Status.ONLINE, load=load, free_slots=slots, since=ago(minutes))


def off(minutes: float = 60, status: Status = Status.OFFLINE) -> Presence:
    return Presence(status, since=ago(minutes))


FULL = on(load=1.0, slots=0)
UNTOLD = Presence(Status.UNKNOWN)


def case(kate: Presence, leo: Presence, noor: Presence, boss: Presence, **changes: Any) -> Case:
    ruled = {k: changes.pop(k) for k in list(changes) if k in Rules.__dataclass_fields__}
    one = Case(
        at=NOW, program=1, rules=replace(RULES, **ruled), channel=Channel.SMS, notified=False,
        wanted=Wanted.KNOWN, wanted_id=KATE, asked=0, choice=Choice.NOT_OFFERED, store_open=True,
        answered=True, busy_since=None, trail=("binding: found",),
        people=(Person(KATE, True, False, kate), Person(LEO, True, False, leo),
                Person(NOOR, True, False, noor), Person(BOSS, True, True, boss)),
    )  # fmt: skip
    return replace(one, **changes)


def said(decision: Decision) -> tuple[str, str | None, str | None, str]:
    return decision.outcome, decision.skill, decision.agent_id, decision.message


def why(decision: Decision, step: str) -> str:
    return next(look.why for look in decision.trace if look.step == step)


def test_the_wanted_associate_takes_it_when_online_with_a_free_slot() -> None:
    decision = decide(case(on(load=0.9, slots=1), on(load=0.0), on(), on()))
    assert said(decision) == ("associate", "kay-associates", KATE, "connecting")
    assert decision.act is Act.TRANSFER
    assert decision.waiting is False
    assert [(look.step, look.taken) for look in decision.trace] == [
        ("resolve", False), ("associate", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("presence", "reason"),
    [
        (FULL, "online without a free slot"),
        (off(status=Status.AWAY), "away"),
        (off(status=Status.BACK_SOON), "back_soon"),
        (off(), "offline"),
        (Presence(Status.OFFLINE, seen=False), "not mentioned by LivePerson"),
        (UNTOLD, "no information, which is never online"),
    ],
)
def test_an_associate_who_cannot_take_it_is_passed_over(presence: Presence, reason: str) -> None:
    decision = decide(case(presence, on(), off(), off()))
    assert said(decision) == ("least_loaded_peer", "kay-associates", LEO, "peer")
    assert why(decision, "associate") == reason


@pytest.mark.parametrize(
    ("leo", "noor", "chosen"),
    [
        (on(load=0.5), on(load=0.4), NOOR),  # lowest load
        (on(load=0.5, slots=2), on(load=0.5, slots=3), NOOR),  # then most free slots
        (on(minutes=10), on(minutes=11), NOOR),  # then longest in that state
        (on(), on(), LEO),  # then the agent id
        (on(load=None), on(load=0.9), NOOR),  # an untold load is no low load
        (on(slots=None), on(slots=1), NOOR),
        (FULL, on(load=0.9), NOOR),
    ],
)
def test_the_least_loaded_peer_is_chosen(leo: Presence, noor: Presence, chosen: str) -> None:
    decision = decide(case(off(), leo, noor, on(load=0.0)))
    assert decision.agent_id == chosen
    assert why(decision, "least_loaded_peer") in (
        "lowest load of 2 who are free", "lowest load of 1 who are free",
    )  # fmt: skip


def test_a_free_manager_takes_it_when_no_peer_is_free() -> None:
    decision = decide(case(off(), off(), FULL, on()))
    assert said(decision) == ("manager", "kay-associates", BOSS, "manager")


def test_a_wanted_manager_is_not_their_own_stand_in() -> None:
    one = case(off(), off(), off(), FULL, wanted_id=BOSS, steps=("associate", "manager", "skill"))
    assert said(decide(one)) == ("skill", "kay-virtual", None, "skill")


@pytest.mark.parametrize(
    ("channel", "notified", "message"),
    [
        (Channel.SMS, True, "waiting_sms"),  # the thread itself brings the answer
        (Channel.WEB, True, "waiting"),
        (Channel.WEB, False, "waiting_sms"),  # no text is promised that nobody will send
    ],
)
def test_waiting_names_agent_and_skill(channel: Channel, notified: bool, message: str) -> None:
    decision = decide(case(off(), off(), off(), off(), channel=channel, notified=notified,
                           all_offline_minutes=None))  # fmt: skip
    assert said(decision) == ("wait_for_associate", "kay-associates", KATE, message)
    assert decision.waiting is True


def test_without_any_evidence_nobody_is_online_and_no_trigger_fires() -> None:
    one = case(
        UNTOLD,
        UNTOLD,
        UNTOLD,
        UNTOLD,
        answered=False,
        all_offline_minutes=0,
        all_busy_minutes=0,
        busy_since=ago(600),
        steps=("associate", "manager", "skill"),
    )
    decision = decide(one)
    assert said(decision) == ("skill", "kay-virtual", None, "skill")
    assert why(decision, "manager") == "no information about anybody"


# ------------------------------------------------------------------ triggers


def test_a_closed_store_goes_to_the_virtual_associates_whoever_is_online() -> None:
    one = case(on(), on(), on(), on(), store_open=False)
    assert closes_store(one)
    assert said(decide(one)) == ("closed", "kay-virtual", None, "closed")
    assert said(decide(replace(one, rules=replace(RULES, closed=False))))[0] == "associate"


@pytest.mark.parametrize(
    ("minutes", "boss", "fires"),
    [
        (30, off(30), True),
        (30, off(29.9), False),
        (30, Presence(Status.OFFLINE, seen=False), True),
        (1440, Presence(Status.OFFLINE, seen=False), True),
        (1440, Presence(Status.OFFLINE), True),
        (30, off(60, status=Status.AWAY), False),
        (30, UNTOLD, False),
        (None, off(600), False),
    ],
)
def test_all_offline_for_long(minutes: int | None, boss: Presence, fires: bool) -> None:
    away = off(60 * 24)
    decision = decide(case(away, away, away, boss, all_offline_minutes=minutes))
    assert (decision.outcome == "all_offline") is fires
    if fires:
        assert said(decision) == ("all_offline", "kay-virtual", None, "virtual")


def test_an_empty_store_is_not_all_offline() -> None:
    one = replace(case(off(), off(), off(), off()), people=(), wanted=Wanted.TERMINATED)
    assert decide(one).outcome == "skill"


@pytest.mark.parametrize(
    ("since", "minutes", "leo", "fires"),
    [
        (ago(15), 15, FULL, True),
        (ago(14.9), 15, FULL, False),
        (None, 15, FULL, False),
        (ago(600), None, FULL, False),
        (ago(600), 15, on(), False),
        (ago(600), 15, off(status=Status.AWAY), True),
        (ago(600), 15, UNTOLD, False),
    ],
)
def test_all_busy_for_long(
    since: datetime | None, minutes: int | None, leo: Presence, fires: bool
) -> None:
    one = case(FULL, leo, FULL, off(1), busy_since=since, all_busy_minutes=minutes)
    assert (said(decide(one)) == ("all_busy", "kay-virtual", None, "virtual")) is fires


def test_all_busy_needs_somebody_online() -> None:
    assert all_busy(case(FULL, off(), off(), off()).people) is True
    assert all_busy(case(off(), off(), off(), off()).people) is False
    disabled = replace(case(FULL, off(), off(), off()).people[0], enabled=False)
    assert all_busy((disabled,)) is False


def test_strict_programs_say_that_they_ignore_triggers() -> None:
    one = case(off(), on(), on(), on(), stickiness=Stickiness.STRICT, store_open=False,
               steps=("associate", "wait_for_associate", "skill"))  # fmt: skip
    decision = decide(one)
    assert (decision.outcome, decision.agent_id) == ("wait_for_associate", KATE)
    assert why(decision, "triggers") == "strict programs have none"


# ------------------------------------------------------------------ unknown, terminated


@pytest.mark.parametrize(
    ("asked", "tries", "outcome", "message"),
    [
        (0, 2, "ask", "ask_keyword"),
        (1, 2, "ask", "ask_again"),
        (2, 2, "skill", "skill"),
        (0, 0, "skill", "skill"),
    ],
)
def test_an_unknown_wish_asks_then_goes_to_the_skill(
    asked: int, tries: int, outcome: str, message: str
) -> None:
    one = case(off(), off(), off(), off(), wanted=Wanted.UNKNOWN, wanted_id=None, people=(),
               store_open=None, asked=asked, tries=tries)  # fmt: skip
    decision = decide(one)
    assert (decision.outcome, decision.message, decision.agent_id) == (outcome, message, None)


def test_programs_without_keywords_do_not_ask() -> None:
    one = case(off(), off(), off(), off(), wanted=Wanted.UNKNOWN, people=(), store_open=None,
               keyword=False)  # fmt: skip
    assert decide(one).outcome == "skill"


def test_terminated_and_unknown_end_with_the_same_words_in_strict_programs() -> None:
    strict = {"stickiness": Stickiness.STRICT,
              "steps": ("associate", "wait_for_associate", "skill")}  # fmt: skip
    gone = decide(case(off(), on(), on(), on(), wanted=Wanted.TERMINATED, **strict))
    unknown = decide(case(off(), on(), on(), on(), wanted=Wanted.UNKNOWN, asked=2, **strict))
    assert said(gone) == said(unknown) == ("skill", "kay-virtual", None, "skill")
    assert why(gone, "associate") == "has left"
    assert why(gone, "wait_for_associate") == "nobody to wait for"
    assert why(unknown, "associate") == "nobody is wanted"


def test_colleagues_stand_in_for_somebody_who_has_left_a_store() -> None:
    one = case(on(), on(), on(), on(), wanted=Wanted.TERMINATED)
    disabled = (replace(one.people[0], enabled=False), *one.people[1:])
    assert decide(replace(one, people=disabled)).agent_id == LEO


def test_steps_that_run_out_end_at_the_last_skill() -> None:
    decision = decide(case(off(), off(), off(), off(1), wanted=Wanted.TERMINATED,
                           steps=("associate", "wait_for_associate")))  # fmt: skip
    assert said(decision) == ("skill", "kay-virtual", None, "skill")
    assert why(decision, "skill") == "no step was left"


def test_a_missing_virtual_skill_gives_way_to_the_last_one() -> None:
    one = case(on(), on(), on(), on(), store_open=False, virtual_skill=None, last_skill="desk")
    assert decide(one).skill == "desk"


# ------------------------------------------------------------------ offer_choice

CHOICE = {"stickiness": Stickiness.OFFER_CHOICE}


def test_the_choice_is_offered_once_when_the_wanted_one_cannot_take_it() -> None:
    decision = decide(case(off(), on(), on(), on(), **CHOICE))
    assert decision.act is Act.CHOICE
    assert said(decision) == ("choice", None, None, "choice")
    assert decide(case(on(), on(), on(), on(), **CHOICE)).outcome == "associate"


@pytest.mark.parametrize(
    ("choice", "kate", "outcome", "agent"),
    [
        (Choice.WAIT, off(), "wait_for_associate", KATE),
        (Choice.WAIT, on(), "associate", KATE),
        (Choice.NEXT, off(), "least_loaded_peer", LEO),
        (Choice.NEXT, on(), "least_loaded_peer", LEO),
        (Choice.OFFERED, off(), "wait_for_associate", KATE),  # any other word: they came for Kate
    ],
)
def test_the_customers_choice_is_followed(
    choice: Choice, kate: Presence, outcome: str, agent: str
) -> None:
    decision = decide(case(kate, on(), on(load=0.9), on(), choice=choice, **CHOICE))
    assert (decision.outcome, decision.agent_id) == (outcome, agent)


def test_next_never_waits_and_wait_outlasts_a_closed_store() -> None:
    nobody = decide(case(off(), off(1), off(1), off(1), choice=Choice.NEXT, **CHOICE))
    assert said(nobody) == ("skill", "kay-virtual", None, "skill")
    assert why(nobody, "wait_for_associate") == "the customer chose the next person"
    closed = case(off(), on(), on(), on(), choice=Choice.WAIT, store_open=False, **CHOICE)
    assert decide(closed).outcome == "wait_for_associate"
    assert not closes_store(closed)
    gone = case(off(), on(), on(), on(), choice=Choice.WAIT, wanted=Wanted.TERMINATED, **CHOICE)
    assert decide(gone).agent_id == LEO


# ------------------------------------------------------------------ from program and map


def test_rules_and_people_come_from_program_and_map(program: Program) -> None:
    kay = program.banners[0]
    assert rules_of(kay) == Rules(
        stickiness=Stickiness.STORE,
        steps=("associate", "least_loaded_peer", "manager", "skill"), closed=True,
        all_offline_minutes=30, all_busy_minutes=15, keyword=True, tries=2,
        human_skill="kay-associates", virtual_skill="kay-virtual", last_skill="kay-virtual",
    )  # fmt: skip
    boss = Associate(BOSS, "p9", "boss@kay.example.com", "Bo")
    store = Store(
        "10000002", "7", "Kay 7", "kay", "America/New_York", "NY", "10001",
        (Opening(2, time(10), time(20)),),
        (Associate(KATE, "p1", "kate@kay.example.com", "Kate", enabled=False), boss), (boss,),
    )  # fmt: skip
    told = Evidence(NOW, answered=True, of={BOSS: FULL})
    unseen = Presence(Status.OFFLINE, seen=False)
    assert people_of(store, evidence=told) == (
        Person(KATE, False, False, unseen), Person(BOSS, True, True, FULL),
    )  # fmt: skip
    silent = Evidence(NOW, answered=False, of={})
    assert {p.presence.status for p in people_of(store, evidence=silent)} == {Status.UNKNOWN}
    assert people_of(None, evidence=told) == ()
