"""An uploaded file becomes batches: claim the import, look through the file, page by page, result.

The whole file is looked through before its first row is taken: a file that cannot be read to its
end texts nobody. Then every page ends with a note of how far the work is. Killed in between, the
next invocation does the open page again and changes nothing by it: batches are taken once per key,
a page's verdicts are the same bytes, and the note is conditional on the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from .directory import Pointer
from .errors import BadInputError, ConflictError, InstoreError
from .import_cancel import Undoing, cancel_batches
from .import_columns import find_columns, understood
from .import_file import open_sheet
from .import_result import count, heading, read, write
from .import_rows import Record, Rows
from .import_state import UPLOAD_KEPT, Counts, Import, ImportState
from .outreach import find_asker
from .outreach_accept import Desk
from .program import Banner, Program

if TYPE_CHECKING:
    from .adapters.files import Files, Upload
    from .adapters.imports import Imports
    from .adapters.queues import Queues
    from .adapters.stores import Stores

# Another page is begun with this many seconds left, or twice what the longest one took.
SPARE_S = 30.0
_CLAIM_TRIES = 3


@dataclass(frozen=True, slots=True)
class Means:
    """What importing works with. `desk` is asked for at every page: a kill switch thrown in the
    meantime counts. `remaining` tells the seconds this invocation still has."""

    imports: Imports
    files: Files
    queues: Queues
    stores: Stores
    desk: Callable[[], Desk]
    now: Callable[[], datetime]
    remaining: Callable[[], float]


@dataclass(slots=True)
class Worked:
    """What an invocation did: the import as it left it (None: there was nothing for it to do, or
    somebody else took over), what became of the rows, in earnest or (`checked`) in a dry run, and
    whether the rest was handed on."""

    left: Import | None = None
    counts: Counts = field(default_factory=Counts)
    checked: Counts = field(default_factory=Counts)
    handed_on: bool = False


def work(import_id: str, *, token: str, means: Means) -> Worked:
    """Do what this import needs now, as far as the time goes; `token` is unique per invocation.

    Raises UnavailableError when something did not answer: the same call later carries on.
    """
    worked = Worked()
    mine = _claim(import_id, token=token, means=means)
    while mine is not None and _has_work(mine) and not worked.handed_on:
        held = mine
        try:
            step = _stop if held.state is ImportState.CANCELLING else _work_through
            mine = step(held, worked, means=means)
        except InstoreError as error:
            if error.retryable or held.state is ImportState.CANCELLING:
                raise
            failed = held.failed(error.public_code, error.message)
            mine = means.imports.save(failed) or _overtaken(held, means=means)
    worked.left = mine
    return worked


def _fetched(mine: Import, *, means: Means) -> AbstractContextManager[Upload]:
    """The upload on disk. Raises ConflictError when it is another one, or by now deleted."""
    if means.now() > mine.created_at + UPLOAD_KEPT:
        raise ConflictError("the file is too old: upload it again", code="upload_expired")
    return means.files.fetch(mine.upload_key, tag=mine.tag)


def _claim(import_id: str, *, token: str, means: Means) -> Import | None:
    """Take hold of the import, if there is work and nobody is at it. Whoever is at it has a
    message of its own, which comes again if it dies: this one may be dropped. Not so one that
    says to cancel: the other message may be long in coming, and texts would go meanwhile."""
    for _ in range(_CLAIM_TRIES):
        found, now = means.imports.get(import_id), means.now()
        if found is None or not _has_work(found):
            return None
        if found.claim is not None and found.is_claimed(now):
            if found.state is ImportState.CANCELLING:
                left = (found.claim.until - now).total_seconds()
                means.queues.import_ready(found.id, delay_s=int(left) + 1)
            return None
        mine = means.imports.save(found.claimed(token, now=now))
        if mine is not None:
            return mine
    return None


def _has_work(import_: Import) -> bool:
    return import_.state in (ImportState.AWAITING, ImportState.RUNNING, ImportState.CANCELLING)


def _overtaken(mine: Import, *, means: Means) -> Import | None:
    """Our note was refused: somebody asked to cancel, which is ours to do, or took over."""
    found = means.imports.get(mine.id)
    ours = found is not None and found.claim == mine.claim
    return found if ours else None


def _work_through(mine: Import, worked: Worked, *, means: Means) -> Import | None:
    with _fetched(mine, means=means) as upload:
        if mine.state is ImportState.AWAITING:
            begun = look_through(mine, upload, means=means)
            rows = rows_of(begun, means=means)
            people = _people_of(next(pages_of(begun, upload)), begun, rows=rows)
            noted = means.imports.save(replace(begun, people=people))
            if noted is None:
                return _overtaken(mine, means=means)
            mine = noted
        return _go_on(mine, upload, worked, means=means)


def look_through(import_: Import, upload: Upload, *, means: Means) -> Import:
    """Read the file to its end: columns, encoding, number of rows. Raises BadInputError and
    ForbiddenError for what makes the import fail."""
    wanted = variables_of(import_.template, associate=import_.associate,
                          program=means.desk().program, stores=means.stores)  # fmt: skip
    sheet = open_sheet(upload.lines())
    places = find_columns(sheet.headers, asked=import_.columns, variables=wanted,
                          by_associate=import_.associate is None)  # fmt: skip
    rows = sum(1 for _ in islice(sheet.records, import_.limit + 1))
    if rows == 0:
        raise BadInputError("the file has no rows below its header", code="no_rows")
    if rows > import_.limit:
        raise BadInputError(f"more than {import_.limit} rows", code="too_many_rows")
    return import_.begun(tag=upload.tag, rows=rows, places=places,
                         found=understood(sheet.headers, places))  # fmt: skip


def variables_of(
    template: str, *, associate: str | None, program: Program, stores: Stores
) -> int | None:
    """How many variables the template takes; None when that depends on the row's associate.

    Raises BadInputError `unknown_template`, and ForbiddenError when there is no such associate.
    """
    banners: list[Banner] = program.banners
    if associate is not None:
        banners = [find_asker(associate, program=program, stores=stores).banner]
    found = {t.variables for banner in banners if (t := program.template(template, banner))}
    if not found:
        raise BadInputError("no such template", code="unknown_template")
    return found.pop() if len(found) == 1 else None


def _go_on(mine: Import, upload: Upload, worked: Worked, *, means: Means) -> Import | None:
    """Page by page from where the work is, then the result. None: somebody else took over."""
    rows = rows_of(mine, means=means)
    longest, first, before = 0.0, mine.page, 0.0
    counts: Counts | None = None  # of a page that is done and not noted yet
    for number, records in enumerate(pages_of(mine, upload)):
        if number < first:
            done = () if mine.sends else read(means.files.read(mine.page_key(number)))
            rows.skip(records, lines=done)
            continue
        if counts is not None or (mine.sends and mine.people is None):
            people = _people_of(records, mine, rows=rows)
            noted = _note(mine, counts, worked, people=people, means=means)
            if noted is None:
                return _overtaken(mine, means=means)
            mine = noted
        if number > first:
            longest = max(longest, before - means.remaining())
            if means.remaining() < max(SPARE_S, 2 * longest):
                return _hand_on(mine, worked, means=means)
        before = means.remaining()
        lines = rows.take(records, known=mine.people)
        means.files.write(mine.page_key(number), write(lines))
        counts = count(lines)
    if counts is not None:
        noted = _note(mine, counts, worked, people=None, means=means)
        if noted is None:
            return _overtaken(mine, means=means)
        mine = noted
    _write_result(mine, means=means)
    return means.imports.save(mine.ended()) or _overtaken(mine, means=means)


def _people_of(records: list[Record], mine: Import, *, rows: Rows) -> Mapping[str, Pointer] | None:
    """A dry run makes nothing that would have to be found again."""
    return rows.people_of(records) if mine.sends else None


def _note(
    mine: Import, counts: Counts | None, worked: Worked, *, people: Mapping[str, Pointer] | None,
    means: Means,
) -> Import | None:  # fmt: skip
    """One write for two things: the page before is done, and who texts on the one that comes."""
    if counts is None:
        return means.imports.save(replace(mine, people=people))
    noted = means.imports.save(mine.further(counts, people=people))
    if noted is not None and mine.sends:
        worked.counts += counts
    elif noted is not None:
        worked.checked += counts
    return noted


def _write_result(mine: Import, *, means: Means) -> None:
    pages = [means.files.read(mine.page_key(number)) for number in range(mine.page)]
    means.files.write(mine.result_key, b"".join([heading(), *pages]))


def _hand_on(mine: Import, worked: Worked, *, means: Means, delay_s: int = 0) -> Import | None:
    """The rest is for another invocation. Let go first: its message must not find us here."""
    free = means.imports.save(replace(mine, claim=None))
    if free is None:
        return _overtaken(mine, means=means)
    means.queues.import_ready(mine.id, delay_s=delay_s)
    worked.handed_on = True
    return free


def rows_of(import_: Import, *, means: Means) -> Rows:
    assert import_.places is not None
    return Rows(import_, places=import_.places, stores=means.stores, desk=means.desk,
                now=means.now)  # fmt: skip


def pages_of(import_: Import, upload: Upload) -> Iterator[list[Record]]:
    """The file's records in pages. The same file, the same pages."""
    records = open_sheet(upload.lines()).records
    while page := list(islice(records, import_.page_rows)):
        yield page


