"""The SMS line for tests: a shop whose program has a line, and a Twilio made of lists.

Every AWS call and every call to Twilio is a boundary (outreach_rig.Boundaries): a test can kill the
process before or after any one of them.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from tests.outreach_rig import ACCOUNT, ANNA, GROUP, KEY, LOGINS, ROOT, Boundaries, Rig, phone

from instore.carrier import MessageSeen, SentText, body_digest
from instore.directory import Pointer
from instore.line_text import Draft, Outcome, Purpose, Text
from instore.model import Phone, customer_id, iso
from instore.runtime.means import texting_means
from instore.runtime.services import Services
from instore.runtime.settings import Settings
from instore.runtime.twilio_webhooks import sign
from instore.texting import send

SID = "AC" + "0c" * 16
TOKEN = "a token of the line"
PUBLIC = "https://line.example.com"
SENDER = "+12125550177"
ANNAS = Pointer(ACCOUNT, GROUP, ANNA)
LINE = {
    "account_sid": SID, "secret": f"instore/twilio/{SID.lower()}", "media_hosts": [],
    "pool": {"messaging_services": [], "most_numbers": 49},
}  # fmt: skip
_sids = itertools.count(1)


@dataclass
class Message:
    """What Twilio has of a text."""

    sid: str
    to: str
    sender: str
    body: str
    status: str
    created_at: datetime
    callback: str = ""
    validity_s: int = 0
    code: int | None = None


class Twilio:
    """Remembers every message; fails as told, processed or not."""

    def __init__(self, boundaries: Boundaries, now: Callable[[], datetime]) -> None:
        self._boundaries, self._now = boundaries, now
        self.messages: list[Message] = []
        self.media: list[tuple[str, ...]] = []  # of each
        self.failures: list[Exception | None] = []  # of the next sends; None = works
        self.processed_although_failed = False
        self.status, self.code = "queued", None  # what a send is answered
        self.away: Exception | None = None  # of list and fetch
        self.asked: list[str] = []
        self.during: Callable[[], None] | None = None  # happens while a send is under way

    def send(self, line: Any, **text: Any) -> SentText:
        assert line.account_sid == SID
        return self._boundaries.cross("twilio", lambda: self._send(**text))

    def _send(
        self, *, sender: Phone, to: Phone, body: str, media: Any, service: Any, callback: str,
        validity_s: int,
    ) -> SentText:  # fmt: skip
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or self.processed_although_failed:
            self.messages.append(Message(
                f"SM{next(_sids):032x}", to.e164, sender.e164, body, self.status, self._now(),
                callback, validity_s, self.code,
            ))  # fmt: skip
            self.media.append(tuple(media))
        if self.during is not None:
            self.during()
        if failure is not None:
            raise failure
        return SentText(self.messages[-1].sid, self.status, 1, self.code)

    def fetch(self, line: Any, *, sid: str) -> MessageSeen:
        self.asked.append("fetch")
        if self.away is not None:
            raise self.away
        return seen(next(one for one in self.messages if one.sid == sid))

    def list(self, line: Any, *, to: Phone, sender: Phone, limit: int = 50) -> list[MessageSeen]:
        self.asked.append("list")
        if self.away is not None:
            raise self.away
        like = [one for one in self.messages if (one.to, one.sender) == (to.e164, sender.e164)]
        return [seen(one) for one in reversed(like)][:limit]

    def to(self, number: str) -> list[str]:
        return [one.body for one in self.messages if one.to == number]


def seen(message: Message) -> MessageSeen:
    return MessageSeen(message.sid, message.status, message.code, Phone(message.to),
                       Phone(message.sender), body_digest(message.body), message.created_at)  # fmt: skip


@dataclass
class LineRig(Rig):
    """The outreach shop with a line beside it."""

    settings: Settings = field(default_factory=lambda: Settings(
        table_name="t", customer_key_secret="the-key", secret_prefix="instore/",
        public_url=PUBLIC))  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        self.twilio = Twilio(self.boundaries, self.clock.now)
        self.sms: list[dict[str, Any]] = []
        self.come_again: list[tuple[tuple[str, ...], int]] = []  # receipt handles, and when
        self.counted: list[str] = []
        self.with_line()

    def give(self, number: str, pointer: Pointer, *, state: str = "active", **more: Any) -> None:
        """A relay number as relay.py leaves it."""
        self.table.put({
            "pk": f"LINE#{number}", "sk": "LINE", "number": number, "sid": "PN" + "0" * 32,
            "account": pointer.account, "group": pointer.group, "agent": pointer.agent_id,
            "login": LOGINS.get(pointer.agent_id, "x"), "banner": "kay", "tag": f"t-{number}",
            "state": state, "since": iso(self.clock.now()), "by": "admin", "history": [], "rev": 3,
            **more,
        })  # fmt: skip

    def with_line(self, change: Callable[[dict[str, Any]], None] | None = None) -> None:
        def both(document: dict[str, Any]) -> None:
            document["line"] = copy.deepcopy(LINE)
            if change is not None:
                change(document)
            if "line" not in document:  # what needs one goes with it
                for banner in document["banners"]:
                    banner["number"]["strategy"] = "shared"

        self.apply(both)

    def without_line(self) -> None:
        self.with_line(lambda document: document.pop("line"))

    def services(self) -> Services:
        plain: Any = super().services()
        plain.twilio = self.twilio
        plain.secrets = SimpleNamespace(text=lambda _: KEY, account=self.secret_of,
                                        forget=lambda _: None)  # fmt: skip
        plain.queues = SimpleNamespace(sms=self.queued, batch_ready=self.queue.batch_ready,
                                       sms_again=self.hidden, changes_again=self.hidden)  # fmt: skip
        return plain  # type: ignore[no-any-return]  # what the rig has

    def secret_of(self, name: str) -> dict[str, Any]:
        assert name == LINE["secret"]
        return {"auth_token": TOKEN}

    def queued(self, kind: str, fields: Any, *, group: str, dedup: str, at: datetime) -> None:
        self.boundaries.cross("sqs", lambda: self.sms.append(
            {"kind": kind, "fields": dict(fields), "group": group, "dedup": dedup, "at": at}))  # fmt: skip

    def hidden(self, receipts: Any, *, after_s: int) -> None:
        self.come_again.append((tuple(receipts), after_s))

    # ------------------------------------------------------------ texts

    def draft(self, text: str = "t-1", number: str = phone(0), **more: Any) -> Draft:
        return Draft(**{
            "id": text, "sender": Phone(SENDER), "to": Phone(number), "body": f"Hello {text}",
            "purpose": Purpose.REPLY, "banner": "kay", "pointer": ANNAS,
            "customer": customer_id(Phone(number), key=KEY.encode()), **more,
        })  # fmt: skip

    def send(self, draft: Draft) -> Outcome:
        with self.process() as house:
            return send(draft, means=texting_means(house, count=self.counted.append))

    def stored(self, text: str = "t-1") -> Text:
        found = self.services().texts.get(text)
        assert found is not None
        return found

    # ------------------------------------------------------------ Twilio calls us

    def tell(self, fields: dict[str, str], *, path: str = "/twilio/sms", query: str = "") -> Any:
        """One signed request to the webhook, as API Gateway hands it over."""
        from sms_webhook import app

        with self.process():
            return app.handler(told_event(fields, path=path, query=query), self.context())

    def deliver_sms(self) -> Any:
        """Hand the queue's messages to inbound_sms."""
        from inbound_sms import app
        from instore.model import iso

        waiting, self.sms = self.sms, []
        bodies = [(one["group"], json.dumps({**one, "at": iso(one["at"])})) for one in waiting]
        with self.process():
            return app.handler(fifo_event(bodies), self.context())


