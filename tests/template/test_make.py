"""The Makefile refuses what cannot work before it spends minutes on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A checkout whose environments are set up, with a `sam` that only says that it was asked, and
    the Python of `.venv` an old one."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "samconfig.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    for name in (".tools", ".venv", ".venv-sam", ".venv-runtime", ".venv-rehearse"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "done").touch()
    _script(tmp_path / ".venv-sam/bin/sam", 'echo "$1" >> asked; mkdir -p .aws-sam/build/x')
    _script(
        tmp_path / ".venv/bin/python", 'case "$1" in -c) echo 3.11;; *) echo ran >> asked;; esac'
    )
    return tmp_path


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make(place: Path, *words: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make", *words], cwd=place, env=kept, capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    return done.returncode, done.stderr + done.stdout


def asked(place: Path) -> list[str]:
    found = place / "asked"
    return found.read_text().split() if found.exists() else []


def test_a_stage_that_is_not_in_samconfig_is_refused_before_anything_is_built(place: Path) -> None:
    code, said = make(place, "deploy", "STAGE=prd")
    assert (code, asked(place)) == (2, [])
    assert "samconfig.toml has no stage prd; it has: dev prod" in said


def test_a_known_stage_is_built_and_deployed(place: Path) -> None:
    assert make(place, "deploy", "STAGE=prod")[0] == 0
    assert asked(place) == ["build", "deploy"]


@pytest.mark.parametrize("target", ["invoke", "rehearse", "bench"])
def test_an_older_python_is_refused_before_anything_is_built(place: Path, target: str) -> None:
    code, said = make(place, target)
    assert (code, asked(place)) == (2, [])
    assert f"{target} needs Python 3.13, as Lambda has it; .venv has 3.11." in said
    assert "make clean" in said


def test_with_the_right_python_they_build_and_run(place: Path) -> None:
    _script(place / ".venv/bin/python",
            'case "$1" in -c) echo 3.13;; *) echo ran >> asked;; esac')  # fmt: skip
    assert make(place, "invoke")[0] == 0
    assert asked(place) == ["build", "ran"]
