"""ministack, the AWS emulator of the rehearsal: started, and made up for where it falls short.

docs/rehearsal.md lists the differences from AWS with what is done about each.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from .lambda_runtime import free_ports

ROOT = Path(__file__).resolve().parent.parent


def make_up(iam: Any, functions: Any, *, names: dict[str, str]) -> None:
    """Give what AWS would: one permission under the emulator's own name, one number as a number."""
    statement = {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": "*"}
    # AWS authorises SendMessageBatch as sqs:SendMessage; the emulator by the operation's name.
    iam.put_role_policy(
        RoleName=names["PlatformEventsRole"], PolicyName="emulator",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )  # fmt: skip
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        concurrency = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        # It keeps a Number parameter as text, and then stumbles over it.
        if concurrency is not None:
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(concurrency)}
            )


def add_routes(
    gateway: Any, cloud: Any, *, stack: str, names: dict[str, str], endpoint: str
) -> str:
    """Routes and authorizer from the processed template: the emulator does not read `Body`."""
    processed = cloud.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    document = processed if isinstance(processed, dict) else json.loads(processed)
    body = document["Resources"]["HttpApi"]["Properties"]["Body"]
    api = names["HttpApi"]
    for old in gateway.get_routes(ApiId=api)["Items"]:
        gateway.delete_route(ApiId=api, RouteId=old["RouteId"])
    authorizers = {}
    for name, scheme in body["components"]["securitySchemes"].items():
        jwt = scheme["x-amazon-apigateway-authorizer"]
        parameters = {p["ParameterKey"]: p["ParameterValue"] for p in
                      cloud.describe_stacks(StackName=stack)["Stacks"][0]["Parameters"]}  # fmt: skip
        configuration = json.loads(json.dumps(jwt["jwtConfiguration"]))
        authorizers[name] = gateway.create_authorizer(
            ApiId=api, Name=f"{name}-{time.time_ns()}", AuthorizerType="JWT",
            IdentitySource=[jwt["identitySource"]],
            JwtConfiguration={"Issuer": parameters[configuration["issuer"]["Ref"]],
                              "Audience": [parameters[a["Ref"]] for a in configuration["audience"]]},
        )["AuthorizerId"]  # fmt: skip
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            target = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            function = target.split("${")[-1].split("}")[0].split(".")[0]
            alias = names.get(function, function)
            integration = gateway.create_integration(
                ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
                IntegrationUri=alias if alias.startswith("arn:") else
                f"arn:aws:lambda:us-east-1:000000000000:function:{alias}",
            )["IntegrationId"]  # fmt: skip
            secured: dict[str, Any] = {}
            for name, scopes in (operation.get("security") or [{}])[0].items():
                secured = {"AuthorizationType": "JWT", "AuthorizerId": authorizers[name],
                           "AuthorizationScopes": scopes}  # fmt: skip
            gateway.create_route(ApiId=api, RouteKey=f"{method.upper()} {path}",
                                 Target=f"integrations/{integration}", **secured)  # fmt: skip
    return f"{endpoint}/_aws/execute-api/{api}/$default"


@contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """ministack on a free loopback port, with IAM enforced, out of a clean environment."""
    (port,) = free_ports(1)
    scratch = ROOT / "build" / "ministack"
    scratch.mkdir(parents=True, exist_ok=True)
    clean = {"PATH": os.environ["PATH"], "HOME": str(ROOT / "build"), "TMPDIR": str(scratch)}
    log = (ROOT / "build" / "ministack.log").open("wb")
    process = subprocess.Popen(
        [str(ROOT / ".venv-rehearse" / "bin" / "ministack")], stdout=log, stderr=subprocess.STDOUT,
        start_new_session=True, env={**clean, "AUTH": "true", "IOT_MTLS_ENABLED": "0",
                                     "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)},
    )  # fmt: skip
    endpoint = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                httpx.get(f"{endpoint}/_ministack/health", timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.25)
        yield {**clean, "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test",
               "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
               "SAM_CLI_TELEMETRY": "0"}  # fmt: skip
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()
        shutil.rmtree(scratch, ignore_errors=True)
