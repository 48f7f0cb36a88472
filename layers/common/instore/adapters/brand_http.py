"""The one way in which the brand's own services are called: back end, push, mail.

Each is named by the program, has one short time for everything, and knows us by the bearer token of
its secret, if it has one. Contracts: docs/backend-api.md, docs/push-api.md, docs/mail-api.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ..errors import UnavailableError, VendorGarbageError
from .vendor_http import Limits, Reply, Request, VendorHttp

if TYPE_CHECKING:
    import httpx

    from .secrets import Secrets


class Place(Protocol):
    """A service as the program names it: `secret` is the name of one that holds its `token`."""

    @property
    def base_url(self) -> str: ...
    @property
    def secret(self) -> str | None: ...
    @property
    def timeout_s(self) -> float: ...


class BrandHttp:
    """Calls one of the brand's services."""

    def __init__(self, *, secrets: Secrets, transport: httpx.BaseTransport | None = None) -> None:
        self._secrets, self._http = secrets, VendorHttp(transport=transport)
        self.close = self._http.close

    def visit(
        self, place: Place, *, most_s: float | None = None, largest: int = 10_000
    ) -> Visit:  # fmt: skip
        """One question or several within the place's own time, or `most_s` if that is less, from
        now on. `largest`: bytes of an answer."""
        total = place.timeout_s if most_s is None else min(place.timeout_s, most_s)
        limits = Limits(total=total, connect=total / 4, largest=largest)
        return Visit(place, limits, secrets=self._secrets, http=self._http)


class Visit:
    """What is asked of one service in one short time."""

    def __init__(self, place: Place, limits: Limits, *, secrets: Secrets, http: VendorHttp) -> None:
        self._place, self._limits, self._secrets, self._http = place, limits, secrets, http
        self._until = http.monotonic() + limits.total

    def ask(self, request: Request) -> Reply:
        """Send this; its url is what comes after the place's `base_url`.

        Raises VendorNotReachedError, VendorUnavailableError or VendorGarbageError, and
        UnavailableError when the secret cannot be read.
        """
        reply = self._send(request)
        if reply.status in (401, 403) and self._place.secret is not None:
            # The key may have been rotated since we read it.
            self._secrets.forget(self._place.secret)
            reply = self._send(request)
        if reply.status == 304:  # to nothing that we asked for
            raise VendorGarbageError("the brand's service tells us of no answer at all",
                                     vendor_status=reply.status)  # fmt: skip
        return reply

    def _send(self, request: Request) -> Reply:
        headers = {"accept": "application/json", **request.headers}
        if request.body:
            headers["content-type"] = "application/json"
        if self._place.secret is not None:
            headers["authorization"] = f"Bearer {self._token(self._place.secret)}"
        url = f"{self._place.base_url}{request.url}"
        return self._http.send(replace(request, url=url, headers=headers), limits=self._limits,
                               until=self._until)  # fmt: skip

    def _token(self, secret: str) -> str:
        token = self._secrets.account(secret).get("token")
        if not isinstance(token, str) or not token:
            raise UnavailableError("the secret of the brand's service has no token",
                                   code="secret_unavailable")  # fmt: skip
        return token
