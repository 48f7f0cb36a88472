"""Carriers filter what a number sends: the rest of the batch stays, the number is held, and after
the hold everything goes that still may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.outreach_rig import ACCOUNT, ANNA, Rig, away, phone

from instore.adapters.liveperson import TextStatus
from instore.adapters.table import Table
from instore.errors import VendorUnavailableError
from instore.model import Phone, iso
from instore.number_health import Hold

KAY, OWNER = "+19295550100", "10000001"
Calls = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def hold(rig: Rig, hours: float = 12) -> None:
    numbers, now = rig.services().numbers, rig.clock.now()
    known = numbers.hold_of(OWNER, number=KAY)
    assert numbers.hold(known, account=OWNER, run=20, now=now, until=now + timedelta(hours=hours))


def release(rig: Rig) -> None:
    numbers = rig.services().numbers
    known = numbers.hold_of(OWNER, number=KAY)
    assert numbers.release(known, account=OWNER, who="ana", note="", now=rig.clock.now())


def pass_time(rig: Rig, minutes: int) -> None:
    """Let time pass in strides: the sweep and whatever it queued every half hour."""
    for _ in range(0, minutes, 30):
        rig.clock.advance(30 * 60)
        rig.sweep()
        if rig.queue.messages:
            rig.deliver()


def held_until(rig: Rig) -> Any:
    return rig.services().numbers.hold_of(OWNER, number=KAY).until


def filters(rig: Rig, numbers: list[str], *, listed: str | None = "twilio_30007") -> None:
    """Carriers filter these; `listed`: what the campaign's listing says, None = handed on."""
    for number in numbers:
        name = f"id-{number[1:]}"
        rig.vendor.reported[name] = TextStatus(name, "FAILED", None, "twilio_30007")
        if listed is not None:
            rig.vendor.statuses[name] = TextStatus(name, "FAILED", None, listed)


def rows(rig: Rig, batch_id: str) -> list[dict[str, Any]]:
    _, seen = rig.ask("GET /outreach/{id}", path={"id": batch_id})
    return [{k: row.get(k) for k in ("status", "reason", "until")} for row in seen["rows"]]


# ------------------------------------------------------------------ the send path


def test_texts_of_a_held_number_are_put_off_visibly(rig: Rig) -> None:
    numbers = rig.customers(3)
    batch_id = rig.text(numbers)[1]["id"]
    hold(rig)
    assert rig.deliver() == {"batchItemFailures": []}
    until = iso(rig.clock.now() + timedelta(hours=1))
    assert rows(rig, batch_id) == [
        {"status": "deferred", "reason": "number_held", "until": until}] * 3  # fmt: skip
    assert rig.vendor.asked == []
    assert [rig.leased(n) for n in numbers] == [True] * 3
    assert rig.used() == 3
    _, again = rig.text(numbers)
    assert {row["status"] for row in again["rows"]} == {"accepted"}, "the first answer stands"


def test_after_the_hold_they_go_once_and_the_reason_is_gone(rig: Rig) -> None:
    numbers = rig.customers(3)
    batch_id = rig.text(numbers)[1]["id"]
    hold(rig, hours=2.5)
    pass_time(rig, 120)
    assert rig.vendor.campaigns == []
    pass_time(rig, 120)
    assert [rig.vendor.texts[n[1:]] for n in numbers] == [1, 1, 1]
    assert rows(rig, batch_id) == [{"status": "delivered", "reason": None, "until": None}] * 3
    assert rig.used() == 3


def test_a_text_just_sent_says_nothing_of_the_hold_it_waited_for(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(1))[1]["id"]
    hold(rig, hours=1)
    rig.deliver()
    rig.clock.advance(3600)
    rig.sweep()
    rig.deliver()
    assert rows(rig, batch_id) == [{"status": "sent", "reason": None, "until": None}]


def test_a_release_takes_effect_within_the_hour(rig: Rig) -> None:
    (number,) = rig.customers(1)
    rig.text([number])
    hold(rig, hours=12)
    rig.settle(20)
    release(rig)
    rig.settle(50)
    assert rig.vendor.texts[number[1:]] == 1


def test_what_may_not_go_after_the_hold_does_not(rig: Rig) -> None:
    numbers = rig.customers(3)
    batch_id = rig.text(numbers)[1]["id"]
    hold(rig, hours=9)  # until two in the morning
    house = rig.services()
    name = house.customers.id_of(Phone(numbers[0]))
    rig.settle(5)
    house.customers.opt_out(name, banner="kay", scope="all", how="text", words="stop",
                            now=rig.clock.now())  # fmt: skip
    pass_time(rig, 600)
    assert rig.vendor.campaigns == []
    assert [row["reason"] for row in rows(rig, batch_id)] == [
        "opted_out", "outside_window", "outside_window"]  # fmt: skip
    pass_time(rig, 840)
    assert [rig.vendor.texts[n[1:]] for n in numbers] == [0, 1, 1]


