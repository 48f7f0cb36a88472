"""An uploaded file, or more to do for one: look through, take batch by batch, write the result."""

from __future__ import annotations

import secrets
from typing import Any

from instore.errors import InstoreError
from instore.import_state import ImportState, imports_meant
from instore.importing import Means, work
from instore.runtime.means import desk_of
from instore.runtime.observability import arrived, count, logger, metrics, note_refusal
from instore.runtime.services import services


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One queue record: an upload that S3 tells of, or an import by its id."""
    arrived(function="outreach_import")
    house = services()
    means = Means(
        imports=house.imports, files=house.import_files, queues=house.queues, stores=house.stores,
        desk=lambda: desk_of(house), now=house.now,
        remaining=lambda: context.get_remaining_time_in_millis() / 1000,
    )  # fmt: skip
    failed = []
    for record in event["Records"]:
        wanted = imports_meant(record["body"])
        if wanted is None:
            logger.error("Queue record is none of ours", extra={"record": record["messageId"]})
            failed.append(record["messageId"])
            continue
        try:
            for import_id in wanted:
                _work(import_id, means)
        except InstoreError as error:  # what is open stays open: the record comes again
            note_refusal(error, sentence="Import interrupted")
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": record} for record in failed]}


def _work(import_id: str, means: Means) -> None:
    worked = work(import_id, token=secrets.token_hex(5), means=means)
    count("RecipientsAccepted", worked.counts.accepted)
    count("RecipientsDeferred", worked.counts.deferred)
    count("RecipientsBlocked", sum(worked.counts.blocked.values()))
    left = worked.left
    if left is not None and left.state in (ImportState.DONE, ImportState.CHECKED):
        count("ImportsDone")
    if left is not None and left.state is ImportState.FAILED:
        count("ImportsFailed")
    logger.info("Import worked on", extra={
        "import": import_id, "state": str(left.state) if left else "not ours", "handed_on":
        worked.handed_on, "rows": worked.counts.rows + worked.checked.rows, "code": left.failure[0] if left and
        left.failure else None,
    })  # fmt: skip
