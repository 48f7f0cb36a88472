"""What the operations of the SMS line ask for: texts in and out, statuses, calls, requests.

Twilio is the simulator on loopback, told apart from LivePerson by `vendor` alone: a call is a call.
Each is counted over all functions it takes, up to the one that has nothing more to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from instore.line_text import Draft, Purpose
from instore.model import Phone, shard_of

from ..liveperson import Conversation
from ..twilio.webhooks import send
from .operations import STALE, Counted
from .shop import ACCOUNT, ANNA, Shop

HEAD, SITE = "head.office@brand.example.com", "www.kay.example.com"
WORDING = "Text me about my request. Msg & data rates may apply. Reply STOP to end."
REPAIRS = "+12135550140"
ANA, BEN, CLEO, DEE = "+12135550131", "+12135550132", "+12135550133", "+12135550134"
DUE, SHARD = 100, 3
TOLD = ("SmsWebhook", "InboundSms")
SENT = ("PlatformEvents", "AgentAssigned")

OPENING = "Text that opens a conversation"
RUNNING = "Text into a running conversation"
ANSWER = "Associate's words texted"
STATUS = "Status callback"
OFFERED = "Call offered, nothing pressed"
ACCEPTED = "Call accepted: one digit, one text"
REQUEST = "Service request by text, confirmed"
REPLIED = "Service request answered"
HANDS = "A hundred due texts sent by hands"
ACTIVATED = "Relay number activated"


# Name in local/capacity/counted.yaml -> operation.
CAPACITY = {
    "opening": OPENING, "running": RUNNING, "answer": ANSWER, "status": STATUS, "offered": OFFERED,
    "accepted": ACCEPTED, "requested": REQUEST, "replied": REPLIED, "due": HANDS, "routed": STALE,
}  # fmt: skip


def for_capacity(counted: Iterable[Counted]) -> dict[str, dict[str, float]]:
    """What `make capacity` multiplies: one of each operation."""
    found = {one.name: one for one in counted}
    return {name: _each(found[operation]) for name, operation in CAPACITY.items()}


def _each(one: Counted) -> dict[str, float]:
    used = {"dynamodb": one.dynamodb, "write_units": one.write_units, "read_units": one.read_units,
            "queue": one.queue, "vendor": one.vendor, "calls": one.calls}  # fmt: skip
    return {**{name: round(n / one.per, 4) for name, n in used.items()}, "memory_mb": one.memory_mb}


def count_line(shop: Shop) -> Iterator[Counted]:
    """Every operation of the line once, everything warm, in an order in which each finds what it
    needs."""
    shop.scene.settle()
    yield _count(shop, ACTIVATED, ("RelayNumbers", "RelayBulk"), lambda: _activate(shop))
    scene = shop.scene
    number = scene.api("GET", f"/relay/{ANNA}", login=HEAD, scopes=("relay:admin",)).json()[
        "number"
    ]
    _texts(shop, CLEO, number, "Warm?")
    yield _count(shop, OPENING, TOLD, lambda: _texts(shop, ANA, number, "Hi Anna"))
    talk = _taken(shop)
    yield _count(shop, RUNNING, TOLD, lambda: _texts(shop, ANA, number, "Still there?"))
    scene.settle()
    yield _count(shop, ANSWER, SENT, lambda: _answers(shop, talk))
    scene.twilio.move()
    queued = len(scene.twilio.world.outbox)
    assert queued, "no status waits to be told"
    yield _count(shop, STATUS, TOLD, scene.settle, per=queued)
    scene.wait()
    scene.twilio.call(CLEO, REPAIRS).hang_up()
    scene.wait()
    yield _count(shop, OFFERED, ("IvrDeflection",), lambda: _calls(shop, DEE, None))
    yield _count(shop, ACCEPTED, ("IvrDeflection",), lambda: _calls(shop, BEN, "1"))
    scene.wait()
    _asks(shop, BEN)
    yield _count(shop, REQUEST, ("ServiceRequests",), lambda: _asks(shop, DEE))
    scene.wait()
    request = _asks(shop, CLEO)
    _replies(shop, request, "warm")
    yield _count(shop, REPLIED, ("ServiceRequests",), lambda: _replies(shop, request, "counted"))
    scene.wait()
    _due(shop, 1)
    _lend(shop)
    _due(shop, DUE)
    yield _count(shop, HANDS, ("Sweep",), lambda: _lend(shop), per=DUE)


def _count(
    shop: Shop, name: str, functions: tuple[str, ...], run: Callable[[], object], *, per: int = 1
) -> Counted:  # fmt: skip
    shop.reset()
    asked, before = len(shop.scene.twilio.requests), _invocations(shop)
    run()
    calls = _invocations(shop) - before
    assert set(calls) == set(functions), f"{name} took {dict(calls)}"
    meters = [shop.meters[function] for function in functions]
    properties = shop.scene.stack.rendered.of("AWS::Lambda::Function")
    memory = sum(int(properties[f]["MemorySize"]) * n for f, n in calls.items())
    return Counted(
        name, per, calls.total(), sum((m.requests for m in meters), Counter()),
        sum(m.write_units for m in meters), sum(m.read_units for m in meters),
        len(shop.vendor_calls) + len(shop.scene.twilio.requests) - asked,
        memory // calls.total(),
    )  # fmt: skip


def _invocations(shop: Shop) -> Counter[str]:
    """How often each function was called: every handler counts its arrivals, once each."""
    return Counter({
        name: called for name, function in shop.scene.stack.functions.items()
        if (called := sum('"Arrived":[' in line for line in function.logs))
    })  # fmt: skip


def _activate(shop: Shop) -> None:
    answer = shop.scene.api("POST", "/relay/activate", login=HEAD, scopes=("relay:admin",),
                            key="bench", body={"logins": [ANNA]})  # fmt: skip
    assert answer.status_code == 202, answer.text
    shop.scene.stack.pump()


def _texts(shop: Shop, customer: str, number: str, words: str) -> None:
    """A customer's text as far as LivePerson; what LivePerson makes of it waits for `settle`."""
    shop.scene.twilio.text(customer, number, words)
    shop.scene.twilio.run()
    shop.scene.stack.pump()


