"""The brand's own back end: which associate belongs to a member or to a keyword.

The contract a brand implements is docs/backend-api.md. It is asked while a customer waits, so
one short call, and an answer that breaks the contract is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import BadInputError, VendorGarbageError
from ..model import Phone
from .brand_http import BrandHttp
from .vendor_http import Request, segment

if TYPE_CHECKING:
    import httpx

    from ..program_parts import BackendResolver
    from .secrets import Secrets

_NAMES = {"alias": "alias", "agentId": "agent_id", "login": "login", "employeeId": "employee_id"}
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Found:
    """How the back end names the associate: exactly one of the first four is set.

    `phone` is the customer's number if the back end told it.
    """

    alias: str | None = None
    agent_id: str | None = None
    login: str | None = None
    employee_id: str | None = None
    phone: Phone | None = None


class Backend:
    """Two questions over HTTP."""

    def __init__(self, *, secrets: Secrets, transport: httpx.BaseTransport | None = None) -> None:
        self._http = BrandHttp(secrets=secrets, transport=transport)
        self.close = self._http.close

    def associate_of_member(self, settings: BackendResolver, *, member: str) -> Found | None:
        """The associate of a signed-in member; None if the back end knows none.

        Raises the VendorError family within `settings.timeout_s`, UnavailableError when the
        secret cannot be read.
        """
        return self._ask(settings, "members", member)

    def associate_of_keyword(self, settings: BackendResolver, *, keyword: str) -> Found | None:
        """The associate whose keyword a customer texted; None if the back end knows none."""
        return self._ask(settings, "keywords", keyword)

    def _ask(self, settings: BackendResolver, kind: str, name: str) -> Found | None:
        try:
            path = f"/{kind}/{segment(name)}/associate"
        except BadInputError:
            return None  # nobody can have such a name
        reply = self._http.visit(settings).ask(Request("GET", path))
        if reply.status == 404:
            return None
        return _found(reply.must_be_good().json())


def _found(answer: Any) -> Found:
    if not isinstance(answer, dict):
        raise VendorGarbageError("the back end's answer has another shape")
    named = {ours: answer[theirs] for theirs, ours in _NAMES.items()
             if answer.get(theirs) is not None}  # fmt: skip
    if len(named) != 1 or not all(_name(value) for value in named.values()):
        raise VendorGarbageError("the back end names no associate, or several")
    phone = answer.get("phone")
    if phone is not None and not isinstance(phone, str):
        raise VendorGarbageError("the back end's telephone number is not text")
    try:
        return Found(**named, phone=None if phone is None else Phone(phone))
    except BadInputError as error:
        raise VendorGarbageError("the back end's telephone number is not E.164") from error


def _name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST
