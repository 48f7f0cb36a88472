"""What a text costs and says: segments as carriers count them, templates and variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .errors import FieldProblem

if TYPE_CHECKING:
    from .program_parts import Template

# 3GPP TS 23.038: default alphabet (one septet) and extension table (escape + one septet).
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
# Units in a text alone, and in each part of a longer one (six bytes go to the joining header).
_ROOM = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
_VARIABLE = re.compile(r"\{([1-9][0-9]*)\}")
MAX_VARIABLE = 1550  # characters; LivePerson Proactive API, consumers[].variables
MAX_TEXT = 1600  # characters; Twilio refuses longer ones (21617)


@dataclass(frozen=True, slots=True)
class Segments:
    """`count` parts are billed; `units` are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    count: int
    encoding: Literal["GSM-7", "UCS-2"]
    characters: int
    units: int


def segments(text: str) -> Segments:
    """Count a text as carriers bill it. An empty text counts as one segment.

    One character outside GSM-7 makes the whole text UCS-2. Neither an extension character nor an
    emoji is split over two parts: what does not fit moves to the next one.
    """
    gsm = all(c in _BASIC or c in _EXTENSION for c in text)
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if gsm else "UCS-2"
    sizes = [2 if (c in _EXTENSION if gsm else ord(c) > 0xFFFF) else 1 for c in text]
    units = sum(sizes)
    alone, joined = _ROOM[encoding]
    if units <= alone:
        return Segments(1, encoding, len(text), units)
    count, used = 1, 0
    for size in sizes:
        if used + size > joined:
            count, used = count + 1, 0
        used += size
    return Segments(count, encoding, len(text), units)


def named_variables(values: Iterable[str]) -> dict[str, str]:
    """Values in order as LivePerson names them: "1", "2" …"""
    return {str(place): value for place, value in enumerate(values, start=1)}


def foreign(text: str) -> str | None:
    """The first character outside GSM-7: the one that makes the text UCS-2, and dearer."""
    return next((c for c in text if c not in _BASIC and c not in _EXTENSION), None)


def example(template: Template) -> str:
    """The text with the program's example variables; without examples, one letter for each."""
    return render(template, named_variables(template.examples or ["x"] * template.variables))


def longest(template: Template) -> str:
    """The longest text this template can become, in plain letters: 1,550 a variable, 1,600 in all."""
    filled = named_variables(["x" * MAX_VARIABLE] * template.variables)
    return render(template, filled)[:MAX_TEXT]


def render(template: Template, variables: Mapping[str, str]) -> str:
    """The template's text with `{1}`, `{2}` … replaced; values are never expanded themselves."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), template.text)


def check_variables(
    template: Template, variables: Mapping[str, object]
) -> list[FieldProblem] | None:
    """Every way in which these variables do not fit, None when they do.

    LivePerson's rules: keys `1` … n exactly, values strings of at most 1,550 characters. A blank
    value is refused here: "Hi , your ring is ready" is nobody's text.
    """
    wanted = [str(number) for number in range(1, template.variables + 1)]
    problems = [FieldProblem(f"variables.{key}", "is missing") for key in wanted
                if key not in variables]  # fmt: skip
    for key, value in variables.items():
        what = _wrong(value) if key in wanted else "the template has no such variable"
        if what is not None:
            problems.append(FieldProblem(f"variables.{key}"[:60], what))
    return problems or None


def _wrong(value: object) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if not value.strip():
        return "is blank"
    return f"longer than {MAX_VARIABLE} characters" if len(value) > MAX_VARIABLE else None
