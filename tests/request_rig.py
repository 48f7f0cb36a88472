"""Customers who ask for help on the brand's site, and associates who answer: the shop, its line, a
mail that keeps keys, and hosts of pictures.

Mail and hosts are boundaries like every AWS call: a process can be killed before or after each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.line_rig import LINE, LineRig
from tests.outreach_rig import ACCOUNT, ANNA, BEN, GONE, GROUP, LOGINS, http_event, phone, shop

from instore.adapters.facts import Facts
from instore.directory import Associate, Pointer, Store
from instore.kpi import Fact
from instore.model import Phone
from instore.relay_state import Activation, Deed, LineState
from instore.request_content import FileSeen
from instore.runtime.services import Services
from instore.service_request import ServiceRequest

SITE = "brand-site"
CREATE, READ, ANSWER = "requests/create", "requests/read", "requests/answer"
MAYA = "210"  # manages the store
LOGIN_OF = {**LOGINS, MAYA: "maya@kay.example.com"}
INES = phone(9)
RELAY = "+12015550181"  # Anna's own number
OTHER_GROUP = "4200"
EVE = "301"  # works in the other store
KAY_NUMBER = "+19295550100"
PICTURE = "https://media.kay.example/ring.jpg"
WORDING = "Text me about my request. Msg & data rates may apply. Reply STOP to end."


class Mail:
    """The brand's mail: one letter for a key; fails as told."""

    def __init__(self, rig: LineRig) -> None:
        self._rig = rig
        self.letters: dict[str, Any] = {}
        self.asked: list[str] = []
        self.failures: list[Exception | None] = []
        self.processed_although_failed = False

    def send(self, settings: Any, *, letter: Any, key: str) -> None:
        self._rig.boundaries.cross("mail", lambda: self._send(letter, key))

    def _send(self, letter: Any, key: str) -> None:
        self.asked.append(key)
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or self.processed_although_failed:
            self.letters.setdefault(key, letter)
        if failure is not None:
            raise failure


class Files:
    """Hosts of pictures: what each address is."""

    def __init__(self, rig: LineRig) -> None:
        self._rig = rig
        self.seen: dict[str, FileSeen] = {PICTURE: FileSeen("image/jpeg", 80_000)}
        self.away: Exception | None = None
        self.asked: list[str] = []

    def look(self, addresses: Sequence[str]) -> list[FileSeen]:
        return list(self._rig.boundaries.cross("media", lambda: self._look(addresses)))

    def _look(self, addresses: Sequence[str]) -> list[FileSeen]:
        self.asked += addresses
        if self.away is not None:
            raise self.away
        return [self.seen[one] for one in addresses]


