"""One text, killed at every boundary of sending it: at most one POST, and nothing lost.

Nothing lost: it went, or it is called off for a reason, or a person is told that nobody knows.
"""

from __future__ import annotations

import itertools
from itertools import pairwise
from typing import Any

import pytest
from tests.interleavings.orders import all_orders, all_orders_that_differ
from tests.line_rig import LineRig, status
from tests.outreach_rig import phone

from instore.adapters.table import Table
from instore.carrier_codes import Effect
from instore.errors import TwilioRefusedError, VendorThrottledError, VendorUnavailableError
from instore.line_text import ENDED, Purpose, TextState
from instore.runtime.means import status_means, texting_means
from instore.runtime.services import using
from instore.statuses import take_status
from instore.texting import send
from instore.texting import start as start_text
from instore.told import Told

S = TextState
ANA = phone(0)
SIDES = (False, True)


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    rig = LineRig(table, clock)
    rig.customer(ANA)
    return rig


def sweep_for_an_hour(rig: LineRig, *, at: tuple[int, ...] = (2, 6, 16, 61, 66)) -> None:
    """As often as it takes: a claim to lapse, and every look at an unknown text; or `at` these
    minutes."""
    for minutes in (now - before for before, now in itertools.pairwise((0, *at))):
        rig.clock.advance(minutes * 60)
        rig.sweep()


def warm(rig: LineRig) -> Any:
    """A process that has read program and store: it keeps them, and only one at a time reads them."""
    house = rig.services()
    with using(house):
        send(rig.draft("warm"), means=texting_means(house, count=rig.counted.append))
    return house


def boundaries_of(rig: LineRig, text: str, **more: Any) -> list[str]:
    rig.send(rig.draft(f"{text}-warm", **more))  # the program and the store are read once
    rig.boundaries.reset()
    rig.send(rig.draft(text, **more))
    return list(rig.boundaries.names)


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.FIRST])
def test_killed_anywhere_it_is_posted_at_most_once_and_never_lost(
    rig: LineRig, purpose: Purpose, after: bool
) -> None:
    names = boundaries_of(rig, "whole", purpose=purpose)
    assert names.count("twilio") == 1
    drafts = [rig.draft(f"k-{n}", body=f"words {n}", purpose=purpose) for n in range(len(names))]
    for n, draft in enumerate(drafts):
        with rig.boundaries.killed(n, after=after):
            rig.send(draft)
    sweep_for_an_hour(rig)
    for n, draft in enumerate(drafts):
        again = rig.send(draft)  # its caller comes, too
        begun = names[: n + 1] if after else names[:n]
        if "dynamodb.PutItem" not in begun:
            assert again.state is S.QUEUED  # nobody knew of it
            continue
        posted = rig.twilio.to(ANA).count(f"words {n}")
        claimed = begun.count("dynamodb.UpdateItem") >= 1
        reached = "twilio" in begun
        assert posted == (1 if reached or not claimed else 0), (n, names[n])
        assert again.state is (S.QUEUED if posted else S.UNRESOLVED), (n, names[n])


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("failure", [
    VendorUnavailableError("time-out"), VendorThrottledError("busy"),
    TwilioRefusedError(code=21610, effect=Effect.SUPPRESS),
])  # fmt: skip
def test_killed_while_a_call_fails_it_is_never_posted_twice(
    rig: LineRig, failure: Exception, after: bool
) -> None:
    for n in range(14):
        number = phone(n + 1)
        rig.customer(number)
        draft = rig.draft(f"f-{n}", number, body="words")
        rig.twilio.processed_although_failed = isinstance(failure, VendorUnavailableError)
        rig.twilio.failures = [failure]
        with rig.boundaries.may_kill(n, after=after):
            rig.send(draft)
        rig.twilio.failures = []
    sweep_for_an_hour(rig)
    for n in range(14):
        number = phone(n + 1)
        found = rig.services().texts.get(f"f-{n}")
        posted = rig.twilio.to(number).count("words")
        assert posted <= 1
        if found is None:
            assert posted == 0
            continue
        assert found.due_at is None or found.sid is not None
        if posted:
            assert found.sid is not None, n
        else:
            assert found.state in ENDED, n
        if isinstance(failure, TwilioRefusedError) and found.state is S.REFUSED:
            assert rig.services().customers.get(found.customer).opted_out is not None  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize("after", SIDES)
def test_the_sweep_killed_anywhere_posts_at_most_once(rig: LineRig, after: bool) -> None:
    def put_off(n: int) -> None:
        rig.twilio.failures = [VendorThrottledError("busy")]
        assert rig.send(rig.draft(f"s-{n}", body=f"words {n}")).state is S.INTENDED
        rig.clock.advance(61)

    put_off(-1)
    rig.boundaries.reset()
    rig.sweep()
    whole = ["", *rig.boundaries.names, ""]
    assert len(whole) > 25
    for n, (before, name) in enumerate(pairwise(whole)):
        if before == name == "dynamodb.Query":
            continue  # as the Query before it: looking changes nothing
        put_off(n)
        with rig.boundaries.may_kill(n, after=after) as killed:
            rig.sweep()
        sweep_for_an_hour(rig, at=(4, 66))  # a claim has lapsed; the last look
        posted = rig.twilio.to(ANA).count(f"words {n}")
        state = rig.stored(f"s-{n}").state
        assert (posted, state) in ((1, S.QUEUED), (0, S.UNRESOLVED)), n
        assert bool(killed) is bool(name)
        if not killed:
            assert posted == 1


