"""A strict program with Dana's conversation in the table: what the tests of "assigned" share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from instore.adapters.conversation_changes import ConversationChanges
from instore.adapters.customers import Customers
from instore.adapters.number_health import NumberHealth
from instore.adapters.pace import Pace
from instore.adapters.stores import Stores
from instore.adapters.table import Table
from instore.assigning import Taken, take
from instore.assignment import Agent, ConversationChange, Kind, Seat
from instore.campaign import Campaign, CampaignResult
from instore.directory import Associate, Pointer, Store, document
from instore.model import Phone, epoch, epoch_ms, iso
from instore.notify import Means, Resumed, resume
from instore.number_health import Hold
from instore.program import Program

ACCOUNT = "20000001"
CONVERSATION = "1c0de000-0000-4000-8000-0000000000c1"
PK = f"CONVERSATION#{ACCOUNT}#{CONVERSATION}"
PHONE = Phone("+16125550142")
DANA, EVE, BOT, STRANGER = (f"0a9e0000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
MEMBER = "c0" * 32
KEY = "a key of the tests"
TEAM = Store(
    account=ACCOUNT, group="north", name="North", banner="plan", zone="America/Chicago",
    state="MN", postal_code="55401", openings=(), managers=(),
    associates=(Associate("111", DANA, "dana@plan.example.com", "Dana"),
                Associate("222", EVE, "eve@plan.example.com", "Eve")),
)  # fmt: skip


class Vendor:
    """LivePerson as far as a notice needs it: remembers what it was asked, answers as told."""

    def __init__(self) -> None:
        self.campaigns: list[Campaign] = []
        self.answers: list[CampaignResult | Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def start_campaign(self, account: Any, *, campaign: Campaign) -> CampaignResult:
        assert account.role == "owner"
        self.campaigns.append(campaign)
        self.meanwhile()
        digits = campaign.recipients[0][0].digits
        answer = self.answers.pop(0) if self.answers else CampaignResult("c1", {digits: "t1"}, {})
        if isinstance(answer, Exception):
            raise answer
        return answer


class Rig:
    """Everything around one waiting conversation; `at` is LivePerson's time, s after the wait."""

    def __init__(self, table: Table, program: Program, clock: Any) -> None:
        self.table, self.program, self.clock = table, program, clock
        self.vendor = Vendor()
        self.began: datetime = clock.now() - timedelta(hours=1)
        self.customers = Customers(table, key=KEY)
        self.customer = self.customers.id_of(PHONE)
        self.stores = Stores(table, now=clock.now)
        table.put({"pk": f"STORE#{ACCOUNT}#north", "sk": "STORE", **document(TEAM)})
        for person in TEAM.associates:
            for name in (f"agent:{person.agent_id}", f"pid:{person.pid}"):
                table.put({"pk": f"ALIAS#{ACCOUNT}#{name}", "sk": "ALIAS", "account": ACCOUNT,
                           "group": "north", "agent": person.agent_id})  # fmt: skip

    @property
    def means(self) -> Means:
        return Means(
            program=self.program, current=lambda: self.program, stores=self.stores,
            changes=ConversationChanges(self.table), customers=self.customers,
            numbers=NumberHealth(self.table), liveperson=self.vendor,  # type: ignore[arg-type]  # stands in for the real one
            pace=Pace(self.table, now=self.clock.now, sleep=self.clock.sleep), now=self.clock.now,
        )  # fmt: skip

    @property
    def quiet(self) -> Means:
        """The means with customer, map and pace that make no requests: what is left are the
        conversation's own, few enough to try every order of them."""
        known = self.customers.get(self.customer)
        agents = {p.pid: Pointer(ACCOUNT, "north", p.agent_id) for p in TEAM.associates}
        customers = SimpleNamespace(get=lambda _: known, bind=_nothing, end_lease=_nothing)
        stores = SimpleNamespace(store=lambda *_, **__: TEAM, by_pid=lambda _, pid: agents.get(pid))
        return replace(
            self.means, customers=customers, stores=stores,  # type: ignore[arg-type]  # stands in for the real one
            pace=SimpleNamespace(take=lambda *_, **__: 0.0),  # type: ignore[arg-type]  # stands in for the real one
            numbers=SimpleNamespace(hold_of=lambda *_, **__: Hold("")),  # type: ignore[arg-type]  # stands in for the real one
        )  # fmt: skip

    def clean(self) -> Rig:
        """Nothing of this customer and conversation is in the table: a fresh state for each order
        or crash."""
        for pk in (PK, f"CUSTOMER#{self.customer}", f"PACE#{ACCOUNT}#notify"):
            for item in self.table.query(pk):
                self.table.delete(pk, item["sk"])
        return self

    def converse(self, **changed: Any) -> Rig:
        """The conversation as the bot leaves it: the member waits for Dana."""
        whose = {"account": ACCOUNT, "group": "north", "agent": "111"}
        item: dict[str, Any] = {
            "pk": PK, "sk": "CONVERSATION", "account": ACCOUNT, "conversation": CONVERSATION,
            "banner": "plan", "bot": "plan-router", "channel": "web", "customer": self.customer,
            "phone": PHONE.e164, "state": "decided", "turn": 1, "round": 0, "asked": 0,
            "wanted": whose, "target": "111", "waiting": True, "wait": 1,
            "waiting_since": iso(self.began), "due_shard": "DUE#0",
            "due_at": epoch(self.began) + 86400, "created_at": iso(self.began),
        }  # fmt: skip
        self.table.put({**item, **changed})
        return self

    def consent(self, *, banner: str = "plan") -> Rig:
        self.customers.record_consent(
            PHONE, banner=banner, consent_class="one_to_one", wording="v1", method="web",
            evidence="form 12", who="member", at=self.began - timedelta(days=9),
            now=self.began, country="US",
        )  # fmt: skip
        return self

    def change(self, at: float, *pids: str, **changed: Any) -> ConversationChange:
        """The state LivePerson tells `at` seconds after the wait began; `pids` are ACTIVE."""
        agents = tuple(Agent(pid, Seat.ACTIVE) for pid in pids)
        ts = epoch_ms(self.began + timedelta(seconds=at))
        state = ConversationChange(ACCOUNT, CONVERSATION, Kind.STATE, ts, agents=agents,
                                   consumer=MEMBER)  # fmt: skip
        return replace(state, **changed)

    def words(self, at: float, pid: str) -> ConversationChange:
        """An agent wrote something."""
        return replace(self.change(at), kind=Kind.AGENT_TEXT, agents=(Agent(pid),), consumer="")

    def take(self, *changes: ConversationChange) -> list[Taken]:
        return [take(change, means=self.means, now=self.clock.now()) for change in changes]

    def sweep(self) -> Resumed:
        return resume((PK, "CONVERSATION"), means=self.means, now=self.clock.now())

    def item(self) -> dict[str, Any]:
        item = self.table.get(PK, "CONVERSATION")
        assert item is not None
        return item

    def notice(self) -> str:
        """`state` or `state reason` of the notice, `none` without one."""
        notice = self.item().get("notice")
        if notice is None:
            return "none"
        return f"{notice['state']} {notice.get('reason', '')}".removesuffix(" accepted").strip()

    def bound(self) -> str | None:
        """Agent id the customer is bound to at the plan."""
        customer = self.customers.get(self.customer)
        binding = customer.bindings.get("plan") if customer else None
        return binding.pointer.agent_id if binding else None


def _nothing(*_: Any, **__: Any) -> None:
    """Binding and lease of the quiet means."""


def program_with(program: Program, **notification: Any) -> Program:
    """The program with other notification settings."""
    changed = program.notification.model_copy(update=notification)
    return program.model_copy(update={"notification": changed})


def operations(requests: Iterable[tuple[str, str, dict[str, Any]]]) -> list[str]:
    return [operation for service, operation, _ in requests if service == "dynamodb"]
