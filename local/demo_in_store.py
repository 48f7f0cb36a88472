"""First part of the demo: seven banners, an associate and her customers, everybody away, closed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from instore.receipts import stored_case, stored_decision

from .liveperson import Conversation
from .scene import Scene
from .telling import Telling

KAY, ZALES = "10000002", "10000003"
STORE = "Kay 1204 Pasadena"
DANA, LEE, MO = "dana@kay.example.com", "lee@kay.example.com", "mo@kay.example.com"
BOSS, ZOE = "bea@kay.example.com", "zoe@zales.example.com"

CUSTOMERS = {
    "ana": "+12135550101", "ben": "+12135550102", "toll-free": "+18885550103",
    "bad": "+12135550104", "held": "+12135550105", "new-york": "+12125550106",
    "cleo": "+12135550107", "dov": "+12135550108", "eve": "+12135550109",
}  # fmt: skip
STEP_NAMES = ("associate", "least_loaded_peer", "manager", "wait_for_associate", "skill")


def tell(scene: Scene, telling: Telling) -> None:
    """All in-store steps, on a fresh scene with the in-store program."""
    telling.chapter("In-store: seven banners on an owner account and two sub-accounts")
    _open(scene, telling)
    _consents(scene, telling)
    batch = _outreach(scene, telling)
    _send(scene, telling, batch)
    _reply(scene, telling)
    _away(scene, telling)
    _keyword(scene, telling)
    _closed_and_disabled(scene, telling)
    _later(scene, telling, batch)


def _open(scene: Scene, telling: Telling) -> None:
    telling.step("The roster is dropped, the agent map is rebuilt from Users API + roster")
    hours = {"zone": "America/Los_Angeles", "state": "CA", "hours": "10:00-21:00"}
    scene.add_store(KAY, STORE, banner="kay", postal_code="91101", **hours)
    for login, nick, number in (
        (DANA, "Dana", "123456"),
        (LEE, "Lee", "123457"),
        (MO, "Mo", "123458"),
    ):
        scene.add_associate(KAY, STORE, login, nickname=nick, employee_id=number)
    scene.add_associate(KAY, STORE, BOSS, nickname="Bea", manager=True)
    scene.add_store(ZALES, "Zales 0310 Glendale", banner="zales", **hours)
    scene.add_associate(ZALES, "Zales 0310 Glendale", ZOE, nickname="Zoe", employee_id="223456")
    scene.open()
    again = scene.rebuild_map()
    telling.fact("sent", "the schedule's event, twice: once for the first map, once more")
    telling.fact("answered", again)
    writes = [c for c in scene.stack.calls["AgentMapping"]
              if c.operation in ("PutItem", "UpdateItem", "DeleteItem")]  # fmt: skip
    before = len(writes)
    scene.rebuild_map()
    after = len([c for c in scene.stack.calls["AgentMapping"]
                 if c.operation in ("PutItem", "UpdateItem", "DeleteItem")])  # fmt: skip
    telling.check("seven banners are in force", len(scene.program.banners), 7)
    telling.check("an unchanged map is not written again", after, before)


def _consents(scene: Scene, telling: Telling) -> None:
    telling.step("Customers opt in at the counter; one of them has opted out since")
    for name, number in CUSTOMERS.items():
        if name == "toll-free":
            continue
        answer = scene.api("POST", "/consents", login=DANA, body=_consent(number, "one_to_one"))
        if answer.status_code != 201:
            telling.check(f"consent of {name} is kept", (answer.status_code, answer.json()), 201)
    scene.api("POST", "/consents", login=ZOE, body=_consent(CUSTOMERS["held"], "one_to_one"))
    answer = scene.api("POST", "/consents", login=DANA, body=_consent(CUSTOMERS["ben"], "none"))
    telling.fact("sent", "POST /consents for eight customers, then class `none` for Ben")
    telling.fact("answered", f"{answer.status_code} {answer.json()}")
    telling.check("the ledger has the consent, the block and the wish", answer.json()["entry"], 3)
    telling.step("An associate of another banner has texted one of them first")
    answer = scene.api(
        "POST",
        "/outreach",
        login=ZOE,
        key="zoe-1",
        body=_texts(CUSTOMERS["held"], who="Zoe", shop="Zales"),
    )
    telling.fact("answered", f"{answer.status_code} {answer.json()['rows']}")
    telling.check("Zales holds the customer now", answer.json()["rows"][0]["status"], "accepted")


def _outreach(scene: Scene, telling: Telling) -> str:
    telling.step("Dana texts ten customers")
    order = [*CUSTOMERS.values(), CUSTOMERS["ana"]]
    body = _texts(*order, who="Dana")
    answer = scene.api("POST", "/outreach", login=DANA, key="dana-1", body=body)
    telling.fact("sent", "POST /outreach: ten recipients, template new-arrivals")
    telling.facts("answered", [f"row {r['n']}: {r['status']} {r.get('reason', '')} "
                               f"{r.get('until', '')} {r.get('rule', '')}".rstrip()
                               for r in answer.json()["rows"]])  # fmt: skip
    telling.check("202 Accepted", answer.status_code, 202)
    verdicts = {name: row["reason"] if row["status"] == "blocked" else row["status"]
                for name, row in zip([*CUSTOMERS, "ana again"], answer.json()["rows"], strict=True)}  # fmt: skip
    telling.check("who is texted, who is not, and why", verdicts, {
        "ana": "accepted", "ben": "opted_out", "toll-free": "toll_free", "bad": "accepted",
        "held": "held", "new-york": "deferred", "cleo": "accepted", "dov": "accepted",
        "eve": "accepted", "ana again": "duplicate"})  # fmt: skip
    deferred = answer.json()["rows"][5]
    telling.check("21:20 in New York waits until both windows are open: 11:00 in California",
                  deferred["until"], "2026-11-19T19:00:00.000Z")  # fmt: skip
    again = scene.api("POST", "/outreach", login=DANA, key="dana-1", body=body)
    telling.check("the same request again gets the same answer", again.json(), answer.json())
    other = scene.api(
        "POST", "/outreach", login=DANA, key="dana-1", body=_texts(CUSTOMERS["eve"], who="D")
    )
    telling.check("the same key with another body is refused",
                  (other.status_code, other.json()["code"]), (409, "idempotency_key_reused"))  # fmt: skip
    return str(answer.json()["id"])


def _send(scene: Scene, telling: Telling, batch: str) -> None:
    telling.step("The queue lingers, then the allowed ones go out in one campaign")
    scene.sim.add_phone(CUSTOMERS["bad"], invalid=True)
    scene.settle(patience_s=60)
    campaigns = [c for c in scene.sim.campaigns if c.skill == "kay"]
    telling.check("one campaign", len(campaigns), 1)
    texts = {
        name: [t.body for t in scene.sim.handset(number)] for name, number in CUSTOMERS.items()
    }
    telling.fact("handset", texts["ana"][0])
    got = sorted(name for name, bodies in texts.items() if bodies)
    telling.check("exactly these handsets rang, once each",
                  {name: len(texts[name]) for name in got},
                  {"ana": 1, "cleo": 1, "dov": 1, "eve": 1, "held": 1})  # fmt: skip
    telling.check("the held one heard from Zales alone",
                  [t.sender for t in scene.sim.handset(CUSTOMERS["held"])], ["+12125550103"])  # fmt: skip
    look = scene.api("GET", f"/outreach/{batch}", login=DANA).json()
    telling.facts(
        "GET", [f"row {r['n']}: {r['status']} {r.get('reason', '')}" for r in look["rows"]]
    )
    telling.check("the bad number is known as bad",
                  look["rows"][3]["reason"], "invalid_number")  # fmt: skip


def _reply(scene: Scene, telling: Telling) -> None:
    telling.step("Ana answers: owner account, roll-over, bot, and that same associate")
    scene.sim.agent(DANA).login()
    scene.sim.agent(LEE).login()
    conversation = _text(scene, "ana", "Yes please, show me!")
    tell_receipt(scene, telling, conversation)
    telling.check("the conversation was moved to the sub-account", conversation.account, KAY)
    telling.check("it is offered to Dana", conversation.suggested, scene.sim.agent(DANA).id)
    scene.sim.agent(DANA).accept(conversation)
    scene.sim.agent(DANA).reply(conversation, "Wonderful, here it is.")
    scene.settle()
    telling.check("Ana reads Dana's answer in the same thread",
                  scene.sim.handset(CUSTOMERS["ana"])[-1].body, "Wonderful, here it is.")  # fmt: skip


def _away(scene: Scene, telling: Telling) -> None:
    telling.step("Dana is away: the least-loaded peer of her store")
    scene.sim.agent(MO).login()
    busy = _text(scene, "stranger", "2N9D", number="+12135550120")  # Lee's Base36 id
    scene.sim.agent(LEE).accept(busy)
    scene.settle()
    scene.sim.agent(DANA).away()
    scene.clock.advance(16)
    conversation = _text(scene, "cleo", "Do you have it in gold?")
    tell_receipt(scene, telling, conversation)
    telling.check("Lee has a conversation, Mo has none: Mo it is",
                  conversation.suggested, scene.sim.agent(MO).id)  # fmt: skip
    scene.sim.agent(MO).accept(conversation)
    telling.step("All associates are away: the manager")
    for login in (LEE, MO):
        scene.sim.agent(login).away()
    scene.sim.agent(BOSS).login()
    scene.clock.advance(16)
    conversation = _text(scene, "dov", "Is my ring ready?")
    tell_receipt(scene, telling, conversation)
    telling.check("Bea, the manager", conversation.suggested, scene.sim.agent(BOSS).id)
    scene.sim.agent(BOSS).accept(conversation)


def _keyword(scene: Scene, telling: Telling) -> None:
    telling.step("A stranger texts an unknown keyword: asked again, then the skill")
    number = "+12135550121"
    for text in ("hello", "Rumpelstilz", "Rapunzel"):
        conversation = _text(scene, "stranger", text, number=number)
    telling.facts("handset", [t.body for t in scene.sim.handset(number)])
    telling.check("asked twice, then handed on", [t.body for t in scene.sim.handset(number)], [
        scene.program.message("ask_keyword", language="en"),
        scene.program.message("ask_again", language="en"),
        scene.program.message("skill", language="en"),
    ])  # fmt: skip
    owner = scene.sim.world.accounts[conversation.account]
    telling.check("the virtual associates of the banner",
                  owner.skills[conversation.skill].name, "kay-virtual")  # fmt: skip


def _closed_and_disabled(scene: Scene, telling: Telling) -> None:
    telling.step("An associate is disabled: never chosen, though the map is still the old one")
    for login in (DANA, LEE):
        scene.sim.agent(login).login()
    scene.sim.change_user(KAY, DANA, enabled=False)
    scene.clock.advance(16)
    conversation = _text(scene, "eve", "Dana, are you there?")
    tell_receipt(scene, telling, conversation)
    telling.check("Lee, not Dana", conversation.suggested, scene.sim.agent(LEE).id)
    scene.sim.agent(LEE).accept(conversation)
    telling.step("The store has closed: the banner's virtual associates")
    scene.clock.advance(to=datetime(2026, 11, 19, 5, 30, tzinfo=UTC))
    conversation = _text(scene, "new customer", "2N9D", number="+12135550122")
    tell_receipt(scene, telling, conversation)
    telling.check("told that the store is closed",
                  scene.sim.handset("+12135550122")[-1].body,
                  scene.program.message("closed", language="en"))  # fmt: skip
    telling.check("on the owner account", conversation.account, scene.program.owner.id)


def _later(scene: Scene, telling: Telling, batch: str) -> None:
    telling.step("Next morning, 11:00 in California: the text that waited is looked at again")
    scene.sim.change_user(KAY, DANA, enabled=True)
    scene.rebuild_map()
    scene.clock.advance(to=datetime(2026, 11, 19, 19, 1, tzinfo=UTC))
    telling.fact("sweep", scene.sweep())
    scene.settle(patience_s=60)
    texts = scene.sim.handset(CUSTOMERS["new-york"])
    telling.facts("handset", [f"{t.at:%H:%M} UTC {t.body}" for t in texts])
    telling.check("one text, at 14:01 in New York", [t.at.hour for t in texts], [19])
    scene.clock.advance(200)
    scene.sweep()
    look = scene.api("GET", f"/outreach/{batch}", login=DANA).json()
    telling.check("the batch is closed", look["state"], "closed")


def _consent(number: str, consent_class: str) -> dict[str, str]:
    return {"phone": number, "class": consent_class, "method": "tablet",
            "wording": "Yes, my associate may text me about my interests. STOP ends it."}  # fmt: skip


def _texts(*numbers: str, who: str, shop: str = "Kay") -> dict[str, Any]:
    return {"template": "new-arrivals",
            "recipients": [{"phone": n, "variables": [who, shop]} for n in numbers]}  # fmt: skip


def _text(scene: Scene, name: str, text: str, *, number: str = "") -> Conversation:
    """A customer texts Kay's number; everything is delivered; where the conversation is now."""
    phone = number or CUSTOMERS[name]
    scene.sim.text_from(phone, to="+12125550100", text=text)
    scene.settle()
    return scene.sim.conversation(phone=phone)