def _taken(shop: Shop) -> Conversation:
    """The newest conversation has found Anna, who has it now."""
    shop.scene.settle()
    talk = list(shop.scene.sim.world.conversations.values())[-1]
    anna = shop.scene.sim.agent(ANNA)
    assert talk.suggested == anna.id
    anna.accept(talk)
    shop.scene.wait()
    return talk


def _answers(shop: Shop, talk: Conversation) -> None:
    shop.scene.sim.agent(ANNA).reply(talk, "Of course. At eleven?")
    shop.scene.sim.run()
    shop.scene.stack.pump()


def _calls(shop: Shop, customer: str, digit: str | None) -> None:
    """A call from its first ring until Twilio has told that it is over."""
    call = shop.scene.twilio.call(customer, REPAIRS)
    if digit is None:
        call.hang_up()
    else:
        call.press(digit)
    world = shop.scene.twilio.world
    over = [hook for hook in world.outbox if hook.kind == "call_status"]
    # What is told of the text is counted by itself.
    world.outbox = [hook for hook in world.outbox if hook.kind != "call_status"]
    for hook in over:
        send(world, hook)


def _asks(shop: Shop, customer: str) -> str:
    body = {"source": "storefront", "by": "text", "associate": ANNA, "phone": customer,
            "message": "Is the Luna ring there?", "consent": {"wording": WORDING}}  # fmt: skip
    answer = shop.scene.api("POST", "/requests", login=SITE, scopes=("requests/create",),
                            key=f"ask-{customer[1:]}", body=body)  # fmt: skip
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _replies(shop: Shop, request: str, key: str) -> None:
    answer = shop.scene.api("POST", f"/requests/{request}/reply", login=ANNA, key=key,
                            scopes=("requests/answer",), body={"text": "It is."})  # fmt: skip
    assert answer.status_code == 200, answer.text


def _due(shop: Shop, count: int) -> None:
    """Texts that customers agreed to, deferred to this instant, in one shard of the line."""
    house: Any = shop.scene.stack.functions["Sweep"].services
    now, sender = shop.scene.clock.now(), Phone(shop.scene.banner("kay").number.outbound)
    there = (number for number in shop.strangers
             if shard_of(house.customers.id_of(Phone(number))) == SHARD)  # fmt: skip
    found = [next(there) for _ in range(count)]
    shop.agree(found)
    pointer = house.stores.by_login(ACCOUNT, login=ANNA)
    for number in found:
        customer = house.customers.id_of(Phone(number))
        draft = Draft(id=f"bench-{customer[:20]}", sender=sender, to=Phone(number), banner="kay",
                      body="Anna would like to show you something.", purpose=Purpose.FIRST,
                      customer=customer, pointer=pointer)  # fmt: skip
        house.texts.begin(draft, now=now, due_at=now)


def _lend(shop: Shop) -> None:
    before = len(shop.scene.twilio.messages)
    # One at a time: a meter is no place for ten to add up in at once.
    shop.scene.stack.functions["Sweep"].services.texts_at_once = 1
    event = shop.event("sweep.texts")
    event["Records"][0]["body"] = f'{{"shard": {SHARD}}}'
    answer = shop.call("Sweep", event)
    assert answer == {"batchItemFailures": []}, answer
    assert len(shop.scene.twilio.messages) > before
