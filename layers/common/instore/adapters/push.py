"""The brand's push service: is this caller an app user, and a push that opens the app's messaging.

The contract a brand implements is docs/push-api.md. It is asked while a caller listens, so both
questions have one short time together, and an answer that breaks the contract is no answer: the
caller gets a text instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InstoreError, VendorGarbageError
from ..model import Phone
from .brand_http import BrandHttp
from .vendor_http import Request, compact

if TYPE_CHECKING:
    import httpx

    from ..program_line import Push
    from .secrets import Secrets

_LONGEST = 4096


class PushService:
    """One caller, one push."""

    def __init__(self, *, secrets: Secrets, transport: httpx.BaseTransport | None = None) -> None:
        self._http = BrandHttp(secrets=secrets, transport=transport)
        self.close = self._http.close

    def push(
        self, settings: Push, *, phone: Phone, text: str, key: str, most_s: float | None = None
    ) -> bool:
        """Push to whoever has this number, if they are enrolled as the program counts it (C24).

        `key` names the push: the same one again is the same push, which the service keeps. Takes
        `settings.timeout_s` at most, or `most_s` if that is less. Never fails: a service that does
        not answer, or whose secret cannot be read, has not pushed. False: send a text.
        """
        visit = self._http.visit(settings, most_s=most_s)
        try:
            found = visit.ask(Request("POST", "/enrollments/search",
                                      body=compact({"phone": phone.e164})))  # fmt: skip
            if found.status == 404:
                return False
            token, active = _enrollment(found.must_be_good().json())
            if settings.enrolled == "active" and not active:
                return False
            sent = visit.ask(Request("POST", "/pushes", {"idempotency-key": key},
                                     compact({"token": token, "text": text})))  # fmt: skip
            sent.must_be_good()  # 404 and 410 are none: the app has been removed since
        except InstoreError:
            return False
        return True


def _enrollment(answer: Any) -> tuple[str, bool]:
    """Device token and whether the app is in use. Raises VendorGarbageError."""
    token = answer.get("token") if isinstance(answer, dict) else None
    active = answer.get("active", False) if isinstance(answer, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST or not isinstance(active, bool):
        raise VendorGarbageError("the push service's answer has another shape")
    return token, active
