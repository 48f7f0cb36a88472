"""All "hosts" on one loopback port: which request goes where. Everything received is in `calls`."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..serving import Answer, Request, answer
from . import agent_view, connector, context, people, proactive, reporting, tokens
from .records import Call, Refused
from .world import World

Route = Callable[[World, Request, dict[str, str]], Answer]
SERVICES = (
    "accountConfigReadOnly", "accountConfigReadWrite", "agentVep", "sentinel", "idp",
    "asyncMessagingEnt", "msgHist", "agentManagerWorkspace", "leDataReporting",
    "agentActivityDomain", "msgEwtAPI", "faasGW", "mavenContext", "messagingRestApiDomain",
)  # fmt: skip


def one_service(world: World, request: Request, found: dict[str, str]) -> Answer:
    """Domain API: a host without scheme. Service names are case-sensitive."""
    account = world.account(found["acc"])
    _check_domain_version(request)
    if found["service"] not in SERVICES:
        raise Refused(400, f"no service {found['service']!r}")
    return answer(200, {"service": found["service"], "account": account.id,
                        "baseURI": world.base_url.removeprefix("http://")})  # fmt: skip


def all_services(world: World, request: Request, found: dict[str, str]) -> Answer:
    account = world.account(found["acc"])
    _check_domain_version(request)
    host = world.base_url.removeprefix("http://")
    return answer(200, {"baseURIs": [{"service": name, "account": account.id, "baseURI": host}
                                     for name in SERVICES]})  # fmt: skip


def _check_domain_version(request: Request) -> None:
    if request.query.get("version") != "1.0":
        raise Refused(400, f"wrong version {request.query.get('version')!r}")


_ACC = r"(?P<acc>[^/]+)"
_NS = rf"/v1/account/{_ACC}/(?P<ns>[^/]+)"
_APP = rf"/api/account/{_ACC}/app/prmsg"
_LE = rf"/api/account/{_ACC}/configuration/le-users/(?P<kind>users|skills|agentGroups)"
_TABLE: list[tuple[str, str, Route]] = [
    ("GET", rf"/api/account/{_ACC}/service/(?P<service>[^/]+)/baseURI\.json", one_service),
    ("GET", rf"/api/account/{_ACC}/service/baseURI\.json", all_services),
    ("POST", rf"/sentinel/api/account/{_ACC}/app/token", tokens.issue),
    ("POST", rf"/sentinel/api/v2/account/{_ACC}/app/token", tokens.issue),
    ("GET", r"/sentinel/well-known/jwks", tokens.jwks),
    ("POST", rf"/api/account/{_ACC}/consumer", connector.name_consumer),
    ("POST", rf"/api/account/{_ACC}/messaging/consumer/conversation",
     connector.open_conversation),
    ("POST", rf"/api/account/{_ACC}/messaging/consumer/conversation/send", connector.send),
    ("GET|POST|PUT|DELETE", _LE, people.listing),
    ("GET|PUT|DELETE", rf"{_LE}/(?P<id>[^/]+)", people.single),
    ("POST", rf"/manager_workspace/api/account/{_ACC}/agent_view", agent_view.agent_view),
    ("POST", rf"/api/v2/account/{_ACC}/campaign", proactive.start_campaign),
    ("GET", rf"/api/v2/account/{_ACC}/campaign/(?P<id>[^/]+)/conversations",
     proactive.campaign_conversations),
    ("POST", rf"{_APP}/transactions/", reporting.transactions),
    ("GET", rf"{_APP}/campaigns/(?P<id>[^/]+)/", reporting.campaign_report),
    ("GET|POST", rf"/v1/account/{_ACC}", context.namespaces),
    ("DELETE", _NS, context.drop_namespace),
    ("GET", rf"{_NS}/session-ids", context.session_ids),
    ("GET|PATCH|DELETE", rf"{_NS}/properties", context.properties),
    ("GET|PUT|DELETE", rf"{_NS}/properties/(?P<prop>[^/]+)", context.one_property),
    ("GET|PATCH|DELETE", rf"{_NS}/(?P<session>[^/]+)/properties", context.properties),
    ("GET|PUT|DELETE", rf"{_NS}/(?P<session>[^/]+)/properties/(?P<prop>[^/]+)",
     context.one_property),
]  # fmt: skip
_COMPILED = [(set(methods.split("|")), re.compile(path), to) for methods, path, to in _TABLE]


class Front:
    """The door of the simulator: finds the route, keeps `calls` and `refusals`."""

    def __init__(self, world: World, calls: list[Call]) -> None:
        self._world = world
        self._calls = calls

    def handle(self, request: Request) -> Answer:
        with self._world.lock:
            account = ""
            try:
                to, found = self._route(request)
                account = found.get("acc", "")
                reply = to(self._world, request, found)
            except Refused as refused:
                self._world.refuse(request, account, refused)
                reply = refused.answer
            self._calls.append(Call(self._world.now(), request.method, request.path, account,
                                    reply.status))  # fmt: skip
            return reply

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        known = False
        for methods, path, to in _COMPILED:
            match = path.fullmatch(request.path)
            if match is None:
                continue
            known = True
            if request.method in methods:
                return to, match.groupdict()
        raise Refused(405 if known else 404, "no such route")
