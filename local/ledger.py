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
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from local import table_export
from local.configure import find_output, find_table

from instore.adapters.consents import Consents
from instore.adapters.customers import Customers
from instore.consent import Chain
from instore.consent_ledger import Link, check_entry, headless, verify_ledger, verify_links
from instore.errors import BadInputError, InstoreError
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
            report = verify_export(Path(args.export))
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
    table = find_table(args, clients("dynamodb"))
    wanted = list(args.customer)
    if args.phone:
        if not (args.key_secret or args.stack):
            raise BadInputError("--phone with --table takes --key-secret", code="no_key")
        secret = args.key_secret or find_output(args.stack, "CustomerKeyArn")
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


def _head(item: dict[str, Any] | None) -> Chain | None:
    chain = item.get("chain") if item else None
    return Chain(chain["n"], chain["hash"]) if chain else None


# ---------------------------------------------------------------- in an export
def verify_export(folder: Path) -> Report:
    """Every customer's chain against their head, from the files of a table export.

    Items come in no order, so each entry is checked as it is read and only its links are kept.
    """
    links: dict[str, list[Link]] = defaultdict(list)
    heads: dict[str, dict[str, Any]] = {}
    report = Report()
    for item in table_export.items(folder, wrong=report.wrong):
        kind, _, customer = str(item["pk"]).partition("#")
        if kind != "CUSTOMER":
            continue
        if item["sk"] == "CUSTOMER":
            heads[customer] = item
        elif str(item["sk"]).startswith("CONSENT#"):
            links[customer].append(check_entry(item))
    for customer in heads.keys() | links.keys():
        found = sorted(links.get(customer, []), key=lambda link: link.n)
        known = heads.get(customer)
        problems = verify_links(found, head=_head(known))
        problems += headless(len(found), head=_head(known))
        report.add(customer, entries=len(found), problems=problems)
    return report


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
