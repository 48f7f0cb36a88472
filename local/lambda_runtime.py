"""A built function under AWS's own runtime interface: emulator and runtime client, no container.

The emulator binary ships inside the aws-sam-cli package, the client is awslambdaric. The layer is
mounted as /opt in a mount namespace of the function's own where the machine allows it; else its
folder stands on PYTHONPATH in the same place. One process and one call at a time per function: the
emulator ends itself when a second call arrives while one runs.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".aws-sam" / "build"
RUNTIME = ROOT / ".venv-runtime"
LAYER = BUILD / "CommonLayer"


class RuntimeFailedError(Exception):
    """The function process did not answer as a function does; the text says how it ended."""


def emulator() -> Path:
    """The emulator binary for this machine. Raises RuntimeFailedError when it is not installed."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    found = sorted((ROOT / ".venv-sam").glob(f"lib/*/site-packages/samcli/local/rapid/*-{machine}"))
    if not found:
        raise RuntimeFailedError("the runtime interface emulator is missing: run make invoke")
    return found[-1]


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _can_mount() -> list[str] | None:
    """The command that gives a process mounts of its own, None where that is not allowed."""
    if shutil.which("unshare") is None:
        return None
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--mount", "--propagation", "private"]
    probe = subprocess.run([*command, "mount", "--bind", str(ROOT), "/opt"],
                           capture_output=True, check=False)  # fmt: skip
    return command if probe.returncode == 0 else None


class LambdaRuntime:
    """One built function, started at once, stopped by `close`. `task`: its folder, if it is not
    where `sam build` puts it."""

    def __init__(
        self, function: str, *, environment: Mapping[str, str], timeout_s: int, memory_mb: int,
        task: Path | None = None,
    ) -> None:  # fmt: skip
        task = task or BUILD / function
        self._port, internal = free_ports(2)
        mount = _can_mount()
        self.layer_at = "/opt/python" if mount else str(LAYER / "python")
        python = RUNTIME / "bin" / "python"
        env = {
            "PATH": "/usr/bin:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(task), "AWS_LAMBDA_FUNCTION_NAME": function,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
            "PYTHONPATH": f"{task}:{self.layer_at}", "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }  # fmt: skip
        command = [
            str(emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}",
            "--runtime-api-address", f"127.0.0.1:{internal}", "--log-level", "error",
            str(python), "-m", "awslambdaric", "app.handler",
        ]  # fmt: skip
        if mount:
            bind = f'mount --bind "{LAYER}" /opt && exec "$@"'
            command = [*mount, "sh", "-c", bind, "sh", *command]
        self._log = (ROOT / "build" / f"runtime-{function}.log").open("wb")
        self._process = subprocess.Popen(
            command, cwd=task, env=env, stdout=self._log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            if self._process.poll() is not None:
                raise RuntimeFailedError(f"ended at once, see {self._log.name}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeFailedError("did not listen within 10 s")

    def invoke(self, event: Any) -> tuple[Any, float]:
        """Send one event; return (answer, milliseconds). Raises RuntimeFailedError.

        The emulator answers HTTP 200 for an unhandled exception too, so the body is looked at.
        """
        started = time.monotonic()
        answer = httpx.post(
            f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations",
            content=json.dumps(event), timeout=120,
        )  # fmt: skip
        took = (time.monotonic() - started) * 1000
        try:
            body = answer.json() if answer.content else None
        except ValueError as error:
            raise RuntimeFailedError(answer.text[:300]) from error
        if answer.status_code != 200 or (isinstance(body, dict) and "errorType" in body):
            raise RuntimeFailedError(json.dumps(body)[:600])
        return body, took

    def close(self) -> None:
        """End the emulator and the function with it."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def __enter__(self) -> LambdaRuntime:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
