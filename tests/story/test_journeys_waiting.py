"""Customers who wait: choosing to, being told, being forgotten by nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from local.liveperson import Conversation, Options
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEN,
    CLEO,
    DANA,
    DANAS_CODE,
    LEE,
    MEMBER_PHONE,
    NAVIGATOR,
    NOOR,
    PLAN,
    batch,
    consent,
    in_store,
    member_writes,
    on_screen,
    one_to_one,
    outreach,
    texts,
    verdicts,
)

from instore.runtime.webhooks import sign

pytestmark = pytest.mark.enable_socket


def offering(document: dict[str, Any]) -> None:
    document["routing"] |= {
        "stickiness": "offer_choice",
        "steps": ["associate", "least_loaded_peer", "manager", "wait_for_associate", "skill"],
    }


def test_the_customer_chooses_to_wait_or_the_next_person() -> None:
    with in_store(change=offering) as scene:
        scene.sim.agent(LEE).login()
        for phone, word, taker, key in (
            (ANA, "wait", DANA, "waiting_sms"), (BEN, "NEXT", LEE, "peer"),
        ):  # fmt: skip
            asked = texts(scene, phone, DANAS_CODE)
            said = scene.program.message("choice", language="en", wanted="Dana")
            assert on_screen(scene, phone) == [said]
            assert asked.suggested is None
            told = texts(scene, phone, word)
            assert told.suggested == scene.sim.agent(taker).id
            assert on_screen(scene, phone)[1:] == [
                scene.program.message(key, language="en", wanted="Dana", associate="Lee")
            ]
        scene.sim.agent(DANA).login()
        assert [c.phone for c in scene.sim.agent(DANA).offered()] == [ANA]
        # Whoever is there is not worth a question.
        scene.clock.advance(16)
        assert texts(scene, CLEO, DANAS_CODE).suggested == scene.sim.agent(DANA).id


def waiting(scene: Scene) -> Conversation:
    """A member waits for Dana, who comes online; the text that calls them back is allowed."""
    consent(scene, MEMBER_PHONE, login=NAVIGATOR)
    conversation = member_writes(scene, "I have a question")
    assert conversation.suggested == scene.sim.agent(NAVIGATOR).id
    assert on_screen(scene, MEMBER_PHONE) == []
    return conversation


def calls_back(scene: Scene) -> list[bool]:
    """For each text on the member's handset: is it the one with the way back."""
    link = scene.program.notification.link
    assert link is not None
    return [link in body for body in on_screen(scene, MEMBER_PHONE)]


def accepts(scene: Scene, conversation: Conversation) -> None:
    scene.sim.agent(NAVIGATOR).login()
    scene.sim.agent(NAVIGATOR).accept(conversation)
    scene.settle()


def test_first_reply_mode_texts_when_the_associate_writes() -> None:
    with one_to_one(change=lambda d: d["notification"].update(when="first_reply")) as scene:
        conversation = waiting(scene)
        accepts(scene, conversation)
        assert calls_back(scene) == []
        for words in ("I am reading your question.", "And here is the answer."):
            scene.clock.advance(5)
            scene.sim.agent(NAVIGATOR).reply(conversation, words)
            scene.settle()
            assert calls_back(scene) == [True]


def test_a_notice_outside_the_window_goes_out_when_it_opens() -> None:
    with one_to_one() as scene:
        conversation = waiting(scene)
        scene.clock.advance(to=datetime(2026, 11, 19, 5, 0, tzinfo=UTC))  # 23:00 in Minnesota
        accepts(scene, conversation)
        assert scene.sweep()["counts"] == {}
        assert calls_back(scene) == []
        scene.clock.advance(to=datetime(2026, 11, 19, 14, 59, tzinfo=UTC))  # 08:59
        scene.sweep()
        scene.settle()
        assert calls_back(scene) == []
        scene.clock.advance(to=datetime(2026, 11, 19, 15, 1, tzinfo=UTC))
        assert scene.sweep()["counts"] == {"NoticesSent": 1}
        scene.settle()
        assert calls_back(scene) == [True]
        scene.clock.advance(3600)
        scene.sweep()
        scene.settle()
        assert calls_back(scene) == [True]


