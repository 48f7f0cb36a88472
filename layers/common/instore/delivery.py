"""What the vendor says became of a text, and what that means for us.

Statuses come late, twice and in any order, so each has a rank and a row only ever climbs: every
permutation of the same reports ends in the same place. A report we do not know changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .batch import Row, RowState
from .errors import (
    VendorError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
)

# `DELIVERED` at LivePerson means handed to the next service, not seen on a handset: a later
# failure is truer. A reply beats everything: somebody has read it.
RANK: Mapping[RowState, int] = {
    RowState.SENT: 1,
    RowState.DELIVERED: 2,
    RowState.SKIPPED: 3,
    RowState.FAILED: 4,
    RowState.REPLIED: 5,
}

# Campaign listing and outbound reporting together. Source: LivePerson developer center,
# ProactiveMessaging/api.md and OutboundReportingAPI/overview.md. DRAFT and SCHEDULED say that
# nothing has happened yet: the text waits for the vendor's own window.
STATE_OF: Mapping[str, RowState] = {
    "SENT": RowState.SENT,
    "SCHEDULED": RowState.SENT,
    "DRAFT": RowState.SENT,
    "DELIVERED": RowState.DELIVERED,
    "READ": RowState.DELIVERED,
    "SKIPPED": RowState.SKIPPED,
    "FAILED": RowState.FAILED,
    "NOT_SENT": RowState.FAILED,
    "TOO_MANY_VARIABLES": RowState.FAILED,
    "RESPONDED": RowState.REPLIED,
}

# Error ids of outbound reporting and messages of a campaign's failed consumers -> our reason.
_REASONS: Mapping[str, str] = {
    "INVALID_NUMBER": "invalid_number",
    "DUPLICATE_NUMBER": "duplicate",
    "MISSING_CONSUMER_INFORMATION": "invalid_number",
    "TOO_MANY_VARIABLES": "variables_wrong",
    "INSUFFICIENT_VARIABLES": "variables_wrong",
    "MISSING_VARIABLE": "variables_wrong",
    "VARIABLE_NOT_STRING": "variables_wrong",
    "INSUFFICIENT_HEADER_VARIABLES": "template_wrong",
    "TOO_MANY_HEADER_VARIABLES": "template_wrong",
    "MISSING_HEADER_VARIABLE": "template_wrong",
    "HEADER_VARIABLE_NOT_STRING": "template_wrong",
    "HEADER_VARIABLE_INVALID_URL": "template_wrong",
    "IMAGE_URL_NOT_WHITELISTED": "template_wrong",
    "proactive_1400": "open_conversation",
    "proactive_1001": "not_eligible",
}

# The carrier's own codes, as LivePerson passes them on: `twilio_30007`, `outbound_twilio_30007` or
# bare. Source: LivePerson's error dictionary of outbound reporting; Twilio's error reference.
_CARRIER: Mapping[str, str] = {
    "21610": "opted_out",
    "21614": "not_a_mobile",
    "5008": "no_delivery_report",
    # Not this customer but our number: its texts are taken for spam, or it is not registered.
    "30007": "filtered",  # carrier or Twilio filtered it ("carrier violation")
    "30024": "filtered",  # sender not provisioned at that carrier
    "30032": "filtered",  # toll-free number not verified
    "30033": "filtered",  # campaign suspended
    "30034": "filtered",  # number in no approved campaign
    "30035": "filtered",  # registration of the number pending
    "30450": "filtered",  # block against message pumping
    "30453": "filtered",  # block against fraud
    "30485": "filtered",
}
_CARRIER_CODE = re.compile(r"(?:outbound_)?(?:twilio_)?(\d{4,5})\b")
UNEXPLAINED = "vendor_error"


@dataclass(frozen=True, slots=True)
class Report:
    """One statement of the vendor about one text: its status and, if it failed, why."""

    status: str
    error: str | None = None


def reason_of(message: str | None) -> str | None:
    """Our reason for a vendor's error text: `MISSING_VARIABLE=2` -> `variables_wrong`.

    Unknown ones become `vendor_error`: their wording may hold a number, so it is not kept.
    """
    if not message:
        return None
    head = message.strip().split("=", 1)[0].split(":", 1)[0].strip()
    code = _CARRIER_CODE.match(head)
    if code is not None:
        return _CARRIER.get(code[1], UNEXPLAINED)
    return _REASONS.get(head, UNEXPLAINED)


def climb(row: Row, report: Report) -> Row:
    """The row after a report: never lower than before, unchanged by what we do not know."""
    state = STATE_OF.get(report.status.strip().upper())
    if state is None or row.state not in RANK or RANK[state] < RANK[row.state]:
        return row
    reason = None
    if state in (RowState.SKIPPED, RowState.FAILED):
        reason = reason_of(report.error) or UNEXPLAINED
    if state is not row.state:
        return row.to(state, reason=reason)
    # Two words for one outcome: the same one stands in whatever order they come.
    return replace(row, reason=max(row.reason, reason, key=_weight)) if reason else row


def _weight(reason: str | None) -> tuple[bool, bool, str]:
    return reason not in (None, UNEXPLAINED), reason == "filtered", reason or ""


def is_open(row: Row) -> bool:
    """Is there more to learn about a text: still on its way, or failed for a reason not told."""
    if row.vendor_id is None:
        return False
    return row.state is RowState.SENT or (row.state in RANK and row.reason == UNEXPLAINED)


def take_reports(rows: Iterable[Row], reports: Mapping[str, Report]) -> list[Row]:
    """Rows after a campaign's listing, matched by the vendor's id of each text."""
    taken = []
    for row in rows:
        report = reports.get(row.vendor_id or "")
        taken.append(row if report is None else climb(row, report))
    return taken


def was_not_processed(error: VendorError) -> bool:
    """True when a send failed in a way that may be repeated unchanged: nothing was done.

    429, no connection, and credentials that do not work; a 400 is final although nothing was
    done, because the same request would be refused again.
    """
    again = (VendorThrottledError, VendorNotReachedError, VendorNotAuthorizedError)
    return isinstance(error, again)


def settle_accepted(row: Row, *, vendor_id: str | None) -> Row:
    """The vendor took it."""
    return replace(row.to(RowState.SENT), vendor_id=vendor_id)


def settle_refused(row: Row, *, message: str | None) -> Row:
    """The vendor refused this recipient, with its own word for why."""
    return row.to(RowState.REJECTED, reason=reason_of(message) or "vendor_error")
