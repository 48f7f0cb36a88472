"""A number is taken out of use, handed over, and much later given back: nothing is lost (C18)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.relay_rig import (
    ACCOUNT,
    ANNA,
    ANNA_LOGIN,
    BEN,
    BEN_LOGIN,
    GROUP,
    HEAD,
    LOGINS,
    MAYA,
    POOLS,
    RelayRig,
    staff,
)

from instore.directory import Pointer
from instore.model import Phone, iso

NUMBER = "+19145550100"


@pytest.fixture
def rig(table: Any, clock: Any) -> RelayRig:
    """Anna has a number and three customers, one of whom is Ben's by now."""
    rig = RelayRig(table, clock)
    rig.activated(key="a-1")
    for n, agent in enumerate((ANNA, ANNA, BEN)):
        rig.meets(n, agent=agent)
    rig.twilio.asked.clear()
    return rig


# ---------------------------------------------------------------- deactivate


def test_customers_number_and_history_go_to_the_named_successor(rig: RelayRig) -> None:
    ended = rig.deactivated(successor=BEN_LOGIN.upper())
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "done", None)]
    assert [rig.bound_to(n) for n in range(3)] == [BEN, BEN, BEN]
    lines, pointer = rig.services().lines, Pointer(ACCOUNT, GROUP, ANNA)
    line = lines.get(Phone(NUMBER))
    assert line is not None
    assert (line.state, line.successor) == ("quarantined", Pointer(ACCOUNT, GROUP, BEN))
    assert line.answers_to == Pointer(ACCOUNT, GROUP, BEN)
    assert lines.of(pointer) is None  # nobody texts from it as Anna
    held = rig.line_of()
    assert held.free_at == rig.clock.now() + timedelta(days=90)
    assert [(str(d.state), d.by) for d in held.history][-1] == ("quarantined", HEAD)
    assert rig.twilio.asked == []  # the number stays as it was
    rig.is_consistent()


def test_without_a_name_the_manager_has_them(rig: RelayRig) -> None:
    rig.deactivated()
    assert [rig.bound_to(n) for n in range(3)] == [MAYA, MAYA, BEN]


def test_without_a_manager_they_stay_and_the_row_says_so(rig: RelayRig) -> None:
    rig.write_store(replace(staff(), managers=()))
    ended = rig.deactivated()
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "done", "no_successor")]
    assert [rig.bound_to(n) for n in range(3)] == [ANNA, ANNA, BEN]
    line = rig.services().lines.get(Phone(NUMBER))
    assert line is not None
    assert line.answers_to == line.pointer
    # Somebody is found later on.
    assert rig.verdicts(rig.deactivated(key="d-2", successor=BEN_LOGIN)) == [
        (ANNA_LOGIN, "done", None)]  # fmt: skip
    assert [rig.bound_to(n) for n in range(3)] == [BEN, BEN, BEN]
    assert rig.line_of().free_at == rig.clock.now() + timedelta(days=90)


def test_a_manager_who_leaves_is_not_their_own_successor(rig: RelayRig) -> None:
    rig.activated("maya@kay.example.com", key="a-2")
    ended = rig.deactivated("maya@kay.example.com", key="d-1")
    assert rig.verdicts(ended) == [("maya@kay.example.com", "done", "no_successor")]


def test_who_has_left_the_map_can_still_be_deactivated(rig: RelayRig) -> None:
    store = staff()
    rig.write_store(replace(store, associates=store.associates[1:]))
    rig.table.delete(f"ALIAS#{ACCOUNT}#login:{ANNA_LOGIN}", "ALIAS")
    rig.table.delete(f"ALIAS#{ACCOUNT}#agent:{ANNA}", "ALIAS")
    assert rig.verdicts(rig.deactivated()) == [(ANNA_LOGIN, "done", None)]
    assert rig.bound_to(0) == MAYA
    status, shown = rig.ask_relay("GET /relay/{login}", path={"login": ANNA_LOGIN}, key=None)
    assert (status, shown["state"], shown["successor"]) == (200, "quarantined", f"{ACCOUNT}/{MAYA}")


