"""Everything held on one customer, gathered for them: item, ledger, conversations, texts.

Reading only. What is held elsewhere, and until when, is part of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .consent_ledger import verify_ledger

if TYPE_CHECKING:
    from .adapters.consents import Consents
    from .batch import Batch, Row
    from .consent import Customer
    from .erasing import Means
    from .model import Phone

# Where else something of a customer is: what, and until when it is gone by itself.
ELSEWHERE = (
    ("LivePerson", "conversations with their words, the consumer's profile and the campaigns",
     "as the account's retention says; erased there by its own personal-data-deletion API"),
    ("queue of conversation changes", "the words of a STOP or START, until they are in the ledger",
     "minutes; 14 days when they cannot be handled"),
    ("import files", "rows of the brand's own uploads, and a result file with masked numbers",
     "7 days for uploads, 35 days for results"),
    ("backups", "earlier states of all this, to restore the whole table from", "35 days"),
    ("change stream", "the last changes of all this", "24 hours"),
    ("miss counters", "how often an unknown word was typed in an hour, never the word", "2 hours"),
    ("logs and metrics", "nothing: no number, no name, no words", "-"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """A proactive text: its batch if that is still kept, and this customer's row in it."""

    batch_id: str
    at: int | None  # epoch seconds: when it was due, as the cap counts it
    batch: Batch | None = None
    row: Row | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """What is held. `customer` None = no item; `entries` and `conversations` are as stored.
    Never printed: it holds numbers."""

    id: str
    customer: Customer | None
    entries: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[str] = ()
    conversations: Sequence[Mapping[str, Any]] = ()
    texts: Sequence[Text] = ()


def gather(phone: Phone, *, means: Means, ledger: Consents) -> Held:
    """Everything the table holds on whoever has this number. Raises UnavailableError."""
    customer = means.customers.id_of(phone)
    known = means.customers.get(customer)
    entries = ledger.entries(customer)
    return Held(
        customer, known, entries,
        problems=verify_ledger(entries, head=known.chain if known else None),
        conversations=means.erasures.conversations(customer),
        texts=_texts(known, means) if known else [],
    )  # fmt: skip


def _texts(known: Customer, means: Means) -> list[Text]:
    times = {one.batch: one.at for one in known.sent}
    left = known.erasing.batches if known.erasing else ()
    ids = list(dict.fromkeys((*times, *left)))
    found = means.batches.get_many(ids) if ids else {}
    texts = []
    for batch_id in ids:
        batch = found.get(batch_id)
        mine = [row for row in batch.rows if _is_of(row, known.id, means)] if batch else []
        texts += [Text(batch_id, times.get(batch_id), batch, row) for row in mine]
        if not mine:
            texts.append(Text(batch_id, times.get(batch_id)))
    return texts


def _is_of(row: Row, customer: str, means: Means) -> bool:
    return row.customer_by(means.customers.id_of) == customer
