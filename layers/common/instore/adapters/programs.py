"""The program in the table: current version, history, roll back; read once a minute."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ..errors import ConflictError, NotFoundError, ProgramError, UnavailableError
from ..model import iso
from ..program import Program, load_program
from .table import Item, Table

PK = "PROGRAM"
NO_PROGRAM = "no_program"
KEPT = timedelta(seconds=60)
AGAIN = timedelta(seconds=5)  # a table that failed is left alone so long while a customer waits


class Programs:
    """`current` and `at_hand` for functions; `apply`, `history` and `read` for `make configure`."""

    def __init__(self, table: Table, *, now: Callable[[], datetime]) -> None:
        self._table, self._now = table, now
        self._kept: tuple[datetime, int, Program] | None = None
        self._failed_at: datetime | None = None

    def current(self) -> Program:
        """The program in force, at most 60 s old. Raises UnavailableError when there is none.

        A stack without a program cannot decide anything; a stored one that no longer validates
        (an older layer reading a newer document) is the same case.
        """
        if self._kept is not None and self._now() - self._kept[0] < KEPT:
            return self._kept[2]
        item = self._table.get(PK, "CURRENT")
        if item is None:
            raise UnavailableError("no program is applied: run make configure", code=NO_PROGRAM)
        version = int(item["version"])
        same = self._kept is not None and self._kept[1] == version
        program = self._kept[2] if self._kept and same else _stored(item["document"])
        self._kept, self._failed_at = (self._now(), version, program), None
        return program

    def at_hand(self) -> Program:
        """For answers to a waiting customer: the program in force, or the one this process has
        when the table is away or its document cannot be read. Nothing may be sent by it: kill
        switches thrown meanwhile are not in it. Raises UnavailableError when there is none.
        """
        kept = self._kept
        again = None if self._failed_at is None else self._failed_at + AGAIN
        if kept is not None and again is not None and self._now() < again:
            return kept[2]
        try:
            return self.current()
        except UnavailableError as error:
            if kept is None or error.public_code == NO_PROGRAM:
                raise
            self._failed_at = self._now()
            return kept[2]

    @property
    def version(self) -> int:
        """Version of what `current` returned last; receipts carry it."""
        return self._kept[1] if self._kept else 0

    def apply(self, document: Any, *, seen: int, who: str, note: str = "") -> int:
        """Store a new version, only if the version last seen is still current.

        Raises ProgramError (nothing stored) or ConflictError when somebody else was faster.
        History and current go in one transaction: a version that is in force is in the history.
        """
        load_program(document)
        version = seen + 1
        item: Item = {
            "pk": PK, "version": version, "who": who, "note": note, "at": iso(self._now()),
            "document": json.dumps(document, separators=(",", ":"), default=str),
        }  # fmt: skip
        current = self._table.put_action(
            {**item, "sk": "CURRENT"},
            condition="attribute_not_exists(pk)" if seen == 0 else "version = :seen",
            values=None if seen == 0 else {"seen": seen},
        )
        history = self._table.put_action(
            {**item, "sk": f"V#{version:06d}"}, condition="attribute_not_exists(pk)"
        )
        if not self._table.transact([current, history]):
            raise ConflictError(f"version {seen} is no longer the current one; look again",
                                code="program_changed")  # fmt: skip
        self._kept = None
        return version

    def history(self) -> list[Item]:
        """All versions, oldest first: version, who, note, at, document."""
        return self._table.query(PK, sk_prefix="V#")

    def read(self, version: int | None = None) -> Item:
        """One stored version, or the current one. Raises NotFoundError."""
        item = self._table.get(PK, "CURRENT" if version is None else f"V#{version:06d}")
        if item is None:
            raise NotFoundError("no such version of the program", code="unknown_version")
        return item


def _stored(document: str) -> Program:
    """The stored document as a program. What is wrong with it concerns the deployer alone."""
    try:
        return load_program(json.loads(document))
    except (ProgramError, ValueError) as error:
        raise UnavailableError("the stored program does not validate",
                               code="program_invalid_stored") from error  # fmt: skip