def test_a_number_can_be_named_in_place_of_a_login(rig: RelayRig) -> None:
    ended = rig.did("deactivate", {"numbers": ["(914) 555-0100", "+19145550155"]}, key="d-1")
    assert rig.verdicts(ended) == [(NUMBER, "done", None),
                                   ("+19145550155", "refused", "no_line")]  # fmt: skip


@pytest.mark.parametrize("fit", ["other_banner", "disabled", "self"])
def test_a_successor_who_cannot_be_one_is_refused(rig: RelayRig, fit: str) -> None:
    login = {"disabled": LOGINS["203"], "self": ANNA_LOGIN}.get(fit, "joe@jared.example.com")
    if fit == "other_banner":
        store = staff()
        joe = replace(store.associates[0], agent_id="401", pid="pid-401", login=login)
        rig.write_store(replace(store, group="4200", banner="jared", associates=(joe,),
                                managers=()))  # fmt: skip
    ended = rig.deactivated(successor=login)
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "refused", "successor_unfit")]
    assert rig.line_of().state == "active"


def test_a_successor_nobody_knows_is_told_at_once(rig: RelayRig) -> None:
    status, answer = rig.ask_relay("POST /relay/deactivate",
                                   {"logins": [ANNA_LOGIN], "successor": "who@kay.example.com"})  # fmt: skip
    assert (status, answer["code"]) == (404, "unknown_associate")


def test_again_changes_nothing_and_who_has_none_is_told(rig: RelayRig) -> None:
    rig.deactivated()
    before = rig.line_of()
    rig.clock.advance(86400)
    assert rig.verdicts(rig.deactivated(key="d-2")) == [(ANNA_LOGIN, "already", None)]
    found = rig.line_of()  # when it was asked for last is known: an older wish may come late
    assert found == replace(before, asked_at=rig.clock.now(), rev=before.rev + 1)
    ended = rig.deactivated(BEN_LOGIN, "who@kay.example.com", key="d-3")
    assert rig.verdicts(ended) == [(BEN_LOGIN, "refused", "no_line"),
                                   ("who@kay.example.com", "refused", "no_line")]  # fmt: skip


def test_a_dry_run_changes_nothing(rig: RelayRig) -> None:
    before = rig.line_of()
    assert rig.verdicts(rig.deactivated(dry_run=True)) == [(ANNA_LOGIN, "would", None)]
    assert rig.line_of() == before
    rig.deactivated(key="d-2")
    before = rig.line_of()
    assert rig.verdicts(rig.released(dry_run=True)) == [(ANNA_LOGIN, "refused", "in_quarantine")]
    assert rig.verdicts(rig.released(key="r-2", dry_run=True, force=True)) == [
        (ANNA_LOGIN, "would", None)]  # fmt: skip
    assert rig.line_of() == before
    assert rig.twilio.asked == []


def test_an_erased_customer_is_handed_to_nobody(rig: RelayRig) -> None:
    name = rig.meets(7)
    rig.services().consents.erase(name, reason="request", who="desk", now=rig.clock.now(),
                                  due_at=rig.clock.now())  # fmt: skip
    rig.deactivated()
    item = rig.table.get(f"CUSTOMER#{name}", "CUSTOMER")
    assert item is not None
    assert "bindings" not in item
    assert "phone" not in item


def test_many_customers_are_handed_over_in_parts(rig: RelayRig) -> None:
    for n in range(20, 20 + 130):
        rig.meets(n)
    run = rig.open("deactivate", {"logins": [ANNA_LOGIN]}, key="d-1")
    lines = rig.services().lines
    left = iter([120.0, 120.0, 10.0])  # for the row, a hundred customers, the rest

    def context() -> Any:
        given = RelayRig.context(rig)
        given.get_remaining_time_in_millis = lambda: int(next(left, 5.0) * 1000)
        return given

    rig.context = context  # type: ignore[method-assign]  # time that runs out in the middle
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.queue.runs == [(run, 0)]
    assert rig.line_of().handing
    moved = [rig.bound_to(n) for n in range(20, 150)].count(MAYA)
    assert 90 < moved <= 100
    left = iter([])
    rig.context = lambda: RelayRig.context(rig)  # type: ignore[method-assign]  # and is back
    rig.remaining_s = 120.0
    rig.run_all()
    assert {rig.bound_to(n) for n in range(20, 150)} == {MAYA}
    assert not rig.line_of().handing
    assert len(list(lines.customers_of(Phone(NUMBER)))) == 133


