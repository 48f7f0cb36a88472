"""Outreach as a machine: anything may happen next, and the promises hold after every step.

Hypothesis chooses who agrees, who says STOP, who asks, what the queue and the vendor do, when a
process dies, and when a switch is thrown. What is checked is what reached the vendor (the rig's own
list of calls), against a diary kept here of who had agreed and said stop at that moment:

I1 consent, I2 hours, I3 the day's limit, I4 one call for a batch's customer and one process for a
claim, I5 one lease over both banners, I9 an opt-out written before beats what is queued; and I13 at
the end: left alone, everything comes to rest. INSTORE_EXAMPLES=500 tries more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from tests.outreach_rig import (
    ACCOUNT,
    ANNA,
    BEN,
    LOGINS,
    Killed,
    Rig,
    outreach,
    replace,
    shop,
)
from tests.outreach_world import World
from tests.properties.outreach_promises import LIMIT, PEOPLE, Promises
from tests.straight import straight_calls

from instore.directory import Associate
from instore.errors import (
    VendorError,
    VendorGarbageError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Phone

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("INSTORE_EXAMPLES", "25"))
ZOE = "zoe@zales.example.com"
WHO = {LOGINS[ANNA]: ("kay", ACCOUNT, ANNA), LOGINS[BEN]: ("kay", ACCOUNT, BEN),
       ZOE: ("zales", "10000003", "901")}  # fmt: skip
FAULTS = [VendorThrottledError("busy"), VendorUnavailableError("time-out"),
          VendorNotReachedError("no connection"), VendorGarbageError("not JSON"),
          VendorError("refused", vendor_status=400)]  # fmt: skip

people, logins = st.sampled_from(PEOPLE), st.sampled_from(sorted(WHO))
several = st.lists(people, min_size=1, max_size=3, unique=True)


class Machine(Promises):
    """One table, one queue, one vendor; `world` is set by the fixture below."""

    make: Any

    @initialize()
    def begin(self) -> None:
        self.world = self.make()
        self.rig = self.world.rig
        self.world.asks_again = False
        self.agreed = {}
        self.out = dict.fromkeys(PEOPLE, False)
        self.stopped = False
        self.asked: set[str] = set()  # batches
        self.calls_checked = 0
        self.customers = self.rig.services().customers
        for number in PEOPLE[:-1]:  # the last one agrees only if `consent` says so
            for banner in ("kay", "zales"):
                self._agree(number, banner)

    # ------------------------------------------------------------ customers
    @rule(number=people, banner=st.sampled_from(["kay", "zales"]))
    def consent(self, number: str, banner: str) -> None:
        self._agree(number, banner)

    def _agree(self, number: str, banner: str) -> None:
        self.customers.record_consent(
            Phone(number), banner=banner, consent_class="one_to_one", wording="Yes.", method="web",
            evidence="form", who="customer", at=self.world.now, now=self.world.now, country="US",
        )  # fmt: skip
        self.agreed[number, banner] = True

    @rule(number=people)
    def opt_out(self, number: str) -> None:
        self.customers.opt_out(self.customers.id_of(Phone(number)), banner="kay", scope="all",
                               how="text", words="STOP", now=self.world.now)  # fmt: skip
        self.out[number] = True

    @rule(number=people)
    def opt_in(self, number: str) -> None:
        self.customers.opt_in(self.customers.id_of(Phone(number)), banner="kay", scope="all",
                              how="text", words="START", now=self.world.now)  # fmt: skip
        self.out[number] = False

    # ------------------------------------------------------------ associates
    @rule(login=logins, number=people, key=st.integers(0, 9))
    def ask(self, login: str, number: str, key: int) -> None:
        """The same key again, with the same body or another, is part of the game."""
        self._ask(login, [number], key=f"k-{key}")

    @rule(login=logins, numbers=several)
    def ask_for_several(self, login: str, numbers: list[str]) -> None:
        self._ask(login, numbers, key=f"s-{len(self.asked)}")

    @rule(login=logins, numbers=several, events=st.integers(1, 6))
    def ask_and_let_it_go(self, login: str, numbers: list[str], events: int) -> None:
        self._ask(login, numbers, key=f"g-{len(self.asked)}")
        self.things_take_their_course(events)

    def _ask(self, login: str, numbers: list[str], *, key: str) -> None:
        body = outreach(numbers)
        for recipient in body["recipients"]:
            recipient["variables"] = ["Anna", "Zales" if login == ZOE else "Kay"]
        status, answer = self.rig.ask("POST /outreach", body, key=key, login=login)
        assert status in (200, 202, 403, 409, 429), answer
        if "id" in answer:
            self.asked.add(answer["id"])

    @rule(what=st.sampled_from(["stop", "go on", "ben leaves", "ben is back"]))
    def somebody_decides(self, what: str) -> None:
        if what in ("stop", "go on"):
            self.stopped = what == "stop"
            stops = {"all": self.stopped}
            self.rig.apply(lambda d: (set_limit(d), d.update(stops=stops)))
            return
        team = tuple(replace(a, enabled=what == "ben is back") if a.agent_id == BEN else a
                     for a in shop().associates)  # fmt: skip
        self.rig.write_store(replace(shop(), associates=team))

    # ------------------------------------------------------------ the machinery
    @precondition(lambda self: self.world.messages)
    @rule(data=st.data())
    def deliver(self, data: Any) -> None:
        self._deliver(data)

    def _deliver(self, data: Any) -> None:
        _, ids = data.draw(st.sampled_from(self.world.messages))
        self.world.happen((self.world.now, "queue", ids))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def deliver_once_more(self, data: Any) -> None:
        """A record SQS shows a second time, or a third, or both at once."""
        batch_id = data.draw(st.sampled_from(sorted(self.asked)))
        self.rig.deliver([batch_id, batch_id])

    @rule()
    def sweep(self) -> None:
        self.rig.sweep()

    @rule(events=st.integers(1, 8))
    def things_take_their_course(self, events: int) -> None:
        """What waits longest happens: most of a day is like that."""
        for _ in range(events):
            event = self.world.next_event()
            if event is not None and event[0] < self.world.now + timedelta(hours=2):
                self.world.happen(event)

    @rule(login=logins, numbers=several, what=st.sampled_from(["ask", "deliver", "sweep"]),
          place=st.integers(0, 15), after=st.booleans(), data=st.data())  # fmt: skip
    def die(
        self, login: str, numbers: list[str], what: str, place: int, after: bool, data: Any
    ) -> None:
        """A process dies at its n-th call, before it or after it."""
        self.rig.boundaries.reset(place, after=after)
        try:
            if what == "ask":
                self._ask(login, numbers, key=f"d-{place}")
            elif what == "sweep":
                self.rig.sweep()
            elif self.world.messages:
                self._deliver(data)
        except Killed:
            pass
        finally:
            self.rig.boundaries.reset()

    @precondition(lambda self: self.world.messages)
    @rule(data=st.data())
    def die_at_the_vendor(self, data: Any) -> None:
        """The worst moment: the call went out, and nobody wrote down that it did."""
        self.rig.boundaries.kill_name = "vendor"
        try:
            self._deliver(data)
        except Killed:
            pass
        finally:
            self.rig.boundaries.kill_name = None

    @precondition(lambda self: not self.rig.vendor.failures)
    @rule(fault=st.sampled_from(FAULTS), processed=st.booleans())
    def vendor_will_fail(self, fault: VendorError, processed: bool) -> None:
        """The next call; where nobody can know, it may have been processed all the same."""
        self.rig.vendor.failures.append(fault)
        self.rig.vendor.processed_although_failed = processed and fault.processed is None

    @rule(number=people, refused=st.booleans())
    def vendor_refuses_a_number(self, number: str, refused: bool) -> None:
        self.rig.vendor.refuse.pop(number[1:], None)
        if refused:
            self.rig.vendor.refuse[number[1:]] = "INVALID_NUMBER"

    @rule(minutes=st.sampled_from([1, 2, 6, 30, 65, 300, 700, 1440]))
    def time_passes(self, minutes: int) -> None:
        self.rig.clock.advance(60 * minutes)


def set_limit(document: dict[str, Any]) -> None:
    document["outreach"].update(per_associate_day=LIMIT)


@pytest.fixture
def machine(table: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Machine]]:
    began: datetime = clock.now()

    def make() -> World:
        for pk, sk in list(worlds[0].items()) if worlds else []:
            table.delete(pk, sk)
        clock.advance((began - clock.now()).total_seconds())
        rig = Rig(table, clock)
        rig.apply(set_limit)
        team = (Associate("901", "pid-901", ZOE, "Zoe"),)
        rig.write_store(replace(shop(), account="10000003", group="77", banner="zales",
                                associates=team))  # fmt: skip
        worlds[:] = [World(rig, monkeypatch)]
        return worlds[0]

    worlds: list[World] = []
    with straight_calls():
        yield type("OutreachMachine", (Machine,), {"make": staticmethod(make)})


def test_anything_may_happen_next(machine: type[Machine]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(machine, settings=settings(
        max_examples=EXAMPLES, stateful_step_count=30, deadline=None, derandomize=True,
        database=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    ))  # fmt: skip
