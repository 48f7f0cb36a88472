"""An import is killed before or after any one call, or overslept by a second invocation.

However it goes: the same verdicts in the same bytes, nobody texted twice, nobody forgotten, the day
counted once (I3, I4, I13). The same for cancelling one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from local.lock import watching
from tests.import_rig import ImportRig, Killed, phone, sheet

from instore.adapters.table import Table
from instore.runtime import import_operations

START = datetime(2026, 11, 18, 17, tzinfo=UTC)
SIDES = pytest.mark.parametrize("after", [False, True])
WHOLE = ["accepted", "accepted", "blocked", "accepted", "blocked", "accepted"]


@pytest.fixture
def rig(table: Table, clock: Any, monkeypatch: Any) -> ImportRig:
    monkeypatch.setattr(import_operations, "PAGE_ROWS", 3)
    return ImportRig(table, clock)


def people(rig: ImportRig, n: int) -> list[str]:
    """Six rows on two pages: four who may be texted, one who never agreed, one there twice."""
    numbers = [phone(5 * n + place) for place in range(5)]
    for place in (0, 1, 3, 4):
        rig.customer(numbers[place])
    return [*numbers[:4], numbers[0], numbers[4]]


def next_noon(rig: ImportRig) -> str:
    """Every try has its own day: same hours, an unused quota."""
    day = timedelta(days=1)
    rig.clock.advance((START - rig.clock.now()) % day / timedelta(seconds=1) or 86400)
    return str(rig.clock.now().date().isoformat())


def opened(rig: ImportRig, n: int, *, mode: str = "send") -> tuple[str, str, list[str]]:
    numbers = people(rig, n)
    import_id = rig.open(key=f"i-{n}", mode=mode)
    return import_id, rig.upload(import_id, sheet(numbers)), numbers


def again_and_again(rig: ImportRig, body: str) -> None:
    """The queue shows the message again until it is done, and delivers what was sent meanwhile."""
    rig.boundaries.reset()
    for _ in range(2):
        rig.clock.advance(750)
        assert rig.run(body) == {"batchItemFailures": []}
    rig.run_queued()


def is_whole(rig: ImportRig, import_id: str, numbers: list[str], *, day: str) -> None:
    assert rig.look(import_id)["state"] == "done"
    lines = rig.result(import_id)
    assert [line["verdict"] for line in lines] == WHOLE
    assert [line["reason"] for line in lines if line["reason"]] == ["no_consent", "duplicate"]
    assert rig.look(import_id)["counts"] == {
        "accepted": 4, "deferred": 0, "segments": 4, "blocked": {"no_consent": 1, "duplicate": 1}
    }  # fmt: skip
    assert rig.used(day=day) == 4
    rig.remaining_s = 120.0
    rig.settle(8)
    assert [rig.vendor.texts[number[1:]] for number in numbers] == [1, 1, 0, 1, 1, 1]


def normal_calls(rig: ImportRig) -> list[str]:
    import_id, body, numbers = opened(rig, 0)
    rig.boundaries.reset()
    rig.run(body)
    names = list(rig.boundaries.names)
    is_whole(rig, import_id, numbers, day="2026-11-18")
    assert {"s3.GetObject", "s3.PutObject", "dynamodb.PutItem", "dynamodb.UpdateItem", "sqs"} <= {
        *names
    }
    return names


@SIDES
def test_an_import_killed_anywhere_ends_as_if_it_had_not_been(rig: ImportRig, after: bool) -> None:
    names = normal_calls(rig)
    assert len(names) > 30
    for n in range(len(names)):
        day = next_noon(rig)
        import_id, body, numbers = opened(rig, n + 1)
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.run(body)
        again_and_again(rig, body)
        is_whole(rig, import_id, numbers, day=day)


@SIDES
def test_one_that_hands_itself_on_may_die_in_between(rig: ImportRig, after: bool) -> None:
    rig.remaining_s = 5.0  # one page an invocation
    import_id, body, numbers = opened(rig, 0)
    rig.boundaries.reset()
    rig.run(body)
    assert "sqs import" in rig.boundaries.names
    length = len(rig.boundaries.names)
    rig.run_queued()
    is_whole(rig, import_id, numbers, day="2026-11-18")
    for n in range(length - 3, length):  # the note that lets go, the message, the end
        day = next_noon(rig)
        import_id, body, numbers = opened(rig, n + 1)
        rig.remaining_s = 5.0
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.run(body)
        again_and_again(rig, body)
        is_whole(rig, import_id, numbers, day=day)


def aws_calls(rig: ImportRig) -> int:
    """How many calls `At` sees; the queues of the rig are lists."""
    return sum("." in name for name in normal_calls(rig))


class At:
    """Does something else before the n-th call of an invocation."""

    def __init__(self, n: int, do: Callable[[], object]) -> None:
        self.n, self.do, self.count = n, do, 0

    def __call__(self, run: Callable[[], Any], **_: Any) -> Any:
        self.count += 1
        if self.count - 1 == self.n:
            with watching(None):
                self.do()
        return run()


def interrupted(rig: ImportRig, body: str, n: int, do: Callable[[], object]) -> None:
    """Run one invocation of the function, with `do` happening before its n-th call."""
    from tests.outreach_rig import sqs_event

    from instore.runtime.services import using
    from outreach_import import app

    event, at = sqs_event([body]), At(n, do)
    with using(rig.services()), watching(at):
        app.handler(event, rig.context())
    assert at.count > n


def test_a_second_one_at_the_same_time_does_no_harm(rig: ImportRig) -> None:
    for n in range(aws_calls(rig)):
        day = next_noon(rig)
        import_id, body, numbers = opened(rig, n + 1)
        interrupted(rig, body, n, lambda body=body: rig.run(body))
        again_and_again(rig, body)
        is_whole(rig, import_id, numbers, day=day)


def test_one_that_overslept_its_claim_does_no_harm(rig: ImportRig) -> None:
    for n in range(aws_calls(rig)):
        day = next_noon(rig)
        import_id, body, numbers = opened(rig, n + 1)

        def overtake(body: str = body) -> None:
            rig.clock.advance(151)
            rig.run(body)

        interrupted(rig, body, n, overtake)
        again_and_again(rig, body)
        is_whole(rig, import_id, numbers, day=day)


def test_the_result_is_the_same_bytes_however_often(rig: ImportRig) -> None:
    import_id, body, _ = opened(rig, 0)
    rig.remaining_s = 5.0
    rig.run(body)
    key = f"results/{import_id}/send/pages/0000.csv"
    first = rig.object(key)
    item = rig.import_item(import_id)
    counts = {**item["counts"], "accepted": 0, "segments": 0, "blocked": {}}
    rig.table.put({**item, "page": 0, "counts": counts, "rev": item["rev"] + 1})
    rig.remaining_s = 120.0
    rig.settle(8)  # the texts of the first page have gone meanwhile
    rig.run_queued()
    assert rig.object(key) == first
    assert rig.look(import_id)["state"] == "done"


# ---------------------------------------------------------------- cancelling


def is_undone(rig: ImportRig, import_id: str, numbers: list[str], *, day: str) -> None:
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used(day=day) == 0
    assert not any(rig.leased(number) for number in {*numbers} - {numbers[2]})
    rig.settle(8)
    assert [rig.vendor.texts[number[1:]] for number in numbers] == [0] * 6


@SIDES
def test_cancelling_killed_anywhere_is_finished_by_the_next(rig: ImportRig, after: bool) -> None:
    length = 1
    n = -1
    while n < length - 1:  # the first time round, how many calls it takes
        day = next_noon(rig)
        import_id, body, numbers = opened(rig, n + 1)
        rig.run(body)
        assert rig.used(day=day) == 4
        rig.on_import(import_id, "/cancel")
        message = rig.queue.imports.pop()
        rig.boundaries.reset(n if n >= 0 else None, after=after)
        if n < 0:
            rig.run(message)
            length = len(rig.boundaries.names)
            assert length > 15
        else:
            with pytest.raises(Killed):
                rig.run(message)
        again_and_again(rig, message)
        is_undone(rig, import_id, numbers, day=day)
        n += 1


def test_cancelling_in_the_middle_of_the_work_at_any_call(rig: ImportRig) -> None:
    for n in range(aws_calls(rig)):
        day = next_noon(rig)
        import_id, body, numbers = opened(rig, n + 1)
        interrupted(rig, body, n, lambda name=import_id: rig.on_import(name, "/cancel"))
        again_and_again(rig, body)
        is_undone(rig, import_id, numbers, day=day)


@SIDES
def test_a_kill_in_the_middle_and_then_cancelling_leaves_nothing(
    rig: ImportRig, after: bool
) -> None:
    """Also the batches of the page that was open, which nobody has noted."""
    names = normal_calls(rig)
    for n in range(len(names)):
        day = next_noon(rig)
        import_id, body, numbers = opened(rig, n + 1)
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.run(body)
        rig.boundaries.reset()
        rig.on_import(import_id, "/cancel")
        again_and_again(rig, body)
        is_undone(rig, import_id, numbers, day=day)
