"""Texts that nobody could be given: to a number the program does not know, from no telephone.

Kept whole for a person to look at (`make unclaimed`), sixty days; docs/data-model.md, "unclaimed".
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ..model import epoch, from_iso, iso
from ..thread import InboundText
from .table import Done, Item, Table

KEPT = timedelta(days=60)
_PERSONAL = ("sender", "body", "media")


class Unclaimed:
    """By the month in which they came, so that they are found without a scan."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep(self, text: InboundText, *, customer: str | None, now: datetime) -> bool:
        """Keep a text. False: it was kept before. One PutItem."""
        written = self._table.put({
            "pk": f"UNCLAIMED#{iso(text.at)[:7]}", "sk": text.sid, "customer": customer,
            "sender": text.said_from, "to": text.said_to, "body": text.body or None,
            "media": [media.url for media in text.media] or None, "created_at": iso(text.at),
            "expires_at": epoch(now + KEPT),
        }, condition="attribute_not_exists(pk)")  # fmt: skip
        return isinstance(written, Done)

    def waiting(self, *, now: datetime) -> list[Item]:
        """All that are kept, oldest first: one Query for each month there can be."""
        months = dict.fromkeys(iso(now - timedelta(days=20 * n))[:7] for n in range(4))
        found = [item for month in months for item in self._table.query(f"UNCLAIMED#{month}")]
        live = [item for item in found if item["expires_at"] > epoch(now)]
        return sorted(live, key=lambda item: (item["created_at"], item["sk"]))

    def settle(self, pk: str, sk: str) -> None:
        """A person has seen to it."""
        self._table.delete(pk, sk)

    def held(self, customer: str) -> list[Item]:
        """See erasing.Records: by the index `customer`."""
        keys = [(key["pk"], key["sk"]) for key in self._table.of_customer(customer)
                if key["pk"].startswith("UNCLAIMED#")]  # fmt: skip
        found = self._table.get_many(keys) if keys else {}
        return sorted(found.values(), key=lambda item: (item["created_at"], item["sk"]))

    def empty(self, customer: str, *, until: datetime) -> int:
        """See erasing.Records: that there was a text stays, who wrote and what goes."""
        mine = [item for item in self.held(customer) if from_iso(item["created_at"]) <= until
                and any(name in item for name in _PERSONAL)]  # fmt: skip
        for item in mine:
            self._table.update(item["pk"], item["sk"], f"REMOVE {', '.join(_PERSONAL)}",
                               condition="attribute_exists(pk)")  # fmt: skip
        return len(mine)
