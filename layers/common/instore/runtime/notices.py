"""What notices are sent with, from the services of this process."""

from __future__ import annotations

from ..notify import Means
from .services import Services


def means_of(house: Services) -> Means:
    """Made anew for each conversation: a switch thrown meanwhile is in its program."""
    return Means(
        program=house.programs.current(), current=house.programs.current,
        changes=house.conversation_changes, stores=house.stores, customers=house.customers,
        numbers=house.numbers, pace=house.pace, liveperson=house.liveperson, now=house.now,
    )  # fmt: skip
