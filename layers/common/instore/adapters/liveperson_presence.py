"""Who is online now: LivePerson's agent view, turned into evidence with an age.

Source: LivePerson developer center, Reporting/KeyMessagingMetricsAPI/Methods/agent-view.md.
LivePerson calls its metrics unfit for routing and offers nothing else, so an answer is evidence,
no answer is no information, and what makes no sense about an agent is UNKNOWN, never ONLINE.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import VendorGarbageError
from ..model import epoch_ms, from_epoch_ms
from ..presence import Evidence, Presence, Status
from .liveperson_session import Call
from .vendor_http import Limits

if TYPE_CHECKING:
    from ..program import Account
    from .liveperson_session import Session

LIMITS = Limits(total=2)
ROWS = 1000  # offset + limit may not be more
_REPORTED = ("ONLINE", "OFFLINE", "AWAY", "BACK_SOON")
_LARGEST = 10**15  # beyond every load, slot count and time in milliseconds; infinity too
_NO_INFORMATION = Presence(Status.UNKNOWN, seen=False)


def view_agents(
    session: Session, account: Account, *, agent_ids: list[str], now: datetime
) -> Evidence:
    """Presence of these agents (numeric ids), as of `now`: one call, two seconds in all.

    Nobody asked for = answered without a call. More than 1000 agents take several calls, still
    two seconds in all. Raises the VendorError family; never tries again by itself.
    """
    until = session.http.monotonic() + LIMITS.total
    wanted = list(dict.fromkeys(agent_ids))
    found: dict[str, Presence] = {}
    for start in range(0, len(wanted), ROWS):
        some = wanted[start : start + ROWS]
        answer = session.ask(account, _call(account, some, now=now), until=until).json()
        found |= _read(answer, set(some))
    return Evidence(at=now, answered=True, of=found)


def _call(account: Account, agent_ids: list[str], *, now: datetime) -> Call:
    # At most the last 24 hours, in whole minutes. OFFLINE must be asked for, or agents who are
    # offline cannot be told from agents nobody knows.
    until = now.replace(second=0, microsecond=0)
    body = {
        "filters": {
            "time": {"from": epoch_ms(until - timedelta(hours=24) + timedelta(minutes=1)),
                     "to": epoch_ms(until)},
            "agentIds": agent_ids,
            "userTypes": ["HUMAN"],
            "effectiveAgentStatus": list(_REPORTED),
        },
        "includeAgentMetadata": False,
        "metricsToRetrieveCurrentValue": [
            "agent_current_status", "agent_current_status_start_time", "agent_load",
            "available_slots", "max_slots", "assigned_conversations",
        ],
    }  # fmt: skip
    return Call("POST", "agentManagerWorkspace",
                f"/manager_workspace/api/account/{account.id}/agent_view", "oauth1", LIMITS,
                {"offset": "0", "limit": str(len(agent_ids))}, body)  # fmt: skip


def _read(answer: Any, asked: set[str]) -> dict[str, Presence]:
    records = answer.get("agentViewRecords") if isinstance(answer, dict) else None
    if not isinstance(records, list):
        raise VendorGarbageError("the agent view has another shape")
    found: dict[str, Presence] = {}
    for record in records:
        agent = _agent(record)
        if agent in asked:
            presence = _presence(record)
            # Told twice and differently is not told.
            same = found.setdefault(agent, presence) == presence
            found[agent] = presence if same else _NO_INFORMATION
    if _more_than(answer, len(records)):
        # Rows are missing: absence then is no sign of being offline.
        found |= dict.fromkeys(asked - found.keys(), _NO_INFORMATION)
    return found


def _more_than(answer: dict[str, Any], rows: int) -> bool:
    metadata = answer.get("metadata")
    count = metadata.get("count") if isinstance(metadata, dict) else None
    return isinstance(count, int) and count > rows


def _agent(record: Any) -> str:
    agent = record.get("agentId") if isinstance(record, dict) else None
    if isinstance(agent, bool) or not isinstance(agent, int | str) or agent == "":
        raise VendorGarbageError("the agent view names no agent")
    return str(agent)


def _presence(record: dict[str, Any]) -> Presence:
    """One agent; UNKNOWN as soon as any of its fields is not what it should be."""
    status = record.get("agentCurrentStatus")
    load, slots = record.get("agentLoad"), record.get("availableSlots")
    since = record.get("agentCurrentStatusStartTime")
    if status not in _REPORTED or not _numbers((load, slots, since)):
        return _NO_INFORMATION
    try:
        began = None if since is None else from_epoch_ms(since)
        free = None if slots is None else int(slots)
    except (ValueError, OverflowError, OSError):
        return _NO_INFORMATION
    return Presence(
        Status(status), load=None if load is None else float(load), free_slots=free, since=began
    )


def _numbers(values: Iterable[Any]) -> bool:
    return all(
        v is None or (isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < _LARGEST)
        for v in values
    )
