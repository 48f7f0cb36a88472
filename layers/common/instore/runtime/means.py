"""What the flows work with, from the services of this process.

Each flow is imported where it is asked for: a function loads none that it does not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .services import Services

if TYPE_CHECKING:
    from .. import erasing, notify
    from ..outreach_accept import Desk


def desk_of(house: Services) -> Desk:
    """What accepting works with: the program as it is now."""
    from ..outreach_accept import Desk

    program = house.programs.current()
    return Desk(program, house.programs.version, house.batches, house.customers, house.queues)


def notice_means(house: Services) -> notify.Means:
    """Made anew for each conversation: a switch thrown meanwhile is in its program."""
    from ..notify import Means

    return Means(
        program=house.programs.current(), current=house.programs.current,
        changes=house.conversation_changes, stores=house.stores, customers=house.customers,
        numbers=house.numbers, pace=house.pace, liveperson=house.liveperson, now=house.now,
    )  # fmt: skip


def erasing_means(house: Services) -> erasing.Means:
    """What export and erase work with."""
    from ..erasing import Means

    return Means(house.customers, house.batches, house.erasures)
