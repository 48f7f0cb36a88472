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

Two operations of fifteen calls each have 155 million orders, nearly all of them the same to
everybody: `all_orders_that_differ` (same arguments) tries one of each kind, see there.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.lock import locked_calls, watching
from tests.interleavings.footprints import Footprint, clash, footprint

Operation = Callable[[], Any]
_PATIENCE_S = 120


class _Runner:
    """One operation in a thread that waits for its turn before every call."""

    def __init__(self, operation: Operation) -> None:
        self.done = False
        self.result: Any = None
        self.next = Footprint()  # what the call it stands before touches
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
        self.next = footprint(operation, params)
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


# ---------------------------------------------------------------- one order of each kind


@dataclass
class _Place:
    """A moment of the search: who could go, what each would touch, what was tried from here."""

    able: list[int]
    touches: dict[int, Footprint]
    asleep: set[int] = field(default_factory=set)  # going now would repeat an order tried before
    wanted: set[int] = field(default_factory=set)
    chosen: int = -1

    def turn(self) -> bool:
        """All that follows from the one chosen is tried: choose another, if one is wanted."""
        self.asleep.add(self.chosen)
        untried = self.wanted - self.asleep
        self.chosen = min(untried, default=-1)
        return bool(untried)

    def asleep_after(self) -> set[int]:
        mine = self.touches[self.chosen]
        return {n for n in self.asleep if not clash(self.touches[n], mine)}


def all_orders_that_differ(
    start: Callable[[], Sequence[Operation]], check: Callable[[list[Any]], None], *,
    only: Sequence[int] | None = None,
) -> int:  # fmt: skip
    """Try one order of each kind (or `only` one); returns how many ran to their end.

    Two calls that touch different items, or only read, may be swapped without anybody noticing:
    every answer and the end are the same. So orders that differ by such swaps alone are of one
    kind, and one of them is enough. Dynamic partial order reduction: wherever two calls of a run
    do clash, the run is tried again with the later caller first (Flanagan and Godefroid, 2005),
    and sleep sets leave out what would repeat. test_orders.py compares it with trying them all.
    """
    tried = 0
    path: list[_Place] = []
    with locked_calls():
        while True:
            runners, whole = _follow(start(), path=path, only=only)
            if whole:
                tried += 1
                try:
                    check([runner.result for runner in runners])
                except AssertionError as error:
                    error.add_note(f"order of calls: {tuple(place.chosen for place in path)}")
                    raise
            if only is not None:
                return tried
            _note_clashes(path)
            while path and not path[-1].turn():
                path.pop()
            if not path:
                return tried


def _follow(
    operations: Sequence[Operation], *, path: list[_Place], only: Sequence[int] | None
) -> tuple[list[_Runner], bool]:
    """Run along the path and on to the end, adding to the path; False: only repetitions ahead."""
    runners = [_Runner(operation) for operation in operations]
    for runner in runners:
        runner.step()  # up to the first call
    for place in path:
        runners[place.chosen].step()
    asleep = path[-1].asleep_after() if path else set()
    whole = True
    while able := [n for n, runner in enumerate(runners) if not runner.done]:
        place = _Place(able, {n: runners[n].next for n in able}, asleep=asleep & set(able))
        awake = [n for n in able if n not in place.asleep]
        if only is not None:
            awake = [only[len(path)]] if len(path) < len(only) else able
        if whole and awake:
            place.chosen = awake[0]
            place.wanted = {place.chosen}
            path.append(place)
            asleep = place.asleep_after()
        else:  # end the threads; nobody looks at what they do
            if whole:
                path.append(place)  # nobody chosen: what they stand before may still clash
            whole = False
            place.chosen = able[0]
        runners[place.chosen].step()
    return runners, whole


def _note_clashes(path: list[_Place]) -> None:
    """Where a later caller touches what an earlier one did, it must also be tried first."""
    for later, place in enumerate(path):
        for n, touched in place.touches.items():
            for earlier in reversed(path[:later]):
                if earlier.chosen != n and clash(earlier.touches[earlier.chosen], touched):
                    earlier.wanted.add(n)
    if path and not path[-1].wanted:
        path.pop()
