"""What LivePerson's documents leave open, turned the other way: the journey comes out the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from local.liveperson import Options
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEA,
    BEN,
    CLEO,
    DANA,
    DANAS_CODE,
    KAY,
    LEE,
    NAVIGATOR,
    consent,
    in_store,
    member_writes,
    on_screen,
    one_to_one,
    outreach,
    texts,
)

pytestmark = pytest.mark.enable_socket
CONNECTING = "Connecting you with Dana."


def answers_of_bot(scene: Scene) -> list[dict[str, Any]]:
    """The non-empty answers our bot gave, as LivePerson took them."""
    answers = [one.answer for one in scene.sim.sent if one.kind == "bot"]
    return [one for one in answers if isinstance(one, dict) and one.get("response")]


def assumed(options: Options) -> str:
    """The one thing that is otherwise than assumed."""
    return next(f"{name}={getattr(options, name)}" for name in Options.__dataclass_fields__
                if getattr(options, name) != getattr(Options(), name))  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        Options(bot_token_version="V2"),
        Options(webhook_details="short"),
        *(pytest.param(options, marks=pytest.mark.slow) for options in (
            Options(rollover_conversation="kept"),
            Options(values_as="numbers"),
            Options(bot_start_event=True),
            Options(sms_phone_in=("ctmrinfo.imei",)),
            Options(sms_phone_in=("personal.phone",)),
            Options(webhook_digest="sha256"),
            Options(campaign_status=201),
            Options(report_names_campaigns=False),
            Options(bot_create_status_ok=(200,)),
        )),
    ],
    ids=assumed,
)  # fmt: skip
def test_the_customer_who_answers_reaches_their_associate(options: Options) -> None:
    with in_store(options=options) as scene:
        consent(scene, ANA)
        outreach(scene, ANA, key="1")
        scene.settle(patience_s=60)
        for login in (LEE, DANA):
            scene.sim.agent(login).login()
        conversation = texts(scene, ANA, "Yes please!")
        assert (conversation.account, conversation.suggested) == (KAY, scene.sim.agent(DANA).id)
        assert (conversation.continues == "") is (options.rollover_conversation == "kept")
        scene.sim.agent(DANA).accept(conversation)
        scene.sim.agent(DANA).reply(conversation, "Here it is.")
        scene.settle()
        assert on_screen(scene, ANA)[1:] == [CONNECTING, "Here it is."]
        ours = scene.conversation(KAY, conversation.id)
        assert (ours["state"], ours["agent_id"]) == ("assigned", scene.sim.agent(DANA).id)
        assert "misrouted" not in ours
        assert scene.sim.refusals == []
        assert scene.sim.escalations == []
        # The next conversation of this customer is Dana's without being asked.
        scene.sim.agent(DANA).close(conversation)
        scene.settle()
        scene.clock.advance(3600)
        again = texts(scene, ANA, "One more thing")
        assert again.id != conversation.id
        assert again.suggested == scene.sim.agent(DANA).id


@pytest.mark.parametrize("shape", ["by_type", "events", "history"])
def test_a_members_attributes_are_read_in_every_shape(shape: Any) -> None:
    with one_to_one(options=Options(sde_shape=shape, bot_start_event=True)) as scene:
        scene.sim.agent(NAVIGATOR).login()
        conversation = member_writes(scene, "Hello")
        assert conversation.suggested == scene.sim.agent(NAVIGATOR).id
        assert scene.sim.member("M-1001").screen() == [CONNECTING]
        parts = [part["type"] for answer in answers_of_bot(scene) for part in answer["response"]]
        assert parts.count("ACTION") == 1


def test_a_throttled_agent_view_leaves_nobody_without_an_answer() -> None:
    with in_store(options=Options(agent_view_min_gap_s=1.0)) as scene:
        scene.add_store(KAY, "Kay 0007 Burbank", banner="kay", zone="America/Los_Angeles",
                        state="CA", hours="10:00-21:00")  # fmt: skip
        scene.add_associate(KAY, "Kay 0007 Burbank", "kim@kay.example.com", nickname="Kim",
                            employee_id="323456")  # fmt: skip
        scene.put_roster(KAY)
        scene.rebuild_map()
        for login in (DANA, "kim@kay.example.com"):
            scene.sim.agent(login).login()
        first = texts(scene, ANA, DANAS_CODE)
        second = texts(scene, BEN, "6XKW")  # Kim, within the same second: no information
        assert first.suggested == scene.sim.agent(DANA).id
        assert on_screen(scene, BEN) == [scene.program.message("skill", language="en")]
        assert second.suggested is None
        assert [call.status for call in scene.sim.calls if "agent_view" in call.path] == [200, 429]
        scene.clock.advance(16)
        third = texts(scene, CLEO, "6XKW")
        assert third.suggested == scene.sim.agent("kim@kay.example.com").id


@pytest.fixture
def full_store() -> Iterator[Scene]:
    """Everybody is online and has all the conversations they can take."""
    with in_store(slots=1) as scene:
        for login, phone in ((DANA, ANA), (LEE, BEN), (BEA, CLEO)):
            scene.sim.agent(login).login()
            scene.clock.advance(16)
            conversation = texts(scene, phone, DANAS_CODE)
            assert conversation.suggested == scene.sim.agent(login).id
            scene.sim.agent(login).accept(conversation)
            scene.settle()
        yield scene


@pytest.mark.slow
def test_a_store_that_is_busy_for_long_hands_over_to_the_virtual_associates(
    full_store: Scene,
) -> None:
    scene, told = full_store, scene_messages(full_store)
    minutes = scene.banner("kay").routing.triggers.all_busy_minutes
    assert minutes == 15
    scene.clock.advance(16)
    early = texts(scene, "+12135550104", DANAS_CODE)
    began = scene.clock.now()
    assert on_screen(scene, "+12135550104") == [told["skill"]]
    scene.clock.advance(to=began + timedelta(minutes=minutes, seconds=-1))
    texts(scene, "+12135550105", DANAS_CODE)
    assert on_screen(scene, "+12135550105") == [told["skill"]]
    scene.clock.advance(16)
    late = texts(scene, "+12135550106", DANAS_CODE)
    assert on_screen(scene, "+12135550106") == [told["virtual"]]
    for conversation in (early, late):
        assert conversation.account == scene.program.owner.id
    # One free slot ends it.
    scene.sim.agent(LEE).close(scene.sim.conversation(phone=BEN))
    scene.settle()
    scene.clock.advance(16)
    assert texts(scene, "+12135550107", DANAS_CODE).suggested == scene.sim.agent(LEE).id


def scene_messages(scene: Scene) -> dict[str, str]:
    return {key: scene.program.message(key, language="en") for key in ("skill", "virtual")}
