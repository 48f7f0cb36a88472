"""The monthly report: one HTML file with its style and plots in it, and nothing to load.

Opened from a bucket, sent by mail, printed: it has no script and no address. Everything a brand's
people wrote (names of banners and stores) is escaped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING

from .kpi import ANSWERED_WITHIN, Count, Figures, Period, Sum, total
from .kpi_asking import Question, ask, parts
from .kpi_indices import SHARES, WAITS, ShareIndex, WaitIndex
from .kpi_plot import bars, line
from .model import iso

if TYPE_CHECKING:
    from .kpi_asking import Means
    from .program import Program

_DAY = timedelta(days=1)
_INTRO = (
    "Every figure counts the store's own days. A share of nothing is left empty. What came to be known "
    "after this was written is in GET /kpis."
)
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#1f2933;max-width:1120px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2.2rem}p.small{color:#52606d}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}caption{text-align:left;color:#52606d}
th,td{padding:.25rem .7rem;border-bottom:1px solid #e4e7eb;text-align:right}
th:first-child,td:first-child{text-align:left}.plots{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;flex:1 1 480px}figcaption{font-weight:600}summary{cursor:pointer;margin:.6rem 0}
svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#52606d}
.grid{stroke:#e4e7eb}.curve{stroke:#2563a8;fill:none;stroke-width:1.8}.point{fill:#2563a8}.bar{fill:#0f766e}
"""


@dataclass(frozen=True, slots=True)
class Month:
    """All figures of a report. `stores` are by <account>/<group>, `names` what people call them."""

    first: date
    program: str
    made_at: datetime
    whole: Figures
    quarter: Figures  # three months up to this one's end
    banners: Sequence[tuple[str, Figures]]  # by label
    days: Mapping[date, Figures]
    stores: Sequence[tuple[str, Mapping[str, Figures]]]  # label of the banner, figures by store
    branches: Mapping[str, Figures]
    names: Mapping[str, str]

    @property
    def key(self) -> str:
        """Where it lies in its bucket."""
        return f"reports/{self.first:%Y-%m}.html"


def month_before(today: date) -> date:
    """The first of the month before this day's."""
    return (today.replace(day=1) - _DAY).replace(day=1)


def due_month(program: Program, *, reported: str | None, now: datetime) -> date | None:
    """The month to report on now: the one before, from the program's `report_day` on, until it is
    written. Not before its last texts are settled and had their time to be answered."""
    first = month_before(now.date())
    over = datetime.combine(now.date().replace(day=1), time(12), tzinfo=UTC)  # in every zone
    day = program.line.report_day if program.line else 1
    if now < over + ANSWERED_WITHIN or now.day < day or (reported or "") >= f"{first:%Y-%m}":
        return None
    return first


def collect(first: date, *, means: Means, now: datetime) -> Month:
    """Ask for everything a report shows. The month is asked for once and added up here."""
    last = (first + 31 * _DAY).replace(day=1) - _DAY
    program, names = means.program, [banner.name for banner in means.program.banners]
    before = month_before(month_before(first))
    older = ask(Question(Period(before, first - _DAY), names), means=means, now=now)
    whole = Sum()
    banners: dict[str, Sum] = defaultdict(Sum)
    days: dict[date, Sum] = defaultdict(Sum)
    branches: dict[str, Sum] = defaultdict(Sum)
    stores: dict[str, dict[str, Sum]] = {name: defaultdict(Sum) for name in names}
    for part in parts(Question(Period(first, last), names), means=means, now=now):
        place = (branches[part.unit.removeprefix("branch/")] if part.is_of_branch
                 else stores[part.banner][part.unit])  # fmt: skip
        for one in (whole, banners[part.banner], days[part.day], place):
            one.add(part.figures)
    known = [unit for some in stores.values() for unit in some]
    return Month(
        first, program.name, now, whole.figures, total([whole.figures, *older.values()]),
        [(banner.label, banners[banner.name].figures) for banner in program.banners],
        {day: one.figures for day, one in days.items()},
        [(banner.label, _sorted(stores[banner.name])) for banner in program.banners
         if stores[banner.name]],
        _sorted(branches), means.facts.names_of(known),
    )  # fmt: skip


def _sorted(sums: Mapping[str, Sum]) -> dict[str, Figures]:
    return {name: sums[name].figures for name in sorted(sums)}


def render(month: Month) -> bytes:
    """The whole file."""
    return "\n".join(_page(month)).encode()


