"""The identity provider of the clienteling app: signs the tokens that associates bring.

`Issuer(clock).serve()` answers /.well-known/openid-configuration and /jwks; `mint(...)` makes a
token. Wrong tokens on request, so that a story can show that they are refused.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from .serving import Answer, Request, Site, answer, serve


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime: ...


_KEYS: dict[str, rsa.RSAPrivateKey] = {}


def _key(kid: str) -> rsa.RSAPrivateKey:
    """One key for each kid and process: making them is slow."""
    if kid not in _KEYS:
        _KEYS[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _KEYS[kid]


class Issuer:
    """Tokens for one audience. `url` is the issuer (`iss`) and exists after `serve()`."""

    kid = "clienteling-2026"

    def __init__(self, clock: Clock, *, audience: str = "instore-outreach") -> None:
        self.clock = clock
        self.audience = audience
        self.site: Site | None = None
        self._issuer = "https://issuer.example.com"

    @property
    def url(self) -> str:
        return self.site.url if self.site else self._issuer

    def serve(self) -> Issuer:
        self.site = serve(self._handle)
        return self

    def close(self) -> None:
        if self.site is not None:
            self.site.close()
            self.site = None

    def jwks(self) -> dict[str, Any]:
        """The public keys; the one in use is not the first, as after a rotation."""
        return {"keys": [self._public("clienteling-2025"), self._public(self.kid)]}

    def _public(self, kid: str) -> dict[str, Any]:
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_key(kid).public_key()))
        return {**jwk, "kid": kid, "alg": "RS256", "use": "sig"}

    def mint(
        self,
        login: str,
        *,
        scopes: tuple[str, ...] = ("outreach/send", "outreach/read", "outreach/consent"),
        lifetime_s: int = 3600,
        audience: str | None = None,
        issuer: str | None = None,
        stranger: bool = False,
        **claims: Any,
    ) -> str:
        """A token for the associate with this LivePerson login (claim `email`).

        `stranger` signs with a key that is not in the JWKS; a negative `lifetime_s` has expired.
        """
        at = int(self.clock.now().timestamp())
        payload = {
            "iss": issuer or self.url,
            "aud": audience or self.audience,
            "sub": f"associate|{login}",
            "email": login,
            "scope": " ".join(scopes),
            "iat": at,
            "nbf": at,
            "exp": at + lifetime_s,
            **claims,
        }
        key = _key("stranger" if stranger else self.kid)
        return jwt.encode(payload, key, algorithm="RS256", headers={"kid": self.kid})

    def _handle(self, request: Request) -> Answer:
        if request.method == "GET" and request.path == "/.well-known/openid-configuration":
            return answer(200, {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "id_token_signing_alg_values_supported": ["RS256"],
            })  # fmt: skip
        if request.method == "GET" and request.path == "/jwks":
            return answer(200, self.jwks())
        return answer(404, {"message": "not found"})
