"""Read YAML and remember on which line each value stands, so that an error can point at it."""

from __future__ import annotations

import io
import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """YAML in which a key stands once: of two, the first would be lost without a word."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key.value!r} is there twice", key.start_mark
            )
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_with_lines(text: str, *, name: str = "program") -> tuple[Any, dict[str, int]]:
    """Return (document, lines): lines maps paths such as `banners[2].number` to line numbers.

    Raises yaml.YAMLError, whose text names file and line.
    """
    stream = io.StringIO(text)
    stream.name = name
    document = yaml.load(stream, Loader=_Loader)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    lines: dict[str, int] = {}
    if node is not None:
        _walk(node, "", lines)
    return document, lines


def line_of(path: str, lines: dict[str, int]) -> tuple[str, int | None]:
    """A path as it stands in the file, and its line.

    A banner inherits `routing` and `outreach`: what does not stand at the banner itself is looked
    for at the top level, and only then at the nearest parent.
    """
    if path in lines:
        return path, lines[path]
    shared = re.sub(r"^banners\[\d+\]\.(?=routing|outreach)", "", path)
    here, there = _standing(path, lines), _standing(shared, lines)
    if shared != path and there and not re.match(r"banners\[\d+\]\.(routing|outreach)", here):
        return shared, lines[there]
    return path, lines.get(here)


def _standing(path: str, lines: dict[str, int]) -> str:
    """The longest beginning of a path that stands in the file, empty if none does."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["))] if _nested(path) else ""
    return path


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
