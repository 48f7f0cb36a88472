"""People, stores and a LivePerson made of plain lists, for the tests of the agent map."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from instore.adapters.liveperson import Group, Listing, Skill, User
from instore.adapters.table import Table, decode
from instore.errors import VendorUnavailableError
from instore.roster import ASSOCIATE_COLUMNS, STORE_COLUMNS

ACCOUNT = "10000002"


def user(
    number: int, *, group: str | None = None, manages: Iterable[str] = (), **more: Any
) -> User:
    """A human user `<number>` with pid, login and nickname made of the number."""
    plain = User(
        id=str(number), pid=f"pid-{number}", login=f"A{number}@kay.example.com",
        nickname=f"Nick{number}", email="", enabled=True, deleted=False, user_type=1,
        member_of=group, manager_of=tuple(manages), skill_ids=(),
    )  # fmt: skip
    return replace(plain, **more)


def group(number: str, name: str = "", **more: Any) -> Group:
    return replace(Group(number, name or f"Store {number}", enabled=True, deleted=False), **more)


SKILLS = tuple(
    Skill(str(n), name, deleted=False)
    for n, name in enumerate(("kay-associates", "kay-outlet-associates", "jared-associates"), 900)
)


def stores_csv(rows: Iterable[dict[str, str]]) -> bytes:
    """stores.csv; a row needs `group` only, the rest has sound defaults."""
    usual = {"name": "A store", "banner": "kay", "zone": "America/New_York", "state": "NY",
             "postal_code": "10704"}  # fmt: skip
    return _csv(STORE_COLUMNS, [{**usual, **row} for row in rows])


def associates_csv(rows: Iterable[tuple[str, str, str]]) -> bytes:
    """associates.csv of (login, employee id, aliases)."""
    return _csv(ASSOCIATE_COLUMNS, [dict(zip(ASSOCIATE_COLUMNS, r, strict=True)) for r in rows])


def _csv(columns: Iterable[str], rows: Iterable[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass
class World:
    """What LivePerson and the bucket hold for one account; `changed()` moves the revision."""

    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    stores: bytes = b""
    associates: bytes = b""
    skills: tuple[Skill, ...] = SKILLS


@dataclass
class FakeLivePerson:
    """Lists with revisions; counts what is asked; away when told so."""

    worlds: dict[str, World]
    revision: int = 7
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    context: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    skipped: int = 0

    def _list(self, account: Any, kind: str, revision: str | None) -> Listing[Any] | None:
        self.asked.append((account.id, kind, revision))
        if account.id in self.away:
            raise VendorUnavailableError("LivePerson did not answer")
        if revision == str(self.revision):
            return None
        items = getattr(self.worlds[account.id], kind)
        return Listing(str(self.revision), items, self.skipped if kind == "users" else 0)

    def users(self, account: Any, *, revision: str | None = None) -> Listing[User] | None:
        return self._list(account, "users", revision)

    def groups(self, account: Any, *, revision: str | None = None) -> Listing[Group] | None:
        return self._list(account, "groups", revision)

    def skills(self, account: Any, *, revision: str | None = None) -> Listing[Skill] | None:
        return self._list(account, "skills", revision)

    def write_context(
        self, account: Any, *, namespace: str, session: str, properties: dict[str, Any]
    ) -> None:
        if "context" in self.away:
            raise VendorUnavailableError("the Context Service did not answer")
        kept = self.context.setdefault((namespace, session), {})
        for name, value in properties.items():
            kept[name] = value
            if value is None:
                del kept[name]


@dataclass
class FakeFiles:
    """The bucket: a tag is the content's own hash, as in S3."""

    worlds: dict[str, World]
    looked: list[str] = field(default_factory=list)
    reads: int = 0

    def _content(self, key: str) -> bytes:
        _, account, name = key.split("/")
        world = self.worlds[account]
        return world.stores if name == "stores.csv" else world.associates

    def tag(self, key: str) -> str | None:
        self.looked.append(key)
        content = self._content(key)
        return f'"{hash(content)}"' if content else None

    def read(self, key: str) -> bytes:
        self.reads += 1
        return self._content(key)


class KilledError(BaseException):
    """The function's process is gone; nothing in it can catch that."""


WRITES = ("put_item", "update_item", "delete_item", "batch_write_item")


class MortalClient:
    """A DynamoDB client whose process dies at the n-th write; a batch dies half done."""

    def __init__(self, client: Any, *, dies_at: int | None) -> None:
        self._client, self._dies_at = client, dies_at
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in WRITES:
            return call

        def write(**request: Any) -> Any:
            self.writes += 1
            if self.writes == self._dies_at:
                if name == "batch_write_item":
                    ((table, entries),) = request["RequestItems"].items()
                    half = entries[: len(entries) // 2]
                    if half:
                        call(RequestItems={table: half})
                raise KilledError
            return call(**request)

        return write


def dump(table: Table) -> dict[tuple[str, str], dict[str, Any]]:
    """Everything in the table but times: what two roads to the same map must agree on."""
    items = {}
    request: dict[str, Any] = {"TableName": table.name}
    while True:
        answer = table._client.scan(**request)
        for raw in answer["Items"]:
            item = decode(raw)
            item.pop("built_at", None)
            items[item["pk"], item["sk"]] = item
        if "LastEvaluatedKey" not in answer:
            return items
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def empty(table: Table) -> None:
    table.write_many((), deletes=list(dump(table)))


def snapshot(table: Table) -> list[dict[str, Any]]:
    """Everything in the table as it is, for `restore`."""
    return [decode(raw) for raw in table._client.scan(TableName=table.name)["Items"]]


def restore(table: Table, items: list[dict[str, Any]]) -> None:
    """Make the table hold these items and no others."""
    empty(table)
    table.write_many(items)
