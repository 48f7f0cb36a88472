"""template.yaml turned into what CloudFormation would deploy: translated, deployed, worked out.

AWS's own SAM translator makes roles, routes, mappings and schedules out of the template. moto
then creates what it can (table, queues, buckets, roles, log groups, alarms). For the rest
(functions, HTTP API, schedules, secrets) ids are made up here; functions.py, web.py and pump.py
play them.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .intrinsics import ACCOUNT, PARTITION, REGION, Resolver, names_in, put_in
from .template import TEMPLATE, read_template

# Types played by this folder although moto may know them: moto's own would act by themselves.
_PLAYED = ("AWS::Lambda::", "AWS::ApiGatewayV2::", "AWS::Scheduler::", "AWS::SecretsManager::")


class _NoManagedPolicies:
    """The translator asks for AWS's managed policies; it knows the common ones itself."""

    def load(self) -> dict[str, str]:
        return {}


@contextlib.contextmanager
def fake_surroundings() -> Iterator[None]:
    """The environment of a machine with no AWS account: made-up keys, one region, no profile."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in kept:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }  # fmt: skip
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ |= kept


def translate(path: Path = TEMPLATE, *, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The template as plain CloudFormation. Code is not packed: any bucket and key stand for it.

    Every function keeps where its code is as `Metadata.CodeUri` (a path).
    """
    template = read_template(path)
    code: dict[str, str] = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            code[name] = str((path.parent / properties["CodeUri"]).resolve())
        for key in ("CodeUri", "ContentUri"):
            if key in properties:
                properties[key] = {"Bucket": "local", "Key": f"{name}.zip"}
    translated = _transformed(template, parameters)
    for name, folder in code.items():
        translated["Resources"][name].setdefault("Metadata", {})["CodeUri"] = folder
    return translated


_done: dict[str, str] = {}


