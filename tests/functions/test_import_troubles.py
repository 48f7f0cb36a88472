"""Imports in trouble: files that begin strangely, people who come in between, uploads that are gone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.import_rig import ImportRig, Killed, phone, sheet
from tests.outreach_rig import ACCOUNT, ANNA, BEN, GROUP, LOGINS, shop

from instore.adapters.table import Table
from instore.runtime import import_operations

OFFICE: dict[str, Any] = {
    "login": "office@example.com", "scopes": "outreach/import outreach/read outreach/behalf"
}  # fmt: skip
BY_ROW: dict[str, Any] = {"columns": {"associate": "associate"}, **OFFICE}


@pytest.fixture
def rig(table: Table, clock: Any) -> ImportRig:
    return ImportRig(table, clock)


def killed_after_the_first_batch(rig: ImportRig, body: str) -> None:
    rig.boundaries.kill_name = "sqs"
    with pytest.raises(Killed):
        rig.run(body)
    rig.boundaries.kill_name = None


# ---------------------------------------------------------------- the first line


@pytest.mark.parametrize("content", [b",,\n", b'""\n', b'""', b";\n", b" , \n", b",,\r\n\r\n\t\n"])
def test_a_first_line_of_nothing_is_no_header(rig: ImportRig, content: bytes) -> None:
    import_id = rig.open()
    assert rig.run(rig.upload(import_id, content)) == {"batchItemFailures": []}
    told = rig.look(import_id)
    assert (told["state"], told["failure"]["code"]) == ("failed", "file_empty")


@pytest.mark.parametrize("line", [
    "Anna Smith,12 Elm Street,+1 (212) 555-0100", "Anna Smith,anna@smith.example.com,(212)",
])  # fmt: skip
def test_somebodys_row_in_place_of_headers_is_not_kept(rig: ImportRig, line: str) -> None:
    import_id = rig.imported(f"{line}\n{line}\n")
    failure = rig.look(import_id)["failure"]
    assert failure == {
        "code": "columns_unclear",
        "message": "the first line names no columns: it looks like somebody's row",
    }
    kept = json.dumps(rig.import_item(import_id))
    assert not [part for part in ("Smith", "Elm", "555", "212") if part in kept]
    status, answer = rig.ask_to_open(key="i-2", headers=line.split(","))
    assert (status, answer["message"]) == (400, failure["message"])


# ---------------------------------------------------------------- associates


def test_a_login_no_key_could_hold_is_nobodys(rig: ImportRig, requests_made: list[Any]) -> None:
    """DynamoDB refuses keys beyond 2,048 bytes; the file would come back until it is dead."""
    (number,) = rig.customers(1)
    lines = ["associate,phone,1,2", f"{'x' * 3000},{number},Anna,Kay",
             f"{LOGINS[ANNA]},{phone(1)},Anna,Kay"]  # fmt: skip
    rig.customer(phone(1))
    requests_made.clear()
    import_id = rig.imported("\n".join(lines), **BY_ROW)
    assert rig.verdicts(import_id) == [("blocked", "unknown_associate"), ("accepted", "")]
    keys = [params["Key"]["pk"]["S"] for _, name, params in requests_made if name == "GetItem"]
    assert max(len(key) for key in keys) < 300


def joined(rig: ImportRig, login: str) -> None:
    """Somebody of this login works in the shop from now on."""
    people = tuple(replace(one, login=login) if one.agent_id == BEN else one
                   for one in shop().associates)  # fmt: skip
    rig.write_store(replace(shop(), associates=people))


def test_who_joins_before_a_page_is_done_again_shifts_nobodys_batch(rig: ImportRig) -> None:
    """Row 2 is of somebody unknown and has a number of row 6. Known by the second time, it would
    make row 6 a duplicate, the batch another one, and two of its customers be texted again."""
    new, numbers = "new@kay.example.com", rig.customers(6)
    lines = ["associate,phone,1,2", f"{new},{numbers[3]},Anna,Kay",
             *(f"{LOGINS[ANNA]},{number},Anna,Kay" for number in numbers)]  # fmt: skip
    import_id = rig.open(**BY_ROW)
    body = rig.upload(import_id, "\n".join(lines))
    killed_after_the_first_batch(rig, body)
    joined(rig, new)
    rig.clock.advance(750)
    rig.run(body)
    rows = rig.result(import_id)
    assert [(row["verdict"], row["reason"]) for row in rows[1:]] == [
        *[("accepted", "")] * 3, ("blocked", "duplicate"), *[("accepted", "")] * 2
    ]  # fmt: skip
    assert len({row["batch"] for row in rows[1:] if row["batch"]}) == 1
    rig.settle(8)
    texted = [rig.vendor.texts[number[1:]] for number in numbers]
    assert max(texted) == 1
    assert [texted[place] for place in (0, 1, 2, 4, 5)] == [1] * 5


def test_a_number_counts_from_its_first_row_whoever_is_known(rig: ImportRig) -> None:
    (number,) = rig.customers(1)
    lines = ["associate,phone,1,2", f"nobody@kay.example.com,{number},Anna,Kay",
             f"{LOGINS[ANNA]},{number},Anna,Kay"]  # fmt: skip
    import_id = rig.imported("\n".join(lines), **BY_ROW)
    assert rig.verdicts(import_id) == [("blocked", "unknown_associate"), ("blocked", "duplicate")]


def without(rig: ImportRig, agent: str) -> None:
    """This associate does not work here any more."""
    rig.write_store(replace(shop(), associates=tuple(
        replace(one, enabled=one.enabled and one.agent_id != agent)
        for one in shop().associates)))  # fmt: skip
    rig.clock.advance(61)  # what processes remember of a store


def half_done(rig: ImportRig, *, mode: str = "send", at: str = "sqs") -> tuple[str, str, list[str]]:
    """An import of two batches of Anna's and one of Ben's, killed when the first was taken."""
    numbers = rig.customers(14)
    lines = ["associate,phone,1,2",
             *(f"{LOGINS[ANNA]},{number},Anna,Kay" for number in numbers[:12]),
             *(f"{LOGINS[BEN]},{number},Ben,Kay" for number in numbers[12:])]  # fmt: skip
    import_id = rig.open(mode=mode, **BY_ROW)
    body = rig.upload(import_id, "\n".join(lines))
    if mode == "check":
        rig.run(body)
        assert rig.on_import(import_id, "/send", **OFFICE)[0] == 202
        body = rig.queue.imports.pop(0)
    rig.boundaries.kill_name = at
    with pytest.raises(Killed):
        rig.run(body)
    rig.boundaries.kill_name = None
    return import_id, body, numbers


@pytest.mark.parametrize("mode", ["send", "check"])
def test_what_was_taken_for_somebody_who_left_stands_in_the_result(
    rig: ImportRig, mode: str
) -> None:
    """The page is done again, and Anna cannot be asked any more what her batches are called."""
    import_id, body, numbers = half_done(rig, mode=mode)
    without(rig, ANNA)
    rig.clock.advance(750)
    assert rig.run(body) == {"batchItemFailures": []}
    rows = rig.result(import_id)
    assert [(row["verdict"], row["reason"]) for row in rows] == [
        *[("accepted", "")] * 10, *[("blocked", "associate_disabled")] * 2, *[("accepted", "")] * 2
    ]  # fmt: skip
    assert [len({row["batch"] for row in part}) for part in (rows[:10], rows[12:])] == [1, 1]
    assert rig.look(import_id, **OFFICE)["counts"]["accepted"] == 12
    assert "people" not in rig.import_item(import_id)
    rig.on_import(import_id, "/cancel", **OFFICE)
    rig.run_queued()
    assert set(rig.reasons(rows[0]["batch"])) == {"cancelled"}
    assert (rig.used(ANNA), rig.used(BEN)) == (0, 0)
    assert not any(rig.leased(number) for number in numbers)


def test_what_was_half_taken_for_somebody_who_left_is_decided(rig: ImportRig) -> None:
    """Killed between the batch and its first customer: nobody is there to send it, nothing goes."""
    import_id, body, _ = half_done(rig, at="dynamodb.UpdateItem")
    without(rig, ANNA)
    rig.clock.advance(750)
    rig.run(body)
    rows = rig.result(import_id)
    assert [(row["verdict"], row["reason"]) for row in rows] == [
        *[("blocked", "associate_disabled")] * 12, *[("accepted", "")] * 2
    ]  # fmt: skip
    assert rows[0]["batch"] != "" == rows[11]["batch"]
    assert rig.item(rows[0]["batch"])["state"] == "closed"
    assert rig.used(ANNA) == 0


def test_cancelling_finds_what_was_taken_for_somebody_who_left(rig: ImportRig) -> None:
    import_id, _, numbers = half_done(rig)
    assert rig.used(ANNA) == 10
    without(rig, ANNA)
    rig.clock.advance(151)
    rig.on_import(import_id, "/cancel", **OFFICE)
    rig.run_queued()
    assert rig.look(import_id, **OFFICE)["state"] == "cancelled"
    assert rig.used(ANNA) == 0
    assert not any(rig.leased(number) for number in numbers)


def test_who_is_another_agent_by_then_does_not_text_twice(rig: ImportRig) -> None:
    """A login that came to another agent: a batch of the same rows would have another name."""
    import_id, body, _ = half_done(rig)
    people = tuple(replace(one, agent_id="209") if one.agent_id == ANNA else one
                   for one in shop().associates)  # fmt: skip
    rig.write_store(replace(shop(), associates=people))
    rig.clock.advance(61 + 750)
    rig.run(body)
    rows = rig.result(import_id)
    assert [row["verdict"] for row in rows] == ["accepted"] * 14
    assert len({row["batch"] for row in rows}) == 3
    assert (rig.used(ANNA), rig.used("209")) == (10, 2)


def test_who_is_meant_is_written_down_without_a_write_of_its_own(
    rig: ImportRig, monkeypatch: Any, requests_made: list[Any]
) -> None:
    monkeypatch.setattr(import_operations, "PAGE_ROWS", 7)
    numbers = rig.customers(14)
    import_id = rig.open()
    body = rig.upload(import_id, sheet(numbers))
    requests_made.clear()
    rig.run(body)
    told = [params["Item"].get("people") for _, name, params in requests_made
            if name == "PutItem" and params["Item"]["pk"]["S"].startswith("IMPORT#")]  # fmt: skip
    anna = {"M": {LOGINS[ANNA]: {"L": [{"S": ACCOUNT}, {"S": GROUP}, {"S": ANNA}]}}}
    assert told == [None, anna, anna, None, None]  # claim, begin, page, page, end


# ---------------------------------------------------------------- cancelling


def test_cancelling_does_not_wait_for_a_dead_ones_message(rig: ImportRig) -> None:
    """Killed half way, the message shows again after 750 s; its batches would have gone by then."""
    numbers = rig.customers(12)
    import_id = rig.open()
    killed_after_the_first_batch(rig, rig.upload(import_id, sheet(numbers)))
    rig.on_import(import_id, "/cancel")
    rig.run(rig.queue.imports.pop(0))
    assert rig.look(import_id)["state"] == "cancelling"
    assert (len(rig.queue.imports), rig.queue.delays[-1]) == (1, 151)
    rig.clock.advance(rig.queue.delays[-1])
    rig.run_queued()
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used() == 0
    assert not any(rig.leased(number) for number in numbers)


def test_an_upload_that_is_gone_holds_nothing_up(rig: ImportRig, monkeypatch: Any) -> None:
    monkeypatch.setattr(import_operations, "PAGE_ROWS", 10)
    numbers = rig.customers(20)
    rig.remaining_s = 5.0
    import_id = rig.open()
    rig.run(rig.upload(import_id, sheet(numbers)))
    rig.s3.delete_object(Bucket=rig.bucket, Key=f"imports/{import_id}/upload.csv")
    message = rig.queue.imports.pop(0)
    assert rig.run(message)["batchItemFailures"] != []  # away, or gone: S3 does not tell us which
    rig.clock.advance(7 * 86_400 + 1)
    assert rig.run(message) == {"batchItemFailures": []}
    told = rig.look(import_id)
    assert (told["state"], told["failure"]["code"]) == ("failed", "upload_expired")
    assert told["rows"] == {"done": 10, "of": 20}
    rig.remaining_s = 120.0
    rig.on_import(import_id, "/cancel")
    assert rig.run(rig.queue.imports.pop(0)) == {"batchItemFailures": []}
    assert rig.look(import_id)["state"] == "cancelled"
    assert rig.used() == 0


def test_a_dry_run_is_not_counted_as_taken(rig: ImportRig, capsys: Any) -> None:
    content = sheet([*rig.customers(2), "nobody"])
    rig.imported(content, key="check", mode="check")
    told = capsys.readouterr().out
    assert '"RecipientsAccepted":[2.0]' not in told
    assert '"RecipientsBlocked":[1.0]' not in told
    rig.imported(content)
    told = capsys.readouterr().out
    assert '"RecipientsAccepted":[2.0]' in told
    assert '"RecipientsBlocked":[1.0]' in told
