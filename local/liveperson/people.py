"""Users, Skills and Agent Groups APIs, read side.

One revision for the whole account; an unchanged `If-Match` gets 304; `employeeId` and `fullName`
always come back empty. Writes are not simulated: nothing in the bundle writes configuration.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..serving import Answer, Request, answer
from .records import Refused
from .state import Account, Group, Skill, User
from .tokens import bearer, oauth1
from .world import World

_DEFAULT_SELECT = {"users": "", "skills": "id,deleted,name"}
_VERSIONS = {f"{n}.0" for n in range(1, 7)}


def listing(world: World, request: Request, found: dict[str, str]) -> Answer:
    account, kind = _entered(world, request, found)
    unchanged = _unchanged(account, request)
    if unchanged is not None:
        return unchanged
    deleted = request.query.get("include_deleted", "false") == "true"
    rows = [shown for deleted_row, shown in _rows(world, account, kind)
            if deleted or not deleted_row]  # fmt: skip
    default = (
        world.options.groups_select_default if kind == "agentGroups" else _DEFAULT_SELECT[kind]
    )
    select = request.query.get("select", default)
    return answer(200, [_selected(row, select) for row in rows], ac_revision=str(account.revision))


def single(world: World, request: Request, found: dict[str, str]) -> Answer:
    account, kind = _entered(world, request, found)
    for deleted, row in _rows(world, account, kind):
        if str(row["id"]) == found["id"]:
            if deleted and request.query.get("include_deleted", "false") != "true":
                break
            unchanged = _unchanged(account, request)
            if unchanged is not None:
                return unchanged
            shown = _selected(row, request.query.get("select", ""))
            return answer(200, shown, ac_revision=str(account.revision))
    raise Refused(404, f"no such entity in {kind}")


def _entered(world: World, request: Request, found: dict[str, str]) -> tuple[Account, str]:
    if request.method != "GET":
        raise Refused(405, "the simulator has no configuration writes")
    account = world.account(found["acc"])
    if request.headers.get("authorization", "").startswith("OAuth "):
        oauth1(world, request, account)
    else:
        bearer(world, request, account, versions=("V2",), scope="users.external")
    version = request.query.get("v")
    if version is None and world.options.missing_version_status is not None:
        raise Refused(world.options.missing_version_status, "v is missing")
    if version is not None and version not in _VERSIONS:
        raise Refused(400, f"wrong version {version!r}")
    return account, found["kind"]


def _unchanged(account: Account, request: Request) -> Answer | None:
    known = request.headers.get("if-match", "-1").strip('"')
    if known == str(account.revision):
        return Answer(304, b"", {"ac-revision": str(account.revision)})
    return None


def _selected(row: dict[str, Any], select: str) -> dict[str, Any]:
    """Unknown fields are ignored; `$all` and nothing mean everything."""
    if not select or select == "$all":
        return row
    names = {name.strip() for name in select.split(",")}
    return {name: value for name, value in row.items() if name in names}


def _rows(world: World, account: Account, kind: str) -> list[tuple[bool, dict[str, Any]]]:
    write = _Writer(strings=world.options.values_as == "strings")
    if kind == "users":
        return [(u.deleted, write.user(u, world.now())) for u in account.users.values()]
    if kind == "skills":
        return [(s.deleted, write.skill(s)) for s in account.skills.values()]
    return [(g.deleted, write.group(g)) for g in account.groups.values()]


class _Writer:
    """Entities as JSON: numbers and booleans as strings (examples) or as themselves (live data)."""

    def __init__(self, *, strings: bool) -> None:
        self._strings = strings

    def number(self, value: str | int) -> str | int:
        return str(value) if self._strings else int(value)

    def flag(self, value: bool) -> str | bool:
        return str(value).lower() if self._strings else value

    def user(self, user: User, now: datetime) -> dict[str, Any]:
        stamp = f"{now:%Y-%m-%d %H:%M:%S}"
        return {
            "id": self.number(user.id), "pid": user.pid, "deleted": self.flag(user.deleted),
            "loginName": user.login, "fullName": "", "nickname": user.nickname,
            "email": user.email, "isEnabled": self.flag(user.enabled),
            "disabledManually": not user.enabled, "maxChats": self.number(user.max_slots),
            "maxAsyncChats": self.number(user.max_slots),
            "skillIds": [int(s) for s in user.skills], "profileIds": [2359273612], "lobIds": [],
            "memberOf": self._member_of(user.group, stamp) if user.group else None,
            "managerOf": [self._member_of(g, stamp) for g in user.manager_of],
            "permissionGroups": [], "employeeId": "", "mobileNumber": "", "description": "",
            "isApiUser": False, "userTypeId": user.user_type, "changePwdNextLogin": False,
            "dateUpdated": stamp,
        }  # fmt: skip

    def _member_of(self, group: str, stamp: str) -> dict[str, Any]:
        return {"agentGroupId": self.number(group), "assignmentDate": stamp}

    def skill(self, skill: Skill) -> dict[str, Any]:
        return {
            "id": self.number(skill.id), "deleted": self.flag(skill.deleted), "name": skill.name,
            "description": "", "maxWaitTime": 120, "canTransfer": True,
            "skillTransferList": None if skill.transfer_list is None
            else [int(s) for s in skill.transfer_list],
            "transferToAgentMaxWaitInSeconds": skill.transfer_wait_s,
            "fallbackWhenAllAgentsAreAway": True,
        }  # fmt: skip

    def group(self, group: Group) -> dict[str, Any]:
        return {
            "id": self.number(group.id), "deleted": self.flag(group.deleted), "name": group.name,
            "description": "", "isEnabled": self.flag(group.enabled),
            "parentGroupId": self.number(group.parent) if group.parent else None,
        }  # fmt: skip
