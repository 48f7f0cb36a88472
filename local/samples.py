"""The sample programs, read once a process: YAML is slow to read, and everybody begins with one."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import yaml

PROGRAMS = Path(__file__).parent / "programs"


def sample_document(name: str) -> dict[str, Any]:
    """The document local/programs/<name>.yaml, a new one each time: the caller may change it."""
    document: dict[str, Any] = json.loads(_read(name))
    return document


@functools.cache
def _read(name: str) -> str:
    """As JSON, which is what the table holds of a program, and quick to copy."""
    return json.dumps(yaml.safe_load((PROGRAMS / f"{name}.yaml").read_text("utf-8")))