def test_a_customer_set_free_during_the_hold_is_held_again(rig: Rig) -> None:
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    hold(rig, hours=2)
    rig.settle(10)
    house = rig.services()
    house.customers.end_lease(house.customers.id_of(Phone(number)), owner_account=ACCOUNT,
                              owner_agent=ANNA, now=rig.clock.now())  # fmt: skip
    assert not rig.leased(number)
    pass_time(rig, 150)
    assert rig.vendor.texts[number[1:]] == 1
    assert rig.leased(number)
    assert rig.states(batch_id) == ["delivered"]


def test_another_number_goes_on(rig: Rig) -> None:
    known = Hold("+19295550101")
    now = rig.clock.now()
    rig.services().numbers.hold(known, account=OWNER, run=20, now=now, until=now + timedelta(1))
    (number,) = rig.customers(1)
    rig.text([number])
    rig.deliver()
    assert rig.vendor.texts[number[1:]] == 1


def test_the_hold_is_read_once_a_number_and_before_pace_and_claim(
    rig: Rig, requests_made: Calls
) -> None:
    rig.apply(lambda d: d["outreach"].update(chunk=2))
    numbers = rig.customers(6)
    for n in range(3):
        rig.text(numbers[2 * n : 2 * n + 2], key=f"k-{n}")
    requests_made.clear()
    rig.deliver()
    made = [(name, params["Key"]["pk"]["S"].split("#")[0]) for _, name, params in requests_made
            if "Key" in params]  # fmt: skip
    assert made.count(("GetItem", "NUMBER")) == 1
    first = {kind: made.index((name, kind)) for name, kind in made}
    assert first["NUMBER"] < first["PACE"] < first["BATCH"]
    assert len(rig.vendor.campaigns) == 3


def test_a_held_batch_costs_one_write_and_no_call(rig: Rig, requests_made: Calls) -> None:
    rig.text(rig.customers(3))
    hold(rig)
    requests_made.clear()
    rig.deliver()
    writes = [name for _, name, _ in requests_made if name in ("UpdateItem", "PutItem")]
    assert writes == ["UpdateItem"]


def test_a_hold_that_cannot_be_read_sends_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.adapters.number_health import NumberHealth

    rig.text(rig.customers(2))

    monkeypatch.setattr(NumberHealth, "hold_of", away)
    assert rig.deliver() == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert rig.vendor.asked == []


def test_a_put_off_that_cannot_be_stored_comes_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from instore.adapters.batches import Batches

    batch_id = rig.text(rig.customers(2))[1]["id"]
    hold(rig)

    with monkeypatch.context() as patched:
        patched.setattr(Batches, "save", away)
        assert rig.deliver() == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert rig.states(batch_id) == ["accepted"] * 2


# ------------------------------------------------------------------ how it comes to a hold


def test_one_call_full_of_filtered_texts_holds_the_number_after_two_minutes(rig: Rig) -> None:
    numbers = rig.customers(20)
    filters(rig, numbers)
    for n in range(2):
        rig.text(numbers[10 * n : 10 * n + 10], key=f"k-{n}")
    rig.deliver()
    rig.clock.advance(125)
    assert rig.sweep()["counts"] == {"NumberHeld": 1}
    assert held_until(rig) == rig.clock.now() + timedelta(hours=12)
    assert not any(rig.leased(n) for n in numbers)
    rig.clock.advance(60)
    assert rig.sweep()["counts"] == {}