def test_who_comes_back_has_their_own_number_again(rig: RelayRig) -> None:
    rig.deactivated()
    ended = rig.activated(key="a-2")
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "done", "revived")]
    assert ended["reports"][0]["number"] == NUMBER
    held = rig.line_of()
    assert (held.state, held.successor, held.free_at) == ("active", None, None)
    assert rig.bound_to(0) == MAYA  # customers stay with whom they were handed to
    assert len(rig.twilio.ever) == 1
    rig.is_consistent()


# ---------------------------------------------------------------- release


def test_a_release_waits_for_the_end_of_the_quarantine(rig: RelayRig) -> None:
    assert rig.verdicts(rig.released(key="r-0")) == [(ANNA_LOGIN, "refused", "still_active")]
    assert rig.verdicts(rig.released(key="r-00", force=True)) == [
        (ANNA_LOGIN, "refused", "still_active")]  # fmt: skip
    rig.deactivated()
    rig.clock.advance(timedelta(days=90).total_seconds() - 1)
    ended = rig.released()
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "refused", "in_quarantine")]
    assert ended["reports"][0]["until"] == iso(rig.line_of().free_at)
    rig.clock.advance(1)
    assert rig.verdicts(rig.released(key="r-2")) == [(ANNA_LOGIN, "done", None)]
    assert rig.twilio.owns == {}
    held = rig.line_of()
    assert [str(d.state) for d in held.history][-3:] == ["quarantined", "releasing", "released"]
    assert rig.pool() == {"numbers": 0, POOLS[0]: 0, POOLS[1]: 0}
    line = rig.services().lines.get(Phone(NUMBER))
    assert line is not None  # whose it was stays known
    assert line.state == "released"
    assert len(list(rig.services().lines.customers_of(Phone(NUMBER)))) == 3
    assert [rig.bound_to(n) for n in range(3)] == [MAYA, MAYA, BEN]
    assert rig.verdicts(rig.released(key="r-3")) == [(ANNA_LOGIN, "already", None)]
    assert rig.verdicts(rig.deactivated(key="d-9")) == [(ANNA_LOGIN, "already", None)]


def test_forced_it_goes_at_once(rig: RelayRig) -> None:
    rig.deactivated()
    assert rig.verdicts(rig.released(force=True)) == [(ANNA_LOGIN, "done", None)]
    assert rig.twilio.released == [f"PN{1:032x}"]


def test_a_release_without_an_answer_is_finished_by_the_next_try(rig: RelayRig) -> None:
    rig.deactivated()
    rig.twilio.fail("release", taken=True)
    run = rig.open("release", {"logins": [ANNA_LOGIN], "force": True}, key="r-1")
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.line_of().state == "releasing"
    meanwhile = rig.open("activate", {"logins": [ANNA_LOGIN]}, key="a-2")
    rig.run(meanwhile)
    assert rig.verdicts(rig.look(meanwhile)) == [(ANNA_LOGIN, "refused", "being_released")]
    rig.run_all()
    assert rig.look(run)["reports"][0]["outcome"] in ("done", "already")
    assert rig.line_of().state == "released"
    rig.is_consistent()


def test_releasing_hands_over_what_was_not_yet(rig: RelayRig) -> None:
    rig.deactivated()
    held = rig.line_of()
    rig.meets(9)
    assert rig.services().lines.save(replace(held, handing=True)) is not None
    assert rig.verdicts(rig.released(force=True)) == [(ANNA_LOGIN, "done", None)]
    assert rig.bound_to(9) == MAYA


# ---------------------------------------------------------------- wishes and orphans


