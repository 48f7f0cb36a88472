"""Every minute: due and unknown sends, expired claims, silent waits, erasures, filtered numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from instore.erasing import go_on
from instore.notify import METRICS, resume
from instore.runtime.means import desk_of, erasing_means, notice_means
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import services
from instore.sweeping import Broom, sweep


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Whatever is due now; stops ten seconds before the function's end."""
    arrived(function="sweep")
    house = services()
    desk = desk_of(house)

    def conversation(key: tuple[str, str]) -> Iterable[str]:
        resumed = resume(key, means=notice_means(house), now=house.now())
        if resumed.silent_wait:
            logger.warning("Nobody takes a waiting conversation", extra={"conversation": key[0]})
            yield "SilentWait"
        if resumed.notice is not None and resumed.notice.state in METRICS:
            yield METRICS[resumed.notice.state]

    def customer(key: tuple[str, str]) -> Iterable[str]:
        if go_on(key, means=erasing_means(house), now=house.now()):
            yield "ErasuresFinished"

    swept = sweep(Broom(
        desk, house.stores, house.numbers, house.pace, house.liveperson, conversation, customer,
        now=house.now, sleep=house.sleep,
        remaining=lambda: context.get_remaining_time_in_millis() / 1000,
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
