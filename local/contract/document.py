"""Twilio's OpenAPI documents, cut down to what the client uses and told what they leave unsaid.

The documents come from npm (fetching.py) and are never kept here. Changed on the way:
- two documents (api and messaging) become one, so that one mock serves both hosts;
- conditions that stand in `x-twilio.conditional` only (a sender; words or pictures) become
  `anyOf`, or a text without a sender would be accepted;
- lists in forms are repeated keys (`MediaUrl` twice), which `encoding` has to say;
- `DateSent` filters take a day as well as a moment, as Twilio's pages show them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORM = "application/x-www-form-urlencoded"
METHODS = ("get", "post", "delete")
Document = dict[str, Any]


def patched(documents: Sequence[Document], *, paths: Sequence[str]) -> Document:
    """One document of these paths out of several, with the changes named above. The originals
    are left alone. Raises KeyError for a path that none of them has."""
    merged: Document = {
        "openapi": documents[0]["openapi"],
        "info": {"title": "Twilio, as far as the client uses it", "version": "1"},
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    }
    for path in paths:
        source = next((d for d in documents if path in d["paths"]), None)
        if source is None:
            raise KeyError(path)
        item = json.loads(json.dumps(source["paths"][path]))
        item.pop("servers", None)  # api.twilio.com and messaging.twilio.com: the mock is both
        for method in METHODS:
            if method in item:
                _tell(item[method])
        merged["paths"][path] = item
        parts = source["components"]
        merged["components"]["securitySchemes"] |= parts.get("securitySchemes", {})
        _take_schemas(item, source, merged["components"]["schemas"])
    return merged


def operation(document: Document, method: str, path: str) -> Mapping[str, Any]:
    """The operation that a request's path (without its query) is for. Raises KeyError."""
    for template, item in document["paths"].items():
        pattern = "[^/]+".join(re.escape(piece) for piece in re.split(r"\{[^}]+\}", template))
        if re.fullmatch(pattern, path) and method.lower() in item:
            found: Mapping[str, Any] = item[method.lower()]
            return found
    raise KeyError(f"{method} {path}")


def unknown_names(
    document: Document, method: str, path: str, *, query: Iterable[str], form: Iterable[str]
) -> set[str]:
    """What the operation has no parameter or field for: a mock lets those pass."""
    asked = operation(document, method, path)
    parameters = {one["name"] for one in asked.get("parameters", ()) if one["in"] == "query"}
    content = asked.get("requestBody", {}).get("content", {}).get(FORM, {})
    return (set(query) - parameters) | (
        set(form) - set(content.get("schema", {}).get("properties", ()))
    )


def example(document: Document, method: str, template: str) -> Any:
    """The answer that the document shows first for a success."""
    answers = document["paths"][template][method.lower()]["responses"]
    status = min(status for status in answers if status.startswith("2"))
    shown = answers[status]["content"]["application/json"]["examples"]
    return next(iter(shown.values()))["value"]


def _tell(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"].startswith("DateSent"):
            parameter["schema"] = {"type": "string"}
    content = operation.get("requestBody", {}).get("content", {}).get(FORM)
    if content is None:
        return
    schema = content["schema"]
    fields = schema.setdefault("properties", {})
    repeated = [name for name, field in fields.items() if field.get("type") == "array"]
    if repeated:
        content["encoding"] = {name: {"style": "form", "explode": True} for name in repeated}
    named = {_plain(name): name for name in fields}
    conditions = operation.get("x-twilio", {}).get("conditional", ())
    if conditions:
        schema["allOf"] = [
            {"anyOf": [{"required": [named[_plain(name)]]} for name in alternatives]}
            for alternatives in conditions
        ]


def _plain(name: str) -> str:
    """`messaging_service_sid` and `MessagingServiceSid` are the same field."""
    return name.replace("_", "").lower()


def _take_schemas(value: Any, source: Document, taken: dict[str, Any]) -> None:
    """Copy every schema that is referred to, and those that they refer to."""
    if isinstance(value, list):
        for one in value:
            _take_schemas(one, source, taken)
    if not isinstance(value, dict):
        return
    reference = value.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix("#/components/schemas/")
        if name not in taken:
            taken[name] = source["components"]["schemas"][name]
            _take_schemas(taken[name], source, taken)
    for one in value.values():
        _take_schemas(one, source, taken)
