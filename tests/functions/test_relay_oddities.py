"""What goes wrong with relay numbers between people, Twilio's console and two runs at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.outreach_rig import phone
from tests.relay_rig import (
    ACCOUNT,
    ANNA,
    ANNA_LOGIN,
    BEN,
    BEN_LOGIN,
    FIRST,
    GROUP,
    HEAD,
    MAYA,
    MAYA_LOGIN,
    POOLS,
    SECOND,
    RelayRig,
    refused,
    staff,
)

from instore.directory import Pointer
from instore.model import Phone
from instore.relay_bulk import Work, work
from instore.runtime.means import relay_means
from instore.runtime.services import using


@pytest.fixture
def rig(table: Any, clock: Any) -> RelayRig:
    return RelayRig(table, clock)


def move_to(rig: RelayRig, *, account: str = ACCOUNT, group: str, banner: str, agent: str) -> None:
    """Anna works somewhere else now, as this agent of this account."""
    store = staff()
    anna = replace(store.associates[0], agent_id=agent, pid=f"pid-{agent}", login=ANNA_LOGIN)
    rig.write_store(replace(store, associates=store.associates[1:]))
    rig.table.delete(f"ALIAS#{ACCOUNT}#login:{ANNA_LOGIN}", "ALIAS")
    rig.write_store(replace(store, account=account, group=group, banner=banner,
                            associates=(anna,), managers=()))  # fmt: skip


# ---------------------------------------------------------------- successors of successors


def test_who_was_handed_customers_hands_them_on(rig: RelayRig) -> None:
    """Anna's customers go to Ben, and with Ben's leaving to Maya; so do texts to Anna's number."""
    rig.activated(ANNA_LOGIN, BEN_LOGIN)
    rig.meets(0)
    rig.meets(1, agent=BEN, number=SECOND)
    rig.deactivated(key="d-1", successor=BEN_LOGIN)
    rig.meets(2, agent=BEN, source="relay_number")  # texts Anna's number when she is gone
    free_at = rig.line_of().free_at
    rig.clock.advance(86400)
    rig.deactivated(BEN_LOGIN, key="d-2", successor=MAYA_LOGIN)
    assert [rig.bound_to(n) for n in range(3)] == [MAYA, MAYA, MAYA]
    assert (rig.reaches(FIRST), rig.reaches(SECOND)) == (MAYA, MAYA)
    held = rig.line_of()
    assert (held.free_at, held.by, held.handing) == (free_at, HEAD, False)
    rig.is_consistent()


def test_a_circle_of_successors_ends(rig: RelayRig) -> None:
    rig.activated(ANNA_LOGIN, BEN_LOGIN)
    rig.meets(0)
    rig.meets(1, agent=BEN, number=SECOND)
    rig.deactivated(key="d-1", successor=BEN_LOGIN)
    rig.deactivated(BEN_LOGIN, key="d-2", successor=ANNA_LOGIN)
    assert [rig.bound_to(n) for n in range(2)] == [ANNA, ANNA]
    assert (rig.reaches(FIRST), rig.reaches(SECOND)) == (ANNA, ANNA)
    rig.deactivated(key="d-3", successor=MAYA_LOGIN)
    assert [rig.bound_to(n) for n in range(2)] == [MAYA, MAYA]
    assert (rig.reaches(FIRST), rig.reaches(SECOND)) == (MAYA, MAYA)
    rig.is_consistent()


def test_who_came_back_keeps_the_number_when_the_successor_leaves(rig: RelayRig) -> None:
    rig.activated(ANNA_LOGIN, BEN_LOGIN)
    rig.meets(0)
    rig.deactivated(key="d-1", successor=BEN_LOGIN)
    assert rig.verdict(rig.activated(key="a-2")) == ("done", "revived")
    rig.deactivated(BEN_LOGIN, key="d-2", successor=MAYA_LOGIN)
    assert (rig.line_of().state, rig.reaches()) == ("active", ANNA)
    assert rig.bound_to(0) == MAYA  # they were Ben's since
    rig.is_consistent()


