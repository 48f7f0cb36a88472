"""How long each built function takes to start under the Lambda runtime interface.

A cold start is a new process of what `sam build` made. Two times are taken, from the moment the
first event is handed over: until the code is loaded and has answered an event that is none, and
until it has answered a real one, AWS and the vendor being on loopback. Rounds are interleaved, each
in another order, so that what slows the machine down slows all functions alike.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..invoke import KATE, filled, surroundings
from ..lambda_runtime import LambdaRuntime, RuntimeFailedError
from ..scene import Scene

FLOOR = "(floor)"
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Where the first file of events/ is not the one somebody waits for.
AWAITED = {"RoutingBot": "routing_bot.create.json", "OutreachApi": "outreach_api.check.json"}


@dataclass(slots=True)
class Start:
    """Milliseconds of each cold start: `loaded`, and `answered` (which begins at the same time)."""

    function: str
    loaded: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)


def events() -> dict[str, str]:
    """Function (logical id) -> the file of events/ that its start is measured with."""
    answers = yaml.safe_load((ROOT / "local/invoke_answers.yaml").read_text("utf-8"))
    first: dict[str, str] = {}
    for answer in answers:
        first.setdefault(function_of(answer["file"]), answer["file"])
    return first | AWAITED


def function_of(file: str) -> str:
    """The function a file of events/ is for, as local.invoke reads its name."""
    return "".join(part.title() for part in file.split(".")[0].split("_"))


def measure(*, rounds: int, seed: int = 1) -> list[Start]:
    """The floor first, then every function, each started `rounds` times."""
    with surroundings() as (scene, environment):
        chosen = events()
        starts = {name: Start(name) for name in (FLOOR, *chosen)}
        known = {"AGENT": scene.sim.agent(KATE).id}
        for name in _order(list(starts), rounds=rounds, seed=seed):
            loaded, answered = _start(name, scene, chosen.get(name), known, environment)
            starts[name].loaded.append(loaded)
            starts[name].answered.append(answered)
    return list(starts.values())


def _order(names: list[str], *, rounds: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(rounds):
        yield from chance.sample(names, len(names))


def _start(
    name: str, scene: Scene, file: str | None, known: dict[str, str],
    environment: Callable[[str], dict[str, str]],
) -> tuple[float, float]:  # fmt: skip
    text = "{}" if file is None else (ROOT / "events" / file).read_text("utf-8")
    event = filled(scene, yaml.safe_load(text), known)
    task, timeout_s = HERE / "floor", 30
    settings = {"AWS_EC2_METADATA_DISABLED": "true"}
    if name != FLOOR:
        task, timeout_s = Path(), scene.stack.functions[name].timeout_s
        settings = environment(name)
    with LambdaRuntime(name.strip("()"), environment=settings, timeout_s=timeout_s, memory_mb=512,
                       task=task if name == FLOOR else None) as runtime:  # fmt: skip
        began = time.perf_counter()
        with suppress(RuntimeFailedError):  # an event that is none may well be refused
            runtime.invoke({})
        loaded = time.perf_counter() - began
        _, took = runtime.invoke(event)
    return loaded * 1000, loaded * 1000 + took


def summary(starts: list[Start]) -> list[dict[str, Any]]:
    """Medians, ratios to the floor of the same round, spread of the ratio."""
    floor = starts[0]
    found = []
    for one in starts:
        ratios = [a / b for a, b in zip(one.loaded, floor.loaded, strict=True)]
        answered = [a / b for a, b in zip(one.answered, floor.loaded, strict=True)]
        found.append({
            "function": one.function, "loaded": statistics.median(ratios),
            "answered": statistics.median(answered), "lowest": min(ratios), "highest": max(ratios),
            "loaded_ms": statistics.median(one.loaded),
            "answered_ms": statistics.median(one.answered),
        })  # fmt: skip
    return found
