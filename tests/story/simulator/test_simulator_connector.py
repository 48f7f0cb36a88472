"""The Connector API: our client against the simulator's routes, and what the routes refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from local.liveperson import conversations

from instore.adapters.liveperson import LivePerson
from instore.adapters.liveperson_connector import Connector
from instore.errors import (
    VendorError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Phone
from instore.program import Account
from instore.thread import LINE_CUSTOMER, Opening

pytestmark = pytest.mark.enable_socket
SUB, DANA = "20000002", "dana@shop.example"
CONSUMER = "ab" * 20 + ".12125550177"
SUB_ACCOUNT = Account(id=SUB, role="sub", secret=f"instore/{SUB}", bot_client_id="our-bot-client")


class Secrets:
    def __init__(self, sim: Any) -> None:
        self.values = sim.secrets_for(SUB)

    def account(self, name: str) -> dict[str, Any]:
        assert name == f"instore/{SUB}"
        return self.values

    def forget(self, name: str) -> None:
        """Nothing is kept here."""


@pytest.fixture
def secrets(sim: Any) -> Secrets:
    return Secrets(sim)


@pytest.fixture
def connector(sim: Any, clock: Any, secrets: Secrets) -> Iterator[Connector]:
    made: Any = LivePerson
    client = made(secrets=secrets, domain_api=sim.url, gateway=sim.url, now=clock.now,
                  sleep=clock.sleep)  # fmt: skip
    yield client.connector
    client.close()


def opening(sim: Any, skill: str = "kay-bot", **changed: Any) -> Opening:
    number = sim.world.accounts[SUB].skill_named(skill).id
    return Opening(**{
        "consumer": CONSUMER, "phone": Phone("+12125550123"), "line": Phone("+12125550177"),
        "skill_id": number, "login": DANA, "store": "Store 0412", **changed,
    })  # fmt: skip


def say(connector: Connector, conversation: str, words: str, consumer: str = CONSUMER) -> None:
    connector.say(SUB_ACCOUNT, consumer=consumer, conversation=conversation, words=words)


def end(sim: Any, conversation: str) -> None:
    conversations.close(sim.world, sim.world.conversations[conversation], by="CONSUMER")


def test_a_conversation_from_opening_to_end(sim: Any, connector: Connector, ours: Any) -> None:
    """The bot is called with our attributes, hands it to an associate, who answers; the words are
    told by webhook and reach no handset of LivePerson's."""
    sim.install_webhook(SUB, "our-app", "a secret", f"{ours.url}/liveperson/events")
    conversation = connector.open(SUB_ACCOUNT, opening=opening(sim))
    sim.run()
    (create,) = ours.requests("create")
    assert create["sdes"]["unauthenticatedSdes"] == {}
    info = create["sdes"]["authenticatedSdes"]["ctmrinfo"]["info"]
    assert info == {"ctype": LINE_CUSTOMER, "imei": "+12125550123", "socialId": "+12125550177",
                    "accountName": DANA, "companyBranch": "Store 0412"}  # fmt: skip
    assert create["context"]["visitor"]["browser"] == ""
    ours.transfers("kay-people", sim.agent(DANA).id)
    say(connector, conversation, "Is my ring ready?")
    sim.run()
    agent = sim.agent(DANA).login()
    agent.accept(conversation)
    agent.reply(conversation, "It is!")
    sim.run()
    texts = [change for hook in ours.requests("webhook") for change in hook["body"]["changes"]
             if change.get("event", {}).get("message")]  # fmt: skip
    assert [(t["originatorMetadata"]["role"], t["event"]["message"]) for t in texts] == [
        ("CONSUMER", "Is my ring ready?"), ("ASSIGNED_AGENT", "One moment."),
        ("ASSIGNED_AGENT", "It is!"),
    ]  # fmt: skip
    assert sim.handsets == []
    agent.close(conversation)
    assert not sim.world.conversations[conversation].is_open
    assert sim.refusals == []


def test_webhooks_of_conversations_our_app_opened_come_where_no_others_do(
    make: Callable[..., Any], clock: Any, ours: Any
) -> None:
    sim = make(webhook_covers="own")
    sim.install_webhook(SUB, "our-app", "a secret", f"{ours.url}/liveperson/events")
    made: Any = LivePerson
    client = made(secrets=Secrets(sim), domain_api=sim.url, gateway=sim.url, now=clock.now,
                  sleep=clock.sleep)  # fmt: skip
    sim.text_from("+12125550124", to="+12125550140", text="Hi")
    sim.run()
    assert ours.requests("webhook") == []
    client.connector.open(SUB_ACCOUNT, opening=opening(sim))
    client.close()
    sim.run()
    assert len(ours.requests("webhook")) == 1


