"""`make invoke`: every file of events/ sent to its built function under Lambda's runtime interface.

The functions are what `sam build` made, each in a process of its own with the environment that the
template renders; AWS is moto over HTTP on loopback, LivePerson the simulator. Answers are
compared with local/invoke_answers.yaml. Exit 1 on the first that differs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml
from moto.server import ThreadedMotoServer

from instore.runtime.twilio_webhooks import sign

from .lambda_runtime import LambdaRuntime, RuntimeFailedError
from .scene import Scene

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT, STORE = "10000002", "Kay 1204 Yonkers"
ANNA, KATE = "anna@kay.example.com", "kate@kay.example.com"
EXAMPLE_BATCH = "b5d41402abc4b2a76b9719d9"
EXAMPLE_IMPORT = "i5d41402abc4b2a76b9719d9"
EXAMPLE_RUN = "c0ffee5d41402abc4b2a76b9"
EXAMPLE_REQUEST = "d0e5d41402abc4b2a76b9719"
EXAMPLE_FILE = "Mobile,First name,Shop\r\n+12125550123,Ana,Kay\r\nnobody,Ben,Kay\r\n"


class RealClock:
    """The machine's own clock: the built functions know no other."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance(self, seconds: float = 0, *, to: datetime | None = None) -> None: ...

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def main(*words: str) -> int:
    """Run all files, or those whose name contains one of the words."""
    answers = yaml.safe_load((Path(__file__).parent / "invoke_answers.yaml").read_text("utf-8"))
    wanted = [a for a in answers if not words or any(word in a["file"] for word in words)]
    if not wanted:
        print(f"invoke: no file of events/ is named like {' or '.join(words)}")
        return 1
    missing = {p.name for p in (ROOT / "events").glob("*.json")} ^ {a["file"] for a in answers}
    if missing:
        print(f"invoke: no answer, or no file, for {sorted(missing)}")
        return 1
    try:
        with _runtimes() as (scene, run):
            known = {"AGENT": scene.sim.agent(KATE).id}
            for expected in wanted:
                _one(scene, run, expected, known)
    except RuntimeFailedError as error:
        print(f"invoke: {error}")
        return 1
    print(f"invoke: {len(wanted)} events answered as expected")
    return 0


def _one(scene: Scene, run: Any, expected: dict[str, Any], known: dict[str, str]) -> None:
    name = expected["file"]
    function = "".join(part.title() for part in name.split(".")[0].split("_"))
    event = filled(scene, json.loads((ROOT / "events" / name).read_text("utf-8")), known)
    answer, took = run(function, event)
    shown = dict(answer) if isinstance(answer, dict) else answer
    if isinstance(shown, dict) and isinstance(shown.get("body"), str):
        shown["body"] = _read(shown["body"])
    wanted = json.loads(_replace(json.dumps(expected["has"]), known))
    difference = _differs(wanted, shown)
    if difference:
        raise RuntimeFailedError(f"{name}: {difference}\n  answer: {json.dumps(shown)[:800]}")
    for word, path in expected.get("keep", {}).items():
        value = shown
        for step in path:
            value = value[step]
        known[word] = str(value)
        if word == "IMPORT":  # the form it gave is used
            scene.stack.client("s3").put_object(
                Bucket=scene.stack.outputs["ImportBucketName"],
                Key=f"imports/{value}/upload.csv", Body=EXAMPLE_FILE.encode(),
            )  # fmt: skip
    print(f"  ✓ {name:<38} {took:7.1f} ms")


def _read(body: str) -> Any:
    """A body as JSON where it is JSON; TwiML stays the text it is."""
    if body.startswith("<?xml"):
        return body
    return json.loads(body) if body else None


@contextmanager
def _runtimes() -> Iterator[tuple[Scene, Any]]:
    with ExitStack() as open_things:
        scene, environment = open_things.enter_context(surroundings())
        started: dict[str, LambdaRuntime] = {}

        def run(function: str, event: Any) -> tuple[Any, float]:
            if function not in started:
                deployed = scene.stack.functions[function]
                started[function] = open_things.enter_context(LambdaRuntime(
                    function, timeout_s=deployed.timeout_s, memory_mb=512,
                    environment=environment(function),
                ))  # fmt: skip
            return started[function].invoke(event)

        yield scene, run


