"""Whatever order texts come in, however often, and however LivePerson fails: nothing is lost.

A customer's texts are brought by the queue until they are taken, with copies and in disorder, while
conversations close and LivePerson is throttled, away, or takes words whose answer is lost.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.inbound_rig import PATIENCE, InboundRig
from tests.line_rig import inbound
from tests.straight import straight

from instore.adapters.table import Table
from instore.errors import (
    VendorError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)

__all__ = ["straight"]

_numbers = itertools.count(1)
FAILURES: dict[str, Callable[[], VendorError | None]] = {
    "works": lambda: None,
    "throttled": lambda: VendorThrottledError("429", vendor_status=429),
    "away": lambda: VendorNotReachedError("away"),
    "lost": lambda: VendorUnavailableError("5xx", vendor_status=503),
}
STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # which text is brought
        st.lists(st.sampled_from(sorted(FAILURES)), max_size=4),
        st.booleans(),  # what is lost was done
        st.sampled_from(["stays", "closes", "closes unheard"]),
    ),
    max_size=8,
)


@pytest.fixture
def rig(table: Table, clock: Any) -> InboundRig:
    return InboundRig(table, clock)


@settings(max_examples=int(os.environ.get("INSTORE_EXAMPLES", "40")), deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(steps=STEPS, asked=st.booleans(), one_each=st.booleans())
def test_every_text_is_said_and_twice_only_where_it_is_told(
    rig: InboundRig, steps: list[tuple[int, list[str], bool, str]], asked: bool, one_each: bool
) -> None:
    number = f"+1917{next(_numbers) + 5550000:07d}"
    connector = rig.connector
    connector.opened = rig.bot_is_asked if asked else lambda _: None
    connector.one_each = one_each
    forms = [inbound(f"text {n}", number) for n in range(4)]
    for n, failures, done, then in steps:
        connector.failures = [FAILURES[name]() for name in failures]
        connector.processed_although_failed = done
        rig.again(forms[n])
        rig.clock.advance(PATIENCE)
        mine = [t for t in connector.talks if t.opening.phone.e164 == number and t.is_open]
        if mine and then != "stays":
            rig.closes(mine[-1], told=then == "closes")
    connector.failures, connector.processed_although_failed = [], False
    for form in forms * 2:  # the queue brings each until it is taken, and once more
        assert rig.again(form) == []
        rig.clock.advance(PATIENCE)
    said = [w for t in connector.talks if t.opening.phone.e164 == number for w in t.said]
    for n, form in enumerate(forms):
        received = rig.received(form)
        times = said.count(f"text {n}")
        assert received["state"] == "done"
        assert times >= 1
        assert times == 1 or received.get("repeated") is True
    open_now = [t for t in connector.talks if t.opening.phone.e164 == number and t.is_open]
    assert len(open_now) <= 1 or not (one_each and asked)
