"""The clienteling app asks: may I text this customer, text these, how did it go."""

from __future__ import annotations

from typing import Any

from instore.runtime import explain_operations, import_operations, outreach_operations
from instore.runtime.observability import arrived, logger, metrics
from instore.runtime.outreach_http import Response, dispatch
from instore.runtime.snapshot import ready

OPERATIONS = (
    outreach_operations.OPERATIONS | import_operations.OPERATIONS | explain_operations.OPERATIONS
)

ready("table", "secrets", "queues", modules=("phonenumbers",))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> Response:
    """One HTTP request in API Gateway's format 2.0; answers are described in docs/openapi.json."""
    arrived(function="outreach_api")
    return dispatch(event, OPERATIONS)
