"""Orders of two long operations: one is stopped after n calls, the other runs, the first ends.

All orders of two operations with a dozen calls each are too many; these are the ones in which a
check and its act are torn apart, for every place and both ways round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from local.lock import locked_calls
from tests.interleavings.orders import Operation, _Runner


def switched_orders(
    start: Callable[[], Sequence[Operation]], check: Callable[[list[Any]], None], *, calls: int
) -> int:
    """Try a stop before each of the first `calls` calls of either operation; returns how many."""
    tried = 0
    with locked_calls():
        for stop in range(calls):
            for first in (0, 1):
                runners = [_Runner(operation) for operation in start()]
                for _ in range(stop + 1):
                    if not runners[first].done:
                        runners[first].step()
                for who in (1 - first, first):
                    while not runners[who].done:
                        runners[who].step()
                check([runner.result for runner in runners])
                tried += 1
    return tried