def test_another_successor_has_what_the_first_was_handed_and_no_more(rig: RelayRig) -> None:
    rig.activated()
    rig.meets(0)
    rig.meets(1, agent=BEN)  # was Ben's own before
    rig.deactivated(key="d-1", successor=BEN_LOGIN)
    assert [rig.bound_to(n) for n in range(2)] == [BEN, BEN]
    rig.clock.advance(60)
    rig.deactivated(key="d-2", successor=MAYA_LOGIN)
    assert [rig.bound_to(n) for n in range(2)] == [MAYA, BEN]
    assert rig.reaches() == MAYA


def test_a_customer_bound_late_is_handed_over_before_the_release(rig: RelayRig) -> None:
    """Their text was on its way while Anna was deactivated, and bound them to her."""
    rig.activated()
    rig.deactivated(key="d-1", successor=BEN_LOGIN)
    rig.meets(0)
    assert rig.verdict(rig.released(force=True)) == ("done", None)
    assert rig.bound_to(0) == BEN


def test_who_is_bound_to_another_while_they_are_handed_over_stays_there(
    rig: RelayRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.adapters.customers import Customers

    rig.activated()
    name, get_many = rig.meets(0), Customers.get_many

    def late(self: Any, ids: Any) -> Any:
        found = get_many(self, ids)
        rig.clock.advance(1)
        self.bind(name, phone=Phone(phone(0)), banner="kay", now=rig.clock.now(), source="test",
                  pointer=Pointer(ACCOUNT, GROUP, MAYA))  # fmt: skip
        rig.clock.advance(1)
        return found

    monkeypatch.setattr(Customers, "get_many", late)
    rig.deactivated(key="d-1", successor=BEN_LOGIN)
    assert rig.bound_to(0) == MAYA


def test_customers_of_a_number_that_was_lost_are_handed_over_with_the_next(rig: RelayRig) -> None:
    rig.activated()
    rig.meets(0)
    rig.lose()
    rig.twilio.owns.clear()
    rig.twilio.members.clear()
    assert rig.activated(key="a-2")["reports"][0]["number"] == SECOND.e164
    assert rig.line_of().former == (FIRST,)
    rig.deactivated(key="d-1", successor=BEN_LOGIN)
    assert rig.bound_to(0) == BEN
    rig.is_consistent()


# ---------------------------------------------------------------- people who move


def test_who_moved_to_another_account_has_one_number_at_a_time(rig: RelayRig) -> None:
    rig.activated()
    account = next(
        a.id for a in rig.services().programs.current().human_accounts() if a.id != ACCOUNT
    )
    move_to(rig, account=account, group="4700", banner="kay", agent="901")
    (report,) = rig.activated(key="a-2")["reports"]
    assert (report["outcome"], report["reason"], report["number"]) == (
        "refused", "has_another", FIRST.e164)  # fmt: skip
    dry = rig.activated(key="dry", dry_run=True)
    assert rig.verdict(dry) == ("refused", "has_another")
    assert rig.verdict(rig.deactivated(key="d-1", successor=BEN_LOGIN)) == ("done", None)
    (report,) = rig.activated(key="a-3")["reports"]
    assert (report["outcome"], report["number"]) == ("done", SECOND.e164)
    assert rig.line_of().state == "quarantined"
    ended = rig.did("release", {"numbers": [FIRST.e164], "force": True})
    assert rig.verdict(ended) == ("done", None)


@pytest.mark.parametrize("state", ["active", "quarantined"])
def test_a_number_does_not_go_along_to_another_banner(rig: RelayRig, state: str) -> None:
    rig.activated()
    if state == "quarantined":
        rig.deactivated(key="d-1", successor=BEN_LOGIN)

    def relay_there(document: dict[str, Any]) -> None:
        line = rig.services().programs.current().line
        assert line is not None
        document["line"] = line.model_dump(exclude_none=True)
        for banner in document["banners"]:
            if banner["name"] in ("kay", "jared"):
                banner["number"]["strategy"] = "relay"

    rig.apply(relay_there)
    move_to(rig, group="4200", banner="jared", agent=ANNA)
    assert rig.verdict(rig.activated(key="a-2")) == ("refused", "other_banner")
    dry = rig.activated(key="dry", dry_run=True)
    assert rig.verdict(dry) == ("refused", "other_banner")
    assert (rig.line_of().state, rig.line_of().banner) == (state, "kay")


def test_who_moved_to_another_banner_leaves_customers_to_the_old_stores_manager(
    rig: RelayRig,
) -> None:
    rig.activated()
    rig.meets(0)
    move_to(rig, group="4200", banner="jared", agent=ANNA)
    assert rig.verdict(rig.deactivated(key="d-1")) == ("done", None)
    assert (rig.bound_to(0), rig.reaches()) == (MAYA, MAYA)


def test_a_number_is_shown_to_who_has_the_login_now(rig: RelayRig) -> None:
    """Anna has another login since, and her old one is somebody else's."""
    rig.activated()
    store = staff()
    anna = replace(store.associates[0], login="anna.new@kay.example.com")
    cora = replace(store.associates[0], agent_id="250", pid="pid-250", login=ANNA_LOGIN)
    rig.write_store(replace(store, associates=(anna, cora, *store.associates[1:])))
    for login, status in ((ANNA_LOGIN, 404), ("Anna.New@kay.example.com", 200)):
        told, mine = rig.ask_relay("GET /relay/mine", scopes="relay:read", login=login, key=None)
        assert told == status
        assert mine.get("number") == (FIRST.e164 if status == 200 else None)
    path = {"login": "anna.new@kay.example.com"}
    status, shown = rig.ask_relay("GET /relay/{login}", path=path, key=None)
    assert (status, shown["number"]) == (200, FIRST.e164)


def test_a_token_without_an_associate_has_no_number_of_its_own(rig: RelayRig) -> None:
    from tests.outreach_rig import http_event

    from relay_numbers import app

    rig.activated()
    event = http_event("GET /relay/mine", None, login=ANNA_LOGIN, scopes="relay:read relay:admin")
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    del claims[rig.services().settings.associate_claim]
    with rig.process():
        answer = app.handler(event, rig.context())
    assert (answer["statusCode"], FIRST.e164 in answer["body"]) == (403, False)


# ---------------------------------------------------------------- two at once


def at(rig: RelayRig, call: str, do: Callable[[], object]) -> None:
    """Something else happens just before the next call of this name."""

    def before(name: str) -> None:
        if name == call:
            rig.twilio.before = lambda _: None
            do()

    rig.twilio.before = before


def test_a_wish_fulfilled_while_it_is_withdrawn_loses_no_number(rig: RelayRig) -> None:
    """The purchase is there, and was not heard of. One withdraws it, another makes it hers just
    before it is given back: she may not end with a number that Twilio has no more."""
    rig.dies_waiting()
    other = rig.open("activate", {"logins": [ANNA_LOGIN]}, key="a-2")
    withdrawal = rig.open("deactivate", {"logins": [ANNA_LOGIN]}, key="d-1")
    rig.queue.runs.clear()
    at(rig, "release", lambda: rig.run(other))
    with using(rig.services()) as house:
        means = relay_means(house, remaining=lambda: 120.0, token=lambda: "0123456789")
        work(withdrawal, token="t", on=Work(house.relay_runs, house.queues, means))
    rig.run_all()
    assert rig.verdict(rig.look(withdrawal)) == ("done", "withdrawn")
    assert rig.verdict(rig.look(other)) == ("refused", "being_released")
    assert (rig.line_of().state, rig.twilio.owns) == ("released", {})
    rig.is_consistent()


def test_a_withdrawal_that_died_half_way_is_finished_by_the_next(rig: RelayRig) -> None:
    rig.dies_waiting()
    rig.twilio.fail("release")
    run = rig.open("deactivate", {"logins": [ANNA_LOGIN]}, key="d-1")
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.line_of().state == "releasing"
    dry = rig.deactivated(key="dry", dry_run=True)
    assert rig.verdict(dry) == ("already", None)
    rig.run_all()
    assert rig.line_of().state == "released"
    assert rig.twilio.owns == {}
    assert rig.look(run)["counts"] == {"done": 1}
    rig.is_consistent()


def test_who_withdrew_a_wish_is_kept(rig: RelayRig) -> None:
    rig.dies_waiting(taken=False)
    rig.clock.advance(61)
    status, answer = rig.ask_relay("POST /relay/deactivate", {"logins": [ANNA_LOGIN]},
                                   login="desk@brand.example.com")  # fmt: skip
    assert status == 202, answer
    rig.run_all()
    assert [(str(d.state), d.by) for d in rig.line_of().history][-1] == (
        "released", "desk@brand.example.com")  # fmt: skip


def test_an_orphan_of_who_may_have_no_number_ends_the_wish(rig: RelayRig) -> None:
    rig.dies_waiting()
    rig.with_line(strategy="shared")
    rig.clock.advance(61)
    assert rig.verdict(rig.did("orphans", {}, key="o-1")) == ("would", "withdrawn")
    assert rig.line_of().state == "buying"
    assert rig.verdict(rig.did("orphans", {"dry_run": False}, key="o-2")) == ("done", "withdrawn")
    assert (rig.line_of().state, rig.pool()["numbers"]) == ("released", 0)
    assert rig.twilio.owns == {}


# ---------------------------------------------------------------- Twilio, and its console


def test_a_number_that_somebody_named_anew_is_still_theirs(rig: RelayRig) -> None:
    rig.activated()
    (sid,) = rig.twilio.owns
    rig.twilio.owns[sid] = replace(rig.twilio.owns[sid], friendly_name="Reception")
    rig.lose()
    assert rig.verdict(rig.activated(key="a-2")) == ("done", "repaired")
    assert rig.twilio.ever == [FIRST.e164]
    rig.is_consistent()  # with its tag


def test_a_number_bought_back_by_hand_is_released_under_its_new_id(rig: RelayRig) -> None:
    rig.activated()
    (sid,) = rig.twilio.owns
    back = replace(rig.twilio.owns.pop(sid), sid="PN" + "9" * 32)
    rig.twilio.owns[back.sid] = back
    rig.twilio.members.clear()
    rig.lose()
    assert rig.verdict(rig.activated(key="a-2")) == ("done", "repaired")
    rig.is_consistent()
    rig.deactivated(key="d-1")
    rig.released(key="r-1", force=True)
    assert rig.twilio.owns == {}


def test_what_cannot_text_is_given_back_and_the_next_is_bought(rig: RelayRig) -> None:
    rig.twilio.mute = {FIRST.e164}
    assert rig.activated()["reports"][0]["number"] == SECOND.e164
    assert rig.twilio.released == [f"PN{1:032x}"]
    rig.is_consistent()


def test_what_cannot_text_is_not_adopted(rig: RelayRig) -> None:
    rig.twilio.mute = {FIRST.e164}
    rig.twilio.fail("buy", taken=True)
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}
    assert rig.line_of().number == SECOND
    assert rig.twilio.ever == [FIRST.e164, FIRST.e164, SECOND.e164]  # it was for sale once more
    rig.is_consistent()


