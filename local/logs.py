"""What handlers print, kept per function: AWS Lambda sends a function's output to its log group."""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

_lines: ContextVar[list[str] | None] = ContextVar("lines", default=None)

# An E.164 number: a plus and 8 to 15 digits; or a bare North American one of 11 digits, unless it
# is a piece of a hexadecimal id.
_PHONE = re.compile(r"\+[1-9]\d{7,14}(?!\d)|(?<![\da-f.#-])1[2-9]\d{2}[2-9]\d{6}(?![\da-f.])")


class _Routed(io.TextIOBase):
    """Standard output: lines printed within a call go to its function, others where they went."""

    def __init__(self, other: TextIO) -> None:
        self.other = other

    def write(self, text: str) -> int:
        lines = _lines.get()
        if lines is None:
            return self.other.write(text)
        lines.extend(line for line in text.splitlines() if line)
        return len(text)

    def flush(self) -> None:
        if _lines.get() is None and not getattr(self.other, "closed", False):
            self.other.flush()


_routed: _Routed | None = None
_moved: dict[Any, Any] = {}


@contextmanager
def routed_output() -> Iterator[None]:
    """Install the routing of standard output while open. May be nested."""
    global _routed
    if _routed is not None:
        yield
        return
    before = sys.stdout
    sys.stdout = _routed = _Routed(before)
    try:
        yield
    finally:
        sys.stdout, _routed = before, None
        for handler, stream in _moved.items():
            handler.setStream(stream)
        _moved.clear()


def _move_loggers() -> None:
    # Loggers made at import hold the standard output of that moment.
    for logger in list(logging.Logger.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", []):
            if type(handler) is logging.StreamHandler and handler.stream is not _routed:
                _moved.setdefault(handler, handler.stream)
                handler.setStream(_routed)


@contextmanager
def collecting(lines: list[str]) -> Iterator[None]:
    """Put what this context prints into `lines`."""
    if _routed is not None:
        _move_loggers()
    token = _lines.set(lines)
    try:
        yield
    finally:
        _lines.reset(token)


def personal_lines(logs: Mapping[str, list[str]], *, bodies: Iterable[str] = ()) -> list[str]:
    """Log lines that hold a telephone number or one of the given text bodies. Should be none."""
    wanted = [body for body in bodies if body]
    return [f"{function}: {line}" for function, lines in logs.items() for line in lines
            if _PHONE.search(line) or any(body in line for body in wanted)]  # fmt: skip
