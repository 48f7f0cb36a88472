"""Sending, fed with SQS events: what is claimed, looked at once more, sent once and settled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.outreach_rig import ACCOUNT, ANNA, BEN, LOGINS, ROOT, Rig, phone, shop

from instore.adapters.table import Table
from instore.errors import (
    BadInputError,
    UnavailableError,
    VendorError,
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorThrottledError,
    VendorUnavailableError,
)
from instore.model import Phone, iso


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def failed(answer: Any) -> list[str]:
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


def test_one_call_carries_several_batches(rig: Rig) -> None:
    numbers = rig.customers(30)
    ids = []
    for n in range(3):
        ids.append(rig.text(numbers[n * 10 : n * 10 + 10], key=f"k-{n}")[1]["id"])
        rig.clock.advance(1)
    assert failed(rig.deliver()) == []
    ((_, campaign),) = rig.vendor.campaigns
    assert [p.e164 for p, _ in campaign.recipients] == numbers
    assert campaign.recipients[0][1] == ("Anna", "Kay")
    assert (campaign.skill, campaign.template_id) == ("kay", "666555567001")
    assert campaign.outbound.e164 == "+19295550100"
    assert campaign.name.startswith("instore-")
    for batch_id in ids:
        item = rig.item(batch_id)
        assert item["state"] == "submitted"
        assert set(rig.states(batch_id)) == {"sent"}
        assert item["campaigns"] == {campaign.name.removeprefix("instore-"): "c-1"}
        assert "claim" not in item


def test_chunks_are_whole_batches_up_to_the_size_with_a_gap(rig: Rig) -> None:
    rig.apply(lambda d: d["outreach"].update(chunk=5))
    numbers = rig.customers(9)
    for n in range(3):
        rig.text(numbers[n * 3 : n * 3 + 3], key=f"k-{n}")
    start = rig.clock.now()
    rig.deliver()
    assert [len(c.recipients) for _, c in rig.vendor.campaigns] == [3, 3, 3]
    times = [(at - start).total_seconds() for at, _ in rig.vendor.campaigns]
    assert times[1] - times[0] >= 1
    assert times[2] - times[1] >= 1


def test_a_batch_larger_than_a_chunk_goes_in_turns(rig: Rig) -> None:
    rig.apply(lambda d: d["outreach"].update(chunk=4))
    numbers = rig.customers(10)
    batch_id = rig.text(numbers)[1]["id"]
    for left in (6, 2):
        rig.deliver()
        assert rig.states(batch_id).count("accepted") == left
        assert rig.queue.messages == []
        rig.sweep()  # due at once: the rest takes its turn
    rig.deliver()
    assert [len(c.recipients) for _, c in rig.vendor.campaigns] == [4, 4, 2]
    assert set(rig.vendor.texts.values()) == {1}
    assert rig.item(batch_id)["state"] == "submitted"


def test_templates_do_not_mix(rig: Rig) -> None:
    rig.customer(phone(0), consent="marketing")
    rig.customer(phone(1), consent="marketing")
    from tests.outreach_rig import outreach

    rig.ask("POST /outreach", outreach([phone(0)]), key="a")
    rig.ask("POST /outreach", outreach([phone(1)], "sale"), key="b")
    rig.deliver()
    assert sorted(c.template_id for _, c in rig.vendor.campaigns) == [
        "666555567001", "666555567003"]  # fmt: skip


def test_a_poison_record_fails_alone(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.text(numbers)
    bodies = ("not json", "[]", '{"batch": 7}', '{"other": "x"}', '{"batch": "b-unknown"}',
              "[" * 100_000, '{"batch": "\\ud800"}', '{"batch": ""}')  # fmt: skip
    answer = rig.deliver(bodies=bodies)
    assert sorted(failed(answer)) == [f"m-{n}" for n in range(1, 9)]
    assert rig.vendor.texts == {numbers[0][1:]: 1}


def test_duplicate_records_send_once(rig: Rig) -> None:
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    assert failed(rig.deliver([batch_id, batch_id])) == []
    assert failed(rig.deliver([batch_id])) == []
    assert rig.vendor.texts == {numbers[0][1:]: 1}


def test_an_opt_out_after_queueing_wins(rig: Rig) -> None:
    numbers = rig.customers(2)
    batch_id = rig.text(numbers)[1]["id"]
    rig.ask("POST /consents", {"phone": numbers[0], "class": "none", "wording": "STOP",
                               "method": "text"})  # fmt: skip
    rig.deliver()
    assert rig.vendor.texts == {numbers[1][1:]: 1}
    assert rig.states(batch_id) == ["blocked", "sent"]
    assert rig.item(batch_id)["rows"][0]["r"] == "opted_out"
    assert not rig.leased(numbers[0])


def test_a_consent_withdrawn_after_queueing_wins(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.text(numbers)
    stored = rig.table.query(f"CUSTOMER#{rig.services().customers.id_of(_phone(numbers[0]))}")[0]
    stored["consents"]["kay"]["class"] = "none"
    rig.table.put({**stored, "rev": stored["rev"] + 1})
    rig.deliver()
    assert rig.vendor.campaigns == []


def _phone(number: str) -> Any:
    from instore.model import Phone

    return Phone(number)


def test_the_window_is_looked_at_again_at_submit(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.clock.advance(7.99 * 3600)  # 19:59 at the store
    batch_id = rig.text(numbers)[1]["id"]
    rig.clock.advance(120)
    rig.deliver()
    assert rig.vendor.campaigns == []
    item = rig.item(batch_id)
    assert (item["state"], rig.states(batch_id)) == ("deferred", ["deferred"])
    assert rig.leased(numbers[0])
    rig.deliver([batch_id])  # a message too early does nothing
    assert rig.vendor.campaigns == []
    rig.clock.advance(16 * 3600)  # 12:01 the next day
    rig.sweep()
    rig.deliver()
    assert rig.vendor.texts == {numbers[0][1:]: 1}


def test_pace_may_push_a_batch_past_the_window(rig: Rig) -> None:
    """The clock is read after the waiting, not before it."""
    numbers = rig.customers(10)
    rig.clock.advance(7.9999 * 3600)
    rig.text(numbers)
    rig.clock.advance(-20)
    for _ in range(30):  # somebody else has the line for half a minute
        rig.services().pace.take("10000001", channel="bulk", count=7, rate=7.2,
                                 max_wait=0)  # fmt: skip
    house = rig.services()
    house.pace.take("10000001", channel="bulk", count=250, rate=7.2, max_wait=60)
    rig.deliver()
    assert rig.vendor.campaigns == []


@pytest.mark.parametrize(
    ("stops", "reason"),
    [({"all": True}, "stopped_all"), ({"banners": ["kay"]}, "stopped_banner"),
     ({"stores": ["4100"]}, "stopped_store"),
     ({"associates": [LOGINS[ANNA]]}, "stopped_associate")],
)  # fmt: skip
def test_kill_switches_stop_what_is_queued(rig: Rig, stops: dict[str, Any], reason: str) -> None:
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    rig.apply(lambda d: d.update(stops=stops))
    rig.deliver()
    assert rig.vendor.campaigns == []
    assert rig.item(batch_id)["rows"][0]["r"] == reason
    assert not rig.leased(numbers[0])


def test_an_associate_who_left_sends_nothing(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    people = tuple(replace(a, enabled=a.agent_id != ANNA) for a in shop().associates)
    rig.write_store(replace(shop(), associates=people))
    rig.deliver()
    assert rig.item(batch_id)["rows"][0]["r"] == "associate_disabled"
    assert rig.vendor.campaigns == []


def test_a_store_that_vanished_sends_nothing(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.table.delete("STORE#10000002#4100", "STORE")
    rig.deliver()
    assert rig.item(batch_id)["rows"][0]["r"] == "unknown_associate"


def _without_template(document: dict[str, Any]) -> None:
    document["outreach"]["templates"][0]["name"] = "renamed"


def test_a_template_that_vanished_sends_nothing(rig: Rig) -> None:
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    rig.apply(_without_template)
    rig.deliver()
    assert rig.item(batch_id)["rows"][0]["r"] == "unknown_template"
    assert not rig.leased(numbers[0])


def test_a_lease_that_ran_out_sends_nothing(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.clock.advance(72 * 3600 + 1)
    rig.deliver([batch_id])
    assert rig.vendor.campaigns == []
    assert rig.item(batch_id)["rows"][0]["r"] == "lease_lost"


def closed(rig: Rig, number: str) -> None:
    house = rig.services()
    house.customers.end_lease(house.customers.id_of(Phone(number)), owner_account=ACCOUNT,
                              owner_agent=ANNA, now=rig.clock.now())  # fmt: skip


def test_closing_a_conversation_loses_no_text_that_stands_in_the_line(rig: Rig) -> None:
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    rig.clock.advance(30)
    closed(rig, number)
    assert not rig.leased(number)
    rig.deliver()
    assert rig.vendor.texts[number[1:]] == 1
    assert rig.states(batch_id) == ["sent"]
    assert rig.leased(number)
    name = rig.services().customers.id_of(Phone(number))
    stored = rig.table.get(f"CUSTOMER#{name}", "CUSTOMER")
    assert stored is not None
    assert len(stored["sent"]) == 1, "the cap counts it once"


def test_a_customer_whom_somebody_else_took_meanwhile_is_theirs(rig: Rig) -> None:
    (number,) = rig.customers(1)
    mine = rig.text([number])[1]["id"]
    closed(rig, number)
    theirs = rig.text([number], key="b", login=LOGINS[BEN])[1]["id"]
    rig.deliver([mine])
    assert rig.item(mine)["rows"][0]["r"] == "lease_lost"
    rig.deliver([theirs])
    assert rig.vendor.texts[number[1:]] == 1
    assert rig.states(theirs) == ["sent"]


def test_closing_a_conversation_keeps_a_text_accepted_for_tomorrow(rig: Rig) -> None:
    rig.clock.advance(9 * 3600)  # 21:00 in New York
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    assert rig.states(batch_id) == ["deferred"]
    house = rig.services()
    house.customers.end_lease(house.customers.id_of(Phone(number)), owner_account=ACCOUNT,
                              owner_agent=ANNA, now=rig.clock.now())  # fmt: skip
    rig.clock.advance(15 * 3600)
    rig.settle(30)
    assert rig.vendor.texts[number[1:]] == 1
    assert rig.states(batch_id) == ["delivered"]


def test_two_batches_of_one_associate_may_hold_one_customer(rig: Rig) -> None:
    numbers = rig.customers(1)
    rig.text(numbers, key="a")
    rig.text(numbers, key="b")
    rig.apply(lambda d: d["outreach"].update(chunk=1))  # one call each: numbers must differ
    rig.deliver()
    assert rig.vendor.texts == {numbers[0][1:]: 2}


def test_the_same_customer_twice_in_one_chunk_is_sent_in_two_calls(rig: Rig) -> None:
    numbers = rig.customers(1)
    ids = [rig.text(numbers, key=key)[1]["id"] for key in "ab"]
    rig.deliver()
    assert [len(c.recipients) for _, c in rig.vendor.campaigns] == [1, 1]
    assert [rig.states(batch_id) for batch_id in ids] == [["sent"], ["sent"]]


def _becoming_due(rig: Rig) -> None:
    """08:00 in Honolulu comes while the line is busy for forty seconds."""
    rig.clock.advance(59 * 60 + 20)  # 12:59:20 in New York, 07:59:20 in Honolulu
    free_at = int((rig.clock.now().timestamp() + 41) * 1_000_000)
    rig.table.put({"pk": "PACE#10000001#bulk", "sk": "PACE", "free_at": free_at})


def test_rows_that_become_due_while_the_pace_waits_take_another_call(rig: Rig) -> None:
    """A hundred were planned: the call stays within LivePerson's hundred, and nothing is lost."""
    rig.apply(lambda d: d["outreach"].update(recipients_per_batch=100, per_associate_day=400))
    honolulu = [f"+180855501{n:02d}" for n in range(100)]
    for number in [*rig.customers(100), *honolulu]:
        rig.customer(number)
    _becoming_due(rig)
    ids = []
    for n in (0, 50):
        numbers = [*(phone(m) for m in range(n, n + 50)), *honolulu[n : n + 50]]
        ids.append(rig.text(numbers, key=f"k-{n}")[1]["id"])
    assert failed(rig.deliver()) == []
    assert [len(c.recipients) for _, c in rig.vendor.campaigns] == [100]
    for batch_id in ids:
        assert rig.states(batch_id) == ["sent"] * 50 + ["deferred"] * 50
    rig.sweep()
    rig.deliver()
    assert [len(c.recipients) for _, c in rig.vendor.campaigns] == [100, 100]
    assert set(rig.vendor.texts.values()) == {1}


