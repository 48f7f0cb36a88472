"""Imports in the table: one small item each, written whole under its revision."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..batch import Claim
from ..directory import Pointer
from ..errors import UnavailableError
from ..import_state import Columns, Counts, Import, ImportState, Places
from ..model import epoch, from_epoch, from_iso, iso
from .table import Done, Item, Table


class Imports:
    """How far each import is; never who is in it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, import_: Import, *, now: datetime) -> Import | None:
        """Write a new import. None: written; else the one that has this id already. The id follows
        from the Idempotency-Key, so this one condition is the whole idempotency check."""
        answer = self._table.put(
            to_item(import_), condition="attribute_not_exists(pk) OR expires_at < :now",
            values={"now": epoch(now)},
        )  # fmt: skip
        if isinstance(answer, Done):
            return None
        if answer.item is None:
            raise UnavailableError("an import could not be written")
        return from_item(answer.item)

    def get(self, import_id: str) -> Import | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(*key_of(import_id))
        return None if item is None else from_item(item)

    def save(self, import_: Import) -> Import | None:
        """Store an import changed since it was read. None: somebody else wrote in between. A write
        that finds itself stored already (the SDK repeated a request whose answer was lost) won."""
        saved = replace(import_, rev=import_.rev + 1)
        answer = self._table.put(to_item(saved), condition="rev = :seen",
                                 values={"seen": import_.rev})  # fmt: skip
        if isinstance(answer, Done) or answer.item == to_item(saved):
            return saved
        return None


def key_of(import_id: str) -> tuple[str, str]:
    return f"IMPORT#{import_id}", "IMPORT"


def to_item(import_: Import) -> Item:
    """An import as it is stored; what is empty is absent."""
    pk, sk = key_of(import_.id)
    claim, counts = import_.claim, import_.counts
    item: dict[str, Any] = {
        "pk": pk, "sk": sk, "owner": import_.owner or None, "associate": import_.associate,
        "template": import_.template, "mode": import_.mode, "state": str(import_.state),
        "fingerprint": import_.fingerprint, "size": import_.size, "limit": import_.limit,
        "page_rows": import_.page_rows, "created_at": iso(import_.created_at),
        "expires_at": epoch(import_.expires_at), "tag": import_.tag, "rows": import_.rows,
        "columns": _present(asdict(import_.columns)), "found": dict(import_.found),
        "places": _present(asdict(import_.places)) if import_.places else None,
        "page": import_.page, "rev": import_.rev,
        "counts": {"accepted": counts.accepted, "deferred": counts.deferred,
                   "blocked": dict(counts.blocked), "segments": counts.segments,
                   "cost": {name: str(amount) for name, amount in counts.cost.items()}},
        "people": None if import_.people is None else
                  {login: [who.account, who.group, who.agent_id]
                   for login, who in import_.people.items()},
        "claim": claim and {"token": claim.token, "until": epoch(claim.until)},
        "failure": list(import_.failure) if import_.failure else None,
    }  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}


def from_item(item: Item) -> Import:
    """Inverse of `to_item`."""
    columns, places, counts = dict(item["columns"]), item.get("places"), item["counts"]
    claim, failure, people = item.get("claim"), item.get("failure"), item.get("people")
    if "variables" in columns:
        columns["variables"] = tuple(columns["variables"])
    return Import(
        id=item["pk"].removeprefix("IMPORT#"), owner=item.get("owner", ""),
        associate=item.get("associate"), template=item["template"], columns=Columns(**columns),
        mode=item["mode"], fingerprint=item["fingerprint"], size=int(item["size"]),
        limit=int(item["limit"]), page_rows=int(item["page_rows"]),
        created_at=from_iso(item["created_at"]), expires_at=from_epoch(item["expires_at"]),
        state=ImportState(item["state"]), tag=item.get("tag"), rows=item.get("rows"),
        places=None if places is None else _places(places), found=dict(item["found"]),
        page=int(item["page"]), rev=int(item["rev"]),
        counts=Counts(int(counts["accepted"]), int(counts["deferred"]), dict(counts["blocked"]),
                      int(counts["segments"]),
                      {name: Decimal(amount) for name, amount in counts["cost"].items()}),
        people=None if people is None else {login: Pointer(*who) for login, who in people.items()},
        claim=None if claim is None else Claim(claim["token"], from_epoch(claim["until"])),
        failure=None if failure is None else (failure[0], failure[1]),
    )  # fmt: skip


def _places(stored: dict[str, Any]) -> Places:
    return Places(
        phone=stored["phone"], variables=tuple(stored["variables"]), zone=stored.get("zone"),
        postal_code=stored.get("postal_code"), associate=stored.get("associate"),
        width=stored["width"],
    )  # fmt: skip


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items() if value is not None}  # fmt: skip
