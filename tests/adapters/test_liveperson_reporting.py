"""Outbound reporting: windows, pages, pace; a report with holes is no report."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.adapters.vendor_rig import ACCOUNT, Rig, good, told

from instore.adapters.liveperson import TextStatus, Transaction
from instore.errors import VendorError, VendorGarbageError

START = datetime(2026, 11, 17, 12, tzinfo=UTC)
START_MS = 1794916800000
HOUR_MS = 3_600_000
URL = "https://va.cx-reporting.liveperson.net/api/account/20000001/app/prmsg"


def row(text_id: Any, **more: Any) -> dict[str, Any]:
    return {"transactionId": text_id, "messageStatus": "SENT", "proactiveCampaignId": "camp1",
            "attemptedTime": "2026-11-17T12:00:01.500Z", "conversationId": None, "errorCode": None,
            "consumerId": None, **more}  # fmt: skip


def page(*rows: Any) -> httpx.Response:
    return good({"page": {"count": len(rows), "offset": 0, "limit": 1000},
                 "transactions": list(rows)})  # fmt: skip


def test_request_and_row(clock: Any) -> None:
    rig = Rig(clock, page(row("t1"), row("t2", messageStatus="FAILED", errorCode=400,
                                         conversationId="c", consumerId="u",
                                         attemptedTime="yesterday")))  # fmt: skip
    found = rig.liveperson.transactions(ACCOUNT, start=START, end=START + timedelta(hours=1))
    (request,) = rig.seen
    assert told(request) == ("POST", f"{URL}/transactions/", {
        "attemptedStartTime": str(START_MS), "attemptedEndTime": str(START_MS + HOUR_MS),
        "v": "2.0",
    })  # fmt: skip
    assert json.loads(request.content) == {
        "offset": 0, "limit": 1000, "filters": {"channels": ["sms"]}
    }  # fmt: skip
    assert request.headers["authorization"] == "Bearer token-1"
    attempted = datetime(2026, 11, 17, 12, 0, 1, 500000, tzinfo=UTC)
    assert found == [
        Transaction("t1", "camp1", "SENT", None, None, attempted, None),
        Transaction("t2", "camp1", "FAILED", "c", "400", None, "u"),
    ]
    assert rig.slept == []


@pytest.mark.parametrize("value", [None, 1794916800000, "2026-11-17T12:00:01", ""])
def test_a_time_of_another_shape_is_not_told(clock: Any, value: Any) -> None:
    rig = Rig(clock, page(row("t1", attemptedTime=value)))
    (found,) = rig.liveperson.transactions(ACCOUNT, start=START, end=START + timedelta(hours=1))
    assert found.attempted_at is None


def test_windows_of_a_day_and_pages_of_a_thousand(clock: Any) -> None:
    full = page(*(row(f"t{n}") for n in range(1000)))
    rig = Rig(clock, full, page(row("t999"), row("last")), page(row("next day"), row("last")))
    found = rig.liveperson.transactions(ACCOUNT, start=START, end=START + timedelta(hours=30))
    assert [(told(r)[2]["attemptedStartTime"], told(r)[2]["attemptedEndTime"],
             json.loads(r.content)["offset"]) for r in rig.seen] == [
        (str(START_MS), str(START_MS + 24 * HOUR_MS), 0),
        (str(START_MS), str(START_MS + 24 * HOUR_MS), 1000),
        (str(START_MS + 24 * HOUR_MS), str(START_MS + 30 * HOUR_MS), 0),
    ]  # fmt: skip
    assert len(found) == 1002
    assert [t.id for t in found[-2:]] == ["last", "next day"]
    assert rig.slept == [0.1, 0.1]


def test_a_report_that_turns_in_circles_ends(clock: Any) -> None:
    rig = Rig(clock, page(*(row(f"t{n}") for n in range(1000))))
    with pytest.raises(VendorGarbageError):
        rig.liveperson.transactions(ACCOUNT, start=START, end=START + timedelta(hours=1))
    assert len(rig.seen) == 2


def test_no_time_at_all_is_no_call(clock: Any) -> None:
    assert Rig(clock).liveperson.transactions(ACCOUNT, start=START, end=START) == []


@pytest.mark.parametrize(
    "body",
    [[], {}, {"transactions": {}}, {"transactions": [row("t1"), 7]},
     {"transactions": [row("t1"), row(None)]}, {"transactions": [row("t1"), row("")]},
     {"transactions": [row("t1", messageStatus=None)]}, {"transactions": [row(True)]},
     {"transactions": [row("t" * 129)]},
     {"transactions": [row(n) for n in range(1001)]}],
)  # fmt: skip
def test_a_report_with_holes_is_no_report(clock: Any, body: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(body)).liveperson.transactions(
            ACCOUNT, start=START, end=START + timedelta(hours=1)
        )


@pytest.mark.parametrize(
    ("body", "name"),
    [({"campaignName": "chunk 1"}, "chunk 1"),
     ({"requestMetadata": {"campaignName": "chunk 2"}}, "chunk 2"),
     ({"requestMetadata": {"accountId": "1"}, "consumersReport": []}, None),
     ({"requestMetadata": "x", "campaignName": ""}, None)],
)  # fmt: skip
def test_name_of_a_campaign_if_it_is_told(clock: Any, body: Any, name: str | None) -> None:
    rig = Rig(clock, good(body))
    assert rig.liveperson.campaign_name(ACCOUNT, campaign_id="camp1") == name
    assert told(rig.seen[0]) == ("GET", f"{URL}/campaigns/camp1/", {})


def test_statuses_and_skills_are_asked_for_by_name(clock: Any) -> None:
    rig = Rig(clock, page(row("t1", skill="kay", messageStatus="FAILED",
                              errorCode="twilio_30007")))  # fmt: skip
    (found,) = rig.liveperson.transactions(
        ACCOUNT, start=START, end=START + timedelta(hours=1), statuses=("FAILED",), skills=("kay",)
    )
    assert json.loads(rig.seen[0].content)["filters"] == {
        "channels": ["sms"], "messagestatus": ["FAILED"], "skills": ["kay"]}  # fmt: skip
    assert (found.skill, found.error_code) == ("kay", "twilio_30007")


def reported(*rows: Any) -> httpx.Response:
    return good({"requestMetadata": {"accountId": "1"}, "page": {"count": len(rows)},
                 "consumersReport": list(rows)})  # fmt: skip


def test_how_each_text_of_a_campaign_ended(clock: Any) -> None:
    words = "to +12125550101 was filtered"
    rig = Rig(clock, reported(
        {"id": "t1", "status": "FAILED", "errorCode": 30007, "errorMessage": words,
         "conversationId": None},
        {"id": "t2", "status": "DELIVERED", "errorCode": None, "conversationId": "c"},
        {"id": 3, "status": None},
    ))  # fmt: skip
    assert rig.liveperson.campaign_report(ACCOUNT, campaign_id="a/b") == [
        TextStatus("t1", "FAILED", None, "30007"), TextStatus("t2", "DELIVERED", "c", None),
        TextStatus("3", "SCHEDULED", None, None),
    ]  # fmt: skip
    assert told(rig.seen[0])[:2] == ("GET", f"{URL}/campaigns/a%2Fb/")


def test_a_campaign_not_reported_yet_is_no_news(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(404, json={"code": 0, "message": "no"}))
    assert rig.liveperson.campaign_report(ACCOUNT, campaign_id="camp1") == []


@pytest.mark.parametrize(
    "body",
    [[], {}, {"page": {}}, {"consumersReport": {}}, {"consumersReport": [7]},
     {"consumersReport": [{"id": "", "status": "SENT"}]},
     {"consumersReport": [{"id": "t", "status": 7}]}],
)  # fmt: skip
def test_a_campaigns_report_with_holes_is_no_report(clock: Any, body: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(body)).liveperson.campaign_report(ACCOUNT, campaign_id="camp1")


def test_name_of_an_unknown_campaign(clock: Any) -> None:
    rig = Rig(clock, httpx.Response(404), httpx.Response(400), good([]))
    assert rig.liveperson.campaign_name(ACCOUNT, campaign_id="camp1") is None
    with pytest.raises(VendorError):
        rig.liveperson.campaign_name(ACCOUNT, campaign_id="camp1")
    with pytest.raises(VendorGarbageError):
        rig.liveperson.campaign_name(ACCOUNT, campaign_id="camp1")