def test_a_customer_of_two_batches_becoming_due_meanwhile_is_not_twice_in_a_call(rig: Rig) -> None:
    honolulu = "+18085550111"
    for number in (honolulu, *rig.customers(2)):
        rig.customer(number)
    _becoming_due(rig)
    ids = [rig.text([phone(n), honolulu], key=f"k-{n}")[1]["id"] for n in range(2)]
    rig.deliver()
    assert [rig.states(batch_id) for batch_id in ids] == [["sent", "deferred"]] * 2
    rig.sweep()
    rig.deliver()
    assert rig.vendor.texts == {phone(0)[1:]: 1, phone(1)[1:]: 1, honolulu[1:]: 2}


def test_a_call_we_could_not_even_write_down_loses_no_text(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]

    def wrong(**_: Any) -> Any:
        raise BadInputError("a campaign beyond LivePerson's limits", code="invalid_campaign")

    with monkeypatch.context() as patched:
        patched.setattr("instore.outreach_call.Campaign", wrong)
        assert failed(rig.deliver()) == ["m-0"]
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("accepted", ["accepted"])
    rig.deliver([batch_id])
    assert rig.vendor.texts == {phone(0)[1:]: 1}


ALABAMA = "+12055550111"  # no texts on Sundays


def test_the_cap_counts_texts_when_they_go(rig: Rig) -> None:
    """Saturday's and Sunday's texts would all go on Monday morning: three of them may."""
    rig.customer(ALABAMA)
    rig.clock.advance(3 * 86400 + 8.5 * 3600)  # Saturday, 20:30 in New York
    monday = "2026-11-23T16:00:00.000Z"
    for n in range(3):
        (row,) = rig.text([ALABAMA], key=f"saturday-{n}")[1]["rows"]
        assert (row["status"], row["until"]) == ("deferred", monday)
    rig.clock.advance(86460)
    (row,) = rig.text([ALABAMA], key="sunday")[1]["rows"]
    assert (row["reason"], row["until"]) == ("customer_cap", "2026-11-24T16:00:00.000Z")
    _, checked = rig.ask("POST /outreach/check", {"phone": ALABAMA})
    assert (checked["reason"], checked["until"]) == ("customer_cap", "2026-11-24T16:00:00.000Z")
    rig.clock.advance(14.5 * 3600)
    rig.settle(30)
    assert rig.vendor.texts == {ALABAMA[1:]: 3}


