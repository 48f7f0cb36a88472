"""A vendor that keeps the sweep waiting, and evidence that comes late, cost others nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.outreach_rig import Killed, Rig, phone

from instore.adapters.liveperson import TextStatus
from instore.adapters.number_health import NumberHealth
from instore.adapters.table import Table
from instore.errors import VendorUnavailableError
from instore.model import Phone
from instore.reconciling import Inquiry

OWNER, KAY = "10000001", "+19295550100"
FILTERED = "twilio_30007"


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def waiting_conversation(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from instore.notify import Resumed

    asked: list[str] = []

    def resume(key: tuple[str, str], **_: Any) -> Resumed:
        asked.append(key[0])
        return Resumed()

    monkeypatch.setattr("instore.notify.resume", resume)
    rig.table.put({"pk": "CONVERSATION#10000002#c1", "sk": "CONVERSATION", "due_shard": "DUE#3",
                   "due_at": 1})  # fmt: skip
    return asked


def sent_in_calls_of_one(rig: Rig, count: int) -> str:
    rig.apply(lambda d: d["outreach"].update(chunk=1, recipients_per_batch=count))
    batch_id: str = rig.text(rig.customers(count))[1]["id"]
    for _ in range(count):
        rig.deliver([batch_id])
    assert rig.states(batch_id) == ["sent"] * count
    return batch_id


def test_a_vendor_that_times_out_does_not_take_the_whole_sweep(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten calls of one batch, ten seconds each: the process would be killed every minute, and
    nothing behind that batch, a waiting customer's notice say, would ever be done."""
    batch_id = sent_in_calls_of_one(rig, 10)
    asked = waiting_conversation(rig, monkeypatch)
    rig.clock.advance(130)
    rig.remaining_s = 55.0

    def hangs(*_: Any, **__: Any) -> Any:
        rig.vendor.asked.append("status")
        rig.remaining_s -= 10
        if rig.remaining_s <= 0:
            raise Killed
        raise VendorUnavailableError("no answer")

    rig.vendor.asked.clear()
    monkeypatch.setattr(rig.vendor, "campaign_status", hangs)
    assert rig.sweep() == {"counts": {"VendorFailed": 2}, "failed": 0}
    assert rig.vendor.asked == ["status"] * 2
    assert asked == ["CONVERSATION#10000002#c1"]
    assert rig.item(batch_id)["state"] == "submitted"
    assert rig.item(batch_id)["due_at"] == int(rig.clock.now().timestamp()) + 300


