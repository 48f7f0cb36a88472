"""Reading an uploaded file record by record: encoding, delimiter, quotes, limits.

Takes lines of bytes as they come and holds one record at a time. What makes the file as a whole
doubtful raises BadInputError with a code of docs/import.md, before anybody is texted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import BadInputError

DELIMITERS = (",", ";", "\t")
# One record. Longer ones are a quote that is never closed; twenty full variables fit.
MAX_RECORD = 40_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's headers and the records after them, in file order.

    `records` gives (row, cells): rows count as a spreadsheet shows them, the header being row 1;
    blank ones count and are left out.
    """

    headers: tuple[str, ...]
    delimiter: str
    records: Iterator[tuple[int, list[str]]]


def open_sheet(lines: Iterable[bytes]) -> Sheet:
    """Read the first record and get ready for the rest.

    Raises BadInputError `file_empty`, and while reading `not_utf8`, `not_csv`, `record_too_long`.
    """
    text = _Text(lines)
    first = next(text, None)
    if first is None or not first.strip():
        raise BadInputError("the file has no header line", code="file_empty")
    delimiter = find_delimiter(first)
    text.put_back(first)
    records = _records(text, delimiter=delimiter)
    header = next(records, None)
    if header is None:  # delimiters or quotes, and nothing else in the whole file
        raise BadInputError("the file has no header line", code="file_empty")
    return Sheet(tuple(header[1]), delimiter, records)


def find_delimiter(line: str) -> str:
    """Comma, semicolon or tab: whichever cuts the header line into most cells, outside quotes."""

    def cells(delimiter: str) -> int:
        return len(next(csv.reader([line], delimiter=delimiter), []))

    return max(DELIMITERS, key=cells)  # of equals the first: the comma


class _Text(Iterator[str]):
    """Lines as text; knows how long the record being read is."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._back: list[str] = []
        self._first = True
        self._length = 0

    def __next__(self) -> str:
        if self._back:
            return self._back.pop()
        raw = next(self._lines)
        try:
            line = raw.decode("utf-8-sig" if self._first else "utf-8")
        except UnicodeDecodeError as error:
            raise BadInputError("the file is not UTF-8", code="not_utf8") from error
        self._first = False
        if "\x00" in line:
            raise BadInputError("the file is not a text file", code="not_csv")
        self._length += len(line)
        if self._length > MAX_RECORD:
            raise BadInputError("a record is too long: is a quote never closed?",
                                code="record_too_long")  # fmt: skip
        return line

    def put_back(self, line: str) -> None:
        self._back.append(line)

    def record_ends(self) -> None:
        self._length = 0


def _records(text: _Text, *, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    row = 0
    try:
        for cells in reader:
            row += 1
            text.record_ends()
            if any(cell.strip() for cell in cells):
                yield row, cells
    except csv.Error as error:
        raise BadInputError(f"not CSV after row {row}", code="not_csv") from error
