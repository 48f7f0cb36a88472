"""The report as one SVG: four panels over the day, and every limit as a bar.

Written by hand: docs/decisions/0013-plot-without-a-library.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from .flow import running_total
from .judge import Report, Verdict
from .report import TIGHT, clock, number, place

WIDTH = 1100
LEFT, TOP, WIDE, HIGH = 70, 116, 430, 200  # of the first panel
ACROSS, DOWN = 550, 300  # from panel to panel
BARS, BAR, BARS_LEFT = 730, 22, 270  # where the bars begin, a bar's height, the bars' left end
LOWEST = 0.001  # the bars are on a logarithmic scale that begins at this share
STYLE = """
text{font:12px system-ui,sans-serif;fill:#1f2933}.title{font-size:17px;font-weight:600}
.head{font-size:13px;font-weight:600}.small{font-size:11px;fill:#52606d}
.grid{stroke:#e4e7eb;stroke-width:1}.axis{stroke:#9aa5b1;stroke-width:1}
.limit{stroke:#c81e1e;stroke-width:1.5;stroke-dasharray:6 4;fill:none}text.over{fill:#c81e1e}
.a{stroke:#2563a8;fill:none;stroke-width:1.8}.b{stroke:#d97706;fill:none;stroke-width:1.8}
.c{stroke:#0f766e;fill:none;stroke-width:1.8}
.key-a{fill:#2563a8}.key-b{fill:#d97706}.key-c{fill:#0f766e}
.holds{fill:#0f766e}.tight{fill:#d97706}.breaks{fill:#c81e1e}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A named curve, a value per minute; `style` is a class of the style sheet."""

    name: str
    style: str
    values: list[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves on one scale with the limits that hold for them."""

    title: str
    lines: list[Line]
    limits: list[tuple[str, float]]
    breaks_at: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a panel lies, and how minutes and values become places."""

    x: int
    y: int
    begins: int
    ends: int
    top: float

    def across(self, minute: float) -> float:
        return round(self.x + (minute - self.begins) / (self.ends - self.begins) * WIDE, 1)

    def up(self, value: float) -> float:
        return round(self.y + HIGH - value / self.top * HIGH, 1)


def draw(report: Report) -> str:
    """The SVG document."""
    load, queue, first = report.load, report.queue, report.first
    opening = next(n for n, texts in enumerate(queue.sent) if texts)
    begins, ends = max(0, opening // 60 * 60 - 60), -(-len(queue.sent) // 60) * 60
    headline = "Every limit holds"
    if first is not None and first.breaks_at is not None:
        headline = f"Breaks first: {first.name} at {clock(first.breaks_at)} ({place(load)} time)"
    height = BARS + BAR * len(report.verdicts) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img"><title>{escape(headline)}</title>',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        _text(30, 32, headline, "title"),
        _text(30, 54, f"Load {load.name}: {number(load.sends)} texts a day, "
                      f"{number(load.conversations)} conversations", "small"),
    ]  # fmt: skip
    for n, panel in enumerate(_panels(report)):
        highest = max([*(v for line in panel.lines for v in line.values),
                       *(value for _, value in panel.limits), 1])  # fmt: skip
        parts += _panel(panel, Frame(LEFT + n % 2 * ACROSS, TOP + n // 2 * DOWN, begins, ends,
                                     _round_up(highest * 1.05)))  # fmt: skip
    return "\n".join([*parts, *_bars(report.verdicts), "</svg>"]) + "\n"


def _panels(report: Report) -> list[Panel]:
    load, contract, now, fits = report.load, report.contract, report.queue, report.fitting
    breaks_at = {v.name: v.breaks_at for v in report.verdicts}
    share = contract.busiest_bot(load)
    per_text = load.t_mobile_share * load.segments
    first = [n * per_text for n in fits.sent]
    both = [n * per_text for n in report.talk.to_handsets(fits.sent)]
    return [
        Panel("LivePerson: proactive texts a second", [
            Line("sent at the pace needed", "b", [n / 60 for n in fits.sent]),
            Line("sent at the pace there is", "a", [n / 60 for n in now.sent]),
        ], [("contract", contract.messages_per_s)], breaks_at["LivePerson texts"]),
        Panel("Texts due and not sent", [
            Line("at the pace needed", "b", fits.waiting),
            Line("at the pace there is", "a", now.waiting),
        ], []),
        Panel("Segments to T-Mobile since midnight", [
            Line("answers too", "b", running_total(both)),
            Line("proactive texts", "a", running_total(first)),
        ], [("brand cap", contract.t_mobile_per_day * contract.brands)],
            breaks_at["T-Mobile, answers too"]),
        Panel("Busiest bot", [
            Line("messages a minute", "a", [n * share for n in report.talk.from_bots]),
            Line("open conversations", "c", [n * share * load.bot_min
                                             for n in report.talk.started]),
        ], [("messages", contract.bot_messages_per_min), ("open", contract.bot_conversations)],
            breaks_at["Busiest bot, messages"]),
    ]  # fmt: skip


def _panel(panel: Panel, frame: Frame) -> Iterator[str]:
    x, y, floor = frame.x, frame.y, frame.y + HIGH
    yield _text(x, y - 26, panel.title, "head")
    key = x
    for line in panel.lines:
        yield f'<rect class="key-{line.style}" x="{key}" y="{y - 15}" width="12" height="4"/>'
        yield _text(key + 16, y - 10, line.name, "small")
        key += 36 + 6 * len(line.name)
    for step in range(5):
        value = frame.top * step / 4
        yield f'<path class="grid" d="M{x} {frame.up(value)}h{WIDE}"/>'
        yield _text(x - 6, frame.up(value) + 4, number(value), "small", "end")
    every = max(120, math.ceil((frame.ends - frame.begins) / 720) * 60)
    for minute in range(frame.begins, frame.ends + 1, every):
        yield f'<path class="axis" d="M{frame.across(minute)} {floor}v4"/>'
        yield _text(frame.across(minute), floor + 17, clock(minute)[:5], "small", "middle")
    yield f'<path class="axis" d="M{x} {floor}h{WIDE}"/>'
    for line in panel.lines:
        yield f'<path class="{line.style}" d="{_path(line.values, frame)}"/>'
    for name, value in panel.limits:
        yield f'<path class="limit" d="M{x} {frame.up(value)}h{WIDE}"/>'
        yield _text(x + WIDE, frame.up(value) - 4, f"{name} {number(value)}", "small", "end")
    if panel.breaks_at is not None:
        at = frame.across(panel.breaks_at)
        yield f'<path class="limit" d="M{at} {y}v{HIGH}"/>'
        yield _text(at + 4, y + 12, f"breaks {clock(panel.breaks_at)}", "small over")


def _path(values: list[float], frame: Frame) -> str:
    minutes = range(frame.begins, min(frame.ends, len(values)))
    kept = [n for n in minutes if n % 5 == 0 or n == minutes[-1]]
    return "M" + "L".join(f"{frame.across(n)} {frame.up(values[n])}" for n in kept)


def _bars(verdicts: list[Verdict]) -> Iterator[str]:
    """Needed as a share of allowed, a bar for each limit; the dashed line is 100 %."""
    widest = WIDTH - BARS_LEFT - 250
    decades = math.log10(max(10.0, *(v.used for v in verdicts)) / LOWEST)

    def width(share: float) -> float:
        return round(max(0.0, math.log10(share / LOWEST)) / decades * widest, 1) if share else 0.0

    yield _text(30, BARS - 16, "Every limit: what is needed, as a share of what is allowed "
                               "(logarithmic)", "head")  # fmt: skip
    full = BARS_LEFT + width(1)
    for n, verdict in enumerate(verdicts):
        y = BARS + n * BAR
        style = "breaks" if verdict.breaks else "tight" if verdict.used > TIGHT else "holds"
        end = width(verdict.used)
        yield _text(BARS_LEFT - 8, y + 14, verdict.name, "small", "end")
        yield f'<rect class="{style}" x="{BARS_LEFT}" y="{y + 3}" width="{end}" height="14"/>'
        when = "" if verdict.breaks_at is None else f", breaks {clock(verdict.breaks_at)}"
        words = f"{verdict.used:.0%} of {number(verdict.allowed)} {verdict.unit}{when}"
        yield _text(max(BARS_LEFT + end, full) + 6, y + 14, words, "small")
    yield f'<path class="limit" d="M{full} {BARS - 4}v{BAR * len(verdicts) + 8}"/>'
    yield _text(full, BARS + BAR * len(verdicts) + 20, "100 %", "small over", "middle")


def _round_up(value: float) -> float:
    """The next of 1, 1.2, 1.6, 2, 3, 4, 6, 8 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    steps = (1, 1.2, 1.6, 2, 3, 4, 6, 8, 10)
    return next(float(step * power) for step in steps if step * power >= value)


def _text(x: float, y: float, words: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
