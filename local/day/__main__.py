"""`make day`: a simulated selling day with faults and kills, checked from the handsets.

Exit 0 when every promise held, 1 when one was broken, 2 when the day could not be run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from .checks import Broken, check_all
from .day import Day, Progress
from .evidence import Evidence
from .figures import Minute, figures, minutes, waits
from .picture import draw
from .plan import Settings
from .report import complain, tell
from .stage import raised
from .trouble import LEVELS

BUILD = Path("build")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished day."""

    evidence: Evidence
    broken: list[Broken]
    figures: dict[str, Any]
    course: list[Minute]


def run_day(settings: Settings, *, progress: Progress) -> Outcome:
    """Play one day and check it."""
    began = time.monotonic()
    with raised(settings) as stage:
        progress(f"{len(stage.plan.clerks):,} associates, {len(stage.plan.customers):,} customers "
                 f"with their consents recorded in {time.monotonic() - began:.0f} s")  # fmt: skip
        day = Day(stage, progress=progress)
        evidence = day.play()
        broken = check_all(evidence)
        found = figures(stage, evidence, broken, replies=day.crowd.replies, retried=day.retried,
                        wall_s=time.monotonic() - began)  # fmt: skip
    return Outcome(evidence, broken, found, minutes(waits(evidence)))


def read_settings(arguments: Sequence[str]) -> Settings:
    parser = argparse.ArgumentParser(prog="make day", description=__doc__)
    parser.add_argument("--scale", type=Fraction, default=Fraction(1, 100),
                        help="share of 16,000 associates x 100 texts (1/100)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="same seed, same day (1)")
    parser.add_argument("--faults", choices=LEVELS, default="usual",
                        help="chance that a vendor call meets a fault: "
                             + ", ".join(f"{k} {v:.1%}" for k, v in LEVELS.items())
                             .replace("%", "%%"))  # fmt: skip
    parser.add_argument("--kills", type=float, default=0.002,
                        help="chance that a function dies at one of its calls (0.002)")  # fmt: skip
    parser.add_argument("--repeats", type=float, default=0.01,
                        help="chance that a queue delivers a message again (0.01)")  # fmt: skip
    parser.add_argument("--minutes", type=int, default=90, help="length of a conversation (90)")
    parser.add_argument("--rate", type=float, default=None,
                        help="texts/s at the vendor for this scaled day; default as contracted")  # fmt: skip
    read = parser.parse_args(arguments)
    if not 0 < read.scale <= 1:
        parser.error("--scale is between 0 and 1")
    return Settings(scale=read.scale, seed=read.seed, faults=read.faults, kills=read.kills,
                    repeats=read.repeats, minutes=read.minutes, rate=read.rate)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, tell, write build/day.json, build/day.txt and build/day.svg."""
    settings = read_settings(sys.argv[1:] if arguments is None else arguments)
    try:
        outcome = run_day(settings, progress=_show)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 2
    _show("")
    told = tell(outcome.figures, outcome.course)
    print(told)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "day.json").write_text(json.dumps(outcome.figures, indent=2) + "\n", "utf-8")
    (BUILD / "day.txt").write_text(told + "\n", "utf-8")
    title = f"A selling day at {settings.scale}, seed {settings.seed}: UTC hours"
    (BUILD / "day.svg").write_text(draw(outcome.course, title=title), "utf-8")
    if outcome.broken:
        print("\n" + complain(outcome.broken, seed=settings.seed), file=sys.stderr)
        return 1
    return 0


def _show(line: str) -> None:
    """One line, written over on a terminal."""
    if sys.stdout.isatty():
        print(f"\r{line:<100}", end="" if line else "\n", flush=True)
    elif line:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
