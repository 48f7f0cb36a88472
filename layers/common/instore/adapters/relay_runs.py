"""Runs in the table: how far each is, whom it is about, and each row's report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..batch import Claim
from ..directory import Pointer, pointer_from, pointer_item
from ..model import Phone, epoch, from_epoch, from_iso, iso, maybe_iso
from ..relay_report import Outcome, Report
from ..relay_run import Kind, Run, RunState, Target
from ..relay_state import LineState
from .table import Done, Item, Table


class RelayRuns:
    """Three kinds of items of one run: RUN, TARGETS, ROW#<n>."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, run: Run, *, targets: Sequence[Target]) -> Run | None:
        """Write a run and its list, both or neither. None: written; else the one that has this id
        already."""
        writes = [
            self._table.put_action(item, condition="attribute_not_exists(pk)")
            for item in (run_item(run), _targets_item(run, targets))
        ]
        return None if self._table.transact(writes) else self.get(run.id)

    def get(self, run: str) -> Run | None:
        """One GetItem."""
        item = self._table.get(_pk(run), "RUN")
        return None if item is None else run_from(item)

    def save(self, run: Run) -> Run | None:
        """Store a run changed since it was read. None: somebody else wrote in between. A write that
        finds itself stored already (its answer was lost) won."""
        saved = replace(run, rev=run.rev + 1)
        answer = self._table.put(run_item(saved), condition="rev = :seen",
                                 values={"seen": run.rev})  # fmt: skip
        return saved if isinstance(answer, Done) or answer.item == run_item(saved) else None

    def put_targets(self, run: Run, targets: Sequence[Target]) -> None:
        """Replace the list: for a run that finds its rows itself."""
        self._table.put(_targets_item(run, targets))

    def targets(self, run: str) -> list[Target]:
        """Whom it is about, in order. One GetItem."""
        item = self._table.get(_pk(run), "TARGETS")
        return [_target(entry) for entry in item["targets"]] if item else []

    def note(self, run: Run, *, n: int, target: Target, report: Report) -> None:
        """Keep a row's report."""
        self._table.put({
            "pk": _pk(run.id), "sk": _row(n), "name": target.name,
            "outcome": str(report.outcome), "why": report.why,
            "state": report.state and str(report.state),
            "number": report.number and report.number.e164, "near": report.near,
            "place": report.place, "again_at": maybe_iso(report.again_at), "code": report.code,
            "expires_at": epoch(run.expires_at),
        })  # fmt: skip

    def report(self, run: str, *, n: int) -> Report | None:
        """One row's report. One GetItem."""
        item = self._table.get(_pk(run), _row(n))
        return None if item is None else _report(item)

    def reports(self, run: str) -> list[tuple[str, Report]]:
        """Whom and what of it, in order, as far as the run is. One Query."""
        found = self._table.query(_pk(run), sk_prefix="ROW#")
        return [(item["name"], _report(item)) for item in found]


def _pk(run: str) -> str:
    return f"RUN#{run}"


def _row(n: int) -> str:
    return f"ROW#{n:06d}"


def run_item(run: Run) -> Item:
    """A run as it is stored; what is empty is absent."""
    item: dict[str, Any] = {
        "pk": _pk(run.id), "sk": "RUN", "kind": str(run.kind), "by": run.by,
        "dry": run.dry or None, "force": run.force or None,
        "successor": run.successor and pointer_item(run.successor),
        "fingerprint": run.fingerprint, "total": run.total, "created_at": iso(run.created_at),
        "state": str(run.state), "done": run.done, "again": list(run.again) or None,
        "passes": run.passes, "counts": dict(run.counts),
        "claim": run.claim and {"token": run.claim.token, "until": epoch(run.claim.until)},
        "failure": list(run.failure) if run.failure else None, "rev": run.rev,
        "expires_at": epoch(run.expires_at),
    }  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}


def run_from(item: Item) -> Run:
    """Inverse of `run_item`."""
    successor, claim, failure = item.get("successor"), item.get("claim"), item.get("failure")
    return Run(
        id=item["pk"].removeprefix("RUN#"), kind=Kind(item["kind"]), by=item["by"],
        dry=item.get("dry", False), force=item.get("force", False),
        successor=None if successor is None else pointer_from(successor),
        fingerprint=item["fingerprint"], total=item["total"],
        created_at=from_iso(item["created_at"]), state=RunState(item["state"]),
        done=item["done"], again=tuple(item.get("again", ())), passes=item["passes"],
        counts=item["counts"],
        claim=None if claim is None else Claim(claim["token"], from_epoch(claim["until"])),
        failure=None if failure is None else (failure[0], failure[1]), rev=item["rev"],
    )  # fmt: skip


def _targets_item(run: Run, targets: Sequence[Target]) -> Item:
    return {"pk": _pk(run.id), "sk": "TARGETS", "expires_at": epoch(run.expires_at),
            "targets": [_target_item(target) for target in targets]}  # fmt: skip


def _target_item(target: Target) -> list[str]:
    where = target.pointer
    if where is None:
        return [target.name, target.sid, target.tag]
    return [target.name, target.sid, target.tag, where.account, where.group, where.agent_id]


def _target(entry: list[str]) -> Target:
    name, sid, tag, *where = entry
    return Target(name, Pointer(*where) if where else None, sid, tag)


def _report(item: Item) -> Report:
    number = item.get("number")
    return Report(
        Outcome(item["outcome"]), item.get("why"),
        LineState(item["state"]) if "state" in item else None,
        None if number is None else Phone(number), item.get("near"), item.get("place"),
        from_iso(item["again_at"]) if "again_at" in item else None, item.get("code"),
    )  # fmt: skip
