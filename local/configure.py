"""Validate a program document, apply it to a stack's table, list versions, roll back.

    python -m local.configure check    PROGRAM.yaml
    python -m local.configure apply    PROGRAM.yaml --stack NAME [--dry-run] [--note TEXT]
    python -m local.configure list     --stack NAME
    python -m local.configure show     --stack NAME [--version N]
    python -m local.configure rollback N --stack NAME [--dry-run]
    python -m local.configure stop     all | banner NAME | store ACCOUNT/GROUP | associate LOGIN
                                       --stack NAME [--dry-run] [--note TEXT]
    python -m local.configure resume   (the same)
    python -m local.configure release-number NUMBER --stack NAME [--dry-run] [--note TEXT]
    python -m local.configure status   --stack NAME
    python -m local.configure schema

Exit 0 done, 1 refused (the reasons are printed with their lines), 2 wrong use.
A stack's table is found by its CloudFormation output TableName; --table names it directly.
`apply --stack` also compares the secrets' names with the stack's parameter SecretPrefix.
"""

from __future__ import annotations

import argparse
import difflib
import getpass
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError
from local import switches
from local.program_fit import number_problems, secret_problems
from local.template_lengths import template_lines
from local.yaml_lines import line_of, read_with_lines

from instore.adapters.programs import Programs
from instore.adapters.table import Table
from instore.errors import BadInputError, InstoreError, ProgramError
from instore.program import Program, load_program


def main(arguments: Sequence[str] | None = None, *, client: Any = None) -> int:
    """Run one command; `client` is a DynamoDB client for tests."""
    args = _parser().parse_args(arguments)
    if args.command == "schema":
        print(schema(), end="")
        return 0
    try:
        if args.command == "check":
            program = load_program(_read(args))
            _demand_fit(program, prefix=None)
            print(_summary(program))
            print("\n".join(template_lines(program)))
            return 0
        programs = _programs(args, client)
        return int(_COMMANDS[args.command](args, programs))
    except ProgramError as error:
        # What all banners inherit is wrong once, however many banners there are.
        lines = getattr(args, "lines", {})
        told = dict.fromkeys(f"{_pointed(p.where, lines)}: {p.what}" for p in error.problems)
        for sentence in told:
            print(f"error: {sentence}")
        print(f"{len(told)} problem(s); nothing was applied")
    except InstoreError as error:
        print(f"error: {error.public_code}: {error.message}")
    except (OSError, UnicodeError, yaml.YAMLError, BotoCoreError, ClientError) as error:
        print(f"error: {error}")
    return 1


def schema() -> str:
    """JSON schema of the program, for editors (docs/program.schema.json)."""
    return json.dumps(Program.model_json_schema(), indent=2, sort_keys=True) + "\n"


def _apply(args: argparse.Namespace, programs: Programs) -> int:
    document = _read(args)
    program = load_program(document)
    _demand_fit(program, prefix=find_parameter(args.stack, "SecretPrefix") if args.stack else None)
    print(_summary(program))
    history = programs.history()
    current = history[-1] if history else None
    if current is not None:
        switches.keep(program, json.loads(current["document"]))
    return _store(args, programs, document, note=args.note or Path(args.file).name,
                  current=current)  # fmt: skip


def _demand_fit(program: Program, *, prefix: str | None) -> None:
    """Raise ProgramError for what is a program, but not one to come into force. `prefix` None: of
    no stack in particular."""
    secrets = () if prefix is None else secret_problems(program, prefix=prefix)
    problems = [*number_problems(program), *secrets]
    if problems:
        raise ProgramError(problems)


def _rollback(args: argparse.Namespace, programs: Programs) -> int:
    document = json.loads(programs.read(args.version)["document"])
    return _store(args, programs, document, note=f"rolled back to version {args.version}",
                  current=programs.read())  # fmt: skip


def _store(
    args: argparse.Namespace, programs: Programs, document: Any, *, note: str,
    current: Mapping[str, Any] | None,
) -> int:  # fmt: skip
    """Put a document in the place of `current`, the one it was made from or weighed against:
    whatever was put in force since, a switch perhaps, is not overwritten unseen."""
    seen = int(current["version"]) if current else 0
    before = json.loads(current["document"]) if current else {}
    changes = list(difflib.unified_diff(_lines(before), _lines(document), f"version {seen}", "new",
                                        lineterm="", n=1))  # fmt: skip
    if not changes:
        print(f"version {seen} already says exactly this; nothing to do")
        return 0
    print("\n".join(changes) if seen else "first program of this table")
    if args.dry_run:
        print(f"dry run: version {seen + 1} was not stored")
        return 0
    version = programs.apply(document, seen=seen, who=getpass.getuser(), note=note)
    print(f"version {version} is in force; functions read it within 60 s")
    return 0


