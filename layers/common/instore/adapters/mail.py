"""The brand's own mail: an associate's answer by e-mail is handed to it.

The contract a brand implements is docs/mail-api.md. It sends one e-mail for a key, however often it
is asked with it, so that a call whose answer was lost can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UnavailableError
from .vendor_http import Limits, Reply, Request, VendorHttp, compact

if TYPE_CHECKING:
    import httpx

    from ..program_line import Mail
    from ..request_mailing import Letter
    from .secrets import Secrets


class MailService:
    """One question: send this."""

    def __init__(self, *, secrets: Secrets, transport: httpx.BaseTransport | None = None) -> None:
        self._secrets, self._http = secrets, VendorHttp(transport=transport)
        self.close = self._http.close

    def send(self, settings: Mail, *, letter: Letter, key: str) -> None:
        """Hand a letter over: any 2xx means that it is theirs now. `key` names it.

        Raises the VendorError family within `settings.timeout_s`, UnavailableError when the secret
        cannot be read.
        """
        body = {
            "to": letter.to.address, "name": letter.name or None, "banner": letter.banner,
            "from": {"login": letter.login, "name": letter.associate or None},
            "request": letter.request, "text": letter.words,
            "links": [{"url": one.url, "title": one.title or None} for one in letter.links],
            "media": list(letter.media),
        }  # fmt: skip
        until = self._http.monotonic() + settings.timeout_s
        reply = self._call(settings, compact(body), key, until)
        if reply.status in (401, 403) and settings.secret is not None:
            # The key may have been rotated since we read it.
            self._secrets.forget(settings.secret)
            reply = self._call(settings, compact(body), key, until)
        reply.must_be_good()

    def _call(self, settings: Mail, body: bytes, key: str, until: float) -> Reply:
        headers = {"accept": "application/json", "content-type": "application/json",
                   "idempotency-key": key}  # fmt: skip
        if settings.secret is not None:
            word = self._secrets.account(settings.secret).get("token")
            if not isinstance(word, str) or not word:
                raise UnavailableError("the mail's secret has no token", code="secret_unavailable")
            headers["authorization"] = f"Bearer {word}"
        total = settings.timeout_s
        limits = Limits(total=total, connect=total / 4, largest=100_000)
        request = Request("POST", f"{settings.base_url}/messages", headers, body)
        return self._http.send(request, limits=limits, until=until)
