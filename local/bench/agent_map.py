"""The agent map at full size: 20,000 agents in 4,000 stores, through the real client and flow.

Runs in a process of its own (`python -m local.bench.agent_map`), which prints JSON: its peak
memory is then the rebuild's. Stores and names are kept on a shelf in this process in place of
moto, which would take minutes for 100,000 items; the state item, with its conditions, is moto's.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import httpx

from instore.adapters.files import Files
from instore.adapters.liveperson import LivePerson
from instore.adapters.map_state import MapStates
from instore.adapters.secrets import Secrets
from instore.adapters.table import Table
from instore.mapping import rebuild
from instore.program import Program, load_program
from instore.roster import ASSOCIATE_COLUMNS, STORE_COLUMNS

from ..lock import locked_calls, watching
from ..machine import machine
from ..samples import sample_document
from ..scene import SceneClock
from ..template import table_definition
from ..units import Item, read_units, write_units

ACCOUNT = "10000002"
NOON = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)
BANNERS = ("kay", "jared", "kay_outlet")


@dataclass(frozen=True, slots=True)
class Run:
    """One rebuild. `writes`: items written or deleted, whatever the number of requests."""

    name: str
    seconds: float  # CPU of this process, everything included but the table
    traced_mb: float  # highest memory taken by Python objects beyond what was there before
    requests: int
    writes: int
    write_units: float
    read_units: float


class Shelf:
    """Stands for the table: a watcher that answers for stores and names from a dictionary, and
    counts what is asked, of itself and of moto. A name is counted and not kept: nobody reads it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.reset()

    def reset(self) -> None:
        self.requests = self.writes = 0
        self.write_units = self.read_units = self.away_s = 0.0

    def __call__(self, run: Any, *, service: str, operation: str, params: dict[str, Any]) -> Any:
        if service != "dynamodb":
            return run()
        began = time.process_time()
        self.requests += 1
        try:
            return self._answer(run, operation, params)
        finally:
            self.away_s += time.process_time() - began

    def _answer(self, run: Any, operation: str, params: dict[str, Any]) -> Any:
        if operation == "BatchWriteItem":
            ((_, entries),) = params["RequestItems"].items()
            for entry in entries:
                put = entry.get("PutRequest")
                key = _key(put["Item"] if put else entry["DeleteRequest"]["Key"])
                self._set(key, dict(put["Item"]) if put else None)
            return {}
        if operation == "BatchGetItem":
            ((table, asked),) = params["RequestItems"].items()
            found = [self.items.get(_key(key)) for key in asked["Keys"]]
            self.read_units += read_units(found, consistent=True)
            return {"Responses": {table: [item for item in found if item is not None]}}
        key = _key(params["Key"])
        if operation == "UpdateItem" and key[0].startswith("STORE#"):
            self._set(key, _updated(self.items.get(key), params))
            return {}
        before = self._state(params)
        answer = run()
        if operation == "GetItem":
            self.read_units += read_units([before], consistent=True)
        else:
            self._count(before, self._state(params))
        return answer

    def _state(self, params: Mapping[str, Any]) -> Item | None:
        with watching(None, alone=True):
            found: Item | None = self._client.get_item(
                TableName=params["TableName"], Key=params["Key"], ConsistentRead=True
            ).get("Item")
        return found

    def _set(self, key: tuple[str, str], item: dict[str, Any] | None) -> None:
        before = self.items.pop(key, None)
        if item is not None and key[0].startswith("STORE#"):
            self.items[key] = item
        self._count(before, item)

    def _count(self, before: Item | None, after: Item | None) -> None:
        self.writes += 1
        self.write_units += write_units(before, after)


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _updated(item: Item | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """What SET a = :b, ... REMOVE c, ... makes of an item: all that the builder says of stores."""
    names = params.get("ExpressionAttributeNames", {})
    values = params.get("ExpressionAttributeValues", {})
    result = {**params["Key"], **(item or {})}
    sets, _, removes = params["UpdateExpression"].partition("REMOVE ")
    for part in sets.removeprefix("SET ").split(","):
        name, _, value = part.strip().partition(" = ")
        if name:
            result[names.get(name, name)] = values[value]
    for name in filter(None, (part.strip() for part in removes.split(","))):
        result.pop(names.get(name, name), None)
    return result


class Vendor:
    """LivePerson's answers to the map's questions, as bytes made beforehand."""

    def __init__(self, users: list[dict[str, Any]], groups: list[dict[str, Any]]) -> None:
        self.revision, self.users = 7, users
        self._groups = json.dumps(groups).encode()
        self._skills = json.dumps([
            {"id": 900 + n, "name": name, "deleted": False}
            for n, name in enumerate(("kay-associates", "jared-associates"))
        ]).encode()  # fmt: skip
        self.told()

    def told(self) -> None:
        """Write the listing anew: somebody changed."""
        self._users = json.dumps(self.users).encode()
        self.revision += 1

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("baseURI.json"):
            service = path.split("/service/")[1].split("/")[0]
            return httpx.Response(200, json={"service": service, "account": ACCOUNT,
                                             "baseURI": "lp.example.com"})  # fmt: skip
        if path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "a token", "expires_in": 3600,
                                             "token_type": "Bearer"})  # fmt: skip
        if request.headers.get("if-match") == str(self.revision):
            return httpx.Response(304)
        body = {"users": self._users, "agentGroups": self._groups, "skills": self._skills}
        kind = path.rsplit("/", 1)[-1]
        return httpx.Response(200, content=body[kind], headers={"ac-revision": str(self.revision)})


