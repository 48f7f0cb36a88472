"""`make ledger`: whatever is changed, taken away or added in the table is found and named."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import boto3
import pytest
from local import ledger

from instore.adapters.consents import Consents
from instore.adapters.customers import Customers
from instore.adapters.table import Table, encode
from instore.model import Phone

PHONE, OTHER = Phone("+12125550123"), Phone("+12125550124")
KEY = "the key of the stack"

Verify = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def customers(table: Table, now: datetime) -> Customers:
    """One with four entries and an erasure, one with two."""
    customers = Customers(table, key=KEY)
    ledger_, who = Consents(table), customers.id_of(PHONE)
    for n in range(2):
        customers.record_consent(
            PHONE, banner="kay", consent_class="marketing", wording=f"Yes {n}.", method="tablet",
            evidence="form", who="ana", at=now, now=now + timedelta(minutes=n), country="US",
        )  # fmt: skip
    customers.opt_out(who, banner="kay", scope="all", how="text", words="stop", now=now)
    ledger_.erase(who, reason="request 7", who="desk", now=now, due_at=now)
    ledger_.empty(who)
    for n in range(2):
        customers.record_consent(
            OTHER, banner="kay", consent_class="one_to_one", wording="Yes.", method="tablet",
            evidence="form", who="ana", at=now, now=now + timedelta(minutes=n), country="US",
        )  # fmt: skip
    return customers


@pytest.fixture
def stack(table: Table, customers: Customers) -> str:
    """A stack with the outputs that template.yaml has."""
    secret = boto3.client("secretsmanager").create_secret(
        Name=f"key-of-{table.name}", SecretString=KEY
    )["ARN"]
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"TableName": {"Value": table.name}, "CustomerKeyArn": {"Value": secret}},
    }
    name = f"stack-{table.name}"
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    return name


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    def run(*words: str) -> tuple[int, list[str]]:
        code = ledger.main(["verify", *words])
        return code, capsys.readouterr().out.splitlines()

    return run


def test_a_ledger_is_found_by_number(verify: Verify, stack: str, customers: Customers) -> None:
    code, said = verify("--stack", stack, "--phone", PHONE.e164)
    assert code == 0
    assert said == [
        f"customer {customers.id_of(PHONE)}: 4 entries, last: erased 2026-11-18T17:00:00.000Z",
        "1 customer(s), 4 entries, 0 broken",
    ]


def test_several_customers_by_id(
    verify: Verify, table: Table, customers: Customers, stack: str
) -> None:
    ids = [word for phone in (PHONE, OTHER) for word in ("--customer", customers.id_of(phone))]
    assert verify("--table", table.name, *ids)[1][-1] == "2 customer(s), 6 entries, 0 broken"
    both = verify("--stack", stack, *ids, "--phone", PHONE.e164)
    assert both[1][-1] == "2 customer(s), 6 entries, 0 broken"


def test_with_a_table_the_key_is_named(verify: Verify, table: Table, stack: str) -> None:
    words = ("--table", table.name, "--phone", PHONE.e164)
    assert verify(*words) == (1, ["error: no_key: --phone with --table takes --key-secret"])
    named = verify(*words, "--key-secret", f"key-of-{table.name}")
    assert (named[0], named[1][-1]) == (0, "1 customer(s), 4 entries, 0 broken")


def test_nobody_has_nothing_and_that_is_intact(verify: Verify, stack: str) -> None:
    code, said = verify("--stack", stack, "--phone", "+12125550199")
    assert (code, said[0].split(": ", 1)[1]) == (0, "0 entries, last: nothing")


FACTS = ("at", "recorded_at", "who", "banner", "what", "method", "country")
WORDS = ("wording", "evidence", "salt")
CHANGED, WORDS_CHANGED = "entry 1 was changed", "the words of entry 1 were changed"
TORN = "entry 2 does not follow the one before it"
TAMPERED = [
    *((name, how, [CHANGED]) for name in FACTS for how in ("other", None)),
    *((name, how, [WORDS_CHANGED]) for name in WORDS for how in ("other", None)),
    ("scope", "all", [CHANGED]),
    ("words", "stop", [WORDS_CHANGED]),
    ("erased", True, []),  # says nothing as long as the words are there
    *(("personal", how, [CHANGED, WORDS_CHANGED]) for how in ("other", None)),
    *(("prev", how, ["entry 1 does not follow the one before it", CHANGED])
      for how in ("other", None)),
    *(("hash", how, [CHANGED, TORN]) for how in ("other", None)),
    ("n", 9, ["entry 1 is missing or out of order (found 2)", TORN,
              "entry 2 is missing or out of order (found 9)",
              "entry 9 does not follow the one before it", "entry 9 was changed"]),
    ("n", 0, ["entry 1 is missing or out of order (found 0)", "entry 0 was changed"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "problems"), TAMPERED)
def test_tampering_with_any_field_is_named(
    verify: Verify, table: Table, customers: Customers, tmp_path: Path, name: str, value: object,
    problems: list[str],
) -> None:  # fmt: skip
    """The first of two entries is forged (None = the field removed): in the table and in an export
    of it, the same is said."""
    customer = customers.id_of(OTHER)
    first = Consents(table).entries(customer)[0]
    assert first.keys() >= {*FACTS, *WORDS, "n", "personal", "prev", "hash"}
    forged = {**first, name: value}
    table.put({key: kept for key, kept in forged.items() if kept is not None})
    broken = [f"customer {customer}: BROKEN"] if problems else []
    code, said = verify("--table", table.name, "--customer", customer)
    told = [line.strip() for line in said[1:]]
    if name == "n" and value == 9:
        problems = [*problems, "the customer's chain ends at 2, the ledger at 2"]
    assert told == [*broken, *problems, f"1 customer(s), 2 entries, {len(broken)} broken"]
    assert code == len(broken)
    export(table, tmp_path)
    code, said = verify("--export", str(tmp_path))
    told = [line.strip() for line in said]
    assert told == [*broken, *problems, f"2 customer(s), 6 entries, {len(broken)} broken"]
    assert code == len(broken)


# ---------------------------------------------------------------- exports
def export(table: Table, folder: Path, *, files: int = 2, forget: int = 0) -> None:
    """What AWS writes: items of all kinds in no order, in gzipped lines, and a summary."""
    found = table._client.scan(TableName=table.name)["Items"]
    found.append(encode({"pk": "BATCH#b1", "sk": "BATCH", "state": "closed"}))
    found.sort(key=lambda item: json.dumps(item)[-9:])
    data = folder / "AWSDynamoDB" / "01-ab" / "data"
    data.mkdir(parents=True, exist_ok=True)
    for n in range(files):
        with gzip.open(data / f"part{n}.json.gz", "wt") as lines:
            for item in found[forget:][n::files]:
                lines.write(json.dumps({"Item": item}) + "\n")
    (data.parent / "manifest-summary.json").write_text(json.dumps({"itemCount": len(found)}))


def test_an_export_verifies_with_a_line_of_progress_a_file(
    table: Table, customers: Customers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(table, tmp_path)
    assert ledger.main(["verify", "--export", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out == "2 customer(s), 6 entries, 0 broken\n"
    assert said.err.splitlines()[-1] == "file 2 of 2: 9 items"


def test_a_missing_entry_a_missing_customer_and_a_lost_end(
    verify: Verify, table: Table, customers: Customers, tmp_path: Path
) -> None:
    one, other = customers.id_of(PHONE), customers.id_of(OTHER)
    entries = Consents(table).entries(one)
    table.delete(entries[1]["pk"], entries[1]["sk"])
    table.delete(*customers.key_of(other))
    export(table, tmp_path)
    code, said = verify("--export", str(tmp_path))
    assert code == 1
    assert {line.strip() for line in said} >= {
        f"customer {one}: BROKEN", f"customer {other}: BROKEN",
        "entry 3 does not follow the one before it",
        "entry 2 is missing or out of order (found 3)",
        "the customer's chain is missing, the ledger ends at 2",
        "2 customer(s), 5 entries, 2 broken",
    }  # fmt: skip


def test_entries_that_were_all_removed_are_missed(
    verify: Verify, table: Table, customers: Customers, tmp_path: Path
) -> None:
    for entry in Consents(table).entries(customers.id_of(OTHER)):
        table.delete(entry["pk"], entry["sk"])
    export(table, tmp_path)
    code, said = verify("--export", str(tmp_path))
    assert (code, said[1]) == (1, "  the customer's chain ends at 2, the ledger at 0")


def test_words_gone_without_an_erasure_are_missed(
    verify: Verify, table: Table, customers: Customers, tmp_path: Path
) -> None:
    (first, _) = Consents(table).entries(customers.id_of(OTHER))
    for name in WORDS:
        del first[name]
    table.put({**first, "erased": True})
    export(table, tmp_path)
    assert verify("--export", str(tmp_path))[1][1] == (
        "  the words of entry 1 are gone without an erasure"
    )


def test_an_export_that_is_not_whole_is_no_proof(
    verify: Verify, table: Table, customers: Customers, tmp_path: Path
) -> None:
    export(table, tmp_path, forget=1)
    code, said = verify("--export", str(tmp_path))
    assert code == 1
    assert "error: the export has 9 items and 8 were found: a file is missing" in said
    (broken, cut) = sorted(tmp_path.rglob("*.json.gz"))
    with gzip.open(broken, "wt") as lines:
        lines.write("no json\n")
    cut.write_bytes(cut.read_bytes()[:-20])
    said = verify("--export", str(tmp_path))[1]
    assert "error: part0.json.gz, line 1 is not an item" in said
    assert "error: part1.json.gz cannot be read to its end" in said


def test_a_stack_of_something_else_is_said_so(verify: Verify, table: Table) -> None:
    name = f"other-{table.name}"
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(topic))
    told = ["error: no_output: the stack has no output TableName"]
    assert verify("--stack", name, "--customer", "x") == (1, told)


def test_no_export_no_stack_and_no_number_are_said_so(
    verify: Verify, tmp_path: Path, stack: str
) -> None:
    assert verify("--export", str(tmp_path)) == (
        1, [f"error: no .json.gz file in {tmp_path}"])  # fmt: skip
    code, said = verify("--stack", "nowhere", "--customer", "x")
    assert (code, said[0][:7]) == (1, "error: ")
    assert verify("--stack", stack, "--phone", "12") == (
        1, ["error: invalid_number: not a telephone number"])  # fmt: skip


@pytest.mark.parametrize("words", [[], ["--stack", "s"], ["--phone", "+12125550123"],
                                   ["--stack", "s", "--table", "t", "--customer", "x"]])  # fmt: skip
def test_wrong_use_is_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        ledger.main(["verify", *words])
    assert caught.value.code == 2
    assert "usage: ledger" in capsys.readouterr().err
