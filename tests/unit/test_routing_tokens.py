"""Tokens brought to the bot, through the handler: what gets in, and everything that does not."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.bot_rig import CONTEXT, KEY, OTHER_KEY, SCOPE, BotRig

from instore.adapters.table import Table
from instore.errors import VendorUnavailableError
from instore.model import epoch

REFUSED = {
    "code": "not_authenticated",
    "message": "a valid token of LivePerson for this bot is needed",
}


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    return BotRig(table, clock)


def unsigned(bot: BotRig, alg: str) -> str:
    """A token with the right claims, and no signature."""
    claims = bot.token().split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "k1"}).encode()).rstrip(b"=")
    return f"{header.decode()}.{claims}."


def signed_with_the_public_key(bot: BotRig) -> str:
    """The classic: HMAC with the RSA public key as secret."""
    import hashlib
    import hmac

    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=").decode()
    signed = f"{head}.{bot.token().split('.')[1]}"
    mac = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_genuine_token_gets_in(bot: BotRig) -> None:
    assert bot.call("GET", "environments")[0] == 200
    scopes = f"openid {SCOPE}"
    assert bot.call("GET", "environments", token=bot.token(scope=scopes))[0] == 200
    assert bot.call("GET", "environments", token=bot.token(scope=[SCOPE]))[0] == 200
    assert bot.liveperson.calls == []


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "10000003"},  # ours, but azp is of another account
        {"aud": "99999999"}, {"aud": None}, {"aud": ["10000002"]}, {"aud": 10000002},
        {"azp": "5a1c0de0-0000-4000-8000-000000000003"}, {"azp": None},
        {"iss": "Somebody"}, {"iss": None},
        {"scope": "msg.consumer"}, {"scope": None}, {"scope": f"{SCOPE}.more"}, {"scope": 7},
        {"scope": "ihub.tpb.customendpoint"},
        {"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": []}, {"nbf": "now"},
        # Python writes and reads these as NaN and Infinity, which JSON has not.
        {"exp": float("nan")}, {"exp": float("inf")}, {"nbf": float("nan")},
        {"nbf": float("-inf")}, {"nbf": 10**400},
    ],
)  # fmt: skip
def test_wrong_claims_stay_out(bot: BotRig, claims: dict[str, Any]) -> None:
    plain = bot.token()
    whole = jwt.decode(plain, options={"verify_signature": False}) | claims
    whole = {name: value for name, value in whole.items() if value is not None}
    signed = json.dumps(whole).encode()
    token = jwt.PyJWS().encode(signed, KEY, algorithm="RS256", headers={"kid": "k1"})
    assert bot.call("GET", "environments", token=token) == (401, REFUSED)


def test_times_are_ours_and_not_the_machines(bot: BotRig, clock: Any) -> None:
    ending = bot.token(exp=epoch(clock.now()))
    for seconds, status in ((29, 200), (1, 401)):
        clock.advance(seconds)
        assert bot.call("GET", "environments", token=ending)[0] == status
    early = bot.token(nbf=epoch(clock.now() + timedelta(seconds=31)))
    assert bot.call("GET", "environments", token=early)[0] == 401
    clock.advance(1)
    assert bot.call("GET", "environments", token=early)[0] == 200


def test_wrong_signatures_and_algorithms_stay_out(bot: BotRig) -> None:
    good = bot.token()
    head, claims, signature = good.split(".")
    for token in (
        bot.token(key=OTHER_KEY),
        bot.token(headers={}),
        bot.token(headers={"kid": "nobody"}),
        unsigned(bot, "none"), unsigned(bot, "None"), unsigned(bot, "RS256"),
        signed_with_the_public_key(bot),
        bot.token(alg="RS384"),
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}", "x.y.z", "", "ü", "a" * 9000,
    ):  # fmt: skip
        assert bot.call("GET", "environments", token=token) == (401, REFUSED), token[:60]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "Bearer "])
def test_no_bearer_token_is_401(bot: BotRig, header: str | None) -> None:
    from functions.routing_bot.app import handler

    from instore.runtime.services import using

    event = bot.request("POST", "events", {"type": "TEXT"})
    event["headers"] = {} if header is None else {"authorization": header}
    with using(bot.services):
        assert handler(event, CONTEXT)["statusCode"] == 401


def test_the_key_is_the_one_the_token_names(bot: BotRig) -> None:
    bot.liveperson.keys = {"other": OTHER_KEY.public_key(), "k1": KEY.public_key()}
    assert bot.call("GET", "environments")[0] == 200
    assert bot.call("GET", "environments", token=bot.token(headers={"kid": "other"}))[0] == 401


def test_an_unknown_key_is_asked_for_once(bot: BotRig) -> None:
    bot.liveperson.refreshed = {"k2": OTHER_KEY.public_key()}
    token = bot.token(key=OTHER_KEY, headers={"kid": "k2"})
    assert bot.call("GET", "environments", token=token)[0] == 200
    assert bot.liveperson.calls == [("refresh", "10000002")]


def test_without_keys_nobody_gets_in_and_the_caller_may_come_again(bot: BotRig) -> None:
    bot.liveperson.fails = VendorUnavailableError("away")
    assert bot.call("GET", "environments") == (
        503, {"code": "unavailable", "message": "LivePerson's keys cannot be had"},
    )  # fmt: skip
