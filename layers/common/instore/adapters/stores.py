"""The agent map in the table, as everybody but its builder uses it: look up, mark busy, mark off.

docs/data-model.md, "store and aliases". The builder's side is map_state.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ..directory import (
    Pointer,
    Store,
    agent_name,
    login_name,
    pid_name,
    pointer_from,
    store_from,
)
from ..model import epoch, fold_word, from_iso, iso, typed_word
from .table import Done, Item, Table

if TYPE_CHECKING:
    from .map_state import MapStates

KEPT = timedelta(seconds=60)  # a store once read serves this process so long
KEPT_UNKNOWN = timedelta(seconds=5)  # a new store must not stay unknown for a minute
KEPT_STORES = 500
STREAK_GAP = timedelta(minutes=15)  # all busy seen further apart is not one streak
OFF_FOR = timedelta(hours=1)  # by then the map was rebuilt, and knows better


class Stores:
    """Stores, words and pointers of the map. `now` only ages what this process keeps."""

    def __init__(self, table: Table, *, now: Callable[[], datetime]) -> None:
        self._table, self._now = table, now
        self._kept: dict[tuple[str, str], tuple[datetime, Store | None]] = {}
        self._busy: set[tuple[str, str]] = set()  # stores whose item was seen with a streak

    @cached_property
    def states(self) -> MapStates:
        """The builder's side of the map."""
        from .map_state import MapStates

        return MapStates(self._table)

    def store(self, account: str, *, group: str) -> Store | None:
        """A store with its people, at most 60 s old; None if the map has no such store (5 s).

        One GetItem, none while kept. People whom LivePerson refused since the last rebuild
        (`disable_agent`) come back disabled.
        """
        key, now = (account, group), self._now()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] < (KEPT if kept[1] else KEPT_UNKNOWN):
            return kept[1]
        item = self._table.get(*store_key(account, group=group), consistent=False)
        store = None
        self._busy.discard(key)
        if item is not None:
            if item.get("off_until", 0) <= epoch(now):
                item.pop("off", None)
            store = store_from(item)
            if "busy_since" in item:
                self._busy.add(key)
        self._keep(key, store)
        return store

    def _keep(self, key: tuple[str, str], store: Store | None) -> None:
        self._kept.pop(key, None)
        while len(self._kept) >= KEPT_STORES:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = (self._now(), store)

    def busy_since(self, store: Store, *, now: datetime) -> datetime:
        """Note that all people of a store are busy now; since when that has been so without a
        break. Sightings further apart than 15 minutes are no streak: it begins anew.

        One UpdateItem; two when a streak begins after an old one that nobody cleared.
        """
        key = store_key(store.account, group=store.group)
        stamp = {"now": iso(now), "seen": epoch(now)}
        written = self._table.update(
            *key, "SET busy_since = if_not_exists(busy_since, :now), busy_seen = :seen",
            condition="attribute_exists(pk) AND (attribute_not_exists(busy_seen) "
            "OR busy_seen >= :floor)",
            values={**stamp, "floor": epoch(now - STREAK_GAP)}, returns="ALL_NEW",
        )  # fmt: skip
        if not isinstance(written, Done) and written.item is not None:
            written = self._table.update(
                *key, "SET busy_since = :now, busy_seen = :seen", condition="busy_seen = :old",
                values={**stamp, "old": written.item["busy_seen"]}, returns="ALL_NEW",
            )  # fmt: skip
        self._busy.add((store.account, store.group))
        # No item: the store has vanished from the map. Refused twice: a neighbour began it anew.
        since = (written.item or {}).get("busy_since")
        return min(from_iso(since), now) if since else now

    def clear_busy(self, store: Store) -> None:
        """End the streak: somebody is free. No request unless this process saw one."""
        if (store.account, store.group) not in self._busy:
            return
        self._busy.discard((store.account, store.group))
        self._table.update(
            *store_key(store.account, group=store.group), "REMOVE busy_since, busy_seen",
            condition="attribute_exists(pk)",
        )  # fmt: skip

    def disable_agent(self, account: str, *, group: str, agent_id: str) -> None:
        """LivePerson said that this agent does not exist or is disabled: nobody is sent there
        until the map is rebuilt, at most an hour (C7). One UpdateItem."""
        self._table.update(
            *store_key(account, group=group), "ADD #off :agent SET off_until = :until",
            condition="attribute_exists(pk)", names={"off": "off"},
            values={"agent": {agent_id}, "until": epoch(self._now() + OFF_FOR)},
        )  # fmt: skip
        self._kept.pop((account, group), None)

    def by_word(self, banner: str, *, word: str) -> Pointer | None:
        """Whom a keyword leads to, as typed: a Base36 id exactly, or an alias with case and
        look-alikes folded. One BatchGetItem."""
        keys = self.word_keys(banner, word=word)
        found = self._table.get_many(keys) if keys else {}
        return next((pointer_from(found[key]) for key in keys if key in found), None)

    def word_keys(self, banner: str, *, word: str) -> list[tuple[str, str]]:
        """Keys of the aliases a typed word may mean, the better one first; [] if it is no word."""
        forms = dict.fromkeys(form for form in (typed_word(word), fold_word(word)) if form)
        return [alias_key(f"{banner}#{form}") for form in forms]

    def by_agent(self, account: str, *, agent_id: str) -> Pointer | None:
        """Where an agent (numeric id) works. One GetItem."""
        return self._named(agent_name(account, agent_id))

    def by_pid(self, account: str, *, pid: str) -> Pointer | None:
        """Where an agent (UUID, as in webhooks) works. One GetItem."""
        return self._named(pid_name(account, pid))

    def by_login(self, account: str, *, login: str) -> Pointer | None:
        """Where an agent (login name, any case) works. One GetItem."""
        return self._named(login_name(account, login))

    def by_logins(self, account: str, *, logins: Iterable[str]) -> dict[str, Pointer]:
        """Where agents of this account work, by login as given; those unknown are left out. One
        BatchGetItem per hundred."""
        keys = {login: alias_key(login_name(account, login)) for login in logins}
        found = self._table.get_many(keys.values())
        return {login: pointer_from(found[key]) for login, key in keys.items() if key in found}

    def _named(self, name: str) -> Pointer | None:
        item: Item | None = self._table.get(*alias_key(name), consistent=False)
        return None if item is None else pointer_from(item)


def store_key(account: str, *, group: str) -> tuple[str, str]:
    return f"STORE#{account}#{group}", "STORE"


def alias_key(name: str) -> tuple[str, str]:
    return f"ALIAS#{name}", "ALIAS"
