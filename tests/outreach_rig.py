"""A shop with two associates, their customers and a vendor made of lists, for outreach tests.

Every AWS call, queue message and vendor call is a boundary: `Boundaries` counts them and can kill
the process before or after any one of them, as Lambda would.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local.lock import watching
from local.samples import sample_document

from instore.adapters.batches import from_item
from instore.adapters.liveperson import TextStatus, Transaction
from instore.adapters.programs import Programs
from instore.adapters.table import Table
from instore.campaign import Campaign, CampaignResult
from instore.directory import Associate, Pointer, Store, aliases, document
from instore.errors import UnavailableError
from instore.model import Phone, customer_id, iso
from instore.runtime.services import Services, using
from instore.runtime.settings import Settings

ROOT = Path(__file__).parent.parent
KEY = "a-key-for-tests"
ACCOUNT, GROUP = "10000002", "4100"
ANNA, BEN, GONE = "201", "202", "203"
LOGINS = {ANNA: "anna@kay.example.com", BEN: "ben@kay.example.com", GONE: "gone@kay.example.com"}


class Killed(BaseException):
    """The process ended here. Not an Exception: nothing may catch it."""


def away(*_: Any, **__: Any) -> Any:
    """In place of any call: the table is not there."""
    raise UnavailableError("the table did not answer")


class Boundaries:
    """Counts what leaves the process; kills at the n-th, before or after it took effect."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.kill_at: int | None = None
        self.kill_after = False
        self.kill_name: str | None = None

    def reset(self, kill_at: int | None = None, *, after: bool = False) -> None:
        self.names, self.kill_at, self.kill_after = [], kill_at, after

    @contextmanager
    def killed(self, at: int, *, after: bool = False) -> Iterator[None]:
        """What runs in here is killed at this boundary, and what comes later at none."""
        with self.may_kill(at, after=after) as killed:
            yield
        if not killed:
            raise AssertionError(f"no boundary {at} was crossed")

    @contextmanager
    def may_kill(self, at: int, *, after: bool = False) -> Iterator[list[int]]:
        """The same, should there be so many; then the list has the boundary in the end."""
        killed: list[int] = []
        self.reset(at, after=after)
        try:
            yield killed
        except Killed:
            killed.append(at)
        finally:
            self.reset()

    def cross(self, name: str, run: Callable[[], Any]) -> Any:
        here = len(self.names)
        self.names.append(name)
        if here == self.kill_at and not self.kill_after:
            raise Killed
        try:
            return run()
        finally:  # a refused condition is an effect, too
            if here == self.kill_at or name == self.kill_name:
                raise Killed

    def __call__(
        self, run: Callable[[], Any], *, service: str, operation: str, params: dict[str, Any]
    ) -> Any:
        return self.cross(f"{service}.{operation}", run)


class Queue:
    """The outreach queue as a list of batch ids with their delays."""

    def __init__(self, boundaries: Boundaries) -> None:
        self._boundaries = boundaries
        self.messages: list[tuple[str, int]] = []
        self.away = False

    def batch_ready(self, batch_id: str, *, delay_s: int = 0) -> None:
        if self.away:
            raise UnavailableError("the queue did not take the message")
        self._boundaries.cross("sqs", lambda: self.messages.append((batch_id, delay_s)))

    def take(self) -> list[str]:
        taken, self.messages = [batch_id for batch_id, _ in self.messages], []
        return taken


