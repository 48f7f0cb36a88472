"""Relay numbers through the real client against Twilio's simulator: five associates and one who goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local.faults import Faults
from local.twilio import TwilioSim
from tests.relay_rig import ANNA, GROUP, LOGINS, POOLS, SID, URL, RelayRig, SimpleNamespace, staff

from instore.adapters.twilio import Twilio
from instore.runtime.services import Services

pytestmark = pytest.mark.enable_socket


class HttpRig(RelayRig):
    """A RelayRig whose processes speak HTTP with the simulator."""

    def __init__(self, table: Any, clock: Any, sim: TwilioSim) -> None:
        self.sim = sim
        secrets: Any = SimpleNamespace(account=lambda _: sim.secret(), forget=lambda _: None)
        self.client = Twilio(secrets=secrets, api=sim.url, now=clock.now, sleep=clock.sleep)
        super().__init__(table, clock)
        self.write_store(staff(extra=3))

    def services(self) -> Services:
        house = super().services()
        plain: Any = house
        plain.twilio = self.client
        return house

    def at_twilio(self) -> list[tuple[str, str]]:
        return sorted((one.number, one.friendly_name) for one in self.sim.numbers)

    def agrees(self, agents: int) -> None:
        """Number by number, the table and Twilio say the same."""
        held = [self.line_of(a) for a in ("201", "202", "300", "301", "302")]
        mine = [h for h in held if h is not None and h.state in ("active", "quarantined")]
        assert len(mine) == agents
        assert sorted((h.number.e164, h.tag) for h in mine) == self.at_twilio()
        assert sorted(self.sim.services.pool(POOLS[0])) == [
            number for number, _ in self.at_twilio()
        ]
        for one in self.sim.numbers:
            assert (one.sms_url, one.voice_url) == (
                f"{URL}/twilio/sms#rc=3&rp=all", f"{URL}/twilio/voice/line")  # fmt: skip


@pytest.fixture
def faults() -> Faults:
    return Faults(seed=4)


@pytest.fixture
def rig(table: Any, clock: Any, faults: Faults) -> Iterator[HttpRig]:
    with TwilioSim(clock, account_sid=SID, faults=faults) as sim:
        for pool in POOLS:
            sim.services.add("relay", sid=pool)
        made = HttpRig(table, clock, sim)
        yield made
        made.client.close()
        assert sim.crashes == []


def test_a_store_is_activated_and_a_number_comes_and_goes(rig: HttpRig) -> None:
    ended = rig.did("activate", {"stores": [GROUP]}, key="a-1")
    assert ended["counts"] == {"done": 5}
    assert {(r["near"], r["number"][:5]) for r in ended["reports"]} == {("area_code", "+1914")}
    rig.agrees(5)
    rig.did("deactivate", {"logins": [LOGINS[ANNA]]}, key="d-1")
    rig.agrees(5)
    rig.clock.advance(91 * 86400)
    assert rig.did("release", {"logins": [LOGINS[ANNA]]}, key="r-1")["counts"] == {"done": 1}
    rig.agrees(4)
    # What was released is for sale again, and not for us.
    ended = rig.did("activate", {"logins": [LOGINS[ANNA]]}, key="a-2")
    assert ended["reports"][0]["number"] not in {n for n, _ in rig.at_twilio()[:4]}
    rig.agrees(5)


def test_the_search_goes_to_the_neighbours_and_to_the_region(rig: HttpRig) -> None:
    rig.sim.numbers.market.sell_out("914")
    (report,) = rig.did("activate", {"logins": [LOGINS[ANNA]]}, key="a-1")["reports"]
    assert (report["near"], report["number"][2:5]) == ("neighbour", "212")
    for code in ("212", "332", "646", "201", "551", "347"):
        rig.sim.numbers.market.sell_out(code)
    (report,) = rig.did("activate", {"logins": ["a0@kay.example.com"]}, key="a-2")["reports"]
    assert report["near"] == "nearby"


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize("kind", ["status", "reset", "garbage", "wrong_schema"])
def test_whatever_twilio_does_each_gets_one_number(
    rig: HttpRig, faults: Faults, kind: str, processed: bool
) -> None:
    if kind in ("garbage", "wrong_schema") and not processed:
        processed = True  # an answer of that kind is given by who worked on it
    faults.add("POST .*/IncomingPhoneNumbers", kind, times=3, rate=0.6, processed=processed)
    faults.add("POST .*/Services", kind, times=2, rate=0.5, processed=processed)
    faults.add("GET ", "status", times=2, rate=0.4)
    ended = rig.did("activate", {"stores": [GROUP]}, key="a-1")
    assert set(ended["counts"]) == {"done"}
    assert faults.happened
    rig.agrees(5)


def test_too_many_requests_are_waited_out(rig: HttpRig, faults: Faults) -> None:
    faults.add("Phone", "status", status=429, times=12)
    ended = rig.did("activate", {"logins": [LOGINS[ANNA]]}, key="a-1")
    assert ended["counts"] == {"done": 1}
    rig.agrees(1)
