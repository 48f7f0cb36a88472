"""Buying is exactly once: killed before or after any one call, overtaken at any, without an answer.

Every boundary of a run, AWS and Twilio alike: killed there, then delivered again as the queue would.
However it goes, each associate has one number, Twilio has as many as the table, the pool's counts
are right, and no number was ever bought beside them (I4, I13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from local.lock import watching
from tests.map_rig import restore, snapshot
from tests.relay_rig import (
    ANNA,
    ANNA_LOGIN,
    BEN,
    BEN_LOGIN,
    FIRST,
    MAYA,
    POOLS,
    Market,
    RelayQueue,
    RelayRig,
)

from instore.adapters.table import Table
from instore.relay_bulk import Work, work
from instore.runtime.means import relay_means
from instore.runtime.services import using

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 18, 17, tzinfo=UTC)
VISIBLE_AGAIN_S = 750
TWO = {"logins": [ANNA_LOGIN, BEN_LOGIN]}
HERS, HIS = {"logins": [ANNA_LOGIN]}, {"logins": [BEN_LOGIN]}
FORCED = {**HERS, "force": True}


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

    def killed_everywhere(self, what: str, body: dict[str, Any]) -> Iterator[str]:
        """The run, killed before and after each of its calls, each time in a world of its own."""
        for n in range(len(self.calls(what, body))):
            for after in (False, True):
                run = self.afresh(what, body)
                with self.boundaries.killed(n, after=after):
                    self.run(run)
                yield run

    def interrupted_everywhere(
        self, what: str, body: dict[str, Any], do: Callable[[int], object], *, calls: int
    ) -> Iterator[str]:
        """The run, with `do` happening before its n-th call, for every n; then both carry on. It
        makes more than so many calls."""
        n = 0
        while interrupted(self, run := self.afresh(what, body), n, self.aside(do, n)):
            self.run_all()
            self.again_and_again(run)
            yield run
            n += 1
        assert n > calls

    def aside(self, do: Callable[[int], object], n: int) -> Callable[[], None]:
        """Done by another process: its calls are not counted."""

        def done() -> None:
            with self.uncounted():
                do(n)

        return done

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        before, self.twilio.before = self.twilio.before, lambda _: None
        yield
        self.twilio.before = before

    def other(self, what: str, body: dict[str, Any], *, late: int = 0) -> Callable[[int], object]:
        """Another request, asked for so much later and worked on at once."""

        def done(n: int) -> None:
            self.clock.advance(late)
            self.run(self.open(what, body, key=f"other-{n}"))

        return done


@pytest.fixture
def rig(table: Table, clock: Any) -> Tries:
    return Tries(table, clock)


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
    for run in rig.killed_everywhere("activate", TWO):
        rig.again_and_again(run)
        each_has_one(rig, run)


def test_killed_anywhere_and_asked_for_anew_at_once(rig: Tries) -> None:
    """The administrator does not wait for the queue: another run, seconds after the death."""
    for run in rig.killed_everywhere("activate", TWO):
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
    other = rig.other("activate", TWO, late=late)
    for run in rig.interrupted_everywhere("activate", TWO, other, calls=20):
        # A sleeper of a minute may come back and buy beside who took over: one is given back.
        each_has_one(rig, run, bought=2 + len(rig.twilio.released))
        assert len(rig.twilio.released) == 0


def test_two_users_after_the_same_number_at_every_moment(rig: Tries) -> None:
    other = rig.other("activate", HIS)
    for run in rig.interrupted_everywhere("activate", HERS, other, calls=10):
        each_has_one(rig, run)
        assert {rig.line_of(a).number.e164 for a in (ANNA, BEN)} == {"+19145550100",
                                                                     "+19145550101"}  # fmt: skip


def test_the_last_place_of_the_pool_is_taken_once(rig: Tries) -> None:
    rig.with_line(most_numbers=1)
    rig.remember()
    other = rig.other("activate", HIS)
    for _ in rig.interrupted_everywhere("activate", HERS, other, calls=5):
        assert len(rig.twilio.ever) == 1
        rig.is_consistent()


# ---------------------------------------------------------------- the end of a number


@pytest.fixture
def had(rig: Tries) -> Tries:
    """Anna has a number and two customers."""
    for n in range(2):
        rig.meets(n)
    rig.activated(key="first")
    rig.remember()

    def owned() -> None:
        rig.twilio.buy(None, number=FIRST, tag=rig.line_of().tag,
                       sms_url="https://api.brand.example.com/twilio/sms#rc=3&rp=all",
                       voice_url="https://api.brand.example.com/twilio/voice/line")  # fmt: skip
        rig.twilio.add_to_service(None, service=POOLS[0], sid=f"PN{1:032x}")

    rig.before = owned
    return rig


def bound_to(rig: Tries) -> list[str]:
    return [rig.bound_to(n) for n in range(2)]


def test_a_deactivation_killed_anywhere_hands_everybody_over(had: Tries) -> None:
    assert len(had.calls("deactivate", HERS)) > 12
    for run in had.killed_everywhere("deactivate", HERS):
        had.again_and_again(run)
        held = had.line_of()
        assert (held.state, held.handing) == ("quarantined", False)
        assert [d.state for d in held.history].count(held.state) == 1
        assert bound_to(had) == [MAYA, MAYA]
        had.is_consistent()


def test_a_release_killed_anywhere_gives_back_once(had: Tries) -> None:
    had.deactivated(key="gone")
    had.remember()
    assert "twilio.release" in had.calls("release", FORCED)
    for run in had.killed_everywhere("release", FORCED):
        had.again_and_again(run)
        assert had.line_of().state == "released"
        assert had.twilio.owns == {}
        assert had.pool() == {"numbers": 0, POOLS[0]: 0, POOLS[1]: 0}


def test_a_deactivation_killed_anywhere_does_not_end_what_was_activated_again(had: Tries) -> None:
    """Somebody brings her back before the queue shows the message again."""
    for run in had.killed_everywhere("deactivate", HERS):
        had.clock.advance(3)
        had.run(had.open("activate", HERS, key="back"))
        had.again_and_again(run)
        assert had.line_of().state == "active"
        had.is_consistent()


def test_back_and_away_at_the_same_time_ends_as_one_of_the_two(had: Tries) -> None:
    """Whoever is released is not revived half way, at any call of the release."""
    had.deactivated(key="gone")
    had.remember()
    revive = had.other("activate", HERS)
    for _ in had.interrupted_everywhere("release", FORCED, revive, calls=8):
        assert had.line_of().state in ("active", "released")
        had.is_consistent()


@pytest.mark.parametrize("late", [0, 61, 151])
def test_a_wish_withdrawn_at_every_moment_leaves_no_number_behind(rig: Tries, late: int) -> None:
    """Whoever is the last of the two, what Twilio has and what the table says is the same."""
    ends, withdraw = set(), rig.other("deactivate", HERS, late=late)
    for _ in rig.interrupted_everywhere("activate", HERS, withdraw, calls=8):
        held = rig.line_of()
        ends.add(held.state)
        assert held.state in ("active", "quarantined", "released")
        rig.is_consistent()
    assert {"active", "quarantined"} <= ends


def test_a_successors_deactivation_killed_anywhere_hands_everybody_on(had: Tries) -> None:
    """Anna's customers, and texts to her number, went to Ben; Ben leaves, too."""
    had.deactivated(key="gone", successor=BEN_LOGIN)
    had.activated(BEN_LOGIN, key="his")
    owned, members = dict(had.twilio.owns), {k: set(v) for k, v in had.twilio.members.items()}

    def both() -> None:
        had.twilio.owns.update(owned)
        had.twilio.members.update({service: set(sids) for service, sids in members.items()})

    had.before = both
    had.remember()
    assert had.calls("deactivate", HIS).count("dynamodb.TransactWriteItems") == 3
    for run in had.killed_everywhere("deactivate", HIS):
        had.again_and_again(run)
        anna, ben = had.line_of(ANNA), had.line_of(BEN)
        assert (anna.successor.agent_id, ben.successor.agent_id) == (MAYA, MAYA)
        assert (anna.handing, ben.handing) == (False, False)
        assert [d.state for d in anna.history].count(anna.state) == 2
        assert bound_to(had) == [MAYA, MAYA]
        had.is_consistent()
