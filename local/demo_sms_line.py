"""Third part of the demo: a call becomes texts, and associates text from numbers of their own."""

from __future__ import annotations

from typing import Any

from .demo_in_store import tell_receipt
from .liveperson import Conversation
from .scene import Scene
from .scene_line import PUBLIC_URL
from .telling import Telling
from .twilio import Call

KAY, ZALES = "10000002", "10000003"
STORE, STORE_PHONE = "Kay 1204 Pasadena", "+1(626) 555-0199"
DANA, LEE, BEA = "dana@kay.example.com", "lee@kay.example.com", "bea@kay.example.com"
TEAM = (DANA, LEE, "mo@kay.example.com", "kim@kay.example.com", "ray@kay.example.com")
RUI = "rui@kay.example.com"  # at the repair desk
HEAD, SITE = "head.office@brand.example.com", "www.kay.example.com"

REPAIRS = "+12135550140"
ANA, BEN, CLEO = "+12135550131", "+12135550132", "+16265550133"
WORDING = "Text me about my request. Msg & data rates may apply. Reply STOP to end."


def tell(scene: Scene, telling: Telling) -> None:
    """All steps, on a fresh scene with the in-store program, at noon in California."""
    telling.chapter("The SMS line: a call becomes texts, associates text from numbers of their own")
    _open(scene, telling)
    _calls(scene, telling)
    _texts_the_team(scene, telling)
    numbers = _activated(scene, telling)
    request = _storefront(scene, telling, numbers[DANA])
    talk = _texts_back(scene, telling, numbers[DANA])
    _calls_the_line(scene, telling, numbers[DANA])
    _stops(scene, telling, numbers[LEE])
    _leaves(scene, telling, numbers[DANA], talk)
    _inherits(scene, telling, numbers[DANA], request)


def _open(scene: Scene, telling: Telling) -> None:
    telling.step("A store of five with a manager, a repair desk, and a line at Twilio")
    hours = {"zone": "America/Los_Angeles", "state": "CA", "hours": "10:00-21:00"}
    scene.add_store(KAY, STORE, banner="kay", postal_code="91101", phone=STORE_PHONE, **hours)
    for number, login in enumerate(TEAM):
        scene.add_associate(KAY, STORE, login, nickname=login.partition("@")[0].title(),
                            employee_id=str(123456 + number))  # fmt: skip
    scene.add_associate(KAY, STORE, BEA, nickname="Bea", manager=True)
    scene.sim.add_user(KAY, RUI, nickname="Rui", skills=("kay-repairs",))
    scene.add_store(ZALES, "Zales 0310 Glendale", banner="zales", **hours)
    scene.add_associate(ZALES, "Zales 0310 Glendale", "zoe@zales.example.com", nickname="Zoe")
    scene.open()
    for login in (DANA, RUI):
        scene.sim.agent(login).login()
    line = scene.program.line
    assert line is not None
    told = [f"{one.name}: {one.number}, to skill {one.skill}" for one in line.branches]
    telling.facts("branches", told)
    telling.check("Twilio calls us for the repairs branch", scene.twilio.numbers[REPAIRS].voice_url,
                  f"{PUBLIC_URL}/twilio/voice/repairs")  # fmt: skip


def _calls(scene: Scene, telling: Telling) -> None:
    telling.step("Ana calls about her repair; rather than wait she presses 1")
    call = scene.twilio.call(ANA, REPAIRS)
    telling.facts("heard", call.said)
    telling.check("she is asked, and may stay on the phone", call.waiting, True)
    call.press("1")
    telling.facts("heard", call.said[1:])
    telling.check("the call is over", (call.over, call.status), (True, "completed"))
    scene.settle()
    telling.facts("handset", _screen(scene, ANA))
    telling.check("one text that greets and says how long it takes", [
        (text.sender, "within 15 minutes" in text.body) for text in scene.twilio.handset(ANA)
    ], [(REPAIRS, True)])  # fmt: skip
    telling.step("Ben does the same, then texts STOP, and calls again: he is not offered")
    scene.twilio.call(BEN, REPAIRS).press("1")
    scene.wait()
    scene.twilio.text(BEN, REPAIRS, "STOP")
    scene.wait()
    before = len(scene.twilio.handset(BEN))
    call = scene.twilio.call(BEN, REPAIRS)
    telling.facts("heard", call.said)
    telling.check("no digit is asked for, he hears how to get texts again",
                  (call.waiting, _says(call, "START to 2 1 3, 5 5 5, 0 1 4 0")), (False, True))  # fmt: skip
    telling.check("and no text comes", len(scene.twilio.handset(BEN)), before)


