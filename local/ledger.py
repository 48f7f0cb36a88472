"""Verify consent ledgers: of one customer in a stack, or of everybody in an export of its table.

    python -m local.ledger verify --stack NAME --phone +12125550123 [--phone …]
    python -m local.ledger verify --stack NAME --customer ID [--customer ID …]
    python -m local.ledger verify --export DIR

Exit 0 everything verifies, 1 something does not (the entries are named), 2 wrong use. The stack's
table and the key of the numbers are found by its CloudFormation outputs; --table names the table
directly, then --key-secret names the key. docs/runbook.md says how an export is made.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from instore.adapters.consents import Consents
from instore.adapters.customers import Customers
from instore.adapters.table import Table, decode
from instore.consent import Chain
from instore.consent_ledger import Link, check_entry, headless, verify_ledger, verify_links
from instore.errors import InstoreError
from instore.model import Phone

Clients = Callable[[str], Any]


@dataclass(slots=True)
class Report:
    """What was verified so far; `wrong` are sentences about the files themselves."""

    customers: int = 0
    entries: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, customer: str, *, entries: int, problems: Sequence[str]) -> None:
        self.customers += 1
        self.entries += entries
        if problems:
            self.broken[customer] = list(problems)


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Run one command; `clients` makes AWS clients by name (boto3.client unless given)."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.export is None and not (args.phone or args.customer):
        parser.error("whose ledger? --phone, --customer or --export")
    if args.export is None and not (args.stack or args.table):
        parser.error("where? --stack or --table")
    try:
        if args.export is not None:
            report = verify_export(Path(args.export), progress=_progress)
        else:
            report = _verify_in_table(args, clients or _client)
    except InstoreError as error:
        print(f"error: {error.public_code}: {error.message}")
        return 1
    except (OSError, BotoCoreError, ClientError, LookupError) as error:
        print(f"error: {error}")
        return 1
    for customer, problems in sorted(report.broken.items()):
        print(f"customer {customer}: BROKEN")
        for problem in problems:
            print(f"  {problem}")
    for sentence in report.wrong:
        print(f"error: {sentence}")
    print(f"{report.customers} customer(s), {report.entries} entries, {len(report.broken)} broken")
    return 1 if report.broken or report.wrong else 0


# ---------------------------------------------------------------- in a table
def _verify_in_table(args: argparse.Namespace, clients: Clients) -> Report:
    outputs = _outputs(clients("cloudformation"), args.stack) if args.stack else {}
    name = args.table or outputs.get("TableName")
    if name is None:
        raise LookupError("the stack has no output TableName")
    table = Table(clients("dynamodb"), name)
    wanted = list(args.customer)
    if args.phone:
        secret = args.key_secret or outputs.get("CustomerKeyArn")
        if secret is None:
            raise LookupError("--phone with --table takes --key-secret")
        key = clients("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        customers = Customers(table, key=key)
        wanted += [customers.id_of(Phone.parse(text)) for text in args.phone]
    ledger, report = Consents(table), Report()
    for customer in dict.fromkeys(wanted):
        item = table.get(f"CUSTOMER#{customer}", "CUSTOMER")
        entries = ledger.entries(customer)
        problems = verify_ledger(entries, head=_head(item))
        report.add(customer, entries=len(entries), problems=problems)
        newest = entries[-1] if entries else {}
        last = f"{newest.get('what')} {newest.get('recorded_at')}" if entries else "nothing"
        print(f"customer {customer}: {len(entries)} entries, last: {last}")
    return report


def _outputs(client: Any, stack: str) -> dict[str, str]:
    stacks = client.describe_stacks(StackName=stack)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stacks[0].get("Outputs", [])}


def _head(item: dict[str, Any] | None) -> Chain | None:
    chain = item.get("chain") if item else None
    return Chain(chain["n"], chain["hash"]) if chain else None


# ---------------------------------------------------------------- in an export
def verify_export(folder: Path, *, progress: Callable[[str], None]) -> Report:
    """Every customer's chain against their head, from the files of a table export.

    `folder` holds them anywhere below (DYNAMODB_JSON, one item a line, .json.gz). Items come in no
    order, so each entry is checked as it is read and only its links are kept.
    """
    links: dict[str, list[Link]] = defaultdict(list)
    heads: dict[str, dict[str, Any]] = {}
    report, count = Report(), 0
    files = sorted(folder.rglob("*.json.gz"))
    if not files:
        raise LookupError(f"no .json.gz file in {folder}")
    for number, path in enumerate(files, start=1):
        for item in _items(path, report):
            count += 1
            customer = str(item.get("pk", "")).removeprefix("CUSTOMER#")
            if not str(item.get("pk", "")).startswith("CUSTOMER#"):
                continue
            if item["sk"] == "CUSTOMER":
                heads[customer] = item
            elif str(item["sk"]).startswith("CONSENT#"):
                links[customer].append(check_entry(item))
        progress(f"file {number} of {len(files)}: {count} items, {len(heads)} customers")
    for customer in heads.keys() | links.keys():
        found = sorted(links.get(customer, []), key=lambda link: link.n)
        known = heads.get(customer)
        problems = verify_links(found, head=_head(known))
        problems += headless(len(found), head=_head(known))
        report.add(customer, entries=len(found), problems=problems)
    report.wrong += _missing(folder, count)
    return report


def _items(path: Path, report: Report) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield decode(json.loads(line)["Item"])
                except (ValueError, KeyError, TypeError, AttributeError):
                    report.wrong.append(f"{path.name}, line {number} is not an item")
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError):
        report.wrong.append(f"{path.name} cannot be read to its end")


def _missing(folder: Path, count: int) -> Iterable[str]:
    """What the export's own summary says of how many items there are."""
    for summary in folder.rglob("manifest-summary.json"):
        told = json.loads(summary.read_text(encoding="utf-8")).get("itemCount")
        if told is not None and told != count:
            yield f"the export has {told} items and {count} were found: a file is missing"


def _progress(text: str) -> None:
    print(text, file=sys.stderr)


def _client(name: str) -> Any:
    import boto3

    make: Any = boto3.client  # typed per service, and this takes any
    return make(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ledger", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    verify = parser.add_subparsers(dest="command", required=True).add_parser("verify")
    where = verify.add_mutually_exclusive_group()
    where.add_argument("--stack")
    where.add_argument("--table")
    where.add_argument("--export", metavar="DIR")
    verify.add_argument("--key-secret", metavar="ARN")
    verify.add_argument("--phone", action="append", default=[])
    verify.add_argument("--customer", action="append", default=[])
    return parser


if __name__ == "__main__":
    sys.exit(main())
