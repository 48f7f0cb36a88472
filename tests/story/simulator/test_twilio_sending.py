"""A text's life in Twilio's simulator: queue, throughput, receipts, what carriers say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from local.twilio import signature
from tests.twilio_sim_rig import ANA, OTHER, OURS, SERVICE, Rig, code_of, twilio

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def rig(clock: Any) -> Iterator[Rig]:
    with twilio(clock) as made:
        yield made


def statuses(rig: Rig) -> list[str]:
    return [form["MessageStatus"] for form in rig.side.forms("/status")]


def test_a_text_is_delivered_and_each_step_is_told_and_signed(rig: Rig) -> None:
    sid = rig.api.send(StatusCallback=rig.callback).json()["sid"]
    rig.sim.run()
    assert [(text.sender, text.body, text.kind) for text in rig.sim.handset(ANA)] == [
        (OURS, "Your ring is ready.", "api")]  # fmt: skip
    first = {
        "AccountSid": rig.sim.account_sid, "MessageSid": sid, "MessageStatus": "sent",
        "SmsSid": sid, "SmsStatus": "sent", "From": OURS, "To": ANA, "ApiVersion": "2010-04-01",
    }  # fmt: skip
    last = {**first, "MessageStatus": "delivered", "SmsStatus": "delivered",
            "RawDlrDoneDate": "2611181700"}  # fmt: skip
    assert rig.side.forms("/status") == [first, last]
    for request, form in zip(rig.side.got, (first, last), strict=True):
        assert request.target == "/status?text=t1"
        wanted = signature(rig.callback, form, token=rig.sim.auth_token)
        assert request.headers["x-twilio-signature"] == wanted
    shown = rig.api.get(f"/Messages/{sid}.json").json()
    assert (shown["status"], shown["price"]) == ("delivered", "-0.00790")
    assert shown["date_sent"] == "Wed, 18 Nov 2026 17:00:00 +0000"
    assert rig.sim.messages[0].statuses == ["queued", "sending", "sent", "delivered"]


def test_one_segment_a_second_and_a_sender(rig: Rig) -> None:
    rig.sim.numbers.add(OTHER)
    for body in ("one", "x" * 161, "three"):
        rig.api.send(body=body)
    rig.api.send(From=OTHER, body="other")
    rig.sim.run()
    assert [text.body for text in rig.sim.handset(ANA)] == ["one", "other"]
    rig.pass_time(1)
    assert rig.sim.handset(ANA)[-1].body == "x" * 161
    rig.pass_time(1)
    assert len(rig.sim.handset(ANA)) == 3
    rig.pass_time(1)
    assert [text.body for text in rig.sim.handset(ANA)][3:] == ["three"]
    assert rig.sim.next_due_at() is None


def test_a_number_may_be_faster(rig: Rig) -> None:
    rig.sim.numbers[OURS].segments_per_s = 10
    for _ in range(5):
        rig.api.send()
    rig.pass_time(0.4)
    assert len(rig.sim.handset(ANA)) == 5


def test_what_waits_longer_than_it_may_fails(rig: Rig) -> None:
    rig.api.send(body="x" * 1600)  # eleven segments
    rig.api.send(body="late", ValidityPeriod="10", StatusCallback=rig.callback)
    rig.api.send(body="in time", ValidityPeriod="12")
    rig.pass_time(9)
    assert statuses(rig) == []
    rig.pass_time(1)
    assert [(f["MessageStatus"], f["ErrorCode"]) for f in rig.side.forms("/status")] == [
        ("failed", "30036")]  # fmt: skip
    rig.pass_time(2)
    assert [text.body for text in rig.sim.handset(ANA)][1:] == ["in time"]


def test_ten_hours_of_queue_and_no_more(rig: Rig) -> None:
    rig.sim.numbers[OURS].free_at = rig.clock.now() + timedelta(hours=10)
    assert rig.api.send().status_code == 201
    assert code_of(rig.api.send()) == (400, 21611)


def test_a_service_picks_a_sender_and_overflows_later(rig: Rig) -> None:
    rig.sim.numbers.add(OTHER)
    rig.sim.services.add("relay", OURS, OTHER, sid=SERVICE)
    rig.sim.numbers[OURS].free_at = rig.clock.now() + timedelta(seconds=60)
    reply = rig.api.send(From=None, MessagingServiceSid=SERVICE, StatusCallback=rig.callback)
    shown = reply.json()
    assert (shown["status"], shown["from"], shown["num_segments"]) == ("accepted", None, "0")
    rig.sim.run()
    assert statuses(rig) == ["queued", "sent", "delivered"]
    assert {f["MessagingServiceSid"] for f in rig.side.forms("/status")} == {SERVICE}
    assert rig.sim.handset(ANA)[0].sender == OTHER
    rig.sim.numbers[OTHER].free_at = rig.clock.now() + timedelta(hours=11)
    rig.api.send(From=None, MessagingServiceSid=SERVICE, StatusCallback=rig.callback)
    rig.sim.run()
    last = rig.side.forms("/status")[-1]
    assert (last["From"], last["ErrorCode"]) == (OTHER, "30001")  # sticky: it stays with OTHER


def test_from_beside_a_service_must_be_in_its_pool(rig: Rig) -> None:
    rig.sim.numbers.add(OTHER)
    rig.sim.services.add("relay", OTHER, sid=SERVICE)
    assert code_of(rig.api.send(MessagingServiceSid=SERVICE)) == (400, 21606)
    reply = rig.api.send(From=OTHER, MessagingServiceSid=SERVICE)
    assert (reply.json()["status"], reply.json()["from"]) == ("accepted", OTHER)
    rig.sim.services.add("empty", sid=SERVICE.replace("5", "6"))
    empty = SERVICE.replace("5", "6")
    assert code_of(rig.api.send(From=None, MessagingServiceSid=empty)) == (400, 21704)
    rig.sim.numbers.lose_sms(OTHER)
    assert code_of(rig.api.send(From=None, MessagingServiceSid=SERVICE)) == (400, 21703)
    assert code_of(rig.api.send(From=OTHER)) == (400, 21661)


def test_scheduled_texts_wait_and_can_be_cancelled(rig: Rig) -> None:
    rig.sim.services.add("relay", OURS, sid=SERVICE)
    more = {"From": None, "MessagingServiceSid": SERVICE, "ScheduleType": "fixed",
            "StatusCallback": rig.callback}  # fmt: skip
    assert code_of(rig.api.send(**more)) == (400, 35111)
    assert code_of(rig.api.send(**more, SendAt="2026-11-18T17:04:59Z")) == (400, 35114)
    kept = rig.api.send(**more, SendAt="2026-11-18T17:05:00Z").json()
    gone = rig.api.send(**more, SendAt="2026-11-18T17:05:00Z").json()["sid"]
    assert kept["status"] == "scheduled"
    cancelled = rig.api.post(f"/Messages/{gone}.json", Status="canceled").json()
    assert cancelled["status"] == "canceled"
    rig.pass_time(300)
    assert statuses(rig) == ["canceled", "queued", "sent", "delivered"]
    again = rig.api.post(f"/Messages/{kept['sid']}.json", Status="canceled")
    assert code_of(again) == (400, 20001)


# ------------------------------------------------------------ handsets and carriers
@pytest.mark.parametrize(
    ("kind", "code"), [("landline", "30006"), ("unknown", "30005"), ("off", "30003")]
)
def test_what_the_number_is_decides(rig: Rig, kind: str, code: str) -> None:
    rig.sim.phone(ANA, **{kind: True})
    rig.api.send(StatusCallback=rig.callback)
    rig.sim.run()
    assert statuses(rig) == ["sent", "undelivered"]
    assert rig.side.forms("/status")[-1]["ErrorCode"] == code
    assert rig.sim.handset(ANA) == []


def test_landlines_may_be_refused_at_once(clock: Any) -> None:
    with twilio(clock, landline="21614", countries=("+1", "+49")) as rig:
        rig.sim.phone(ANA, landline=True)
        rig.sim.phone("+4930123456", landline=True)
        assert code_of(rig.api.send()) == (400, 21614)
        assert code_of(rig.api.send(to="+4930123456")) == (400, 21635)


def test_a_carrier_without_receipts_leaves_it_at_sent(rig: Rig) -> None:
    rig.sim.phone(ANA, receipts=False)
    rig.api.send(StatusCallback=rig.callback)
    rig.sim.run()
    assert statuses(rig) == ["sent"]
    assert len(rig.sim.handset(ANA)) == 1


def test_what_carriers_say(rig: Rig) -> None:
    rig.sim.carrier_says(30007, to=ANA)
    rig.sim.carrier_says(30008, to=ANA, reached=True)
    rig.sim.carrier_says(30034, sender=OURS)
    for _ in range(4):
        rig.api.send(StatusCallback=rig.callback)
    rig.pass_time(0)
    rig.pass_time(3)
    ends = [(f["MessageStatus"], f.get("ErrorCode")) for f in rig.side.forms("/status")
            if f["MessageStatus"] != "sent"]  # fmt: skip
    assert ends == [("undelivered", "30007"), ("undelivered", "30008"), ("failed", "30034"),
                    ("delivered", None)]  # fmt: skip
    assert len(rig.sim.handset(ANA)) == 2
    rig.sim.carrier_says(30007, times=None)
    rig.sim.carrier_recovers()
    rig.api.send()
    rig.pass_time(1)
    assert len(rig.sim.handset(ANA)) == 3


def test_a_share_of_texts_is_filtered_by_seed(clock: Any) -> None:
    def reached() -> int:
        with twilio(clock, segments_per_s=1000) as rig:
            rig.sim.carrier_says(30007, times=None, share=0.5)
            for _ in range(20):
                rig.api.send()
            rig.pass_time(1)
            return len(rig.sim.handset(ANA))

    first = reached()
    assert 3 < first < 17
    assert reached() == first
