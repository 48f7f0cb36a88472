"""Batches and the associates' days in the table: whole items, guarded by revision and by room.

A batch is meant to stay under 2 KB (ten recipients): every write costs its whole size, so rows
use one-letter names, the customer's id is not kept beside the number it follows from, and the
two `due` attributes are touched only when the batch changes hands. docs/data-model.md has the
letters. Whatever is written here loses the numbers nothing needs any more (I10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..batch import Batch, BatchState, Claim, First, Row, RowState
from ..directory import Pointer, pointer_from, pointer_item
from ..errors import BadInputError, UnavailableError
from ..kpi_facts import texted
from ..model import Phone, due_shard, epoch, from_epoch, from_iso, iso
from .facts import Facts
from .table import Done, Item, Table, setting

# Letters of a row: how it is stored <- how it is called.
_TEXTS = {"r": "reason", "t": "rule", "z": "zone", "q": "postal_code", "c": "customer",
          "m": "masked", "k": "chunk", "i": "vendor_id"}  # fmt: skip
# What the rows of a batch mostly have in common is stored once, and `h` of a row says which. The
# segments go along with the rest, so that a version which knows no `h` cannot read such a batch at
# all: without `k` it would take texts that went for texts nobody has tried, and send them again.
_SHARED = ("u", "r", "t", "k", "g")
_MAY_BE_ABSENT = ("claim", "due_shard", "due_at", "campaigns", "owed", "sent_at", "turn", "shared")
_QUOTA_TRIES = 12
_DAY_KEPT_S = 40 * 86400


class Batches:
    """One item a batch; one item an associate and local day."""

    def __init__(self, table: Table, *, id_of: Callable[[Phone], str]) -> None:
        """`id_of` names a customer by the number (Customers.id_of)."""
        self._table, self._id_of, self._facts = table, id_of, Facts(table)

    def create(self, batch: Batch, *, now: datetime) -> Batch | None:
        """Write a new batch. None: written; else the batch that has this id already.

        The id follows from the Idempotency-Key, so this one condition is the whole idempotency
        check. An item past `expires_at` that TTL has not removed yet counts as absent.
        """
        answer = self._table.put(
            to_item(batch.forgotten(self._id_of)),
            condition="attribute_not_exists(pk) OR expires_at < :now",
            values={"now": epoch(now)},
        )  # fmt: skip
        if isinstance(answer, Done):
            return None
        if answer.item is None:
            raise UnavailableError("a batch could not be written")
        return from_item(answer.item)

    def get(self, batch_id: str) -> Batch | None:
        item = self._table.get(*key_of(batch_id))
        return None if item is None else from_item(item)

    def get_many(self, batch_ids: Iterable[str]) -> dict[str, Batch]:
        """Strongly consistent. Left out: unknown ids, and items this version cannot read (one of
        a newer version, one mended by hand), so that one of them does not take the others along.
        """
        found = self._table.get_many([key_of(batch_id) for batch_id in batch_ids])
        batches = {}
        for item in found.values():
            try:
                batch = from_item(item)
            except (LookupError, ValueError, TypeError, AttributeError, BadInputError):
                continue
            batches[batch.id] = batch
        return batches

    def save(self, batch: Batch) -> Batch | None:
        """Store a batch changed since it was read. None: somebody else wrote in between.

        One conditional UpdateItem on the revision: a claim, a settlement and a sweep that start
        from the same state cannot all win. A write that finds itself stored already (the SDK
        repeated a request whose answer was lost) has won.
        """
        batch = batch.forgotten(self._id_of)
        item = to_item(batch)
        update = setting({
            "state": item["state"], "rows": item["rows"], "rev": batch.rev + 1,
            "remaining": batch.remaining, **{name: item.get(name) for name in _MAY_BE_ABSENT},
        })  # fmt: skip
        answer = self._table.update(
            *key_of(batch.id), condition="#rev = :seen",
            **{**update, "values": {**update["values"], "seen": batch.rev}},
        )  # fmt: skip
        saved = replace(batch, rev=batch.rev + 1)
        if isinstance(answer, Done) or answer.item == to_item(saved):
            return saved
        return None

    # ------------------------------------------------------------ the associate's day

    def take_quota(
        self, batch: Batch, *, wanted: int, limit: int, now: datetime
    ) -> tuple[int, int]:
        """Take room for `wanted` texts out of the associate's day: (taken, used by then).

        One conditional ADD in the ordinary case; as many as fit when the day is nearly full. The
        batch's own share is written beside the count, so a second call for the same batch takes
        nothing and answers what the first one took; `wanted` 0 only asks for that, and leaves no
        trace. So every share is at least 1 and the item has no more of them than the day's limit.
        """
        share, room, used = _share_of(batch), min(wanted, limit), 0
        if not wanted:
            return self._quota_taken(batch, now=now)
        for _ in range(_QUOTA_TRIES):
            if room <= 0:
                return 0, used
            answer = self._table.update(
                *day_key(batch.pointer, day=batch.day),
                "SET #share = :n, expires_at = :expires ADD #used :n",
                condition="attribute_not_exists(#share) AND "
                          "(attribute_not_exists(#used) OR #used <= :room)",
                names={"share": share, "used": "used"},
                values={"n": room, "room": limit - room, "expires": epoch(now) + _DAY_KEPT_S},
                returns="UPDATED_NEW",
            )  # fmt: skip
            if isinstance(answer, Done):
                if answer.item["used"] == room:
                    self._note_texter(batch, now=now)
                return room, int(answer.item["used"])
            stored = answer.item or {}
            if share in stored:
                self._note_texter(batch, now=now)
                return int(stored[share]), int(stored["used"])
            used = int(stored.get("used", 0))
            room = min(wanted, limit - used)
        raise UnavailableError("too many batches at once for one associate")

    def _quota_taken(self, batch: Batch, *, now: datetime) -> tuple[int, int]:
        day = self._table.get(*day_key(batch.pointer, day=batch.day)) or {}
        taken = int(day.get(_share_of(batch), 0))
        if taken:
            self._note_texter(batch, now=now)
        return taken, int(day.get("used", 0))

    def _note_texter(self, batch: Batch, *, now: datetime) -> None:
        """The associate texts on this day: what the day's texts came to is found by that (kpi.py).
        After the first batch of the day, and after one that stopped half way. Told of a day that is
        over, the second look at that day finds it (kpi_summing.py)."""
        fact = texted(batch.pointer, banner=batch.banner, day=batch.day)
        self._facts.tell(fact, now=now, opens=False)

    def give_back_quota(self, batch: Batch, *, taken: int, kept: int) -> bool:
        """Return what a batch took and did not need, once. False: it was returned before. A batch
        that kept nothing leaves nothing behind: asking in vain makes no item grow."""
        values = {"less": kept - taken, "taken": taken}
        answer = self._table.update(
            *day_key(batch.pointer, day=batch.day),
            "SET #share = :kept ADD #used :less" if kept else "REMOVE #share ADD #used :less",
            condition="#share = :taken", names={"share": _share_of(batch), "used": "used"},
            values={**values, "kept": kept} if kept else values,
        )  # fmt: skip
        return isinstance(answer, Done)

    def quota_used(self, pointer: Pointer, *, day: str) -> int:
        item = self._table.get(*day_key(pointer, day=day))
        return 0 if item is None else int(item["used"])

    # ------------------------------------------------------------ due work

    def due(self, *, now: datetime, shard: int, limit: int, line: str = "DUE") -> list[Item]:
        """Keys of what is due in one of the shards, oldest first: pk, sk, due_at. `line` SEND:
        batches that wait to be sent."""
        return self._table.due(f"{line}#{shard}", until=epoch(now), limit=limit)


def key_of(batch_id: str) -> tuple[str, str]:
    return f"BATCH#{batch_id}", "BATCH"


def _share_of(batch: Batch) -> str:
    """The attribute of the associate's day that says how much of it this batch took."""
    return f"b{batch.id}"


