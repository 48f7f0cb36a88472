"""Plots of the monthly report as SVG that stands in its page: a line over the days, bars of banners.

Written by hand, as docs/decisions/0013-plot-without-a-library.md says why; colours come from the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

WIDTH, HIGH, LEFT, TOP, FLOOR = 520, 150, 46, 8, 22
BAR, NAME = 22, 150


def line(title: str, *, names: Sequence[str], values: Sequence[float | None], unit: str) -> str:
    """A value a day; a day without one is a gap. `unit`: % or what stands after a number."""
    top = _round_up(max((v for v in values if v is not None), default=0.0))
    wide, floor = WIDTH - LEFT - 8, TOP + HIGH
    step = wide / max(1, len(values) - 1)

    def place(n: int, value: float) -> tuple[float, float]:
        return round(LEFT + n * step, 1), round(floor - value / top * HIGH, 1)

    parts = [_open(title, floor + FLOOR)]
    for n in range(3):
        value = top * n / 2
        y = place(0, value)[1]
        parts.append(f'<path class="grid" d="M{LEFT} {y}h{wide}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{_plain(value)}{unit}", "end"))
    every = max(1, -(-len(names) // 8))
    parts += [_text(place(n, 0)[0], floor + 16, name, "middle")
              for n, name in enumerate(names) if n % every == 0]  # fmt: skip
    for run in _runs(values):
        points = [place(n, value) for n, value in run]
        if len(points) > 1:
            parts.append(f'<path class="curve" d="M{"L".join(f"{x} {y}" for x, y in points)}"/>')
        parts += [f'<circle class="point" cx="{x}" cy="{y}" r="2"/>' for x, y in points]
    return "".join([*parts, "</svg>"])


def bars(title: str, *, rows: Sequence[tuple[str, float | None, str]]) -> str:
    """A bar a row: name, value, the value as it is written. None = no bar."""
    top = max((value for _, value, _ in rows if value is not None), default=0.0) or 1.0
    wide = WIDTH - NAME - 90
    parts = [_open(title, BAR * len(rows) + 6)]
    for n, (name, value, written) in enumerate(rows):
        y = n * BAR + 4
        parts.append(_text(NAME - 6, y + 13, name, "end"))
        length = round((value or 0.0) / top * wide, 1)
        if value is not None:
            parts.append(f'<rect class="bar" x="{NAME}" y="{y}" width="{length}" height="16"/>')
        parts.append(_text(NAME + length + 6, y + 13, written, "start"))
    return "".join([*parts, "</svg>"])


def _open(title: str, height: float) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
            f"<title>{escape(title)}</title>")  # fmt: skip


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    run: list[tuple[int, float]] = []
    for n, value in enumerate(values):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((n, value))
    if run:
        yield run


def _round_up(value: float) -> float:
    """A round number not below this one: 1, 2 or 5 and zeros."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size * 10 <= value:
        size *= 10
    while size > value:
        size /= 10
    return next(size * step for step in (1, 2, 5, 10) if size * step >= value)


def _plain(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.2g}"
