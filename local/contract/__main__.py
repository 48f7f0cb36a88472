"""Send every request of the Twilio client to a mock made from Twilio's own OpenAPI document.

`make contract`: Prism and the document come from npm into build/contract (pinned, not committed);
Prism is started on a free port of loopback and stopped at the end. Exit code 1 if a request is
refused, has an unknown field or parameter, is not understood, or a wrong one is accepted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import httpx
from local.lambda_runtime import free_ports

from instore.adapters.twilio import Twilio
from instore.errors import VendorError

from .asking import PATHS, Ask, Wrong, requests, secrets, wrong_requests
from .document import Document, patched, unknown_names
from .fetching import SCRATCH, fetch, prism

PATIENCE_S = 60.0


class Watched(httpx.HTTPTransport):
    """What goes to the mock and what status comes back."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document
        self.said: list[tuple[str, int, set[str]]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        unknown = unknown_names(
            self.document, request.method, path, query=dict(parse_qsl(query, True)),
            form=dict(parse_qsl(request.content.decode(), True)),
        )  # fmt: skip
        answer = super().handle_request(request)
        self.said.append((f"{request.method} {path}", answer.status_code, unknown))
        return answer


def main() -> int:
    document = patched(fetch(), paths=PATHS)
    asks = requests(document)
    with mock(document) as api:
        problems = [problem for ask in asks for problem in ask_one(ask, document, api)]
        problems += [problem for one in wrong_requests() for problem in ask_wrong(one, api)]
    for problem in problems:
        print(f"  {problem}")
    if problems:
        return 1
    print(f"contract ok: {len(asks)} requests of the client accepted by Twilio's own document, "
          f"{len(wrong_requests())} wrong ones refused")  # fmt: skip
    return 0


def ask_one(ask: Ask, document: Document, api: str) -> Iterator[str]:
    watched, now = Watched(document), lambda: datetime.now(UTC)
    twilio = Twilio(secrets=secrets(now), api=api, now=now, sleep=time.sleep, transport=watched)
    name = f"{ask.method}({', '.join(ask.arguments)})"
    try:
        ask(twilio)
    except KeyError as error:
        yield f"{name}: Twilio's document has no {error}"
    except VendorError as error:
        if ask.heard or not watched.said:
            yield f"{name}: not understood: {error.message} ({error.vendor_status})"
    finally:
        twilio.close()
    for what, status, unknown in watched.said:
        if not 200 <= status < 300:
            yield f"{name}: {what} answered with {status}"
        if unknown:
            yield f"{name}: {what} knows no {', '.join(sorted(unknown))}"


def ask_wrong(one: Wrong, api: str) -> Iterator[str]:
    body = json.dumps(one.form) if one.kind.endswith("json") else urlencode(one.form or {})
    headers = {"content-type": one.kind} if one.form is not None else {}
    with httpx.Client(trust_env=False, timeout=10) as client:
        answer = client.request(
            one.method, api + one.path, headers=headers, content=body if one.form else None,
            auth=("AC", "token") if one.proof else None,
        )  # fmt: skip
    if not 400 <= answer.status_code < 500:
        yield f"{one.what}: answered with {answer.status_code}, should be refused"


@contextmanager
def mock(document: Document) -> Iterator[str]:
    """Prism on a free port of loopback, for as long as it is needed; its address."""
    where, log = SCRATCH / "document.json", SCRATCH / "prism.log"
    where.write_text(json.dumps(document))
    (port,) = free_ports(1)
    command = [*prism(), "mock", "-h", "127.0.0.1", "-p", str(port), str(where)]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
    try:
        api = f"http://127.0.0.1:{port}"
        _wait(api, process)
        yield api
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(api: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < end and process.poll() is None:
            try:
                client.get(api)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
    log = (SCRATCH / "prism.log").read_text(errors="replace")
    raise SystemExit(f"Prism did not start:\n{log[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
