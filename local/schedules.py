"""Schedules and asynchronous calls: EventBridge Scheduler's events, Lambda's retries, dead letters.

Scheduler hands its event to Lambda's own queue and is done; a handler that fails is tried again
by Lambda (after one and two minutes), then the event goes to the function's dead letters.
Sources: AWS, "Schedule types in EventBridge Scheduler", "How Lambda handles errors and retries
with asynchronous invocation".
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .access import Access
from .cron import next_after
from .functions import Clock, Function, FunctionFailedError
from .intrinsics import ACCOUNT, REGION

_RETRY_AFTER_S = (60, 120)
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}


def next_time(expression: str, *, after: datetime) -> datetime | None:
    """The next instant of rate(...), cron(...) or at(...) later than `after`, None = never."""
    found = re.fullmatch(r"(rate|cron|at)\((.+)\)", expression.strip())
    if found is None:
        raise ValueError(f"{expression} is no schedule")
    kind, rest = found.groups()
    if kind == "cron":
        return next_after(rest, after=after)
    if kind == "at":
        instant = datetime.fromisoformat(rest).replace(tzinfo=UTC)
        return instant if instant > after else None
    count, _, unit = rest.partition(" ")
    number = int(count)
    # AWS wants one minute, two minutes.
    if number < 1 or unit.removesuffix("s") not in _UNITS or unit.endswith("s") != (number != 1):
        raise ValueError(f"{expression} is no rate")
    return after + timedelta(seconds=number * _UNITS[unit.removesuffix("s")])


@dataclass(slots=True)
class _Waiting:
    function: Function
    event: Any
    accepted: datetime
    due: datetime
    attempt: int = 1


class AsyncCalls:
    """Lambda's queue of asynchronous calls: a source for the pump."""

    def __init__(self, *, clock: Clock, send: Callable[..., None],
                 rules: Mapping[str, Mapping[str, Any]]) -> None:  # fmt: skip
        self._clock, self._send, self._rules = clock, send, rules
        self._queue: list[_Waiting] = []

    def accept(self, function: Function, event: Any) -> None:
        """Take an event, to be run at the next turn of the pump."""
        now = self._clock.now()
        self._queue.append(_Waiting(function, event, accepted=now, due=now))

    def feed(self) -> bool:
        """Run what is due."""
        due = [one for one in self._queue if one.due <= self._clock.now()]
        for one in due:
            self._queue.remove(one)
            self._run(one)
        return bool(due)

    def waiting(self) -> bool:
        """Whether a failed call waits for its next try."""
        return bool(self._queue)

    def _run(self, one: _Waiting) -> None:
        rules = self._rules.get(one.function.name, {})
        retries = int(rules.get("MaximumRetryAttempts", 2))
        oldest = int(rules.get("MaximumEventAgeInSeconds", 6 * 3600))
        try:
            one.function(one.event)
        except FunctionFailedError as error:
            if one.attempt <= retries:
                due = self._clock.now() + timedelta(seconds=_RETRY_AFTER_S[one.attempt - 1])
                if (due - one.accepted).total_seconds() <= oldest:
                    self._queue.append(
                        _Waiting(one.function, one.event, one.accepted, due, one.attempt + 1)
                    )
                    return
            self._give_up(one, rules, error)

    def _give_up(self, one: _Waiting, rules: Mapping[str, Any], error: FunctionFailedError) -> None:
        body = json.dumps(one.event)
        target = rules.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if target:
            body = json.dumps({
                "version": "1.0", "timestamp": self._clock.now().isoformat(),
                "requestContext": {
                    "requestId": str(uuid.uuid4()), "functionArn": one.function.arn,
                    "condition": "RetriesExhausted", "approximateInvokeCount": one.attempt},
                "requestPayload": one.event,
                "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
                "responsePayload": error.answer,
            })  # fmt: skip
        target = target or one.function.dead_letters
        if target is None:
            return
        if not one.function.role.decide([Access("sqs:SendMessage", target)]).allowed:
            raise PermissionError(f"{one.function.name} may not send to its dead letters")
        self._send(target, body=body, attributes={
            "RequestID": str(uuid.uuid4()), "ErrorCode": "200",
            "ErrorMessage": error.answer["errorMessage"][:1024],
        })  # fmt: skip


class Schedule:
    """One schedule of the template. The first turn is when the stack starts."""

    def __init__(
        self, name: str, properties: Mapping[str, Any], *, function: Function, start: datetime
    ) -> None:
        self.name, self.function = name, function
        self.expression = str(properties["ScheduleExpression"])
        next_time(self.expression, after=start)  # a wrong expression fails now
        self._input = properties["Target"].get("Input")
        self._on = properties.get("State", "ENABLED") == "ENABLED"
        at_once = self.expression.startswith("rate")
        self._due = start if at_once else next_time(self.expression, after=start)

    def turn(self, now: datetime) -> dict[str, Any] | None:
        """The event, if one is due. A clock that jumped over several turns gives one event."""
        if not self._on or self._due is None or self._due > now:
            return None
        due = self._due
        while self._due is not None and self._due <= now:
            self._due = next_time(self.expression, after=self._due)
        return self.event(due)

    def event(self, due: datetime) -> dict[str, Any]:
        """What Scheduler sends at this turn."""
        when = due.strftime("%Y-%m-%dT%H:%M:%SZ")
        arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{self.name}"
        if self._input:
            text = self._input.replace("<aws.scheduler.scheduled-time>", when)
            return dict(json.loads(text.replace("<aws.scheduler.schedule-arn>", arn)))
        return {
            "version": "0", "id": str(uuid.uuid4()), "detail-type": "Scheduled Event",
            "source": "aws.scheduler", "account": ACCOUNT, "time": when, "region": REGION,
            "resources": [arn], "detail": "{}",
        }  # fmt: skip
