"""Queue of conversation changes -> who has the conversation, and one text to whoever waited."""

from __future__ import annotations

import json
from typing import Any

from instore.assigning import Taken, take
from instore.assignment import from_message
from instore.notify import METRICS
from instore.runtime.fifo import Record, not_taken, take_in_order
from instore.runtime.means import notice_means
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import services

_TIME_FOR_ONE_MS = 17_000  # pace, LivePerson's answer and the table, at their slowest


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers which records are to come again: a failed one, and the later of its group (FIFO)."""
    arrived(function="agent_assigned")
    return take_in_order(
        event["Records"], took=_took, bring_again=lambda: services().queues.changes_again,
        has_time=lambda: context.get_remaining_time_in_millis() >= _TIME_FOR_ONE_MS,
    )  # fmt: skip


def _took(record: Record) -> bool:
    house = services()
    try:
        change = from_message(json.loads(record["body"]))
        taken = take(change, means=notice_means(house), now=house.now())
    except Exception as error:  # noqa: BLE001 - whatever it is, other conversations must go on
        count("ChangeFailed")
        return not_taken(record, error, sentence="Change not taken")
    _tell(taken, extra={"lp_account": change.account, "conversation": change.conversation})
    return True


def _tell(taken: Taken, *, extra: dict[str, Any]) -> None:
    extra["what"] = taken.what
    if taken.notice is not None:
        extra |= {"notice": taken.notice.state, "why": taken.notice.reason}
        if taken.notice.state in METRICS:
            count(METRICS[taken.notice.state])
    if taken.what == "revoked":
        count("OptedOut")
    if taken.misrouted:
        count("Misrouted")
        log = logger.error if taken.strict else logger.warning
        log("LivePerson chose another agent than asked", extra=extra)
    logger.info("Change taken", extra=extra)
