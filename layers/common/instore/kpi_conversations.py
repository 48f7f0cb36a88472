"""Facts of conversations, told while LivePerson's news of them is taken (assigning.py).

Each is told before the conversation remembers that it was: stopped in between, the same news comes
again and tells the same fact. A conversation costs this once; each later word of an agent costs one
read, because nothing but the item says that the first was heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .kpi import ANSWERED_WITHIN
from .kpi_facts import answered, conversation_given, first_response
from .model import epoch, from_epoch_ms, from_iso

if TYPE_CHECKING:
    from .adapters.batches import Batches
    from .adapters.conversation_changes import ConversationChanges
    from .adapters.customers import Customers
    from .adapters.facts import Facts
    from .adapters.stores import Stores
    from .assignment import ConversationChange
    from .directory import Pointer

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counting:
    """What telling facts of conversations works with."""

    facts: Facts
    batches: Batches
    customers: Customers
    stores: Stores
    changes: ConversationChanges


def note_given(item: Item, agent: Pointer, *, counting: Counting, now: datetime) -> bool:
    """A person is given the conversation as its newest change says. True: for the first time, and the
    conversation is to remember it (`given`)."""
    if item.get("given"):
        return False
    store = counting.stores.store(agent.account, group=agent.group)
    if store is not None:
        counting.facts.tell(conversation_given(
            store, account=item["account"], conversation=item["conversation"],
            agent=agent.agent_id, at=from_epoch_ms(item["changed_ts"]),
        ), now=now)  # fmt: skip
    _note_answer(item, counting, now)
    return True


def note_words(change: ConversationChange, *, counting: Counting, now: datetime) -> None:
    """Somebody who has the conversation wrote. The bot's words are no response."""
    item = counting.changes.glance(change)
    if item is None or "heard_ts" in item:
        return
    agent = counting.stores.by_pid(change.account, pid=change.agents[0].pid)
    store = counting.stores.store(agent.account, group=agent.group) if agent else None
    if agent is None or store is None:
        return
    counting.facts.tell(first_response(
        store, account=change.account, conversation=change.conversation, agent=agent.agent_id,
        began_at=from_iso(item["created_at"]), at=from_epoch_ms(change.ts),
    ), now=now)  # fmt: skip
    counting.changes.mark_heard(item, ts=change.ts)


def _note_answer(item: Item, counting: Counting, now: datetime) -> None:
    """The customer began it after a text of ours: the newest one is what was answered."""
    by_text = item.get("customer") and item["channel"] == "sms"
    customer = counting.customers.get(item["customer"]) if by_text else None
    began_at = epoch(from_iso(item["created_at"]))
    earliest = began_at - ANSWERED_WITHIN.total_seconds()
    texts = [one for one in (customer.sent if customer else ())
             if one.banner == item["banner"] and earliest <= one.at <= began_at]  # fmt: skip
    batch = counting.batches.get(max(texts).batch) if texts else None
    if customer is not None and batch is not None:
        counting.facts.tell(answered(batch.pointer, banner=batch.banner, batch=batch.id,
                                     day=batch.day, customer=customer.id), now=now)  # fmt: skip
