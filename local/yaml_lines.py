"""Read YAML and remember on which line each value stands, so that an error can point at it."""

from __future__ import annotations

from typing import Any

import yaml


def read_with_lines(text: str) -> tuple[Any, dict[str, int]]:
    """Return (document, lines): lines maps paths such as `banners[2].number` to line numbers.

    Raises yaml.YAMLError, whose text already names the line.
    """
    document = yaml.safe_load(text)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    lines: dict[str, int] = {}
    if node is not None:
        _walk(node, "", lines)
    return document, lines


def line_of(path: str, lines: dict[str, int]) -> int | None:
    """The line of a path, or of its nearest parent that stands in the file.

    A banner inherits `routing` and `outreach`: what is wrong there is looked for at the top level.
    """
    for start in (path, path.split("].", 1)[-1]):
        where = start
        while where:
            if where in lines:
                return lines[where]
            where = where[: max(where.rfind("."), where.rfind("["))] if _nested(where) else ""
    return None


def _nested(path: str) -> bool:
    return "." in path or "[" in path


def _walk(node: yaml.Node, path: str, lines: dict[str, int]) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            own = f"{path}.{key.value}" if path else str(key.value)
            _walk(value, own, lines)
            lines[own] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, f"{path}[{index}]", lines)
