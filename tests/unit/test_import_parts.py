"""Columns, delimiters, records, escaping, grouping, states: the parts of an import by themselves."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instore.adapters.files import Upload
from instore.adapters.imports import from_item, to_item
from instore.errors import BadInputError
from instore.import_columns import WORDS, find_columns, fold_header, understood
from instore.import_file import MAX_RECORD, find_delimiter, open_sheet
from instore.import_result import COLUMNS, Line, Price, count, heading, read, safe, write
from instore.import_rows import Entry, by_associate, wrong_place
from instore.import_state import (
    IMPORT_NEXT,
    Claim,
    Columns,
    Counts,
    Import,
    ImportState,
    Places,
    id_of_upload,
    import_id,
)
from instore.outreach import Recipient

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)


def an_import(**changes: Any) -> Import:
    made = Import(
        id="i1", owner="anna@kay.example.com", associate="anna@kay.example.com", template="sale",
        columns=Columns(), mode="send", fingerprint="f", size=10, limit=100, page_rows=50,
        created_at=NOW, expires_at=NOW + timedelta(days=35),
    )  # fmt: skip
    return replace(made, **changes)


# ---------------------------------------------------------------- columns


@pytest.mark.parametrize("header", [
    "Phone", "PHONE NUMBER", "phone_number", " mobile-phone ", "\ufeffMobile", "Teléfono",
    "TELEFONO", "Móvil", "E164", "Téléphone", "cell",
])  # fmt: skip
def test_a_phone_column_is_found_by_its_words(header: str) -> None:
    places = find_columns(["Name", header, "1"], asked=Columns(), variables=1, by_associate=False)
    assert (places.phone, places.variables, places.width) == (1, (2,), 3)


def test_no_word_stands_for_two_things() -> None:
    roles: dict[str, str] = {}
    for role, words in WORDS.items():
        for word in words:
            assert roles.setdefault(fold_header(word), role) == role


@pytest.mark.parametrize(("headers", "variables", "expected"), [
    (["Phone", "{1}", "{2}"], 2, (1, 2)),
    (["Phone", "Variable 2", "Variable 1"], 2, (2, 1)),
    (["Phone", "v1", "VAR2"], 2, (1, 2)),
    (["Phone", "1", "2", "3"], 2, (1, 2)),
    (["Phone", "1", "2", "4"], None, (1, 2)),
    (["Phone", "2"], None, ()),
    (["Phone", "Name"], 0, ()),
])  # fmt: skip
def test_variables_are_found_by_number(
    headers: list[str], variables: int | None, expected: tuple[int, ...]
) -> None:
    places = find_columns(headers, asked=Columns(), variables=variables, by_associate=False)
    assert places.variables == expected


@pytest.mark.parametrize(("headers", "asked", "message"), [
    (["Name", "City"], {}, "no column for phone; found: Name, City"),
    (["Phone", "Cell"], {}, "several columns could be phone (Phone, Cell): name one; "
                            "found: Phone, Cell"),
    (["Phone", "phone "], {"phone": "Phone"}, "phone: 2 columns are called Phone; "
                                              "found: Phone, phone"),
    (["Phone"], {"phone": "Mobile"}, "phone: there is no column Mobile; found: Phone"),
    (["Phone", "A"], {"variables": ("A",)}, "the template takes 2 variables, not 1; "
                                            "found: Phone, A"),
    (["Phone", "1"], {}, "no column for variable 2; found: Phone, 1"),
    (["Phone", "1", "2", "{2}"], {}, "several columns for variable 2; found: Phone, 1, 2, {2}"),
    (["+1 212 555 0100", "Anna"], {}, "the first line names no columns: it looks like somebody's row"),
    (["x" * 60, "y\n z"], {}, f"no column for phone; found: {'x' * 39}…, y z"),
])  # fmt: skip
def test_what_is_unclear_lists_what_was_found(
    headers: list[str], asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        find_columns(headers, asked=Columns(**asked), variables=2, by_associate=False)
    assert (caught.value.public_code, caught.value.message) == ("columns_unclear", message)


def test_an_associate_column_only_where_it_is_wanted() -> None:
    headers = ["Login", "Phone", "ZIP", "Time zone"]
    alone = find_columns(headers, asked=Columns(), variables=0, by_associate=False)
    many = find_columns(headers, asked=Columns(), variables=0, by_associate=True)
    assert (alone.associate, many.associate) == (None, 0)
    assert understood(headers, many) == {"phone": "Phone", "zone": "Time zone",
                                         "postal_code": "ZIP", "associate": "Login",
                                         "variables": []}  # fmt: skip
    with pytest.raises(BadInputError, match="no column for associate"):
        find_columns(headers[1:], asked=Columns(), variables=0, by_associate=True)
    with pytest.raises(BadInputError, match="more than 200"):
        find_columns(["x"] * 201, asked=Columns(), variables=0, by_associate=False)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(("line", "expected"), [
    ("a,b;c,d", ","), ("a;b,c;d", ";"), ("a\tb\tc", "\t"), ("alone", ","), ("a;b", ";"),
    ('"a,b,c";d', ";"), ('"a;b";"c;d",e', ","),
])  # fmt: skip
def test_the_delimiter_is_the_one_that_cuts_most(line: str, expected: str) -> None:
    assert find_delimiter(line) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_records_in_any_dress(end: str, delimiter: str) -> None:
    text = end.join([
        delimiter.join(["Phone", "Na\u00efve", "x"]), delimiter.join(["1", f'"a{end}b"', "é"]),
        delimiter * 2, "", delimiter.join(["2", '"say ""hi"""', ""]),
    ])  # fmt: skip
    data = io.BytesIO(b"\xef\xbb\xbf" + text.encode())
    sheet = open_sheet(Upload("t", data).lines())
    assert sheet.headers == ("Phone", "Naïve", "x")
    assert list(sheet.records) == [(2, ["1", f"a{end}b", "é"]), (5, ["2", 'say "hi"', ""])]


