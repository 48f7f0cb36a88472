"""The brand's roster: two CSV files a deployer drops into the bucket, read row by row.

LivePerson returns `employeeId` blank and knows no hours, zones or banners, so stores and
associates are described here and joined by group and by login name (docs/roster.md). A bad row is
reported and left out; a bad header or an unreadable file refuses the whole file (RosterError).
Problems carry file, line and a code, never what stood in the row: rows are about people.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from typing import Generic, TypeVar
from zoneinfo import available_timezones

from .directory import Opening, read_clock
from .errors import BadInputError, RosterError
from .model import Phone, fold_login, fold_word
from .program_parts import RESERVED_WORDS

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STORE_COLUMNS = ("group", "name", "banner", "zone", "state", "postal_code", *DAYS)
STORE_EXTRAS = ("phone",)  # may be missing from the first line
ASSOCIATE_COLUMNS = ("login", "employee_id", "aliases")
MAX_BYTES = 10_000_000
MAX_ROWS = 100_000
MAX_CELL = 200

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Problem:
    """What was left out of the map and why: a file (or `users`, `groups`, `program`), the line in
    it (0 = none), a code of docs/roster.md, and LivePerson's numeric id where there is one."""

    file: str
    line: int
    what: str
    ref: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line or self.ref}:{self.what}"


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One line of stores.csv. `group` is a LivePerson agent group's id or name."""

    line: int
    group: str
    name: str
    banner: str
    zone: str
    state: str
    postal_code: str
    openings: tuple[Opening, ...]
    phone: str = ""  # E.164


@dataclass(frozen=True, slots=True)
class AssociateRow:
    """One line of associates.csv. `login` in lower case; `aliases` folded, each once."""

    line: int
    login: str
    employee_id: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """The good rows in file order, and what was wrong with the others."""

    good: tuple[Row, ...]
    problems: tuple[Problem, ...]


class _BadRowError(Exception):
    """A row that cannot be used; the message is the code to report."""


def read_stores(data: bytes, *, banners: Iterable[str]) -> Rows[StoreRow]:
    """Read stores.csv. `banners` are those of the account. A bad telephone number costs the number
    only, not the row. Raises RosterError."""
    known, zones, seen = frozenset(banners), available_timezones(), set[str]()

    def store(line: int, cells: Mapping[str, str]) -> tuple[StoreRow, list[str]]:
        group = cells["group"]
        _demand(bool(group), "group_missing")
        _demand(cells["banner"] in known, "unknown_banner")
        _demand(cells["zone"] in zones, "unknown_zone")
        state = cells["state"].upper()
        _demand(not state or (len(state) == 2 and state.isascii() and state.isalpha()),
                "bad_state")  # fmt: skip
        openings = read_openings([cells[day] for day in DAYS])
        _demand(group not in seen, "duplicate_group")
        seen.add(group)
        phone, codes = _phone(cells.get("phone", ""))
        return StoreRow(line, group, cells["name"], cells["banner"], cells["zone"], state,
                        cells["postal_code"], openings, phone), codes  # fmt: skip

    return _read("stores.csv", data, columns=STORE_COLUMNS, extras=STORE_EXTRAS, parse=store)


def read_associates(data: bytes) -> Rows[AssociateRow]:
    """Read associates.csv. A bad alias costs that alias only, not the row. Raises RosterError."""
    logins, employees = set[str](), set[int | str]()

    def associate(line: int, cells: Mapping[str, str]) -> tuple[AssociateRow, list[str]]:
        login, employee = fold_login(cells["login"]), cells["employee_id"]
        _demand(bool(login), "login_missing")
        _demand(login not in logins, "duplicate_login")
        identity = employee_number(employee)
        _demand(not employee or (employee if identity is None else identity) not in employees,
                "duplicate_employee_id")  # fmt: skip
        logins.add(login)
        if employee:
            employees.add(employee if identity is None else identity)
        words, codes = _aliases(cells["aliases"])
        if employee and identity is None:
            codes.append("employee_id_not_digits")
        return AssociateRow(line, login, employee, words), codes

    return _read("associates.csv", data, columns=ASSOCIATE_COLUMNS, parse=associate)