class World:
    """One account of this size, ready to be mapped."""

    def __init__(self, *, agents: int, stores: int, clock: SceneClock) -> None:
        self.clock = clock
        read = sample_document("in_store")
        self.program: Program = load_program(read)
        self.account = next(a for a in self.program.accounts if a.id == ACCOUNT)
        places = [str(number) for number in range(10_000, 10_000 + stores)]
        users = [_user(n, places[n % stores]) for n in range(agents)]
        self.vendor = Vendor(users, [{"id": int(p), "name": f"Store {p}", "deleted": False,
                                      "isEnabled": True} for p in places])  # fmt: skip
        client: Any = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(**{**table_definition(), "TableName": "map"})
        self.states, self.shelf = MapStates(Table(client, "map")), Shelf(client)
        self.files = self._roster(places, users)
        keys = dict.fromkeys(("consumer_key", "consumer_secret", "access_token",
                              "access_token_secret", "client_id", "client_secret"), "a key")  # fmt: skip
        secrets: Any = boto3.client("secretsmanager", region_name="us-east-1")
        with suppress(secrets.exceptions.ResourceExistsException):
            secrets.create_secret(Name=self.account.secret, SecretString=json.dumps(keys))
        self.liveperson = LivePerson(
            secrets=Secrets(secrets, prefix="instore/", now=clock.now),
            domain_api="https://lp.example.com", gateway="", now=clock.now, sleep=clock.sleep,
            transport=httpx.MockTransport(self.vendor.answer),
        )  # fmt: skip

    def _roster(self, places: list[str], users: list[dict[str, Any]]) -> Files:
        bucket: Any = boto3.client("s3", region_name="us-east-1")
        bucket.create_bucket(Bucket="roster")
        weekday = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
                                 "sunday"), "10:00-21:00")  # fmt: skip
        stores = [{"group": p, "name": f"Store {p}", "banner": BANNERS[n % 3],
                   "zone": "America/New_York", "state": "NY", "postal_code": "10704", **weekday}
                  for n, p in enumerate(places)]  # fmt: skip
        people = [{"login": u["loginName"], "employee_id": str(200_000 + n), "aliases": f"Star{n}"}
                  for n, u in enumerate(users)]  # fmt: skip
        for name, columns, rows in (("stores", STORE_COLUMNS, stores),
                                    ("associates", ASSOCIATE_COLUMNS, people)):  # fmt: skip
            text = io.StringIO()
            writer = csv.DictWriter(text, list(columns), restval="")
            writer.writeheader()
            writer.writerows(rows)
            bucket.put_object(Bucket="roster", Key=f"roster/{ACCOUNT}/{name}.csv",
                              Body=text.getvalue().encode())  # fmt: skip
        return Files(bucket, bucket="roster")

    def run(self, name: str, *, trace: bool) -> tuple[Run, str]:
        """Rebuild once; what it cost, and what the flow says it did."""
        self.clock.advance(1800)
        self.shelf.reset()
        if trace:
            tracemalloc.start()
        began = time.process_time()
        with watching(self.shelf):
            outcome = rebuild(
                self.account, program=self.program, liveperson=self.liveperson, files=self.files,
                states=self.states, owner=name, now=self.clock.now(),
            )  # fmt: skip
        seconds = time.process_time() - began - self.shelf.away_s
        peak = tracemalloc.get_traced_memory()[1] / 1e6 if trace else 0.0
        if trace:
            tracemalloc.stop()
        shelf = self.shelf
        return Run(name, seconds, peak, shelf.requests, shelf.writes, shelf.write_units,
                   shelf.read_units), outcome.what  # fmt: skip

    def rename_one(self) -> None:
        """One agent has another nickname."""
        self.vendor.users[0]["nickname"] = "New"
        self.vendor.told()


def _user(number: int, group: str) -> dict[str, Any]:
    """A user as the Users API lists it."""
    return {
        "id": 1_000_000 + number, "pid": f"0a9e0000-0000-4000-8000-{number:012d}",
        "deleted": False, "loginName": f"a{number}@kay.example.com", "fullName": "",
        "nickname": f"Agent{number}", "email": f"a{number}@kay.example.com", "isEnabled": True,
        "userTypeId": 1, "employeeId": "", "maxChats": 0, "maxAsyncChats": 10,
        "skillIds": [900], "profileIds": [4], "lobIds": [], "isApiUser": False,
        "memberOf": {"agentGroupId": int(group), "assignmentDate": "2026-01-01"},
        "managerOf": [], "changePwdNextLogin": False, "timezone": "America/New_York",
    }  # fmt: skip


@contextmanager
def raised(*, agents: int, stores: int) -> Iterator[World]:
    """A world of this size on moto."""
    clock = SceneClock(NOON)
    with machine(cast("Any", clock)), locked_calls():
        yield World(agents=agents, stores=stores, clock=clock)


def measure(*, agents: int, stores: int, trace: bool) -> dict[str, Any]:
    """All four runs: the first, nothing changed, only the vendor's revision, one agent."""
    with raised(agents=agents, stores=stores) as world:
        runs = [world.run("first build", trace=trace)]
        runs.append(world.run("nothing changed", trace=trace))
        world.vendor.told()
        runs.append(world.run("another revision, same people", trace=trace))
        world.rename_one()
        runs.append(world.run("one agent changed", trace=trace))
        whats = [what for _, what in runs]
        assert whats == ["rebuilt", "unchanged", "unchanged", "rebuilt"], whats
    return {"runs": [asdict(run) for run, _ in runs], "agents": agents, "stores": stores}


if __name__ == "__main__":
    agents, stores, trace = sys.argv[1:4]
    print(json.dumps(measure(agents=int(agents), stores=int(stores), trace=trace == "trace")))