def test_a_number_that_can_no_longer_text_is_not_called_repaired(rig: RelayRig) -> None:
    rig.activated()
    (sid,) = rig.twilio.owns
    rig.twilio.owns[sid] = replace(rig.twilio.owns[sid], can_text=False)
    rig.lose()
    assert rig.verdict(rig.activated(key="a-2")) == ("refused", "cannot_text")
    status, shown = rig.ask_relay("GET /relay/{login}", path={"login": ANNA_LOGIN}, key=None)
    assert (status, shown["state"], shown["out_of_service"]) == (200, "active", True)


def test_a_purchase_that_shows_after_the_next_one_is_given_back(rig: RelayRig) -> None:
    """Twilio lists it after more than a minute; meanwhile another was bought, and answered."""
    rig.twilio.fail("buy", taken=True)
    rig.twilio.hidden = {f"PN{1:032x}"}
    rig.run(rig.open("activate", {"logins": [ANNA_LOGIN]}))
    at(rig, "buy", lambda: rig.twilio.hidden.clear())
    rig.run_all()
    assert rig.twilio.ever == [FIRST.e164, SECOND.e164]
    assert rig.twilio.released == [f"PN{1:032x}"]
    assert rig.line_of().number == SECOND
    rig.is_consistent()


def test_a_row_does_not_outlive_its_invocation(rig: RelayRig) -> None:
    """Number after number is sold meanwhile, and time runs out: the next invocation goes on."""
    for _ in range(3):
        rig.twilio.fail("buy", refused(21422))
    left = iter([100.0, 60.0, 40.0, 19.0])
    rig.context = lambda: context(rig, left)  # type: ignore[method-assign]  # time that runs out
    run = rig.open("activate", {"logins": [ANNA_LOGIN]})
    rig.run(rig.queue.runs.pop(0)[0])
    assert rig.twilio.asked.count("buy") == 2
    assert rig.queue.runs == [(run, 0)]
    rig.context = lambda: RelayRig.context(rig)  # type: ignore[method-assign]  # and is back
    rig.run_all()
    assert rig.look(run)["counts"] == {"done": 1}
    rig.is_consistent()


