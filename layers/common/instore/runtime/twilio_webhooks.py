"""Is this really Twilio: X-Twilio-Signature over the public URL and every field of the form.

base64(HMAC-SHA1(auth token, URL + each name and value, sorted by name)). The URL is the one Twilio
called: our public base, then path and query as they came, never the Host header. The key is the
account's primary auth token; an API key cannot verify. Source: Twilio, "Webhooks security".

As in webhooks.py neither table nor program is read: an account is known if it has a secret under
the naming rule `<prefix>twilio/<account sid in lower case>`, which holds its `auth_token`.

Twilio writes names and values without anything between them, so the same signature also holds for
a form whose fields are cut elsewhere. Who could use that would have to hold a signed request, which
is between Twilio and us; consumers still take no field for granted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..errors import InstoreError
from .secret_checks import SecretChecks, is_same, refused, unusable

if TYPE_CHECKING:
    from ..adapters.secrets import Secrets

MOST_FIELDS = 500
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}\Z")
_PORTS = {"https": "443", "http": "80"}
_LONG_DIGITS = re.compile(r"[0-9]{7,}")
_NO_WORDS = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

Pairs = Iterable[tuple[str, str]]


class TwilioWebhooks:
    """Verifies requests. `public_url` "" = the API's own address, as API Gateway names it."""

    def __init__(
        self, secrets: Secrets, *, prefix: str, public_url: str, now: Callable[[], datetime]
    ) -> None:
        self._prefix = prefix
        self._public_url = public_url.rstrip("/")
        self._checks = SecretChecks(secrets, now=now)

    def verify(self, event: Mapping[str, Any], *, body: bytes) -> dict[str, str]:
        """The fields of the form that Twilio signed. Raises NotAuthenticatedError for whatever it
        did not sign, UnavailableError when the secret cannot be read or has no auth token; what
        the log is told of either is in `told`.

        A name that comes more often has the least of its values, so that nothing depends on an
        order which nobody signed.
        """
        signature = str((event.get("headers") or {}).get("x-twilio-signature", ""))
        pairs = _pairs(body)
        fields = dict(sorted(pairs, reverse=True))
        account = fields.get("AccountSid", "")
        if not signature or not _ACCOUNT.match(account):
            raise refused("no_account" if signature else "no_signature")
        ours, theirs = self.public_url(event), _own_address(event)

        def check(keys: Mapping[str, Any]) -> InstoreError | None:
            token = keys.get("auth_token")
            if not isinstance(token, str) or not token:
                return unusable("auth_token")

            def signed_for(base: str) -> bool:
                return any(is_same(sign(url + _target(event), pairs, token=token), signature)
                           for url in _as_called(base))  # fmt: skip

            if signed_for(ours):
                return None
            # Twilio's after all, for the address that API Gateway itself names: never let in.
            why = "public_url_differs" if signed_for(theirs) else "signature_differs"
            return refused(why, signed_for=ours + _shown_path(event), called_at=theirs)

        self._checks.demand(f"{self._prefix}twilio/{account.lower()}", check)
        return fields

    def public_url(self, event: Mapping[str, Any]) -> str:
        """Base of our HTTP API as Twilio calls it, without a slash at the end."""
        return self._public_url or _own_address(event)


def sign(url: str, fields: Mapping[str, str] | Pairs, *, token: str) -> str:
    """The signature Twilio puts on a form posted to `url`: for tests, event files, simulators.

    Of a name that comes more often each different value counts once, in order of the values.
    """
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    text = url + "".join(f"{name}{value}" for name, value in sorted(set(pairs)))
    made = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(made).decode()


def twiml(xml: str = _NO_WORDS) -> dict[str, Any]:
    """An answer to Twilio: a whole TwiML document, by default the one that says nothing."""
    return {"statusCode": 200, "body": xml,
            "headers": {"content-type": "text/xml; charset=utf-8", "cache-control": "no-store"}}  # fmt: skip


def _own_address(event: Mapping[str, Any]) -> str:
    return f"https://{(event.get('requestContext') or {}).get('domainName', '')}"


def _shown_path(event: Mapping[str, Any]) -> str:
    """The path as a log may have it: whoever called chose it, and it may be a number."""
    return _LONG_DIGITS.sub("…", str(event.get("rawPath") or ""))[:100]


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """The form, blank values included and nothing stripped: both are part of what is signed."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict",
                         max_num_fields=MOST_FIELDS)  # fmt: skip
    except ValueError:
        raise refused("no_form") from None


def _target(event: Mapping[str, Any]) -> str:
    query = event.get("rawQueryString") or ""
    return f"{event.get('rawPath') or ''}{'?' if query else ''}{query}"


def _as_called(base: str) -> tuple[str, str]:
    """Twilio names the port of some calls and leaves it out of others: with and without."""
    scheme, _, rest = base.partition("://")
    host, slash, path = rest.partition("/")
    name, colon, port = host.partition(":")
    port = port if colon else _PORTS.get(scheme, "")
    after = f"{slash}{path}"
    return f"{scheme}://{name}{after}", f"{scheme}://{name}:{port}{after}"