@settings(max_examples=60)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=("Cs",),
                                               exclude_characters="\x00"), max_size=12),
                         min_size=2, max_size=4), max_size=8),
       st.sampled_from(["\n", "\r\n"]))  # fmt: skip
def test_whatever_is_written_is_read(rows: list[list[str]], end: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows([["h1", "h2"], *rows])
    sheet = open_sheet(Upload("t", io.BytesIO(out.getvalue().encode())).lines())
    wanted = [(n, row) for n, row in enumerate(rows, start=2) if any(c.strip() for c in row)]
    assert list(sheet.records) == wanted


class Pieces(io.BytesIO):
    """A file read in small pieces, so that every line end falls between two of them."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


@pytest.mark.parametrize("content", [b"a\r\nb\rc\n\r\nd", b"\r\r\n\n", b"", b"x", b"x\r"])
def test_lines_are_the_same_however_they_arrive(content: bytes) -> None:
    whole = list(Upload("t", io.BytesIO(content)).lines())
    assert list(Upload("t", Pieces(content)).lines()) == whole == content.splitlines(True)


def test_a_record_is_never_longer_than_its_limit() -> None:
    def endless() -> Iterator[bytes]:
        yield b"a,b\n"
        yield b'"'
        while True:
            yield b"x" * 1000 + b"\n"

    with pytest.raises(BadInputError) as caught:
        list(open_sheet(endless()).records)
    assert caught.value.public_code == "record_too_long"
    fits = b"a,b\n" + b"x" * (MAX_RECORD - 1) + b"\n" + b"y" * (MAX_RECORD - 1) + b"\n"
    assert len(list(open_sheet(io.BytesIO(fits)).records)) == 2


# ---------------------------------------------------------------- results


@pytest.mark.parametrize(("cell", "text"), [
    ("=1+1", "'=1+1"), ("+1…23", "'+1…23"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t'=1"), ("\r=1", "'\r'=1"), (" =1", "' =1"), ("\u00a0=1", "'\u00a0=1"),
    ("a,=1", "a,'=1"), ("a;=1", "a;'=1"), ('a"=1', 'a"\'=1'), ("a\t=1", "a\t'=1"),
    ("a\n=1", "a\n'=1"), ("＝1+1", "'＝1+1"), ("\ufeff=1", "'\ufeff=1"),
])  # fmt: skip
def test_a_cell_that_could_be_a_formula_is_made_text(cell: str, text: str) -> None:
    assert safe(cell) == text


@pytest.mark.parametrize("cell", [
    "", "accepted", "2", "2026-11-18T17:00:00.000Z", "anna@kay.example.com", "a-b", "0.0079",
    "federal 8:00-21:00", "b1+1",
])  # fmt: skip
def test_an_ordinary_cell_stays_as_it_is(cell: str) -> None:
    assert safe(cell) == cell


BEGINNINGS = ["", "=", "+", "-", "@", "\t", "\r", "\n", ",=", ";+", '"@', "\t-", "\r\n=", "'", " ",
              " =", "; ;=", "＝"]  # fmt: skip


@settings(max_examples=400)
@given(st.text(st.one_of(st.sampled_from("=+-@,;\t\r\n\"' a1\ufeff＝"), st.characters(
    exclude_categories=("Cs",), exclude_characters="\x00")), max_size=20),
    st.sampled_from(BEGINNINGS))  # fmt: skip
def test_no_result_runs_in_a_spreadsheet(text: str, before: str) -> None:
    cell = before + text
    written = write([Line(2, "blocked", associate=cell, reason=cell)]).decode()
    (row,) = csv.reader(io.StringIO(written, newline=""))
    assert (row[2], row[4]) == (safe(cell), safe(cell))
    # Cut as a spreadsheet would that knows other delimiters, or no quotes.
    for piece in re.split(r"[,;\t\r\n\"]", written.removesuffix("\r\n")):
        assert not re.match(r"[ \u00a0\u200b\ufeff]*[=+\-@＝＋－＠]", piece), written


@settings(max_examples=100)
@given(st.text(st.characters(categories=("L", "N"), include_characters="@.-_+"), max_size=30))
def test_a_login_is_read_back_as_it_was(login: str) -> None:
    line = Line(2, "accepted", associate=login, batch="b1")
    (back,) = read(write([line]))
    assert (back["associate"], back["verdict"], back["batch"]) == (login, "accepted", "b1")


def test_a_result_has_one_shape_and_one_heading() -> None:
    assert heading() == b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    line = Line(2, "deferred", phone="+1…23", associate="a@b.example", reason="outside_window",
                until=NOW, rule="federal", segments=2, price=Price(Decimal("0.0079"), "USD"),
                batch="b1")  # fmt: skip
    assert write([line]) == (b"2,'+1\xe2\x80\xa623,a@b.example,deferred,outside_window,"
                             b"2026-11-18T17:00:00.000Z,federal,2,0.0158,USD,b1\r\n")  # fmt: skip


def test_counts_add_up_and_only_what_goes_costs() -> None:
    price = Price(Decimal("0.01"), "USD")
    lines = [
        Line(2, "accepted", segments=2, price=price), Line(3, "deferred", segments=1, price=price),
        Line(4, "blocked", reason="duplicate", segments=1, price=price),
        Line(5, "blocked", reason="duplicate"), Line(6, "accepted", segments=1),
    ]  # fmt: skip
    total = count(lines)
    assert total == Counts(2, 1, {"duplicate": 2}, 4, {"USD": Decimal("0.03")})
    assert total.rows == 5
    assert total + Counts() == total


# ---------------------------------------------------------------- rows and states


def test_batches_are_of_one_associate_in_file_order() -> None:
    entries = [Entry(n, Recipient("x"), "ab"[n % 3 == 0]) for n in range(2, 12)]
    groups = [[entry.row for entry in group] for group in by_associate(entries, size=3)]
    assert groups == [[2, 4, 5], [3, 6, 9], [7, 8, 10], [11]]


@settings(max_examples=100)
@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 10))
def test_grouping_loses_nobody(logins: list[str], size: int) -> None:
    entries = [Entry(n, Recipient("x"), login) for n, login in enumerate(logins)]
    groups = by_associate(entries, size=size)
    assert sorted(entry.row for group in groups for entry in group) == list(range(len(logins)))
    assert all(len({e.login for e in group}) == 1 and len(group) <= size for group in groups)
    assert [g[0].row for g in groups] == sorted(g[0].row for g in groups)
    for login in "abc":  # only the last of an associate is not full
        mine = [len(group) for group in groups if group[0].login == login]
        assert all(length == size for length in mine[:-1])


@pytest.mark.parametrize(("zone", "code", "expected"), [
    (None, None, None), ("America/New_York", "10001", None), ("America/New_York", "K1A 0B1", None),
    ("Mars/Olympus", None, "zone_invalid"), ("../etc", None, "zone_invalid"),
    (None, "?", "postal_code_invalid"), (None, "1" * 11, "postal_code_invalid"),
])  # fmt: skip
def test_a_place_that_is_none(zone: str | None, code: str | None, expected: str | None) -> None:
    assert wrong_place(Recipient("x", zone=zone, postal_code=code)) == expected


def test_states_follow_the_table() -> None:
    for state in ImportState:
        for wanted in ImportState:
            if wanted in IMPORT_NEXT[state]:
                assert an_import(state=state).to(wanted).state is wanted
            else:
                with pytest.raises(ValueError, match="never goes"):
                    an_import(state=state).to(wanted)


@pytest.mark.parametrize(("state", "after"), [
    (ImportState.AWAITING, ImportState.CANCELLED), (ImportState.CHECKED, ImportState.CANCELLED),
    (ImportState.RUNNING, ImportState.CANCELLING), (ImportState.DONE, ImportState.CANCELLING),
    (ImportState.FAILED, ImportState.CANCELLING),
])  # fmt: skip
def test_cancelling_takes_work_only_where_something_can_have_gone(
    state: ImportState, after: ImportState
) -> None:
    assert an_import(state=state).cancelled().state is after


def test_an_item_is_the_import_again() -> None:
    full = an_import(
        associate=None, owner="", columns=Columns("P", ("A", "B"), "Z", "C", "L"), tag='"t"',
        places=Places(0, (1, 2), None, 4, 5, 6), rows=7, found={"phone": "P", "variables": []},
        page=3, counts=Counts(1, 2, {"held": 1}, 5, {"USD": Decimal("0.02")}),
        failure=("not_csv", "not CSV after row 2"), claim=Claim("t", NOW), rev=9,
    )  # fmt: skip
    for one in (full, an_import(), an_import(columns=Columns(variables=()))):
        assert from_item(to_item(one)) == one


def test_ids_and_keys() -> None:
    made = import_id("anna@kay.example.com", key="k")
    assert made == import_id("anna@kay.example.com", key="k")
    assert made != import_id("anna@kay.example.com", key="k2")
    assert len(made) == 24
    assert id_of_upload(an_import().upload_key) == "i1"
    for other in ("imports/i1/result.csv", "imports/upload.csv", "imports//upload.csv",
                  "results/i1/upload.csv", "imports/i1/x/upload.csv"):  # fmt: skip
        assert id_of_upload(other) is None
