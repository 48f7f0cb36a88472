"""Importing a file: forms, verdicts, limits, resumption, requests and memory per row."""

from __future__ import annotations

import base64
import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from tests.import_rig import ImportRig, Killed, sheet
from tests.outreach_rig import ANNA, BEN, LOGINS, phone, shop

from instore import import_state
from instore.adapters.files import Files, Upload
from instore.adapters.imports import Imports
from instore.adapters.table import Table
from instore.batch import Batch, BatchState, Row, RowState
from instore.directory import Pointer
from instore.import_cancel import without_what_is_to_go
from instore.import_state import Import
from instore.model import Phone
from instore.runtime import import_operations

BEHALF = "outreach/import outreach/read outreach/behalf"
OFFICE: dict[str, Any] = {"login": "office@example.com", "scopes": BEHALF}


@pytest.fixture
def rig(table: Table, clock: Any) -> ImportRig:
    return ImportRig(table, clock)


@pytest.fixture
def first_page(rig: ImportRig, monkeypatch: Any) -> Callable[..., str]:
    """Begins an import of these numbers, of whose pages of ten each invocation does one."""

    def begin(numbers: Iterable[str], **more: Any) -> str:
        monkeypatch.setattr(import_operations, "PAGE_ROWS", 10)
        rig.remaining_s = 5.0
        import_id = rig.open(**more)
        rig.run(rig.upload(import_id, sheet(numbers)))
        return import_id

    return begin


# ---------------------------------------------------------------- the form


def test_the_form_is_for_one_csv_at_one_place_for_a_quarter_of_an_hour(rig: ImportRig) -> None:
    status, body = rig.ask_to_open()
    assert status == 201
    assert body["state"] == "awaiting"
    upload = body["upload"]
    assert upload["fields"]["key"] == f"imports/{body['id']}/upload.csv"
    assert upload["fields"]["Content-Type"] == "text/csv"
    assert upload["expires_at"] == "2026-11-18T17:15:00.000Z"
    assert upload["url"] == f"https://{rig.bucket}.s3.amazonaws.com/"
    policy = json.loads(base64.b64decode(upload["fields"]["policy"]))
    assert ["content-length-range", 1, 5_000_000] in policy["conditions"]
    assert {"key": upload["fields"]["key"]} in policy["conditions"]


def test_the_same_key_is_the_same_import_and_another_body_is_refused(rig: ImportRig) -> None:
    first = rig.ask_to_open()[1]
    again = rig.ask_to_open()
    assert (again[0], again[1]["id"]) == (201, first["id"])
    status, body = rig.ask_to_open(mode="check")
    assert (status, body["code"]) == (409, "idempotency_key_reused")
    assert rig.open(key="i-2") != first["id"]
    rig.run(rig.upload(first["id"], sheet(rig.customers(1))))
    status, body = rig.ask_to_open()
    assert (status, body["state"], "upload" in body) == (200, "done", False)


@pytest.mark.parametrize(("more", "expected"), [
    ({"template": "no-such"}, (400, "unknown_template")),
    ({"columns": {"variables": ["First name"]}}, (400, "variables_wrong")),
    ({"headers": ["Phone", "1"]}, (400, "columns_unclear")),
    ({"headers": ["Name", "1", "2"]}, (400, "columns_unclear")),
    ({"columns": {"phone": 7}}, (400, "bad_request")),
    ({"mode": "maybe"}, (400, "bad_request")),
    ({"rows": []}, (400, "bad_request")),
    ({"columns": {"associate": "Login"}}, (403, "scope_missing")),
    ({"associate": LOGINS[BEN]}, (403, "scope_missing")),
    ({"login": "stranger@kay.example.com"}, (403, "unknown_associate")),
    ({"columns": {"associate": "Login"}, "associate": LOGINS[BEN], **OFFICE},
     (400, "associate_twice")),
    ({"key": None}, (400, "idempotency_key_missing")),
])  # fmt: skip
def test_what_cannot_work_is_refused_before_anybody_uploads(
    rig: ImportRig, more: dict[str, Any], expected: tuple[int, str]
) -> None:
    status, body = rig.ask_to_open(**more)
    assert (status, body["code"]) == expected


