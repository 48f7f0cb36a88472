"""What the simulators of LivePerson and Twilio have in common: a world with an agenda, behind one door.

What each of the two writes down, sends and refuses is its own (records.py of either).
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, Self, TypeVar

import httpx

from .faults import Faults
from .serving import Answer, Handle, Site, serve


class StoryError(Exception):
    """The story asks for what the world would not allow: an offline agent accepts, a digit is
    pressed after hanging up."""


class Clock(Protocol):
    """Injected time: aware UTC."""

    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class ArrivedText:
    """A text that reached a handset. `kind` says whose words: see the simulator's own class."""

    at: datetime
    phone: str
    sender: str
    body: str
    kind: str


Text = TypeVar("Text", bound=ArrivedText)


class CommonWorld(Generic[Text]):
    """Clock, seeded chance, faults, due work, handsets, and how calls are made.

    Requests are handled under `lock`; calls that the simulator makes are made outside it, because
    whoever answers one may call us back meanwhile.
    """

    def __init__(self, clock: Clock, *, seed: int, faults: Faults | None = None) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.faults = faults or Faults(seed=seed)
        self.lock = threading.RLock()
        self.base_url = ""
        self.handsets: list[Text] = []
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._http = httpx.Client(trust_env=False, verify=False)  # loopback, no TLS

    def now(self) -> datetime:
        return self.clock.now()

    def next_order(self) -> int:
        return next(self._order)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self.at(self.now() + timedelta(seconds=seconds), what)

    def at(self, due: datetime, what: Callable[[], None]) -> None:
        """Put work on the agenda; it is done when the clock has reached `due`."""
        with self.lock:
            heapq.heappush(self._agenda, (due, self.next_order(), what))

    def take_due(self) -> tuple[datetime, Callable[[], None]] | None:
        """The next piece of work that is due, off the agenda, with its instant."""
        with self.lock:
            if not self._agenda or self._agenda[0][0] > self.clock.now():
                return None
            due, _, work = heapq.heappop(self._agenda)
            return due, work

    def next_due_at(self) -> datetime | None:
        """When the next piece of work is due; None when nothing waits."""
        with self.lock:
            return self._agenda[0][0] if self._agenda else None

    def go_through(self, transport: httpx.BaseTransport) -> None:
        """From now on make calls through this, instead of over loopback."""
        self._http.close()
        self._http = httpx.Client(transport=transport)

    def close(self) -> None:
        self._http.close()


class Simulator(Generic[Text]):
    """The world as a server on loopback, and what really happened in it."""

    world: CommonWorld[Text]

    def __init__(
        self, handle: Handle, *, refusal: Callable[[int], Answer] | None = None
    ) -> None:  # fmt: skip
        self._handle, self._refusal = handle, refusal
        self._site: Site | None = None

    def serve(self, *, port: int = 0) -> Self:
        """Listen on loopback. `url` then stands for every host of the vendor's."""
        self._site = serve(self._handle, port=port, faults=self.world.faults,
                           refusal=self._refusal)  # fmt: skip
        self.world.base_url = self._site.url
        return self

    def close(self) -> None:
        if self._site is not None:
            self._site.close()
            self._site = None
        self.world.close()

    def __enter__(self) -> Self:
        return self if self._site is not None else self.serve()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        if self._site is None:
            raise StoryError("serve() first")
        return self._site.url

    @property
    def crashes(self) -> list[BaseException]:
        """Errors in the simulator itself: a story ends with none."""
        return self._site.crashes if self._site else []

    def handset(self, phone: str) -> list[Text]:
        """Every text that reached this handset, oldest first: the ground truth."""
        return [text for text in self.world.handsets if text.phone == phone]

    @property
    def handsets(self) -> list[Text]:
        return list(self.world.handsets)

    @property
    def faults(self) -> Faults:
        return self.world.faults
