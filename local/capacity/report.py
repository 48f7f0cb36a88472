"""The report as text: which limit breaks first and when, all limits, the queue, what to raise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .flow import Queue
from .judge import Report, Verdict
from .load import Load

TIGHT = 0.8


def clock(minute: int) -> str:
    """A minute of the day as 13:05; past midnight as 00:20 +1."""
    day, rest = divmod(minute, 1440)
    return f"{rest // 60:02d}:{rest % 60:02d}" + (f" +{day}" if day else "")


def place(load: Load) -> str:
    """The town whose clock the report tells."""
    return load.first_zone.rsplit("/", 1)[-1].replace("_", " ")


def span(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def text(report: Report) -> str:
    """The whole report, ready to print."""
    hours = report.contract.window_s / 3600
    return "\n".join([
        *_headline(report), "", *table_of(report.verdicts, hours=hours), *_how_judged(report), "",
        *_queue(report), "", *remedies_of(report.verdicts),
    ]) + "\n"  # fmt: skip


def _headline(report: Report) -> Iterator[str]:
    load = report.load
    yield (f"Load `{load.name}`: {number(load.sends)} texts a day by {number(load.associates)} "
           f"associates, {load.reply_rate:.0%} replies = {number(load.conversations)} "
           f"conversations ({number(max(report.talk.open))} open at once at the most)")  # fmt: skip
    broken = [v for v in report.verdicts if v.breaks_at is not None]
    if not broken:
        yield "Every limit holds."
        return
    told = [f"{v.name} at {clock(v.breaks_at or 0)}" for v in broken]
    then = f"; then {', '.join(told[1:])}" if told[1:] else ""
    yield f"Breaks first: {told[0]} ({place(load)} time){then}."


def table_of(verdicts: Sequence[Verdict], *, hours: float) -> Iterator[str]:
    """Every limit with what is asked of it, and when it breaks."""
    rows = [("limit", "", "allowed", f"mean of {hours:g} h", "", "needed", "", "breaks at")]
    rows += [
        (v.name, v.unit, number(v.allowed), number(v.mean), f"{v.mean_used:.0%}",
         number(v.needed), f"{v.used:.0%}", _when(v))
        for v in verdicts
    ]  # fmt: skip
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(w) if n < 2 else cell.rjust(w)
                 for n, (cell, w) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        yield "  ".join(cells).rstrip()


def _how_judged(report: Report) -> Iterator[str]:
    """At the pace there is most texts would never reach the other limits: say what was assumed."""
    if report.fitting is not report.queue:
        yield (f"All but LivePerson texts: on the day as it goes once bulk has "
               f"{number(report.fitting.per_s)}/s, the pace needed.")  # fmt: skip


def _when(verdict: Verdict) -> str:
    if verdict.breaks_at is not None:
        return clock(verdict.breaks_at)
    return f"holds, {max(0, 1 - verdict.used):.0%} left"


def _queue(report: Report) -> Iterator[str]:
    queue, contract = report.queue, report.contract
    yield (f"Queue at the pace there is: {number(contract.messages_per_s)}/s, of which "
           f"{number(contract.bulk_per_s)}/s for bulk")  # fmt: skip
    yield from _queue_lines(queue, report)
    if report.fitting is not queue:
        yield f"Queue if bulk had {number(report.fitting.per_s)}/s:"
        yield from _queue_lines(report.fitting, report)


def _queue_lines(queue: Queue, report: Report) -> Iterator[str]:
    age, at = queue.worst
    if queue.queued_from is None:
        yield "  nothing ever waits a minute"
        return
    longest = max(queue.waiting)
    yield (f"  from {clock(queue.queued_from)}; longest {number(longest)} texts at "
           f"{clock(queue.waiting.index(longest))}; oldest {span(age)} at {clock(at)}")  # fmt: skip
    if queue.late < 1:
        yield "  every text goes on its day"
    else:
        yield (f"  {number(queue.late)} texts ({queue.late / report.load.sends:.0%}) miss their "
               f"window, the first of them due at {clock(queue.late_from or 0)}; they wait for "
               "the next opening")  # fmt: skip


def remedies_of(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What to buy or raise."""
    broken = [v for v in verdicts if v.breaks]
    tight = [v for v in verdicts if not v.breaks and v.used > TIGHT]
    if broken:
        yield "To make it fit:"
        yield from (f"  {v.name}: {v.remedy}" for v in broken)
    if tight:
        yield f"Holds, but more than {TIGHT:.0%} used:"
        yield from (f"  {v.name}, {v.used:.0%}: {v.remedy}" for v in tight)
    if not broken and not tight:
        yield "Nothing to buy or raise."
