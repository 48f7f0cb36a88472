"""A vendor that takes few texts a second, and a line of texts that waits for it."""

from __future__ import annotations

from typing import Any

from tests.outreach_rig import Rig

from instore.adapters.table import Table


def ten_in_new_york(table: Table, clock: Any) -> Rig:
    """A rig at this hour: everything waits for eleven."""
    rig = Rig(table, clock)
    clock.advance(-2 * 3600)
    return rig


def slow(rig: Rig, *, rate: float, requests_per_s: float, **more: Any) -> None:
    """A line of `rate` texts a second for bulk (0.2 of the vendor's rate are kept for notices)."""
    rate_of = {"requests_per_s": requests_per_s, "messages_per_s": rate / 0.8}
    rig.apply(lambda d: d["outreach"].update(rate={**rate_of, "notification_share": 0.2}, **more))
