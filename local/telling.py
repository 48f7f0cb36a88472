"""Tell a demo as numbered steps: what was sent, what came of it and why; stop at what differs."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from typing import Any

WIDTH = 100


class DiffersError(Exception):
    """A step did not come out as told."""


class Telling:
    """Numbered steps with facts and checks. The first check that differs ends the demo."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.steps = 0
        self.checks = 0
        self._quiet = quiet
        self._bold = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")

    def chapter(self, title: str) -> None:
        self._say("")
        self._say(f"{self._bold[0]}{title}{self._bold[1]}")
        self._say("=" * min(len(title), WIDTH))

    def step(self, what: str) -> None:
        self.steps += 1
        self._say("")
        self._say(f"{self._bold[0]}{self.steps:>2}. {what}{self._bold[1]}")

    def fact(self, label: str, value: Any) -> None:
        """One line of what was sent or came back; long ones are folded."""
        text = f"{label:<10} {value}"
        lines = textwrap.wrap(text, WIDTH - 4, subsequent_indent=" " * 11) or [text]
        for line in lines:
            self._say(f"    {line}")

    def facts(self, label: str, values: Iterable[Any]) -> None:
        for value in values:
            self.fact(label, value)
            label = ""

    def check(self, what: str, got: Any, expected: Any) -> None:
        """Say and compare. Raises DiffersError."""
        self.checks += 1
        if got != expected:
            self._say(f"  x {what}")
            raise DiffersError(f"step {self.steps}: {what}: expected {expected!r}, got {got!r}")
        self._say(f"  ✓ {what}")

    def _say(self, line: str) -> None:
        if not self._quiet:
            print(line)
