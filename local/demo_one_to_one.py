"""Second part of the demo: one member, one navigator, and nobody else (strict)."""

from __future__ import annotations

from typing import Any

from .demo_in_store import tell_receipt
from .liveperson import Conversation
from .scene import Scene
from .telling import Telling

PLAN, TEAM = "20000001", "Navigators North"
DANA, NOOR = "dana@plan.example.com", "noor@plan.example.com"
OMAR, PIA, TIM = "omar@plan.example.com", "pia@plan.example.com", "tim@plan.example.com"
MEMBER_PHONE = "+16125550150"


def tell(scene: Scene, telling: Telling) -> None:
    """All one-to-one steps; the stack goes on, its program is replaced."""
    telling.chapter("One-to-one: every member has one navigator, and reaches nobody else (strict)")
    _open(scene, telling)
    _four_ways(scene, telling)
    waiting = _offline(scene, telling)
    _terminated(scene, telling)
    _comes_online(scene, telling, waiting)
    _answers_the_text(scene, telling)


def _open(scene: Scene, telling: Telling) -> None:
    telling.step("The other brand's program is applied to the same stack")
    scene.change_to("one_to_one.yaml")
    scene.add_store(
        PLAN, TEAM, banner="plan", zone="America/Chicago", state="MN", hours="08:00-18:00"
    )
    for login, nick, number, words in (
        (DANA, "Dana", "423456", ()), (NOOR, "Noor", "423457", ()),
        (OMAR, "Omar", "423458", ("OmarK333",)), (PIA, "Pia", "423459", ()),
        (TIM, "Tim", "423460", ("TimT444",)),
    ):  # fmt: skip
        scene.add_associate(PLAN, TEAM, login, nickname=nick, employee_id=number, aliases=words)
    scene.brand.add_member("M-2002", login=NOOR)
    scene.open()
    for login in (DANA, NOOR, OMAR, PIA):
        scene.sim.agent(login).login()
    telling.check("strict is in force", scene.program.routing.stickiness.value, "strict")


def _four_ways(scene: Scene, telling: Telling) -> None:
    ways: tuple[tuple[str, str, dict[str, Any], tuple[str, ...], str], ...] = (
        ("by attributes of the token (plan type and branch)", "M-1001",
         {"customerId": "M-1001", "ctype": "gold", "companyBranch": "north"}, ("Hello",), DANA),
        ("by the brand's back end", "M-2002", {"customerId": "M-2002"}, ("Hello",), NOOR),
        ("by keyword alias", "M-3003", {"customerId": "M-3003"}, ("Hello", "omark333"), OMAR),
        ("by Base36 employee id", "M-4004", {"customerId": "M-4004"}, ("Hello", "92QR"), PIA),
    )  # fmt: skip
    for what, member, attributes, texts, navigator in ways:
        telling.step(f"A signed-in member finds the navigator {what}")
        conversation = _writes(scene, member, texts, attributes)
        tell_receipt(scene, telling, conversation)
        answer = _last_bot_answer(scene)
        telling.check("the transfer names agent id and skill", answer["parameters"],
                      {"skillName": "plan-navigators", "agentId": scene.sim.agent(navigator).id})  # fmt: skip
        scene.sim.agent(navigator).accept(conversation)
        scene.settle()
        scene.sim.agent(navigator).close(conversation)
        scene.settle()


def _offline(scene: Scene, telling: Telling) -> Conversation:
    telling.step("The navigator is offline: the member is told, and waits for that one")
    answer = scene.api("POST", "/consents", login=DANA, body={
        "phone": MEMBER_PHONE, "class": "one_to_one", "method": "web",
        "wording": "My navigator may text me about my plan."})  # fmt: skip
    telling.check("the member has agreed to texts", answer.status_code, 201)
    scene.sim.agent(DANA).logout()
    scene.clock.advance(16)
    attributes = {"customerId": "M-1001", "ctype": "gold", "companyBranch": "north"}
    conversation = _writes(scene, "M-1001", ("I have a question about my plan",), attributes)
    tell_receipt(scene, telling, conversation)
    telling.check("told so", scene.sim.member("M-1001").screen()[-1],
                  scene.program.message("waiting", language="en", wanted="Dana"))  # fmt: skip
    telling.check("it stands in Dana's queue", conversation.suggested, scene.sim.agent(DANA).id)
    offered = {
        login: [c.id for c in scene.sim.agent(login).offered()] for login in (NOOR, OMAR, PIA)
    }
    telling.check("three others are online and are not offered it", offered,
                  {NOOR: [], OMAR: [], PIA: []})  # fmt: skip
    return conversation


def _terminated(scene: Scene, telling: Telling) -> None:
    telling.step("A navigator whose account was terminated: the fallback skill")
    scene.sim.change_user(PLAN, TIM, enabled=False)
    scene.rebuild_map()
    conversation = _writes(scene, "M-5005", ("Hello", "TimT444"), {"customerId": "M-5005"})
    tell_receipt(scene, telling, conversation)
    telling.check("no agent is named", _last_bot_answer(scene)["parameters"],
                  {"skillName": "plan-desk"})  # fmt: skip


def _comes_online(scene: Scene, telling: Telling, waiting: Conversation) -> None:
    telling.step("Dana comes online and accepts; the webhook comes three times, out of order")
    scene.sim.agent(DANA).login()
    scene.sim.agent(DANA).accept(waiting)
    scene.sim.agent(DANA).reply(waiting, "Hello! I read your question.")
    delivered = scene.sim.deliver(copies=3, shuffle=True)
    scene.settle()
    telling.fact("delivered", f"{delivered} webhook calls")
    texts = [t.body for t in scene.sim.handset(MEMBER_PHONE)]
    telling.facts("handset", texts)
    telling.check("exactly one text, with the way back",
                  ["https://members.example.com/messages" in body for body in texts], [True])  # fmt: skip
    scene.sim.agent(DANA).close(waiting)
    scene.settle()


def _answers_the_text(scene: Scene, telling: Telling) -> None:
    telling.step("The member answers the text: a new conversation, the same navigator")
    scene.sim.text_from(
        MEMBER_PHONE, to=scene.banner("plan").number.outbound, text="Thanks, are you there?"
    )
    scene.settle()
    conversation = scene.sim.conversation(phone=MEMBER_PHONE)
    tell_receipt(scene, telling, conversation)
    telling.check("a new conversation, on SMS", conversation.channel, "SMS")
    telling.check("Dana, found by phone number", conversation.suggested, scene.sim.agent(DANA).id)


def _writes(
    scene: Scene, member: str, texts: tuple[str, ...], attributes: dict[str, Any]
) -> Conversation:
    """A signed-in member writes on the web; everything is delivered."""
    sdes = {"ctmrinfo": attributes, "personal": {"contacts": [{"phone": MEMBER_PHONE}]}}
    if attributes["customerId"] != "M-1001":
        del sdes["personal"]
    person = scene.sim.member(member)
    for text in texts:
        conversation = person.opens_web_conversation(PLAN, "plan-bot", text, sdes)
        scene.settle()
    return conversation


def _last_bot_answer(scene: Scene) -> dict[str, Any]:
    """The action in the bot's newest answer."""
    answers = [s.answer for s in scene.sim.sent if s.kind == "bot" and isinstance(s.answer, dict)]
    parts = next(a["response"] for a in reversed(answers) if a.get("response"))
    return dict(next(p["data"] for p in parts if p["type"] == "ACTION"))
