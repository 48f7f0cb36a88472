"""The agent map's function: first build, no change, one change, refusal, crash, two at once."""

from __future__ import annotations

import json
import random
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.map_rig import (
    ACCOUNT,
    FakeFiles,
    FakeLivePerson,
    KilledError,
    MortalClient,
    World,
    associates_csv,
    dump,
    empty,
    group,
    restore,
    snapshot,
    stores_csv,
    user,
)

from agent_mapping.app import handler
from instore import mapping
from instore.adapters.map_state import MapStates
from instore.adapters.stores import Stores
from instore.adapters.table import Table
from instore.directory import Pointer
from instore.errors import BadInputError, UnavailableError
from instore.mapping import rebuild
from instore.program import Account, Program
from instore.runtime import observability
from instore.runtime.services import Services, using
from instore.runtime.settings import Settings

EVENTS = Path(__file__).parents[2] / "events"
OTHER = "10000003"
LAPSE = 11 * 60  # a lock is over after ten minutes


def sent(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"agent_mapping.{name}.json").read_text())
    return event


def world() -> World:
    """Three stores: 100 (1, 2, manager 9), 200 (3, 4), 300 (5, managed by 9, too)."""
    return World(
        users=(user(1, group="100"), user(2, group="100"), user(3, group="200"),
               user(4, group="200"), user(5, group="300"), user(9, manages=["100", "300"]),
               user(70, group="100", user_type=2)),
        groups=(group("100"), group("200"), group("300"), group("-1", "Main Group")),
        stores=stores_csv([{"group": "100"}, {"group": "Store 200"},
                           {"group": "300", "banner": "jared"}]),
        associates=associates_csv([("a1@kay.example.com", "123456", "DanaR"),
                                   ("a3@kay.example.com", "123457", "")]),
    )  # fmt: skip


def other_world() -> World:
    return World((user(801, group="800"),), (group("800"),),
                 stores_csv([{"group": "800", "banner": "zales"}]), associates_csv([]))  # fmt: skip


MAIN = ("groups:-1:group_without_row",)  # LivePerson's own group, which is no store


def refused(why: str, *left_out: str) -> dict[str, Any]:
    return {ACCOUNT: {"what": "refused", "why": why, "left_out": [*(left_out or MAIN)]}}


@dataclass
class House:
    """One stack: the handler's services with a LivePerson and a bucket made of lists."""

    table: Table
    clock: Any
    program: Program
    worlds: dict[str, World]
    calls: list[tuple[str, str, dict[str, Any]]]

    def __post_init__(self) -> None:
        self.lp = FakeLivePerson(self.worlds)
        self.files = FakeFiles(self.worlds)
        self.runs = 0

    def run(self, event: dict[str, Any] | None = None, *, table: Table | None = None) -> Any:
        """One invocation by a fresh process."""
        services = Services(Settings(), now=self.clock.now, sleep=self.clock.sleep)
        services.__dict__.update(
            table=table or self.table, liveperson=self.lp, files=self.files,
            programs=SimpleNamespace(current=lambda: self.program),
        )  # fmt: skip
        self.runs += 1
        context = SimpleNamespace(
            aws_request_id=f"run-{self.runs}", function_name="agent_mapping",
            memory_limit_in_mb=1024, invoked_function_arn="arn:aws:lambda:us-east-1:1:function:x",
        )  # fmt: skip
        del self.calls[:]
        self.lp.asked.clear()
        self.files.looked.clear()
        with using(services):
            return handler(event or sent("schedule"), context)

    def rebuild(self, account: Account) -> str:
        """The flow alone, as another process would run it."""
        return rebuild(
            account, program=self.program, liveperson=cast("Any", self.lp),
            files=cast("Any", self.files), states=self.stores.states, owner="another",
            now=self.clock.now(),
        ).what  # fmt: skip

    def change(self, **parts: Any) -> None:
        self.worlds[ACCOUNT] = replace(self.worlds[ACCOUNT], **parts)
        self.lp.revision += 1

    def writes(self) -> list[tuple[str, list[str]]]:
        """(operation, keys) of every write of the last run."""
        found = []
        for _, operation, request in self.calls:
            if operation == "BatchWriteItem":
                ((_, entries),) = request["RequestItems"].items()
                keys = [(e.get("PutRequest") or {"Item": None})["Item"] or
                        e["DeleteRequest"]["Key"] for e in entries]  # fmt: skip
                found.append((operation, sorted(k["pk"]["S"] for k in keys)))
            elif operation in ("UpdateItem", "PutItem", "DeleteItem"):
                key = request.get("Key") or request["Item"]
                found.append((operation, [key["pk"]["S"]]))
        return found

    @property
    def stores(self) -> Stores:
        return Stores(self.table, now=self.clock.now)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    sums: dict[str, float] = {}

    def count(name: str, value: float = 1, **_: Any) -> None:
        assert name in observability.METRICS
        sums[name] = sums.get(name, 0) + value

    monkeypatch.setattr("agent_mapping.app.count", count)
    return sums


