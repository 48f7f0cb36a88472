"""What changes between the taking of a batch and its call, or cannot be seen, sends nothing wrong."""

from __future__ import annotations

from typing import Any

import pytest
from tests.outreach_rig import Rig, phone

from instore import outreach_recheck, outreach_send
from instore.adapters.pace import Pace
from instore.adapters.table import Table
from instore.errors import UnavailableError
from instore.runtime.services import using

OWN: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def rig(table: Table, clock: Any) -> Rig:
    return Rig(table, clock)


def _another_variable(document: dict[str, Any]) -> None:
    first = document["outreach"]["templates"][0]
    first |= {"text": "{1} of {2} has {3}. Reply STOP to end texts.", "variables": 3}
    first.pop("examples")


def _another_brand(document: dict[str, Any]) -> None:
    document["banners"][0] |= {"label": "Jared", "known_as": []}


@pytest.mark.parametrize(("change", "reason"), [
    (_another_variable, "variables_wrong"), (_another_brand, "brand_missing"),
])  # fmt: skip
def test_a_text_is_weighed_by_the_template_as_it_is_when_it_goes(
    rig: Rig, change: Any, reason: str
) -> None:
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    rig.apply(change)
    assert rig.deliver() == OWN
    assert rig.vendor.asked == []
    assert rig.item(batch_id)["rows"][0]["r"] == reason
    assert not rig.leased(number)


def _another_number(document: dict[str, Any]) -> None:
    document["banners"][0]["number"]["outbound"] = "+12125550142"


def _another_template(document: dict[str, Any]) -> None:
    document["outreach"]["templates"][0]["id"] = "999"


@pytest.mark.parametrize("change", [_another_number, _another_template])
def test_a_way_given_up_while_the_line_was_busy_is_not_gone(rig: Rig, change: Any) -> None:
    """The program read after the claim has another number or template: planned anew, not sent."""
    from tests.outreach_rig import sqs_event

    from proactive_batch import app

    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    house = rig.services()
    house.programs.current()
    rig.apply(change)
    rig.clock.advance(59)
    house.pace.take("10000001", channel="bulk", count=216, rate=7.2, max_wait=0)  # 30 s
    with using(house):
        answer = app.handler(sqs_event([f'{{"batch": "{batch_id}"}}']), rig.context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert rig.vendor.asked == []
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("accepted", ["accepted"])
    rig.deliver([batch_id])
    ((_, campaign),) = rig.vendor.campaigns
    assert (campaign.outbound.e164, campaign.template_id) == (
        ("+12125550142", "666555567001") if change is _another_number else ("+19295550100", "999")
    )


def test_a_line_that_cannot_be_seen_stops_its_own_batches_only(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.apply(lambda d: d["outreach"].update(chunk=1))
    ids = [rig.text([n], key=n)[1]["id"] for n in rig.customers(2)]
    take, tries = Pace.take, [UnavailableError("the table did not answer")]

    def sometimes(*args: Any, **more: Any) -> Any:
        if tries:
            raise tries.pop()
        return take(*args, **more)

    monkeypatch.setattr(Pace, "take", sometimes)
    assert rig.deliver(ids) == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert [rig.states(batch_id) for batch_id in ids] == [["accepted"], ["sent"]]


def test_a_call_that_would_be_cut_off_is_not_begun(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims and looks took the time there was: put back, not lost to `unknown`."""
    (number,) = rig.customers(1)
    batch_id = rig.text([number])[1]["id"]
    read = outreach_recheck.customers_of

    def slow(*args: Any, **more: Any) -> Any:
        rig.remaining_s = 11.0
        return read(*args, **more)

    monkeypatch.setattr(outreach_send, "customers_of", slow)
    assert rig.deliver() == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert rig.vendor.asked == []
    assert (rig.item(batch_id)["state"], rig.states(batch_id)) == ("accepted", ["accepted"])
    monkeypatch.undo()
    rig.remaining_s = 60.0
    rig.deliver([batch_id])
    assert rig.vendor.texts == {number[1:]: 1}


def test_an_id_given_to_several_texts_names_none_of_them(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that failed would free the customers of all others, who were texted."""
    numbers = rig.customers(3)
    batch_id = rig.text(numbers)[1]["id"]
    start = rig.vendor.start_campaign

    def careless(*args: Any, **more: Any) -> Any:
        result: Any = start(*args, **more)
        result.accepted.update({numbers[0][1:]: "same", numbers[1][1:]: "same"})
        return result

    monkeypatch.setattr(rig.vendor, "start_campaign", careless)
    rig.deliver()
    assert rig.states(batch_id) == ["sent"] * 3
    assert [row.get("i") for row in rig.item(batch_id)["rows"]] == [
        None,
        None,
        f"id-{numbers[2][1:]}",
    ]


@pytest.mark.parametrize(("known", "said"), [
    ({"zone": "Pacific/Honolulu"}, {"zone": "Etc/UTC"}), ({"zone": "Pacific/Honolulu"}, {"zone": "UTC"}),
    ({"postal_code": "96815"}, {"postal_code": "00000"}),
])  # fmt: skip
def test_an_empty_word_about_the_place_hides_nothing_known(
    rig: Rig, known: dict[str, str], said: dict[str, str]
) -> None:
    """12:00 in New York, 7:00 where the customer is known to live."""
    rig.customer(phone(0), **known)
    for more in ({}, said):
        _, answer = rig.ask("POST /outreach/check", {"phone": phone(0), **more})
        assert (answer["reason"], answer["until"]) == ("outside_window", "2026-11-18T18:00:00.000Z")


def test_a_number_that_could_not_go_is_no_duplicate_of_itself(rig: Rig) -> None:
    (number,) = rig.customers(1)
    recipients = [{"phone": number, "variables": []}, {"phone": number, "variables": ["A", "Kay"]}]
    body = {"template": "new-arrivals", "recipients": recipients}
    _, answer = rig.ask("POST /outreach", body)
    assert [row.get("reason") for row in answer["rows"]] == ["variables_wrong", None]
