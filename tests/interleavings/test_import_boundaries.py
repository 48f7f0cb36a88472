"""An import is killed before or after any one call, or overslept by a second invocation.

However it goes: the same verdicts in the same bytes, nobody texted twice, nobody forgotten, the day
counted once (I3, I4, I13). The same for cancelling one. Every boundary of a two-page import: killed
before each call and after the last one, nothing is sampled. To be killed after a call leaves the
world as it is before the next; INSTORE_EXHAUSTIVE=1 does it nevertheless, and lets two hours pass in
place of eight minutes after every try. Every try begins with the same table, put back as it was, and
has an import id of its own (a bucket is not put back: no try may live on another's pages).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from local.lock import watching
from tests.import_rig import ImportQueue, ImportRig, Killed, phone, sheet
from tests.map_rig import restore, snapshot
from tests.outreach_rig import Vendor

from instore.adapters.table import Table
from instore.runtime import import_operations

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 18, 17, tzinfo=UTC)
EXHAUSTIVE = bool(os.environ.get("INSTORE_EXHAUSTIVE"))
MINUTES = 120 if EXHAUSTIVE else 8  # for queue and sweep to do whatever they would do
WHOLE = ["accepted", "accepted", "blocked", "accepted", "blocked", "accepted"]


NUMBERS = [phone(place) for place in (0, 1, 2, 3, 0, 4)]
DAY = "2026-11-18"


class Tries(ImportRig):
    """The shop with six rows on two pages: four people who may be texted, one who never agreed,
    one there twice."""

    def __init__(self, table: Table, clock: Any) -> None:
        super().__init__(table, clock)
        for number in {*NUMBERS} - {NUMBERS[2]}:
            self.customer(number)
        self._beginning, self._count = snapshot(table), 0

    def opened(self) -> tuple[str, str]:
        """Begin anew: same noon, same table, another import. Its id and what S3 tells of it."""
        self._count += 1
        restore(self.table, self._beginning)
        self.clock = type(self.clock)(START)
        self.queue, self.vendor = ImportQueue(self.boundaries), Vendor(self.boundaries,
                                                                       self.clock.now)  # fmt: skip
        self.remaining_s = 120.0
        import_id = self.open(key=f"i-{self._count}")
        body = self.upload(import_id, sheet(NUMBERS))
        self.boundaries.reset()
        return import_id, body


@pytest.fixture
def rig(table: Table, clock: Any, monkeypatch: Any) -> Tries:
    monkeypatch.setattr(import_operations, "PAGE_ROWS", 3)
    return Tries(table, clock)


def again_and_again(rig: Tries, body: str) -> None:
    """The queue shows the message again until it is done, and delivers what was sent meanwhile."""
    rig.boundaries.reset()
    for _ in range(2):
        rig.clock.advance(750)
        assert rig.run(body) == {"batchItemFailures": []}
    rig.run_queued()


def is_whole(rig: Tries, import_id: str) -> None:
    assert rig.look(import_id)["state"] == "done"
    lines = rig.result(import_id)
    assert [line["verdict"] for line in lines] == WHOLE
    assert [line["reason"] for line in lines if line["reason"]] == ["no_consent", "duplicate"]
    assert rig.look(import_id)["counts"] == {
        "accepted": 4, "deferred": 0, "segments": 4, "blocked": {"no_consent": 1, "duplicate": 1}
    }  # fmt: skip
    assert rig.used(day=DAY) == 4
    rig.remaining_s = 120.0
    rig.settle(MINUTES)
    assert [rig.vendor.texts[number[1:]] for number in NUMBERS] == [1, 1, 0, 1, 1, 1]


def killed(
    rig: Tries, begin: Callable[[], tuple[str, str]], *, length: int, first: int = 0
) -> Iterator[tuple[str, str]]:
    """Begun and killed, at every moment at which a process of so many calls can die: id, message."""
    for n in range(first, length):
        for after in (False, True) if EXHAUSTIVE or n == length - 1 else (False,):
            import_id, body = begin()
            rig.boundaries.reset(n, after=after)
            with pytest.raises(Killed):
                rig.run(body)
            yield import_id, body


def normal_calls(rig: Tries) -> list[str]:
    import_id, body = rig.opened()
    rig.run(body)
    names = list(rig.boundaries.names)
    is_whole(rig, import_id)
    assert {"s3.GetObject", "s3.PutObject", "dynamodb.PutItem", "dynamodb.UpdateItem", "sqs"} <= {
        *names
    }
    return names


def test_an_import_killed_anywhere_ends_as_if_it_had_not_been(rig: Tries) -> None:
    names = normal_calls(rig)
    assert len(names) > 30
    for import_id, body in killed(rig, rig.opened, length=len(names)):
        again_and_again(rig, body)
        is_whole(rig, import_id)


def test_one_that_hands_itself_on_may_die_in_between(rig: Tries) -> None:
    def begin() -> tuple[str, str]:
        opened = rig.opened()
        rig.remaining_s = 5.0  # one page an invocation
        return opened

    import_id, body = begin()
    rig.run(body)
    assert "sqs import" in rig.boundaries.names
    length = len(rig.boundaries.names)
    rig.run_queued()
    is_whole(rig, import_id)
    # From the note that lets go: that, the message, the end.
    for import_id, body in killed(rig, begin, length=length, first=length - 3):
        again_and_again(rig, body)
        is_whole(rig, import_id)


def aws_calls(rig: Tries) -> int:
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


def interrupted(rig: Tries, body: str, n: int, do: Callable[[], object]) -> None:
    """Run one invocation of the function, with `do` happening before its n-th call."""
    from tests.outreach_rig import sqs_event

    from instore.runtime.services import using
    from outreach_import import app

    event, at = sqs_event([body]), At(n, do)
    with using(rig.services()), watching(at):
        app.handler(event, rig.context())
    assert at.count > n


def test_a_second_one_at_the_same_time_does_no_harm(rig: Tries) -> None:
    for n in range(aws_calls(rig)):
        import_id, body = rig.opened()
        interrupted(rig, body, n, partial(rig.run, body))
        again_and_again(rig, body)
        is_whole(rig, import_id)


def test_one_that_overslept_its_claim_does_no_harm(rig: Tries) -> None:
    for n in range(aws_calls(rig)):
        import_id, body = rig.opened()

        def overtake(body: str = body) -> None:
            rig.clock.advance(151)
            rig.run(body)

        interrupted(rig, body, n, overtake)
        again_and_again(rig, body)
        is_whole(rig, import_id)


def test_the_result_is_the_same_bytes_however_often(rig: Tries) -> None:
    import_id, body = rig.opened()
    rig.remaining_s = 5.0
    rig.run(body)
    key = f"results/{import_id}/send/pages/0000.csv"
    first = rig.object(key)
    item = rig.import_item(import_id)
    counts = {**item["counts"], "accepted": 0, "segments": 0, "blocked": {}}
    rig.table.put({**item, "page": 0, "counts": counts, "rev": item["rev"] + 1})
    rig.remaining_s = 120.0
    rig.settle(MINUTES)  # the texts of the first page have gone meanwhile
    rig.run_queued()
    assert rig.object(key) == first
    assert rig.look(import_id)["state"] == "done"


# ---------------------------------------------------------------- cancelling


def is_undone(rig: Tries, import_id: str) -> None:
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used(day=DAY) == 0
    assert not any(rig.leased(number) for number in {*NUMBERS} - {NUMBERS[2]})
    rig.settle(MINUTES)
    assert [rig.vendor.texts[number[1:]] for number in NUMBERS] == [0] * 6


def asked_to_cancel(rig: Tries) -> tuple[str, str]:
    """An import that is done, and the message that says to call it back."""
    import_id, body = rig.opened()
    rig.run(body)
    assert rig.used(day=DAY) == 4
    rig.on_import(import_id, "/cancel")
    rig.boundaries.reset()
    return import_id, rig.queue.imports.pop()


def test_cancelling_killed_anywhere_is_finished_by_the_next(rig: Tries) -> None:
    import_id, message = asked_to_cancel(rig)
    rig.run(message)
    length = len(rig.boundaries.names)
    assert length > 15
    is_undone(rig, import_id)
    for import_id, message in killed(rig, partial(asked_to_cancel, rig), length=length):
        again_and_again(rig, message)
        is_undone(rig, import_id)


def test_cancelling_in_the_middle_of_the_work_at_any_call(rig: Tries) -> None:
    for n in range(aws_calls(rig)):
        import_id, body = rig.opened()
        interrupted(rig, body, n, partial(rig.on_import, import_id, "/cancel"))
        again_and_again(rig, body)
        is_undone(rig, import_id)


def test_a_kill_in_the_middle_and_then_cancelling_leaves_nothing(rig: Tries) -> None:
    """Also the batches of the page that was open, which nobody has noted."""
    names = normal_calls(rig)
    for import_id, body in killed(rig, rig.opened, length=len(names)):
        rig.boundaries.reset()
        rig.on_import(import_id, "/cancel")
        again_and_again(rig, body)
        is_undone(rig, import_id)