def _transformed(template: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """What AWS's translator makes of it; kept in process, for it takes a quarter of a second.

    A stack listens somewhere else each time, so its addresses are no part of the question, unless
    they turn up in the answer: the translator leaves most parameters to CloudFormation.
    """
    local = [value for value in parameters.values() if "://127.0.0.1:" in value]
    asked = json.dumps([template, {name: "" if value in local else value
                                   for name, value in parameters.items()}])  # fmt: skip
    if asked not in _done:
        # By name: the package carries no types.
        transform = importlib.import_module("samtranslator.translator.transform").transform
        given = json.loads(json.dumps(template))
        with fake_surroundings():
            translated = json.dumps(transform(given, dict(parameters), _NoManagedPolicies()))
        # The translator times itself, and grumbles on stderr, when it translates once more in the
        # same process, that nobody published the times. Its publisher here throws them away.
        timing = importlib.import_module("samtranslator.metrics.method_decorator")
        timing.MetricsMethodWrapperSingleton.get_instance().publish()
        if any(value in translated for value in local):
            return dict(json.loads(translated))
        _done[asked] = translated
    return dict(json.loads(_done[asked]))


def _arn(service: str, rest: str, *, region: str = REGION) -> str:
    return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{rest}"


def made_up(name: str, resource: Mapping[str, Any], *, stack: str) -> dict[str, str]:
    """What Ref and GetAtt of a resource give where nothing created it."""
    properties = resource.get("Properties", {})
    kind, plain = resource["Type"], f"{stack}-{name}"
    if kind == "AWS::Lambda::Version":
        function = properties["FunctionName"]["Ref"]
        return {name: _arn("lambda", f"function:{stack}-{function}:1"), f"{name}.Version": "1"}
    if kind == "AWS::Lambda::Alias":
        function = properties["FunctionName"]["Ref"]
        return {name: _arn("lambda", f"function:{stack}-{function}:{properties['Name']}")}
    low = plain.lower()
    table = _arn("dynamodb", f"table/{plain}")
    known: dict[str, dict[str, str]] = {
        "AWS::Lambda::Function": {"": plain, "Arn": _arn("lambda", f"function:{plain}")},
        "AWS::Lambda::LayerVersion": {"": _arn("lambda", f"layer:{plain}:1")},
        "AWS::ApiGatewayV2::Api": {
            "": low, "ApiEndpoint": f"https://{low}.execute-api.{REGION}.amazonaws.com"},
        "AWS::Scheduler::Schedule": {
            "": name, "Arn": _arn("scheduler", f"schedule/default/{name}")},
        "AWS::SecretsManager::Secret": dict.fromkeys(
            ("", "Id"), _arn("secretsmanager", f"secret:{plain}-AAAAAA")),
        "AWS::DynamoDB::Table": {"": plain, "Arn": table, "StreamArn": f"{table}/stream/0"},
        "AWS::SQS::Queue": {"": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{plain}",
                            "Arn": _arn("sqs", plain), "QueueName": plain},
        "AWS::S3::Bucket": {"": low, "Arn": f"arn:{PARTITION}:s3:::{low}"},
        "AWS::IAM::Role": {"": plain, "Arn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/{plain}"},
        "AWS::Logs::LogGroup": {"": plain, "Arn": _arn("logs", f"log-group:{plain}:*")},
        "AWS::SNS::Topic": {"": _arn("sns", plain)},
        "AWS::CloudWatch::Alarm": {"": plain, "Arn": _arn("cloudwatch", f"alarm:{plain}")},
    }  # fmt: skip
    values = known.get(kind, {"": plain})
    return {f"{name}.{attribute}" if attribute else name: value
            for attribute, value in values.items()}  # fmt: skip


class Rendered:
    """A translated template with every name known; `resources` without what conditions drop."""

    def __init__(
        self, template: dict[str, Any], *, parameters: Mapping[str, str], stack: str
    ) -> None:
        self.template, self.stack = template, stack
        known: dict[str, str] = {}
        for name, resource in template["Resources"].items():
            known |= made_up(name, resource, stack=stack)
        self.resolver = Resolver(template, parameters=parameters, known=known, stack=stack)
        self.resources: dict[str, dict[str, Any]] = {
            name: resource for name, resource in template["Resources"].items()
            if "Condition" not in resource or self.resolver.holds(resource["Condition"])
        }  # fmt: skip

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Logical id -> properties with every function worked out, for one resource type."""
        return {name: self.resolver.value(resource.get("Properties", {}))
                for name, resource in self.resources.items()
                if resource["Type"] == kind}  # fmt: skip

    def reference(self, name: str) -> str:
        """What Ref of this resource or parameter gives."""
        return str(self.resolver.known[name])

    def named(self, physical: str) -> str:
        """The logical id of the function that an ARN or name (alias or version too) means."""
        plain = physical.split(":function:", 1)[-1].split(":", 1)[0]
        for name, resource in self.resources.items():
            if resource["Type"] == "AWS::Lambda::Function" and self.reference(name) == plain:
                return name
        raise LookupError(f"{physical} is no function of this stack")

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return {name: str(self.resolver.value(output["Value"]))
                for name, output in self.template.get("Outputs", {}).items()
                if "Condition" not in output
                or self.resolver.holds(output["Condition"])}  # fmt: skip


def render(path: Path = TEMPLATE, *, parameters: Mapping[str, str] | None = None,
           stack: str = "local") -> Rendered:  # fmt: skip
    """Translate and work out with made-up names: enough to read roles, routes and schedules."""
    given = dict(parameters or {})
    return Rendered(translate(path, parameters=given), parameters=given, stack=stack)


def deploy(rendered: Rendered) -> None:
    """Create in moto what it can create, and take over the names it gave."""
    import boto3
    from moto.cloudformation.parsing import get_model_map

    supported = set(get_model_map())
    created = {name: resource for name, resource in rendered.resources.items()
               if not resource["Type"].startswith(_PLAYED)
               and resource["Type"] in supported}  # fmt: skip
    _create_secrets(rendered)
    played = {name: value for name, value in rendered.resolver.known.items()
              if name.split(".", 1)[0] in set(rendered.template["Resources"]) - set(created)
              and name not in rendered.resolver.parameters}  # fmt: skip
    kept = {name: _deployable(name, resource, played, created, stack=rendered.stack)
            for name, resource in created.items()}  # fmt: skip
    wanted = sorted(name for name in names_in(rendered.template)
                    if "." in name and name.split(".", 1)[0] in created)  # fmt: skip
    body = {
        **{key: value for key, value in rendered.template.items() if key != "Outputs"},
        "Resources": kept,
        "Outputs": {f"Attribute{n}": {"Value": {"Fn::GetAtt": name.split(".", 1)}}
                    for n, name in enumerate(wanted)},
    }  # fmt: skip
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    cloudformation.create_stack(
        StackName=rendered.stack, TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": name, "ParameterValue": value}
                    for name, value in rendered.resolver.parameters.items()],
    )  # fmt: skip
    (stack,) = cloudformation.describe_stacks(StackName=rendered.stack)["Stacks"]
    known = rendered.resolver.known
    for name in [name for name in known if "." in name and name.split(".", 1)[0] in created]:
        del known[name]  # made up, and true no longer
    for output in stack.get("Outputs", []):
        known[wanted[int(output["OutputKey"].removeprefix("Attribute"))]] = output["OutputValue"]
    answer = cloudformation.describe_stack_resources(StackName=rendered.stack)
    for resource in answer["StackResources"]:
        known[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]


def _deployable(name: str, resource: dict[str, Any], played: Mapping[str, str],
                created: Mapping[str, Any], *, stack: str) -> dict[str, Any]:  # fmt: skip
    # What refers to something played gets its made-up id; moto has no Retain to honour here.
    parts = {key: resource[key] for key in ("Type", "Properties", "DependsOn") if key in resource}
    out: dict[str, Any] = put_in(parts, played)
    needs = out.pop("DependsOn", [])
    needs = [one for one in ([needs] if isinstance(needs, str) else needs) if one in created]
    if needs:
        out["DependsOn"] = needs
    if out["Type"] == "AWS::SQS::Queue":
        properties = out.setdefault("Properties", {})
        if properties.get("FifoQueue"):  # CloudFormation adds the ending, moto wants it said
            properties.setdefault("QueueName", f"{stack}-{name}.fifo")
    return out


def _create_secrets(rendered: Rendered) -> None:
    import boto3

    client = boto3.client("secretsmanager", region_name=REGION)
    for name, properties in rendered.of("AWS::SecretsManager::Secret").items():
        if "SecretString" in properties:
            text = properties["SecretString"]
        else:
            how = properties["GenerateSecretString"]
            text = client.get_random_password(**how)["RandomPassword"]
        answer = client.create_secret(
            Name=properties.get("Name", f"{rendered.stack}-{name}"), SecretString=text
        )
        rendered.resolver.known |= {name: answer["ARN"], f"{name}.Id": answer["ARN"]}