def test_a_wish_can_be_withdrawn(rig: RelayRig) -> None:
    rig.dies_waiting(BEN_LOGIN, key="a-2")
    assert rig.line_of(BEN).state == "buying"
    dry = rig.deactivated(BEN_LOGIN, key="d-0", dry_run=True)
    assert rig.verdict(dry) == ("would", "withdrawn")
    ended = rig.deactivated(BEN_LOGIN, key="d-1")
    assert rig.verdicts(ended) == [(BEN_LOGIN, "done", "withdrawn")]
    assert rig.line_of(BEN).state == "released"
    assert len(rig.twilio.owns) == 1
    rig.is_consistent()


def test_a_wish_that_may_still_come_true_is_withdrawn_a_minute_later(rig: RelayRig) -> None:
    rig.dies_waiting(BEN_LOGIN, key="a-2", taken=False)
    run = rig.open("deactivate", {"logins": [BEN_LOGIN]}, key="d-1")
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.look(run)["reports"][0]["reason"] == "unclear"
    rig.run_all()
    assert rig.verdicts(rig.look(run)) == [(BEN_LOGIN, "done", "withdrawn")]


def test_orphans_are_found_adopted_or_released(rig: RelayRig) -> None:
    # Bought for Ben, who never heard of it; for nobody; twice for Anna; and two that are not ours.
    rig.dies_waiting(BEN_LOGIN, key="a-2")
    mark, market = rig.services().lines.stack_mark(), rig.twilio
    urls = {"sms_url": "s", "voice_url": "v"}
    lost = market.buy(None, number=Phone("+19145550130"), tag=f"{mark}{ACCOUNT}-999-aa", **urls)
    twice = market.buy(None, number=Phone("+19145550131"), tag=rig.line_of().tag, **urls)
    strange = market.buy(None, number=Phone("+19145550132"), tag=f"{mark}what", **urls)
    for number, tag in (("+19145550133", "instore-000000-1-2-3"), ("+19145550134", "Reception")):
        market.buy(None, number=Phone(number), tag=tag, **urls)
    looked = rig.did("orphans", {}, key="o-1")
    assert (looked["dry_run"], looked["counts"]) == (True, {"would": 4})
    assert {(r["name"], r["reason"]) for r in looked["reports"]} == {
        ("+19145550101", "adopted"), ("+19145550130", "released"), ("+19145550131", "released"),
        ("+19145550132", "released")}  # fmt: skip
    assert market.released == []
    ended = rig.did("orphans", {"dry_run": False}, key="o-2")
    assert ended["counts"] == {"done": 4}
    assert sorted(market.released) == sorted([lost.sid, twice.sid, strange.sid])
    assert rig.line_of(BEN).number.e164 == "+19145550101"
    assert rig.line_of().number.e164 == NUMBER
    assert {o.friendly_name for o in market.owns.values()} >= {"instore-000000-1-2-3", "Reception"}
    assert rig.did("orphans", {"dry_run": False}, key="o-3")["reports"] == []


def test_an_orphan_that_found_its_user_meanwhile_is_left_alone(rig: RelayRig) -> None:
    rig.twilio.fail("buy", taken=True)
    rig.run(rig.open("activate", {"logins": [BEN_LOGIN]}, key="a-2"))
    waiting = rig.queue.runs.pop()
    rig.queue.runs.clear()
    rig.remaining_s = 10.0
    run = rig.open("orphans", {"dry_run": False}, key="o-1")
    rig.run(rig.queue.runs.pop(0)[0])  # lists, and has no time for more
    rig.remaining_s = 120.0
    rig.clock.advance(waiting[1])
    rig.run(waiting[0])
    rig.run_all()
    assert rig.verdicts(rig.look(run)) == [("+19145550101", "refused", "in_use")]
    rig.is_consistent()


def test_an_orphan_that_is_gone_is_told(rig: RelayRig) -> None:
    mark = rig.services().lines.stack_mark()
    one = rig.twilio.buy(None, number=Phone("+19145550130"), tag=f"{mark}x", sms_url="s",
                         voice_url="v")  # fmt: skip
    rig.remaining_s = 10.0
    run = rig.open("orphans", {"dry_run": False}, key="o-1")
    rig.run(rig.queue.runs.pop(0)[0])
    rig.twilio.release(None, sid=one.sid)
    rig.remaining_s = 120.0
    rig.run_all()
    assert rig.verdicts(rig.look(run)) == [("+19145550130", "refused", "not_found")]