def test_looking_through_many_campaigns_leaves_time_for_the_rest(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy minute has hundreds of campaigns; each name is a question."""
    numbers = rig.customers(40)
    lost = rig.text(numbers[:1], key="lost")[1]["id"]
    rig.deliver_until("vendor")
    _, mine = rig.vendor.campaigns.pop()
    for n in range(39):
        rig.vendor.campaigns.append((rig.clock.now(), replace(mine, name=f"another-{n}")))
    rig.vendor.campaigns.append((rig.clock.now(), mine))
    rig.clock.advance(310)
    rig.sweep()
    asked = waiting_conversation(rig, monkeypatch)
    known: dict[str, str] = {}
    tell = rig.vendor.campaign_name

    def slowly(account: Any, *, campaign_id: str) -> str | None:
        if campaign_id not in known:
            rig.remaining_s -= 2
            if rig.remaining_s <= 0:
                raise Killed
            known[campaign_id] = str(tell(account, campaign_id=campaign_id))
        return known[campaign_id]

    monkeypatch.setattr(rig.vendor, "campaign_name", slowly)
    rig.clock.advance(26 * 60)
    for n in range(3):
        rig.remaining_s = 55.0
        assert rig.sweep()["counts"] == ({"TextsSubmitted": 1} if n == 2 else {})
        assert len(asked) == n + 1
        rig.clock.advance(301)
    assert rig.states(lost) == ["sent"]


def test_a_question_that_fails_at_once_costs_no_patience() -> None:
    asked = []

    class Vendor:
        def campaign_status(self, _: Any, *, campaign_id: str) -> Any:
            asked.append(campaign_id)
            raise VendorUnavailableError("500")

    vendor: Any = Vendor()
    account: Any = None
    inquiry = Inquiry(vendor, account, lambda _: None, lambda: 30.0)
    for n in range(20):
        with pytest.raises(VendorUnavailableError):
            inquiry.reports(f"c-{n}")
    assert len(asked) == 20


def test_a_claim_of_which_nothing_was_left_is_no_unknown_send(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the look took its only row out: nobody has to look after it."""
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    customers = rig.services().customers
    customers.opt_out(customers.id_of(Phone(number)), banner="kay", scope="all", how="sms",
                            words="stop", now=rig.clock.now())  # fmt: skip

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("instore.outreach_send.settle_all", killed)
        with pytest.raises(Killed):
            rig.deliver()
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("claimed", ["blocked"])
    rig.clock.advance(310)
    rig.sweep()
    assert rig.item(batch_id)["state"] == "submitted"
    rig.clock.advance(130)
    rig.sweep()
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("closed", ["blocked"])
    assert not rig.leased(number)
    assert "name" not in rig.vendor.asked


# ------------------------------------------------------------------ evidence and its time


def held(rig: Rig) -> bool:
    return NumberHealth(rig.table).hold_of(OWNER, number=KAY).stops(rig.clock.now())


def release(rig: Rig) -> None:
    numbers = NumberHealth(rig.table)
    known = numbers.hold_of(OWNER, number=KAY)
    assert numbers.release(known, account=OWNER, who="ops", note="", now=rig.clock.now())


def test_a_call_from_before_a_release_is_not_taken_for_one_after_it(rig: Rig) -> None:
    """Twenty texts went at noon and ten of Honolulu at one; what the carrier says of noon's is
    told half past one. The number was released in between."""
    rig.apply(lambda d: d["outreach"].update(recipients_per_batch=30))
    early, late = rig.customers(20), [f"+180855501{n:02d}" for n in range(10)]
    for number in late:
        rig.customer(number)
    rig.text([*early, *late])
    rig.deliver()
    rig.clock.advance(1800)
    release(rig)
    rig.clock.advance(1860)
    rig.sweep()
    rig.deliver()
    assert len(rig.vendor.campaigns) == 2
    for number in early:
        text_id = f"id-{number[1:]}"
        rig.vendor.statuses[text_id] = TextStatus(text_id, "FAILED", None, FILTERED)
    rig.clock.advance(130)
    assert rig.sweep()["counts"] == {}
    assert not held(rig)


def test_texts_under_way_when_a_hold_began_do_not_hold_it_again(rig: Rig) -> None:
    def short(document: dict[str, Any]) -> None:
        document["outreach"]["filtering"] = {"run": 5, "hold_hours": 2}

    rig.apply(short)
    numbers = NumberHealth(rig.table)
    began = rig.clock.now()
    known = numbers.hold_of(OWNER, number=KAY)
    numbers.hold(known, account=OWNER, run=5, now=began, until=began + timedelta(hours=2))
    rig.text(rig.customers(5))  # its call was on the way when the number was held
    rig.clock.advance(5)
    _send_although_held(rig)
    for n in range(5):
        text_id = f"id-{phone(n)[1:]}"
        rig.vendor.reported[text_id] = TextStatus(text_id, "FAILED", None, FILTERED)
    rig.clock.advance(2 * 3600 + 7 * 60)
    assert rig.clock.now().minute == 7
    assert "NumberHeld" not in rig.sweep()["counts"]
    assert not held(rig)


def _send_although_held(rig: Rig) -> None:
    held_until = rig.table.get(f"NUMBER#{OWNER}#{KAY}", "NUMBER")
    assert held_until is not None
    rig.table.delete(f"NUMBER#{OWNER}#{KAY}", "NUMBER")
    rig.deliver()
    rig.table.put(held_until)
    assert len(rig.vendor.campaigns) == 1


def test_a_number_just_held_is_told_of_whatever_becomes_of_the_next(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alarm counts `NumberHeld`: a question that fails later must not swallow it."""
    rig.apply(lambda d: d["outreach"].update(filtering={"run": 3, "hold_hours": 2}))
    rig.text(rig.customers(4))
    rig.deliver()
    for n in range(4):
        text_id = f"id-{phone(n)[1:]}"
        rig.vendor.reported[text_id] = TextStatus(text_id, "FAILED", None, FILTERED)
    at, mine = rig.vendor.campaigns[0]
    rig.vendor.campaigns.append((at, replace(mine, skill="zales")))
    told, asked = rig.vendor.transactions, list[Any]()

    def third_fails(*args: Any, **more: Any) -> Any:
        asked.append(more.get("skills"))
        if len(asked) == 3:
            raise VendorUnavailableError("no answer")
        return told(*args, **more)

    monkeypatch.setattr(rig.vendor, "transactions", third_fails)
    rig.clock.advance(37 * 60)
    swept = rig.sweep()
    assert len(asked) == 3
    assert held(rig)
    assert swept["counts"]["NumberHeld"] == 1
    assert swept["failed"] == 1
