"""A run: one request about the numbers of one or many associates, worked on row by row.

The list of whom it is about is written once; the run itself says how far the work is and is written
whole under its revision; each row's report stands beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .batch import KEPT, Claim
from .directory import Pointer
from .model import as_stored
from .relay_report import Outcome, Report
from .relay_state import Asked

MOST_ROWS = 1000
# Longer than the function may run: an expired claim is a dead invocation's.
CLAIM_FOR = timedelta(seconds=150)
# How often rows that are pending are looked at again, a minute apart, before the run gives up.
MOST_PASSES = 15


class Kind(StrEnum):
    """What is asked for. `orphans` and `adopt` find their rows themselves."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    RELEASE = "release"
    ORPHANS = "orphans"
    ADOPT = "adopt"  # orphans once more, every day and by itself: nothing is given back


class RunState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # what stopped it would have stopped every row: see `failure`


@dataclass(frozen=True, slots=True)
class Target:
    """One row: whom, or which number, it is about. Without a `pointer` nobody was found."""

    name: str  # login, or the number for orphans and where a number was named
    pointer: Pointer | None = None
    sid: str = ""  # orphans
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """`by` asked for it, `done` rows have had their first turn, `again` are those still pending.
    `counts`: outcome, or the reason of a refusal, -> rows."""

    id: str
    kind: Kind
    by: str
    dry: bool
    force: bool
    successor: Pointer | None
    fingerprint: str
    total: int
    created_at: datetime
    state: RunState = RunState.WAITING
    done: int = 0
    again: tuple[int, ...] = ()
    passes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    claim: Claim | None = None
    failure: tuple[str, str] | None = None
    rev: int = 0

    @property
    def asked(self) -> Asked:
        return Asked(self.by, self.created_at)

    @property
    def expires_at(self) -> datetime:
        return self.created_at + KEPT

    @property
    def has_work(self) -> bool:
        return self.state in (RunState.WAITING, RunState.RUNNING)

    def is_claimed(self, now: datetime) -> bool:
        return self.claim is not None and now < self.claim.until

    def claimed(self, token: str, *, now: datetime) -> Run:
        until = as_stored(now.replace(microsecond=0) + CLAIM_FOR)
        return replace(self, state=RunState.RUNNING, claim=Claim(token, until))

    def noted(self, n: int, report: Report) -> Run:
        """A row had its turn: its first, or another one."""
        counts, again = dict(self.counts), tuple(row for row in self.again if row != n)
        if report.outcome is Outcome.PENDING:
            again = (*again, n)
        else:
            word = counted_as(report)
            counts[word] = counts.get(word, 0) + 1
        return replace(self, done=max(self.done, n + 1), again=again, counts=counts)

    def let_go(self, *, next_pass: bool) -> Run:
        return replace(self, claim=None, passes=self.passes + next_pass)

    def ended(self) -> Run:
        return replace(self, state=RunState.DONE, claim=None)

    def failed(self, code: str, message: str) -> Run:
        return replace(self, state=RunState.FAILED, claim=None, failure=(code, message))


def counted_as(report: Report) -> str:
    """The word under which a row is counted: why it was refused, else its outcome."""
    if report.outcome is Outcome.REFUSED and report.why is not None:
        return report.why
    return str(report.outcome)


def run_id(by: str, *, key: str) -> str:
    """Follows from who asks and the Idempotency-Key: the same request again is the same run."""
    return hashlib.sha256(json.dumps(["relay", by, key]).encode()).hexdigest()[:24]


def runs_meant(body: str) -> str | None:
    """The run a queue message is about; None for a message that is none of ours."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    run = told.get("run") if isinstance(told, dict) else None
    return run if isinstance(run, str) and 0 < len(run) <= 40 else None