def context(rig: RelayRig, left: Any) -> Any:
    given = RelayRig.context(rig)
    given.get_remaining_time_in_millis = lambda: int(next(left, 120.0) * 1000)
    return given


def test_a_wish_from_before_its_service_left_the_program_goes_to_another(rig: RelayRig) -> None:
    """Twilio refuses whatever names a service that is gone, and that would stop everybody's run."""
    rig.twilio.fail("search")
    rig.run(rig.open("activate", {"logins": [ANNA_LOGIN]}))
    rig.queue.runs.clear()
    assert (rig.line_of().state, rig.line_of().service) == ("wanted", POOLS[0])
    rig.with_line(messaging_services=[POOLS[1]])
    assert rig.activated(ANNA_LOGIN, BEN_LOGIN, key="a-2")["counts"] == {"done": 2}
    assert (rig.line_of().service, rig.line_of(BEN).service) == (POOLS[1], POOLS[1])
    assert set(rig.twilio.members) == {POOLS[1]}


def test_a_number_of_a_service_that_left_the_program_is_put_into_another(rig: RelayRig) -> None:
    rig.activated()
    rig.twilio.members.clear()
    rig.with_line(messaging_services=[POOLS[1]])
    assert rig.verdict(rig.activated(key="a-2")) == ("done", "repaired")
    assert (rig.line_of().service, set(rig.twilio.members)) == (POOLS[1], {POOLS[1]})
    rig.with_line(messaging_services=[])
    assert rig.verdict(rig.activated(key="a-3")) == ("done", "repaired")
    assert rig.line_of().service is None
    rig.with_line(messaging_services=list(POOLS), senders_per_service=1)
    assert rig.verdict(rig.activated(key="a-4")) == ("already", None)


