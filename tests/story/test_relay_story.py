"""A store of five is given numbers, a customer writes, the associate leaves and a colleague inherits:
over HTTP, on the local stack, with Twilio's and LivePerson's simulators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local.scene import Scene, SceneClock
from local.twilio import TwilioSim
from tests.story_rig import ANA, BEA, DANA, KAY, LEE, NOON, STORE, denied

from instore.adapters.stores import Stores
from instore.adapters.table import Table
from instore.directory import pointer_from
from instore.model import Phone, customer_id

pytestmark = pytest.mark.enable_socket
SID = "AC" + "5d" * 16
POOL = "MG" + "6e" * 16
HEAD = "head.office@brand.example.com"
MORE = [f"more{n}@kay.example.com" for n in range(3)]


class Shop:
    """The stack with a line, both vendors, and what an administrator does."""

    def __init__(self, scene: Scene, twilio: TwilioSim) -> None:
        self.scene, self.twilio, self._keys = scene, twilio, iter(range(1000))

    def settle(self) -> None:
        for _ in range(3):
            self.twilio.run()
            self.scene.settle()

    def did(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask, let the queue be worked on, and look."""
        answer = self.scene.api("POST", f"/relay/{what}", login=HEAD, scopes=("relay:admin",),
                                key=f"k-{next(self._keys)}", body=body)  # fmt: skip
        assert answer.status_code == 202, answer.text
        self.scene.settle(patience_s=70)
        run = self.scene.api("GET", f"/relay/runs/{answer.json()['id']}", login=HEAD,
                             scopes=("relay:admin",))  # fmt: skip
        assert run.status_code == 200
        return dict(run.json())

    def bound(self, phone: str) -> str:
        """Whose customer somebody is, by nickname."""
        arn = self.scene.stack.functions["RelayBulk"].environment["CUSTOMER_KEY_SECRET"]
        secrets = self.scene.stack.client("secretsmanager")
        key = secrets.get_secret_value(SecretId=arn)["SecretString"].encode()
        table = Table(self.scene.stack.client("dynamodb"), self.scene.stack.table_name)
        item = table.get(f"CUSTOMER#{customer_id(Phone(phone), key=key)}", "CUSTOMER")
        assert item is not None
        pointer = pointer_from(item["bindings"]["kay"])
        store = Stores(table, now=self.scene.clock.now).store(KAY, group=pointer.group)
        person = store.find(pointer.agent_id) if store else None
        assert person is not None
        return person.nickname

    def mine(self, login: str) -> dict[str, Any]:
        answer = self.scene.api("GET", "/relay/mine", login=login, scopes=("relay:read",))
        return dict(answer.json())


@pytest.fixture
def shop() -> Iterator[Shop]:
    clock = SceneClock(NOON)
    with TwilioSim(clock, account_sid=SID, seed=3) as twilio, Scene(
        "in_store.yaml", now=NOON, clock=clock, parameters={"TwilioApi": twilio.url}
    ) as scene:  # fmt: skip
        scene.add_store(KAY, STORE, banner="kay", zone="America/Los_Angeles", state="CA",
                        postal_code="91101", phone="+1(626) 555-0199")  # fmt: skip
        for number, login in enumerate((DANA, LEE, *MORE)):
            scene.add_associate(KAY, STORE, login, nickname=login.partition("@")[0].title(),
                                employee_id=str(123456 + number))  # fmt: skip
        scene.add_associate(KAY, STORE, BEA, nickname="Bea", manager=True)
        scene.add_store("10000003", "Zales 1", banner="zales", zone="America/Los_Angeles")
        scene.add_associate("10000003", "Zales 1", "zoe@zales.example.com", nickname="Zoe")
        scene.document["line"] = {
            "account_sid": SID, "secret": f"instore/twilio/{SID.lower()}",
            "pool": {"messaging_services": [POOL]},
        }  # fmt: skip
        scene.document["banners"][0]["number"]["strategy"] = "relay"
        scene.stack.put_secret(f"instore/twilio/{SID.lower()}", twilio.secret())
        twilio.services.add("relay", sid=POOL)
        scene.open()
        yield Shop(scene, twilio)
        assert denied(scene) == []
        assert twilio.crashes == []
        assert scene.sim.crashes == []
        scene.stack.assert_nothing_personal()


def group_of(shop: Shop) -> str:
    return next(g.id for g in shop.scene.sim.world.accounts[KAY].groups.values() if g.name == STORE)


@pytest.mark.slow
def test_a_store_is_activated_and_a_colleague_inherits(shop: Shop) -> None:
    group = group_of(shop)
    dry = shop.did("activate", {"stores": [group], "dry_run": True})
    assert dry["counts"] == {"would": 5}
    assert len(shop.twilio.numbers) == 0
    ended = shop.did("activate", {"stores": [group]})
    assert (ended["state"], ended["counts"]) == ("done", {"done": 5})
    assert {r["number"][2:5] for r in ended["reports"]} == {"626"}
    assert len(shop.twilio.numbers) == len(shop.twilio.services.pool(POOL)) == 5
    number = shop.mine(DANA)["number"]
    assert shop.mine(BEA)["code"] == "no_line"

    # Who calls it hears that it takes texts, and the store's number.
    call = shop.twilio.call(ANA, number)
    assert call.over
    assert call.said[0] == ("This number takes text messages only. To speak with us, please call "
                            "6 2 6, 5 5 5, 0 1 9 9. Or hang up and send us a text.")  # fmt: skip

    # A customer writes and is Dana's; Dana leaves, and the customer is Lee's, number and all.
    shop.twilio.text(ANA, number, "Hi Dana, is my ring back?")
    shop.settle()
    assert shop.bound(ANA) == "Dana"
    gone = shop.did("deactivate", {"logins": [DANA], "successor": LEE})
    assert gone["counts"] == {"done": 1}
    assert shop.mine(DANA)["state"] == "quarantined"
    assert number in shop.twilio.numbers
    assert shop.bound(ANA) == "Lee"
    early = shop.did("release", {"logins": [DANA]})
    assert early["counts"] == {"in_quarantine": 1}
    shop.scene.clock.advance(91 * 86400)
    assert shop.did("release", {"logins": [DANA]})["counts"] == {"done": 1}
    assert number not in shop.twilio.numbers
    assert shop.did("orphans", {"dry_run": False})["reports"] == []


def test_only_administrators(shop: Shop) -> None:
    for scopes in (("relay:read",), ("outreach/admin", "outreach/behalf"), ()):
        answer = shop.scene.api("POST", "/relay/activate", login=DANA, scopes=scopes, key="k",
                                body={"logins": [DANA]})  # fmt: skip
        assert answer.status_code == 403
    assert len(shop.twilio.numbers) == 0


def test_a_lost_answer_buys_one(shop: Shop) -> None:
    shop.twilio.world.faults.add("POST .*/IncomingPhoneNumbers", "reset", times=1, processed=True)
    ended = shop.did("activate", {"logins": [DANA]})
    assert [(r["outcome"], r["reason"]) for r in ended["reports"]] == [("done", "adopted")]
    assert len(shop.twilio.numbers) == 1
