"""An erasure, or the sweep that finishes it, is killed before or after any one call (I10, I13).

Whatever was done by then, the same request again or the sweep alone ends it: nothing personal is
left, one entry in the ledger says so, and it verifies.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.outreach_rig import Rig, phone
from tests.privacy_rig import TOMBSTONE, entries, erase, item_of, left_of, somebody, text, verifies

from instore.adapters.table import Table

pytestmark = pytest.mark.slow


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("asked_again", [False, True])
def test_an_erasure_killed_anywhere_ends_as_if_it_had_not_been(
    rig: Rig, after: bool, asked_again: bool
) -> None:
    """By the same request or, once the tombstone stands, by the sweep alone."""
    number = somebody(rig, 0)
    rig.boundaries.reset()
    erase(rig, number)
    names = list(rig.boundaries.names)
    assert names.count("dynamodb.UpdateItem") == 6  # three entries, a batch, two conversations
    for n in range(len(names)):
        number = somebody(rig, n + 1)
        with rig.boundaries.killed(n, after=after):
            erase(rig, number)
        begun = "erased_at" in item_of(rig, number)
        if asked_again or not begun:
            status, body = erase(rig, number)
            assert (status, len(body["conversations"])) == (200, 2), n
        rig.clock.advance(301)
        rig.sweep()
        assert left_of(rig, number) == [], n
        assert set(item_of(rig, number)) == TOMBSTONE, n
        assert [e["what"] for e in entries(rig, number)].count("erased") == 1, n
        assert verifies(rig, number), n
        assert rig.states(_batch_of(rig, n + 1)) == ["blocked"], n


def _batch_of(rig: Rig, n: int) -> str:
    return str(text(rig, phone(n), key=f"k-{n}")[1]["id"])


@pytest.mark.parametrize("after", [False, True])
def test_the_sweep_killed_anywhere_goes_on_in_the_next_minute(rig: Rig, after: bool) -> None:
    number = somebody(rig, 0)
    erase(rig, number)
    rig.clock.advance(301)
    rig.boundaries.reset()
    rig.sweep()
    names = list(rig.boundaries.names)
    assert len(names) > 12
    for n in range(len(names)):
        number = somebody(rig, n + 1)
        erase(rig, number)
        rig.clock.advance(301)
        with rig.boundaries.killed(n, after=after):
            rig.sweep()
        rig.clock.advance(60)
        rig.sweep()
        assert set(item_of(rig, number)) == TOMBSTONE, (n, names[n])
        assert left_of(rig, number) == [], n
        assert verifies(rig, number), n
