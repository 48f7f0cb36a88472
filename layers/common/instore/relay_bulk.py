"""Work through a run: claim it, row by row, note each, hand the rest on.

A row is one associate, and asking the same of one twice changes nothing. So a run that was killed
goes on at the row it was at, and the note of how far it is is conditional on the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .errors import InstoreError
from .model import as_stored
from .relay import activate, tried, would_activate
from .relay_ending import deactivate, release
from .relay_means import AGAIN, SPARE_S, Means
from .relay_orphans import Orphan, orphans, settle_orphan
from .relay_report import Outcome, Report, refused
from .relay_run import MOST_PASSES, MOST_ROWS, Kind, Run, Target, run_id
from .relay_state import Activation

if TYPE_CHECKING:
    from .adapters.queues import Queues
    from .adapters.relay_runs import RelayRuns

SCHEDULE = "schedule"  # who asks for what is done every day
_CLAIM_TRIES = 3
_NUMBER = re.compile(r"\+[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class Work:
    """What a run is worked on with."""

    runs: RelayRuns
    queues: Queues
    means: Means


@dataclass(slots=True)
class Worked:
    """What an invocation did: the run as it left it (None: nothing to do, or overtaken), the
    reports of its rows, and whether the rest was handed on."""

    left: Run | None = None
    reports: list[Report] = field(default_factory=list)
    handed_on: bool = False


def open_daily(on: Work) -> Run | None:
    """The run of today that looks for numbers bought for nobody; asked for again, the same one.
    None: the program has no line."""
    if on.means.program.line is None:
        return None
    now = on.means.now()
    fresh = Run(
        id=run_id(SCHEDULE, key=f"{now:%Y-%m-%d}"), kind=Kind.ADOPT, by=SCHEDULE, dry=False,
        force=False, successor=None, fingerprint="", total=0, created_at=as_stored(now),
    )  # fmt: skip
    run = on.runs.create(fresh, targets=[]) or fresh
    if run.has_work:
        on.queues.relay_ready(run.id)
    return run


def work(run: str, *, token: str, on: Work) -> Worked:
    """Do what this run needs now, as far as the time goes; `token` is unique per invocation.

    Raises UnavailableError when something did not answer: the same call later carries on.
    """
    worked = Worked()
    mine = _claim(run, token=token, on=on)
    if mine is not None:
        try:
            mine = _go_through(mine, worked, on=on)
        except InstoreError as error:
            if error.retryable:
                raise
            found = on.runs.get(run)
            mine = found and on.runs.save(found.failed(error.public_code, error.message))
    worked.left = mine
    return worked


def _claim(run: str, *, token: str, on: Work) -> Run | None:
    """Take hold of the run, if there is work and nobody is at it: whoever is has a message of its
    own, which comes again if it dies."""
    for _ in range(_CLAIM_TRIES):
        found, now = on.runs.get(run), on.means.now()
        if found is None or not found.has_work or found.is_claimed(now):
            return None
        mine = on.runs.save(found.claimed(token, now=now))
        if mine is not None:
            return mine
    return None


def _go_through(mine: Run, worked: Worked, *, on: Work) -> Run | None:
    if mine.kind in (Kind.ORPHANS, Kind.ADOPT) and mine.total == 0 and mine.done == 0:
        listed = _list_orphans(mine, on=on)
        if listed is None:
            return None
        mine = listed
    targets = on.runs.targets(mine.id)
    first = True
    for n in _turns(mine):
        if on.means.remaining() < SPARE_S:
            return _hand_on(mine, worked, on=on, delay_s=0, next_pass=False)
        # Only the row an earlier invocation died at can have a report that is not counted yet.
        known = on.runs.report(mine.id, n=n) if first else None
        first = False
        settled = known is not None and known.outcome is not Outcome.PENDING
        report = known if known is not None and settled else _row(mine, targets[n], on=on)
        if report.why == "no_time":
            return _hand_on(mine, worked, on=on, delay_s=0, next_pass=False)
        if report.outcome is Outcome.PENDING and mine.passes >= MOST_PASSES:
            report = refused("gave_up")
        if not settled:
            on.runs.note(mine, n=n, target=targets[n], report=report)
        saved = on.runs.save(mine.noted(n, report))
        if saved is None:
            return None
        mine = saved
        worked.reports.append(report)
    if mine.again:
        return _hand_on(mine, worked, on=on, delay_s=int(AGAIN.total_seconds()), next_pass=True)
    return on.runs.save(mine.ended())


def _turns(run: Run) -> Iterator[int]:
    """Rows in order; those that are pending once more when all have had their first turn. In the
    pass in which a row was put off it does not come again."""
    if run.done < run.total:
        yield from range(run.done, run.total)
    else:
        yield from run.again


def _list_orphans(mine: Run, *, on: Work) -> Run | None:
    """Once: what there is of them is the list the run works on."""
    found = [Target(one.number, sid=one.sid, tag=one.tag) for one in orphans(on.means)]
    on.runs.put_targets(mine, found[:MOST_ROWS])
    return on.runs.save(replace(mine, total=len(found[:MOST_ROWS])))


def _row(run: Run, target: Target, *, on: Work) -> Report:
    return tried(lambda: _act(run, target, on=on), means=on.means)


def _act(run: Run, target: Target, *, on: Work) -> Report:
    means = on.means
    if run.kind in (Kind.ORPHANS, Kind.ADOPT):
        orphan = Orphan(target.sid, target.name, target.tag)
        return settle_orphan(orphan, asked=run.asked, means=means, dry=run.dry,
                             only_adopt=run.kind is Kind.ADOPT)  # fmt: skip
    if target.pointer is None:
        return refused("unknown_associate" if run.kind is Kind.ACTIVATE else "no_line")
    if run.kind is Kind.ACTIVATE:
        if run.dry:
            return _within_the_pool(would_activate(target.pointer, means=means), run, on)
        return activate(target.pointer, asked=run.asked, means=means)
    held = means.lines.activation(target.pointer.account, agent_id=target.pointer.agent_id)
    if held is None or not _is_meant(held, target):
        return refused("no_line")
    if run.kind is Kind.DEACTIVATE:
        return deactivate(held, successor=run.successor, asked=run.asked, means=means,
                          dry=run.dry)  # fmt: skip
    return release(held, force=run.force, asked=run.asked, means=means, dry=run.dry)


def _is_meant(held: Activation, target: Target) -> bool:
    """Where a number was named in place of a login, whether it is the one they have now."""
    return _NUMBER.match(target.name) is None or (
        held.number is not None and held.number.e164 == target.name
    )


def _within_the_pool(report: Report, run: Run, on: Work) -> Report:
    """A dry run takes no places: count those that the rows before would have taken, if it matters.
    Who is to have their own number again takes none."""
    means = on.means
    line = means.program.line
    if report.outcome is not Outcome.WOULD or report.why is not None or line is None:
        return report
    room = means.lines.room(line)
    if room <= run.counts.get(str(Outcome.WOULD), 0):
        before = (told for _, told in on.runs.reports(run.id))
        room -= sum(told.outcome is Outcome.WOULD and told.why is None for told in before)
        return report if room > 0 else refused("pool_full")
    return report


def _hand_on(
    mine: Run, worked: Worked, *, on: Work, delay_s: int, next_pass: bool
) -> Run | None:  # fmt: skip
    """The rest is for another invocation. Let go first: its message must not find us here."""
    free = on.runs.save(mine.let_go(next_pass=next_pass))
    if free is not None:
        on.queues.relay_ready(mine.id, delay_s=delay_s)
        worked.handed_on = True
    return free
