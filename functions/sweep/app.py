"""Every minute: due and unknown sends and texts, expired claims, silent waits, erasures, numbers.

Called by its own queue, it sends the texts of one shard of the line while the minute's run goes on.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from instore.runtime.means import desk_of
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import services
from instore.runtime.sweep_steps import hands_of, steps_of, work_on_shard
from instore.sweeping import Broom, sweep


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Whatever is due now; stops ten seconds before the function's end."""
    arrived(function="sweep")
    house = services()

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    hands = hands_of(house, remaining=remaining)
    if "Records" in event:
        worked = [(one["messageId"], work_on_shard(one, hands, queues=house.queues))
                  for one in event["Records"]]  # fmt: skip
        for _, done in worked:
            for metric, number in (done.counts if done else {}).items():
                count(metric, number)
        told = [{"counts": done.counts, "failed": done.failed} for _, done in worked if done]
        logger.info("Texts worked on", extra={"shards": told})
        return {"batchItemFailures": [{"itemIdentifier": m} for m, done in worked if done is None]}

    desk = desk_of(house)
    swept = sweep(Broom(
        desk, house.stores, house.numbers, house.pace, house.liveperson,
        steps_of(house, remaining=remaining), now=house.now, sleep=house.sleep,
        remaining=remaining, hands=hands,
    ))  # fmt: skip
    for metric, number in swept.counts.items():
        count(metric, number)
    count("OldestDueSeconds", swept.oldest_s, unit=MetricUnit.Seconds)
    count("OldestSendSeconds", swept.oldest_send_s, unit=MetricUnit.Seconds)
    if swept.held:
        logger.error("Number held", extra={"banners": swept.held})
    if swept.unresolved:
        logger.warning("Texts left to a person", extra={"batches": swept.unresolved})
    logger.info("Swept", extra={"counts": swept.counts, "failed": swept.failed})
    return {"counts": swept.counts, "failed": len(swept.failed)}
