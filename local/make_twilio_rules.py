"""Make local/twilio/rules.json: what Twilio's OpenAPI documents say of the requests we make.

Names, types, patterns, words allowed, required fields and the conditions that generators do not see
(`x-twilio.conditional`: one of several fields must be there). Data for the simulator's checks: no
descriptions, no examples, no answers. The documents are Twilio's (Apache-2.0), as bundled in the npm
package @twilio/cli-core:

    npm pack @twilio/cli-core && tar xzf twilio-cli-core-*.tgz
    python -m local.make_twilio_rules package
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

WHERE = Path(__file__).parent / "twilio" / "rules.json"
FORM = "application/x-www-form-urlencoded"
# document -> operations; the same operationId means different things in different documents
OPERATIONS = {
    "twilio_api_v2010.json": (
        "CreateMessage", "ListMessage", "FetchMessage", "UpdateMessage", "DeleteMessage",
        "ListMedia", "FetchMedia", "DeleteMedia",
        "ListAvailablePhoneNumberLocal",
        "CreateIncomingPhoneNumber", "ListIncomingPhoneNumber", "FetchIncomingPhoneNumber",
        "UpdateIncomingPhoneNumber", "DeleteIncomingPhoneNumber",
    ),
    "twilio_messaging_v1.json": (
        "CreateService", "ListService", "FetchService", "UpdateService", "DeleteService",
        "CreatePhoneNumber", "ListPhoneNumber", "FetchPhoneNumber", "DeletePhoneNumber",
    ),
}  # fmt: skip
KEPT = ("type", "format", "pattern", "enum", "minimum", "maximum", "minLength", "maxLength")


def main(package: str) -> None:
    """Read the unpacked npm package, write the rules. Raises KeyError for a vanished operation."""
    root = Path(package)
    version = json.loads((root / "package.json").read_text())["version"]
    operations: dict[str, Any] = {}
    for name, wanted in OPERATIONS.items():
        path = root / "src" / "services" / "twilio-api" / name
        document = json.loads(path.read_text(encoding="utf-8"))
        found = rules_of(document, wanted)
        operations |= {operation: found[operation] for operation in wanted}
    made = {
        "made_by": "local/make_twilio_rules.py; do not edit",
        "made_from": f"Twilio's OpenAPI documents (Apache-2.0) in npm @twilio/cli-core {version}",
        "operations": operations,
    }
    WHERE.write_text(written(made), encoding="utf-8")


def written(made: dict[str, Any]) -> str:
    """JSON with one line a field, so that a newer version's differences can be read."""
    operations = []
    for name, rule in sorted(made["operations"].items()):
        parts = []
        for key, value in sorted(rule.items()):
            if isinstance(value, dict) and value:
                fields = (f"   {json.dumps(n)}: {json.dumps(f)}" for n, f in sorted(value.items()))
                parts.append(f"  {json.dumps(key)}: {{\n" + ",\n".join(fields) + "\n  }")
            else:
                parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
        operations.append(f" {json.dumps(name)}: {{\n" + ",\n".join(parts) + "\n }")
    head = [f"{json.dumps(n)}: {json.dumps(made[n])}" for n in ("made_by", "made_from")]
    return "{" + ",\n".join(head) + ',\n"operations": {\n' + ",\n".join(operations) + "\n}}\n"


def rules_of(document: dict[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    """operationId -> method, path, rules of path, query and form."""
    found: dict[str, Any] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "delete") and operation["operationId"] in wanted:
                found[operation["operationId"]] = _operation(document, method, path, operation)
    return found


def _operation(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any]
) -> dict[str, Any]:
    rule: dict[str, Any] = {"method": method.upper(), "path": path, "in_path": {}, "in_query": {}}
    for parameter in operation.get("parameters", []):
        place = rule["in_path" if parameter["in"] == "path" else "in_query"]
        place[parameter["name"]] = _field(document, parameter["schema"])
    form = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema")
    if form is not None:
        fields = form.get("properties", {})
        rule["form"] = {name: _field(document, schema) for name, schema in fields.items()}
        rule["required"] = form.get("required", [])
        names = {_snake(name): name for name in fields}
        rule["one_of"] = [[names[one] for one in group]
                          for group in operation.get("x-twilio", {}).get("conditional", [])]  # fmt: skip
    return rule


def _field(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = document["components"]["schemas"][name]
    kept = {word: schema[word] for word in KEPT if word in schema}
    if "items" in schema:
        kept["items"] = _field(document, schema["items"])
    return kept


def _snake(name: str) -> str:
    """MessagingServiceSid -> messaging_service_sid, as the conditions name their fields."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


if __name__ == "__main__":
    main(*sys.argv[1:])
