"""A small platform to try the simulator on, and a stand-in for our side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from local.liveperson import LivePersonSim, Options
from local.serving import Answer, Request, answer, serve
from oauthlib.oauth1 import Client as Signer

OWNER, SUB = "20000001", "20000002"
KAY, JARED = "+12125550140", "+12125550141"
DANA, ERIN, MAX = "dana@shop.example", "erin@shop.example", "max@shop.example"
PHONE = "+12125550123"
HELLO = [{"type": "TEXT", "data": {"message": "One moment."}}]


class Ours:
    """Our bot and our webhook in one: answers what it is told to, keeps what it got."""

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.statuses: dict[str, list[int]] = {}
        self.parts: list[list[dict[str, Any]]] = []
        self.raw: bytes | None = None
        self.site = serve(self._handle)
        self.url = self.site.url

    def says(self, *parts: dict[str, Any]) -> None:
        self.parts.append(list(parts))

    def transfers(self, skill: str, agent: str | None = None) -> None:
        parameters = {"skillName": skill} | ({"agentId": agent} if agent else {})
        action = {"type": "ACTION", "data": {"name": "TRANSFER", "parameters": parameters}}
        self.says(HELLO[0], action)

    def answers(self, what: str, *statuses: int) -> None:
        """The next requests of this kind (create, event, webhook) get these statuses."""
        self.statuses[what] = list(statuses)

    def requests(self, what: str) -> list[Any]:
        return [json.loads(r.body) for r in self.got if _kind(r) == what]

    def _handle(self, request: Request) -> Answer:
        self.got.append(request)
        kind = _kind(request)
        waiting = self.statuses.get(kind, [])
        status = waiting.pop(0) if waiting else 200
        if status != 200:
            return answer(status, {"message": "no"})
        if kind == "environments":
            return answer(200, ["draft"])
        if kind == "state":
            return answer(200, {"state": "online", "version": "1"})
        if kind != "event":
            return answer(200, {})
        if self.raw is not None:
            return Answer(200, self.raw)
        parts = self.parts.pop(0) if self.parts else HELLO
        return answer(200, {"response": parts, "analytics": {"intents": []}})


def _kind(request: Request) -> str:
    if request.path == "/liveperson/events":
        return "webhook"
    last = request.path.rsplit("/", 1)[-1]
    kinds = {"environments": "environments", "state": "state", "events": "event"}
    return kinds.get(last, "create")


@pytest.fixture
def ours() -> Iterator[Ours]:
    side = Ours()
    yield side
    side.site.close()
    assert side.site.crashes == []


@pytest.fixture
def make(clock: Any, ours: Ours) -> Iterator[Callable[..., LivePersonSim]]:
    made: list[LivePersonSim] = []

    def build(*, seed: int = 7, **options: Any) -> LivePersonSim:
        sim = LivePersonSim(clock, options=Options(**options), seed=seed).serve()
        made.append(sim)
        sim.add_account(OWNER, "owner")
        sim.add_account(SUB, "sub")
        for skill in ("kay", "jared", "kay-virtual"):
            sim.add_skill(OWNER, skill)
        for skill in ("kay-bot", "kay-virtual", "kay-fallback"):
            sim.add_skill(SUB, skill)
        sim.add_skill(SUB, "kay-people", transfer_wait_s=600)
        sim.add_group(SUB, "Main")
        sim.add_group(SUB, "Store 0412")
        for login in (DANA, ERIN):
            sim.add_user(
                SUB, login, nickname=login.split("@")[0].title(), group="Store 0412",
                skills=("kay-people",), employee_id=f"E-{login[0]}", full_name="A Name",
                max_slots=2,
            )  # fmt: skip
        sim.add_user(SUB, MAX, group="Main", manager_of=("Store 0412",))
        sim.add_template(OWNER, "T1", "{1} here. Reply STOP to end texts.", 1)
        sim.map_number(KAY, OWNER, "kay")
        sim.map_number(JARED, OWNER, "jared")
        sim.roll_over((OWNER, "kay"), (SUB, "kay-bot"))
        sim.roll_over((SUB, "kay-virtual"), (OWNER, "kay-virtual"))
        sim.install_bot(SUB, "kay-router", "kay-bot", ours.url, "our-bot-client",
                        escalate_to="kay-fallback")  # fmt: skip
        return sim

    yield build
    for sim in made:
        sim.close()
        assert sim.crashes == []


@pytest.fixture
def sim(make: Callable[..., LivePersonSim]) -> LivePersonSim:
    return make()


class Caller:
    """Calls the simulator as a careful client would; every detail can be spoilt."""

    def __init__(self, sim: LivePersonSim, clock: Any, account: str = OWNER) -> None:
        self.sim, self.clock, self.account = sim, clock, account
        self.keys = sim.secrets_for(account)
        self.http = httpx.Client(base_url=sim.url, trust_env=False, verify=False)

    def token(self, version: str = "V1") -> str:
        path = {
            "V1": f"/sentinel/api/account/{self.account}/app/token?v=1.0",
            "V2": f"/sentinel/api/v2/account/{self.account}/app/token?v=2.0",
        }[version]
        form = {"client_id": self.keys["client_id"], "client_secret": self.keys["client_secret"],
                "grant_type": "client_credentials"}  # fmt: skip
        return str(self.http.post(path, data=form).json()["access_token"])

    def bearer(self, version: str = "V1") -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(version)}"}

    def oauth1(self, url: str, method: str = "POST", **changes: Any) -> dict[str, str]:
        signer = Signer(
            self.keys["consumer_key"], changes.get("consumer_secret", self.keys["consumer_secret"]),
            self.keys["access_token"], self.keys["access_token_secret"],
            timestamp=str(int(self.clock.now().timestamp())), nonce=changes.get("nonce"),
        )  # fmt: skip
        _, headers, _ = signer.sign(self.sim.url + url, method)
        return {"authorization": str(headers["Authorization"])}

    def campaign(self, *phones: str, **changes: Any) -> httpx.Response:
        body = {
            "campaignName": "batch 1/1", "skill": "kay", "templateId": "T1", "consent": True,
            "outboundNumber": KAY[1:],
            "consumers": [{"consumerContent": {"sms": p.lstrip("+")}, "variables": {"1": "Dana"}}
                          for p in phones],
            **changes,
        }  # fmt: skip
        body = {name: value for name, value in body.items() if value is not None}
        return self.http.post(f"/api/v2/account/{self.account}/campaign", json=body,
                              headers=self.bearer())  # fmt: skip


@pytest.fixture
def callers(clock: Any) -> Iterator[Callable[..., Caller]]:
    made: list[Caller] = []

    def build(sim: LivePersonSim, account: str = OWNER) -> Caller:
        made.append(Caller(sim, clock, account))
        return made[-1]

    yield build
    for caller in made:
        caller.http.close()