class Vendor:
    """LivePerson as far as outreach sees it: remembers campaigns, counts texts per number."""

    def __init__(self, boundaries: Boundaries, now: Callable[[], datetime]) -> None:
        self._boundaries, self._now = boundaries, now
        self.campaigns: list[tuple[datetime, Campaign]] = []
        self.texts: Counter[str] = Counter()
        self.refuse: dict[str, str] = {}  # digits -> errorMessage
        self.unclear: set[str] = set()
        self.failures: list[Exception | None] = []  # next calls; None = works
        self.processed_although_failed = False
        self.statuses: dict[str, TextStatus] = {}  # what a listing says, by the vendor's id
        self.reported: dict[str, TextStatus] = {}  # what outbound reporting says
        self.report_failure: Exception | None = None
        self.names_told = True
        self.asked: list[str] = []

    def start_campaign(self, account: Any, *, campaign: Campaign) -> CampaignResult:
        assert account.role == "owner"
        return self._boundaries.cross("vendor", lambda: self._start(campaign))

    def _start(self, campaign: Campaign) -> CampaignResult:
        self.asked.append("campaign")
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or self.processed_although_failed:
            self._process(campaign)
        if failure is not None:
            raise failure
        digits = [phone.digits for phone, _ in campaign.recipients]
        said = [d for d in digits if d not in self.unclear]
        return CampaignResult(
            campaign_id=f"c-{len(self.campaigns)}",
            accepted={d: f"id-{d}" for d in said if d not in self.refuse},
            failed={d: self.refuse[d] for d in said if d in self.refuse},
            unclear=tuple(d for d in digits if d in self.unclear),
        )

    def _process(self, campaign: Campaign) -> None:
        self.campaigns.append((self._now(), campaign))
        self.texts.update(p.digits for p, _ in campaign.recipients if p.digits not in self.refuse)

    def campaign_status(self, account: Any, *, campaign_id: str) -> list[TextStatus]:
        self.asked.append("status")
        if self.report_failure is not None:
            raise self.report_failure
        _, campaign = self.campaigns[int(campaign_id.removeprefix("c-")) - 1]
        ids = [f"id-{p.digits}" for p, _ in campaign.recipients]
        return [self.statuses.get(i, TextStatus(i, "DELIVERED", None, None)) for i in ids]

    def campaign_report(self, account: Any, *, campaign_id: str) -> list[TextStatus]:
        self.asked.append("report")
        if self.report_failure is not None:
            raise self.report_failure
        at, campaign = self.campaigns[int(campaign_id.removeprefix("c-")) - 1]
        if at > self._now() - timedelta(minutes=20):
            return []
        ids = [f"id-{p.digits}" for p, _ in campaign.recipients]
        return [self.reported.get(i, TextStatus(i, "DELIVERED", None, None)) for i in ids]

    def transactions(
        self, account: Any, *, start: datetime, end: datetime, statuses: Sequence[str] = (),
        skills: Sequence[str] = (),
    ) -> list[Transaction]:  # fmt: skip
        self.asked.append("transactions")
        if self.report_failure is not None:
            raise self.report_failure
        shown = self._now() - timedelta(minutes=20)
        return [
            Transaction(f"t-{n}-{m}", f"c-{n}", told.status, None, told.error, at, None,
                        campaign.skill)
            for n, (at, campaign) in enumerate(self.campaigns, 1)
            for m, (number, _) in enumerate(campaign.recipients)
            if start <= at <= end and at <= shown and campaign.skill in (skills or campaign.skill)
            for told in [self.reported.get(f"id-{number.digits}",
                                           TextStatus("", "SENT", None, None))]
            if told.status in (statuses or told.status)
        ]  # fmt: skip

    def campaign_name(self, account: Any, *, campaign_id: str) -> str | None:
        self.asked.append("name")
        campaign = self.campaigns[int(campaign_id.removeprefix("c-")) - 1][1]
        return campaign.name if self.names_told else None


def shop() -> Store:
    people = tuple(
        Associate(agent_id=a, pid=f"pid-{a}", login=LOGINS[a], nickname=f"N{a}", enabled=a != GONE)
        for a in (ANNA, BEN, GONE)
    )
    return Store(account=ACCOUNT, group=GROUP, name="Kay 4100", banner="kay",
                 zone="America/New_York", state="NY", postal_code="10704", openings=(),
                 associates=people, managers=())  # fmt: skip


def ours(outbound: str) -> str:
    """A banner's number of the sample program as the rig has it: no `phone` is one of them."""
    return outbound.replace("+1212", "+1929")


