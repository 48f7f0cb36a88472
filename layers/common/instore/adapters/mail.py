"""The brand's own mail: an associate's answer by e-mail is handed to it.

The contract a brand implements is docs/mail-api.md. It sends one e-mail for a key, however often it
is asked with it, so that a call whose answer was lost can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .brand_http import BrandHttp
from .vendor_http import Request, compact

if TYPE_CHECKING:
    import httpx

    from ..program_line import Mail
    from ..request_mailing import Letter
    from .secrets import Secrets


class MailService:
    """One question: send this."""

    def __init__(self, *, secrets: Secrets, transport: httpx.BaseTransport | None = None) -> None:
        self._http = BrandHttp(secrets=secrets, transport=transport)
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
        visit = self._http.visit(settings, largest=100_000)
        reply = visit.ask(Request("POST", "/messages", {"idempotency-key": key}, compact(body)))
        reply.must_be_good()
