"""Every route of relay numbers x every role: administrators change, associates see their own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.relay_rig import ANNA, ANNA_LOGIN, BEN_LOGIN, RelayRig

ROUTES: dict[str, tuple[Any, dict[str, str] | None, str]] = {
    "POST /relay/activate": ({"logins": [BEN_LOGIN]}, None, "relay:admin"),
    "POST /relay/deactivate": ({"logins": [ANNA_LOGIN]}, None, "relay:admin"),
    "POST /relay/release": ({"logins": [ANNA_LOGIN]}, None, "relay:admin"),
    "POST /relay/orphans": ({}, None, "relay:admin"),
    "GET /relay/runs/{id}": (None, {"id": "?"}, "relay:admin"),
    "GET /relay/{login}": (None, {"login": ANNA_LOGIN}, "relay:admin"),
    "GET /relay/mine": (None, None, "relay:read"),
}
EVERYTHING_ELSE = ("outreach/send outreach/read outreach/consent outreach/import outreach/behalf "
                   "outreach/admin outreach/explain customers/export customers/erase")  # fmt: skip
ROLES = {
    "administrator": "relay:admin", "associate": "relay:read outreach/send outreach/read",
    "support": "outreach/admin outreach/explain", "head office": "outreach/behalf outreach/import",
    "privacy desk": "customers/export customers/erase", "everything else": EVERYTHING_ELSE,
    "nobody": "", "almost": "relay:administrator relay/admin admin relay: RELAY:ADMIN",
}  # fmt: skip


@pytest.fixture
def rig(table: Any, clock: Any) -> RelayRig:
    rig = RelayRig(table, clock)
    rig.activated(key="a-1")
    return rig


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROUTES)
def test_who_may_what(rig: RelayRig, route: str, role: str) -> None:
    body, path, scope = ROUTES[route]
    if path == {"id": "?"}:
        path = {"id": rig.open("orphans", {}, key="look")}
        rig.run_all()
    before = rig.table.query("RUN#")
    status, answer = rig.ask_relay(route, body, scopes=ROLES[role], login=ANNA_LOGIN, path=path,
                                   key=f"k-{role}")  # fmt: skip
    if scope in ROLES[role].split():
        assert status in (200, 202), answer
    else:
        assert (status, answer["code"]) == (403, "scope_missing")
        assert rig.queue.runs == []
        assert rig.table.query("RUN#") == before


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_without_a_token(rig: RelayRig, route: str) -> None:
    from tests.outreach_rig import http_event

    from relay_numbers import app

    body, path, _ = ROUTES[route]
    event = http_event(route, body, path=path)
    del event["requestContext"]["authorizer"]
    with rig.process():
        assert app.handler(event, rig.context())["statusCode"] == 401


def test_an_associate_sees_their_own_number_and_no_more(rig: RelayRig) -> None:
    status, mine = rig.ask_relay("GET /relay/mine", scopes="relay:read",
                                 login=ANNA_LOGIN.upper(), key=None)  # fmt: skip
    assert (status, mine) == (200, {
        "login": ANNA_LOGIN, "state": "active", "number": "+19145550100", "banner": "kay",
        "since": "2026-11-18T17:00:00.000Z",
    })  # fmt: skip
    status, answer = rig.ask_relay("GET /relay/mine", scopes="relay:read", login=BEN_LOGIN,
                                   key=None)  # fmt: skip
    assert (status, answer["code"]) == (404, "no_line")


def test_an_administrator_sees_everybodys_with_its_history(rig: RelayRig) -> None:
    status, shown = rig.ask_relay("GET /relay/{login}", path={"login": ANNA_LOGIN}, key=None)
    assert status == 200
    assert (shown["agent_id"], shown["by"], shown["out_of_service"]) == (
        ANNA, "head.office@brand.example.com", False)  # fmt: skip
    assert [deed["state"] for deed in shown["history"]] == ["wanted", "buying", "active"]
    for login in (BEN_LOGIN, "", "x" * 300):
        status, answer = rig.ask_relay("GET /relay/{login}", path={"login": login}, key=None)
        assert (status, answer["code"]) == (404, "no_line")


@pytest.mark.parametrize("name", ["nosuchrun", "", "x" * 60])
def test_a_run_nobody_asked_for_is_not_there(rig: RelayRig, name: str) -> None:
    status, answer = rig.ask_relay("GET /relay/runs/{id}", path={"id": name}, key=None)
    assert (status, answer["code"]) == (404, "unknown_run")


def test_a_run_is_forgotten_after_five_weeks(rig: RelayRig) -> None:
    run = rig.open("orphans", {}, key="o")
    rig.clock.advance(35 * 86400 + 1)
    status, _ = rig.ask_relay("GET /relay/runs/{id}", path={"id": run}, key=None)
    assert status == 404


def test_a_key_is_needed_and_belongs_to_who_uses_it(rig: RelayRig) -> None:
    status, answer = rig.ask_relay("POST /relay/orphans", {}, key=None)
    assert (status, answer["code"]) == (400, "idempotency_key_missing")
    ours = rig.open("orphans", {}, key="same")
    status, theirs = rig.ask_relay("POST /relay/orphans", {}, key="same", login="b@brand.example")
    assert (status, theirs["id"] != ours) == (202, True)
