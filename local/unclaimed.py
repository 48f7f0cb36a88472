"""Texts that nobody could be given: look at them, and say that one has been seen to.

    python -m local.unclaimed list --stack NAME
    python -m local.unclaimed done --stack NAME SM… [SM…]

They came to a number of ours that the program does not know, or from a sender who is no telephone,
and are kept for sixty days. What is shown has numbers and words: it is for whoever answers the
customer, and for nobody's log. --table names the table directly. Exit 1 if something failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from local.configure import find_table

from instore.adapters.unclaimed import Unclaimed
from instore.errors import InstoreError


def main(
    arguments: Sequence[str] | None = None, *, clients: Callable[[str], Any] | None = None,
    now: datetime | None = None,
) -> int:  # fmt: skip
    """Run one command; `clients` makes AWS clients by name (boto3.client unless given)."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if not (args.stack or args.table):
        parser.error("where? --stack or --table")
    try:
        unclaimed = Unclaimed(find_table(args, (clients or _client)("dynamodb")))
        waiting = unclaimed.waiting(now=now or datetime.now(UTC))
        if args.command == "list":
            return _show(waiting)
        return _settle(unclaimed, waiting, args.text)
    except InstoreError as error:
        print(f"error: {error.public_code}: {error.message}")
    except (BotoCoreError, ClientError, LookupError) as error:
        print(f"error: {error}")
    return 1


def _show(waiting: list[dict[str, Any]]) -> int:
    for item in waiting:
        words = item.get("body", "" if "sender" in item else "(erased)")
        print(f"{item['created_at']}  {item.get('sender', '-')} -> {item['to']}  {item['sk']}")
        for line in (*words.splitlines(), *item.get("media", ())):
            print(f"    {line}")
    print(f"{len(waiting)} text(s) nobody was given")
    return 0


def _settle(unclaimed: Unclaimed, waiting: list[dict[str, Any]], wanted: list[str]) -> int:
    known = {item["sk"]: item for item in waiting}
    for sid in wanted:
        if sid in known:
            unclaimed.settle(known[sid]["pk"], sid)
        print(f"{sid}: {'done' if sid in known else 'not there'}")
    return 0 if set(wanted) <= set(known) else 1


def _client(name: str) -> Any:
    import boto3

    make: Any = boto3.client  # typed per service, and this takes any
    return make(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="unclaimed", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    done = commands.add_parser("done")
    done.add_argument("text", nargs="+", metavar="SM…")
    for command in (commands.add_parser("list"), done):
        where = command.add_mutually_exclusive_group()
        where.add_argument("--stack")
        where.add_argument("--table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
