"""The webhook: what it queues, what it answers, and that it asks no table."""

from __future__ import annotations

from time import perf_counter
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.line_rig import KEY, PUBLIC, LineRig, inbound, status, told_event
from tests.outreach_rig import phone

from instore.adapters.table import Table
from instore.errors import UnavailableError
from instore.model import Phone, customer_id

ANA = phone(0)


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    return LineRig(table, clock)


def test_a_customers_text_is_queued_whole_in_the_customers_order(rig: LineRig) -> None:
    fields = inbound("Is the ring in?", NewField="1")
    answer = rig.tell(fields)
    assert answer["statusCode"] == 200
    assert ElementTree.fromstring(answer["body"]).tag == "Response"
    assert rig.sms == [{
        "kind": "inbound", "fields": fields, "at": rig.clock.now(), "dedup": fields["MessageSid"],
        "group": customer_id(Phone(ANA), key=KEY.encode()),
    }]  # fmt: skip


@pytest.mark.parametrize("stop", [{"Body": "please stop"}, {"Body": "Hola", "OptOutType": "STOP"}])
def test_a_stop_waits_for_nothing_that_was_said_before_it(
    rig: LineRig, stop: dict[str, str]
) -> None:
    """A text that LivePerson does not take holds back the later ones of its group (I9)."""
    fields = {**inbound("Hi"), **stop}
    rig.tell(fields)
    rig.tell(inbound("START"))
    assert [one["group"] for one in rig.sms] == [
        fields["MessageSid"], customer_id(Phone(ANA), key=KEY.encode())
    ]  # fmt: skip


def test_no_table_is_asked_and_no_program_read(rig: LineRig) -> None:
    for how in ({}, {"path": "/twilio/status", "query": "text=t-1"}):
        fields = inbound("Hi") if not how else status("SM" + "1" * 32, "sent")
        rig.boundaries.reset()
        rig.tell(fields, **how)
        assert rig.boundaries.names == ["sqs"]


def test_a_request_takes_less_than_fifty_milliseconds_of_work(rig: LineRig) -> None:
    from sms_webhook import app

    event = told_event(inbound("x" * 1600))
    took = []
    with rig.process():
        for _ in range(10):
            began = perf_counter()
            app.handler(event, rig.context())
            took.append(perf_counter() - began)
    assert min(took) < 0.05


def test_a_sender_without_a_number_keeps_its_order_and_no_number_is_in_a_group(
    rig: LineRig,
) -> None:
    for sender in ("72345", "anonymous", "+266696687"):
        rig.tell(inbound("Hi", sender))
    groups = [one["group"] for one in rig.sms]
    assert groups[:2] == ["no-number", "no-number"]
    assert not any(ANA[2:] in one["group"] for one in rig.sms)


@pytest.mark.parametrize(("fields", "code"), [
    ({"MessageSid": ""}, 400), ({"From": ""}, 400), ({"AccountSid": "AC" + "1" * 31}, 401),
])  # fmt: skip
def test_a_form_without_what_it_takes_is_refused(
    rig: LineRig, fields: dict[str, str], code: int
) -> None:
    assert rig.tell({**inbound("Hi"), **fields})["statusCode"] == code
    assert rig.sms == []


def test_a_status_without_its_word_is_refused(rig: LineRig) -> None:
    fields = {**status("SM" + "1" * 32, "sent"), "MessageStatus": ""}
    assert rig.tell(fields, path="/twilio/status", query="text=t-1")["statusCode"] == 400


def test_who_is_not_twilio_is_refused_and_counted(
    rig: LineRig, capsys: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from sms_webhook import app

    with rig.process():
        answer = app.handler(told_event(inbound("secret words"), signature="x"), rig.context())
    assert answer["statusCode"] == 401
    assert rig.sms == []
    assert "SignatureRefused" in capsys.readouterr().out
    said = [vars(record) for record in caplog.records]
    assert [one["msg"] for one in said] == ["Request of Twilio refused"]
    assert (said[0]["why"], said[0]["signed_for"]) == (
        "signature_differs", f"{PUBLIC}/twilio/sms")  # fmt: skip
    assert ANA[2:] not in str(said)
    assert "secret words" not in str(said)


def test_a_queue_that_is_away_is_said_so_twilio_comes_again(rig: LineRig, monkeypatch: Any) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise UnavailableError("the queue did not take the message")

    monkeypatch.setattr(rig, "queued", away)
    assert rig.tell(inbound("Hi"))["statusCode"] == 503


def test_nothing_personal_is_logged(
    rig: LineRig, capsys: Any, caplog: pytest.LogCaptureFixture
) -> None:
    rig.customer(ANA)
    rig.send(rig.draft(body="a very private sentence"))
    rig.tell(status(rig.twilio.messages[0].sid, "undelivered", code=30005), path="/twilio/status",
             query="text=t-1")  # fmt: skip
    rig.deliver_sms()
    rig.clock.advance(7200)
    rig.sweep()
    said = str([vars(record) for record in caplog.records]) + capsys.readouterr().out
    assert "Message taken" in said
    assert ANA[2:] not in said
    assert "private sentence" not in said