def test_no_room_in_any_service_for_who_has_to_leave_theirs(rig: RelayRig) -> None:
    rig.activated(BEN_LOGIN)
    rig.with_line(messaging_services=[POOLS[1]], senders_per_service=1)
    rig.activated(key="a-2")
    (report,) = rig.activated(BEN_LOGIN, key="a-3")["reports"]
    assert (report["reason"], report["twilio_code"]) == ("twilio_refused", 21714)


def test_the_last_number_of_the_pool_can_change_its_service(rig: RelayRig) -> None:
    """Its own place is among those that are taken."""
    rig.with_line(most_numbers=1)
    rig.twilio.full = {POOLS[0]}
    assert rig.activated()["counts"] == {"done": 1}
    assert rig.line_of().service == POOLS[1]


# ---------------------------------------------------------------- files and dry runs


@pytest.mark.parametrize(("text", "code"), [
    (f"name,login\nAnna,{ANNA_LOGIN}\nBen\n", "row_unclear"),
    (f"name,login\nAnna,{ANNA_LOGIN}\nBen, \n", "row_unclear"),
    ("login\n" + "a" * 255 + "\n", "row_unclear"), ("store\n" + "4" * 121 + "\n", "row_unclear"),
    ("store\n" + "".join(f"{n}\n" for n in range(101)), "too_many_rows"),
    ("login\n" + "".join(f"{n}\n" for n in range(9000)), "too_many_rows"),
    (f'login\n"{ANNA_LOGIN}\n', "not_csv"), ("login\n\x00\n", "not_csv"),
    (f"store;login\n4100;{ANNA_LOGIN}\n", "columns_unclear"),
    (f"{ANNA_LOGIN}\n{BEN_LOGIN}\n", "columns_unclear"),
    (f"=HYPERLINK(1),colour\n{ANNA_LOGIN},x\n", "columns_unclear"),
])  # fmt: skip
def test_a_doubtful_file_is_refused_whole_and_cheaply(
    rig: RelayRig, requests_made: list[Any], text: str, code: str
) -> None:
    requests_made.clear()
    status, answer = rig.ask_relay("POST /relay/activate", {"csv": text})
    assert (status, answer["code"]) == (400, code)
    assert rig.queue.runs == []
    assert len(requests_made) <= 1  # the program; nobody was looked up


