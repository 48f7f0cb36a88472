"""What is known about an agent right now, and how old that knowledge is.

LivePerson says its metrics are for reporting, not for routing, and offers nothing else (C25).
So presence is evidence with an age: absent from a fresh answer = offline, no answer = no
information, and neither is ever "online".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """LivePerson's reported states; UNKNOWN is ours, for no information."""

    ONLINE = "ONLINE"
    BACK_SOON = "BACK_SOON"
    AWAY = "AWAY"
    OFFLINE = "OFFLINE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Presence:
    """Evidence about one agent. `load` is a fraction; `free_slots` None = not told.

    `since` is when the status began, None = not told (an agent not seen for a day).
    `seen` is false when a fresh answer did not mention the agent at all.
    """

    status: Status
    load: float | None = None
    free_slots: int | None = None
    since: datetime | None = None
    seen: bool = True

    @property
    def can_take(self) -> bool:
        """Online with a free slot. A slot count we were not told does not count against them."""
        return self.status is Status.ONLINE and (self.free_slots is None or self.free_slots > 0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Presence of the people of one store, as of `at`. An empty `of` with `answered` False means
    the vendor gave no usable answer."""

    at: datetime
    answered: bool
    of: dict[str, Presence]

    def about(self, agent_id: str) -> Presence:
        if not self.answered:
            return Presence(Status.UNKNOWN, seen=False)
        return self.of.get(agent_id, Presence(Status.OFFLINE, seen=False))
