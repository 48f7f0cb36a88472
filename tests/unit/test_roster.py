"""The two roster files: what is read, what is refused, and that nobody is named in a problem."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from instore import roster
from instore.directory import Opening
from instore.errors import RosterError
from instore.roster import Problem, employee_number, read_associates, read_openings, read_stores

HEAD = ("group,name,banner,zone,state,postal_code,"
        "monday,tuesday,wednesday,thursday,friday,saturday,sunday")  # fmt: skip
WEEK = ",,,,,,"
GOOD = f"77,Cross County,kay,America/New_York,NY,10704,{WEEK}"


def stores(*lines: str, head: str = HEAD, end: str = "\n") -> Any:
    return read_stores(end.join([head, *lines, ""]).encode(), banners=["kay", "jared"])


def associates(*lines: str) -> Any:
    return read_associates("\n".join(["login,employee_id,aliases", *lines]).encode())


def hours(monday: str) -> str:
    return GOOD.removesuffix(WEEK) + monday + WEEK


def codes(rows: Any) -> list[tuple[int, str]]:
    return [(problem.line, problem.what) for problem in rows.problems]


def test_a_store_row_is_read_whole() -> None:
    line = ('"Jared, Dayton","Jared ""South""",jared,America/Chicago,oh, 45459 ,'
            "10:00-14:00;15:00-20:00,9:30-24:00,closed,,,,11:00-18:00")  # fmt: skip
    rows = stores(line)
    assert rows.problems == ()
    (row,) = rows.good
    assert (row.line, row.group, row.name, row.banner) == (2, "Jared, Dayton", 'Jared "South"',
                                                           "jared")  # fmt: skip
    assert (row.zone, row.state, row.postal_code) == ("America/Chicago", "OH", "45459")
    assert row.openings == (
        Opening(0, time(10), time(14)), Opening(0, time(15), time(20)),
        Opening(1, time(9, 30), time.max), Opening(6, time(11), time(18)),
    )  # fmt: skip


def test_a_stores_telephone_number_is_an_optional_column() -> None:
    assert stores(GOOD).good[0].phone == ""
    head = f"{HEAD},Phone"
    rows = stores(f"{GOOD},+1(914) 555-0123", head=head)
    assert (rows.good[0].phone, rows.problems) == ("+19145550123", ())
    assert stores(f"{GOOD},", head=head).good[0].phone == ""
    rows = stores(f"{GOOD},555-0123", head=head)
    assert (rows.good[0].phone, codes(rows)) == ("", [(2, "bad_phone")])
    with pytest.raises(RosterError, match="has phone twice"):
        stores(f"{GOOD},,", head=f"{head},phone")


def test_byte_order_mark_crlf_and_order_of_columns_do_not_matter() -> None:
    head = "\ufeffZone,GROUP,banner,name,state,postal_code,remark,sunday,monday,tuesday," \
           "wednesday,thursday,friday,saturday"  # fmt: skip
    rows = stores("America/Denver,9,kay,N,CO,80014,ours,closed,10:00-11:00,,,,,", head=head,
                  end="\r\n")  # fmt: skip
    (row,) = rows.good
    assert (row.group, row.zone, row.line) == ("9", "America/Denver", 2)
    assert row.openings == (Opening(0, time(10), time(11)),)


def test_a_quoted_line_break_and_blank_lines_keep_the_line_numbers_right() -> None:
    rows = stores(GOOD.replace("Cross County", '"Cross\nCounty"'), "", GOOD, "1,,nobody,,,,,,,,,,")
    assert [row.line for row in rows.good] == [2]
    assert codes(rows) == [(5, "duplicate_group"), (6, "unknown_banner")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (GOOD + ",", "wrong_number_of_cells"),
        ("77,x", "wrong_number_of_cells"),
        (GOOD.replace("Cross County", "x" * 201), "cell_too_long"),
        (GOOD.replace("77", " "), "group_missing"),
        (GOOD.replace("kay", "zales"), "unknown_banner"),
        (GOOD.replace("America/New_York", "America/Yonkers"), "unknown_zone"),
        (GOOD.replace("America/New_York", "../etc/passwd"), "unknown_zone"),
        (GOOD.replace("America/New_York", ""), "unknown_zone"),
        (GOOD.replace("NY", "New York"), "bad_state"),
        (GOOD.replace("NY", "N1"), "bad_state"),
        (hours("10-21"), "bad_hours"),
        (hours("10:00"), "bad_hours"),
        (hours("10:00-25:00"), "bad_hours"),
        (hours("10:00-1١:00"), "bad_hours"),
        (hours("10:00-20:00;"), "bad_hours"),
        (hours("21:00-10:00"), "hours_upside_down"),
        (hours("10:00-10:00"), "hours_upside_down"),
        (hours("12:00-15:00;10:00-13:00"), "hours_overlap"),
    ],
)  # fmt: skip
def test_a_bad_store_row_is_left_out_alone(line: str, code: str) -> None:
    rows = stores(line, GOOD.replace("77", "78"))
    assert [row.group for row in rows.good] == ["78"]
    assert codes(rows) == [(2, code)]


