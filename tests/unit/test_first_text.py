"""Who is writing and how to make it stop: checked in the program, on the finished text, per row."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from local.samples import sample_document
from local.template_lengths import template_lines

from instore.consent import Customer, Sent
from instore.errors import ProgramError
from instore.first_text import (
    STOP_WORDS,
    first_reason,
    names_banner,
    notice_variables,
    tells_how_to_stop,
    text_reason,
)
from instore.model import epoch
from instore.program import Banner, Program, load_program
from instore.program_parts import Template
from instore.revocation import is_revocation
from instore.text import example, foreign, longest, named_variables

NOW = datetime(2026, 11, 18, 17, 0, tzinfo=UTC)


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = sample_document("in_store")
    return loaded


@pytest.fixture
def kay(program: Program) -> Banner:
    return program.banners[0]


def problems(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ProgramError) as caught:
        load_program(document)
    return {problem.where: problem.what for problem in caught.value.problems}


def template(text: str, *, first: bool = True, **more: Any) -> Template:
    count = len({n for n in "123" if f"{{{n}}}" in text})
    return Template(name="t", id="1", text=text, variables=count, first=first, **more)


# ------------------------------------------------------------------ how to make it stop


@pytest.mark.parametrize(
    ("text", "language", "says"),
    [
        ("Reply STOP to end.", "en", True), ("STOP=end", "en", True), ("Text STOP.", "en-US", True),
        ("Please stop by the store.", "en", False), ("NON-STOP savings!", "en", False),
        ("UNSTOPPABLE", "en", False), ("Reply ALTO to end.", "en", False), ("{1}", "en", False),
        ("Responda ALTO para terminar.", "es", True), ("Responda STOP.", "es-MX", True),
        ("Envíe BAJA.", "es", True), ("Envoyez ARRET.", "fr", True), ("Envoyez ARRÊT.", "fr", True),
        ("Envoyez ALTO.", "fr", False), ("Reply STOP.", "de", True), ("Antworte HALT.", "de", False),
    ],
)  # fmt: skip
def test_how_to_stop(text: str, language: str, says: bool) -> None:
    assert tells_how_to_stop(text, language=language) is says


def test_every_word_we_accept_in_a_template_is_understood_when_it_comes_back() -> None:
    words = {word for words in STOP_WORDS.values() for word in words}
    assert words == {"STOP", "ALTO", "BAJA", "ARRET", "ARRÊT"}
    assert all(is_revocation(word) for word in words)


# ------------------------------------------------------------------ who is writing


@pytest.mark.parametrize(
    ("text", "names"),
    [("Anna from Kay Jewelers here", True), ("anna from KAY JEWELERS", True), ("It is Kay!", True),
     ("Okay, see you", False), ("Kayla here", False), ("Jared", False), ("", False)],
)  # fmt: skip
def test_names_of_a_banner(kay: Banner, text: str, names: bool) -> None:
    assert names_banner(text, banner=kay) is names


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        (["Anna", "Kay Jewelers"], None), (["Anna", "Kay"], None), (["Kay", "the shop"], None),
        (["Anna", "your jeweller"], "brand_missing"), (["Anna", "Jared"], "brand_missing"),
        (["Anna"], "variables_wrong"), (["Anna", " "], "variables_wrong"),
        (["Anna", "Kay", "x"], "variables_wrong"), (["x" * 1550, "Kay"], "too_long"),
        (["x" * (1600 - 98 - 3), "Kay"], None), (["x" * (1600 - 98 - 2), "Kay"], "too_long"),
    ],
)  # fmt: skip
def test_the_finished_text_of_a_row(
    kay: Banner, program: Program, variables: list[str], reason: str | None
) -> None:
    arrivals = program.template("new-arrivals", kay)
    assert arrivals is not None
    assert len(arrivals.text.replace("{1}", "").replace("{2}", "")) == 98
    assert text_reason(arrivals, variables=named_variables(variables), banner=kay) == reason


def test_a_text_that_is_never_first_needs_no_name(kay: Banner) -> None:
    assert text_reason(template("Hi {1}", first=False), variables={"1": "A"}, banner=kay) is None
    assert text_reason(template("Hi {1} STOP"), variables={"1": "A"}, banner=kay) == "brand_missing"
    assert text_reason(template("Hi {1}"), variables={"1": 7}, banner=kay) == "variables_wrong"


# ------------------------------------------------------------------ the program


def test_a_first_text_without_a_way_out_is_refused(document: dict[str, Any]) -> None:
    document["outreach"]["templates"][0]["text"] = "{1} from {2} here. Stop by!"
    found = problems(document)
    assert found["banners[0].outreach.templates[0].text"] == (
        "a first text tells how to end texts: STOP in capitals"
    )
    assert len(found) == 7


def test_a_first_text_without_variables_names_every_banner_it_is_for(
    document: dict[str, Any],
) -> None:
    document["outreach"]["templates"][2] |= {
        "text": "Kay: our sale starts tomorrow. STOP to end.", "variables": 0, "examples": [],
    }  # fmt: skip
    found = problems(document)
    assert found.pop("banners[2].outreach.templates[2].text") == (
        "a first text names the banner (Jared), or set first: false"
    )
    assert "banners[0].outreach.templates[2].text" not in found


def test_a_spanish_banner_says_it_in_spanish(document: dict[str, Any]) -> None:
    document["banners"][1]["language"] = "es"
    mine = {"outreach": {"templates": copy.deepcopy(document["outreach"]["templates"])}}
    document["banners"][1] |= mine
    mine["outreach"]["templates"][0]["text"] = "Soy {1} de {2}. Responda ALTO para terminar."
    load_program(document)
    document["banners"][1]["language"] = "en"
    assert list(problems(document)) == ["banners[1].outreach.templates[0].text"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{1} has read it: {2} Reply STOP to end texts. {3}", None),
        ("Kay: {1} is there: {2} Reply STOP to end texts.",
         "the notice names the banner: Jared, or its label as {3}"),
        ("{1} of {3} is there: {2}", "a first text tells how to end texts: STOP in capitals"),
    ],
)  # fmt: skip
def test_the_notice_is_a_first_text(document: dict[str, Any], text: str, what: str | None) -> None:
    count = 2 + ("{3}" in text)
    for first in (True, False):
        document["outreach"]["templates"][1] |= {
            "text": text, "variables": count, "examples": [], "first": first,
        }  # fmt: skip
        if what is None:
            load_program(document)
        else:
            told = problems(document)["banners[2].outreach.templates"]
            assert told == f"notification.template 'come-back': {what}"


def test_a_notice_fills_what_it_has(document: dict[str, Any], kay: Banner) -> None:
    del document["notification"]["link"]
    assert problems(document)["banners[0].outreach.templates"] == (
        "notification.template 'come-back': a notice fills {1} nickname, {2} notification.link, "
        "{3} the banner's label"
    )
    three, four = template("{1}{2}{3} STOP"), Template(
        name="t", id="1", text="{1}{2}{3}{4}", variables=4)  # fmt: skip
    assert notice_variables(three, nickname="N", link="L", banner=kay) == ("N", "L", "Kay Jewelers")
    assert notice_variables(three, nickname="", link="L", banner=kay) is None
    assert notice_variables(four, nickname="N", link="L", banner=kay) is None
    assert notice_variables(template("STOP"), nickname="", link=None, banner=kay) == ()


def test_silent_programs_need_no_notice(document: dict[str, Any]) -> None:
    document["outreach"]["templates"][1]["text"] = "{1} {2} {3}"
    document["outreach"]["templates"][1]["first"] = False
    document["notification"]["when"] = "never"
    program = load_program(document)
    assert program.notification.when == "never"


def test_examples_are_as_many_as_variables(document: dict[str, Any]) -> None:
    document["outreach"]["templates"][0]["examples"] = ["Anna"]
    assert problems(document)["outreach.templates[0]"] == "1 examples for 2 variables"


# ------------------------------------------------------------------ who had a text before


def customer(*sent: Sent) -> Customer:
    return Customer("c", sent=sent)


def ago(**time: float) -> int:
    return epoch(NOW - timedelta(**time))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ([Sent(ago(hours=1), "b1", "kay")], None),
        ([Sent(ago(minutes=59), "b1", "kay")], "first_text"),
        ([Sent(ago(hours=2), "b1", "jared")], "first_text"),
        ([Sent(ago(hours=2), "b9", "kay")], "first_text"),
        ([Sent(ago(hours=2), "b1")], "first_text"),
        ([Sent(ago(days=35), "b1", "kay")], "first_text"),
        ([Sent(ago(days=35) + 1, "b1", "kay")], None),
        ([Sent(ago(hours=-5), "b1", "kay")], "first_text"),
        ([], "first_text"),
    ],
    ids=["had one", "too young to be sure", "another banner's", "this very batch's", "unnamed",
         "too long ago", "just remembered", "still to go", "none"],
)  # fmt: skip
def test_a_text_that_is_never_first_goes_to_who_had_one(
    sent: list[Sent], reason: str | None
) -> None:
    told = first_reason(customer(*sent), template=template("Hi", first=False), banner="kay",
                        batch="b9", now=NOW)  # fmt: skip
    assert told == reason


def test_nobody_known_had_none_and_a_first_text_asks_nothing() -> None:
    assert first_reason(None, template=template("Hi", first=False), banner="kay", batch="b",
                        now=NOW) == "first_text"  # fmt: skip
    assert first_reason(None, template=template("Hi"), banner="kay", batch="b", now=NOW) is None


# ------------------------------------------------------------------ what it costs


def test_lengths_in_words(document: dict[str, Any]) -> None:
    document["banners"] = document["banners"][:2]
    document["outreach"]["templates"] = document["outreach"]["templates"][1:3]
    document["outreach"]["templates"][1] = {
        "name": "fête", "id": "9", "text": "Kay & Kay Outlet: Fête ! {1} STOP", "variables": 1,
    } | {"name": "fete"}  # fmt: skip
    assert list(template_lines(load_program(document))) == [
        "come-back (kay, kay_outlet): one_to_one, may be first",
        "  example: 123 characters, GSM-7, 1 segment",
        "  longest: 1600 characters, GSM-7, 11 segments",
        "fete (kay, kay_outlet): one_to_one, may be first",
        "  shortest: 31 characters, UCS-2, 1 segment, because of 'ê' "
        "(U+00EA LATIN SMALL LETTER E WITH CIRCUMFLEX)",
        "  longest: 1580 characters, UCS-2, 24 segments, because of 'ê' "
        "(U+00EA LATIN SMALL LETTER E WITH CIRCUMFLEX)",
    ]


def test_examples_and_extremes() -> None:
    plain = template("Hi {1}, {2}.", examples=["Ana", "Kay"])
    assert example(plain) == "Hi Ana, Kay."
    assert example(template("Hi {1}, {2}.")) == "Hi x, x."
    assert len(longest(plain)) == 1600
    assert len(longest(template("Hi {1}"))) == 3 + 1550
    assert foreign("Hi") is None
    assert foreign("a`ê") == "`"
