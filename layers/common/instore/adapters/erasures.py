"""What an erasure does to the table, beside the batches: customer, ledger entries, conversations.

Every step, done again, changes nothing. docs/data-model.md says what stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..consent import Customer
from ..errors import UnavailableError
from ..model import due_shard, epoch, iso
from .consents import Consents
from .customer_items import customer_from, customer_key, store
from .table import Done, Item, Table

_TRIES = 3
# Of a conversation; the receipt, the decision and whose it is stay.
PERSONAL = ("phone", "consumer", "attributes", "answer")


class Erasures:
    """Begin, clean, end; and what is found of a customer for it."""

    def __init__(self, table: Table) -> None:
        self._table, self._consents = table, Consents(table)

    def begin(
        self, customer: str, *, reason: str, who: str, now: datetime, due_at: datetime
    ) -> Customer:  # fmt: skip
        """Make the customer a tombstone and have the sweep look again at `due_at`; returns it.

        One transaction. Asked for again, everything up to `now` is to go, without a new entry in
        the ledger. Raises UnavailableError.
        """
        for _ in range(_TRIES):
            self._consents.erase(customer, reason=reason, who=who, now=now, due_at=due_at)
            item = self._table.get(*customer_key(customer))
            known = customer_from(item) if item else Customer(customer)
            erasing = known.erasing
            if erasing is not None and erasing.at >= now:
                return known
            if known.is_erased:
                batches = list(erasing.batches) if erasing else []
                store(self._table, customer, rev=known.rev, changes={
                    "erasing": {"at": iso(now), "batches": batches},
                    "due_shard": due_shard(customer), "due_at": epoch(due_at),
                })  # fmt: skip
        raise UnavailableError("the customer keeps changing", code="customer_contended")

    def empty_ledger(self, customer: str) -> int:
        """See Consents.empty."""
        return self._consents.empty(customer)

    def conversations(self, customer: str) -> list[Item]:
        """The customer's conversations as stored, oldest first."""
        return self._table.held_of(customer, sk="CONVERSATION")

    def empty_conversation(self, item: Mapping[str, Any]) -> bool:
        """Take what is personal out of a conversation; False = there was nothing.

        The turn moves on, so that an answer worked out before is not stored after it.
        """
        if not any(name in item for name in PERSONAL):
            return False
        self._table.update(
            item["pk"], item["sk"], f"REMOVE {', '.join(f'#{n}' for n in PERSONAL)} ADD #turn :one",
            condition="attribute_exists(pk)", values={"one": 1},
            names={name: name for name in (*PERSONAL, "turn")},
        )  # fmt: skip
        return True

    def end(self, known: Customer) -> bool:
        """Nothing is left to do. False: the customer has changed since, look again."""
        return self._store(known, {"erasing": None, "due_shard": None, "due_at": None})

    def look_again(self, known: Customer, *, due_at: datetime) -> bool:
        """Something is still to be waited for. False: the customer has changed since."""
        return self._store(known, {"due_shard": due_shard(known.id), "due_at": epoch(due_at)})

    def _store(self, known: Customer, changes: Mapping[str, Any]) -> bool:
        return isinstance(
            store(self._table, known.id, changes=changes, rev=known.rev), Done
        )  # fmt: skip
