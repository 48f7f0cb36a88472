"""Who of a store is there, asked once for everybody and kept for seconds.

LivePerson asks for a second between calls of its real-time reports and offers no push, so one
answer serves every conversation of the store that comes in meanwhile (requirements R38, C25).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..directory import Store
from ..presence import Evidence, Presence, Status

if TYPE_CHECKING:
    from ..program import Account
    from .liveperson import LivePerson

# A vendor that did not answer is not asked again at once: each try may cost a waiting customer
# two seconds.
KEPT_SILENCE = timedelta(seconds=3)
MOST = 500
_UNSEEN = Presence(Status.OFFLINE, seen=False)  # asked about, and not mentioned


@dataclass(frozen=True, slots=True)
class Told:
    """Evidence, and whether the vendor was asked for it just now."""

    evidence: Evidence
    asked: bool


class Presences:
    """Evidence per store, at most `max_age_s` old."""

    def __init__(self, liveperson: LivePerson) -> None:
        self._liveperson = liveperson
        self._kept: dict[tuple[str, str], Evidence] = {}

    def of_store(self, account: Account, *, store: Store, max_age_s: int, now: datetime) -> Told:
        """Presence of all enabled people of the store: no call while kept, else one.

        Never fails: a vendor that does not answer, or answers nonsense, has told nothing (I12).
        """
        people = sorted({person.agent_id for person in store.people() if person.enabled})
        kept = self._kept.get((store.account, store.group))
        if kept is not None and self._fresh(kept, people, max_age_s=max_age_s, now=now):
            return Told(kept, asked=False)
        evidence = self._ask(account, people, now)
        self._kept.pop((store.account, store.group), None)
        while len(self._kept) >= MOST:
            self._kept.pop(next(iter(self._kept)))
        self._kept[store.account, store.group] = evidence
        return Told(evidence, asked=True)

    def _ask(self, account: Account, people: list[str], now: datetime) -> Evidence:
        if not people:
            return Evidence(now, answered=False, of={})
        try:
            told = self._liveperson.agent_view(account, agent_ids=people, now=now)
        except Exception:  # noqa: BLE001 - whatever an answer breaks: it has told nothing (I12)
            return Evidence(now, answered=False, of={})
        # Whom we asked about, said or not: somebody who joined the store since is not "offline".
        return Evidence(told.at, told.answered, {**dict.fromkeys(people, _UNSEEN), **told.of})

    @staticmethod
    def _fresh(kept: Evidence, people: list[str], *, max_age_s: int, now: datetime) -> bool:
        age = now - kept.at
        if not kept.answered:
            return age < KEPT_SILENCE
        covers = all(agent_id in kept.of for agent_id in people)
        return covers and bool(max_age_s) and age <= timedelta(seconds=max_age_s)
