"""Somebody with everything that can be kept of a customer, and the two requests about them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from local.lock import watching
from tests.outreach_rig import ACCOUNT, ANNA, KEY, LOGINS, ROOT, Rig, phone

from instore.adapters.consents import Consents
from instore.adapters.conversations import Conversations
from instore.adapters.customers import Customers
from instore.conversation import Answer, Conversation, State
from instore.model import Channel, Phone, Stickiness
from instore.receipts import write_receipt
from instore.routing import decide
from instore.routing_case import Case, Choice, Rules, Wanted

ANA = phone(0)
FIRST_NAME, FORM, STOPWORDS = "Anastasia", "form 4100-17", "please no more, it is Anastasia"
REASON = "request 2026-118"
BOT = "kay-bot"
SCOPES = "customers/export customers/erase"


# As a word: five digits turn up in the middle of a random hash now and then.
_POSTAL_CODE = r"\b10704\b"

# Somebody writes and names nobody: they are asked.
CASE = Case(
    at=datetime(2026, 11, 18, 17, tzinfo=UTC), program=1, channel=Channel.SMS, notified=False,
    rules=Rules(Stickiness.STORE, ("associate", "skill"), True, 30, 15, True, 2, "kay-associates",
                "kay-virtual", "kay-virtual"),
    wanted=Wanted.UNKNOWN, wanted_id=None, asked=0, choice=Choice.NOT_OFFERED, store_open=None,
    answered=False, people=(), busy_since=None, trail=("binding: none",),
)  # fmt: skip


def desk(
    rig: Rig, what: str, body: Any = None, *, scopes: str = SCOPES, claims: Any = None
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """One request to customer_data, as API Gateway hands it over."""
    from customer_data import app

    event = json.loads((ROOT / f"events/customer_data.{what}.json").read_text())
    jwt = event["requestContext"]["authorizer"]["jwt"]
    jwt["claims"] |= {"scope": scopes}
    jwt["scopes"] = None
    if claims is not None:
        jwt["claims"] = claims
    event["body"] = json.dumps(body)
    with rig.process():
        answer = app.handler(event, rig.context())
    return answer["statusCode"], json.loads(answer["body"])


def erase(rig: Rig, number: str = ANA, **more: Any) -> tuple[int, dict[str, Any]]:
    return desk(rig, "erase", {"phone": number, "reason": REASON}, **more)


def export(rig: Rig, number: str = ANA, **more: Any) -> dict[str, Any]:
    status, body = desk(rig, "export", {"phone": number}, **more)
    assert status == 200
    return body


def customers_of(rig: Rig) -> Customers:
    return Customers(rig.table, key=KEY)


def name_of(rig: Rig, number: str = ANA) -> str:
    return customers_of(rig).id_of(Phone(number))


def item_of(rig: Rig, number: str = ANA) -> dict[str, Any]:
    return rig.table.get(f"CUSTOMER#{name_of(rig, number)}", "CUSTOMER") or {}


def consent(rig: Rig, number: str = ANA, *, at: datetime | None = None, **more: Any) -> None:
    """Agreed on a tablet, in a form that names the person."""
    now = rig.clock.now()
    customers_of(rig).record_consent(
        Phone(number), banner="kay", consent_class="one_to_one", wording=f"Yes, {FIRST_NAME}.",
        method="tablet", evidence=FORM, who=LOGINS[ANNA], at=at or now, now=now, country="US",
        zone="America/New_York", postal_code="10704", **more,
    )  # fmt: skip


def starts(rig: Rig, number: str = ANA, *, said: datetime | None = None) -> bool:
    return customers_of(rig).opt_in(name_of(rig, number), banner="kay", scope="all", how="text",
                                    words="START", now=said or rig.clock.now())  # fmt: skip


def converse(rig: Rig, name: str = "c-1", number: str = ANA) -> Conversation:
    """A decided conversation of theirs by text."""
    conversations, now = Conversations(rig.table), rig.clock.now()
    conversations.create(Conversation(
        ACCOUNT, name, "kay", BOT, Channel.SMS, now, customer=name_of(rig, number), phone=number,
        consumer=f"consumer of {FIRST_NAME}", language="en",
        attributes={"ctmrinfo.customerId": f"M-{FIRST_NAME}"},
    ))  # fmt: skip
    asked = conversations.get(ACCOUNT, conversation=name, bot=BOT, now=now)
    assert asked is not None
    kept = conversations.keep_answer(asked, now=now, answer=Answer(
        text=json.dumps({"said": f"Hello {FIRST_NAME}"}), state=State.DECIDED,
        outcome="associate", round=0, asked=0, target=ANNA,
        receipt=write_receipt(CASE, decision=decide(CASE)),
    ))  # fmt: skip
    assert kept is not None
    return kept


def text(rig: Rig, *numbers: str, key: str = "k-1") -> tuple[int, dict[str, Any]]:
    rows = [{"phone": number, "variables": [FIRST_NAME, "Kay"], "postal_code": "10704"}
            for number in numbers or [ANA]]  # fmt: skip
    return rig.ask("POST /outreach", {"template": "new-arrivals", "recipients": rows}, key=key)


def everything(rig: Rig) -> list[dict[str, Any]]:
    with watching(None, alone=True):  # a test looks, not the handler that may be running
        found = rig.table._client.scan(TableName=rig.table.name)
    return list(found["Items"])


def left_of(rig: Rig, number: str = ANA) -> list[str]:
    """Keys of items in which something of this person still is. (The vendor's ids of this rig are
    made of the number; LivePerson's are not.)"""
    needles = re.compile("|".join([number[2:], FIRST_NAME, FORM, _POSTAL_CODE, "START"]))
    return [
        f"{item['pk']['S']} {item['sk']['S']}" for item in everything(rig)
        if not item["pk"]["S"].startswith(("STORE", "PROGRAM"))
        and needles.search(json.dumps(item).replace(f"id-{number[1:]}", ""))
    ]  # fmt: skip


def kinds_naming(rig: Rig, number: str = ANA) -> list[str]:
    """Kinds of items in which the customer's id still is: those that are gone within months, or
    block. What is kept for years must not be found by whoever has the number and the key."""
    name = name_of(rig, number)
    return sorted({item["pk"]["S"].partition("#")[0] for item in everything(rig)
                   if name in json.dumps(item)})  # fmt: skip


def entries(rig: Rig, number: str = ANA) -> list[dict[str, Any]]:
    return Consents(rig.table).entries(name_of(rig, number))


def verifies(rig: Rig, number: str = ANA) -> bool:
    return Consents(rig.table).problems(name_of(rig, number)) == []


def finish(rig: Rig) -> None:
    """The sweep's look five minutes later."""
    rig.clock.advance(301)
    rig.sweep()


TOMBSTONE = {"pk", "sk", "id", "rev", "opted_out", "erased_at", "chain", "created_at",
             "erased_entry"}  # fmt: skip


def somebody(rig: Rig, n: int) -> str:
    """A customer with everything there can be of one."""
    number = phone(n)
    consent(rig, number)
    customers_of(rig).opt_out(name_of(rig, number), banner="kay", scope="all", how="text",
                              words=STOPWORDS, now=rig.clock.now())  # fmt: skip
    starts(rig, number)
    text(rig, number, key=f"k-{n}")
    converse(rig, f"c-{n}", number)
    converse(rig, f"d-{n}", number)
    return number
