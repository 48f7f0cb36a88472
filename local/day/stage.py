"""The stage of a day: stack, simulator and people, joined by the day's wires and troubles."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx

from instore.program import Program, load_program

from ..functions import Function
from ..liveperson.routes import Front
from ..pump import QueueMapping
from ..samples import sample_document
from ..scene import Scene
from .evidence import Letter
from .oracle import rows
from .plan import DAWN, Customer, Plan, Settings, make_plan
from .quick import QuickMeter, quick
from .shortcut import shorten
from .town import Town, TownClock
from .trouble import Trouble, add_faults
from .wires import DayServices, StackWire, VendorWire, forget_answers, put_boundary

SENDERS = 2  # processes of proactive_batch side by side
WORDS = "Yes, my associate may text me about my interests. STOP ends it."


@dataclass
class Stage:
    """All parts of a running day."""

    settings: Settings
    scene: Scene
    clock: TownClock
    town: Town
    trouble: Trouble
    plan: Plan
    meters: dict[str, QuickMeter]
    senders: list[Function]
    letters: dict[str, Letter]
    vendor_calls: Counter[str]
    app: httpx.Client
    tokens: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, *, login: str, body: Any = None, key: str | None = None
    ) -> httpx.Response:
        """The associate's app calls our API; tokens are kept for half an hour."""
        made, token = self.tokens.get(login, (DAWN, ""))
        if not token or (self.clock.now() - made).total_seconds() > 1800:
            token = self.scene.issuer.mint(login)
            self.tokens[login] = self.clock.now(), token
        headers = {"authorization": f"Bearer {token}"}
        if key is not None:
            headers["idempotency-key"] = key
        return self.app.request(method, path, json=body, headers=headers)

    def mapping(self, function: Function) -> QueueMapping:
        """The event source mapping of a function's queue, feeding this process of it."""
        stack = self.scene.stack
        (properties,) = [
            one for one in stack.rendered.of("AWS::Lambda::EventSourceMapping").values()
            if stack.rendered.named(one["FunctionName"]) == function.name
            and ":sqs:" in one["EventSourceArn"]
        ]  # fmt: skip
        sqs = stack.client("sqs")
        url = sqs.get_queue_url(QueueName=properties["EventSourceArn"].rsplit(":", 1)[-1])
        return QueueMapping(properties, function=function, url=url["QueueUrl"], sqs=sqs,
                            clock=self.clock)  # fmt: skip


def document(settings: Settings) -> dict[str, Any]:
    """The in-store program, at the vendor's rate of this day."""
    read: dict[str, Any] = sample_document("in_store")
    if settings.rate is not None:
        read["outreach"]["rate"]["messages_per_s"] = settings.rate
    return read


@contextmanager
def raised(settings: Settings) -> Iterator[Stage]:
    """Everything furnished and opened, customers' consents recorded, nothing gone wrong yet."""
    clock = TownClock(DAWN)
    trouble = Trouble(seed=settings.seed, kill_rate=settings.kills, repeat_rate=settings.repeats)
    letters: dict[str, Letter] = {}
    called: Counter[str] = Counter()
    scene: Scene

    def services(made: Any, *, now: Any, sleep: Any) -> DayServices:
        wire = VendorWire(
            names.get(made, "?"), handle=front.handle, faults=scene.sim.faults, trouble=trouble,
            clock=clock, seed=settings.seed, letters=letters, called=called,
        )  # fmt: skip
        return DayServices(made, now=now, sleep=sleep, wire=wire, clients=clients)

    names: dict[Any, str] = {}
    clients: dict[str, Any] = {}
    with Scene("in_store.yaml", now=DAWN, seed=settings.seed, clock=clock,
               make_services=services) as scene:  # fmt: skip
        front = Front(scene.sim.world, scene.sim.calls)
        scene.document = document(settings)
        accounts = {one["name"]: one["account"] for one in scene.document["banners"]}
        program: Program = load_program(scene.document)
        scene.program = program
        stack = scene.stack
        scene.sim.world.go_through(StackWire(stack.answer))
        clients["dynamodb"] = stack.client("dynamodb")
        shorten(clients["dynamodb"])
        meters = {name: QuickMeter(clients["dynamodb"], table=stack.table_name)
                  for name in stack.functions}  # fmt: skip
        senders = [stack.functions["ProactiveBatch"]]
        senders += [stack.another("ProactiveBatch") for _ in range(SENDERS - 1)]
        for function in [*stack.functions.values(), *senders[1:]]:
            names[function.services.settings] = function.name
            function.start_cold()
            life = timedelta(seconds=function.timeout_s)
            put_boundary(function, trouble=trouble, meter=meters[function.name],
                         on_kill=partial(forget_answers, letters, clock=clock, within=life))  # fmt: skip
        stage = Stage(
            settings, scene, clock, Town(clock), trouble, make_plan(settings, accounts=accounts),
            meters, senders, letters, called,
            httpx.Client(base_url="https://api", transport=StackWire(stack.answer)),
        )  # fmt: skip
        with quick(stack.table_name), warnings.catch_warnings():
            # Its collector of metrics is one for the whole process, and lanes share it.
            warnings.filterwarnings("ignore", module="aws_lambda_powertools")
            _furnish(stage)
            for meter in meters.values():
                meter.reset()
            trouble.calls.clear()
            called.clear()
            add_faults(scene.sim.faults, level=settings.faults)
            try:
                yield stage
            finally:
                stage.town.finish()