def test_headers_told_beforehand_are_understood_at_once(rig: ImportRig) -> None:
    headers = ["\ufeffMobile Phone", "Name", "Shop", "ZIP"]
    columns = {"variables": ["name", "SHOP"]}
    body = rig.ask_to_open(headers=headers, columns=columns)[1]
    assert body["columns"] == {"phone": "Mobile Phone", "variables": ["Name", "Shop"],
                               "postal_code": "ZIP"}  # fmt: skip


# ---------------------------------------------------------------- verdicts


def test_every_row_has_its_verdict(rig: ImportRig) -> None:
    rig.apply(lambda d: d["outreach"].update(segment_cost={"amount": 0.0079, "currency": "USD"}))
    numbers = rig.customers(2)
    rig.customer(phone(2), consent=None)
    file = "\n".join([
        "Phone;Zone;1;2;ZIP;Notes",
        f"{numbers[0]};;Anna;Kay;10001;x",
        f"{numbers[1][2:]};;{'long ' * 40};Kay;;",
        ";;;;;",
        f"{phone(2)};;Anna;Kay;;",
        "+18005550100;;Anna;Kay;;",
        "+442071838750;;Anna;Kay;;",
        f"{phone(3)};;Anna;;;",
        f"{phone(4)};Mars/Olympus;Anna;Kay;;",
        f"{phone(5)};;Anna;Kay;?;",
        f"{phone(6)};;Anna",
        f"{phone(7)};;Anna;Kay;;;more",
        f"{numbers[0]};;Anna;Kay;;;;",
        '"not',
        ' a number";;Anna;Kay;;',
    ])  # fmt: skip
    import_id = rig.imported(file)
    rows = rig.result(import_id)
    assert [(row["row"], row["verdict"], row["reason"]) for row in rows] == [
        ("2", "accepted", ""), ("3", "accepted", ""), ("5", "blocked", "no_consent"),
        ("6", "blocked", "toll_free"), ("7", "blocked", "foreign_number"),
        ("8", "blocked", "variables_wrong"), ("9", "blocked", "zone_invalid"),
        ("10", "blocked", "postal_code_invalid"), ("11", "blocked", "wrong_number_of_cells"),
        ("12", "blocked", "wrong_number_of_cells"), ("13", "blocked", "duplicate"),
        ("14", "blocked", "invalid_number"),
    ]  # fmt: skip
    assert [rows[0][name] for name in ("segments", "cost", "currency")] == ["1", "0.0079", "USD"]
    assert [rows[1][name] for name in ("segments", "cost", "currency")] == ["2", "0.0158", "USD"]
    assert [rows[2][name] for name in ("segments", "cost", "currency")] == ["1", "", ""]
    assert rows[0]["phone"] == "'+1…00"
    assert rows[-1]["phone"] == ""
    told = rig.look(import_id)
    assert told["counts"]["cost"] == {"USD": "0.0237"}
    assert (told["counts"]["accepted"], told["counts"]["segments"]) == (2, 3)
    assert sum(told["counts"]["blocked"].values()) == 10
    assert told["columns"] == {"phone": "Phone", "zone": "Zone", "postal_code": "ZIP",
                               "variables": ["1", "2"]}  # fmt: skip
    assert told["result"]["url"].startswith(f"https://{rig.bucket}.s3.amazonaws.com/results/")
    rig.deliver()
    assert rig.vendor.texts == Counter({number[1:]: 1 for number in numbers})


