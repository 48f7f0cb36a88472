"""Who may see, claim and answer a service request.

The store's people see and claim its leads and its team's requests; who has one sees and answers it;
the store's managers see all of it. Of a request whose associate has left, the store's people see and
claim it, too. Anything else is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import NotFoundError
from .service_request import ServiceRequest, Shelf

if TYPE_CHECKING:
    from .outreach import Asker
    from .requesting import Means


def works_in_its_store(asker: Asker, found: ServiceRequest, means: Means) -> bool:
    store = means.stores.store(found.account, group=found.group)
    person = store.find(asker.pointer.agent_id) if store else None
    return asker.pointer.account == found.account and person is not None and person.enabled


def manages_its_store(asker: Asker, found: ServiceRequest, means: Means) -> bool:
    store = means.stores.store(found.account, group=found.group)
    return (asker.pointer.account == found.account and store is not None
            and any(m.agent_id == asker.pointer.agent_id and m.enabled for m in store.managers))  # fmt: skip


def has_left(found: ServiceRequest, means: Means) -> bool:
    """Whether who has it is no longer there to answer."""
    if found.pointer is None:
        return False
    account, agent = found.pointer.account, found.pointer.agent_id
    now_at = means.stores.by_agent(account, agent_id=agent)
    store = means.stores.store(account, group=now_at.group) if now_at else None
    person = store.find(agent) if store else None
    return person is None or not person.enabled


def sees(asker: Asker, found: ServiceRequest, means: Means) -> bool:
    if found.erased:
        return False
    if found.is_of(asker.pointer) or manages_its_store(asker, found, means):
        return True
    free = found.pointer is None or has_left(found, means)
    return free and works_in_its_store(asker, found, means)


def claimable(request: str, *, asker: Asker, means: Means) -> ServiceRequest:
    """A request this associate may ask for. That a lead of their store has gone to a colleague is
    no secret to them."""
    found = means.requests.get(request) if request else None
    if found is None or found.erased:
        raise NotFoundError("no such request", code="unknown_request")
    of_store = found.shelf is not Shelf.ASSOCIATE and works_in_its_store(asker, found, means)
    if not of_store and not sees(asker, found, means):
        raise NotFoundError("no such request", code="unknown_request")
    return found