@contextmanager
def surroundings() -> Iterator[tuple[Scene, Callable[[str], dict[str, str]]]]:
    """A scene, AWS and LivePerson over loopback, and what a built function's environment is."""
    with ExitStack() as open_things:
        scene = Scene("in_store.yaml", now=datetime.now(UTC), clock=RealClock())
        open_things.enter_context(scene)
        scene.add_store(ACCOUNT, STORE, banner="kay", zone="America/New_York", state="NY",
                        hours="00:00-24:00")  # fmt: skip
        scene.add_associate(ACCOUNT, STORE, ANNA, nickname="Anna", employee_id="200001")
        scene.add_associate(ACCOUNT, STORE, KATE, nickname="Kate", aliases=("KateM123",))
        scene.add_store("10000003", "Zales 1", banner="zales", zone="America/New_York")
        scene.add_associate("10000003", "Zales 1", "zoe@zales.example.com", nickname="Zoe")
        scene.open()
        scene.sim.agent(KATE).login()
        # The relay's and the notification's account is the other sample program's.
        scene.stack.put_secret("instore/lp/20000001", {
            "webhook_client_id": "5a1c0de0-0000-4000-8000-00000000001a",
            "webhook_secret": "webhook secret of 20000001"})  # fmt: skip
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for every request
        aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        aws.start()
        open_things.callback(aws.stop)
        host, port = aws.get_host_and_port()

        def environment(function: str) -> dict[str, str]:
            return {**scene.stack.functions[function].environment,
                    "AWS_ENDPOINT_URL": f"http://{host}:{port}",
                    "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip

        yield scene, environment


def filled(scene: Scene, event: Any, known: dict[str, str]) -> Any:
    """Put in what only a running stack knows: token, signature, time stamp, batch."""
    account = scene.program.account(ACCOUNT)
    assert account is not None
    text = _replace(json.dumps(event), {
        "BOT_TOKEN": scene.sim.bot_token(ACCOUNT, account.bot_client_id),
        "TIMESTAMP": str(int(time.time())), "GROUP": scene.sim.agent(KATE).user.group or "",
    })  # fmt: skip
    text = text.replace(EXAMPLE_IMPORT, known.get("IMPORT", EXAMPLE_IMPORT))
    text = text.replace(EXAMPLE_RUN, known.get("RUN", EXAMPLE_RUN))
    text = text.replace(EXAMPLE_REQUEST, known.get("REQUEST", EXAMPLE_REQUEST))
    event = json.loads(text.replace(EXAMPLE_BATCH, known.get("BATCH", EXAMPLE_BATCH)))
    headers = event.get("headers", {})
    if headers.get("x-liveperson-signature") == "${SIGNATURE}":
        secret = f"webhook secret of {headers['x-liveperson-account-id']}"
        headers["x-liveperson-signature"] = _signature("sha1", secret, event["body"])
    if headers.get("x-twilio-signature") == "${SIGNATURE}":
        url = f"{scene.stack.url}{event['rawPath']}"
        url += f"?{event['rawQueryString']}" if event["rawQueryString"] else ""
        form = parse_qsl(base64.b64decode(event["body"]).decode(), keep_blank_values=True)
        headers["x-twilio-signature"] = sign(url, form, token=scene.twilio.auth_token)
    if headers.get("x-instore-signature") == "${SIGNATURE}":
        relay = scene.stack.functions["PlatformEvents"].environment["RELAY_SECRET"]
        secret = scene.stack.client("secretsmanager").get_secret_value(SecretId=relay)[
            "SecretString"
        ]
        signed = f"{headers['x-instore-timestamp']}.{event['body']}"
        headers["x-instore-signature"] = _signature("sha256", secret, signed)
    return event


def _signature(digest: str, secret: str, text: str) -> str:
    mac = hmac.new(secret.encode(), text.encode(), getattr(hashlib, digest)).digest()
    return f"{digest}={base64.b64encode(mac).decode()}"


def _replace(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{([A-Z_]+)\}", lambda m: known.get(m.group(1), m.group(0)), text)


def _differs(wanted: Any, got: Any, where: str = "answer") -> str | None:
    """The first place where `got` lacks what is wanted, None if nowhere."""
    if wanted == "any":
        return None
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key, value in wanted.items():
            if key not in got:
                return f"{where}.{key} is missing"
            if difference := _differs(value, got[key], f"{where}.{key}"):
                return difference
        return None
    return None if wanted == got else f"{where} is {got!r}, expected {wanted!r}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
