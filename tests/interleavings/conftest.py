"""Orders and crashes by the thousand: the table's calls go to moto's own code without HTTP between.

The same moto, the same conditions and indexes; only the making and reading of requests is left
out, which is four fifths of the time. The tests of tests/adapters go the whole way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.straight import straight_calls


@pytest.fixture(autouse=True)
def _straight(_aws: None) -> Iterator[None]:
    if os.environ.get("DYNAMODB_ENDPOINT"):
        yield  # somebody's DynamoDB Local
        return
    with straight_calls():
        yield