@pytest.fixture
def only_ours(program: Program) -> Program:
    """The in-store program without the other sub-account's banners."""
    ours = [b for b in program.banners if b.account == ACCOUNT]
    return program.model_copy(update={"banners": ours})


@pytest.fixture
def house(
    table: Table, clock: Any, only_ours: Program, requests_made: list[Any], counted: Any
) -> House:
    return House(table, clock, only_ours, {ACCOUNT: world()}, requests_made)


def test_the_first_build_writes_every_store_and_every_name(house: House, counted: Any) -> None:
    assert house.run() == {ACCOUNT: {
        "what": "rebuilt", "stores": 3, "agents": 6, "written": 3, "deleted": 0, "unchanged": 0,
        "refused_rows": 0,
    }}  # fmt: skip
    stores = house.stores
    store = stores.store(ACCOUNT, group="100")
    assert store is not None
    assert [a.agent_id for a in store.associates] == ["1", "2"]
    assert [(m.agent_id, m.visiting) for m in store.managers] == [("9", False)]
    jared = stores.store(ACCOUNT, group="300")
    assert jared is not None
    assert [(m.agent_id, m.visiting) for m in jared.managers] == [("9", True)]
    dana = Pointer(ACCOUNT, "100", "1")
    assert stores.by_word("kay", word="2n9c") == dana
    assert stores.by_word("kay", word=" danar! ") == dana
    assert stores.by_word("jared", word="DanaR") is None
    assert stores.by_agent(ACCOUNT, agent_id="9") == Pointer(ACCOUNT, "100", "9")
    assert stores.by_pid(ACCOUNT, pid="pid-5") == Pointer(ACCOUNT, "300", "5")
    assert stores.by_login(ACCOUNT, login="a3@KAY.example.com") == Pointer(ACCOUNT, "200", "3")
    assert stores.by_agent(ACCOUNT, agent_id="70") is None  # a bot is nobody's associate
    assert counted == {"MappingChanged": 3, "RosterRowsRefused": 0, "VendorFailed": 0}
    state = house.table.get(f"MAP#{ACCOUNT}", "MAP")
    assert state is not None
    assert "lock" not in state
    assert "unsettled" not in state
    assert (state["agents"], state["skills"]["kay-associates"]) == (6, "900")


def test_an_unchanged_map_costs_no_write(house: House) -> None:
    house.run()
    summary = house.run()
    assert summary[ACCOUNT]["what"] == "unchanged"
    assert (summary[ACCOUNT]["unchanged"], summary[ACCOUNT]["written"]) == (3, 0)
    assert [operation for _, operation, _ in house.calls] == ["GetItem"]
    assert house.lp.asked == [(ACCOUNT, kind, "7") for kind in ("users", "groups", "skills")]
    assert house.files.looked == [
        f"roster/{ACCOUNT}/stores.csv",
        f"roster/{ACCOUNT}/associates.csv",
    ]
    assert house.files.reads == 2  # both by the first run


