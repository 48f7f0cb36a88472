"""LivePerson's published shapes, with our own values: what we read of each and what we do not need.

Each payload has every field that the vendor's documents show for it, in the notation they show.
If a document changes, its payload here changes first, and these tests say what follows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.adapters.vendor_rig import ACCOUNT, Rig, good

from instore.adapters.liveperson import (
    Campaign,
    CampaignResult,
    Group,
    Skill,
    TextStatus,
    Transaction,
    User,
)
from instore.model import Phone
from instore.presence import Presence, Status

# ContactCenterManagement/UsersAPI/appendix.md: booleans and numbers as text, names blank.
USER: dict[str, Any] = {
    "id": "3100000042", "deleted": "false", "loginName": "noor@shop.test", "fullName": "",
    "nickname": "Noor", "passwordSh": "x", "isEnabled": "true", "maxChats": "4",
    "email": "noor@shop.test", "disabledManually": False, "skillIds": [910000001, 910000002],
    "profileIds": [920000001], "lobIds": [930000001], "changePwdNextLogin": False,
    "memberOf": {"agentGroupId": "77", "assignmentDate": "2026-02-03 09:00:00"},
    "managerOf": [{"agentGroupId": "77", "assignmentDate": "2026-02-03 09:00:00"}],
    "permissionGroups": ["1"], "description": "", "mobileNumber": "", "employeeId": "",
    "maxAsyncChats": "10", "backgndImgUri": "", "pnCertName": "",
    "dateUpdated": "2026-02-03 09:00:00", "lastPwdChangeDate": "2026-02-03 09:00:00",
    "isApiUser": False, "userTypeId": 1,
}  # fmt: skip
# ContactCenterManagement/AgentGroupsAPI/appendix.md.
GROUP: dict[str, Any] = {"id": "77", "deleted": "false", "name": "Store 0077", "description": "x",
                         "parentGroupId": "1", "isEnabled": "true"}  # fmt: skip
# ContactCenterManagement/SkillsAPI/appendix.md.
SKILL: dict[str, Any] = {
    "id": 910000001, "skillOrder": 0, "description": "x", "workingHoursId": 1,
    "specialOccasionId": 2, "name": "kay-associates", "maxWaitTime": 0, "deleted": True,
    "dateUpdated": "2026-02-03 09:00:00", "canTransfer": True, "skillTransferList": [910000002],
    "lobIds": [], "skillRoutingConfiguration": [
        {"priority": 1, "splitPercentage": 100, "agentGroupId": 77}],
}  # fmt: skip
# Reporting/KeyMessagingMetricsAPI/Methods/agent-view.md.
VIEW: dict[str, Any] = {
    "metadata": {"count": 1, "self": {"rel": "self", "href": "https://x.test/?offset=0&limit=1"},
                 "last": {"rel": "last", "href": "https://x.test/?offset=0&limit=1"}},
    "agentViewRecords": [{
        "agentId": "3100000042", "agentGroupId": -1, "agentCurrentStatus": "ONLINE",
        "agentCurrentStatusStartTime": 1795000000000, "agentCurrentStatusReasonId": "NA",
        "agentCurrentStatusReasonStartTime": 1795000000100, "activeConversations": 4,
        "assignedConversations": 4, "agentLoad": 0.133, "maxSlots": 30, "availableSlots": 26,
        "onlineDuration": 6555810, "avgWaitTime": 71470.5,
        "agentStatusDurationList": [{"agentStatus": "AWAY", "agentStatusDuration": 2000}],
        "agentMetadata": {"agentName": "x", "agentLoginName": "noor@shop.test",
                          "agentGroupName": "Main Group", "configuredMaxSlots": 30,
                          "agentSkills": [{"skillId": 910000001, "skillName": "kay"}]},
    }],
}  # fmt: skip
# MessagingChannels/ProactiveMessaging/api.md: newest and old form of the same answer.
CAMPAIGN_NEW: dict[str, Any] = {
    "proactiveCampaignId": "b7cXYZqrS", "leCampaignId": "123", "leEngagementId": "456",
    "requestTraceId": "0d1c2b3a-0000-4000-8000-000000000000", "failedConsumers": [],
    "acceptedConsumers": [{"id": "5d0f", "phoneNumber": "+12125550123",
                           "consumerContent": {"sms": "12125550123"}}],
}  # fmt: skip
CAMPAIGN_OLD = {
    **CAMPAIGN_NEW,
    "acceptedConsumers": [{"id": "kjhGF65", "phoneNumber": "+12125550123"}],
}
CONVERSATIONS: dict[str, Any] = {
    "campaignStatus": "FINISHED",
    "conversations": [{"id": "kjhGF65", "status": "DELIVERED", "conversationId": None,
                       "errorMessage": None}],
}  # fmt: skip
# Reporting/OutboundReportingAPI/overview.md, version 2.0.
TRANSACTIONS: dict[str, Any] = {
    "requestMetadata": {"accountId": "20000001", "app": "prmsg", "attemptedStartTime": 1,
                        "attemptedEndTime": 2, "filters": {"channels": ["sms"]}},
    "page": {"count": 1, "offset": 0, "limit": 1000},
    "transactions": [{
        "channel": "sms", "skill": "kay", "transactionId": "5d0f",
        "attemptedTime": "2026-11-18T12:00:00.250Z", "cancelledTime": None,
        "conversationId": None, "conversationsClosedTime": None, "conversationsCreatedTime": None,
        "consumerId": None, "deliveredTime": "2026-11-18T12:00:09.000Z", "eligibleTime": None,
        "errorCode": "400", "errorMessage": "Message failed to send", "errorSource": "prmsg",
        "failedTime": "2026-11-18T12:00:01.000Z", "inviteTime": None, "optInsTime": None,
        "optOutsTime": None, "proactiveCampaignId": "b7cXYZqrS", "readTime": None,
        "sentTime": None, "initialSkill": "kay", "initialChannel": "sms", "handOffId": "H1",
        "skippedTime": None, "ivrNumber": "", "messageStatus": "FAILED",
    }],
}  # fmt: skip
CAMPAIGN_REPORT: dict[str, Any] = {
    "requestMetadata": {"accountId": "20000001", "app": "prmsg", "proactiveCampaignId": "b7"},
    "page": {"count": 1, "previousOffset": -1, "currentOffset": 0, "nextOffset": -1},
    "consumersReport": [{"id": "5d0f", "errorCode": 300, "errorMessage": "x",
                         "errorSource": "prmsg", "status": "FAILED", "consumerId": "",
                         "conversationId": None}],
}  # fmt: skip


def test_user(clock: Any) -> None:
    listing = Rig(clock, good([USER], ac_revision="161")).liveperson.users(ACCOUNT)
    assert listing is not None
    assert listing.items == (
        User("3100000042", "", "noor@shop.test", "Noor", "noor@shop.test", True, False, 1, "77",
             ("77",), ("910000001", "910000002")),
    )  # fmt: skip


def test_employee_id_is_not_read_even_if_it_comes(clock: Any) -> None:
    rig = Rig(clock, good([{**USER, "employeeId": "E-100"}]), good([USER]))
    assert rig.liveperson.users(ACCOUNT) == rig.liveperson.users(ACCOUNT)


def test_group_and_skill(clock: Any) -> None:
    groups = Rig(clock, good([GROUP])).liveperson.groups(ACCOUNT)
    skills = Rig(clock, good([SKILL])).liveperson.skills(ACCOUNT)
    assert groups is not None
    assert skills is not None
    assert groups.items == (Group("77", "Store 0077", True, False),)
    assert skills.items == (Skill("910000001", "kay-associates", True),)


def test_agent_view(clock: Any) -> None:
    evidence = Rig(clock, good(VIEW)).liveperson.agent_view(
        ACCOUNT, agent_ids=["3100000042"], now=clock.now()
    )
    began = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
    assert evidence.of == {"3100000042": Presence(Status.ONLINE, 0.133, 26, began)}


@pytest.mark.parametrize(("body", "text_id"), [(CAMPAIGN_NEW, "5d0f"), (CAMPAIGN_OLD, "kjhGF65")])
def test_campaign(clock: Any, body: Any, text_id: str) -> None:
    campaign = Campaign("n", "kay", "H1", Phone("+12125550100"), ((Phone("+12125550123"), ()),))
    result = Rig(clock, good(body)).liveperson.start_campaign(ACCOUNT, campaign=campaign)
    assert result == CampaignResult("b7cXYZqrS", {"12125550123": text_id}, {}, ())


def test_conversations_of_a_campaign(clock: Any) -> None:
    texts = Rig(clock, good(CONVERSATIONS)).liveperson.campaign_status(ACCOUNT, campaign_id="b7")
    assert texts == [TextStatus("kjhGF65", "DELIVERED", None, None)]


def test_transactions(clock: Any) -> None:
    found = Rig(clock, good(TRANSACTIONS)).liveperson.transactions(
        ACCOUNT, start=clock.now() - timedelta(hours=6), end=clock.now()
    )
    attempted = datetime(2026, 11, 18, 12, 0, 0, 250000, tzinfo=UTC)
    assert found == [
        Transaction("5d0f", "b7cXYZqrS", "FAILED", None, "400", attempted, None, "kay")
    ]


def test_campaign_report_as_published_has_no_name(clock: Any) -> None:
    rig = Rig(clock, good(CAMPAIGN_REPORT))
    assert rig.liveperson.campaign_name(ACCOUNT, campaign_id="b7") is None
