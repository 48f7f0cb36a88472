"""Joining users, groups and roster: who is in which store, which words lead to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.map_rig import ACCOUNT, SKILLS, associates_csv, group, stores_csv, user

from instore.directory import Opening, Pointer, aliases, read_clock
from instore.directory_build import Directory, Pull, build
from instore.program import Program
from instore.roster import read_associates, read_stores

WHERE: dict[str, Any] = {"groups": (group("100"), group("200"), group("300")),
                         "stores": [{"group": "100"}, {"group": "200"},
                                    {"group": "300", "banner": "jared"}]}  # fmt: skip


@pytest.fixture
def program(program: Program) -> Program:
    ours = [b for b in program.banners if b.account == ACCOUNT]
    return program.model_copy(update={"banners": ours})


def made(program: Program, *, users: Any, roster: Any = (), **where: Any) -> Directory:
    where = {**WHERE, **where}
    account = program.account(ACCOUNT)
    assert account is not None
    pull = Pull(
        users, where["groups"], where.get("skills", {s.name: s.id for s in SKILLS}),
        read_stores(stores_csv(where["stores"]), banners=["kay", "jared", "kay_outlet"]).good,
        read_associates(associates_csv(roster)).good,
    )  # fmt: skip
    return build(account, program=program, pull=pull)


def said(directory: Directory) -> list[str]:
    return [str(problem) for problem in directory.problems]


def with_aliases(program: Program, *entries: tuple[str, str, str]) -> Program:
    listed = [{"banner": b, "word": w, "login": login} for b, w, login in entries]
    return Program.model_validate({**program.model_dump(by_alias=True), "aliases": listed})


def test_groups_join_their_rows_by_id_first_and_by_name_second(program: Program) -> None:
    directory = made(
        program, users=(user(1, group="100"),),
        groups=(group("100", "200"), group("200", "Dayton"), group("300", deleted=True),
                group("400", enabled=False), group("500")),
        stores=[{"group": "Dayton", "name": "D"}, {"group": "100", "name": "H"}, {"group": "200"},
                {"group": "300"}, {"group": "400"}, {"group": "Nowhere"}],
    )  # fmt: skip
    assert {g: s.name for g, s in directory.stores.items()} == {"100": "H", "200": "D"}
    assert said(directory) == [
        "stores.csv:4:duplicate_group", "stores.csv:5:unknown_group", "stores.csv:6:unknown_group",
        "stores.csv:7:unknown_group", "groups:500:group_without_row",
    ]  # fmt: skip


def test_only_living_humans_with_all_names_are_people(program: Program) -> None:
    directory = made(program, users=(
        user(1, group="100"), user(2, group="100", user_type=2), user(3, group="100", user_type=0),
        user(4, group="100", deleted=True), user(5, group="100", pid=""),
        user(6, group="100", login=""), user(7, group="100", pid="pid-1"),
        user(8, group="100", login="A1@KAY.example.com"), user(1, group="200"),
        user(10, group="100", enabled=False), user(11), user(12, group="999"),
    ))  # fmt: skip
    assert [(a.agent_id, a.enabled) for a in directory.stores["100"].associates] == [
        ("1", True), ("10", False)]  # fmt: skip
    assert directory.stores["200"].associates == ()
    assert directory.agents == 1
    assert said(directory) == [
        "users:1:user_twice", "users:5:user_without_id_pid_or_login",
        "users:6:user_without_id_pid_or_login", "users:7:user_twice", "users:8:user_twice",
    ]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_somebody_told_twice_and_differently_is_what_forbids_the_most(
    program: Program, turned: bool
) -> None:
    told = [user(1), user(1, enabled=False), user(2), user(2, deleted=True),
            user(3), user(3, user_type=2), user(4), user(4)]  # fmt: skip
    told = [replace(one, member_of="100") for one in told]
    directory = made(program, users=told[::-1] if turned else told)
    people = {p.agent_id: p.enabled for p in directory.stores["100"].associates}
    assert people == {"1": False, "4": True}
    assert [line for line in said(directory) if line.startswith("users")] == [
        f"users:{n}:user_twice" for n in (1, 2, 3, 4)]  # fmt: skip


def test_two_groups_of_one_name_are_not_guessed_between(program: Program) -> None:
    groups = [group("100", "Twin"), group("200", "Twin"), group("300", "Other")]
    stores = [{"group": "Twin"}, {"group": "200"}, {"group": "Other"}]
    directory = made(program, users=[user(1)], stores=stores, groups=groups)
    assert sorted(directory.stores) == ["200", "300"]
    assert "stores.csv:2:ambiguous_group" in said(directory)


def test_a_manager_stands_in_each_store_and_is_at_home_in_one(program: Program) -> None:
    directory = made(
        program, users=(user(1, group="200", manages=["300", "100", "999"]),
                        user(2, manages=["300", "200"]), user(3, group="100", manages=["100"]),
                        user(4, manages=["999"])),
        roster=[("a1@kay.example.com", "123456", "")],
    )  # fmt: skip
    seen = {g: ([a.agent_id for a in s.associates],
                [(m.agent_id, m.visiting, m.words) for m in s.managers])
            for g, s in directory.stores.items()}  # fmt: skip
    assert seen == {
        "100": ([], [("1", True, ()), ("3", False, ())]),
        "200": (["1"], [("2", False, ())]),
        "300": ([], [("1", True, ()), ("2", True, ())]),
    }  # fmt: skip
    assert directory.stores["200"].associates[0].words == ("2N9C",)
    whole = directory.aliases()
    assert whole[f"{ACCOUNT}#agent:1"] == Pointer(ACCOUNT, "200", "1")
    assert whole[f"{ACCOUNT}#agent:2"] == Pointer(ACCOUNT, "200", "2")
    assert whole[f"{ACCOUNT}#agent:3"] == Pointer(ACCOUNT, "100", "3")
    assert len(whole) == 3 * 3 + 1
    assert directory.agents == 3


def test_words_are_base36_and_aliases_of_the_persons_own_banner(program: Program) -> None:
    directory = made(
        with_aliases(program, ("jared", "LeeP", "A3@kay.example.com")),
        users=(user(1, group="100"), user(2, group="200", enabled=False), user(3, group="300")),
        roster=[("a1@kay.example.com", "123456", "DanaR|dana7"),
                ("A3@kay.example.com", "", "danar"),
                ("a2@kay.example.com", "0123457", ""), ("a99@kay.example.com", "5", "danar")],
    )  # fmt: skip
    assert said(directory) == []
    words = {n: p.agent_id for n, p in directory.aliases().items() if n.startswith(("kay", "jar"))}
    assert words == {"kay#2N9C": "1", "kay#DANAR": "1", "kay#DANA7": "1", "kay#2N9D": "2",
                     "jared#1EEP": "3", "jared#DANAR": "3"}  # fmt: skip
    assert directory.stores["100"].associates[0].words == ("2N9C", "DANA7", "DANAR")
    assert directory.stores["200"].associates[0].employee_id == "0123457"


def test_a_look_alike_login_is_nobody_elses(program: Program) -> None:
    kelvin = "a1@\u212aay.example.com"
    users = (user(1, group="100"), replace(user(2, group="100"), login=kelvin))
    directory = made(
        with_aliases(program, ("kay", "Lucky7", kelvin)), users=users,
        roster=[("A1@kay.example.com", "123456", ""), (kelvin, "7777", "")],
    )  # fmt: skip
    assert said(directory) == []
    words = {n: p.agent_id for n, p in directory.aliases().items() if n.startswith("kay")}
    assert words == {"kay#2N9C": "1", "kay#601": "2", "kay#1UCKY7": "2"}
    assert directory.aliases()[f"{ACCOUNT}#login:a1@kay.example.com"].agent_id == "1"
    assert directory.aliases()[f"{ACCOUNT}#login:{kelvin}"].agent_id == "2"


def test_an_alias_belongs_to_base36_first_then_the_program_then_the_earlier_line(
    program: Program,
) -> None:
    directory = made(
        with_aliases(program, ("kay", "Lucky7", "a2@kay.example.com"),
                     ("kay", "2n9c", "a2@kay.example.com")),
        users=tuple(user(n, group="100") for n in (1, 2, 3)),
        roster=[("a1@kay.example.com", "123456", "lucky7|Sunny"),
                ("a3@kay.example.com", "", "SUNNY"),
                ("a2@kay.example.com", "", "1ucky7")],
    )  # fmt: skip
    assert said(directory) == ["program:2:duplicate_alias", "associates.csv:2:duplicate_alias",
                               "associates.csv:3:duplicate_alias"]  # fmt: skip
    assert [a.words for a in directory.stores["100"].associates] == [
        ("2N9C", "SUNNY"), ("1UCKY7",), ()]  # fmt: skip


def test_an_alias_that_reads_like_anothers_base36_id_is_refused(program: Program) -> None:
    """A number whose Base36 form is `JOHN`: typed so, it must be that person, always."""
    john = str(int("JOHN", 36))
    users = tuple(user(n, group="100") for n in (1, 2))
    roster = [("a1@kay.example.com", john, ""), ("a2@kay.example.com", "", "j0hn")]
    directory = made(program, users=users, roster=roster)
    assert said(directory) == ["associates.csv:3:duplicate_alias"]
    assert directory.aliases()["kay#JOHN"].agent_id == "1"
    own = made(program, users=users, roster=[("a1@kay.example.com", john, "John")])
    assert said(own) == []
    assert own.stores["100"].associates[0].words == ("J0HN", "JOHN")


def test_employee_ids_that_spell_a_reserved_word_or_one_letter_are_no_word(
    program: Program,
) -> None:
    stop, ten = int("STOP", 36), 10
    directory = made(
        program, users=(user(1, group="100"), user(2, group="100")),
        roster=[("a1@kay.example.com", str(stop), ""), ("a2@kay.example.com", str(ten), "")],
    )  # fmt: skip
    assert said(directory) == ["associates.csv:2:employee_id_is_reserved_word",
                               "associates.csv:3:employee_id_too_short"]  # fmt: skip
    assert [a.words for a in directory.stores["100"].associates] == [(), ()]


def test_a_program_alias_without_its_associate_is_reported(program: Program) -> None:
    directory = made(
        with_aliases(program, ("kay", "Ghost", "nobody@kay.example.com"),
                     ("jared", "Wrong", "a1@kay.example.com")),
        users=(user(1, group="100"),),
    )  # fmt: skip
    assert said(directory) == ["program:1:alias_without_associate",
                               "program:2:alias_without_associate"]  # fmt: skip


def test_aliases_of_another_accounts_banners_are_none_of_this_map(
    program: Program, strict_program: Program
) -> None:
    others = strict_program.banners[0].model_copy(update={"name": "zales"})
    both = program.model_copy(update={"banners": [*program.banners, others]})
    whole = with_aliases(both, ("zales", "Ghost", "nobody@zales.example.com"))
    assert said(made(whole, users=(user(1, group="100"),))) == []


def test_a_human_skill_that_does_not_exist_is_reported(program: Program) -> None:
    directory = made(program, users=(user(1, group="100"),), skills={"Kay-Associates": "1"})
    assert said(directory) == [f"program:{n}:human_skill_unknown_to_liveperson" for n in (1, 2, 3)]


def test_the_hash_tells_every_difference_and_nothing_else(program: Program) -> None:
    users = (user(2, group="100"), user(10, group="100"), user(9, manages=["100"]))
    first = made(program, users=users)
    assert made(program, users=tuple(reversed(users))).hashes == first.hashes
    for other in (
        made(program, users=(replace(users[0], enabled=False), *users[1:])),
        made(program, users=(replace(users[0], nickname="New"), *users[1:])),
        made(program, users=users, roster=[("a2@kay.example.com", "123456", "")]),
        made(program, users=users, stores=[{"group": "100", "monday": "10:00-11:00"},
                                           *WHERE["stores"][1:]]),
    ):  # fmt: skip
        changed = {g for g in first.hashes if first.hashes[g] != other.hashes[g]}
        assert changed == {"100"}
    assert len(first.hashes["100"]) == 12


def test_a_store_is_open_to_the_last_minute_of_24_00_and_never_when_always_closed(
    program: Program,
) -> None:
    directory = made(program, users=(user(1, group="100"),), stores=[
        {"group": "100", "wednesday": "10:00-14:00;15:00-24:00"},
        {"group": "200", "sunday": "closed"},
        {"group": "300"}])  # fmt: skip
    late = datetime(2026, 11, 19, 4, 59, 59, tzinfo=UTC)  # Wednesday 23:59:59 in New York
    pause = datetime(2026, 11, 18, 19, 30, tzinfo=UTC)
    midnight = datetime(2026, 11, 18, 5, 0, tzinfo=UTC)  # Wednesday 0:00
    opened = {g: [s.is_open(t) for t in (late, pause)] for g, s in directory.stores.items()}
    assert opened == {"100": [True, False], "200": [False, False], "300": [True, True]}
    sunday = datetime(2026, 11, 15, 5, 0, tzinfo=UTC)
    monday = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
    assert not any(directory.stores["200"].is_open(t) for t in (sunday, monday, midnight))


def test_people_are_found_by_agent_id_only(program: Program) -> None:
    store = made(program, users=(user(1, group="100"), user(9, manages=["100"]))).stores["100"]
    found = store.find("9")
    assert found is not None
    assert found.login == "A9@kay.example.com"
    assert store.find("2") is None
    assert len(aliases(store)) == 6


@pytest.mark.parametrize("text", ["", "7", "7:5", "123:00", "ab:cd", "24:01", "-1:00", "1:+5"])
def test_a_clock_is_read_strictly(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - time() words its own messages
        read_clock(text)
    assert Opening(0, read_clock("7:05"), read_clock("24:00")).opens.minute == 5
