"""template.yaml as data: the one place for keys, queues, routes, settings and permissions."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"

# Keyword arguments of create_table that a Table resource may hold under the same name.
_TABLE_KEYS = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes",
               "LocalSecondaryIndexes", "StreamSpecification", "ProvisionedThroughput")  # fmt: skip


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (!Ref, !GetAtt, !Sub, ...)."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)
# A bare date such as 2012-10-17 is a policy version, not a date.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """Parse a SAM template; intrinsic functions come out in their long form."""
    document = json.loads(_as_json(path.read_text(encoding="utf-8")))
    if not isinstance(document, dict) or "Resources" not in document:
        raise ValueError(f"{path} is not a template")
    return document


@functools.lru_cache(maxsize=4)
def _as_json(text: str) -> str:
    # Reading it takes most of a second, and a stack asks several times. As JSON, YAML's anchors
    # become copies of their own, so that a change never shows up twice.
    return json.dumps(yaml.load(text, Loader=_Loader))


def resources_of(template: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Logical id -> resource, for one resource type, in the order of the template."""
    return {name: resource for name, resource in template["Resources"].items()
            if resource["Type"] == kind}  # fmt: skip


def table_definition(path: Path = TEMPLATE, *, name: str | None = None) -> dict[str, Any]:
    """Arguments for `create_table`, read from the template's only table, without a deploy.

    `name` becomes TableName; without it the caller must add one.
    """
    tables = list(resources_of(read_template(path), "AWS::DynamoDB::Table").values())
    if len(tables) != 1:
        raise ValueError(f"{path} holds {len(tables)} tables, not one")
    properties = tables[0]["Properties"]
    definition = {key: properties[key] for key in _TABLE_KEYS if key in properties}
    if "StreamSpecification" in definition:
        # CloudFormation implies what the API wants said.
        definition["StreamSpecification"] = {"StreamEnabled": True,
                                             **definition["StreamSpecification"]}  # fmt: skip
    if name is not None:
        definition["TableName"] = name
    return definition