def phone(number: int) -> str:
    """A demo number of New York: +1212555 0100-0199 or, from a hundred on, another exchange."""
    area = ("212", "718", "917", "646")[number // 100 % 4]
    return f"+1{area}55501{number % 100:02d}"


@dataclass
class Rig:
    """Everything joined; `services()` gives a fresh process on the same table."""

    table: Table
    clock: Any
    settings: Settings = field(default_factory=lambda: Settings(table_name="t"))

    def __post_init__(self) -> None:
        self.boundaries = Boundaries()
        self.queue = Queue(self.boundaries)
        self.vendor = Vendor(self.boundaries, self.clock.now)
        self.remaining_s = 60.0
        self.write_store(shop())
        self.apply()

    # ------------------------------------------------------------ what is in the table

    def apply(self, change: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Apply the in-store sample program without its SMS line, changed if wanted, as the next
        version."""
        document_ = sample_document("in_store")
        del document_["line"]
        document_["banners"][0]["number"]["strategy"] = "shared"
        for banner in document_["banners"]:  # the sample's own are those of `phone`: customers'
            banner["number"]["outbound"] = ours(banner["number"]["outbound"])
        if change is not None:
            change(document_)
        programs = Programs(self.table, now=self.clock.now)
        stored = self.table.get("PROGRAM", "CURRENT")
        programs.apply(document_, seen=int(stored["version"]) if stored else 0, who="test")

    def write_store(self, store: Store) -> None:
        self.table.put({"pk": f"STORE#{store.account}#{store.group}", "sk": "STORE",
                        **document(store)})  # fmt: skip
        for name, pointer in aliases(store).items():
            self.table.put({"pk": f"ALIAS#{name}", "sk": "ALIAS", "account": pointer.account,
                            "group": pointer.group, "agent": pointer.agent_id})  # fmt: skip

    def customer(self, number: str, *, consent: str | None = "one_to_one", **more: Any) -> str:
        """A customer who agreed to texts of this class for kay, a month ago."""
        name = customer_id(Phone(number), key=KEY.encode())
        item: dict[str, Any] = {
            "pk": f"CUSTOMER#{name}", "sk": "CUSTOMER", "id": name, "phone": number, "rev": 1,
            "created_at": iso(self.clock.now() - timedelta(days=30)), **more,
        }  # fmt: skip
        if consent is not None:
            at = iso(self.clock.now() - timedelta(days=30))
            item["consents"] = {"kay": {"class": consent, "at": at, "entry": 1}}
            item["chain"] = {"n": 1, "hash": "0" * 32}
        self.table.put(item)
        return name

    def customers(self, count: int) -> list[str]:
        numbers = [phone(n) for n in range(count)]
        for number in numbers:
            self.customer(number)
        return numbers

    def item(self, batch_id: str) -> dict[str, Any]:
        item = self.table.get(f"BATCH#{batch_id}", "BATCH")
        assert item is not None
        return item

    def rows(self, batch_id: str) -> list[dict[str, Any]]:
        return rows_of(self.item(batch_id))

    def states(self, batch_id: str) -> list[str]:
        return [row["s"] for row in self.item(batch_id)["rows"]]

    def reasons(self, batch_id: str) -> list[str | None]:
        return [row.reason for row in from_item(self.item(batch_id)).rows]

    def used(self, agent: str = ANNA, day: str = "2026-11-18") -> int:
        item = self.table.get(f"ASSOCIATE#{ACCOUNT}#{agent}", f"DAY#{day}")
        return 0 if item is None else int(item["used"])

    def leased(self, number: str) -> bool:
        name = customer_id(Phone(number), key=KEY.encode())
        item = self.table.get(f"CUSTOMER#{name}", "CUSTOMER")
        return item is not None and "lease" in item

    # ------------------------------------------------------------ processes

    def services(self) -> Services:
        house = Services(self.settings, now=self.clock.now, sleep=self.clock.sleep)
        plain: Any = house
        plain.table, plain.texts_at_once = self.table, 1
        plain.secrets = SimpleNamespace(text=lambda _: KEY)
        plain.queues = self.queue
        plain.liveperson = self.vendor
        return house

    @contextmanager
    def process(self) -> Iterator[Services]:
        """One invocation in a fresh process; the boundaries stand around its calls."""
        with using(self.services()) as house, watching(self.boundaries):
            yield house

    def context(self) -> Any:
        return SimpleNamespace(
            function_name="f", memory_limit_in_mb=512, aws_request_id="r-1",
            invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
            get_remaining_time_in_millis=lambda: int(self.remaining_s * 1000),
        )  # fmt: skip

    def ask(
        self, route: str, body: Any = None, *, key: str | None = "k-1", login: str = LOGINS[ANNA],
        scopes: str = "outreach/send outreach/read outreach/consent", raw: str | None = None,
        path: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        """One request to the outreach API, as API Gateway would hand it over."""
        from outreach_api import app

        with self.process():
            answer = app.handler(
                http_event(route, body, key=key, login=login, scopes=scopes, raw=raw, path=path),
                self.context(),
            )
        return answer["statusCode"], json.loads(answer["body"])

    def text(self, numbers: list[str], **more: Any) -> tuple[int, dict[str, Any]]:
        return self.ask("POST /outreach", outreach(numbers), **more)

    def deliver(self, batch_ids: list[str] | None = None, *, bodies: tuple[str, ...] = ()) -> Any:
        """Hand queue messages (all that wait, unless given) to proactive_batch."""
        from proactive_batch import app

        waiting = self.queue.take() if batch_ids is None else batch_ids
        texts = [json.dumps({"batch": batch_id}) for batch_id in waiting] + list(bodies)
        with self.process():
            return app.handler(sqs_event(texts), self.context())

    def deliver_until(self, name: str) -> None:
        """Deliver, and kill the process right after its first call of this name took effect."""
        waiting = self.queue.take()
        self.boundaries.kill_name = name
        try:
            self.deliver(waiting)
        except Killed:
            return
        finally:
            self.boundaries.kill_name = None
        raise AssertionError(f"no call {name}")

    def sweep(self) -> Any:
        from sweep import app

        with self.process():
            return app.handler(json.loads((ROOT / "events/sweep.schedule.json").read_text()),
                               self.context())  # fmt: skip

    def settle(self, minutes: int = 130) -> None:
        """Let time pass as it would: queue delivered, sweep every few minutes."""
        passed = 0
        while passed < minutes:
            if self.queue.messages:
                self.deliver()
            self.sweep()
            step = 2 if passed < 10 else 5
            self.clock.advance(step * 60)
            passed += step


def rows_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a stored batch, each with what it shares with others put back."""
    shared = item.get("shared", ())
    return [{**row, **(shared[row["h"]] if "h" in row else {})} for row in item["rows"]]


def outreach(numbers: list[str], template: str = "new-arrivals") -> dict[str, Any]:
    variables = ["Anna", "Kay"] if template == "new-arrivals" else ["Kay"]
    return {"template": template,
            "recipients": [{"phone": n, "variables": variables} for n in numbers]}  # fmt: skip


def http_event(
    route: str, body: Any = None, *, key: str | None = "k-1", login: str = LOGINS[ANNA],
    scopes: str = "outreach/send", raw: str | None = None, path: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    event: dict[str, Any] = json.loads((ROOT / "events/outreach_api.send.json").read_text())
    event["routeKey"] = route
    event["headers"] = {"content-type": "application/json"}
    if key is not None:
        event["headers"]["idempotency-key"] = key
    jwt = event["requestContext"]["authorizer"]["jwt"]
    jwt["claims"] |= {"email": login, "scope": scopes}
    jwt["scopes"] = None
    event["body"] = raw if raw is not None else None if body is None else json.dumps(body)
    event["isBase64Encoded"] = False
    if path is not None:
        event["pathParameters"] = path
    return event


def sqs_event(bodies: list[str]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events/proactive_batch.sqs.json").read_text())
    record = event["Records"][0]
    event["Records"] = [
        {**record, "messageId": f"m-{n}", "body": body} for n, body in enumerate(bodies)
    ]
    return event


__all__ = ["ACCOUNT", "ANNA", "BEN", "GONE", "GROUP", "LOGINS", "Killed", "Pointer", "Rig",
           "http_event", "outreach", "phone", "replace", "rows_of", "shop", "sqs_event"]  # fmt: skip
