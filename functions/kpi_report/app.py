"""Every hour: days that are over become summaries; once a month the report of the month before."""

from __future__ import annotations

from typing import Any

from instore.kpi_report import collect, due_month, render
from instore.kpi_summing import Abacus, sum_up
from instore.runtime.means import kpi_means
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import services


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Sums, then writes the report if it is due; what does not fit goes on in the next run."""
    arrived(function="kpi_report")
    house = services()
    means, now = kpi_means(house), house.now()

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    summed = sum_up(Abacus(means, house.batches, remaining), now=now)
    count("KpiDaysClosed", summed.closed)
    month = due_month(means.program, reported=house.facts.reported(), now=now)
    if month is not None and summed.done:
        report = collect(month, means=means, now=now)
        house.report_files.write(report.key, render(report), content="text/html; charset=utf-8")
        house.facts.note_report(f"{month:%Y-%m}")
        count("KpiReports")
        logger.info("Report written", extra={"key": report.key})
    logger.info("Days summed", extra={"closed": summed.closed, "again": summed.again,
                                      "done": summed.done})  # fmt: skip
    return {"closed": summed.closed, "again": summed.again, "done": summed.done,
            "report": f"{month:%Y-%m}" if month and summed.done else None}  # fmt: skip
