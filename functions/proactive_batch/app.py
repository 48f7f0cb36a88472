"""Queue -> chunks of at most a hundred -> LivePerson campaigns, paced."""

from __future__ import annotations

import secrets
from typing import Any

from instore.outreach_send import Means, send
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import services


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Up to 100 queue records; those that have to come again are reported one by one."""
    arrived(function="proactive_batch")
    house = services()
    means = Means(
        program=house.programs.current(), current=house.programs.current, batches=house.batches,
        customers=house.customers, stores=house.stores, numbers=house.numbers, pace=house.pace,
        liveperson=house.liveperson, now=house.now, sleep=house.sleep,
        remaining=lambda: context.get_remaining_time_in_millis() / 1000,
    )  # fmt: skip
    records = {record["messageId"]: record["body"] for record in event["Records"]}
    tally = send(records, token=secrets.token_hex(5), means=means)
    for metric, number in (
        ("TextsSubmitted", tally.submitted), ("TextsRejected", tally.rejected),
        ("TextsUnknown", tally.unknown), ("RecipientsBlocked", tally.blocked),
        ("RecipientsDeferred", tally.deferred + tally.held), ("Redriven", tally.redriven),
        ("VendorFailed", tally.vendor_failed),
    ):  # fmt: skip
        count(metric, number)
    logger.info("Batches worked on", extra={
        "records": len(records), "failed": len(tally.failed), "submitted": tally.submitted,
        "unknown": tally.unknown, "unsettled": tally.unsettled, "held": tally.held,
    })  # fmt: skip
    return {"batchItemFailures": [{"itemIdentifier": record} for record in tally.failed]}
