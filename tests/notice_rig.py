"""A customer of the shop who waits on the web, a program with a line, and both channels of lists.

`told()` hands LivePerson's news of an assignment to functions/agent_assigned, `sweep()` is the real
one: what goes by Twilio and what by LivePerson is in `twilio` and `vendor`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.line_rig import LineRig, fifo_event
from tests.outreach_rig import ACCOUNT, ANNA, GROUP, KEY, phone

from instore.assignment import Agent, ConversationChange, Kind, Seat
from instore.line_sweeping import take_up
from instore.line_text import Text
from instore.model import Phone, customer_id, epoch, epoch_ms, iso
from instore.notice_line import text_id
from instore.notify import Resumed, resume
from instore.runtime.means import notice_means, texting_means

CONVERSATION = "2c0de000-0000-4000-8000-0000000000d1"
OUTBOUND, OWN = "+19295550100", "+19145550161"
BODY = (
    "N201 of Kay Jewelers has read your message and is answering now: "
    "https://chat.example.com/in-store Reply STOP to end texts."
)


@dataclass
class NoticeRig(LineRig):
    """`number` is the waiting customer's; `converse()` begins a wait of theirs anew."""

    number: str = phone(42)
    conversation: str = CONVERSATION
    before: int = 0  # messages of Twilio's that do not count any more
    alone: bool = False  # what passes time sweeps this conversation and its text, not all there is

    def program(
        self, change: Callable[[dict[str, Any]], None] | None = None, *, relay: bool = False,
        **notification: Any,
    ) -> NoticeRig:  # fmt: skip
        """Apply the program with these notification settings; by Twilio unless told otherwise."""

        def both(document: dict[str, Any]) -> None:
            document["notification"] |= {"channel": "twilio", **notification}
            if relay:
                (kay,) = [one for one in document["banners"] if one["name"] == "kay"]
                kay["number"]["strategy"] = "relay"
            if change is not None:
                change(document)

        self.with_line(both)
        return self

    @property
    def pk(self) -> str:
        return f"CONVERSATION#{ACCOUNT}#{self.conversation}"

    def converse(self, name: str = CONVERSATION, **changed: Any) -> NoticeRig:
        """The conversation as the bot leaves it: the customer waits for Anna."""
        self.conversation, began = name, self.clock.now()
        self.table.put({
            "pk": f"CONVERSATION#{ACCOUNT}#{name}", "sk": "CONVERSATION", "account": ACCOUNT,
            "conversation": name, "banner": "kay", "bot": "kay-router", "channel": "web",
            "customer": customer_id(Phone(self.number), key=KEY.encode()), "phone": self.number,
            "state": "decided", "turn": 1, "round": 0, "asked": 0, "target": ANNA,
            "wanted": {"account": ACCOUNT, "group": GROUP, "agent": ANNA}, "waiting": True,
            "wait": 1, "waiting_since": iso(began), "due_shard": "DUE#0",
            "due_at": epoch(began) + 86400, "created_at": iso(began),
            "expires_at": epoch(began) + 86400 * 120, **changed,
        })  # fmt: skip
        return self

    def own_number(self, *, banner: str = "kay", state: str = "active") -> None:
        """Anna's own number."""
        item = {"account": ACCOUNT, "group": GROUP, "agent": ANNA, "login": "anna@kay.example.com",
                "banner": banner, "tag": "t", "state": state, "since": iso(self.clock.now()),
                "by": "head office", "number": OWN, "sid": "PN" + "0" * 32, "service": "MG" + "1" * 32,
                "history": [], "rev": 3}  # fmt: skip
        self.table.put({**item, "pk": f"ASSOCIATE#{ACCOUNT}#{ANNA}", "sk": "LINE"})
        self.table.put({**item, "pk": f"LINE#{OWN}", "sk": "LINE"})

    def change(self, *pids: str, at: float = 60, closed: bool = False) -> ConversationChange:
        """What LivePerson tells `at` seconds from now; `pids` have the conversation."""
        agents = tuple(Agent(pid, Seat.ACTIVE) for pid in pids)
        ts = epoch_ms(self.clock.now()) + int(at * 1000)
        return ConversationChange(ACCOUNT, self.conversation, Kind.STATE, ts, agents=agents,
                                  closed=closed)  # fmt: skip

    def told(self, *changes: ConversationChange) -> int:
        """How many of them are to come again."""
        from agent_assigned import app

        bodies = [(one.conversation, json.dumps(one.as_message())) for one in changes]
        with self.process():
            answer = app.handler(fifo_event(bodies), self.context())
        return len(answer["batchItemFailures"])

    def assign(self) -> int:
        """Anna takes it."""
        return self.told(self.change(f"pid-{ANNA}"))

    def look(self) -> Resumed:
        """The sweep's step for this conversation alone."""
        with self.process() as house:
            return resume((self.pk, "CONVERSATION"), means=notice_means(house),
                          now=self.clock.now())  # fmt: skip

    def _sweep(self) -> None:
        """The whole sweep; or the two steps of it that are about this conversation, at a tenth of the
        price."""
        if not self.alone:
            self.sweep()
            return
        with self.process() as house:
            text = house.texts.get(text_id(self.talk())) if "notice" in self.talk() else None
            if text is not None:
                take_up(text, means=texting_means(house, count=self.counted.append))
        self.look()

    def pass_minutes(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.advance(60)
            self._sweep()

    def pass_an_hour(self) -> None:
        """And a bit: all looks at a lost text are over, with fewer sweeps than there would be."""
        for minutes in (1, 1, 1, 1, 1, 1, 10, 20, 25, 3, 3, 3):
            self.clock.advance(minutes * 60)
            self._sweep()

    def forget(self) -> None:
        """What was sent up to now does not count any more, by either channel."""
        self.before = len(self.twilio.messages)
        self.vendor.texts.clear()

    # ------------------------------------------------------------ what came of it

    def talk(self) -> dict[str, Any]:
        item = self.table.get(self.pk, "CONVERSATION")
        assert item is not None
        return item

    def notice(self) -> str:
        """`state reason` of the notice, `none` without one."""
        notice = self.talk().get("notice")
        return "none" if notice is None else f"{notice['state']} {notice.get('reason', '')}".strip()

    def line_text(self) -> Text | None:
        return self.services().texts.get(text_id(self.talk()))

    def sent(self) -> list[tuple[str, str]]:
        """(from, words) of what reached the customer by Twilio."""
        return [(one.sender, one.body) for one in self.twilio.messages[self.before :]
                if one.to == self.number]  # fmt: skip

    def campaigns(self) -> int:
        """Texts to the customer by LivePerson."""
        return self.vendor.texts[self.number[1:]]

    def bound(self) -> str | None:
        house = self.services()
        customer = house.customers.get(house.customers.id_of(Phone(self.number)))
        binding = customer.bindings.get("kay") if customer else None
        return binding.pointer.agent_id if binding else None
