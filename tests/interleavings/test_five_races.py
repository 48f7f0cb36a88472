"""The five races of outreach, in every order of AWS calls that makes a difference.

Two batches of one associate at the day's limit; two banners and one customer; an opt-out and a
claimed batch; two senders with one queue record; the sweep and a sender. Each test says how many
orders there are; `all_orders_that_differ` leaves out only those in which calls that touch nothing
in common change places (orders.py; test_orders.py compares it with trying all). After every order
the world runs on by itself until nothing waits, and what reached the vendor is counted there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.bot_rig import text_event
from tests.interleavings.races import (
    NUMBER,
    Operation,
    accepted,
    asking,
    customer_item,
    process,
    race,
    sending,
    sweeping,
    texts,
)
from tests.interleavings.test_crashes import Ends
from tests.outreach_rig import ACCOUNT, Rig, http_event, phone, replace, shop
from tests.outreach_world import World

from instore.adapters.batches import Batches
from instore.adapters.consents import Consents
from instore.adapters.customers import Customers
from instore.adapters.table import Table
from instore.directory import Associate
from instore.model import iso


@pytest.fixture
def world(table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(Rig(table, clock), monkeypatch)


# ------------------------------------------------------------ 1: one day's limit
def test_two_batches_of_one_associate_at_the_daily_limit(world: World) -> None:
    """I3. Three places left, both ask for two and share a customer (5 orders): of four rows three
    are accepted whatever the order, and three texts go."""
    world.rig.apply(lambda d: d["outreach"].update(per_associate_day=3))
    numbers = world.rig.customers(3)

    def operations() -> list[Operation]:
        return [asking(world, numbers[:2], key="a"), asking(world, numbers[1:], key="b")]

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)], results
        rows = sorted(results[0] + results[1])
        assert rows == ["accepted", "accepted", "accepted", "blocked"]
        assert world.rig.used() == 3
        world.run_on()
        assert sum(world.rig.vendor.texts.values()) == 3

    assert race(world, operations, check) >= 5


# ------------------------------------------------------------ 2: one customer, two banners
def test_two_banners_for_one_customer(world: World) -> None:
    """I5. An associate of another banner and account asks for the same customer (4 orders): one
    lease, one place of a day used, one text."""
    rig, zoe = world.rig, "zoe@zales.example.com"
    store = replace(shop(), account="10000003", group="77", banner="zales",
                    associates=(Associate("901", "pid-901", zoe, "Zoe"),))  # fmt: skip
    rig.write_store(store)
    at = iso(rig.clock.now() - timedelta(days=30))
    agreed = {"class": "one_to_one", "at": at, "entry": 1}
    rig.customer(NUMBER, consent=None, consents={"kay": agreed, "zales": agreed})

    def operations() -> list[Operation]:
        return [
            asking(world, [NUMBER], key="a"),
            asking(world, [NUMBER], key="b", login=zoe, label="Zales"),
        ]

    def check(results: list[Any]) -> None:
        assert sorted(results, key=str) == [["accepted"], ["blocked"]]
        won = results.index(["accepted"])
        item = customer_item(world)
        assert item["lease"]["banner"] == ("kay", "zales")[won]
        assert rig.used() + rig_used(world, "10000003", "901") == 1
        world.run_on()
        assert texts(world) == 1

    assert race(world, operations, check) >= 4


def rig_used(world: World, account: str, agent: str) -> int:
    days = world.items(f"ASSOCIATE#{account}#{agent}")
    return sum(int(item["used"]) for item in days.values())


# ------------------------------------------------------------ 3: opt-out and claimed batch
def by_consents(world: World) -> Operation:
    """The associate was told: POST /consents with class none."""
    from instore.runtime.outreach_http import dispatch
    from instore.runtime.outreach_operations import OPERATIONS

    body = {"phone": NUMBER, "class": "none", "wording": "please stop", "method": "in store"}
    event = http_event("POST /consents", body, scopes="outreach/consent")
    return process(world, lambda _: dispatch(event, OPERATIONS))


def by_words_to_the_bot(world: World) -> Operation:
    """STOP, while the bot still has the conversation."""
    from instore import conversing
    from instore.bot_messages import read_event

    def say(house: Any) -> Any:
        program = house.programs.current()
        seat = conversing.Seat(program, program.account(ACCOUNT), "kay-router")
        means = conversing.Means(house.conversations, house.customers, house.stores, None, None,
                                 None, house.programs.version, house.calls)  # fmt: skip
        return conversing.answer_event(read_event(text_event("STOP")), seat=seat, means=means,
                                       conversation="c-1", now=house.now())  # fmt: skip

    return process(world, say)


def by_words_to_the_associate(world: World) -> Operation:
    """STOP in a conversation an associate has: LivePerson's webhook, through the queue."""
    from instore.assigning import take
    from instore.assignment import ConversationChange, Kind
    from instore.runtime.means import notice_means

    def hear(house: Any) -> Any:
        stop = ConversationChange(ACCOUNT, "c-1", Kind.REVOCATION, ts=1, words="stop")
        return take(stop, means=notice_means(house), now=house.now())

    return process(world, hear)


WAYS_OUT = [by_consents, by_words_to_the_bot, by_words_to_the_associate]


