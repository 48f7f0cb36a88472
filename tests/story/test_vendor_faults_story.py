"""Whatever a vendor does, the customer who writes gets an answer and nobody is texted twice.

Each row of the tables is one family of calls, each column one thing that may go wrong with it; the
handsets and screens of the simulator say what really happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local.faults import Faults
from local.scene import Scene
from tests.story_rig import (
    ANA,
    BEN,
    CLEO,
    DANA,
    DANAS_CODE,
    NAVIGATOR,
    NOOR,
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

pytestmark = pytest.mark.enable_socket

# What goes wrong -> how the simulators are told. Real seconds, hence one time-out a family.
KINDS: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "status": 429},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "garbage": {"kind": "garbage"},
    "wrong schema": {"kind": "wrong_schema"},
    "reset": {"kind": "reset"},
    "time-out": {"kind": "latency", "seconds": 2.2},
}

# Family of calls the bot makes for a member whom the back end knows as Noor's, with Noor not
# logged in -> route, key of the sentence the member reads, whether the conversation is handed on.
BOT_READS = {
    "domain API": (r"baseURI\.json", "waiting_sms", True),
    "token": (r"/app/token", "waiting_sms", True),
    "agent view": (r"/agent_view", "waiting_sms", True),
    "user": (r"le-users/users/\d+", "waiting_sms", True),
    "back end": (r"/members/", "ask_keyword", False),
}


def kinds(*quick: str) -> list[Any]:
    """Every kind but the time-out, which is real seconds; `make test` takes these of them."""
    return [kind if kind in quick else pytest.param(kind, marks=pytest.mark.slow)
            for kind in KINDS if kind != "time-out"]  # fmt: skip


def spoil(faults: Faults, route: str, kind: str, **more: Any) -> None:
    faults.clear()
    faults.add(route, **{**KINDS[kind], **more})


@pytest.fixture(scope="module")
def plan() -> Iterator[Scene]:
    with one_to_one() as scene:
        # Somebody is online, so that presence is a question at all.
        scene.sim.agent(NAVIGATOR).login()
        yield scene


def last_answer(scene: Scene) -> list[str]:
    """Types of the parts in the bot's newest answer to an event."""
    answers = [one.answer for one in scene.sim.sent if one.kind == "bot"]
    parts = next(a["response"] for a in reversed(answers) if a and a.get("response"))
    return [part["type"] for part in parts]


