"""Customers text an associate's own number: over HTTP, on the local stack, with Twilio's and
LivePerson's simulators at both ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from local.liveperson import Options
from local.scene import Scene, SceneClock
from local.twilio import TwilioSim
from tests.story_rig import ANA, BEA, BEN, DANA, KAY, LEE, NOON, STORE, denied, waiting

from instore.adapters.table import Table
from instore.model import iso

pytestmark = pytest.mark.enable_socket
SID = "AC" + "6d" * 16
DANAS, NOBODYS = "+16265550170", "+16265550171"
SECRET = f"instore/twilio/{SID.lower()}"


@dataclass
class Shop:
    """The stack with Dana's number, and both vendors."""

    scene: Scene
    twilio: TwilioSim
    clock: SceneClock

    def settle(self, *, patience_s: float = 0) -> None:
        """Both ends and the stack, until nothing moves; texts of one number take a second each."""
        for _ in range(4):
            self.twilio.run()
            self.scene.settle(patience_s=patience_s)
            self.clock.advance(2)

    def texts(self, words: str, *, phone: str = ANA, to: str = DANAS, **more: Any) -> None:
        self.twilio.text(phone, to, words, **more)
        self.settle()

    def screen(self, phone: str = ANA) -> list[str]:
        """What reached the handset from Dana's number."""
        assert {text.sender for text in self.twilio.handset(phone)} <= {DANAS, NOBODYS}
        return [text.body for text in self.twilio.handset(phone)]

    def talk(self) -> Any:
        """LivePerson's newest conversation."""
        return list(self.scene.sim.world.conversations.values())[-1]

    def said(self) -> list[list[str]]:
        """What customers said in LivePerson's conversations."""
        return [[m.text for m in talk.messages if m.by == "CONSUMER"]
                for talk in self.scene.sim.world.conversations.values()]  # fmt: skip

    def table(self) -> Table:
        return Table(self.scene.stack.client("dynamodb"), self.scene.stack.table_name)


@contextmanager
def shop(**options: Any) -> Iterator[Shop]:
    clock = SceneClock(NOON)
    with TwilioSim(clock, account_sid=SID, seed=3) as twilio, Scene(
        "in_store.yaml", now=NOON, clock=clock, options=Options(**options),
        parameters={"TwilioApi": twilio.url},
    ) as scene:  # fmt: skip
        scene.add_store(KAY, STORE, banner="kay", zone="America/Los_Angeles", state="CA",
                        postal_code="91101", hours="10:00-21:00")  # fmt: skip
        for login, nickname in ((DANA, "Dana"), (LEE, "Lee")):
            scene.add_associate(KAY, STORE, login, nickname=nickname, employee_id=f"E{nickname}")
        scene.add_associate(KAY, STORE, BEA, nickname="Bea", manager=True)
        scene.add_store("10000003", "Zales 1", banner="zales", zone="America/Los_Angeles")
        scene.add_associate("10000003", "Zales 1", "zoe@zales.example.com", nickname="Zoe")
        scene.document["line"] = {"account_sid": SID, "secret": SECRET}
        scene.stack.put_secret(SECRET, twilio.secret())
        for number in (DANAS, NOBODYS):
            twilio.numbers.add(number, sms_url=f"{scene.stack.url}/twilio/sms")
        scene.open()
        here = Shop(scene, twilio, clock)
        here.table().put({
            "pk": f"LINE#{DANAS}", "sk": "LINE", "number": DANAS, "sid": "PN" + "0" * 32,
            "account": KAY, "group": STORE, "agent": scene.sim.agent(DANA).id, "login": DANA,
            "banner": "kay", "tag": "t", "state": "active", "since": iso(NOON), "by": "admin",
            "history": [], "rev": 1,
        })  # fmt: skip
        yield here
        assert denied(scene) == []
        assert scene.sim.crashes == []
        scene.stack.assert_nothing_personal("my ring", "It is!")


def test_a_customer_reaches_dana_on_her_own_number_and_is_answered_from_it() -> None:
    with shop() as here:
        dana = here.scene.sim.agent(DANA).login()
        here.texts("Is my ring ready?")
        talk = here.talk()
        assert here.screen() == ["Connecting you with Dana."]
        dana.accept(talk)
        dana.reply(talk, "It is!")
        here.settle()
        assert here.screen() == ["Connecting you with Dana.", "It is!"]
        here.texts("I come at five.")
        assert [m.text for m in talk.messages if m.by == "CONSUMER"] == [
            "Is my ring ready?", "I come at five.",
        ]  # fmt: skip
        item = here.scene.conversation(KAY, talk.id)
        assert (item["channel"], item["line"], item["agent_id"]) == ("sms", DANAS, dana.id)
        dana.close(talk)
        here.settle()
        here.clock.advance(3600)
        here.texts("One more thing")
        again = here.talk()
        assert again.id != talk.id
        assert again.suggested == dana.id
        assert here.scene.sim.handsets == []  # LivePerson itself texted nobody
        assert here.twilio.refusals == []
        assert here.scene.sim.refusals == []


