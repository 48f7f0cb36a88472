"""Logs and metrics: constant sentences with fields; never a phone number, a body or a token."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from ..errors import InstoreError

NAMESPACE = "Instore"

# Every metric the code emits. Alarms in template.yaml may only name these (a test compares).
METRICS = frozenset({
    "Arrived", "Routed", "RoutedToSkill", "KeywordMissed", "Misrouted", "PresenceUnknown",
    "TokenRefused", "SignatureRefused", "EventIgnored", "MappingFailed", "MappingRefused",
    "MappingChanged", "RosterRowsRefused", "RecipientsAccepted", "RecipientsBlocked",
    "RecipientsDeferred", "TextsSubmitted", "TextsRejected", "TextsUnknown", "UnknownClosed",
    "NoticesSent", "NoticesSkipped", "NoticesDeferred", "NoticesUnknown", "SilentWait",
    "VendorFailed", "RequestFailed", "ChangeFailed", "OldestDueSeconds", "OldestSendSeconds",
    "NumberHeld", "Redriven", "OptedOut",
    "LineTextsAccepted", "LineTextsBlocked", "LineTextsDeferred", "LineTextsRefused",
    "LineTextsUnknown", "LineTextsUnresolved", "LineTextsDelivered", "LineTextsFailed",
    "LineTroubles", "SendersLost", "SmsFailed", "InboundSaid", "InboundUnclaimed",
    "InboundOpened", "InboundRepeated", "InboundOfOurs",
    "ImportsDone", "ImportsFailed", "CustomersErased", "CustomersExported", "ErasuresFinished",
    "KpiDaysClosed", "KpiReports",
    "RelayRuns", "RelayRunsFailed", "NumbersActivated", "NumbersLacking", "NumbersOrphaned",
    "RequestsTaken", "RequestsClaimed", "RequestRepliesSent", "RequestRepliesRefused", "LeadsWaiting",
    "CallsOffered", "CallsPassed", "CallsAccepted", "CallsTexted",
})  # fmt: skip

logger = Logger(service="instore", log_uncaught_exceptions=False)
metrics = Metrics(namespace=NAMESPACE, service="instore")


def count(name: str, value: float = 1, *, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of this invocation."""
    if name not in METRICS:
        raise KeyError(f"unknown metric {name}")
    metrics.add_metric(name=name, unit=unit, value=value)


def arrived(**fields: Any) -> None:
    """First line of every handler: there is then always a metric to flush."""
    logger.append_keys(**fields)
    count("Arrived")


def note_refusal(error: InstoreError, *, sentence: str = "Request refused") -> None:
    """Log a deliberate refusal; one that is our side's fault is an error and counted."""
    told = {"code": error.public_code, "status": error.status, "cause": cause_of(error),
            **error.told}  # fmt: skip
    if error.status >= 500:
        count("RequestFailed")
        logger.error(sentence, extra=told)
    else:
        logger.info(sentence, extra=told)


def note_failure(error: Exception) -> None:
    """Log and count what nobody foresaw, with its trace."""
    count("RequestFailed")
    logger.error("Request failed", exc_info=error)


def cause_of(error: BaseException) -> str:
    """What lies under an error, by class and code only: messages may quote what a customer wrote."""
    cause = error.__cause__
    if cause is None:
        return ""
    response = getattr(cause, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return f"{type(cause).__name__} {code}".strip()
