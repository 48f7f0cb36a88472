"""Export and erasure of the line's own texts (I10): those that went, were lost, or wait."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.line_rig import LineRig
from tests.outreach_rig import phone
from tests.privacy_rig import consent, erase, export

from instore.adapters.table import Table
from instore.errors import VendorUnavailableError
from instore.line_text import Outcome, Purpose, TextState

ANA, BEN = phone(0), phone(1)
S = TextState


@pytest.fixture
def rig(table: Table, clock: Any) -> LineRig:
    rig = LineRig(table, clock)
    for number in (ANA, BEN):
        consent(rig, number)
        rig.send(rig.draft(f"went-{number[-2:]}", number))
        rig.twilio.failures = [VendorUnavailableError("x")]
        rig.send(rig.draft(f"lost-{number[-2:]}", number, body="lost words"))
    rig.clock.advance(12 * 3600)
    for number in (ANA, BEN):
        rig.send(rig.draft(f"late-{number[-2:]}", number, purpose=Purpose.NOTICE,
                           body="private words"))  # fmt: skip
    rig.services().customers.mark_unreachable(rig.draft(number=BEN).customer, reason="twilio_30005",
                                              now=rig.clock.now())  # fmt: skip
    return rig


def left(rig: LineRig) -> str:
    names = ("went-00", "lost-00", "late-00")
    return json.dumps([rig.table.get(f"TEXT#{name}", "TEXT") for name in names], default=str)


def test_an_export_shows_every_text_as_it_is_kept(rig: LineRig) -> None:
    told = export(rig)
    texts = {one["id"]: one for one in told["line"]["texts"]}
    assert set(texts) == {"went-00", "lost-00", "late-00"}
    assert (texts["late-00"]["to"], texts["late-00"]["body"]) == (ANA, "private words")
    assert texts["went-00"]["state"] == "queued"
    assert "to" not in texts["went-00"]
    assert BEN not in json.dumps(told)
    assert told["conversations"] == []
    assert export(rig, BEN)["profile"]["unreachable"] == "twilio_30005"


def test_an_erasure_takes_number_and_words_and_calls_off_what_waits(rig: LineRig) -> None:
    assert ANA in left(rig)
    status, _ = erase(rig)
    assert status == 200
    assert ANA not in left(rig)
    assert "words" not in left(rig)
    assert rig.stored("late-00").outcome == Outcome(S.BLOCKED, "erased")
    assert rig.stored("late-01").state is S.DEFERRED  # somebody else's
    rig.clock.advance(12 * 3600)
    rig.sweep()
    assert rig.stored("lost-00").state is S.UNRESOLVED
    assert rig.twilio.to(ANA) == ["Hello went-00"]
    assert rig.send(rig.draft("new")).reason == "erased"
    assert rig.twilio.to(BEN) == ["Hello went-01"]  # and Ben's number is dead


def test_erased_again_nothing_changes(rig: LineRig) -> None:
    erase(rig)
    before = left(rig)
    erase(rig)
    assert left(rig) == before


def test_what_a_carrier_said_of_a_number_goes_with_the_customer(rig: LineRig) -> None:
    erase(rig, BEN)
    key = (f"CUSTOMER#{rig.draft(number=BEN).customer}", "CUSTOMER")
    item = rig.table.get(*key)
    assert item is not None
    assert "unreachable" not in item
    rig.services().customers.mark_unreachable(item["id"], reason="x", now=rig.clock.now())
    assert rig.table.get(*key) == item  # a tombstone remembers nothing
