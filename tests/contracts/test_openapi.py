"""docs/openapi.json is what the code serves, and says what clients need to know."""

from __future__ import annotations

import json

import yaml
from local.make_openapi import ROOT, WHERE, document, text


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


def test_every_reference_leads_somewhere() -> None:
    found = json.dumps(document()).split('"$ref": "#/components/schemas/')[1:]
    names = {part.split('"', 1)[0] for part in found}
    assert names <= set(document()["components"]["schemas"])
    assert {"OutreachIn", "BatchOut", "ErrorOut"} <= names


def test_unknown_fields_are_refused_in_the_description_too() -> None:
    schemas = document()["components"]["schemas"]
    assert all(schemas[n]["additionalProperties"] is False for n in schemas if n.endswith("In"))
    assert "class" in schemas["ConsentIn"]["properties"]
