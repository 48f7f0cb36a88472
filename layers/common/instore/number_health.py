"""Does the carrier still take what a number sends? A run of filtered texts holds the number.

The run is read from LivePerson's outbound reporting and never counted up in the table: it follows
from what was attempted when, so a report read twice, late or in another order counts nothing
twice and ends in the same place. What is stored is the hold, and the instant up to which the
evidence has been judged (`judged_to`): after a hold or a release only newer texts count.

A listing that shows a run within one call holds the number at once, half an hour earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .batch import Row, RowState
from .delivery import STATE_OF, Report, reason_of

if TYPE_CHECKING:
    from .adapters.liveperson import LivePerson, Transaction
    from .adapters.number_health import NumberHealth
    from .program import Program

FILTERED = "filtered"
LOOK_BACK = timedelta(hours=6)  # how far back a run may begin
# A text kept back is looked at again so often: a person's release takes effect within this time.
ASK_AGAIN = timedelta(hours=1)
# Fewer texts of a batch than these say nothing about the batch.
FEWEST = 10
_ARRIVED = frozenset({RowState.DELIVERED, RowState.REPLIED})
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hold:
    """What is kept of one outbound number. `until`: nothing is sent from it before, None = it is
    free; `rev` counts the writes."""

    number: str
    judged_to: datetime = _LONG_AGO
    until: datetime | None = None
    run: int = 0
    rev: int = 0

    @property
    def counts_from(self) -> datetime:
        """Texts attempted later count. What is attempted during a hold was under way when it began:
        it says nothing new, and must not hold the number again when the hold is over."""
        return max(self.judged_to, self.until) if self.until else self.judged_to

    def stops(self, now: datetime) -> bool:
        return self.until is not None and now < self.until

    def next_look(self, now: datetime) -> datetime | None:
        """When a text kept back at `now` is looked at again; None: it need not be kept."""
        return min(self.until, now + ASK_AGAIN) if self.until and now < self.until else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one text of a number: attempted when, and filtered or (False) arrived."""

    at: datetime
    filtered: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """When a number is held and for how long, and under which skills its texts are reported."""

    run: int
    hold: timedelta
    skills: frozenset[str]


def run_of(outcomes: Iterable[Outcome], *, after: datetime) -> int:
    """Filtered texts since the last one that arrived, of those attempted after `after`.

    At the same instant the one that arrived counts as the later: a hold needs a plain case.
    """
    run = 0
    for outcome in sorted(outcomes, key=lambda o: (o.at, not o.filtered)):
        if outcome.at > after:
            run = run + 1 if outcome.filtered else 0
    return run


def call_is_filtered(reports: Iterable[Report], *, run: int) -> bool:
    """Does the listing of one call show a run by itself: `run` texts filtered, and at least half
    of those whose outcome is known. The order inside a call is not told."""
    known = [report for report in reports if is_filtered(report) or has_arrived(report)]
    bad = sum(is_filtered(report) for report in known)
    return bad >= run and 2 * bad >= len(known)


def batch_is_filtered(rows: Iterable[Row], *, run: int) -> bool:
    """Do a batch's own outcomes forbid sending its rest: `run` texts filtered, or half of those
    sent if these are at least ten."""
    sent = [row for row in rows if row.vendor_id is not None]
    bad = sum(row.state is RowState.FAILED and row.reason == FILTERED for row in sent)
    return bad >= run or (len(sent) >= FEWEST and 2 * bad >= len(sent))


def is_filtered(report: Report) -> bool:
    failed = STATE_OF.get(report.status.strip().upper()) is RowState.FAILED
    return failed and reason_of(report.error) == FILTERED


def has_arrived(report: Report) -> bool:
    return STATE_OF.get(report.status.strip().upper()) in _ARRIVED


def numbers_of(program: Program) -> dict[str, Limits]:
    """The outbound numbers of a program. Banners that share one: the strictest rule holds."""
    found: dict[str, Limits] = {}
    for banner in program.banners:
        rule, number = banner.outreach.filtering, banner.number.outbound
        hold, skills = timedelta(hours=rule.hold_hours), frozenset({banner.campaign_skill})
        if (other := found.get(number)) is None:
            found[number] = Limits(rule.run, hold, skills)
        else:
            found[number] = Limits(min(rule.run, other.run), max(hold, other.hold),
                                   skills | other.skills)  # fmt: skip
    return found


def look_at_numbers(
    *, program: Program, numbers: NumberHealth, liveperson: LivePerson, now: datetime
) -> Iterator[str]:
    """Hold every number whose newest texts are a run of filtered ones; tells of each as soon as it
    is held, whatever becomes of the question about the next.

    One question for all failures of the last hours; a number with enough filtered ones costs a
    read and a second question, whether anything of it arrived since. Raises VendorError: no
    information, nothing is held.
    """
    start = now - LOOK_BACK
    failures = liveperson.transactions(program.owner, start=start, end=now, statuses=("FAILED",))
    for number, limits in numbers_of(program).items():
        bad = [t.attempted_at for t in failures
               if t.skill in limits.skills and reason_of(t.error_code) == FILTERED
               and t.attempted_at is not None]  # fmt: skip
        if len(bad) < limits.run:
            continue
        known = numbers.hold_of(program.owner.id, number=number)
        bad = sorted(at for at in bad if at > known.counts_from)
        if known.stops(now) or len(bad) < limits.run:
            continue
        arrived = liveperson.transactions(
            program.owner, start=bad[-limits.run], end=now, skills=tuple(sorted(limits.skills)),
            statuses=("DELIVERED", "READ", "RESPONDED"),
        )  # fmt: skip
        newest = _outcomes(bad[-limits.run :], arrived, now=now)
        run = run_of(newest, after=known.counts_from)
        if run >= limits.run and numbers.hold(known, account=program.owner.id, run=run, now=now,
                                              until=now + limits.hold):  # fmt: skip
            yield number


def look_at_call(
    reports: Mapping[str, Report], *, number: str, sent_at: datetime, program: Program,
    numbers: NumberHealth, now: datetime,
) -> bool:  # fmt: skip
    """Hold the number of a call whose own listing shows a run. True: it was just held."""
    limits = numbers_of(program).get(number)
    if limits is None or not call_is_filtered(reports.values(), run=limits.run):
        return False
    known = numbers.hold_of(program.owner.id, number=number)
    if known.stops(now) or sent_at <= known.counts_from:
        return False
    run = sum(is_filtered(report) for report in reports.values())
    return numbers.hold(known, account=program.owner.id, run=run, now=now, until=now + limits.hold)


def _outcomes(
    bad: Sequence[datetime], arrived: Iterable[Transaction], *, now: datetime
) -> list[Outcome]:
    """A text that arrived at a time nobody tells is taken for the newest: it breaks the run."""
    good = [Outcome(text.attempted_at or now, filtered=False) for text in arrived]
    return [*(Outcome(at, filtered=True) for at in bad), *good]