def test_a_wait_that_nobody_ends_is_told_to_people() -> None:
    with one_to_one() as scene:
        waiting(scene)
        minutes = scene.banner("plan").routing.silent_wait_alarm_minutes
        scene.clock.advance(minutes * 60 - 61)
        assert scene.sweep()["counts"] == {}
        scene.clock.advance(120)
        assert scene.sweep()["counts"] == {"SilentWait": 1}
        lines = [json.loads(x) for x in scene.stack.logs["Sweep"] if x.startswith("{")]
        counted = [x["SilentWait"] for x in lines if "SilentWait" in x]
        assert counted == [[1.0]]
        alarm = scene.stack.rendered.of("AWS::CloudWatch::Alarm")["WaitsUnanswered"]
        (told,) = [x for x in lines if "SilentWait" in x]
        about = told["_aws"]["CloudWatchMetrics"][0]
        assert (about["Namespace"], alarm["MetricName"]) == (alarm["Namespace"], "SilentWait")
        assert {d["Name"]: d["Value"] for d in alarm["Dimensions"]} == {"service": told["service"]}
        assert about["Dimensions"] == [["service"]]
        scene.clock.advance(3600)
        assert scene.sweep()["counts"] == {}  # not again before the next day


def test_where_no_webhook_tells_the_relay_does_and_texts_once() -> None:
    with one_to_one(options=Options(webhook_covers="own")) as scene:
        conversation = waiting(scene)
        accepts(scene, conversation)
        assert calls_back(scene) == []
        payload = {
            "general": {"convId": conversation.id, "cbotEventType": "YOU_ARE_CONNECTED_TO"},
            "participantChange": {"newParticipants": [
                {"id": scene.sim.agent(NAVIGATOR).pid, "role": "ASSIGNED_AGENT"}]},
        }  # fmt: skip
        body = json.dumps({"account": PLAN, "payload": payload}).encode()
        key = scene.stack.client("secretsmanager").get_secret_value(
            SecretId=scene.stack.outputs["RelayKeyArn"])["SecretString"]  # fmt: skip
        for _ in range(2):
            stamp = str(int(scene.clock.now().timestamp()))
            answer = scene.http.post("/liveperson/participants", content=body, headers={
                "content-type": "application/json", "x-instore-timestamp": stamp,
                "x-instore-signature": sign(f"{stamp}.".encode() + body, key=key,
                                            digest="sha256"),
            })  # fmt: skip
            assert answer.json() == {"queued": 1, "ignored": 0}
            scene.settle()
            assert calls_back(scene) == [True]


def test_stop_reaches_the_notice_that_waits_for_the_morning() -> None:
    with one_to_one() as scene:
        conversation = waiting(scene)
        scene.clock.advance(to=datetime(2026, 11, 19, 5, 0, tzinfo=UTC))
        accepts(scene, conversation)
        scene.sim.member("M-1001").says("please stop texting me")
        scene.settle()
        scene.clock.advance(to=datetime(2026, 11, 19, 15, 1, tzinfo=UTC))
        scene.sweep()
        scene.settle()
        assert calls_back(scene) == []
        again = outreach(scene, MEMBER_PHONE, key="1", login=NAVIGATOR, template="follow-up")
        assert verdicts(again.json()) == [("blocked", "opted_out")]
        assert verdicts(batch(scene, again, login=NAVIGATOR)) == [("blocked", "opted_out")]


def test_whoever_else_is_online_is_not_offered_a_members_wait() -> None:
    with one_to_one() as scene:
        scene.sim.agent(NOOR).login()
        waiting(scene)
        assert scene.sim.agent(NOOR).offered() == []
