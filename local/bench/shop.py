"""One store on a local stack, every AWS call metered, the vendor in the same process.

Handlers are called directly, without a socket between; the program is the in-store sample with a
rate at which nobody has to wait. Times are taken with the meters off: they look at items.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from instore.adapters.liveperson import LivePerson
from instore.model import Phone
from instore.runtime.settings import Settings

from ..functions import StackServices
from ..liveperson.routes import Front
from ..samples import sample_document
from ..scene import Scene
from ..serving import Request as VendorRequest
from ..units import Meter

EVENTS = Path(__file__).resolve().parents[2] / "events"
ACCOUNT, GROUP, OTHER = "10000002", "Kay 1204 Yonkers", "10000003"
ANNA, KATE = "anna@kay.example.com", "kate@kay.example.com"
WORD = "KateM123"
NOON = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)  # a Wednesday, 13:00 in New York
# None is an area of the program's own numbers: nobody texts those.
AREAS = ("516", "718", "917", "646", "201", "973", "908", "732", "609", "856", "215", "267", "610",
         "412", "724", "814", "617", "508", "978", "413")  # fmt: skip
FAR_AREAS = ("312", "773", "708", "404", "770", "512", "214", "713", "303", "720", "602", "415", "510",
             "619", "503", "206")  # fmt: skip
BATCH, CHUNK = 10, 100
LINGER_S = 16  # texts wait 15 s in the queue, so that calls fill up


class Stopwatch:
    """A watcher that adds up the seconds spent outside our own code."""

    def __init__(self) -> None:
        self.away_s = 0.0

    def __call__(self, run: Any, **_: Any) -> Any:
        began = time.perf_counter()
        try:
            return run()
        finally:
            self.away_s += time.perf_counter() - began


class Shop:
    """See the module's docstring. `meters` has one Meter per function (logical id)."""

    def __init__(self, scene: Scene, *, vendor_calls: list[str], watch: Stopwatch) -> None:
        self.scene, self.vendor_calls, self.watch = scene, vendor_calls, watch
        self.meters: dict[str, Meter] = {}
        self._numbers = (f"+1{area}55501{n:02d}" for n in range(100) for area in AREAS)
        # Others, of whom many are looked at and few taken: those of one shard.
        self.strangers = (f"+1{area}55501{n:02d}" for n in range(100) for area in FAR_AREAS)
        self._events = {p.stem: json.loads(p.read_text("utf-8")) for p in EVENTS.glob("*.json")}
        self._serial = 0
        self._token = scene.sim.bot_token(
            ACCOUNT, next(a.bot_client_id for a in scene.program.accounts if a.id == ACCOUNT)
        )

    # ------------------------------------------------------------ metering
    def metered(self) -> None:
        """From now on count requests and units, per function."""
        for name, function in self.scene.stack.functions.items():
            meter = Meter(self.scene.stack.client("dynamodb"))
            self.meters[name] = function.boundary = meter

    def timed(self) -> None:
        """From now on only add up the time that is not ours."""
        for function in self.scene.stack.functions.values():
            function.boundary = self.watch

    def reset(self) -> None:
        for meter in self.meters.values():
            meter.reset()
        self.vendor_calls.clear()
        self.watch.away_s = 0.0

    # ------------------------------------------------------------ conversations
    def create(self) -> str:
        """LivePerson opens a conversation with our bot; its id."""
        self._serial += 1
        conversation = f"5c6a9f0e-7d1b-4f7e-9f0a-{self._serial:012d}"
        event = self._bot_event("routing_bot.create", conversation)
        event["body"] = event["body"].replace("12125550123", next(self._numbers)[1:])
        self._good(self.call("RoutingBot", event))
        return conversation

    def say(self, conversation: str) -> None:
        """The customer's words, a keyword, reach the bot."""
        self._good(self.call("RoutingBot", self._bot_event("routing_bot.text", conversation)))

    def _bot_event(self, name: str, conversation: str) -> dict[str, Any]:
        text = json.dumps(self._events[name]).replace("${BOT_TOKEN}", self._token)
        event: dict[str, Any] = json.loads(
            text.replace("5c6a9f0e-7d1b-4f7e-9f0a-2d3c4b5a6e71", conversation)
        )
        return event

    # ------------------------------------------------------------ outreach
    def consent(self, number: str) -> None:
        """A customer agrees at the counter."""
        event = json.loads(json.dumps(self._events["outreach_api.consent"]))
        event["body"] = json.dumps({
            "phone": number, "class": "one_to_one", "method": "tablet",
            "wording": "Yes, my associate may text me. STOP ends it.",
        })  # fmt: skip
        self._good(self.call("OutreachApi", event), status=201)

    def customers(self, count: int) -> list[str]:
        """Numbers of new customers who agreed to texts: one in truth, the others as it stands in
        the table then (an entry of the ledger is a transaction, and moto takes 0.1 s for one)."""
        numbers = [next(self._numbers) for _ in range(count)]
        self.agree(numbers)
        return numbers

    def agree(self, numbers: list[str]) -> None:
        """See `customers`."""
        self.consent(numbers[0])
        house = self.scene.stack.functions["OutreachApi"].services
        kept = house.customers.id_of(Phone(numbers[0]))
        item = house.table.get(f"CUSTOMER#{kept}", "CUSTOMER")
        assert item is not None
        ids = {house.customers.id_of(Phone(number)): number for number in numbers[1:]}
        house.table.write_many(
            {**item, "pk": f"CUSTOMER#{name}", "id": name, "phone": number}
            for name, number in ids.items()
        )

    def text(self, numbers: list[str], *, key: str) -> None:
        """The associate asks to text these, in one batch."""
        event = json.loads(json.dumps(self._events["outreach_api.send"]))
        event["headers"]["idempotency-key"] = key
        rows = [{"phone": number, "variables": ["Anna", "Kay"]} for number in numbers]
        event["body"] = json.dumps({"template": "new-arrivals", "recipients": rows})
        answer = self._good(self.call("OutreachApi", event), status=202)
        assert {row["status"] for row in answer["rows"]} == {"accepted"}, answer["rows"]

    def queued(self) -> dict[str, Any]:
        """The event Lambda makes of all that waits in the outreach queue, taken out of it."""
        self.scene.clock.advance(LINGER_S)
        sqs = self.scene.stack.client("sqs")
        url = self.scene.stack.rendered.reference("OutreachQueue")
        record = self._events["proactive_batch.sqs"]["Records"][0]
        records = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in found:
                records.append({**record, "messageId": one["MessageId"], "body": one["Body"]})
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return {"Records": records}

    def send(self, event: dict[str, Any]) -> None:
        """proactive_batch takes this event."""
        answer = self.call("ProactiveBatch", event)
        assert answer == {"batchItemFailures": []}, answer

    def settle(self) -> None:
        """Two minutes on the texts have arrived, and the sweep asks what became of them."""
        self.scene.clock.advance(130)
        self.scene.sim.run()
        self.sweep()

    def sweep(self) -> None:
        answer = self.call("Sweep", self._events["sweep.schedule"])
        assert not answer.get("failed"), answer

    def event(self, name: str) -> dict[str, Any]:
        """A file of events/, one's own to change."""
        found: dict[str, Any] = json.loads(json.dumps(self._events[name]))
        return found

    def call(self, function: str, event: Any) -> Any:
        return self.scene.stack.call(function, event)

    @staticmethod
    def _good(answer: Any, *, status: int = 200) -> Any:
        assert answer["statusCode"] == status, answer
        return json.loads(answer["body"]) if answer.get("body") else None


