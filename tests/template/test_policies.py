"""Promise I14: every AWS call a handler makes is allowed by its own role, and nothing is idle.

Reads what the handler and story tests of this run kept (see local/permissions.py). Run alone, it
runs those tests first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from local.permissions import FOLDER, needed, roles
from local.rendering import render

ROOT = Path(__file__).parent.parent.parent


def _kept(tmp_path: Path) -> Path:
    folder = os.environ.get(FOLDER)
    if folder and any(Path(folder).glob("*.json")):
        return Path(folder)
    # Alone: run what exercises the handlers. Its own failures are reported where they belong.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2",
         "tests/functions", "tests/story", "tests/interleavings"],
        cwd=ROOT, env={**plain, FOLDER: str(tmp_path)}, check=False, timeout=900,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return tmp_path


@pytest.mark.slow
@pytest.mark.enable_socket
def test_every_call_is_allowed_and_every_permission_is_needed(tmp_path: Path) -> None:
    run = needed(_kept(tmp_path))
    problems = []
    for function, role in roles(render()).items():
        seen = run.get(function)
        if seen is None:
            problems.append(f"{function} made no call at all in the tests")
            continue
        problems += [f"{function} is not allowed {one}" for one in sorted(seen.denied)]
        problems += [f"{function} never needed {one.kind} {one.pattern} of {one.statement}"
                     for one in sorted(role.everything() - seen.uses)]  # fmt: skip
    assert not problems, "\n".join(problems)


def test_every_function_has_a_role_of_its_own_and_no_more_than_that() -> None:
    rendered = render()
    names = [role.name for role in roles(rendered).values()]
    assert len(set(names)) == len(names)
    for function, role in roles(rendered).items():
        for use in role.everything():
            if use.kind != "resource":
                assert use.pattern != "*", f"{function}: {use.statement} allows everything"
        for statement in role.statements:
            if statement.own:
                assert "*" not in statement.resources, f"{function}: {statement.name}"
                assert not any(one.endswith(":*") for one in statement.actions), function


def test_leading_keys_limit_every_statement_on_the_table_itself() -> None:
    rendered = render()
    table = rendered.reference("Table.Arn")
    for function, role in roles(rendered).items():
        for statement in role.statements:
            if statement.own and table in statement.resources:
                assert statement.keys is not None, f"{function}: {statement.name} has no keys"
                assert statement.keys[1], f"{function}: {statement.name}"