def _texts_the_team(scene: Scene, telling: Telling) -> None:
    telling.step("Ana texts what she wants: the branch's team, and they see why")
    scene.twilio.text(ANA, REPAIRS, "Is my bracelet ready?")
    scene.wait()
    talk = _newest(scene)
    tell_receipt(scene, telling, talk)
    repairs = scene.sim.world.accounts[KAY].skill_named("kay-repairs")
    assert repairs is not None
    telling.check("it stands with the repair desk", (talk.account, talk.skill), (KAY, repairs.id))
    why = [m.text for m in talk.messages if m.audience != "ALL"]
    telling.facts("agent sees", why)
    telling.check("the agent sees why", [words.partition(" at ")[0] for words in why],
                  ["Was on the phone"])  # fmt: skip
    telling.check("with the branch and what they called for",
                  [words.endswith("Called: repairs (Is my repair ready?).") for words in why], [True])  # fmt: skip
    rui = scene.sim.agent(RUI)
    rui.accept(talk)
    rui.reply(talk, "Good news: it is ready.")
    scene.wait()
    last = scene.twilio.handset(ANA)[-1]
    telling.check("she is answered from the number she texted", (last.sender, last.body),
                  (REPAIRS, "Good news: it is ready."))  # fmt: skip


def _activated(scene: Scene, telling: Telling) -> dict[str, str]:
    telling.step("The head office gives the whole store numbers of their own, in bulk")
    store = scene.group_id(KAY, STORE)
    had = len(scene.twilio.numbers)
    refused = scene.api("POST", "/relay/activate", login=BEA, scopes=("relay:read",), key="bea",
                        body={"stores": [store]})  # fmt: skip
    telling.check("the store's manager may not", refused.status_code, 403)
    dry = _run(scene, "activate", {"stores": [store], "dry_run": True}, key="dry")
    telling.check("a dry run buys nothing", (dry["counts"], len(scene.twilio.numbers) - had),
                  ({"would": 5}, 0))  # fmt: skip
    run = _run(scene, "activate", {"stores": [store]}, key="store-1204")
    telling.facts("run", [f"{r['name']}: {r['outcome']}, {r['number']} ({r['near']})"
                          for r in run["reports"]])  # fmt: skip
    telling.check("each of the five has one", (run["counts"], len(scene.twilio.numbers) - had),
                  ({"done": 5}, 5))  # fmt: skip
    telling.check("from the store's own area code",
                  {r["number"][:5] for r in run["reports"]}, {"+1626"})  # fmt: skip
    again = _run(scene, "activate", {"stores": [store]}, key="store-1204-again")
    telling.check("asked for once more, none is bought",
                  (again["counts"], len(scene.twilio.numbers) - had), ({"already": 5}, 5))  # fmt: skip
    numbers = {r["name"]: str(r["number"]) for r in run["reports"]}
    mine = scene.api("GET", "/relay/mine", login=DANA, scopes=("relay:read",)).json()
    telling.check("Dana sees hers", mine["number"], numbers[DANA])
    return numbers


