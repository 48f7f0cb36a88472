"""The bundle on one machine: template.yaml deployed into moto, handlers run in this process.

    with LocalStack(clock, parameters={"JwtIssuer": issuer.url}) as stack:
        stack.put_secret("instore/owner", {...})
        httpx.post(f"{stack.url}/liveperson/events", ...)
        stack.pump()

Nothing about the bundle is written here: tables, queues, routes, schedules, environment and
permissions are read from the template.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from instore.runtime.services import Services
from instore.runtime.settings import Settings

from .buckets import connect
from .functions import Clock, Function, StackServices
from .http_event import Request, Response
from .intrinsics import REGION
from .logs import personal_lines
from .machine import RealEndpointError, machine
from .permissions import keep
from .policy import judge, partition_keys, role_of
from .pump import Pump, QueueMapping, Source
from .rendering import Rendered, deploy, render
from .schedules import AsyncCalls, Schedule
from .streams import StreamMapping
from .template import TEMPLATE, read_template, table_definition
from .uploads import UploadDoor
from .watch import Call
from .web import Api, Server

__all__ = ["Clock", "LocalStack", "RealEndpointError", "table_definition"]

_numbers = itertools.count(1)


class LocalStack:
    """One deployed bundle.

    `make_services(settings, now=, sleep=)` may give handlers services of its own making (other
    vendors); by default they get the real ones. `enforce`: a call that the function's role does
    not allow raises as at AWS.
    """

    def __init__(
        self, clock: Clock, *, parameters: Mapping[str, str] | None = None,
        template: Path = TEMPLATE, enforce: bool = True,
        make_services: Callable[..., Services] | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock
        self._parameters, self._template = dict(parameters or {}), template
        self._enforce, self._make_services = enforce, make_services
        self._open = ExitStack()
        self._clients: dict[str, Any] = {}
        self._api: Api | None = None
        self._server: Server | None = None
        self._storage: Server | None = None

    def __enter__(self) -> LocalStack:
        with ExitStack() as opening:
            opening.enter_context(machine(self.clock))
            self._deploy(opening)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for name, calls in self.calls.items():
            keep(name, calls)
        self._open.close()
        for function in self.functions.values():
            function.start_cold()

    def _deploy(self, opening: ExitStack) -> None:
        # Listening before there is an API: what calls us from outside has to be told where.
        server = Server(self.answer)
        opening.callback(server.close)
        if "PublicUrl" in read_template(self._template).get("Parameters", {}):
            self._parameters.setdefault("PublicUrl", server.url)
        self.rendered: Rendered = render(
            self._template, parameters=self._parameters, stack=f"local{next(_numbers)}"
        )
        deploy(self.rendered)
        connect(self.rendered)
        self.functions = {name: self._function(name, properties) for name, properties
                          in self.rendered.of("AWS::Lambda::Function").items()}  # fmt: skip
        for name in self.rendered.of("AWS::ApiGatewayV2::Api"):
            self._api = Api(self.rendered, name, functions=self.functions, clock=self.clock)
            self._server = server
        rules = {self.rendered.named(one["FunctionName"]): one for one in
                 self.rendered.of("AWS::Lambda::EventInvokeConfig").values()}  # fmt: skip
        self._async = AsyncCalls(clock=self.clock, send=self._send, rules=rules)
        self._pump = Pump(clock=self.clock)
        self._pump.sources = [self._async, *self._mappings()]
        self._schedules = [self._schedule(name, properties) for name, properties
                           in self.rendered.of("AWS::Scheduler::Schedule").items()]  # fmt: skip

    def client(self, name: str) -> Any:
        """A boto3 client of the stack, for whoever looks at it from outside."""
        if name not in self._clients:
            make: Any = boto3.client  # typed per service, and this takes any
            # moto knows a stream's address only without the account in it.
            config = Config(account_id_endpoint_mode="disabled")
            self._clients[name] = make(name, region_name=REGION, config=config)
        return self._clients[name]

    # ------------------------------------------------------------ what the stack is
    @property
    def url(self) -> str:
        """Base URL of the HTTP API on loopback."""
        if self._server is None:
            raise LookupError("the template has no HTTP API")
        return self._server.url

    @property
    def storage_url(self) -> str:
        """S3's front door on loopback, for forms and links: the bucket's host goes into Host."""
        if self._storage is None:
            door = UploadDoor(self.client("s3"), judge=self._signed)
            self._storage = Server(door.answer)
            self._open.callback(self._storage.close)
        return self._storage.url

    @property
    def table_name(self) -> str:
        """The physical name of the template's only table."""
        (name,) = self.rendered.of("AWS::DynamoDB::Table")
        return self.rendered.reference(name)

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs; the API's own address is the one on loopback."""
        found = self.rendered.outputs()
        for name in self.rendered.of("AWS::ApiGatewayV2::Api"):
            made_up = self.rendered.reference(f"{name}.ApiEndpoint")
            found = {key: value.replace(made_up, self.url) for key, value in found.items()}
        return found

    @property
    def logs(self) -> dict[str, list[str]]:
        """Lines each function printed."""
        return {name: one.logs for name, one in self.functions.items()}

    @property
    def calls(self) -> dict[str, list[Call]]:
        """AWS calls each function made, with its role's verdict."""
        return {name: one.calls for name, one in self.functions.items()}

    def assert_nothing_personal(self, *bodies: str) -> None:
        """No telephone number and none of these texts stands in any log line."""
        found = self.personal_lines(*bodies)
        assert not found, f"personal data in logs: {found[:3]}"

    def personal_lines(self, *bodies: str) -> list[str]:
        """Log lines in which a telephone number or one of these texts stands."""
        return personal_lines(self.logs, bodies=bodies)

    # ------------------------------------------------------------ what one does with it
    def answer(self, request: Request) -> Response:
        """The HTTP API's answer to a request, without a socket."""
        if self._api is None:
            raise LookupError("the template has no HTTP API")
        return self._api.answer(request)

    def call(self, function: str, event: Any) -> Any:
        """Run a function (logical id) on an event. Raises FunctionFailedError."""
        return self.functions[function](event)

    def another(self, function: str) -> Function:
        """A second process of a function (logical id), as Lambda starts one beside a busy one."""
        return self._function(function, self.rendered.of("AWS::Lambda::Function")[function])

    def pump(self, *, until_idle: bool = True, patience_s: float = 0) -> int:
        """Deliver what waits in queues, streams and for another try; gives the batches it took.

        With patience the clock is moved on, a second at a time, for what is delayed or hidden.
        """
        return self._pump.run(until_idle=until_idle, patience_s=patience_s)

    def tick_schedules(self) -> list[str]:
        """Send the event of every schedule that is due; names of those. `pump` then runs them."""
        fired = []
        for schedule in self._schedules:
            event = schedule.turn(self.clock.now())
            if event is not None:
                self._async.accept(schedule.function, event)
                fired.append(schedule.name)
        return fired

    def put_secret(self, name: str, value: Any) -> None:
        """Create or replace a secret; anything but text is written as JSON."""
        text = value if isinstance(value, str) else json.dumps(value)
        secrets = self.client("secretsmanager")
        try:
            secrets.create_secret(Name=name, SecretString=text)
        except secrets.exceptions.ResourceExistsException:
            secrets.put_secret_value(SecretId=name, SecretString=text)

    def put_roster(self, account: str, *, stores_csv: str, associates_csv: str) -> None:
        """Drop an account's roster files into the stack's bucket (docs/roster.md)."""
        buckets = list(self.rendered.of("AWS::S3::Bucket"))
        name = "RosterBucket" if "RosterBucket" in buckets else buckets[0]
        for file, text in (("stores.csv", stores_csv), ("associates.csv", associates_csv)):
            self.client("s3").put_object(
                Bucket=self.rendered.reference(name), Key=f"roster/{account}/{file}",
                Body=text.encode(),
            )  # fmt: skip

    def dead_letters(self, queue: str) -> list[dict[str, Any]]:
        """Bodies (as JSON where they are) waiting in a queue (logical id); they stay there."""
        url = self.rendered.reference(queue)
        bodies = []
        while found := self.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages", []):  # fmt: skip
            bodies += found
        for one in bodies:
            self.client("sqs").change_message_visibility(
                QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0
            )
        return [_parsed(one["Body"]) for one in bodies]

    # ------------------------------------------------------------ parts
    def _function(self, name: str, properties: dict[str, Any]) -> Function:
        return Function(
            name, properties=properties, arn=self.rendered.reference(f"{name}.Arn"),
            code=Path(self.rendered.resources[name]["Metadata"]["CodeUri"]),
            role=role_of(self.rendered, name), keys=partition_keys(self.rendered),
            clock=self.clock, make_services=partial(self._services, function=name),
            enforce=self._enforce,
        )  # fmt: skip

    def _services(self, settings: Settings, *, function: str = "") -> Services:
        if self._make_services is not None:
            return self._make_services(settings, now=self.clock.now, sleep=self.clock.sleep)
        made = StackServices(settings, now=self.clock.now, sleep=self.clock.sleep)
        made.clients = self._clients
        made.function = function
        return made

    def _signed(self, signer: str, operation: str, params: Mapping[str, Any]) -> bool:
        # A form or a link can do what the role of the function that signed it can do.
        function = self.functions.get(signer)
        if function is None:
            return False
        verdict = judge(function.role, service="s3", operation=operation, params=params,
                        keys=partition_keys(self.rendered))  # fmt: skip
        function.calls.append(Call("s3", operation, params, verdict))
        return verdict.allowed

    def _mappings(self) -> list[Source]:
        found: list[Source] = []
        for properties in self.rendered.of("AWS::Lambda::EventSourceMapping").values():
            function = self.functions[self.rendered.named(properties["FunctionName"])]
            if not properties.get("Enabled", True):
                continue
            arn = properties["EventSourceArn"]
            if ":sqs:" in arn:
                found.append(QueueMapping(properties, function=function, url=self._url_of(arn),
                                          sqs=self.client("sqs"), clock=self.clock))  # fmt: skip
            else:
                found.append(StreamMapping(properties, function=function, send=self._send,
                                           streams=self.client("dynamodbstreams")))  # fmt: skip
        return found

    def _schedule(self, name: str, properties: dict[str, Any]) -> Schedule:
        target = properties["Target"]
        function = self.functions[self.rendered.named(target["Arn"])]
        return Schedule(name, properties, function=function, start=self.clock.now())

    def _url_of(self, arn: str) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"])

    def _send(self, arn: str, *, body: str, attributes: Mapping[str, str]) -> None:
        typed = {name: {"DataType": "String", "StringValue": value}
                 for name, value in attributes.items()}  # fmt: skip
        self.client("sqs").send_message(QueueUrl=self._url_of(arn), MessageBody=body,
                                        MessageAttributes=typed)  # fmt: skip


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
