"""Buying is exactly once: killed before or after any one call, overtaken at any, without an answer.

Every boundary of a run, AWS and Twilio alike: killed there, then delivered again as the queue would.
However it goes, each associate has one number, Twilio has as many as the table, the pool's counts
are right, and no number was ever bought beside them (I4, I13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from local.lock import watching
from tests.map_rig import restore, snapshot
from tests.outreach_rig import phone
from tests.relay_rig import (
    ACCOUNT,
    ANNA,
    BEN,
    GROUP,
    LOGINS,
    MAYA,
    POOLS,
    Killed,
    Market,
    RelayQueue,
    RelayRig,
)

from instore.adapters.table import Table
from instore.model import Phone, iso
from instore.relay_bulk import Work, work
from instore.runtime.means import relay_means
from instore.runtime.services import using

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 18, 17, tzinfo=UTC)
VISIBLE_AGAIN_S = 750
TWO = {"logins": [LOGINS[ANNA], LOGINS[BEN]]}


class Tries(RelayRig):
    """Begins anew as often as wanted: same noon, same table, same Twilio."""

    def __init__(self, table: Table, clock: Any) -> None:
        super().__init__(table, clock)
        self.before: Callable[[], None] = lambda: None
        self._beginning, self._count = snapshot(table), 0

    def remember(self) -> None:
        self._beginning = snapshot(self.table)

    def afresh(self, what: str, body: dict[str, Any]) -> str:
        """The world as it was, and a run that is to be worked on."""
        restore(self.table, self._beginning)
        self.clock = type(self.clock)(START)
        self.queue = RelayQueue(self.boundaries)
        self.twilio = Market(self.boundaries)
        self.before()
        self._count += 1
        run = self.open(what, body, key=f"k-{self._count}")
        self.queue.runs.clear()
        self.boundaries.reset()
        return run

    def again_and_again(self, run: str) -> None:
        """The queue shows the message again until it is done, and delivers what was sent."""
        self.boundaries.reset()
        for _ in range(2):
            self.clock.advance(VISIBLE_AGAIN_S)
            assert self.run(run) == {"batchItemFailures": []}
        self.run_all()
        assert self.look(run)["state"] == "done"

    def calls(self, what: str, body: dict[str, Any]) -> list[str]:
        """Every call of an undisturbed run."""
        run = self.afresh(what, body)
        self.run(run)
        return list(self.boundaries.names)


@pytest.fixture
def rig(table: Table, clock: Any) -> Tries:
    return Tries(table, clock)


def kills(length: int) -> Iterator[tuple[int, bool]]:
    for n in range(length):
        yield n, False
        yield n, True


def each_has_one(rig: Tries, run: str, *, bought: int = 2) -> None:
    assert [rig.line_of(agent).state for agent in (ANNA, BEN)] == ["active", "active"]
    assert len(rig.twilio.ever) == bought
    assert len(rig.twilio.owns) == 2
    assert set(rig.look(run)["counts"]) <= {"done", "already"}
    rig.is_consistent()


def test_a_run_killed_anywhere_buys_as_if_it_had_not_been(rig: Tries) -> None:
    names = rig.calls("activate", TWO)
    assert names.count("twilio.buy") == names.count("twilio.add") == 2
    assert names.count("dynamodb.TransactWriteItems") == 4
    assert len(names) > 25
    for n, after in kills(len(names)):
        run = rig.afresh("activate", TWO)
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.run(run)
        rig.again_and_again(run)
        each_has_one(rig, run)


def test_killed_anywhere_and_asked_for_anew_at_once(rig: Tries) -> None:
    """The administrator does not wait for the queue: another run, seconds after the death."""
    for n, after in kills(len(rig.calls("activate", TWO))):
        run = rig.afresh("activate", TWO)
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.run(run)
        rig.boundaries.reset()
        other = rig.open("activate", TWO, key="other")
        rig.clock.advance(3)
        rig.run_all()
        rig.again_and_again(run)
        assert rig.look(other)["state"] == "done"
        each_has_one(rig, run)


@pytest.mark.parametrize("taken", [False, True])
def test_no_answer_from_twilio_at_any_call(rig: Tries, taken: bool) -> None:
    """A time-out or 5xx, before or after it was processed."""
    rig.calls("activate", TWO)
    asked = list(rig.twilio.asked)
    assert asked == ["search", "buy", "add"] * 2
    for n in range(len(asked)):
        run = rig.afresh("activate", TWO)
        count = iter(range(100))

        def before(name: str, n: int = n, count: Iterator[int] = count) -> None:
            if next(count) == n:
                rig.twilio.fail(name, taken=taken)

        rig.twilio.before = before
        rig.run(run)
        rig.run_all()
        rig.again_and_again(run)
        each_has_one(rig, run)


class At:
    """Does something else before the n-th call of an invocation, AWS's and Twilio's alike."""

    def __init__(self, rig: Tries, n: int, do: Callable[[], object]) -> None:
        self.rig, self.n, self.do, self.count = rig, n, do, 0

    def here(self) -> None:
        self.count += 1
        if self.count - 1 == self.n:
            with watching(None):
                self.do()

    def __call__(self, run: Callable[[], Any], **_: Any) -> Any:
        self.here()
        return run()


def interrupted(rig: Tries, run: str, n: int, do: Callable[[], object]) -> bool:
    """One invocation, with `do` happening before its n-th call. False: it made fewer."""
    at = At(rig, n, do)
    rig.twilio.before = lambda _: at.here()
    with using(rig.services()) as house, watching(at):
        means = relay_means(house, remaining=lambda: 120.0, token=lambda: "0123456789")
        work(run, token="outer", on=Work(house.relay_runs, house.queues, means))
    rig.twilio.before = lambda _: None
    return at.count > n


@pytest.mark.parametrize("late", [0, 61, 151])
def test_two_runs_for_the_same_associates_at_once(rig: Tries, late: int) -> None:
    """Another run for both goes through whole at every call of the first, at once, or when the
    first has overslept the minute after which its purchase may be held for lost, or its claim."""
    n = 0
    while True:
        run = rig.afresh("activate", TWO)

        def other(n: int = n) -> None:
            before, rig.twilio.before = rig.twilio.before, lambda _: None
            rig.clock.advance(late)
            rig.run(rig.open("activate", TWO, key=f"other-{n}"))
            rig.twilio.before = before

        if not interrupted(rig, run, n, other):
            break
        rig.run_all()
        rig.again_and_again(run)
        # A sleeper of a minute may come back and buy beside who took over: one is given back.
        each_has_one(rig, run, bought=2 + len(rig.twilio.released))
        assert len(rig.twilio.released) == 0
        n += 1
    assert n > 20


def test_two_users_after_the_same_number_at_every_moment(rig: Tries) -> None:
    n = 0
    while True:
        run = rig.afresh("activate", {"logins": [LOGINS[ANNA]]})

        def other(n: int = n) -> None:
            before, rig.twilio.before = rig.twilio.before, lambda _: None
            rig.run(rig.open("activate", {"logins": [LOGINS[BEN]]}, key=f"other-{n}"))
            rig.twilio.before = before

        if not interrupted(rig, run, n, other):
            break
        rig.run_all()
        rig.again_and_again(run)
        each_has_one(rig, run)
        assert {rig.line_of(a).number.e164 for a in (ANNA, BEN)} == {"+19145550100",
                                                                     "+19145550101"}  # fmt: skip
        n += 1
    assert n > 10


def test_the_last_place_of_the_pool_is_taken_once(rig: Tries) -> None:
    rig.with_line(most_numbers=1)
    rig.remember()
    n = 0
    while True:
        run = rig.afresh("activate", {"logins": [LOGINS[ANNA]]})

        def other(n: int = n) -> None:
            before, rig.twilio.before = rig.twilio.before, lambda _: None
            rig.run(rig.open("activate", {"logins": [LOGINS[BEN]]}, key=f"other-{n}"))
            rig.twilio.before = before

        if not interrupted(rig, run, n, other):
            break
        rig.run_all()
        rig.again_and_again(run)
        assert len(rig.twilio.ever) == 1
        rig.is_consistent()
        n += 1
    assert n > 5


# ---------------------------------------------------------------- the end of a number


@pytest.fixture
def had(rig: Tries) -> Tries:
    """Anna has a number and two customers."""
    pointer = {"account": ACCOUNT, "group": GROUP, "agent": ANNA, "at": iso(START), "source": "t"}
    for n in range(2):
        name = rig.customer(phone(n), bindings={"kay": pointer})
        rig.services().lines.met(Phone("+19145550100"), customer=name)
    rig.did("activate", {"logins": [LOGINS[ANNA]]}, key="first")
    rig.remember()

    def owned() -> None:
        rig.twilio.buy(None, number=Phone("+19145550100"), tag=rig.line_of().tag,
                       sms_url="https://api.brand.example.com/twilio/sms",
                       voice_url="https://api.brand.example.com/twilio/voice/line")  # fmt: skip
        rig.twilio.add_to_service(None, service=POOLS[0], sid=f"PN{1:032x}")

    rig.before = owned
    return rig


def bound_to(rig: Tries) -> list[str]:
    customers = rig.services().customers
    found = [customers.get(customers.id_of(Phone(phone(n)))) for n in range(2)]
    return [c.bindings["kay"].pointer.agent_id for c in found if c is not None]


def test_a_deactivation_killed_anywhere_hands_everybody_over(had: Tries) -> None:
    body = {"logins": [LOGINS[ANNA]]}
    names = had.calls("deactivate", body)
    assert len(names) > 12
    for n, after in kills(len(names)):
        run = had.afresh("deactivate", body)
        had.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            had.run(run)
        had.again_and_again(run)
        held = had.line_of()
        assert (held.state, held.handing) == ("quarantined", False)
        assert [d.state for d in held.history].count(held.state) == 1
        assert bound_to(had) == [MAYA, MAYA]
        had.is_consistent()


def test_a_release_killed_anywhere_gives_back_once(had: Tries) -> None:
    had.did("deactivate", {"logins": [LOGINS[ANNA]]}, key="gone")
    had.remember()
    body = {"logins": [LOGINS[ANNA]], "force": True}
    names = had.calls("release", body)
    assert "twilio.release" in names
    for n, after in kills(len(names)):
        run = had.afresh("release", body)
        had.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            had.run(run)
        had.again_and_again(run)
        assert had.line_of().state == "released"
        assert had.twilio.owns == {}
        assert had.pool() == {"numbers": 0, POOLS[0]: 0, POOLS[1]: 0}


def test_back_and_away_at_the_same_time_ends_as_one_of_the_two(had: Tries) -> None:
    """Whoever is released is not revived half way, at any call of the release."""
    had.did("deactivate", {"logins": [LOGINS[ANNA]]}, key="gone")
    had.remember()
    body = {"logins": [LOGINS[ANNA]], "force": True}
    n = 0
    while True:
        run = had.afresh("release", body)

        def revive(n: int = n) -> None:
            before, had.twilio.before = had.twilio.before, lambda _: None
            had.run(had.open("activate", {"logins": [LOGINS[ANNA]]}, key=f"other-{n}"))
            had.twilio.before = before

        if not interrupted(had, run, n, revive):
            break
        had.run_all()
        had.again_and_again(run)
        assert had.line_of().state in ("active", "released")
        had.is_consistent()
        n += 1
    assert n > 8


@pytest.mark.parametrize("late", [0, 61, 151])
def test_a_wish_withdrawn_at_every_moment_leaves_no_number_behind(rig: Tries, late: int) -> None:
    """Whoever is the last of the two, what Twilio has and what the table says is the same."""
    n, ends = 0, set()
    while True:
        run = rig.afresh("activate", {"logins": [LOGINS[ANNA]]})

        def withdraw(n: int = n) -> None:
            before, rig.twilio.before = rig.twilio.before, lambda _: None
            rig.clock.advance(late)
            rig.run(rig.open("deactivate", {"logins": [LOGINS[ANNA]]}, key=f"other-{n}"))
            rig.twilio.before = before

        if not interrupted(rig, run, n, withdraw):
            break
        rig.run_all()
        rig.again_and_again(run)
        held = rig.line_of()
        ends.add(held.state)
        assert held.state in ("active", "quarantined", "released")
        rig.is_consistent()
        n += 1
    assert n > 8
    assert {"active", "quarantined"} <= ends


def test_a_successors_deactivation_killed_anywhere_hands_everybody_on(had: Tries) -> None:
    """Anna's customers, and texts to her number, went to Ben; Ben leaves, too."""
    had.did("deactivate", {"logins": [LOGINS[ANNA]], "successor": LOGINS[BEN]}, key="gone")
    had.did("activate", {"logins": [LOGINS[BEN]]}, key="his")
    owned, members = dict(had.twilio.owns), {k: set(v) for k, v in had.twilio.members.items()}

    def both() -> None:
        had.twilio.owns.update(owned)
        had.twilio.members.update({service: set(sids) for service, sids in members.items()})

    had.before = both
    had.remember()
    body = {"logins": [LOGINS[BEN]]}
    names = had.calls("deactivate", body)
    assert names.count("dynamodb.TransactWriteItems") == 3
    for n, after in kills(len(names)):
        run = had.afresh("deactivate", body)
        had.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            had.run(run)
        had.again_and_again(run)
        anna, ben = had.line_of(ANNA), had.line_of(BEN)
        assert (anna.successor.agent_id, ben.successor.agent_id) == (MAYA, MAYA)
        assert (anna.handing, ben.handing) == (False, False)
        assert [d.state for d in anna.history].count(anna.state) == 2
        assert bound_to(had) == [MAYA, MAYA]
        had.is_consistent()