def test_nothing_is_said_in_a_closed_conversation_or_in_anothers(
    sim: Any, connector: Connector
) -> None:
    conversation = connector.open(SUB_ACCOUNT, opening=opening(sim))
    for spoilt in ({"consumer": "cd" * 20}, {"conversation": "no-such"}):
        with pytest.raises(VendorError) as caught:
            say(connector, **{"conversation": conversation, "words": "Hi", **spoilt})
        assert (type(caught.value), caught.value.vendor_status) == (VendorError, 400)
        assert (caught.value.processed, caught.value.retryable) == (False, False)
    end(sim, conversation)
    with pytest.raises(VendorError) as caught:
        say(connector, conversation, "Hi")
    assert caught.value.vendor_status == 400
    assert sim.world.conversations[conversation].messages == []


def test_a_consumer_has_one_open_conversation(sim: Any, connector: Connector) -> None:
    first = connector.open(SUB_ACCOUNT, opening=opening(sim))
    with pytest.raises(VendorError) as caught:
        connector.open(SUB_ACCOUNT, opening=opening(sim))
    assert (type(caught.value), caught.value.processed) == (VendorError, False)
    other = connector.open(SUB_ACCOUNT, opening=opening(sim, consumer=f"{CONSUMER}.1"))
    end(sim, first)
    again = connector.open(SUB_ACCOUNT, opening=opening(sim))
    assert len({first, other, again}) == 3


def test_some_accounts_may_open_a_second_one(make: Callable[..., Any], clock: Any) -> None:
    sim = make(second_conversation="opened")
    made: Any = LivePerson
    client = made(secrets=Secrets(sim), domain_api=sim.url, gateway=sim.url, now=clock.now,
                  sleep=clock.sleep)  # fmt: skip
    names = {client.connector.open(SUB_ACCOUNT, opening=opening(sim)) for _ in range(2)}
    client.close()
    assert len(names) == 2


def test_every_skill_is_what_no_skill_means(sim: Any, connector: Connector) -> None:
    conversation = connector.open(SUB_ACCOUNT, opening=opening(sim, skill_id="-1"))
    agent = sim.agent(DANA).login()
    assert [c.id for c in agent.offered()] == [conversation]
    with pytest.raises(VendorError):
        connector.open(SUB_ACCOUNT, opening=opening(sim, consumer="x", skill_id="123"))


def test_tokens_are_kept_and_renewed(make: Callable[..., Any], clock: Any) -> None:
    """One for the app, one for the consumer; either may end before we think so."""
    sim = make(consumer_token_s=300)
    made: Any = LivePerson
    client = made(secrets=Secrets(sim), domain_api=sim.url, gateway=sim.url, now=clock.now,
                  sleep=clock.sleep)  # fmt: skip
    conversation = client.connector.open(SUB_ACCOUNT, opening=opening(sim))
    say(client.connector, conversation, "one")
    assert asked(sim, "consumer") == asked(sim, "app/token") == 1
    clock.advance(301)  # the consumer's has ended, and is kept for ten minutes
    say(client.connector, conversation, "two")
    clock.advance(601)
    say(client.connector, conversation, "three")
    assert asked(sim, "consumer") == 3
    clock.advance(3600)
    say(client.connector, conversation, "four")
    client.close()
    said = [m.text for m in sim.world.conversations[conversation].messages]
    assert said == ["one", "two", "three", "four"]
    assert {r.reason for r in sim.refusals} == {"ConsumerJWS is invalid"}


def asked(sim: Any, end: str) -> int:
    return sum(call.path.endswith(f"/{end}") and call.status < 300 for call in sim.calls)


def test_without_the_scope_or_with_wrong_keys_nobody_is_let_in(
    sim: Any, connector: Connector, secrets: Secrets, clock: Any
) -> None:
    sim.world.accounts[SUB].scopes = ("users.external",)
    with pytest.raises(VendorNotAuthorizedError) as caught:
        connector.open(SUB_ACCOUNT, opening=opening(sim))
    assert caught.value.processed is False
    sim.world.accounts[SUB].scopes = ("msg.consumer",)
    secrets.values["client_secret"] = "wrong"
    clock.advance(3700)
    with pytest.raises(VendorNotAuthorizedError):
        connector.open(SUB_ACCOUNT, opening=opening(sim))
    secrets.values.update(sim.secrets_for(SUB))
    clock.advance(61)
    assert connector.open(SUB_ACCOUNT, opening=opening(sim))


