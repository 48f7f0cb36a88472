"""Callers who press 1, whatever Twilio does to us: nobody is texted twice, nobody is left in silence."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sms_line_rig import (
    REPAIRS,
    RUI,
    line_shop,
    said,
    screen,
    sweeps,
    talks,
)
from tests.story_rig import ANA

pytestmark = pytest.mark.enable_socket

# What goes wrong with the one POST -> how many texts reach the handset in the end.
TROUBLES: dict[str, tuple[dict[str, Any], int]] = {
    "429": ({"kind": "status", "status": 429}, 1),
    "503": ({"kind": "status", "status": 503}, 0),  # nobody knows: never sent again blindly
    "503 and done": ({"kind": "status", "status": 503, "processed": True}, 1),
    "reset": ({"kind": "reset"}, 0),
    "reset and done": ({"kind": "reset", "processed": True}, 1),
    "garbage and done": ({"kind": "garbage", "processed": True}, 1),
    "wrong schema and done": ({"kind": "wrong_schema", "processed": True}, 1),
}


@pytest.mark.parametrize(
    "trouble",
    [one if one in ("429", "reset and done") else pytest.param(one, marks=pytest.mark.slow)
     for one in TROUBLES],
)  # fmt: skip
def test_whatever_becomes_of_the_post_the_caller_gets_one_text_at_most(trouble: str) -> None:
    fault, texts = TROUBLES[trouble]
    with line_shop() as scene:
        times = 8 if trouble == "429" else 1
        scene.twilio.faults.add("POST .*/Messages.json", times=times, **fault)
        call = scene.twilio.call(ANA, REPAIRS).press("1")
        assert call.over
        assert call.ended_by == "us"
        assert call.said[-1].startswith("Thank you. Our text message is on its way.")
        scene.wait()
        sweeps(scene, minutes=70)
        assert len(screen(scene, ANA)) == texts
        # She had her answer, and can write whatever became of the text.
        scene.twilio.text(ANA, REPAIRS, "Is my bracelet ready?")
        scene.wait()
        (talk,) = talks(scene)
        assert said(talk) == ["Is my bracelet ready?"]
        repairs = scene.sim.world.accounts[talk.account].skill_named("kay-repairs")
        assert repairs is not None
        assert talk.skill == repairs.id


def test_webhooks_of_a_call_that_come_often_and_late_change_nothing() -> None:
    with line_shop() as scene:
        scene.twilio.callbacks_late(40)
        scene.twilio.call(ANA, REPAIRS).press("1")
        scene.twilio.deliver_callbacks(copies=3, shuffle=True)
        scene.settle()
        scene.twilio.text(ANA, REPAIRS, "Is my bracelet ready?")
        scene.twilio.deliver_callbacks(copies=3, shuffle=True)
        scene.wait()
        scene.clock.advance(60)
        scene.twilio.deliver_callbacks(copies=3, shuffle=True)
        scene.wait()
        (talk,) = talks(scene)
        assert said(talk) == ["Is my bracelet ready?"]
        notes = [m.text for m in talk.messages if m.audience != "ALL"]
        assert len(notes) == 1
        scene.sim.agent(RUI).accept(talk)
        scene.sim.agent(RUI).reply(talk, "It is ready.")
        scene.sim.deliver(copies=3, shuffle=True)
        scene.wait()
        assert screen(scene, ANA)[1:] == [
            "Thank you. The right team has your message and usually answers within 15 minutes.",
            "It is ready.",
        ]