def _list(_: argparse.Namespace, programs: Programs) -> int:
    history = programs.history()
    for item in history:
        mark = "*" if item is history[-1] else " "
        print(f"{mark} {item['version']:>4}  {item['at']}  {item['who']}  {item['note']}")
    if not history:
        print("no program is applied to this table yet")
    return 0


def _show(args: argparse.Namespace, programs: Programs) -> int:
    document = json.loads(programs.read(args.version)["document"])
    print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")
    return 0


def _switch(args: argparse.Namespace, programs: Programs) -> int:
    stop, what = args.command == "stop", f"{args.command} {args.kind} {args.name}".strip()
    if (args.kind == "all") is bool(args.name):
        said = "takes no name" if args.name else "needs a name"
        raise BadInputError(f"`{args.command} {args.kind}` {said}", code="bad_switch")
    current = programs.read()
    document = switches.throw(json.loads(current["document"]), args.at, kind=args.kind,
                              name=args.name, stop=stop)  # fmt: skip
    note = f"{what}: {args.note}" if args.note else what
    done = _store(args, programs, document, note=note, current=current)
    if not stop:
        told = load_program(document)
        for hindrance in switches.still_stopped(told, kind=args.kind, name=args.name):
            print(f"but {hindrance}")
    return done


def _release(args: argparse.Namespace, programs: Programs) -> int:
    print(switches.release_number(programs, args.at, number=args.number, who=getpass.getuser(),
                                  note=args.note, dry_run=args.dry_run))  # fmt: skip
    return 0


def _status(args: argparse.Namespace, programs: Programs) -> int:
    print("\n".join(switches.status(programs, args.at)))
    return 0


_COMMANDS = {"apply": _apply, "rollback": _rollback, "list": _list, "show": _show,
             "stop": _switch, "resume": _switch, "release-number": _release,
             "status": _status}  # fmt: skip


def _read(args: argparse.Namespace) -> Any:
    """The document as it will be stored: JSON, so what JSON cannot say is refused here."""
    raw, args.lines = read_with_lines(Path(args.file).read_text(encoding="utf-8"), name=args.file)
    return json.loads(json.dumps(raw, default=str))


def _pointed(where: str, lines: dict[str, int]) -> str:
    path, line = line_of(where, lines)
    return f"{path} (line {line})" if line else path


def _lines(document: Any) -> list[str]:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).splitlines()


def _summary(program: Program) -> str:
    people = ", ".join(b.name for b in program.banners)
    return (f"{program.name}: {len(program.accounts)} account(s), {len(program.banners)} banner(s) "
            f"({people}), {program.routing.stickiness.value} routing: no problems")  # fmt: skip


def find_table(args: argparse.Namespace, client: Any) -> Table:
    """The table that --table names, or the one of --stack."""
    import boto3

    name = args.table
    if name is None:
        name = find_output(args.stack, "TableName")
    return Table(client or boto3.client("dynamodb"), name)


def find_output(stack: str, name: str) -> str:
    """What a stack says of itself under this name. Raises BadInputError `no_output`."""
    for output in _described(stack).get("Outputs", []):
        if output["OutputKey"] == name:
            return str(output["OutputValue"])
    raise BadInputError(f"the stack has no output {name}", code="no_output")


def find_parameter(stack: str, name: str) -> str | None:
    """With which value of this parameter a stack was deployed; None if it has no such one."""
    values = {one["ParameterKey"]: one["ParameterValue"]
              for one in _described(stack).get("Parameters", [])}  # fmt: skip
    return values.get(name)


def _described(stack: str) -> Any:
    import boto3

    (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return found


def _programs(args: argparse.Namespace, client: Any) -> Programs:
    args.at = find_table(args, client)
    return Programs(args.at, now=lambda: datetime.now(UTC))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="configure", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("check", "schema", *_COMMANDS):
        command = commands.add_parser(name)
        if name in ("stop", "resume"):
            command.add_argument("kind", choices=switches.KINDS)
            command.add_argument("name", nargs="?", default="")
        if name == "release-number":
            command.add_argument("number")
        if name in ("check", "apply"):
            command.add_argument("file")
        if name == "rollback":
            command.add_argument("version", type=int)
        if name == "show":
            command.add_argument("--version", type=int)
        noted = name in ("apply", "stop", "resume", "release-number")
        if noted or name == "rollback":
            command.add_argument("--dry-run", action="store_true")
        if noted:
            command.add_argument("--note", default="")
        if name not in ("check", "schema"):
            where = command.add_mutually_exclusive_group(required=True)
            where.add_argument("--stack")
            where.add_argument("--table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
