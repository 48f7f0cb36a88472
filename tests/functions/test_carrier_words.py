"""What the sweep learns beside the outcome: an opt-out at the carrier, and how late texts are."""

from __future__ import annotations

from typing import Any

import pytest
from tests.outreach_rig import Rig, phone

from instore.adapters.liveperson import TextStatus
from instore.adapters.table import Table
from instore.runtime import observability


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def sent(rig: Rig, numbers: list[str], *, key: str = "k-1") -> str:
    """A batch that went; answers its id."""
    _, answer = rig.text(numbers, key=key)
    rig.deliver()
    return str(answer["id"])


def test_an_opt_out_at_the_carrier_is_ours_for_all_that_is_queued(rig: Rig) -> None:
    """I9: the customer said STOP to the carrier, which never told us."""
    number, other = rig.customers(2)
    sent(rig, [number, other])
    digits = number[1:]
    rig.vendor.statuses[f"id-{digits}"] = TextStatus(
        f"id-{digits}", "SKIPPED", None, "twilio_21610: opted out"
    )
    rig.clock.advance(121)
    assert rig.sweep()["counts"]["OptedOut"] == 1
    status, again = rig.text([number, other], key="k-2")
    assert status == 202
    assert [row.get("reason") for row in again["rows"]] == ["opted_out", None]
    entries = rig.table.query(f"CUSTOMER#{rig_id(number)}", sk_prefix="CONSENT#")
    assert [(e["what"], e["method"], e["who"]) for e in entries] == [
        ("revoked", "carrier", "carrier")
    ]
    rig.clock.advance(3600)
    assert "OptedOut" not in rig.sweep()["counts"]  # heard once


def test_another_reason_to_skip_is_no_opt_out(rig: Rig) -> None:
    (number,) = rig.customers(1)
    sent(rig, [number])
    rig.vendor.statuses[f"id-{number[1:]}"] = TextStatus(
        f"id-{number[1:]}", "SKIPPED", None, "proactive_1400: open conversation"
    )
    rig.clock.advance(121)
    assert "OptedOut" not in rig.sweep()["counts"]
    _, again = rig.text([number], key="k-2")
    assert again["rows"][0]["status"] == "accepted"


def test_a_saturated_line_shows_as_age_however_often_it_is_put_off(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweep import app

    told: dict[str, list[float]] = {"OldestSendSeconds": [], "OldestDueSeconds": []}
    monkeypatch.setattr(app, "count", lambda name, n=1, **_: told.setdefault(name, []).append(n))
    rig.customer(phone(0))
    rig.text([phone(0)])
    for _ in range(40):
        rig.queue.take()  # the line is busy: every message is late
        rig.clock.advance(60)
        rig.sweep()
    assert [age for age in told["OldestSendSeconds"] if age] == [
        120 + 300 * n for n in range(8)
    ]  # the first look a minute after the linger, then every five
    assert max(told["OldestDueSeconds"]) < 120
    assert "OldestSendSeconds" in observability.METRICS


def rig_id(number: str) -> str:
    from tests.outreach_rig import KEY

    from instore.model import Phone, customer_id

    return customer_id(Phone(number), key=KEY.encode())
