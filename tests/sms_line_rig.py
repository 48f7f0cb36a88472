"""A Kay store with an SMS line for stories, and what the handsets say about the promises.

The promises are checked from Twilio's own log and the handsets, not from what we believe we sent:
each text of ours at most once (I4), none without consent or the customer's own words before it
(I1), none that nobody waits for outside the hours (I2), nothing after a STOP (I9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from local.liveperson import Conversation
from local.scene import Scene
from local.scene_line import PUBLIC_URL
from local.twilio import Message
from tests.story_rig import BEA, DANA, KAY, LEE, NOON, STORE, Change, denied

from instore.adapters.table import Table
from instore.model import from_iso
from instore.revocation import is_revocation

HEAD, SITE = "head.office@brand.example.com", "www.kay.example.com"
REPAIRS = "+12135550140"
FIVE = (DANA, LEE, *(f"more{n}@kay.example.com" for n in range(3)))
RUI = "rui@kay.example.com"
WORDING = "Text me about my request. Msg & data rates may apply. Reply STOP to end."
CALIFORNIA = ZoneInfo("America/Los_Angeles")  # where all customers of these stories are
JUST_NOW = timedelta(minutes=15)


@contextmanager
def line_shop(
    *, now: datetime = NOON, change: Change | None = None, seed: int = 7, five: bool = False
) -> Iterator[Scene]:
    """Kay 1204 with Dana, Lee and their manager Bea (`five`: three more), the repair desk's Rui;
    Dana, Lee and Rui are online. In the end the promises are checked."""
    with Scene("in_store.yaml", now=now, seed=seed, parameters={"PublicUrl": PUBLIC_URL}) as scene:
        where = {"zone": "America/Los_Angeles", "state": "CA", "hours": "10:00-21:00"}
        scene.add_store(KAY, STORE, banner="kay", postal_code="91101", phone="+1(626) 555-0199",
                        **where)  # fmt: skip
        for number, login in enumerate(FIVE if five else FIVE[:2]):
            scene.add_associate(KAY, STORE, login, nickname=login.partition("@")[0].title(),
                                employee_id=str(123456 + number))  # fmt: skip
        scene.add_associate(KAY, STORE, BEA, nickname="Bea", manager=True)
        scene.sim.add_user(KAY, RUI, nickname="Rui", skills=("kay-repairs",))
        scene.add_store("10000003", "Zales 1", banner="zales", **where)
        scene.add_associate("10000003", "Zales 1", "zoe@zales.example.com", nickname="Zoe")
        if change is not None:
            change(scene.document)
        scene.open()
        for login in (DANA, LEE, RUI):
            scene.sim.agent(login).login()
        yield scene
        assert [*scene.sim.crashes, *scene.twilio.crashes] == []
        assert denied(scene) == []
        scene.stack.assert_nothing_personal(*(m.body for m in scene.twilio.messages if m.body))
        check_promises(scene)


# ------------------------------------------------------------ what people do


def admin(scene: Scene, what: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
    """An administrator's run, until nothing of it is pending."""
    caller: dict[str, Any] = {"login": HEAD, "scopes": ("relay:admin",)}
    answer = scene.api("POST", f"/relay/{what}", key=key, body=body, **caller)
    assert answer.status_code == 202, answer.text
    for _ in range(20):
        scene.settle()
        run = scene.api("GET", f"/relay/runs/{answer.json()['id']}", **caller).json()
        if run["state"] != "working" and not run["rows"]["pending"]:
            return dict(run)
        scene.clock.advance(100)  # what is pending is tried again a minute later
    raise AssertionError(f"the run never ends: {run}")


def give_number(scene: Scene, login: str = DANA) -> str:
    """The associate's own number."""
    (report,) = admin(scene, "activate", {"logins": [login]}, key=f"give-{login}")["reports"]
    return str(report["number"])


