"""Outbound reporting: what became of campaign texts, twenty minutes late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ..serving import Answer, Request, answer
from .proactive import known_campaign
from .records import Refused
from .state import Account, Campaign, Recipient
from .tokens import bearer, oauth1
from .world import World

STATUSES = ("FAILED", "SKIPPED", "SENT", "DELIVERED", "READ", "RESPONDED")
_FILTERS = {"channels", "skills", "messagestatus", "transactionids"}
_TIMES = ("sentTime", "deliveredTime", "readTime", "failedTime", "skippedTime",
          "conversationsCreatedTime", "conversationsClosedTime")  # fmt: skip


def transactions(world: World, request: Request, found: dict[str, str]) -> Answer:
    """POST …/app/prmsg/transactions/?attemptedStartTime&attemptedEndTime&v=2.0.

    A text that still waits for its recipient's morning has not been attempted: it is not listed.
    """
    account = _entered(world, request, found)
    start, end = _window(request)
    offset, limit, filters = _page(request)
    rows = [
        row
        for campaign in world.campaigns.values()
        if campaign.account == account.id
        for recipient in campaign.recipients
        if recipient.attempted is not None
        and start <= recipient.attempted <= end
        and _shown(world, recipient.attempted)
        for row in [_transaction(world, campaign, recipient)]
        if _wanted(row, filters)
    ]
    return answer(200, {
        "requestMetadata": {"accountId": account.id, "app": "prmsg", "filters": filters,
                            "attemptedStartTime": int(request.query["attemptedStartTime"]),
                            "attemptedEndTime": int(request.query["attemptedEndTime"])},
        "page": {"count": len(rows), "offset": offset, "limit": limit},
        "transactions": rows[offset : offset + limit],
    })  # fmt: skip


def campaign_report(world: World, request: Request, found: dict[str, str]) -> Answer:
    """GET …/app/prmsg/campaigns/{id}/. The documented example carries no campaign name."""
    account = _entered(world, request, found)
    campaign = known_campaign(world, account, found["id"])
    if not _shown(world, campaign.created):
        raise Refused(404, "no such campaign yet")
    about = {"accountId": account.id, "app": "prmsg", "proactiveCampaignId": campaign.id}
    if world.options.report_names_campaigns:
        about["campaignName"] = campaign.name
    rows = []
    for recipient in campaign.recipients:
        row = _transaction(world, campaign, recipient)
        rows.append({"id": recipient.id, "status": row["messageStatus"], "consumerId": "",
                     "errorCode": row["errorCode"], "errorMessage": row["errorMessage"],
                     "errorSource": row["errorSource"],
                     "conversationId": row["conversationId"]})  # fmt: skip
    page = {"count": len(rows), "previousOffset": -1, "currentOffset": 0, "nextOffset": -1}
    return answer(200, {"requestMetadata": about, "page": page, "consumersReport": rows})


def _entered(world: World, request: Request, found: dict[str, str]) -> Account:
    account = world.account(found["acc"])
    if request.headers.get("authorization", "").startswith("OAuth "):
        oauth1(world, request, account)
    else:
        bearer(world, request, account, versions=("V1", "V2"))
    if not world.meter("reporting", limit=world.options.requests_per_s):
        raise Refused(429, "more than 10 requests in a second")
    return account


def _window(request: Request) -> tuple[datetime, datetime]:
    query = request.query
    if query.get("v") != "2.0":
        raise Refused(400, f"wrong version {query.get('v')!r}")
    try:
        start, end = (datetime.fromtimestamp(int(query[name]) / 1000, UTC)
                      for name in ("attemptedStartTime", "attemptedEndTime"))  # fmt: skip
    except (KeyError, ValueError) as error:
        raise Refused(400, "attemptedStartTime and attemptedEndTime in ms are required") from error
    if end < start or end - start > timedelta(hours=24):
        raise Refused(400, "the interval cannot exceed 24 hours")
    return start, end


def _page(request: Request) -> tuple[int, int, dict[str, list[str]]]:
    try:
        body = request.json()
    except ValueError as error:
        raise Refused(400, "body is not JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "body is not an object")
    offset, limit = body.get("offset", 0), body.get("limit", 100)
    if not isinstance(offset, int) or not isinstance(limit, int):
        raise Refused(400, "offset and limit are numbers")
    if offset < 0 or not 1 <= limit <= 5000:
        raise Refused(400, "limit is 1 to 5000")
    filters = body.get("filters") or {}
    if unknown := set(filters) - _FILTERS:
        raise Refused(400, f"unknown filters {sorted(unknown)}")
    if wrong := set(filters.get("messagestatus", [])) - set(STATUSES):
        raise Refused(400, f"unknown messagestatus {sorted(wrong)}")
    return offset, limit, filters


def _shown(world: World, at: datetime) -> bool:
    """Whether reporting knows by now what happened at `at`."""
    return world.now() - at >= timedelta(seconds=world.options.reporting_delay_s)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _transaction(world: World, campaign: Campaign, recipient: Recipient) -> dict[str, Any]:
    times = {name: recipient.times[name] for name in _TIMES
             if name in recipient.times and _shown(world, recipient.times[name])}  # fmt: skip
    failed = "failedTime" in times or "skippedTime" in times
    error = recipient.error if failed else None
    return {
        "channel": "sms", "skill": campaign.skill, "transactionId": recipient.id,
        "attemptedTime": _stamp(recipient.attempted) if recipient.attempted else None,
        "cancelledTime": None, "eligibleTime": None,
        **{name: _stamp(times[name]) if name in times else None for name in _TIMES},
        "optInsTime": None, "optOutsTime": None, "consumerId": None,
        "conversationId": (recipient.conversation or None)
        if "conversationsCreatedTime" in times else None,
        "proactiveCampaignId": campaign.id, "handOffId": campaign.template,
        "errorCode": error[0] if error else None, "errorMessage": error[1] if error else None,
        "errorSource": error[0].rsplit("_", 1)[0] if error else None,
        "messageStatus": _status(times),
    }  # fmt: skip


def _status(times: dict[str, datetime]) -> str | None:
    for name, status in (
        ("skippedTime", "SKIPPED"), ("failedTime", "FAILED"),
        ("conversationsCreatedTime", "RESPONDED"), ("readTime", "READ"),
        ("deliveredTime", "DELIVERED"), ("sentTime", "SENT"),
    ):  # fmt: skip
        if name in times:
            return status
    return None


def _wanted(row: dict[str, Any], filters: dict[str, list[str]]) -> bool:
    fields = {"channels": "channel", "skills": "skill", "messagestatus": "messageStatus",
              "transactionids": "transactionId"}  # fmt: skip
    return all(row[fields[name]] in values for name, values in filters.items() if values)
