"""Indices as CSV: a line a row, safe to open in a spreadsheet (import_result.safe)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from fractions import Fraction

from .import_result import safe
from .kpi import Count, Figures, Period
from .kpi_asking import Place
from .kpi_indices import SHARES, WAITS

_OF_A_WAIT = ("n", "total_s", "mean_s", "median_s", "p90_s")
COLUMNS = (
    "from", "to", "banner", "store_or_branch", "associate", "day", *(str(name) for name in Count),
    *(index.name for index in SHARES),
    *(f"{index.name}_{part}" for index in WAITS for part in _OF_A_WAIT),
)  # fmt: skip


def shown(value: Fraction | int | None, *, places: int) -> float | int | None:
    """A number as it is answered: rounded half to even, whole ones whole."""
    if value is None or isinstance(value, int):
        return value
    return int(value) if value.denominator == 1 else float(round(value, places))


def share_of(value: Fraction | None) -> float | int | None:
    return shown(value, places=4)


def seconds_of(value: Fraction | int | None) -> float | int | None:
    return shown(value, places=1)


def write(
    period: Period, rows: Mapping[Place, Figures], *, name_of: Mapping[Place, str]
) -> str:  # fmt: skip
    """Heading and lines, CRLF, with the byte order mark that tells Excel it is UTF-8. `name_of`: the
    associate's login where one is known."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for place, figures in rows.items():
        own = (place.banner, place.unit, name_of.get(place, place.agent), place.day)
        cells = [period.first.isoformat(), period.last.isoformat(), *own, *_numbers(figures)]
        lines.writerow([safe(str("" if cell is None else cell)) for cell in cells])
    return "\ufeff" + out.getvalue()


def _numbers(figures: Figures) -> Iterable[float | int | None]:
    for name in Count:
        yield figures.count(name)
    for share in SHARES:
        yield share_of(share.of(figures).value)
    for index in WAITS:
        wait = index.of(figures)
        yield wait.number
        yield wait.total_s
        yield from map(seconds_of, (wait.mean_s, wait.median_s, wait.ninetieth_s))
