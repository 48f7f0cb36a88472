"""Shared fixtures: one moto for the session, a fresh table per test, time that stands still."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import settings
from local.lock import locked_calls, watching_everything
from local.permissions import FOLDER, recorded_handlers
from local.quick_moto import quicken
from local.samples import sample_document
from local.stack import table_definition
from moto import mock_aws

from instore.adapters.table import Table
from instore.program import Account, Program, load_program

# Performance is counted in tests, not timed: a busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
_numbers = itertools.count()

for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_METRICS_NAMESPACE": "Instore",
}


class Clock:
    """Time that moves only when told to."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        return self._instant

    def advance(self, seconds: float) -> None:
        self._instant += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)


@pytest.fixture
def now() -> datetime:
    """A Wednesday, noon in New York."""
    return datetime(2026, 11, 18, 17, 0, tzinfo=UTC)


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    if os.environ.get("DYNAMODB_ENDPOINT"):
        yield  # somebody's DynamoDB Local: the table tests run against it
        return
    quicken()
    with mock_aws(), locked_calls():
        yield


@pytest.fixture(scope="session", autouse=True)
def _permissions() -> Iterator[None]:
    """Where a run keeps what each function needed, handlers run without a stack tell it too."""
    if os.environ.get(FOLDER) is None:
        yield
        return
    with locked_calls(), recorded_handlers():
        yield


@pytest.fixture(scope="session")
def dynamodb(_aws: None) -> Any:
    return boto3.client("dynamodb", endpoint_url=os.environ.get("DYNAMODB_ENDPOINT") or None)


@functools.cache
def _definition() -> dict[str, Any]:
    return table_definition()


@pytest.fixture
def table(dynamodb: Any) -> Iterator[Table]:
    name = f"test-{os.getpid()}-{next(_numbers)}"
    dynamodb.create_table(**{**_definition(), "TableName": name})
    yield Table(dynamodb, name)
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def requests_made(_aws: None) -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
    """Every call to DynamoDB in this test, as it was asked for."""
    calls: list[tuple[str, str, dict[str, Any]]] = []

    def note(run: Any, *, service: str, operation: str, params: dict[str, Any]) -> Any:
        if service == "dynamodb":
            calls.append((service, operation, params))
        return run()

    with locked_calls(), watching_everything(note):
        yield calls


def _sample(name: str) -> Program:
    return load_program(sample_document(name))


@pytest.fixture(scope="session")
def _samples() -> tuple[Program, Program]:
    return _sample("in_store"), _sample("one_to_one")


@pytest.fixture
def program(_samples: tuple[Program, Program]) -> Program:
    return _samples[0]


@pytest.fixture
def strict_program(_samples: tuple[Program, Program]) -> Program:
    return _samples[1]


@pytest.fixture
def lp_account(program: Program) -> Account:
    return program.accounts[1]


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Sockets are off unless a test says `enable_socket`; then loopback only."""
    import pytest_socket

    if os.environ.get("DYNAMODB_ENDPOINT") or request.node.get_closest_marker("enable_socket"):
        pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