def test_a_new_revision_without_a_change_keeps_the_revision_in_one_write(house: House) -> None:
    house.run()
    house.change()
    assert house.run()[ACCOUNT]["what"] == "unchanged"
    assert house.writes() == [("UpdateItem", [f"MAP#{ACCOUNT}"])]
    assert house.run()[ACCOUNT]["what"] == "unchanged"
    assert house.writes() == []


def test_a_change_of_one_agent_writes_its_store_its_names_and_the_state(house: House) -> None:
    house.run()
    users = house.worlds[ACCOUNT].users
    house.change(users=(*users, user(6, group="200")))
    summary = house.run()[ACCOUNT]
    assert (summary["written"], summary["unchanged"], summary["agents"]) == (1, 2, 7)
    mine = f"ALIAS#{ACCOUNT}"
    assert house.writes() == [
        ("UpdateItem", [f"MAP#{ACCOUNT}"]),
        ("UpdateItem", [f"STORE#{ACCOUNT}#200"]),
        ("BatchWriteItem",
         [f"{mine}#agent:6", f"{mine}#login:a6@kay.example.com", f"{mine}#pid:pid-6"]),
        ("UpdateItem", [f"STORE#{ACCOUNT}#200"]),
        ("UpdateItem", [f"MAP#{ACCOUNT}"]),
    ]  # fmt: skip


def test_a_disabled_agent_stays_in_the_map_and_a_deleted_one_vanishes(house: House) -> None:
    house.run()
    first, second, *rest = house.worlds[ACCOUNT].users
    house.change(users=(replace(first, enabled=False), second, *rest))
    house.run()
    assert [op for op, _ in house.writes()] == ["UpdateItem"] * 3  # no name changed
    store = house.stores.store(ACCOUNT, group="100")
    assert store is not None
    person = store.find("1")
    assert person is not None
    assert not person.enabled
    assert house.stores.by_word("kay", word="DanaR") == Pointer(ACCOUNT, "100", "1")
    house.change(users=(replace(first, deleted=True), second, *rest))
    house.run()
    assert house.stores.by_word("kay", word="DanaR") is None
    assert house.stores.by_word("kay", word="2N9C") is None
    assert house.stores.by_agent(ACCOUNT, agent_id="1") is None
    assert house.stores.by_pid(ACCOUNT, pid="pid-1") is None
    assert house.stores.by_login(ACCOUNT, login="A1@kay.example.com") is None


def test_a_roster_change_alone_asks_for_the_users_again(house: House) -> None:
    house.run()
    rows = [("a1@kay.example.com", "123456", "DanaR|Dana77"), ("a3@kay.example.com", "123457", "")]
    house.worlds[ACCOUNT] = replace(house.worlds[ACCOUNT], associates=associates_csv(rows))
    assert house.run()[ACCOUNT]["written"] == 1
    assert house.lp.asked == [
        (ACCOUNT, "users", "7"), (ACCOUNT, "groups", "7"), (ACCOUNT, "skills", "7"),
        (ACCOUNT, "users", None), (ACCOUNT, "groups", None),
    ]  # fmt: skip
    assert house.stores.by_word("kay", word="dana77") == Pointer(ACCOUNT, "100", "1")
    state = house.table.get(f"MAP#{ACCOUNT}", "MAP")
    assert state is not None
    assert state["revisions"] == {"users": "7", "groups": "7", "skills": "7"}
    assert state["skills"]["jared-associates"] == "902"


def test_a_program_alias_alone_rebuilds(house: House) -> None:
    house.run()
    alias = {"banner": "kay", "word": "TheBoss", "login": "A9@kay.example.com"}
    house.program = house.program.model_validate(
        {**house.program.model_dump(by_alias=True), "aliases": [alias]}
    )
    assert house.run()[ACCOUNT]["written"] == 1
    assert house.stores.by_word("kay", word="theb0ss") == Pointer(ACCOUNT, "100", "9")


