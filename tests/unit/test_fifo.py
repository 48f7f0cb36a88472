"""Records of a FIFO queue: what comes again, when, and what it holds back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from local.template import read_template

from instore.errors import UnavailableError
from instore.runtime.fifo import AGAIN_AFTER_S, take_in_order

LAST = len(AGAIN_AFTER_S) + 1


class Hidden(list[tuple[list[str], int]]):
    def __call__(self, receipts: Iterable[str], *, after_s: int) -> None:
        self.append((list(receipts), after_s))


def record(name: str, group: str, tries: int = 1) -> dict[str, Any]:
    attributes = {"MessageGroupId": group, "ApproximateReceiveCount": str(tries)}
    return {"messageId": name, "receiptHandle": f"r-{name}", "attributes": attributes}


def taken(
    *records: dict[str, Any], failing: str = "", time_for: int = 9
) -> tuple[list[str], list[str], Hidden]:
    """What was tried, what comes again, and when."""
    tried: list[str] = []

    def took(one: Any) -> bool:
        tried.append(one["messageId"])
        return one["messageId"] not in failing

    hidden = Hidden()
    answer = take_in_order(records, took=took, bring_again=lambda: hidden,
                           has_time=lambda: len(tried) < time_for)  # fmt: skip
    return tried, [one["itemIdentifier"] for one in answer["batchItemFailures"]], hidden


def test_what_fails_holds_back_its_group_and_they_come_again_together() -> None:
    tried, again, hidden = taken(record("a", "1"), record("b", "2"), record("c", "1"), failing="a")
    assert (tried, again) == (["a", "b"], ["a", "c"])
    assert hidden == [(["r-a", "r-c"], 20)]


def test_each_failure_waits_longer_than_the_one_before() -> None:
    waits = [taken(record("a", "1", n), failing="a")[2][0][1] for n in range(1, LAST + 3)]
    assert waits == [20, 60, 180, 390, 390, 390, 390, 0, 0, 0]
    assert sum(AGAIN_AFTER_S) >= 1800  # half an hour of LivePerson's being away loses nothing


def test_the_last_try_is_not_the_one_there_is_no_time_for() -> None:
    """Untried it would become a dead letter: groups that failed most often have their turn first."""
    tried, again, _ = taken(record("a", "1"), record("b", "2", LAST), record("c", "1"),
                            record("d", "3", 2), record("e", "2", 1), time_for=3)  # fmt: skip
    assert (tried, again) == (["b", "e", "d"], ["a", "c"])


def test_what_becomes_a_dead_letter_takes_nothing_with_it_untried() -> None:
    tried, again, hidden = taken(record("a", "1", LAST), record("b", "1", LAST),
                                 record("c", "1", 2), record("d", "1", 1), failing="abc")  # fmt: skip
    assert (tried, again) == (["a", "b", "c"], ["a", "b", "c", "d"])
    assert hidden == [(["r-a", "r-b"], 0), (["r-c", "r-d"], 60)]


def test_without_time_the_rest_comes_again_untried_however_often_it_came() -> None:
    tried, again, hidden = taken(record("a", "1", LAST), record("b", "2", LAST), time_for=1)
    assert (tried, again) == (["a"], ["b"])
    assert hidden == [(["r-b"], 390)]


def test_a_queue_that_does_not_listen_changes_nothing() -> None:
    def away(receipts: Iterable[str], *, after_s: int) -> None:
        raise UnavailableError("no")

    answer = take_in_order([record("a", "1")], took=lambda _: False, has_time=lambda: True,
                           bring_again=lambda: away)  # fmt: skip
    assert answer == {"batchItemFailures": [{"itemIdentifier": "a"}]}


def test_where_nothing_fails_nobody_asks_for_the_queue() -> None:
    def none() -> Hidden:
        raise AssertionError

    assert take_in_order([record("a", "1", LAST)], took=lambda _: True, has_time=lambda: True,
                         bring_again=none) == {"batchItemFailures": []}  # fmt: skip


@pytest.mark.parametrize("name", ["SmsQueue", "AssignmentQueue"])
def test_the_queue_gives_as_many_tries(name: str) -> None:
    queue = read_template()["Resources"][name]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == LAST
