"""What outreach promises, checked on the vendor's list of calls and the table after every step."""

from __future__ import annotations

from collections import Counter
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis.stateful import RuleBasedStateMachine, invariant
from tests.outreach_rig import Rig, phone, rows_of
from tests.outreach_world import World

from instore.adapters.customers import Customers
from instore.model import Phone

LIMIT = 4  # texts of an associate and day
PEOPLE = [phone(n) for n in range(10, 15)]
NEW_YORK = ZoneInfo("America/New_York")
TO_GO = {"pending", "accepted", "deferred", "unknown"}
WENT = {"sent", "delivered", "unresolved"}


class Promises(RuleBasedStateMachine):
    """The diary of what customers said and of the stop switch, and what must hold by it."""

    world: World
    rig: Rig
    customers: Customers
    agreed: dict[tuple[str, str], bool]  # number and banner
    out: dict[str, bool]
    stopped: bool
    calls_checked: int
    items: dict[tuple[str, str], dict[str, Any]]

    @invariant()
    def the_promises_hold(self, *, leases: bool = True) -> None:
        self.items = self.world.items()
        self.every_call_was_allowed(leases=leases)
        self.nobody_is_texted_twice()
        self.the_day_has_its_limit()

    def every_call_was_allowed(self, *, leases: bool) -> None:
        """I1, I2, I5, I9 and the switches, at the moment of the call."""
        for at, campaign in self.rig.vendor.campaigns[self.calls_checked :]:
            assert not self.stopped
            assert time(11) <= at.astimezone(NEW_YORK).time() < time(20), at
            for number, _ in campaign.recipients:
                assert self.agreed.get((number.e164, campaign.skill)), "no consent"
                assert not self.out[number.e164], "opted out"
                if leases and number.digits not in self.rig.vendor.refuse:
                    self._is_held(number, campaign)
        self.calls_checked = len(self.rig.vendor.campaigns)

    def _is_held(self, number: Phone, campaign: Any) -> None:
        """By the batch of this call, and so by nobody else."""
        lease = self._lease(number)
        (batch,) = [item for whose, row, item in self.rows()
                    if whose == number.e164 and f"instore-{row.get('k')}" == campaign.name]  # fmt: skip
        owner = f"{batch['account']}.{batch['agent']}"
        assert lease is not None
        assert (lease["owner"], lease["banner"]) == (owner, campaign.skill)

    def _lease(self, number: Phone) -> dict[str, Any] | None:
        pk = f"CUSTOMER#{self.customers.id_of(number)}"
        lease: dict[str, Any] | None = self.items.get((pk, "CUSTOMER"), {}).get("lease")
        return lease

    def rows(self) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Every row there is: number, row, batch. Closed ones are named by their customer."""
        names = {self.customers.id_of(Phone(number)): number for number in PEOPLE}
        return [(row.get("p") or names[row["c"]], row, item)
                for item in self._all("BATCH#") for row in rows_of(item)]  # fmt: skip

    def _all(self, kind: str) -> list[dict[str, Any]]:
        return [item for (pk, _), item in self.items.items() if pk.startswith(kind)]

    def nobody_is_texted_twice(self) -> None:
        """I4: no more texts than rows that were claimed, and one call for each claim."""
        called = Counter((c.name, p.e164) for _, c in self.rig.vendor.campaigns
                         for p, _ in c.recipients)  # fmt: skip
        assert max(called.values(), default=1) == 1
        claimed = Counter(number for number, row, _ in self.rows() if "k" in row)
        for number in PEOPLE:
            assert self.rig.vendor.texts[number[1:]] <= claimed[number]

    def the_day_has_its_limit(self) -> None:
        """I3: shares add up to what is used, and that is within the limit."""
        for item in self._all("ASSOCIATE#"):
            shares = [n for name, n in item.items() if name.startswith("bb") and name[2:].isalnum()]
            assert sum(shares) == item["used"] <= LIMIT

    def teardown(self) -> None:
        """I13: no more faults, no more deaths; time passes, and nothing stays behind."""
        if not hasattr(self, "world"):
            return
        self.rig.vendor.failures.clear()
        self.world.run_on()
        self.the_promises_hold(leases=False)
        went: Counter[str] = Counter()
        taken = 0
        for item in self._all("BATCH#"):
            assert item["state"] == "closed"
            assert not {"due_at", "due_shard", "owed", "claim"} & set(item)
            assert all(row["s"] not in TO_GO for row in item["rows"])
        for number, row, _ in self.rows():
            went[number] += row["s"] in WENT
            taken += row["s"] != "blocked" or "k" in row
        assert taken == sum(item["used"] for item in self._all("ASSOCIATE#"))
        for number in PEOPLE:
            assert self.rig.vendor.texts[number[1:]] <= went[number]
            lease = self._lease(Phone(number))
            assert lease is None or lease["until"] < self.world.now.timestamp() or went[number]
