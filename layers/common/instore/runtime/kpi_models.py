"""What GET /kpis gives, as pydantic models; the OpenAPI document follows."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ..kpi import Count, Figures, Period
from ..kpi_asking import Place
from ..kpi_csv import seconds_of, share_of
from ..kpi_indices import SHARES, WAITS, Wait, is_full
from .outreach_models import Out, Route


class WaitOut(Out):
    """How long customers waited; times in seconds, absent when nobody did."""

    n: int
    total_s: int
    mean_s: float | None = None
    median_s: float | None = None
    p90_s: int | None = None


class KpiRowOut(Out):
    """The figures of one row; what it is about is named as far as it is told apart."""

    banner: str | None = None
    store: str | None = Field(None, description="<account>/<group>")
    branch: str | None = None
    associate: str | None = Field(None, description="login, or agent id if the map has it no more")
    day: str | None = None
    counts: dict[str, int] = Field(description="what was counted; nothing where nothing was")
    shares: dict[str, float] = Field(description="absent where there is nothing to share")
    waits: dict[str, WaitOut]


class KpisOut(Out):
    """Indices of a period, in each store's own days."""

    first: str = Field(description="date, included")
    last: str = Field(description="date, included")
    by: str
    full_containment: bool = Field(description="the period is three months at least")
    meaning: dict[str, str] = Field(description="definition of each index")
    rows: list[KpiRowOut]


ROUTES = (
    Route("GET /kpis", "ask_kpis", "How are we doing", "kpis/read", None, {200: KpisOut},
          (400, 401, 403, 404, 503),
          says={200: "Indices; as text/csv with format=csv",
                403: "Somebody else's figures, and scope kpis/all is missing"},
          query={"from": "First date; without it the first of the month of `to`",
                 "to": "Last date; without it yesterday (UTC)",
                 "banner": "Of this banner alone (kpis/all)",
                 "store": "Of this store alone, <account>/<group> (its managers, kpis/all)",
                 "branch": "Of this branch of the voice menu alone (kpis/all)",
                 "associate": "Login, of this associate alone (themselves, their managers, kpis/all)",
                 "by": "A row for each: all, banner, store, associate, branch or day",
                 "format": "json or csv"}),
)  # fmt: skip


def answer(
    period: Period, by: str, rows: Mapping[Place, Figures], *, name_of: Mapping[Place, str]
) -> KpisOut:  # fmt: skip
    """Rows as they are answered."""
    return KpisOut(
        first=period.first.isoformat(), last=period.last.isoformat(), by=by,
        full_containment=is_full(period),
        meaning={index.name: index.meaning for index in (*SHARES, *WAITS)},
        rows=[_row(place, figures, name_of.get(place, place.agent))
              for place, figures in rows.items()],
    )  # fmt: skip


def _row(place: Place, figures: Figures, associate: str) -> KpiRowOut:
    branch = place.unit.removeprefix("branch/") if place.unit.startswith("branch/") else ""
    shares = {index.name: share_of(index.of(figures).value) for index in SHARES}
    return KpiRowOut(
        banner=place.banner or None, store=None if branch else place.unit or None,
        branch=branch or None, associate=associate or None, day=place.day or None,
        counts={str(name): figures.count(name) for name in Count if figures.count(name)},
        shares={name: share for name, share in shares.items() if share is not None},
        waits={index.name: _wait(index.of(figures)) for index in WAITS},
    )  # fmt: skip


def _wait(wait: Wait) -> WaitOut:
    return WaitOut(
        n=wait.number, total_s=wait.total_s, mean_s=seconds_of(wait.mean_s),
        median_s=seconds_of(wait.median_s), p90_s=wait.ninetieth_s,
    )  # fmt: skip
