"""More texts due than one process sends in time: hands are called for, shard by shard (decisions/0019)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from tests.line_rig import LineRig
from tests.outreach_rig import ROOT, Killed, away, phone

from instore import line_due
from instore.adapters.queues import Queues
from instore.adapters.table import Table
from instore.errors import (
    UnavailableError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.line_text import Purpose, TextState
from instore.model import shard_of
from instore.runtime.services import Services

S = TextState
CROWD = 4  # so many are a page here


def crowd(rig: LineRig, count: int, *, shard: int) -> list[str]:
    """Numbers of so many customers whose texts are all in this shard."""
    there = (phone(n) for n in range(400)
             if shard_of(rig.draft("x", phone(n)).customer) == shard)  # fmt: skip
    return [next(there) for _ in range(count)]


class Rig(LineRig):
    """With a queue that calls for hands: what it was told, `(shard, minute)`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.called: list[tuple[int, str]] = []
        self.hidden_for: list[tuple[str, int]] = []  # receipt handles, and when they come again
        self.queue_away = False
        self.at_once = 1

    def services(self) -> Services:
        house: Any = super().services()
        house.queues.texts_due, house.queues.texts_due_again = self.call, self.call_again
        house.texts_at_once = self.at_once
        return house  # type: ignore[no-any-return]  # what the rig has

    def call(self, shard: int, *, at: Any) -> None:
        if self.queue_away:
            raise UnavailableError("the queue did not take the message")
        self.boundaries.cross("sqs", lambda: self.called.append((shard, f"{at:%H:%M}")))

    def call_again(self, receipt: str, *, after_s: int) -> None:
        if self.queue_away:
            raise UnavailableError("the queue did not take the message")
        self.hidden_for.append((receipt, after_s))

    def due(self, numbers: list[str], *, texts: int = 1, tag: str = "t", **more: Any) -> None:
        house = self.services()
        for number in numbers:
            self.customer(number)
            for part in range(texts):
                draft = self.draft(f"{tag}-{number[2:]}-{part}", number, **more)
                house.texts.begin(draft, now=self.clock.now(), due_at=self.clock.now())
            self.clock.advance(1)

    def lend_hand(
        self, shard: int | None = None, *, body: str | None = None, receipt: str = ""
    ) -> Any:
        """Hand one message of the queue to the function, the oldest unless said."""
        from sweep import app

        event = json.loads((ROOT / "events/sweep.texts.json").read_text())
        shard = self.called.pop(0)[0] if shard is None and body is None else shard
        event["Records"][0]["body"] = body or json.dumps({"shard": shard})
        event["Records"][0]["receiptHandle"] = receipt or event["Records"][0]["receiptHandle"]
        with self.process():
            return app.handler(event, self.context())


