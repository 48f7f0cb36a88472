"""docs/openapi.json is what the code serves, and says what clients need to know."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest
import yaml
from local.make_openapi import ROOMS, ROOT, WHERE, document, routes, text
from pydantic import BaseModel, ValidationError

from instore.errors import BadInputError
from instore.runtime.outreach_models import ConsentIn


def test_the_document_is_the_one_the_code_makes() -> None:
    assert WHERE.read_text() == text(), "run: python -m local.make_openapi"


def test_routes_and_scopes_are_those_of_the_template() -> None:
    class Loader(yaml.SafeLoader):
        """CloudFormation's short functions as plain values."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: suffix)
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)
    functions = [one["Properties"] for one in template["Resources"].values()
                 if one["Type"] == "AWS::Serverless::Function"]  # fmt: skip
    events = [event for one in functions for event in one["Events"].values()
              if "Auth" in event["Properties"]]  # fmt: skip
    served = {
        (e["Properties"]["Path"], e["Properties"]["Method"].lower()): e["Properties"]["Auth"][
            "AuthorizationScopes"
        ]
        for e in events
    }
    described = {
        (path, method): operation["security"][0]["jwt"]
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    }
    assert described == served


def test_operations_are_named_by_verb_and_noun() -> None:
    names = [operation["operationId"] for operation in _operations()]
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []
    assert len(set(names)) == len(names) == 25


def test_every_status_says_what_it_means_there() -> None:
    """Each operation has a word of its own only for a status it gives; what is said of the key is
    said only of operations that take one."""
    for route in routes():
        assert set(route.says) <= {*route.gives, *route.refuses}, route.key
    said = {operation["operationId"]: {int(code): answer["description"] for code, answer in
                                       operation["responses"].items()}
            for operation in _operations()}  # fmt: skip
    keyed = {o["operationId"] for o in _operations()
             if any(p["name"] == "Idempotency-Key" for p in o.get("parameters", ()))}  # fmt: skip
    assert keyed == {"send_texts", "import_file", "activate_numbers", "deactivate_numbers",
                     "release_numbers", "settle_orphans", "submit_request", "answer_request"}  # fmt: skip
    assert keyed == {name for name, of in said.items() if "Idempotency-Key" in of.get(409, "")}
    for code in ("import_not_checked", "upload_expired", "import_busy"):
        assert code in said["send_import"][409]
    assert "import_busy" in said["cancel_import"][409]
    assert said["erase_customer"][202].startswith("Blocked")
    operators = ("explain_conversation", "export_customer", "erase_customer")
    assert [name for name in operators if "associate" in said[name][403]] == []


def test_a_refusal_never_repeats_what_it_was_about() -> None:
    """Models do not show the value they refuse: it may be a number or a text."""
    rooms = [importlib.import_module(f"instore.runtime.{room}") for room in ROOMS]
    models = {
        m
        for room in rooms
        for m in vars(room).values()
        if isinstance(m, type) and issubclass(m, BaseModel) and m.__module__ == room.__name__
    }
    assert len(models) > 40
    assert [m.__name__ for m in models if not m.model_config.get("hide_input_in_errors")] == []
    assert [m.__name__ for m in models if m.model_config.get("extra") != "forbid"] == []
    with pytest.raises(ValidationError) as refused:
        ConsentIn.model_validate({"class": "perhaps", "phone": 12125550123})
    assert "perhaps" not in str(refused.value)
    assert "12125550123" not in str(refused.value)


def _operations() -> list[dict[str, Any]]:
    return [operation for path in document()["paths"].values() for operation in path.values()]


def test_every_reference_leads_somewhere() -> None:
    found = json.dumps(document()).split('"$ref": "#/components/schemas/')[1:]
    names = {part.split('"', 1)[0] for part in found}
    assert names <= set(document()["components"]["schemas"])
    assert {"OutreachIn", "BatchOut", "ErrorOut"} <= names


def test_unknown_fields_are_refused_in_the_description_too() -> None:
    schemas = document()["components"]["schemas"]
    assert all(schemas[n]["additionalProperties"] is False for n in schemas if n.endswith("In"))
    assert "class" in schemas["ConsentIn"]["properties"]


def _asked_with(route: Any, **query: str) -> dict[str, str]:
    """What GET of this route refuses such a query with, before it asks anything of anybody."""
    name = next(n for n in OPERATIONS_OF if route.key in _operations_of(n))
    with pytest.raises(BadInputError) as refused:
        _operations_of(name)[route.key]({"routeKey": route.key, "queryStringParameters": query})
    return {"code": refused.value.public_code, "message": refused.value.message}


def _operations_of(name: str) -> Any:
    return importlib.import_module(f"instore.runtime.{name}_operations").OPERATIONS


OPERATIONS_OF = ("outreach", "import", "explain", "relay", "request", "kpi")
ASKING = [route for route in routes() if route.key.startswith("GET ")]


@pytest.mark.parametrize("route", ASKING, ids=[route.name for route in ASKING])
def test_a_parameter_that_is_none_is_refused_and_those_there_are_are_named(route: Any) -> None:
    """Ignored, `stor=` would give everybody's figures. The name is not repeated: it is the caller's."""
    known = ", ".join(route.query) or "none"
    assert _asked_with(route, stor="10000002/301") == {
        "code": "unknown_parameter", "message": f"a query parameter is unknown; known: {known}"}  # fmt: skip
    assert 400 in route.refuses
