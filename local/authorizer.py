"""The JWT authorizer of an HTTP API: who may come in, and with which scopes.

Source: AWS, "Control access to HTTP APIs with JWT authorizers in API Gateway". The issuer's keys
are fetched through its /.well-known/openid-configuration and kept for two hours; an unknown `kid`
fetches them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
import jwt

_KEPT_S = 2 * 60 * 60
_NO_TIMES = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False,
             "verify_iss": False}  # fmt: skip


class RefusedError(Exception):
    """The request may not come in. status 401 (no valid token) or 403 (not this scope)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Authorizer:
    """One JWT authorizer of the rendered API."""

    def __init__(self, definition: Mapping[str, Any], *, now: Callable[[], datetime]) -> None:
        configuration = definition["jwtConfiguration"]
        self._issuer = str(configuration["issuer"])
        self._audience = {str(one) for one in configuration["audience"]}
        source = definition.get("identitySource", "$request.header.Authorization")
        self._header = str(source).removeprefix("$request.header.").lower()
        self._now = now
        self._keys: dict[str, Any] = {}
        self._fetched: datetime | None = None

    def admit(self, headers: Mapping[str, str], *, scopes: Sequence[str]) -> dict[str, Any]:
        """The `authorizer` part of the event. Raises RefusedError."""
        text = headers.get(self._header, "")
        token = text[7:] if text[:7].lower() == "bearer " else text
        try:
            claims = self._verified(token.strip())
        except (jwt.PyJWTError, httpx.HTTPError, ValueError, KeyError) as error:
            raise RefusedError(401, "Unauthorized") from error
        held = _scopes(claims)
        if scopes and not held & set(scopes):
            raise RefusedError(403, "Forbidden")
        return {"jwt": {"claims": {name: _text(value) for name, value in claims.items()},
                        "scopes": [one for one in scopes if one in held] or None}}  # fmt: skip

    def _verified(self, token: str) -> dict[str, Any]:
        key = self._key(str(jwt.get_unverified_header(token)["kid"]))
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["RS256", "RS384", "RS512"], options=_NO_TIMES  # type: ignore[arg-type]  # a plain dict of its own options
        )  # fmt: skip
        # Times are compared on the stack's clock, so not by the library.
        now = self._now().timestamp()
        audience = claims["aud"] if "aud" in claims else claims["client_id"]
        named = {audience} if isinstance(audience, str) else set(audience)
        good = (
            claims["iss"] == self._issuer and named & self._audience
            and float(claims["exp"]) > now
            and float(claims.get("nbf", 0)) <= now and float(claims.get("iat", 0)) <= now
        )  # fmt: skip
        if not good:
            raise ValueError("a claim does not hold")
        return claims

    def _key(self, kid: str) -> Any:
        old = self._fetched is None or (self._now() - self._fetched).total_seconds() > _KEPT_S
        if old or kid not in self._keys:
            self._keys = self._fetch()
            self._fetched = self._now()
        return self._keys[kid]

    def _fetch(self) -> dict[str, Any]:
        with httpx.Client(timeout=1.5, trust_env=False) as client:
            about = client.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            about.raise_for_status()
            keys = client.get(about.json()["jwks_uri"])
            keys.raise_for_status()
        return {one["kid"]: jwt.PyJWK(one).key for one in keys.json()["keys"] if "kid" in one}


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    raw = claims.get("scope", claims.get("scp", ""))
    return set(raw.split() if isinstance(raw, str) else raw)


def _text(value: Any) -> str:
    """API Gateway hands every claim over as text; lists in square brackets."""
    if isinstance(value, list):
        return "[" + " ".join(_text(one) for one in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
