"""What the second look takes out of a call is stored before the call: a death does not undo it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.outreach_rig import Rig

from instore.adapters.table import Table
from instore.errors import UnavailableError


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def _opted_out_while_queued(rig: Rig) -> tuple[str, list[str]]:
    numbers = rig.customers(3)
    batch_id = rig.text(numbers)[1]["id"]
    rig.ask("POST /consents", {"phone": numbers[1], "class": "none", "method": "phone",
                               "wording": "no more"}, key=None)  # fmt: skip
    return batch_id, numbers


def test_who_opted_out_never_stands_as_texted_after_a_death(rig: Rig) -> None:
    batch_id, numbers = _opted_out_while_queued(rig)
    rig.deliver_until("vendor")
    rig.settle(130)
    assert [rig.vendor.texts[number[1:]] for number in numbers] == [1, 0, 1]
    assert rig.states(batch_id) == ["sent", "blocked", "sent"]
    assert rig.item(batch_id)["rows"][1]["r"] == "opted_out"
    assert rig.item(batch_id)["state"] == "closed"
    assert not rig.leased(numbers[1])
    assert rig.used() == 3


def test_a_look_that_took_nothing_out_costs_no_write(rig: Rig) -> None:
    rig.text(rig.customers(3))
    rig.deliver()
    saved = [name for name in rig.boundaries.names if name == "dynamodb.UpdateItem"]
    before = len(saved)
    rig.boundaries.reset()
    batch_id = rig.text(rig.customers(3), key="k-2")[1]["id"]
    rig.deliver()
    assert set(rig.states(batch_id)) == {"sent"}
    assert rig.boundaries.names.count("dynamodb.UpdateItem") <= before


def test_a_look_that_cannot_be_written_sends_nothing_of_its_batch(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.adapters.batches import Batches

    batch_id, numbers = _opted_out_while_queued(rig)
    save, away = Batches.save, [True]

    def failing(self: Batches, batch: Any) -> Any:
        claimed = str(batch.state) == "claimed" and any(r.state == "blocked" for r in batch.rows)
        if claimed and away:
            away.clear()
            raise UnavailableError("away")
        return save(self, batch)

    monkeypatch.setattr(Batches, "save", failing)
    answer = rig.deliver()
    assert len(answer["batchItemFailures"]) == 1
    assert not any(rig.vendor.texts.values())
    assert rig.states(batch_id) == ["accepted"] * 3
    rig.deliver([batch_id])
    assert [rig.vendor.texts[number[1:]] for number in numbers] == [1, 0, 1]
    assert rig.states(batch_id) == ["sent", "blocked", "sent"]


@pytest.mark.parametrize(("second", "went"), [(44, True), (45, False), (59, False)])
def test_a_text_that_could_arrive_after_closing_waits(rig: Rig, second: int, went: bool) -> None:
    closing = datetime(2026, 11, 19, 0, 59, second, tzinfo=UTC)  # 19:59 in New York
    numbers = rig.customers(1)
    rig.clock.advance((closing - rig.clock.now()).total_seconds() - 20)
    batch_id = rig.text(numbers)[1]["id"]
    waiting = rig.queue.take()
    rig.clock.advance(20)
    rig.deliver(waiting)
    assert rig.vendor.texts[numbers[0][1:]] == int(went)
    assert rig.states(batch_id) == ["sent" if went else "deferred"]
    if not went:
        tomorrow = datetime(2026, 11, 19, 16, tzinfo=UTC)
        assert int(rig.item(batch_id)["rows"][0]["u"]) == int(tomorrow.timestamp())
