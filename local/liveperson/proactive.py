"""Proactive campaigns v2: partial success is success, an open conversation means silence.

Nothing here knows whether a call repeats an earlier one: there is no idempotency key, and a
repeated call texts people twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from ..serving import Answer, Request, answer
from .campaign_rules import checked_campaign, refusal_of
from .records import HandsetText, Refused
from .state import Account, Campaign, Recipient, Template
from .tokens import bearer
from .world import World

FILTERED = "twilio_30007", "Message filtered"
OPENS, CLOSES = 8, 21  # hours of the recipient's day in which SMS campaigns go out


def start_campaign(world: World, request: Request, found: dict[str, str]) -> Answer:
    """POST /api/v2/account/{acc}/campaign."""
    account = world.account(found["acc"])
    bearer(world, request, account, versions=("V1",))
    if not world.meter("campaign", limit=world.options.requests_per_s):
        raise Refused(429, "more than 10 requests in a second")
    body = checked_campaign(world, request, account)
    template = account.templates.get(body["templateId"]) or Template(body["templateId"], "{1}", 1)
    campaign = Campaign(
        world.uuid()[:9].replace("-", "x"), account.id, body["campaignName"], body["skill"],
        body["templateId"], "+" + body.get("outboundNumber", ""), world.now(),
    )  # fmt: skip
    accepted, failed, seen = [], [], set[str]()
    for consumer in body["consumers"]:
        content = consumer.get("consumerContent", {})
        error = refusal_of(world, consumer, template, seen)
        if error is not None:
            failed.append({"phone": content.get("sms", ""), "countryCode": "",
                           "consumerContent": content,
                           "variables": consumer.get("variables", {}),
                           "errorMessage": error})  # fmt: skip
            continue
        digits = content["sms"].removeprefix("+")
        text = template.render(consumer.get("variables", {}))
        recipient = Recipient(world.uuid(), f"+{digits}", text)
        campaign.recipients.append(recipient)
        world.later(0, partial(_send, world, campaign, recipient))
        accepted.append({"id": recipient.id, "phoneNumber": recipient.phone,
                         "consumerContent": content})  # fmt: skip
    world.campaigns[campaign.id] = campaign
    return answer(world.options.campaign_status, {
        "proactiveCampaignId": campaign.id, "leCampaignId": world.number_id(),
        "leEngagementId": world.number_id(), "requestTraceId": world.uuid(),
        "failedConsumers": failed, "acceptedConsumers": accepted,
    })  # fmt: skip


def campaign_conversations(world: World, request: Request, found: dict[str, str]) -> Answer:
    """GET …/campaign/{id}/conversations. DELIVERED = handed on, not "on the handset"."""
    account = world.account(found["acc"])
    bearer(world, request, account, versions=("V1",))
    if not world.meter("campaign status", limit=world.options.requests_per_s):
        raise Refused(429, "more than 10 requests in a second")
    campaign = known_campaign(world, account, found["id"])
    hidden = world.options.carrier_verdicts == "reported"
    waiting = any(r.status in ("DRAFT", "SCHEDULED") for r in campaign.recipients)
    rows = [
        {"id": r.id, "conversationId": r.conversation or None,
         **({"status": "DELIVERED", "errorMessage": None} if hidden and r.error == FILTERED else
            {"status": r.status, "errorMessage": r.error[1] if r.error else None})}
        for r in campaign.recipients
    ]  # fmt: skip
    return answer(200, {"campaignStatus": "RUNNING" if waiting else "FINISHED",
                        "conversations": rows})  # fmt: skip


def known_campaign(world: World, account: Account, campaign_id: str) -> Campaign:
    campaign = world.campaigns.get(campaign_id)
    if campaign is None or campaign.account != account.id:
        raise Refused(404, "no such campaign")
    return campaign


def _send(world: World, campaign: Campaign, recipient: Recipient) -> None:
    """Work of the agenda: one recipient's text, now or when their morning comes."""
    with world.lock:
        phone = world.phone(recipient.phone)
        opening = next_opening(world.now(), phone.zone)
        if opening > world.now() and campaign.number not in phone.opted_out:
            recipient.status = "SCHEDULED"
            world.at(opening, partial(_send, world, campaign, recipient))
            return
        recipient.attempted = world.now()
        if campaign.number in phone.opted_out:
            _end(world, recipient, "SKIPPED", "skippedTime", ("twilio_21610", "opted out"))
            return
        if _talking(world, campaign.account, recipient.phone):
            status = world.options.open_conversation_status
            why = ("proactive_1400", "Open conversation exists")
            _end(world, recipient, status, "failedTime", why)
            return
        text = HandsetText(world.now(), recipient.phone, campaign.number, recipient.text,
                           "campaign", campaign=campaign.name)  # fmt: skip
        if world.filters(campaign.number):
            world.dropped.append((FILTERED[0], text))
            recipient.times["sentTime"] = world.now()
            _end(world, recipient, "FAILED", "failedTime", FILTERED)
            return
        if not world.to_handset(text):
            why = ("outbound_twilio_21614", "Not a mobile number")
            _end(world, recipient, "FAILED", "failedTime", why)
            return
        recipient.times["sentTime"] = world.now()
        _end(world, recipient, "DELIVERED", "deliveredTime", None)


def _end(
    world: World, recipient: Recipient, status: str, time: str, error: tuple[str, str] | None
) -> None:
    recipient.status = status
    recipient.times[time] = world.now()
    recipient.error = error


def _talking(world: World, account: str, phone: str) -> bool:
    options = world.options
    return any(
        c.is_open and c.phone == phone and c.channel in options.open_conversation_channels
        and (options.open_conversation_scope == "brand" or c.account == account)
        for c in world.conversations.values()
    )  # fmt: skip


def next_opening(now: datetime, zone: str) -> datetime:
    """Now if SMS may go to this zone, else the next 08:00 there (UTC)."""
    local = now.astimezone(ZoneInfo(zone))
    if OPENS <= local.hour < CLOSES:
        return now
    day = local.date() + timedelta(days=1 if local.hour >= CLOSES else 0)
    opening = datetime(day.year, day.month, day.day, OPENS, tzinfo=ZoneInfo(zone))
    return opening.astimezone(now.tzinfo)


def answered(world: World, phone: str, number: str) -> tuple[Campaign, Recipient] | None:
    """The newest campaign text from this number that a reply now belongs to (look-back)."""
    earliest = world.now() - timedelta(days=world.options.lookback_days)
    newest: tuple[Campaign, Recipient] | None = None
    for campaign in world.campaigns.values():
        for recipient in campaign.recipients:
            sent: Any = recipient.times.get("sentTime")
            if sent is None or sent < earliest or campaign.number != number:
                continue
            if recipient.phone != phone:
                continue
            if newest is None or sent >= newest[1].times["sentTime"]:
                newest = campaign, recipient
    return newest
