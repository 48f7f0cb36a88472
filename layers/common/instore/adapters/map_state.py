"""The agent map in the table, as its builder writes it: state, lock, stores, aliases.

A rebuild may die after any write. What it has begun is therefore written down first: the groups
in the state item (`unsettled`, together with the lock), the names that leave a store in the store
item (`unsettled`). The next rebuild goes over them again; doing so twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..directory import MapState, Pointer, Store, document, pointer_item, store_from
from ..directory_build import Written
from ..errors import ConflictError
from ..model import epoch, iso
from .stores import alias_key, store_key
from .table import Done, Refused, Table

LOCK = timedelta(minutes=10)  # twice the function's time-out: an expired lock is a dead run's
_FREE = "(attribute_not_exists(#lock) OR #lock.#until < :seconds)"
_NAMES = {"lock": "lock", "until": "until"}
_MINE = "#lock.#owner = :owner"
_OWNER = {"lock": "lock", "owner": "owner"}


class MapStates:
    """Reads and writes of the rebuild, per account."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, account: str) -> MapState:
        """The state of the last rebuild; an empty one before the first. One GetItem."""
        item = self._table.get(*_state_key(account)) or {}
        return MapState(
            revisions=item.get("revisions", {}), tags=item.get("tags", {}),
            stores=item.get("stores", {}), agents=item.get("agents", 0),
            skills=item.get("skills", {}), built_at=item.get("built_at", ""),
            unsettled=frozenset(item.get("unsettled", ())),
            mirror_pending=frozenset(item.get("mirror_pending", ())),
        )  # fmt: skip

    def lock(
        self, account: str, *, seen: MapState, groups: Iterable[str], owner: str, now: datetime
    ) -> bool:
        """Take the account's lock and write down which groups will be touched.

        False: another run has it, or has rebuilt the map since `seen` was read.
        """
        written = self._table.update(
            *_state_key(account), "SET #lock = :lock, unsettled = :groups",
            condition=f"{_FREE} AND {_seen(seen)}", names=_NAMES,
            values={
                "lock": {"owner": owner, "until": epoch(now + LOCK)}, "seconds": epoch(now),
                "groups": sorted(seen.unsettled.union(groups)), "seen": seen.built_at,
            },
        )  # fmt: skip
        return isinstance(written, Done)

    def unlock(self, account: str, *, owner: str) -> None:
        """Give the lock back after a failure, so that the next try need not wait. What was begun
        stays noted."""
        self._table.update(
            *_state_key(account), "REMOVE #lock", condition=_MINE, names=_OWNER,
            values={"owner": owner},
        )  # fmt: skip

    def save(self, account: str, *, state: MapState, owner: str) -> None:
        """Write the state last of all and give the lock back. Raises ConflictError if the lock
        was lost, which takes a run of ten minutes."""
        written = self._save(
            account, state=state, tail=" REMOVE #lock, unsettled", condition=_MINE, names=_OWNER,
            values={"owner": owner},
        )  # fmt: skip
        if isinstance(written, Refused):
            raise ConflictError("the map's lock was lost", code="map_lock_lost")

    def note(self, account: str, *, state: MapState, seen: MapState, now: datetime) -> bool:
        """Keep new revisions and tags when no store changed. False: another run is at it."""
        written = self._save(
            account, state=state, tail="", condition=f"{_FREE} AND {_seen(seen)}", names=_NAMES,
            values={"seconds": epoch(now), "seen": seen.built_at},
        )  # fmt: skip
        return isinstance(written, Done)

    def _save(
        self, account: str, *, state: MapState, tail: str, condition: str,
        names: Mapping[str, str], values: Mapping[str, Any],
    ) -> Done | Refused:  # fmt: skip
        parts = {
            "revisions": state.revisions, "tags": state.tags, "stores": state.stores,
            "agents": state.agents, "skills": state.skills, "built_at": state.built_at,
            "mirror_pending": sorted(state.mirror_pending),
        }  # fmt: skip
        sets = ", ".join(f"#{name} = :new_{name}" for name in parts)
        return self._table.update(
            *_state_key(account), f"SET {sets}{tail}", condition=condition,
            names={**names, **{name: name for name in parts}},
            values={**values, **{f"new_{name}": value for name, value in parts.items()}},
        )  # fmt: skip

    def written(self, account: str, *, groups: Iterable[str]) -> dict[str, Written]:
        """The stores as they stand in the table, absent ones left out. BatchGetItem."""
        found = self._table.get_many(store_key(account, group=group) for group in groups)
        return {
            item["group"]: Written(
                store_from(item), item["hash"],
                frozenset(item["unsettled"]) if "unsettled" in item else None,
            )
            for item in found.values()
        }  # fmt: skip

    def put_store(
        self, store: Store, *, hash_: str, now: datetime, unsettled: Iterable[str] | None
    ) -> None:
        """Write a store; `unsettled` = names to be settled next, None = there are none to do.

        UpdateItem, so that the busy streak that routing keeps on the item survives. `off` goes:
        the Users API has just spoken.
        """
        parts = {**document(store), "hash": hash_, "built_at": iso(now)}
        gone = [n for n in ("name", "state", "postal_code", "openings", "associates", "managers")
                if n not in parts]  # fmt: skip
        if unsettled is None:
            gone.append("unsettled")
        else:
            parts["unsettled"] = sorted(unsettled)
        gone += ["off", "off_until"]
        names = [*parts, *gone]
        self._table.update(
            *store_key(store.account, group=store.group),
            f"SET {', '.join(f'#{n} = :{n}' for n in parts)} "
            f"REMOVE {', '.join(f'#{n}' for n in gone)}",
            names={name: name for name in names}, values=parts,
        )  # fmt: skip

    def doubt_store(self, account: str, *, group: str) -> None:
        """Note that this store's names are about to go, before it goes itself."""
        self._table.update(
            *store_key(account, group=group), "SET unsettled = :none",
            condition="attribute_exists(pk)", values={"none": []},
        )  # fmt: skip

    def settle_store(self, account: str, *, group: str) -> None:
        """All names of this store are right now."""
        self._table.update(*store_key(account, group=group), "REMOVE unsettled",
                           condition="attribute_exists(pk)")  # fmt: skip

    def delete_store(self, account: str, *, group: str) -> None:
        self._table.delete(*store_key(account, group=group))

    def write_aliases(self, changes: Mapping[str, Pointer | None]) -> None:
        """Put or (None) delete names. BatchWriteItem."""
        puts = [
            {"pk": pk, "sk": sk, **pointer_item(p)}
            for (pk, sk), p in ((alias_key(name), p) for name, p in changes.items())
            if p is not None
        ]
        gone = [alias_key(name) for name, pointer in changes.items() if pointer is None]
        self._table.write_many(puts, deletes=gone)


def _state_key(account: str) -> tuple[str, str]:
    return f"MAP#{account}", "MAP"


def _seen(state: MapState) -> str:
    """The condition that nobody has rebuilt the map since this state was read."""
    if state.built_at:
        return "built_at = :seen"
    return "(attribute_not_exists(built_at) OR built_at = :seen)"
