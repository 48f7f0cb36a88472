"""Queue of what Twilio told -> a customer's text to its conversation, a status to its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from instore.inbound import take
from instore.runtime.fifo import Record, not_taken, take_in_order
from instore.runtime.means import inbound_means, status_means
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import services
from instore.statuses import take_status
from instore.told import INBOUND, STATUS, Told, from_message

_TIME_FOR_ONE_MS = 17_000  # LivePerson's answer, Twilio's and the table, at their slowest


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers which records are to come again: a failed one, and the later of its group (FIFO)."""
    arrived(function="inbound_sms")
    return take_in_order(
        event["Records"], took=_took, bring_again=lambda: services().queues.sms_again,
        has_time=lambda: context.get_remaining_time_in_millis() >= _TIME_FOR_ONE_MS,
    )  # fmt: skip


def _took(record: Record) -> bool:
    try:
        told = from_message(record["body"])
        what = _TAKE[told.kind](told)
    except Exception as error:  # noqa: BLE001 - whatever it is, other customers must go on
        count("SmsFailed")
        return not_taken(record, error, sentence="Message not taken")
    logger.info("Message taken", extra={"kind": told.kind, "what": what})
    return True


def _status(told: Told) -> str:
    return take_status(told, means=status_means(services(), count=count))


def _text(told: Told) -> str:
    house = services()
    passed = take(told, means=inbound_means(house, count=count), now=house.now())
    for metric in passed.metrics:
        count(metric)
    if passed.repeated or passed.what in ("unclaimed", "ours"):
        logger.warning("Text for a person to look at", extra={"text": told.fields["MessageSid"]})
    return passed.what


_TAKE: Mapping[str, Callable[[Told], str]] = {INBOUND: _text, STATUS: _status}
