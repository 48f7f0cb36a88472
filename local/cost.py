"""What a piece of work costs in dollars, from what was counted and the published prices.

    cost_of(write_units=2.1, queue_requests=0.3)     -> 1.43e-06
    costs_of(write_units=2.1, queue_requests=0.3)    -> the same, line by line

The names are those of local/prices.yaml, which has a source and a date for each. Free tiers and
volume discounts are left out: this is the price of the next one, not of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

PRICES = Path(__file__).parent / "prices.yaml"


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the price list: `dollars` buy `per` of the unit."""

    name: str
    dollars: float
    per: float
    what: str
    source: str


@cache
def price_list() -> dict[str, Price]:
    """Name of a unit -> its price."""
    read = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    return {row["name"]: Price(**row) for row in read["prices"]}


@cache
def read_on() -> str:
    """The day the prices were last compared with their sources (ISO)."""
    return str(yaml.safe_load(PRICES.read_text(encoding="utf-8"))["read_on"])


def costs_of(**used: float) -> dict[str, float]:
    """Dollars of each unit used; raises KeyError for a unit that has no price."""
    prices = price_list()
    return {name: count * prices[name].dollars / prices[name].per for name, count in used.items()}


def cost_of(**used: float) -> float:
    """Dollars of all that was used, e.g. cost_of(write_units=2.1, http_requests=0.1).

    Raises KeyError for a unit that has no price.
    """
    return sum(costs_of(**used).values())


# A function's time, where it is not measured: its own work a call, and waiting for others.
OWN_S, REQUEST_S, VENDOR_S = 0.010, 0.005, 0.150


def lambda_seconds(*, calls: float, requests: float, vendor_calls: float) -> float:
    """Seconds of Lambda for so many calls of functions that make so many requests to AWS (5 ms
    each) and to the vendor (150 ms each): assumptions, generous ones, since no emulator knows."""
    return calls * OWN_S + requests * REQUEST_S + vendor_calls * VENDOR_S
