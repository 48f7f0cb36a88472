"""The functions of the template, run in this process as Lambda would run them.

Each has its own environment, role, log lines and time-out from the rendered template, and one
warm process: its `Services` are kept from call to call. One call at a time per function.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from instore.runtime.services import Services, using
from instore.runtime.settings import Settings, read_settings

from .intrinsics import REGION
from .lock import Watcher, watching
from .logs import collecting
from .uploads import SECRET
from .watch import Call, Watch

if TYPE_CHECKING:
    from .access import PartitionKey
    from .policy import Role


class Clock(Protocol):
    """The one clock of a stack: what time it is, and how to let it pass."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class Killed(BaseException):
    """The process ended here, between two instructions. Not an Exception: no handler catches it."""


class FunctionFailedError(Exception):
    """A handler raised, ran out of time or gave back what is no JSON. `answer` is as from AWS."""

    def __init__(self, function: str, *, kind: str, message: str) -> None:
        super().__init__(f"{function}: {kind}: {message}")
        self.answer = {"errorType": kind, "errorMessage": message}


@dataclass(slots=True)
class Context:
    """The second argument of a handler."""

    function_name: str
    memory_limit_in_mb: int
    invoked_function_arn: str
    log_group_name: str
    ends_at: datetime
    clock: Clock
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time-out, on the stack's clock."""
        return max(0, int((self.ends_at - self.clock.now()).total_seconds() * 1000))


MakeServices = Callable[..., Services]
Handler = Callable[[Any, Context], Any]


class StackServices(Services):
    """The services of one function, with AWS clients shared by the stack (building is slow)."""

    clients: dict[str, Any]
    function = ""
    _building = threading.Lock()  # boto3 may not build two clients at a time

    def _client(self, name: Any) -> Any:
        # What S3's client signs for others tells who signed it, as a role's credentials do.
        own = name == "s3"
        kept = f"{name} of {self.function}" if own else name
        with self._building:
            if kept not in self.clients:
                if own:
                    self.credentials = {"aws_access_key_id": self.function,
                                        "aws_secret_access_key": SECRET}  # fmt: skip
                self.clients[kept] = super()._client(name)
            return self.clients[kept]


class Function:
    """One function of the stack."""

    def __init__(
        self, name: str, *, properties: Mapping[str, Any], code: Path, arn: str, role: Role,
        keys: PartitionKey, clock: Clock, make_services: Callable[[Settings], Services],
        enforce: bool,
    ) -> None:  # fmt: skip
        self.name, self.arn, self.role = name, arn, role
        self.timeout_s = int(properties.get("Timeout", 3))
        self.environment: dict[str, str] = {
            key: str(value)
            for key, value in properties.get("Environment", {}).get("Variables", {}).items()
        }
        self.dead_letters: str | None = properties.get("DeadLetterConfig", {}).get("TargetArn")
        self.logs: list[str] = []
        self.calls: list[Call] = []
        self._memory = int(properties.get("MemorySize", 128))
        self._log_group = str(properties.get("LoggingConfig", {}).get("LogGroup", ""))
        self._file, _, self._attribute = str(properties["Handler"]).rpartition(".")
        self._code, self._clock, self._make_services = code, clock, make_services
        self._watch = Watch(name, role=role, keys=keys, enforce=enforce, calls=self.calls)
        # Stands around every AWS call, outside the role's verdict; it may raise Killed.
        self.boundary: Watcher | None = None
        self._handler: Handler | None = None
        self._services: Services | None = None
        self._one_at_a_time = threading.RLock()

    def start_cold(self) -> None:
        """End the warm process, its connections too: the next call builds its services anew."""
        with self._one_at_a_time:
            for adapter in vars(self._services).values() if self._services else ():
                if callable(close := getattr(adapter, "close", None)):
                    close()
            self._services = None

    @property
    def services(self) -> Services:
        """The services of the warm process."""
        if self._services is None:
            self._services = self._make_services(
                read_settings({"AWS_REGION": REGION, **self.environment})
            )
        return self._services

    def __call__(self, event: Any) -> Any:
        """Run the handler on an event (anything JSON). Raises FunctionFailedError."""
        event = json.loads(json.dumps(event))
        with self._one_at_a_time:
            started = self._clock.now()
            context = Context(self.name, self._memory, self.arn, self._log_group,
                              started + timedelta(seconds=self.timeout_s), self._clock)  # fmt: skip
            with collecting(self.logs), watching(self._around, alone=True), using(self.services):
                try:
                    result = self._load()(event, context)
                except Killed as error:
                    self.start_cold()
                    raise FunctionFailedError(self.name, kind="Runtime.ExitError",
                                              message="the process was killed") from error  # fmt: skip
                except Exception as error:
                    kind = type(error).__name__
                    raise FunctionFailedError(self.name, kind=kind, message=str(error)) from error
            if self._clock.now() > context.ends_at:
                message = f"Task timed out after {self.timeout_s}.00 seconds"
                raise FunctionFailedError(self.name, kind="Sandbox.Timedout", message=message)
            return self._as_json(result)

    def _around(
        self, run: Callable[[], Any], *, service: str, operation: str, params: dict[str, Any]
    ) -> Any:
        judged = partial(self._watch, run, service=service, operation=operation, params=params)
        if self.boundary is None:
            return judged()
        return self.boundary(judged, service=service, operation=operation, params=params)

    def _as_json(self, result: Any) -> Any:
        try:
            return json.loads(json.dumps(result, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise FunctionFailedError(self.name, kind="Runtime.MarshalError",
                                      message=str(error)) from error  # fmt: skip

    def _load(self) -> Handler:
        if self._handler is None:
            path = self._code / f"{self._file}.py"
            # A name of its own: every function's file is called app.py.
            module_name = f"local_function_{self.name}_{abs(hash(path)):x}"
            spec = importlib.util.spec_from_file_location(module_name, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            spec.loader.exec_module(module)
            handler: Handler = getattr(module, self._attribute)
            self._handler = handler
        return self._handler
