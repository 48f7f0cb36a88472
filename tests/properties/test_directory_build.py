"""Any pull whatever: each name leads to one person who is there, and order does not matter."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from local.samples import sample_document
from tests.map_rig import ACCOUNT, SKILLS, associates_csv, group, stores_csv, user

from instore.directory import MapState, document, store_from
from instore.directory_build import (
    Directory,
    Pull,
    Written,
    alias_changes,
    aliases,
    build,
    touched,
)
from instore.model import fold_word, typed_word
from instore.program import Program, load_program
from instore.program_parts import RESERVED_WORDS
from instore.roster import read_associates, read_stores

PROGRAM: Program = load_program(sample_document("in_store"))
_account = PROGRAM.account(ACCOUNT)
assert _account is not None
OURS = _account
BANNERS = ("kay", "jared", "kay_outlet")
GROUPS = ("100", "200", "300", "400")
WORDS = ("dana", "DANA", "j0hn", "john", "2n9c", "2N9D", "stop", "st0p", "x", "lucky7", "1ucky7")
NUMBERS = (
    "",
    "5",
    "123456",
    "123457",
    str(int("JOHN", 36)),
    str(int("STOP", 36)),
    "E-7",
    "0123456",
)

people = st.lists(
    st.builds(
        user, st.integers(1, 8), group=st.sampled_from((None, *GROUPS)),
        manages=st.lists(st.sampled_from(GROUPS), max_size=3, unique=True),
        enabled=st.booleans(), deleted=st.sampled_from((False, False, True)),
        user_type=st.sampled_from((1, 1, 1, 2)),
    ),
    min_size=1, max_size=10,
)  # fmt: skip
roster = st.lists(
    st.tuples(st.integers(1, 9).map("a{}@kay.example.com".format), st.sampled_from(NUMBERS),
              st.lists(st.sampled_from(WORDS), max_size=3).map("|".join)),
    max_size=10,
)  # fmt: skip
places = st.lists(
    st.fixed_dictionaries({"group": st.sampled_from((*GROUPS, "Store 100")),
                           "banner": st.sampled_from(BANNERS),
                           "monday": st.sampled_from(("", "closed", "10:00-24:00"))}),
    max_size=6,
)  # fmt: skip


def made(users: Any, rows: Any, stores: Any) -> Directory:
    return build(OURS, program=PROGRAM, pull=Pull(
        users, [group(g) for g in GROUPS], {s.name: s.id for s in SKILLS},
        read_stores(stores_csv(stores), banners=BANNERS).good,
        read_associates(associates_csv(rows)).good,
    ))  # fmt: skip


@settings(deadline=None)
@given(people, roster, places)
def test_each_name_leads_to_one_person_who_is_there(users: Any, rows: Any, stores: Any) -> None:
    directory = made(users, rows, stores)
    names = [name for store in directory.stores.values() for name in aliases(store)]
    assert max(Counter(names).values(), default=0) <= 1
    for name, pointer in directory.aliases().items():
        person = directory.stores[pointer.group].find(pointer.agent_id)
        assert person is not None
        assert not person.visiting
        left, _, word = name.partition("#")
        if left != ACCOUNT:
            assert left == directory.stores[pointer.group].banner
            assert fold_word(word) not in RESERVED_WORDS
            assert typed_word(word) == word  # it can be typed
    homes = Counter(p.agent_id for s in directory.stores.values() for p in s.people()
                    if not p.visiting)  # fmt: skip
    assert max(homes.values(), default=0) <= 1


@settings(deadline=None)
@given(people, roster, places, st.randoms())
def test_the_order_of_a_listing_does_not_matter(
    users: Any, rows: Any, stores: Any, dice: Any
) -> None:
    first = made(users, rows, stores)
    unique = {u.id: u for u in reversed(users)}  # of twins the first listed counts
    again = list(unique.values())
    if len(again) == len(users):
        dice.shuffle(again)
        assert made(again, rows, stores).hashes == first.hashes


@settings(deadline=None)
@given(people, roster, places)
def test_what_is_written_down_is_read_back(users: Any, rows: Any, stores: Any) -> None:
    for store in made(users, rows, stores).stores.values():
        assert store_from(document(store)) == store


@settings(deadline=None)
@given(st.tuples(people, roster, places), st.tuples(people, roster, places), st.booleans())
def test_changes_turn_one_map_into_the_other(before: Any, after: Any, doubted: bool) -> None:
    """Applied in any order of stores, from a settled map or a doubted one."""
    old, new = made(*before), made(*after)
    table: dict[str, Any] = dict(old.aliases())
    state = MapState(stores=old.hashes, unsettled=frozenset(old.hashes if doubted else ()))
    everyone = new.aliases()
    for place in touched(state, new):
        written = None
        if place in old.stores:
            written = Written(old.stores[place], old.hashes[place],
                              frozenset() if doubted else None)  # fmt: skip
        table |= alias_changes(written, new.stores.get(place), everyone=everyone)
    assert {name: pointer for name, pointer in table.items() if pointer} == everyone


def test_a_map_of_20000_agents_in_4000_stores_is_built_in_seconds() -> None:
    stores = [{"group": str(g), "banner": BANNERS[g % 3], "monday": "10:00-21:00"}
              for g in range(10_000, 14_000)]  # fmt: skip
    groups = [group(row["group"]) for row in stores]
    users = [user(n, group=str(10_000 + n % 4_000)) for n in range(1, 20_001)]
    rows = [(u.login, str(100_000 + n), f"Star{n}") for n, u in enumerate(users)]
    store_file, associate_file = stores_csv(stores), associates_csv(rows)
    began = time.process_time()
    directory = build(OURS, program=PROGRAM, pull=Pull(
        users, groups, {}, read_stores(store_file, banners=BANNERS).good,
        read_associates(associate_file).good,
    ))  # fmt: skip
    spent = time.process_time() - began
    assert (len(directory.stores), directory.agents) == (4_000, 20_000)
    assert len(directory.aliases()) == 20_000 * 5
    assert touched(MapState(stores=directory.hashes), directory) == []
    assert spent < 10
