"""Processes that meet: what the tests of races run against one another, and where they begin."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.interleavings.orders import all_orders_that_differ
from tests.outreach_rig import ANNA, LOGINS, ROOT, http_event, outreach, phone, sqs_event
from tests.outreach_world import World

from instore.model import Phone
from instore.runtime.services import using

Operation = Callable[[], Any]
NUMBER = phone(10)


def process(world: World, run: Callable[[Any], Any], *, later_s: float = 0) -> Operation:
    """A process with a clock of its own, ahead by so much: it was stuck, or starts when another
    has been stuck. Handlers without their decorators, which several threads cannot share."""

    def invoke() -> Any:
        house: Any = world.rig.services()
        clock = type(world.rig.clock)(world.now + timedelta(seconds=later_s))
        house.now, house.sleep = clock.now, clock.sleep
        with using(house):
            return run(house)

    return invoke


def asking(
    world: World, numbers: list[str], *, key: str, login: str = LOGINS[ANNA], label: str = "Kay"
) -> Operation:
    """One request to the outreach API; answers the rows' verdicts."""
    from instore.runtime.outreach_http import dispatch
    from instore.runtime.outreach_operations import OPERATIONS

    body = outreach(numbers)
    for recipient in body["recipients"]:
        recipient["variables"] = ["Anna", label]
    event = http_event("POST /outreach", body, key=key, login=login)

    def ask(_: Any) -> list[str]:
        answer = dispatch(event, OPERATIONS)
        return [row["status"] for row in json.loads(answer["body"])["rows"]]

    return process(world, ask)


def sending(world: World, *ids: str, later_s: float = 0) -> Operation:
    from proactive_batch import app

    event = sqs_event([json.dumps({"batch": one}) for one in ids])
    handler = inspect.unwrap(app.handler)
    return process(world, lambda _: handler(event, world.rig.context()), later_s=later_s)


def sweeping(world: World, *, later_s: float = 0) -> Operation:
    from sweep import app

    event = json.loads((ROOT / "events/sweep.schedule.json").read_text())
    handler = inspect.unwrap(app.handler)
    return process(world, lambda _: handler(event, world.rig.context()), later_s=later_s)


def race(
    world: World, operations: Callable[[], list[Operation]], check: Callable[[list[Any]], None]
) -> int:
    """All orders from the world as it is now."""
    before = world.state()

    def start() -> list[Operation]:
        world.put_back(before)
        return operations()

    return all_orders_that_differ(start, check)


def accepted(world: World, *numbers: str) -> str:
    """A batch for customers who agreed; its queue record is in the test's own hands."""
    for number in numbers:
        agreed(world, number)
    batch_id: str = world.rig.text(list(numbers), key="k")[1]["id"]
    world.messages.clear()
    return batch_id


def agreed(world: World, number: str = NUMBER) -> str:
    """A customer with a ledger that verifies; answers their id."""
    customers, now = world.rig.services().customers, world.now - timedelta(days=30)
    customers.record_consent(
        Phone(number), banner="kay", consent_class="one_to_one", wording="Yes.", method="tablet",
        evidence="form", who="anna", at=now, now=now, country="US",
    )  # fmt: skip
    return customers.id_of(Phone(number))


def customer_item(world: World) -> dict[str, Any]:
    (item,) = (i for (_, sk), i in world.items("CUSTOMER#").items() if sk == "CUSTOMER")
    return item


def texts(world: World, number: str = NUMBER) -> int:
    return world.rig.vendor.texts[number[1:]]