@pytest.mark.slow
def test_webhooks_that_come_often_and_in_disorder_change_nothing() -> None:
    with shop() as here:
        dana = here.scene.sim.agent(DANA).login()
        for words in ("one", "two", "three"):
            here.twilio.text(ANA, DANAS, words)
            here.twilio.deliver_callbacks(copies=3, shuffle=True)
            here.scene.settle()
            here.clock.advance(2)
        here.settle()
        talk = here.talk()
        assert here.said() == [["one", "two", "three"]]
        dana.accept(talk)
        dana.reply(talk, "It is!")
        here.scene.sim.deliver(copies=3, shuffle=True)
        here.settle()
        assert here.screen().count("It is!") == 1


def test_stop_help_and_start() -> None:
    with shop() as here:
        dana = here.scene.sim.agent(DANA).login()
        here.texts("Is my ring ready?")
        talk = here.talk()
        dana.accept(talk)
        here.texts("please stop texting me")
        assert here.screen()[-1] == (
            "You will get no more texts from us. Text START to get them again."
        )
        dana.reply(talk, "But my ring")
        here.settle()
        assert "But my ring" not in here.screen()
        here.texts("help")
        assert here.screen()[-1].startswith("Kay Jewelers: Dana reads your texts")
        here.texts("START")
        dana.reply(talk, "Welcome back")
        here.settle()
        assert here.screen()[-1] == "Welcome back"
        before = len(here.screen())
        here.texts("STOP")
        ours = [m for m in here.twilio.messages if m.direction != "inbound"]
        assert not any("no more texts" in m.body for m in ours[-1:])
        assert len(here.screen()) == before + 1  # Twilio's own answer
        assert here.said() == [["Is my ring ready?", "please stop texting me", "help", "START",
                                "STOP"]]  # fmt: skip


def test_a_text_to_a_number_nobody_knows_waits_for_a_person() -> None:
    with shop() as here:
        here.texts("Is anybody there?", to=NOBODYS, media=["image/jpeg"])
        assert here.said() == []
        (kept,) = here.table().query(f"UNCLAIMED#{iso(NOON)[:7]}")
        assert (kept["sender"], kept["to"], kept["body"]) == (ANA, NOBODYS, "Is anybody there?")
        assert len(kept["media"]) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "status", "status": 401, "times": 2}, [["my ring?"]]),
        *(
            pytest.param(fault, [["my ring?"]], marks=pytest.mark.slow)
            for fault in (
                {"kind": "status", "status": 429, "times": 2},
                {"kind": "status", "status": 503, "times": 1},
                {"kind": "reset", "times": 1},
            )
        ),
        ({"kind": "status", "status": 503, "times": 1, "processed": True}, [["my ring?"] * 2]),
    ],
    ids=["401", "429", "503", "reset", "503 and done"],
)
def test_livepersons_troubles_cost_time_and_at_most_a_repetition(
    fault: dict[str, Any], said: list[list[str]]
) -> None:
    with shop() as here:
        here.scene.sim.agent(DANA).login()
        here.scene.sim.world.faults.add("consumer/conversation/send$", **fault)
        here.texts("my ring?")
        here.clock.advance(400)
        here.settle(patience_s=400)
        assert here.said() == said
        assert waiting(here.scene, "SmsQueue") == 0
        (received,) = here.table().query(f"CUSTOMER#{_customer(here)}", sk_prefix="RECEIVED#")
        assert received["state"] == "done"
        assert received.get("repeated", False) is ("503" in str(fault) or "reset" in str(fault))


def _customer(here: Shop) -> str:
    (item,) = [one for one in here.scene.stack.client("dynamodb").scan(
        TableName=here.scene.stack.table_name)["Items"] if one["sk"]["S"].startswith("THREAD#")]  # fmt: skip
    return str(item["pk"]["S"]).removeprefix("CUSTOMER#")


def test_an_opening_whose_answer_was_lost_is_found_again() -> None:
    with shop() as here:
        here.scene.sim.agent(DANA).login()
        here.scene.sim.world.faults.add("consumer/conversation$", "reset", times=1, processed=True)
        here.texts("my ring?")
        here.clock.advance(400)
        here.settle(patience_s=400)
        assert here.said() == [["my ring?"]]
        assert here.screen() == ["Connecting you with Dana."]


@pytest.mark.slow
def test_what_cannot_be_passed_on_is_kept_in_the_dead_letters() -> None:
    with shop() as here:
        here.scene.sim.world.faults.add("consumer/conversation", "status", status=400)
        here.texts("my ring?")
        for _ in range(6):
            here.clock.advance(400)
            here.settle(patience_s=400)
        (kept,) = here.scene.stack.dead_letters("SmsDeadLetters")
        assert kept["fields"]["Body"] == "my ring?"
        assert json.dumps(kept)


def test_two_customers_at_once_do_not_meet() -> None:
    with shop() as here:
        dana = here.scene.sim.agent(DANA).login()
        here.twilio.text(ANA, DANAS, "I am Ana")
        here.twilio.text(BEN, DANAS, "I am Ben")
        here.settle()
        assert sorted(here.said()) == [["I am Ana"], ["I am Ben"]]
        for talk in list(here.scene.sim.world.conversations.values()):
            dana.accept(talk)
            dana.reply(talk, f"Hello {talk.messages[0].text[-3:]}")
        here.settle()
        assert here.screen(ANA)[-1] == "Hello Ana"
        assert here.screen(BEN)[-1] == "Hello Ben"
