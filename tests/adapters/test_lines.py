"""Relay numbers and runs in the table: one transaction each, on the revision read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.relay_rig import POOLS, SID

from instore.adapters.lines import Lines, NotBegun
from instore.adapters.queues import Queues
from instore.adapters.relay_runs import RelayRuns
from instore.adapters.stores import Stores
from instore.batch import Claim
from instore.directory import Pointer
from instore.errors import ContendedError, UnavailableError
from instore.model import Phone, fingerprint
from instore.program_line import Line
from instore.relay_report import Outcome, Report, sentence
from instore.relay_run import Kind, Run, RunState, Target, run_id, runs_meant
from instore.relay_state import Activation, Asked, LineState

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
ANNA = Pointer("10000002", "4100", "201")
NUMBER = Phone("+19145550100")
WHO = Asked("who", NOW)


def line(**pool: Any) -> Line:
    return Line.model_validate({"account_sid": SID, "secret": f"instore/twilio/{SID.lower()}",
                                "pool": {"messaging_services": list(POOLS), **pool}})  # fmt: skip


def wish(pointer: Pointer = ANNA, **changes: Any) -> Activation:
    made = Activation.wished(pointer, login=f"u{pointer.agent_id}@kay.example.com", banner="kay",
                             tag=f"t-{pointer.agent_id}", asked=WHO, now=NOW)  # fmt: skip
    return replace(made, **changes)


def begun(lines: Lines, of: Line, pointer: Pointer = ANNA) -> Activation:
    answer = lines.begin(wish(pointer), before=None, line=of)
    assert isinstance(answer, Activation)
    return answer


def active(lines: Lines, of: Line) -> Activation:
    held = lines.save(begun(lines, of).buying(NUMBER, now=NOW))
    assert held is not None
    bought = lines.save(held.bought(NUMBER, sid="PN1", surplus=("PN2",), now=NOW))
    assert bought is not None
    return bought


@pytest.fixture
def lines(table: Any) -> Lines:
    return Lines(table)


def test_everything_is_read_back_as_it_was_written(lines: Lines) -> None:
    held = active(lines, line())
    assert lines.activation(ANNA.account, agent_id=ANNA.agent_id) == held
    assert lines.by_login("U201@KAY.example.com") == held
    assert lines.get(NUMBER) == lines.of(ANNA) == held.line()
    away = lines.save(held.quarantined(successor=Pointer("1", "2", "3"), free_at=NOW, asked=WHO,
                                       now=NOW))  # fmt: skip
    assert away is not None
    assert lines.activation(ANNA.account, agent_id=ANNA.agent_id) == away
    assert lines.of(ANNA) is None
    assert lines.get(NUMBER) == away.line()
    assert lines.by_login("nobody") is None
    assert lines.known([NUMBER, Phone("+19145550101")]) == {NUMBER}
    assert lines.known([]) == set()


def test_a_write_on_an_old_revision_changes_nothing(lines: Lines) -> None:
    old = begun(lines, line())
    new = lines.save(old.buying(NUMBER, now=NOW))
    assert new is not None
    assert lines.save(old.buying(Phone("+19145550109"), now=NOW)) is None
    bought = lines.save(new.bought(NUMBER, sid="PN1", surplus=(), now=NOW))
    assert bought is not None
    assert lines.save(new.bought(Phone("+19145550109"), sid="PN9", surplus=(), now=NOW)) is None
    assert lines.get(Phone("+19145550109")) is None
    assert lines.give_back(new.to(LineState.RELEASED, now=NOW), line=line()) is None
    assert lines.taken(line())["numbers"] == 1
    assert lines.begin(wish(), before=None, line=line()) is NotBegun.OVERTAKEN
    assert lines.taken(line()) == {"numbers": 1, POOLS[0]: 1, POOLS[1]: 0}


def test_a_number_that_is_somebody_elses_is_never_taken_over(lines: Lines) -> None:
    held = active(lines, line())
    ben = lines.save(
        begun(lines, line(), Pointer("10000002", "4100", "202")).buying(NUMBER, now=NOW)
    )
    assert ben is not None
    assert lines.save(ben.bought(NUMBER, sid="PN1", surplus=(), now=NOW)) is None
    assert lines.get(NUMBER) == held.line()


def test_the_pool_is_counted_with_the_wish_and_freed_with_the_end(lines: Lines) -> None:
    of = line(most_numbers=2, senders_per_service=1)
    assert lines.room(of) == 2
    first = begun(lines, of)
    second = begun(lines, of, Pointer("10000002", "4100", "202"))
    assert (first.service, second.service) == POOLS
    third = wish(Pointer("10000002", "4100", "203"))
    assert lines.begin(third, before=None, line=of) is NotBegun.POOL_FULL
    assert lines.activation("10000002", agent_id="203") is None
    assert lines.room(of) == 0
    ended = lines.give_back(first.to(LineState.RELEASED, now=NOW), line=of)
    assert ended is not None
    assert lines.taken(of) == {"numbers": 1, POOLS[0]: 0, POOLS[1]: 1}
    again = lines.begin(wish(), before=ended, line=of)
    assert isinstance(again, Activation)
    assert (again.service, again.rev) == (POOLS[0], ended.rev + 1)
    assert lines.room(line(messaging_services=[], most_numbers=5)) == 3


def test_a_full_service_gives_its_place_to_the_next(lines: Lines) -> None:
    of = line(senders_per_service=3)
    first = begun(lines, of)
    moved = lines.move(first, line=of)
    assert isinstance(moved, Activation)
    assert moved.service == POOLS[1]
    assert lines.taken(of) == {"numbers": 1, POOLS[0]: 3, POOLS[1]: 1}
    assert lines.move(first, line=of) is NotBegun.OVERTAKEN
    assert lines.move(moved, line=of) is NotBegun.POOL_FULL


def test_a_login_is_found_as_long_as_its_wish_was_written(lines: Lines) -> None:
    """Another agent with the same login, for whom the pool has no place, hides nobody."""
    held = active(lines, line())
    other = wish(Pointer("10000003", "4700", "901"), login=held.login)
    assert lines.begin(other, before=None, line=line(most_numbers=1)) is NotBegun.POOL_FULL
    assert lines.by_login(held.login) == held


def test_two_at_the_pool_at_the_same_moment_both_get_a_place(
    lines: Lines, monkeypatch: Any
) -> None:
    transact, conflicts = lines._table.transact, iter([True, True, False])

    def contended(writes: Any) -> bool:
        if next(conflicts, False):
            raise ContendedError("another transaction")
        return transact(writes)

    monkeypatch.setattr(lines._table, "transact", contended)
    assert begun(lines, line()).rev == 1
    assert lines.taken(line())["numbers"] == 1
    conflicts = iter([True] * 5)
    with pytest.raises(ContendedError):
        lines.begin(wish(Pointer("10000002", "4100", "202")), before=None, line=line())


def test_numbers_are_found_by_who_was_successor(lines: Lines) -> None:
    ben, maya, held = Pointer("1", "2", "3"), Pointer("1", "2", "4"), active(lines, line())
    for successor in (ben, maya):
        away = lines.save(held.quarantined(successor=successor, free_at=NOW, asked=WHO, now=NOW))
        assert away is not None
        held = away
    assert lines.inherited(ben) == lines.inherited(maya) == [NUMBER]
    assert lines.inherited(ANNA) == []
    assert held.relieved == (ben,)
    held = replace(held, former=(Phone("+19145550177"),))
    assert lines.save(held) is not None
    assert lines.activation(ANNA.account, agent_id=ANNA.agent_id) == replace(held, rev=held.rev + 1)


def test_the_pools_last_place_may_change_its_service(lines: Lines) -> None:
    of = line(most_numbers=1)
    moved = lines.move(begun(lines, of), line=of)
    assert isinstance(moved, Activation)
    assert (moved.service, lines.taken(of)["numbers"]) == (POOLS[1], 1)


def test_a_pool_that_keeps_changing_is_no_silent_failure(lines: Lines, monkeypatch: Any) -> None:
    monkeypatch.setattr(lines._table, "transact", lambda writes: False)
    with pytest.raises(UnavailableError):
        lines.begin(wish(), before=None, line=line())


def test_a_run_is_written_with_its_list_and_once(table: Any) -> None:
    runs = RelayRuns(table)
    run = Run("r" * 24, Kind.DEACTIVATE, "who", True, True, ANNA, fingerprint([1]), 2, NOW)
    targets = [Target("a", ANNA), Target("b"), Target("+1", None, "PN1", "tag")]
    assert runs.create(run, targets=targets) is None
    assert runs.create(replace(run, by="other"), targets=[]) == run
    assert runs.targets(run.id) == targets
    assert (runs.get("nothing"), runs.targets("nothing")) == (None, [])
    later = runs.save(replace(run.claimed("t", now=NOW), again=(1,), failure=("c", "m"),
                              counts={"done": 1}))  # fmt: skip
    assert later is not None
    assert runs.get(run.id) == later
    assert later.claim == Claim("t", later.claim.until if later.claim else NOW)
    assert runs.save(run) is None
    report = Report(Outcome.PENDING, "unclear", LineState.BUYING, NUMBER, "nearby", "NY", NOW, 5)
    runs.note(run, n=1, target=targets[1], report=report)
    runs.note(run, n=0, target=targets[0], report=Report(Outcome.DONE))
    assert runs.report(run.id, n=1) == report
    assert runs.report(run.id, n=2) is None
    assert runs.reports(run.id) == [("a", Report(Outcome.DONE)), ("b", report)]


def test_a_run_counts_each_row_once() -> None:
    run = Run("r", Kind.ACTIVATE, "w", False, False, None, "f", 2, NOW)
    run = run.noted(0, Report(Outcome.PENDING, "unclear")).noted(1, Report(Outcome.DONE))
    assert (run.done, run.again, run.counts) == (2, (0,), {"done": 1})
    run = run.noted(0, Report(Outcome.REFUSED, "no_number"))
    assert (run.again, run.counts) == ((), {"done": 1, "no_number": 1})
    assert run.ended().state is RunState.DONE
    assert run_id("a", key="b") != run_id("ab", key="") != run_id("", key="ab")
    assert [runs_meant(text) for text in ('{"run":"x"}', "{", "7", '{"run":""}')] == [
        "x", None, None, None]  # fmt: skip
    assert sentence("newer") == "`newer`, which this version does not know."


def test_logins_are_looked_up_together(table: Any, requests_made: list[Any]) -> None:
    stores = Stores(table, now=lambda: NOW)
    table.put(
        {"pk": "ALIAS#1#login:a@x", "sk": "ALIAS", "account": "1", "group": "2", "agent": "3"}
    )
    requests_made.clear()
    assert stores.by_logins("1", logins=["A@x", "b@x"]) == {"A@x": Pointer("1", "2", "3")}
    assert [operation for _, operation, _ in requests_made] == ["BatchGetItem"]


@pytest.mark.usefixtures("_aws")
def test_the_queue_of_runs() -> None:
    import boto3

    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="runs-of-a-test")["QueueUrl"]
    Queues(sqs, outreach="", assignment="", relay=url).relay_ready("r-1")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert runs_meant(message["Body"]) == "r-1"


def test_budget_of_an_activation(lines: Lines, requests_made: list[Any]) -> None:
    requests_made.clear()
    active(lines, line())
    assert [operation for _, operation, _ in requests_made] == [
        "GetItem", "TransactWriteItems", "PutItem", "TransactWriteItems"]  # fmt: skip
