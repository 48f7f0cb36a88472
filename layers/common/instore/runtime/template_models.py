"""What GET /outreach/templates gives, as pydantic models; the OpenAPI document follows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..program import Template
from ..text import example, foreign, longest, segments
from .outreach_models import Out, Route


class TemplateOut(Out):
    """A template of the banner, and what a text of it costs: with the example variables, at most."""

    name: str
    text: str
    variables: int
    examples: list[str]
    purpose: str
    first: bool = Field(description="may be a customer's first text from this banner")
    characters: int = Field(description="of the example; without examples, of the shortest text")
    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    most_segments: int = Field(description="with the longest variables, in plain letters")
    foreign: str | None = Field(None, description="the character that makes it UCS-2")


class TemplatesOut(Out):
    """What an associate can send."""

    banner: str
    label: str
    templates: list[TemplateOut]


ROUTES = (
    Route("GET /outreach/templates", "list_templates", "What can I send", "outreach/read", None,
          {200: TemplatesOut}, (400, 401, 403, 503),
          query={"associate": "login name; only with scope outreach/behalf"}),
)  # fmt: skip


def listed(template: Template) -> TemplateOut:
    """A template with its lengths."""
    shown = example(template)
    size = segments(shown)
    return TemplateOut(
        name=template.name, text=template.text, variables=template.variables,
        examples=template.examples, purpose=template.purpose, first=template.first,
        characters=size.characters, encoding=size.encoding, segments=size.count,
        most_segments=segments(longest(template)).count, foreign=foreign(shown),
    )  # fmt: skip
