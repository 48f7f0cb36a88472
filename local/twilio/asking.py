"""One checked request, as every route gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..serving import Request
from .records import Refused
from .rules import Form
from .state import Account, Held

Thing = TypeVar("Thing", bound=Held)


@dataclass(frozen=True, slots=True)
class Ask:
    """`place` holds what the path names: Sid, ServiceSid, MessageSid, CountryCode."""

    request: Request
    account: Account
    query: Form
    form: Form
    place: Mapping[str, str]
    bare: bool = False  # the path did not end in .json


def theirs(found: Thing | None, *, account: Account, sid: str) -> Thing:
    """What was found under a sid, if it is this account's. Raises Refused 20404."""
    if found is None or found.account != account.sid:
        raise Refused(20404, sid)
    return found