def test_the_day_ends_in_the_middle_of_the_file(rig: ImportRig) -> None:
    rig.apply(lambda d: d["outreach"].update(per_associate_day=13))
    numbers = rig.customers(25)
    import_id = rig.imported(sheet(numbers))
    rows = rig.result(import_id)
    assert [row["verdict"] for row in rows] == ["accepted"] * 13 + ["blocked"] * 12
    assert {(row["reason"], row["until"]) for row in rows[13:]} == {
        ("daily_limit", "2026-11-19T05:00:00.000Z")
    }
    assert rig.used() == 13
    assert rig.look(import_id)["counts"]["blocked"] == {"daily_limit": 12}


def test_a_dry_run_says_the_same_and_writes_nothing(rig: ImportRig) -> None:
    rig.apply(lambda d: d["outreach"].update(per_associate_day=13))
    numbers = rig.customers(25)
    rig.customer(phone(3), consent=None)
    content = sheet([*numbers, numbers[0], "nobody"])
    before = {n: rig.table.get(f"CUSTOMER#{n}", "CUSTOMER") for n in numbers}
    checked = rig.imported(content, key="check", mode="check")
    foreseen = [(r["row"], r["verdict"], r["reason"], r["until"], r["segments"])
                for r in rig.result(checked, "check")]  # fmt: skip
    assert rig.look(checked)["state"] == "checked"
    assert rig.used() == 0
    assert rig.queue.messages == []
    assert before == {n: rig.table.get(f"CUSTOMER#{n}", "CUSTOMER") for n in numbers}
    assert rig.on_import(checked, "/send")[0] == 202
    rig.run_queued()
    taken = [(r["row"], r["verdict"], r["reason"], r["until"], r["segments"])
             for r in rig.result(checked)]  # fmt: skip
    assert taken == foreseen
    assert [line[1] for line in taken].count("accepted") == 13
    assert rig.used() == 13


def test_at_night_rows_are_deferred(rig: ImportRig, clock: Any) -> None:
    clock.advance(10 * 3600)
    import_id = rig.imported(sheet(rig.customers(2)))
    (row, _) = rig.result(import_id)
    assert (row["verdict"], row["reason"]) == ("deferred", "outside_window")
    assert row["until"] == "2026-11-19T16:00:00.000Z"
    assert rig.look(import_id)["counts"]["deferred"] == 2


def test_one_file_for_many_associates(rig: ImportRig) -> None:
    numbers = rig.customers(24)
    logins = [LOGINS[ANNA], LOGINS[BEN].upper()]
    lines = ["associate,phone,1,2"] + [f"{logins[n % 2]},{number},Anna,Kay"
                                       for n, number in enumerate(numbers)]  # fmt: skip
    lines += [f",{phone(30)},Anna,Kay", f"{LOGINS['203']},{phone(31)},Anna,Kay"]
    import_id = rig.imported("\n".join(lines), columns={"associate": "associate"}, **OFFICE)
    rows = rig.result(import_id)
    assert {row["verdict"] for row in rows[:24]} == {"accepted"}
    assert [row["reason"] for row in rows[24:]] == ["unknown_associate", "associate_disabled"]
    batches = Counter(row["batch"] for row in rows[:24])
    assert sorted(batches.values()) == [2, 2, 10, 10]
    assert {rig.item(b)["agent"] for b in batches} == {ANNA, BEN}
    assert (rig.used(ANNA), rig.used(BEN)) == (12, 12)
    status, _ = rig.on_import(import_id, login=LOGINS[ANNA])
    assert status == 404
    assert rig.look(import_id, scopes="outreach/read outreach/admin")["state"] == "done"


def test_a_kill_switch_thrown_meanwhile_counts(
    rig: ImportRig, first_page: Callable[..., str]
) -> None:
    import_id = first_page(rig.customers(20))
    rig.apply(lambda d: d.update(stops={"all": True}))
    rig.clock.advance(61)
    rig.run_queued()
    assert rig.verdicts(import_id) == [("accepted", "")] * 10 + [("blocked", "stopped_all")] * 10


# ---------------------------------------------------------------- files that are refused