@pytest.mark.parametrize(
    ("fault", "error", "processed"),
    [
        ({"kind": "status", "status": 429}, VendorThrottledError, False),
        ({"kind": "status", "status": 503}, VendorUnavailableError, None),
        ({"kind": "status", "status": 503, "processed": True}, VendorUnavailableError, None),
        ({"kind": "reset", "processed": True}, VendorUnavailableError, None),
        ({"kind": "garbage", "processed": True}, VendorError, None),
        ({"kind": "wrong_schema", "processed": True}, VendorError, None),
    ],
    ids=lambda value: str(value.get("kind")) if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("path", ["conversation", "conversation/send"])
def test_faults_say_whether_livepersons_may_have_done_it(
    sim: Any, connector: Connector, path: str, fault: dict[str, Any], error: type[Exception],
    processed: bool | None,
) -> None:  # fmt: skip
    conversation = connector.open(SUB_ACCOUNT, opening=opening(sim, consumer="first"))
    sim.world.faults.add(f"consumer/{path}$", times=1, **fault)
    call: dict[str, Callable[[], Any]] = {
        "conversation": lambda: connector.open(SUB_ACCOUNT, opening=opening(sim)),
        "conversation/send": lambda: say(connector, conversation, "Hi", "first"),
    }
    with pytest.raises(error) as caught:
        call[path]()
    found: Any = caught.value
    assert found.processed is processed
    done = bool(fault.get("processed"))
    if path == "conversation":
        assert len(sim.world.conversations) == 1 + done
    else:
        assert len(sim.world.conversations[conversation].messages) == done


@pytest.mark.parametrize("kind", ["status", "reset", "garbage"])
def test_a_consumer_that_livepersons_does_not_name_is_not_spoken_for(
    sim: Any, connector: Connector, kind: str
) -> None:
    sim.world.faults.add(f"account/{SUB}/consumer$", kind, times=1)
    with pytest.raises(VendorNotReachedError) as caught:
        connector.open(SUB_ACCOUNT, opening=opening(sim))
    assert caught.value.processed is False
    assert connector.open(SUB_ACCOUNT, opening=opening(sim))


def test_more_than_it_takes_is_throttled(make: Callable[..., Any], clock: Any) -> None:
    sim = make(connector_per_s=2)
    made: Any = LivePerson
    client = made(secrets=Secrets(sim), domain_api=sim.url, gateway=sim.url, now=clock.now,
                  sleep=clock.sleep)  # fmt: skip
    conversation = client.connector.open(SUB_ACCOUNT, opening=opening(sim))
    say(client.connector, conversation, "one")
    with pytest.raises(VendorThrottledError):
        say(client.connector, conversation, "two")
    clock.advance(1)
    say(client.connector, conversation, "two")
    client.close()


# ---------------------------------------------------------------- what the routes refuse


@pytest.fixture
def caller(callers: Callable[..., Any], sim: Any) -> Any:
    return callers(sim, SUB)


def send(caller: Any, path: str, body: Any, **headers: str) -> httpx.Response:
    both = {"authorization": caller.token(), "x-lp-on-behalf": name(caller), **headers}
    both = {key: value for key, value in both.items() if value}
    url = f"/api/account/{SUB}/messaging/consumer/{path}"
    got: httpx.Response = caller.http.post(
        url if "?" in path else f"{url}?v=3", json=body, headers=both
    )
    return got


def name(caller: Any, consumer: str = CONSUMER) -> str:
    got = caller.http.post(f"/api/account/{SUB}/consumer?v=1.0", json={"ext_consumer_id": consumer},
                           headers={"authorization": caller.token()})  # fmt: skip
    assert got.status_code == 201
    return str(got.json()["token"])


def parts(sim: Any, **changed: Any) -> list[dict[str, Any]]:
    skill = sim.world.accounts[SUB].skill_named("kay-bot").id
    asked = {"channelType": "MESSAGING", "brandId": SUB, "skillId": skill, **changed}
    return [
        {"kind": "req", "id": "1,", "type": "userprofile.SetUserProfile", "body": {}},
        {"kind": "req", "id": "2,", "type": "cm.ConsumerRequestConversation",
         "body": {k: v for k, v in asked.items() if v is not None}},
    ]  # fmt: skip


def test_the_documents_own_example_is_taken(sim: Any, caller: Any) -> None:
    got = send(caller, "conversation", parts(
        sim, ttrDefName="URGENT", campaignInfo={"campaignId": "9", "engagementId": "8"},
        conversationContext={"type": "SharkContext", "lang": "en-US"},
    ))  # fmt: skip
    assert got.status_code == 200
    profile, conversation = got.json()
    assert profile == {"code": "OK", "body": {"msg": "OK User Profile set successfully"},
                       "reqId": "1,"}  # fmt: skip
    assert (conversation["code"], conversation["reqId"]) == ("OK", "2,")
    body = {"dialogId": conversation["body"]["conversationId"],
            "event": {"type": "ContentEvent", "contentType": "text/plain", "message": "Hi"}}  # fmt: skip
    said = send(caller, "conversation/send",
                {"kind": "req", "id": "1", "type": "ms.PublishEvent", "body": body})  # fmt: skip
    assert said.json() == {"reqId": "1", "code": "OK", "body": {"sequence": 0}}


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"authorization": ""}, 40105), ({"authorization": "x.y.z"}, 40102),
     ({"x-lp-on-behalf": ""}, 40104), ({"x-lp-on-behalf": "x.y.z"}, 40103)],
)  # fmt: skip
def test_the_error_table(sim: Any, caller: Any, headers: dict[str, str], code: int) -> None:
    for path, body in (("conversation", parts(sim)), ("conversation/send", {})):
        got = send(caller, path, body, **headers)
        assert got.status_code == 401
        assert (got.json()["code"], got.json()["body"]["errorCode"]) == (401, code)
        assert (got.json()["kind"], got.json()["type"]) == ("resp", ".ReqBody$ErrorResp")


