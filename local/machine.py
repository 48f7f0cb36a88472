"""What stands in for AWS on this machine: moto, locked, on the stack's clock, and sealed off."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import botocore.httpsession
from moto import mock_aws

from .lock import locked_calls
from .logs import routed_output
from .quick_moto import quicken
from .rendering import fake_surroundings

if TYPE_CHECKING:
    from .functions import Clock


class RealEndpointError(Exception):
    """An AWS call was about to leave this machine."""


@contextmanager
def machine(clock: Clock) -> Iterator[None]:
    """moto for everything boto3 does while open. May be nested; the innermost clock counts."""
    for name in ("AWS_ENDPOINT_URL", "DYNAMODB_ENDPOINT"):
        if os.environ.get(name):
            raise RealEndpointError(f"{name} is set: the local stack runs on moto only")
    quicken()
    with ExitStack() as stack:
        stack.enter_context(fake_surroundings())
        stack.enter_context(mock_aws())
        stack.enter_context(_fresh_session())
        stack.enter_context(_sealed())
        stack.enter_context(locked_calls())
        stack.enter_context(_moto_time(clock))
        stack.enter_context(routed_output())
        yield


@contextmanager
def _replaced(owner: Any, **values: Any) -> Iterator[None]:
    before = {name: getattr(owner, name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


@contextmanager
def _fresh_session() -> Iterator[None]:
    # A session made earlier may hold real keys, or lack moto's hook.
    with _replaced(boto3, DEFAULT_SESSION=None):
        yield


@contextmanager
def _sealed() -> Iterator[None]:
    """moto answers before a request is sent: whatever is sent all the same, is real."""

    def refuse(_session: Any, request: Any) -> Any:
        raise RealEndpointError(f"a call to {request.url} was about to leave this machine")

    with _replaced(botocore.httpsession.URLLib3Session, send=refuse):
        yield


@contextmanager
def _moto_time(clock: Clock) -> Iterator[None]:
    # Queues hide, delay and drop duplicates by time. moto compares strictly, for a real clock.
    # On a clock that stands still, what is hidden until now must be visible now.
    def millis(instant: datetime | None = None) -> float:
        return (instant or clock.now()).timestamp() * 1000

    visible = property(lambda message: millis() >= message.visible_at)
    sqs = importlib.import_module("moto.sqs.models")
    table = importlib.import_module("moto.dynamodb.models.table")
    receive = sqs.SQSBackend.receive_message

    def in_order(backend: Any, queue_name: str, *args: Any, **named: Any) -> Any:
        # moto frees a group message by message when its retry is due, and so starts with the
        # last: free all that is visible first, and the group keeps its order.
        pending = backend.get_queue(queue_name).pending_messages
        pending -= {one for one in pending if one.visible}
        return receive(backend, queue_name, *args, **named)

    with (
        _replaced(sqs.SQSBackend, receive_message=in_order),
        _replaced(sqs.Message, visible=visible),
        _replaced(sqs, unix_time=lambda: millis() / 1000, unix_time_millis=millis),
        _replaced(table, utcnow=lambda: clock.now().replace(tzinfo=None)),
    ):
        yield