@pytest.mark.parametrize(("content", "code"), [
    (b"", "file_empty"),
    (b"\r\n", "file_empty"),
    (b"Phone,1,2\r\n", "no_rows"),
    (b"Phone,1,2\r\n,,\r\n\r\n", "no_rows"),
    ("Phone,1,2\n+12125550100,Ren\u00e9e,Kay\n".encode("latin-1"), "not_utf8"),
    ("Phone,1,2\n".encode("utf-16"), "not_utf8"),
    (b"Phone,1,2\n+1212\x005550100,a,b\n", "not_csv"),
    (b'Phone,1,2\n"a"b,c,d\n', "not_csv"),
    (b'Phone,1,2\n"+12125550100,Anna,Kay\n' + b"x" * 40_001, "record_too_long"),
    (b"Phone,1,2\n" + b"x" * 40_001 + b",a,b\n", "record_too_long"),
    (b"Phone,1\n+12125550100,Anna\n", "columns_unclear"),
    (b"Phone,Mobile,1,2\n+12125550100,,Anna,Kay\n", "columns_unclear"),
    (b"Phone,phone,1,2\n+12125550100,,Anna,Kay\n", "columns_unclear"),
    (b"+12125550100,Anna,Kay\n", "columns_unclear"),
])  # fmt: skip
def test_a_file_that_is_none_texts_nobody(rig: ImportRig, content: bytes, code: str) -> None:
    rig.customers(1)
    import_id = rig.open()
    assert rig.run(rig.upload(import_id, content)) == {"batchItemFailures": []}
    told = rig.look(import_id)
    assert (told["state"], told["failure"]["code"]) == ("failed", code)
    assert "result" not in told
    assert rig.queue.messages == []
    assert "2125550100" not in json.dumps(rig.import_item(import_id))


def test_a_wrong_last_row_stops_the_first(rig: ImportRig, monkeypatch: Any) -> None:
    monkeypatch.setattr(import_operations, "PAGE_ROWS", 10)
    import_id = rig.open()
    rig.run(rig.upload(import_id, sheet(rig.customers(30)).encode() + b"\xff\xfe"))
    assert rig.look(import_id)["failure"]["code"] == "not_utf8"
    assert rig.used() == 0


def test_too_many_rows(rig: ImportRig) -> None:
    rig.apply(lambda d: d["outreach"].update(import_rows=3))
    enough = rig.imported(sheet(rig.customers(3)))
    assert rig.look(enough)["state"] == "done"
    more = rig.imported(sheet(rig.customers(4)), key="i-2")
    assert rig.look(more)["failure"] == {"code": "too_many_rows", "message": "more than 3 rows"}


def test_a_missing_column_lists_what_was_found(rig: ImportRig) -> None:
    import_id = rig.imported("Name;Surname;City\na;b;c\n")
    assert rig.look(import_id)["failure"]["message"] == (
        "no column for phone; found: Name, Surname, City"
    )


def test_another_file_in_the_middle_stops_the_import(
    rig: ImportRig, first_page: Callable[..., str]
) -> None:
    numbers = rig.customers(20)
    import_id = first_page(numbers)
    rig.upload(import_id, sheet(reversed(numbers)))
    rig.run_queued()
    told = rig.look(import_id)
    assert (told["state"], told["failure"]["code"]) == ("failed", "upload_changed")
    assert told["rows"] == {"done": 10, "of": 20}
    assert rig.used() == 10


# ---------------------------------------------------------------- the queue


def test_messages_that_mean_nothing(rig: ImportRig) -> None:
    test_event = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})
    assert rig.run(test_event) == {"batchItemFailures": []}
    assert rig.run(json.dumps({"import": "i" + "0" * 23})) == {"batchItemFailures": []}
    for foreign in ("not json", "[]", "{}", json.dumps({"Records": [{"s3": {}}]}),
                    json.dumps({"import": ""}), json.dumps({"Records": "x"})):  # fmt: skip
        assert rig.run(foreign) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_the_same_upload_told_twice_is_worked_on_once(rig: ImportRig) -> None:
    numbers = rig.customers(3)
    import_id = rig.open()
    body = rig.upload(import_id, sheet(numbers))
    rig.run(body, body, json.dumps({"import": import_id}))
    assert rig.used() == 3
    assert len(rig.queue.messages) == 1


