"""Agent view: the request to the letter, and no way to be ONLINE by mistake (I12)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.adapters.vendor_rig import ACCOUNT, Rig, good, told

from instore.errors import VendorGarbageError
from instore.presence import Evidence, Presence, Status

NOTHING = Presence(Status.UNKNOWN, seen=False)
SINCE = datetime(2026, 11, 18, 16, 30, tzinfo=UTC)


def record(agent: Any = "7", status: Any = "ONLINE", **more: Any) -> dict[str, Any]:
    return {"agentId": agent, "agentGroupId": -1, "agentCurrentStatus": status,
            "agentCurrentStatusStartTime": int(SINCE.timestamp() * 1000), "agentLoad": 0.25,
            "maxSlots": 4, "availableSlots": 3, "assignedConversations": 1, **more}  # fmt: skip


def view(clock: Any, *records: Any, ids: list[str], count: Any = None) -> Evidence:
    body = {"metadata": {"count": len(records) if count is None else count},
            "agentViewRecords": list(records)}  # fmt: skip
    return Rig(clock, good(body)).liveperson.agent_view(ACCOUNT, agent_ids=ids, now=clock.now())


def test_request(clock: Any) -> None:
    rig = Rig(clock, good({"agentViewRecords": []}))
    now = clock.now() + timedelta(seconds=41.5)
    rig.liveperson.agent_view(ACCOUNT, agent_ids=["7", "8", "7"], now=now)
    (request,) = rig.seen
    assert told(request) == (
        "POST",
        "https://agentmanagerworkspace.lp.test/manager_workspace/api/account/20000001/agent_view",
        {"offset": "0", "limit": "2"},
    )
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {
        "filters": {
            "time": {"from": 1794934860000, "to": 1795021200000},  # 17:01 and, a day on, 17:00
            "agentIds": ["7", "8"],
            "userTypes": ["HUMAN"],
            "effectiveAgentStatus": ["ONLINE", "OFFLINE", "AWAY", "BACK_SOON"],
        },
        "includeAgentMetadata": False,
        "metricsToRetrieveCurrentValue": [
            "agent_current_status", "agent_current_status_start_time", "agent_load",
            "available_slots", "max_slots", "assigned_conversations",
        ],
    }  # fmt: skip


def test_nobody_is_answered_without_a_call(clock: Any) -> None:
    rig = Rig(clock)
    evidence = rig.liveperson.agent_view(ACCOUNT, agent_ids=[], now=clock.now())
    assert evidence == Evidence(clock.now(), True, {})
    assert (rig.seen, rig.domain_seen) == ([], [])


def test_answer(clock: Any) -> None:
    evidence = view(clock, record(), record(8, "AWAY", availableSlots=None, agentLoad=None),
                    record("99"), ids=["7", "8", "9"])  # fmt: skip
    assert evidence == Evidence(clock.now(), True, {
        "7": Presence(Status.ONLINE, 0.25, 3, SINCE), "8": Presence(Status.AWAY, None, None, SINCE),
    })  # fmt: skip
    assert evidence.about("9").status is Status.OFFLINE
    assert evidence.about("7").can_take


def test_least_a_record_can_say(clock: Any) -> None:
    bare = {"agentId": "7", "agentCurrentStatus": "BACK_SOON"}
    assert view(clock, bare, ids=["7"]).of == {"7": Presence(Status.BACK_SOON)}


@pytest.mark.parametrize(
    "wrong",
    [{"agentCurrentStatus": "OCCUPIED"}, {"agentCurrentStatus": "online"},
     {"agentCurrentStatus": None}, {"agentCurrentStatus": ["ONLINE"]}, {"agentLoad": "0.25"},
     {"availableSlots": "3"}, {"availableSlots": True}, {"agentCurrentStatusStartTime": "now"},
     {"agentCurrentStatusStartTime": 1e30}, {"agentLoad": 10**400}, {"availableSlots": 10**400},
     {"agentCurrentStatusStartTime": -(10**400)}, {"availableSlots": 10**15}],
)  # fmt: skip
def test_what_makes_no_sense_about_an_agent_is_unknown(clock: Any, wrong: dict[str, Any]) -> None:
    evidence = view(clock, {**record(), **wrong}, record("8"), ids=["7", "8"])
    assert evidence.of["7"] == NOTHING
    assert not evidence.of["7"].can_take
    assert evidence.of["8"].can_take


@pytest.mark.parametrize("load", ["1e999", "-1e999"])
def test_an_endless_load_is_unknown(clock: Any, load: str) -> None:
    body = json.dumps({"agentViewRecords": [record(agentLoad="LOAD")]}).replace('"LOAD"', load)
    rig = Rig(clock, httpx.Response(200, content=body.encode()))
    assert rig.liveperson.agent_view(ACCOUNT, agent_ids=["7"], now=clock.now()).of["7"] == NOTHING


def test_told_twice_and_differently_is_unknown(clock: Any) -> None:
    same = view(clock, record(), record(), ids=["7"])
    assert same.of["7"].status is Status.ONLINE
    assert view(clock, record(), record(status="AWAY"), ids=["7"]).of == {"7": NOTHING}


def test_missing_rows_are_not_offline(clock: Any) -> None:
    evidence = view(clock, record(), ids=["7", "8"], count=2)
    assert evidence.about("7").status is Status.ONLINE
    assert evidence.about("8") == NOTHING
    for count in ("2", None, 1):
        assert view(clock, record(), ids=["7", "8"], count=count).about("8").status == "OFFLINE"


@pytest.mark.parametrize(
    "body",
    [[], {}, {"agentViewRecords": None}, {"agentViewRecords": {"7": record()}},
     {"agentViewRecords": [7]}, {"agentViewRecords": [{"agentCurrentStatus": "ONLINE"}]},
     {"agentViewRecords": [record(True)]}, {"agentViewRecords": [record("")]},
     {"agentViewRecords": [record(1.5)]}],
)  # fmt: skip
def test_other_shapes_are_no_information(clock: Any, body: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(body)).liveperson.agent_view(ACCOUNT, agent_ids=["7"], now=clock.now())


def test_more_than_a_thousand_agents_take_several_calls(clock: Any) -> None:
    ids = [str(n) for n in range(2001)]

    def all_online(request: Any) -> Any:
        asked = json.loads(request.content)["filters"]["agentIds"]
        return good({"agentViewRecords": [record(agent) for agent in asked]})

    rig = Rig(clock, all_online)
    evidence = rig.liveperson.agent_view(ACCOUNT, agent_ids=ids, now=clock.now())
    assert [told(r)[2]["limit"] for r in rig.seen] == ["1000", "1000", "1"]
    assert list(evidence.of) == ids
