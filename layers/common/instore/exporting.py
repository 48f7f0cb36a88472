"""Everything held on one customer, gathered for them: item, ledger, conversations, texts.

Reading only. What is held elsewhere, and until when, is part of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .consent_ledger import verify_ledger

if TYPE_CHECKING:
    from .adapters.consents import Consents
    from .batch import Batch, Row
    from .consent import Customer
    from .erasing import Means
    from .model import Email, Phone

# Where else something of a customer is: what, and until when it is gone by itself.
ELSEWHERE = (
    ("LivePerson", "conversations with their words, the consumer's profile and the campaigns",
     "as the account's retention says; erased there by its own personal-data-deletion API"),
    ("Twilio", "texts and calls of the SMS line with numbers and words",
     "400 days, or as the account says; deleted there through its Messages resource"),
    ("the brand's own mail", "answers to requests that were asked for by e-mail",
     "as the brand keeps them"),
    ("queue of what Twilio tells", "a customer's texts, until they are with LivePerson",
     "minutes; 14 days when they cannot be handled"),
    ("queue of conversation changes", "the words of a STOP or START, and what associates write to "
     "customers, until the ledger or the SMS line has them",
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
class Gathered:
    """What is held. `customer` None = no item; `entries`, `conversations` and `others` (records of
    the SMS line by kind) are as stored.
    Never printed: there are numbers in it."""

    id: str
    customer: Customer | None
    entries: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[str] = ()
    conversations: Sequence[Mapping[str, Any]] = ()
    texts: Sequence[Text] = ()
    others: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


def gather(whose: Phone | Email, *, means: Means, ledger: Consents) -> Gathered:
    """Everything the table holds on whoever has this number, or this address and gave no
    number. Raises UnavailableError."""
    customer = means.customers.id_of(whose)
    known = means.customers.get(customer)
    entries = ledger.entries(customer)
    return Gathered(
        customer, known, entries,
        problems=verify_ledger(entries, head=known.chain if known else None),
        conversations=means.erasures.conversations(customer),
        texts=_texts(known, means) if known else [],
        others={name: records.held(customer) for name, records in means.others.items()},
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
