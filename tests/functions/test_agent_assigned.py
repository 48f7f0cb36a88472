"""The function behind the queue: what each change does, what comes again, what a crash leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from local.lock import watching
from tests.assigned_rig import (
    ACCOUNT,
    BOT,
    DANA,
    EVE,
    MEMBER,
    PHONE,
    PK,
    STRANGER,
    Rig,
    operations,
    program_with,
)
from tests.outreach_rig import away

from agent_assigned.app import handler
from instore.adapters.table import Table
from instore.assigning import take
from instore.assignment import ConversationChange, Kind, Seat
from instore.directory import Pointer
from instore.errors import UnavailableError
from instore.program import Program
from instore.runtime import observability
from instore.runtime.services import Services, using
from instore.runtime.settings import Settings

EVENTS = Path(__file__).parents[2] / "events"


@pytest.fixture
def rig(table: Table, strict_program: Program, clock: Any) -> Rig:
    return Rig(table, strict_program, clock)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    add = observability.metrics.add_metric

    def note(*, name: str, unit: Any, value: float) -> None:
        names.append(name)
        add(name=name, unit=unit, value=value)

    monkeypatch.setattr(observability.metrics, "add_metric", note)
    return names


@pytest.fixture
def hidden() -> list[tuple[list[str], int]]:
    """What the queue was told to show again, and in how many seconds."""
    return []


@pytest.fixture
def house(rig: Rig, clock: Any, hidden: list[tuple[list[str], int]]) -> Services:
    """The process's services with this test's table, program, vendor and time."""

    def hide(receipts: Iterable[str], *, after_s: int) -> None:
        hidden.append((list(receipts), after_s))

    house = Services(Settings(), now=clock.now, sleep=clock.sleep)
    house.table = rig.table
    house.programs = SimpleNamespace(current=lambda: rig.program)  # type: ignore[assignment]  # nothing else is asked
    house.customers, house.stores = rig.customers, rig.stores
    house.liveperson = rig.vendor  # type: ignore[assignment]  # nothing else is asked
    house.queues = SimpleNamespace(changes_again=hide)  # type: ignore[assignment]  # nothing else is asked
    return house


Deliver = Callable[..., list[str]]


@pytest.fixture
def deliver(house: Services) -> Deliver:
    def deliver(
        *changes: ConversationChange | dict[str, Any], time_left: int = 30_000, tries: int = 1
    ) -> list[str]:
        """Message ids (m0, m1 …) that are to come again."""
        context = SimpleNamespace(
            function_name="agent_assigned", memory_limit_in_mb=512, aws_request_id="r1",
            invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:x",
            get_remaining_time_in_millis=lambda: time_left,
        )  # fmt: skip
        with using(house):
            records = [_record(n, change, tries) for n, change in enumerate(changes)]
            answer = handler({"Records": records}, context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return deliver


def _record(
    number: int, change: ConversationChange | dict[str, Any], tries: int = 1
) -> dict[str, Any]:  # fmt: skip
    record: dict[str, Any] = json.loads((EVENTS / "agent_assigned.sqs.json").read_text())
    (record,) = record["Records"]
    message = change.as_message() if isinstance(change, ConversationChange) else change
    group = f"{message.get('account')}.{message.get('conversation')}"
    record["attributes"] |= {"MessageGroupId": group, "ApproximateReceiveCount": str(tries)}
    return record | {"messageId": f"m{number}", "receiptHandle": f"r{number}",
                     "body": json.dumps(message)}  # fmt: skip


def test_three_times_and_out_of_order_exactly_one_text(
    rig: Rig, deliver: Deliver, counted: list[str]
) -> None:
    rig.converse().consent()
    offered = rig.change(50)
    offered = ConversationChange(ACCOUNT, offered.conversation, Kind.STATE, offered.ts, agents=(
        SimpleNamespace(pid=DANA, seat=Seat.SUGGESTED),))  # type: ignore[arg-type]  # fmt: skip
    taken = rig.change(60, DANA)
    assert deliver(taken, offered, taken, rig.change(10, BOT), taken) == []
    assert len(rig.vendor.campaigns) == 1
    item = rig.item()
    assert (item["state"], item["agent"], item["agent_id"]) == ("assigned", DANA, "111")
    assert (item["waiting"], rig.bound()) == (False, "111")
    assert counted == ["Arrived", "NoticesSent"]


def test_the_event_file_assigns(rig: Rig, house: Services) -> None:
    rig.converse().consent()
    event = json.loads((EVENTS / "agent_assigned.sqs.json").read_text())
    context = SimpleNamespace(function_name="f", memory_limit_in_mb=1, aws_request_id="r",
                              invoked_function_arn="a",
                              get_remaining_time_in_millis=lambda: 30_000)  # fmt: skip
    with using(house):
        assert handler(event, context) == {"batchItemFailures": []}
    assert rig.item()["agent"] == DANA


def test_suggested_is_not_assigned(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    offered = rig.change(50, DANA).as_message()
    offered["agents"][0]["state"] = "SUGGESTED"
    assert deliver(offered) == []
    item = rig.item()
    assert (item["state"], item["waiting"]) == ("decided", True)
    assert "agent" not in item
    assert "change" not in item


@pytest.mark.parametrize("pid", [BOT, STRANGER])
def test_bots_and_strangers_are_nobody(rig: Rig, deliver: Deliver, pid: str) -> None:
    rig.converse().consent()
    assert deliver(rig.change(50, pid)) == []
    assert (rig.item()["state"], rig.item()["waiting"]) == ("decided", True)
    assert rig.vendor.campaigns == []


def test_a_human_beside_a_bot(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    deliver(rig.change(50, BOT, DANA))
    assert rig.item()["agent"] == DANA


def test_a_duplicate_costs_one_request(
    rig: Rig, deliver: Deliver, requests_made: list[Any]
) -> None:
    rig.converse().consent()
    deliver(rig.change(60, DANA))
    for old in (rig.change(60, DANA), rig.change(59, BOT)):
        del requests_made[:]
        assert deliver(old) == []
        assert operations(requests_made) == ["UpdateItem"]


def test_a_foreign_conversation_costs_one_request(
    rig: Rig, deliver: Deliver, requests_made: list[Any]
) -> None:
    del requests_made[:]
    assert deliver(rig.change(60, DANA)) == []
    assert operations(requests_made) == ["UpdateItem"]
    assert rig.table.get(PK, "CONVERSATION") is None


def test_a_change_that_changes_nothing_costs_two(
    rig: Rig, deliver: Deliver, requests_made: list[Any]
) -> None:
    rig.converse().consent()
    deliver(rig.change(60, DANA))
    del requests_made[:]
    deliver(rig.change(70, DANA))
    assert operations(requests_made) == ["UpdateItem", "UpdateItem"]
    assert len(rig.vendor.campaigns) == 1


def test_an_assignment_costs_what_it_must(
    rig: Rig, deliver: Deliver, requests_made: list[Any]
) -> None:
    rig.converse().consent()
    rig.stores.store(ACCOUNT, group="north")
    del requests_made[:]
    deliver(rig.change(60, DANA))
    assert operations(requests_made) == [
        "UpdateItem",  # taken in
        "GetItem",  # PID -> agent
        "PutItem",  # the fact that a person has it
        "UpdateItem",  # settled, notice owed
        "GetItem",  # customer
        "UpdateItem", "UpdateItem",  # first binding of this customer
        "GetItem",  # is the number held
        "UpdateItem", "UpdateItem",  # pace, idle line
        "UpdateItem",  # claimed
        "GetItem",  # customer, as of now
        "UpdateItem",  # sent
    ]  # fmt: skip


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for level in ("error", "warning"):
        monkeypatch.setattr(observability.logger, level,
                            lambda text, level=level, **_: lines.append((level, text)))  # fmt: skip
    return lines


def test_another_agent_than_asked_is_a_misroute(
    rig: Rig, deliver: Deliver, counted: list[str], logged: list[tuple[str, str]]
) -> None:
    rig.converse().consent()
    deliver(rig.change(60, EVE))
    assert rig.item()["misrouted"] is True
    assert counted.count("Misrouted") == 1
    assert logged == [("error", "LivePerson chose another agent than asked")]
    assert rig.bound() is None  # strict: whoever LivePerson chose is not the member's navigator
    deliver(rig.change(90, DANA))
    assert "misrouted" not in rig.item()


def test_a_misroute_where_stand_ins_are_allowed_is_a_warning(
    rig: Rig, deliver: Deliver, logged: list[tuple[str, str]]
) -> None:
    (banner,) = rig.program.banners
    routing = banner.routing.model_copy(update={"stickiness": "store"})
    rig.program = rig.program.model_copy(
        update={"banners": [banner.model_copy(update={"routing": routing})]}
    )
    rig.converse().consent()
    deliver(rig.change(60, EVE))
    assert logged == [("warning", "LivePerson chose another agent than asked")]
    assert rig.bound() == "222"


def test_sent_to_a_skill_any_agent_is_right(rig: Rig, deliver: Deliver, counted: list[str]) -> None:
    rig.converse(target=None, waiting=None, wait=None)
    deliver(rig.change(60, EVE))
    assert (rig.item()["agent_id"], "misrouted" in rig.item()) == ("222", False)
    assert counted == ["Arrived"]


def test_nobody_waited_nobody_is_told(rig: Rig, deliver: Deliver) -> None:
    rig.converse(waiting=None, wait=None, due_at=None, due_shard=None).consent()
    deliver(rig.change(60, DANA))
    assert (rig.notice(), rig.vendor.campaigns) == ("none", [])


def test_the_agent_leaves_and_the_member_waits_again(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    deliver(rig.change(60, DANA), rig.change(120))
    item = rig.item()
    assert (item["state"], item["waiting"], item["wait"]) == ("decided", True, 2)
    assert item["waiting_since"] == "2026-11-18T16:02:00.000Z"
    assert item["due_at"] == 1795017720 + 1440 * 60
    assert "agent" not in item
    assert "agent_id" not in item
    deliver(rig.change(180, DANA))
    assert len(rig.vendor.campaigns) == 2


def test_back_to_the_bot_is_not_a_wait(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    deliver(rig.change(60, DANA), rig.change(120, BOT))
    item = rig.item()
    assert (item["state"], item["waiting"], item["wait"]) == ("decided", False, 1)
    assert "due_at" not in item


def test_nobody_wanted_nobody_waits(rig: Rig, deliver: Deliver) -> None:
    rig.converse(wanted=None, target=None, waiting=None, wait=None)
    deliver(rig.change(60, DANA), rig.change(120))
    assert (rig.item()["waiting"], rig.item()["state"]) == (False, "decided")


def test_late_news_of_the_former_agent_does_not_end_a_new_wait(rig: Rig, deliver: Deliver) -> None:
    """The bot decided anew; the news that it has the conversation again comes only now."""
    rig.converse(agent=DANA, agent_id="111", wait=2).consent()
    deliver(rig.change(-5, BOT))
    item = rig.item()
    assert (item["waiting"], item["wait"]) == (True, 2)
    assert "due_at" in item
    assert "agent" not in item
    deliver(rig.change(60, DANA))
    assert len(rig.vendor.campaigns) == 1


def test_closed(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    rig.customers.reserve(
        rig.customer, known=rig.customers.get(rig.customer), phone=PHONE,
        banner="plan", pointer=Pointer(ACCOUNT, "north", "111"), batch="b1", purpose="one_to_one", program=rig.program,
        now=rig.began,
    )  # fmt: skip
    customer = rig.customers.get(rig.customer)
    assert customer is not None
    assert customer.lease is not None
    deliver(rig.change(60, DANA), rig.change(90, closed=True))
    item = rig.item()
    assert (item["state"], item["waiting"]) == ("closed", False)
    assert "due_at" not in item
    customer = rig.customers.get(rig.customer)
    assert customer is not None
    assert customer.lease is None


def test_a_closed_conversation_without_a_known_customer(rig: Rig, deliver: Deliver) -> None:
    rig.converse(customer=None, phone=None, wanted=None)
    assert deliver(rig.change(90, closed=True)) == []
    assert rig.item()["state"] == "closed"


def test_a_stop_in_plain_words_ends_all_texts(
    rig: Rig, deliver: Deliver, counted: list[str], requests_made: list[Any], clock: Any
) -> None:
    rig.converse().consent()
    stop = rig.change(70).as_message() | {"kind": "revocation", "words": "stop it", "agents": []}
    assert deliver(stop) == []
    customer = rig.customers.get(rig.customer)
    assert customer is not None
    assert customer.opted_out == clock.now()
    assert counted == ["Arrived", "OptedOut"]
    del requests_made[:]
    assert deliver(stop) == []
    assert operations(requests_made) == ["GetItem"]
    deliver(rig.change(80, DANA))
    assert rig.notice() == "skipped opted_out"


def test_a_late_copy_of_a_stop_does_not_undo_a_later_start(
    rig: Rig, deliver: Deliver, clock: Any
) -> None:
    rig.converse().consent()
    stop = rig.change(70).as_message() | {"kind": "revocation", "words": "stop it", "agents": []}
    deliver(stop)
    rig.customers.opt_in(rig.customer, banner="plan", scope="all", how="START", words="START",
                         now=clock.now())  # fmt: skip
    deliver(stop)
    customer = rig.customers.get(rig.customer)
    assert customer is not None
    assert customer.opted_out is None


def test_a_time_to_come_does_not_deafen_the_conversation(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    just, over = 3600 + 600, 3600 + 601  # the wait began an hour ago
    assert deliver(rig.change(over, EVE), rig.change(86400 * 365), rig.words(over, EVE)) == []
    assert "changed_ts" not in rig.item()
    deliver(rig.change(60, DANA))
    assert (rig.item()["state"], rig.item()["agent"]) == ("assigned", DANA)
    deliver(rig.change(just))
    assert rig.item()["state"] == "decided"


def test_a_stop_of_a_time_to_come_counts_and_does_not_hide_a_later_one(
    rig: Rig, deliver: Deliver, clock: Any
) -> None:
    def opted_out() -> bool:
        customer = rig.customers.get(rig.customer)
        return customer is not None and customer.opted_out is not None

    rig.converse().consent()
    stop = rig.change(86400 * 365).as_message() | {"kind": "revocation", "words": "stop it"}
    deliver(stop)
    assert opted_out()
    rig.customers.opt_in(rig.customer, banner="plan", scope="all", how="START", words="START",
                         now=clock.now())  # fmt: skip
    assert not opted_out()
    deliver(stop | {"ts": rig.change(70).ts})
    assert opted_out()


def test_a_second_stop_and_stops_about_nobody(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    stop = rig.change(70).as_message() | {"kind": "revocation", "words": "stop it", "agents": []}
    assert deliver(stop, stop | {"ts": stop["ts"] + 1}) == []
    assert rig.item()["revoked_ts"] == stop["ts"] + 1
    assert deliver(stop | {"conversation": "unknown"}) == []
    rig.converse(customer=None)
    assert deliver(stop) == []


def test_a_failed_change_holds_the_later_ones_of_its_conversation_only(
    rig: Rig, deliver: Deliver, monkeypatch: pytest.MonkeyPatch, logged: list[tuple[str, str]],
    hidden: list[tuple[list[str], int]],
) -> None:  # fmt: skip
    """And they come again together in 20 s, not in the queue's 390."""
    rig.converse().consent()

    by_pid = rig.stores.by_pid
    monkeypatch.setattr(rig.stores, "by_pid", away)
    other = rig.change(60, DANA).as_message() | {"conversation": "another"}
    assert deliver(rig.change(60, DANA), other, rig.change(90, closed=True)) == ["m0", "m2"]
    assert logged == [("error", "Change not taken")]
    assert hidden == [(["r0", "r2"], 20)]
    monkeypatch.setattr(rig.stores, "by_pid", by_pid)
    assert deliver(rig.change(60, DANA), rig.change(90, closed=True)) == []
    assert rig.item()["state"] == "closed"
    assert len(rig.vendor.campaigns) == 1


