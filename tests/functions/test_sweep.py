"""The sweep, fed with its schedule event: whatever stopped on the way goes on, once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.outreach_rig import ANNA, BEN, LOGINS, Killed, Rig, away, phone

from instore.adapters.liveperson import TextStatus
from instore.adapters.table import Table
from instore.errors import UnavailableError, VendorThrottledError, VendorUnavailableError
from instore.notify import Notice, Resumed


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def killed(rig: Rig, kill_at: int, run: Any, *, after: bool = True) -> None:
    rig.boundaries.reset(kill_at, after=after)
    with pytest.raises(Killed):
        run()
    rig.boundaries.reset()


def sent_but_not_settled(rig: Rig, numbers: list[str]) -> str:
    """A batch whose invocation was killed right after the vendor took it."""
    batch_id: str = rig.text(numbers)[1]["id"]
    rig.boundaries.reset()
    rig.deliver_until("vendor")
    return batch_id


def test_deferred_work_goes_at_the_opening_in_turn(rig: Rig) -> None:
    rig.apply(lambda d: d["outreach"].update(chunk=1))
    numbers = rig.customers(5)
    rig.clock.advance(8.5 * 3600)
    for n in range(3):
        rig.text(numbers[n : n + 1], key=f"a-{n}")
        rig.clock.advance(1)
    for n in range(2):
        rig.text(numbers[3 + n : 4 + n], key=f"b-{n}", login=LOGINS[BEN])
        rig.clock.advance(1)
    rig.sweep()
    assert rig.queue.messages == []
    rig.clock.advance(14.5 * 3600)
    rig.sweep()
    assert len(rig.queue.messages) == 5
    rig.deliver()
    order = [c.recipients[0][0].e164 for _, c in rig.vendor.campaigns]
    assert order == [numbers[n] for n in (0, 3, 1, 4, 2)]


def test_a_lost_queue_message_is_made_up_for_every_five_minutes(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.queue.take()
    rig.clock.advance(74)
    rig.sweep()
    assert rig.queue.take() == []
    rig.clock.advance(1)
    assert rig.sweep()["counts"] == {"Redriven": 1}
    assert rig.queue.take() == [batch_id]
    rig.clock.advance(240)
    rig.sweep()
    assert rig.queue.take() == []
    rig.clock.advance(60)
    rig.sweep()
    assert rig.queue.take() == [batch_id]


def test_an_accept_that_stopped_is_finished(rig: Rig) -> None:
    numbers = rig.customers(3)
    rig.boundaries.reset()
    rig.text(numbers, key="dry")
    put = rig.boundaries.names.index("dynamodb.PutItem")
    numbers = [phone(n) for n in range(50, 53)]
    for number in numbers:
        rig.customer(number)
    killed(rig, put, lambda: rig.text(numbers))
    assert rig.used() == 3
    rig.clock.advance(80)
    assert rig.sweep()["counts"]["Redriven"] >= 1
    rig.settle(10)
    assert [rig.vendor.texts[n[1:]] for n in numbers] == [1, 1, 1]
    assert rig.used() == 6


def test_an_accept_of_an_associate_who_left_is_closed(rig: Rig) -> None:
    numbers = rig.customers(2)
    killed(rig, _put_index(rig), lambda: rig.text(numbers))
    assert len(_accepting(rig)) == 1
    rig.table.delete("STORE#10000002#4100", "STORE")
    rig.clock.advance(80)
    rig.sweep()
    assert _accepting(rig) == []
    rig.settle(4)
    assert rig.vendor.campaigns == []


def test_an_accept_whose_template_vanished_is_closed(rig: Rig) -> None:
    numbers = rig.customers(2)
    killed(rig, _put_index(rig), lambda: rig.text(numbers))
    rig.apply(lambda d: d["outreach"]["templates"][0].update(name="renamed"))
    rig.clock.advance(80)
    rig.sweep()
    assert _accepting(rig) == []
    assert not any(rig.leased(n) for n in numbers)


def _put_index(rig: Rig) -> int:
    """Where the batch is written in an accept that finds everything."""
    rig.boundaries.reset()
    rig.text([phone(41)], key="dry-2")
    return rig.boundaries.names.index("dynamodb.PutItem")


def _accepting(rig: Rig) -> list[str]:
    due = [item for shard in range(10)
           for item in rig.table.due(f"DUE#{shard}", until=2**33, limit=100)]  # fmt: skip
    return [i["pk"] for i in due
            if (rig.table.get(i["pk"], i["sk"]) or {}).get("state") == "accepting"]  # fmt: skip


def test_a_live_claim_is_left_alone_and_an_expired_one_is_unknown(rig: Rig) -> None:
    numbers = rig.customers(2)
    batch_id = sent_but_not_settled(rig, numbers)
    rig.clock.advance(290)
    rig.sweep()
    assert rig.item(batch_id)["state"] == "claimed"
    rig.clock.advance(10)
    assert rig.sweep()["counts"] == {"TextsUnknown": 2}
    assert rig.states(batch_id) == ["unknown", "unknown"]


def test_what_the_vendor_took_before_the_kill_is_found(rig: Rig) -> None:
    numbers = rig.customers(2)
    batch_id = sent_but_not_settled(rig, numbers)
    rig.settle(40)
    assert rig.states(batch_id) == ["sent", "sent"]
    assert rig.item(batch_id)["state"] == "closed"
    assert rig.vendor.texts == {n[1:]: 1 for n in numbers}


def test_nothing_found_twice_is_left_to_a_person(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    rig.vendor.failures = [VendorUnavailableError("time-out")]
    rig.deliver()
    rig.clock.advance(26 * 60)
    rig.sweep()
    assert rig.item(batch_id)["state"] == "unknown"
    rig.clock.advance(33 * 60)
    rig.sweep()
    assert rig.item(batch_id)["state"] == "unknown"
    rig.clock.advance(60)
    assert rig.sweep()["counts"] == {"UnknownClosed": 1}
    assert rig.states(batch_id) == ["unresolved"]
    (line,) = [r for r in caplog.records if r.message == "Texts left to a person"]
    assert vars(line)["batches"] == [batch_id], "the runbook finds them by this line"
    assert rig.leased(numbers[0])
    _, seen = rig.ask("GET /outreach/{id}", path={"id": batch_id})
    assert seen["rows"][0]["status"] == "unresolved"


def test_a_row_the_vendor_said_nothing_about_is_not_called_sent(rig: Rig) -> None:
    """The call was answered: that its campaign exists is no word about the row left out."""
    numbers = rig.customers(2)
    batch_id = rig.text(numbers)[1]["id"]
    rig.vendor.unclear = {numbers[1][1:]}
    rig.deliver()
    rig.clock.advance(25 * 60)
    assert rig.sweep()["counts"] == {"UnknownClosed": 1}
    assert rig.vendor.asked == ["campaign"]
    rig.settle(10)
    assert rig.states(batch_id) == ["delivered", "unresolved"]
    assert rig.item(batch_id)["state"] == "closed"
    assert rig.leased(numbers[1])


def test_a_report_without_names_finds_nothing(rig: Rig) -> None:
    batch_id = sent_but_not_settled(rig, rig.customers(1))
    rig.vendor.names_told = False
    rig.settle(80)
    assert rig.states(batch_id) == ["unresolved"]


def test_a_report_that_is_away_ends_nothing_for_a_day(rig: Rig) -> None:
    batch_id = sent_but_not_settled(rig, rig.customers(1))
    rig.vendor.report_failure = VendorUnavailableError("away")
    rig.settle(200)
    assert rig.states(batch_id) == ["unknown"]
    rig.vendor.report_failure = None
    rig.settle(10)
    assert rig.states(batch_id) == ["sent"]


def test_a_report_that_stays_away_for_a_day_ends_with_a_person(rig: Rig) -> None:
    batch_id = sent_but_not_settled(rig, rig.customers(1))
    rig.vendor.report_failure = VendorUnavailableError("away")
    rig.settle(40)
    rig.clock.advance(24 * 3600)
    rig.sweep()
    assert rig.states(batch_id) == ["unresolved"]


def test_outcomes_are_looked_at_after_two_minutes(rig: Rig) -> None:
    numbers = rig.customers(4)
    batch_id = rig.text(numbers)[1]["id"]
    ids = [f"id-{n[1:]}" for n in numbers]
    rig.vendor.statuses = {
        ids[0]: TextStatus(ids[0], "SKIPPED", None, "proactive_1400: open conversation"),
        ids[1]: TextStatus(ids[1], "FAILED", None, None),
        ids[2]: TextStatus(ids[2], "SCHEDULED", None, None),
    }
    rig.deliver()
    rig.clock.advance(119)
    rig.sweep()
    assert rig.vendor.asked.count("status") == 0
    rig.clock.advance(1)
    rig.sweep()
    rig.sweep()
    assert rig.vendor.asked.count("status") == 1
    assert rig.states(batch_id) == ["skipped", "failed", "sent", "delivered"]
    assert [r.get("r") for r in rig.rows(batch_id)] == [
        "open_conversation", "vendor_error", None, None]  # fmt: skip
    assert [rig.leased(n) for n in numbers] == [False, False, True, True]
    item = rig.item(batch_id)
    assert item["state"] == "submitted", "two are open: see test_filtering.py for the last look"


def test_a_vendor_that_does_not_say_changes_nothing(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.deliver()
    rig.vendor.report_failure = VendorUnavailableError("away")
    rig.clock.advance(130)
    assert rig.sweep()["counts"] == {"VendorFailed": 1}
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("submitted", ["sent"])
    rig.clock.advance(300)
    assert rig.sweep()["counts"] == {"VendorFailed": 1}
    rig.clock.advance(3600)
    assert rig.sweep()["counts"] == {"VendorFailed": 1}
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("closed", ["sent"])


def test_a_vendor_that_says_it_later_is_heard(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.deliver()
    rig.vendor.report_failure = VendorThrottledError("busy")
    rig.clock.advance(130)
    rig.sweep()
    rig.vendor.report_failure = None
    rig.clock.advance(301)
    rig.sweep()
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("closed", ["delivered"])


def test_one_question_serves_all_batches_of_a_call(rig: Rig) -> None:
    numbers = rig.customers(30)
    for n in range(3):
        rig.text(numbers[n * 10 : n * 10 + 10], key=f"k-{n}")
    rig.deliver()
    rig.clock.advance(130)
    rig.sweep()
    assert rig.vendor.asked == ["campaign", "status"]


def test_the_time_is_kept(rig: Rig) -> None:
    rig.text(rig.customers(1))
    rig.clock.advance(100)
    rig.queue.take()
    rig.remaining_s = 10.0
    rig.sweep()
    assert rig.queue.messages == []


def test_one_item_that_fails_does_not_stop_the_others(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = rig.customers(2)
    first = rig.text(numbers[:1], key="a")[1]["id"]
    second = rig.text(numbers[1:], key="b")[1]["id"]
    rig.queue.take()
    rig.clock.advance(100)
    original = rig.queue.batch_ready

    def picky(batch_id: str, *, delay_s: int = 0) -> None:
        if batch_id == first:
            raise UnavailableError("the queue did not take the message")
        original(batch_id, delay_s=delay_s)

    monkeypatch.setattr(rig.queue, "batch_ready", picky)
    assert rig.sweep()["failed"] == 1
    assert rig.queue.take() == [second]


def test_a_batch_nobody_can_read_does_not_stop_the_others(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = rig.customers(2)
    broken, sound = (rig.text([number], key=number)[1]["id"] for number in numbers)
    rig.queue.take()
    rig.table.put({**rig.item(broken), "state": "of a newer version"})
    rig.clock.advance(100)
    assert rig.sweep()["failed"] == 1
    assert rig.queue.take() == [sound]
    (swept,) = [record for record in caplog.records if record.message == "Swept"]
    assert vars(swept)["failed"] == [f"{broken} unreadable"]


def test_an_item_nobody_foresaw_does_not_stop_the_others(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:

    def resume(key: tuple[str, str], **_: Any) -> Resumed:
        if key[0].endswith("c1"):
            raise KeyError("+12125550100")
        return Resumed()

    monkeypatch.setattr("instore.notify.resume", resume)
    for n in (1, 2):
        rig.table.put({"pk": f"CONVERSATION#10000002#c{n}", "sk": "CONVERSATION",
                       "due_shard": "DUE#3", "due_at": n})  # fmt: skip
    assert rig.sweep()["failed"] == 1
    (swept,) = [record for record in caplog.records if record.message == "Swept"]
    assert vars(swept)["failed"] == ["CONVERSATION#10000002#c1 KeyError"]


def test_a_batch_read_that_fails_is_left_for_the_next_minute(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.queue.take()
    rig.clock.advance(100)

    with monkeypatch.context() as patched:
        patched.setattr(Table, "get_many", away)
        assert rig.sweep()["failed"] == 1
    rig.sweep()
    assert rig.queue.take() == [batch_id]


def test_due_conversations_go_to_their_own_room(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from instore.notify import NoticeState

    asked = []

    def resume(key: tuple[str, str], **_: Any) -> Resumed:
        asked.append(key)
        rig.table.update(*key, "REMOVE due_at, due_shard")
        return Resumed(Notice(NoticeState.SENT), silent_wait=True)

    monkeypatch.setattr("instore.notify.resume", resume)
    pk = "CONVERSATION#10000002#c1"
    rig.table.put({"pk": pk, "sk": "CONVERSATION", "due_shard": "DUE#3", "due_at": 1})
    assert rig.sweep()["counts"] == {"SilentWait": 1, "NoticesSent": 1}
    assert asked == [(pk, "CONVERSATION")]


def test_more_than_one_page_of_due_work_is_done(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:

    for n in range(70):
        rig.table.put({"pk": f"CONVERSATION#10000002#c{n}", "sk": "CONVERSATION",
                       "due_shard": "DUE#3", "due_at": n + 1})  # fmt: skip
    asked: list[str] = []

    def resume(key: tuple[str, str], **_: Any) -> Resumed:
        asked.append(key[0])  # and leaves it due: it must not be asked about again this minute
        return Resumed()

    monkeypatch.setattr("instore.notify.resume", resume)
    rig.sweep()
    assert asked == [f"CONVERSATION#10000002#c{n}" for n in range(70)]


@pytest.mark.parametrize("owed", [1])
def test_quota_owed_is_given_back_even_after_a_kill(rig: Rig, owed: int) -> None:
    numbers = rig.customers(2)
    until = int(rig.clock.now().timestamp()) + 3600
    held = phone(60)
    rig.customer(held, lease={"banner": "zales", "owner": "10000003.9", "batch": "b1",
                              "until": until, "since": 1})  # fmt: skip
    rig.boundaries.reset()
    rig.text([*numbers, held], key="dry", login=LOGINS[BEN])
    give_back = len(rig.boundaries.names) - 2  # the last call but the queue's
    fresh = [phone(70), phone(71), held]
    for number in fresh[:2]:
        rig.customer(number)
    killed(rig, give_back, lambda: rig.text(fresh), after=False)
    assert rig.used(ANNA) == 3
    rig.settle(8)
    assert rig.used(ANNA) == 3 - owed
    assert rig.used(BEN) == 2
