"""Many texts due at once, as at an opening: side by side, a customer's own in order, nothing behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.line_rig import LineRig
from tests.outreach_rig import phone

from instore.adapters.table import Table
from instore.line_text import TextState
from instore.model import due_shard
from instore.runtime.services import Services

S = TextState


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    rig = LineRig(table, clock)
    for n in range(12):
        house = rig.services()
        for part in range(3):
            draft = rig.draft(f"t-{n}-{part}", phone(n))
            house.texts.begin(draft, now=clock.now(), due_at=clock.now())
        clock.advance(1)
    return rig


def side_by_side(rig: LineRig, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    services = rig.services

    def wide() -> Services:
        house: Any = services()
        house.texts_at_once = at_once
        return house  # type: ignore[no-any-return]  # what the rig has

    monkeypatch.setattr(rig, "services", wide)


def test_shards_go_side_by_side_and_each_customers_in_order(
    rig: LineRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    side_by_side(rig, monkeypatch, 10)
    shards = {due_shard(rig.draft("x", phone(n)).customer, line="TEXT") for n in range(12)}
    assert len(shards) >= 4
    together = threading.Barrier(3)  # three are with Twilio at the same time, or this breaks
    send, first = rig.twilio._send, iter(range(3))

    def slow(**text: Any) -> Any:
        if next(first, None) is not None:
            together.wait(timeout=10)
        return send(**text)

    monkeypatch.setattr(rig.twilio, "_send", slow)
    rig.sweep()
    assert not together.broken
    assert len(rig.twilio.messages) == 36
    for n in range(12):
        assert rig.twilio.to(phone(n)) == [f"Hello t-{n}-{part}" for part in range(3)]
    assert rig.stored("t-11-2").state is S.QUEUED


def test_one_at_a_time_is_the_same(rig: LineRig) -> None:
    rig.sweep()
    assert len(rig.twilio.messages) == 36
    rig.sweep()
    assert len(rig.twilio.messages) == 36


def test_texts_stand_in_a_line_of_their_own_behind_all_else(rig: LineRig) -> None:
    """A Twilio that is away must not keep the sweep from what else is due."""
    assert {item["due_shard"].split("#")[0] for item in _items(rig)} == {"ANSWER"}
    looked: list[str] = []
    rig.twilio.during = lambda: looked.append("text")
    rig.clock.advance(60)
    rig.table.put({"pk": "CUSTOMER#c9", "sk": "CUSTOMER", "id": "c9", "rev": 1,
                   "due_shard": "DUE#9", "due_at": int(rig.clock.now().timestamp())})  # fmt: skip
    from instore.runtime import sweep_steps

    def seen(key: tuple[str, str]) -> list[str]:
        looked.append(key[0])
        return []

    def watched(house: Any, *, remaining: Any) -> Any:
        steps = dict(sweep_steps.steps_of(house, remaining=remaining))
        steps["CUSTOMER"] = seen
        return steps

    import sweep.app as app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "steps_of", watched)
        rig.sweep()
    assert looked[0] == "CUSTOMER#c9"
    assert looked.count("text") == 36


def test_no_text_is_begun_that_could_not_be_ended(rig: LineRig) -> None:
    rig.remaining_s = 20.0
    rig.sweep()
    assert rig.twilio.messages == []
    rig.remaining_s = 20.1
    rig.sweep()
    assert len(rig.twilio.messages) == 36


def test_a_text_that_cannot_be_looked_at_stops_no_other(rig: LineRig) -> None:
    rig.table.update("TEXT#t-0-0", "TEXT", "SET purpose = :none", values={"none": "nonsense"})
    answer = rig.sweep()
    assert answer["failed"] == 1
    assert len(rig.twilio.messages) == 35


def _items(rig: LineRig) -> list[dict[str, Any]]:
    found = [rig.table.get(f"TEXT#t-{n}-{part}", "TEXT") for n in range(12) for part in range(3)]
    return [item for item in found if item is not None]
