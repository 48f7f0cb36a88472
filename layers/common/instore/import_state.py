"""An import: one uploaded file of recipients, from the form it is uploaded with to its result.

The item says how far the work is and never who is in the file: rows are in the bucket, for days.
An import is read whole, changed here by pure functions, and written whole under its revision.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_plus

from .batch import Claim
from .directory import Pointer

UPLOAD_KEPT = timedelta(days=7)  # template.yaml: the bucket forgets uploads then
UPLOAD_WITHIN = timedelta(minutes=15)
# A checked file can be sent as long as it is certainly still there when the work begins.
SEND_WITHIN = UPLOAD_KEPT - timedelta(days=1)
# Longer than the function may run: an expired claim is a dead invocation's.
CLAIM_FOR = timedelta(seconds=150)
MAX_BYTES = 5_000_000
# Rows between two notes of how far the work is: what is done again after a crash, at the worst.
PAGE_ROWS = 500


class ImportState(StrEnum):
    """Where an import is."""

    AWAITING = "awaiting"  # the form is given out, the file not here
    RUNNING = "running"
    CHECKED = "checked"  # dry run done: can be sent
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = ImportState
IMPORT_NEXT: Mapping[ImportState, frozenset[ImportState]] = {
    _S.AWAITING: frozenset({_S.AWAITING, _S.RUNNING, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.RUNNING, _S.CHECKED, _S.DONE, _S.FAILED, _S.CANCELLING}),
    _S.CHECKED: frozenset({_S.RUNNING, _S.CANCELLED}),
    _S.DONE: frozenset({_S.CANCELLING}),
    _S.FAILED: frozenset({_S.CANCELLING}),
    _S.CANCELLING: frozenset({_S.CANCELLING, _S.CANCELLED}),
    _S.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which header holds what. None = to be found by its words (import_columns.WORDS)."""

    phone: str | None = None
    variables: tuple[str, ...] | None = None
    zone: str | None = None
    postal_code: str | None = None
    associate: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where in a row what stands, counted from 0; `width` is the number of headers."""

    phone: int
    variables: tuple[int, ...]
    zone: int | None
    postal_code: int | None
    associate: int | None
    width: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows. `cost` is an estimate per currency, of what goes or will go."""

    accepted: int = 0
    deferred: int = 0
    blocked: Mapping[str, int] = field(default_factory=dict)
    segments: int = 0
    cost: Mapping[str, Decimal] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.accepted + other.accepted, self.deferred + other.deferred,
            {reason: self.blocked.get(reason, 0) + other.blocked.get(reason, 0)
             for reason in sorted({*self.blocked, *other.blocked})},
            self.segments + other.segments,
            {currency: self.cost.get(currency, Decimal()) + other.cost.get(currency, Decimal())
             for currency in sorted({*self.cost, *other.cost})},
        )  # fmt: skip

    @property
    def rows(self) -> int:
        return self.accepted + self.deferred + sum(self.blocked.values())


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `rev` counts its writes.

    `owner` (folded login, "" for a client without one) may look at it; `associate` texts, or None
    when a column of the file names the associate of each row. `size` (recipients of a batch),
    `limit` (rows) and `page_rows` stay as they were when it was asked for: a repeated page must
    form the same batches. `tag` is the upload's ETag, `rows` how many it has, `places` its columns and
    `found` their headers (role -> header), `page` and `counts` how far the work is;
    `people` (login -> agent) who texts on the page that is open, written down before it is worked on:
    its batches are found by that although somebody has left since. None: not written down yet.
    """

    id: str
    owner: str
    associate: str | None
    template: str
    columns: Columns
    mode: str
    fingerprint: str
    size: int
    limit: int
    page_rows: int
    created_at: datetime
    expires_at: datetime
    state: ImportState = ImportState.AWAITING
    claim: Claim | None = None
    tag: str | None = None
    rows: int | None = None
    places: Places | None = None
    found: Mapping[str, Any] = field(default_factory=dict)
    page: int = 0
    counts: Counts = field(default_factory=Counts)
    people: Mapping[str, Pointer] | None = None
    failure: tuple[str, str] | None = None
    rev: int = 1

    def to(self, state: ImportState, **changes: Any) -> Import:
        """The import in its next state. Raises ValueError on a step the table does not allow."""
        if state not in IMPORT_NEXT[self.state]:
            raise ValueError(f"an import never goes from {self.state} to {state}")
        return replace(self, state=state, **changes)

    @property
    def sends(self) -> bool:
        return self.mode == "send"

    @property
    def upload_key(self) -> str:
        return f"imports/{self.id}/upload.csv"

    @property
    def result_key(self) -> str:
        return f"results/{self.id}/{self.mode}/result.csv"

    def page_key(self, page: int) -> str:
        return f"results/{self.id}/{self.mode}/pages/{page:04d}.csv"

    def batch_key(self, row: int) -> str:
        """The Idempotency-Key of the batch whose first recipient stands in this row."""
        return f"import:{self.id}:{row}"

    def is_claimed(self, now: datetime) -> bool:
        return self.claim is not None and self.claim.until > now

    def claimed(self, token: str, *, now: datetime) -> Import:
        return replace(self, claim=Claim(token, now + CLAIM_FOR))

    def begun(self, *, tag: str, rows: int, places: Places, found: Mapping[str, Any]) -> Import:
        """The file can be read from its first row to its last: now row by row."""
        return self.to(ImportState.RUNNING, tag=tag, rows=rows, places=places, found=found)

    def further(self, counts: Counts, *, people: Mapping[str, Pointer] | None) -> Import:
        """One more page is done; of the next one, if there is one, these are the `people`."""
        return self.to(ImportState.RUNNING, page=self.page + 1, counts=self.counts + counts,
                       people=people)  # fmt: skip

    def ended(self) -> Import:
        return self.to(ImportState.DONE if self.sends else ImportState.CHECKED, claim=None)

    def failed(self, code: str, message: str) -> Import:
        return self.to(ImportState.FAILED, failure=(code, message), claim=None)

    def sending(self) -> Import:
        """The checked file as a send: from its first row, on the same bytes."""
        return self.to(ImportState.RUNNING, mode="send", page=0, counts=Counts(), people=None)

    def cancelled(self) -> Import:
        """Asked to stop: at once when nothing can have gone, else by whoever works on it."""
        working = self.state in (_S.RUNNING, _S.DONE, _S.FAILED)
        return self.to(_S.CANCELLING if working else _S.CANCELLED)


def import_id(owner: str, *, key: str) -> str:
    """The import an Idempotency-Key of this owner always means. Shape: `i` + 23 hex digits."""
    return "i" + hashlib.sha256(f"{owner}\x1f{key}".encode()).hexdigest()[:23]


def id_of_upload(key: str) -> str | None:
    """The import whose upload this object key is, None for any other object."""
    parts = key.split("/")
    if len(parts) == 3 and parts[0] == "imports" and parts[2] == "upload.csv" and parts[1]:
        return parts[1]
    return None


def imports_meant(body: str) -> list[str] | None:
    """The imports a queue message is about, None if it is no message of ours.

    Ours is `{"import": id}`; S3's own is a list of records (object keys are URL-encoded), and a
    test event that is about nothing when the notification is set up.
    """
    try:
        message = json.loads(body)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    own = message.get("import")
    if isinstance(own, str) and 0 < len(own) <= 40:
        return [own]
    if message.get("Event") == "s3:TestEvent":
        return []
    records = message.get("Records")
    if not isinstance(records, list):
        return None
    try:
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in records]
    except (TypeError, LookupError):
        return None
    return [found for key in keys if (found := id_of_upload(key)) is not None]
