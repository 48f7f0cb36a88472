"""Numbers bought for nobody are found without anybody thinking of it; a person gives them back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.relay_rig import ACCOUNT, BEN, BEN_LOGIN, SECOND, RelayRig

from instore.model import Phone

LOST = Phone("+19145550130")


@pytest.fixture
def rig(table: Any, clock: Any) -> RelayRig:
    """Ben waits for a purchase nobody heard of; one number was bought for nobody."""
    rig = RelayRig(table, clock)
    rig.activated()
    rig.dies_waiting(BEN_LOGIN, key="b-1")
    mark = rig.services().lines.stack_mark()
    rig.twilio.buy(None, number=LOST, tag=f"{mark}{ACCOUNT}-999-aa", sms_url="s", voice_url="v")
    rig.clock.advance(3600)
    return rig


def turn(rig: RelayRig) -> str | None:
    """The schedule fires."""
    from relay_bulk import app

    with rig.process():
        answer: dict[str, str | None] = app.handler({}, rig.context())
    assert set(answer) == {"run"}
    return answer["run"]


def counted(capsys: Any) -> list[int]:
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines() if x.startswith("{")]
    return [int(x["NumbersOrphaned"][0]) for x in lines if "NumbersOrphaned" in x]


def test_who_waits_gets_theirs_and_the_rest_is_told_every_day(rig: RelayRig, capsys: Any) -> None:
    run = turn(rig)
    assert run is not None
    rig.run_all()
    ended = rig.look(run)
    assert (ended["kind"], ended["by"], ended["state"]) == ("adopt", "schedule", "done")
    assert {(r["name"], r["outcome"], r["reason"]) for r in ended["reports"]} == {
        (SECOND.e164, "done", "adopted"), (LOST.e164, "refused", "orphan")}  # fmt: skip
    assert (rig.line_of(BEN).state, rig.line_of(BEN).number) == ("active", SECOND)
    assert rig.twilio.released == []
    assert counted(capsys) == [1]
    rig.clock.advance(86400)
    rig.look(turn(rig) or "")
    rig.run_all()
    assert counted(capsys) == [1]
    assert rig.did("orphans", {"dry_run": False}, key="o-1")["counts"] == {"done": 1}
    rig.clock.advance(86400)
    turn(rig)
    rig.run_all()
    assert counted(capsys) == []


def test_a_turn_that_comes_twice_is_one_run(rig: RelayRig) -> None:
    first = turn(rig)
    assert (turn(rig), rig.queue.runs) == (first, [(first, 0), (first, 0)])  # a message lost
    rig.run_all()
    assert (turn(rig), rig.queue.runs) == (first, [])
    rig.clock.advance(86400)
    assert turn(rig) not in (None, first)


def test_whose_user_may_have_none_is_left_to_a_person(rig: RelayRig) -> None:
    rig.with_line(strategy="shared")
    run = turn(rig) or ""
    rig.run_all()
    assert rig.look(run)["counts"] == {"orphan": 2}
    assert (rig.line_of(BEN).state, rig.twilio.released) == ("buying", [])


def test_without_a_line_there_is_nothing_to_look_for(rig: RelayRig) -> None:
    rig.apply()
    assert (turn(rig), rig.queue.runs) == (None, [])


def test_many_numbers_are_looked_up_together(rig: RelayRig, requests_made: list[Any]) -> None:
    run = turn(rig) or ""
    rig.remaining_s = 10.0  # the list is made, and no row
    requests_made.clear()
    rig.run(run)
    assert [operation for _, operation, _ in requests_made].count("BatchGetItem") == 1
    assert rig.look(run)["rows"] == {"done": 0, "of": 2, "pending": 0}
