"""Sentinel (OAuth 2 client credentials, V1 and V2) and who may call: bearer and OAuth 1.0a checks.

Real RS256 keys: one static key for V1, a JWKS for V2 in which the key in use is not the first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ..serving import Answer, Request, answer
from .records import Refused
from .state import Account
from .world import World

V1_KID = "appjwt-static-v1"
V2_KID = "sentinel-v2-b"
BOT_SCOPE = "thirdpartybots.customendpoint.bot"


_KEYS: dict[str, rsa.RSAPrivateKey] = {}


def signing_key(kid: str) -> rsa.RSAPrivateKey:
    """One key for each kid and process: making them is slow."""
    if kid not in _KEYS:
        _KEYS[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _KEYS[kid]


def static_key_pem() -> str:
    """The V1 public key, which the real vendor prints in its documents."""
    return signing_key(V1_KID).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip


def mint(
    world: World, *, account: str, azp: str, scope: str, version: str = "V1",
    lifetime_s: int | None = None,
) -> str:  # fmt: skip
    """A Sentinel token: aud = account, azp = client id."""
    at = int(world.now().timestamp())
    kid = V1_KID if version == "V1" else V2_KID
    life = world.options.token_lifetime_s if lifetime_s is None else lifetime_s
    claims = {"aud": account, "azp": azp, "scope": scope, "iss": "Sentinel",
              "exp": at + life, "iat": at}  # fmt: skip
    return jwt.encode(claims, signing_key(kid), algorithm="RS256", headers={"kid": kid})


def issue(world: World, request: Request, found: dict[str, str]) -> Answer:
    """POST …/app/token?v=1.0 and …/api/v2/…/app/token."""
    v2 = "/api/v2/" in request.path
    version = request.query.get("v")
    if (version not in (None, "2.0")) if v2 else (version != "1.0"):
        raise Refused(400, f"wrong version {version!r}")
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(415, f"wrong content type {kind!r}")
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if (form.get("grant_type") or request.query.get("grant_type")) != "client_credentials":
        raise Refused(400, "grant_type must be client_credentials")
    account = world.account(found["acc"])
    right = (account.keys["client_id"], account.keys["client_secret"])
    if (form.get("client_id"), form.get("client_secret")) != right:
        raise Refused(world.options.wrong_client_status, "wrong client credentials")
    token = mint(world, account=account.id, azp=right[0], scope=" ".join(account.scopes),
                 version="V2" if v2 else "V1")  # fmt: skip
    body: dict[str, Any] = {"access_token": token, "token_type": "Bearer"}
    if v2:
        life = world.options.token_lifetime_s
        body["expires_in"] = str(life) if world.options.expires_in_as_string else life
    return answer(200, body)


def jwks(_world: World, _request: Request, _found: dict[str, str]) -> Answer:
    return answer(200, {"keys": [_public("sentinel-v2-a"), _public(V2_KID)]})


def _public(kid: str) -> dict[str, Any]:
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(signing_key(kid).public_key()))
    return {**jwk, "kid": kid, "alg": "RS256", "use": "sig"}


def bearer(
    world: World, request: Request, account: Account, *, versions: tuple[str, ...],
    scope: str | None = None,
) -> None:  # fmt: skip
    """Check `Authorization: Bearer`: signature, version, account, expiry by our clock, scope."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise Refused(401, "no bearer token")
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        version = {V1_KID: "V1", V2_KID: "V2"}.get(str(kid))
        if version not in versions:
            raise Refused(401, f"a {version or 'foreign'} token does not open this")
        key = signing_key(str(kid)).public_key()
        claims = jwt.decode(token, key, algorithms=["RS256"],
                            options={"verify_exp": False, "verify_iat": False,
                                     "verify_nbf": False, "verify_aud": False})  # fmt: skip
    except jwt.PyJWTError as error:
        raise Refused(401, f"bad token: {error}") from error
    if claims["exp"] <= world.now().timestamp():
        raise Refused(401, "jwt expired")
    if claims["aud"] != account.id or claims["azp"] != account.keys["client_id"]:
        raise Refused(401, "token of another account or app")
    if scope is not None and scope not in str(claims["scope"]).split():
        raise Refused(world.options.missing_scope_status, f"scope {scope} is missing")


def oauth1(world: World, request: Request, account: Account) -> None:
    """Check an OAuth 1.0a header: HMAC-SHA1 over method, address and all parameters."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme != "OAuth":
        raise Refused(401, "no OAuth 1.0a header")
    params = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        params[unquote(name)] = unquote(value.strip('"'))
    for name, key in (("oauth_consumer_key", "consumer_key"), ("oauth_token", "access_token")):
        if params.get(name) != account.keys[key]:
            raise Refused(401, f"wrong {name}")
    if params.get("oauth_signature_method") != "HMAC-SHA1":
        raise Refused(401, "wrong oauth_signature_method")
    if params.get("oauth_version", "1.0") != "1.0":
        raise Refused(401, "wrong oauth_version")
    _check_freshness(world, params)
    signature = params.pop("oauth_signature", "")
    params.pop("realm", None)
    if not hmac.compare_digest(signature, oauth1_signature(request, params, account.keys)):
        raise Refused(401, "wrong oauth_signature")


def _check_freshness(world: World, params: dict[str, str]) -> None:
    nonce = (params.get("oauth_nonce", ""), params.get("oauth_timestamp", ""))
    if not nonce[0] or not nonce[1].isdigit():
        raise Refused(401, "oauth_nonce or oauth_timestamp is missing")
    skew = world.options.oauth1_clock_skew_s
    if skew is not None and abs(int(nonce[1]) - world.now().timestamp()) > skew:
        raise Refused(401, "oauth_timestamp is too far from now")
    if nonce in world.nonces:
        raise Refused(401, "oauth_nonce was used before")
    world.nonces.add(nonce)


def oauth1_signature(request: Request, params: dict[str, str], keys: dict[str, str]) -> str:
    """OAuth Core 1.0 section 9: what the signature has to be."""
    pairs = [*request.pairs, *params.items()]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        pairs += parse_qsl(request.body.decode(), keep_blank_values=True)
    ordered = sorted((_percent(name), _percent(value)) for name, value in pairs)
    joined = "&".join(f"{name}={value}" for name, value in ordered)
    base = "&".join((request.method.upper(), _percent(request.url), _percent(joined)))
    key = f"{_percent(keys['consumer_secret'])}&{_percent(keys['access_token_secret'])}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _percent(text: str) -> str:
    return quote(text, safe="-._~")