def asks(scene: Scene, phone: str, *, key: str, associate: str = DANA, **more: Any) -> str:
    """A customer asks on an associate's storefront, for an answer by text; the request's id."""
    body = {"source": "storefront", "by": "text", "associate": associate, "phone": phone,
            "message": "Is the Luna ring there?", "consent": {"wording": WORDING}, **more}  # fmt: skip
    answer = scene.api("POST", "/requests", login=SITE, scopes=("requests/create",), key=key,
                       body=body)  # fmt: skip
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def answers(scene: Scene, request: str, text: str, *, key: str, login: str = DANA) -> Any:
    """An associate answers a request."""
    return scene.api("POST", f"/requests/{request}/reply", login=login, key=key,
                     scopes=("requests/answer",), body={"text": text})  # fmt: skip


def request_of(scene: Scene, request: str, *, login: str = DANA) -> dict[str, Any]:
    return dict(scene.api("GET", f"/requests/{request}", login=login,
                          scopes=("requests/read",)).json())  # fmt: skip


def sweeps(scene: Scene, *, minutes: int) -> None:
    """So much time passes; the sweep comes every ten minutes."""
    for _ in range(0, minutes, 10):
        scene.clock.advance(600)
        scene.sweep()
        scene.wait()


def talks(scene: Scene) -> list[Conversation]:
    return list(scene.sim.world.conversations.values())


def said(talk: Conversation) -> list[str]:
    """What the customer said in a conversation."""
    return [m.text for m in talk.messages if m.by == "CONSUMER"]


def screen(scene: Scene, phone: str) -> list[str]:
    """What reached a handset over the line, in our words or Twilio's."""
    return [text.body for text in scene.twilio.handset(phone)]


# ------------------------------------------------------------ what the handsets say


def check_promises(scene: Scene) -> None:
    """I1, I2, I4 and I9 from Twilio's log."""
    ours = [m for m in scene.twilio.messages if m.direction.startswith("outbound")]
    once = Counter(text_of(message) for message in ours)
    assert [text for text, times in once.items() if times > 1] == [], "I4: posted twice"
    reached = Counter(text.sid for text in scene.twilio.handsets if text.kind == "api")
    assert [sid for sid, times in reached.items() if times > 1] == []
    items = _texts(scene)
    for message in ours:
        item = items[text_of(message)]
        _may_have_gone(scene, message, item)
        _not_after_a_stop(scene, message, item)


def text_of(message: Message) -> str:
    """Our own id of a text, as its callback carries it."""
    return parse_qs(urlsplit(message.status_callback).query)["text"][0]


def _texts(scene: Scene) -> dict[str, dict[str, Any]]:
    pages = scene.stack.client("dynamodb").get_paginator("scan").paginate(
        TableName=scene.stack.table_name)  # fmt: skip
    table = Table(scene.stack.client("dynamodb"), scene.stack.table_name)
    keys = [one["pk"]["S"] for page in pages for one in page["Items"]
            if one["pk"]["S"].startswith("TEXT#")]  # fmt: skip
    return {key.removeprefix("TEXT#"): dict(table.get(key, "TEXT") or {}) for key in keys}


def _may_have_gone(scene: Scene, message: Message, item: dict[str, Any]) -> None:
    purpose = item["purpose"]
    if purpose in ("reply", "confirm"):  # the customer wrote before, to this number
        assert any(m.sender == message.to and m.to == message.sender and m.order < message.order
                   for m in scene.twilio.messages), "I1: nobody wrote"  # fmt: skip
        return
    table = Table(scene.stack.client("dynamodb"), scene.stack.table_name)
    ledger = table.query(f"CUSTOMER#{item['customer']}", sk_prefix="CONSENT#")
    assert any(entry["what"] in ("one_to_one", "marketing")
               and from_iso(entry["at"]) <= message.created for entry in ledger), "I1: no consent"  # fmt: skip
    if purpose == "asked" and message.created - from_iso(item["asked_at"]) <= JUST_NOW:
        return
    local = message.created.astimezone(CALIFORNIA)
    assert 11 <= local.hour < 20, f"I2: at {local:%H:%M}"


def _not_after_a_stop(scene: Scene, message: Message, item: dict[str, Any]) -> None:
    if item["purpose"] == "confirm":
        return
    stopped = False
    for one in scene.twilio.messages:
        if one.order < message.order and one.direction == "inbound" and one.sender == message.to:
            stopped = is_revocation(one.body) or (stopped and one.body.strip().upper() != "START")
    assert not stopped, "I9: texted after a STOP"