def test_a_refused_row_does_not_take_its_group() -> None:
    rows = stores(GOOD.replace("kay", "zales"), GOOD, GOOD)
    assert [row.line for row in rows.good] == [3]
    assert codes(rows) == [(2, "unknown_banner"), (4, "duplicate_group")]


def test_no_hours_is_always_open_and_closed_all_week_is_never_open() -> None:
    assert read_openings([""] * 7) == ()
    assert read_openings(["Closed"] + [""] * 6) == (Opening(0, time.min, time.min),)


def test_an_associate_row_is_read_whole() -> None:
    rows = associates("Dana@Kay.Example.com,00123456,DanaR111|danarill| |Kay-7|stop|D")
    (row,) = rows.good
    assert (row.line, row.login, row.employee_id) == (2, "dana@kay.example.com", "00123456")
    assert row.aliases == ("DANAR111",)  # danarill folds to the same word
    assert codes(rows) == [(2, "bad_alias"), (2, "reserved_word"), (2, "bad_alias")]


def test_look_alikes_of_reserved_words_are_reserved() -> None:
    assert codes(associates("a@x.com,,ST0P|HE1P|he1p")) == [
        (2, "reserved_word"), (2, "reserved_word"), (2, "reserved_word"),
    ]  # fmt: skip


def test_logins_and_employee_ids_are_there_once() -> None:
    rows = associates(
        "a@x.com,7", "a@x.com,7,", "A@X.com,8,", ",9,", "b@x.com,007,", "c@x.com,E-9,",
        "d@x.com,E-9,", "e@x.com,,", "f@x.com,,",
    )  # fmt: skip
    assert [row.login for row in rows.good] == ["a@x.com", "c@x.com", "e@x.com", "f@x.com"]
    assert codes(rows) == [
        (2, "wrong_number_of_cells"), (4, "duplicate_login"), (5, "login_missing"),
        (6, "duplicate_employee_id"), (7, "employee_id_not_digits"), (8, "duplicate_employee_id"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "number"),
    [("123456", 123456), ("007", 7), ("", None), ("E-1", None), ("١٢", None), ("9" * 19, None)],
)
def test_only_plain_digits_are_an_employee_number(text: str, number: int | None) -> None:
    assert employee_number(text) == number


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "lacks login, employee_id, aliases"),
        (b"login,aliases\n", "lacks employee_id"),
        (b"login,employee_id,aliases,Login\n", "has login twice"),
        (b"login,employee_id,aliases\n\xff\xfe,1,\n", "not UTF-8"),
        ("login,employee_id,aliases\n".encode("utf-16"), "not UTF-8"),
        (b"login,employee_id,aliases\na\x00b,1,\n", "not a text file"),
        (b'login,employee_id,aliases\na,1,\n"b,2,\nc,3,\n', "not CSV after line 2"),
        (b'login,employee_id,aliases\n"a"b,1,\n', "not CSV after line 1"),
    ],
)
def test_an_unreadable_file_is_refused_whole(data: bytes, says: str) -> None:
    with pytest.raises(RosterError, match=says):
        read_associates(data)


def test_size_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "MAX_ROWS", 2)
    assert len(associates("a@x.com,1,", "b@x.com,2,").good) == 2
    with pytest.raises(RosterError, match="more than 2 rows"):
        associates("a@x.com,1,", "b@x.com,2,", "c@x.com,3,")
    monkeypatch.setattr(roster, "MAX_BYTES", 30)
    with pytest.raises(RosterError, match="larger than 30 bytes"):
        associates("a@x.com,1,")


def test_a_problem_says_where_and_what_but_not_who() -> None:
    rows = associates("dana.reyes@kay.example.com,,D")
    assert [str(problem) for problem in rows.problems] == ["associates.csv:2:bad_alias"]
    assert str(Problem("groups", 0, "group_without_row", ref="4711")) == (
        "groups:4711:group_without_row"
    )
