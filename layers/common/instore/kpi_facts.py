"""Facts as the rooms tell them: which store, whose day, how long somebody waited.

A request, its reply and its times belong to the day the customer submitted it; texts to the day whose
quota they took; a conversation to the day a person was given it, the first response to its own.
Days are the store's own.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from .kpi import Fact, Kind, branch_unit, store_unit
from .kpi_hours import day_in, open_seconds
from .model import fingerprint

if TYPE_CHECKING:
    from .directory import Pointer, Store
    from .measured import Measured


def requested(
    store: Store, *, request: str, by: Literal["text", "email"], source: str, at: datetime,
    agent: str | None = None,
) -> Fact:  # fmt: skip
    """A customer submitted a service request. `agent`: whom it was addressed to, None for a lead of
    the store; `source`: widget, storefront, footer."""
    return Fact(Kind.REQUEST, request, store.banner, _unit(store), _day(store, at), agent,
                {"by": by, "source": source})  # fmt: skip


def replied(
    store: Store, *, request: str, submitted_at: datetime, replied_at: datetime, agent: str
) -> Fact:
    """An associate answered a request for the first time. `store`: the one it was submitted to."""
    return Fact(Kind.REPLY, request, store.banner, _unit(store), _day(store, submitted_at), agent,
                _waited(store, submitted_at, replied_at))  # fmt: skip


def conversation_given(
    store: Store, *, account: str, conversation: str, agent: str, at: datetime
) -> Fact:
    """A person has the conversation for the first time."""
    return Fact(Kind.CONVERSATION, f"{account}#{conversation}", store.banner, _unit(store),
                _day(store, at), agent)  # fmt: skip


def first_response(
    store: Store, *, account: str, conversation: str, agent: str, began_at: datetime, at: datetime
) -> Fact:
    """A person's first words in a conversation that the customer began at `began_at`."""
    return Fact(Kind.RESPONSE, f"{account}#{conversation}", store.banner, _unit(store),
                _day(store, at), agent, _waited(store, began_at, at))  # fmt: skip


def texted(pointer: Pointer, *, banner: str, day: str) -> Fact:
    """This associate texts customers on this day. Told with the first batch of the day: from then on
    the day's own item and its batches say how many texts went."""
    return Fact(Kind.TEXTED, _associate_day(pointer), banner, _unit_of(pointer),
                date.fromisoformat(day), pointer.agent_id)  # fmt: skip


def sent(pointer: Pointer, *, banner: str, day: date, count: int) -> Fact:
    """How many of an associate's texts of a day went: final, every batch of it is closed."""
    return Fact(Kind.SENT, _associate_day(pointer), banner, _unit_of(pointer), day,
                pointer.agent_id, {"count": count})  # fmt: skip


def answered(pointer: Pointer, *, banner: str, batch: str, day: str, customer: str) -> Fact:
    """A customer wrote back to a text of this batch. The customer's id goes in hashed with the batch,
    so that a fact tells nobody who it was."""
    return Fact(Kind.ANSWERED, fingerprint([batch, customer]), banner, _unit_of(pointer),
                date.fromisoformat(day), pointer.agent_id)  # fmt: skip


def of_call(measured: Measured, *, zone: str) -> Fact:
    """What was measured of a call (measured.py), on the day it had in the branch's zone."""
    return Fact(Kind(f"call_{measured.kind}"), measured.name, measured.banner,
                branch_unit(measured.branch), day_in(zone, at=measured.at), None,
                {"again": True} if measured.again else {})  # fmt: skip


def _unit(store: Store) -> str:
    return store_unit(store.account, group=store.group)


def _unit_of(pointer: Pointer) -> str:
    return store_unit(pointer.account, group=pointer.group)


def _associate_day(pointer: Pointer) -> str:
    return f"{pointer.account}.{pointer.agent_id}"


def _day(store: Store, at: datetime) -> date:
    return day_in(store.zone, at=at)


def _waited(store: Store, begin: datetime, end: datetime) -> dict[str, int | str | bool]:
    wall = max(0, int((end - begin).total_seconds()))
    return {"wall_s": wall,
            "hours_s": open_seconds(store.openings, zone=store.zone, begin=begin, end=end)}  # fmt: skip
