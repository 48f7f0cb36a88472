"""A batch in the line between sweeps that let go of it and senders, in every order that differs.

It stays in the line until it is claimed, so that whoever looks meanwhile finds it there and says so
again: to whom it may concern there is one text, and what stands in the line at the end is nothing.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.interleavings.races import Operation, accepted, race, sending, sweeping
from tests.interleavings.test_crashes import Ends
from tests.outreach_rig import Rig, phone
from tests.outreach_world import World

from instore.adapters.table import Table


@pytest.fixture
def world(table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(Rig(table, clock), monkeypatch)
    clock.advance(-2 * 3600)  # ten in New York: everything waits for eleven
    return world


def test_let_go_again_while_somebody_sends_it_goes_once(world: World) -> None:
    """The sweep at each of the sender's calls (I4): its message, if it says one, finds it claimed."""
    numbers = [phone(0), phone(1)]
    batch_id = accepted(world, *numbers)
    assert world.rig.states(batch_id) == ["deferred"] * 2
    world.rig.clock.advance(3600 + 60)
    ends = Ends(world, numbers)
    let_go: set[int] = set()

    def operations() -> list[Operation]:
        return [sending(world, batch_id), sweeping(world)]

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)], results
        assert len(world.rig.vendor.campaigns) == 1
        let_go.add(len(world.messages))
        world.run_on()
        ends()

    assert race(world, operations, check) >= 15
    assert let_go == {0, 1}
    assert ends.seen == {("delivered", "delivered")}
