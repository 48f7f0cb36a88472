"""Texts that were accepted and must not go, or were lost and must go once: on the real stack."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEN,
    CLEO,
    DANA,
    KAY_NUMBER,
    batch,
    consent,
    in_store,
    on_screen,
    outreach,
    texts,
    verdicts,
)

pytestmark = pytest.mark.enable_socket
MORNING = datetime(2026, 11, 19, 19, 1, tzinfo=UTC)  # 11:01 in California


def asked_of_us(scene: Scene) -> list[list[str]]:
    """Who each campaign was for: what LivePerson was really asked to send."""
    return [sorted(r.phone for r in c.recipients) for c in scene.sim.campaigns]


def test_a_stop_by_text_reaches_everything_queued() -> None:
    with in_store() as scene:
        for phone in (ANA, BEN):
            consent(scene, phone)
        queued = outreach(scene, ANA, BEN, key="1")
        assert verdicts(queued.json()) == [("accepted", None), ("accepted", None)]
        scene.sim.text_from(ANA, to=KAY_NUMBER, text="Stop.")  # not one of the carrier's words
        scene.sim.run()  # our bot hears it; the queue stands still
        scene.settle(patience_s=60)
        assert asked_of_us(scene) == [[BEN]]
        assert verdicts(batch(scene, queued)) == [("blocked", "opted_out"), ("sent", None)]
        said = scene.program.message("opted_out", language="en", banner="Kay Jewelers")
        assert on_screen(scene, ANA) == [said]


def test_a_stop_reaches_what_waits_for_the_morning_at_every_banner() -> None:
    with in_store(now=datetime(2026, 11, 19, 5, 0, tzinfo=UTC)) as scene:  # 21:00 in California
        for phone in (ANA, BEN):
            consent(scene, phone)
        waiting = outreach(scene, ANA, BEN, key="1")
        assert verdicts(waiting.json()) == [("deferred", "outside_window")] * 2
        scene.sim.text_from(ANA, to="+12125550103", text="STOP")  # told to Zales
        scene.settle()
        scene.clock.advance(to=MORNING)
        scene.sweep()
        scene.settle(patience_s=60)
        assert asked_of_us(scene) == [[BEN]]
        assert verdicts(batch(scene, waiting)) == [("blocked", "opted_out"), ("sent", None)]


@pytest.mark.parametrize(
    ("switch", "reason"),
    [
        ({"banners": ["kay"]}, "stopped_banner"),
        *(
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (
                ({"all": True}, "stopped_all"),
                ({"associates": [DANA]}, "stopped_associate"),
            )
        ),
    ],
)
def test_a_kill_switch_stops_what_is_queued_within_a_minute(
    switch: dict[str, Any], reason: str
) -> None:
    with in_store() as scene:
        for phone in (ANA, BEN):
            consent(scene, phone)
        first = outreach(scene, ANA, key="1")
        scene.settle(patience_s=60)  # the sending process is warm and knows the old program
        queued = outreach(scene, BEN, key="2")
        before = scene.clock.now()
        scene.document["stops"] = switch
        scene.apply_program()
        assert (scene.clock.now() - before).total_seconds() == 61
        scene.settle(patience_s=60)
        assert asked_of_us(scene) == [[ANA]]
        assert verdicts(batch(scene, first)) == [("sent", None)]
        assert verdicts(batch(scene, queued)) == [("blocked", reason)]
        assert verdicts(outreach(scene, BEN, key="3").json()) == [("blocked", reason)]


def test_a_lost_queue_message_is_driven_again_by_the_sweep() -> None:
    with in_store() as scene:
        consent(scene, ANA)
        taken = outreach(scene, ANA, key="1")
        queue = scene.stack.rendered.reference("OutreachQueue")
        scene.stack.client("sqs").purge_queue(QueueUrl=queue)
        scene.settle(patience_s=60)
        assert asked_of_us(scene) == []
        scene.clock.advance(80)
        assert scene.sweep()["counts"] == {"Redriven": 1}
        scene.settle(patience_s=60)
        scene.clock.advance(400)
        scene.sweep()
        scene.settle(patience_s=60)
        assert asked_of_us(scene) == [[ANA]]
        assert len(on_screen(scene, ANA)) == 1
        assert batch(scene, taken)["state"] == "closed"


def slow(document: dict[str, Any]) -> None:
    document["outreach"]["rate"] = {"requests_per_s": 0.01, "messages_per_s": 0.01}


def test_a_batch_whose_turn_is_far_is_put_off_and_goes_out_once() -> None:
    with in_store(change=slow) as scene:
        for phone in (ANA, BEN):
            consent(scene, phone)
            consent(scene, phone, kind="marketing")
        one, two = outreach(scene, ANA, key="1"), outreach(scene, BEN, key="2", template="sale")
        scene.stack.pump(patience_s=17)
        assert len(asked_of_us(scene)) == 1  # a text takes 125 s of the line at this rate
        for _ in range(4):
            scene.clock.advance(60)
            scene.sweep()
            scene.settle(patience_s=17)
        assert sorted(asked_of_us(scene)) == [[ANA], [BEN]]
        times = sorted(campaign.created for campaign in scene.sim.campaigns)
        assert (times[1] - times[0]).total_seconds() >= 125
        assert [verdicts(batch(scene, answer)) for answer in (one, two)] == [
            [("delivered", None)], [("delivered", None)]]  # fmt: skip


def test_a_reply_ends_in_the_associates_hands_and_frees_nobody_elses_customer() -> None:
    with in_store() as scene:
        consent(scene, CLEO)
        outreach(scene, CLEO, key="1")
        scene.settle(patience_s=60)
        scene.sim.agent(DANA).login()
        conversation = texts(scene, CLEO, "Yes, please")
        assert conversation.suggested == scene.sim.agent(DANA).id
        scene.sim.agent(DANA).accept(conversation)
        scene.settle()
        held = outreach(scene, CLEO, key="2")
        assert verdicts(held.json()) == [("accepted", None)]
