"""Service requests in the table: the request, what was answered, and the lists it is found by.

docs/data-model.md, "request". What must agree is written together: the request, the entry of the
list it lies in, and the consent with its entry in the ledger; who has it now, and both lists; an
answer, and that the request waits for it. Every write of a request is conditional on the revision
read. The lists have no word of the customer in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..consent import ConsentClass, Customer
from ..directory import Pointer
from ..errors import TooOftenError, UnavailableError
from ..model import Phone, epoch
from ..service_request import (
    MOST_ASKED,
    Agreed,
    Reply,
    ServiceRequest,
    Shelf,
    asked_since,
)
from .consents import Along, Consents
from .request_items import (
    EMAIL,
    LISTS,
    REPLY,
    SK,
    email_item,
    entries_of,
    entry_items,
    list_of,
    reply_from,
    reply_item,
    reply_key,
    request_from,
    request_item,
    request_key,
)
from .table import Item, Table

_NEW = "attribute_not_exists(pk)"
_TRIES = 3


class Requests:
    """REQUEST items, their replies and their entries in lists."""

    def __init__(self, table: Table) -> None:
        self._table, self._consents = table, Consents(table)

    # ------------------------------------------------------------ reading

    def get(self, request: str) -> ServiceRequest | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(*request_key(request))
        return None if item is None else request_from(item)

    def reply(self, request: str, *, reply: str) -> Reply | None:
        """One GetItem."""
        item = self._table.get(*reply_key(request, reply))
        return None if item is None else reply_from(item)

    def replies(self, request: str) -> list[Reply]:
        """All answers, oldest first. One Query."""
        found = self._table.query(request_key(request)[0], sk_prefix=REPLY)
        return sorted((reply_from(item) for item in found), key=lambda r: (r.at, r.id))

    def listed(
        self, shelf: Shelf, *, pointer: Pointer, limit: int, after: str | None = None
    ) -> tuple[list[ServiceRequest], str | None]:
        """A page of a list, and where the next one begins (None: this was the last): the store's
        shelves oldest first, who waits longest; an associate's own newest first.

        One Query and one BatchGetItem.
        """
        pk, prefix = list_of(shelf, pointer), LISTS[shelf]
        newest, low, high = shelf is Shelf.ASSOCIATE, prefix, f"{prefix}~"
        if after is not None:
            low, high = (low, prefix + after) if newest else (prefix + after, high)
        found = self._table.query(pk, sk_range=(low, high), limit=limit + 2, newest_first=newest)
        entries = [one for one in found if one["sk"] != f"{prefix}{after}"]
        page, more = entries[:limit], len(entries) > limit
        keys = [request_key(entry["request"]) for entry in page]
        items = self._table.get_many(keys) if keys else {}
        last = page[-1]["sk"].removeprefix(prefix) if more else None
        return [request_from(items[key]) for key in keys if key in items], last

    # ------------------------------------------------------------ writing

    def create(
        self, request: ServiceRequest, *, agreed: Agreed | None, country: str, now: datetime
    ) -> tuple[ServiceRequest, bool]:  # fmt: skip
        """Write a request down, with the consent it gives, and count it on its number; the one that
        has this id if there is one, and whether it is new. One transaction.

        Raises TooOftenError `asked_too_often`: the number has made as many in a day as it may;
        UnavailableError.
        """
        if agreed is None or request.phone is None:
            if self._table.transact(self._first_writes(request)):
                return request, True
        else:
            entry = self._record(request, request.phone, agreed, country=country, now=now)
            if entry:
                return replace(request, consent=entry), True
        stored = self.get(request.id)
        if stored is None:
            raise UnavailableError("the request was not written", code="request_contended")
        return stored, False

    def _record(
        self, request: ServiceRequest, phone: Phone, agreed: Agreed, *, country: str, now: datetime
    ) -> int:  # fmt: skip
        """The entry of the ledger; 0: somebody else has written this request."""

        def changes(known: Customer) -> Mapping[str, Any]:
            if known.is_erased:
                return {}  # nobody texts them, and nothing is kept of them
            asked = asked_since(known.asked, now=now)
            if len(asked) >= MOST_ASKED and self.get(request.id) is None:
                raise TooOftenError("this number has asked as often as it may in a day",
                                    code="asked_too_often")  # fmt: skip
            return {"asked": [*asked, epoch(now)]}

        return self._consents.record(
            request.customer, phone=phone, banner=request.banner,
            consent_class=ConsentClass.ONE_TO_ONE, wording=agreed.wording, method="request",
            evidence=f"{request.source.value}#{request.id}", who="customer",
            at=request.created_at, now=now, country=country, zone=agreed.zone,
            postal_code=agreed.postal_code, along=Along(
                lambda entry: self._first_writes(replace(request, consent=entry)), changes,
                lambda: self.get(request.id) is not None,
            ),
        )  # fmt: skip

    def save(
        self, changed: ServiceRequest, *, before: ServiceRequest, replies: Iterable[Reply] = ()
    ) -> ServiceRequest | None:
        """Store a request changed since it was read, what became of its answers, and the list it
        lies in if that is another now. None: somebody else wrote in between. One transaction."""
        saved = replace(changed, rev=before.rev + 1)
        settled = [
            self._table.update_action(
                *reply_key(reply.request, reply.id), "SET #state = :state, reason = :reason",
                condition="attribute_exists(pk)", names={"state": "state"},
                values={"state": reply.state.value, "reason": reply.reason},
            )
            for reply in replies
        ]  # fmt: skip
        moved: list[Mapping[str, Any]] = []
        if entries_of(saved) != entries_of(before):
            moved += [self._table.delete_action(*key) for key in entries_of(before)]
            moved += [self._table.put_action(new, condition=_NEW) for new in entry_items(saved)]
        done = self._table.transact([self._put(saved, before), *settled, *moved])
        return saved if done else None

    def begin_reply(
        self, reply: Reply, *, request: ServiceRequest, due_at: datetime
    ) -> ServiceRequest | None:
        """Write an answer down before it is sent, and that the request waits for it. None: there is
        one of this id, or somebody else wrote the request. One transaction."""
        saved = replace(request, replies=(*request.replies, reply.id), due_at=due_at,
                        rev=request.rev + 1)  # fmt: skip
        done = self._table.transact([
            self._put(saved, request), self._table.put_action(reply_item(reply), condition=_NEW),
        ])  # fmt: skip
        return saved if done else None

    def _first_writes(self, request: ServiceRequest) -> list[Mapping[str, Any]]:
        also = [email_item(request)] if request.also else []
        return [self._table.put_action(item, condition=_NEW)
                for item in (request_item(request), *entry_items(request), *also)]  # fmt: skip

    def _put(self, saved: ServiceRequest, before: ServiceRequest) -> Mapping[str, Any]:
        return self._table.put_action(request_item(saved), condition="rev = :seen",
                                      values={"seen": before.rev})  # fmt: skip

    # ------------------------------------------------------------ a customer's own

    def held(self, customer: str) -> Sequence[Item]:
        """See erasing.Records: requests and their answers."""
        found = [item for request in self._of(customer)
                 for item in self._table.query(request_key(request)[0]) if item["sk"] != EMAIL]  # fmt: skip
        return sorted(found, key=lambda i: (i["created_at"], i["pk"], i["sk"] != SK, i["sk"]))

    def empty(self, customer: str, *, until: datetime) -> int:
        """See erasing.Records. A request that was emptied lies in no list any more."""
        emptied = 0
        for name in self._of(customer):
            for _ in range(_TRIES):
                request = self.get(name)
                if request is None or request.created_at > until:
                    break
                replies = [r for r in self.replies(name) if not r.erased]
                if request.erased and not replies:
                    break
                if self._take_person(request, replies):
                    emptied += 1
                    break
            else:
                raise UnavailableError("the request keeps changing", code="request_contended")
        return emptied

    def _take_person(self, request: ServiceRequest, replies: Iterable[Reply]) -> bool:
        for reply in replies:
            self._table.update(
                *reply_key(reply.request, reply.id),
                "SET erased = :yes REMOVE words, #links, media",
                condition="attribute_exists(pk)", names={"links": "links"}, values={"yes": True},
            )  # fmt: skip
        after = replace(request.without_person(), rev=request.rev + 1)
        gone = [self._table.delete_action(*key) for key in entries_of(request)]
        if request.also:
            gone.append(self._table.delete_action(request_key(request.id)[0], EMAIL))
        return self._table.transact([self._put(after, request), *gone])

    def _of(self, customer: str) -> list[str]:
        """Requests that name this customer, by the index `customer`, each once."""
        keys = [key["pk"] for key in self._table.of_customer(customer)
                if key["pk"].startswith("REQUEST#")]  # fmt: skip
        return [pk.removeprefix("REQUEST#") for pk in dict.fromkeys(keys)]
