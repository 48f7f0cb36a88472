"""What a day looked like in numbers: waits, queue, losses, work per recipient."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..cost import cost_of
from .checks import REACHED, Broken, claimed_too_much
from .evidence import Evidence
from .stage import Stage

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the day: texts taken by the vendor, rows that wait, how long the oldest has."""

    at: datetime
    sent: int
    waiting: int
    oldest_s: float


def waits(evidence: Evidence) -> list[tuple[datetime, datetime]]:
    """For each row the vendor took: when it could have gone (accepted, or legal), when it went."""
    pairs = []
    for ref, row in evidence.rows.items():
        for campaign in evidence.taken.get(ref, ())[:1]:
            could = max(row.answered_at, row.until or row.answered_at)
            pairs.append((could, max(could, evidence.created[campaign])))
    return pairs


def minutes(pairs: Sequence[tuple[datetime, datetime]]) -> list[Minute]:
    """The day minute by minute, from the first row that could go to the last that went."""
    if not pairs:
        return []
    start = min(could for could, _ in pairs).replace(second=0, microsecond=0)
    count = int((max(went for _, went in pairs) - start) / MINUTE) + 2
    sent, waiting, oldest = [0] * count, [0] * count, [0.0] * count
    for could, went in pairs:
        sent[int((went - start) / MINUTE)] += 1
        first, last = math.ceil((could - start) / MINUTE), math.floor((went - start) / MINUTE)
        for n in range(first, last + 1):
            waiting[n] += 1
            oldest[n] = max(oldest[n], (start + n * MINUTE - could).total_seconds())
    return [Minute(start + n * MINUTE, sent[n], waiting[n], oldest[n]) for n in range(count)]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed; 0 for none."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else 0.0


def figures(
    stage: Stage, evidence: Evidence, broken: Sequence[Broken], *, replies: int, retried: int,
    wall_s: float,
) -> dict[str, Any]:  # fmt: skip
    """The summary, as it is written to build/day.json."""
    rows = evidence.rows.values()
    pairs = waits(evidence)
    seconds = [(went - could).total_seconds() for could, went in pairs]
    course = minutes(pairs)
    settings = stage.settings
    promises = Counter(one.promise for one in broken)
    asked = len(evidence.rows)
    taken = sum(map(len, evidence.taken.values()))
    rate = stage.scene.program.outreach.rate
    return {
        "scale": str(settings.scale), "seed": settings.seed, "faults": settings.faults,
        "kills_per_call": settings.kills, "conversation_minutes": settings.minutes,
        "vendor_rate": {"messages_per_s": rate.messages_per_s,
                        "as_contracted": settings.rate is None,
                        "at_full_scale": float(rate.messages_per_s / settings.scale)},
        "associates": len(stage.plan.clerks), "customers": len(stage.plan.customers),
        "asked": asked,
        "verdicts": dict(Counter(row.verdict for row in rows)),
        "blocked_when_asked": dict(Counter(r.reason for r in rows if r.verdict == "blocked")),
        "ends": dict(Counter(row.final for row in rows if row.verdict != "blocked")),
        "blocked_later": dict(Counter(r.final_reason for r in rows if r.verdict != "blocked"
                                      and r.final not in REACHED and r.final_reason)),
        "reached": len(evidence.texts), "taken_by_vendor": taken,
        "unknown_left": sum(row.final == "unresolved" for row in rows),
        "unknown_that_reached": sum(row.final == "unresolved" and bool(evidence.taken.get(ref))
                                    for ref, row in evidence.rows.items()),
        "claimed_too_much": len(claimed_too_much(evidence)),
        "broken": {name: promises.get(name, 0) for name in PROMISES},
        "wait_s": {"p50": round(percentile(seconds, 0.5), 1),
                   "p99": round(percentile(seconds, 0.99), 1),
                   "longest": round(max(seconds, default=0.0), 1)},
        "peak_queue": max((m.waiting for m in course), default=0),
        "peak_queue_age_s": round(max((m.oldest_s for m in course), default=0.0), 1),
        "busiest_minute": max((m.sent for m in course), default=0),
        "conversations": replies, "requests_repeated": retried,
        "kills": dict(stage.trouble.kills), "duplicates": dict(stage.trouble.repeats),
        "faults_met": dict(faults_met(stage)),
        **work(stage, asked=asked), "wall_s": round(wall_s, 1),
    }  # fmt: skip


PROMISES = ("I1", "I2", "I3", "I4", "I5", "I6", "I9", "I13")


def faults_met(stage: Stage) -> Counter[str]:
    """Kind of fault -> how often it was met, webhooks included."""
    return Counter(str(kind) for _, kind in stage.scene.sim.faults.happened)


OUTREACH = ("OutreachApi", "ProactiveBatch", "Sweep")


def work(stage: Stage, *, asked: int) -> dict[str, Any]:
    """Requests, units and dollars for each recipient asked for: of outreach (its three functions),
    and of the whole day with its conversations and its map."""
    vendor = stage.vendor_calls
    sold = {name: _used(stage, names) for name, names in
            (("outreach", OUTREACH), ("whole_day", tuple(stage.meters)))}  # fmt: skip
    return {
        "per_recipient": {
            name: {unit: round(count / asked, 2) for unit, count in used.items()}
            for name, used in sold.items()
        },
        "write_units_by_kind": _written(stage, asked=asked),
        "vendor_calls_per_recipient": {
            "campaigns": round(vendor["campaign"] / asked, 3),
            "outcomes": round((vendor["campaign status"] + vendor["campaign report"]
                               + vendor["transactions"]) / asked, 3),
            "whole_day": round(vendor.total() / asked, 3),
        },
        "vendor_calls": dict(vendor.most_common()),
        "dollars_per_million_recipients": {
            name: round(cost_of(**{unit: count for unit, count in used.items()
                                   if unit != "dynamodb_requests"}) * 1_000_000 / asked, 2)
            for name, used in sold.items()
        },
    }  # fmt: skip


def _written(stage: Stage, *, asked: int) -> dict[str, float]:
    """Kind of item -> write units for each recipient, by the functions that send."""
    total = Counter[str]()
    for name in OUTREACH:
        total.update(stage.meters[name].written)
    return {kind: round(units / asked, 2) for kind, units in total.most_common()}


def _used(stage: Stage, functions: tuple[str, ...]) -> dict[str, float]:
    meters = [stage.meters[name] for name in functions]
    return {
        "dynamodb_requests": sum(meter.of("dynamodb") for meter in meters),
        "write_units": sum(meter.write_units for meter in meters),
        "read_units": sum(meter.read_units for meter in meters),
        "queue_requests": sum(meter.of("sqs") for meter in meters),
    }  # fmt: skip
