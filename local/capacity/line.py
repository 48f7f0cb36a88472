"""The SMS line's day: what its texts, calls and requests ask for, and what Twilio charges for them.

Every operation has been counted (`counted.yaml`, written by `make bench`); here it is multiplied by
how often it happens in each minute. Times are told as in flow.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from instore.line_text import Purpose
from instore.line_weighing import OLDEST
from instore.model import SHARDS
from instore.runtime.services import Services

from ..cost import REQUEST_S, costs_of, lambda_seconds
from .flow import Queue, asked, crossing, horizon, running_total, send, spread
from .judge import Verdict
from .load import Contract, LineContract, Load

HERE = Path(__file__).parent
# An associate's words that Twilio was too busy for stand in the same line, and go stale.
LONGEST_MIN = int(OLDEST[Purpose.REPLY].total_seconds() // 60)
# A text's entry in the `due` index: put, moved by claim and outcome, taken out by the last status.
INDEX_WRITES = 1 + 2 + 2 + 1
MOST_S = 1_000  # texts a second nobody will ask for
SENDING = ("answer", "requested", "replied", "accepted", "due")  # each is one text to a customer


@dataclass(frozen=True, slots=True)
class Operation:
    """What one of them asks for, over all functions it takes. `queue`: messages sent."""

    dynamodb: float
    write_units: float
    read_units: float
    queue: float
    vendor: float
    calls: float
    memory_mb: float

    @property
    def seconds(self) -> float:
        return lambda_seconds(calls=self.calls, requests=self.dynamodb + self.queue,
                              vendor_calls=self.vendor)  # fmt: skip


def counted() -> dict[str, Operation]:
    """Name of an operation -> what was counted."""
    read = yaml.safe_load((HERE / "counted.yaml").read_text("utf-8"))
    return {name: Operation(**row) for name, row in read.items()}


@dataclass(frozen=True)
class LineDay:
    """One day of the line, minute by minute."""

    load: Load
    contract: Contract
    allowed: LineContract

    @cached_property
    def operations(self) -> dict[str, Operation]:
        return counted()

    @cached_property
    def hands_per_s(self) -> float:
        """Due texts a second: hands x what each has under way, through the time of one. The store
        is read, too: the morning's texts come from more stores than a process remembers."""
        one_s = self.load.vendor_call_s + (self.operations["due"].dynamodb + 1) * REQUEST_S
        return min(self.allowed.hands, SHARDS) * Services.texts_at_once / one_s

    @cached_property
    def morning(self) -> Queue:
        """What the night deferred, and the pace of the hands."""
        return self.morning_at(self.hands_per_s)

    def morning_at(self, per_s: float) -> Queue:
        return send(self._with(self.load.line.deferred, held=1.0), self.contract,
                    per_s=per_s)  # fmt: skip

    @cached_property
    def often(self) -> dict[str, list[float]]:
        """Name of an operation -> how often in each minute."""
        line, load = self.load.line, self.load
        opening = self._over_day(line.associates * line.conversations_each)
        lively = spread(opening, load.conversation_min)
        requests, calls = self._over_day(line.requests), self._over_day(line.calls)
        often = {
            "opening": opening, "routed": opening, "requested": requests, "replied": requests,
            "running": [n * max(0.0, load.customer_messages - 1) for n in lively],
            "answer": [n * load.associate_messages for n in lively],
            "offered": [n * (1 - line.accepted_share) for n in calls],
            "accepted": [n * line.accepted_share for n in calls],
            "due": self.morning.sent,
        }  # fmt: skip
        sent = _added(often[name] for name in SENDING)
        return {**often, "status": [n * line.statuses for n in sent]}

    @property
    def texts(self) -> list[float]:
        """Texts to customers, a minute."""
        return _added(self.often[name] for name in SENDING)

    @property
    def heard(self) -> list[float]:
        """Texts from customers, a minute."""
        return _added(self.often[name] for name in ("opening", "running"))

    def total(self, what: Callable[[Operation], float]) -> list[float]:
        """Something that operations ask for, added up for each minute."""
        return _added([n * what(self.operations[name]) for n in often]
                      for name, often in self.often.items())  # fmt: skip

    def verdicts(self) -> list[Verdict]:
        """Each limit of the line; those that break first, the fullest before."""
        found = [*self._hands(), *self._twilio(), *self._carriers(), *self._ours()]
        return sorted(found, key=lambda v: (not v.breaks, -v.used))

    def _hands(self) -> Iterator[Verdict]:
        needed = next((n for n in range(1, MOST_S)
                       if max(self.morning_at(n).oldest) <= LONGEST_MIN), MOST_S)  # fmt: skip
        waits: list[float] = [*self.morning.oldest]
        yield Verdict("Hands of the line", "texts a second", self.hands_per_s,
                      self.load.line.deferred / self.contract.window_s, needed,
                      crossing(waits, LONGEST_MIN), "LineConcurrency in the template (10 at most)")  # fmt: skip

    def _twilio(self) -> Iterator[Verdict]:
        line, numbers = self.load.line, float(self.load.line.associates)
        services = self.allowed.senders_per_service * self.allowed.services
        campaigns = self.allowed.numbers_per_campaign * self.contract.campaigns
        needed = -(-line.associates // self.allowed.senders_per_service)
        for name, at_most, remedy in (
            ("Relay numbers, the program's pool", self.allowed.numbers,
             f"pool.most_numbers: {numbers:,.0f}"),
            ("Relay numbers, messaging services", services or math.inf,
             f"{needed} services in the pool"),
            ("Relay numbers, T-Mobile's campaigns", campaigns,
             "a number pool approved by T-Mobile, or numbers that associates share"),
        ):  # fmt: skip
            if at_most < math.inf:  # numbers outside services are nobody's but their own
                yield Verdict(name, "numbers", at_most, numbers, numbers,
                              0 if numbers > at_most else None, remedy)  # fmt: skip
        busy = [n / 60 * self.load.vendor_call_s for n in self.texts]
        yield self._peak("Twilio's API", "requests at once", self.allowed.twilio_at_once, busy,
                         "ask Twilio what your account has, fewer hands")  # fmt: skip
        each = [n * self.load.segments / line.associates for n in self.texts]
        yield self._peak("One relay number, on the average", "segments a minute",
                         self.allowed.number_per_min, each, "another class of campaign")  # fmt: skip

    def _carriers(self) -> Iterator[Verdict]:
        load, contract = self.load, self.contract
        segments = [n * load.segments for n in self.texts]
        yield self._peak("10-digit campaigns", "segments a second",
                         self.allowed.campaign_per_s * contract.campaigns, [n / 60 for n in segments],
                         "more campaigns, if the carriers agree; fewer hands")  # fmt: skip
        at_t = [n * load.att_share for n in segments]
        yield self._peak("AT&T, campaigns", "segments a minute",
                         contract.att_per_min * contract.campaigns, at_t, "more campaigns")  # fmt: skip
        total = running_total([n * load.t_mobile_share for n in segments])
        allowed = contract.t_mobile_per_day * contract.brands
        yield Verdict("T-Mobile, the line's texts alone", "segments a day", allowed, total[-1],
                      total[-1], crossing(total, allowed), "a special review, or short codes for bulk")  # fmt: skip

    def _ours(self) -> Iterator[Verdict]:
        contract = self.contract
        http = _added([
            self.heard, self.often["status"], [2 * n for n in self.often["opening"]],
            self.often["answer"], self.often["requested"], self.often["replied"],
            [n * self.operations["offered"].calls for n in self.often["offered"]],
            [n * self.operations["accepted"].calls for n in self.often["accepted"]],
        ])  # fmt: skip
        yield self._peak("API Gateway", "requests a second", self.allowed.http_per_s,
                         [n / 60 for n in http], "a quota request to AWS")  # fmt: skip
        told = _added([self.heard, self.often["status"]])
        yield self._peak("SmsQueue", "messages a second", self.allowed.fifo_per_s,
                         [n / 60 for n in told], "a quota request to AWS")  # fmt: skip
        running = [n / 60 for n in self.total(lambda one: one.seconds)]
        yield self._peak("Lambda, the line's executions", "at once", contract.lambda_concurrency,
                         running, "a quota request to AWS")  # fmt: skip
        written = [n / 60 for n in self.total(lambda one: one.write_units)]
        yield self._peak("Table, the line's writes", "units a second", self.allowed.table_write_units,
                         written, "a quota request to AWS")  # fmt: skip
        shard = [n * INDEX_WRITES / SHARDS / 60 for n in self.texts]
        yield self._peak("Hottest shard of due texts", "writes a second",
                         contract.partition_write_units, shard, "more shards of due work")  # fmt: skip

    def bill(self) -> dict[str, float]:
        """Unit of the price list -> dollars a month: the day as it is, `days` times."""
        line, load = self.load.line, self.load
        sent, heard = (sum(n) * load.segments for n in (self.texts, self.heard))
        calls = sum(self.often["offered"]) + sum(self.often["accepted"])
        others = max(0.0, 1 - load.t_mobile_share - load.att_share)
        daily = {
            "sms_out": sent, "fee_t_mobile": sent * load.t_mobile_share,
            "fee_att": sent * load.att_share, "fee_others": sent * others,
            "sms_in": heard, "fee_t_mobile_in": heard * load.t_mobile_share,
            "voice_minutes": calls * line.call_min, **self._aws(),
        }  # fmt: skip
        monthly = {"number_months": float(line.associates),
                   "campaign_months": self.contract.campaigns}  # fmt: skip
        return costs_of(**monthly, **{unit: n * line.days for unit, n in daily.items()})

    def _aws(self) -> Mapping[str, float]:
        """Units of a day. Receiving and deleting a message are requests, too."""
        told = sum(self.heard) + sum(self.often["status"])
        return {
            "write_units": sum(self.total(lambda one: one.write_units)),
            "read_units": sum(self.total(lambda one: one.read_units)),
            "fifo_requests": 3 * sum(self.total(lambda one: one.queue)),
            "lambda_requests": sum(self.total(lambda one: one.calls)),
            "lambda_gb_s": sum(self.total(lambda one: one.seconds * one.memory_mb / 1024)),
            "http_requests": told + 2 * sum(self.often["opening"]) + sum(self.often["answer"]),
        }  # fmt: skip

    def _with(self, sends: float, *, held: float) -> Load:
        return self.load.model_copy(update={"sends": sends, "held_share": held})

    def _over_day(self, number: float) -> list[float]:
        """So many events of a day along its curve, in every zone's own window."""
        if not number:
            return [0.0] * horizon(self.load, self.contract)
        return _added(asked(self._with(number, held=0.0), self.contract).values())

    def _peak(
        self, name: str, unit: str, allowed: float, values: list[float], remedy: str
    ) -> Verdict:  # fmt: skip
        mean = sum(values) / (self.contract.window_s / 60)
        return Verdict(name, unit, allowed, mean, max(values), crossing(values, allowed), remedy)


def _added(lists: Iterable[list[float]]) -> list[float]:
    """Several lists of minutes as one."""
    return [sum(values) for values in zip(*lists, strict=True)]
