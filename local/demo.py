"""`make demo`: two brands' programs on one local stack, told and checked step by step.

Exit 0 when every check held, 1 on the first that differs. Needs no account, no key, no network.
"""

from __future__ import annotations

import io
import sys
import time
from datetime import UTC, datetime

from . import demo_in_store, demo_one_to_one
from .scene import Scene
from .telling import DiffersError, Telling

# A Wednesday, 18:20 in California and 21:20 in New York.
EVENING = datetime(2026, 11, 19, 2, 20, tzinfo=UTC)


def main(*, quiet: bool = False) -> int:
    """Run both parts on one stack and say how it went."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no tick shows a mark
    telling = Telling(quiet=quiet)
    started = time.monotonic()
    try:
        with Scene("in_store.yaml", now=EVENING) as scene:
            demo_in_store.tell(scene, telling)
            demo_one_to_one.tell(scene, telling)
            telling.chapter("Afterwards")
            telling.step("Nothing was refused, nothing was lost, nothing personal was logged")
            telling.check("the platform refused none of our requests", scene.sim.refusals, [])
            telling.check("the simulator itself never failed", scene.sim.crashes, [])
            for queue in ("OutreachDeadLetters", "AssignmentDeadLetters", "ScheduleDeadLetters"):
                telling.check(f"{queue} is empty", scene.stack.dead_letters(queue), [])
            telling.check(
                "no telephone number stands in any log line", scene.stack.personal_lines(), []
            )
            denied = [c for calls in scene.stack.calls.values() for c in calls if c.verdict.denied]
            telling.check("every AWS call was allowed by its function's own role", denied, [])
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except DiffersError as error:
        print(f"\nThe demo differs: {error}", file=sys.stderr)
        return 1
    took = time.monotonic() - started
    print(f"\ndemo: {telling.steps} steps, {telling.checks} checks, all as told, in {took:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
