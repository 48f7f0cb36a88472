"""Build the agent map of one account: users + groups + skills + roster -> stores, hashes, changes.

Pure: the same pull gives the same stores, byte for byte, so that an unchanged one is recognised by
its hash and not written. `employeeId` comes back blank from LivePerson (UsersAPI/appendix.md), so
people are joined with the roster by login name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from .directory import Associate, MapState, Pointer, Store, aliases, document
from .model import base36, fingerprint, fold_login, fold_word
from .program_parts import RESERVED_WORDS
from .roster import AssociateRow, Problem, StoreRow, employee_number

if TYPE_CHECKING:
    from .adapters.liveperson import Group, User
    from .program import Account, Program

HUMAN = 1  # userTypeId of the Users API: 0 system, 1 human, 2 bot


@dataclass(frozen=True, slots=True)
class Pull:
    """Everything a map of one account is built from."""

    users: Sequence[User]
    groups: Sequence[Group]
    skills: Mapping[str, str]  # name -> id
    stores: Iterable[StoreRow]
    associates: Iterable[AssociateRow]


@dataclass(frozen=True, slots=True)
class Directory:
    """The whole map of one account. `hashes` says which stores differ from those written."""

    account: str
    stores: Mapping[str, Store]
    hashes: Mapping[str, str]
    problems: tuple[Problem, ...]

    @property
    def agents(self) -> int:
        """Enabled people in the map, each counted once: what the drop guard compares."""
        return len({p.agent_id for s in self.stores.values() for p in s.people() if p.enabled})

    def aliases(self) -> dict[str, Pointer]:
        """Every alias and agent pointer of the account."""
        whole: dict[str, Pointer] = {}
        for store in self.stores.values():
            whole |= aliases(store)
        return whole


@dataclass(frozen=True, slots=True)
class Written:
    """A store as it stands in the table. `unsettled` = aliases whose writing began with this
    version and was not confirmed (None = confirmed)."""

    store: Store
    hash: str
    unsettled: frozenset[str] | None = None


def touched(state: MapState, directory: Directory) -> list[str]:
    """Groups to be written or deleted: other hash, vanished, or left unsettled by a crash."""
    changed = {g for g, h in directory.hashes.items() if state.stores.get(g) != h}
    return sorted(changed | (set(state.stores) - set(directory.hashes)) | state.unsettled)


def alias_changes(
    old: Written | None, new: Store | None, *, everyone: Mapping[str, Pointer]
) -> dict[str, Pointer | None]:
    """What to write (pointer) and delete (None) so that every name old or new is right again.

    A name that leaves this store may belong to another store now (`everyone` is the whole new
    map): then it is written as that store's, whoever comes first. After a crash nothing is taken
    for granted: all names of old and new are settled anew.
    """
    wanted = {} if new is None else aliases(new)
    if old is None:
        return dict(wanted)
    had = aliases(old.store)
    if old.unsettled is None:
        changes: dict[str, Pointer | None] = {n: p for n, p in wanted.items() if had.get(n) != p}
        leaving = had.keys() - wanted.keys()
    else:
        changes = dict(wanted)
        leaving = (had.keys() | old.unsettled) - wanted.keys()
    return changes | {name: everyone.get(name) for name in leaving}


def build(account: Account, *, program: Program, pull: Pull) -> Directory:
    """Join what LivePerson and the roster say. Rows and users that cannot be used are reported."""
    builder = _Builder(account.id)
    rows = builder.join_groups(pull.groups, pull.stores)
    people = builder.humans(pull.users)
    homes = {user.id: home for user in people if (home := _home(user, rows)) is not None}
    roster = {row.login: row for row in pull.associates}
    banners = {user.id: rows[homes[user.id]].banner for user in people if user.id in homes}
    words = builder.words(people, banners=banners, roster=roster, program=program)
    staff: dict[str, list[Associate]] = defaultdict(list)
    managers: dict[str, list[Associate]] = defaultdict(list)
    for user in people:
        if user.id not in homes:
            continue
        row = roster.get(fold_login(user.login))
        person = Associate(user.id, user.pid, user.login, user.nickname, enabled=user.enabled,
                           employee_id=row.employee_id if row else "",
                           words=words.get(user.id, ()))  # fmt: skip
        managed = {group for group in user.manager_of if group in rows}
        for group in managed:
            away = group != homes[user.id]
            managers[group].append(replace(person, words=(), visiting=True) if away else person)
        if homes[user.id] not in managed:
            staff[homes[user.id]].append(person)
    stores = {
        group: Store(account.id, group, row.name, row.banner, row.zone, row.state,
                     row.postal_code, row.openings, tuple(staff[group]), tuple(managers[group]),
                     row.phone)
        for group, row in sorted(rows.items())
    }  # fmt: skip
    builder.check_skills(account, program=program, skills=pull.skills)
    hashes = {group: fingerprint(document(store))[:12] for group, store in stores.items()}
    return Directory(account.id, stores, hashes, tuple(builder.problems))


def _home(user: User, rows: Mapping[str, StoreRow]) -> str | None:
    """The one store a person's pointers lead to: where they are a member, else the first they
    manage. None: they work in no store of ours."""
    if user.member_of in rows:
        return user.member_of
    return min((group for group in user.manager_of if group in rows), default=None)


@dataclass
class _Builder:
    account: str
    problems: list[Problem] = field(default_factory=list)

    def report(self, file: str, line: int, what: str, *, ref: str = "") -> None:
        self.problems.append(Problem(file, line, what, ref))

    def join_groups(self, groups: Iterable[Group], rows: Iterable[StoreRow]) -> dict[str, StoreRow]:
        """Group id -> its roster row. A row names its group by id or, failing that, by name."""
        alive = {g.id: g for g in groups if g.enabled and not g.deleted}
        by_name: dict[str, list[str]] = defaultdict(list)
        for known in alive.values():
            by_name[known.name].append(known.id)
        joined: dict[str, StoreRow] = {}
        for row in rows:
            named = [row.group] if row.group in alive else by_name.get(row.group, [])
            group = next(iter(named), None)
            if group is None:
                self.report("stores.csv", row.line, "unknown_group")
            elif len(named) > 1:
                self.report("stores.csv", row.line, "ambiguous_group")
            elif group in joined:
                self.report("stores.csv", row.line, "duplicate_group")
            else:
                joined[group] = row
        for group in sorted(alive.keys() - joined.keys()):
            self.report("groups", 0, "group_without_row", ref=group)
        return joined

    def humans(self, users: Iterable[User]) -> list[User]:
        """People who are not deleted and carry all three names, each once, in order of id."""
        kept: list[User] = []
        names: set[str] = set()
        for user in self._once(sorted(users, key=lambda u: (len(u.id), u.id))):
            if user.user_type != HUMAN or user.deleted:
                continue
            own = {f"id:{user.id}", f"pid:{user.pid}", f"login:{fold_login(user.login)}"}
            if not (user.id and user.pid and user.login):
                self.report("users", 0, "user_without_id_pid_or_login", ref=user.id)
            elif own & names:
                self.report("users", 0, "user_twice", ref=user.id)
            else:
                names |= own
                kept.append(user)
        return kept

    def _once(self, users: Iterable[User]) -> Iterator[User]:
        """Each id once. Told twice and differently, somebody is what forbids the most: customers
        are never sent to whom one of the two calls deleted, disabled or no person."""
        for _, same in groupby(users, key=lambda u: u.id):
            first, *others = same
            if not others:
                yield first
                continue
            self.report("users", 0, "user_twice", ref=first.id)
            told = (first, *others)
            if all(user.user_type == HUMAN for user in told):
                yield replace(first, enabled=all(user.enabled for user in told),
                              deleted=any(user.deleted for user in told))  # fmt: skip

    def words(
        self, people: Iterable[User], *, banners: Mapping[str, str],
        roster: Mapping[str, AssociateRow], program: Program,
    ) -> dict[str, tuple[str, ...]]:  # fmt: skip
        """Agent id -> the words that lead to them, each reserved once per banner.

        Base36 ids are on printed cards: they come first, then the program's aliases, then the
        roster's in order of lines. An alias that reads like somebody else's Base36 id is refused.
        """
        here = [user for user in people if user.id in banners]
        reserved = _Words(defaultdict(set))
        for user in here:
            row = roster.get(fold_login(user.login))
            number = employee_number(row.employee_id) if row else None
            if row is not None and number is not None:
                code = reserved.number(user.id, banners[user.id], number=number)
                if code:
                    self.report("associates.csv", row.line, code)
        by_login = {fold_login(user.login): user.id for user in here}
        self._program_words(reserved, program=program, by_login=by_login, banners=banners)
        for row in sorted(roster.values(), key=lambda r: r.line):
            agent = by_login.get(row.login)
            for word in row.aliases if agent else ():
                if agent and reserved.alias(agent, banners[agent], word=word):
                    self.report("associates.csv", row.line, "duplicate_alias")
        return {agent: tuple(sorted(words)) for agent, words in reserved.of.items()}

    def _program_words(
        self, reserved: _Words, *, program: Program, by_login: Mapping[str, str],
        banners: Mapping[str, str],
    ) -> None:  # fmt: skip
        for index, alias in enumerate(program.aliases, start=1):
            banner = program.banner(alias.banner)
            if banner is None or banner.account != self.account:
                continue
            agent = by_login.get(fold_login(alias.login))
            if agent is None or banners[agent] != alias.banner:
                self.report("program", index, "alias_without_associate")
            elif reserved.alias(agent, alias.banner, word=str(fold_word(alias.word))):
                self.report("program", index, "duplicate_alias")

    def check_skills(
        self, account: Account, *, program: Program, skills: Mapping[str, str]
    ) -> None:
        """Transfers name skills, case-sensitively: say so early when one does not exist."""
        for index, banner in enumerate(program.banners):
            if banner.account == account.id and banner.human_skill not in skills:
                self.report("program", index + 1, "human_skill_unknown_to_liveperson")


@dataclass
class _Words:
    """Who holds which word of which banner."""

    of: dict[str, set[str]]
    taken: dict[tuple[str, str], str] = field(default_factory=dict)
    like_numbers: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def number(self, agent: str, banner: str, *, number: int) -> str | None:
        """Reserve a Base36 id. Returns a code if it cannot serve as a word."""
        word = base36(number)
        folded = fold_word(word)
        if folded is None:
            return "employee_id_too_short"
        if folded in RESERVED_WORDS:
            return "employee_id_is_reserved_word"
        self.taken[banner, word] = agent
        self.like_numbers.setdefault((banner, folded), set()).add(agent)
        self.of[agent].add(word)
        return None

    def alias(self, agent: str, banner: str, *, word: str) -> bool:
        """Reserve a folded alias. Returns True if it is somebody else's."""
        holder = self.taken.get((banner, word), agent)
        if holder != agent or self.like_numbers.get((banner, word), {agent}) != {agent}:
            return True
        self.taken[banner, word] = agent
        self.of[agent].add(word)
        return False
