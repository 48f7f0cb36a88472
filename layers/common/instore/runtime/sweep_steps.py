"""What the sweep does with due work that is no batch: conversations, customers, texts, calls,
requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..erasing import go_on
from ..errors import UnavailableError
from ..line_due import FOR_A_TEXT_S, Hands, work_on
from ..swept import Swept
from .means import deflecting_means, erasing_means, notice_means, request_means, texting_means
from .observability import logger
from .services import Services

if TYPE_CHECKING:
    from ..adapters.queues import Queues
    from ..line_text import Text

Key = tuple[str, str]
AFTER_DEATH_S = 5  # of a process, its messages are shown again: certainly not before


def steps_of(
    house: Services, *, remaining: Callable[[], float]
) -> Mapping[str, Callable[[Key], Iterable[str]]]:
    """One step for each kind of item, by what its key begins with. A step is given (pk, sk) and
    names the metrics to count; `remaining` tells the seconds this invocation still has."""

    def conversation(key: Key) -> Iterable[str]:
        from ..notify import resume

        if remaining() <= FOR_A_TEXT_S:
            return []
        resumed = resume(key, means=notice_means(house), now=house.now())
        if resumed.silent_wait:
            logger.warning("Nobody takes a waiting conversation", extra={"conversation": key[0]})
        return resumed.metrics

    def customer(key: Key) -> Iterable[str]:
        ended = go_on(key, means=erasing_means(house), now=house.now())
        return ["ErasuresFinished"] if ended else []

    return {"CONVERSATION": conversation, "CUSTOMER": customer,
            "CALL": partial(_call, house=house, remaining=remaining),
            "REQUEST": partial(_request, house=house, remaining=remaining)}  # fmt: skip


def hands_of(house: Services, *, remaining: Callable[[], float]) -> Hands:
    """What due texts of the line are worked on with."""
    building = Lock()  # texts are sent side by side, and boto3 may not make two clients at a time

    def step(text: Text) -> Iterable[str]:
        from ..line_sweeping import take_up

        counted: list[str] = []
        with building:
            means = texting_means(house, count=counted.append)
        outcome = take_up(text, means=means)
        if outcome is not None:
            logger.info("Text looked after", extra={
                "text": f"TEXT#{text.id}", "state": outcome.state, "why": outcome.reason})  # fmt: skip
        if "LineTextsUnresolved" in counted:
            logger.warning("Text left to a person", extra={"text": f"TEXT#{text.id}"})
        return counted

    return Hands(house.texts, step, now=house.now, remaining=remaining,
                 at_once=house.texts_at_once)  # fmt: skip


def work_on_shard(record: Mapping[str, Any], hands: Hands, *, queues: Queues) -> Swept | None:
    """What a record of the queue asks for. None: it asks for nothing that we know.

    Nobody else works on the shard while the queue hides its message, which is six times what this
    process lives: should it die, its successor is not to wait for so long.
    """
    try:
        shard = json.loads(record["body"])["shard"]
    except (ValueError, LookupError, TypeError):
        shard = None
    if not isinstance(shard, int):
        logger.error("Message not taken", extra={"message_id": record["messageId"]})
        return None
    try:
        after_s = int(hands.remaining() + AFTER_DEATH_S)
        queues.texts_due_again(record["receiptHandle"], after_s=after_s)
    except UnavailableError as error:
        logger.warning("Messages come again later than asked", extra={"code": error.public_code})
    return work_on(hands, shard)


def _call(key: Key, *, house: Services, remaining: Callable[[], float]) -> Iterable[str]:
    from ..deflecting import resume

    counted: list[str] = []
    if remaining() > FOR_A_TEXT_S:
        state = resume(key, means=deflecting_means(house, count=counted.append), now=house.now())
        if state is not None:
            logger.info("Call looked after", extra={"call": key[0], "state": state})
    return counted


def _request(key: Key, *, house: Services, remaining: Callable[[], float]) -> Iterable[str]:
    from ..requesting import resume

    counted: list[str] = []
    if remaining() > FOR_A_TEXT_S:
        request = resume(key, means=request_means(house, count=counted.append), now=house.now())
        if "LeadsWaiting" in counted and request is not None:
            logger.warning("Nobody claims a lead", extra={
                "request": request.id, "store": f"{request.account}/{request.group}"})  # fmt: skip
        if "RequestRepliesRefused" in counted:
            logger.warning("Answer to a request did not go", extra={"request": key[0]})
    return counted
