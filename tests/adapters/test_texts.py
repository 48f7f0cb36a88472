"""Texts of the line in the table, the whole way to moto."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.line_rig import ANNAS, SENDER

from instore.adapters.customers import Customers
from instore.adapters.queues import Queues
from instore.adapters.table import Table
from instore.adapters.texts import Texts
from instore.errors import UnavailableError
from instore.line_text import Draft, Purpose, TextState, Word, learned
from instore.model import Phone, due_shard, epoch, iso

TO = Phone("+12125550100")
SID = "SM" + "0" * 32


def draft(text: str = "t-1", **more: Any) -> Draft:
    return Draft(**{
        "id": text, "sender": Phone(SENDER), "to": TO, "body": "Hello", "purpose": Purpose.REPLY,
        "banner": "kay", "customer": "c" * 40, "pointer": ANNAS,
        "media": ("https://cdn.example/a.jpg",), **more,
    })  # fmt: skip


def test_a_text_is_written_once_and_found_by_time_and_customer(table: Table, now: datetime) -> None:
    texts = Texts(table)
    text, new = texts.begin(draft(), now=now, due_at=now + timedelta(minutes=1))
    assert new
    assert texts.get("t-1") == text
    again, new = texts.begin(draft(body="Else", sender=TO), now=now, due_at=now)
    assert (again, new) == (text, False)
    assert table.get("TEXT#t-1", "TEXT") == {
        "pk": "TEXT#t-1", "sk": "TEXT", "id": "t-1", "rev": 1, "state": "intended",
        "purpose": "reply", "banner": "kay", "customer": "c" * 40, "sender": SENDER,
        "to": TO.e164, "body": "Hello", "media": ["https://cdn.example/a.jpg"],
        "account": ANNAS.account, "group": ANNAS.group, "agent": ANNAS.agent_id,
        "created_at": iso(now), "due_shard": due_shard("c" * 40, line="ANSWER"), "due_at": epoch(now) + 60,
        "expires_at": epoch(now) + 35 * 86400,
    }  # fmt: skip
    found = [
        table.due(due_shard("c" * 40, line="ANSWER"), until=epoch(now) + late, limit=5)
        for late in (59, 60)
    ]
    assert [[key["pk"] for key in keys] for keys in found] == [[], ["TEXT#t-1"]]
    assert [item["id"] for item in texts.held("c" * 40)] == ["t-1"]
    assert texts.get("nobody") is None


def test_a_write_counts_on_the_revision_read(table: Table, now: datetime) -> None:
    texts = Texts(table)
    text, _ = texts.begin(draft(), now=now, due_at=now)
    claimed = replace(text, state=TextState.CLAIMED, claimed_at=now)
    first = texts.save(claimed, before=text)
    assert first is not None
    assert first.rev == 2
    assert texts.save(claimed, before=text) is None
    said = learned(first, sid=SID, word=Word(TextState.FAILED, 30003, now))
    ended = texts.save(said, before=first)
    assert ended is not None
    assert texts.get("t-1") == ended
    item = table.get("TEXT#t-1", "TEXT")
    assert item is not None
    assert {"to", "body", "media", "due_at", "due_shard"} & set(item) == set()
    assert item["history"] == [["failed", 30003, iso(now)]]
    assert texts.of("c" * 40) == [ended]
    assert texts.of("d" * 40) == []


def test_a_text_that_is_gone_is_not_written_again(table: Table, now: datetime) -> None:
    texts = Texts(table)
    text, _ = texts.begin(draft(), now=now, due_at=now)
    table.delete("TEXT#t-1", "TEXT")
    assert texts.save(replace(text, state=TextState.CLAIMED), before=text) is None
    assert texts.get("t-1") is None


def test_emptying_reaches_as_far_as_it_is_asked_to(table: Table, now: datetime) -> None:
    texts = Texts(table)
    texts.begin(draft("old"), now=now, due_at=now)
    texts.begin(draft("new"), now=now + timedelta(seconds=1), due_at=now)
    texts.begin(draft("other", customer="d" * 40), now=now, due_at=now)
    assert texts.empty("c" * 40, until=now) == 1
    assert texts.empty("c" * 40, until=now) == 0
    states = {item["id"]: item["state"] for item in texts.held("c" * 40)}
    assert states == {"old": "blocked", "new": "intended"}
    assert texts.held("d" * 40)[0]["body"] == "Hello"


def test_emptying_does_not_give_up_silently(
    table: Table, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = Texts(table)
    texts.begin(draft(), now=now, due_at=now)
    monkeypatch.setattr(texts, "save", lambda *_, **__: None)
    with pytest.raises(UnavailableError):
        texts.empty("c" * 40, until=now)


def test_a_number_that_is_lost_is_noted_with_its_first_day(table: Table, now: datetime) -> None:
    texts = Texts(table)
    texts.lose_number(Phone(SENDER), code=21606, now=now)
    texts.lose_number(Phone(SENDER), code=None, now=now + timedelta(days=1))
    item = table.get(f"LINE#{SENDER}", "LOST")
    assert item == {"pk": f"LINE#{SENDER}", "sk": "LOST", "lost_at": iso(now), "code": 0}


def test_a_dead_number_is_remembered_and_forgotten(table: Table, now: datetime) -> None:
    customers = Customers(table, key="k")
    name = customers.id_of(TO)
    customers.mark_unreachable(name, reason="twilio_30005", now=now)
    customers.mark_unreachable(name, reason="twilio_30006", now=now + timedelta(days=1))
    known = customers.get(name)
    assert known is not None
    assert (known.unreachable, known.rev, known.created_at) == ("twilio_30005", 2, now)
    assert customers.clear_unreachable(name) is True
    assert customers.clear_unreachable(name) is False
    assert customers.get(name).unreachable is None  # type: ignore[union-attr]  # it is there


@pytest.fixture
def fifo(_aws: None) -> tuple[Any, str]:
    sqs = boto3.client("sqs", region_name="us-east-1")
    url = sqs.create_queue(QueueName="sms.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    return sqs, url


def test_what_twilio_tells_is_queued_in_order_and_once(
    fifo: tuple[Any, str], now: datetime
) -> None:
    sqs, url = fifo
    queues = Queues(sqs, outreach="", assignment="", sms=url)
    for dedup in ("a", "a", "b"):
        queues.sms("inbound", {"Body": "Hi", "MessageSid": dedup}, group="g" * 200, dedup=dedup,
                   at=now)  # fmt: skip
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10,
                                AttributeNames=["All"])["Messages"]  # fmt: skip
    bodies = [json.loads(one["Body"]) for one in found]
    assert bodies == [
        {"kind": "inbound", "fields": {"Body": "Hi", "MessageSid": sid}, "at": iso(now)}
        for sid in ("a", "b")
    ]
    assert {one["Attributes"]["MessageGroupId"] for one in found} == {"g" * 128}
