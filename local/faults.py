"""Seeded faults by route: what goes wrong on the wire, and how often.

A story adds a fault to a simulator; every matching request (or outgoing webhook) may then meet it.
The same seed and the same order of requests give the same faults.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock


class Kind(StrEnum):
    """What happens. DUPLICATE and REORDER are for what a simulator sends, the rest for answers."""

    LATENCY = "latency"
    STATUS = "status"
    GARBAGE = "garbage"
    WRONG_SCHEMA = "wrong_schema"
    RESET = "reset"
    DUPLICATE = "duplicate"
    REORDER = "reorder"


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong.

    `route` is searched as a regular expression in `"POST /path"` (outgoing: `"webhook <account>"`).
    `rate` is the chance for a matching request, `times` how often at most (None = always).
    `processed` True means that the request takes effect and only the answer is spoilt: the case
    in which the caller cannot know. `seconds` is real time for LATENCY.
    """

    route: str
    kind: Kind
    rate: float = 1.0
    times: int | None = None
    processed: bool = False
    status: int = 503
    seconds: float = 0.0
    copies: int = 2


class Faults:
    """The faults in force on one simulator, and the log of those that happened."""

    def __init__(self, *, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._lock = Lock()
        self._faults: list[Fault] = []
        self.happened: list[tuple[str, Kind]] = []

    def add(
        self,
        route: str,
        kind: Kind | str,
        *,
        rate: float = 1.0,
        times: int | None = None,
        processed: bool = False,
        status: int = 503,
        seconds: float = 0.0,
        copies: int = 2,
    ) -> Fault:
        """Put a fault in force and return it."""
        re.compile(route)
        fault = Fault(route, Kind(kind), rate, times, processed, status, seconds, copies)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        with self._lock:
            self._faults.clear()

    def take(self, what: str, *, outgoing: bool = False) -> Fault | None:
        """The fault this request meets, if any; counts it against `times`."""
        with self._lock:
            for fault in self._faults:
                if (fault.kind in (Kind.DUPLICATE, Kind.REORDER)) is not outgoing:
                    continue
                if fault.times == 0 or not re.search(fault.route, what):
                    continue
                if fault.rate < 1.0 and self._random.random() >= fault.rate:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                self.happened.append((what, fault.kind))
                return fault
        return None
