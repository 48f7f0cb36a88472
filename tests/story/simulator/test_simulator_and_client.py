"""Our own LivePerson client against the simulator, which shares no code with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from instore.adapters.liveperson import Campaign, LivePerson
from instore.errors import (
    VendorError,
    VendorNotAuthorizedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Phone
from instore.presence import Status
from instore.program import Account

pytestmark = pytest.mark.enable_socket
OWNER, SUB = "20000001", "20000002"
KAY, DANA, ERIN = "+12125550140", "dana@shop.example", "erin@shop.example"
PHONE = Phone("+12125550123")


class Secrets:
    """The accounts' secrets as the simulator says they are; any value can be spoilt."""

    def __init__(self, sim: Any) -> None:
        self.values = {f"instore/{a}": sim.secrets_for(a) for a in (OWNER, SUB)}

    def account(self, name: str) -> dict[str, Any]:
        return self.values[name]

    def forget(self, name: str) -> None:
        """Nothing is kept here."""


def account(number: str) -> Account:
    return Account(id=number, role="owner" if number == OWNER else "sub",
                   secret=f"instore/{number}", bot_client_id="our-bot-client")  # fmt: skip


@pytest.fixture
def secrets(sim: Any) -> Secrets:
    return Secrets(sim)


@pytest.fixture
def client(sim: Any, clock: Any, secrets: Secrets) -> Iterator[LivePerson]:
    made: Any = LivePerson
    client = made(secrets=secrets, domain_api=sim.url, gateway=sim.url, now=clock.now,
                  sleep=clock.sleep)  # fmt: skip
    yield client
    client.close()


def campaign(*phones: Phone, **changes: Any) -> Campaign:
    values = {"name": "b1/1", "skill": "kay", "template_id": "T1", "outbound": Phone(KAY),
              "recipients": tuple((p, ("Dana",)) for p in phones)}  # fmt: skip
    return Campaign(**{**values, **changes})


def test_people(sim: Any, client: LivePerson) -> None:
    listing = client.users(account(SUB))
    assert listing is not None
    users = {u.login: u for u in listing.items}
    dana, boss = users[DANA], users["max@shop.example"]
    truth = sim.agent(DANA)
    assert (dana.id, dana.pid, dana.member_of) == (truth.id, truth.pid, truth.user.group)
    assert (dana.enabled, dana.deleted, dana.user_type) == (True, False, 1)
    assert boss.manager_of == (truth.user.group,)
    assert client.users(account(SUB), revision=listing.revision) is None
    groups, skills = client.groups(account(SUB)), client.skills(account(SUB))
    assert groups is not None
    assert skills is not None
    assert {g.name: g.enabled for g in groups.items} == {"Main": True, "Store 0412": True}
    assert "kay-people" in {s.name for s in skills.items}
    one = client.user(account(SUB), user_id=dana.id)
    assert one is not None
    assert one.login == DANA
    assert client.user(account(SUB), user_id="1") is None
    assert [r.status for r in sim.refusals] == [404]


def test_presence(sim: Any, client: LivePerson, clock: Any) -> None:
    dana, erin = sim.agent(DANA).login(), sim.agent(ERIN)
    view = client.agent_view(account(SUB), agent_ids=[dana.id, erin.id], now=clock.now())
    assert view.about(dana.id).status is Status.ONLINE
    assert view.about(dana.id).free_slots == 2
    assert (view.about(erin.id).status, view.about(erin.id).seen) == (Status.OFFLINE, False)
    erin.login()
    erin.away()
    clock.advance(60)
    view = client.agent_view(account(SUB), agent_ids=[dana.id, erin.id], now=clock.now())
    assert view.about(erin.id).status is Status.AWAY
    assert sim.refusals == []


def test_outreach_and_its_proof(sim: Any, client: LivePerson, clock: Any) -> None:
    sim.add_phone("+12125550199", invalid=True)
    started = clock.now()
    result = client.start_campaign(account(OWNER), campaign=campaign(PHONE, Phone("+12125550199")))
    sim.run()
    assert list(result.accepted) == ["12125550123"]
    assert result.failed == {"12125550199": "INVALID_NUMBER"}
    status = client.campaign_status(account(OWNER), campaign_id=result.campaign_id)
    assert [(s.id, s.status) for s in status] == [(result.accepted["12125550123"], "DELIVERED")]
    window = {"start": started - timedelta(hours=1), "end": started + timedelta(hours=1)}
    assert client.transactions(account(OWNER), **window) == []
    assert client.campaign_name(account(OWNER), campaign_id=result.campaign_id) is None
    clock.advance(1200)
    rows = client.transactions(account(OWNER), **window)
    assert [(t.campaign_id, t.status) for t in rows] == [(result.campaign_id, "DELIVERED")]
    assert client.campaign_name(account(OWNER), campaign_id=result.campaign_id) == "b1/1"
    assert sim.handset(PHONE.e164)[0].campaign == "b1/1"


def test_context_and_keys(sim: Any, client: LivePerson) -> None:
    client.write_context(account(SUB), namespace="stores", session="kay",
                         properties={"0412": ["a"], "0413": ["b"]})  # fmt: skip
    client.write_context(account(SUB), namespace="stores", session="kay",
                         properties={"0413": None})  # fmt: skip
    assert sim.world.accounts[SUB].contexts == {"stores": {"kay": {"0412": ["a"]}}}
    assert set(client.token_keys(account(SUB))) == {"appjwt-static-v1"}
    both = client.token_keys(account(SUB), refresh=True)
    assert set(both) == {"appjwt-static-v1", "sentinel-v2-a", "sentinel-v2-b"}


def test_what_the_vendor_refuses_becomes_our_errors(
    sim: Any, client: LivePerson, secrets: Secrets, clock: Any
) -> None:
    with pytest.raises(VendorError) as wrong:
        client.start_campaign(account(OWNER), campaign=campaign(PHONE, skill="nobody"))
    assert wrong.value.vendor_status == 400
    for n in range(9):
        client.start_campaign(account(OWNER), campaign=campaign(Phone(f"+1212555020{n}")))
    with pytest.raises(VendorThrottledError):
        client.start_campaign(account(OWNER), campaign=campaign(PHONE))
    secrets.values["instore/" + SUB]["access_token_secret"] = "x"
    with pytest.raises(VendorNotAuthorizedError):
        client.agent_view(account(SUB), agent_ids=["1"], now=clock.now())
    sim.run()
    assert sim.handset(PHONE.e164) == []


def test_a_lost_answer_is_not_a_lost_campaign(sim: Any, client: LivePerson) -> None:
    for kind in ("reset", "status"):
        sim.faults.add("/campaign$", kind, times=1, processed=True)
        with pytest.raises(VendorUnavailableError):
            client.start_campaign(account(OWNER), campaign=campaign(PHONE))
    sim.run()
    assert len(sim.handset(PHONE.e164)) == 2  # each call took effect, once


def test_numbers_instead_of_strings(make: Any, clock: Any) -> None:
    sim = make(values_as="numbers", expires_in_as_string=False)
    made: Any = LivePerson
    client = made(secrets=Secrets(sim), domain_api=sim.url, gateway=sim.url, now=clock.now,
                  sleep=clock.sleep)  # fmt: skip
    users = {u.login: u for u in client.users(account(SUB)).items}
    assert users[DANA].id == sim.agent(DANA).id
    assert users[DANA].member_of == sim.agent(DANA).user.group
    client.close()