def _storefront(scene: Scene, telling: Telling, number: str) -> str:
    telling.step("Cleo asks on Dana's storefront, and wants to be answered by text")
    body = {"source": "storefront", "by": "text", "associate": DANA, "phone": "(626) 555-0133",
            "name": "Cleo", "message": "Do you have the Luna ring in gold?",
            "consent": {"wording": WORDING}}  # fmt: skip
    answer = scene.api("POST", "/requests", login=SITE, scopes=("requests/create",), key="cleo-1",
                       body=body)  # fmt: skip
    telling.fact("answered", f"{answer.status_code} {answer.json()}")
    telling.check("it is taken, and Dana's", (answer.status_code, answer.json().get("shelf")),
                  (201, "my_requests"))  # fmt: skip
    scene.wait()
    telling.facts("handset", _screen(scene, CLEO))
    telling.check("confirmed from Dana's own, local number",
                  [text.sender for text in scene.twilio.handset(CLEO)], [number])  # fmt: skip
    request = str(answer.json()["id"])
    telling.step("Dana answers with a product link and a photo")
    scene.clock.advance(180)
    reply = scene.api("POST", f"/requests/{request}/reply", login=DANA, key="dana-1",
                      scopes=("requests/answer",), body={
                          "text": "We do, and it looks like this:",
                          "links": [{"url": f"https://{SITE}/luna", "title": "Luna"}],
                          "media": [scene.brand.add_picture("luna.jpg", size=90_000)]})  # fmt: skip
    telling.fact("answered", f"{reply.status_code} {reply.json()}")
    scene.wait()
    last = scene.twilio.handset(CLEO)[-1]
    telling.fact("handset", f"{last.body} [{', '.join(last.media)}]")
    telling.check("link and photo come from the same number",
                  (last.sender, f"https://{SITE}/luna" in last.body, len(last.media)),
                  (number, True, 1))  # fmt: skip
    seen = scene.api("GET", f"/requests/{request}", login=DANA, scopes=("requests/read",)).json()
    telling.check("the request is answered", seen["state"], "answered")
    return request


def _texts_back(scene: Scene, telling: Telling, number: str) -> Conversation:
    telling.step("Cleo texts back: Dana, nobody else; Twilio tells it three times, in disorder")
    scene.twilio.text(CLEO, number, "Lovely! May I see it on Saturday?")
    scene.twilio.deliver_callbacks(copies=3, shuffle=True)
    scene.wait()
    talk = _newest(scene)
    tell_receipt(scene, telling, talk)
    telling.check("it is offered to Dana", talk.suggested, scene.sim.agent(DANA).id)
    telling.check("her words are there once", _said(talk), ["Lovely! May I see it on Saturday?"])
    scene.sim.agent(DANA).accept(talk)
    scene.sim.agent(DANA).reply(talk, "Of course. At eleven?")
    scene.wait()
    last = scene.twilio.handset(CLEO)[-1]
    telling.check("and answered from that number", (last.sender, last.body),
                  (number, "Of course. At eleven?"))  # fmt: skip
    return talk


def _calls_the_line(scene: Scene, telling: Telling, number: str) -> None:
    telling.step("Cleo calls that number")
    call = scene.twilio.call(CLEO, number)
    telling.facts("heard", call.said[:1])
    telling.check("it takes texts only; the store's number is told",
                  (call.over, _says(call, "text messages only"), _says(call, "6 2 6, 5 5 5, 0 1 9 9")),
                  (True, True, True))  # fmt: skip


def _stops(scene: Scene, telling: Telling, number: str) -> None:
    telling.step(
        "Ana had texted Lee, too; now she texts STOP to Lee's number: it counts everywhere"
    )
    consent = {"phone": ANA, "class": "one_to_one", "method": "tablet", "wording": WORDING}
    scene.api("POST", "/consents", login=LEE, body=consent)
    lee = scene.sim.agent(LEE).login()
    scene.clock.advance(16)  # what is known of who is online is as old as that
    scene.twilio.text(ANA, number, "Hi Lee, any news on the earrings?")
    scene.wait()
    talk = _newest(scene)
    lee.accept(talk)
    texts = {
        "template": "new-arrivals",
        "recipients": [{"phone": ANA, "variables": ["Lee", "Kay"]}],
    }
    queued = scene.api("POST", "/outreach", login=LEE, key="lee-1", body=texts).json()
    telling.check("a text of Lee's is on its way", queued["rows"][0]["status"], "accepted")
    scene.twilio.text(ANA, number, "STOP")
    scene.wait()
    telling.facts("handset", _screen(scene, ANA)[-1:])
    before = len(scene.twilio.handset(ANA)) + len(scene.sim.handset(ANA))
    lee.reply(talk, "They have come in!")
    rui = next(
        c for c in scene.sim.world.conversations.values() if c.assigned == scene.sim.agent(RUI).id
    )
    scene.sim.agent(RUI).reply(rui, "Shall we send it?")
    scene.settle(patience_s=20)
    again = scene.api("POST", "/outreach", login=LEE, key="lee-2", body=texts).json()
    telling.check("a new text is refused", again["rows"][0]["reason"], "opted_out")
    look = scene.api("GET", f"/outreach/{queued['id']}", login=LEE).json()
    telling.check("the one that was queued does not go", look["rows"][0]["reason"], "opted_out")
    telling.check("nor do words in conversations, on any number; nothing rang",
                  len(scene.twilio.handset(ANA)) + len(scene.sim.handset(ANA)), before)  # fmt: skip
    telling.check("a call is not offered to her any more",
                  scene.twilio.call(ANA, REPAIRS).waiting, False)  # fmt: skip


