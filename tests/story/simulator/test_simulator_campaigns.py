"""Campaigns and their reporting: partial success, silence, opt-out, hours, twenty minutes late."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.enable_socket
OWNER, SUB = "20000001", "20000002"
KAY, JARED = "+12125550140", "+12125550141"
PHONE = "+12125550123"


def transactions(caller: Any, *, v: str = "2.0", hours: float = 24, **body: Any) -> httpx.Response:
    end = int(caller.clock.now().timestamp() * 1000)
    start = end - int(hours * 3_600_000)
    url = f"/api/account/{caller.account}/app/prmsg/transactions/"
    query = f"?attemptedStartTime={start}&attemptedEndTime={end}&v={v}"
    return caller.http.post(url + query, json=body, headers=caller.bearer())


def status_of(caller: Any, campaign: str) -> Any:
    url = f"/api/v2/account/{caller.account}/campaign/{campaign}/conversations"
    return caller.http.get(url, headers=caller.bearer()).json()


def test_a_campaign_text_reaches_the_handset(sim: Any, callers: Any, now: Any) -> None:
    caller = callers(sim)
    got = caller.campaign(PHONE)
    body = got.json()
    assert (got.status_code, body["failedConsumers"]) == (200, [])
    assert [(a["phoneNumber"], a["consumerContent"]) for a in body["acceptedConsumers"]] == [
        (PHONE, {"sms": PHONE[1:]})]  # fmt: skip
    assert sim.handset(PHONE) == []  # accepted is not sent
    sim.run()
    text = sim.handset(PHONE)[0]
    assert (text.sender, text.body) == (KAY, "Dana here. Reply STOP to end texts.")
    assert (text.kind, text.campaign, text.at) == ("campaign", "batch 1/1", now)
    status = status_of(caller, body["proactiveCampaignId"])
    assert status == {"campaignStatus": "FINISHED", "conversations": [
        {"id": body["acceptedConsumers"][0]["id"], "status": "DELIVERED",
         "conversationId": None, "errorMessage": None}]}  # fmt: skip


def test_a_repeated_call_texts_twice(sim: Any, callers: Any) -> None:
    caller = callers(sim)
    for _ in range(2):
        caller.campaign(PHONE)
    sim.run()
    assert len(sim.handset(PHONE)) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"consent": None}, "Fields missing in request: consent"),
        ({"skill": None, "templateId": ""}, "Fields missing in request: skill, templateId"),
        ({"consumers": []}, "Fields missing in request: consumers"),
        ({"outboundNumber": None}, "Fields missing in request: outboundNumber"),
        ({"consent": "true"}, "Invalid field: consent must be true"),
        ({"campaignName": "x" * 256}, "Invalid field: campaignName is a text of at most 255"),
        ({"skill": "Kay"}, "Invalid field: no skill 'Kay'"),
        ({"templateId": "T9"}, "Invalid field: no template 'T9'"),
        ({"outboundNumber": KAY}, "Invalid field: outboundNumber is at most 16 digits"),
        ({"outboundNumber": "13105550100"}, "Invalid field: outboundNumber is not of this account"),
        ({"consumers": [{}] * 101}, "Invalid field: at most 100 consumers"),
        ({"consumers": {"sms": "1"}}, "Invalid field: consumers is a list of objects"),
        ({"agentId": "1"}, "Unknown fields in request: agentId"),
        ({"consumers": [{"variables": {"1": "x" * 1551}}]},
         "Invalid field: a variable is at most 1550"),
    ],
)  # fmt: skip
def test_wrong_campaigns_are_refused_whole(
    sim: Any, callers: Any, changes: dict[str, Any], reason: str
) -> None:
    got = callers(sim).campaign(PHONE, **changes)
    assert (got.status_code, got.json()["message"]) == (400, reason)
    assert [r.reason for r in sim.refusals] == [reason]
    sim.run()
    assert (sim.handsets, sim.campaigns) == ([], [])


def test_a_hundred_go_and_the_101st_does_not(sim: Any, callers: Any) -> None:
    phones = [f"+1212555{n:04d}" for n in range(101)]
    caller = callers(sim)
    assert caller.campaign(*phones).status_code == 400
    assert len(caller.campaign(*phones[:100]).json()["acceptedConsumers"]) == 100


def test_consumers_fail_one_by_one(sim: Any, callers: Any) -> None:
    sim.add_phone("+12125550199", invalid=True)

    def to(sms: str | None, variables: Any = None) -> dict[str, Any]:
        return {"consumerContent": {"sms": sms} if sms else {"wa": "1"},
                "variables": {"1": "Dana"} if variables is None else variables}  # fmt: skip

    consumers = [
        to("12125550101"), to("12125550101"), to("12125550199"), to("10125550101"), to(PHONE),
        to(None), to("12125550102", {}), to("12125550103", {"1": "a", "2": "b"}),
        to("12125550104", {"2": "b"}), to("12125550105", {"1": 5}), to("+447700900123"[1:]),
        {**to("12125550106"), "headerVariables": {"image": "https://a.example/b.png"}},
        {**to("12125550107"), "headerVariables": {"image": "http://a.example/b.png"}},
    ]  # fmt: skip
    got = callers(sim).campaign(consumers=consumers).json()
    assert [a["phoneNumber"] for a in got["acceptedConsumers"]] == [
        "+12125550101", "+447700900123"]  # fmt: skip
    assert [f["errorMessage"] for f in got["failedConsumers"]] == [
        "DUPLICATE_NUMBER", "INVALID_NUMBER", "INVALID_NUMBER", "INVALID_NUMBER",
        "MISSING_CONSUMER_INFORMATION==SMS", "INSUFFICIENT_VARIABLES", "TOO_MANY_VARIABLES",
        "MISSING_VARIABLE=1", "VARIABLE_NOT_STRING=1", "TOO_MANY_HEADER_VARIABLES",
        "HEADER_VARIABLE_INVALID_URL",
    ]  # fmt: skip
    assert sim.refusals == []  # partial failure is a success


def test_an_id_comes_back_even_when_all_fail(sim: Any, callers: Any) -> None:
    got = callers(sim).campaign("+1")
    assert (got.status_code, len(got.json()["proactiveCampaignId"])) == (200, 9)
    assert got.json()["acceptedConsumers"] == []


def test_tokens_of_campaigns(sim: Any, callers: Any, clock: Any) -> None:
    caller = callers(sim)
    url = f"/api/v2/account/{OWNER}/campaign"
    assert caller.http.post(url, json={}).status_code == 401
    assert caller.http.post(url, json={}, headers=caller.bearer("V2")).status_code == 401
    old = caller.bearer()
    clock.advance(3600)
    late = caller.http.post(url, json={}, headers=old)
    assert (late.status_code, late.json()) == (401, {"code": 0, "message": "jwt expired"})


def test_the_eleventh_request_in_a_second_is_refused(sim: Any, callers: Any, clock: Any) -> None:
    caller = callers(sim)
    statuses = [caller.campaign(f"+1212555{n:04d}").status_code for n in range(11)]
    assert statuses == [200] * 10 + [429]
    assert len(sim.campaigns) == 10  # refused = not processed
    clock.advance(1)
    assert caller.campaign(PHONE).status_code == 200


def test_opted_out_is_skipped_until_start(sim: Any, callers: Any, clock: Any) -> None:
    caller = callers(sim)
    sim.text_from(PHONE, to=KAY, text=" stop ")
    sim.run()
    sim.conversation(phone=PHONE).state = "CLOSE"
    first = caller.campaign(PHONE).json()["proactiveCampaignId"]
    sim.run()
    assert [t.kind for t in sim.handset(PHONE)] == ["carrier"]  # our bot's words were blocked too
    assert sim.dropped[0][0] == "twilio_21610"
    assert status_of(caller, first)["conversations"][0]["status"] == "SKIPPED"
    clock.advance(1200)
    row = transactions(caller).json()["transactions"][0]
    assert (row["messageStatus"], row["errorCode"]) == ("SKIPPED", "twilio_21610")
    sim.text_from(PHONE, to=KAY, text="START")
    sim.run()
    sim.conversation(phone=PHONE).state = "CLOSE"
    caller.campaign(PHONE)
    sim.run()
    assert [t.kind for t in sim.handset(PHONE)] == ["carrier", "bot", "campaign"]


def test_outside_the_recipients_day_it_waits(sim: Any, callers: Any, clock: Any) -> None:
    clock.advance(11 * 3600)  # 23:00 in New York, 20:00 in Los Angeles
    caller = callers(sim)
    campaign = caller.campaign(PHONE, "+12135550123").json()["proactiveCampaignId"]
    sim.run()
    status = status_of(caller, campaign)
    assert status["campaignStatus"] == "RUNNING"
    assert [c["status"] for c in status["conversations"]] == ["SCHEDULED", "DELIVERED"]
    clock.advance(9 * 3600 - 1)
    sim.run()
    assert sim.handset(PHONE) == []
    assert len(transactions(caller).json()["transactions"]) == 1  # what waits is not reported
    clock.advance(1)
    sim.run()
    assert sim.handset(PHONE)[0].at == datetime(2026, 11, 19, 13, 0, tzinfo=UTC)


def test_an_open_conversation_is_silence(sim: Any, callers: Any, clock: Any) -> None:
    caller = callers(sim)
    sim.text_from(PHONE, to=KAY, text="hi")  # now open in the sub-account
    sim.run()
    before = len(sim.handset(PHONE))
    got = caller.campaign(PHONE, skill="jared", outboundNumber=JARED[1:]).json()
    sim.run()
    assert len(got["acceptedConsumers"]) == 1
    assert len(sim.handset(PHONE)) == before
    status = status_of(caller, got["proactiveCampaignId"])["conversations"][0]
    assert status["status"] == "NOT_SENT"
    clock.advance(1200)
    row = transactions(caller).json()["transactions"][0]
    assert (row["messageStatus"], row["errorCode"]) == ("FAILED", "proactive_1400")


def test_scope_and_channels_of_an_open_conversation(make: Any, callers: Any) -> None:
    own = make(open_conversation_scope="account")
    own.text_from(PHONE, to=KAY, text="hi")  # open in the sub-account only
    own.run()
    callers(own).campaign(PHONE)
    own.run()
    assert [t.kind for t in own.handset(PHONE)] == ["bot", "campaign"]


def test_landlines_fail_later_or_at_once(make: Any, callers: Any, clock: Any) -> None:
    later, at_once = make(), make(landline="invalid_number")
    for sim in (later, at_once):
        sim.add_phone(PHONE, landline=True)
    assert callers(at_once).campaign(PHONE).json()["failedConsumers"][0]["errorMessage"] == (
        "INVALID_NUMBER"
    )
    caller = callers(later)
    campaign = caller.campaign(PHONE).json()["proactiveCampaignId"]
    later.run()
    assert status_of(caller, campaign)["conversations"][0]["status"] == "FAILED"
    clock.advance(1200)
    row = transactions(caller).json()["transactions"][0]
    assert row["errorCode"] == "outbound_twilio_21614"
    assert later.handset(PHONE) == []


def test_reporting_is_twenty_minutes_late(sim: Any, callers: Any, clock: Any) -> None:
    caller = callers(sim)
    campaign = caller.campaign(PHONE).json()["proactiveCampaignId"]
    sim.run()
    report = f"/api/account/{OWNER}/app/prmsg/campaigns/{campaign}/"
    clock.advance(1199)
    assert transactions(caller).json()["transactions"] == []
    assert caller.http.get(report, headers=caller.bearer()).status_code == 404
    sim.text_from(PHONE, to=KAY, text="yes please")
    clock.advance(1)
    rows = transactions(caller).json()
    assert rows["page"] == {"count": 1, "offset": 0, "limit": 100}
    row = rows["transactions"][0]
    assert (row["messageStatus"], row["proactiveCampaignId"]) == ("DELIVERED", campaign)
    assert (row["attemptedTime"], row["conversationId"]) == ("2026-11-18T17:00:00.000Z", None)
    clock.advance(1199)
    row = transactions(caller).json()["transactions"][0]
    assert row["messageStatus"] == "RESPONDED"
    assert row["conversationId"] == sim.conversations(phone=PHONE)[0].id
    shown = caller.http.get(report, headers=caller.bearer()).json()
    assert shown["requestMetadata"]["campaignName"] == "batch 1/1"
    assert [r["status"] for r in shown["consumersReport"]] == ["RESPONDED"]


def test_reporting_may_not_name_campaigns(make: Any, callers: Any, clock: Any) -> None:
    caller = callers(make(report_names_campaigns=False))
    campaign = caller.campaign(PHONE).json()["proactiveCampaignId"]
    clock.advance(1200)
    report = f"/api/account/{OWNER}/app/prmsg/campaigns/{campaign}/"
    about = caller.http.get(report, headers=caller.bearer()).json()["requestMetadata"]
    assert about == {"accountId": OWNER, "app": "prmsg", "proactiveCampaignId": campaign}


def test_reporting_pages_filters_and_refuses(sim: Any, callers: Any, clock: Any) -> None:
    caller = callers(sim)
    caller.campaign(*[f"+1212555{n:04d}" for n in range(5)])
    sim.run()
    clock.advance(1200)
    page = transactions(caller, offset=3, limit=2).json()
    assert (page["page"]["count"], len(page["transactions"])) == (5, 2)
    assert len(transactions(caller, filters={"skills": ["kay"]}).json()["transactions"]) == 5
    none = transactions(caller, filters={"messagestatus": ["FAILED"]}).json()
    assert none["transactions"] == []
    refused = [transactions(caller, **wrong) for wrong in (
        {"hours": 24.001}, {"v": "1.0"}, {"limit": 5001}, {"filters": {"phones": []}},
        {"filters": {"messagestatus": ["LOST"]}},
    )]  # fmt: skip
    assert [r.status_code for r in refused] == [400] * 5
    statuses = [transactions(caller).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]  # eleven requests within the second by now
