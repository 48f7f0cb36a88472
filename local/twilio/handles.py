"""What a story holds on to: the account's numbers and the market, its messaging services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..simulator import StoryError
from . import numbers, services
from .market import Market
from .state import Account, OwnedNumber, Service
from .world import World


class Numbers:
    """The account's own numbers (`sim.numbers`), and `market`: what is for sale where."""

    def __init__(self, world: World, account: Account) -> None:
        self._world, self._account = world, account

    @property
    def market(self) -> Market:
        """`stock(area_code, count)`, `sell_out(area_code)`, `snatch(number)`, `put_back(number)`."""
        return self._world.market

    def add(self, number: str, **settings: Any) -> OwnedNumber:
        """A number the account has had all along: `sms_url`, `voice_url`, `status_callback` …"""
        if self._world.owned(number) is not None:
            raise StoryError(f"{number} is somebody's already")
        with self._world.lock:
            self._world.market.take(number)
            owned = numbers.new_number(self._world, self._account.sid, number)
            for name, value in settings.items():
                if not hasattr(owned, name):
                    raise StoryError(f"a number has no {name!r}")
                setattr(owned, name, value)
            self._world.numbers[owned.sid] = owned
            return owned

    def __iter__(self) -> Iterator[OwnedNumber]:
        return iter([one for one in self._world.numbers.values()
                     if one.account == self._account.sid])  # fmt: skip

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, number: object) -> bool:
        return any(one.number == number for one in self)

    def __getitem__(self, number: str) -> OwnedNumber:
        """One of ours by its number. Raises StoryError."""
        found = next((one for one in self if one.number == number), None)
        if found is None:
            raise StoryError(f"{number} is not ours")
        return found

    def lose_sms(self, number: str) -> None:
        """The number is ours and can no longer send texts (21661)."""
        self[number].sms_capable = False

    def lose(self, number: str) -> None:
        """The number is taken from the account, as by a porting we did not ask for (21606)."""
        with self._world.lock:
            numbers.remove(self._world, self[number])


class Services:
    """The account's messaging services (`sim.services`)."""

    def __init__(self, world: World, account: Account) -> None:
        self._world, self._account = world, account

    def add(self, name: str, *members: str, sid: str = "", **settings: Any) -> Service:
        """A service with these numbers in its pool; `sid` as the program document names it."""
        with self._world.lock:
            service = services.new_service(self._world, self._account.sid, name)
            if sid:
                del self._world.services[service.sid]
                service.sid = sid
                self._world.services[sid] = service
            for attribute, value in settings.items():
                if not hasattr(service, attribute):
                    raise StoryError(f"a service has no {attribute!r}")
                setattr(service, attribute, value)
            for number in members:
                owned = self._world.owned(number)
                if owned is None:
                    raise StoryError(f"{number} is not ours")
                services.enrol(self._world, service, owned)
            return service

    def pool(self, sid: str) -> list[str]:
        """The numbers of a service, in order of joining."""
        return [self._world.numbers[one].number for one in self._world.services[sid].pool]

    def fill(self, sid: str, count: int) -> None:
        """So many more numbers in the pool, from nowhere: to reach its limit quickly."""
        with self._world.lock:
            service = self._world.services[sid]
            for index in range(count):
                owned = numbers.new_number(
                    self._world, self._account.sid, f"+1555{len(service.pool):03d}{index:04d}"
                )
                self._world.numbers[owned.sid] = owned
                services.enrol(self._world, service, owned)
