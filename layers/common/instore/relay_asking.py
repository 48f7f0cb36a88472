"""Whom a request about relay numbers is about: logins, stores or a file of either -> rows of a run."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .directory import Pointer, Store
from .errors import BadInputError, NotFoundError
from .import_columns import fold_header
from .import_file import open_sheet
from .model import Phone, fold_login
from .program import Program
from .relay_run import MOST_ROWS, Target

if TYPE_CHECKING:
    from .adapters.lines import Lines
    from .adapters.stores import Stores

MOST_STORES = 100
LONGEST_LOGIN, LONGEST_STORE = 254, 120
_LOGIN_WORDS = frozenset({"login", "associate", "associatelogin", "user", "email"})
_STORE_WORDS = frozenset({"store", "group", "storegroup", "agentgroup"})


@dataclass(frozen=True, slots=True)
class Directory:
    """Where people are looked up."""

    program: Program
    stores: Stores
    lines: Lines


def read_csv(text: str) -> tuple[list[str], list[str]]:
    """Logins and stores of a small file: a column of either, found by its header.

    Raises BadInputError: `columns_unclear`, `row_unclear` for one that names nobody (the file as a
    whole is doubtful: nobody is left out unnoticed), and those of a file that cannot be read.
    """
    sheet = open_sheet(line.encode() for line in io.StringIO(text, newline=""))
    headers = [fold_header(header) for header in sheet.headers]
    logins = [n for n, header in enumerate(headers) if header in _LOGIN_WORDS]
    stores = [n for n, header in enumerate(headers) if header in _STORE_WORDS]
    if len(logins) > 1 or len(stores) > 1 or bool(logins) == bool(stores):
        raise BadInputError("the file needs one column `login`, or one column `store`",
                            code="columns_unclear")  # fmt: skip
    place, longest = (logins or stores)[0], LONGEST_LOGIN if logins else LONGEST_STORE
    found = []
    for row, cells in sheet.records:
        name = cells[place].strip() if len(cells) > place else ""
        if not 0 < len(name) <= longest:
            raise BadInputError(f"row {row} has no {'login' if logins else 'store'}",
                                code="row_unclear")  # fmt: skip
        found.append(name)
    return (found, []) if logins else ([], found)


def people(
    logins: Sequence[str], *, stores: Sequence[str], directory: Directory
) -> list[Target]:  # fmt: skip
    """The associates with these logins and the enabled ones of these stores, each once; a login
    that nobody has is a row without a pointer.

    Raises NotFoundError `unknown_store`, and BadInputError for none or too many.
    """
    found: dict[str, Target] = {}
    if len(set(stores)) > MOST_STORES:  # before any of them is looked up
        raise BadInputError(f"more than {MOST_STORES} stores", code="too_many_rows")
    for name in dict.fromkeys(stores):
        store = _store(name, directory)
        for person in store.associates:
            if person.enabled and not person.visiting:
                pointer = Pointer(store.account, store.group, person.agent_id)
                found.setdefault(fold_login(person.login), Target(person.login, pointer))
    wanted = list(dict.fromkeys(fold_login(login) for login in logins))
    if len(wanted) > MOST_ROWS:
        raise _too_many()
    pointers = dict(_pointers(wanted, directory))
    for login in wanted:
        found.setdefault(login, Target(login, pointers.get(login)))
    return _counted(found.values())


def find_associate(login: str, directory: Directory) -> Pointer | None:
    """Who has this login now; None: nobody in the agent map."""
    folded = fold_login(login)
    return dict(_pointers([folded], directory)).get(folded)


def holders(
    logins: Sequence[str], *, numbers: Sequence[str], directory: Directory
) -> list[Target]:  # fmt: skip
    """Who has, or had, the numbers: by login, also of somebody the agent map has forgotten, or by
    the number itself. Raises BadInputError."""
    found: dict[str, Target] = {}
    for login in dict.fromkeys(fold_login(login) for login in logins):
        held = directory.lines.by_login(login)
        pointer = held.pointer if held else find_associate(login, directory)
        found[login] = Target(login, pointer)
    for number in (Phone.parse(number) for number in dict.fromkeys(numbers)):
        line = directory.lines.get(number)
        found[number.e164] = Target(number.e164, line.pointer if line else None)
    return _counted(found.values())


def _counted(found: Iterable[Target]) -> list[Target]:
    rows = list(found)
    if not rows:
        raise BadInputError("this is about nobody", code="no_rows")
    if len(rows) > MOST_ROWS:
        raise _too_many()
    return rows


def _too_many() -> BadInputError:
    return BadInputError(f"more than {MOST_ROWS} rows", code="too_many_rows")


def _pointers(logins: Iterable[str], directory: Directory) -> Iterator[tuple[str, Pointer]]:
    """Who moved is disabled where they were before: an enabled one comes last, and counts."""
    told: dict[str, list[Pointer]] = {}
    for account in directory.program.human_accounts():
        for login, pointer in directory.stores.by_logins(account.id, logins=logins).items():
            told.setdefault(login, []).append(pointer)
    for login, pointers in told.items():
        several = len(pointers) > 1
        yield login, max(pointers, key=lambda p: several and _is_enabled(p, directory))


def _is_enabled(pointer: Pointer, directory: Directory) -> bool:
    store = directory.stores.store(pointer.account, group=pointer.group)
    person = store.find(pointer.agent_id) if store is not None else None
    return person is not None and person.enabled


def _store(name: str, directory: Directory) -> Store:
    """A store named by its agent group, or <account>/<group>."""
    account, slash, group = name.rpartition("/")
    accounts = [account] if slash else [a.id for a in directory.program.human_accounts()]
    known = [s for a in accounts if (s := directory.stores.store(a, group=group)) is not None]
    if len(known) != 1:
        raise NotFoundError("no such store" if not known else "several stores have this group: "
                            "name it <account>/<group>", code="unknown_store")  # fmt: skip
    return known[0]
