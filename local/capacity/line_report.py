"""The line's day as text: its limits, the morning after a night of deferred texts, the bill."""

from __future__ import annotations

from collections.abc import Iterator

from ..cost import price_list, read_on
from .line import LineDay
from .report import clock, number, place, remedies_of, span, table_of

AWS = ("write_units", "read_units", "fifo_requests", "lambda_requests", "lambda_gb_s",
       "http_requests")  # fmt: skip


def text(day: LineDay) -> str:
    """The whole section, ready to print."""
    found = day.verdicts()
    return "\n".join([*_headline(day), "", *table_of(found, hours=day.contract.window_s / 3600), "",
                      *_morning(day), "", *_bill(day), "", *remedies_of(found)]) + "\n"  # fmt: skip


def _headline(day: LineDay) -> Iterator[str]:
    line = day.load.line
    yield (f"SMS line: {number(line.associates)} associates with a number each, "
           f"{number(line.associates * line.conversations_each)} conversations, "
           f"{number(line.requests)} requests, {number(line.calls)} calls a day "
           f"({line.accepted_share:.0%} accept)")  # fmt: skip
    yield (f"{number(sum(day.texts))} texts to customers a day, {number(max(day.texts) / 60)} a second at "
           f"{clock(day.texts.index(max(day.texts)))} ({place(day.load)} time), "
           f"{number(sum(day.heard))} from them")  # fmt: skip


def _morning(day: LineDay) -> Iterator[str]:
    deferred, queue = day.load.line.deferred, day.morning
    age, at = queue.worst
    yield (f"The morning: {number(deferred)} texts deferred overnight, {number(day.hands_per_s)} a second by "
           f"{day.allowed.hands} hands")  # fmt: skip
    if queue.queued_from is None:
        yield "  none waits a minute"
    else:
        over = next(n for n in range(len(queue.waiting) - 1, -1, -1) if queue.waiting[n]) + 1
        yield (f"  longest line {number(max(queue.waiting))}; the last of an opening waits {span(age + 1)}, at "
               f"{clock(at)}; none waits after {clock(over)}")  # fmt: skip
    allowed = day.allowed
    yield "  Twilio's senders, had one of a kind to take them all:"
    for name, per_s in (
        ("long code", allowed.long_code_per_s), ("10-digit campaign", allowed.campaign_per_s),
        ("toll-free", allowed.toll_free_per_s), ("short code", allowed.short_code_per_s),
    ):  # fmt: skip
        minutes = int(deferred * day.load.segments / per_s / 60) + 1
        yield f"    {name}, {number(per_s)} a second: {span(minutes)}"


def _bill(day: LineDay) -> Iterator[str]:
    bill, prices = day.bill(), price_list()
    aws = sum(bill.pop(unit) for unit in AWS)
    total = sum(bill.values()) + aws
    yield (f"A month of {day.load.line.days} such days, at the prices of local/prices.yaml (read "
           f"{read_on()}): ${total:,.0f}")  # fmt: skip
    for unit, dollars in sorted(bill.items(), key=lambda row: -row[1]):
        yield f"  ${dollars:>11,.0f}  {prices[unit].what}"
    yield f"  ${aws:>11,.0f}  AWS, all of it"