def test_the_busy_streak_survives_a_rewrite_and_off_does_not(house: House) -> None:
    house.run()
    stores = house.stores
    store = stores.store(ACCOUNT, group="100")
    assert store is not None
    began = stores.busy_since(store, now=house.clock.now())
    stores.disable_agent(ACCOUNT, group="100", agent_id="2")
    seen = house.stores.store(ACCOUNT, group="100")
    assert seen is not None
    assert [a.enabled for a in seen.associates] == [True, False]
    house.clock.advance(300)
    house.change(users=(*house.worlds[ACCOUNT].users, user(6, group="100")))
    house.run()
    seen = house.stores.store(ACCOUNT, group="100")
    assert seen is not None
    assert [a.enabled for a in seen.associates] == [True, True, True]
    assert house.stores.busy_since(seen, now=house.clock.now()) == began


def test_a_vanished_store_is_deleted_with_its_names(house: House) -> None:
    house.run()
    kept = tuple(u for u in house.worlds[ACCOUNT].users if u.member_of != "300")
    house.change(groups=(group("100"), group("200")), users=kept)
    summary = house.run()[ACCOUNT]
    assert (summary["what"], summary["stores"], summary["deleted"], summary["written"]) == (
        "rebuilt", 2, 1, 0)  # fmt: skip
    assert house.stores.store(ACCOUNT, group="300") is None
    assert house.stores.by_agent(ACCOUNT, agent_id="5") is None
    assert [op for op, _ in house.writes()].count("DeleteItem") == 1


def test_a_pull_that_would_drop_too_many_changes_nothing(house: House, counted: Any) -> None:
    house.run()
    before = dump(house.table)
    house.change(users=house.worlds[ACCOUNT].users[:2])
    assert house.run() == refused("4 of 6 agents would be dropped at once")
    assert house.writes() == []
    assert dump(house.table) == before
    assert counted["MappingRefused"] == 1
    assert "MappingFailed" not in counted
    assert house.run(sent("forced"))[ACCOUNT]["agents"] == 2
    assert house.stores.by_agent(ACCOUNT, agent_id="3") is None


@pytest.mark.parametrize(("left", "what"), [(4, "refused"), (5, "rebuilt")])
def test_the_drop_share_is_a_boundary(house: House, left: int, what: str) -> None:
    """Of 6 agents and a share of 0.2, one may go (5 >= 4.8) and two may not."""
    house.run()
    house.change(users=house.worlds[ACCOUNT].users[: left - 1] + house.worlds[ACCOUNT].users[5:])
    assert house.run()[ACCOUNT]["what"] == what


def test_mass_disabling_is_a_drop_too(house: House) -> None:
    house.run()
    house.change(users=tuple(replace(u, enabled=False) for u in house.worlds[ACCOUNT].users))
    assert house.run() == refused("6 of 6 agents would be dropped at once")


@pytest.mark.parametrize("missing", ["users", "groups"])
def test_an_empty_listing_is_refused_even_at_first(house: House, missing: str) -> None:
    house.change(**{missing: ()})
    assert house.run()[ACCOUNT]["why"] == "LivePerson lists no users or no groups"
    assert house.writes() == []


def test_one_account_that_fails_does_not_stop_the_other(
    house: House, program: Program, counted: Any
) -> None:
    house.program = program
    house.worlds[OTHER] = other_world()
    house.lp.away.add(ACCOUNT)
    with pytest.raises(UnavailableError, match="of 1 accounts failed"):
        house.run()
    assert house.stores.by_agent(OTHER, agent_id="801") == Pointer(OTHER, "800", "801")
    assert (counted["MappingFailed"], counted["MappingChanged"]) == (1, 1)
    house.lp.away.clear()
    assert {k: v["what"] for k, v in house.run().items()} == {ACCOUNT: "rebuilt",
                                                             OTHER: "unchanged"}  # fmt: skip