def test_the_word_bearer_and_other_tokens_do_not_open_this(sim: Any, caller: Any) -> None:
    for token in (f"Bearer {caller.token()}", caller.token("V2")):
        got = send(caller, "conversation", parts(sim), authorization=token)
        assert (got.status_code, got.json()["body"]["errorCode"]) == (401, 40102)


def test_a_token_of_another_account_names_nobody_here(
    sim: Any, caller: Any, callers: Callable[..., Any]
) -> None:
    other = callers(sim, "20000001")
    theirs = other.http.post("/api/account/20000001/consumer?v=1.0",
                             json={"ext_consumer_id": CONSUMER},
                             headers={"authorization": other.token()}).json()["token"]  # fmt: skip
    got = send(caller, "conversation", parts(sim), **{"x-lp-on-behalf": theirs})
    assert got.json()["body"]["errorCode"] == 40103


def _spoilt(sim: Any) -> list[tuple[str, Any]]:
    good = parts(sim)
    sde = {"authenticatedData": {"lp_sdes": [{"type": "ctmrinfo", "personal": {}}]}}
    publish = {"kind": "req", "id": "1", "type": "ms.PublishEvent"}
    event = {"type": "ContentEvent", "contentType": "text/plain", "message": "Hi"}
    return [
        ("conversation", list(reversed(good))),
        ("conversation", good[1:]),
        ("conversation", good[1]),
        ("conversation", [{**good[0], "body": sde}, good[1]]),
        ("conversation", [{**good[0], "body": {"unauthenticatedData": {}}}, good[1]]),
        ("conversation", [{**good[0], "extra": 1}, good[1]]),
        ("conversation", parts(sim, brandId="other")),
        ("conversation", parts(sim, channelType="SMS")),
        ("conversation", parts(sim, ttrDefName="SOON")),
        ("conversation", parts(sim, skillId=7)),
        ("conversation", parts(sim, language="en")),
        ("conversation?v=2", good),
        ("conversation/send", {**publish, "body": {"event": event}}),
        ("conversation/send", {**publish, "body": {"dialogId": "x", "event": {**event, "type": "A"}}}),
        ("conversation/send", {**publish, "body": {"dialogId": "x", "event": {**event, "message": " "}}}),
        ("conversation/send", {**publish, "body": {"dialogId": "x", "event": {**event, "message": 1}}}),
        ("conversation/send", {**publish, "type": "ms.Other", "body": {}}),
        ("conversation/send", [publish]),
    ]  # fmt: skip


def test_whatever_is_wrong_is_refused_and_nothing_is_opened(sim: Any, caller: Any) -> None:
    for path, body in _spoilt(sim):
        got = send(caller, path, body)
        assert got.status_code == 400, (path, body)
        assert sim.world.conversations == {}
    raw = caller.http.post(f"/api/account/{SUB}/messaging/consumer/conversation?v=3", content=b"[",
                           headers={"authorization": caller.token(), "x-lp-on-behalf": name(caller),
                                    "content-type": "application/json"})  # fmt: skip
    assert raw.status_code == 400
    plain = caller.http.post(f"/api/account/{SUB}/consumer?v=1.0", content=b"{}",
                             headers={"authorization": caller.token(),
                                      "content-type": "text/plain"})  # fmt: skip
    assert plain.status_code == 415
    for path, body in (("consumer?v=2.0", {"ext_consumer_id": "x"}), ("consumer?v=1.0", {})):
        got = caller.http.post(f"/api/account/{SUB}/{path}", json=body,
                               headers={"authorization": caller.token()})  # fmt: skip
        assert got.status_code == 400
