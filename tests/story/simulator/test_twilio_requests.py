"""Twilio's simulator refuses what Twilio would: credentials, fields, conditions, magic numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from local.make_twilio_rules import OPERATIONS, WHERE, rules_of, written
from local.twilio.rules import operations
from tests.twilio_sim_rig import ANA, BEN, OTHER, OURS, Rig, code_of, twilio

pytestmark = pytest.mark.enable_socket
MG = "MG" + "0a" * 16


@pytest.fixture
def rig(clock: Any) -> Iterator[Rig]:
    with twilio(clock) as made:
        yield made


def test_a_text_is_answered_in_twilios_shape(rig: Rig) -> None:
    reply = rig.api.send(body="Où ? €5")
    assert reply.status_code == 201
    shown = reply.json()
    assert shown["sid"].startswith("SM")
    assert len(shown["sid"]) == 34
    assert {name: shown[name] for name in (
        "status", "from", "to", "body", "num_segments", "num_media", "error_code", "date_sent",
        "direction", "date_created", "messaging_service_sid", "price")} == {
        "status": "queued", "from": OURS, "to": ANA, "body": "Où ? €5", "num_segments": "1",
        "num_media": "0", "error_code": None, "date_sent": None, "direction": "outbound-api",
        "date_created": "Wed, 18 Nov 2026 17:00:00 +0000", "messaging_service_sid": None,
        "price": None,
    }  # fmt: skip
    assert rig.sim.refusals == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": None}, 21604),
        ({"to": "2135550123"}, 21211),
        ({"to": "+11135550123"}, 21211),
        ({"to": OURS}, 21211),
        ({"to": "+442071234567"}, 21408),
        ({"From": None}, 21603),
        ({"From": "212"}, 21212),
        ({"From": OTHER}, 21606),
        ({"MessagingServiceSid": "MG123"}, 21705),
        ({"MessagingServiceSid": MG}, 21701),
        ({"body": None}, 21619),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"MediaUrl": [f"https://cdn.example.com/{n}.jpg" for n in range(11)]}, 21623),
        ({"MediaUrl": "ring.jpg"}, 21620),
        ({"StatusCallback": "https://our_side.example.com/status"}, 21609),
        ({"StatusCallback": "/status"}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "1.5"}, 21624),
        ({"ScheduleType": "fixed", "SendAt": "2026-11-18T18:00:00Z"}, 35118),
        ({"RiskCheck": "maybe"}, 20001),
        ({"SmartEncoded": "yes"}, 20001),
        ({"Tags": "x"}, 20001),
        ({"To": [ANA, BEN]}, 20001),
    ],
)
def test_a_wrong_text_is_refused_with_its_code(rig: Rig, change: dict[str, Any], code: int) -> None:
    assert code_of(rig.api.send(**change)) == (400, code)
    assert [one.code for one in rig.sim.refusals] == [code]
    assert rig.sim.messages == []


def test_the_longest_text_passes(rig: Rig) -> None:
    media = [f"https://cdn.example.com/{n}.jpg" for n in range(10)]
    reply = rig.api.send(body="x" * 1600, MediaUrl=media, ValidityPeriod="36000")
    assert reply.status_code == 201
    assert (reply.json()["num_segments"], reply.json()["num_media"]) == ("11", "10")
    assert reply.json()["sid"].startswith("MM")


def test_a_json_body_loses_its_fields(rig: Rig) -> None:
    reply = rig.api.http.post(f"{rig.api.base}/Messages.json", json={"To": ANA, "Body": "x"})
    assert code_of(reply) == (400, 21604)


def test_who_may_call(rig: Rig, clock: Any) -> None:
    sim, path = rig.sim, f"{rig.api.base}/Messages.json"

    def status(auth: Any, where: str = path) -> tuple[int, int]:
        with httpx.Client(base_url=sim.url, trust_env=False, verify=False) as http:
            reply = http.get(where, auth=auth)
        return (200, 0) if reply.status_code == 200 else code_of(reply)

    key = sim.secret(api_key=True)
    assert status((sim.account_sid, sim.auth_token)) == (200, 0)
    assert status((key["api_key_sid"], key["api_key_secret"])) == (200, 0)
    assert status((key["api_key_sid"], sim.auth_token)) == (401, 20003)
    assert status((sim.account_sid, "wrong")) == (401, 20003)
    assert status(None) == (401, 20003)
    other = sim.add_account("AC" + "b" * 32)
    assert status((other.sid, other.auth_token)) == (404, 20404)
    sim.account.suspended = True
    assert status((sim.account_sid, sim.auth_token)) == (401, 20003)


def test_unknown_routes_and_methods(rig: Rig) -> None:
    assert code_of(rig.api.get("/Texts.json")) == (404, 20404)
    assert code_of(rig.api.delete("/Messages.json")) == (405, 20004)
    assert code_of(rig.api.get("/Messages/SM1.json")) == (404, 20404)
    assert code_of(rig.api.get(f"/Messages/SM{'0' * 32}.json")) == (404, 20404)


def test_without_json_in_the_path_the_answer_is_xml(rig: Rig) -> None:
    reply = rig.api.post("/Messages", To=ANA, From=OURS, Body="a & b")
    assert reply.headers["content-type"] == "application/xml"
    assert "<TwilioResponse><sid>SM" in reply.text
    assert "<body>a &amp; b</body>" in reply.text


def test_unknown_fields_may_be_ignored(clock: Any) -> None:
    with twilio(clock, unknown_fields="ignore") as rig:
        assert rig.api.send(Tags="x").status_code == 201


@pytest.mark.parametrize(
    ("last", "code"), [("1", 21211), ("2", 21612), ("3", 21408), ("4", 21610), ("9", 21614)]
)
def test_magic_recipients(rig: Rig, last: str, code: int) -> None:
    assert code_of(rig.api.send(to=f"+1500555000{last}")) == (400, code)


def test_magic_recipients_of_test_credentials_only(clock: Any) -> None:
    with twilio(clock, magic_numbers="test_account") as rig:
        assert rig.api.send(to="+15005550004").status_code == 201


def test_test_credentials(rig: Rig) -> None:
    account = rig.sim.test_account
    base = f"/2010-04-01/Accounts/{account.sid}"
    good = "+15005550006"
    with httpx.Client(base_url=rig.sim.url, auth=(account.sid, account.auth_token),
                      trust_env=False, verify=False) as http:  # fmt: skip

        def send(sender: str, to: str = ANA, **more: str) -> httpx.Response:
            fields = {"From": sender, "To": to, "Body": "x", **more}
            return http.post(f"{base}/Messages.json", data=fields)

        def buy(**fields: str) -> httpx.Response:
            return http.post(f"{base}/IncomingPhoneNumbers.json", data=fields)

        assert send(good, StatusCallback=rig.callback).json()["status"] == "queued"
        assert code_of(send("+15005550001")) == (400, 21212)
        assert code_of(send("+15005550007")) == (400, 21606)
        assert code_of(send("+15005550008")) == (400, 21611)
        assert code_of(send(OURS)) == (400, 21606)
        assert code_of(send(good, "+15005550009")) == (400, 21614)
        assert code_of(send(good, MessagingServiceSid=MG)) == (403, 20008)
        assert code_of(http.get(f"{base}/Messages.json")) == (403, 20008)
        assert buy(PhoneNumber=good).status_code == 201
        assert buy(AreaCode="500").status_code == 201
        assert code_of(buy(PhoneNumber="+15005550000")) == (400, 21422)
        assert code_of(buy(PhoneNumber="+15005550001")) == (400, 21421)
        assert code_of(buy(AreaCode="533")) == (400, 21452)
    rig.sim.run()
    assert rig.side.got == []
    assert rig.sim.handsets == []


def test_every_request_is_kept(rig: Rig) -> None:
    rig.api.send()
    rig.api.get("/Messages.json", To=ANA)
    rig.api.get("/Nothing.json")
    assert [(one.operation, one.status) for one in rig.sim.requests] == [
        ("CreateMessage", 201), ("ListMessage", 200), ("", 404)]  # fmt: skip


# ------------------------------------------------------------ the rules and their script
def test_rules_are_made_of_an_openapi_document() -> None:
    sid = {"type": "string", "pattern": "^AC[0-9a-f]{32}$", "description": "the account"}
    document = {
        "components": {"schemas": {"kind": {"type": "string", "enum": ["fixed"]}}},
        "paths": {"/A/{AccountSid}/Messages.json": {
            "servers": [],
            "post": {
                "operationId": "CreateMessage",
                "x-twilio": {"conditional": [["from", "messaging_service_sid"]]},
                "parameters": [{"name": "AccountSid", "in": "path", "schema": sid}],
                "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {
                    "required": ["To"],
                    "properties": {
                        "To": {"type": "string", "format": "phone-number", "description": "x"},
                        "From": {"type": "string"}, "MessagingServiceSid": {"type": "string"},
                        "ScheduleType": {"$ref": "#/components/schemas/kind"},
                        "MediaUrl": {"type": "array", "items": {"type": "string"}},
                    }}}}},
            },
            "get": {"operationId": "ListMessage"},
        }},
    }  # fmt: skip
    assert rules_of(document, ("CreateMessage",)) == {
        "CreateMessage": {
            "method": "POST", "path": "/A/{AccountSid}/Messages.json",
            "in_path": {"AccountSid": {"type": "string", "pattern": "^AC[0-9a-f]{32}$"}},
            "in_query": {}, "required": ["To"], "one_of": [["From", "MessagingServiceSid"]],
            "form": {
                "To": {"type": "string", "format": "phone-number"}, "From": {"type": "string"},
                "MessagingServiceSid": {"type": "string"},
                "ScheduleType": {"type": "string", "enum": ["fixed"]},
                "MediaUrl": {"type": "array", "items": {"type": "string"}},
            },
        }
    }  # fmt: skip


def test_the_rules_file_is_as_the_script_writes_it() -> None:
    text = WHERE.read_text(encoding="utf-8")
    assert written(json.loads(text)) == text
    assert set(operations()) == {name for names in OPERATIONS.values() for name in names}
    assert "description" not in text
    assert operations()["CreateMessage"]["one_of"] == [
        ["From", "MessagingServiceSid"], ["Body", "MediaUrl", "ContentSid"]]  # fmt: skip
