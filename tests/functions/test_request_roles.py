"""Every route of service requests x every role: the site submits, associates see and answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.outreach_rig import ANNA, LOGINS, http_event
from tests.request_rig import SITE, RequestRig, by_text, of_widget

ROUTES: dict[str, tuple[str, Any, int]] = {
    "POST /requests": ("requests/create", by_text(), 201),
    "GET /requests": ("requests/read", None, 200),
    "GET /requests/{id}": ("requests/read", None, 200),
    "POST /requests/{id}/claim": ("requests/answer", None, 200),
    "POST /requests/{id}/reply": ("requests/answer", {"text": "Yes"}, 409),  # claim it first
}
EVERYTHING_ELSE = ("outreach/send outreach/read outreach/consent outreach/import outreach/behalf "
                   "outreach/admin outreach/explain customers/export customers/erase relay:admin "
                   "relay:read kpis/read kpis/all")  # fmt: skip
ROLES = {
    "site": "requests/create", "associate": "requests/read requests/answer",
    "looks only": "requests/read", "answers only": "requests/answer",
    "head office": "outreach/behalf outreach/admin", "administrator": "relay:admin",
    "privacy desk": "customers/export customers/erase", "everything else": EVERYTHING_ELSE,
    "nobody": "", "almost": "requests requests/ requests/created REQUESTS/READ requests:answer",
}  # fmt: skip


@pytest.fixture
def rig(table: Any, clock: Any) -> RequestRig:
    return RequestRig(table, clock)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROUTES)
def test_who_may_what(rig: RequestRig, route: str, role: str) -> None:
    scope, body, expected = ROUTES[route]
    lead = rig.took(of_widget(), key="lead")
    before = rig.request(lead)
    status, answer = rig.ask_requests(route, body, scopes=ROLES[role], login=LOGINS[ANNA],
                                      path=lead if "{id}" in route else None)  # fmt: skip
    if scope in ROLES[role].split():
        assert status == expected, answer
    else:
        assert (status, answer["code"]) == (403, "scope_missing")
        assert rig.request(lead) == before
        assert len(rig.twilio.messages) == 1


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_without_a_token(rig: RequestRig, route: str) -> None:
    from service_requests import app

    event = http_event(route, ROUTES[route][1], path={"id": "x"})
    del event["requestContext"]["authorizer"]
    with rig.process():
        assert app.handler(event, rig.context())["statusCode"] == 401


@pytest.mark.parametrize("route", [r for r in ROUTES if r != "POST /requests"])
def test_a_site_is_no_associate(rig: RequestRig, route: str) -> None:
    """Scopes alone do not help a token that names nobody, or somebody the map does not know."""
    lead = rig.took(of_widget(), key="lead")
    scope, body, _ = ROUTES[route]
    for who in ({"client": SITE}, {"login": "who@kay.example.com"}):
        status, answer = rig.ask_requests(route, body, scopes=scope, path=lead, **who)  # type: ignore[arg-type]  # mixed keywords
        assert (status, answer["code"]) == (403, "unknown_associate")


@pytest.mark.parametrize("route", [r for r in ROUTES if "{id}" in r])
@pytest.mark.parametrize("name", ["nosuch", "", "x" * 60])
def test_a_request_nobody_made_is_not_there(rig: RequestRig, route: str, name: str) -> None:
    scope, body, _ = ROUTES[route]
    status, answer = rig.ask_requests(route, body, scopes=scope, path=name)
    assert (status, answer["code"]) == (404, "unknown_request")


def test_keys_belong_to_who_uses_them(rig: RequestRig) -> None:
    ours = rig.took(key="same")
    status, theirs = rig.ask_requests("POST /requests", by_text(), scopes="requests/create",
                                      client="another-site", key="same")  # fmt: skip
    assert (status, theirs["id"] != ours) == (201, True)
    for route, body in (
        ("POST /requests", by_text()),
        ("POST /requests/{id}/reply", {"text": "x"}),
    ):
        status, answer = rig.ask_requests(route, body, scopes=ROUTES[route][0], path=ours, key=None)
        assert (status, answer["code"]) == (400, "idempotency_key_missing")
