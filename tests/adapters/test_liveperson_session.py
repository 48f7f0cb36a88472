"""Addresses, tokens, signatures, and what a refused credential leads to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from tests.adapters.vendor_rig import ACCOUNT, KEYS, Rig, good, jwt_ending, told

from instore.errors import (
    UnavailableError,
    VendorError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
)
from instore.program import Account

VIEW = {"metadata": {"count": 0}, "agentViewRecords": []}
NO_TEXTS = {"campaignStatus": "FINISHED", "conversations": []}


def look(rig: Rig) -> None:
    rig.liveperson.agent_view(ACCOUNT, agent_ids=["7"], now=rig.clock.now())


def ask_status(rig: Rig) -> None:
    rig.liveperson.campaign_status(ACCOUNT, campaign_id="c1")


def test_address_is_asked_once_in_ten_minutes(clock: Any) -> None:
    rig = Rig(clock, good(VIEW))
    look(rig)
    clock.advance(599)
    look(rig)
    assert [told(r) for r in rig.domain_seen] == [
        ("GET", "https://api.lp.test/api/account/20000001/service/agentManagerWorkspace"
         "/baseURI.json", {"version": "1.0"})
    ]  # fmt: skip
    assert rig.seen[0].url.host == "agentmanagerworkspace.lp.test"
    clock.advance(1)
    look(rig)
    assert len(rig.domain_seen) == 2


def test_old_address_serves_for_a_day_while_the_domain_api_is_away(clock: Any) -> None:
    rig = Rig(clock, good(VIEW))
    look(rig)
    clock.advance(601)
    rig.domain = [httpx.Response(503)] * 3
    look(rig)
    look(rig)  # a domain API that failed is left alone for a minute
    assert len(rig.domain_seen) == 2
    clock.advance(60)
    look(rig)
    assert len(rig.domain_seen) == 3
    clock.advance(86400)
    with pytest.raises(VendorNotReachedError):
        look(rig)
    assert len(rig.seen) == 4


@pytest.mark.parametrize(
    "host",
    [None, 7, "", "evil.test/path", "a b", "user@evil.test", "x.test#", "x.test:", "x.test:0",
     "x.test:65536", "x.test:99999", "a..b", "-a.test", "xn--zzzz.test", "xn--zzzz-.test",
     "a" * 64 + ".test", ".".join(["a" * 63] * 4)],
)  # fmt: skip
def test_domain_api_must_name_a_host(clock: Any, host: Any) -> None:
    rig = Rig(clock, good(VIEW))
    rig.domain = [good({"baseURI": host})]
    with pytest.raises(VendorNotReachedError):
        look(rig)
    assert rig.seen == []


@pytest.mark.parametrize(
    ("zone", "host"),
    [("americas", "proactive-messaging.z1.fs.liveperson.com"),
     ("emea", "proactive-messaging.z2.fs.liveperson.com"),
     ("apac", "proactive-messaging.z3.fs.liveperson.com")],
)  # fmt: skip
def test_hosts_without_a_service_name_follow_the_zone(clock: Any, zone: str, host: str) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    account = Account.model_validate({**ACCOUNT.model_dump(), "zone": zone})
    rig.liveperson.campaign_status(account, campaign_id="c1")
    assert rig.seen[0].url.host == host
    assert [r.url.path.split("/")[5] for r in rig.domain_seen] == ["sentinel"]


def test_gateway_stands_in_for_them(clock: Any) -> None:
    rig = Rig(clock, good(NO_TEXTS), gateway="http://127.0.0.1:9999/")
    ask_status(rig)
    assert str(rig.seen[0].url) == (
        "http://127.0.0.1:9999/api/v2/account/20000001/campaign/c1/conversations"
    )


def test_token_v1_is_asked_as_published_and_kept_until_a_minute_before_its_end(clock: Any) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    ask_status(rig)
    (request,) = rig.tokens_seen
    assert told(request) == (
        "POST", "https://sentinel.lp.test/sentinel/api/account/20000001/app/token", {"v": "1.0"}
    )  # fmt: skip
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.content == (
        b"client_id=client-1&client_secret=client+secret%261&grant_type=client_credentials"
    )
    assert rig.seen[0].headers["authorization"] == "Bearer token-1"
    clock.advance(3539)
    ask_status(rig)
    assert rig.seen[1].headers["authorization"] == "Bearer token-1"
    clock.advance(1)
    ask_status(rig)
    assert rig.seen[2].headers["authorization"] == "Bearer token-2"


def test_configuration_takes_a_v2_token(clock: Any) -> None:
    rig = Rig(clock, good([], ac_revision="1"))
    rig.liveperson.users(ACCOUNT)
    assert told(rig.tokens_seen[0])[1:] == (
        "https://sentinel.lp.test/sentinel/api/v2/account/20000001/app/token", {"v": "2.0"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "kept"),
    [({"expires_in": 600}, 540), ({"expires_in": "600"}, 540), ({}, 1740),
     ({"expires_in": "x"}, 1740),
     ({"expires_in": True}, 1740), ({"expires_in": -5}, 1740)],
)  # fmt: skip
def test_end_of_a_token_from_the_answer_or_the_token(
    clock: Any, extra: dict[str, Any], kept: int
) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    token = jwt_ending(clock.now() + timedelta(seconds=1800))
    rig.tokens = [good({"access_token": token, **extra})]
    ask_status(rig)
    clock.advance(kept - 1)
    ask_status(rig)
    assert len(rig.tokens_seen) == 1
    clock.advance(1)
    ask_status(rig)
    assert len(rig.tokens_seen) == 2


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.W10.c", "a.eyJleHAiOjFlOTl9.c"])
def test_a_token_that_does_not_say_when_it_ends_is_kept_five_minutes(
    clock: Any, token: str
) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    rig.tokens = [good({"access_token": token})]
    ask_status(rig)
    clock.advance(299)
    ask_status(rig)
    assert len(rig.tokens_seen) == 1
    clock.advance(1)
    ask_status(rig)
    assert len(rig.tokens_seen) == 2


@pytest.mark.parametrize("body", [{}, [], {"access_token": ""}, {"access_token": 5},
                                  {"access_token": "é"}])  # fmt: skip
def test_token_answer_without_a_token_means_not_sent(clock: Any, body: Any) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    rig.tokens = [good(body)]
    with pytest.raises(VendorNotReachedError) as caught:
        ask_status(rig)
    assert (caught.value.processed, rig.seen) == (False, [])


def test_token_endpoint_throttled_is_said_as_it_is(clock: Any) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    rig.tokens = [httpx.Response(429, headers={"retry-after": "3"})]
    with pytest.raises(VendorThrottledError) as caught:
        ask_status(rig)
    assert (caught.value.retry_after, caught.value.processed) == (3.0, False)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_rotated_client_secret_is_read_anew(clock: Any, status: int) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    rig.tokens = [httpx.Response(status)]
    rig.secrets.account("rig/lp")
    rig.manager.values["rig/lp"]["client_secret"] = "rotated"
    ask_status(rig)
    assert b"client_secret=rotated" in rig.tokens_seen[1].content
    assert (len(rig.tokens_seen), rig.manager.reads, len(rig.seen)) == (2, 2, 1)


def test_wrong_client_secret_is_tried_twice_and_then_left_alone_for_a_minute(clock: Any) -> None:
    rig = Rig(clock, good(NO_TEXTS))
    rig.tokens = [httpx.Response(401)] * 5
    with pytest.raises(VendorNotAuthorizedError) as caught:
        ask_status(rig)
    assert (caught.value.processed, len(rig.tokens_seen)) == (False, 2)
    with pytest.raises(VendorNotAuthorizedError):
        ask_status(rig)
    assert len(rig.tokens_seen) == 3
    clock.advance(60)
    with pytest.raises(VendorNotAuthorizedError):
        ask_status(rig)
    assert len(rig.tokens_seen) == 5
    assert rig.seen == []


def test_refused_signature_reads_the_secret_anew_once_a_minute(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(401))
    for _ in range(2):
        with pytest.raises(VendorNotAuthorizedError):
            look(rig)
    assert (len(rig.seen), rig.manager.reads) == (3, 2)
    clock.advance(60)
    rig.script = [httpx.Response(401), good(VIEW)]
    look(rig)
    rig.script = [httpx.Response(401), good(VIEW)]
    look(rig)  # after a success the next refusal is looked into at once
    assert len(rig.seen) == 7


@pytest.mark.parametrize("status", [200, 400, 401])
def test_jwt_expired_under_any_status_renews_once(clock: Any, status: int) -> None:
    rig = Rig(clock, good({"code": 0, "message": "jwt expired"}, status=status), good(NO_TEXTS))
    ask_status(rig)
    assert [r.headers["authorization"] for r in rig.seen] == ["Bearer token-1", "Bearer token-2"]


def test_words_like_jwt_expired_elsewhere_are_not_a_refusal(clock: Any) -> None:
    texts = [{"id": "a", "status": "FAILED", "errorMessage": "jwt expired", "conversationId": None}]
    rig = Rig(clock, good({"campaignStatus": "FINISHED", "conversations": texts}))
    ask_status(rig)
    rig.script = [good({"message": "jwt expired", "proactiveCampaignId": "x", "conversations": []})]
    ask_status(rig)
    rig.script = [httpx.Response(400, text="<p>jwt expired</p>")]
    with pytest.raises(VendorError):
        ask_status(rig)
    assert len(rig.seen) == 3


@pytest.mark.parametrize("missing", ["consumer_key", "access_token_secret"])
def test_secret_without_a_key_is_our_own_fault(clock: Any, missing: str) -> None:
    rig = Rig(clock, good(VIEW))
    del rig.manager.values["rig/lp"][missing]
    with pytest.raises(UnavailableError) as caught:
        look(rig)
    assert caught.value.public_code == "secret_unavailable"
    assert rig.seen == []


def test_presence_with_its_address_ends_after_two_seconds_in_all(clock: Any) -> None:
    rig = Rig(clock, good(VIEW))

    def slow(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"] == {
            "connect": 0.5, "pool": 0.5, "read": 1.0, "write": 1.0
        }  # fmt: skip
        rig.ticks += 1.8
        return good({"baseURI": "agents.lp.test"})

    rig.domain = [slow]
    look(rig)
    assert rig.seen[0].extensions["timeout"]["read"] == pytest.approx(0.2)
    assert rig.seen[0].extensions["timeout"]["connect"] == pytest.approx(0.1)
    clock.advance(601)
    rig.domain = [lambda r: setattr(rig, "ticks", rig.ticks + 2) or good({"baseURI": "a.test"})]
    with pytest.raises(VendorNotReachedError):
        look(rig)
    assert len(rig.seen) == 1


def _signature(request: httpx.Request) -> tuple[str, str]:
    """The signature as sent, and as RFC 5849 section 3.4 says it should be: computed here anew."""
    header = request.headers["authorization"]
    assert header.startswith("OAuth ")
    sent = {k: unquote(v) for k, v in re.findall(r'(\w+)="([^"]*)"', header)}
    signature = sent.pop("oauth_signature")

    def escape(text: str) -> str:
        return quote(text, safe="-._~")

    pairs = sorted((escape(k), escape(v)) for k, v in [*sent.items(), *request.url.params.items()])
    base = "&".join(escape(part) for part in (
        request.method, str(request.url.copy_with(query=None)),
        "&".join(f"{k}={v}" for k, v in pairs),
    ))  # fmt: skip
    key = f"{escape(KEYS['consumer_secret'])}&{escape(KEYS['access_token_secret'])}"
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
    return signature, base64.b64encode(digest).decode()


def test_oauth1_signature_covers_method_address_and_query(clock: Any) -> None:
    rig = Rig(clock, good(VIEW))
    look(rig)
    clock.advance(1)
    look(rig)
    first, second = rig.seen
    for request in (first, second):
        sent, expected = _signature(request)
        assert sent == expected
    header = first.headers["authorization"]
    for part in ('oauth_consumer_key="ck-1"', 'oauth_token="at-1"', 'oauth_version="1.0"',
                 'oauth_signature_method="HMAC-SHA1"',
                 f'oauth_timestamp="{int(clock.now().timestamp()) - 1}"'):  # fmt: skip
        assert part in header
    nonces = {re.search(r'oauth_nonce="([^"]+)"', r.headers["authorization"]) for r in rig.seen}
    assert len({match[1] for match in nonces if match}) == 2
