"""Status callbacks through webhook, queue and consumer."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from tests.line_rig import SENDER, LineRig, fifo_event, status
from tests.outreach_rig import phone

from instore.adapters.table import Table
from instore.line_text import TextState
from instore.model import iso

ANA = phone(0)
S = TextState


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    rig = LineRig(table, clock)
    rig.customer(ANA)
    rig.send(rig.draft())
    return rig


def sid(rig: LineRig) -> str:
    return rig.twilio.messages[0].sid


def call(rig: LineRig, word: str, text: str = "t-1", **more: Any) -> None:
    answer = rig.tell(status(more.pop("sid", sid(rig)), word, **more), path="/twilio/status",
                      query=f"text={text}")  # fmt: skip
    assert answer == {"statusCode": 204}


def take(rig: LineRig) -> None:
    assert rig.deliver_sms() == {"batchItemFailures": []}


def test_what_became_of_a_text_is_kept_with_its_history(rig: LineRig) -> None:
    for word in ("sent", "delivered"):
        rig.clock.advance(2)
        call(rig, word)
        take(rig)
    item = rig.table.get("TEXT#t-1", "TEXT")
    assert item is not None
    assert item["state"] == "delivered"
    assert [(word, code) for word, code, _ in item["history"]] == [
        ("queued", None), ("sent", None), ("delivered", None)]  # fmt: skip
    assert item["history"][2][2] == iso(rig.clock.now())
    assert "due_at" not in item


def test_any_order_ends_the_same_in_the_table(rig: LineRig, table: Table) -> None:
    ends = []
    for n, order in enumerate(itertools.permutations(("queued", "sent", "delivered"))):
        rig.send(rig.draft(f"p-{n}"))
        for word in (*order, *order):
            call(rig, word, f"p-{n}", sid=rig.twilio.messages[-1].sid)
        take(rig)
        stored = rig.stored(f"p-{n}")
        ends.append((stored.state, stored.history, stored.due_at))
    assert ends == [ends[0]] * 6
    assert ends[0][0] is S.DELIVERED


def test_one_message_a_text_and_its_own_group(rig: LineRig) -> None:
    call(rig, "sent")
    call(rig, "undelivered", code=30003)
    assert [(one["kind"], one["group"], one["dedup"]) for one in rig.sms] == [
        ("status", "t-1", f"{sid(rig)}#sent#"),
        ("status", "t-1", f"{sid(rig)}#undelivered#30003"),
    ]
    call(rig, "sent", "not+an+id")
    assert rig.sms[-1]["group"] == sid(rig)


def test_a_duplicate_costs_one_request(rig: LineRig, requests_made: list[Any]) -> None:
    call(rig, "sent")
    again = list(rig.sms)
    requests_made.clear()
    take(rig)
    assert [operation for _, operation, _ in requests_made] == ["GetItem", "UpdateItem"]
    rig.sms = again
    requests_made.clear()
    take(rig)
    assert [operation for _, operation, _ in requests_made] == ["GetItem"]


@pytest.mark.parametrize(("code", "opted_out", "unreachable"), [
    (21610, True, None), (30640, True, None), (30005, False, "twilio_30005"),
    (30006, False, "twilio_30006"), (30003, False, None), (30007, False, None),
    (99999, False, None),
])  # fmt: skip
def test_a_code_on_a_callback_has_its_effect(
    rig: LineRig, code: int, opted_out: bool, unreachable: str | None
) -> None:
    call(rig, "undelivered", code=code)
    take(rig)
    customer = rig.services().customers.get(rig.draft().customer)
    assert customer is not None
    assert (customer.opted_out is not None) is opted_out
    assert customer.unreachable == unreachable
    assert rig.stored().reason == f"twilio_{code}"
    if unreachable:
        assert rig.services().customers.clear_unreachable(customer.id) is True
        assert rig.services().customers.clear_unreachable(customer.id) is False
        assert rig.services().customers.get(customer.id).unreachable is None  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize("order", [
    *itertools.permutations((30005, None)), *itertools.permutations((30005, 30006, None)),
])  # fmt: skip
def test_a_number_that_got_the_text_is_not_dead_whatever_else_was_said(
    rig: LineRig, order: tuple[int | None, ...]
) -> None:
    for code in order:
        call(rig, "undelivered" if code else "delivered", **({"code": code} if code else {}))
        take(rig)
    assert rig.stored().state is S.DELIVERED
    assert rig.services().customers.get(rig.draft().customer).unreachable is None  # type: ignore[union-attr]  # it is there


def test_a_blank_sender_in_a_callback_is_none(rig: LineRig) -> None:
    call(rig, "sent", From="")
    take(rig)
    assert rig.stored().state is S.SENT


def test_a_dead_number_is_remembered_of_somebody_never_seen(rig: LineRig) -> None:
    rig.send(rig.draft("t-9", phone(9)))
    call(rig, "undelivered", "t-9", code=30005, sid=rig.twilio.messages[-1].sid)
    take(rig)
    assert rig.send(rig.draft("t-10", phone(9))).reason == "unreachable"


def test_what_is_no_status_of_ours_changes_nothing(rig: LineRig) -> None:
    before = rig.stored()
    call(rig, "delivered", "nobody")
    call(rig, "delivered", sid="SM" + "f" * 32)  # another message claims our id
    call(rig, "delivered", From="+12125550199")  # or another sender
    call(rig, "partly_cloudy")
    take(rig)
    assert rig.stored() == before


def test_a_status_finds_an_unknown_text_again(rig: LineRig) -> None:
    from instore.errors import VendorUnavailableError

    rig.twilio.failures, rig.twilio.processed_although_failed = [VendorUnavailableError("x")], True
    assert rig.send(rig.draft("lost")).state is S.UNKNOWN
    call(rig, "sent", "lost", sid=rig.twilio.messages[-1].sid)
    take(rig)
    assert rig.stored("lost").state is S.SENT
    assert rig.twilio.asked == []


def test_the_very_last_word_comes_after_we_gave_up(rig: LineRig) -> None:
    from instore.errors import VendorUnavailableError

    rig.twilio.failures = [VendorUnavailableError("x")]
    rig.send(rig.draft("lost"))
    rig.clock.advance(3601)
    rig.sweep()
    assert rig.stored("lost").state is S.UNRESOLVED
    call(rig, "delivered", "lost", sid="SM" + "e" * 32)
    take(rig)
    assert rig.stored("lost").state is S.DELIVERED


@pytest.mark.parametrize("body", [
    "", "[]", "null", '{"kind":"status"}', '{"kind":"status","fields":[],"at":"x"}',
    '{"kind":"fax","fields":{},"at":"2026-11-18T17:00:00.000Z"}',
    '{"kind":"status","fields":{},"at":"2026-11-18T17:00:00.000Z"}',
])  # fmt: skip
def test_a_message_that_cannot_be_read_fails_alone_with_its_group(rig: LineRig, body: str) -> None:
    from inbound_sms import app

    good = json.dumps({"kind": "status", "at": iso(rig.clock.now()),
                       "fields": {**status(sid(rig), "sent"), "text": "t-1"}})  # fmt: skip
    with rig.process():
        answer = app.handler(fifo_event([("a", body), ("a", good), ("b", good)]), rig.context())
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["m-0", "m-1"]
    assert rig.stored().state is S.SENT


def test_what_there_is_no_time_for_comes_again(rig: LineRig) -> None:
    call(rig, "sent")
    rig.remaining_s = 16.0
    answer = rig.deliver_sms()
    assert len(answer["batchItemFailures"]) == 1
    assert rig.stored().state is S.QUEUED
    assert rig.stored().sender.e164 == SENDER