@pytest.mark.parametrize("way_out", WAYS_OUT)
def test_an_opt_out_against_a_claimed_batch(
    world: World, way_out: Callable[[World], Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """I9, by each way out (5 or 6 orders each). The block stored before the sender read the
    customers: no text. After that: the one that was on its way. Never a second one, though the
    queue shows the record again, and nothing new is accepted."""
    batch_id = accepted(world, NUMBER)
    customer = customer_item(world)["id"]
    world.rig.table.put({
        "pk": f"CONVERSATION#{ACCOUNT}#c-1", "sk": "CONVERSATION", "account": ACCOUNT,
        "conversation": "c-1", "banner": "kay", "bot": "kay-router", "channel": "sms",
        "customer": customer, "phone": NUMBER, "state": "asked", "turn": 1, "round": 0,
        "asked": 1, "waiting": False, "wait": 0, "created_at": iso(world.now),
        "expires_at": int(world.now.timestamp()) + 86400,
    })  # fmt: skip
    told: list[str] = []
    _tell(monkeypatch, Customers, "get_many", told)
    _tell(monkeypatch, Table, "transact", told)
    _tell(monkeypatch, Batches, "save", told)

    def operations() -> list[Operation]:
        told.clear()
        return [sending(world, batch_id), way_out(world)]

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)], results
        assert told.index("save") < told.index("get_many")  # they are read by whoever has the claim
        first = told.index("transact") < told.index("get_many")
        assert texts(world) == (0 if first else 1), told
        world.messages.append((world.now, (batch_id,)))  # the queue shows the record once more
        world.run_on()
        assert texts(world) == (0 if first else 1)
        assert asking(world, [NUMBER], key="again")() == ["blocked"]
        assert Consents(world.rig.table).problems(customer) == []

    assert race(world, operations, check) >= 5


def _tell(monkeypatch: pytest.MonkeyPatch, where: type, name: str, told: list[str]) -> None:
    """Note each of these calls as soon as it has been answered."""
    original = getattr(where, name)

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, *args, **kwargs)
        told.append(name)
        return answer

    monkeypatch.setattr(where, name, noted)


# ------------------------------------------------------------ 4: one queue record, two senders
@pytest.mark.parametrize("later_s", [pytest.param(0, marks=pytest.mark.slow), 360])
def test_two_senders_with_one_queue_record(world: World, later_s: float) -> None:
    """I4. Delivered twice at the same instant (40 orders), or shown again because the first sender
    takes longer than it is hidden (34): one calls the vendor, the other has nothing to do."""
    numbers = [phone(0), phone(1)]
    batch_id = accepted(world, *numbers)
    ends = Ends(world, numbers)

    def operations() -> list[Operation]:
        return [sending(world, batch_id), sending(world, batch_id, later_s=later_s)]

    def check(results: list[Any]) -> None:
        assert results == [{"batchItemFailures": []}] * 2
        # A clock ahead takes the pace away from the other: then both leave it to the sweep.
        calls = [len(c.recipients) for _, c in world.rig.vendor.campaigns]
        assert calls in ([2], []) if later_s else calls == [2]
        world.rig.clock.advance(later_s)
        world.run_on()
        ends()

    assert race(world, operations, check) >= 30
    assert ends.seen == {("delivered", "delivered")}


# ------------------------------------------------------------ 5: the sweep and a sender
@pytest.mark.parametrize(
    ("later_s", "ends_as"),
    [(76, {("delivered", "delivered")}),  # the record seems lost: the sweep queues it again
     (460, {("delivered", "delivered"), ("sent", "sent")})],  # and takes a claim for a dead one's
)  # fmt: skip
def test_the_sweep_against_a_sender(world: World, later_s: float, ends_as: set[Any]) -> None:
    """I4. Redrive (17 orders), and expiry of the claim of a sender that is only slow (23), at each
    of its calls: one text, found where the sender could no longer write down that it went."""
    numbers = [phone(0), phone(1)]
    batch_id = accepted(world, *numbers)
    ends = Ends(world, numbers)

    def operations() -> list[Operation]:
        return [sending(world, batch_id), sweeping(world, later_s=later_s)]

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)], results
        world.rig.clock.advance(later_s)
        world.run_on()
        ends()

    assert race(world, operations, check) >= 15
    assert ends.seen == ends_as


def test_two_sweeps_at_what_a_sender_left_unknown(world: World) -> None:
    """Overlapping minutes (8 orders): a question may be asked twice, one answer is written."""
    batch_id = accepted(world, NUMBER)
    world.messages.append((world.now, (batch_id,)))
    event = world.next_event()
    assert event is not None
    world.put_back(next(state for state in world.deaths_of(event) if state.campaigns))
    world.messages.clear()
    ends = Ends(world, [NUMBER])

    def operations() -> list[Operation]:
        return [sweeping(world, later_s=301), sweeping(world, later_s=301)]

    def check(results: list[Any]) -> None:
        assert not [r for r in results if isinstance(r, Exception)], results
        world.rig.clock.advance(301)
        world.run_on()
        ends()

    assert race(world, operations, check) >= 8
    assert ends.seen == {("sent",)}
