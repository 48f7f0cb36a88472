"""Keys for tokens sent to our bot: pinned, published, and never fetched at a stranger's will."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.adapters.vendor_rig import ACCOUNT, Rig, good, told

from instore.errors import UnavailableError, VendorGarbageError, VendorUnavailableError

ONE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TWO = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(key: rsa.RSAPrivateKey, kid: Any, **more: Any) -> dict[str, Any]:
    shape = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {**shape, "kid": kid, "use": "sig", **more}


def pem(key: Any) -> str:
    shape = PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(Encoding.PEM, shape).decode())


def verifies(keys: dict[str, Any], kid: str, signer: rsa.RSAPrivateKey) -> bool:
    token = jwt.encode({"aud": "a"}, signer, algorithm="RS256", headers={"kid": kid})
    try:
        jwt.decode(token, keys[kid], algorithms=["RS256"], audience="a")
    except jwt.InvalidSignatureError:
        return False
    return True


def test_published_keys_are_fetched_once_an_hour(clock: Any) -> None:
    rig = Rig(clock, good({"keys": [jwk(ONE, "k1")]}))
    keys = rig.liveperson.token_keys(ACCOUNT)
    assert verifies(keys, "k1", ONE)
    assert not verifies(keys, "k1", TWO)
    assert told(rig.seen[0]) == ("GET", "https://sentinel.lp.test/sentinel/well-known/jwks", {})
    assert "authorization" not in rig.seen[0].headers
    clock.advance(3599)
    rig.liveperson.token_keys(ACCOUNT)
    assert len(rig.seen) == 1
    clock.advance(1)
    rig.liveperson.token_keys(ACCOUNT)
    assert len(rig.seen) == 2


def test_unknown_key_ids_make_us_ask_once_a_minute_at_most(clock: Any) -> None:
    rig = Rig(clock, good({"keys": [jwk(ONE, "k1")]}), good({"keys": [jwk(TWO, "k2")]}))
    rig.liveperson.token_keys(ACCOUNT)
    for _ in range(5):
        assert set(rig.liveperson.token_keys(ACCOUNT, refresh=True)) == {"k1"}
    assert len(rig.seen) == 1
    clock.advance(60)
    assert set(rig.liveperson.token_keys(ACCOUNT, refresh=True)) == {"k2"}  # k1 was withdrawn


def test_pinned_keys_need_no_call_and_win(clock: Any) -> None:
    rig = Rig(clock, good({"keys": [jwk(TWO, "p1"), jwk(TWO, "k2")]}))
    rig.manager.values["rig/lp"]["bot_token_keys"] = {"p1": pem(ONE)}
    assert set(rig.liveperson.token_keys(ACCOUNT)) == {"p1"}
    assert rig.seen == []
    keys = rig.liveperson.token_keys(ACCOUNT, refresh=True)
    assert set(keys) == {"p1", "k2"}
    assert verifies(keys, "p1", ONE)
    assert verifies(keys, "k2", TWO)


def test_keys_outlive_an_outage(clock: Any) -> None:
    rig = Rig(clock, good({"keys": [jwk(ONE, "k1")]}), httpx.Response(503))
    rig.liveperson.token_keys(ACCOUNT)
    clock.advance(4000)
    assert set(rig.liveperson.token_keys(ACCOUNT)) == {"k1"}
    rig = Rig(clock, httpx.Response(503))
    rig.manager.values["rig/lp"]["bot_token_keys"] = {"p1": pem(ONE)}
    assert set(rig.liveperson.token_keys(ACCOUNT, refresh=True)) == {"p1"}


def test_without_any_key_nobody_is_let_in_and_nobody_hammers(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(503), good({"keys": [jwk(ONE, "k1")]}))
    for _ in range(3):
        with pytest.raises(VendorUnavailableError):
            rig.liveperson.token_keys(ACCOUNT)
    assert len(rig.seen) == 1
    clock.advance(60)
    assert set(rig.liveperson.token_keys(ACCOUNT)) == {"k1"}


@pytest.mark.parametrize("body", [[], {}, {"keys": {}}, {"keys": []}, {"keys": [
    7, {"kid": "k"}, jwk(ONE, 5), jwk(ONE, "e", use="enc"), jwk(ONE, "o", kty="oct"),
    jwk(ONE, "n", n="!"), {"kid": "m", "kty": "RSA"}]}])  # fmt: skip
def test_keys_we_cannot_use_are_no_keys(clock: Any, body: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(body)).liveperson.token_keys(ACCOUNT)


@pytest.mark.parametrize("pins", [{"k": "no pem"}, ["k"], 5,
                                  {"k": pem(ec.generate_private_key(ec.SECP256R1()))}])  # fmt: skip
def test_a_bad_pin_is_said_not_skipped(clock: Any, pins: Any) -> None:
    rig = Rig(clock)
    rig.manager.values["rig/lp"]["bot_token_keys"] = pins
    with pytest.raises(UnavailableError) as caught:
        rig.liveperson.token_keys(ACCOUNT)
    assert caught.value.public_code == "secret_unavailable"
