"""Who really sent this event: signatures over the bytes as they came, never over parsed JSON.

LivePerson signs with the client secret of the app that has the webhook:
`sha1=` + base64(HMAC-SHA1(secret, raw body)), `sha256=` for accounts that asked for it (developer
center, ConnectorAPI/Webhooks/notification-protocol.md). Our relay function signs
`<epoch seconds>.<raw body>` with the stack's relay key (docs/relay-function.md).

This path reads neither table nor program: an account is known if it has a secret under the
naming rule `<prefix>lp/<account id>`, which also holds `webhook_client_id` and `webhook_secret`.
That spares each cold start about 150 ms of building the program, and a table that is away loses
no event.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import BadInputError, InstoreError
from ..model import ACCOUNT_ID, epoch
from .secret_checks import SecretChecks, is_same, refused, unusable

if TYPE_CHECKING:
    from ..adapters.secrets import Secrets

LARGEST_BODY_KB = 1000
RELAY_AGE_MAX = timedelta(minutes=5)
_DIGESTS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}


class Webhooks:
    """Verifies events. One per process: it remembers when a secret was last read anew."""

    def __init__(
        self, secrets: Secrets, *, prefix: str, relay_secret: str, now: Callable[[], datetime]
    ) -> None:
        self._secrets, self._now = secrets, now
        self._prefix, self._relay_secret = prefix, relay_secret
        self._checks = SecretChecks(secrets, now=now)

    def verify_liveperson(self, event: Mapping[str, Any], *, body: bytes) -> str:
        """The account that signed `body`. Raises NotAuthenticatedError for all who did not.

        Raises UnavailableError when the secret cannot be read or lacks its webhook keys:
        LivePerson sends the event again.
        """
        account = _header(event, "x-liveperson-account-id")
        client = _header(event, "x-liveperson-client-id")
        signature = _header(event, "x-liveperson-signature")
        if not re.fullmatch(ACCOUNT_ID, account):
            raise refused("no_account")

        def check(keys: Mapping[str, Any]) -> InstoreError | None:
            secret, pinned = keys.get("webhook_secret"), keys.get("webhook_client_id")
            if not isinstance(secret, str) or not secret:
                return unusable("webhook_secret")
            if not isinstance(pinned, str):
                return unusable("webhook_client_id")
            if not is_same(pinned, client):
                return refused("client_differs")
            genuine = _signed(signature, key=secret, content=body)
            return None if genuine else refused("signature_differs")

        self._checks.demand(f"{self._prefix}lp/{account}", check)
        return account

    def verify_relay(self, event: Mapping[str, Any], *, body: bytes) -> int:
        """When our relay function signed `body`, ms since 1970. Raises NotAuthenticatedError
        for a wrong signature and for one older (or from later) than five minutes."""
        stamp = _header(event, "x-instore-timestamp")
        signature = _header(event, "x-instore-signature")
        fresh = re.fullmatch(r"[0-9]{10}", stamp) is not None and (
            abs(epoch(self._now()) - int(stamp)) <= RELAY_AGE_MAX.total_seconds()
        )

        def check() -> InstoreError | None:
            key = self._secrets.text(self._relay_secret)
            genuine = _signed(signature, key=key, content=stamp.encode() + b"." + body,
                              only="sha256")  # fmt: skip
            return None if genuine else refused("signature_differs")

        if not fresh:
            raise refused("time_differs")
        self._checks.twice(self._relay_secret, check)
        return int(stamp) * 1000


def parsed(body: bytes) -> Any:
    """The body as JSON, once its signature is good. Raises BadInputError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInputError("the body is not JSON", code="bad_json") from error


def sign(content: bytes, *, key: str, digest: str = "sha1") -> str:
    """The signature LivePerson puts on `content`: for tests, event files and simulators."""
    made = hmac.new(key.encode(), content, _DIGESTS[digest]).digest()
    return f"{digest}={base64.b64encode(made).decode()}"


def _signed(signature: str, *, key: str, content: bytes, only: str = "") -> bool:
    digest = signature.partition("=")[0]
    if digest not in _DIGESTS or (only and digest != only):
        return False
    return is_same(sign(content, key=key, digest=digest), signature)


def _header(event: Mapping[str, Any], name: str) -> str:
    """A header's value, "" if absent. HTTP APIs write header names in lower case."""
    return str((event.get("headers") or {}).get(name, ""))