@contextmanager
def opened() -> Iterator[Shop]:
    """A shop that is open: map built, Anna and Kate online."""
    vendor_calls: list[str] = []
    watch = Stopwatch()
    clients: dict[str, Any] = {}
    scene: Scene

    def over_the_counter(request: httpx.Request) -> httpx.Response:
        began = time.perf_counter()
        asked = VendorRequest(request.method, request.url.raw_path.decode(),
                              {k.lower(): v for k, v in request.headers.items()},
                              request.read())  # fmt: skip
        vendor_calls.append(f"{asked.method} {asked.path}")
        reply = front.handle(asked)
        headers = {"content-type": "application/json", **reply.headers}
        watch.away_s += time.perf_counter() - began
        return httpx.Response(reply.status, content=reply.body, headers=headers)

    def services(settings: Settings, *, now: Any, sleep: Any) -> StackServices:
        made = StackServices(settings, now=now, sleep=sleep)
        made.clients = clients
        if settings.liveperson_domain_api:
            vars(made)["liveperson"] = LivePerson(
                secrets=made.secrets, domain_api=settings.liveperson_domain_api,
                gateway=settings.liveperson_gateway, now=now, sleep=sleep,
                transport=httpx.MockTransport(over_the_counter),
            )  # fmt: skip
        return made

    with Scene("in_store.yaml", now=NOON, enforce=False, make_services=services) as scene:
        front = Front(scene.sim.world, scene.sim.calls)
        unhurried(scene)
        where = {"zone": "America/New_York", "state": "NY", "hours": "00:00-24:00"}
        scene.add_store(ACCOUNT, GROUP, banner="kay", **where)
        scene.add_associate(ACCOUNT, GROUP, ANNA, nickname="Anna", employee_id="200001",
                            max_slots=1000)  # fmt: skip
        scene.add_associate(ACCOUNT, GROUP, KATE, nickname="Kate", aliases=(WORD,),
                            max_slots=1000)  # fmt: skip
        scene.add_store(OTHER, "Zales 1", banner="zales", **where)
        scene.add_associate(OTHER, "Zales 1", "zoe@zales.example.com", nickname="Zoe")
        scene.open()
        for login in (ANNA, KATE):
            scene.sim.agent(login).login()
        yield Shop(scene, vendor_calls=vendor_calls, watch=watch)


def unhurried(scene: Scene) -> None:
    """A rate and a quota at which nothing waits: what is measured is our work, not the pace."""
    read = sample_document("in_store")
    read["outreach"] |= {"per_associate_day": 1000}
    read["outreach"]["rate"] |= {"requests_per_s": 1000, "messages_per_s": 1000}
    scene.document = read