def _page(month: Month) -> Iterator[str]:
    title = f"{month.program}: {month.first:%B %Y}"
    yield f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1><p class="small">Written {iso(month.made_at)}. {_INTRO}</p>"""
    yield from _headline(month)
    yield '<h2>Day by day</h2><div class="plots">'
    days = list(Period(month.first, (month.first + 31 * _DAY).replace(day=1) - _DAY).days())
    of_days = [month.days.get(day, Figures()) for day in days]
    names = [f"{day.day}" for day in days]
    for share in SHARES:
        values = [_value(share, figures) for figures in of_days]
        yield _figure(share.label, line(share.label, names=names, values=values, unit=" %"))
    for wait in WAITS:
        minutes = [_value(wait, figures) for figures in of_days]
        label = f"{wait.label}, median"
        yield _figure(label, line(label, names=names, values=minutes, unit=" min"))
    yield '</div><h2>Banner by banner</h2><div class="plots">'
    for index in (*SHARES, *WAITS):
        rows = [(label, _value(index, figures), _written(index, figures))
                for label, figures in month.banners]  # fmt: skip
        yield _figure(index.label, bars(index.label, rows=rows))
    yield "</div>"
    if month.branches:
        yield "<h2>Branches of the voice menu</h2>"
        yield from _table("Branch", list(month.branches.items()), SHARES[2:],
                          (Count.CALLS_OFFERED, Count.CALLS_TEXTED, Count.CALLS_STARTED))  # fmt: skip
    yield "<h2>Stores</h2>"
    for label, stores in month.stores:
        yield f"<details><summary>{escape(label)}: {len(stores)} stores</summary>"
        named = [(month.names.get(unit, unit), figures) for unit, figures in stores.items()]
        counts = (Count.CONVERSATIONS, Count.TEXTS_SENT)
        yield from _table("Store", named, (*SHARES[:2], *WAITS), counts)
        yield "</details>"
    yield "<h2>What the words mean</h2><dl>"
    for index in (*SHARES, *WAITS):
        yield f"<dt><b>{escape(index.label)}</b></dt><dd>{escape(index.meaning)}</dd>"
    yield "</dl></body></html>\n"


def _headline(month: Month) -> Iterator[str]:
    yield "<h2>All banners</h2><table><tr><th>Index</th><th>Value</th><th>Of</th></tr>"
    for share in SHARES:
        yield _row(share.label, _written(share, month.whole), f"{share.of(month.whole).whole:,}")
    for wait in WAITS:
        for part, value in _parts_of(wait, month.whole):
            yield _row(f"{wait.label}, {part}", value, f"{wait.of(month.whole).number:,}")
    contained = SHARES[-1]
    yield _row(f"{contained.label}, three months", _written(contained, month.quarter),
               f"{contained.of(month.quarter).whole:,}")  # fmt: skip
    pending = month.whole.count(Count.TEXTS_PENDING)
    yield "</table>"
    if pending:
        yield (f'<p class="small">Texts of {pending:,} associate days were not settled yet when this '
               "was written; they are in none of these figures.</p>")  # fmt: skip


def _parts_of(index: WaitIndex, figures: Figures) -> list[tuple[str, str]]:
    wait = index.of(figures)
    return [("median", _time(wait.median_s)), ("mean", _time(wait.mean_s)),
            ("nine in ten", _time(wait.ninetieth_s))]  # fmt: skip


def _table(
    head: str, rows: Sequence[tuple[str, Figures]], indices: Sequence[ShareIndex | WaitIndex],
    counts: Sequence[Count],
) -> Iterator[str]:  # fmt: skip
    heads = [head, *(index.label for index in indices),
             *(str(name).replace("_", " ") for name in counts)]  # fmt: skip
    yield "<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in heads) + "</tr>"
    for name, figures in rows:
        yield _row(name, *(_written(index, figures) for index in indices),
                   *(f"{figures.count(count):,}" for count in counts))  # fmt: skip
    yield "</table>"


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _figure(label: str, svg: str) -> str:
    return f"<figure><figcaption>{escape(label)}</figcaption>{svg}</figure>"


def _value(index: ShareIndex | WaitIndex, figures: Figures) -> float | None:
    if isinstance(index, ShareIndex):
        return _percent(index.of(figures).value)
    return _minutes(index.of(figures).median_s)


def _written(index: ShareIndex | WaitIndex, figures: Figures) -> str:
    if isinstance(index, ShareIndex):
        share = index.of(figures).value
        return "" if share is None else f"{float(share * 100):.1f} %"
    return _time(index.of(figures).median_s)


def _percent(share: Fraction | None) -> float | None:
    return None if share is None else float(share * 100)


def _minutes(seconds: Fraction | int | None) -> float | None:
    return None if seconds is None else float(seconds) / 60


def _time(seconds: Fraction | int | None) -> str:
    """`45 s`, `12 min`, `3 h 05 min`: as people say it."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
