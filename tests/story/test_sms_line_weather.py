"""A whole store and its customers while everything goes wrong now and then, by seed.

Whatever the weather, the promises hold (line_shop checks them from the handsets); and when it has
cleared up, everybody has a number, every word was heard, and who asked was answered or a person knows.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from local.scene import Scene
from tests.sms_line_rig import (
    FIVE,
    REPAIRS,
    admin,
    answers,
    asks,
    line_shop,
    request_of,
    said,
    screen,
    sweeps,
    talks,
)
from tests.story_rig import ANA, BEN, CLEO, DANA, LEE, STORE, waiting

pytestmark = pytest.mark.enable_socket
# Chance, and how often at most, of each kind on each route.
WEATHER: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 429, "rate": 0.3, "times": 6},
    {"kind": "status", "status": 503, "rate": 0.15, "times": 2},
    {"kind": "status", "status": 503, "rate": 0.15, "times": 2, "processed": True},
    {"kind": "reset", "rate": 0.15, "times": 2},
    {"kind": "reset", "rate": 0.15, "times": 2, "processed": True},
    {"kind": "garbage", "rate": 0.1, "times": 1, "processed": True},
)


def bad_weather(scene: Scene) -> None:
    for route in ("POST .*/Messages.json", "GET .*/Messages", "PhoneNumbers", "POST .*/Services"):
        for kind in WEATHER:
            scene.twilio.faults.add(route, **kind)
    scene.twilio.faults.add("webhook (sms|status)", "duplicate", rate=0.4, copies=3)
    scene.twilio.faults.add("webhook (sms|status)", "reorder", rate=0.4)
    for kind in WEATHER:
        scene.sim.faults.add("consumer/conversation", **kind)


def clears_up(scene: Scene) -> None:
    scene.twilio.faults.clear()
    scene.sim.faults.clear()
    sweeps(scene, minutes=80)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.slow
def test_a_store_in_bad_weather(seed: int) -> None:
    with line_shop(five=True, seed=seed) as scene:
        bad_weather(scene)
        store = scene.group_id("10000002", STORE)
        run = admin(scene, "activate", {"stores": [store]}, key="all")
        assert set(run["counts"]) == {"done"}
        assert run["counts"]["done"] == 5
        numbers = {r["name"]: r["number"] for r in run["reports"]}
        bought = [one.number for one in scene.twilio.numbers if one.number in numbers.values()]
        assert sorted(bought) == sorted(numbers.values())
        tagged = [n for n in scene.twilio.numbers if n.sms_url and n.number != REPAIRS]
        assert len(tagged) == len(FIVE)  # none was bought twice

        request = asks(scene, ANA, key="ana")
        scene.wait()
        answers(scene, request, "It is, in gold.", key="1")
        scene.twilio.call(BEN, REPAIRS).press("1")
        scene.wait()
        words = {ANA: "Lovely!", BEN: "Is my bracelet ready?", CLEO: "Hi Lee"}
        for phone, to in ((ANA, numbers[DANA]), (BEN, REPAIRS), (CLEO, numbers[LEE])):
            scene.twilio.text(phone, to, words[phone])
            scene.wait()
        clears_up(scene)

        assert waiting(scene, "SmsQueue") == 0
        assert scene.stack.dead_letters("SmsDeadLetters") == []
        # Words may be said again where nobody can know, never lost.
        heard = Counter(one for talk in talks(scene) for one in said(talk))
        assert set(heard) == set(words.values())
        for login, phone in ((DANA, ANA), (LEE, CLEO)):
            talk = next(t for t in talks(scene) if words[phone] in said(t))
            assert talk.suggested == scene.sim.agent(login).id
        seen = request_of(scene, request)
        assert seen["replies"][0]["delivery"] in ("delivered", "unresolved")
        arrived = screen(scene, ANA).count("It is, in gold.")
        if seen["replies"][0]["delivery"] == "delivered":
            assert arrived == 1
        else:
            assert arrived == 0
