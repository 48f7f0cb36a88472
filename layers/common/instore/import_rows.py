"""The rows of an import: who is meant, whose customer it is, and the verdict on each.

A page of rows becomes batches of one associate each, in file order, and each batch is taken by
`accept` under a key made of the import and its first row: however often a page is done again, the
same batches come out, and each was taken once (docs/decisions/0011).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .batch import BatchState, Row, RowState, batch_id
from .directory import Pointer
from .errors import BadInputError, ConflictError, ForbiddenError
from .import_result import Line, Price
from .import_state import Import, Places
from .model import POSTAL_CODE, Phone, fold_login
from .outreach import Asker, Recipient, Verdict, check, find_asker, read_rows
from .outreach_accept import Desk, accept, resume
from .program import Banner
from .wall_clock import find_zone

if TYPE_CHECKING:
    from .adapters.stores import Stores

Record = tuple[int, list[str]]
LONGEST_LOGIN = 254  # as in requests
# Customers looked at in one request of a dry run.
_LOOKED_AT_ONCE = 100
# Refused as a whole because of its size, or because it was taken in halves before.
_HALVES_MAY_GO = frozenset({"batch_too_large", "idempotency_key_reused"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as it was read. `asker`, unless `reason` says already why nothing goes."""

    row: int
    recipient: Recipient
    login: str
    phone: Phone | None = None
    asker: Asker | None = None
    reason: str | None = None

    def line(self, verdict: str, **more: Any) -> Line:
        return Line(self.row, verdict, phone=self.phone.masked if self.phone else "",
                    associate=self.login, **more)  # fmt: skip

    def blocked(self, reason: str, **more: Any) -> Line:
        return self.line("blocked", reason=reason, **more)


