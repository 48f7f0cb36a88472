"""I7 over the whole state space, and I8 and I11 beside it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local.samples import sample_document

from instore.errors import ProgramError
from instore.model import Channel, Stickiness
from instore.presence import Presence, Status
from instore.program import load_program
from instore.receipts import (
    decision_text,
    replay,
    replays,
    stored_case,
    stored_decision,
    write_receipt,
)
from instore.routing import decide
from instore.routing_case import Act, Case, Choice, Person, Rules, Wanted

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=5)
DANA, EVE, MIA = "41001", "41002", "41900"
SAFE_STEPS = [
    steps
    for length in (1, 2, 3)
    for steps in itertools.permutations(("associate", "wait_for_associate", "skill"), length)
]
# Such a program is refused; should one ever get in, the decision itself still holds.
UNSAFE_STEPS = [
    ("associate", "least_loaded_peer", "manager", "wait_for_associate", "skill"),
    ("least_loaded_peer", "manager", "skill"),
    ("manager", "least_loaded_peer", "associate", "wait_for_associate"),
]
PRESENCES = [
    Presence(status, load=load, free_slots=slots, since=LONG_AGO, seen=seen)
    for status in Status
    for load, slots in ((0.1, 3), (1.0, 0), (None, None))
    for seen in (True, False)
]
FREE = Presence(Status.ONLINE, load=0.0, free_slots=9, since=LONG_AGO)
AWAY = Presence(Status.OFFLINE, since=LONG_AGO)


def rules(steps: tuple[str, ...], *, triggers: bool = True, **changes: object) -> Rules:
    values: dict[str, object] = {
        "stickiness": Stickiness.STRICT, "steps": steps, "closed": triggers,
        "all_offline_minutes": 0 if triggers else None,
        "all_busy_minutes": 0 if triggers else None, "keyword": True, "tries": 2,
        "human_skill": "plan-navigators", "virtual_skill": "plan-virtual",
        "last_skill": "plan-desk",
    }  # fmt: skip
    return Rules(**(values | changes))


def case(**changes: object) -> Case:
    values: dict[str, object] = {
        "at": NOW, "program": 3, "rules": rules(("associate", "wait_for_associate", "skill")),
        "channel": Channel.WEB, "notified": True, "wanted": Wanted.KNOWN, "wanted_id": DANA,
        "asked": 0, "choice": Choice.NOT_OFFERED, "store_open": True, "answered": True,
        "people": (Person(DANA, True, False, FREE), Person(EVE, True, False, FREE),
                   Person(MIA, True, True, FREE)),
        "busy_since": None, "trail": ("binding: found",),
    }  # fmt: skip
    return Case(**(values | changes))


def strict_space() -> itertools.product[tuple[object, ...]]:
    return itertools.product(
        PRESENCES, [*SAFE_STEPS, *UNSAFE_STEPS], list(Wanted), (True, False), (True, False, None),
        (True, False), list(Choice), (True, False),
    )  # fmt: skip


def test_strict_never_yields_another_agent_id_whatever_the_state() -> None:
    seen: set[tuple[str, str | None]] = set()
    states = 0
    for presence, steps, wanted, enabled, is_open, peers_free, choice, triggers in strict_space():
        other = FREE if peers_free else AWAY
        people = (Person(DANA, enabled, False, presence), Person(EVE, True, False, other),
                  Person(MIA, True, True, other))  # fmt: skip
        for answered, asked, vanished in ((True, 0, False), (False, 2, False), (True, 2, True)):
            decision = decide(case(
                rules=rules(steps, triggers=triggers), wanted=wanted, choice=choice,
                store_open=is_open, answered=answered, asked=asked,
                people=people[1:] if vanished else people, busy_since=LONG_AGO,
            ))  # fmt: skip
            states += 1
            assert decision.agent_id in (None, DANA), decision
            # Nor does a store-wide trigger hand a strict conversation to virtual associates.
            assert decision.skill != "plan-virtual", decision
            if decision.agent_id == DANA:
                assert enabled, decision
                assert wanted is Wanted.KNOWN, decision
                assert not vanished, decision
                assert decision.skill == "plan-navigators"
            seen.add((decision.outcome, decision.agent_id))
    assert states == 30 * 18 * 3 * 2 * 3 * 2 * 4 * 2 * 3
    # The enumeration is worth something only if it reaches every outcome.
    assert seen == {("associate", DANA), ("wait_for_associate", DANA), ("skill", None),
                    ("ask", None)}  # fmt: skip


@pytest.mark.parametrize("step", ["least_loaded_peer", "manager"])
def test_a_strict_program_with_a_step_to_others_is_refused(step: str) -> None:
    document = sample_document("one_to_one")
    document["routing"]["steps"] = ["associate", step, "wait_for_associate"]
    with pytest.raises(ProgramError, match=f"strict never reaches another agent: remove {step}"):
        load_program(document)


agents = st.sampled_from([DANA, EVE, MIA, "41003", "41901"])
presences = st.builds(
    Presence,
    status=st.sampled_from(Status),
    load=st.none() | st.floats(0, 2),
    free_slots=st.none() | st.integers(0, 30),
    since=st.none()
    | st.datetimes(datetime(2026, 11, 17), datetime(2026, 11, 18, 17), timezones=st.just(UTC)),
    seen=st.booleans(),
)
all_steps = ("associate", "least_loaded_peer", "manager", "wait_for_associate", "skill")
cases = st.builds(
    Case,
    at=st.just(NOW) | st.just(NOW + timedelta(microseconds=123_456)),
    program=st.integers(1, 9),
    rules=st.builds(
        Rules,
        stickiness=st.sampled_from(Stickiness),
        steps=st.lists(st.sampled_from(all_steps), min_size=1, unique=True).map(tuple),
        closed=st.booleans(),
        all_offline_minutes=st.none() | st.integers(0, 1440),
        all_busy_minutes=st.none() | st.integers(0, 1440),
        keyword=st.booleans(),
        tries=st.integers(0, 5),
        human_skill=st.just("humans"),
        virtual_skill=st.none() | st.just("virtual"),
        last_skill=st.just("last"),
    ),
    channel=st.sampled_from(Channel),
    notified=st.booleans(),
    wanted=st.sampled_from(Wanted),
    wanted_id=st.none() | agents,
    asked=st.integers(0, 3),
    choice=st.sampled_from(Choice),
    store_open=st.none() | st.booleans(),
    answered=st.booleans(),
    people=st.lists(
        st.builds(Person, agents, st.booleans(), st.booleans(), presences),
        max_size=5, unique_by=lambda person: person.agent_id,
    ).map(tuple),
    busy_since=st.none() | st.just(LONG_AGO),
    trail=st.lists(st.sampled_from(["binding: none", "keyword: unknown"])).map(tuple),
    evidence_at=st.none() | st.just(NOW - timedelta(microseconds=14_999_999)),
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(cases)
def test_every_receipt_replays_to_the_same_answer_byte_for_byte(one: Case) -> None:
    decision = decide(one)
    receipt = write_receipt(one, decision=decision)
    assert decision_text(replay(receipt)) == decision_text(decision)
    assert stored_decision(receipt) == decision
    # What it replays is the case itself and not a lookalike, to the microsecond.
    assert stored_case(receipt) == one
    # And what is written about the replay is the receipt, byte for byte (I11).
    assert write_receipt(stored_case(receipt), decision=replay(receipt)) == receipt
    assert replays(receipt)


@settings(max_examples=500, deadline=None)
@given(cases)
def test_nobody_disabled_unknown_or_absent_is_ever_chosen(one: Case) -> None:
    decision = decide(one)
    assert decision.act is not Act.TRANSFER or decision.skill
    if decision.agent_id is None:
        return
    taker = next(person for person in one.people if person.agent_id == decision.agent_id)
    assert taker.enabled
    if not decision.waiting:
        assert taker.presence.can_take
    else:
        assert taker.agent_id == one.wanted_id
    if one.wanted is not Wanted.KNOWN or one.choice is Choice.NEXT:
        assert taker.agent_id != one.wanted_id


def test_a_receipt_of_another_version_is_not_replayed_as_if_it_were_ours() -> None:
    receipt = write_receipt(case(), decision=decide(case()))
    with pytest.raises(ValueError, match="another version"):
        replay(receipt.replace('"v":2', '"v":3'))


def test_a_receipt_holds_no_name_and_takes_nothing_it_cannot_give_back() -> None:
    one = replace(case(), trail=(b"bytes",))
    with pytest.raises(TypeError, match="no place in a receipt for bytes"):
        write_receipt(one, decision=decide(case()))
