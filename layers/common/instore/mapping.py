"""The flow that rebuilds the agent map of one account: ask, join, compare, write what changed.

Costs when nothing changed: one GetItem, two HEADs, three conditional GETs, no write. When something
changed: only the stores whose hash differs, the names that differ in them, and the state item last,
so that a run that dies is repeated by the next one. Runs exclude each other by a lock on the
state item; a pull that would drop too many agents is refused and the last good map stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .directory import MapState, Store
from .directory_build import Directory, Pull, alias_changes, build, touched
from .errors import (
    BadInputError,
    InstoreError,
    MappingRefusedError,
    RosterError,
    UnavailableError,
)
from .mirroring import mirror
from .model import fingerprint, iso
from .roster import Problem, read_associates, read_stores

if TYPE_CHECKING:
    from .adapters.files import Files
    from .adapters.liveperson import Listing, LivePerson
    from .adapters.map_state import MapStates
    from .program import Account, Program

LAYOUT = 1  # raise it when stores are to be rebuilt although nobody's data changed
ROSTER = ("stores.csv", "associates.csv")
TOGETHER = 200  # stores written, then their names, then confirmed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rebuild did. `what`: unchanged | rebuilt | busy (another run is at it)."""

    what: str
    stores: int = 0
    agents: int = 0
    written: int = 0
    deleted: int = 0
    problems: tuple[Problem, ...] = ()
    mirror_failed: int = 0

    def summary(self) -> dict[str, Any]:
        """Counts only: fit for logs."""
        return {
            "what": self.what, "stores": self.stores, "agents": self.agents,
            "written": self.written, "deleted": self.deleted,
            "unchanged": self.stores - self.written, "refused_rows": self.refused_rows,
        }  # fmt: skip

    @property
    def refused_rows(self) -> int:
        return rows_among(self.problems)


def rows_among(problems: tuple[Problem, ...]) -> int:
    """How many of these are rows of the roster: the rest are people and groups of LivePerson's."""
    return sum(problem.file in ROSTER for problem in problems)


def asked(event: Mapping[str, Any], *, program: Program) -> tuple[list[Account], bool]:
    """Which accounts an event means, and whether by force: the schedule means all of them,
    `{"force": true, "account": "<id>"}` is sent by hand. Raises BadInputError.

    The `account` of a Scheduler event is AWS's, not LivePerson's.
    """
    everywhere = program.human_accounts()
    if event.get("source") == "aws.scheduler":
        return everywhere, False
    accounts = [a for a in everywhere if event.get("account") in (None, a.id)]
    if not accounts:
        raise BadInputError("no such account with associates", code="unknown_account")
    return accounts, event.get("force") is True


def rebuild(
    account: Account, *, program: Program, liveperson: LivePerson, files: Files,
    states: MapStates, owner: str, now: datetime, force: bool = False,
) -> Outcome:  # fmt: skip
    """Bring the map of one account up to date.

    `owner` names this run in the lock. `force` asks for everything anew and accepts any drop.
    Raises RosterError, MappingRefusedError, VendorError, UnavailableError: the map is as it was,
    or half written and noted as such for the next run.
    """
    state = states.load(account.id)
    tags = {name: files.tag(f"roster/{account.id}/{name}") or "" for name in ROSTER}
    tags["program"] = _program_tag(account, program=program)
    # A run that died, or a mirror that lags, is a reason to look at everything again.
    settled = not (force or state.unsettled or state.mirror_pending)
    pulled = _pull(account, state=state, tags=tags, liveperson=liveperson, settled=settled)
    if pulled is None:
        return Outcome("unchanged", stores=len(state.stores), agents=state.agents)
    users, groups, skills, revisions = pulled
    stores, associates = _roster(account, program=program, files=files, tags=tags)
    pull = Pull(users.items, groups.items, skills, stores.good, associates.good)
    directory = build(account, program=program, pull=pull)
    problems = (*stores.problems, *associates.problems, *directory.problems,
                *_unreadable(users=users, groups=groups))  # fmt: skip
    if not force:
        _guard(directory, pull=pull, known=state.agents, share=program.mapping.max_drop_share,
               problems=problems)  # fmt: skip
    new = MapState(revisions, tags, directory.hashes, directory.agents, skills, iso(now))
    groups_touched = touched(state, directory)
    outcome = Outcome("unchanged", len(directory.stores), directory.agents, problems=problems)
    if not groups_touched and not (state.mirror_pending and program.mapping.mirror_namespace):
        if replace(new, built_at=state.built_at) == state:
            return outcome
        noted = states.note(account.id, state=new, seen=state, now=now)
        return outcome if noted else replace(outcome, what="busy")
    if not states.lock(account.id, seen=state, groups=groups_touched, owner=owner, now=now):
        return replace(outcome, what="busy")
    try:
        run = _Run(account, directory=directory, states=states, now=now)
        run.write(groups_touched)
        pending = mirror(
            account, directory=directory, entries=run.seen | state.mirror_pending,
            namespace=program.mapping.mirror_namespace, liveperson=liveperson,
        )  # fmt: skip
        states.save(account.id, state=replace(new, mirror_pending=pending), owner=owner)
    except InstoreError:
        with suppress(InstoreError):
            states.unlock(account.id, owner=owner)
        raise
    return replace(outcome, what="rebuilt", written=run.put, deleted=run.deleted,
                   mirror_failed=len(pending))  # fmt: skip


