"""Checks every request against rules.json, which local/make_twilio_rules.py derives from Twilio's
OpenAPI documents: names, types, patterns, words allowed, fields of which one must be there."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..serving import Request
from .codes import OF_FIELD
from .options import Options
from .records import Refused

FORM = "application/x-www-form-urlencoded"
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
Rule = Mapping[str, Any]


class Form(dict[str, str]):
    """A form as it came: the last value of each name; `.all(name)` gives repeated ones."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = list(pairs)
        super().__init__(self._pairs)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]


@functools.cache
def operations() -> dict[str, Rule]:
    """operationId -> rule."""
    text = (Path(__file__).parent / "rules.json").read_text(encoding="utf-8")
    found: dict[str, Rule] = json.loads(text)["operations"]
    return found


def path_pattern(rule: Rule) -> re.Pattern[str]:
    """The path of an operation as a pattern; `.json` may be missing (the answer is then XML)."""
    path = re.escape(rule["path"].removesuffix(".json"))
    path = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", path)
    return re.compile(path + (r"(?P<suffix>\.json)?" if rule["path"].endswith(".json") else ""))


def checked(
    name: str, request: Request, in_path: Mapping[str, str], *, options: Options
) -> tuple[Form, Form]:
    """(query, form) of a request that keeps its operation's rules. Raises Refused."""
    rule = operations()[name]
    for field, value in in_path.items():
        if field in rule["in_path"] and not _fits(rule["in_path"][field], value):
            raise Refused(20404, request.path)
    query = Form(request.pairs)
    _check(query, rule["in_query"], options=options)
    if "form" not in rule:
        return query, Form([])
    form = _form(request)
    for field in rule["required"]:
        if not form.get(field):
            raise Refused(21604 if field == "To" else 20001, f"{field} is required")
    _check(form, rule["form"], options=options)
    for group in rule["one_of"]:
        if not any(field in form for field in group):
            code = {"From": 21603, "Body": 21619}.get(group[0], 20001)
            raise Refused(code, f"one of {', '.join(group)} is required")
    return query, form


def _form(request: Request) -> Form:
    """Another content type than a form loses its fields, as at Twilio."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        return Form([])
    try:
        text = request.body.decode()
        return Form(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)))
    except ValueError as error:
        raise Refused(20001, "the body is no form") from error


def _check(given: Form, rules: Mapping[str, Rule], *, options: Options) -> None:
    for name in given:
        rule = rules.get(name)
        if rule is None:
            if options.unknown_fields == "refuse":
                raise Refused(20001, f"unknown parameter {name}")
            continue
        one = rule["items"] if rule["type"] == "array" else rule
        values = given.all(name)
        if rule["type"] != "array" and len(values) > 1:
            raise Refused(20001, f"{name} was given {len(values)} times")
        if not all(_fits(one, value) for value in values):
            raise Refused(OF_FIELD.get(name, 20001), name)


def _fits(rule: Rule, value: str) -> bool:
    if "enum" in rule and value not in rule["enum"]:
        return False
    if "pattern" in rule and re.fullmatch(rule["pattern"], value) is None:
        return False
    if rule["type"] in ("integer", "number"):
        return _is_number(rule, value)
    if rule["type"] == "boolean":
        return value in ("true", "false")
    return _has_format(rule.get("format", ""), value)


def _is_number(rule: Rule, value: str) -> bool:
    digits = r"-?[0-9]+" if rule["type"] == "integer" else r"-?[0-9]+(\.[0-9]+)?"
    if re.fullmatch(digits, value) is None:
        return False
    lowest, highest = rule.get("minimum", -(10**18)), rule.get("maximum", 10**18)
    return bool(lowest <= float(value) <= highest)


def _has_format(form: str, value: str) -> bool:
    if form == "phone-number":  # `*` stands for a digit in list filters; none of ours needs it
        return PHONE.fullmatch(value) is not None
    if form == "uri":
        return value == "" or is_url(value)
    if form == "date-time":
        return instant_of(value) is not None
    return form != "iso-country-code" or re.fullmatch("[A-Z]{2}", value) is not None


def is_url(value: str) -> bool:
    """Absolute, http or https, with a host that has no underscore, at most 4000 characters."""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or len(value) > 4000:
        return False
    return re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", host) is not None


def instant_of(value: str) -> datetime | None:
    """An instant or a GMT day, as Twilio takes both; None for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?", value):
        return None
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else datetime.fromisoformat(f"{value}T00:00:00+00:00")
