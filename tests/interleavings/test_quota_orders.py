"""I3: the day's limit holds in every order in which two requests can meet at the table."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.interleavings.orders import all_orders
from tests.interleavings.switching import switched_orders
from tests.outreach_rig import Rig, http_event, outreach, phone

from instore.adapters.batches import Batches
from instore.adapters.table import Table
from instore.batch import Batch
from instore.directory import Pointer

_days = itertools.count()


def batch(name: str, day: str, now: datetime) -> Batch:
    return Batch(id=name, pointer=Pointer("10000002", "4100", "201"), login="a", banner="kay",
                 template="t", fingerprint="f", program=1, accepted_at=now, day=day,
                 expires_at=now + timedelta(days=35))  # fmt: skip


@pytest.mark.parametrize(("limit", "total"), [(100, 14), (10, 10), (7, 7), (12, 12)])
def test_two_requests_never_take_more_than_the_day_has(
    table: Table, now: datetime, limit: int, total: int
) -> None:
    batches = Batches(table, id_of=str)
    day = ""

    def start() -> list[Callable[[], Any]]:
        nonlocal day
        day = (date(2026, 11, 18) + timedelta(days=next(_days))).isoformat()
        return [
            lambda: batches.take_quota(batch("a", day, now), wanted=7, limit=limit, now=now)[0],
            lambda: batches.take_quota(batch("b", day, now), wanted=7, limit=limit, now=now)[0],
        ]

    def check(results: list[Any]) -> None:
        assert sum(results) == total
        assert batches.quota_used(batch("a", day, now).pointer, day=day) == total

    assert all_orders(start, check) > 1


def test_taking_and_giving_back_cross_in_any_order(table: Table, now: datetime) -> None:
    batches = Batches(table, id_of=str)
    day = ""

    def start() -> list[Callable[[], Any]]:
        nonlocal day
        day = (date(2026, 11, 18) + timedelta(days=next(_days))).isoformat()
        batches.take_quota(batch("a", day, now), wanted=10, limit=10, now=now)
        return [
            lambda: batches.give_back_quota(batch("a", day, now), taken=10, kept=6),
            lambda: batches.give_back_quota(batch("a", day, now), taken=10, kept=6),
            lambda: batches.take_quota(batch("b", day, now), wanted=7, limit=10, now=now)[0],
        ]

    def check(results: list[Any]) -> None:
        assert sorted(results[:2]) == [False, True]
        assert results[2] in (0, 4)
        used = batches.quota_used(batch("a", day, now).pointer, day=day)
        assert used == 6 + results[2] <= 10

    assert all_orders(start, check) >= 6


def test_a_batch_takes_its_share_once(table: Table, now: datetime) -> None:
    batches = Batches(table, id_of=str)
    mine = batch("a", "2026-11-18", now)
    assert batches.take_quota(mine, wanted=7, limit=10, now=now) == (7, 7)
    assert batches.take_quota(mine, wanted=7, limit=10, now=now) == (7, 7)
    assert batches.take_quota(mine, wanted=0, limit=10, now=now) == (7, 7)
    other = replace(mine, id="b")
    assert batches.take_quota(other, wanted=7, limit=10, now=now) == (3, 10)
    assert batches.take_quota(replace(mine, id="c"), wanted=1, limit=10, now=now) == (0, 10)
    assert batches.take_quota(replace(mine, id="d"), wanted=1, limit=5, now=now) == (0, 10)
    assert batches.take_quota(replace(mine, id="e"), wanted=1, limit=0, now=now) == (0, 0)


def test_two_whole_requests_for_the_last_places(table: Table, clock: Any) -> None:
    """Both ask for two when three are left; one of them shares a customer with the other."""
    rig = Rig(table, clock)
    rig.apply(lambda d: d["outreach"].update(per_associate_day=3))
    rounds = itertools.count()
    numbers: list[str] = []

    def start() -> list[Callable[[], Any]]:
        nonlocal numbers
        first = 3 * next(rounds)
        clock.advance(86400 if first else 0)  # a new day for every order
        numbers = [phone(first + n) for n in range(3)]
        for number in numbers:
            rig.customer(number)
        rig.queue.take()
        return [lambda: _ask(rig, numbers[:2], key=f"a-{first}"),
                lambda: _ask(rig, numbers[1:], key=f"b-{first}")]  # fmt: skip

    def check(results: list[Any]) -> None:
        statuses = [row["status"] for _, body in results for row in body["rows"]]
        day = clock.now().date().isoformat()
        assert statuses.count("accepted") == 3
        assert rig.used(day=day) == 3

    assert switched_orders(start, check, calls=14) == 28


def _ask(rig: Rig, numbers: list[str], *, key: str) -> tuple[int, dict[str, Any]]:
    import json

    from instore.runtime.outreach_http import dispatch
    from instore.runtime.outreach_operations import OPERATIONS
    from instore.runtime.services import using

    with using(rig.services()):
        answer = dispatch(http_event("POST /outreach", outreach(numbers), key=key), OPERATIONS)
    return answer["statusCode"], json.loads(answer["body"])


def test_the_same_request_twice_at_once_has_one_outcome(table: Table, clock: Any) -> None:
    """Same key, same body, both in flight: one decides, both give its answer, nothing leaks."""
    rig = Rig(table, clock)
    rounds = itertools.count()
    numbers: list[str] = []

    def start() -> list[Callable[[], Any]]:
        nonlocal numbers
        first = 2 * next(rounds)
        clock.advance(86400 if first else 0)
        numbers = [phone(first), phone(first + 1)]
        rig.customer(numbers[0])
        until = int(clock.now().timestamp()) + 3600
        rig.customer(numbers[1], lease={"banner": "zales", "owner": "10000003.9", "batch": "b1",
                                        "until": until, "since": 1})  # fmt: skip
        rig.queue.take()
        asked = [lambda: _ask(rig, numbers, key=f"k-{first}")] * 2
        return list(asked)

    def check(results: list[Any]) -> None:
        assert results[0] == results[1]
        assert [row["status"] for row in results[0][1]["rows"]] == ["accepted", "blocked"]
        assert rig.used(day=clock.now().date().isoformat()) == 1

    assert switched_orders(start, check, calls=14) == 28


def test_an_overtaken_request_frees_what_only_it_had_reserved(
    table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs of one accept, and a customer who becomes free in between: the run that stores its
    verdicts second held them for nothing."""
    rig = Rig(table, clock)
    numbers = [phone(0), phone(1)]
    rig.customer(numbers[0])
    until = int(clock.now().timestamp()) + 3600
    held = {"banner": "zales", "owner": "10000003.9", "batch": "b1", "until": until, "since": 1}
    name = rig.customer(numbers[1], lease=held)
    original = Batches.save
    answers: list[Any] = []

    def overtaken(self: Batches, decided: Batch) -> Batch | None:
        """Just before the second run stores, the first one (which met the lease) does."""
        monkeypatch.setattr(Batches, "save", original)
        item = table.get(f"CUSTOMER#{name}", "CUSTOMER") or {}
        table.put({**item, "lease": held, "rev": item["rev"] + 1})
        answers.append(_ask(rig, numbers, key="k"))
        table.put({**item, "rev": item["rev"] + 2})
        return original(self, decided)

    item = table.get(f"CUSTOMER#{name}", "CUSTOMER") or {}
    table.put({k: v for k, v in item.items() if k != "lease"})
    monkeypatch.setattr(Batches, "save", overtaken)
    answers.append(_ask(rig, numbers, key="k"))
    assert answers[0] == answers[1]
    assert [row["status"] for row in answers[0][1]["rows"]] == ["accepted", "blocked"]
    assert [rig.leased(number) for number in numbers] == [True, False]
    assert rig.used() == 1
