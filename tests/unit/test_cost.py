"""Dollars from counts: every price has a source, and sums come out as on paper."""

from __future__ import annotations

from datetime import date

import pytest
from local.cost import (
    cost_of,
    costs_of,
    lambda_seconds,
    price_list,
    read_on,
)


def test_every_price_has_a_source_and_a_day() -> None:
    assert date.fromisoformat(read_on()).isoformat() == read_on()
    for price in price_list().values():
        assert price.dollars > 0
        assert price.per > 0
        assert price.what
        assert price.source


@pytest.mark.parametrize(
    ("unit", "dollars"),
    [("write_units", 0.625), ("read_units", 0.125), ("lambda_requests", 0.2),
     ("queue_requests", 0.4), ("fifo_requests", 0.5), ("http_requests", 1.0),
     ("lambda_gb_s", 13.3334), ("segments", 11_800)],
)  # fmt: skip
def test_a_million_of_each(unit: str, dollars: float) -> None:
    assert cost_of(**{unit: 1_000_000}) == pytest.approx(dollars)


def test_the_floor_of_a_proactive_text() -> None:
    """2.1 write units a recipient are 1.31 dollars a million."""
    used = {"write_units": 2_100.0, "lambda_requests": 20.0}
    assert costs_of(**used) == pytest.approx({"write_units": 0.0013125, "lambda_requests": 4e-06})
    assert cost_of(**used) * 1_000 == pytest.approx(1.3165)


def test_an_unknown_unit_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        cost_of(pigeons=3)


def test_assumed_time_of_a_function() -> None:
    assert lambda_seconds(calls=2, requests=4, vendor_calls=1) == pytest.approx(0.190)