@pytest.mark.parametrize("after", SIDES)
def test_a_status_killed_anywhere_and_brought_again_has_its_whole_effect(
    rig: LineRig, after: bool
) -> None:
    for n in range(20):
        number = phone(n + 1)
        rig.customer(number)
        draft = rig.draft(f"w-{n}", number)
        rig.send(draft)
        rig.tell(status(rig.twilio.messages[-1].sid, "undelivered", code=21610),
                 path="/twilio/status", query=f"text=w-{n}")  # fmt: skip
        waiting = list(rig.sms)
        with rig.boundaries.may_kill(n, after=after) as killed:
            rig.deliver_sms()
        rig.sms = waiting
        assert rig.deliver_sms() == {"batchItemFailures": []}
        customer = rig.services().customers.get(draft.customer)
        assert customer is not None
        assert customer.opted_out is not None
        assert rig.stored(f"w-{n}").state is S.UNDELIVERED
        if not killed:
            return
    raise AssertionError("a status has more than twenty boundaries")


def test_a_stop_that_was_stored_before_the_customer_was_read_wins_in_every_order(
    rig: LineRig,
) -> None:
    """A STOP against a text that is under way: whichever is first, it goes with the STOP unsaid or
    it does not go, and every next one is blocked."""
    runs = iter(range(10_000))
    house = warm(rig)
    state: dict[str, Any] = {}

    def start() -> list[Any]:
        n = next(runs)
        number = phone(n % 100 + 100 * (n // 100 % 4))
        state["draft"] = draft = rig.draft(f"o-{n}", number, body=f"words {n}")
        rig.customer(number)
        customers = house.customers

        def stop() -> str:
            customers.opt_out(draft.customer, banner="kay", scope="all", how="sms", words="STOP",
                              now=rig.clock.now())  # fmt: skip
            return "stopped"

        def text() -> Any:
            return send(draft, means=texting_means(house, count=rig.counted.append))

        return [text, stop]

    def check(results: list[Any]) -> None:
        outcome, stopped = results
        assert stopped == "stopped"
        went = any(m.body == state["draft"].body for m in rig.twilio.messages)
        assert outcome.state is (S.QUEUED if went else S.BLOCKED)
        assert rig.stored(state["draft"].id).state is outcome.state
        seen.add(outcome.state)
        after = send(rig.draft(f"{state['draft'].id}-next", state["draft"].to.e164),
                     means=texting_means(house, count=rig.counted.append))  # fmt: skip
        assert after.reason == "opted_out"

    seen: set[TextState] = set()
    with using(house):
        assert all_orders(start, check) > 10
    assert seen == {S.QUEUED, S.BLOCKED}


def test_the_same_text_asked_for_twice_at_once_is_posted_once(rig: LineRig) -> None:
    runs = iter(range(10_000))
    house = warm(rig)
    name: list[str] = []

    def start() -> list[Any]:
        name[:] = [f"d-{next(runs)}"]
        draft = rig.draft(name[0], body=name[0])
        return [lambda: send(draft, means=texting_means(house, count=rig.counted.append))] * 2

    def check(results: list[Any]) -> None:
        assert rig.twilio.to(ANA).count(name[0]) == 1
        assert {one.state for one in results} <= {S.INTENDED, S.CLAIMED, S.QUEUED}
        assert rig.stored(name[0]).state is S.QUEUED

    with using(house):
        assert all_orders(start, check) > 20


def test_statuses_that_meet_end_as_if_they_had_come_in_order(rig: LineRig) -> None:
    runs = iter(range(10_000))
    house = warm(rig)
    name: list[str] = []

    def start() -> list[Any]:
        name[:] = [f"m-{next(runs)}"]
        rig.send(rig.draft(name[0]))
        sid = rig.twilio.messages[-1].sid

        def taking(word: str) -> Any:
            told = Told("status", {**status(sid, word), "text": name[0]}, rig.clock.now())
            return lambda: take_status(told, means=status_means(house, count=rig.counted.append))

        return [taking("sent"), taking("delivered"), taking("sent")]

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)]
        text = rig.stored(name[0])
        assert [word.status for word in text.history] == [S.QUEUED, S.SENT, S.DELIVERED]
        assert (text.state, text.due_at) == (S.DELIVERED, None)

    with using(house):
        assert all_orders_that_differ(start, check) > 20


def test_an_erasure_against_a_text_leaves_no_number_in_any_order(rig: LineRig) -> None:
    runs = iter(range(10_000))
    house = warm(rig)
    name: list[str] = []

    def start() -> list[Any]:
        n = next(runs)
        number = phone(n % 100 + 100 * (n // 100 % 4))
        name[:] = [f"e-{n}"]
        rig.customer(number)
        draft = rig.draft(name[0], number)
        rig.twilio.failures = [VendorThrottledError("busy")]
        send(draft, means=texting_means(house, count=rig.counted.append))
        stored = rig.stored(name[0])
        return [
            lambda: start_text(stored, means=texting_means(house, count=rig.counted.append)),
            lambda: house.texts.empty(draft.customer, until=rig.clock.now()),
        ]

    def check(results: list[Any]) -> None:
        assert not [one for one in results if isinstance(one, Exception)]
        item = rig.table.get(f"TEXT#{name[0]}", "TEXT")
        assert item is not None
        assert {"to", "body"} & set(item) == set()
        assert item["state"] in ("queued", "blocked")

    with using(house):
        assert all_orders(start, check) > 3
