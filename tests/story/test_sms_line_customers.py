"""Customers of an associate's own number: asked, answered, stopped, at night, and when somebody leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from local.scene import Scene
from tests.sms_line_rig import (
    REPAIRS,
    admin,
    answers,
    asks,
    give_number,
    line_shop,
    request_of,
    said,
    screen,
    sweeps,
    talks,
)
from tests.story_rig import ANA, BEN, DANA, KAY, LEE, batch, consent, outreach, verdicts

pytestmark = pytest.mark.enable_socket
EVENING = datetime(2026, 11, 19, 4, 30, tzinfo=UTC)  # 20:30 in California


def senders(scene: Scene, phone: str) -> set[str]:
    return {text.sender for text in scene.twilio.handset(phone)}


def test_a_request_is_answered_and_the_customer_stays_with_the_associate() -> None:
    with line_shop() as scene:
        number = give_number(scene)
        request = asks(scene, ANA, key="ana")
        assert asks(scene, ANA, key="ana") == request  # the site was not sure and asked again
        scene.wait()
        for _ in range(2):  # the app, too
            answer = answers(scene, request, "It is, in gold.", key="1")
            assert answer.status_code == 200
        scene.wait()
        assert [text[:40] for text in screen(scene, ANA)] == [
            "Kay Jewelers: thank you, we have your re", "It is, in gold.",
        ]  # fmt: skip
        assert senders(scene, ANA) == {number}
        seen = request_of(scene, request)
        assert (seen["state"], seen["replies"][0]["delivery"]) == ("answered", "delivered")
        scene.twilio.text(ANA, number, "Lovely!", media=["image/jpeg"])
        scene.wait()
        (talk,) = talks(scene)
        assert talk.suggested == scene.sim.agent(DANA).id
        (words,) = said(talk)
        assert words.startswith("Lovely!\n[image/jpeg] ")
        # What she texts to the banner's number finds Dana as well.
        scene.sim.text_from(ANA, to=scene.banner("kay").number.outbound, text="Hello again")
        scene.settle()
        assert scene.sim.conversation(phone=ANA).suggested == scene.sim.agent(DANA).id


@pytest.mark.slow
def test_statuses_late_often_and_in_disorder_never_take_a_step_back() -> None:
    with line_shop() as scene:
        give_number(scene)
        scene.twilio.callbacks_late(600)
        request = asks(scene, ANA, key="ana")
        answers(scene, request, "It is.", key="1")
        for _ in range(6):
            scene.clock.advance(150)
            scene.twilio.deliver_callbacks(copies=3, shuffle=True)
            scene.settle()
        seen = request_of(scene, request)
        assert seen["confirmation"]["state"] == "delivered"
        assert seen["replies"][0]["delivery"] == "delivered"
        assert len(screen(scene, ANA)) == 2


def test_a_stop_on_the_associates_number_stops_everything() -> None:
    with line_shop() as scene:
        number = give_number(scene)
        consent(scene, ANA)
        request = asks(scene, ANA, key="ana")
        scene.wait()
        queued = outreach(scene, ANA, key="1")
        assert verdicts(queued.json()) == [("accepted", None)]
        scene.twilio.text(ANA, number, "Is it there?")
        scene.wait()
        (talk,) = talks(scene)
        scene.sim.agent(DANA).accept(talk)
        scene.twilio.text(ANA, number, "please stop texting me")
        scene.wait()
        before = screen(scene, ANA)
        assert before[-1].startswith("You will get no more texts from us.")
        scene.sim.agent(DANA).reply(talk, "But it is here!")
        refused = answers(scene, request, "It is.", key="2")
        assert (refused.status_code, refused.json()["code"]) == (409, "opted_out")
        assert scene.twilio.call(ANA, REPAIRS).over  # not offered
        scene.settle(patience_s=60)
        sweeps(scene, minutes=30)
        assert verdicts(batch(scene, queued)) == [("blocked", "opted_out")]
        assert screen(scene, ANA) == before
        assert scene.sim.handset(ANA) == []


def test_an_answer_at_night_waits_for_the_morning_unless_she_stops_it() -> None:
    with line_shop(now=EVENING) as scene:
        number = give_number(scene)
        requests = {phone: asks(scene, phone, key=phone) for phone in (ANA, BEN)}
        scene.wait()
        assert [len(screen(scene, phone)) for phone in requests] == [1, 1]  # they asked just now
        scene.clock.advance(3600)
        for phone, request in requests.items():
            answer = answers(scene, request, "It is, in gold.", key=phone)
            assert answer.status_code == 202
            assert answer.json()["until"] == "2026-11-19T19:00:00.000Z"  # 11:00 in California
        sweeps(scene, minutes=30)
        scene.twilio.text(BEN, number, "STOP")
        scene.wait()
        scene.clock.advance(to=datetime(2026, 11, 19, 19, 1, tzinfo=UTC))
        scene.sweep()
        scene.wait()
        assert screen(scene, ANA)[-1] == "It is, in gold."
        assert "It is, in gold." not in screen(scene, BEN)
        sweeps(scene, minutes=10)
        assert request_of(scene, requests[BEN])["replies"][0]["reason"] == "opted_out"


@pytest.mark.parametrize(
    ("fault", "texts"),
    [
        pytest.param({"kind": "status", "status": 429, "times": 10}, 2, marks=pytest.mark.slow),
        ({"kind": "reset", "times": 1, "processed": True}, 2),
        pytest.param(
            {"kind": "status", "status": 503, "times": 1, "processed": True},
            2,
            marks=pytest.mark.slow,
        ),
        ({"kind": "status", "status": 503, "times": 1}, 1),
    ],
    ids=["429", "reset and done", "503 and done", "503"],
)
def test_an_answer_goes_at_most_once_whatever_twilio_does(
    fault: dict[str, Any], texts: int
) -> None:
    with line_shop() as scene:
        give_number(scene)
        request = asks(scene, ANA, key="ana")
        scene.wait()
        scene.twilio.faults.add("POST .*/Messages.json", **fault)
        for _ in range(3):
            answers(scene, request, "It is, in gold.", key="1")
        sweeps(scene, minutes=80)
        assert len(screen(scene, ANA)) == texts
        seen = request_of(scene, request)
        # What nobody can know counts as an answer: a person looks, and it is not sent again.
        assert seen["replies"][0]["delivery"] == ("delivered" if texts == 2 else "unresolved")


def test_a_landline_is_remembered() -> None:
    with line_shop() as scene:
        give_number(scene)
        scene.twilio.phone(ANA, landline=True)
        request = asks(scene, ANA, key="ana")
        scene.wait()
        assert screen(scene, ANA) == []
        refused = answers(scene, request, "It is.", key="1")
        assert (refused.status_code, refused.json()["code"]) == (409, "unreachable")
        assert scene.twilio.call(ANA, REPAIRS).over  # and not offered again


@pytest.mark.slow
def test_who_leaves_leaves_number_history_and_customers_to_a_colleague() -> None:
    with line_shop(five=True) as scene:
        number = give_number(scene)
        request = asks(scene, ANA, key="ana")
        scene.wait()
        answers(scene, request, "It is.", key="1")
        scene.twilio.text(BEN, number, "Hi Dana")
        scene.wait()
        (talk,) = talks(scene)
        scene.sim.agent(DANA).accept(talk)
        scene.sim.agent(DANA).close(talk)
        scene.settle()
        scene.sim.change_user(KAY, DANA, enabled=False)
        scene.rebuild_map()
        ended = admin(scene, "deactivate", {"logins": [DANA], "successor": LEE}, key="d")
        assert ended["counts"] == {"done": 1}
        lee = scene.sim.agent(LEE)
        for phone in (ANA, BEN):
            scene.twilio.text(phone, number, "Hello?")
            scene.wait()
            talk = talks(scene)[-1]
            assert talk.suggested == lee.id
            lee.accept(talk)
            lee.reply(talk, "Lee here.")
            scene.wait()
            last = scene.twilio.handset(phone)[-1]
            assert (last.sender, last.body) == (number, "Lee here.")
        assert [r["text"] for r in request_of(scene, request, login=LEE)["replies"]] == ["It is."]
        # A new request on the old storefront is Lee's, too.
        later = asks(scene, BEN, key="ben")
        scene.wait()
        assert request_of(scene, later, login=LEE)["mine"] is True
