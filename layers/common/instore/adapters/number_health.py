"""Outbound numbers in the table: which one is held, until when, and by whom.

One item per number of the owner account. The number in its key is the brand's own; nothing of a
customer is in it. Healthy numbers have no item.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ..model import epoch, from_epoch, iso
from ..number_health import Hold
from .table import Done, Item, Table, setting


class NumberHealth:
    """Reads and writes holds; every write is conditional on the revision it was decided on."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def hold_of(self, account: str, *, number: str) -> Hold:
        """What is known of a number: one GetItem, strongly consistent."""
        item = self._table.get(*key_of(account, number=number))
        return Hold(number) if item is None else from_item(item)

    def holds(self, account: str, *, numbers: Iterable[str]) -> dict[str, Item]:
        """The items of those numbers that have one, for people to read."""
        found = self._table.get_many([key_of(account, number=number) for number in numbers])
        return {pk.rpartition("#")[2]: item for (pk, _), item in found.items()}

    def hold(self, known: Hold, *, account: str, run: int, now: datetime, until: datetime) -> bool:
        """Hold a number from `now` until `until`. False: somebody changed it since it was read."""
        return self._write(known, account=account, values={
            "judged_to": epoch(now) + 1, "held_until": epoch(until), "run": run, "at": iso(now),
            "who": "sweep", "note": f"{run} texts or more filtered in a row",
        })  # fmt: skip

    def release(self, known: Hold, *, account: str, who: str, note: str, now: datetime) -> bool:
        """Let a number send again; what was filtered before counts no more. False: as for `hold`."""
        return self._write(known, account=account, values={
            "judged_to": epoch(now) + 1, "held_until": None, "run": 0, "at": iso(now), "who": who,
            "note": note,
        })  # fmt: skip

    def _write(self, known: Hold, *, account: str, values: dict[str, Any]) -> bool:
        update = setting({**values, "rev": known.rev + 1})
        update["values"] |= {"seen": known.rev} if known.rev else {}
        answer = self._table.update(
            *key_of(account, number=known.number), **update,
            condition="#rev = :seen" if known.rev else "attribute_not_exists(#rev)",
        )  # fmt: skip
        if isinstance(answer, Done):
            return True
        # Ours already: the SDK repeated a request whose answer was lost.
        stored = answer.item or {}
        return all(stored.get(name) == value for name, value in values.items()) and (
            stored["rev"] == known.rev + 1
        )


def key_of(account: str, *, number: str) -> tuple[str, str]:
    return f"NUMBER#{account}#{number}", "NUMBER"


def from_item(item: Item) -> Hold:
    until = item.get("held_until")
    return Hold(
        number=item["pk"].rpartition("#")[2], judged_to=from_epoch(item["judged_to"]),
        until=None if until is None else from_epoch(until), run=int(item["run"]),
        rev=int(item["rev"]),
    )  # fmt: skip
