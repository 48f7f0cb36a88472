"""A day minute by minute: what is asked for, what the pace lets through, what waits, what is late.

Minute 0 is midnight in the load's first zone. Texts queue in the order they became due, whoever
asked; a text whose window has closed in its store's zone is late: it goes the next day.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

from .load import Contract, Load


@dataclass(frozen=True, slots=True)
class Queue:
    """What a pace makes of a day's texts: lists per minute, counts in texts, ages in minutes."""

    per_s: float
    sent: list[float]
    waiting: list[float]
    oldest: list[int]
    late: float  # texts that miss their day
    late_from: int | None  # minute at which the first of them was due
    queued_from: int | None  # first minute that left something waiting

    @property
    def worst(self) -> tuple[int, int]:
        """Age of the oldest text ever waiting, and when."""
        age = max(self.oldest)
        return age, self.oldest.index(age)


@dataclass(frozen=True, slots=True)
class Talk:
    """What follows from texts sent: lists per minute."""

    started: list[float]  # conversations
    open: list[float]
    from_associates: list[float]  # messages
    from_customers: list[float]
    from_bots: list[float]
    notices: list[float]  # texts to customers who were left waiting; each is a call of its own

    def to_handsets(self, sent: list[float]) -> list[float]:
        """Texts a minute from our numbers: proactive ones, answers, bots' words and notices."""
        said = zip(sent, self.from_associates, self.from_bots, self.notices, strict=True)
        return [sum(texts) for texts in said]


def horizon(load: Load, contract: Contract) -> int:
    """Minutes until the last conversation of the day is over."""
    latest = max(load.later_min(zone) for zone in load.zones)
    return contract.closes_min + latest + load.reply_within_min + load.conversation_min


def asked(load: Load, contract: Contract) -> dict[str, list[float]]:
    """Texts that become due, per zone and minute: the held ones at the opening, then the curve."""
    length = contract.closes_min - contract.opens_min
    total = sum(load.curve)
    by_zone = {}
    for zone, share in load.zones.items():
        due = [0.0] * horizon(load, contract)
        opens = contract.opens_min + load.later_min(zone)
        texts = load.sends * share / sum(load.zones.values())
        due[opens] += texts * load.held_share
        for minute in range(length):
            weight = load.curve[minute * len(load.curve) // length] / total * len(load.curve)
            due[opens + minute] += texts * (1 - load.held_share) * weight / length
        by_zone[zone] = due
    return by_zone


def send(load: Load, contract: Contract, *, per_s: float) -> Queue:
    """Let the day's texts through at this pace."""
    due, length = asked(load, contract), horizon(load, contract)
    closes = {zone: contract.closes_min + load.later_min(zone) for zone in due}
    line: deque[list[float]] = deque()  # [minute, texts, closes]
    sent, waiting, oldest = [0.0] * length, [0.0] * length, [0] * length
    late, late_from, queued_from = 0.0, math.inf, None
    for minute in range(length):
        if minute in closes.values():
            shut = [entry for entry in line if entry[2] <= minute]
            late += sum(texts for _, texts, _ in shut)
            late_from = min([late_from, *(at for at, _, _ in shut)])
            line = deque(entry for entry in line if entry[2] > minute)
        line.extend([minute, due[zone][minute], closes[zone]] for zone in due if due[zone][minute])
        room = per_s * 60
        while line and room > 1e-6:
            taken = min(room, line[0][1])
            room, sent[minute] = room - taken, sent[minute] + taken
            line[0][1] -= taken
            if line[0][1] <= 1e-6:
                line.popleft()
        if line:
            waiting[minute] = sum(texts for _, texts, _ in line)
            oldest[minute] = minute - int(line[0][0])
            queued_from = minute if queued_from is None else queued_from
    first_late = None if late_from == math.inf else int(late_from)
    return Queue(per_s, sent, waiting, oldest, late, first_late, queued_from)


def needed_per_s(load: Load, contract: Contract) -> int:
    """The smallest whole number of texts a second, notices included, at which none is late."""
    # Whatever becomes due in one minute goes in it at this rate, were it the whole day's texts.
    low, high = 0, math.ceil(load.sends / 60 / (1 - contract.notification_share)) + 1
    while low + 1 < high:
        middle = (low + high) // 2
        bulk = middle * (1 - contract.notification_share)
        if send(load, contract, per_s=bulk).late < 1:
            high = middle
        else:
            low = middle
    return high


def talk(load: Load, sent: list[float]) -> Talk:
    """Replies come evenly within the hour, messages evenly over a conversation's life."""
    started = spread([texts * load.reply_rate for texts in sent], load.reply_within_min)
    lively = spread(started, load.conversation_min)
    return Talk(
        started=started,
        open=[per_minute * load.conversation_min for per_minute in lively],
        from_associates=[n * load.associate_messages for n in lively],
        from_customers=[n * load.customer_messages for n in lively],
        from_bots=[n * load.bot_messages for n in started],
        notices=[n * load.waiting_share for n in started],
    )


def spread(values: list[float], over: int) -> list[float]:
    """Each value spread evenly over the minutes that begin with its own."""
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    return [(sums[n + 1] - sums[max(0, n + 1 - over)]) / over for n in range(len(values))]


def crossing(values: list[float], limit: float) -> int | None:
    """First minute whose value is above the limit (a millionth of slack for adding up)."""
    return next((n for n, value in enumerate(values) if value > limit * (1 + 1e-6)), None)


def running_total(values: list[float]) -> list[float]:
    total = [0.0]
    for value in values:
        total.append(total[-1] + value)
    assert all(a <= b + 1e-9 for a, b in pairwise(total))
    return total[1:]
