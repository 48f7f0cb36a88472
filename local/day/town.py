"""Time of the day: lanes that work side by side on one clock, one at a time, in a seeded order.

Each lane is a thread, but only the one that holds the baton runs. A lane that sleeps hands the
baton back and gets it again when the clock has come to its hour; meanwhile the others work. So
an opt-out does arrive while a sender waits for its turn, and the same seed gives the same day.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from ..scene import SceneClock

Job = Callable[[], None]


class _Lane:
    """One line of work: a thread, and the jobs that wait for it."""

    def __init__(self, town: Town, name: str) -> None:
        self.jobs: deque[Job] = deque()
        self.busy = False
        self.go = threading.Semaphore(0)
        self.running: Job | None = None
        self._town = town
        self.thread = threading.Thread(target=self._live, name=f"day {name}", daemon=True)
        self.thread.start()

    def _live(self) -> None:
        while True:
            self.go.acquire()
            job, self.running = self.running, None
            if job is None:
                return
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - raised again by the town
                self._town.failed = self._town.failed or error
            self.busy = False
            self._town.back.release()


class TownClock(SceneClock):
    """The day's clock. Who sleeps in a lane lets the others work meanwhile."""

    def __init__(self, instant: datetime) -> None:
        super().__init__(instant)
        self.town: Town | None = None

    def sleep(self, seconds: float) -> None:
        if self.town is None or not self.town.pause(seconds):
            self.advance(seconds)


class Town:
    """The agenda and the lanes. `after_each` runs whenever a lane has handed the baton back."""

    def __init__(self, clock: TownClock) -> None:
        self.clock = clock
        self.back = threading.Semaphore(0)
        self.failed: BaseException | None = None
        self.after_each: Callable[[], None] = _nothing
        self._lanes: dict[str, _Lane] = {}
        self._agenda: list[tuple[datetime, int, _Lane, Job | None]] = []
        self._order = itertools.count()
        self._current: _Lane | None = None
        clock.town = self

    def at(self, when: datetime, lane: str, job: Job) -> None:
        """Put a job on a lane's agenda."""
        heapq.heappush(self._agenda, (when, next(self._order), self._lane(lane), job))

    def in_(self, seconds: float, lane: str, job: Job) -> None:
        self.at(self.clock.now() + timedelta(seconds=seconds), lane, job)

    def run(self, *, until: datetime) -> None:
        """Let the day go on to this instant. Raises what a job raised."""
        while self._agenda and self._agenda[0][0] <= until:
            when, _, lane, job = heapq.heappop(self._agenda)
            self.clock.advance(to=when)
            if job is None:
                self._hand_to(lane)
            else:
                lane.jobs.append(job)
            self._start_waiting()
        self.clock.advance(to=until)

    def finish(self) -> None:
        """End the threads of lanes that have no job; a sleeping one ends with the process."""
        for lane in self._lanes.values():
            if not lane.busy:
                lane.go.release()
                lane.thread.join(timeout=5)
        self.clock.town = None

    def pause(self, seconds: float) -> bool:
        """Called in a lane: come back in so many seconds. False: the caller is in no lane."""
        lane = self._current
        if lane is None or threading.current_thread() is not lane.thread:
            return False
        if seconds > 0:
            when = self.clock.now() + timedelta(seconds=seconds)
            heapq.heappush(self._agenda, (when, next(self._order), lane, None))
            self.back.release()
            lane.go.acquire()
        return True

    def _start_waiting(self) -> None:
        for lane in list(self._lanes.values()):
            while lane.jobs and not lane.busy:
                lane.busy, lane.running = True, lane.jobs.popleft()
                self._hand_to(lane)

    def _hand_to(self, lane: _Lane) -> None:
        self._current = lane
        lane.go.release()
        self.back.acquire()
        self._current = None
        if self.failed is not None:
            raise self.failed
        self.after_each()

    def _lane(self, name: str) -> _Lane:
        if name not in self._lanes:
            self._lanes[name] = _Lane(self, name)
        return self._lanes[name]


def _nothing() -> None:
    return None