def employee_number(employee_id: str) -> int | None:
    """The number whose Base36 form is on the card; None for an id that is not 1-18 digits."""
    plain = employee_id.isascii() and employee_id.isdigit() and len(employee_id) <= 18
    return int(employee_id) if plain else None


def read_openings(days: Iterable[str]) -> tuple[Opening, ...]:
    """Seven cells, Monday first: `10:00-21:00`, several with `;`, `closed` or empty (= closed).

    All seven empty means that no hours are known: the store counts as always open (). A store
    that is closed on every day gets one opening of no length, for it must not look always open.
    """
    cells = [cell.lower() for cell in days]
    if not any(cells):
        return ()
    openings = [
        Opening(weekday, opens, closes)
        for weekday, cell in enumerate(cells)
        if cell not in ("", "closed")
        for opens, closes in _spans(cell)
    ]
    return tuple(openings) or (Opening(0, time.min, time.min),)


def _spans(cell: str) -> list[tuple[time, time]]:
    spans = []
    for part in cell.split(";"):
        opens, dash, closes = (piece.strip() for piece in part.partition("-"))
        try:
            span = read_clock(opens), read_clock(closes)
        except ValueError as error:
            raise _BadRowError("bad_hours") from error
        _demand(bool(dash) and span[0] < span[1], "hours_upside_down")
        spans.append(span)
    spans.sort()
    _demand(all(a[1] <= b[0] for a, b in pairwise(spans)), "hours_overlap")
    return spans


def _phone(cell: str) -> tuple[str, list[str]]:
    if not cell:
        return "", []
    try:
        return Phone.parse(cell).e164, []
    except BadInputError:
        return "", ["bad_phone"]


def _aliases(cell: str) -> tuple[tuple[str, ...], list[str]]:
    words: list[str] = []
    codes: list[str] = []
    for text in filter(str.strip, cell.split("|")):
        word = fold_word(text)
        if word is None:
            codes.append("bad_alias")
        elif word in RESERVED_WORDS:
            codes.append("reserved_word")
        elif word not in words:
            words.append(word)
    return tuple(words), codes


def _read(
    file: str, data: bytes, *, columns: tuple[str, ...],
    parse: Callable[[int, Mapping[str, str]], tuple[Row, list[str]]],
    extras: tuple[str, ...] = (),
) -> Rows[Row]:  # fmt: skip
    good: list[Row] = []
    problems: list[Problem] = []
    lines = _lines(file, data)
    places = _header(file, next(lines, (0, []))[1], columns=columns, extras=extras)
    for count, (line, cells) in enumerate(lines, start=1):
        if count > MAX_ROWS:
            raise RosterError(f"{file}: more than {MAX_ROWS} rows")
        try:
            _demand(len(cells) == len(places), "wrong_number_of_cells")
            _demand(all(len(cell) <= MAX_CELL for cell in cells), "cell_too_long")
            named = {name: cells[place].strip() for place, name in enumerate(places) if name}
            row, codes = parse(line, named)
        except _BadRowError as error:
            problems.append(Problem(file, line, str(error)))
            continue
        good.append(row)
        problems += [Problem(file, line, code) for code in codes]
    return Rows(tuple(good), tuple(problems))


def _lines(file: str, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; blank lines are skipped."""
    if len(data) > MAX_BYTES:
        raise RosterError(f"{file}: larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RosterError(f"{file}: not UTF-8") from error
    if "\x00" in text:
        raise RosterError(f"{file}: not a text file")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise RosterError(f"{file}: not CSV after line {begins - 1}") from error


def _header(
    file: str, cells: list[str], *, columns: tuple[str, ...], extras: tuple[str, ...]
) -> list[str]:
    """Name of each place in a row, "" for columns that are none of ours."""
    places = [cell.strip().lower() for cell in cells]
    missing = [name for name in columns if name not in places]
    if missing:
        raise RosterError(f"{file}: the first line lacks {', '.join(missing)}")
    known = (*columns, *extras)
    repeated = [name for name in known if places.count(name) > 1]
    if repeated:
        raise RosterError(f"{file}: the first line has {', '.join(repeated)} twice")
    return [name if name in known else "" for name in places]


def _demand(holds: bool, code: str) -> None:
    if not holds:
        raise _BadRowError(code)
