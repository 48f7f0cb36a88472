"""The pieces under the simulators: server, faults, issuer, the brand's back end."""

from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pytest
from local.brand import Brand
from local.faults import Faults, Kind
from local.issuer import Issuer
from local.serving import answer, serve

pytestmark = pytest.mark.enable_socket


def get(url: str, **more: Any) -> httpx.Response:
    with httpx.Client(trust_env=False, verify=False) as client:
        return client.get(url, **more)


def test_connections_are_kept_and_closed_at_the_end() -> None:
    site = serve(lambda request: answer(200, {"path": request.path, "query": request.query}))
    with httpx.Client(base_url=site.url, trust_env=False, verify=False) as client:
        started = time.monotonic()
        for _ in range(50):
            assert client.get("/a%20b?x=1").json() == {"path": "/a b", "query": {"x": "1"}}
        assert time.monotonic() - started < 1.5  # no delayed acknowledgements
        site.close()
        with pytest.raises(httpx.TransportError):
            client.get("/")


def test_a_crash_is_an_answer_and_is_kept() -> None:
    def broken(_: Any) -> Any:
        raise KeyError("oh")

    with serve(broken) as site:
        assert get(site.url).status_code == 500
        assert [repr(error) for error in site.crashes] == ["KeyError('oh')"]


@pytest.mark.parametrize("processed", [True, False])
def test_faults_on_the_wire(processed: bool) -> None:
    handled: list[str] = []

    def handle(request: Any) -> Any:
        handled.append(request.path)
        return answer(200, {"fine": True})

    faults = Faults(seed=1)
    with serve(handle, faults=faults) as site:
        for kind, more in (("status", {"status": 429}), ("garbage", {}), ("wrong_schema", {}),
                           ("reset", {}), ("latency", {"seconds": 0.3})):  # fmt: skip
            faults.add(f"GET /{kind}$", kind, times=1, processed=processed, **more)
        assert get(f"{site.url}/status").status_code == 429
        assert b"<html>" in get(f"{site.url}/garbage").content
        assert get(f"{site.url}/wrong_schema").json() == {"unexpected": ["shape"]}
        with pytest.raises(httpx.TransportError):
            get(f"{site.url}/reset")
        with pytest.raises(httpx.TimeoutException):
            get(f"{site.url}/latency", timeout=0.1)
        assert get(f"{site.url}/status").json() == {"fine": True}  # once only
    spoilt = ["/status", "/garbage", "/wrong_schema", "/reset"] if processed else []
    assert sorted(handled) == sorted([*spoilt, "/latency", "/status"])
    assert [kind for _, kind in faults.happened] == [
        Kind.STATUS, Kind.GARBAGE, Kind.WRONG_SCHEMA, Kind.RESET, Kind.LATENCY]  # fmt: skip


def test_faults_are_seeded() -> None:
    def pattern(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.add("/", "status", rate=0.5)
        return [faults.take("GET /") is not None for _ in range(40)]

    assert pattern(3) == pattern(3)
    assert pattern(3) != pattern(4)
    assert 5 < sum(pattern(3)) < 35
    faults = Faults()
    faults.add("/", "reorder")
    assert faults.take("GET /") is None  # only for what is sent
    assert faults.take("webhook 1/", outgoing=True) is not None
    faults.clear()
    assert faults.take("webhook 1/", outgoing=True) is None


def test_issuer(clock: Any, now: Any) -> None:
    issuer = Issuer(clock).serve()
    try:
        about = get(f"{issuer.url}/.well-known/openid-configuration").json()
        assert about["issuer"] == issuer.url
        keys = {k["kid"]: jwt.PyJWK(k) for k in get(about["jwks_uri"]).json()["keys"]}
        assert get(f"{issuer.url}/token").status_code == 404

        def claims(token: str) -> dict[str, Any]:
            kid = jwt.get_unverified_header(token)["kid"]
            options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
            return jwt.decode(token, keys[kid], ["RS256"], audience="instore-outreach",
                              issuer=issuer.url, options=options)  # fmt: skip

        good = claims(issuer.mint("dana@shop.example", scopes=("outreach/send",), store="0412"))
        assert (good["email"], good["scope"], good["store"]) == (
            "dana@shop.example", "outreach/send", "0412")  # fmt: skip
        assert good["exp"] == int(now.timestamp()) + 3600
        assert claims(issuer.mint("d", lifetime_s=-1))["exp"] < now.timestamp()
        for wrong in ({"stranger": True}, {"audience": "x"}, {"issuer": "https://x.example"}):
            with pytest.raises(jwt.PyJWTError):
                claims(issuer.mint("d", **wrong))
    finally:
        issuer.close()


def test_brand() -> None:
    brand = Brand().serve()
    try:
        brand.add_member("M-1", login="dana@shop.example")
        brand.add_keyword("Dana", alias="DANA7")
        headers = {"authorization": f"Bearer {brand.secret()['token']}"}

        def look(path: str, **more: Any) -> tuple[int, Any]:
            got = get(brand.url + path, **{"headers": headers, **more})
            return got.status_code, got.json().get("code", got.json())

        assert look("/members/M-1/associate") == (200, {"login": "dana@shop.example"})
        assert look("/keywords/dana/associate") == (200, {"alias": "DANA7"})
        assert look("/members/M-2/associate") == (404, "not_found")
        assert look("/members/M-1") == (404, "not_found")
        assert look("/members/M-1/associate", headers={}) == (401, "unauthorized")
        assert [status for _, status in brand.calls] == [200, 200, 404, 404, 401]
    finally:
        brand.close()
