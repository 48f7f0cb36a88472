"""A caller who waits presses 1 and ends up texting with the right team: over HTTP, on the local stack,
with Twilio's and LivePerson's simulators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from local.scene import Scene
from tests.story_rig import ANA, BEN, KAY, in_store

from instore.adapters.calls import Calls
from instore.adapters.table import Table

pytestmark = pytest.mark.enable_socket
NUMBER = "+12135550140"


@contextmanager
def shop(**branch: Any) -> Iterator[Scene]:
    def change(document: dict[str, Any]) -> None:
        document["line"]["branches"][0] |= branch
        if branch.get("push"):
            document["line"]["push"] = {"base_url": "https://push.example.com",
                                        "secret": "instore/brand/push"}  # fmt: skip

    with in_store(change=change) as scene:
        yield scene
        assert scene.twilio.refusals == []
        assert scene.twilio.alerts == []


def settle(scene: Scene) -> None:
    for _ in range(3):
        scene.twilio.run()
        scene.settle()


def counts(scene: Scene) -> dict[str, int]:
    table = Table(scene.stack.client("dynamodb"), scene.stack.table_name)
    kinds = [one.kind.value for day in (18, 19)
             for one in Calls(table).of_day("kay", day=date(2026, 11, day))]  # fmt: skip
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def test_a_caller_presses_one_and_texts_with_the_right_team() -> None:
    with shop() as scene:
        call = scene.twilio.call(ANA, NUMBER)
        assert call.waiting
        assert "Press 1" in call.said[0]
        call.press("1")
        assert call.over
        assert call.said[-1].startswith("Thank you. Our text message is on its way.")
        settle(scene)
        (text,) = scene.twilio.handset(ANA)
        assert text.body.startswith("Kay Jewelers: thanks for texting instead of waiting")
        scene.twilio.text(ANA, NUMBER, "my ring has not come")
        settle(scene)
        (conversation,) = scene.sim.world.conversations.values()
        repairs = scene.sim.world.accounts[KAY].skill_named("kay-repairs")
        assert repairs is not None
        assert conversation.skill == repairs.id
        customer, answer, note = ((m.text, m.audience) for m in conversation.messages)
        assert customer == ("my ring has not come", "ALL")
        assert answer == (
            "Thank you. The right team has your message and usually answers within 15 minutes.",
            "ALL",
        )
        assert note[0].startswith("Was on the phone at 2026-11-18 20:")
        assert note[0].endswith("Called: repairs (Is my repair ready?).")
        assert note[1] == "AGENTS_AND_MANAGERS"
        assert not any("Was on the phone" in seen.body for seen in scene.twilio.handset(ANA))
        assert counts(scene) == {"accepted": 1, "offered": 1, "started": 1, "texted": 1}
        scene.stack.assert_nothing_personal("my ring has not come")


def test_a_landline_a_refusal_a_hang_up_and_silence_text_nobody() -> None:
    with shop() as scene:
        scene.twilio.phone(BEN, landline=True)
        assert scene.twilio.call(ANA, NUMBER).press("2").over
        assert scene.twilio.call(ANA, NUMBER).wait().wait().over
        scene.twilio.call(ANA, NUMBER).hang_up()
        scene.twilio.call("anonymous", NUMBER)
        assert scene.twilio.call(BEN, NUMBER).press("1").over
        settle(scene)
        scene.clock.advance(120)
        settle(scene)
        assert scene.twilio.handset(ANA) == []
        assert scene.twilio.handset(BEN) == []
        again = scene.twilio.call(BEN, NUMBER)
        assert again.said == ["Thank you for calling. Goodbye."]
        assert counts(scene) == {"accepted": 1, "offered": 4, "passed": 2, "texted": 1}


def test_an_app_user_gets_a_push() -> None:
    with shop(push=True) as scene:
        scene.brand.add_app_user(ANA)
        call = scene.twilio.call(ANA, NUMBER).press("1")
        settle(scene)
        assert "open our app" in call.said[-1]
        assert [one.phone for one in scene.brand.pushes.values()] == [ANA]
        assert scene.twilio.handset(ANA) == []
        scene.twilio.call(BEN, NUMBER).press("1")
        settle(scene)
        assert len(scene.twilio.handset(BEN)) == 1
