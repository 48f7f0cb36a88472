"""The pace in the table: one item per account and channel, shared by every process of the stack."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ..errors import UnavailableError
from ..pacing import MICROS, Turn, cost, micros, next_turn
from .table import Done, Table

_TRIES = 8


class Pace:
    """Reserves turns; sleeps until they begin."""

    def __init__(
        self, table: Table, *, now: Callable[[], datetime], sleep: Callable[[float], None]
    ) -> None:
        self._table, self._now, self._sleep = table, now, sleep

    def take(
        self, account: str, *, channel: str, count: int, rate: float, max_wait: float
    ) -> float | None:
        """Reserve room for `count` messages at `rate` per second and sleep until it begins.

        Returns the seconds slept; None when the turn would begin more than `max_wait` seconds from
        now, and then nothing is reserved. A busy line costs one conditional update, an idle one
        two. Raises UnavailableError when others kept being faster: nothing is reserved.
        """
        now = micros(self._now())
        turn = self._reserve(account, channel=channel, price=cost(count, rate=rate), now=now,
                             latest=now + int(max_wait * MICROS))  # fmt: skip
        if turn is None:
            return None
        wait = turn.wait(now=now)
        if wait > 0:
            self._sleep(wait)
        return wait

    def booked_s(self, account: str, *, channel: str) -> float:
        """How many seconds from now on the line is given away. One GetItem, nothing reserved."""
        item = self._table.get(f"PACE#{account}#{channel}", "PACE")
        ahead = int(item["free_at"]) - micros(self._now()) if item else 0
        return max(0, ahead) / MICROS

    def _reserve(
        self, account: str, *, channel: str, price: int, now: int, latest: int
    ) -> Turn | None:
        pk = f"PACE#{account}#{channel}"
        for _ in range(_TRIES):
            busy = self._table.update(
                pk, "PACE", "SET free_at = free_at + :price",
                condition="free_at >= :now AND free_at <= :latest",
                values={"price": price, "now": now, "latest": latest}, returns="UPDATED_NEW",
            )  # fmt: skip
            if isinstance(busy, Done):
                reserved = int(busy.item["free_at"])
                return Turn(reserved - price, reserved)
            free_at = int(busy.item["free_at"]) if busy.item else None
            if free_at is not None and free_at > latest:
                return None
            if free_at is not None and free_at >= now:
                continue  # somebody else woke the idle line between our two looks
            turn = next_turn(free_at, now=now, price=price)
            woken = self._table.update(
                pk, "PACE", "SET free_at = :free_at",
                condition="attribute_not_exists(pk) OR free_at < :now",
                values={"free_at": turn.free_at, "now": now},
            )  # fmt: skip
            if isinstance(woken, Done):
                return turn
        raise UnavailableError("the pace could not be taken", code="pace_contended")
