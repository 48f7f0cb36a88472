"""Receipts are small enough to lie on the conversation, and old ones are still read."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instore.explaining import explain
from instore.model import Channel, Stickiness
from instore.presence import Presence, Status
from instore.receipts import (
    decision_text,
    replay,
    replays,
    stored_case,
    stored_decision,
    write_receipt,
)
from instore.routing import decide
from instore.routing_case import Case, Choice, Decision, Person, Rules, Trace, Wanted

NOW = datetime(2026, 11, 18, 17, 0, 0, 123456, tzinfo=UTC)


def store(people: int) -> Case:
    """A store of so many people as LivePerson tells of them on an ordinary day."""
    chance = random.Random(people)
    statuses = [Status.ONLINE, Status.ONLINE, Status.AWAY, Status.BACK_SOON, Status.OFFLINE]
    found = []
    for n in range(people):
        status = chance.choice(statuses)
        seen = status is not Status.OFFLINE or chance.random() < 0.5
        since = datetime.fromtimestamp(1795010000 + chance.randrange(10_000) + 0.123, UTC)
        presence = Presence(
            status,
            round(chance.random(), 2) if seen else None,
            chance.randrange(4) if seen else None,
            since if seen else None,
            seen,
        )
        found.append(Person(str(3672823600 + n), n % 9 != 7, n % 20 == 19, presence))
    return Case(
        at=NOW, program=12, channel=Channel.SMS, notified=False, wanted=Wanted.KNOWN,
        rules=Rules(Stickiness.STORE, ("associate", "least_loaded_peer", "manager", "skill"), True,
                    30, 15, True, 2, "kay-associates", "kay-virtual", "kay-virtual"),
        wanted_id="3672823603", asked=0, choice=Choice.NOT_OFFERED, store_open=True, answered=True,
        people=tuple(found), busy_since=None, trail=("binding: none", "keyword: found"),
        evidence_at=NOW - timedelta(seconds=4),
    )  # fmt: skip


def as_version_1(case: Case, decision: Decision) -> str:
    """A receipt as the first version wrote it: every name spelled out."""
    told: dict[str, Any] = {"v": 1, "case": asdict(case), "decision": asdict(decision)}
    del told["case"]["evidence_at"]

    def plain(value: Any) -> str:
        assert isinstance(value, datetime)
        return value.astimezone(UTC).isoformat()

    return json.dumps(told, default=plain, sort_keys=True, separators=(",", ":"))


# People -> characters at most, and what the first version took.
SIZES = {5: (700, 1600), 20: (1150, 4000), 60: (2500, 10_000)}


@pytest.mark.parametrize("people", SIZES)
def test_a_receipt_stays_small(people: int) -> None:
    case = store(people)
    decision = decide(case)
    most, before = SIZES[people]
    receipt = write_receipt(case, decision=decision)
    assert receipt.isascii()
    assert len(receipt) <= most
    assert len(as_version_1(case, decision)) > before
    assert stored_case(receipt) == case
    assert stored_decision(receipt) == decision
    assert write_receipt(stored_case(receipt), decision=replay(receipt)) == receipt


@pytest.mark.parametrize("people", SIZES)
def test_the_first_version_is_still_read_and_replayed(people: int) -> None:
    case = replace(store(people), busy_since=NOW - timedelta(hours=1))
    decision = decide(case)
    old = as_version_1(case, decision)
    assert stored_case(old) == replace(case, evidence_at=None)
    assert decision_text(stored_decision(old)) == decision_text(decision)
    assert replays(old)


def test_a_receipt_of_the_first_version_as_it_was_stored() -> None:
    stored = (
        '{"case":{"answered":true,"asked":0,"at":"2026-11-18T17:00:00.123456+00:00",'
        '"busy_since":null,"channel":"sms","choice":"not_offered","notified":false,"people":['
        '{"agent_id":"61001","enabled":true,"manager":false,"presence":{"free_slots":2,"load":0.5,'
        '"seen":true,"since":"2026-11-18T16:00:00+00:00","status":"ONLINE"}}],"program":3,'
        '"rules":{"all_busy_minutes":null,"all_offline_minutes":null,"closed":false,'
        '"human_skill":"h","keyword":true,"last_skill":"l","steps":["associate","skill"],'
        '"stickiness":"store","tries":2,"virtual_skill":null},"store_open":true,'
        '"trail":["binding: found"],"wanted":"known","wanted_id":"61001"},"decision":{'
        '"act":"transfer","agent_id":"61001","message":"connecting","outcome":"associate",'
        '"skill":"h","trace":[{"step":"resolve","taken":false,"why":"binding: found"},'
        '{"step":"associate","taken":true,"why":"online with a free slot"}],"waiting":false},"v":1}'
    )
    assert replays(stored)
    assert stored_case(stored).people[0].presence.since == datetime(2026, 11, 18, 16, tzinfo=UTC)
    assert stored_decision(stored).trace[1] == Trace("associate", True, "online with a free slot")


BROKEN: list[Any] = [None, 1, "x", "", [], {}, True, "2026", 10**30]


def broken(receipt: str) -> Iterator[str]:
    """The receipt with junk in the place of each of its parts."""

    def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
        yield path
        if isinstance(value, dict | list):
            for name in value if isinstance(value, dict) else range(len(value)):
                yield from places(value[name], *path, name)

    def put(junk: Any, path: tuple[Any, ...]) -> Any:
        if not path:
            return junk
        document = place = json.loads(receipt)
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = junk
        return document

    for path in places(json.loads(receipt)):
        yield from (json.dumps(put(junk, path)) for junk in BROKEN)


@pytest.mark.parametrize("version", [1, 2])
def test_a_broken_receipt_fails_in_one_way_or_not_at_all(version: int) -> None:
    case = store(1)
    decision = decide(case)
    whole = as_version_1(case, decision) if version == 1 else write_receipt(case, decision=decision)
    refused = 0
    for receipt in broken(whole):
        for read in (stored_case, stored_decision, replays,
                     lambda text: explain({"state": "decided", "receipt": text})):  # fmt: skip
            try:
                read(receipt)
            except ValueError:
                refused += 1
    assert refused > 500
    for junk in ("null", "[]", "{}"):
        with pytest.raises(ValueError, match="not a receipt, or a broken one"):
            stored_case(junk)


def test_times_are_kept_to_the_microsecond_whichever_way() -> None:
    case = store(5)
    for since in (NOW, NOW - timedelta(microseconds=1), NOW + timedelta(days=1),
                  NOW.replace(microsecond=0), datetime(1970, 1, 1, tzinfo=UTC)):  # fmt: skip
        people = tuple(replace(p, presence=replace(p.presence, since=since)) for p in case.people)
        one = replace(case, people=people, busy_since=since)
        assert stored_case(write_receipt(one, decision=decide(one))) == one


def test_a_decision_taken_on_something_else_is_kept_as_it_is() -> None:
    case = store(5)
    foreign = Decision(decide(case).act, "skill", "skill", "somewhere", trace=(
        Trace("resolve", False, "token: found"), Trace("skill", True, "the last step")))  # fmt: skip
    receipt = write_receipt(case, decision=foreign)
    assert stored_decision(receipt) == foreign
    assert not replays(receipt)
