"""`make capacity`: hold a program's contract numbers against a day's load.

make capacity ARGS="--scale maximum"
make capacity ARGS="--program own.yaml --load own-load.yaml --limits own-limits.yaml"
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml
from pydantic import ValidationError

from instore.errors import ProgramError
from instore.program import load_program

from . import line_report
from .judge import judge
from .line import LineDay
from .load import contract_of, presets, read_load, read_mapping
from .plot import draw
from .report import text

ROOT = Path(__file__).resolve().parents[2]


def main(words: list[str] | None = None) -> int:
    """Print the report and write the plot. 0 = printed, whatever it says; 2 = bad input."""
    asked = _parser().parse_args(words)
    try:
        program = load_program(yaml.safe_load(asked.program.read_text("utf-8")))
        own = read_mapping(asked.limits) if asked.limits else None
        contract = contract_of(program, own=own)
        load = read_load(asked.scale, file=asked.load, sends=asked.sends,
                         associates=asked.associates)  # fmt: skip
        report = judge(load, contract)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            where = ".".join(str(part) for part in problem["loc"]) or "load"
            what = problem["msg"].removeprefix("Value error, ")
            print(f"capacity: {where}: {what}", file=sys.stderr)
        return 2
    except (OSError, ProgramError, ValueError, yaml.YAMLError) as error:
        print(f"capacity: {error}", file=sys.stderr)
        return 2
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(draw(report), encoding="utf-8")
    print(f"{text(report)}\nPlot: {asked.out}")
    if contract.line is not None:
        print(f"\n{line_report.text(LineDay(load, contract, contract.line))}", end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make capacity", description=__doc__)
    parser.add_argument("--program", type=Path, default=ROOT / "local/programs/in_store.yaml")
    parser.add_argument("--scale", choices=sorted(presets()), default="expected")
    parser.add_argument("--load", type=Path, help="YAML that replaces numbers of the scale")
    parser.add_argument("--limits", type=Path, help="YAML: name of a limit -> what you are allowed")
    parser.add_argument("--sends", type=float, help="texts a day")
    parser.add_argument("--associates", type=int)
    parser.add_argument("--out", type=Path, default=ROOT / "build/capacity.svg")
    return parser


if __name__ == "__main__":
    sys.exit(main())
