"""Checking against a secret that may have been rotated, without a read for each forgery."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..adapters.secrets import Secrets

_ANEW = timedelta(minutes=1)  # how often a mismatch may read a secret again
_FORGET_AT = 1000  # remembered names; strangers can invent any number of them
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class SecretChecks:
    """One per process: remembers when a secret was last read anew, and which names are nobody's."""

    def __init__(self, secrets: Secrets, *, now: Callable[[], datetime]) -> None:
        self._secrets, self._now = secrets, now
        self._asked: dict[str, datetime] = {}

    def is_unknown(self, name: str) -> bool:
        """Whether there was no such secret a minute ago."""
        return self._recent(f"unknown {name}")

    def note_unknown(self, name: str) -> None:
        self._remember(f"unknown {name}")

    def twice(self, name: str, genuine: Callable[[], bool]) -> bool:
        """Check; on a mismatch check once more with the secret read anew, as it may have been
        rotated, but at most once a minute: forged events must not cost a read each."""
        if genuine():
            return True
        if self._recent(name):
            return False
        self._remember(name)
        self._secrets.forget(name)
        return genuine()

    def _recent(self, name: str) -> bool:
        return self._asked.get(name, _LONG_AGO) > self._now() - _ANEW

    def _remember(self, name: str) -> None:
        if len(self._asked) >= _FORGET_AT:
            self._asked.clear()
        self._asked[name] = self._now()
