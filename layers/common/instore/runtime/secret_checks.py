"""Checking against a secret that may have been rotated, without a read for each forgery.

What Twilio's and LivePerson's webhooks have in common: the account names the secret, so that a
stranger may name any, and what does not verify is refused in one and the same way.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import NotAuthenticatedError, UnknownSecretError

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

    def demand(self, name: str, genuine: Callable[[Mapping[str, Any]], bool]) -> None:
        """Raise NotAuthenticatedError unless this is `genuine` by the account's secret of that name.
        There is none: refused as well, for a minute without a read."""
        unknown = f"unknown {name}"
        if self._recent(unknown):
            raise refused()

        def is_genuine() -> bool:
            try:
                keys = self._secrets.account(name)
            except UnknownSecretError:
                self._remember(unknown)
                raise refused() from None
            return genuine(keys)

        if not self.twice(name, is_genuine):
            raise refused()

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


def is_same(ours: str, theirs: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return hmac.compare_digest(ours.encode(), theirs.encode())


def refused() -> NotAuthenticatedError:
    """What a forger is told: nothing."""
    return NotAuthenticatedError("the signature does not verify")