def _program_tag(account: Account, *, program: Program) -> str:
    """Changes when the program says something else about this account's people."""
    banners = sorted(b.name for b in program.banners if b.account == account.id)
    words = [(a.banner, a.word, a.login) for a in program.aliases if a.banner in banners]
    return fingerprint([LAYOUT, banners, words, program.mapping.mirror_namespace])


def _pull(
    account: Account, *, state: MapState, tags: Mapping[str, str], liveperson: LivePerson,
    settled: bool,
) -> tuple[Listing[Any], Listing[Any], Mapping[str, str], dict[str, str]] | None:  # fmt: skip
    """Users, groups, skills and their revisions; None if nothing changed since `state`.

    LivePerson counts one revision for a whole account (UsersAPI/appendix.md): what did not change
    is asked for again, in full, when something else did.
    """
    seen = state.revisions if settled else {}
    users = liveperson.users(account, revision=seen.get("users"))
    groups = liveperson.groups(account, revision=seen.get("groups"))
    skills = liveperson.skills(account, revision=seen.get("skills"))
    same = users is None and groups is None and skills is None
    if same and settled and tags == state.tags:
        return None
    users = liveperson.users(account) if users is None else users
    groups = liveperson.groups(account) if groups is None else groups
    if users is None or groups is None:
        raise UnavailableError("LivePerson answered 304 to an unconditional request")
    names, revision = state.skills, seen.get("skills", "")
    if skills is not None:
        names, revision = {s.name: s.id for s in skills.items if not s.deleted}, skills.revision
    revisions = {"users": users.revision, "groups": groups.revision, "skills": revision}
    return users, groups, names, revisions


def _roster(
    account: Account, *, program: Program, files: Files, tags: Mapping[str, str]
) -> tuple[Any, Any]:
    """Both files, parsed. A missing one is an error: an empty roster is a file with a header."""
    for name in ROSTER:
        if not tags[name]:
            raise RosterError(f"roster/{account.id}/{name} is missing")
    data = [files.read(f"roster/{account.id}/{name}") for name in ROSTER]
    banners = [b.name for b in program.banners if b.account == account.id]
    return read_stores(data[0], banners=banners), read_associates(data[1])


def _unreadable(**listings: Listing[Any]) -> Iterator[Problem]:
    for name, listing in listings.items():
        if listing.skipped:
            yield Problem(name, 0, "unreadable", ref=str(listing.skipped))


def _guard(
    directory: Directory, *, pull: Pull, known: int, share: float, problems: tuple[Problem, ...]
) -> None:
    """Refuse a pull that looks like a vendor's bad day rather than like staff turnover."""
    if not pull.users or not pull.groups:
        raise MappingRefusedError("LivePerson lists no users or no groups", problems=problems)
    if directory.agents < known * (1 - share):
        raise MappingRefusedError(
            f"{known - directory.agents} of {known} agents would be dropped at once",
            problems=problems,
        )


class _Run:
    """One rebuild under the lock: what it wrote so far."""

    def __init__(
        self, account: Account, *, directory: Directory, states: MapStates, now: datetime
    ) -> None:
        self._account, self._directory = account, directory
        self._states, self._now = states, now
        self.seen: set[str] = set()  # `<banner>|<group>` of stores old and new
        self.put = 0
        self.deleted = 0

    def write(self, groups: list[str]) -> None:
        """Stores first, with the names that leave them noted; then the names; then confirm."""
        everyone = self._directory.aliases()
        for start in range(0, len(groups), TOGETHER):
            chunk = groups[start : start + TOGETHER]
            old = self._states.written(self._account.id, groups=chunk)
            changes: dict[str, Any] = {}
            unconfirmed: list[str] = []
            for group in chunk:
                before, store = old.get(group), self._directory.stores.get(group)
                both = (before.store if before else None, store)
                self.seen |= {f"{s.banner}|{group}" for s in both if s}
                own = alias_changes(before, store, everyone=everyone)
                changes |= own
                if store is None:
                    if before and before.unsettled is None:
                        self._states.doubt_store(self._account.id, group=group)
                    continue
                hash_ = self._directory.hashes[group]
                if before and before.hash == hash_ and before.unsettled is None:
                    continue  # a run that died had finished this one
                self._put(store, hash_=hash_, names=own)
                if own:
                    unconfirmed.append(group)
            self._states.write_aliases(changes)
            for group in unconfirmed:
                self._states.settle_store(self._account.id, group=group)
            for group in old.keys() - self._directory.stores.keys():
                self._states.delete_store(self._account.id, group=group)
                self.deleted += 1

    def _put(self, store: Store, *, hash_: str, names: Mapping[str, Any]) -> None:
        here = store.group
        leaving = [n for n, p in names.items() if p is None or p.group != here]
        self._states.put_store(store, hash_=hash_, now=self._now,
                               unsettled=leaving if names else None)  # fmt: skip
        self.put += 1
