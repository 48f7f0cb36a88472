"""Customers who text the line's number: a LivePerson that keeps conversations, beside Twilio's lists.

Its Connector does what LivePerson's does: one open conversation for a consumer, nothing said in a
closed one, and a failure that may have been processed all the same. Its bot asks ours as soon as a
conversation is open, if told so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.lock import watching
from tests.line_rig import ANNAS, SENDER, LineRig, fifo_event, inbound
from tests.outreach_rig import ACCOUNT, ANNA, KEY, Boundaries, phone

from instore.adapters.conversations import Conversations
from instore.adapters.customers import Customers
from instore.adapters.threads import Threads
from instore.assignment import hear_webhook
from instore.conversation import Conversation
from instore.errors import VendorError
from instore.model import Channel, Phone, epoch_ms, iso
from instore.thread import Opening
from instore.told import place_of_text

BOT_SKILL = "901"
OTHER, BRANCH_NUMBER, KAY_NUMBER = "+12125550178", "+12125550179", "+19295550100"
PATIENCE = 391  # seconds until the queue brings a message again


@dataclass
class Talk:
    """A conversation at LivePerson."""

    id: str
    consumer: str
    opening: Opening
    said: list[str] = field(default_factory=list)
    is_open: bool = True


class Connector:
    """LivePerson as far as the line sees it: remembers conversations, fails as told."""

    def __init__(self, boundaries: Boundaries, now: Callable[[], datetime]) -> None:
        self._boundaries, self._now = boundaries, now
        self.talks: list[Talk] = []
        self.failures: list[Exception | None] = []  # of the next calls; None = works
        self.processed_although_failed = False
        self.one_each = True  # a consumer has one open conversation
        self.opened: Callable[[Talk], None] = lambda _: None

    def open(self, account: Any, *, opening: Opening) -> str:
        assert account.id == ACCOUNT
        return str(self._boundaries.cross("open", lambda: self._try(self._open, opening)))

    def _open(self, opening: Opening) -> str:
        mine = [t for t in self.talks if t.is_open and t.consumer == opening.consumer]
        if mine and self.one_each:
            raise VendorError("the consumer has an open conversation", vendor_status=400)
        talk = Talk(f"talk-{len(self.talks)}", opening.consumer, opening)
        self.talks.append(talk)
        self.opened(talk)
        return talk.id

    def say(self, account: Any, *, consumer: str, conversation: str, words: str) -> None:
        assert account.id == ACCOUNT
        self._boundaries.cross("say", lambda: self._try(self._say, consumer, conversation, words))

    def _say(self, consumer: str, conversation: str, words: str) -> None:
        talk = next(t for t in self.talks if t.id == conversation)
        if talk.consumer != consumer or not talk.is_open:
            raise VendorError("the conversation is closed", vendor_status=400)
        talk.said.append(words)

    def _try(self, do: Callable[..., Any], *given: Any) -> Any:
        failure = self.failures.pop(0) if self.failures else None
        unclear = getattr(failure, "processed", None) is None  # else it certainly did nothing
        done = failure is None or (self.processed_although_failed and unclear)
        answer = do(*given) if done else None
        if failure is not None:
            raise failure
        return answer

    @property
    def said(self) -> list[list[str]]:
        return [talk.said for talk in self.talks]


@dataclass
class InboundRig(LineRig):
    """The shop whose Anna has a number of her own (SENDER), and a branch of the voice menu."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.connector = Connector(self.boundaries, self.clock.now)
        branch = {"name": "orders", "banner": "kay", "number": BRANCH_NUMBER, "skill": "kay-orders",
                  "intent": "Where is my order"}  # fmt: skip
        self.with_line(lambda document: document["line"].update(branches=[branch]))
        self.give(SENDER, ANNAS)
        self.table.put({"pk": f"MAP#{ACCOUNT}", "sk": "MAP", "skills": {"kay-bot": BOT_SKILL},
                        "agents": 3, "built_at": iso(self.clock.now())})  # fmt: skip
        self.clock.advance(61)

    def services(self) -> Any:
        house: Any = super().services()
        self.vendor.connector = self.connector  # type: ignore[attr-defined]  # added by this rig
        return house

    # ------------------------------------------------------------ what happens

    def texts(self, body: str = "Hi", number: str = phone(0), **more: str) -> dict[str, str]:
        """A customer texts; the queue is delivered. Returns Twilio's form, to bring it again."""
        fields = inbound(body, number, **more)
        assert self.again(fields) == []
        return fields

    def again(
        self, *forms: dict[str, str], at: datetime | None = None, tries: int = 1
    ) -> list[str]:  # fmt: skip
        """These forms out of the queue, for the `tries`th time; what is to come again."""
        from inbound_sms import app

        bodies = [(place_of_text(form, id_of=lambda phone: self.name(phone.e164)).group,
                   json.dumps({"kind": "inbound", "fields": form,
                               "at": iso(at or self.clock.now())}))
                  for form in forms]  # fmt: skip
        with self.process():
            answer = app.handler(fifo_event(bodies, tries=tries), self.context())
        return [one["itemIdentifier"] for one in answer["batchItemFailures"]]

    def bot_is_asked(self, talk: Talk) -> None:
        """LivePerson tells our bot of a new conversation, with the attributes we gave."""
        with watching(None, alone=True):  # another function does it, and nobody kills that one
            Conversations(self.table).create(Conversation(
                ACCOUNT, talk.id, "kay", "kay-router", Channel.SMS, self.clock.now(),
                customer=self.name(talk.opening.phone.e164), phone=talk.opening.phone.e164,
                line=talk.opening.line.e164,
            ))  # fmt: skip

    def closes(self, talk: Talk, *, told: bool = True) -> None:
        """The conversation ends; `told`: LivePerson's webhook has said so."""
        talk.is_open = False
        if told:
            self.bot_is_asked(talk)
            self.table.update(f"CONVERSATION#{ACCOUNT}#{talk.id}", "CONVERSATION",
                              "SET #state = :closed", names={"state": "state"},
                              values={"closed": "closed"})  # fmt: skip

    def writes(
        self, talk: Talk, words: Any, *, pid: str = f"pid-{ANNA}", role: str = "ASSIGNED_AGENT",
        sequence: int | None = 7, **more: Any,
    ) -> list[str]:  # fmt: skip
        """Somebody on our side writes in the conversation; the webhook's changes are delivered."""
        return self.heard(self.document(talk, words, pid=pid, role=role, sequence=sequence, **more))

    def document(
        self, talk: Talk, words: Any, *, pid: str = f"pid-{ANNA}", role: str = "ASSIGNED_AGENT",
        sequence: int | None = 7, **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        change = {
            "originatorId": pid, "originatorMetadata": {"id": pid, "role": role},
            "serverTimestamp": epoch_ms(self.clock.now()), "conversationId": talk.id,
            "dialogId": talk.id, "messageAudience": "ALL", "sequence": sequence,
            "event": {"type": "ContentEvent", "message": words, "contentType": "text/plain"},
            **more,
        }  # fmt: skip
        return {"type": "ms.MessagingEventNotification", "body": {"changes": [change]}}

    def heard(self, document: dict[str, Any]) -> list[str]:
        from agent_assigned import app

        changes = [change.as_message() for change in hear_webhook(ACCOUNT, document).changes]
        bodies = [(change["conversation"], json.dumps(change)) for change in changes]
        with self.process():
            answer = app.handler(fifo_event(bodies), self.context())
        return [one["itemIdentifier"] for one in answer["batchItemFailures"]]

    # ------------------------------------------------------------ what there is

    def name(self, number: str = phone(0)) -> str:
        return Customers(self.table, key=KEY).id_of(Phone(number))

    def thread(self, number: str = phone(0), line: str = SENDER) -> Any:
        return Threads(self.table).get(self.name(number), line=Phone(line))

    def received(self, fields: dict[str, str]) -> dict[str, Any]:
        key = f"CUSTOMER#{self.name(fields['From'])}", f"RECEIVED#{fields['MessageSid']}"
        return self.table.get(*key) or {}

    def known(self, number: str = phone(0)) -> Any:
        return Customers(self.table, key=KEY).get(self.name(number))
