"""What LivePerson's two ways of proving who we are consist of: OAuth 1.0a headers, token ends."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ..errors import UnavailableError
from ..model import epoch

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def sign(method: Method, url: str, *, keys: Mapping[str, Any], now: datetime) -> str:
    """The OAuth 1.0a header (HMAC-SHA1) over method, url and query; a JSON body is not signed."""
    from oauthlib.oauth1 import Client

    client = Client(
        key_of(keys, "consumer_key"), client_secret=key_of(keys, "consumer_secret"),
        resource_owner_key=key_of(keys, "access_token"),
        resource_owner_secret=key_of(keys, "access_token_secret"), timestamp=str(epoch(now)),
    )  # fmt: skip
    _, headers, _ = client.sign(url, http_method=method)
    return str(headers["Authorization"])


def key_of(keys: Mapping[str, Any], name: str) -> str:
    """One value of the account's secret; UnavailableError `secret_unavailable` without it."""
    value = keys.get(name)
    if not isinstance(value, str) or not value:
        raise UnavailableError(f"the account's secret has no {name}", code="secret_unavailable")
    return value


def token_end(answer: Mapping[str, Any], token: str, *, now: datetime) -> datetime | None:
    """When the token ends: `expires_in` (seconds; LivePerson's own client types it as text), else
    the token's `exp`, read without verifying: we only ask when to renew."""
    lasts = answer.get("expires_in")
    if isinstance(lasts, str) and lasts.isascii() and lasts.isdigit():
        lasts = int(lasts)
    if isinstance(lasts, int) and not isinstance(lasts, bool) and 0 < lasts <= 86400:
        return now + timedelta(seconds=lasts)
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
