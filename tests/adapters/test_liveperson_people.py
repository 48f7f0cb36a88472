"""Users, groups and skills: asked as published, read in both notations, never half believed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.adapters.vendor_rig import ACCOUNT, Rig, good, told

from instore.adapters.liveperson import Group, Listing, Skill, User
from instore.errors import BadInputError, VendorError, VendorGarbageError

BASE = "https://accountconfigreadonly.lp.test/api/account/20000001/configuration/le-users"
AS_TEXT: dict[str, Any] = {
    "id": "3100000001", "pid": "0e5c7a10-1111-5222-8333-444455556666", "deleted": "false",
    "loginName": "mia@shop.test", "fullName": "", "nickname": "Mia", "email": "mia@shop.test",
    "isEnabled": "true", "maxChats": "3", "skillIds": ["901", 902], "employeeId": "",
    "memberOf": {"agentGroupId": "55", "assignmentDate": "2026-01-05 10:00:00"},
    "managerOf": [{"agentGroupId": 56, "assignmentDate": "2026-01-05 10:00:00"}],
    "userTypeId": 1,
}  # fmt: skip
MIA = User("3100000001", "0e5c7a10-1111-5222-8333-444455556666", "mia@shop.test", "Mia",
           "mia@shop.test", True, False, 1, "55", ("56",), ("901", "902"))  # fmt: skip


def test_users_are_asked_for_in_full_and_read(clock: Any) -> None:
    rig = Rig(clock, good([AS_TEXT], ac_revision="161"))
    assert rig.liveperson.users(ACCOUNT) == Listing("161", (MIA,), 0)
    (request,) = rig.seen
    assert told(request) == ("GET", f"{BASE}/users", {"v": "4.0"})
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["if-match"] == "-1"
    assert request.headers["accept"] == "application/json"
    assert request.content == b""
    assert request.extensions["timeout"]["read"] == 16


def test_numbers_and_booleans_as_such_mean_the_same(clock: Any) -> None:
    live = {**AS_TEXT, "id": 3100000001, "deleted": False, "isEnabled": True,
            "skillIds": [901, 902], "memberOf": {"agentGroupId": 55},
            "managerOf": [{"agentGroupId": 56}], "userTypeId": "1"}  # fmt: skip
    rig = Rig(clock, good([live], etag='W/"162"'))
    assert rig.liveperson.users(ACCOUNT) == Listing("162", (MIA,), 0)


def test_least_a_user_can_say(clock: Any) -> None:
    rig = Rig(clock, good([{"id": 1, "loginName": "x", "isEnabled": "False", "memberOf": None,
                            "managerOf": None, "deleted": "TRUE", "userTypeId": 2}]))  # fmt: skip
    assert rig.liveperson.users(ACCOUNT) == Listing(
        "", (User("1", "", "x", "", "", False, True, 2, None, (), ()),), 0
    )


def test_unchanged_since_the_revision_known_is_none(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(304))
    assert rig.liveperson.users(ACCOUNT, revision="161") is None
    assert rig.seen[0].headers["if-match"] == "161"
    with pytest.raises(VendorGarbageError):
        rig.liveperson.users(ACCOUNT)


WRONG: list[Any] = [
    {k: v for k, v in AS_TEXT.items() if k != "isEnabled"},
    7, None, {}, {**AS_TEXT, "id": None}, {**AS_TEXT, "id": True}, {**AS_TEXT, "id": "abc"},
    {**AS_TEXT, "id": ""}, {**AS_TEXT, "id": 1.5}, {**AS_TEXT, "loginName": " "},
    {**AS_TEXT, "loginName": None}, {**AS_TEXT, "isEnabled": None}, {**AS_TEXT, "isEnabled": 1},
    {**AS_TEXT, "isEnabled": "yes"}, {**AS_TEXT, "deleted": "maybe"}, {**AS_TEXT, "memberOf": "55"},
    {**AS_TEXT, "memberOf": {}}, {**AS_TEXT, "managerOf": {}}, {**AS_TEXT, "skillIds": ["x"]},
    {**AS_TEXT, "pid": 5}, {**AS_TEXT, "userTypeId": "human"},
    {**AS_TEXT, "userTypeId": "9" * 5000}, {**AS_TEXT, "id": "1" * 21}, {**AS_TEXT, "id": 10**20},
    {**AS_TEXT, "loginName": "a" * 501},
]  # fmt: skip


@pytest.mark.parametrize("entity", WRONG)
def test_one_unreadable_user_in_a_hundred_is_left_out_and_counted(clock: Any, entity: Any) -> None:
    others = [{**AS_TEXT, "id": n} for n in range(99)]
    rig = Rig(clock, good([*others, entity], ac_revision="9"))
    listing = rig.liveperson.users(ACCOUNT)
    assert listing is not None
    assert (len(listing.items), listing.skipped) == (99, 1)
    rig.script = [good([*others[:98], entity], ac_revision="9")]
    with pytest.raises(VendorGarbageError):
        rig.liveperson.users(ACCOUNT)


@pytest.mark.parametrize("entity", WRONG)
def test_unreadable_single_user_is_no_user(clock: Any, entity: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(entity)).liveperson.user(ACCOUNT, user_id="3100000001")


@pytest.mark.parametrize("body", [{}, {"items": []}, "x", None])
def test_listing_that_is_no_list_is_garbage(clock: Any, body: Any) -> None:
    rig = Rig(clock, good(body))
    for ask in (rig.liveperson.users, rig.liveperson.groups, rig.liveperson.skills):
        with pytest.raises(VendorGarbageError):
            ask(ACCOUNT)


def test_nobody_at_all_is_an_answer(clock: Any) -> None:
    assert Rig(clock, good([], ac_revision="1")).liveperson.users(ACCOUNT) == Listing("1", (), 0)


def test_groups(clock: Any) -> None:
    rig = Rig(clock, good([
        {"id": -1, "name": "Main Group", "deleted": False},
        {"id": "55", "name": "Kay 0123", "deleted": "false", "isEnabled": "false"},
    ], ac_revision="3"))  # fmt: skip
    assert rig.liveperson.groups(ACCOUNT, revision="2") == Listing(
        "3", (Group("-1", "Main Group", True, False), Group("55", "Kay 0123", False, False)), 0
    )
    assert told(rig.seen[0]) == (
        "GET", f"{BASE}/agentGroups", {"v": "4.0", "select": "id,name,deleted,isEnabled"}
    )  # fmt: skip
    assert rig.seen[0].headers["if-match"] == "2"


def test_skills(clock: Any) -> None:
    skills = [{"id": 901, "name": "kay-associates", "deleted": False},
              {"id": "902", "name": "Old", "deleted": "true"}]  # fmt: skip
    rig = Rig(clock, good(skills, ac_revision="4"))
    assert rig.liveperson.skills(ACCOUNT) == Listing(
        "4", (Skill("901", "kay-associates", False), Skill("902", "Old", True)), 0
    )
    assert told(rig.seen[0]) == ("GET", f"{BASE}/skills", {"v": "4.0", "select": "id,name,deleted"})


def test_one_user(clock: Any) -> None:
    rig = Rig(clock, good(AS_TEXT), httpx.Response(404), httpx.Response(400))
    assert rig.liveperson.user(ACCOUNT, user_id="3100000001") == MIA
    assert told(rig.seen[0]) == ("GET", f"{BASE}/users/3100000001", {"v": "4.0"})
    assert "if-match" not in rig.seen[0].headers
    assert rig.liveperson.user(ACCOUNT, user_id="4") is None
    with pytest.raises(VendorError):
        rig.liveperson.user(ACCOUNT, user_id="4")


@pytest.mark.parametrize("user_id", ["", ".", "..", "1" * 256])
def test_ids_cannot_leave_their_place_in_the_address(clock: Any, user_id: str) -> None:
    rig = Rig(clock, good(AS_TEXT))
    with pytest.raises(BadInputError):
        rig.liveperson.user(ACCOUNT, user_id=user_id)
    assert rig.seen == []
    rig.liveperson.user(ACCOUNT, user_id="../a?b#c")
    assert rig.seen[0].url.raw_path.endswith(b"/users/..%2Fa%3Fb%23c?v=4.0")
