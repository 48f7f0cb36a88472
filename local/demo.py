"""`make demo`: two brands' programs and an SMS line on local stacks, told and checked step by step.

Exit 0 when every check held, 1 on the first that differs. Needs no account, no key, no network.
"""

from __future__ import annotations

import io
import sys
import time
from datetime import UTC, datetime

from . import demo_in_store, demo_one_to_one, demo_sms_line
from .scene import Scene
from .scene_line import PUBLIC_URL
from .telling import DiffersError, Telling

# A Wednesday, 18:20 in California and 21:20 in New York.
EVENING = datetime(2026, 11, 19, 2, 20, tzinfo=UTC)
NOON = datetime(2026, 11, 18, 20, 0, tzinfo=UTC)  # in California


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
            _afterwards(scene, telling)
        with Scene("in_store.yaml", now=NOON, parameters={"PublicUrl": PUBLIC_URL}) as scene:
            demo_sms_line.tell(scene, telling)
            _afterwards(scene, telling)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except DiffersError as error:
        print(f"\nThe demo differs: {error}", file=sys.stderr)
        return 1
    took = time.monotonic() - started
    print(f"\ndemo: {telling.steps} steps, {telling.checks} checks, all as told, in {took:.1f} s")
    return 0


def _afterwards(scene: Scene, telling: Telling) -> None:
    telling.step("Nothing was refused, nothing was lost, nothing personal was logged")
    refused = [*scene.sim.refusals, *scene.twilio.refusals]
    telling.check("the platforms refused none of our requests", refused, [])
    telling.check("Twilio found nothing wrong with our answers", scene.twilio.alerts, [])
    crashes = [*scene.sim.crashes, *scene.twilio.crashes]
    telling.check("the simulators themselves never failed", crashes, [])
    letters = [name for name in scene.stack.rendered.of("AWS::SQS::Queue") if "DeadLetter" in name]
    lost = {name: found for name in letters if (found := scene.stack.dead_letters(name))}
    telling.check(f"{len(letters)} dead-letter queues are empty", lost, {})
    personal = scene.stack.personal_lines()
    telling.check("no telephone number stands in any log line", personal, [])
    denied = [c for calls in scene.stack.calls.values() for c in calls if c.verdict.denied]
    telling.check("every AWS call was allowed by its function's own role", denied, [])


if __name__ == "__main__":
    sys.exit(main())
