"""What each operation asks of AWS and of the vendor, and how many of them a core does in a second."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..cost import lambda_seconds
from .shop import BATCH, CHUNK, Shop

STALE = "Conversation routed, presence older than 15 s"


@dataclass(slots=True)
class Counted:
    """One operation: what it asked for. `per` is what it did: recipients, conversations, ..."""

    name: str
    per: int = 1
    calls: int = 1  # of Lambda functions
    requests: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0
    vendor: int = 0
    memory_mb: int = 512

    @property
    def dynamodb(self) -> int:
        return sum(n for name, n in self.requests.items() if name.startswith("dynamodb."))

    @property
    def queue(self) -> int:
        return sum(n for name, n in self.requests.items() if name.startswith("sqs."))

    def used(self) -> dict[str, float]:
        """In the units of the price list, HTTP and queue polling left out."""
        seconds = lambda_seconds(calls=self.calls, requests=self.dynamodb + self.queue,
                                 vendor_calls=self.vendor)  # fmt: skip
        return {"write_units": self.write_units, "read_units": self.read_units,
                "queue_requests": self.queue, "lambda_requests": self.calls,
                "lambda_gb_s": seconds * self.memory_mb / 1024}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speed:
    """Operations a second of one core, several runs; `own_ms` is the time in our own code each."""

    name: str
    unit: str
    per_s: list[float]
    own_ms: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.per_s)


def count_all(shop: Shop) -> list[Counted]:
    """Every operation once, in an order in which each finds what it needs."""
    numbers = shop.customers(2 * CHUNK)
    shop.metered()
    return [*_conversations(shop), *_outreach(shop, numbers), *_others(shop)]


def _count(
    shop: Shop, name: str, function: str, run: Callable[[], object], *, per: int = 1,
    calls: int = 1,
) -> Counted:  # fmt: skip
    shop.reset()
    run()
    meter = shop.meters[function]
    memory = int(shop.scene.stack.rendered.of("AWS::Lambda::Function")[function]["MemorySize"])
    return Counted(name, per, calls, Counter(meter.requests), meter.write_units, meter.read_units,
                   len(shop.vendor_calls), memory)  # fmt: skip


def _conversations(shop: Shop) -> Iterator[Counted]:
    def routed() -> str:
        conversation = shop.create()
        shop.say(conversation)
        return conversation

    bot = shop.scene.stack.functions["RoutingBot"]
    bot.start_cold()
    yield _count(shop, "Conversation routed, first of a new process", "RoutingBot", routed, calls=2)
    shop.scene.clock.advance(61)
    yield _count(shop, "Conversation routed, a minute of silence before", "RoutingBot", routed,
                 calls=2)  # fmt: skip
    shop.scene.clock.advance(16)
    yield _count(shop, STALE, "RoutingBot", routed,
                 calls=2)  # fmt: skip
    yield _count(shop, "Conversation routed, all fresh", "RoutingBot", routed, calls=2)
    conversation = routed()
    yield _count(shop, "The same event again", "RoutingBot", lambda: shop.say(conversation))


def _outreach(shop: Shop, numbers: list[str]) -> Iterator[Counted]:
    batches = [numbers[n : n + BATCH] for n in range(0, CHUNK, BATCH)]
    shop.text(numbers[CHUNK : CHUNK + BATCH], key="warm")  # program, store and keys are known
    shop.send(shop.queued())
    shop.settle()
    for n, batch in enumerate(batches[1:]):
        shop.text(batch, key=f"counted-{n}")
    yield _count(shop, "Batch of 10 accepted", "OutreachApi",
                 lambda: shop.text(batches[0], key="counted"), per=BATCH)  # fmt: skip
    yield _count(shop, "The same request again", "OutreachApi",
                 lambda: shop.text(batches[0], key="counted"))  # fmt: skip
    event = shop.queued()
    shop.sweep()
    yield _count(shop, "Ten batches sent in one call", "ProactiveBatch",
                 lambda: shop.send(event), per=CHUNK)  # fmt: skip
    yield _count(shop, "The same queue records again", "ProactiveBatch",
                 lambda: shop.send(event))  # fmt: skip
    shop.scene.clock.advance(130)
    shop.scene.sim.run()
    yield _count(shop, "Ten batches settled by the sweep", "Sweep", shop.sweep, per=CHUNK)
    yield _count(shop, "A sweep with nothing to do", "Sweep", shop.sweep)


def _others(shop: Shop) -> Iterator[Counted]:
    yield _count(shop, "Consent recorded", "OutreachApi",
                 lambda: shop.consent("+17325550199"))  # fmt: skip


# ---------------------------------------------------------------- speed
def time_all(shop: Shop, *, runs: int, conversations: int, texts: int) -> list[Speed]:
    """Everything warm, `runs` times; times are CPU seconds of this process, which has one thread
    at work. `texts` is a multiple of ten."""
    shop.timed()
    shop.say(shop.create())
    found = {
        name: Speed(name, unit, [], [])
        for name, unit in (
            ("Conversation routed, all fresh", "conversations"),
            ("Batch of 10 accepted", "recipients"), ("Batches sent", "recipients"),
            ("Batches settled", "recipients"),
        )
    }  # fmt: skip
    for run in range(runs + 1):  # the first warms up and is not counted
        for name, count, seconds, own in _round(shop, run, conversations, texts):
            if run:
                found[name].per_s.append(count / seconds)
                found[name].own_ms.append(own / count * 1000)
    whole = Speed("Accepted, sent and settled", "recipients", [], [])
    parts = [found[n] for n in ("Batch of 10 accepted", "Batches sent", "Batches settled")]
    for n in range(runs):
        whole.per_s.append(1 / sum(1 / part.per_s[n] for part in parts))
        whole.own_ms.append(sum(part.own_ms[n] for part in parts))
    return [*found.values(), whole]


def _round(
    shop: Shop, run: int, conversations: int, texts: int
) -> Iterator[tuple[str, int, float, float]]:
    def routed() -> None:
        for _ in range(conversations):
            shop.say(shop.create())

    def accepted() -> None:
        for n, batch in enumerate(batches):
            shop.text(batch, key=f"timed-{run}-{n}")

    numbers = shop.customers(texts)
    batches = [numbers[n : n + BATCH] for n in range(0, texts, BATCH)]
    yield ("Conversation routed, all fresh", conversations, *_time(shop, routed))
    yield ("Batch of 10 accepted", texts, *_time(shop, accepted))
    event = shop.queued()
    yield ("Batches sent", texts, *_time(shop, lambda: shop.send(event)))
    shop.scene.clock.advance(130)
    shop.scene.sim.run()
    yield ("Batches settled", texts, *_time(shop, shop.sweep))


def _time(shop: Shop, run: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of a run, and those of them that are our own code's."""
    shop.reset()
    began, cpu = time.perf_counter(), time.process_time()
    run()
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    return spent, max(0.0, took - shop.watch.away_s) * spent / took
