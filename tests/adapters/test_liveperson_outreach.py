"""Campaigns: the request to the letter; who was sent, who was not, of whom nobody knows (I4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.adapters.vendor_rig import ACCOUNT, Rig, good, told

from instore.adapters.liveperson import Campaign, CampaignResult, TextStatus
from instore.errors import BadInputError, VendorGarbageError
from instore.model import Phone

ANA, BEN, CHI = Phone("+12125550111"), Phone("+13105550112"), Phone("+14165550113")
CAMPAIGN = Campaign(
    name="chunk 7f3a", skill="kay", template_id="H123", outbound=Phone("+12125550100"),
    recipients=((ANA, ("Ana", "Kay")), (BEN, ("Ben", "Kay")), (CHI, ())),
)  # fmt: skip


def took(phone: Phone, text_id: Any = "t", **more: Any) -> dict[str, Any]:
    return {"id": text_id, "phoneNumber": phone.e164, "consumerContent": {"sms": phone.digits},
            **more}  # fmt: skip


def refused(phone: Phone, reason: Any = "INVALID_NUMBER", **more: Any) -> dict[str, Any]:
    return {"phone": phone.digits[1:], "countryCode": "1", "consumerContent": {"sms": phone.digits},
            "variables": {}, "errorMessage": reason, **more}  # fmt: skip


def answer(accepted: Any, failed: Any, **more: Any) -> dict[str, Any]:
    return {"proactiveCampaignId": "camp1", "leCampaignId": "1", "leEngagementId": "2",
            "requestTraceId": "x", "failedConsumers": failed, "acceptedConsumers": accepted,
            **more}  # fmt: skip


def start(clock: Any, body: Any) -> CampaignResult:
    return Rig(clock, good(body)).liveperson.start_campaign(ACCOUNT, campaign=CAMPAIGN)


def test_request_and_result(clock: Any) -> None:
    rig = Rig(clock, good(answer([took(ANA, "t1"), took(CHI, "t3")], [refused(BEN)])))
    result = rig.liveperson.start_campaign(ACCOUNT, campaign=CAMPAIGN)
    (request,) = rig.seen
    assert told(request) == (
        "POST",
        "https://proactive-messaging.z1.fs.liveperson.com/api/v2/account/20000001/campaign",
        {},
    )
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["content-type"] == "application/json"
    assert request.extensions["timeout"] == {"connect": 1.5, "pool": 1.5, "read": 7, "write": 7}
    assert json.loads(request.content) == {
        "campaignName": "chunk 7f3a", "skill": "kay", "templateId": "H123",
        "outboundNumber": "12125550100", "consent": True,
        "consumers": [
            {"consumerContent": {"sms": "12125550111"}, "variables": {"1": "Ana", "2": "Kay"}},
            {"consumerContent": {"sms": "13105550112"}, "variables": {"1": "Ben", "2": "Kay"}},
            {"consumerContent": {"sms": "14165550113"}, "variables": {}},
        ],
    }  # fmt: skip
    assert result == CampaignResult(
        "camp1", {"12125550111": "t1", "14165550113": "t3"}, {"13105550112": "INVALID_NUMBER"}, ()
    )
    assert "5550" not in repr(result)


def test_an_id_too_long_to_keep_is_none(clock: Any) -> None:
    """A text without an id is unclear; without the campaign's nobody knows what was done."""
    result = start(clock, answer([took(ANA, "t" * 128), took(BEN, "t" * 129)], [refused(CHI)]))
    assert result.accepted == {ANA.digits: "t" * 128}
    assert result.unclear == (BEN.digits,)
    assert start(clock, answer([], [], proactiveCampaignId="c" * 128)).campaign_id == "c" * 128
    with pytest.raises(VendorGarbageError):
        start(clock, answer([took(ANA)], [], proactiveCampaignId="c" * 129))


def test_everybody_failed_is_still_an_answer(clock: Any) -> None:
    result = start(clock, answer([], [refused(p) for p in (ANA, BEN, CHI)]))
    assert (result.accepted, len(result.failed), result.unclear) == ({}, 3, ())


