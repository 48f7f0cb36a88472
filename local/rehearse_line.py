"""The SMS line in the rehearsal: signed webhooks, queues and schedules of a deployed stack.

Each function runs under its own role, which the emulator enforces: what ends well was allowed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from instore.adapters.customers import Customers
from instore.adapters.table import Table
from instore.adapters.texts import Texts
from instore.line_text import Draft, Purpose
from instore.model import Phone, shard_of

from .scene import Scene
from .telling import Telling

PUBLIC_URL = "https://line.rehearsal.example.com"  # what Twilio signs; it leads to the emulator
HEAD, SITE, ANNA = "head.office@brand.example.com", "www.kay.example.com", "anna@kay.example.com"
ACCOUNT, GROUP = "10000002", "Kay 1204 Yonkers"
REPAIRS = "+12135550140"
ANA, BEN, CLEO, DEE = "+12125550131", "+12125550132", "+12125550133", "+12125550134"
WORDING = "Text me about my request. Msg & data rates may apply. Reply STOP to end."
Wait = Callable[..., Any]


class LineRehearsal:
    """`wait(what, look, wanted)` looks until it sees what is wanted, and checks it."""

    def __init__(
        self, telling: Telling, scene: Scene, *, client: Callable[[str], Any],
        names: dict[str, str], url: str, table: str, invoke: Callable[[str, Any], Any], wait: Wait,
    ) -> None:  # fmt: skip
        self.tell, self.scene, self.client, self.wait = telling, scene, client, wait
        self._names, self._url, self._invoke = names, url, invoke
        self._table = Table(client("dynamodb"), table)

    def run(self) -> None:
        """A text, a call, a number, a request, due texts, figures."""
        self._text()
        self._call()
        number = self._number()
        self._request(number)
        self._hands(number)
        self._figures()
        self._schedules()

    def _text(self) -> None:
        self.tell.step("A customer texts a number of ours: signed webhook, FIFO queue, LivePerson")
        forged = httpx.post(f"{self._url}/twilio/sms", headers={"x-twilio-signature": "forged"},
                            data={"AccountSid": self.scene.twilio.account_sid, "Body": "Hi"})  # fmt: skip
        self.tell.check("a forged signature: refused", forged.status_code, 401)
        self.scene.twilio.text(ANA, REPAIRS, "Is my ring ready?")
        self.scene.twilio.run()
        sent = self.scene.twilio.sent[-1]
        self.tell.check("Twilio's own is taken", (sent.status, self.scene.twilio.alerts), (200, []))
        self.wait("her words are with LivePerson, once", lambda: self._said("Is my ring ready?"), 1)

    def _said(self, words: str) -> int:
        self.scene.sim.run()
        return sum(m.text == words for talk in self.scene.sim.world.conversations.values()
                   for m in talk.messages if m.by == "CONSUMER")  # fmt: skip

    def _call(self) -> None:
        self.tell.step("A caller presses 1: signed voice webhooks, one text, its statuses")
        call = self.scene.twilio.call(BEN, REPAIRS)
        self.tell.facts("heard", call.said)
        self.tell.check("asked for a digit", call.waiting, True)
        call.press("1")
        self.tell.check("the call is over", (call.over, self.scene.twilio.alerts), (True, []))
        self.wait("one text", lambda: self._screen(BEN), 1)
        self.wait("Twilio's word of it came through the queue", lambda: self._states(BEN),
                  ["delivered"])  # fmt: skip

    def _number(self) -> str:
        self.tell.step("The head office gives Anna a number: API, queue, bought at Twilio")
        asked = self._api("POST", "/relay/activate", HEAD, "relay:admin", {"logins": [ANNA]})
        self.tell.check("taken", asked.status_code, 202)
        run = f"/relay/runs/{asked.json()['id']}"
        self.wait("done", lambda: self._api("GET", run, HEAD, "relay:admin").json()["counts"],
                  {"done": 1})  # fmt: skip
        mine = self._api("GET", "/relay/mine", ANNA, "relay:read").json()
        called, _, _ = self.scene.twilio.numbers[mine["number"]].sms_url.partition("#")
        self.tell.check("Twilio calls us for it", called, f"{PUBLIC_URL}/twilio/sms")
        return str(mine["number"])

    def _request(self, number: str) -> None:
        self.tell.step("A storefront's request is confirmed and answered from that number")
        asked = self._api("POST", "/requests", SITE, "requests/create", {
            "source": "storefront", "by": "text", "associate": ANNA, "phone": CLEO,
            "message": "Is the Luna ring there?", "consent": {"wording": WORDING}})  # fmt: skip
        self.tell.check("taken", asked.status_code, 201)
        reply = self._api("POST", f"/requests/{asked.json()['id']}/reply", ANNA, "requests/answer",
                          {"text": "It is, in gold."})  # fmt: skip
        self.tell.check("answered", (reply.status_code, asked.json()["shelf"]),
                        (200, "my_requests"))  # fmt: skip
        self.wait("both reached the handset", lambda: self._screen(CLEO), 2)
        senders = {text.sender for text in self.scene.twilio.handset(CLEO)}
        self.tell.check("from Anna's own number", senders, {number})

    def _hands(self, number: str) -> None:
        self.tell.step("Due texts: a message in the queue calls the sweep's hands to their shard")
        secret = self.client("secretsmanager").get_secret_value(SecretId=self._names["CustomerKey"])
        customer = Customers(self._table, key=secret["SecretString"]).id_of(Phone(DEE))
        now = datetime.now(UTC)
        # Whoever comes first sends it, the minute's sweep or who is called: once.
        Texts(self._table).begin(
            Draft(id="rehearsal", sender=Phone(number), to=Phone(DEE), body="In a moment.",
                  purpose=Purpose.REPLY, banner="kay", customer=customer),
            now=now, due_at=now - timedelta(minutes=1),
        )  # fmt: skip
        sqs, queue = self.client("sqs"), self._names["LineQueue"]
        shard = shard_of(customer)
        sqs.send_message(QueueUrl=queue, MessageGroupId=str(shard), MessageDeduplicationId="1",
                         MessageBody=json.dumps({"shard": shard}))  # fmt: skip
        self.wait("the text is on the handset", lambda: self._screen(DEE), 1)
        self.wait("the message was taken", lambda: self._logged("Texts worked on"), True)

    def _figures(self) -> None:
        self.tell.step("Figures: asked for, and summed by the hourly function under its own role")
        today = datetime.now(UTC).date()
        asked = self._api("GET", f"/kpis?from={today - timedelta(days=1)}&to={today}&by=banner",
                          HEAD, "kpis/read kpis/all")  # fmt: skip
        self.tell.check("answered", asked.status_code, 200)
        self._plain_http()
        summed = self._invoke("KpiReport", {})
        self.tell.fact("summed", summed)
        self.tell.check("nothing is left over", summed.get("done"), True)

    def _plain_http(self) -> None:
        """The emulator has no TLS: the bucket does what it should, and is then let off it."""
        refused = self._invoke("KpiReport", {})
        self.tell.check("the reports' bucket takes nothing that comes without TLS",
                        refused.get("errorMessage"), "the bucket did not take the file")  # fmt: skip
        self.client("s3").delete_bucket_policy(Bucket=self._names["ReportBucket"])

    def _schedules(self) -> None:
        self.tell.step("Every schedule of the template is set")
        found = {one["Name"]: one for one in self.client("scheduler").list_schedules()["Schedules"]}
        wanted = {name for name in self._names if name.endswith("Schedule")}
        set_up = {name for name in wanted if found[self._names[name]]["State"] == "ENABLED"}
        self.tell.facts("set", sorted(set_up))
        self.tell.check("all of them", (set_up, "KpiReportSchedule" in set_up), (wanted, True))

    # ------------------------------------------------------------ help
    def _api(self, method: str, path: str, login: str, scopes: str, body: Any = None) -> Any:
        token = self.scene.issuer.mint(login, scopes=tuple(scopes.split()))
        headers = {"authorization": f"Bearer {token}", "idempotency-key": f"{login}{path}"[:64]}
        return httpx.request(method, f"{self._url}{path}", headers=headers, json=body, timeout=60)

    def _screen(self, phone: str) -> int:
        self.scene.twilio.run()
        return len(self.scene.twilio.handset(phone))

    def _states(self, phone: str) -> list[str]:
        """How texts to this handset stand, by our own account."""
        self.scene.twilio.run()
        secret = self.client("secretsmanager").get_secret_value(SecretId=self._names["CustomerKey"])
        customer = Customers(self._table, key=secret["SecretString"]).id_of(Phone(phone))
        return [text.state.value for text in Texts(self._table).of(customer)]

    def _logged(self, sentence: str) -> bool:
        logs = self.client("logs")
        groups = [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]]
        return any(sentence in event["message"] for group in groups if "Sweep" in group
                   for event in logs.filter_log_events(logGroupName=group)["events"])  # fmt: skip