@pytest.mark.parametrize(
    "kind", [*kinds("500", "reset"), pytest.param("time-out", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("family", BOT_READS)
def test_a_member_who_writes_gets_a_text_and_one_action(
    plan: Scene, family: str, kind: str
) -> None:
    route, sentence, handed_on = BOT_READS[family]
    member = f"M-{family}-{kind}".replace(" ", "-")
    plan.brand.add_member(member, login=NOOR)
    plan.stack.functions["RoutingBot"].start_cold()  # no address, token or presence is kept
    plan.clock.advance(16)
    faults = plan.brand.faults if family == "back end" else plan.sim.faults
    before = len(faults.happened)
    spoil(faults, route, kind)
    conversation = member_writes(plan, "Hello", member=member, phone=None,
                                 attributes={"customerId": member})  # fmt: skip
    faults.clear()
    assert len(faults.happened) > before, "the fault was never met"
    told = plan.program.message(sentence, language="en", wanted="Noor")
    assert plan.sim.member(member).screen() == [told]
    assert last_answer(plan) == (["TEXT", "ACTION"] if handed_on else ["TEXT"])
    wanted = plan.sim.agent(NOOR).id if handed_on else None
    assert conversation.suggested == wanted  # strict: never anybody else
    assert plan.sim.escalations == []


@pytest.mark.parametrize("kind", ["500", "garbage", "reset"])
def test_the_bot_that_cannot_verify_says_so_and_is_asked_again(plan: Scene, kind: str) -> None:
    member = f"M-keys-{kind}"
    plan.brand.add_member(member, login=NAVIGATOR)
    plan.stack.functions["RoutingBot"].start_cold()
    spoil(plan.sim.faults, r"well-known/jwks", kind, times=1)
    member_writes(plan, "Hello", member=member, phone=None, attributes={"customerId": member})
    statuses = [one.status for one in plan.sim.sent if one.kind == "bot"][-3:]
    for _ in range(3):
        plan.clock.advance(60)
        plan.settle()
    plan.sim.faults.clear()
    assert 503 in statuses or len(plan.sim.member(member).screen()) == 1
    assert plan.sim.member(member).screen() == ["Connecting you with Dana."]
    assert plan.sim.escalations == []


@pytest.mark.parametrize("kind", kinds("429", "garbage"))
def test_a_customer_who_texts_a_store_without_presence_reaches_the_team(kind: str) -> None:
    with in_store() as scene:
        scene.sim.agent(DANA).login()
        spoil(scene.sim.faults, r"/agent_view", kind)
        conversation = texts(scene, ANA, DANAS_CODE)
        assert on_screen(scene, ANA) == [scene.program.message("skill", language="en")]
        assert last_answer(scene) == ["TEXT", "ACTION"]
        assert conversation.suggested is None
        assert scene.receipt("10000002", conversation.continues or conversation.id) is not None


# ------------------------------------------------------------------ sending
LOST = ("500", "503", "garbage", "wrong schema", "reset", "time-out")
# (family, what goes wrong, was the request carried out) -> state of the row in the end, texts.
SENDS: dict[tuple[str, str, bool], tuple[str, int]] = {
    # A time-out here is an answer that comes too late: there, it was carried out.
    **{("campaign", kind, False): ("unresolved", 0) for kind in LOST if kind != "time-out"},
    **{("campaign", kind, True): ("sent", 1) for kind in LOST},
    ("campaign", "429", False): ("sent", 1),  # certainly not carried out: asked again
    **{("token", kind, False): ("sent", 1) for kind in KINDS if kind != "time-out"},
    **{("domain API", kind, False): ("sent", 1) for kind in KINDS if kind != "time-out"},
}
SEND_ROUTES = {"campaign": r"POST /api/v2/account/[^/]+/campaign$", "token": r"/app/token",
               "domain API": r"baseURI\.json"}  # fmt: skip


@pytest.mark.slow
def test_a_campaign_is_never_sent_twice_and_ends_known_or_unresolved() -> None:
    with in_store() as scene:
        phones = {case: f"+12135550{110 + n}" for n, case in enumerate(SENDS)}
        taken = {}
        for case, phone in phones.items():
            family, kind, processed = case
            consent(scene, phone)
            scene.stack.functions["ProactiveBatch"].start_cold()
            seconds = {"seconds": 10.5} if kind == "time-out" else {}
            spoil(scene.sim.faults, SEND_ROUTES[family], kind, times=1, processed=processed,
                  **seconds)  # fmt: skip
            taken[case] = outreach(scene, phone, key=f"{case}")
            assert verdicts(taken[case].json()) == [("accepted", None)]
            scene.stack.pump(patience_s=20)
            assert scene.sim.faults.happened, case
        scene.sim.faults.clear()
        met = [kind for _, kind in scene.sim.faults.happened]
        assert len(met) == len(SENDS)
        scene.settle(patience_s=400)  # what was certainly not carried out comes again
        for _ in range(20):
            scene.clock.advance(300)
            scene.sweep()
            scene.settle(patience_s=30)
        ends = {case: verdicts(batch(scene, answer))[0][0] for case, answer in taken.items()}
        ends = {case: "sent" if end == "delivered" else end for case, end in ends.items()}
        reached = {case: len(on_screen(scene, phone)) for case, phone in phones.items()}
        assert {case: (ends[case], reached[case]) for case in SENDS} == SENDS
        asked = [r.phone for c in scene.sim.campaigns for r in c.recipients]
        assert len(asked) == len(set(asked)), "somebody was asked for twice"
        assert {batch(scene, answer)["state"] for answer in taken.values()} == {"closed"}


@pytest.mark.parametrize("kind", kinds("503"))
@pytest.mark.parametrize("route", [
    r"prmsg/transactions/", pytest.param(r"prmsg/campaigns/", marks=pytest.mark.slow),
])  # fmt: skip
def test_a_report_that_fails_ends_nothing(kind: str, route: str) -> None:
    with in_store() as scene:
        consent(scene, BEN)
        spoil(scene.sim.faults, SEND_ROUTES["campaign"], "500", times=1, processed=True)
        taken = outreach(scene, BEN, key="1")
        scene.settle(patience_s=30)
        assert verdicts(batch(scene, taken)) == [("unknown", None)]
        spoil(scene.sim.faults, route, kind)
        for _ in range(8):  # two hours, far past the second look
            scene.clock.advance(900)
            scene.sweep()
            scene.settle()
        assert verdicts(batch(scene, taken)) == [("unknown", None)]
        scene.sim.faults.clear()
        for _ in range(3):
            scene.clock.advance(400)
            scene.sweep()
            scene.settle()
        assert verdicts(batch(scene, taken)) == [("sent", None)]
        assert len(on_screen(scene, BEN)) == 1


@pytest.mark.parametrize("report_too", [False, True])
@pytest.mark.parametrize("kind", kinds("wrong schema"))
def test_a_status_that_fails_leaves_the_text_sent(kind: str, report_too: bool) -> None:
    with in_store() as scene:
        consent(scene, CLEO)
        taken = outreach(scene, CLEO, key="1")
        scene.settle(patience_s=30)
        spoil(scene.sim.faults, r"/campaign/[^/]+/conversations", kind)
        scene.clock.advance(200)
        assert scene.sweep() == {"counts": {"VendorFailed": 1}, "failed": 0}
        look = batch(scene, taken)
        # Asked again: every five minutes if it may heal, else half an hour after the call.
        assert (look["state"], verdicts(look)) == ("submitted", [("sent", None)])
        if report_too:
            spoil(scene.sim.faults, r"prmsg/campaigns/", kind)
        scene.clock.advance(3700)
        scene.sweep()
        look = batch(scene, taken)
        end = "sent" if report_too else "delivered"
        assert (look["state"], verdicts(look)) == ("closed", [(end, None)])
        assert len(on_screen(scene, CLEO)) == 1