def test_who_finds_it_claimed_goes_away_and_a_dead_claim_ends(rig: ImportRig) -> None:
    import_id = rig.open()
    body = rig.upload(import_id, sheet(rig.customers(3)))
    rig.boundaries.reset(7)
    with pytest.raises(Killed):
        rig.run(body)
    rig.boundaries.reset()
    rig.clock.advance(149)
    rig.run(body)
    assert rig.look(import_id)["state"] in ("awaiting", "running")
    rig.clock.advance(2)
    rig.run(body)
    assert rig.look(import_id)["state"] == "done"


def test_a_long_file_hands_itself_on(rig: ImportRig, first_page: Callable[..., str]) -> None:
    import_id = first_page(rig.customers(45))
    told = rig.look(import_id)
    assert (told["state"], told["rows"]) == ("running", {"done": 10, "of": 45})
    assert "claim" not in rig.import_item(import_id)
    assert rig.run_queued() == 4
    assert rig.look(import_id)["rows"] == {"done": 45, "of": 45}
    assert rig.used() == 45
    assert len(rig.queue.messages) == 5


def test_a_smaller_batch_size_since_is_taken_in_halves(rig: ImportRig, monkeypatch: Any) -> None:
    monkeypatch.setattr(import_operations, "PAGE_ROWS", 10)
    numbers = rig.customers(20)
    import_id = rig.open()
    body = rig.upload(import_id, sheet(numbers))
    rig.remaining_s = 5.0
    rig.run(body)
    rig.apply(lambda d: d["outreach"].update(recipients_per_batch=4))
    rig.clock.advance(61)
    rig.run_queued()
    rows = rig.result(import_id)
    assert {row["verdict"] for row in rows} == {"accepted"}
    assert sorted(Counter(row["batch"] for row in rows).values()) == [2, 2, 3, 3, 10]


# ---------------------------------------------------------------- send and cancel


def test_only_a_finished_check_can_be_sent(rig: ImportRig, clock: Any) -> None:
    awaiting = rig.open()
    status, body = rig.on_import(awaiting, "/send")
    assert (status, body["code"]) == (409, "import_not_checked")
    checked = rig.imported(sheet(rig.customers(1)), key="c", mode="check")
    clock.advance(timedelta(days=6).total_seconds() + 1)
    status, body = rig.on_import(checked, "/send")
    assert (status, body["code"]) == (409, "upload_expired")


def test_an_import_is_forgotten(rig: ImportRig, clock: Any) -> None:
    import_id = rig.imported(sheet(rig.customers(1)))
    clock.advance(timedelta(days=35, seconds=1).total_seconds())
    status, body = rig.on_import(import_id)
    assert (status, body["code"]) == (404, "unknown_import")
    assert rig.import_item(import_id)["expires_at"] == int(
        (clock.now() - timedelta(seconds=1)).timestamp()
    )


def test_cancelling_frees_customers_and_day(rig: ImportRig) -> None:
    numbers = rig.customers(13)
    import_id = rig.imported(sheet(numbers))
    first = rig.result(import_id)[0]["batch"]
    rig.deliver([first])  # ten have gone, three have not
    assert rig.on_import(import_id, "/cancel")[0] == 202
    rig.run_queued()
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used() == 10
    assert [rig.leased(number) for number in numbers] == [True] * 10 + [False] * 3
    rig.settle()
    assert sum(rig.vendor.texts.values()) == 10
    assert rig.on_import(import_id, "/cancel")[0] == 200
    second = rig.result(import_id)[10]["batch"]
    assert rig.item(second)["state"] == "closed"
    assert set(rig.reasons(second)) == {"cancelled"}