def test_a_text_that_was_put_off_meets_the_cap_again(rig: Rig) -> None:
    """Counted for Saturday, it goes on Monday, where three others are counted already."""
    rig.apply(lambda d: d["outreach"]["customer_cap"].update(hours=12))
    rig.customer(ALABAMA)
    rig.clock.advance(3 * 86400 + 7.999 * 3600)  # Saturday, a moment before the window's end
    late = rig.text([ALABAMA], key="saturday")[1]["id"]
    rig.clock.advance(60)
    rig.deliver()
    assert rig.states(late) == ["deferred"]
    for n in range(3):
        assert rig.text([ALABAMA], key=f"night-{n}")[1]["rows"][0]["status"] == "deferred"
    rig.clock.advance(39 * 3600)
    rig.settle(30)
    assert rig.vendor.texts == {ALABAMA[1:]: 3}
    assert (rig.states(late), rig.item(late)["rows"][0]["r"]) == (["blocked"], "customer_cap")


NOT_PROCESSED = [
    VendorThrottledError("slow down"), VendorNotReachedError("no connection"),
    VendorNotAuthorizedError("bad keys"), UnavailableError("no secret"),
]  # fmt: skip
UNKNOWN = [VendorUnavailableError("time-out"), VendorGarbageError("not json")]


