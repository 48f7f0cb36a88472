"""Relay numbers in the table: by associate, by number, by login, and how many the pool holds.

The associate's item is the one that decides: every write is conditional on its revision, and what
must agree with it (the number's item, the pool's count) is written in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from typing import Any

from ..directory import Pointer, pointer_item
from ..errors import ContendedError, UnavailableError
from ..model import Phone
from ..program_line import Line
from ..relay_state import Activation, LineState, RelayLine
from .line_items import (
    associate_item,
    associate_key,
    document,
    from_item,
    inherited_pk,
    login_key,
    number_key,
)
from .table import Done, Item, Table

_TRIES = 5


class NotBegun(Enum):
    """Why an activation was not written."""

    POOL_FULL = auto()
    OVERTAKEN = auto()  # somebody else wrote it in between


class Lines:
    """Reads for whoever texts, calls and answers; writes for relay.py alone."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # ------------------------------------------------------------ reading

    def get(self, number: Phone) -> RelayLine | None:
        """Whose number this is or was; None: none of our relay numbers. One GetItem."""
        item = self._table.get(*number_key(number))
        return None if item is None else from_item(item).line()

    def all_of(self, numbers: Iterable[Phone]) -> dict[Phone, RelayLine]:
        """The same of each of these that is or was a relay number. One BatchGetItem a hundred."""
        keys = {number_key(number): number for number in numbers}
        lines = {
            keys[key]: from_item(item).line() for key, item in self._table.get_many(keys).items()
        }
        return {number: line for number, line in lines.items() if line is not None}

    def of(self, pointer: Pointer) -> RelayLine | None:
        """The number this associate texts from now; None: they have none. One GetItem."""
        found = self.activation(pointer.account, agent_id=pointer.agent_id)
        line = None if found is None else found.line()
        return line if line is not None and line.is_active else None

    def activation(self, account: str, *, agent_id: str) -> Activation | None:
        """All that is known of this associate's number, in any state. One GetItem."""
        item = self._table.get(*associate_key(account, agent_id=agent_id))
        return None if item is None else from_item(item)

    def activations(self, agents: Iterable[tuple[str, str]]) -> list[Activation]:
        """The same of many, each (account, agent id). One BatchGetItem a hundred."""
        keys = [associate_key(account, agent_id=agent) for account, agent in agents]
        return [from_item(item) for item in self._table.get_many(keys).values()]

    def by_login(self, login: str) -> Activation | None:
        """The same for a login, also of somebody who is gone from the agent map."""
        found = self._table.get(*login_key(login))
        if found is None:
            return None
        return self.activation(found["account"], agent_id=found["agent"])

    def known(self, numbers: Iterable[Phone]) -> set[Phone]:
        """Which of these numbers are or were ours: nobody else may have one of them again."""
        keys = {number_key(number): number for number in numbers}
        found = self._table.get_many(keys, attributes=("state",)) if keys else {}
        return {number for key, number in keys.items() if key in found}

    def is_lost(self, activation: Activation) -> bool:
        """Whether Twilio refused to send from this number since it was set up (texts.py notes it
        beside the number). One GetItem."""
        assert activation.number is not None
        return self._table.get(number_key(activation.number)[0], "LOST") is not None

    def clear_lost(self, activation: Activation) -> None:
        assert activation.number is not None
        self._table.delete(number_key(activation.number)[0], "LOST")

    def stack_mark(self) -> str:
        """How this stack's tags begin: two stacks may share an account, and neither may take the
        other's numbers for orphans. Tables have names of their own."""
        return f"instore-{hashlib.sha256(self._table.name.encode()).hexdigest()[:6]}-"

    # ------------------------------------------------------------ writing

    def begin(
        self, fresh: Activation, *, before: Activation | None, line: Line
    ) -> Activation | NotBegun:
        """Write a wish and take its place in the pool, both or neither. `before`: the released
        activation it takes the place of."""
        guard, (pk, sk) = _replacing(before), login_key(fresh.login)
        for _ in range(_TRIES):
            taken = self.taken(line)
            service = _service_with_room(line, taken)
            if taken["numbers"] >= line.pool.most_numbers or service is NotBegun.POOL_FULL:
                return NotBegun.POOL_FULL
            assert not isinstance(service, NotBegun)
            begun = replace(fresh, service=service, account_sid=line.account_sid,
                            rev=(before.rev if before else 0) + 1)  # fmt: skip
            if self._transact([
                self._table.put_action(associate_item(begun), **guard), self._take(line, service),
                self._put({"pk": pk, "sk": sk, **pointer_item(fresh.pointer)}),
            ]):  # fmt: skip
                return begun
            found = self.activation(fresh.pointer.account, agent_id=fresh.pointer.agent_id)
            if (found.rev if found else None) != (before.rev if before else None):
                return NotBegun.OVERTAKEN
        raise UnavailableError("the pool keeps changing", code="pool_contended")

    def save(self, changed: Activation) -> Activation | None:
        """Store an activation changed since it was read, and its line. None: somebody else wrote
        in between."""
        saved = replace(changed, rev=changed.rev + 1)
        if saved.number is None:
            answer = self._table.put(associate_item(saved), **_unchanged(changed))
            won = isinstance(answer, Done) or answer.item == associate_item(saved)
        else:
            won = self._transact(self._both(saved, seen=changed))
        return saved if won else None

    def give_back(self, changed: Activation, *, line: Line) -> Activation | None:
        """Store an activation that ends, and free its place in the pool."""
        saved = replace(changed, rev=changed.rev + 1)
        freed = self._free(changed, account_sid=line.account_sid)
        return saved if self._transact([*self._both(saved, seen=changed), freed]) else None

    def rehome(self, changed: Activation, *, line: Line) -> Activation | NotBegun:
        """The number was moved to this line's account at Twilio: it counts there from now on. Its
        messaging service stayed behind; `move` finds it another."""
        assert changed.account_sid is not None
        if self.taken(line)["numbers"] >= line.pool.most_numbers:
            return NotBegun.POOL_FULL
        saved = replace(changed, account_sid=line.account_sid, rev=changed.rev + 1)
        writes = [*self._both(saved, seen=changed), self._take(line, None),
                  self._free(changed, account_sid=changed.account_sid)]  # fmt: skip
        return saved if self._transact(writes) else NotBegun.OVERTAKEN

    def move(self, changed: Activation, *, line: Line) -> Activation | NotBegun:
        """Take a place in another service: Twilio says that this one is full, whatever we counted,
        and is believed; or the program no longer has it."""
        assert changed.service is not None
        pool = line.pool
        if changed.service in pool.messaging_services:
            self._table.update(
                *pool_key(line.account_sid), "SET #service = :full", names={"service": changed.service},
                values={"full": pool.senders_per_service},
            )  # fmt: skip
        service = _service_with_room(line, self.taken(line))
        if isinstance(service, NotBegun):
            return service
        saved = replace(changed, service=service, rev=changed.rev + 1)
        writes = self._both(saved, seen=changed)
        if service is not None:
            writes.append(self._table.update_action(
                *pool_key(line.account_sid), "ADD #service :one", names={"service": service},
                condition="attribute_not_exists(#service) OR #service < :room",
                values={"one": 1, "room": pool.senders_per_service},
            ))  # fmt: skip
        return saved if self._transact(writes) else NotBegun.OVERTAKEN

    def _both(self, saved: Activation, *, seen: Activation) -> list[dict[str, Any]]:
        writes = [self._table.put_action(associate_item(saved), **_unchanged(seen))]
        if saved.number is not None:
            pk, sk = number_key(saved.number)
            writes.append(self._table.put_action(
                {**document(saved), "pk": pk, "sk": sk},
                condition="attribute_not_exists(pk) OR tag = :tag", values={"tag": saved.tag},
            ))  # fmt: skip
            if saved.state is LineState.QUARANTINED and saved.successor is not None:
                writes.append(self._put({"pk": inherited_pk(saved.successor), "sk": pk}))
        return writes

    def _put(self, item: Item) -> dict[str, Any]:
        """A Put for whatever is there: what else is in the transaction decides."""
        return self._table.put_action(item, condition="")

    def _transact(self, writes: list[dict[str, Any]]) -> bool:
        """Every wish and every end counts the one pool: who meets another there asks again."""
        for _ in range(_TRIES - 1):
            with suppress(ContendedError):
                return self._table.transact(writes)
        return self._table.transact(writes)

    # ------------------------------------------------------------ the pool

    def taken(self, line: Line) -> dict[str, int]:
        """How many numbers the pool holds: `numbers`, and those of each messaging service."""
        item = self._table.get(*pool_key(line.account_sid)) or {}
        return {name: item.get(name, 0) for name in ("numbers", *line.pool.messaging_services)}

    def room(self, line: Line) -> int:
        """How many more numbers the pool may hold. One GetItem."""
        pool, taken = line.pool, self.taken(line)
        left = pool.most_numbers - taken["numbers"]
        if not pool.messaging_services:
            return left
        places = (max(0, pool.senders_per_service - taken[s]) for s in pool.messaging_services)
        return min(left, sum(places))

    def _take(self, line: Line, service: str | None) -> dict[str, Any]:
        names: dict[str, str] = {"numbers": "numbers"}
        values = {"one": 1, "most": line.pool.most_numbers}
        expression = "ADD #numbers :one"
        condition = "(attribute_not_exists(#numbers) OR #numbers < :most)"
        if service is not None:
            names["service"], values["room"] = service, line.pool.senders_per_service
            expression += ", #service :one"
            condition += " AND (attribute_not_exists(#service) OR #service < :room)"
        return self._table.update_action(
            *pool_key(line.account_sid), expression, condition=condition, names=names, values=values
        )

    def _free(self, held: Activation, *, account_sid: str) -> dict[str, Any]:
        names, values = {"numbers": "numbers"}, {"less": -1, "none": 0}
        expression = "ADD #numbers :less"
        if held.service is not None:
            names["service"], expression = held.service, expression + ", #service :less"
        return self._table.update_action(
            *pool_key(account_sid), expression, condition="#numbers > :none", names=names,
            values=values,
        )  # fmt: skip

    # ------------------------------------------------------------ its customers

    def met(self, number: Phone, *, customer: str) -> None:
        """Remember that this customer and this number texted: who is handed over with it. Without
        the customer's number; one write, refused and free of consequence when it is known."""
        self._table.put(
            {"pk": number_key(number)[0], "sk": f"CUSTOMER#{customer}"},
            condition="attribute_not_exists(pk)",
        )  # fmt: skip

    def customers_of(self, number: Phone) -> Iterator[str]:
        """Ids of the customers who ever texted with this number."""
        for item in self._table.query(number_key(number)[0], sk_prefix="CUSTOMER#"):
            yield item["sk"].removeprefix("CUSTOMER#")

    def inherited(self, pointer: Pointer) -> list[Phone]:
        """Numbers whose customers were handed to this associate, some of them perhaps handed on
        since. One Query."""
        items = self._table.query(inherited_pk(pointer))
        return [Phone(item["sk"].removeprefix("LINE#")) for item in items]


def pool_key(account_sid: str) -> tuple[str, str]:
    return f"LINE#pool:{account_sid}", "POOL"


def _service_with_room(line: Line, taken: Mapping[str, int]) -> str | NotBegun | None:
    """The first service with room; None where the program names no service."""
    pool = line.pool
    if not pool.messaging_services:
        return None
    room = (s for s in pool.messaging_services if taken[s] < pool.senders_per_service)
    return next(room, NotBegun.POOL_FULL)


def _replacing(before: Activation | None) -> dict[str, Any]:
    return {"condition": "attribute_not_exists(pk)"} if before is None else _unchanged(before)


def _unchanged(seen: Activation) -> dict[str, Any]:
    return {"condition": "rev = :seen", "values": {"seen": seen.rev}}
