"""One checked request, as every route gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..serving import Request
from .rules import Form
from .state import Account


@dataclass(frozen=True, slots=True)
class Ask:
    """`place` holds what the path names: Sid, ServiceSid, MessageSid, CountryCode."""

    request: Request
    account: Account
    query: Form
    form: Form
    place: Mapping[str, str]
    bare: bool = False  # the path did not end in .json
