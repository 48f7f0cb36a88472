"""Texts looked up, redacted and deleted in Twilio's simulator; segments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local.twilio.segments import segments_of
from tests.twilio_sim_rig import ANA, OURS, Rig, code_of, twilio

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def rig(clock: Any) -> Iterator[Rig]:
    with twilio(clock) as made:
        yield made


def test_lists_are_filtered_and_paged_newest_first(rig: Rig) -> None:
    for number in range(5):
        rig.api.send(body=str(number))
        rig.pass_time(86400)
    rig.sim.text(ANA, OURS, "reply")
    page = rig.api.get("/Messages.json", To=ANA, PageSize="2").json()
    bodies = [one["body"] for one in page["messages"]]
    while page["next_page_uri"]:
        assert page["next_page_uri"].startswith(f"{rig.api.base}/Messages.json?To=%2B1213")
        page = rig.api.get(page["next_page_uri"]).json()
        bodies += [one["body"] for one in page["messages"]]
    assert bodies == ["4", "3", "2", "1", "0"]
    assert (page["page"], page["start"], page["end"], page["page_size"]) == (2, 4, 4, 2)

    def sent(**filters: str) -> list[str]:
        found = rig.api.get("/Messages.json", From=OURS, **filters).json()["messages"]
        return [one["body"] for one in found]

    assert sent(DateSent="2026-11-20") == ["2"]
    assert sent(**{"DateSent<": "2026-11-19"}) == ["1", "0"]
    assert sent(**{"DateSent>": "2026-11-21T17:00:00Z"}) == ["4", "3"]
    assert code_of(rig.api.get("/Messages.json", PageSize="1001")) == (400, 20001)
    assert code_of(rig.api.get("/Messages.json", Page="1")) == (400, 20001)
    assert code_of(rig.api.get("/Messages.json", DateSent="yesterday")) == (400, 20001)


def test_what_waits_has_no_date_and_is_found_by_number_only(rig: Rig) -> None:
    rig.api.send(body="x" * 1600)
    rig.api.send(body="waiting")
    rig.sim.run()
    day = rig.api.get("/Messages.json", DateSent="2026-11-18").json()["messages"]
    assert [one["body"] for one in day] == ["x" * 1600]
    both = rig.api.get("/Messages.json", To=ANA).json()["messages"]
    assert [one["body"][:7] for one in both] == ["waiting", "xxxxxxx"]


def test_texts_are_redacted_and_deleted_once_they_are_over(rig: Rig) -> None:
    path = f"/Messages/{rig.api.send().json()['sid']}.json"
    assert code_of(rig.api.post(path, Body="")) == (409, 20009)
    assert code_of(rig.api.delete(path)) == (409, 20009)
    rig.sim.run()
    assert code_of(rig.api.post(path, Body="other words")) == (400, 20001)
    assert rig.api.post(path, Body="").json()["body"] == ""
    assert rig.api.delete(path).status_code == 204
    assert code_of(rig.api.get(path)) == (404, 20404)
    assert rig.sim.handset(ANA)[0].body == "Your ring is ready."


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 307, 3), ("[" * 80, 1), ("[" * 81, 2),
     ("ç" * 70, 1), ("ç" * 71, 2), ("é" * 160, 1), ("😀" * 35, 1), ("😀" * 36, 2),
     ("😀" * 66, 2), ("😀" * 67, 3), ("a" * 152 + "[" + "a" * 10, 2)],
)  # fmt: skip
def test_segments(text: str, count: int) -> None:
    assert segments_of(text) == count