def _leaves(scene: Scene, telling: Telling, number: str, talk: Conversation) -> None:
    telling.step("Dana leaves; her number goes into quarantine, her customers to Lee")
    scene.sim.agent(DANA).close(talk)
    scene.settle()
    scene.sim.change_user(KAY, DANA, enabled=False)
    scene.rebuild_map()
    run = _run(scene, "deactivate", {"logins": [DANA], "successor": LEE}, key="dana-leaves")
    telling.check("taken out of use", run["counts"], {"done": 1})
    held = scene.api("GET", f"/relay/{DANA}", login=HEAD, scopes=("relay:admin",)).json()
    telling.facts("history", [f"{d['at']} {d['state']} by {d['by']}" for d in held["history"]])
    telling.check("kept, with its history and the successor",
                  (held["number"], held["state"], held["successor"]),
                  (number, "quarantined", f"{KAY}/{scene.sim.agent(LEE).id}"))  # fmt: skip
    early = _run(scene, "release", {"logins": [DANA]}, key="too-early")
    telling.check("it cannot be given away by mistake", early["counts"], {"in_quarantine": 1})


def _inherits(scene: Scene, telling: Telling, number: str, request: str) -> None:
    telling.step("Cleo texts the number she knows: Lee, who answers from it")
    scene.clock.advance(3600)
    scene.twilio.text(CLEO, number, "I am a little late on Saturday")
    scene.wait()
    talk = _newest(scene)
    tell_receipt(scene, telling, talk)
    lee = scene.sim.agent(LEE)
    telling.check("it is offered to Lee", talk.suggested, lee.id)
    lee.accept(talk)
    lee.reply(talk, "No hurry, I wait for you.")
    scene.wait()
    last = scene.twilio.handset(CLEO)[-1]
    telling.facts("handset", [f"{t.sender} {t.body}" for t in scene.twilio.handset(CLEO)])
    telling.check("from the number of old", (last.sender, last.body),
                  (number, "No hurry, I wait for you."))  # fmt: skip
    telling.check("one thread on her handset, from the first text to the last",
                  {text.sender for text in scene.twilio.handset(CLEO)}, {number})  # fmt: skip
    seen = scene.api("GET", f"/requests/{request}", login=LEE, scopes=("requests/read",))
    telling.check("Lee sees what was asked and answered before",
                  (seen.status_code, len(seen.json().get("replies", []))), (200, 1))  # fmt: skip


# ------------------------------------------------------------ parts


def _run(scene: Scene, what: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
    """An administrator's run about relay numbers, worked on to its end."""
    admin: dict[str, Any] = {"login": HEAD, "scopes": ("relay:admin",)}
    answer = scene.api("POST", f"/relay/{what}", key=key, body=body, **admin)
    scene.settle()
    return dict(scene.api("GET", f"/relay/runs/{answer.json()['id']}", **admin).json())


def _newest(scene: Scene) -> Conversation:
    return list(scene.sim.world.conversations.values())[-1]


def _said(talk: Conversation) -> list[str]:
    return [m.text for m in talk.messages if m.by == "CONSUMER"]


def _screen(scene: Scene, phone: str) -> list[str]:
    return [text.body for text in scene.twilio.handset(phone)]


def _says(call: Call, words: str) -> bool:
    return any(words in said for said in call.said)
