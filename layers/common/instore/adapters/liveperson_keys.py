"""Public keys that sign the tokens LivePerson sends our bot, by key id (`kid`).

Sentinel V2 publishes its keys (JWKS); V1 tokens, which custom-endpoint bots get, are signed by
a key that LivePerson prints in a document: the deployer pins it in the account's secret as
`bot_token_keys` {kid: PEM}. A pinned key wins over a published one of the same name.
Source: LivePerson developer center, APIGuidelines/oauth-2-0-client-credentials.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import UnavailableError, VendorError, VendorGarbageError, VendorUnavailableError
from .liveperson_session import Call
from .vendor_http import Limits

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from ..program import Account
    from .liveperson_session import Session

LIMITS = Limits(total=2)
KEPT = timedelta(hours=1)
AGAIN = timedelta(minutes=1)  # somebody who invents key ids must not make us ask all day


class TokenKeys:
    """Keys per account, fetched when needed and at most once a minute."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._published: dict[str, dict[str, RSAPublicKey]] = {}
        self._asked: dict[str, datetime] = {}

    def of(self, account: Account, *, refresh: bool = False) -> dict[str, RSAPublicKey]:
        """Keys to verify with. `refresh`: a token named a key we do not have.

        Without pinned keys the published ones are fetched at once and hourly. With them, only on
        `refresh`: a bot then needs no call to verify. If LivePerson cannot be asked, what is
        known goes on being used; VendorError only when nothing is known at all.
        """
        pinned = self._pinned(account)
        now, asked = self._session.now(), self._asked.get(account.id)
        age = None if asked is None else now - asked
        missing = account.id not in self._published or age is None or age >= KEPT
        due = refresh or (missing and not pinned)
        if due and (age is None or age >= AGAIN):
            self._asked[account.id] = now
            try:
                self._published[account.id] = self._fetch(account)
            except VendorError:
                if not pinned and account.id not in self._published:
                    raise
        if not pinned and account.id not in self._published:
            raise VendorUnavailableError("LivePerson's keys could not be fetched a moment ago")
        return {**self._published.get(account.id, {}), **pinned}

    def _fetch(self, account: Account) -> dict[str, RSAPublicKey]:
        call = Call("GET", "sentinel", "/sentinel/well-known/jwks", None, LIMITS, {})
        answer = self._session.ask(account, call).json()
        keys = answer.get("keys") if isinstance(answer, dict) else None
        if not isinstance(keys, list):
            raise VendorGarbageError("LivePerson's keys have another shape")
        found: dict[str, RSAPublicKey] = {}
        for entry in keys:
            key = _rsa(entry)
            if key is not None:
                found[str(entry["kid"])] = key
        if not found:
            raise VendorGarbageError("LivePerson publishes no key we can use")
        return found

    def _pinned(self, account: Account) -> dict[str, RSAPublicKey]:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        entries = self._session.secrets.account(account.secret).get("bot_token_keys") or {}
        found: dict[str, RSAPublicKey] = {}
        try:
            for kid, pem in dict(entries).items():
                key = load_pem_public_key(str(pem).encode())
                if not isinstance(key, RSAPublicKey):
                    raise ValueError("not RSA")
                found[str(kid)] = key
        except (ValueError, TypeError) as error:
            raise UnavailableError("bot_token_keys of the account's secret has a bad key",
                                   code="secret_unavailable") from error  # fmt: skip
        return found


def _rsa(entry: Any) -> RSAPublicKey | None:
    """One published key: RSA, for signatures, with a name; None for any other."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if not isinstance(entry, Mapping) or not isinstance(entry.get("kid"), str):
        return None
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(dict(entry), algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) else None
