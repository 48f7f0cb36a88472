"""The program names another Twilio account: numbers know the one they were bought at."""

from __future__ import annotations

from typing import Any

import pytest
from tests.relay_rig import (
    ANNA_LOGIN,
    BEN,
    BEN_LOGIN,
    FIRST,
    MAYA,
    POOLS,
    SID,
    RelayRig,
)

from instore.program_line import Line

OTHER = "AC" + "4e5f6a7b" * 4
SERVICE = "MG" + "55ee66ff" * 4


@pytest.fixture
def rig(table: Any, clock: Any) -> RelayRig:
    """Anna has a number, Ben a wish that may be fulfilled; then the account is another one."""
    rig = RelayRig(table, clock)
    rig.activated()
    rig.dies_waiting(BEN_LOGIN, key="b-1")
    rig.clock.advance(61)
    rig.with_line(account=OTHER, messaging_services=[SERVICE])
    rig.twilio.account = OTHER
    rig.twilio.asked.clear()
    return rig


def test_a_number_is_released_where_it_was_bought(rig: RelayRig) -> None:
    assert rig.verdict(rig.deactivated()) == ("done", None)
    assert rig.reaches() == MAYA
    assert rig.verdict(rig.released(force=True)) == ("done", None)
    assert rig.twilio.released == [f"PN{1:032x}"]
    assert rig.pool() == {"numbers": 1, POOLS[0]: 1, POOLS[1]: 0}  # Ben's wish
    assert rig.pool(OTHER)["numbers"] == 0


def test_a_wish_is_withdrawn_where_it_was_begun_and_begins_anew_here(rig: RelayRig) -> None:
    assert rig.verdict(rig.activated(BEN_LOGIN, key="a-2")) == ("refused", "other_account")
    assert rig.verdict(rig.deactivated(BEN_LOGIN)) == ("done", "withdrawn")
    assert rig.twilio.released == [f"PN{2:032x}"]
    assert rig.verdict(rig.activated(BEN_LOGIN, key="a-3")) == ("done", None)
    assert (rig.line_of(BEN).account_sid, rig.line_of(BEN).service) == (OTHER, SERVICE)
    assert (rig.pool()["numbers"], rig.pool(OTHER)["numbers"]) == (1, 1)


@pytest.mark.parametrize("state", ["active", "quarantined"])
def test_a_number_that_stayed_behind_is_not_replaced_unasked(rig: RelayRig, state: str) -> None:
    if state == "quarantined":
        rig.deactivated()
    before = rig.line_of()
    for dry in (True, False):
        ended = rig.activated(key=f"a-{dry}", dry_run=dry)
        assert rig.verdict(ended) == ("refused", "other_account")
    assert rig.line_of() == before
    assert set(rig.twilio.asked) == {"owned"}


def test_a_number_that_twilio_moved_along_is_set_up_here(rig: RelayRig) -> None:
    rig.twilio.homes[f"PN{1:032x}"] = OTHER
    rig.twilio.members.clear()
    assert rig.verdict(rig.activated(key="dry", dry_run=True)) == ("would", "repaired")
    rig.with_line(account=OTHER, messaging_services=[SERVICE], most_numbers=1)
    assert rig.verdict(rig.activated(key="a-2")) == ("done", "repaired")
    held = rig.line_of()
    assert (held.number, held.account_sid, held.service) == (FIRST, OTHER, SERVICE)
    assert rig.twilio.members == {SERVICE: {f"PN{1:032x}"}}
    assert rig.pool() == {"numbers": 1, POOLS[0]: 1, POOLS[1]: 0}
    assert rig.pool(OTHER)["numbers"] == 1
    assert rig.table.get(f"LINE#pool:{OTHER}", "POOL")[SERVICE] == 1  # type: ignore[index]  # it is there
    rig.deactivated()
    assert rig.verdict(rig.released(force=True)) == ("done", None)
    assert rig.pool(OTHER)["numbers"] == 0


def test_who_comes_back_to_a_number_that_was_moved_can_text_from_it(rig: RelayRig) -> None:
    rig.deactivated()
    rig.twilio.homes[f"PN{1:032x}"] = OTHER
    rig.twilio.members.clear()
    assert rig.verdict(rig.activated(key="a-2")) == ("done", "repaired")
    assert (rig.line_of().state, rig.line_of().service) == ("active", SERVICE)
    assert rig.twilio.members == {SERVICE: {f"PN{1:032x}"}}


def test_where_the_pool_is_full_a_moved_number_has_to_wait(rig: RelayRig) -> None:
    rig.with_line(account=OTHER, messaging_services=[SERVICE], most_numbers=1)
    rig.activated("maya@kay.example.com", key="m-1")
    rig.twilio.homes[f"PN{1:032x}"] = OTHER
    assert rig.verdict(rig.activated(key="a-2")) == ("refused", "pool_full")
    assert rig.line_of().account_sid == SID


def test_a_closed_account_is_its_own_numbers_trouble_and_nobody_elses(rig: RelayRig) -> None:
    rig.activated("maya@kay.example.com", key="m-1")
    rig.deactivated(ANNA_LOGIN, "maya@kay.example.com")
    rig.twilio.closed = {SID}
    ended = rig.released(ANNA_LOGIN, "maya@kay.example.com", force=True)
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "refused", "account_closed"),
                                   ("maya@kay.example.com", "done", None)]  # fmt: skip
    rig.twilio.closed = set()  # its secret is back
    assert rig.verdict(rig.released(key="r-2", force=True)) == ("done", None)
    rig.activated("maya@kay.example.com", key="m-2")
    rig.deactivated("maya@kay.example.com", key="d-2")
    rig.twilio.closed = {OTHER}
    stopped = rig.released("maya@kay.example.com", key="r-3", force=True)
    assert (stopped["state"], stopped["failure"]["code"]) == ("failed", "vendor_not_authorized")


def test_the_secret_of_another_account_follows_from_the_rule() -> None:
    line = Line.model_validate({"account_sid": SID, "secret": f"shop/twilio/{SID.lower()}"})
    assert line.at(SID) is line
    other = line.at(OTHER)
    assert (other.account_sid, other.secret) == (OTHER, f"shop/twilio/{OTHER.lower()}")
