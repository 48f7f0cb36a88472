"""Key Messaging Metrics, agent view: who is online, and how loaded.

Offline agents show only when asked for and only if they were logged in within the window; metrics
show only when asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ..serving import Answer, Request, answer
from .records import Refused
from .state import Account, User
from .tokens import oauth1
from .world import World

STATUSES = ("ONLINE", "OFFLINE", "AWAY", "BACK_SOON")
TYPES = {"SYSTEM": 0, "HUMAN": 1, "BOT": 2}
METRICS = {
    "active_conversations", "assigned_conversations", "agent_load", "agent_current_status",
    "agent_current_status_start_time", "agent_current_status_reason",
    "agent_current_status_reason_start_time", "pending_agent_response",
    "pending_agent_response_rate", "available_slots", "max_slots",
}  # fmt: skip
_FILTERS = {"time", "agentIds", "agentGroupIds", "agentSkillIds", "userTypes",
            "effectiveAgentStatus"}  # fmt: skip


def agent_view(world: World, request: Request, found: dict[str, str]) -> Answer:
    account = world.account(found["acc"])
    oauth1(world, request, account)
    gap = world.options.agent_view_min_gap_s
    if gap and not world.meter(f"agent_view {account.id}", limit=1, seconds=gap):
        raise Refused(429, "agent view: at least one second between calls")
    offset, limit, field, down = _page(request)
    filters, metrics, metadata = _body(request)
    since, until = _window(filters)
    rows = [
        (user, _record(world, account, user, metrics, metadata))
        for user in account.users.values()
        if _matches(user, filters) and _seen(user, since, until)
    ]
    rows.sort(key=lambda row: int(row[0].id))
    if field == "agentLoad":
        rows.sort(key=lambda row: _load(world, account, row[0]), reverse=down)
    elif down:
        rows.reverse()
    page = [record for _, record in rows[offset : offset + limit]]
    link = {"rel": "self", "href": f"{request.url}?offset={offset}&limit={limit}"}
    return answer(200, {"metadata": {"count": len(rows), "self": link}, "agentViewRecords": page})


def _page(request: Request) -> tuple[int, int, str, bool]:
    query = request.query
    try:
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "50"))
    except ValueError as error:
        raise Refused(400, "offset and limit are numbers") from error
    if offset < 0 or limit < 1 or offset + limit > 1000:
        raise Refused(400, "offset + limit must not exceed 1000")
    field, _, way = query.get("sort", "agentId:asc").partition(":")
    if field not in ("agentId", "agentLoad") or way not in ("asc", "desc"):
        raise Refused(400, f"cannot sort by {query.get('sort')!r}")
    return offset, limit, field, way == "desc"


def _body(request: Request) -> tuple[dict[str, Any], set[str], bool]:
    try:
        body = request.json()
    except ValueError as error:
        raise Refused(400, "body is not JSON") from error
    filters = body.get("filters") if isinstance(body, dict) else None
    if not isinstance(filters, dict) or not isinstance(filters.get("time"), dict):
        raise Refused(400, "filters.time is required")
    if unknown := set(filters) - _FILTERS:
        raise Refused(400, f"unknown filters {sorted(unknown)}")
    for name, allowed in (("effectiveAgentStatus", STATUSES), ("userTypes", tuple(TYPES))):
        if wrong := set(filters.get(name, [])) - set(allowed):
            raise Refused(400, f"unknown {name} {sorted(wrong)}")
    metrics = set(body.get("metricsToRetrieveCurrentValue", []))
    if wrong := metrics - METRICS:
        raise Refused(400, f"unknown metrics {sorted(wrong)}")
    return filters, metrics, str(body.get("includeAgentMetadata", True)).lower() != "false"


def _window(filters: dict[str, Any]) -> tuple[datetime, datetime]:
    """`from` and `to` in ms, rounded to whole minutes, at most 24 hours apart."""
    times = filters["time"]
    if not all(isinstance(times.get(name), int) for name in ("from", "to")):
        raise Refused(400, "filters.time needs from and to in milliseconds")
    since, until = (datetime.fromtimestamp(times[n] // 60000 * 60, UTC) for n in ("from", "to"))
    if since >= until or until - since > timedelta(hours=24):
        raise Refused(400, "the window is at most 24 hours")
    return since, until + timedelta(minutes=1)


def _matches(user: User, filters: dict[str, Any]) -> bool:
    if not user.exists or user.max_slots == 0:
        return False
    statuses = filters.get("effectiveAgentStatus", ["ONLINE", "AWAY", "BACK_SOON"])
    types = [TYPES[name] for name in filters.get("userTypes", list(TYPES))]
    wanted = {name: {str(v) for v in filters.get(name, [])}
              for name in ("agentIds", "agentGroupIds", "agentSkillIds")}  # fmt: skip
    return (
        user.status in statuses
        and user.user_type in types
        and (not wanted["agentIds"] or user.id in wanted["agentIds"])
        and (not wanted["agentGroupIds"] or str(user.group) in wanted["agentGroupIds"])
        and (not wanted["agentSkillIds"] or bool(wanted["agentSkillIds"] & set(user.skills)))
    )


def _seen(user: User, since: datetime, until: datetime) -> bool:
    """Logged in at some time within the window."""
    if user.first_login is None or user.first_login > until:
        return False
    return user.status != "OFFLINE" or (user.last_seen is not None and user.last_seen >= since)


def _assigned(world: World, account: Account, user: User) -> int:
    return sum(1 for c in world.conversations.values()
               if c.is_open and c.account == account.id and c.assigned == user.id)  # fmt: skip


def _load(world: World, account: Account, user: User) -> float:
    return round(_assigned(world, account, user) / user.max_slots, 3)


def _record(
    world: World, account: Account, user: User, metrics: set[str], metadata: bool
) -> dict[str, Any]:
    assigned = _assigned(world, account, user)
    since = int(user.status_since.timestamp() * 1000) if user.status_since else 0
    values: dict[str, tuple[str, Any]] = {
        "agent_current_status": ("agentCurrentStatus", user.status),
        "agent_current_status_start_time": ("agentCurrentStatusStartTime", since),
        "agent_current_status_reason": ("agentCurrentStatusReasonId", "NA"),
        "agent_current_status_reason_start_time": ("agentCurrentStatusReasonStartTime", since),
        "active_conversations": ("activeConversations", assigned),
        "assigned_conversations": ("assignedConversations", assigned),
        "agent_load": ("agentLoad", _load(world, account, user)),
        "max_slots": ("maxSlots", user.max_slots),
        "available_slots": ("availableSlots", max(user.max_slots - assigned, 0)),
        "pending_agent_response": ("pendingAgentResponse", 0),
        "pending_agent_response_rate": ("pendingAgentResponseRate", 0.0),
    }
    record: dict[str, Any] = {"agentId": user.id, "agentGroupId": int(user.group or -1)}
    record.update(values[name] for name in values if name in metrics)
    if metadata:
        group = account.groups.get(user.group or "")
        record["agentMetadata"] = {
            "agentNickname": user.nickname, "agentLoginName": user.login,
            "agentGroupName": group.name if group else "Main Group",
            "configuredMaxSlots": user.max_slots,
            "agentSkills": [{"skillId": int(s), "skillName": account.skills[s].name}
                            for s in user.skills],
        }  # fmt: skip
    return record
