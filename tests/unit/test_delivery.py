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
    is_open,
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


WORDS = [("FAILED", None), ("FAILED", "twilio_30007"), ("FAILED", "twilio_21614"),
         ("FAILED", "something new"), ("SKIPPED", "twilio_21610"), ("SKIPPED", "proactive_1400"),
         ("DELIVERED", None), ("RESPONDED", None)]  # fmt: skip


@pytest.mark.parametrize("length", [2, 3])
def test_every_permutation_gives_the_same_reason(length: int) -> None:
    for told in itertools.combinations(WORDS, length):
        ends = set()
        for order in itertools.permutations(told):
            row = SENT
            for status, error in order:
                row = climb(row, Report(status, error))
            ends.add((row.state, row.reason))
        assert len(ends) == 1, told


def test_a_reason_told_later_is_kept() -> None:
    row = climb(climb(SENT, Report("FAILED", "Message filtered")), Report("FAILED", "30007"))
    assert (row.state, row.reason) == (RowState.FAILED, "filtered")
    assert climb(row, Report("FAILED")).reason == "filtered"


@pytest.mark.parametrize(("row", "open_"), [
    (SENT, True), (SENT.to(RowState.DELIVERED), False),
    (SENT.to(RowState.FAILED, reason="vendor_error"), True),
    (SENT.to(RowState.SKIPPED, reason="vendor_error"), True),
    (SENT.to(RowState.FAILED, reason="filtered"), False),
    (Row(0, None, state=RowState.SENT), False),  # found by its call's name: no id to ask for
    (Row(0, None, state=RowState.DEFERRED, vendor_id=None), False),
])  # fmt: skip
def test_what_is_open_is_worth_another_look(row: Row, open_: bool) -> None:
    assert is_open(row) is open_


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
     ("calling +12125550123 failed", "vendor_error"), ("", None), (None, None),
     ("twilio_30007", "filtered"), ("outbound_twilio_30007", "filtered"), ("30007", "filtered"),
     ("twilio_30007: Message filtered", "filtered"), ("30034", "filtered"),
     ("twilio_30453", "filtered"), ("outbound_twilio_21614", "not_a_mobile"),
     ("twilio_5008", "no_delivery_report"), ("twilio_99999", "vendor_error"),
     ("300070", "vendor_error"), ("proactive_1400", "open_conversation")],
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