def test_a_change_given_up_holds_nothing_back_and_undoes_nothing_later(
    rig: Rig, deliver: Deliver, monkeypatch: pytest.MonkeyPatch, hidden: list[tuple[list[str], int]]
) -> None:
    """At its last try the next of its conversation is taken at once. Brought back by hand out of the
    dead letters it is late news."""
    rig.converse().consent()
    by_pid, left = rig.stores.by_pid, rig.change(60, DANA)

    def away(_: str, *, pid: str) -> Any:
        if pid == DANA:
            raise UnavailableError("the table did not answer")
        return by_pid(_, pid=pid)

    monkeypatch.setattr(rig.stores, "by_pid", away)
    assert deliver(left, rig.change(90, EVE), tries=8) == ["m0"]
    assert hidden == [(["r0"], 0)]
    assert rig.item()["agent"] == EVE
    monkeypatch.setattr(rig.stores, "by_pid", by_pid)
    assert deliver(left) == []
    assert rig.item()["agent"] == EVE
    assert len(rig.vendor.campaigns) == 1


def test_poison_goes_alone(rig: Rig, deliver: Deliver, logged: list[tuple[str, str]]) -> None:
    rig.converse().consent()
    assert deliver({"poison": True}, rig.change(60, DANA)) == ["m0"]
    assert rig.item()["agent"] == DANA


