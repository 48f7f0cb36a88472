"""A picture of the day: texts a minute, and how long the oldest text in the queue has waited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from .figures import Minute

WIDTH, HEIGHT, LEFT, TOP = 960, 200, 60, 40
BARS = " ▁▂▃▄▅▆▇█"
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
         "Pacific/Honolulu")  # fmt: skip


def first_day(course: Sequence[Minute]) -> list[Minute]:
    """The minutes of the selling day itself: what goes the next morning is not in the picture."""
    if not course:
        return []
    end = course[0].at + timedelta(hours=16)
    return [minute for minute in course if minute.at < end]


def sparkline(values: Sequence[float], *, width: int = 72) -> str:
    """Values as a line of bars, the highest of each column."""
    if not values:
        return ""
    step = max(1, -(-len(values) // width))
    columns = [max(values[n : n + step]) for n in range(0, len(values), step)]
    top = max(columns) or 1
    return "".join(BARS[0 if value <= 0 else max(1, round(value / top * 8))] for value in columns)


def draw(course: Sequence[Minute], *, title: str) -> str:
    """An SVG with two panels, the same minutes under one another; marks at 11:00 of each zone."""
    course = first_day(course)
    height = 2 * (HEIGHT + TOP) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEFT + 20} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH + LEFT + 20}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
    ]
    parts += _panel(course, [minute.sent for minute in course], top=TOP + 10,
                    name="texts taken by the vendor, a minute", colour="#2a6f97")  # fmt: skip
    parts += _panel(course, [minute.oldest_s for minute in course], top=HEIGHT + 2 * TOP + 10,
                    name="age of the oldest text that could go, seconds", colour="#c1440e")  # fmt: skip
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    course: Sequence[Minute], values: Sequence[float], *, top: float, name: str, colour: str
) -> list[str]:
    most, step = max([*values, 1]), WIDTH / max(1, len(course))
    bottom = top + HEIGHT - 30
    parts = [f'<text x="{LEFT}" y="{top}">{escape(name)} (highest {most:.0f})</text>',
             f'<line x1="{LEFT}" y1="{bottom}" x2="{LEFT + WIDTH}" y2="{bottom}" stroke="#444"/>']  # fmt: skip
    for n, value in enumerate(values):
        if value > 0:
            tall = value / most * (HEIGHT - 50)
            parts.append(f'<rect x="{LEFT + n * step:.1f}" y="{bottom - tall:.1f}" '
                         f'width="{max(step, 0.8):.2f}" height="{tall:.1f}" fill="{colour}"/>')  # fmt: skip
    for n, minute in enumerate(course):
        if minute.at.minute == 0:
            x = LEFT + n * step
            parts.append(f'<text x="{x:.1f}" y="{bottom + 14}">{minute.at:%H}</text>')
            if zone := _opens(minute.at):
                parts.append(f'<line x1="{x:.1f}" y1="{top + 6}" x2="{x:.1f}" y2="{bottom}" '
                             f'stroke="#999" stroke-dasharray="3 3"/>'
                             f'<text x="{x + 3:.1f}" y="{top + 18}" fill="#666">11:00 '
                             f'{escape(zone.split("/")[1].replace("_", " "))}</text>')  # fmt: skip
    return parts


def _opens(instant: datetime) -> str | None:
    return next((zone for zone in ZONES if instant.astimezone(ZoneInfo(zone)).hour == 11), None)
