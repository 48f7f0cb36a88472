"""The result of an import: one line per row of the file, safe to open in a spreadsheet.

Who opens it clicks on what somebody else wrote: a cell that a spreadsheet would run as a formula
gets an apostrophe in front. Numbers are masked. The same verdicts give the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .import_state import Counts
from .model import iso

COLUMNS = ("row", "phone", "associate", "verdict", "reason", "until", "rule", "segments", "cost",
           "currency", "batch")  # fmt: skip
# What Excel, LibreOffice and Google take for the beginning of a formula. Where it is one: at the
# beginning of a cell, and inside of one after whatever another country's spreadsheet cuts at.
_FORMULA = re.compile(
    r"""(^|[,;\t\r\n"])(?=[ \u00a0\u200b\ufeff]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"""
)


@dataclass(frozen=True, slots=True)
class Price:
    """What one segment costs, as the program says."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Line:
    """The verdict on one row of the file: accepted, deferred or blocked."""

    row: int
    verdict: str
    phone: str = ""  # masked
    associate: str = ""
    reason: str | None = None
    until: datetime | None = None
    rule: str | None = None
    segments: int = 0
    price: Price | None = None
    batch: str | None = None

    @property
    def goes(self) -> bool:
        return self.verdict != "blocked"

    @property
    def cost(self) -> Decimal | None:
        return self.price.amount * self.segments if self.price and self.goes else None


def count(lines: Iterable[Line]) -> Counts:
    """Add up what became of these rows."""
    total = Counts()
    for line in lines:
        cost = {line.price.currency: line.cost} if line.price and line.cost is not None else {}
        total += Counts(
            accepted=line.verdict == "accepted", deferred=line.verdict == "deferred",
            blocked={} if line.goes else {line.reason or "": 1},
            segments=line.segments if line.goes else 0, cost=cost,
        )  # fmt: skip
    return total


def heading() -> bytes:
    """The first line of a result. The byte order mark tells Excel that it is UTF-8."""
    return b"\xef\xbb\xbf" + _written([COLUMNS])


def write(lines: Iterable[Line]) -> bytes:
    """These lines as CSV, CRLF, in the order given."""
    return _written(
        [str(line.row), line.phone, line.associate, line.verdict, line.reason or "",
         "" if line.until is None else iso(line.until.replace(microsecond=0)), line.rule or "",
         str(line.segments or ""), "" if line.cost is None else f"{line.cost:f}",
         "" if line.cost is None or line.price is None else line.price.currency, line.batch or ""]
        for line in lines
    )  # fmt: skip


def read(data: bytes) -> Iterable[dict[str, str]]:
    """Lines of `write` again, column -> cell without the apostrophe in front."""
    for cells in csv.reader(io.StringIO(data.decode(), newline="")):
        yield {name: cell.removeprefix("'") for name, cell in zip(COLUMNS, cells, strict=True)}


def safe(cell: str) -> str:
    """A cell no spreadsheet runs, however it cuts the line."""
    return _FORMULA.sub(r"\1'", cell)


def _written(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode()
