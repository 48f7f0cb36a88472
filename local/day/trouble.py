"""What goes wrong in a day, seeded: kills at I/O boundaries, vendor faults, queue deliveries.

A kill ends an invocation right before or right after one of its calls, as Lambda dying would: its
queue messages come back after their visibility time-out, its HTTP caller gets a 500.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from ..faults import Faults, Kind
from ..functions import Killed

# (what the report calls it, route, kind, weight, more). Weights of one level add up per route.
_CAMPAIGN = r"^POST /api/v2/account/[^/]+/campaign$"
_SLOW: dict[str, Any] = {"seconds": 10.5}
_KINDS: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    (Kind.STATUS, "429", 1.0, {"status": 429}),
    (Kind.STATUS, "500 not processed", 0.5, {"status": 500}),
    (Kind.STATUS, "503 not processed", 0.5, {"status": 503}),
    (Kind.STATUS, "500 processed", 0.5, {"status": 500, "processed": True}),
    (Kind.LATENCY, "time-out processed", 1.0, {**_SLOW, "processed": True}),
    (Kind.LATENCY, "time-out not processed", 0.5, _SLOW),
    (Kind.RESET, "reset not processed", 0.5, {}),
    (Kind.RESET, "reset processed", 0.5, {"processed": True}),
    (Kind.GARBAGE, "garbage processed", 0.5, {"processed": True}),
    (Kind.WRONG_SCHEMA, "wrong schema processed", 0.5, {"processed": True}),
    (Kind.LATENCY, "slow", 2.0, {"seconds": 1.2}),
)
FAMILIES = {
    "campaign": _CAMPAIGN,
    "token": r"/app/token$",
    "domain API": r"baseURI\.json$",
    "campaign status": r"/campaign/[^/]+/conversations$",
    "transactions": r"prmsg/transactions/$",
    "campaign report": r"prmsg/campaigns/",
    "agent view": r"/agent_view$",
    "users": r"le-users/",
    "signing keys": r"well-known/jwks",
}
LEVELS = {"none": 0.0, "low": 0.002, "usual": 0.01, "high": 0.05, "storm": 0.2}


def add_faults(faults: Faults, *, level: str) -> None:
    """Put every kind of fault in force at every family of calls, webhooks included.

    The level is the chance that a call meets some fault. Raises KeyError for an unknown level.
    """
    rate = LEVELS[level]
    if not rate:
        return
    total = sum(weight for _, _, weight, _ in _KINDS)
    for route in FAMILIES.values():
        for kind, _, weight, more in _KINDS:
            faults.add(route, kind, rate=rate * weight / total, **more)
    faults.add("webhook", Kind.DUPLICATE, rate=rate)
    faults.add("webhook", Kind.REORDER, rate=rate)


class Trouble:
    """Kills and duplicates. Counts every call it lets through, by function and operation."""

    def __init__(self, *, seed: int, kill_rate: float, repeat_rate: float) -> None:
        self.kill_rate, self.repeat_rate = kill_rate, repeat_rate
        self.on = False
        self.calls: Counter[tuple[str, str]] = Counter()
        self.kills: Counter[str] = Counter()
        self.repeats: Counter[str] = Counter()
        self._seed = seed
        self._chance: dict[str, random.Random] = {}

    def cross(self, function: str, name: str, run: Callable[[], Any]) -> Any:
        """One call that leaves the process. Raises Killed, before or after it took effect."""
        self.calls[function, name] += 1
        chance = self._of(function)
        if not self.on or chance.random() >= self.kill_rate:
            return run()
        self.kills[function] += 1
        if chance.random() < 0.5:
            raise Killed
        try:
            run()
        finally:
            raise Killed

    def repeats_send(self, service: str, operation: str) -> bool:
        """Whether this message gets into the queue twice."""
        wanted = service == "sqs" and operation.startswith("SendMessage")
        return self._drawn("queue message twice") if wanted and self.on else False

    def loses_delete(self, service: str, operation: str) -> bool:
        """Whether the queue never hears that these messages are done: it delivers them again."""
        wanted = service == "sqs" and operation == "DeleteMessageBatch"
        return self._drawn("delivered again") if wanted and self.on else False

    def _drawn(self, name: str) -> bool:
        drawn = self._of(name).random() < self.repeat_rate
        self.repeats[name] += drawn
        return drawn

    def _of(self, name: str) -> random.Random:
        return self._chance.setdefault(name, random.Random(f"{self._seed} {name}"))
