"""Looking up the agent map: words, pointers, what a process keeps, busy streaks, agents off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from instore.adapters import stores as module
from instore.adapters.map_state import MapStates
from instore.adapters.stores import Stores
from instore.adapters.table import Table, encode
from instore.directory import Associate, Opening, Pointer, Store, aliases, document, read_clock
from instore.errors import UnavailableError

ACCOUNT = "10000002"


def person(number: int, *words: str, **more: Any) -> Associate:
    return Associate(str(1_900_000_000 + number), f"29c3019d-fe0b-5200-afe8-{number:012d}",
                     f"associate.number{number}@kay.example.com", f"Associate {number}",
                     words=words, **more)  # fmt: skip


def a_store(**more: Any) -> Store:
    whole: dict[str, Any] = {
        "account": ACCOUNT, "group": "100", "name": "Cross County", "banner": "kay",
        "zone": "America/New_York", "state": "NY", "postal_code": "10704",
        "openings": tuple(Opening(d, read_clock("10:00"), read_clock("24:00")) for d in range(7)),
        "associates": tuple(person(n, f"W{n}", f"2N9{n}", employee_id=f"12345{n}")
                            for n in range(1, 6)),
        "managers": (person(9),),
    }  # fmt: skip
    return Store(**{**whole, **more})


@pytest.fixture
def stores(table: Table, clock: Any) -> Stores:
    return Stores(table, now=clock.now)


@pytest.fixture
def written(table: Table, now: Any) -> Store:
    store, states = a_store(), MapStates(table)
    states.put_store(store, hash_="h", now=now, unsettled=None)
    states.write_aliases(aliases(store))
    return store


def test_a_store_comes_back_as_it_went_in(stores: Stores, written: Store) -> None:
    assert stores.store(ACCOUNT, group="100") == written


def test_empty_parts_of_a_store_are_absent_and_vanish_on_rewrite(
    table: Table, stores: Stores, written: Store, now: Any
) -> None:
    bare = a_store(name="", state="", postal_code="", openings=(), associates=(), managers=())
    MapStates(table).put_store(bare, hash_="h2", now=now, unsettled=None)
    assert table.get(f"STORE#{ACCOUNT}#100", "STORE") == {
        "pk": f"STORE#{ACCOUNT}#100", "sk": "STORE", "account": ACCOUNT, "group": "100",
        "banner": "kay", "zone": "America/New_York", "hash": "h2",
        "built_at": "2026-11-18T17:00:00.000Z",
    }  # fmt: skip
    assert stores.store(ACCOUNT, group="100") == bare


def test_a_store_of_five_and_a_manager_is_small(written: Store, table: Table) -> None:
    """Half a read unit is 4 KB; a write unit is 1 KB: two a change is what the budget allows."""
    item = table.get(f"STORE#{ACCOUNT}#100", "STORE")
    assert item is not None

    def size(value: Any) -> int:
        (kind, raw), = value.items()  # fmt: skip
        match kind:
            case "M":
                return 3 + sum(1 + len(k) + size(v) for k, v in raw.items())
            case "L":
                return 3 + sum(1 + size(v) for v in raw)
            case _:
                return len(str(raw))

    assert 1000 < sum(len(k) + size(v) for k, v in encode(item).items()) < 2000


def test_a_store_is_kept_for_a_minute_and_an_unknown_one_for_five_seconds(
    table: Table, stores: Stores, clock: Any, requests_made: list[Any], now: Any
) -> None:
    assert stores.store(ACCOUNT, group="100") is None
    clock.advance(4)
    assert stores.store(ACCOUNT, group="100") is None
    assert len(requests_made) == 1
    MapStates(table).put_store(a_store(), hash_="h", now=now, unsettled=None)
    clock.advance(1)
    del requests_made[:]
    assert stores.store(ACCOUNT, group="100") == a_store()
    clock.advance(59)
    assert stores.store(ACCOUNT, group="100") == a_store()
    assert len(requests_made) == 1
    clock.advance(1)
    stores.store(ACCOUNT, group="100")
    assert [name for _, name, _ in requests_made] == ["GetItem", "GetItem"]


def test_a_process_keeps_a_bounded_number_of_stores(
    stores: Stores, requests_made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_STORES", 2)
    for group in ("1", "2", "3", "3", "2"):
        stores.store(ACCOUNT, group=group)
    assert len(requests_made) == 3
    stores.store(ACCOUNT, group="1")  # was the oldest
    assert len(requests_made) == 4


def test_words_are_looked_up_exactly_first_and_folded_second(
    table: Table, stores: Stores, requests_made: list[Any]
) -> None:
    states = MapStates(table)
    states.write_aliases({"kay#209C": Pointer(ACCOUNT, "100", "1"),
                          "kay#2O9C": Pointer(ACCOUNT, "200", "2"),
                          "kay#DANA1": Pointer(ACCOUNT, "300", "3")})  # fmt: skip
    del requests_made[:]
    assert stores.by_word("kay", word="2o9c") == Pointer(ACCOUNT, "200", "2")
    assert [name for _, name, _ in requests_made] == ["BatchGetItem"]
    assert stores.by_word("kay", word="209C") == Pointer(ACCOUNT, "100", "1")
    assert stores.by_word("kay", word="  DanaL.  ") == Pointer(ACCOUNT, "300", "3")
    assert stores.by_word("kay", word="nobody") is None
    assert stores.by_word("jared", word="209C") is None
    del requests_made[:]
    assert stores.by_word("kay", word="who are you?") is None
    assert requests_made == []


def test_word_keys_come_better_one_first_and_each_once(stores: Stores) -> None:
    assert stores.word_keys("kay", word="ola") == [("ALIAS#kay#OLA", "ALIAS"),
                                                   ("ALIAS#kay#01A", "ALIAS")]  # fmt: skip
    assert stores.word_keys("kay", word="2n9c") == [("ALIAS#kay#2N9C", "ALIAS")]
    assert stores.word_keys("kay", word="x") == []


def test_agents_are_found_by_each_of_their_three_names(
    stores: Stores, written: Store, requests_made: list[Any]
) -> None:
    first = written.associates[0]
    pointer = Pointer(ACCOUNT, "100", first.agent_id)
    assert stores.by_agent(ACCOUNT, agent_id=first.agent_id) == pointer
    assert stores.by_pid(ACCOUNT, pid=first.pid) == pointer
    assert stores.by_login(ACCOUNT, login=first.login.upper()) == pointer
    assert stores.by_agent("10000003", agent_id=first.agent_id) is None
    assert [name for _, name, _ in requests_made] == ["GetItem"] * 4


def test_a_busy_streak_goes_on_while_seen_within_a_quarter_of_an_hour(
    stores: Stores, written: Store, now: Any, requests_made: list[Any]
) -> None:
    del requests_made[:]
    later = now + timedelta(minutes=15)
    assert stores.busy_since(written, now=now) == now
    assert stores.busy_since(written, now=later) == now
    assert [name for _, name, _ in requests_made] == ["UpdateItem", "UpdateItem"]


def test_a_gap_begins_a_new_streak(stores: Stores, written: Store, now: Any) -> None:
    stores.busy_since(written, now=now)
    later = now + timedelta(minutes=15, seconds=1)
    assert stores.busy_since(written, now=later) == later
    assert stores.busy_since(written, now=later + timedelta(minutes=3)) == later


def test_two_processes_that_begin_a_new_streak_agree(
    table: Table, stores: Stores, written: Store, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.busy_since(written, now=now)
    later = now + timedelta(hours=1)
    other = Stores(table, now=lambda: later)
    update = table.update
    met: list[Any] = []

    def meet(*args: Any, **rest: Any) -> Any:
        if rest.get("condition") == "busy_seen = :old" and not met:
            met.append(None)
            met[0] = other.busy_since(written, now=later)
        return update(*args, **rest)

    monkeypatch.setattr(table, "update", meet)
    assert stores.busy_since(written, now=later + timedelta(seconds=1)) == later
    assert met == [later]


def test_a_store_that_vanished_has_no_streak_and_is_not_created(
    table: Table, stores: Stores, now: Any
) -> None:
    assert stores.busy_since(a_store(), now=now) == now
    stores.clear_busy(a_store())
    stores.disable_agent(ACCOUNT, group="100", agent_id="1")
    assert table.get(f"STORE#{ACCOUNT}#100", "STORE") is None


def test_clearing_costs_nothing_unless_a_streak_was_seen(
    table: Table, clock: Any, stores: Stores, written: Store, requests_made: list[Any], now: Any
) -> None:
    stores.store(ACCOUNT, group="100")
    del requests_made[:]
    stores.clear_busy(written)
    assert requests_made == []
    Stores(table, now=clock.now).busy_since(written, now=now)
    clock.advance(60)
    stores.store(ACCOUNT, group="100")
    del requests_made[:]
    stores.clear_busy(written)
    stores.clear_busy(written)
    assert [name for _, name, _ in requests_made] == ["UpdateItem"]
    item = table.get(f"STORE#{ACCOUNT}#100", "STORE")
    assert item is not None
    assert not {"busy_since", "busy_seen"} & item.keys()
    later = now + timedelta(minutes=2)
    assert stores.busy_since(written, now=later) == later


def test_an_agent_marked_off_is_disabled_at_once_and_for_an_hour(
    stores: Stores, written: Store, clock: Any, requests_made: list[Any]
) -> None:
    first, second = written.associates[0].agent_id, written.associates[1].agent_id
    stores.store(ACCOUNT, group="100")
    del requests_made[:]
    stores.disable_agent(ACCOUNT, group="100", agent_id=first)
    stores.disable_agent(ACCOUNT, group="100", agent_id=second)
    assert [name for _, name, _ in requests_made] == ["UpdateItem", "UpdateItem"]
    seen = stores.store(ACCOUNT, group="100")
    assert seen is not None
    assert [a.enabled for a in seen.people()] == [False, False, True, True, True, True]
    clock.advance(3599)
    seen = stores.store(ACCOUNT, group="100")
    assert seen is not None
    assert not seen.associates[0].enabled
    clock.advance(60)
    assert stores.store(ACCOUNT, group="100") == written


def test_the_documents_names_are_those_of_the_data_model(written: Store) -> None:
    whole = document(a_store(associates=(person(1, "W", enabled=False, employee_id="7",
                                                visiting=True),)))  # fmt: skip
    assert list(whole) == ["account", "group", "name", "banner", "zone", "state", "postal_code",
                           "openings", "associates", "managers"]  # fmt: skip
    assert list(whole["associates"][0]) == ["agent", "pid", "login", "nick", "on", "emp", "words",
                                            "visiting"]  # fmt: skip
    assert whole["openings"][0] == [0, "10:00", "24:00"]
    assert list(whole["managers"][0]) == ["agent", "pid", "login", "nick"]


def test_batch_writes_go_in_twenty_fives_and_what_is_left_is_sent_again(
    table: Table, requests_made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Pointer | None] = {f"kay#W{n}": Pointer(ACCOUNT, "1", "2") for n in range(60)}
    MapStates(table).write_aliases(names)
    assert [name for _, name, _ in requests_made] == ["BatchWriteItem"] * 3
    MapStates(table).write_aliases(dict.fromkeys(names))
    assert table.get_many([(f"ALIAS#kay#W{n}", "ALIAS") for n in range(60)]) == {}
    call = table._call

    def lazy(operation: str, **request: Any) -> Any:
        entries = request["RequestItems"][table.name]
        request["RequestItems"] = {table.name: entries[:10]}
        answer = call(operation, **request)
        left = entries[10:]
        return {**answer, "UnprocessedItems": {table.name: left} if left else {}}

    monkeypatch.setattr(table, "_call", lazy)
    MapStates(table).write_aliases(names)
    monkeypatch.undo()
    assert len(table.get_many([(f"ALIAS#kay#W{n}", "ALIAS") for n in range(60)])) == 60
    monkeypatch.setattr(table, "_call", lambda *_, **r: {"UnprocessedItems": r["RequestItems"]})
    with pytest.raises(UnavailableError, match="leaving writes unprocessed"):
        MapStates(table).write_aliases(names)