def told_event(
    fields: dict[str, str], *, path: str = "/twilio/sms", query: str = "", token: str = TOKEN,
    public: str = PUBLIC, body: bytes | None = None, signature: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """An HTTP API event of a form that Twilio signed; `body`, `signature` in place of the right."""
    event: dict[str, Any] = json.loads((ROOT / "events/platform_events.relay.json").read_text())
    url = f"{public}{path}{'?' if query else ''}{query}"
    event |= {
        "routeKey": f"POST {path}", "rawPath": path, "rawQueryString": query,
        "headers": {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "x-twilio-signature": sign(url, fields, token=token) if signature is None else signature,
        },
        "body": base64.b64encode(urlencode(fields).encode() if body is None else body).decode(),
        "isBase64Encoded": True,
    }  # fmt: skip
    if query:
        event["queryStringParameters"] = dict(pair.split("=", 1) for pair in query.split("&"))
    return event


def inbound(body: str = "Hi", number: str = phone(0), **more: str) -> dict[str, str]:
    """The form of a customer's text."""
    sid = f"SM{next(_sids):032x}"
    return {
        "ToCountry": "US", "ToState": "NY", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "",
        "FromZip": "", "SmsSid": sid, "FromState": "NY", "SmsStatus": "received", "FromCity": "",
        "Body": body, "FromCountry": "US", "To": SENDER, "ToZip": "", "NumSegments": "1",
        "MessageSid": sid, "AccountSid": SID, "From": number, "ApiVersion": "2010-04-01", **more,
    }  # fmt: skip


def status(sid: str, word: str, *, code: int | None = None, **more: str) -> dict[str, str]:
    """The form of a status callback."""
    told = {"ErrorCode": str(code)} if code is not None else {}
    return {
        "SmsSid": sid, "SmsStatus": word, "MessageStatus": word, "To": phone(0), "From": SENDER,
        "MessageSid": sid, "AccountSid": SID, "ApiVersion": "2010-04-01", **told, **more,
    }  # fmt: skip


def fifo_event(bodies: list[tuple[str, str]], *, tries: int = 1) -> dict[str, Any]:
    """Records of a FIFO queue: (group, body) each, received so many times."""
    event: dict[str, Any] = json.loads((ROOT / "events/agent_assigned.sqs.json").read_text())
    record = event["Records"][0]
    event["Records"] = [
        {**record, "messageId": f"m-{n}", "receiptHandle": f"r-{n}", "body": body,
         "attributes": {**record["attributes"], "MessageGroupId": group,
                        "ApproximateReceiveCount": str(tries)}}
        for n, (group, body) in enumerate(bodies)
    ]  # fmt: skip
    return event
