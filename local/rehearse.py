"""`make rehearse`: an unmodified `sam deploy` into an AWS emulator, used, updated, deleted.

ministack (pinned, in an environment of its own) stands in for AWS, listens on loopback and enforces
the functions' roles. What it lacks, and how this rehearsal makes up for it, is in
docs/rehearsal.md. LivePerson and Twilio are the simulators. Real clocks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx

from instore.adapters.programs import Programs
from instore.adapters.table import Table

from .emulator import add_routes, emulator, make_up
from .invoke import RealClock
from .rehearse_line import PUBLIC_URL, LineRehearsal
from .scene import Scene, roster_files, webhook_app
from .scene_line import open_line
from .telling import DiffersError, Telling

ROOT = Path(__file__).resolve().parent.parent
STACK = "instore-rehearsal"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
ACCOUNT, STORE = "10000002", "Kay 1204 Yonkers"
ANNA = "anna@kay.example.com"
CUSTOMER, OTHER = "+12125550123", "+12125550124"


def main() -> int:
    """Deploy, use, update, delete. Exit 1 on the first thing that differs."""
    telling = Telling()
    started = time.monotonic()
    try:
        with emulator() as environment, _platform() as scene:
            rehearsal = _Rehearsal(telling, scene, environment)
            try:
                rehearsal.run()
            except DiffersError:
                rehearsal.show_logs()
                raise
    except DiffersError as error:
        print(f"\nThe rehearsal differs: {error}", file=sys.stderr)
        return 1
    print(f"\nrehearse: {telling.steps} steps, {telling.checks} checks, all as told, "
          f"in {time.monotonic() - started:.0f} s")  # fmt: skip
    return 0


class _Rehearsal:
    def __init__(self, telling: Telling, scene: Scene, environment: dict[str, str]) -> None:
        self.tell, self.scene, self.environment = telling, scene, environment
        self.endpoint = environment["AWS_ENDPOINT_URL"]

    def client(self, name: Any) -> Any:
        return boto3.client(name, endpoint_url=self.endpoint, region_name="us-east-1",
                            aws_access_key_id="test", aws_secret_access_key="test")  # fmt: skip

    def run(self) -> None:
        self._deploy("sam deploy of the built template, unmodified", level="INFO")
        self._prepare()
        self._mapping()
        self._conversation()
        self._outreach()
        LineRehearsal(self.tell, self.scene, client=self.client, names=self.names, url=self.url,
                      table=self.outputs["TableName"], invoke=self._invoke, wait=self._wait).run()  # fmt: skip
        self._partial_failure()
        self._schedule()
        self._update()
        self._delete()

    # ------------------------------------------------------------ stack
    def _sam(self, *words: str) -> str:
        done = subprocess.run([str(SAM), *words], cwd=ROOT, env=self.environment,
                              capture_output=True, text=True, check=False)  # fmt: skip
        (ROOT / "build" / f"rehearse-{words[0]}.log").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            print((done.stdout + done.stderr)[-3000:])
            raise DiffersError(f"sam {words[0]} ended with {done.returncode}")
        return done.stdout + done.stderr

    def _deploy(self, what: str, *, level: str) -> None:
        self.tell.step(what)
        url = self.scene.sim.url
        machine = "x86_64" if os.uname().machine == "x86_64" else "arm64"
        self._sam(
            "deploy", "--stack-name", STACK, "--resolve-s3", "--no-confirm-changeset",
            "--no-progressbar", "--no-fail-on-empty-changeset",
            "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--parameter-overrides",
            f"Architecture={machine}", f"LogLevel={level}", f"JwtIssuer={self.scene.issuer.url}",
            f"LivePersonDomainApi={url}", f"LivePersonGateway={url}",
            f"TwilioApi={self.scene.twilio.url}", f"PublicUrl={PUBLIC_URL}",
        )  # fmt: skip
        cloud = self.client("cloudformation")
        resources = cloud.describe_stack_resources(StackName=STACK)["StackResources"]
        self.names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        stack = cloud.describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self.tell.check(
            f"{len(resources)} resources", stack["StackStatus"].endswith("COMPLETE"), True
        )
        make_up(self.client("iam"), self.client("lambda"), names=self.names)
        self.url = add_routes(
            self.client("apigatewayv2"),
            cloud,
            stack=STACK,
            names=self.names,
            endpoint=self.endpoint,
        )

    def _prepare(self) -> None:
        self.tell.step("Secrets, program and roster, as a deployer does it")
        for account in self.scene.program.accounts:
            self.scene.sim.install_webhook(
                account.id, webhook_app(account.id), f"webhook secret of {account.id}",
                f"{self.url}/liveperson/events")  # fmt: skip
            secret = {**self.scene.sim.secrets_for(account.id),
                      "webhook_client_id": webhook_app(account.id)}  # fmt: skip
            self.put_secret(account.secret, secret)
        open_line(self.scene.program, stack=self, twilio=self.scene.twilio, public_url=PUBLIC_URL)
        kay = self.scene.banner("kay")
        sub = self.scene.program.account(ACCOUNT)
        assert sub is not None
        self.scene.sim.install_bot(ACCOUNT, kay.bots[0], kay.bot_skill, self.url,
                                   sub.bot_client_id, "production")  # fmt: skip
        table = Table(self.client("dynamodb"), self.outputs["TableName"])
        programs = Programs(table, now=lambda: datetime.now(UTC))
        document = json.loads(json.dumps(self.scene.document, default=str))
        # Any hour of the day will do for a rehearsal, as far as the associate goes; the law stays.
        document["outreach"] |= {
            "associate_window": {"from": "00:00", "to": "23:59"},
            "linger_s": 0,
        }
        document["routing"]["triggers"] = {}
        self.tell.check(
            "version 1 is in force", programs.apply(document, seen=0, who="rehearsal"), 1
        )
        for account_id, (stores, associates) in roster_files(self.scene).items():
            for name, text in (("stores.csv", stores), ("associates.csv", associates)):
                self.client("s3").put_object(
                    Bucket=self.outputs["RosterBucketName"], Body=text.encode(),
                    Key=f"roster/{account_id}/{name}")  # fmt: skip

    def put_secret(self, name: str, value: Any) -> None:
        self.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))

    def _invoke(self, function: str, event: Any) -> Any:
        answer = self.client("lambda").invoke(FunctionName=self.names[function],
                                              Payload=json.dumps(event).encode())  # fmt: skip
        return json.loads(answer["Payload"].read() or b"null")

    # ------------------------------------------------------------ use
    def _mapping(self) -> None:
        self.tell.step("The agent map is rebuilt by the deployed function, under its own role")
        answer = self._invoke("AgentMapping", {})
        self.tell.fact("answered", answer)
        self.tell.check("one store, one associate", (answer.get(ACCOUNT, {}).get("stores"),
                                                     answer.get(ACCOUNT, {}).get("agents")), (1, 1))  # fmt: skip

    def _conversation(self) -> None:
        self.tell.step("A customer texts the associate's keyword: routed over HTTP")
        self.scene.sim.agent(ANNA).login()
        self.scene.sim.text_from(CUSTOMER, to="+12125550100", text="AnnaK111")
        self.scene.sim.run()
        self.tell.facts("bot", [f"{s.method} {s.status} {s.answer}" for s in self.scene.sim.sent])
        conversation = self.scene.sim.conversation(phone=CUSTOMER)
        self.tell.facts("handset", [t.body for t in self.scene.sim.handset(CUSTOMER)])
        self.tell.check("offered to Anna", conversation.suggested, self.scene.sim.agent(ANNA).id)
        self.scene.sim.agent(ANNA).accept(conversation)
        self.scene.sim.run()
        item = self._wait("the signed webhook went through the queue", lambda: self._item(
            f"CONVERSATION#{ACCOUNT}#{conversation.id}", "CONVERSATION").get("state"), "assigned")  # fmt: skip
        self.tell.fact("state", item)

    def _outreach(self) -> None:
        self.tell.step("An associate texts a customer: API, queue, function, campaign")
        headers = {"authorization": f"Bearer {self.scene.issuer.mint(ANNA)}"}
        post = httpx.Client(base_url=self.url, headers=headers, timeout=60).post
        self.tell.check(
            "without a token: refused", httpx.post(f"{self.url}/outreach", json={}).status_code, 401
        )
        answer = post("/consents", json={"phone": OTHER, "class": "one_to_one", "method": "tablet",
                                         "wording": "Yes."})  # fmt: skip
        self.tell.check("consent is kept", answer.status_code, 201)
        answer = post("/outreach", headers={"idempotency-key": "rehearsal-1"}, json={
            "template": "new-arrivals",
            "recipients": [{"phone": OTHER, "variables": ["Anna", "Kay"]}]})  # fmt: skip
        row = answer.json()["rows"][0]
        self.tell.fact("answered", f"{answer.status_code} {row}")
        if row["status"] == "deferred":
            self.tell.check(
                "it is outside the legal hours just now: deferred", answer.status_code, 202
            )
            return
        self._wait("the campaign reached the handset", self._texts_of_other, 1)

    def _texts_of_other(self) -> int:
        self.scene.sim.run()
        return len(self.scene.sim.handset(OTHER))

    def _partial_failure(self) -> None:
        self.tell.step("A poison record among good ones ends in the dead letters alone")
        sqs = self.client("sqs")
        queue, letters = self.names["OutreachQueue"], self.names["OutreachDeadLetters"]
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
        for body in ("this is no batch", '{"batch": "of nobody"}'):
            sqs.send_message(QueueUrl=queue, MessageBody=body)

        def dead() -> int:
            found = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["All"])["Attributes"]
            return int(found["ApproximateNumberOfMessages"])

        self._wait("both poison records are dead letters", dead, 2, patience_s=120)

    def _schedule(self) -> None:
        self.tell.step("The sweep's schedule fires by itself")
        logs = self.client("logs")

        def ran() -> bool:
            groups = [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]]
            return any(logs.filter_log_events(logGroupName=g)["events"]
                       for g in groups if "Sweep" in g)  # fmt: skip

        self._wait("it has run within two minutes", ran, True, patience_s=150)

    def _update(self) -> None:
        self._deploy("The stack is updated: log level changed", level="DEBUG")
        environment = self.client("lambda").get_function_configuration(
            FunctionName=self.names["Sweep"])["Environment"]["Variables"]  # fmt: skip
        self.tell.check("the functions have it", environment["POWERTOOLS_LOG_LEVEL"], "DEBUG")
        self.tell.check("the table is still the same and full",
                        self._item("PROGRAM", "CURRENT").get("version"), 1)  # fmt: skip

    def _delete(self) -> None:
        self.tell.step("The stack is deleted; what must not be lost is kept")
        table = self.outputs["TableName"]
        self._sam("delete", "--stack-name", STACK, "--no-prompts", "--region", "us-east-1")
        stacks = [s for s in self.client("cloudformation").list_stacks()["StackSummaries"]
                  if s["StackName"] == STACK and s["StackStatus"] != "DELETE_COMPLETE"]  # fmt: skip
        self.tell.check("no stack is left", stacks, [])
        self.tell.check(
            "the table is retained",
            table in self.client("dynamodb").list_tables()["TableNames"],
            True,
        )

    # ------------------------------------------------------------ help
    def show_logs(self) -> None:
        """What the functions said was wrong, newest last."""
        logs = self.client("logs")
        for group in logs.describe_log_groups()["logGroups"]:
            events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            lines = [e["message"] for e in events if '"level":"INFO"' not in e["message"]]
            for line in [x for x in lines if '"level"' in x or "rror" in x][-5:]:
                print(f"  {group['logGroupName']}: {line.strip()[:600]}")

    def _item(self, pk: str, sk: str) -> dict[str, Any]:
        return Table(self.client("dynamodb"), self.outputs["TableName"]).get(pk, sk) or {}

    def _wait(
        self, what: str, look: Callable[[], Any], wanted: Any, *, patience_s: int = 60
    ) -> Any:
        until = time.monotonic() + patience_s
        got = look()
        while got != wanted and time.monotonic() < until:
            time.sleep(1)
            got = look()
        self.tell.check(what, got, wanted)
        return got


@contextmanager
def _platform() -> Iterator[Scene]:
    """LivePerson, Twilio and issuer on loopback; no local stack beside them."""
    with ExitStack() as opening:
        scene = Scene("in_store.yaml", now=datetime.now(UTC), clock=RealClock())
        opening.enter_context(scene.sim)
        opening.enter_context(scene.twilio)
        scene.issuer.serve()
        opening.callback(scene.issuer.close)
        scene.add_store(ACCOUNT, STORE, banner="kay", zone="America/New_York", state="NY",
                        hours="00:00-24:00")  # fmt: skip
        scene.add_associate(ACCOUNT, STORE, ANNA, nickname="Anna", aliases=("AnnaK111",))
        scene.add_store("10000003", "Zales 1", banner="zales", zone="America/New_York")
        scene.add_associate("10000003", "Zales 1", "zoe@zales.example.com", nickname="Zoe")
        yield scene


if __name__ == "__main__":
    sys.exit(main())