@pytest.mark.parametrize("error", NOT_PROCESSED, ids=lambda e: type(e).__name__)
def test_a_call_that_was_not_processed_is_tried_again(rig: Rig, error: Exception) -> None:
    numbers = rig.customers(2)
    batch_id = rig.text(numbers)[1]["id"]
    rig.vendor.failures = [error]
    assert failed(rig.deliver()) == ["m-0"]
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("accepted", ["accepted"] * 2)
    assert all(rig.leased(n) for n in numbers)
    assert failed(rig.deliver([batch_id])) == []
    assert rig.vendor.texts == {n[1:]: 1 for n in numbers}


@pytest.mark.parametrize("processed", [True, False])
@pytest.mark.parametrize("error", UNKNOWN, ids=lambda e: type(e).__name__)
def test_a_call_that_may_have_been_processed_is_never_repeated(
    rig: Rig, error: Exception, processed: bool
) -> None:
    numbers = rig.customers(2)
    batch_id = rig.text(numbers)[1]["id"]
    rig.vendor.failures = [error]
    rig.vendor.processed_although_failed = processed
    assert failed(rig.deliver()) == []
    item = rig.item(batch_id)
    assert (item["state"], rig.states(batch_id)) == ("unknown", ["unknown"] * 2)
    assert item["due_at"] == int(rig.clock.now().timestamp()) + 25 * 60
    rig.deliver([batch_id])
    rig.settle(130)
    assert rig.vendor.asked.count("campaign") == 1
    assert set(rig.states(batch_id)) == {"sent" if processed else "unresolved"}


