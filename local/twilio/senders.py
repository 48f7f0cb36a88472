"""Which number of a messaging service a text comes from."""

from __future__ import annotations

from .state import Service
from .world import World


def pick_sender(world: World, service: Service, to: str) -> str:
    """The number this handset knows, else one of its area code, else the emptiest queue."""
    usable = [world.numbers[sid] for sid in service.pool if world.numbers[sid].sms_capable]
    known = service.sticky.get(to, "")
    if service.sticky_sender and any(one.number == known for one in usable):
        return known
    if service.area_code_geomatch:
        usable = [one for one in usable if one.number[:5] == to[:5]] or usable
    chosen = min(usable, key=lambda one: one.free_at or one.created)
    service.sticky[to] = chosen.number
    return chosen.number