@pytest.mark.parametrize(
    ("accepted", "failed"),
    [
        ([took(BEN), took(CHI)], []),  # in neither list
        ([took(ANA), took(BEN), took(CHI)], [refused(ANA)]),  # in both
        ([took(ANA, None), took(BEN), took(CHI)], []),  # without an id
        ([took(ANA, ""), took(BEN), took(CHI)], []),
        ([took(ANA, True), took(BEN), took(CHI)], []),
        ([took(ANA, "a"), took(ANA, "b"), took(BEN), took(CHI)], []),  # twice
        ([7, took(BEN), took(CHI)], [None, "x", {}]),  # entries about nobody
        ([took(Phone("+12125550199")), took(BEN), took(CHI)], None),  # somebody else
        ([took(BEN), took(CHI), {"id": "t", "consumerContent": {"sms": ["12125550111"]}}], []),
    ],
)
def test_what_is_not_clear_is_neither_sent_nor_failed(
    clock: Any, accepted: Any, failed: Any
) -> None:
    result = start(clock, answer(accepted, failed))
    assert result.unclear == ("12125550111",)
    assert set(result.accepted) == {"13105550112", "14165550113"}
    assert result.failed == {}


def test_numbers_are_recognised_in_every_published_form(clock: Any) -> None:
    result = start(clock, answer(
        [{"id": 5, "phoneNumber": "+1 212-555-0111"}],
        [{"countryCode": "1", "phone": "3105550112", "errorMessage": None},
         {"phone": "+14165550113", "errorMessage": "no route to 14165550113 today"}],
    ))  # fmt: skip
    assert result == CampaignResult(
        "camp1", {"12125550111": "5"}, {"13105550112": "", "14165550113": "no route to … today"}
    )


@pytest.mark.parametrize(
    "body",
    [[], None, {}, answer([], [], proactiveCampaignId=""), answer([], [], proactiveCampaignId=None),
     answer(None, None), answer({}, []), answer([], "none"), answer(None, {})],
)  # fmt: skip
def test_an_answer_of_another_shape_means_nobody_knows(clock: Any, body: Any) -> None:
    with pytest.raises(VendorGarbageError) as caught:
        start(clock, body)
    assert caught.value.processed is None


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "n" * 256}, {"skill": ""}, {"skill": "s" * 256}, {"template_id": ""},
     {"template_id": "t" * 33}, {"recipients": ()}, {"recipients": ((ANA, ()), (ANA, ()))},
     {"recipients": ((ANA, ("v" * 1551,)),)}, {"recipients": ((ANA, (5,)),)},
     {"recipients": tuple((Phone(f"+1212555{n:04}"), ()) for n in range(101))}],
)  # fmt: skip
def test_a_campaign_the_vendor_would_refuse_cannot_be_made(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"name": "n", "skill": "s", "template_id": "t", "outbound": ANA,
                             "recipients": ((ANA, ()),)}  # fmt: skip
    Campaign(**right)
    with pytest.raises(BadInputError) as caught:
        Campaign(**{**right, **wrong})
    assert caught.value.public_code == "invalid_campaign"


def test_a_hundred_recipients_are_allowed(clock: Any) -> None:
    people = tuple((Phone(f"+1212555{n:04}"), ()) for n in range(100))
    campaign = Campaign(name="n" * 255, skill="s", template_id="t" * 32, outbound=ANA,
                        recipients=people)  # fmt: skip
    body = answer([took(phone, f"t{n}") for n, (phone, _) in enumerate(people)], [])
    result = Rig(clock, good(body)).liveperson.start_campaign(ACCOUNT, campaign=campaign)
    assert (len(result.accepted), result.unclear) == (100, ())


def test_status_of_a_campaign(clock: Any) -> None:
    rig = Rig(clock, good({"campaignStatus": "FINISHED", "conversations": [
        {"id": "t1", "status": "DELIVERED", "conversationId": None, "errorMessage": None},
        {"id": 2, "status": "NOT_SENT", "conversationId": "c9",
         "errorMessage": "proactive_1400 12125550111"},
    ]}))  # fmt: skip
    assert rig.liveperson.campaign_status(ACCOUNT, campaign_id="camp/1") == [
        TextStatus("t1", "DELIVERED", None, None),
        TextStatus("2", "NOT_SENT", "c9", "proactive_1400 …"),
    ]
    assert (rig.seen[0].method, rig.seen[0].url.raw_path) == (
        "GET", b"/api/v2/account/20000001/campaign/camp%2F1/conversations"
    )  # fmt: skip


@pytest.mark.parametrize("body", [[], {}, {"conversations": {}}, {"conversations": [7]},
                                  {"conversations": [{"id": "a"}]},
                                  {"conversations": [{"status": "FAILED"}]}])  # fmt: skip
def test_status_of_another_shape_is_garbage(clock: Any, body: Any) -> None:
    with pytest.raises(VendorGarbageError):
        Rig(clock, good(body)).liveperson.campaign_status(ACCOUNT, campaign_id="camp1")
