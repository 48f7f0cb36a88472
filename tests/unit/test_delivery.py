"""Statuses only climb: every permutation of the same reports ends in the same place."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instore.batch import Row, RowState
from instore.delivery import (
    RANK,
    STATE_OF,
    Report,
    climb,
    reason_of,
    take_reports,
    was_not_processed,
)
from instore.errors import (
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)

SENT = Row(0, None, state=RowState.SENT, vendor_id="i")


@pytest.mark.parametrize("length", [1, 2, 3])
def test_every_permutation_of_reports_ends_alike(length: int) -> None:
    for reports in itertools.combinations_with_replacement(STATE_OF, length):
        ends = set()
        for order in itertools.permutations(reports):
            row, ranks = SENT, [RANK[SENT.state]]
            for status in order:
                row = climb(row, Report(status))
                ranks.append(RANK[row.state])
            assert ranks == sorted(ranks)
            ends.add(row.state)
        assert len(ends) == 1, reports


@given(st.lists(st.sampled_from([*STATE_OF, "SOMETHING_NEW", ""]), max_size=8))
def test_the_end_is_the_highest_that_was_said(statuses: list[str]) -> None:
    row = SENT
    for status in statuses:
        row = climb(row, Report(status))
    known = [RANK[STATE_OF[s]] for s in statuses if s in STATE_OF]
    assert RANK[row.state] == max([1, *known])


@pytest.mark.parametrize("state", [s for s in RowState if s not in RANK])
def test_rows_that_were_not_sent_take_no_reports(state: RowState) -> None:
    row = Row(0, None, state=state)
    assert climb(row, Report("DELIVERED")) is row


def test_reports_find_their_rows_by_the_vendors_id() -> None:
    other = Row(1, None, state=RowState.SENT)
    rows = take_reports([SENT, other], {"i": Report("SKIPPED", "proactive_1400")})
    assert [(r.state, r.reason) for r in rows] == [
        (RowState.SKIPPED, "open_conversation"), (RowState.SENT, None)]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "reason"),
    [("INVALID_NUMBER", "invalid_number"), ("MISSING_VARIABLE=2", "variables_wrong"),
     ("MISSING_CONSUMER_INFORMATION==sms", "invalid_number"), ("twilio_21610: gone", "opted_out"),
     ("calling +12125550123 failed", "vendor_error"), ("", None), (None, None)],
)  # fmt: skip
def test_vendor_words_become_our_reasons(message: str | None, reason: str | None) -> None:
    assert reason_of(message) == reason


@pytest.mark.parametrize(
    ("error", "again"),
    [(VendorThrottledError("x"), True), (VendorNotReachedError("x"), True),
     (VendorNotAuthorizedError("x"), True), (VendorError("x"), False),
     (VendorUnavailableError("x"), False), (VendorGarbageError("x"), False)],
)  # fmt: skip
def test_only_what_was_not_processed_is_tried_again(error: VendorError, again: bool) -> None:
    assert was_not_processed(error) is again
    assert not (again and error.processed is None)