class Rows:
    """One invocation's way through the rows; remembers numbers (for duplicates) and, in a dry
    run, how many texts each associate would have asked for."""

    def __init__(
        self, import_: Import, *, places: Places, stores: Stores, desk: Callable[[], Desk],
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._import, self._places = import_, places
        self._stores, self._desk, self._now = stores, desk, now
        self._numbers: set[str] = set()
        self._planned: dict[str, int] = {}
        self._askers: dict[str, Asker | str] = {}

    def skip(self, records: Iterable[Record], *, lines: Iterable[Mapping[str, str]]) -> None:
        """A page that is done: only remember what later rows are compared with."""
        self._askers.clear()
        desk = self._desk()
        for record in records:
            self._read(record, desk=desk)
        for line in lines:
            if line["verdict"] != "blocked":
                self._plan(line["associate"])

    def people_of(self, records: Iterable[Record]) -> dict[str, Pointer]:
        """Who texts on a page that is about to be taken, by login: those who are there now."""
        self._askers.clear()
        desk = self._desk()
        entries = [read_entry(row, cells, places=self._places, login=self._import.associate)[0]
                   for row, cells in records]  # fmt: skip
        askers = {entry.login: self._asker(entry.login, desk=desk) for entry in entries}
        return {login: asker.pointer for login, asker in askers.items()
                if isinstance(asker, Asker)}  # fmt: skip

    def take(
        self, records: Iterable[Record], *, known: Mapping[str, Pointer] | None = None
    ) -> list[Line]:  # fmt: skip
        """The verdict on each row of a page: taken, or in a dry run as it would be. `known` is who
        texted on it when it was begun: where somebody is not there any more, what was taken then
        is told."""
        known, desk = known or {}, self._desk()
        entries = [self._read(record, desk=desk) for record in records]
        wanted: list[Entry] = []
        lines: list[Line] = []
        for entry in entries:
            if self._is_anybodys(entry, known):
                wanted.append(entry)
            else:
                lines.append(entry.blocked(entry.reason or ""))
        size = self._import.size if self._import.sends else _LOOKED_AT_ONCE
        for group in by_associate(wanted, size=size):
            if not self._import.sends:
                lines += self._checked(group, desk)
                continue
            found, rest = self._found(group, known.get(group[0].login), desk)
            lines += found
            if rest and rest[0].asker is not None:
                lines += self._taken(rest, desk)
            else:
                lines += [entry.blocked(entry.reason or "") for entry in rest]
        return sorted(lines, key=lambda line: line.row)

    def batches_of(
        self, records: Iterable[Record], *, known: Mapping[str, Pointer] | None
    ) -> list[str]:  # fmt: skip
        """Every batch that may have been made of these rows, by those there are or were."""
        known, desk = known or {}, self._desk()
        found = []
        for entry in (self._read(record, desk=desk) for record in records):
            if self._is_anybodys(entry, known):
                who = [known.get(entry.login), entry.asker and entry.asker.pointer]
                key = self._import.batch_key(entry.row)
                found += [batch_id(pointer, key=key) for pointer in who if pointer]
        return list(dict.fromkeys(found))

    def _is_anybodys(self, entry: Entry, known: Mapping[str, Pointer]) -> bool:
        """Nothing is wrong with a row, or only that its associate left since the page was begun."""
        left = entry.login in known and entry.reason == self._askers.get(entry.login)
        return entry.reason is None or left

    # ------------------------------------------------------------ reading

    def _read(self, record: Record, *, desk: Desk) -> Entry:
        row, cells = record
        entry, wrong = read_entry(row, cells, places=self._places, login=self._import.associate)
        asker = self._asker(entry.login, desk=desk)
        # Countries of the program share one numbering plan: the number is the same whoever asks.
        country = asker.banner.country if isinstance(asker, Asker) else "US"
        try:
            phone = Phone.parse(entry.recipient.phone, region=country)
        except BadInputError:
            return replace(entry, reason=wrong or "invalid_number")
        entry = replace(entry, phone=phone)
        if wrong is not None:
            return replace(entry, reason=wrong)
        # Before it is asked who the associate is: rows are grouped by what the file says alone. An
        # associate who comes or goes before a page is done again must not shift anybody's batches.
        if phone.e164 in self._numbers:
            return replace(entry, reason="duplicate")
        self._numbers.add(phone.e164)
        if not isinstance(asker, Asker):
            return replace(entry, reason=asker)
        return replace(entry, asker=asker)

    def _asker(self, login: str, *, desk: Desk) -> Asker | str:
        """Who is behind a login, looked up once a page, or why nobody is."""
        if len(login) > LONGEST_LOGIN:  # also no key of the table could be that long
            return "unknown_associate"
        if login not in self._askers:
            try:
                found = find_asker(login, program=desk.program, stores=self._stores)
            except ForbiddenError as error:
                self._askers[login] = error.public_code
            else:
                self._askers[login] = found
        return self._askers[login]

    # ------------------------------------------------------------ sending

    def _found(
        self, group: Sequence[Entry], who: Pointer | None, desk: Desk
    ) -> tuple[list[Line], Sequence[Entry]]:
        """Verdicts of the batches that were taken for somebody who is not there any more, or is
        another agent now, and the rows that nothing was made of."""
        now = group[0].asker and group[0].asker.pointer
        lines: list[Line] = []
        if who is None or (now and (now.account, now.agent_id) == (who.account, who.agent_id)):
            return lines, group
        while group:
            batch = desk.batches.get(batch_id(who, key=self._import.batch_key(group[0].row)))
            if batch is None:
                break
            if batch.state is BatchState.ACCEPTING:
                batch = resume(batch, desk=desk, stores=self._stores, now=self._now()).batch
            price = price_of(desk.program.banner(batch.banner))
            lines += [given(entry, row, price=price, batch=batch.id)
                      for entry, row in zip(group, batch.rows, strict=False)]  # fmt: skip
            group = group[len(batch.rows) :]
        return lines, group

    def _taken(self, group: Sequence[Entry], desk: Desk) -> list[Line]:
        """Take a batch. One that has become too large for the program since goes in halves, and
        is found in halves when the page is done again."""
        asker = group[0].asker
        assert asker is not None
        try:
            batch = accept(
                asker, template=self._import.template, desk=desk, now=self._now(),
                recipients=[entry.recipient for entry in group],
                key=self._import.batch_key(group[0].row),
            ).batch  # fmt: skip
        except (BadInputError, ConflictError) as error:
            if error.public_code in _HALVES_MAY_GO and len(group) > 1:
                half = len(group) // 2
                return [*self._taken(group[:half], desk), *self._taken(group[half:], desk)]
            return [entry.blocked(error.public_code) for entry in group]
        price = price_of(asker.banner)
        return [given(entry, row, price=price, batch=batch.id)
                for entry, row in zip(group, batch.rows, strict=True)]  # fmt: skip

    # ------------------------------------------------------------ the dry run

    def _checked(self, group: Sequence[Entry], desk: Desk) -> list[Line]:
        """What `accept` would say, without writing anything."""
        asker = group[0].asker
        assert asker is not None
        template = desk.program.template(self._import.template, asker.banner)
        if template is None:
            return [entry.blocked("unknown_template") for entry in group]
        rows = read_rows([entry.recipient for entry in group], banner=asker.banner,
                         template=template)  # fmt: skip
        ids = {row.phone: desk.customers.id_of(row.phone) for row in rows if row.phone}
        known = desk.customers.get_many(ids.values()) if ids else {}
        now, price = self._now(), price_of(asker.banner)
        used = desk.batches.quota_used(asker.pointer, day=asker.day(now))
        lines = []
        for entry, row in zip(group, rows, strict=True):
            if row.state is RowState.BLOCKED:
                lines.append(given(entry, row, price=price))
                continue
            verdict = check(
                asker, recipient=entry.recipient, purpose=template.purpose, now=now,
                used=used + self._planned.get(entry.login, 0), program=desk.program,
                customer_of=lambda phone: known.get(ids[phone]), template=template,
            )  # fmt: skip
            lines.append(foreseen(entry, row, verdict, price=price))
            if lines[-1].goes:
                self._plan(entry.login)
        return lines

    def _plan(self, login: str) -> None:
        self._planned[login] = self._planned.get(login, 0) + 1


def read_entry(
    row: int, cells: Sequence[str], *, places: Places, login: str | None
) -> tuple[Entry, str | None]:
    """A record as a row, and what is wrong with its cells. Cells beyond the last header may be
    empty: spreadsheets leave such behind."""
    fits = len(cells) >= places.width and not any(cell.strip() for cell in cells[places.width :])

    def cell(place: int | None) -> str:
        return cells[place].strip() if place is not None and place < len(cells) else ""

    whose = login if login is not None else fold_login(cell(places.associate))
    recipient = Recipient(
        cell(places.phone), tuple(cell(place) for place in places.variables),
        zone=cell(places.zone) or None, postal_code=cell(places.postal_code) or None,
    )  # fmt: skip
    wrong = wrong_place(recipient) if fits else "wrong_number_of_cells"
    return Entry(row, recipient, whose), wrong


def wrong_place(recipient: Recipient) -> str | None:
    """Why the place a row names is none, or None."""
    zone, code = recipient.zone, recipient.postal_code
    if zone is not None and find_zone(zone) is None:
        return "zone_invalid"
    return None if code is None or re.fullmatch(POSTAL_CODE, code) else "postal_code_invalid"


def by_associate(entries: Iterable[Entry], *, size: int) -> list[list[Entry]]:
    """Batches of one associate and at most `size` rows each, by the file's order of their first."""
    groups: list[list[Entry]] = []
    last: dict[str, list[Entry]] = {}
    for entry in entries:
        group = last.get(entry.login)
        if group is None or len(group) == size:
            group = last[entry.login] = []
            groups.append(group)
        group.append(entry)
    return groups


def given(entry: Entry, row: Row, *, price: Price | None, batch: str | None = None) -> Line:
    """The verdict on a row of a batch as it was first given, however far the batch has come."""
    if not row.was_taken:
        return entry.blocked(row.reason or "", until=row.until, rule=row.rule,
                             segments=row.segments, batch=batch)  # fmt: skip
    until, rule = row.answered
    if until is None:
        return entry.line("accepted", segments=row.segments, price=price, batch=batch)
    return entry.line("deferred", reason="outside_window", until=until, rule=rule,
                      segments=row.segments, price=price, batch=batch)  # fmt: skip


def foreseen(entry: Entry, row: Row, verdict: Verdict, *, price: Price | None) -> Line:
    """The verdict of a dry run."""
    how = "accepted" if verdict.allowed else "deferred" if verdict.defers else "blocked"
    return entry.line(how, reason=verdict.reason, until=verdict.until, rule=verdict.rule,
                      segments=row.segments, price=price)  # fmt: skip


def price_of(banner: Banner | None) -> Price | None:
    cost = banner.outreach.segment_cost if banner else None
    return None if cost is None else Price(cost.amount, cost.currency)
