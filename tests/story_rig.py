"""The two sample programs as small worlds for stories: a Kay store, a team of navigators."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from local.liveperson import Conversation, Options
from local.scene import Scene
from local.watch import Call

KAY, ZALES, PLAN = "10000002", "10000003", "20000001"
STORE, ZALES_STORE = "Kay 1204 Pasadena", "Zales 0310 Glendale"
TEAM = "Navigators North"
DANA, LEE, BEA = "dana@kay.example.com", "lee@kay.example.com", "bea@kay.example.com"
ZOE = "zoe@zales.example.com"
NAVIGATOR, NOOR = "dana@plan.example.com", "noor@plan.example.com"
KAY_NUMBER = "+12125550100"
DANAS_CODE = "2N9C"  # Base36 of employee id 123456
ANA, BEN, CLEO = "+12135550101", "+12135550102", "+12135550103"
MEMBER_PHONE = "+16125550150"

# A Wednesday: noon in California, 14:00 in Minnesota.
NOON = datetime(2026, 11, 18, 20, 0, tzinfo=UTC)
Change = Callable[[dict[str, Any]], None]
CONSENT_WORDS = "Yes, my associate may text me. STOP ends it."


@contextmanager
def in_store(
    *, now: datetime = NOON, change: Change | None = None, options: Options | None = None,
    slots: int = 10,
) -> Iterator[Scene]:  # fmt: skip
    """Kay 1204 with Dana, Lee and their manager Bea, Zales 0310 with Zoe; nobody is online."""
    with Scene("in_store.yaml", now=now, options=options) as scene:
        where = {"zone": "America/Los_Angeles", "state": "CA", "hours": "10:00-21:00"}
        scene.add_store(KAY, STORE, banner="kay", postal_code="91101", **where)
        scene.add_associate(KAY, STORE, DANA, nickname="Dana", employee_id="123456",
                            max_slots=slots)  # fmt: skip
        scene.add_associate(KAY, STORE, LEE, nickname="Lee", employee_id="123457",
                            max_slots=slots)  # fmt: skip
        scene.add_associate(KAY, STORE, BEA, nickname="Bea", manager=True, max_slots=slots)
        scene.add_store(ZALES, ZALES_STORE, banner="zales", **where)
        scene.add_associate(ZALES, ZALES_STORE, ZOE, nickname="Zoe", employee_id="223456")
        yield from _run(scene, change)


@contextmanager
def one_to_one(
    *, now: datetime = NOON, change: Change | None = None, options: Options | None = None
) -> Iterator[Scene]:  # fmt: skip
    """The plan with navigators Dana (offline) and Noor (offline); strict."""
    with Scene("one_to_one.yaml", now=now, options=options) as scene:
        scene.add_store(PLAN, TEAM, banner="plan", zone="America/Chicago", state="MN",
                        hours="08:00-18:00")  # fmt: skip
        scene.add_associate(PLAN, TEAM, NAVIGATOR, nickname="Dana", employee_id="423456")
        scene.add_associate(PLAN, TEAM, NOOR, nickname="Noor", employee_id="423457",
                            aliases=("NoorN222",))  # fmt: skip
        yield from _run(scene, change)


def _run(scene: Scene, change: Change | None) -> Iterator[Scene]:
    if change is not None:
        change(scene.document)
    scene.open()
    yield scene
    assert scene.sim.crashes == []
    assert denied(scene) == []
    scene.stack.assert_nothing_personal()


def denied(scene: Scene) -> list[Call]:
    """AWS calls that a function's own role does not allow."""
    return [call for calls in scene.stack.calls.values() for call in calls if call.verdict.denied]


def consent(scene: Scene, phone: str, *, login: str = DANA, kind: str = "one_to_one") -> None:
    body = {"phone": phone, "class": kind, "method": "tablet", "wording": CONSENT_WORDS}
    assert scene.api("POST", "/consents", login=login, body=body).status_code == 201


def outreach(
    scene: Scene, *phones: str, key: str, login: str = DANA, template: str = "new-arrivals"
) -> httpx.Response:
    """The associate texts these customers."""
    variables = {"new-arrivals": ["Dana", "Kay"], "sale": ["Kay"], "follow-up": ["Dana"]}[template]
    rows = [{"phone": phone, "variables": variables} for phone in phones]
    return scene.api("POST", "/outreach", login=login, key=key,
                     body={"template": template, "recipients": rows})  # fmt: skip


def batch(scene: Scene, answer: httpx.Response, *, login: str = DANA) -> dict[str, Any]:
    """How an accepted batch stands now."""
    found = scene.api("GET", f"/outreach/{answer.json()['id']}", login=login)
    assert found.status_code == 200
    return dict(found.json())


def verdicts(document: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(row["status"], row.get("reason")) for row in document["rows"]]


def texts(scene: Scene, phone: str, text: str, *, to: str = KAY_NUMBER) -> Conversation:
    """A customer texts; everything is delivered; the conversation as it is then."""
    scene.sim.text_from(phone, to=to, text=text)
    scene.settle()
    return scene.sim.conversation(phone=phone)


GOLD = {"customerId": "M-1001", "ctype": "gold", "companyBranch": "north"}


def member_writes(
    scene: Scene, text: str, *, member: str = "M-1001", attributes: dict[str, Any] | None = None,
    phone: str | None = MEMBER_PHONE,
) -> Conversation:  # fmt: skip
    """A signed-in member writes on the web; everything is delivered."""
    sdes: dict[str, Any] = {"ctmrinfo": GOLD if attributes is None else attributes}
    if phone is not None:
        sdes["personal"] = {"contacts": [{"phone": phone}]}
    conversation = scene.sim.member(member).opens_web_conversation(PLAN, "plan-bot", text, sdes)
    scene.settle()
    return conversation


def on_screen(scene: Scene, phone: str) -> list[str]:
    """All that reached a handset, oldest first."""
    return [text.body for text in scene.sim.handset(phone)]


def stored(scene: Scene) -> str:
    """Everything in the table, in order."""
    items = scene.stack.client("dynamodb").scan(TableName=scene.stack.table_name)["Items"]
    return json.dumps(sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])))


def waiting(scene: Scene, queue: str) -> int:
    url = scene.stack.rendered.reference(queue)
    told = scene.stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return sum(int(told["Attributes"][f"ApproximateNumberOfMessages{kind}"])
               for kind in ("", "Delayed", "NotVisible"))  # fmt: skip


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and code; every refusal has a sentence and never a trace."""
    body = answer.json()
    assert set(body) <= {"code", "message", "details"}
    assert isinstance(body["message"], str)
    assert 3 < len(body["message"]) < 200
    for sign_of_a_trace in ("Traceback", ".py", "Error(", "instore."):
        assert sign_of_a_trace not in answer.text
    return answer.status_code, body["code"]
