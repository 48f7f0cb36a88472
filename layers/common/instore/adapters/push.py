"""The brand's push service: is this caller an app user, and a push that opens the app's messaging.

The contract a brand implements is docs/push-api.md. It is asked while a caller listens, so both
questions have one short time together, and an answer that breaks the contract is no answer: the
caller gets a text instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InstoreError, UnavailableError, VendorGarbageError
from ..model import Phone
from .vendor_http import Limits, Reply, Request, VendorHttp, compact

if TYPE_CHECKING:
    import httpx

    from ..program_line import Push
    from .secrets import Secrets

_LONGEST = 4096


class PushService:
    """One caller, one push."""

    def __init__(self, *, secrets: Secrets, transport: httpx.BaseTransport | None = None) -> None:
        self._secrets, self._http = secrets, VendorHttp(transport=transport)
        self.close = self._http.close

    def push(
        self, settings: Push, *, phone: Phone, text: str, key: str, most_s: float | None = None
    ) -> bool:
        """Push to whoever has this number, if they are enrolled as the program counts it (C24).

        `key` names the push: the same one again is the same push, which the service keeps. Takes
        `settings.timeout_s` at most, or `most_s` if that is less. Never fails: a service that does
        not answer, or whose secret cannot be read, has not pushed. False: send a text.
        """
        limit = settings.timeout_s if most_s is None else min(settings.timeout_s, most_s)
        until = self._http.monotonic() + limit
        limits = Limits(total=limit, connect=limit / 4, largest=10_000)
        try:
            found = self._ask(settings, "/enrollments/search", {"phone": phone.e164}, limits, until)
            if found.status == 404:
                return False
            token, active = _enrollment(found.must_be_good().json())
            if settings.enrolled == "active" and not active:
                return False
            body = {"token": token, "text": text}
            sent = self._ask(settings, "/pushes", body, limits, until, key=key)
            if sent.status in (404, 410):
                return False  # the app has been removed since
            sent.must_be_good()
        except InstoreError:
            return False
        return True

    def _ask(
        self, settings: Push, path: str, body: dict[str, str], limits: Limits, until: float,
        *, key: str = "",
    ) -> Reply:  # fmt: skip
        reply = self._call(settings, path, body, limits, until, key)
        if reply.status in (401, 403) and settings.secret is not None:
            # The key may have been rotated since we read it.
            self._secrets.forget(settings.secret)
            reply = self._call(settings, path, body, limits, until, key)
        return reply

    def _call(
        self, settings: Push, path: str, body: dict[str, str], limits: Limits, until: float,
        key: str,
    ) -> Reply:  # fmt: skip
        headers = {"accept": "application/json", "content-type": "application/json"}
        if key:
            headers["idempotency-key"] = key
        if settings.secret is not None:
            word = self._secrets.account(settings.secret).get("token")
            if not isinstance(word, str) or not word:
                raise UnavailableError("the push service's secret has no token",
                                       code="secret_unavailable")  # fmt: skip
            headers["authorization"] = f"Bearer {word}"
        request = Request("POST", f"{settings.base_url}{path}", headers, compact(body))
        return self._http.send(request, limits=limits, until=until)


def _enrollment(answer: Any) -> tuple[str, bool]:
    """Device token and whether the app is in use. Raises VendorGarbageError."""
    token = answer.get("token") if isinstance(answer, dict) else None
    active = answer.get("active", False) if isinstance(answer, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST or not isinstance(active, bool):
        raise VendorGarbageError("the push service's answer has another shape")
    return token, active