def _furnish(stage: Stage) -> None:
    scene, plan = stage.scene, stage.plan
    for shop in plan.shops:
        scene.add_store(shop.account, shop.group, banner=shop.banner, zone=shop.place.zone,
                        state=shop.place.state, postal_code=shop.place.postal_code,
                        hours="10:00-21:00")  # fmt: skip
        boss = f"{shop.group.replace(' ', '').lower()}@{shop.banner}.example.com"
        scene.add_associate(shop.account, shop.group, boss, nickname="Bea", manager=True)
    for clerk in plan.clerks:
        scene.add_associate(clerk.shop.account, clerk.shop.group, clerk.login,
                            nickname=clerk.nickname, employee_id=clerk.employee)  # fmt: skip
    owner = scene.program.owner.id
    skills = tuple(sorted({b.virtual_skill for b in scene.program.banners if b.virtual_skill}))
    scene.sim.add_user(owner, "virtual@example.com", nickname="Vic", skills=skills,
                       max_slots=100_000)  # fmt: skip
    scene.open()
    scene.sim.agent("virtual@example.com").login()
    for clerk in plan.clerks:
        if clerk.online:
            scene.sim.agent(clerk.login).login()
    first = {clerk.shop.banner: clerk.login for clerk in reversed(plan.clerks)}
    for who in plan.customers:
        _prepare(stage, who, first=first)


def _prepare(stage: Stage, who: Customer, *, first: dict[str, str]) -> None:
    scene = stage.scene
    # The vendor goes by the number: of an area code with two zones, it takes either.
    zones = next((row["zones"].split() for row in rows("area_codes.csv")
                  if row["area_code"] == who.phone[2:5]), None)  # fmt: skip
    filtered = tuple(scene.sim.world.numbers) if who.kind == "filtered" else ()
    scene.sim.add_phone(
        who.phone, landline=who.kind == "landline", invalid=who.kind == "invalid",
        zone=zones[int(who.phone[-1]) % len(zones)] if zones else None, opted_out_of=filtered,
    )  # fmt: skip
    if who.kind == "toll-free":
        return
    for banner, kind in who.consents.items():
        body: dict[str, Any] = {"phone": who.phone, "class": kind, "method": "tablet",
                                "wording": WORDS}  # fmt: skip
        if who.zone:
            body["zone"] = who.zone
        if who.postal_code:
            body["postal_code"] = who.postal_code
        login = first.get(banner)
        if login is not None:
            _must(stage.ask("POST", "/consents", login=login, body=body))
    if who.kind == "out before":
        banner = next(iter(who.consents))
        _must(stage.ask("POST", "/consents", login=first[banner], body=no_more(who.phone)))


def no_more(phone: str) -> dict[str, str]:
    """What an associate enters when a customer wants no more texts."""
    return {"phone": phone, "class": "none", "method": "counter", "wording": "No more, please."}


def _must(answer: httpx.Response) -> None:
    if answer.status_code != 201:
        raise RuntimeError(
            f"consent was answered {answer.status_code}: {json.dumps(answer.json())}"
        )
