"""LivePerson's users, agent groups and skills, read whole: the raw material of the agent map.

Source: LivePerson developer center, ContactCenterManagement/{UsersAPI,AgentGroupsAPI,SkillsAPI}.
Three facts shape this module. `employeeId` and `fullName` always come back empty, so they are
not read. The revision is one number per account, so a 304 says that nothing changed anywhere.
Numbers and booleans arrive as such or as text ("true", "2434634412"); both are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import VendorGarbageError
from .liveperson_session import Call
from .vendor_http import Limits, Reply, segment

if TYPE_CHECKING:
    from ..program import Account
    from .liveperson_session import Session

# `v` is required. The published entity is that of 4.0; the newest page names 6.0 for users
# without saying what differs, so we ask for the one whose shape is known.
VERSION = "4.0"
LISTS = Limits(total=20, connect=2, largest=20_000_000)
ONE = Limits(total=5, connect=1)
LONGEST_ID = 20  # digits; Python refuses to read numbers of thousands of them
LONGEST_TEXT = 500  # of a name: it becomes part of a key
BAD_SHARE = 0.01  # more unreadable entities than this and the listing is not believed


@dataclass(frozen=True, slots=True)
class User:
    """A LivePerson user. `id` is the numeric id, `pid` the UUID that webhooks use ("" if untold).

    `user_type`: 0 system, 1 human, 2 bot. `member_of` and `manager_of` are agent group ids.
    """

    id: str
    pid: str
    login: str
    nickname: str
    email: str
    enabled: bool
    deleted: bool
    user_type: int
    member_of: str | None
    manager_of: tuple[str, ...]
    skill_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """An agent group. `enabled` is true unless the listing says otherwise."""

    id: str
    name: str
    enabled: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill: bots transfer by `name` (case counts), everything else by `id`."""

    id: str
    name: str
    deleted: bool


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Everybody, as of `revision` ("" if the answer had none). `skipped` entities made no sense."""

    revision: str
    items: tuple[T, ...]
    skipped: int = 0


class _NotOneOfUsError(ValueError):
    """An entity that does not have the published shape."""


def list_users(session: Session, account: Account, *, revision: str | None) -> Listing[User] | None:
    """All users that are not deleted, or None if nothing changed since `revision`."""
    return _list(session, account, "users", revision=revision, read=_user, select="")


def list_groups(
    session: Session, account: Account, *, revision: str | None
) -> Listing[Group] | None:
    """All agent groups, or None if nothing changed since `revision`."""
    return _list(session, account, "agentGroups", revision=revision, read=_group,
                 select="id,name,deleted,isEnabled")  # fmt: skip


def list_skills(
    session: Session, account: Account, *, revision: str | None
) -> Listing[Skill] | None:
    """All skills, or None if nothing changed since `revision`."""
    return _list(session, account, "skills", revision=revision, read=_skill,
                 select="id,name,deleted")  # fmt: skip


def read_user(session: Session, account: Account, *, user_id: str) -> User | None:
    """One user by numeric id; None if LivePerson knows none. VendorGarbageError if unreadable."""
    call = Call("GET", "accountConfigReadOnly", _path(account, "users") + "/" + segment(user_id),
                "v2", ONE, {"v": VERSION})  # fmt: skip
    reply = session.ask_if_there(account, call)
    if reply is None:
        return None
    try:
        return _user(reply.json())
    except _NotOneOfUsError as error:
        raise VendorGarbageError("LivePerson's user has another shape") from error


def _list(
    session: Session, account: Account, kind: str, *, revision: str | None,
    read: Callable[[Any], T], select: str,
) -> Listing[T] | None:  # fmt: skip
    query = {"v": VERSION, **({"select": select} if select else {})}
    # -1 = always answer in full.
    call = Call("GET", "accountConfigReadOnly", _path(account, kind), "v2", LISTS, query,
                headers={"if-match": revision or "-1"})  # fmt: skip
    reply = session.ask(account, call)
    if reply.status == 304:
        if not revision:
            raise VendorGarbageError("LivePerson says unchanged to a first question")
        return None
    entities = reply.json()
    if not isinstance(entities, list):
        raise VendorGarbageError("LivePerson's listing is not a list")
    items: list[T] = []
    skipped = 0
    for entity in entities:
        try:
            items.append(read(entity))
        except _NotOneOfUsError:
            skipped += 1
    if skipped > len(entities) * BAD_SHARE:
        raise VendorGarbageError("LivePerson's listing has entities of another shape")
    return Listing(_revision(reply), tuple(items), skipped)


def _path(account: Account, kind: str) -> str:
    return f"/api/account/{account.id}/configuration/le-users/{kind}"


def _revision(reply: Reply) -> str:
    """Method pages call the header `ac-revision`, the appendix `eTag`."""
    text = reply.headers.get("ac-revision") or reply.headers.get("etag") or ""
    return text.removeprefix("W/").strip('"')


def _user(entity: Any) -> User:
    user = _mapping(entity)
    member = user.get("memberOf")
    return User(
        id=_id(user.get("id")), pid=_text(user, "pid"), login=_text(user, "loginName", need=True),
        nickname=_text(user, "nickname"), email=_text(user, "email"),
        # Whether a user is enabled decides whether a customer may be sent there: never assumed.
        enabled=_flag(user.get("isEnabled")), deleted=_flag(user.get("deleted", False)),
        user_type=int(_id(user.get("userTypeId", 1))),
        member_of=None if member is None else _id(_mapping(member).get("agentGroupId")),
        manager_of=tuple(_id(_mapping(g).get("agentGroupId")) for g in _list_of(user, "managerOf")),
        skill_ids=tuple(_id(skill) for skill in _list_of(user, "skillIds")),
    )  # fmt: skip


def _group(entity: Any) -> Group:
    group = _mapping(entity)
    return Group(
        id=_id(group.get("id")), name=_text(group, "name", need=True),
        enabled=_flag(group.get("isEnabled", True)), deleted=_flag(group.get("deleted", False)),
    )  # fmt: skip


def _skill(entity: Any) -> Skill:
    skill = _mapping(entity)
    return Skill(
        id=_id(skill.get("id")), name=_text(skill, "name", need=True),
        deleted=_flag(skill.get("deleted", False)),
    )  # fmt: skip


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _NotOneOfUsError
    return value


def _list_of(entity: Mapping[str, Any], name: str) -> list[Any]:
    value = entity.get(name)
    if value is not None and not isinstance(value, list):
        raise _NotOneOfUsError
    return value or []


def _id(value: Any) -> str:
    """A whole number as text; the built-in main group is -1."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > LONGEST_ID or not value.isascii():
        raise _NotOneOfUsError
    if value.removeprefix("-").isdigit():
        return value
    raise _NotOneOfUsError


def _text(entity: Mapping[str, Any], name: str, *, need: bool = False) -> str:
    value = entity.get(name)
    if value is None and not need:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or (need and not value.strip()):
        raise _NotOneOfUsError
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _NotOneOfUsError