def day_key(pointer: Pointer, *, day: str) -> tuple[str, str]:
    return f"ASSOCIATE#{pointer.account}#{pointer.agent_id}", f"DAY#{day}"


def to_item(batch: Batch) -> Item:
    """A batch as it is stored; what is empty is absent."""
    pk, sk = key_of(batch.id)
    rows, shared = _share([_row_out(row) for row in batch.rows])
    item: dict[str, Any] = {
        "pk": pk, "sk": sk, **pointer_item(batch.pointer), "login": batch.login,
        "banner": batch.banner,
        "template": batch.template, "fingerprint": batch.fingerprint, "program": batch.program,
        "accepted_at": iso(batch.accepted_at), "day": batch.day, "state": str(batch.state),
        "rows": rows, "shared": shared or None, "remaining": batch.remaining,
        "expires_at": epoch(batch.expires_at), "rev": batch.rev,
        "owed": batch.owed or None, "turn": batch.turn or None, "campaigns": dict(batch.campaigns) or None,
    }  # fmt: skip
    if batch.claim is not None:
        item["claim"] = {"token": batch.claim.token, "until": epoch(batch.claim.until)}
    if batch.sent_at is not None:
        item["sent_at"] = epoch(batch.sent_at)
    if batch.due_at is not None:
        item |= {"due_shard": due_shard(batch.id, line=batch.line), "due_at": epoch(batch.due_at)}
    return {name: value for name, value in item.items() if value is not None}