def tell_receipt(scene: Scene, telling: Telling, conversation: Conversation) -> None:
    """What the customer was told, and why: the steps of the stored receipt."""
    said = [m.text for m in conversation.messages if m.by != "CONSUMER" and m.audience == "ALL"]
    telling.facts("said", said[-1:])
    receipt = scene.receipt(conversation.account, conversation.id)
    for other in scene.program.human_accounts():
        receipt = receipt or scene.receipt(other.id, ours(scene, other.id, conversation))
    assert receipt is not None, "the conversation was decided"
    case, trace = stored_case(receipt), stored_decision(receipt).trace
    telling.fact("receipt", " -> ".join(f"{looked.step}: {looked.why}" for looked in trace))
    names = {user.id: user.nickname for account in scene.sim.world.accounts.values()
             for user in account.users.values()}  # fmt: skip
    people = ", ".join(f"{names[one.agent_id]} {one.presence.status.lower()}"
                       for one in case.people)  # fmt: skip
    if case.answered and people:
        telling.fact("presence", people)


def ours(scene: Scene, account: str, conversation: Conversation) -> str:
    """The conversation our bot was in: a roll-over continues it under another id."""
    known = conversation
    while not scene.conversation(account, known.id) and known.continues:
        known = scene.sim.world.conversations[known.continues]
    return known.id