def test_cancelling_waits_for_what_is_at_the_vendor(rig: ImportRig) -> None:
    numbers = rig.customers(3)
    import_id = rig.imported(sheet(numbers))
    rig.deliver_until("vendor")
    rig.on_import(import_id, "/cancel")
    rig.run(rig.queue.imports.pop(0))
    assert rig.look(import_id)["state"] == "cancelling"
    assert rig.queue.delays[-1] == 60
    rig.clock.advance(301)
    rig.sweep()  # the claim is over: nobody knows
    rig.run(rig.queue.imports.pop(0))
    assert rig.look(import_id)["state"] == "cancelled"
    assert sum(rig.vendor.texts.values()) == 3


def test_cancelling_in_the_middle_of_a_run_stops_it(
    rig: ImportRig, first_page: Callable[..., str]
) -> None:
    numbers = rig.customers(40)
    import_id = first_page(numbers)
    rig.run(rig.queue.imports.pop(0))
    rig.on_import(import_id, "/cancel")
    rig.run_queued()
    assert rig.look(import_id)["state"] == "cancelled"
    assert len(rig.result(import_id)) == 20
    assert rig.used() == 0
    rig.settle(10)
    assert sum(rig.vendor.texts.values()) == 0
    assert not any(rig.leased(number) for number in numbers)


def test_cancelling_before_the_upload_makes_the_upload_void(rig: ImportRig) -> None:
    import_id = rig.open()
    assert rig.on_import(import_id, "/cancel")[1]["state"] == "cancelled"
    rig.run(rig.upload(import_id, sheet(rig.customers(1))))
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used() == 0


# ---------------------------------------------------------------- what it costs


def test_requests_per_row(rig: ImportRig, requests_made: list[Any]) -> None:
    numbers = rig.customers(100)
    import_id = rig.open()
    body = rig.upload(import_id, sheet(numbers))
    requests_made.clear()
    rig.boundaries.reset()
    rig.run(body)
    assert rig.used() == 100
    made = Counter(name for _, name, _ in requests_made)
    # Ten batches: look, write, read customers, day, save; a hundred reservations; the import's own.
    assert made["UpdateItem"] == 100 + 10 + 10
    assert made["PutItem"] == 10 + 1 + 4  # that somebody texts today; claim, begin, page, end
    assert made["BatchGetItem"] == 10
    assert made["GetItem"] <= 10 + 8
    calls = len(rig.boundaries.names)
    assert calls / len(numbers) <= 1.75, calls
    requests_made.clear()
    rig.imported(sheet(numbers), key="c", mode="check")
    assert len(requests_made) <= 25  # a dry run reads customers a hundred at a time


class OnDisk(Files):
    """Files that are on disk already; looks at every fifth page and at the result how much memory
    the import's own code holds: moto and the recorder keep everything, and would be all that is
    measured."""

    def __init__(self, path: Path) -> None:
        self.path, self.written, self.held = path, Counter[str](), 0

    @contextmanager
    def fetch(self, key: str, *, tag: str | None) -> Iterator[Upload]:
        with self.path.open("rb") as content:
            yield Upload("tag", content)

    def write(self, key: str, data: bytes) -> None:
        self.path.with_name(key.rsplit("/", 1)[-1]).write_bytes(data)
        self.written[key.rsplit("/", 1)[-1]] += len(data)
        if not key.endswith(("4.csv", "9.csv", "result.csv")):
            return
        own = [tracemalloc.Filter(True, f"*/{part}") for part in (
            "instore/import*.py", "instore/adapters/files.py", "phonenumbers/*.py", "csv.py",
            "codecs.py", Path(__file__).name)]  # fmt: skip
        found = tracemalloc.take_snapshot().filter_traces(own).statistics("filename")
        self.held = max(self.held, sum(one.size for one in found))

    def read(self, key: str) -> bytes:
        return self.path.with_name(key.rsplit("/", 1)[-1]).read_bytes()


