"""The agent map's values: who works in which store under which manager.

Built by directory_build.py from LivePerson's users and groups joined with the brand's roster by
login name (LivePerson returns `employeeId` blank); kept one item per store; looked up by
routing, outreach and assignment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where an associate is: enough to read the store and to name the agent to LivePerson."""

    account: str
    group: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class Associate:
    """A LivePerson user who serves customers. `agent_id` is the numeric id, `pid` the UUID.

    `enabled` is false for a disabled user: kept in the map so that strict programs can tell
    "terminated" from "unknown", and never chosen.
    """

    agent_id: str
    pid: str
    login: str
    nickname: str
    enabled: bool = True
    employee_id: str = ""
    words: tuple[str, ...] = ()  # folded keywords and the Base36 id, as reserved


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of one weekday (Monday = 0), wall clock of the store."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Store:
    """An agent group: a store of a banner, or a team of navigators."""

    account: str
    group: str
    name: str
    banner: str
    zone: str  # IANA
    state: str  # US state or Canadian province, two letters, "" if unknown
    postal_code: str
    openings: tuple[Opening, ...]  # empty = always open
    associates: tuple[Associate, ...]
    managers: tuple[Associate, ...]

    def find(self, agent_id: str) -> Associate | None:
        """An associate or manager of this store, enabled or not."""
        return next((a for a in self.people() if a.agent_id == agent_id), None)

    def people(self) -> Iterable[Associate]:
        yield from self.associates
        yield from self.managers

    def is_open(self, now: datetime) -> bool:
        """Whether the store is open at this instant, in its own zone. No hours = always."""
        if not self.openings:
            return True
        local = now.astimezone(ZoneInfo(self.zone))
        return any(
            o.weekday == local.weekday() and o.opens <= local.time() < o.closes
            for o in self.openings
        )
