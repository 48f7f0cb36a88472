"""The latest request about a number counts: one that is worked on late changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.relay_rig import (
    ANNA,
    ANNA_LOGIN,
    BEN,
    BEN_LOGIN,
    FIRST,
    MAYA,
    MAYA_LOGIN,
    SECOND,
    Killed,
    RelayRig,
)

LATE_S = 750  # the queue shows a message again


@pytest.fixture
def rig(table: Any, clock: Any) -> RelayRig:
    rig = RelayRig(table, clock)
    rig.activated()
    rig.meets(0)
    rig.clock.advance(60)
    return rig


def killed(rig: RelayRig, what: str, body: dict[str, Any], *, after: str, key: str = "late") -> str:
    """A run whose invocation dies right after the first call of this name took effect."""
    run = rig.open(what, body, key=key)
    rig.queue.runs.clear()
    rig.boundaries.kill_name = after
    with pytest.raises(Killed):
        rig.run(run)
    rig.boundaries.kill_name = None
    rig.clock.advance(10)
    return run


def again(rig: RelayRig, run: str) -> tuple[str, str | None]:
    """The queue delivers it once more: what became of its only row."""
    rig.clock.advance(LATE_S)
    rig.run(run)
    rig.run_all()
    return rig.verdict(rig.look(run))


def test_a_late_deactivation_does_not_end_what_was_activated_again(rig: RelayRig) -> None:
    run = killed(rig, "deactivate", {"logins": [ANNA_LOGIN]}, after="dynamodb.TransactWriteItems")
    assert rig.line_of().state == "quarantined"
    assert rig.verdict(rig.activated(key="back")) == ("done", "revived")
    before = rig.line_of()
    assert again(rig, run) == ("refused", "overtaken")
    assert rig.line_of() == before
    assert (rig.reaches(), rig.bound_to(0)) == (ANNA, ANNA)


def test_a_late_deactivation_does_not_end_what_was_said_to_be_active(rig: RelayRig) -> None:
    """It died before it changed anything; meanwhile she was asked for, and had her number all along."""
    run = killed(rig, "deactivate", {"logins": [ANNA_LOGIN]}, after="dynamodb.GetItem")
    assert rig.verdict(rig.activated(key="back")) == ("already", None)
    assert again(rig, run) == ("refused", "overtaken")
    assert rig.line_of().state == "active"


def test_a_late_activation_does_not_bring_back_what_was_ended(rig: RelayRig) -> None:
    run = killed(rig, "activate", {"logins": [BEN_LOGIN]}, after="twilio.add")
    rig.clock.advance(LATE_S)
    rig.run(run)  # his number is there, and its row has not been noted: it dies once more
    assert rig.line_of(BEN).state == "active"
    rig.clock.advance(10)
    late = killed(rig, "activate", {"logins": [BEN_LOGIN]}, after="dynamodb.GetItem", key="late-2")
    rig.deactivated(BEN_LOGIN)
    assert again(rig, late) == ("refused", "overtaken")
    assert rig.line_of(BEN).state == "quarantined"
    rig.released(BEN_LOGIN, force=True)
    old = killed(rig, "activate", {"logins": [BEN_LOGIN]}, after="dynamodb.GetItem", key="late-3")
    rig.activated(BEN_LOGIN, key="new")
    rig.deactivated(BEN_LOGIN, key="d-2")
    rig.released(BEN_LOGIN, key="r-2", force=True)
    assert again(rig, old) == ("refused", "overtaken")
    assert rig.line_of(BEN).state == "released"


def test_a_late_activation_that_finds_the_number_lost_still_gives_one(rig: RelayRig) -> None:
    late = killed(rig, "activate", {"logins": [ANNA_LOGIN]}, after="dynamodb.GetItem")
    assert rig.verdict(rig.activated(key="newer")) == ("already", None)
    rig.lose()
    rig.twilio.owns.clear()
    rig.twilio.members.clear()
    assert again(rig, late) == ("done", None)
    assert (rig.line_of().state, rig.line_of().number) == ("active", SECOND)


def test_a_late_deactivation_leaves_another_successor_alone(rig: RelayRig) -> None:
    body = {"logins": [ANNA_LOGIN], "successor": BEN_LOGIN}
    run = killed(rig, "deactivate", body, after="dynamodb.GetItem")
    rig.deactivated(successor=MAYA_LOGIN)
    assert again(rig, run) == ("refused", "overtaken")
    assert (rig.reaches(), rig.bound_to(0)) == (MAYA, MAYA)


def test_a_late_activation_does_not_bring_back_what_was_ended_twice(rig: RelayRig) -> None:
    """The second time there was nothing to do; it was asked for all the same."""
    rig.deactivated()
    rig.clock.advance(60)
    run = killed(rig, "activate", {"logins": [ANNA_LOGIN]}, after="dynamodb.GetItem")
    assert rig.verdict(rig.deactivated(key="d-2")) == ("already", None)
    assert again(rig, run) == ("refused", "overtaken")
    assert rig.line_of().state == "quarantined"


@pytest.mark.parametrize("what", ["deactivate", "release"])
def test_a_late_activation_buys_nothing_for_who_was_ended_after_it(
    rig: RelayRig, what: str
) -> None:
    """Nothing to do either: what they had was given back long ago."""
    rig.deactivated()
    rig.released(force=True)
    rig.clock.advance(60)
    run = killed(rig, "activate", {"logins": [ANNA_LOGIN]}, after="dynamodb.GetItem")
    ended = rig.deactivated(key="d-2") if what == "deactivate" else rig.released(key="r-2")
    assert rig.verdict(ended) == ("already", None)
    assert again(rig, run) == ("refused", "overtaken")
    assert rig.line_of().state == "released"


def test_a_late_deactivation_does_not_end_what_was_repaired(rig: RelayRig) -> None:
    run = killed(rig, "deactivate", {"logins": [ANNA_LOGIN]}, after="dynamodb.GetItem")
    rig.lose()
    assert rig.verdict(rig.activated(key="mended")) == ("done", "repaired")
    assert again(rig, run) == ("refused", "overtaken")
    assert rig.line_of().state == "active"


def test_a_late_release_does_not_take_what_was_quarantined_anew(rig: RelayRig) -> None:
    rig.deactivated()
    rig.clock.advance(60)
    run = killed(rig, "release", {"logins": [ANNA_LOGIN], "force": True}, after="dynamodb.GetItem")
    rig.activated(key="back")
    rig.deactivated(key="d-2")
    assert again(rig, run) == ("refused", "overtaken")
    assert (rig.line_of().state, rig.line_of().number) == ("quarantined", FIRST)


def test_a_deactivation_asked_for_after_the_wish_ends_what_became_of_it(rig: RelayRig) -> None:
    """Late is what was asked before: a wish that came true meanwhile was asked for earlier still."""
    wish = rig.dies_waiting(BEN_LOGIN, key="wish")
    rig.clock.advance(5)
    end = rig.open("deactivate", {"logins": [BEN_LOGIN]}, key="end")
    rig.clock.advance(61)
    rig.run(wish)
    assert rig.line_of(BEN).state == "active"
    rig.run(end)
    assert rig.verdict(rig.look(end)) == ("done", None)
    assert rig.line_of(BEN).state == "quarantined"


def test_a_wish_asked_for_again_is_not_withdrawn_by_an_older_request(rig: RelayRig) -> None:
    rig.dies_waiting(BEN_LOGIN, key="wish")
    rig.clock.advance(5)
    end = rig.open("deactivate", {"logins": [BEN_LOGIN]}, key="end")
    rig.queue.runs.clear()
    rig.clock.advance(61)
    assert rig.verdict(rig.activated(BEN_LOGIN, key="again")) == ("done", "adopted")
    rig.run(end)
    assert rig.verdict(rig.look(end)) == ("refused", "overtaken")
    assert rig.line_of(BEN).state == "active"


def test_who_was_successor_for_a_leaver_is_no_request_of_the_other(rig: RelayRig) -> None:
    """Ben's leaving points Anna's number on; her own older deactivation still goes on from there."""
    rig.activated(BEN_LOGIN, key="b-1")
    rig.clock.advance(5)
    asked = rig.clock.now()
    rig.deactivated(successor=BEN_LOGIN)
    rig.clock.advance(60)
    rig.deactivated(BEN_LOGIN, key="d-2", successor=MAYA_LOGIN)
    assert rig.reaches() == MAYA
    assert rig.line_of().asked_at == asked
