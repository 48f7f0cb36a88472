"""Run two or three operations in every possible order of their AWS calls, and look at each end.

    def start() -> list[Callable[[], Any]]:
        customers = ...                      # a fresh state for every order
        return [lambda: customers.reserve(..., batch="a"), lambda: customers.reserve(..., batch="b")]

    def check(results: list[Any]) -> None:   # one result each; an exception raised is the result
        assert results.count(Reserved()) == 1

    assert all_orders(start, check) > 1      # how many orders there were

Each operation runs in its own thread and stops before each boto3 call; only one runs at a time, so
an order is a list of who goes next, and all of them are tried, depth first (Python between two calls
is not interleaved: only calls touch what is shared). The table is moto, or AWS's DynamoDB Local when
DYNAMODB_ENDPOINT is set: what is explored is our order of requests, each atomic by itself.
A failing check names its order; `all_orders(start, check, only=(0, 1, 1, 0))` runs that one again.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any

from local.lock import locked_calls, watching

Operation = Callable[[], Any]
_PATIENCE_S = 120


class _Runner:
    """One operation in a thread that waits for its turn before every call."""

    def __init__(self, operation: Operation) -> None:
        self.done = False
        self.result: Any = None
        self._operation = operation
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        context = contextvars.copy_context()  # services put in place by `using`, and the like
        self._thread = threading.Thread(target=context.run, args=(self._run,), daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Let it go on to its next call, or to its end."""
        self._go.release()
        if not self._stopped.acquire(timeout=_PATIENCE_S):
            raise AssertionError("an operation neither called nor ended")
        if self.done:
            self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        try:
            with watching(self._before_call):
                self.result = self._operation()
        except Exception as error:  # noqa: BLE001  # what was raised is this operation's result
            self.result = error
        self.done = True
        self._stopped.release()

    def _before_call(
        self, run: Callable[[], Any], *, service: str, operation: str, params: dict[str, Any]
    ) -> Any:
        self._stopped.release()
        self._go.acquire()
        return run()


def all_orders(
    start: Callable[[], Sequence[Operation]], check: Callable[[list[Any]], None], *,
    only: Sequence[int] | None = None,
) -> int:  # fmt: skip
    """Try every order (or `only` one), checking the results after each; returns how many."""
    pending: list[tuple[int, ...]] = [tuple(only or ())]
    tried = 0
    with locked_calls():
        while pending:
            prefix = pending.pop()
            order, choices, results = _one_order(start(), prefix=prefix)
            tried += 1
            try:
                check(results)
            except AssertionError as error:
                error.add_note(f"order of calls: {order}")
                raise
            if only is None:
                for place in range(len(prefix), len(order)):
                    pending += [(*order[:place], other) for other in choices[place]
                                if other > order[place]]  # fmt: skip
    return tried


def _one_order(
    operations: Sequence[Operation], *, prefix: Sequence[int]
) -> tuple[tuple[int, ...], list[list[int]], list[Any]]:
    """Run once along `prefix`, then always the first that can; what could have been chosen."""
    runners = [_Runner(operation) for operation in operations]
    for runner in runners:
        runner.step()  # up to the first call
    order: list[int] = []
    choices: list[list[int]] = []
    while able := [n for n, runner in enumerate(runners) if not runner.done]:
        chosen = prefix[len(order)] if len(order) < len(prefix) else able[0]
        order.append(chosen)
        choices.append(able)
        runners[chosen].step()
    return tuple(order), choices, [runner.result for runner in runners]