def test_the_report_holds_a_number_whose_listing_says_handed_on(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Twenty single texts, twenty calls: no listing shows anything."""
    rig.apply(lambda d: d["outreach"].update(chunk=1, gap_s=0))
    numbers = rig.customers(20)
    filters(rig, numbers, listed=None)
    for n, number in enumerate(numbers):
        rig.text([number], key=f"k-{n}")
    rig.deliver()
    rig.clock.advance(27 * 60 - (rig.clock.now().second + 60 * rig.clock.now().minute))
    assert rig.sweep()["counts"] == {"NumberHeld": 1}
    (line,) = [record for record in caplog.records if record.message == "Number held"]
    assert vars(line)["banners"] == ["kay"]
    assert "+1" not in str(vars(line))


def test_a_report_that_is_away_holds_nothing(rig: Rig) -> None:
    rig.vendor.report_failure = VendorUnavailableError("away")
    rig.clock.advance(7 * 60)
    assert rig.sweep() == {"counts": {}, "failed": 1}
    assert rig.vendor.asked == ["transactions"]


@pytest.mark.parametrize("minute", [0, 6, 8, 16, 26, 59])
def test_numbers_are_looked_at_every_ten_minutes(rig: Rig, minute: int) -> None:
    rig.clock.advance(minute * 60)
    rig.sweep()
    assert rig.vendor.asked == []


# ------------------------------------------------------------------ the rest of a batch


def half_sent(rig: Rig, *, listed: str | None = "twilio_30007") -> tuple[str, list[str]]:
    """Fourteen of an associate's texts: ten go now and are filtered, four wait for tomorrow."""
    rig.apply(lambda d: d["outreach"].update(recipients_per_batch=20))
    east = rig.customers(10)
    late = [f"+1808555010{n}" for n in range(4)]  # Hawaii: early morning there
    for number in late:
        rig.customer(number)
    filters(rig, east[:5], listed=listed)
    batch_id = rig.text([*east, *late])[1]["id"]
    rig.deliver()
    assert rig.states(batch_id) == ["sent"] * 10 + ["deferred"] * 4
    return batch_id, late


def test_a_batch_that_is_filtered_is_not_sent_to_its_end(rig: Rig) -> None:
    batch_id, late = half_sent(rig)
    pass_time(rig, 600)
    assert rig.states(batch_id)[:10] == ["failed"] * 5 + ["delivered"] * 5
    assert [(row["status"], row["reason"]) for row in rows(rig, batch_id)[10:]] == [
        ("blocked", "filtered")] * 4  # fmt: skip
    assert [rig.vendor.texts[n[1:]] for n in late] == [0] * 4
    assert not any(rig.leased(n) for n in late)
    assert held_until(rig) is None, "five texts are no run of the number"
    assert rig.item(batch_id)["state"] == "closed"


def test_a_batch_whose_texts_mostly_arrive_goes_on(rig: Rig) -> None:
    batch_id, late = half_sent(rig)
    arrived = "id-" + phone(0)[1:]
    rig.vendor.statuses[arrived] = TextStatus(arrived, "DELIVERED", None, None)
    pass_time(rig, 600)
    assert [rig.vendor.texts[n[1:]] for n in late] == [1] * 4
    assert rig.states(batch_id)[10:] == ["delivered"] * 4


def test_a_vendor_that_does_not_say_stops_no_batch(rig: Rig) -> None:
    _, late = half_sent(rig)
    rig.vendor.report_failure = VendorUnavailableError("away")
    pass_time(rig, 600)
    assert [rig.vendor.texts[n[1:]] for n in late] == [1] * 4


# ------------------------------------------------------------------ the schedule of looks


def test_what_is_settled_at_the_first_look_is_asked_once(rig: Rig) -> None:
    batch_id = rig.text(rig.customers(10))[1]["id"]
    rig.deliver()
    rig.settle(60)
    assert rig.vendor.asked == ["campaign", "status"]
    assert rig.item(batch_id)["state"] == "closed"


def test_what_is_open_is_asked_again_in_the_report_and_never_more(rig: Rig) -> None:
    numbers = rig.customers(4)
    filters(rig, numbers[:1], listed="Message filtered")  # words, and no id we know
    waiting, stuck = f"id-{numbers[1][1:]}", f"id-{numbers[3][1:]}"
    for name in (waiting, stuck):
        rig.vendor.statuses[name] = TextStatus(name, "SCHEDULED", None, None)
    rig.vendor.reported[stuck] = TextStatus(stuck, "SENT", None, None)
    batch_id = rig.text(numbers)[1]["id"]
    rig.deliver()
    sent_at = rig.clock.now()
    rig.clock.advance(120)
    rig.sweep()
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == (
        "submitted", ["failed", "sent", "delivered", "sent"])  # fmt: skip
    assert not rig.leased(numbers[0]), "free at the first look"
    assert rig.item(batch_id)["due_at"] == int(sent_at.timestamp()) + 1800
    rig.clock.advance(1679)
    rig.sweep()
    assert rig.vendor.asked == ["campaign", "status"]
    rig.clock.advance(1)
    rig.sweep()
    assert rig.vendor.asked == ["campaign", "status", "report"]
    assert rig.states(batch_id) == ["failed", "delivered", "delivered", "sent"]
    assert rig.item(batch_id)["rows"][0]["r"] == "filtered"
    assert rig.item(batch_id)["state"] == "closed"
    rig.settle(120)
    assert rig.vendor.asked.count("report") == 1


def test_full_chunks_need_three_hundredths_of_a_call_a_text(rig: Rig) -> None:
    numbers = rig.customers(100)
    for number in numbers:  # the worst: every batch has something open
        rig.vendor.statuses[f"id-{number[1:]}"] = TextStatus(
            f"id-{number[1:]}", "SCHEDULED", None, None
        )
    for n in range(10):
        rig.text(numbers[10 * n : 10 * n + 10], key=f"k-{n}")
    rig.deliver()
    rig.clock.advance(120)
    rig.sweep()
    rig.clock.advance(1680)
    rig.sweep()
    assert rig.vendor.asked == ["campaign", "status", "report"]
    assert len(rig.vendor.asked) / 100 <= 0.1
