"""Run a changed program over stored receipts and print what it would have decided otherwise.

    python -m local.replay --program CHANGED.yaml --stack NAME --day 2026-11-21
    python -m local.replay --program CHANGED.yaml --stack NAME --conversation ACCOUNT/ID ...
    python -m local.replay --program CHANGED.yaml --export DIR

--day finds the conversations decided on that day (UTC) on the index `decided`, without a scan;
--conversation may be given more than once; --export reads the .json.gz files of a DynamoDB table
export (DYNAMODB_JSON). Nothing is written. Exit 0, also when something differs, unless
--fail-on-difference is given (then 1); 2 for wrong use or files that cannot be read.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError
from local import table_export
from local.configure import find_table

from instore.adapters.conversations import SK, Conversations
from instore.adapters.table import Item
from instore.errors import InstoreError, ProgramError
from instore.model import SHARDS
from instore.program import Program, load_program
from instore.replaying import LIMITS, Replayed, decides, replay_under
from instore.routing_case import Decision

_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


def main(arguments: Sequence[str] | None = None, *, client: Any = None) -> int:
    """Run the command; `client` is a DynamoDB client for tests."""
    args = _parser().parse_args(arguments)
    try:
        raw = yaml.safe_load(Path(args.program).read_text(encoding="utf-8"))
        program = load_program(json.loads(json.dumps(raw, default=str)))
        items = list(_items(args, client))
    except ProgramError as error:
        for problem in error.problems:
            print(f"error: {problem}")
        return 2
    except InstoreError as error:
        print(f"error: {error.public_code}: {error.message}")
        return 2
    except (OSError, ValueError, yaml.YAMLError, BotoCoreError, ClientError) as error:
        print(f"error: {error}")
        return 2
    differs = _report(items, program)
    return 1 if differs and args.fail_on_difference else 0


def _items(args: argparse.Namespace, client: Any) -> Iterator[Item]:
    if args.export:
        yield from _exported(Path(args.export))
        return
    if not args.day and not args.conversation:
        raise ValueError("say which: --day, --conversation, or both")
    if args.day and not _is_day(args.day):
        raise ValueError("--day is a date like 2026-11-21")
    conversations = Conversations(find_table(args, client))
    keys = [(f"CONVERSATION#{a}#{i}", SK) for a, _, i in (c.partition("/") for c in
                                                          args.conversation)]  # fmt: skip
    if args.day:
        for shard in range(SHARDS):
            keys += conversations.decided(f"{args.day}#{shard}")
    found = conversations.receipts(keys) if keys else []
    for missing in set(keys) - {(item["pk"], item["sk"]) for item in found}:
        print(f"not there: {missing[0].removeprefix('CONVERSATION#').replace('#', '/', 1)}")
    yield from sorted(found, key=lambda item: str(item["pk"]))


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.match(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _exported(folder: Path) -> list[Item]:
    """The conversations of an export. Raises ValueError unless all of it is there."""
    wrong: list[str] = []
    found = [item for item in table_export.items(folder, wrong=wrong) if item["sk"] == SK]
    if wrong:
        raise ValueError("; ".join(wrong))
    return found


def _report(items: Iterable[Item], program: Program) -> int:
    """Print differences and the summary; returns how many differ."""
    kinds: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    total = same = 0
    for item in items:
        total += 1
        name = f"{item['account']}/{item['conversation']}"
        if "receipt" not in item:
            unknown["it has no receipt: nothing was decided"] += 1
            continue
        try:
            told = replay_under(item["receipt"], program=program, banner=item["banner"])
        except (ValueError, LookupError, TypeError):
            unknown["its receipt cannot be read by this version"] += 1
            continue
        if told.new is None:
            unknown[told.unknown or ""] += 1
        elif told.differs:
            kinds[told.kind] += 1
            _tell(name, told)
        else:
            same += 1
    _summary(total, same, kinds, unknown)
    return kinds.total()


def _tell(name: str, told: Replayed) -> None:
    assert told.new is not None
    print(f"{name}  [{told.kind}]")
    print(f"  was  {_in_short(told.old)}  because {decides(told.old)}")
    print(f"  new  {_in_short(told.new)}  because {decides(told.new)}")


def _in_short(decision: Decision) -> str:
    """`least_loaded_peer to agent 61002 (kay-associates), says "peer"`."""
    whom = f"agent {decision.agent_id} ({decision.skill})" if decision.agent_id else decision.skill
    to = f" to {whom}" if whom else ""
    return f'{decision.outcome}{to}, says "{decision.message}"'


def _summary(total: int, same: int, kinds: Counter[str], unknown: Counter[str]) -> None:
    print(f"\n{total:>7}  receipts")
    print(f"{same:>7}  same decision")
    print(f"{kinds.total():>7}  different")
    for kind, count in kinds.most_common():
        print(f"{count:>11}  {kind}")
    print(f"{unknown.total():>7}  could not be replayed")
    for why, count in unknown.most_common():
        print(f"{count:>11}  {why}")
    print("\nA receipt does not know:")
    for limit in LIMITS:
        print(f"  - {limit}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="replay", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--program", required=True, help="the changed program document")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack")
    where.add_argument("--table")
    where.add_argument("--export", metavar="DIR")
    parser.add_argument("--day", help="all conversations decided on this day, UTC")
    parser.add_argument("--conversation", action="append", default=[], metavar="ACCOUNT/ID")
    parser.add_argument("--fail-on-difference", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
