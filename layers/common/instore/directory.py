"""The agent map's values: who works in which store under which manager.

Built by directory_build.py from LivePerson's users and groups joined with the brand's roster by
login name (LivePerson returns `employeeId` blank); kept one item per store; looked up by
routing, outreach and assignment. `document` and `store_from` are the one place that knows how a
store is written down (docs/data-model.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from .model import fold_login

END_OF_DAY = "24:00"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where an associate is: enough to read the store and to name the agent to LivePerson."""

    account: str
    group: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class Associate:
    """A LivePerson user who serves customers. `agent_id` is the numeric id, `pid` the UUID.

    `enabled` is false for a disabled user: kept in the map so that strict programs can tell
    "terminated" from "unknown", and never chosen.
    """

    agent_id: str
    pid: str
    login: str
    nickname: str
    enabled: bool = True
    employee_id: str = ""
    words: tuple[str, ...] = ()  # folded keywords and the Base36 id, as reserved
    visiting: bool = False  # manages this store too, but the pointers lead to another one


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of one weekday (Monday = 0), wall clock of the store."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Store:
    """An agent group: a store of a banner, or a team of navigators."""

    account: str
    group: str
    name: str
    banner: str
    zone: str  # IANA
    state: str  # US state or Canadian province, two letters, "" if unknown
    postal_code: str
    openings: tuple[Opening, ...]  # empty = always open
    associates: tuple[Associate, ...]
    managers: tuple[Associate, ...]
    phone: str = ""  # E.164: where somebody can be called, "" if unknown

    def find(self, agent_id: str) -> Associate | None:
        """An associate or manager of this store, enabled or not."""
        return next((a for a in self.people() if a.agent_id == agent_id), None)

    def people(self) -> Iterable[Associate]:
        yield from self.associates
        yield from self.managers

    def is_open(self, now: datetime) -> bool:
        """Whether the store is open at this instant, in its own zone. No hours = always."""
        if not self.openings:
            return True
        local = now.astimezone(ZoneInfo(self.zone))
        return any(
            o.weekday == local.weekday() and o.opens <= local.time() < o.closes
            for o in self.openings
        )


@dataclass(frozen=True, slots=True)
class MapState:
    """What the last rebuild of one account left behind: enough to see that nothing changed.

    `stores` maps group -> hash of the store as written. `unsettled` are groups whose writing
    began and was not confirmed: the next rebuild goes over them again. `mirror_pending` are
    `<banner>|<group>` that the Context Service has not taken yet.
    """

    revisions: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    stores: Mapping[str, str] = field(default_factory=dict)
    agents: int = 0
    skills: Mapping[str, str] = field(default_factory=dict)  # name -> id
    built_at: str = ""  # ISO; "" = never built
    unsettled: frozenset[str] = frozenset()
    mirror_pending: frozenset[str] = frozenset()


def aliases(store: Store) -> dict[str, Pointer]:
    """Every name under which this store's people are found: `<banner>#<WORD>`,
    `<account>#agent:<id>`, `#pid:<pid>`, `#login:<login>` -> where they are."""
    names: dict[str, Pointer] = {}
    for person in store.people():
        if person.visiting:
            continue
        pointer = Pointer(store.account, store.group, person.agent_id)
        names[agent_name(store.account, person.agent_id)] = pointer
        names[pid_name(store.account, person.pid)] = pointer
        names[login_name(store.account, person.login)] = pointer
        for word in person.words:
            names[f"{store.banner}#{word}"] = pointer
    return names


def pointer_item(pointer: Pointer) -> dict[str, str]:
    """A pointer as it is stored."""
    return {"account": pointer.account, "group": pointer.group, "agent": pointer.agent_id}


def pointer_from(item: Mapping[str, Any]) -> Pointer:
    """Inverse of `pointer_item`; other attributes are ignored."""
    return Pointer(item["account"], item["group"], item["agent"])


def agent_name(account: str, agent_id: str) -> str:
    return f"{account}#agent:{agent_id}"


def pid_name(account: str, pid: str) -> str:
    return f"{account}#pid:{pid}"


def login_name(account: str, login: str) -> str:
    """Logins are compared without case: people type their address as they like."""
    return f"{account}#login:{fold_login(login)}"


def document(store: Store) -> dict[str, Any]:
    """A store as plain lists and mappings, empty values left out: what is stored and hashed."""
    whole: dict[str, Any] = {
        "account": store.account, "group": store.group, "name": store.name,
        "banner": store.banner, "zone": store.zone, "state": store.state,
        "postal_code": store.postal_code, "phone": store.phone,
        "openings": [[o.weekday, _clock(o.opens), _clock(o.closes)] for o in store.openings],
        "associates": [_person(a) for a in store.associates],
        "managers": [_person(a) for a in store.managers],
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value not in ("", [])}


def store_from(item: Mapping[str, Any]) -> Store:
    """Inverse of `document`; other attributes of a stored item are ignored.

    People named in the item's `off` set count as disabled: LivePerson said so after the last
    rebuild (see Stores.disable_agent).
    """
    off = item.get("off") or ()
    return Store(
        account=item["account"], group=item["group"], name=item.get("name", ""),
        banner=item["banner"], zone=item["zone"], state=item.get("state", ""),
        postal_code=item.get("postal_code", ""),
        openings=tuple(Opening(int(day), _time(opens), _time(closes))
                       for day, opens, closes in item.get("openings", ())),
        associates=tuple(_associate(p, off) for p in item.get("associates", ())),
        managers=tuple(_associate(p, off) for p in item.get("managers", ())),
        phone=item.get("phone", ""),
    )  # fmt: skip


def read_clock(text: str) -> time:
    """`09:30` or `9:30`, and `24:00` for the end of the day. Raises ValueError."""
    if text == END_OF_DAY:
        return time.max
    hours, _, minutes = text.partition(":")
    plain = hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()
    if not plain or len(hours) > 2 or len(minutes) != 2:
        raise ValueError("not a time of day")
    return time(int(hours), int(minutes))


def _time(text: str) -> time:
    return time.max if text == END_OF_DAY else time(int(text[:2]), int(text[3:]))


def _clock(moment: time) -> str:
    return END_OF_DAY if moment == time.max else f"{moment:%H:%M}"


def _person(person: Associate) -> dict[str, Any]:
    entry: dict[str, Any] = {"agent": person.agent_id, "pid": person.pid, "login": person.login,
                             "nick": person.nickname}  # fmt: skip
    if not person.enabled:
        entry["on"] = False
    if person.employee_id:
        entry["emp"] = person.employee_id
    if person.words:
        entry["words"] = list(person.words)
    if person.visiting:
        entry["visiting"] = True
    return entry


def _associate(entry: Mapping[str, Any], off: Iterable[str]) -> Associate:
    return Associate(
        agent_id=entry["agent"], pid=entry["pid"], login=entry["login"], nickname=entry["nick"],
        enabled=entry.get("on", True) and entry["agent"] not in off,
        employee_id=entry.get("emp", ""), words=tuple(entry.get("words", ())),
        visiting=entry.get("visiting", False),
    )  # fmt: skip
