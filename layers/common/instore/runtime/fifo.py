"""Records of a FIFO queue, one after the other: what fails comes again, the later of its group after it.

By itself the queue shows a failed message again only when its visibility has ended, which has to be
six times what a function lives; a customer waits meanwhile, and all that they say after. So each
failure says itself when it is to come again: soon at first, then ever later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from .observability import logger

Record = Mapping[str, Any]

# Seconds until a record comes again after its first, second ... failure: half an hour in all. After
# one more failure it is a dead letter (template.yaml: maxReceiveCount is one more than these).
AGAIN_AFTER_S = (20, 60, 180, 390, 390, 390, 390)


class BringAgain(Protocol):
    """Has a queue show messages (by their receipt handles) again, after so many seconds."""

    def __call__(self, receipts: Iterable[str], *, after_s: int) -> None: ...


def take_in_order(
    records: Iterable[Record], *, took: Callable[[Record], bool], has_time: Callable[[], bool],
    bring_again: Callable[[], BringAgain],
) -> dict[str, Any]:  # fmt: skip
    """Take each record; answers which come again, as Lambda wants it told. `took`: whether it is done;
    `bring_again` is asked for if something failed: nothing else needs the queue.

    One that fails holds back the later ones of its group, unless it becomes a dead letter now: they
    are not to become dead letters untried. For the same reason the group that came most often is
    first: there may not be time for all.
    """
    failures: list[Record] = []
    held: dict[str, list[Record]] = {}
    lost: list[Record] = []
    for record in _most_often_first(records):
        group = _group(record)
        tried = group not in held and has_time()
        if tried and took(record):
            continue
        failures.append(record)
        if tried and _is_last_try(record):
            lost.append(record)
        else:
            held.setdefault(group, []).append(record)
    # Those of a group at the same moment: while one is hidden the queue shows none of the others.
    waits = [(lost, 0), *((late, _wait_for(late[0])) for late in held.values())]
    try:
        for late, after_s in waits:
            if late:
                bring_again()([one["receiptHandle"] for one in late], after_s=after_s)
    except Exception as error:  # noqa: BLE001 - what is done stays done; the rest comes when the queue says
        code = getattr(error, "public_code", "defect")
        logger.warning("Messages come again later than asked", extra={"code": code})
    return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in failures]}


def not_taken(record: Record, error: Exception, *, sentence: str) -> bool:
    """Say why a record was not taken, whatever it was: the others must go on. Always False."""
    told = {"code": getattr(error, "public_code", "defect"), "message_id": record["messageId"]}
    logger.error(sentence, extra=told, exc_info=error if told["code"] == "defect" else None)
    return False


def _most_often_first(records: Iterable[Record]) -> list[Record]:
    """Group by group as often as one of each came, a group's own in the order they have."""
    records, came = list(records), dict[str, int]()
    for record in records:
        came[_group(record)] = max(_tries(record), came.get(_group(record), 0))
    return sorted(records, key=lambda record: -came[_group(record)])


def _group(record: Record) -> str:
    return str(record["attributes"]["MessageGroupId"])


def _tries(record: Record) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _is_last_try(record: Record) -> bool:
    return _tries(record) > len(AGAIN_AFTER_S)


def _wait_for(record: Record) -> int:
    return AGAIN_AFTER_S[min(_tries(record), len(AGAIN_AFTER_S)) - 1]
