"""Schedule -> rebuild who works in which store, account by account.

`{"force": true, "account": "<id>"}`, sent by hand, rebuilds one account (without `account`: all)
although a guard refused it. docs/runbook.md says when.
"""

from __future__ import annotations

from typing import Any

from instore.errors import MappingRefusedError, UnavailableError
from instore.mapping import Outcome, asked, rebuild, rows_among
from instore.program import Account
from instore.runtime.observability import arrived, count, logger, metrics
from instore.runtime.services import services


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns what was done per account; raises at the end if an account failed."""
    arrived(function="agent_mapping")
    house = services()
    program = house.programs.current()
    accounts, force = asked(event, program=program)
    done: dict[str, Any] = {}
    for account in accounts:
        try:
            outcome = rebuild(
                account, program=program, liveperson=house.liveperson, files=house.files,
                states=house.stores.states, owner=context.aws_request_id, now=house.now(),
                force=force,
            )  # fmt: skip
            done[account.id] = outcome.summary()
            _tell(account, outcome)
        except MappingRefusedError as error:
            count("MappingRefused")
            told = {"why": str(error), "left_out": _left_out(account, error)}
            logger.error("Agent map refused", extra={"lp_account": account.id, **told})
            done[account.id] = {"what": "refused", **told}
        except Exception:  # noqa: BLE001 - whatever it is, it must not age the other accounts' maps
            count("MappingFailed")
            logger.exception("Agent map failed", extra={"lp_account": account.id})
    if failed := len(accounts) - len(done):
        raise UnavailableError(f"the agent map of {failed} accounts failed", code="mapping_failed")
    return done


def _tell(account: Account, outcome: Outcome) -> None:
    count("MappingChanged", outcome.written + outcome.deleted)
    count("VendorFailed", 1 if outcome.mirror_failed else 0)
    logger.info("Agent map looked at", extra={"lp_account": account.id, **outcome.summary()})
    _left_out(account, outcome)


def _left_out(account: Account, told: Outcome | MappingRefusedError) -> list[str]:
    count("RosterRowsRefused", rows_among(told.problems))
    if shown := [str(problem) for problem in told.problems[:100]]:
        logger.warning("Left out of the agent map", extra={"lp_account": account.id, "of": shown})
    return shown
