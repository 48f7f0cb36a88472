"""What the texts of a program cost: characters, encoding and segments of every template."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from instore.program import Program, Template
from instore.text import example, foreign, longest, segments


def template_lines(program: Program) -> Iterator[str]:
    """Lines for people: each template once, with the banners that have it."""
    found: dict[str, tuple[Template, list[str]]] = {}
    for banner in program.banners:
        for template in banner.outreach.templates:
            found.setdefault(template.model_dump_json(), (template, []))[1].append(banner.name)
    for template, banners in found.values():
        first = "may be first" if template.first else "never first"
        yield f"{template.name} ({', '.join(banners)}): {template.purpose}, {first}"
        told = "example" if template.examples or not template.variables else "shortest"
        yield f"  {told}: {_size(example(template))}"
        if template.variables:
            yield f"  longest: {_size(longest(template))}"


def _size(text: str) -> str:
    size, odd = segments(text), foreign(text)
    plural = "" if size.count == 1 else "s"
    why = ""
    if odd is not None:
        name = unicodedata.name(odd, "unnamed")
        why = f", because of {odd!r} (U+{ord(odd):04X} {name})"
    return f"{size.characters} characters, {size.encoding}, {size.count} segment{plural}{why}"