def test_a_forced_run_of_one_account_leaves_the_other_alone(house: House, program: Program) -> None:
    house.program = program
    house.worlds[OTHER] = other_world()
    assert list(house.run({"account": OTHER})) == [OTHER]
    assert {account for account, *_ in house.lp.asked} == {OTHER}
    with pytest.raises(BadInputError, match="no such account"):
        house.run({"force": True, "account": "10000001"})


def test_force_on_an_unchanged_map_asks_for_everything_and_writes_nothing(house: House) -> None:
    house.run()
    assert house.run(sent("forced"))[ACCOUNT]["what"] == "unchanged"
    assert house.lp.asked == [(ACCOUNT, kind, None) for kind in ("users", "groups", "skills")]
    assert house.writes() == []


def test_a_304_to_an_unconditional_request_is_no_information(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I12: the vendor's fault must not empty the map."""
    house.run()
    before = dump(house.table)
    monkeypatch.setattr(house.lp, "_list", lambda *_: None)
    with pytest.raises(UnavailableError, match="of 1 accounts failed"):
        house.run(sent("forced"))
    assert dump(house.table) == before


def test_force_must_be_true_itself(house: House) -> None:
    house.run()
    house.change(users=house.worlds[ACCOUNT].users[:2])
    assert house.run({"force": "true"}) == refused("4 of 6 agents would be dropped at once")


@pytest.mark.parametrize("broken", [b"", b"login,aliases\n", b"\xff"])
def test_a_bad_roster_file_keeps_the_last_good_map(
    house: House, counted: Any, broken: bytes
) -> None:
    house.run()
    before = dump(house.table)
    house.worlds[ACCOUNT] = replace(house.worlds[ACCOUNT], associates=broken)
    with pytest.raises(UnavailableError):
        house.run()
    assert dump(house.table) == before
    assert counted["MappingFailed"] == 1


def test_refused_rows_are_counted_and_logged_by_line_and_code_only(
    house: House, counted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        observability.logger, "warning", lambda text, extra: said.append((text, extra))
    )
    rows = [("a1@kay.example.com", "123456", "STOP"), ("A1@kay.example.com", "5", "")]
    house.worlds[ACCOUNT] = replace(
        house.worlds[ACCOUNT], associates=associates_csv(rows),
        stores=stores_csv([{"group": "100"}, {"group": "200"}, {"group": "300"}, {"group": "404"}]),
    )  # fmt: skip
    house.lp.skipped = 2
    assert house.run()[ACCOUNT]["refused_rows"] == 3
    assert counted["RosterRowsRefused"] == 3
    assert said == [("Left out of the agent map", {"lp_account": ACCOUNT, "of": [
        "associates.csv:2:reserved_word", "associates.csv:3:duplicate_login",
        "stores.csv:5:unknown_group", "groups:-1:group_without_row", "users:2:unreadable",
    ]})]  # fmt: skip


def test_a_row_that_gets_the_map_refused_is_named(
    house: House, counted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zone misspelt loses a whole store, and with it more agents than may go at once."""
    house.run()
    said: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        observability.logger, "warning", lambda text, extra: said.append((text, extra))
    )
    rows = [{"group": "100", "zone": "Pacific"}, {"group": "200"},
            {"group": "300", "banner": "jared"}]  # fmt: skip
    house.worlds[ACCOUNT] = replace(house.worlds[ACCOUNT], stores=stores_csv(rows))
    left_out = ["stores.csv:2:unknown_zone", *MAIN, "groups:100:group_without_row"]
    assert house.run() == refused("2 of 6 agents would be dropped at once", *left_out)
    assert said == [
        ("Left out of the agent map", {"lp_account": ACCOUNT, "of": left_out})
    ]  # fmt: skip
    assert (counted["MappingRefused"], counted["RosterRowsRefused"]) == (1, 1)


def test_two_runs_at_once_exclude_each_other(house: House) -> None:
    """The second one comes while the first is about to write its last item."""
    seconds: list[str] = []
    account = house.program.accounts[1]

    class Meeting(MortalClient):
        def __getattr__(self, name: str) -> Any:
            call = super().__getattr__(name)

            def meet(**request: Any) -> Any:
                if name == "batch_write_item" and not seconds:
                    seconds.append("")
                    seconds[0] = house.rebuild(account)
                return call(**request)

            return meet if name == "batch_write_item" else call

    client = Meeting(house.table._client, dies_at=None)
    assert house.run(table=Table(client, house.table.name))[ACCOUNT]["what"] == "rebuilt"
    assert seconds == ["busy"]
    assert house.run()[ACCOUNT]["what"] == "unchanged"


def test_a_run_that_looked_before_another_finished_does_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run()
    states = house.stores.states
    stale = states.load(ACCOUNT)
    house.clock.advance(1)
    house.change(users=(*house.worlds[ACCOUNT].users, user(6, group="200")))
    house.run()
    now = house.clock.now()
    assert not states.lock(ACCOUNT, seen=stale, groups=["200"], owner="late", now=now)
    assert not states.note(ACCOUNT, state=stale, seen=stale, now=now)
    monkeypatch.setattr(MapStates, "load", lambda *_: stale)
    assert house.rebuild(house.program.accounts[1]) == "busy"  # it would write store 200
    house.change(users=world().users)
    assert house.rebuild(house.program.accounts[1]) == "busy"  # it would keep the revision


def test_a_failure_gives_the_lock_back_and_keeps_the_note(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise UnavailableError("the table is throttled or away")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "write_many", fail)
        with pytest.raises(UnavailableError):
            house.run()
    state = house.table.get(f"MAP#{ACCOUNT}", "MAP")
    assert state is not None
    assert "lock" not in state
    assert state["unsettled"] == ["100", "200", "300"]
    assert house.run()[ACCOUNT]["what"] == "rebuilt"  # at once, and nothing is missing
    assert house.stores.by_word("kay", word="DanaR") == Pointer(ACCOUNT, "100", "1")


def test_a_lock_lost_is_said_aloud(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def steal(self: Table, *_: Any, **__: Any) -> None:
        self.update(f"MAP#{ACCOUNT}", "MAP", "SET #lock.#owner = :other",
                    names={"lock": "lock", "owner": "owner"}, values={"other": "x"})  # fmt: skip

    monkeypatch.setattr(Table, "write_many", steal)
    with pytest.raises(UnavailableError, match="of 1 accounts failed"):
        house.run()
    state = house.table.get(f"MAP#{ACCOUNT}", "MAP")
    assert state is not None
    assert state["lock"]["owner"] == "x"
    assert "stores" not in state


# ------------------------------------------------------------------ I13


def moved() -> World:
    """Dana (1) moves to 200, 2 leaves, 6 joins 300, the alias goes to 4, store 400 appears."""
    old = world()
    return replace(
        old,
        users=(user(1, group="200"), *old.users[2:], user(6, group="300"), user(7, group="400"),
               user(8, group="400")),
        groups=(*old.groups, group("400")),
        stores=stores_csv([{"group": "100"}, {"group": "200"}, {"group": "300", "banner": "jared"},
                           {"group": "400", "zone": "America/Chicago"}]),
        associates=associates_csv([("a1@kay.example.com", "123456", ""),
                                   ("a4@kay.example.com", "", "DanaR")]),
    )  # fmt: skip


def shrunk() -> World:
    """Store 200 vanishes and with it 3 and 4; 1 and its words stay where they were."""
    old = world()
    return replace(
        old, users=tuple(u for u in old.users if u.member_of != "200"),
        stores=stores_csv([{"group": "100"}, {"group": "300", "banner": "jared"}]),
    )  # fmt: skip


WORLDS: dict[str, Callable[[], World]] = {"old": world, "moved": moved, "shrunk": shrunk}


def _generous(program: Program) -> Program:
    return program.model_copy(
        update={"mapping": program.mapping.model_copy(update={"max_drop_share": 1})}
    )


def _expected(house: House, name: str) -> Any:
    """What the table holds when this world is built on an empty one."""
    empty(house.table)
    _set(house, name)
    house.run()
    fresh = dump(house.table)
    empty(house.table)
    return fresh


def _set(house: House, name: str) -> None:
    house.worlds[ACCOUNT] = WORLDS[name]()
    house.lp.revision = zlib.crc32(name.encode())


@pytest.mark.parametrize("then", ["old", "moved", "shrunk"])
@pytest.mark.parametrize("target", ["moved", "shrunk"])
def test_a_crash_at_any_write_converges(house: House, target: str, then: str) -> None:
    """I13: killed before (a batch: in the middle of) its n-th write, for every n; the next run
    finds the same world, the one before, or a third, and the map is as if built from nothing."""
    house.program = _generous(house.program)
    expected = {name: _expected(house, name) for name in ("old", then)}
    _set(house, "old")
    house.run()
    start = snapshot(house.table)
    dies_at = 0
    while True:
        dies_at += 1
        restore(house.table, start)
        assert dump(house.table) == expected["old"]
        _set(house, target)
        client = MortalClient(house.table._client, dies_at=dies_at)
        try:
            house.run(table=Table(client, house.table.name))
        except KilledError:
            house.clock.advance(LAPSE)
        _set(house, then)
        house.run()
        assert dump(house.table) == expected[then], f"killed at write {dies_at}"
        if client.writes < dies_at:
            break
    assert client.writes == {"moved": 11, "shrunk": 5}[target]


@pytest.mark.parametrize("seed", range(12))
def test_crashes_upon_crashes_converge(house: House, seed: int) -> None:
    """Several runs in a row die, each in another world; the first that lives sets all right."""
    house.program = _generous(house.program)
    dice = random.Random(seed)
    last = dice.choice(sorted(WORLDS))
    expected = _expected(house, last)
    for _ in range(4):
        _set(house, dice.choice(sorted(WORLDS)))
        client = MortalClient(house.table._client, dies_at=dice.randint(1, 14))
        try:
            house.run(table=Table(client, house.table.name))
        except KilledError:
            house.clock.advance(LAPSE)
    _set(house, last)
    house.run()
    assert dump(house.table) == expected


def test_while_a_dead_runs_lock_lasts_the_next_run_waits(house: House) -> None:
    house.run()
    _set(house, "moved")
    client = MortalClient(house.table._client, dies_at=3)
    house.program = _generous(house.program)
    with pytest.raises(KilledError):
        house.run(table=Table(client, house.table.name))
    house.clock.advance(599)
    assert house.run()[ACCOUNT]["what"] == "busy"
    house.clock.advance(2)
    assert house.run()[ACCOUNT]["what"] == "rebuilt"


# ------------------------------------------------------------------ size


def _crowd(house: House, *, agents: int, stores: int) -> None:
    places = [str(number) for number in range(10_000, 10_000 + stores)]
    users = tuple(user(n, group=places[n % stores]) for n in range(agents))
    house.change(
        users=users, groups=tuple(group(place) for place in places),
        stores=stores_csv({"group": place} for place in places),
        associates=associates_csv((u.login, str(100_000 + int(u.id)), "") for u in users),
    )  # fmt: skip


def test_a_first_build_writes_in_batches(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 agents in 40 stores: two writes a store, four names an agent at 25 a request."""
    monkeypatch.setattr(mapping, "TOGETHER", 20)
    _crowd(house, agents=200, stores=40)
    summary = house.run()[ACCOUNT]
    assert (summary["written"], summary["agents"]) == (40, 200)
    assert Counter(operation for _, operation, _ in house.calls) == {
        "GetItem": 1, "BatchGetItem": 2, "UpdateItem": 82, "BatchWriteItem": 32,
    }  # fmt: skip


def test_among_20000_agents_in_4000_stores_one_change_is_one_change(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R77. Of the first build only one store is really written here: it takes a minute in moto."""
    _crowd(house, agents=20_000, stores=4_000)
    write = mapping._Run.write
    with monkeypatch.context() as patch:
        patch.setattr(mapping._Run, "write", lambda run, groups: write(run, groups[:1]))
        house.run()
    began = time.process_time()
    assert house.run()[ACCOUNT]["what"] == "unchanged"
    assert [operation for _, operation, _ in house.calls] == ["GetItem"]
    first, *others = house.worlds[ACCOUNT].users
    house.change(users=(replace(first, nickname="New"), *others))
    summary = house.run()[ACCOUNT]
    assert (summary["written"], summary["unchanged"], summary["agents"]) == (1, 3_999, 20_000)
    assert house.writes() == [
        ("UpdateItem", [f"MAP#{ACCOUNT}"]), ("UpdateItem", [f"STORE#{ACCOUNT}#10000"]),
        ("UpdateItem", [f"MAP#{ACCOUNT}"]),
    ]  # fmt: skip
    assert time.process_time() - began < 20
    state = json.dumps(house.table.get(f"MAP#{ACCOUNT}", "MAP"))
    assert len(state) < 150_000  # of the 400 KB an item may have


# ------------------------------------------------------------------ mirror


def _mirrored(program: Program) -> Program:
    mapping = program.mapping.model_copy(update={"mirror_namespace": "stores"})
    return program.model_copy(update={"mapping": mapping})


def test_the_mirror_has_ids_and_zones_only_and_changed_stores_only(house: House) -> None:
    house.program = _mirrored(house.program)
    house.run()
    assert house.lp.context == {
        ("stores", "kay"): {
            "store_100": {"group": "100", "zone": "America/New_York", "agents": ["1", "2"],
                          "managers": ["9"]},
            "store_200": {"group": "200", "zone": "America/New_York", "agents": ["3", "4"],
                          "managers": []},
        },
        ("stores", "jared"): {
            "store_300": {"group": "300", "zone": "America/New_York", "agents": ["5"],
                          "managers": ["9"]},
        },
    }  # fmt: skip
    house.lp.context.clear()
    house.worlds[ACCOUNT] = replace(house.worlds[ACCOUNT], stores=stores_csv(
        [{"group": "100"}, {"group": "200", "banner": "kay_outlet"}]))  # fmt: skip
    house.program = _generous(house.program)
    house.run()
    assert {key: sorted(value) for key, value in house.lp.context.items()} == {
        ("stores", "kay_outlet"): ["store_200"], ("stores", "kay"): [], ("stores", "jared"): [],
    }  # fmt: skip


def test_a_mirror_that_fails_is_counted_and_repaired_by_the_next_run(
    house: House, counted: Any
) -> None:
    house.program = _mirrored(house.program)
    house.lp.away.add("context")
    assert house.run()[ACCOUNT]["what"] == "rebuilt"
    assert counted["VendorFailed"] == 1
    state = house.table.get(f"MAP#{ACCOUNT}", "MAP")
    assert state is not None
    assert state["mirror_pending"] == ["jared|300", "kay|100", "kay|200"]
    house.lp.away.clear()
    assert house.run()[ACCOUNT]["written"] == 0
    assert {key[1]: sorted(value) for key, value in house.lp.context.items()} == {
        "kay": ["store_100", "store_200"], "jared": ["store_300"],
    }  # fmt: skip
    assert house.run()[ACCOUNT]["what"] == "unchanged"
    assert house.writes() == []


def test_a_mirror_switched_off_forgets_what_it_owes(house: House) -> None:
    plain = house.program
    house.program = _mirrored(house.program)
    house.lp.away.add("context")
    house.run()
    house.program = plain
    assert house.run()[ACCOUNT]["what"] == "unchanged"
    assert house.run()[ACCOUNT]["what"] == "unchanged"
    assert house.writes() == []


def test_accounts_are_asked_only_where_people_are(house: House, program: Program) -> None:
    assert [a.id for a in program.human_accounts()] == [ACCOUNT, OTHER]
    assert isinstance(program.human_accounts()[0], Account)
