"""Each limit against the day: what is asked of it, whether and when it breaks, what to raise.

What the vendor's pace holds back would never reach the limits behind it. So the limits behind are
judged on the day as it goes when the pace is raised just enough: each as if those before it held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from instore.model import SHARDS

from .flow import Queue, Talk, crossing, needed_per_s, running_total, send, talk
from .load import Contract, Load

# Index and item writes of a batch from accept to closing; tests/functions/test_outreach_budget.py.
WRITES_PER_BATCH = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """One limit. `mean` is the demand spread evenly over one associates' window, `needed` the least
    that must be allowed for nothing to break; `breaks_at` is a minute of the day, None = never."""

    name: str
    unit: str
    allowed: float
    mean: float
    needed: float
    breaks_at: int | None
    remedy: str

    @property
    def used(self) -> float:
        """What is needed, as a share of what is allowed."""
        return self.needed / self.allowed

    @property
    def mean_used(self) -> float:
        return self.mean / self.allowed

    @property
    def breaks(self) -> bool:
        return self.breaks_at is not None


@dataclass(frozen=True, slots=True)
class Report:
    """The day at the pace there is (`queue`), at the pace needed (`fitting`), and all limits."""

    load: Load
    contract: Contract
    queue: Queue
    fitting: Queue
    talk: Talk
    verdicts: list[Verdict]

    @property
    def first(self) -> Verdict | None:
        """The limit that breaks first: the earliest; of those of a minute the furthest over."""
        return self.verdicts[0] if self.verdicts[0].breaks else None


def judge(load: Load, contract: Contract) -> Report:
    """Hold the load against the contract."""
    queue = send(load, contract, per_s=contract.bulk_per_s)
    enough = max(contract.bulk_per_s,
                 needed_per_s(load, contract) * (1 - contract.notification_share))  # fmt: skip
    fitting = queue if queue.late < 1 else send(load, contract, per_s=enough)
    day = _Day(load, contract, queue, fitting, talk(load, fitting.sent))
    found = [*day.vendor(), *day.carriers(), *day.ours()]
    found.sort(key=lambda v: (math.inf if v.breaks_at is None else v.breaks_at, -v.used))
    return Report(load, contract, queue, fitting, day.talk, found)


@dataclass(frozen=True, slots=True)
class _Day:
    load: Load
    contract: Contract
    queue: Queue
    fitting: Queue
    talk: Talk

    def vendor(self) -> Iterator[Verdict]:
        load, contract = self.load, self.contract
        per_s = load.sends / contract.window_s
        needed = needed_per_s(load, contract)
        late_from = self.queue.late_from if self.queue.late >= 1 else None
        yield Verdict("LivePerson texts", "a second", contract.messages_per_s, per_s,
                      min(needed, contract.messages_per_s) if late_from is None else needed,
                      late_from, f"raise by contract to {needed}/s")  # fmt: skip
        told_per_s = load.conversations * load.waiting_share / contract.window_s
        started = list(zip(self.fitting.sent, self.talk.notices, strict=True))
        calls = [texts / 60 / contract.recipients_per_batch + told / 60 for texts, told in started]
        yield self._peak("LivePerson requests", "a second", contract.requests_per_s,
                         per_s / contract.recipients_per_batch + told_per_s, calls,
                         "raise by contract, or let calls fill up (linger_s)")  # fmt: skip
        everybody = load.sends + load.conversations * load.waiting_share
        total = running_total([texts + told for texts, told in started])
        yield Verdict("LivePerson recipients", "a day", contract.recipients_per_day, everybody,
                      everybody, crossing(total, contract.recipients_per_day),
                      f"raise by contract to {everybody:,.0f}, or more owner accounts")  # fmt: skip
        kept = contract.messages_per_s * contract.notification_share
        yield self._peak("Notices' share of the texts", "a second", kept, told_per_s,
                         [n / 60 for n in self.talk.notices],
                         "raise notification_share or the rate")  # fmt: skip
        share = contract.busiest_bot(load)
        spoken = [n * share for n in self.talk.from_bots]
        minutes = contract.window_s / 60
        mean = load.conversations * load.bot_messages * share / minutes
        bots = math.ceil(max(spoken) / contract.bot_messages_per_min)
        yield self._peak("Busiest bot, messages", "a minute", contract.bot_messages_per_min, mean,
                         spoken, f"{bots} bots where now is one")  # fmt: skip
        held = [n * share * load.bot_min for n in self.talk.started]
        bots = math.ceil(max(held) / contract.bot_conversations)
        yield self._peak("Busiest bot, open conversations", "at once", contract.bot_conversations,
                         load.conversations * share * load.bot_min / minutes, held,
                         f"{bots} bots where now is one")  # fmt: skip

    def carriers(self) -> Iterator[Verdict]:
        load, contract = self.load, self.contract
        allowed = contract.t_mobile_per_day * contract.brands
        share = load.t_mobile_share * load.segments
        first = [texts * share for texts in self.fitting.sent]
        everything = self.talk.to_handsets(self.fitting.sent)
        both = [texts * share for texts in everything]
        for name, segments in (("T-Mobile, proactive texts", first),
                               ("T-Mobile, answers too", both)):  # fmt: skip
            total = running_total(segments)
            brands = math.ceil(total[-1] / contract.t_mobile_per_day - 1e-6)
            yield Verdict(name, "a day", allowed, total[-1], total[-1], crossing(total, allowed),
                          f"short codes, a special review, or {brands} registered brands")  # fmt: skip
        at_t = [n * load.segments * load.att_share / contract.campaigns for n in everything]
        campaigns = math.ceil(max(at_t) * contract.campaigns / contract.att_per_min)
        yield self._peak("AT&T, one campaign", "a minute", contract.att_per_min,
                         sum(at_t) / (contract.window_s / 60), at_t,
                         f"{campaigns} campaigns, or short codes")  # fmt: skip

    def ours(self) -> Iterator[Verdict]:
        load, contract = self.load, self.contract
        quota = load.associates * contract.per_associate_day
        yield Verdict("Associates' daily quota", "a day", quota, load.sends, load.sends,
                      crossing(running_total(self.fitting.sent), quota),
                      "per_associate_day, or more associates")  # fmt: skip
        able = contract.senders * contract.chunk / (contract.gap_s + load.vendor_call_s)
        yield self._peak("Send functions", "texts a second", able, load.sends / contract.window_s,
                         [texts / 60 for texts in self.fitting.sent],
                         "SendConcurrency in the template")  # fmt: skip
        yield self._peak("Lambda, executions", "at once", contract.lambda_concurrency,
                         sum(self._running()) / len(self._running()), self._running(),
                         "a quota request to AWS")  # fmt: skip
        batches = [texts / 60 / contract.recipients_per_batch for texts in self.fitting.sent]
        writes = [n * max(1, WRITES_PER_BATCH / SHARDS) for n in batches]
        yield self._peak("Hottest partition", "writes a second", contract.partition_write_units,
                         load.sends / contract.window_s / contract.recipients_per_batch
                         * max(1, WRITES_PER_BATCH / SHARDS), writes, "more shards of due work")  # fmt: skip

    def _running(self) -> list[float]:
        """Executions of all functions at once, minute by minute."""
        load, contract = self.load, self.contract
        busy = []
        for minute, texts in enumerate(self.fitting.sent):
            messages = self.talk.from_associates[minute] + self.talk.from_customers[minute]
            seconds = (
                texts / contract.recipients_per_batch * load.accept_s
                + self.talk.started[minute] * (load.routing_s + load.assigned_s)
                + messages * load.webhook_s
            )
            busy.append(seconds / 60 + (contract.senders if texts else 0))
        return busy

    def _peak(self, name: str, unit: str, allowed: float, mean: float, values: list[float],
              remedy: str) -> Verdict:  # fmt: skip
        return Verdict(name, unit, allowed, mean, max(values), crossing(values, allowed), remedy)
