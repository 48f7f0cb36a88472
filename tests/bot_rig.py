"""LivePerson calling our bot, over the handler itself: a table, a clock, a vendor made of lists."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from types import SimpleNamespace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from functions.routing_bot.app import answer, handler
from local.samples import sample_document

from instore.adapters.backend import Found
from instore.adapters.liveperson import User
from instore.adapters.table import Table
from instore.directory import Associate, Opening, Store, aliases, document
from instore.errors import VendorUnavailableError
from instore.model import epoch, epoch_ms, fold_word
from instore.presence import Evidence, Presence, Status
from instore.program import Account, Banner, Program, load_program
from instore.runtime.http import read_request
from instore.runtime.services import Services, using
from instore.runtime.settings import Settings

CONTEXT = SimpleNamespace(
    function_name="RoutingBot", memory_limit_in_mb=1024, aws_request_id="r-1",
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:RoutingBot",
)  # fmt: skip

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KATE, LEO, BOSS = "61001", "61002", "61900"
PHONE = "+12125550123"
SCOPE = "thirdpartybots.customendpoint.bot"


class FakeLivePerson:
    """Presence, users and keys, and a list of what was asked."""

    def __init__(self) -> None:
        self.presence: dict[str, Presence] = {}
        self.gone: set[str] = set()
        self.fails: Exception | None = None
        self.calls: list[tuple[str, Any]] = []
        self.keys: dict[str, Any] = {"k1": KEY.public_key()}
        self.refreshed: dict[str, Any] = {}

    def agent_view(self, account: Account, *, agent_ids: list[str], now: Any) -> Evidence:
        self.calls.append(("agent_view", agent_ids))
        if self.fails:
            raise self.fails
        return Evidence(now, answered=True, of=dict(self.presence))

    def user(self, account: Account, *, user_id: str) -> User | None:
        self.calls.append(("user", user_id))
        if self.fails:
            raise self.fails
        if user_id in self.gone:
            return None
        return User(user_id, "p", "l", "n", "", True, False, 1, None, (), ())

    def token_keys(self, account: Account, *, refresh: bool = False) -> Mapping[str, Any]:
        if self.fails:
            raise self.fails
        if refresh:
            self.calls.append(("refresh", account.id))
            self.keys |= self.refreshed
        return self.keys


class FakeBackend:
    """The brand's answers by member and by keyword."""

    def __init__(self) -> None:
        self.members: dict[str, Found] = {}
        self.keywords: dict[str, Found] = {}
        self.fails = False
        self.calls: list[tuple[str, str]] = []

    def associate_of_member(self, settings: Any, *, member: str) -> Found | None:
        return self._tell("member", member, self.members)

    def associate_of_keyword(self, settings: Any, *, keyword: str) -> Found | None:
        return self._tell("keyword", keyword, self.keywords)

    def _tell(self, kind: str, name: str, answers: dict[str, Found]) -> Found | None:
        self.calls.append((kind, name))
        if self.fails:
            raise VendorUnavailableError("the back end is away")
        return answers.get(name)


def associate(
    agent_id: str, nick: str, *, words: tuple[str, ...] = (), on: bool = True
) -> Associate:
    folded = tuple(str(fold_word(word)) for word in words)
    login = f"{nick.lower()}@example.com"
    return Associate(agent_id, f"pid-{agent_id}", login, nick, on, words=folded)


