"""How are we doing: indices of an associate, a store, a banner, the corporation, over any period."""

from __future__ import annotations

from typing import Any

from instore.runtime.kpi_operations import OPERATIONS
from instore.runtime.observability import arrived, logger, metrics
from instore.runtime.outreach_http import Response, dispatch
from instore.runtime.snapshot import ready

ready("table")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> Response:
    """One HTTP request in API Gateway's format 2.0; answers are described in docs/openapi.json."""
    arrived(function="kpis")
    return dispatch(event, OPERATIONS)
