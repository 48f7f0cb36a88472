"""`make bench`: measure everything and write docs/benchmarks.md.

make bench                            # minutes; close other programs first
make bench ARGS="--quick"             # small sizes, to see that it works; into build/, not docs/
make bench ARGS="--counts"            # seconds, on any machine: what is counted; times stay as they are
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from . import line, operations, startup
from .operations import Counted
from .report import WHERE, Findings, counted_again, document
from .shop import Shop, opened

AGENTS, STORES = 20_000, 4_000
CAPACITY = WHERE.parents[1] / "local" / "capacity" / "counted.yaml"
QUICK = WHERE.parents[1] / "build" / WHERE.name  # two runs of a small shop are nothing to publish


def main(words: list[str] | None = None) -> int:
    """Measure and write. Exit 0."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="small sizes, few repetitions")
    parser.add_argument("--counts", action="store_true", help="count again, time nothing")
    parser.add_argument("--without-starts", action="store_true", help="nothing built is needed")
    parser.add_argument("--out", type=Path, help="default: docs/benchmarks.md; of --quick, build/")
    asked = parser.parse_args(words)
    out: Path = asked.out or (QUICK if asked.quick else WHERE)
    if asked.counts:
        again = counts()
        page = counted_again(out.read_text(encoding="utf-8"), again, day=datetime.now(UTC).date())
        out.write_text(page, encoding="utf-8")
        keep_for_capacity(again)
        print(f"bench: counts written to {out}")
        return 0
    found = measure(quick=asked.quick, starts=not asked.without_starts)
    if asked.quick:
        found.command = 'make bench ARGS="--quick"'
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(document(found), encoding="utf-8")
    if not asked.quick:
        keep_for_capacity(found.counted)
    print(f"bench: written to {out}")
    return 0


def measure(*, quick: bool, starts: bool) -> Findings:
    """All measurements, one after the other so that none disturbs another."""
    found = Findings("make bench", datetime.now(UTC).date())
    runs = 2 if quick else 5
    with opened() as shop:
        print("bench: counting what operations ask for")
        found.counted = count(shop)
        print("bench: timing operations")
        found.speeds = operations.time_all(
            shop, runs=runs, conversations=5 if quick else 50, texts=20 if quick else 100
        )
    agents, stores = (200, 40) if quick else (AGENTS, STORES)
    print(f"bench: mapping {agents} agents")
    found.maps = [agent_map(agents, stores, trace=False) for _ in range(2 if quick else 3)]
    found.traced = agent_map(agents, stores, trace=True)
    if starts:
        found.rounds = 2 if quick else 7
        print(f"bench: starting every function {found.rounds} times")
        found.starts = startup.summary(startup.measure(rounds=found.rounds))
    return found


def count(shop: Shop) -> list[Counted]:
    """All that is counted."""
    return [*operations.count_all(shop), *line.count_line(shop)]


def counts() -> list[Counted]:
    """The same, in a shop of its own."""
    with opened() as shop:
        return count(shop)


def keep_for_capacity(counted: list[Counted]) -> None:
    """Write what `make capacity` multiplies."""
    said = "# Written by `make bench`: what one operation of the SMS line asks for, counted.\n"
    rows = yaml.safe_dump(line.for_capacity(counted), sort_keys=False, default_flow_style=None)
    CAPACITY.write_text(said + rows, encoding="utf-8")


def agent_map(agents: int, stores: int, *, trace: bool) -> dict[str, Any]:
    """The rebuilds, in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-m", "local.bench.agent_map", str(agents), str(stores),
         "trace" if trace else "no"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode:
        raise RuntimeError(told.stderr[-2000:])
    answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    sys.exit(main())