class BotRig:
    """One bot, one store. `changes` are dotted paths into the program document."""

    def __init__(
        self, table: Table, clock: Any, *, program: str = "in_store", **changes: Any
    ) -> None:
        raw = sample_document(program)
        for path, value in changes.items():
            put_in(raw, path.replace("__", "."), value)
        self.program: Program = load_program(copy.deepcopy(raw))
        self.banner: Banner = self.program.banners[0]
        self.account = self.banner.account
        self.table, self.clock = table, clock
        self.liveperson, self.backend = FakeLivePerson(), FakeBackend()
        table.put({"pk": "PROGRAM", "sk": "CURRENT", "version": 4, "document": json.dumps(raw)})
        self.services = self.new_process()
        self.add_store()
        self.online(KATE, LEO, BOSS)

    def new_process(self) -> Services:
        """Services of a fresh Lambda process: nothing kept in memory, same table and vendors."""
        made = Services(Settings(table_name=self.table.name), now=self.clock.now)
        from instore.adapters.customers import Customers

        vars(made).update(table=self.table, liveperson=self.liveperson, backend=self.backend,
                          customers=Customers(self.table, key="a test key"))  # fmt: skip
        self.services = made
        return made

    def add_store(self, **changes: Any) -> Store:
        store = replace(Store(
            self.account, "701", "Yonkers", self.banner.name, "America/New_York", "NY", "10704",
            (Opening(2, time(10), time(20)),),
            (associate(KATE, "Kate", words=("KateM123", "2N9C")),
             associate(LEO, "Leo", words=("Leo77",))),
            (associate(BOSS, "Bo"),),
        ), **changes)  # fmt: skip
        key = {"pk": f"STORE#{store.account}#{store.group}", "sk": "STORE"}
        self.table.put({**key, **document(store)})
        for name, pointer in aliases(store).items():
            self.table.put({"pk": f"ALIAS#{name}", "sk": "ALIAS", "account": pointer.account,
                            "group": pointer.group, "agent": pointer.agent_id})  # fmt: skip
        return store

    def online(self, *agent_ids: str, load: float = 0.2, slots: int = 5) -> None:
        self._set(agent_ids, Presence(Status.ONLINE, load, slots, self.clock.now()))

    def away(self, *agent_ids: str, status: Status = Status.AWAY) -> None:
        self._set(agent_ids, Presence(status, 0.0, 5, self.clock.now()))

    def _set(self, agent_ids: tuple[str, ...], presence: Presence) -> None:
        for agent_id in agent_ids:
            self.liveperson.presence[agent_id] = presence

    def token(
        self, *, key: Any = KEY, headers: Any = None, alg: str = "RS256", **claims: Any
    ) -> str:
        account = self.program.account(self.account)
        assert account is not None
        whole = {"aud": account.id, "azp": account.bot_client_id, "iss": "Sentinel",
                 "scope": SCOPE, "iat": epoch(self.clock.now()),
                 "exp": epoch(self.clock.now()) + 3600, **claims}  # fmt: skip
        whole = {name: value for name, value in whole.items() if value is not None}
        kid = {"kid": "k1"} if headers is None else headers
        return jwt.encode(whole, key, algorithm=alg, headers=kid)

    def request(
        self, method: str, tail: str, body: Any = None, *, bot: str | None = None,
        environment: str | None = None, conversation: str | None = None,
        token: str | None = None, encoded: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        path = {"bot": bot or self.banner.bots[0]}
        route = f"{method} /v1/bots/{{bot}}/environments"
        if tail != "environments":
            path["environment"] = environment or "production"
            route += "/{environment}" + ("/state" if tail == "state" else "")
        if tail in ("conversation", "events"):
            path["conversation"] = conversation or "c-1"
            route += "/conversations/{conversation}" + ("/events" if tail == "events" else "")
        text = body if isinstance(body, str) else None if body is None else json.dumps(body)
        if encoded and text is not None:
            text = base64.b64encode(text.encode()).decode()
        return {
            "version": "2.0", "routeKey": route, "rawPath": "/", "rawQueryString": "",
            "headers": {"Authorization": f"Bearer {self.token() if token is None else token}"},
            "pathParameters": path, "body": text, "isBase64Encoded": encoded,
            "requestContext": {"routeKey": route, "stage": "$default",
                               "http": {"method": method, "path": "/"}},
        }  # fmt: skip

    def call(self, method: str, tail: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        event = self.request(method, tail, body, **more)
        with using(self.services):
            given = handler(event, CONTEXT)
        return given["statusCode"], json.loads(given["body"])

    def beside(self, text: str, sequence: int = 0) -> tuple[int, Any]:
        """Another invocation at the same moment: the same call without this one's metrics."""
        event = self.request("POST", "events", text_event(text, sequence))
        answered = answer(read_request(event), self.services)
        return answered["statusCode"], json.loads(answered["body"])

    def create(self, *, phone: str | None = PHONE, sdes: Any = None, **more: Any) -> None:
        """An SMS conversation unless `sdes` say otherwise."""
        context = {"skillId": "901", "type": "MESSAGING",
                   "visitor": {"consumerId": "consumer-1", "language": "en-US"}}  # fmt: skip
        connector = {"ctmrinfo": {"info": {"imei": phone}}} if phone else {}
        given = sdes or {"authenticatedSdes": {}, "unauthenticatedSdes": connector}
        status, body = self.call("PUT", "conversation", {"sdes": given, "context": context}, **more)
        assert (status, body) == (200, {})

    def say(self, text: str, sequence: int = 0, **more: Any) -> tuple[int, Any]:
        event = text_event(text, sequence)
        event["context"]["lpEvent"]["serverTimestamp"] = epoch_ms(self.clock.now())
        return self.call("POST", "events", event, **more)

    def item(self, conversation: str = "c-1") -> dict[str, Any]:
        item = self.table.get(f"CONVERSATION#{self.account}#{conversation}", "CONVERSATION")
        assert item is not None
        return item

    def bind(self, agent_id: str = KATE, *, phone: str = PHONE, group: str = "701") -> str:
        from instore.directory import Pointer
        from instore.model import Phone

        customers = self.services.customers
        customer = customers.id_of(Phone(phone))
        customers.bind(
            customer, phone=Phone(phone), banner=self.banner.name, source="test",
            pointer=Pointer(self.account, group, agent_id), now=self.clock.now(),
        )  # fmt: skip
        return customer


def put_in(document: Any, path: str, value: Any) -> None:
    *way, last = path.split(".")
    for name in way:
        document = document[int(name)] if name.isdigit() else document.setdefault(name, {})
    document[last] = value


def text_event(text: str, sequence: int = 0, **changes: Any) -> dict[str, Any]:
    event = {"type": "ContentEvent", "message": text, "contentType": "text/plain"}
    return {
        "type": "TEXT", "source": "CONSUMER", "data": {"message": text},
        "context": {"lpEvent": {"sequence": sequence, "serverTimestamp": 1795020000000,
                                "event": event, "conversationId": "c-1", "dialogId": "c-1",
                                "metadata": [], "messageAudience": "ALL"}},
    } | changes  # fmt: skip


def told(answer: tuple[int, Any]) -> tuple[str, dict[str, str] | None]:
    """(sentence, transfer parameters or {"name": action} or None) of a 200 answer."""
    status, body = answer
    assert status == 200, body
    texts = [part["data"]["message"] for part in body["response"] if part["type"] == "TEXT"]
    actions = [part["data"] for part in body["response"] if part["type"] == "ACTION"]
    assert len(actions) <= 1
    assert len(texts) == 1
    if not actions:
        return texts[0], None
    action = actions[0]
    return texts[0], action["parameters"] or {"name": action["name"]}
