"""Checking against a secret that may have been rotated, without a read for each forgery.

What Twilio's and LivePerson's webhooks have in common: the account names the secret, so that a
stranger may name any, and what does not verify is refused in one and the same way. Only the log is
told why, and which secret was meant: most refusals are a name or an address that we got wrong.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import InstoreError, NotAuthenticatedError, UnavailableError, UnknownSecretError

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

    def demand(self, name: str, check: Callable[[Mapping[str, Any]], InstoreError | None]) -> None:
        """Raise what `check` finds wrong by the account's secret of that name; None = genuine.
        There is no such secret: refused as well, for a minute without a read."""
        unknown = f"unknown {name}"
        if self._recent(unknown):
            raise refused("secret_missing", secret=name)

        def look() -> InstoreError | None:
            try:
                return check(self._secrets.account(name))
            except UnknownSecretError:
                self._remember(unknown)
                raise refused("secret_missing", secret=name) from None

        self.twice(name, look)

    def twice(self, name: str, check: Callable[[], InstoreError | None]) -> None:
        """Check; if something is wrong check once more with the secret read anew, as it may have
        been rotated or mended, but at most once a minute: forged events must not cost a read each.
        """
        wrong = _wrong(name, check)
        if wrong is not None and not self._recent(name):
            self._remember(name)
            self._secrets.forget(name)
            wrong = _wrong(name, check)
        if wrong is not None:
            raise wrong

    def _recent(self, name: str) -> bool:
        return self._asked.get(name, _LONG_AGO) > self._now() - _ANEW

    def _remember(self, name: str) -> None:
        if len(self._asked) >= _FORGET_AT:
            self._asked.clear()
        self._asked[name] = self._now()


def is_same(ours: str, theirs: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return hmac.compare_digest(ours.encode(), theirs.encode())


def refused(why: str, **told: str) -> NotAuthenticatedError:
    """What a forger is told: nothing. `why` (docs/runbook.md, ForgedEvents) is for our log."""
    error = NotAuthenticatedError("the signature does not verify")
    error.told = {"why": why, **told}
    return error


def unusable(lacks: str) -> UnavailableError:
    """There is a secret, and it `lacks` fields: ours to mend, and theirs to try again."""
    error = UnavailableError("a secret lacks a field", code="secret_unavailable")
    error.told = {"why": "secret_unreadable", "lacks": lacks}
    return error


def _wrong(name: str, check: Callable[[], InstoreError | None]) -> InstoreError | None:
    """What the check finds. A secret that cannot be read at all is raised at once."""
    try:
        wrong = check()
    except UnavailableError as error:
        missing = isinstance(error, UnknownSecretError)
        error.told = {"why": "secret_missing" if missing else "secret_unreadable", "secret": name}
        raise
    if wrong is not None:
        wrong.told = {**wrong.told, "secret": name}
    return wrong
