"""Write docs/openapi.json from the code that serves it: `python -m local.make_openapi`."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instore.runtime.outreach_models import Route

ROOT = Path(__file__).resolve().parent.parent
WHERE = ROOT / "docs" / "openapi.json"
# Every room with HTTP operations has its models and routes in one of these.
ROOMS = ("outreach_models", "import_models", "explain_models", "template_models",
         "customer_models", "relay_models", "kpi_models",
         "request_models")  # fmt: skip
# What a status means unless the route says it itself.
MEANING = {
    200: "The answer", 201: "Recorded", 202: "Taken",
    400: "The request is wrong; the same one will be refused again", 401: "No verified token",
    403: "Unknown or disabled associate, or a scope is missing", 404: "Not there, or not yours",
    409: "The Idempotency-Key came with another body before", 413: "More than 64 KB",
    503: "Nothing was lost; ask again",
}  # fmt: skip


def routes() -> list[Route]:
    """Every operation of every room."""
    rooms = [importlib.import_module(f"instore.runtime.{room}") for room in ROOMS]
    return [route for room in rooms for route in room.ROUTES]


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 description of every operation a client with a token can ask for."""
    from pydantic.json_schema import models_json_schema

    from instore.runtime.outreach_models import ErrorOut

    served = routes()
    models = {ErrorOut} | {m for r in served for m in r.gives.values()}
    models |= {r.takes for r in served if r.takes}
    wanted = sorted(models, key=lambda model: model.__name__)
    modes: list[tuple[Any, Any]] = [
        (model, "serialization" if model.__name__.endswith("Out") else "validation")
        for model in wanted
    ]
    _, schemas = models_json_schema(modes, ref_template="#/components/schemas/{model}")

    def content(name: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    def operation(route: Route) -> dict[str, Any]:
        answers = {code: model.__name__ for code, model in route.gives.items()}
        answers |= dict.fromkeys(route.refuses, ErrorOut.__name__)
        meaning = MEANING | dict(route.says)
        described: dict[str, Any] = {
            "operationId": route.name, "summary": route.summary,
            "security": [{"jwt": [route.scope]}],
            "responses": {str(code): {"description": meaning[code], "content": content(name)}
                          for code, name in sorted(answers.items())},
        }  # fmt: skip
        if route.takes is not None:
            described["requestBody"] = {"required": True, "content": content(route.takes.__name__)}
        parameters: list[dict[str, Any]] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", route.key)
        ]
        parameters += [
            {"name": name, "in": "query", "required": False, "description": meant,
             "schema": {"type": "string", "minLength": 1, "maxLength": 254}}
            for name, meant in route.query.items()
        ]  # fmt: skip
        if route.keyed:
            parameters.append({
                "name": "Idempotency-Key", "in": "header", "required": True,
                "description": "1-200 printable characters; same key and body, same answer",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            })  # fmt: skip
        return described | ({"parameters": parameters} if parameters else {})

    paths: dict[str, Any] = {}
    for route in served:
        method, path = route.key.split(" ")
        paths.setdefault(path, {})[method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "In-store messaging", "version": "1",
                 "description": "For associates: may I text this customer, text these, how did it "
                 "go. For who operates the program: why was this routed so. For privacy requests: "
                 "everything held on a customer, and erase them."},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"jwt": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "Issuer and audience are parameters of the stack; claims name the "
                "associate where there is one, scopes what they may do.",
            }},
        },
    }  # fmt: skip


def text() -> str:
    """The document as it is kept in docs/."""
    return json.dumps(document(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "layers" / "common"))
    WHERE.write_text(text())