def from_item(item: Item) -> Batch:
    """Inverse of `to_item`."""
    claim, shared = item.get("claim"), item.get("shared", ())
    return Batch(
        id=item["pk"].removeprefix("BATCH#"),
        pointer=pointer_from(item),
        login=item["login"], banner=item["banner"], template=item["template"],
        fingerprint=item["fingerprint"], program=int(item["program"]),
        accepted_at=from_iso(item["accepted_at"]), day=item["day"],
        expires_at=from_epoch(item["expires_at"]), state=BatchState(item["state"]),
        rows=tuple(_row_in(n, _whole(raw, shared)) for n, raw in enumerate(item["rows"])),
        claim=None if claim is None else Claim(claim["token"], from_epoch(claim["until"])),
        due_at=from_epoch(item["due_at"]) if "due_at" in item else None,
        remaining=int(item["remaining"]), owed=int(item.get("owed", 0)), turn=int(item.get("turn", 0)),
        in_line=item.get("due_shard", "").startswith("SEND"),
        campaigns=dict(item.get("campaigns", {})), rev=int(item["rev"]),
        sent_at=from_epoch(item["sent_at"]) if "sent_at" in item else None,
    )  # fmt: skip


def _row_out(row: Row) -> dict[str, Any]:
    stored: dict[str, Any] = {"s": str(row.state), "g": row.segments}
    if row.phone is not None:
        stored["p"] = row.phone.e164
    if row.variables:
        stored["v"] = list(row.variables)
    if row.until is not None:
        stored["u"] = epoch(row.until)
    if row.first is not None:
        stored["f"] = _verdict_out(row.first)
    for letter, name in _TEXTS.items():
        if (value := getattr(row, name)) is not None:
            stored[letter] = value
    return stored


def _share(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows without what several of them have alike, and that, once, for their `h` to point at.
    Segments alone are too little to be worth it."""
    common = [{letter: row[letter] for letter in _SHARED if letter in row} for row in rows]
    shared = [some for n, some in enumerate(common) if len(some) > 1 and common.index(some) == n
              and common.count(some) > 1]  # fmt: skip
    return [
        {**{k: v for k, v in row.items() if k not in some}, "h": shared.index(some)}
        if some in shared else row
        for row, some in zip(rows, common, strict=True)
    ], shared  # fmt: skip


def _whole(raw: dict[str, Any], shared: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {**raw, **shared[int(raw["h"])]} if "h" in raw else raw


def _row_in(n: int, raw: dict[str, Any]) -> Row:
    return Row(
        n=n, phone=Phone(raw["p"]) if "p" in raw else None,
        variables=tuple(raw.get("v", ())), state=RowState(raw["s"]), segments=int(raw["g"]),
        until=from_epoch(raw["u"]) if "u" in raw else None,
        first=_verdict_in(raw["f"]) if "f" in raw else None,
        **{name: raw.get(letter) for letter, name in _TEXTS.items()},
    )  # fmt: skip


def _verdict_out(first: First) -> dict[str, Any]:
    until, rule = first
    return {**({"u": epoch(until)} if until else {}), **({"t": rule} if rule else {})}


def _verdict_in(raw: dict[str, Any]) -> First:
    return from_epoch(raw["u"]) if "u" in raw else None, raw.get("t")
