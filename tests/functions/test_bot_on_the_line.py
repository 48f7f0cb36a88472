"""The routing bot in a conversation of the SMS line: who it is, what was heard before it came."""

from __future__ import annotations

from typing import Any

import pytest
from tests.bot_rig import KATE, PHONE, BotRig, told

from instore.adapters.table import Table
from instore.conversation import State
from instore.identifying import identify
from instore.model import Channel, Phone

LINE = "+12125550177"
SDES = {
    "authenticatedSdes": {
        "ctmrinfo": {"type": "ctmrinfo", "info": {"ctype": "sms-line", "imei": PHONE,
                                                  "socialId": LINE}},
        "personal": {"type": "personal", "personal": {"contacts": [{"phone": PHONE}]}},
    },
    "unauthenticatedSdes": {},
}  # fmt: skip


@pytest.fixture
def rig(table: Table, clock: Any) -> BotRig:
    return BotRig(table, clock)


@pytest.mark.parametrize("shape", ["by type", "list", "history"])
def test_our_own_attributes_name_customer_and_number(rig: BotRig, shape: str) -> None:
    info = {"ctype": "sms-line", "imei": PHONE, "socialId": LINE}
    sdes: Any = {
        "by type": SDES["authenticatedSdes"],
        "list": [{"type": "ctmrinfo", "info": info}],
        "history": {"customerInfo": {"customerInfo": info}},
    }[shape]
    found = identify(sdes, unauthenticated={}, browser="", banner=rig.banner)
    assert (found.channel, found.phone, found.line) == (Channel.SMS, Phone(PHONE), Phone(LINE))


@pytest.mark.parametrize(
    "info", [{"ctype": "gold", "socialId": LINE}, {"ctype": "sms-line", "socialId": "facebook-7"},
             {"ctype": "sms-line"}],
)  # fmt: skip
def test_others_are_members_on_the_web(rig: BotRig, info: dict[str, str]) -> None:
    found = identify([{"type": "ctmrinfo", "info": info}], unauthenticated={}, browser="",
                     banner=rig.banner)  # fmt: skip
    assert (found.channel, found.line) == (Channel.WEB, None)


def test_what_any_web_page_can_say_is_no_line(rig: BotRig) -> None:
    found = identify({}, unauthenticated=SDES["authenticatedSdes"], browser="CHROME",
                     banner=rig.banner)  # fmt: skip
    assert (found.channel, found.line) == (Channel.WEB, None)


def test_a_customer_of_the_line_reaches_whose_number_they_texted(rig: BotRig) -> None:
    rig.create(sdes=SDES)
    customer = rig.bind(KATE)
    sentence, action = told(rig.say("Is my ring ready?"))
    assert (sentence, (action or {})["agentId"]) == ("Connecting you with Kate.", KATE)
    item = rig.item()
    assert (item["line"], item["channel"], item["phone"]) == (LINE, "sms", PHONE)
    assert item["customer"] == customer


def test_a_stop_was_heard_and_confirmed_before_it_came_here(rig: BotRig) -> None:
    rig.create(sdes=SDES)
    customer = rig.bind(KATE)
    status, body = rig.say("STOP")
    assert status == 200
    (said, action) = body["response"]
    assert said["data"]["messageAudience"] == "AGENTS_AND_MANAGERS"
    assert action["data"]["name"] == "CLOSE_CONVERSATION"
    known = rig.services.customers.get(customer)
    assert known is not None
    assert known.opted_out is None  # inbound.py records it, with its own time
    assert rig.item()["state"] == State.CLOSED.value


def test_a_start_is_a_text_like_others(rig: BotRig) -> None:
    rig.create(sdes=SDES)
    customer = rig.bind(KATE)
    rig.services.customers.opt_out(customer, banner=rig.banner.name, scope="all", how="t",
                                   words="", now=rig.clock.now())  # fmt: skip
    rig.clock.advance(1)
    sentence, _ = told(rig.say("START"))
    assert sentence == "Connecting you with Kate."
    known = rig.services.customers.get(customer)
    assert known is not None
    assert known.opted_out is not None


def test_it_never_leaves_its_account(rig: BotRig) -> None:
    """The store is closed: others go to the virtual associates of the owner's account, whose
    answers our number would never hear of."""
    rig.add_store(openings=())
    rig.away(KATE, "61002", "61900")
    rig.create(sdes=SDES)
    rig.bind(KATE)
    sentence, action = told(rig.say("Is anybody there?"))
    assert (sentence, action) == ("We are connecting you with our team.",
                                  {"skillName": rig.banner.human_skill})  # fmt: skip
    rig.create(conversation="c-2")
    sentence, action = told(rig.say("Is anybody there?", conversation="c-2"))
    assert (action or {})["skillName"] == rig.banner.virtual_skill


def test_a_strict_program_never_falls_to_whoever_is_there(table: Table, clock: Any) -> None:
    rig = BotRig(table, clock, routing__stickiness="strict", routing__triggers={},
                 routing__steps=["associate", "wait_for_associate", "skill"],
                 routing__resolvers=["binding"])  # fmt: skip
    rig.create(sdes=SDES)
    _, action = told(rig.say("Is anybody there?"))
    assert action == {"skillName": rig.banner.virtual_skill}


def test_a_fallback_of_its_own_is_used(table: Table, clock: Any) -> None:
    rig = BotRig(table, clock, banners__0__fallback_skill="kay-desk")
    rig.away(KATE, "61002", "61900")
    rig.create(sdes=SDES)
    rig.bind(KATE)
    _, action = told(rig.say("Is anybody there?"))
    assert action == {"skillName": "kay-desk"}
