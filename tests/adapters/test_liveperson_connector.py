"""The Connector client against prepared answers: what is sent, and what an odd answer counts for."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.adapters.vendor_rig import ACCOUNT, Rig, good, told

from instore.errors import (
    VendorError,
    VendorGarbageError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Phone
from instore.thread import LINE_CUSTOMER, Opening

BASE = "https://asyncmessagingent.lp.test/api/account/20000001/messaging/consumer/conversation"
IDP = "https://idp.lp.test/api/account/20000001/consumer"
CONSUMER = "ab" * 20 + ".12125550177"
OPENING = Opening(CONSUMER, Phone("+12125550123"), Phone("+12125550177"), "901", "dana@x.example",
                  "Store 4")  # fmt: skip
NAMED = good({"token": "jws-1"}, status=201)
OPENED = good([{"code": "OK", "body": {"msg": "OK"}, "reqId": "1"},
               {"code": "OK", "body": {"conversationId": "talk-1"}, "reqId": "2"}])  # fmt: skip


def test_what_an_opening_says(clock: Any) -> None:
    rig = Rig(clock, NAMED, OPENED)
    assert rig.liveperson.connector.open(ACCOUNT, opening=OPENING) == "talk-1"
    naming, opening = rig.seen
    assert told(naming) == ("POST", IDP, {"v": "1.0"})
    assert json.loads(naming.content) == {"ext_consumer_id": CONSUMER}
    assert told(opening) == ("POST", BASE, {"v": "3"})
    assert (naming.headers["authorization"], opening.headers["authorization"]) == ("token-1",) * 2
    assert opening.headers["x-lp-on-behalf"] == "jws-1"
    assert json.loads(opening.content) == [
        {"kind": "req", "id": "1", "type": "userprofile.SetUserProfile",
         "body": {"authenticatedData": {"lp_sdes": [
             {"type": "ctmrinfo", "info": {
                 "ctype": LINE_CUSTOMER, "imei": "+12125550123", "socialId": "+12125550177",
                 "accountName": "dana@x.example", "companyBranch": "Store 4"}},
             {"type": "personal", "personal": {"contacts": [{"phone": "+12125550123"}]}},
         ]}}},
        {"kind": "req", "id": "2", "type": "cm.ConsumerRequestConversation",
         "body": {"ttrDefName": "NORMAL", "channelType": "MESSAGING", "brandId": "20000001",
                  "skillId": "901"}},
    ]  # fmt: skip


def test_what_words_say(clock: Any) -> None:
    rig = Rig(clock, NAMED, good({"reqId": "1", "code": "OK", "body": {"sequence": 0}}))
    connector = rig.liveperson.connector
    connector.say(ACCOUNT, consumer=CONSUMER, conversation="talk-1", words="Hi é")
    _, said = rig.seen
    assert told(said) == ("POST", f"{BASE}/send", {"v": "3"})
    assert json.loads(said.content) == {
        "kind": "req", "id": "1", "type": "ms.PublishEvent",
        "body": {"dialogId": "talk-1", "event": {"type": "ContentEvent",
                                                 "contentType": "text/plain", "message": "Hi é"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "error", "processed"),
    [
        (good({"conversationId": "talk-1"}), VendorGarbageError, None),
        (good([]), VendorGarbageError, None),
        (good([1, {"code": "OK", "reqId": "1"}]), VendorGarbageError, None),
        (good([{"code": "OK", "reqId": "2", "body": {}}]), VendorGarbageError, None),
        (good([{"code": "OK", "reqId": "2", "body": None}]), VendorGarbageError, None),
        (good([{"code": "OK", "reqId": "2", "body": {"conversationId": "a/b"}}]),
         VendorGarbageError, None),
        (good([{"code": True, "reqId": "2", "body": {"conversationId": "x"}}]),
         VendorGarbageError, None),
        (good([{"code": "BAD_REQUEST", "reqId": "2", "body": "open already"}]), VendorError, False),
        (good([{"code": 503, "reqId": "2", "body": {}}]), VendorUnavailableError, None),
        (httpx.Response(200, content=b"<html>"), VendorGarbageError, None),
        (httpx.Response(302), VendorGarbageError, None),
        (httpx.Response(400), VendorError, False),
        (httpx.Response(500), VendorUnavailableError, None),
        (httpx.ReadTimeout("slow"), VendorUnavailableError, None),
        (httpx.ConnectError("away"), VendorNotReachedError, False),
    ],
)  # fmt: skip
def test_what_an_odd_answer_to_an_opening_counts_for(
    clock: Any, answer: Any, error: type[VendorError], processed: bool | None
) -> None:
    rig = Rig(clock, NAMED, answer)
    with pytest.raises(error) as caught:
        rig.liveperson.connector.open(ACCOUNT, opening=OPENING)
    assert type(caught.value) is error
    assert caught.value.processed is processed


@pytest.mark.parametrize(
    ("answer", "error"),
    [(good([]), VendorGarbageError), (good({}), VendorGarbageError),
     (good({"code": None}), VendorGarbageError), (good({"code": "ERROR"}), VendorError),
     (good({"code": 400}), VendorError), (good({"code": 0}), VendorError),
     (good({"code": 500}), VendorUnavailableError), (good({"code": "503"}), VendorUnavailableError),
     (good({"code": 429}), VendorThrottledError), (good({"code": 302}), VendorGarbageError)],
)  # fmt: skip
def test_what_an_odd_answer_to_words_counts_for(
    clock: Any, answer: Any, error: type[VendorError]
) -> None:
    rig = Rig(clock, NAMED, answer)
    with pytest.raises(error) as caught:
        rig.liveperson.connector.say(ACCOUNT, consumer=CONSUMER, conversation="t", words="Hi")
    assert type(caught.value) is error


@pytest.mark.parametrize("answer", [{"code": "OK"}, {"code": 200, "body": {"sequence": 3}}])
def test_a_yes_is_a_yes_with_or_without_a_number(clock: Any, answer: Any) -> None:
    rig = Rig(clock, NAMED, good(answer))
    rig.liveperson.connector.say(ACCOUNT, consumer=CONSUMER, conversation="t", words="Hi")


@pytest.mark.parametrize("answer", [good({}), good({"token": ""}), good({"token": "é"}), good([]),
                                    good({"token": 1}), httpx.Response(503),
                                    httpx.Response(201, content=b"x")])  # fmt: skip
def test_a_consumer_without_a_token_is_certainly_not_spoken_for(clock: Any, answer: Any) -> None:
    rig = Rig(clock, answer)
    with pytest.raises(VendorNotReachedError):
        rig.liveperson.connector.say(ACCOUNT, consumer=CONSUMER, conversation="t", words="Hi")


def test_the_consumers_token_is_kept_and_forgotten_with_the_thousandth(clock: Any) -> None:
    rig = Rig(clock, lambda request: NAMED if "idp" in request.url.host else good({"code": "OK"}))
    connector = rig.liveperson.connector
    for n in (*range(1001), 1000, 0):
        connector.say(ACCOUNT, consumer=f"c-{n}", conversation="t", words="Hi")
    named = [json.loads(r.content)["ext_consumer_id"] for r in rig.seen if "idp" in r.url.host]
    assert (len(named), named[-2:]) == (1002, ["c-1000", "c-0"])