@dataclass
class RequestRig(LineRig):
    """The shop with a manager, another store, Anna's relay number, and the brand's mail."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mail, self.files = Mail(self), Files(self)
        self.write_store(with_manager(shop()))
        self.write_store(other_store())
        self.give_number()
        self.with_requests()

    def with_requests(self, change: Callable[[dict[str, Any]], None] | None = None) -> None:
        def requests(document: dict[str, Any]) -> None:
            document["line"] = {
                **LINE, "media_hosts": ["media.kay.example"], "link_hosts": ["www.kay.example"],
                "mail": {"base_url": "https://mail.kay.example/v1"},
            }  # fmt: skip
            document["banners"][0]["number"]["strategy"] = "relay"
            if change is not None:
                change(document)

        self.with_line(requests)

    def with_team(self) -> None:
        self.with_requests(lambda document: document["line"].update(team_mode=True))

    def give_number(self, agent: str = ANNA, number: str = RELAY, **more: Any) -> None:
        """An active relay number, as relay.py leaves it."""
        now = self.clock.now()
        held = replace(Activation(
            Pointer(ACCOUNT, GROUP, agent), LOGIN_OF[agent], "kay", f"tag-{agent}",
            LineState.ACTIVE, now, "head", number=Phone(number), sid="PN" + "a" * 32,
            history=(Deed(LineState.ACTIVE, now, "head"),), rev=1,
        ), **more)  # fmt: skip
        from instore.adapters.line_items import associate_key, document, login_key, number_key

        for key in (associate_key(ACCOUNT, agent_id=agent), number_key(Phone(number))):
            self.table.put({**document(held), "pk": key[0], "sk": key[1]})
        pk, sk = login_key(LOGIN_OF[agent])
        self.table.put({"pk": pk, "sk": sk, "account": ACCOUNT, "group": GROUP, "agent": agent})

    def leave(self, agent: str = ANNA) -> None:
        """The map has the associate as disabled from now on."""
        store = with_manager(shop())
        people = tuple(replace(p, enabled=p.enabled and p.agent_id != agent)
                       for p in store.associates)  # fmt: skip
        self.write_store(replace(store, associates=people))

    def services(self) -> Services:
        plain: Any = super().services()
        plain.mail, plain.media = self.mail, self.files
        return plain  # type: ignore[no-any-return]  # what the rig has

    # ------------------------------------------------------------ asking

    def ask_requests(
        self, route: str, body: Any = None, *, scopes: str, login: str = LOGINS[ANNA],
        key: str | None = "k-1", path: str | None = None, query: dict[str, str] | None = None,
        raw: str | None = None, client: str | None = None,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        from service_requests import app

        event = http_event(route, body, key=key, login=login, scopes=scopes, raw=raw,
                           path={"id": path} if path is not None else None)  # fmt: skip
        if client is not None:
            claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
            del claims["email"]
            claims["client_id"] = client
        if query is not None:
            event["queryStringParameters"] = query
        with self.process():
            answer = app.handler(event, self.context())
        return answer["statusCode"], json.loads(answer["body"])

    def submit(self, body: dict[str, Any] | None = None, *, key: str = "k-1", **more: Any) -> Any:
        """From the brand's site, by text, unless told otherwise."""
        return self.ask_requests("POST /requests", {**by_text(), **(body or {}), **more},
                                 scopes=CREATE, client=SITE, key=key)  # fmt: skip

    def took(self, body: dict[str, Any] | None = None, *, key: str = "k-1", **more: Any) -> str:
        status, answer = self.submit(body, key=key, **more)
        assert status == 201, answer
        return str(answer["id"])

    def claim(self, request: str, agent: str = ANNA) -> tuple[int, dict[str, Any]]:
        return self.ask_requests("POST /requests/{id}/claim", scopes=ANSWER, key=None,
                                 login=LOGIN_OF[agent], path=request)  # fmt: skip

    def reply(
        self, request: str, agent: str = ANNA, *, key: str = "r-1", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        body = {"text": "It is in store now.", **more}
        return self.ask_requests("POST /requests/{id}/reply", body, scopes=ANSWER, key=key,
                                 login=LOGIN_OF[agent], path=request)  # fmt: skip

    def lists(self, agent: str = ANNA, **query: str) -> dict[str, list[str]]:
        status, body = self.ask_requests("GET /requests", scopes=READ, key=None, query=query or None,
                                         login=LOGIN_OF[agent])  # fmt: skip
        assert status == 200, body
        return {name: [one["id"] for one in page["requests"]] for name, page in body.items()}

    def look(self, request: str, agent: str = ANNA) -> tuple[int, dict[str, Any]]:
        return self.ask_requests("GET /requests/{id}", scopes=READ, key=None, path=request,
                                 login=LOGIN_OF[agent])  # fmt: skip

    # ------------------------------------------------------------ what is there

    def request(self, request: str) -> ServiceRequest:
        found = self.services().requests.get(request)
        assert found is not None
        return found

    def facts(self) -> list[Fact]:
        facts, day = Facts(self.table), self.clock.now().date()
        return [one for n in range(-5, 2) for one in facts.of_day(
            "kay", day=day.fromordinal(day.toordinal() + n))]  # fmt: skip

    def sweep_for(self, minutes: int, *, step: int = 1) -> None:
        for _ in range(0, minutes, step):
            self.clock.advance(60 * step)
            self.sweep()


def by_text(number: str = INES, **more: Any) -> dict[str, Any]:
    return {"source": "storefront", "by": "text", "associate": LOGINS[ANNA], "name": "Ines",
            "phone": number, "message": "Do you have this ring in 7?",
            "consent": {"wording": WORDING}, **more}  # fmt: skip


def by_email(**more: Any) -> dict[str, Any]:
    return {"by": "email", "phone": None, "consent": None, "email": "ines@mail.example", **more}


def of_widget(**more: Any) -> dict[str, Any]:
    return {"source": "widget", "associate": None, "store": GROUP, **more}


def with_manager(store: Store) -> Store:
    maya = Associate(agent_id=MAYA, pid=f"pid-{MAYA}", login=LOGIN_OF[MAYA], nickname="Maya")
    return replace(store, managers=(maya,))


def other_store() -> Store:
    eve = Associate(agent_id=EVE, pid=f"pid-{EVE}", login="eve@kay.example.com", nickname="Eve")
    LOGIN_OF[EVE] = eve.login
    return replace(shop(), group=OTHER_GROUP, name="Kay 4200", associates=(eve,), managers=())


__all__ = ["ACCOUNT", "ANNA", "BEN", "EVE", "GONE", "GROUP", "LOGIN_OF", "MAYA", "phone"]