@pytest.mark.parametrize("text", [
    f"\ufefflogin\n{ANNA_LOGIN}\n", f"\ufeffLogin;Name\r\n{ANNA_LOGIN};A\r\n;\r\n",
    f'"login"\t"x"\r"{ANNA_LOGIN}"\t""\r', f"name,login\n\"A\u2028B\",{ANNA_LOGIN}\n",
    f"login\n{ANNA_LOGIN}\n{ANNA_LOGIN.upper()}\n  {ANNA_LOGIN} \n",
])  # fmt: skip
def test_files_as_spreadsheets_write_them(rig: RelayRig, text: str) -> None:
    ended = rig.did("activate", {"csv": text})
    assert rig.verdicts(ended) == [(ANNA_LOGIN, "done", None)]


@pytest.mark.parametrize("body", [
    {"csv": f"login\n=cmd|'/c calc'!A1\n+1@x\n{ANNA_LOGIN}\n"},
    {"logins": ["=cmd|'/c calc'!A1", "+1@x", ANNA_LOGIN]},
])  # fmt: skip
def test_cells_that_mean_something_elsewhere_are_names_like_others(
    rig: RelayRig, body: dict[str, Any]
) -> None:
    ended = rig.did("activate", body)
    assert rig.verdicts(ended) == [
        ("=cmd|'/c calc'!a1", "refused", "unknown_associate"),
        ("+1@x", "refused", "unknown_associate"), (ANNA_LOGIN, "done", None)]  # fmt: skip


def test_a_login_that_begins_like_a_number_stops_nobodys_run(rig: RelayRig) -> None:
    store = staff()
    plus = replace(store.associates[0], agent_id="251", pid="p", login="+dana@kay.example.com")
    rig.write_store(replace(store, associates=(plus, *store.associates)))
    rig.activated(plus.login, ANNA_LOGIN)
    ended = rig.deactivated(plus.login, ANNA_LOGIN, key="d-1")
    assert ended["counts"] == {"done": 2}


def test_a_dry_run_counts_no_place_for_who_has_a_number_waiting(rig: RelayRig) -> None:
    rig.activated()
    rig.deactivated(key="d-1")
    rig.with_line(most_numbers=2)
    body = {"logins": [ANNA_LOGIN, BEN_LOGIN, MAYA_LOGIN], "dry_run": True}
    assert rig.verdicts(rig.did("activate", body, key="dry")) == [
        (ANNA_LOGIN, "would", "revived"), (BEN_LOGIN, "would", None),
        (MAYA_LOGIN, "refused", "pool_full")]  # fmt: skip
    again = rig.did("activate", {**body, "dry_run": False}, key="a-2")
    assert again["counts"] == {"done": 2, "pool_full": 1}
