"""The simulator refuses what LivePerson refuses: keys, tokens, versions, scopes, lists."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jwt
import pytest

pytestmark = pytest.mark.enable_socket
OWNER, SUB = "20000001", "20000002"
USERS = f"/api/account/{SUB}/configuration/le-users/users"
VIEW = f"/manager_workspace/api/account/{SUB}/agent_view"
DANA = "dana@shop.example"


def test_domain_api_gives_hosts_without_scheme(sim: Any, callers: Any) -> None:
    http = callers(sim).http
    host = sim.url.removeprefix("http://")
    one = http.get(f"/api/account/{SUB}/service/agentManagerWorkspace/baseURI.json?version=1.0")
    assert one.json() == {"service": "agentManagerWorkspace", "account": SUB, "baseURI": host}
    every = http.get(f"/api/account/{SUB}/service/baseURI.json?version=1.0").json()["baseURIs"]
    assert {"service": "sentinel", "account": SUB, "baseURI": host} in every
    for path in (f"{SUB}/service/agentvep/baseURI.json?version=1.0",
                 f"{SUB}/service/agentVep/baseURI.json"):  # fmt: skip
        assert http.get(f"/api/account/{path}").status_code == 400
    missing = http.get("/api/account/99/service/agentVep/baseURI.json?version=1.0")
    assert missing.status_code == 404


def test_token_claims_and_keys(sim: Any, callers: Any, now: Any) -> None:
    caller = callers(sim)
    unchecked = {"verify_exp": False, "verify_iat": False}
    static = caller.keys["bot_token_keys"]["appjwt-static-v1"]
    claims = jwt.decode(caller.token("V1"), static, ["RS256"], audience=OWNER, options=unchecked)
    assert claims == {"aud": OWNER, "azp": caller.keys["client_id"], "iss": "Sentinel",
                      "scope": "users.external msg.consumer",
                      "iat": int(now.timestamp()), "exp": int(now.timestamp()) + 3600}  # fmt: skip
    token = caller.token("V2")
    keys = caller.http.get("/sentinel/well-known/jwks").json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    assert [key["kid"] for key in keys].index(kid) == 1  # not the first
    right = jwt.PyJWK(next(key for key in keys if key["kid"] == kid))
    assert jwt.decode(token, right, ["RS256"], audience=OWNER, options=unchecked)["aud"] == OWNER


@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("account/20000001/app/token?v=1.0", {"client_secret": "wrong"}, 401),
        ("account/20000001/app/token?v=1.0", {"client_id": "wrong"}, 401),
        ("account/20000001/app/token", {}, 400),
        ("account/20000001/app/token?v=2.0", {}, 400),
        ("v2/account/20000001/app/token?v=1.0", {}, 400),
        ("account/20000001/app/token?v=1.0", {"grant_type": "password"}, 400),
    ],
)
def test_token_refusals(
    sim: Any, callers: Any, path: str, changes: dict[str, str], status: int
) -> None:
    caller = callers(sim)
    form = {"client_id": caller.keys["client_id"], "client_secret": caller.keys["client_secret"],
            "grant_type": "client_credentials", **changes}  # fmt: skip
    assert caller.http.post(f"/sentinel/api/{path}", data=form).status_code == status
    assert [r.status for r in sim.refusals] == [status]
    if not changes:
        return
    as_json = caller.http.post("/sentinel/api/account/20000001/app/token?v=1.0", json=form)
    assert as_json.status_code == 415


def test_v2_lifetime_is_a_string(sim: Any, callers: Any) -> None:
    caller = callers(sim)
    form = {"client_id": caller.keys["client_id"], "client_secret": caller.keys["client_secret"],
            "grant_type": "client_credentials"}  # fmt: skip
    v2 = caller.http.post(f"/sentinel/api/v2/account/{OWNER}/app/token", data=form).json()
    v1 = caller.http.post(f"/sentinel/api/account/{OWNER}/app/token?v=1.0", data=form).json()
    assert (v2["expires_in"], "expires_in" in v1) == ("3600", False)


def test_users_hide_employee_ids_and_count_in_strings(sim: Any, callers: Any) -> None:
    caller = callers(sim, SUB)
    got = caller.http.get(f"{USERS}?v=4.0", headers=caller.bearer("V2"))
    row = next(u for u in got.json() if u["loginName"] == DANA)
    assert (row["employeeId"], row["fullName"], row["nickname"]) == ("", "", "Dana")
    assert (row["isEnabled"], row["deleted"], row["maxChats"]) == ("true", "false", "2")
    assert row["id"] == sim.agent(DANA).id
    assert row["pid"] == sim.agent(DANA).pid
    assert row["memberOf"]["agentGroupId"] == sim.agent(DANA).user.group
    assert got.headers["ac-revision"] == str(sim.world.accounts[SUB].revision)


def test_live_data_counts_in_numbers(make: Any, callers: Any) -> None:
    sim = make(values_as="numbers")
    caller = callers(sim, SUB)
    rows = caller.http.get(f"{USERS}?v=4.0", headers=caller.bearer("V2")).json()
    row = next(u for u in rows if u["loginName"] == DANA)
    assert (row["isEnabled"], row["maxChats"], row["id"]) == (True, 2, int(sim.agent(DANA).id))
    assert row["memberOf"]["agentGroupId"] == int(sim.agent(DANA).user.group)


def test_one_revision_for_the_account_and_304(sim: Any, callers: Any) -> None:
    caller = callers(sim, SUB)
    bearer = caller.bearer("V2")
    skills = f"/api/account/{SUB}/configuration/le-users/skills?v=4.0"
    first = caller.http.get(f"{USERS}?v=4.0", headers=bearer).headers["ac-revision"]
    again = caller.http.get(f"{USERS}?v=4.0", headers={**bearer, "if-match": first})
    assert (again.status_code, again.content, again.headers["ac-revision"]) == (304, b"", first)
    always = caller.http.get(f"{USERS}?v=4.0", headers={**bearer, "if-match": "-1"})
    assert always.status_code == 200
    sim.add_skill(SUB, "new")  # a skill makes the users' revision stale
    assert caller.http.get(f"{USERS}?v=4.0", headers={**bearer, "if-match": first}).is_success
    assert set(caller.http.get(skills, headers=bearer).json()[0]) == {"id", "deleted", "name"}
    assert [r.reason for r in sim.refusals] == []


def test_select_deleted_and_single(sim: Any, callers: Any) -> None:
    caller = callers(sim, SUB)
    bearer = caller.bearer("V2")
    gone = sim.change_user(SUB, DANA, deleted=True)

    def logins(query: str) -> set[str]:
        rows = caller.http.get(f"{USERS}?v=4.0&select=id,loginName{query}", headers=bearer).json()
        assert all(set(row) == {"id", "loginName"} for row in rows)
        return {row["loginName"] for row in rows}

    assert DANA not in logins("")
    assert DANA in logins("&include_deleted=true")
    assert DANA not in logins("&includeDeleted=true")
    assert caller.http.get(f"{USERS}/{gone.id}?v=4.0", headers=bearer).status_code == 404
    erin = sim.agent("erin@shop.example").id
    assert caller.http.get(f"{USERS}/{erin}?v=4.0", headers=bearer).json()["id"] == erin


@pytest.mark.parametrize(
    ("query", "version", "status", "reason"),
    [
        ("?v=4.0", "V1", 401, "a V1 token does not open this"),
        ("", "V2", 400, "v is missing"),
        ("?v=9.0", "V2", 400, "wrong version '9.0'"),
    ],
)
def test_users_refuse_wrong_tokens_and_versions(
    sim: Any, callers: Any, query: str, version: str, status: int, reason: str
) -> None:
    caller = callers(sim, SUB)
    got = caller.http.get(USERS + query, headers=caller.bearer(version))
    assert (got.status_code, sim.refusals[-1].reason) == (status, reason)


def test_users_need_the_scope_the_account_and_a_fresh_token(
    sim: Any, callers: Any, clock: Any
) -> None:
    caller, owner = callers(sim, SUB), callers(sim, OWNER)
    fresh = caller.bearer("V2")
    other = caller.http.get(f"{USERS}?v=4.0", headers=owner.bearer("V2"))
    assert other.status_code == 401
    clock.advance(3599)
    assert caller.http.get(f"{USERS}?v=4.0", headers=fresh).status_code == 200
    clock.advance(1)
    late = caller.http.get(f"{USERS}?v=4.0", headers=fresh)
    assert (late.status_code, late.json()["message"]) == (401, "jwt expired")
    sim.world.accounts[SUB].scopes = ("msg.consumer",)
    narrow = caller.http.get(f"{USERS}?v=4.0", headers=caller.bearer("V2"))
    assert narrow.status_code == 403
    assert sim.refusals[-1].reason == "scope users.external is missing"
    assert caller.http.get(f"{USERS}?v=4.0").status_code == 401
    assert caller.http.put(f"{USERS}/1?v=4.0", headers=caller.bearer("V2")).status_code == 405


def _view(caller: Any, url: str = VIEW, **body: Any) -> httpx.Response:
    at = int(caller.clock.now().timestamp() * 1000)
    filters = {"time": {"from": at - 86_400_000, "to": at}, **body.pop("filters", {})}
    sent = {"filters": filters, "metricsToRetrieveCurrentValue": ["agent_current_status",
            "agent_load", "available_slots", "max_slots"], **body}  # fmt: skip
    return caller.http.post(url, content=json.dumps(sent), headers={
        "content-type": "application/json", **caller.oauth1(url)})  # fmt: skip


def test_agent_view_needs_a_true_signature_over_the_query(sim: Any, callers: Any) -> None:
    caller = callers(sim, SUB)
    url = f"{VIEW}?offset=0&limit=50&sort=agentLoad:asc"
    assert _view(caller, url).status_code == 200
    at = int(caller.clock.now().timestamp() * 1000)
    body = {"filters": {"time": {"from": at - 60_000, "to": at}}}
    signed_without_query = caller.http.post(url, json=body, headers=caller.oauth1(VIEW))
    wrong_secret = caller.http.post(url, json=body,
                                    headers=caller.oauth1(url, consumer_secret="x"))  # fmt: skip
    once = caller.oauth1(url, nonce="n1")
    used = [caller.http.post(url, json=body, headers=once).status_code for _ in range(2)]
    bearer = caller.http.post(url, json=body, headers=caller.bearer("V2"))
    assert (signed_without_query.status_code, wrong_secret.status_code) == (401, 401)
    assert (used, bearer.status_code) == ([200, 401], 401)
    old = caller.oauth1(url)
    caller.clock.advance(301)
    assert caller.http.post(url, json=body, headers=old).status_code == 401


def test_agent_view_shows_who_is_asked_for(sim: Any, callers: Any, clock: Any, now: Any) -> None:
    caller = callers(sim, SUB)
    dana, erin = sim.agent(DANA), sim.agent("erin@shop.example")
    assert _view(caller).json()["metadata"]["count"] == 1  # the bot; nobody logged in
    dana.login()
    erin.login()
    erin.logout()
    humans = {"userTypes": ["HUMAN"]}
    every = {**humans, "effectiveAgentStatus": ["ONLINE", "OFFLINE", "AWAY", "BACK_SOON"]}
    shown = _view(caller, filters=humans).json()["agentViewRecords"]
    assert [r["agentId"] for r in shown] == [dana.id]  # OFFLINE only on request
    record = {k: v for k, v in shown[0].items() if k != "agentMetadata"}
    assert record == {"agentId": dana.id, "agentGroupId": int(dana.user.group),
                      "agentCurrentStatus": "ONLINE", "agentLoad": 0.0, "maxSlots": 2,
                      "availableSlots": 2}  # fmt: skip
    assert shown[0]["agentMetadata"]["agentLoginName"] == DANA
    seen = _view(caller, filters=every).json()["agentViewRecords"]
    assert [r["agentId"] for r in seen] == [dana.id, erin.id]
    one = _view(caller, filters={**every, "agentIds": [erin.id]}).json()["agentViewRecords"]
    assert [(r["agentId"], r["agentCurrentStatus"]) for r in one] == [(erin.id, "OFFLINE")]
    clock.advance(86_400 + 120)
    seen = _view(caller, filters=every).json()["agentViewRecords"]
    assert [r["agentId"] for r in seen] == [dana.id]  # erin was not there within 24 h
    sim.change_user(SUB, DANA, enabled=False)
    assert _view(caller, filters=every).json()["agentViewRecords"] == []


@pytest.mark.parametrize(
    ("url", "body", "reason"),
    [
        (f"{VIEW}?offset=951&limit=50", {}, "offset + limit must not exceed 1000"),
        (f"{VIEW}?sort=agentName:asc", {}, "cannot sort by 'agentName:asc'"),
        (VIEW, {"filters": {"effectiveAgentStatus": ["OCCUPIED"]}},
         "unknown effectiveAgentStatus ['OCCUPIED']"),
        (VIEW, {"filters": {"agents": []}}, "unknown filters ['agents']"),
        (VIEW, {"filters": {"time": {}}},
         "filters.time needs from and to in milliseconds"),
        (VIEW, {"filters": {"time": {"from": 0, "to": 90_000_000}}},
         "the window is at most 24 hours"),
        (VIEW, {"metricsToRetrieveCurrentValue": ["load"]}, "unknown metrics ['load']"),
    ],
)  # fmt: skip
def test_agent_view_refusals(
    sim: Any, callers: Any, url: str, body: dict[str, Any], reason: str
) -> None:
    got = _view(callers(sim, SUB), url, **body)
    assert (got.status_code, sim.refusals[-1].reason) == (400, reason)


def test_agent_view_can_be_throttled(make: Any, callers: Any, clock: Any) -> None:
    caller = callers(make(agent_view_min_gap_s=1.0), SUB)
    statuses = [_view(caller).status_code for _ in range(2)]
    clock.advance(1)
    assert [*statuses, _view(caller).status_code] == [200, 429, 200]


def test_context_service(sim: Any, callers: Any) -> None:
    caller = callers(sim, SUB)
    key = {"maven-api-key": caller.keys["maven_api_key"]}
    base = f"/v1/account/{SUB}"
    http = caller.http
    assert http.post(base, json={"name": "stores"}).status_code == 401
    assert http.post(base, json={"name": "sde"}, headers=key).status_code == 400
    for _ in range(2):  # again is no error
        assert http.post(base, json={"name": "stores"}, headers=key).status_code == 204
    patch = http.patch(f"{base}/stores/kay/properties", json={"0412": ["a"]}, headers=key)
    put = http.put(f"{base}/stores/kay/properties/0413", json=["b"], headers=key)
    own = http.patch(f"{base}/stores/properties", json={"version": 3}, headers=key)
    assert [r.status_code for r in (patch, put, own)] == [204, 204, 204]
    assert patch.content == b""
    assert http.get(f"{base}/stores/kay/properties", headers=key).json() == {
        "0412": ["a"], "0413": ["b"]}  # fmt: skip
    ids = http.get(f"{base}/stores/session-ids?page=0&perPage=100", headers=key).json()
    assert ids == ["__default__", "kay"]
    assert http.get(f"{base}/stores/properties/version", headers=key).json() == 3
    assert http.delete(f"{base}/stores/kay/properties/0412", headers=key).status_code == 204
    assert http.get(f"{base}/stores/kay/properties/0412", headers=key).status_code == 404
    assert http.patch(f"{base}/other/kay/properties", json={}, headers=key).status_code == 404
    assert [row["name"] for row in http.get(base, headers=key).json()] == ["stores"]
    assert http.delete(f"{base}/stores", headers=key).status_code == 204
    assert http.get(base, headers=key).json() == []


def test_unknown_routes_are_recorded(sim: Any, callers: Any) -> None:
    http = callers(sim).http
    assert http.get("/nowhere").status_code == 404
    assert http.delete(f"/api/v2/account/{OWNER}/campaign").status_code == 405
    assert [(c.method, c.status) for c in sim.calls] == [("GET", 404), ("DELETE", 405)]
    assert len(sim.refusals) == 2