def _stop(mine: Import, worked: Worked, *, means: Means) -> Import | None:
    """Cancel what has not gone. While a batch is at the vendor this is not over: again in a
    minute, for as long as that takes."""
    undoing = Undoing(means.desk(), means.stores, means.now, means.remaining)
    again = cancel_batches(_batches_of(mine, means=means), undoing=undoing, spare_s=SPARE_S)
    if again is None:
        if mine.places is not None:
            _write_result(mine, means=means)
        return means.imports.save(mine.to(ImportState.CANCELLED, claim=None))
    return _hand_on(mine, worked, means=means, delay_s=again)


def _batches_of(mine: Import, *, means: Means) -> Iterator[str]:
    """Every batch the import can have made: those of its pages, and of the page that was open."""
    if not mine.sends or mine.places is None:
        return
    for number in range(mine.page):
        lines = read(means.files.read(mine.page_key(number)))
        yield from dict.fromkeys(line["batch"] for line in lines if line["batch"])
    if mine.rows is not None and mine.counts.rows < mine.rows:
        try:
            yield from _open_page(mine, means=means)
        except ConflictError:
            return  # another file is there now, or none: nobody can tell what stood on that page


def _open_page(mine: Import, *, means: Means) -> Iterator[str]:
    with _fetched(mine, means=means) as upload:
        rows = rows_of(mine, means=means)
        for records in islice(pages_of(mine, upload), mine.page, mine.page + 1):
            yield from rows.batches_of(records, known=mine.people)
