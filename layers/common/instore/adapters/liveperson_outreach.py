"""LivePerson's proactive messaging: start a campaign, and ask what became of it.

Source: LivePerson developer center, MessagingChannels/ProactiveMessaging/api.md. There is no
idempotency key and no callback: a call that may have been processed can never be repeated, and
what came of it is found out later through outbound reporting (liveperson_reporting.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..campaign import Campaign, CampaignResult
from ..errors import VendorGarbageError
from .liveperson_session import Call
from .vendor_http import Limits, segment

if TYPE_CHECKING:
    from ..program import Account
    from .liveperson_session import Session

# A new connection each time: on a kept one that went stale while the process was frozen, the
# call would be lost without anybody knowing how far it came.
STARTING = Limits(total=10, connect=1.5, fresh=True)
ASKING = Limits(total=10, connect=1.5)
# LivePerson's ids are UUIDs or shorter. Something longer is no id: it would be kept with the batch.
LONGEST_ID = 128
_LONG_NUMBER = re.compile(r"\d{7,}")


@dataclass(frozen=True, slots=True)
class TextStatus:
    """One text of a campaign. `id` as in `CampaignResult.accepted`; `status` is DRAFT, SCHEDULED,
    DELIVERED (handed on, not: arrived), SKIPPED (opted out), FAILED, NOT_SENT …"""

    id: str
    status: str
    conversation_id: str | None
    error: str | None


def send_campaign(session: Session, account: Account, *, campaign: Campaign) -> CampaignResult:
    """Start the campaign: one call that may text up to 100 people.

    An answer in which some or all numbers failed is a result. Errors whose `processed` is False
    (VendorNotReachedError, VendorThrottledError, VendorNotAuthorizedError, VendorError, and
    UnavailableError for the secret) mean that nobody was texted. VendorUnavailableError and
    VendorGarbageError mean that nobody knows: never repeat the call.

    An id longer than LONGEST_ID counts as none: without the campaign's the answer is garbage,
    without a text's that text is unclear.
    """
    body = {
        "campaignName": campaign.name,
        "skill": campaign.skill,
        "templateId": campaign.template_id,
        "outboundNumber": campaign.outbound.digits,
        "consent": True,
        "consumers": [
            {"consumerContent": {"sms": phone.digits},
             "variables": {str(n): value for n, value in enumerate(values, start=1)}}
            for phone, values in campaign.recipients
        ],
    }  # fmt: skip
    call = Call("POST", "proactive", f"/api/v2/account/{account.id}/campaign", "v1", STARTING, {},
                body)  # fmt: skip
    answer = session.ask(account, call).json()
    return _result(answer, [phone.digits for phone, _ in campaign.recipients])


def read_campaign(session: Session, account: Account, *, campaign_id: str) -> list[TextStatus]:
    """How each text of a campaign stands. A text without id or status makes the answer garbage."""
    path = f"/api/v2/account/{account.id}/campaign/{segment(campaign_id)}/conversations"
    answer = session.ask(account, Call("GET", "proactive", path, "v1", ASKING, {})).json()
    texts = answer.get("conversations") if isinstance(answer, dict) else None
    if not isinstance(texts, list):
        raise VendorGarbageError("the campaign's texts have another shape")
    return [_status(text) for text in texts]


def _status(text: Any) -> TextStatus:
    if not isinstance(text, dict) or not _is_id(text.get("id")) or not _said(text.get("status")):
        raise VendorGarbageError("a campaign's text has another shape")
    conversation, error = text.get("conversationId"), text.get("errorMessage")
    return TextStatus(
        str(text["id"]), str(text["status"]),
        str(conversation) if _is_id(conversation) else None,
        _masked(error) if _said(error) else None,
    )  # fmt: skip


def _result(answer: Any, asked: list[str]) -> CampaignResult:
    campaign_id = answer.get("proactiveCampaignId") if isinstance(answer, dict) else None
    if not _is_id(campaign_id):
        raise VendorGarbageError("the campaign's answer has no campaign id")
    accepted, failed = answer.get("acceptedConsumers"), answer.get("failedConsumers")
    if (accepted is None and failed is None) or not all(
        part is None or isinstance(part, list) for part in (accepted, failed)
    ):
        raise VendorGarbageError("the campaign's answer has no consumers")
    taken: dict[str, str] = {}
    refused: dict[str, str] = {}
    doubtful: set[str] = set()
    for consumer in accepted or []:
        digits = _digits(consumer, asked)
        if digits is None:
            continue
        if not _is_id(consumer.get("id")) or digits in taken:
            doubtful.add(digits)
        else:
            taken[digits] = str(consumer["id"])
    for consumer in failed or []:
        digits = _digits(consumer, asked)
        if digits is not None:
            refused[digits] = _masked(consumer.get("errorMessage") or "")
    doubtful |= taken.keys() & refused.keys()
    doubtful |= set(asked) - taken.keys() - refused.keys()
    return CampaignResult(
        str(campaign_id),
        {digits: text_id for digits, text_id in taken.items() if digits not in doubtful},
        {digits: reason for digits, reason in refused.items() if digits not in doubtful},
        tuple(digits for digits in asked if digits in doubtful),
    )


def _digits(consumer: Any, asked: list[str]) -> str | None:
    """Which of the numbers asked an entry is about: `consumerContent.sms`, else `phoneNumber`
    (written with a plus), else `countryCode` and `phone` or `phone`. None: about none of them."""
    if not isinstance(consumer, dict):
        return None
    content = consumer.get("consumerContent")
    ways = (
        content.get("sms") if isinstance(content, dict) else None,
        consumer.get("phoneNumber"),
        f"{consumer.get('countryCode', '')}{consumer.get('phone', '')}",
        consumer.get("phone"),
    )
    for way in ways:
        digits = re.sub(r"\D", "", str(way)) if isinstance(way, str | int) else ""
        if digits in asked:
            return digits
    return None


def _is_id(value: Any) -> bool:
    return _said(value) and len(str(value)) <= LONGEST_ID


def _said(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _masked(reason: Any) -> str:
    """The vendor's words, short, and without anything that could be a telephone number."""
    return _LONG_NUMBER.sub("…", str(reason))[:200]
