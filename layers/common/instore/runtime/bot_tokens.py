"""Tokens LivePerson brings to our bot: RS256, and everything about them pinned on our side.

The published reference service takes the expected audience out of the token and the first key
of the key set; both let somebody else's token in. Here the audience must be one of the program's
accounts, `azp` that account's bot, and the key the one the token names.
Source: LivePerson developer center, oauth-2-0-client-credentials; the reference service's auth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from ..errors import NotAuthenticatedError, UnavailableError, VendorError
from ..model import epoch
from ..program import Account, Program
from .observability import count, logger

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ISSUER = "Sentinel"
SCOPE = "thirdpartybots.customendpoint.bot"
LONGEST = 8192
CLOCK_SKEW_S = 30


class TokenKeySource(Protocol):
    """`LivePerson.token_keys`: an account's keys by key id; asks anew at most once a minute."""

    def __call__(
        self, account: Account, *, refresh: bool = False
    ) -> Mapping[str, RSAPublicKey]: ...


def verify_bot_token(
    authorization: str | None, *, program: Program, token_keys: TokenKeySource, now: datetime
) -> Account:
    """Verify an `Authorization` header and say for which of our accounts it speaks.

    Raises NotAuthenticatedError for anything but a genuine, current token of our own bot, always
    with the same words: which part failed stands in the log. UnavailableError when no key can
    be had to verify with.
    """
    import jwt

    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
        _refuse("no bearer token")
    try:
        header = jwt.get_unverified_header(token)
        claimed = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        _refuse("not a token")
    if header.get("alg") != "RS256":
        _refuse("another algorithm")
    account = program.account(str(claimed.get("aud")))
    if account is None:
        _refuse("not one of our accounts")
    key = _key(header.get("kid"), account=account, token_keys=token_keys)
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["RS256"], audience=account.id, issuer=ISSUER,
            # Times are compared below, with the clock we were given.
            options={"require": ["exp", "aud", "iss", "azp"], "verify_exp": False,
                     "verify_nbf": False, "verify_iat": False},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError):
        _refuse("signature, issuer or audience")
    _check_claims(claims, account=account, now=now)
    return account


def _key(kid: Any, *, account: Account, token_keys: TokenKeySource) -> RSAPublicKey:
    if not isinstance(kid, str):
        _refuse("names no key")
    try:
        key = token_keys(account).get(kid) or token_keys(account, refresh=True).get(kid)
    except VendorError as error:
        raise UnavailableError("LivePerson's keys cannot be had") from error
    if key is None:
        _refuse("unknown key")
    return key


def _check_claims(claims: Mapping[str, Any], *, account: Account, now: datetime) -> None:
    expires, begins = claims["exp"], claims.get("nbf", 0)
    if not (_is_time(expires) and _is_time(begins)):
        _refuse("times that are none")
    if epoch(now) >= expires + CLOCK_SKEW_S or epoch(now) < begins - CLOCK_SKEW_S:
        _refuse("expired or not yet valid")
    if claims["azp"] != account.bot_client_id:
        _refuse("another client")
    scope = claims.get("scope")
    scopes = scope.split() if isinstance(scope, str) else scope
    if not isinstance(scopes, list) or SCOPE not in scopes:
        _refuse("another scope")


def _is_time(value: Any) -> bool:
    """A number. NaN and infinity, which JSON has not but Python reads, would never expire."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _refuse(why: str) -> NoReturn:
    count("TokenRefused")
    logger.warning("Token refused", extra={"why": why})
    raise NotAuthenticatedError("a valid token of LivePerson for this bot is needed")
