"""Twilio's simulator tells and refuses: signed callbacks, opt-outs, faults on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from local.twilio import signature
from tests.twilio_sim_rig import ANA, BEN, OTHER, OURS, SERVICE, Rig, code_of, twilio

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def rig(clock: Any) -> Iterator[Rig]:
    with twilio(clock) as made:
        yield made


def statuses(rig: Rig) -> list[str]:
    return [form["MessageStatus"] for form in rig.side.forms("/status")]


@pytest.mark.parametrize(
    ("url", "fields", "token", "wanted"),
    [  # the worked example of docs/usage/security, and twilio-python's own test
        ("https://example.com/myapp.php?foo=1&bar=2",
         {"To": "+18005551212", "Caller": "+14158675310", "Digits": "1234",
          "CallSid": "CA1234567890ABCDE", "From": "+14158675310"}, "12345", "L/OH5YylLD5NRKLltdqwSvS0BnU="),
        ("https://mycompany.com/myapp.php?foo=1&bar=2",
         {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234",
          "From": "+14158675309", "To": "+18005551212"}, "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ],
)  # fmt: skip
def test_signatures_are_twilios(url: str, fields: dict[str, str], token: str, wanted: str) -> None:
    assert signature(url, fields, token=token) == wanted


def test_callbacks_come_late_twice_and_in_disorder(rig: Rig) -> None:
    rig.sim.callbacks_late(30)
    rig.api.send(StatusCallback=rig.callback)
    rig.sim.run()
    assert len(rig.sim.handset(ANA)) == 1
    assert statuses(rig) == []
    rig.clock.advance(30)
    rig.sim.deliver_callbacks(copies=4, shuffle=True)
    assert sorted(statuses(rig)) == ["delivered"] * 4 + ["sent"] * 4
    assert statuses(rig) != ["sent"] * 4 + ["delivered"] * 4
    tokens = {r.headers["i-twilio-idempotency-token"] for r in rig.side.got}
    assert len(tokens) == 2


def test_copies_and_disorder_as_seeded_faults(rig: Rig) -> None:
    rig.sim.faults.add(f"webhook status \\{OURS}", "duplicate", times=1, copies=3)
    rig.api.send(StatusCallback=rig.callback)
    rig.sim.run()
    assert statuses(rig) == ["sent", "sent", "sent", "delivered"]


def test_a_failed_callback_is_repeated_as_its_fragment_says(rig: Rig) -> None:
    rig.side.says("/status", "", status=500)
    rig.api.send(StatusCallback=rig.callback)
    rig.sim.run()
    assert len(rig.side.got) == 2  # by default not after a 500
    rig.api.send(StatusCallback=rig.callback + "#rc=2&rp=5xx,ct")
    rig.pass_time(1)
    assert len(rig.side.got) == 2 + 2 * 3
    assert "#" not in rig.side.got[-1].target
    form = rig.side.forms("/status")[-1]
    assert rig.side.got[-1].headers["x-twilio-signature"] == signature(
        rig.callback, form, token=rig.sim.auth_token)  # fmt: skip
    assert {alert.code for alert in rig.sim.alerts} == {11200}


def test_no_connection_is_repeated_once_and_reported(rig: Rig) -> None:
    rig.api.send(StatusCallback="http://127.0.0.1:9/status")
    rig.sim.run()
    assert [one.status for one in rig.sim.sent] == [0, 0, 0, 0]
    assert [alert.code for alert in rig.sim.alerts] == [11205, 11205]


def test_a_public_address_leads_here_and_is_what_is_signed(rig: Rig) -> None:
    rig.sim.leads("https://sms.example.com", to=rig.side.url)
    public = "https://sms.example.com/status?text=t1"
    rig.api.send(StatusCallback=public)
    rig.sim.run()
    assert statuses(rig) == ["sent", "delivered"]
    form = rig.side.forms("/status")[0]
    wanted = signature(public, form, token=rig.sim.auth_token)
    assert rig.side.got[0].headers["x-twilio-signature"] == wanted


# ------------------------------------------------------------ opt-outs
def test_stop_blocks_one_number_and_start_lifts_it(rig: Rig) -> None:
    rig.sim.numbers.add(OTHER)
    rig.sim.text(ANA, OURS, " stop ")
    assert code_of(rig.api.send()) == (400, 21610)
    assert rig.api.send(From=OTHER).status_code == 201
    assert rig.api.send(to=BEN).status_code == 201
    rig.sim.text(ANA, OURS, "UNSTOP")
    assert rig.api.send().status_code == 201


def test_stop_to_a_number_of_a_service_blocks_the_service(rig: Rig) -> None:
    rig.sim.numbers.add(OTHER)
    service = rig.sim.services.add("relay", OURS, OTHER, sid=SERVICE)
    rig.sim.text(ANA, OURS, "OPTOUT")
    assert code_of(rig.api.send(From=OTHER)) == (400, 21610)
    assert code_of(rig.api.send(From=None, MessagingServiceSid=SERVICE)) == (400, 21610)
    service.advanced_opt_out = True
    reply = rig.api.send(From=None, MessagingServiceSid=SERVICE, StatusCallback=rig.callback)
    assert reply.status_code == 201
    rig.sim.run()
    last = rig.side.forms("/status")[-1]
    assert (last["MessageStatus"], last["ErrorCode"]) == ("failed", "21610")


def test_what_is_queued_goes_in_spite_of_a_stop(rig: Rig) -> None:
    rig.api.send()
    rig.api.send(body="queued")
    rig.sim.run()
    rig.sim.text(ANA, OURS, "STOP")
    rig.pass_time(1)
    assert [t.body for t in rig.sim.handset(ANA) if t.kind == "api"][-1] == "queued"


# ------------------------------------------------------------ what goes wrong on the wire
@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [("status", {"status": 429}, 20429), ("status", {"status": 503}, 20503),
     ("status", {"status": 500}, 20500)],
)  # fmt: skip
def test_faults_are_worded_as_twilio_would(
    rig: Rig, kind: str, more: dict[str, int], code: int
) -> None:
    rig.sim.faults.add("POST .*/Messages.json", kind, times=1, **more)
    assert code_of(rig.api.send()) == (more["status"], code)
    assert rig.sim.messages == []
    assert rig.api.send().status_code == 201


@pytest.mark.parametrize(
    ("kind", "more"), [("reset", {}), ("garbage", {}), ("status", {"status": 500})]
)
def test_processed_although_it_failed(rig: Rig, kind: str, more: dict[str, int]) -> None:
    rig.sim.faults.add("POST .*/Messages.json", kind, times=1, processed=True, **more)
    try:
        reply = rig.api.send()
    except httpx.TransportError:
        assert kind == "reset"
    else:
        assert b"sid" not in reply.content
    rig.sim.run()
    assert len(rig.sim.handset(ANA)) == 1
    found = rig.api.get("/Messages.json", To=ANA, From=OURS).json()["messages"]
    assert [one["body"] for one in found] == ["Your ring is ready."]
