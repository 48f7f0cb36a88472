"""Where a number is looked for, and what who calls it hears."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.outreach_rig import shop

from instore.directory import Pointer, document, store_from
from instore.line_voice import text_only
from instore.model import Phone
from instore.program import Program
from instore.relay_search import neighbours, rings
from instore.relay_state import LINE_NEXT, Activation, Asked, LineState, RelayLine
from instore.window_rules import place_of_area_code

STORE = replace(shop(), phone="+19145550199", state="NY", postal_code="10704")


def names(**changes: Any) -> list[str]:
    return [ring.name for ring in rings(replace(STORE, **changes), country="US")]


def test_the_stores_own_area_code_comes_first_and_its_region_last() -> None:
    found = rings(STORE, country="US")
    assert [(r.name, r.narrowed) for r in found] == [
        ("area_code", {"area_code": "914"}), ("neighbour", {"area_code": "212"}),
        ("neighbour", {"area_code": "332"}), ("neighbour", {"area_code": "646"}),
        ("neighbour", {"area_code": "201"}), ("neighbour", {"area_code": "551"}),
        ("neighbour", {"area_code": "347"}), ("nearby", {"near": Phone("+19145550199")}),
        ("postal_code", {"postal_code": "10704"}), ("region", {"region": "NY"}),
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["", "+18885550100", "+442071838750", "+14165550100"])
def test_without_a_local_number_the_postal_code_has_to_do(number: str) -> None:
    """None, toll-free, abroad, across the border: no area code to go by."""
    assert names(phone=number) == ["postal_code", "region"]
    assert names(phone=number, postal_code="") == ["region"]
    assert names(phone=number, postal_code="", state="") == []


def test_the_region_follows_from_what_is_known() -> None:
    assert rings(replace(STORE, state=""), country="US")[-1].narrowed == {"region": "NY"}
    by_postal = rings(replace(STORE, state="", phone=""), country="US")
    assert by_postal[-1].narrowed == {"region": "NY"}
    assert [r.name for r in rings(replace(STORE, state="", phone="", postal_code="M5V 2T6"),
                                  country="US")] == ["postal_code"]  # fmt: skip
    moncton = replace(STORE, state="", phone="+19025550100", postal_code="")
    assert [r.narrowed for r in rings(moncton, country="CA") if r.name == "region"] == [
        {"region": "NS"}, {"region": "PE"}]  # fmt: skip


@pytest.mark.parametrize(("code", "near", "far"), [
    ("212", {"646", "332", "917", "201"}, {"914", "631"}),
    ("416", {"647", "437", "942", "289"}, {"716"}),  # Buffalo is near, and abroad
    ("404", {"470", "678", "943", "770"}, {"912"}), ("305", {"786", "645", "954"}, {"407"}),
    ("907", set(), {"604"}), ("808", set(), {"907"}), ("999", set(), set()),
])  # fmt: skip
def test_neighbours_are_near_and_of_the_same_country(
    code: str, near: set[str], far: set[str]
) -> None:
    found = neighbours(code)
    assert near <= set(found)
    assert not far & set(found)
    assert code not in found
    assert len(found) <= 6
    assert all(place_of_area_code(other) for other in found)


def test_every_area_code_of_both_countries_has_a_place() -> None:
    def rows(name: str) -> list[dict[str, str]]:
        text = (files("instore") / "data" / name).read_text()
        return list(csv.DictReader(x for x in text.splitlines() if not x.startswith("#")))

    placed = [code for row in rows("area_code_places.csv") for code in row["area_codes"].split()]
    assert sorted(placed) == [r["area_code"] for r in rows("area_codes.csv")
                              if r["country"] in ("US", "CA")]  # fmt: skip
    for row in rows("area_code_places.csv"):
        codes = row["area_codes"].split()
        assert len({place_of_area_code(c).country for c in codes}) == 1  # type: ignore[union-attr]  # all placed
        assert -15 < float(row["latitude"]) < 65
        assert -171 < float(row["longitude"]) < 146


def test_overlays_know_each_other_first() -> None:
    assert neighbours("213")[:2] == ("323", "738")
    assert neighbours("206")[0] == "425"


def test_a_stores_phone_is_kept_in_the_map_only_if_there_is_one() -> None:
    assert document(STORE)["phone"] == "+19145550199"
    assert store_from(document(STORE)) == STORE
    assert "phone" not in document(replace(STORE, phone=""))
    assert store_from(document(replace(STORE, phone=""))).phone == ""


# ---------------------------------------------------------------- voice


def line(**changes: Any) -> RelayLine:
    from datetime import UTC, datetime

    at = datetime(2026, 11, 18, 17, tzinfo=UTC)
    whole = RelayLine(Phone("+19145550100"), "PN1", Pointer("10000002", "4100", "201"), "a@b.c",
                      "kay", None, LineState.ACTIVE, at, "who", None, 1)  # fmt: skip
    return replace(whole, **changes)


def spoken(xml: str) -> list[str]:
    root = ElementTree.fromstring(xml)
    assert root.tag == "Response"
    assert [verb.tag for verb in root] == ["Say", "Say", "Hangup"]
    assert root[0].attrib == root[1].attrib
    return [verb.text or "" for verb in root if verb.tag == "Say"]


def test_a_caller_hears_texts_only_and_the_stores_number(program: Program) -> None:
    first, second = spoken(text_only(line(), store=STORE, program=program))
    assert first == second == (
        "This number takes text messages only. To speak with us, please call 9 1 4, 5 5 5, "
        "0 1 9 9. Or hang up and send us a text.")  # fmt: skip


@pytest.mark.parametrize("store", [None, replace(STORE, phone="")])
def test_without_a_store_or_its_number_still_texts_only(program: Program, store: Any) -> None:
    for known in (line(), line(banner="gone"), None):
        said = spoken(text_only(known, store=store, program=program))
        assert said[0] == ("This number takes text messages only. Please hang up and send us a "
                           "text.")  # fmt: skip


def test_the_sentence_is_the_programs_own_in_the_banners_language(program: Program) -> None:
    from instore.program_parts import Messages

    own = {"fr": Messages(texts={"line_call_store": "{banner} & {store} : textos. {phone}"})}
    banners = [b.model_copy(update={"language": "fr"}) if b.name == "kay" else b
               for b in program.banners]  # fmt: skip
    french = program.model_copy(update={"messages": own, "banners": banners})
    xml = text_only(line(), store=replace(STORE, name="<Kay>"), program=french)
    assert 'language="fr-CA"' in xml
    assert spoken(xml)[0] == "Kay Jewelers & <Kay> : textos. 9 1 4, 5 5 5, 0 1 9 9"


# ---------------------------------------------------------------- states


def test_a_number_goes_only_the_ways_of_the_table() -> None:
    start = Activation.wished(Pointer("1", "2", "3"), login="a", banner="kay", tag="t",
                              asked=Asked("who", line().since), now=line().since)  # fmt: skip
    for state in LineState:
        for following in LineState:
            at = replace(start, state=state)
            if following in LINE_NEXT[state]:
                assert at.to(following, now=line().since).state is following
            else:
                with pytest.raises(ValueError, match="no way from"):
                    at.to(following, now=line().since)


def test_the_history_is_bounded_and_keeps_the_newest() -> None:
    at = line().since
    held = replace(Activation.wished(Pointer("1", "2", "3"), login="a", banner="kay", tag="t",
                                     asked=Asked("who", at), now=at), state=LineState.ACTIVE)  # fmt: skip
    for n in range(40):
        held = held.quarantined(successor=None, free_at=at, asked=Asked(f"q{n}", at), now=at)
        held = held.revived(asked=Asked(f"r{n}", at), now=at)
    assert len(held.history) == 50
    assert held.history[-1].by == "r39"


def test_a_line_answers_to_its_successor_only_when_it_is_out_of_use() -> None:
    heir = Pointer("10000002", "4100", "202")
    assert line(successor=heir).answers_to.agent_id == "201"
    assert line(successor=heir, state=LineState.QUARANTINED).answers_to == heir
    assert line(state=LineState.RELEASED).answers_to.agent_id == "201"