def test_a_call_refused_whole_rejects_its_rows(rig: Rig) -> None:
    numbers = rig.customers(2)
    batch_id = rig.text(numbers)[1]["id"]
    rig.vendor.failures = [VendorError("Fields missing in request: skill")]
    assert failed(rig.deliver()) == []
    assert rig.reasons(batch_id) == ["vendor_refused"] * 2
    assert not rig.leased(numbers[0])


def test_partial_failure_rejects_some_and_frees_their_customers(rig: Rig) -> None:
    numbers = rig.customers(3)
    batch_id = rig.text(numbers)[1]["id"]
    rig.vendor.refuse = {numbers[1][1:]: "INVALID_NUMBER"}
    rig.vendor.unclear = {numbers[2][1:]}
    rig.deliver()
    assert rig.states(batch_id) == ["sent", "rejected", "unknown"]
    assert rig.item(batch_id)["rows"][1]["r"] == "invalid_number"
    assert [rig.leased(n) for n in numbers] == [True, False, True]


def test_too_little_time_left_leaves_the_batch_to_the_sweep(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    rig.remaining_s = 14.0
    with monkeypatch.context() as patched:
        _fail(patched, Table, "update", when=lambda args: "BATCH" in str(args))
        assert failed(rig.deliver([batch_id])) == ["m-0"]  # not even marked: comes again
    assert failed(rig.deliver([batch_id])) == []
    assert rig.item(batch_id)["state"] == "accepted"
    rig.queue.messages.clear()
    rig.remaining_s = 60.0
    rig.clock.advance(91)
    rig.sweep()
    assert [sent for sent, _ in rig.queue.messages] == [batch_id]


def test_bulk_leaves_the_share_of_notifications_free(rig: Rig) -> None:
    """Ninety texts at 9/s with a fifth kept free take at least eleven seconds."""
    rig.apply(lambda d: d["outreach"].update(chunk=10))
    numbers = rig.customers(90)
    for n in range(9):
        rig.text(numbers[n * 10 : n * 10 + 10], key=f"k-{n}")
    start = rig.clock.now()
    rig.deliver()
    took = (rig.vendor.campaigns[-1][0] - start).total_seconds()
    assert len(rig.vendor.campaigns) == 9
    assert took >= 80 / 7.2 - 1


def test_while_the_line_is_busy_a_batch_has_one_message_at_most(rig: Rig) -> None:
    """The sweep brings it back; copies of its message do not multiply behind a busy line."""
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    rig.services().pace.take("10000001", channel="bulk", count=7200, rate=7.2, max_wait=1)
    deliveries = 0
    for _ in range(20):  # twenty minutes, a sweep each
        if rig.queue.messages:
            assert rig.queue.messages == [(batch_id, rig.queue.messages[0][1])]
            assert failed(rig.deliver()) == []
            deliveries += 1
            assert rig.queue.messages == []
        rig.clock.advance(60)
        rig.sweep()
    assert rig.vendor.texts == {numbers[0][1:]: 1}
    assert deliveries <= 11


def test_nobodys_tenth_batch_goes_before_anothers_first(rig: Rig) -> None:
    rig.apply(lambda d: d["outreach"].update(chunk=1))
    numbers = rig.customers(6)
    for n in range(4):
        rig.text(numbers[n : n + 1], key=f"a-{n}")
        rig.clock.advance(1)
    for n in range(2):
        rig.text(numbers[4 + n : 5 + n], key=f"b-{n}", login=LOGINS[BEN])
        rig.clock.advance(1)
    rig.deliver()
    order = [c.recipients[0][0].e164 for _, c in rig.vendor.campaigns]
    assert order == [numbers[n] for n in (0, 4, 1, 5, 2, 3)]


def test_the_table_away_between_claim_and_call_sends_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    with monkeypatch.context() as patched:
        _fail(patched, Table, "get_many", when=lambda args: "CUSTOMER" in str(args))
        assert failed(rig.deliver()) == ["m-0"]
    assert (rig.item(batch_id)["state"], rig.vendor.campaigns) == ("accepted", [])
    rig.deliver([batch_id])
    assert rig.vendor.texts == {numbers[0][1:]: 1}


def test_a_claim_that_cannot_be_written_comes_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    with monkeypatch.context() as patched:
        _fail(patched, Table, "update", when=lambda args: "BATCH#" in str(args))
        assert failed(rig.deliver()) == ["m-0"]
    assert rig.vendor.campaigns == []
    assert rig.item(batch_id)["state"] == "accepted"


def test_a_settlement_that_cannot_be_written_is_cleared_up_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    with monkeypatch.context() as patched:
        _fail(patched, Table, "update",
              when=lambda args: "BATCH#" in str(args) and bool(rig.vendor.campaigns))  # fmt: skip
        assert failed(rig.deliver()) == []
    assert rig.item(batch_id)["state"] == "claimed"
    rig.settle(60)
    assert rig.states(batch_id) == ["sent"]
    assert rig.vendor.texts == {numbers[0][1:]: 1}


def test_a_release_that_fails_is_made_up_for_by_the_sweep(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = rig.customers(1)
    rig.text(numbers)
    rig.vendor.refuse = {numbers[0][1:]: "INVALID_NUMBER"}
    from instore.adapters.customers import Customers

    with monkeypatch.context() as patched:
        _fail(patched, Customers, "release", when=lambda args: True)
        rig.deliver()
    assert rig.leased(numbers[0])
    rig.clock.advance(130)
    rig.sweep()
    assert not rig.leased(numbers[0])


def _fail(
    patched: pytest.MonkeyPatch, owner: Any, name: str, *, when: Callable[[Any], bool]
) -> None:
    original = getattr(owner, name)

    def replacement(*args: Any, **kwargs: Any) -> Any:
        if when(args):
            raise UnavailableError("the table did not answer")
        return original(*args, **kwargs)

    patched.setattr(owner, name, replacement)


def test_a_stored_opt_out_beats_the_claim_even_while_pace_waits(rig: Rig) -> None:
    """Customers are read after the claim: what was stored before that counts."""
    numbers = rig.customers(1)
    batch_id = rig.text(numbers)[1]["id"]
    name = rig.services().customers.id_of(_phone(numbers[0]))
    original = rig.clock.sleep

    def sleep(seconds: float) -> None:
        original(seconds)
        item = rig.table.get(f"CUSTOMER#{name}", "CUSTOMER") or {}
        rig.table.put({**item, "opted_out": iso(rig.clock.now()), "rev": item["rev"] + 1})

    rig.services().pace.take("10000001", channel="bulk", count=30, rate=7.2, max_wait=9)
    rig.clock.sleep = sleep
    rig.deliver()
    assert rig.vendor.campaigns == []
    assert rig.item(batch_id)["rows"][0]["r"] == "opted_out"


def test_the_event_file_is_a_queue_event(rig: Rig) -> None:
    from proactive_batch import app

    event = json.loads((ROOT / "events/proactive_batch.sqs.json").read_text())
    with rig.process():
        answer = app.handler(event, rig.context())
    # The sample names a batch this table does not have: reported, so that it reaches the DLQ.
    assert failed(answer) == [event["Records"][0]["messageId"]]