@pytest.mark.slow
def test_the_largest_file_in_bounded_memory(rig: ImportRig, tmp_path: Path) -> None:
    """A file as large as it may be, of rows nobody agreed to, so that the table stays empty: 1,000
    long ones on 20 pages; with INSTORE_EXHAUSTIVE=1 10,000 on as many. Bounded by the share of a row
    that has to stay (its number, its line of the result), and by one page."""
    rows, bound = (10_000, 3_000_000) if os.environ.get("INSTORE_EXHAUSTIVE") else (1000, 650_000)
    rig.imported(sheet([phone(1)]), key="warm", mode="check")
    numbers = [f"+1{area}{2_000_000 + n}" for area in (212, 917) for n in range(rows // 2)]
    with (tmp_path / "upload.csv").open("w") as file:
        file.write("Phone,1,2,Notes\n")
        file.writelines(f"{number},Anna,Kay,{'x' * (4_200_000 // rows)}\n" for number in numbers)
    assert 4_000_000 < (tmp_path / "upload.csv").stat().st_size <= import_state.MAX_BYTES
    del numbers
    import_id = rig.open(mode="check")
    item = rig.import_item(import_id)
    rig.table.put({**item, "page_rows": rows // 20})
    rig.files = OnDisk(tmp_path / "upload.csv")
    tracemalloc.start()
    rig.run(json.dumps({"import": import_id}))
    tracemalloc.stop()
    item = rig.import_item(import_id)
    assert (item["state"], item["rows"], item["page"]) == ("checked", rows, 20)
    assert sum(item["counts"]["blocked"].values()) == rows
    assert rig.files.written["result.csv"] > 30 * rows
    # The numbers seen (for duplicates), one page, the result once; the file alone is 4.3 MB.
    assert rig.files.held < bound, rig.files.held


def test_nothing_personal_is_written_down(rig: ImportRig, capsys: Any, caplog: Any) -> None:
    numbers = rig.customers(3)
    import_id = rig.imported(sheet(numbers))
    told = json.dumps(rig.import_item(import_id)) + capsys.readouterr().out + caplog.text
    result = rig.object(f"results/{import_id}/send/result.csv").decode()
    for number in numbers:
        assert number[2:] not in told
        assert number[2:] not in result


# ---------------------------------------------------------------- what may go wrong on the way


class Away:
    """S3 that does not answer."""

    def get_object(self, **_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="s3")


def test_a_bucket_that_is_away_brings_the_record_again(rig: ImportRig) -> None:
    import_id = rig.open()
    body = rig.upload(import_id, sheet(rig.customers(2)))
    away: Any = Away()
    kept, rig.files = rig.files, Files(away, bucket=rig.bucket)
    assert rig.run(body) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    rig.files = kept
    rig.clock.advance(750)
    assert rig.run(body) == {"batchItemFailures": []}
    assert rig.look(import_id)["state"] == "done"


def test_a_dry_run_in_parts_counts_the_day_as_a_whole(
    rig: ImportRig, first_page: Callable[..., str]
) -> None:
    rig.apply(lambda d: d["outreach"].update(per_associate_day=13))
    numbers = rig.customers(30)
    import_id = first_page([*numbers[:29], numbers[0]], mode="check")
    assert rig.run_queued() == 2
    told = rig.verdicts(import_id, "check")
    assert told[:13] == [("accepted", "")] * 13
    assert told[13:] == [("blocked", "daily_limit")] * 16 + [("blocked", "duplicate")]


@pytest.mark.parametrize("mode", ["send", "check"])
def test_a_template_that_is_gone_in_the_middle(
    rig: ImportRig, first_page: Callable[..., str], mode: str
) -> None:
    import_id = first_page(rig.customers(20), mode=mode)

    def without(document: dict[str, Any]) -> None:
        templates = document["outreach"]["templates"]
        document["outreach"]["templates"] = [t for t in templates if t["name"] != "new-arrivals"]

    rig.apply(without)
    rig.clock.advance(61)
    rig.run_queued()
    assert (
        rig.verdicts(import_id, mode)
        == [("accepted", "")] * 10 + [("blocked", "unknown_template")] * 10
    )


def test_an_associate_who_is_gone_before_the_upload_fails_the_file(rig: ImportRig) -> None:
    import_id = rig.open()
    rig.write_store(replace(shop(), associates=tuple(
        replace(one, enabled=False) for one in shop().associates)))  # fmt: skip
    rig.run(rig.upload(import_id, sheet(rig.customers(1))))
    assert rig.look(import_id)["failure"]["code"] == "associate_disabled"


def test_a_failed_import_can_be_called_back(rig: ImportRig, first_page: Callable[..., str]) -> None:
    numbers = rig.customers(20)
    import_id = first_page(numbers)
    rig.upload(import_id, sheet(numbers[:3]))
    rig.run_queued()
    assert rig.look(import_id)["state"] == "failed"
    assert rig.on_import(import_id, "/cancel")[0] == 202
    rig.remaining_s = 120.0
    rig.run_queued()
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used() == 0
    assert len(rig.result(import_id)) == 10


def test_sending_twice_or_while_somebody_writes(rig: ImportRig, monkeypatch: Any) -> None:
    import_id = rig.imported(sheet(rig.customers(2)), mode="check")
    for _ in range(2):
        status, body = rig.on_import(import_id, "/send")
        assert (status, body["state"]) == (202, "running")
    rig.run_queued()
    assert rig.used() == 2
    other = rig.imported(sheet([phone(50)]), key="o", mode="check")
    monkeypatch.setattr("instore.adapters.imports.Imports.save", lambda *_: None)
    for what in ("/send", "/cancel"):
        status, body = rig.on_import(other, what)
        assert (status, body["code"]) == (409, "import_busy")


@pytest.mark.parametrize(
    ("what", "then"), [("/send", (409, "import_not_checked")), ("/cancel", (200, "cancelled"))]
)
def test_after_a_lost_race_the_wish_is_looked_at_anew(
    rig: ImportRig, monkeypatch: Any, what: str, then: tuple[int, str]
) -> None:
    """Somebody cancels meanwhile: nothing is sent any more, and cancelled it is for both."""
    import_id = rig.imported(sheet(rig.customers(2)), mode="check")
    save, lost = Imports.save, []

    def late(imports: Imports, wanted: Import) -> Import | None:
        if not lost:
            lost.append(wanted)
            found = imports.get(wanted.id)
            assert found is not None
            assert save(imports, found.cancelled()) is not None
        return save(imports, wanted)

    monkeypatch.setattr(Imports, "save", late)
    status, body = rig.on_import(import_id, what)
    assert (status, body.get("code") or body["state"]) == then
    assert len(lost) == 1
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used() == 0


def test_what_is_unknown_stays_so_and_the_rest_of_it_does_not_go(now: datetime) -> None:
    rows = (
        Row(0, Phone(phone(0)), state=RowState.UNKNOWN, chunk="t"),
        Row(1, Phone(phone(1)), state=RowState.DEFERRED, until=now, rule="r"),
    )
    batch = Batch(
        id="b1", pointer=Pointer("1", "g", "2"), login="l", banner="kay", template="t",
        fingerprint="f", program=1, accepted_at=now, day="2026-11-18", expires_at=now,
        state=BatchState.UNKNOWN, rows=rows, due_at=now,
    )  # fmt: skip
    left = without_what_is_to_go(batch, now=now)
    assert (left.state, left.due_at) == (BatchState.UNKNOWN, now)
    assert [row.state for row in left.rows] == [RowState.UNKNOWN, RowState.BLOCKED]
    assert left.rows[1].first == (now, "r")