def test_what_there_is_no_time_for_comes_again(rig: Rig, deliver: Deliver) -> None:
    rig.converse().consent()
    assert deliver(rig.change(60, DANA), time_left=16_999) == ["m0"]
    assert "changed_ts" not in rig.item()


def test_a_conversation_that_keeps_changing_comes_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.converse().consent()
    means = rig.means
    monkeypatch.setattr(means.changes, "settle", lambda *_: None)
    with pytest.raises(UnavailableError) as error:
        take(rig.change(60, DANA), means=means, now=rig.clock.now())
    assert error.value.public_code == "conversation_busy"


class KilledError(BaseException):
    """The process ends: no handler of ours may catch it."""


def _kill_at(call: int, *, after: bool) -> Any:
    """An interceptor that ends the process before or after its n-th call is carried out."""
    seen = iter(range(1, 1000))

    def before(run: Any, *, service: str, operation: str, params: dict[str, Any]) -> Any:
        if next(seen) != call:
            return run()
        if after:
            with suppress(Exception):
                run()
        raise KilledError

    return before


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("when", ["assigned", "first_reply"])
def test_killed_at_any_request_then_delivered_again(
    table: Table, strict_program: Program, clock: Any, after: bool, when: str
) -> None:
    """I13, I4: at most one text, none lost but the one whose call was under way; binding there."""
    texts, call = [], 0
    while True:
        call += 1
        rig = Rig(table, program_with(strict_program, when=when), clock)
        rig.clean().converse().consent()
        history = [rig.words(61, DANA), rig.change(60, DANA), rig.change(60, DANA)]
        killed = False
        for change in history:
            try:
                with watching(_kill_at(call, after=after)) if not killed else watching(_pass):
                    rig.take(change)
            except KilledError:
                killed = True
        rig.take(*history)
        assert len(rig.vendor.campaigns) <= 1
        assert rig.bound() == "111"
        assert rig.item()["agent"] == DANA
        if not rig.vendor.campaigns:
            # Claimed, and nobody knows how far it came: the sweep says so, and no more.
            clock.advance(181)
            assert rig.sweep().metrics == ("NoticesUnknown",)
        texts.append(len(rig.vendor.campaigns))
        if not killed:
            break
    # Between claim and call the customer is read once more.
    assert texts.count(0) == (2 if after else 1)
    assert len(texts) > 8