@pytest.fixture
def rig(table: Table, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(line_due, "PAGE", CROWD)
    return Rig(table, clock)


def test_a_full_shard_is_handed_over_the_others_are_the_sweeps_own(rig: Rig) -> None:
    many, few = crowd(rig, 6, shard=3), crowd(rig, 2, shard=5)
    rig.due([*many, *few], purpose=Purpose.FIRST)
    rig.sweep()
    assert rig.called == [(3, "17:00")]
    assert sorted(m.to for m in rig.twilio.messages) == sorted(few)
    assert rig.lend_hand() == {"batchItemFailures": []}
    assert sorted(m.to for m in rig.twilio.messages) == sorted([*few, *many])
    assert rig.lend_hand(3) == {"batchItemFailures": []}  # told twice
    rig.sweep()
    assert (len(rig.twilio.messages), rig.called) == (8, [])


def test_a_text_handed_over_costs_three_requests(rig: Rig) -> None:
    """One write before the call, one look at the customer, one write after it; what is read of all
    together does not grow with them. And it counts as waiting for its turn, not as neglected."""
    rig.due(crowd(rig, 20, shard=3))
    rig.lend_hand(5)  # nothing there; the program is known
    rig.boundaries.reset()
    rig.lend_hand(3)
    names = rig.boundaries.names
    assert names.count("twilio") == len(rig.twilio.messages) == 20
    each = [n for n in names if n not in ("twilio", "dynamodb.Query", "dynamodb.BatchGetItem")]
    assert len(each) == 20 * 3 + 2, each  # program and store, once
    assert (names.count("dynamodb.Query"), names.count("dynamodb.BatchGetItem")) == (4, 1)


def test_who_waits_for_hands_waits_for_a_turn(rig: Rig, capsys: Any) -> None:
    rig.due(crowd(rig, 4, shard=3))
    rig.clock.advance(596)
    capsys.readouterr()
    rig.sweep()
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = next(line for line in told if "OldestDueSeconds" in line)
    assert (metrics["OldestDueSeconds"], metrics["OldestSendSeconds"]) == ([0.0], [600.0])


def test_customers_of_a_shard_go_side_by_side_and_each_ones_in_order(rig: Rig) -> None:
    numbers = crowd(rig, 4, shard=3)
    rig.due(numbers, texts=3)
    rig.at_once = 10
    together, first = threading.Barrier(4), iter(range(4))
    send = rig.twilio._send

    def slow(**text: Any) -> Any:
        if next(first, None) is not None:
            together.wait(timeout=10)  # all four are with Twilio at the same time, or this breaks
        return send(**text)

    rig.twilio._send = slow  # type: ignore[method-assign]  # for this test only
    rig.sweep()
    rig.lend_hand()
    assert not together.broken
    for number in numbers:
        assert rig.twilio.to(number) == [f"Hello t-{number[2:]}-{n}" for n in range(3)]


def test_without_a_queue_the_sweep_does_a_page_itself(rig: Rig) -> None:
    rig.due(crowd(rig, 6, shard=3))
    rig.queue_away = True
    assert rig.sweep()["failed"] == 1
    assert len(rig.twilio.messages) == CROWD
    rig.sweep()
    assert len(rig.twilio.messages) == 6


def test_a_sweep_without_time_calls_for_hands_for_a_single_text(rig: Rig) -> None:
    """Other work took the whole minute; an associate's answer that Twilio was too busy for must not
    wait for a quiet one."""
    (number,) = crowd(rig, 1, shard=7)
    rig.due([number])
    rig.remaining_s = 20.0
    rig.sweep()
    assert (rig.called, rig.twilio.messages) == ([(7, "17:00")], [])
    rig.remaining_s = 55.0
    rig.lend_hand()
    assert rig.twilio.to(number) == [f"Hello t-{number[2:]}-0"]


def test_hands_begin_no_text_that_they_could_not_end(rig: Rig) -> None:
    rig.due(crowd(rig, 4, shard=3))
    rig.remaining_s = 20.0
    rig.lend_hand(3)
    assert rig.twilio.messages == []


def test_a_twilio_that_does_not_answer_is_not_asked_for_the_rest(rig: Rig) -> None:
    """Each call without an answer is a text that a person may have to look after."""
    rig.due(crowd(rig, 14, shard=3))
    rig.twilio.failures = [VendorUnavailableError("time-out")] * 14
    rig.lend_hand(3)
    assert (len(rig.twilio.failures), rig.twilio.messages) == (4, [])
    rig.twilio.failures = []
    rig.lend_hand(3)
    assert len(rig.twilio.messages) == 4  # those that nobody had asked for


def test_a_twilio_that_cannot_be_reached_puts_off_nobody_it_was_not_asked_for(rig: Rig) -> None:
    """Nothing is lost by asking, but each waits longer for its next turn than the outage lasts."""
    numbers = crowd(rig, 24, shard=3)
    rig.due(numbers)
    rig.twilio.failures = [VendorNotReachedError("refused")] * 24
    rig.lend_hand(3)
    assert (len(rig.twilio.failures), rig.twilio.messages) == (4, [])
    tries = [rig.stored(f"t-{number[2:]}-0").tries for number in numbers]
    assert tries == [1] * 20 + [0] * 4
    rig.twilio.failures = []
    rig.lend_hand(3)
    assert [m.to for m in rig.twilio.messages] == numbers[20:]


def test_a_twilio_that_is_busy_now_and_then_is_asked_for_all(rig: Rig) -> None:
    numbers = crowd(rig, 30, shard=3)
    rig.due(numbers)
    rig.twilio.failures = [*[VendorThrottledError("busy")] * 19, None] + [
        VendorThrottledError("busy"), None] * 5  # fmt: skip
    rig.lend_hand(3)
    assert (rig.twilio.failures, len(rig.twilio.messages)) == ([], 6)


def test_claims_of_the_dead_are_no_twilio_that_is_away(rig: Rig) -> None:
    """Hands that died left as many claims as end a run; Twilio was asked nothing yet."""
    numbers = crowd(rig, 13, shard=3)
    rig.due(numbers)
    for number in numbers[:10]:
        text = rig.stored(f"t-{number[2:]}-0")
        rig.services().texts.save(
            replace(text, state=S.CLAIMED, claimed_at=text.created_at), before=text
        )
    rig.lend_hand(3)
    assert [m.to for m in rig.twilio.messages] == numbers[10:]


def test_what_somebody_waits_for_goes_before_a_full_shard(rig: Rig) -> None:
    """An associate's answer, put off by a busy Twilio, is due behind all of the night's notices."""
    *many, last = crowd(rig, 7, shard=3)
    rig.due(many, purpose=Purpose.FIRST)
    rig.due([last])
    rig.sweep()
    assert (rig.called, rig.twilio.messages) == ([(3, "17:00")], [])
    rig.lend_hand()
    assert [m.to for m in rig.twilio.messages] == [last, *many]


def test_what_somebody_waits_for_is_a_line_of_its_own(rig: Rig) -> None:
    """Only until it is claimed; and what may wait for its hours, waits with the others."""
    (number,) = crowd(rig, 1, shard=3)
    for n, (purpose, line) in enumerate([
        (Purpose.REPLY, "ANSWER"), (Purpose.CONFIRM, "ANSWER"), (Purpose.ASKED, "ANSWER"),
        (Purpose.NOTICE, "TEXT"), (Purpose.FIRST, "TEXT"),
    ]):  # fmt: skip
        rig.due([number], tag=f"p{n}", purpose=purpose, asked_at=rig.clock.now())
        name = f"p{n}-{number[2:]}-0"
        assert rig.table.get(f"TEXT#{name}", "TEXT")["due_shard"] == f"{line}#3"  # type: ignore[index]  # it is there
    text = rig.stored(f"p0-{number[2:]}-0")
    rig.services().texts.save(replace(text, state=S.CLAIMED), before=text)
    assert rig.table.get(f"TEXT#{text.id}", "TEXT")["due_shard"] == "TEXT#3"  # type: ignore[index]  # it is there


def test_hands_that_die_keep_their_shard_for_a_minute(rig: Rig) -> None:
    """By itself the queue would show their message again after six lives of the function."""
    rig.due(crowd(rig, 1, shard=3))
    rig.remaining_s = 54.0
    _killed(rig, lambda: rig.lend_hand(3), at="twilio", after=False)
    ((receipt, after_s),) = rig.hidden_for
    assert receipt.startswith("AQEB")
    assert 55 <= after_s <= 65
    rig.queue_away = True  # then it is six lives
    assert rig.lend_hand(3) == {"batchItemFailures": []}


def test_one_that_cannot_be_read_stops_no_other_and_is_not_read_for_ever(rig: Rig) -> None:
    numbers = crowd(rig, 5, shard=3)
    rig.due(numbers)
    rig.table.update(f"TEXT#t-{numbers[0][2:]}-0", "TEXT", "SET purpose = :none",
                     values={"none": "nonsense"})  # fmt: skip
    rig.lend_hand(3)
    assert len(rig.twilio.messages) == 4


@pytest.mark.parametrize("body", ["", "[]", '{"shard": "3"}', '{"batch": "b"}', "null"])
def test_a_message_about_nothing_is_left_to_the_dead_letters(rig: Rig, body: str) -> None:
    failed = rig.lend_hand(body=body or " ")
    assert len(failed["batchItemFailures"]) == 1


def test_a_table_that_is_away_leaves_all_as_it_was(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.due(crowd(rig, 4, shard=3))

    for what in ("get_many", "due"):
        with monkeypatch.context() as patch:
            patch.setattr(rig.table, what, away)
            assert rig.lend_hand(3) == {"batchItemFailures": []}
    assert rig.twilio.messages == []
    rig.lend_hand(3)
    assert len(rig.twilio.messages) == 4


@pytest.mark.parametrize("after", [False, True])
def test_hands_killed_around_the_call_text_nobody_twice(rig: Rig, after: bool) -> None:
    numbers = crowd(rig, 4, shard=3)
    rig.due(numbers)
    _killed(rig, lambda: rig.lend_hand(3), at="twilio", after=after)
    _an_hour(rig)
    assert sorted(m.to for m in rig.twilio.messages) == sorted(numbers)[not after :]
    lost = [n for n in numbers if rig.stored(f"t-{n[2:]}-0").state is S.UNRESOLVED]
    assert len(lost) == (0 if after else 1)  # of one, claimed and not posted, a person is told


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_hands_killed_anywhere_text_nobody_twice_and_lose_nobody(rig: Rig, after: bool) -> None:
    numbers = crowd(rig, 2, shard=3)
    rig.due(numbers)
    rig.boundaries.reset()
    rig.lend_hand(3)
    whole = list(rig.boundaries.names)
    for n, name in enumerate(whole):
        rig.due(numbers, tag=f"k{n}")
        rig.boundaries.reset(n, after=after)
        with pytest.raises(Killed):
            rig.lend_hand(3)
        rig.boundaries.reset()
        _an_hour(rig)
        for number in numbers:
            text = f"k{n}-{number[2:]}-0"
            posted, state = rig.twilio.to(number).count(f"Hello {text}"), rig.stored(text).state
            assert (posted, state) in ((1, S.QUEUED), (0, S.UNRESOLVED)), (n, name)


def test_the_queue_takes_one_message_a_shard_and_minute(rig: Rig) -> None:
    """The real queue of the template's kind, under the sweep's own role."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="line.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    rig.due(crowd(rig, 4, shard=3))
    plain = rig.services
    settings = rig.settings

    def real() -> Services:
        house: Any = plain()
        house.settings = SimpleNamespace(
            **{name: getattr(settings, name) for name in settings.__slots__}
            | {"line_queue_url": url}
        )
        house.queues = Queues(sqs, outreach="", assignment="", line=url)
        return house  # type: ignore[no-any-return]  # what the rig has

    rig.services = real  # type: ignore[method-assign]  # for this test only
    for _ in range(2):
        assert rig.sweep()["failed"] == 0
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"]) == {"shard": 3}
    told: list[dict[str, Any]] = []
    sqs.meta.events.register("provide-client-params.sqs", lambda params, **_: told.append(params))
    rig.lend_hand(body=message["Body"], receipt=message["ReceiptHandle"])
    assert len(rig.twilio.messages) == 4
    hidden = next(asked for asked in told if "Entries" in asked)["Entries"][0]
    assert (hidden["ReceiptHandle"], hidden["VisibilityTimeout"]) == (message["ReceiptHandle"], 65)


def _an_hour(rig: Rig) -> None:
    """The message again, a claim that lapses, and every look at an unknown text."""
    for minutes in (0, 2, 4, 10, 45, 5):
        rig.clock.advance(minutes * 60)
        rig.sweep()
        while rig.called:
            rig.lend_hand()


def _killed(rig: Rig, run: Callable[[], Any], *, at: str, after: bool) -> None:
    """The first call of this name is the last thing the process did, or would have done."""
    made = rig.boundaries.cross

    def cross(name: str, step: Callable[[], Any]) -> Any:
        if name != at:
            return made(name, step)
        if after:
            made(name, step)
        raise Killed

    rig.boundaries.cross = cross  # type: ignore[method-assign]  # for this test only
    with pytest.raises(Killed):
        run()
    rig.boundaries.cross = made  # type: ignore[method-assign]  # for this test only
