"""LivePerson's outbound reporting: what was sent, up to 20 minutes late.

Source: LivePerson developer center, Reporting/OutboundReportingAPI/overview.md. The only way to
find out about a campaign whose call got no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import VendorGarbageError
from ..model import epoch_ms
from .liveperson_outreach import LONGEST_ID, TextStatus
from .liveperson_session import Call
from .vendor_http import Limits, segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..program import Account
    from .liveperson_session import Session

LIMITS = Limits(total=10, connect=1.5, largest=10_000_000)
PAGE = 1000  # default 100, at most 5000
WINDOW = timedelta(hours=24)  # the longest a call may ask for
GAP_S = 0.1  # ten requests a second
# A campaign's report has one of these at least; what has none is no report without a name.
_CAMPAIGN_PARTS = {"campaignName", "requestMetadata", "page", "consumersReport"}


@dataclass(frozen=True, slots=True)
class Transaction:
    """One outbound text. `id` is the text's, `status` FAILED, SKIPPED, SENT, DELIVERED, READ or
    RESPONDED. The report has no telephone number; `consumer_id` is LivePerson's, if told."""

    id: str
    campaign_id: str | None
    status: str
    conversation_id: str | None
    error_code: str | None
    attempted_at: datetime | None
    consumer_id: str | None
    skill: str | None = None


def list_transactions(
    session: Session, account: Account, *, start: datetime, end: datetime,
    sleep: Callable[[float], None], statuses: Sequence[str] = (), skills: Sequence[str] = (),
) -> list[Transaction]:  # fmt: skip
    """All SMS attempted from `start` to `end` (both included), each once, in the order reported;
    of these statuses and skills only, where any are named.

    Windows of 24 hours, pages of 1000, a tenth of a second between calls. One unreadable row
    makes the whole answer VendorGarbageError: a report with holes would say "not sent".
    """
    found: dict[str, Transaction] = {}
    filters = {"channels": ["sms"], "messagestatus": list(statuses), "skills": list(skills)}
    filters = {name: values for name, values in filters.items() if values}
    calls = 0
    for first, last in _windows(start, end):
        offset = 0
        while True:
            if calls:
                sleep(GAP_S)
            calls += 1
            rows = _page(session, account, first=first, last=last, offset=offset, filters=filters)
            new = {row.id: row for row in rows if row.id not in found}
            found |= new
            if len(rows) < PAGE:
                break
            if not new:
                raise VendorGarbageError("the report gives the same page again and again")
            offset += len(rows)
    return list(found.values())


def name_of_campaign(session: Session, account: Account, *, campaign_id: str) -> str | None:
    """The name a campaign was started with, or None if LivePerson does not say.

    ASSUMPTION: the published answer of this call (`requestMetadata`, `page`, `consumersReport`)
    shows no name. We take `campaignName` at the top or in `requestMetadata` where an account
    returns it; without it an unknown send stays unknown until a person closes it.
    """
    answer = _campaign(session, account, campaign_id=campaign_id)
    if answer is None:
        return None
    metadata = answer.get("requestMetadata")
    for part in (answer, metadata if isinstance(metadata, dict) else {}):
        name = part.get("campaignName")
        if isinstance(name, str) and name:
            return name
    return None


def report_of_campaign(session: Session, account: Account, *, campaign_id: str) -> list[TextStatus]:
    """How each text of a campaign ended as the carriers say, with LivePerson's error ids; up to 20
    minutes late. Empty when the report does not know the campaign yet.

    Its rows are `consumersReport` of the published example; one campaign is at most 100 texts, so
    there is no second page. A row without id or status makes the answer garbage.
    """
    answer = _campaign(session, account, campaign_id=campaign_id) or {"consumersReport": []}
    rows = answer.get("consumersReport")
    if not isinstance(rows, list):
        raise VendorGarbageError("the campaign's report has another shape")
    return [_outcome(row) for row in rows]


def _campaign(session: Session, account: Account, *, campaign_id: str) -> dict[str, Any] | None:
    path = f"/api/account/{account.id}/app/prmsg/campaigns/{segment(campaign_id)}/"
    reply = session.ask_if_there(account, Call("GET", "reporting", path, "v1", LIMITS, {}))
    if reply is None:
        return None
    answer = reply.json()
    if not isinstance(answer, dict) or not answer.keys() & _CAMPAIGN_PARTS:
        raise VendorGarbageError("the campaign's report has another shape")
    return answer


def _outcome(row: Any) -> TextStatus:
    values = row if isinstance(row, dict) else {}
    text_id, status = _text(values, "id"), values.get("status")
    if text_id is None or not (status is None or isinstance(status, str)):
        raise VendorGarbageError("a row of the campaign's report has another shape")
    # Not attempted yet: no status. The code is an id and never a sentence that may hold a number.
    return TextStatus(text_id, status or "SCHEDULED", _text(values, "conversationId"),
                      _text(values, "errorCode"))  # fmt: skip


def _windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        last = min(start + WINDOW, end)
        yield start, last
        start = last


def _page(
    session: Session, account: Account, *, first: datetime, last: datetime, offset: int,
    filters: Mapping[str, list[str]],
) -> list[Transaction]:  # fmt: skip
    call = Call(
        "POST", "reporting", f"/api/account/{account.id}/app/prmsg/transactions/", "v1", LIMITS,
        {"attemptedStartTime": str(epoch_ms(first)), "attemptedEndTime": str(epoch_ms(last)),
         "v": "2.0"},
        {"offset": offset, "limit": PAGE, "filters": dict(filters)},
    )  # fmt: skip
    answer = session.ask(account, call).json()
    rows = answer.get("transactions") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or len(rows) > PAGE:
        raise VendorGarbageError("the report has another shape")
    return [_transaction(row) for row in rows]


def _transaction(row: Any) -> Transaction:
    values = row if isinstance(row, dict) else {}
    text_id, status = _text(values, "transactionId"), _text(values, "messageStatus")
    if text_id is None or status is None:
        raise VendorGarbageError("a row of the report has another shape")
    return Transaction(
        text_id, _text(values, "proactiveCampaignId"), status, _text(values, "conversationId"),
        _text(values, "errorCode"), _instant(values.get("attemptedTime")),
        _text(values, "consumerId"), _text(values, "skill"),
    )  # fmt: skip


def _text(row: dict[str, Any], name: str) -> str | None:
    """Error codes are text in one example and numbers in another. Too long = not told."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    text = str(value)
    return text if len(text) <= LONGEST_ID else None


def _instant(value: Any) -> datetime | None:
    """ISO text with Z in the published example. Anything else is not told."""
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return None if instant.tzinfo is None else instant.astimezone(UTC)
