"""A run about relay numbers, or more to do of one: buy, quarantine, hand over, release, row by row.

Every day, on a schedule, one more: numbers bought for nobody are looked for.
"""

from __future__ import annotations

import secrets
from typing import Any

from instore.errors import InstoreError
from instore.relay_bulk import Work, open_daily, work
from instore.relay_run import RunState, runs_meant
from instore.runtime.means import relay_means
from instore.runtime.observability import arrived, count, logger, metrics, note_refusal
from instore.runtime.services import services


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Queue records, each a run by its id; anything else is the schedule's."""
    arrived(function="relay_bulk")
    if "Records" not in event:
        run = open_daily(_tools(context))
        logger.info("Daily run opened", extra={"run": run.id if run else None})
        return {"run": run.id if run else None}
    failed = []
    for record in event["Records"]:
        meant = runs_meant(record["body"])
        if meant is None:
            logger.error("Queue record is none of ours", extra={"record": record["messageId"]})
            failed.append(record["messageId"])
            continue
        try:
            _work(meant, _tools(context))
        except InstoreError as error:  # what is open stays open: the record comes again
            note_refusal(error, sentence="Relay run interrupted")
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": record} for record in failed]}


def _tools(context: Any) -> Work:
    house, left = services(), context.get_remaining_time_in_millis
    means = relay_means(house, remaining=lambda: left() / 1000, token=lambda: secrets.token_hex(5))
    return Work(house.relay_runs, house.queues, means)


def _work(run: str, on: Work) -> None:
    worked = work(run, token=secrets.token_hex(5), on=on)
    for metric in (metric for report in worked.reports for metric in report.metrics()):
        count(metric)
    left = worked.left
    if left is not None and left.state is RunState.FAILED:
        count("RelayRunsFailed")
    logger.info("Relay run worked on", extra={
        "run": run, "state": str(left.state) if left else "not ours", "rows": len(worked.reports),
        "handed_on": worked.handed_on, "code": left.failure[0] if left and left.failure else None,
    })  # fmt: skip