def _pass(run: Any, **_: Any) -> Any:
    return run()


def test_through_the_real_client(rig: Rig, house: Services, deliver: Deliver, clock: Any) -> None:
    """What LivePerson is asked for, as it goes over the wire."""
    from instore.adapters.liveperson import LivePerson

    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/campaign"):
            asked.append(json.loads(request.content))
            consumer = {"id": "t1", "consumerContent": {"sms": "16125550142"}}
            return httpx.Response(200, json={"proactiveCampaignId": "c1", "failedConsumers": [],
                                             "acceptedConsumers": [consumer]})  # fmt: skip
        if "baseURI" in path:
            return httpx.Response(200, json={"service": "sentinel", "account": ACCOUNT,
                                             "baseURI": "sentinel.example.com"})  # fmt: skip
        return httpx.Response(200, json={"access_token": "t", "token_type": "Bearer",
                                         "expires_in": 3600})  # fmt: skip

    keys = {"client_id": "i", "client_secret": "s"}
    house.liveperson = LivePerson(
        secrets=SimpleNamespace(account=lambda _: keys, forget=lambda _: None),  # type: ignore[arg-type]  # stands in for the real one
        domain_api="https://domain.example.com", gateway="https://gateway.example.com",
        now=clock.now, sleep=clock.sleep, transport=httpx.MockTransport(answer),
    )  # fmt: skip
    rig.converse().consent()
    assert deliver(rig.change(60, DANA)) == []
    (body,) = asked
    assert body.pop("campaignName").startswith("instore-notice-")
    assert body == {
        "skill": "plan-replies", "templateId": "777555567002", "outboundNumber": "16125550100",
        "consent": True, "consumers": [{
            "consumerContent": {"sms": "16125550142"},
            "variables": {"1": "Dana", "2": "https://members.example.com/messages"}}],
    }  # fmt: skip
    assert rig.notice() == "sent"


@pytest.fixture(autouse=True)
def _nothing_personal_is_logged(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    said = "".join(capfd.readouterr())
    assert "6125550142" not in said
    assert MEMBER not in said
