"""The sentences of tests/unit/revocation, all of them; what the law names; linear time."""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local import revocation_report as lists
from local.revocation_report import Doubtful, Score, Sentence, doubtful, score, sentences

from instore import revocation, revocation_phrases, revocation_words
from instore.phrases import Phrases
from instore.revocation import is_carrier_word, is_restart, is_revocation

ALL = sentences()
SEVEN = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
PARTS = ("please", "stop", "texting", "me", "do", "not", "no", "more", "de", "ne", "mensajes",
         "messages", "want", "to", "by", "before", "m", "envoyez", "plus", "me", "s", "t", "o",
         "p", "a", "unsubscribe", "my", "number", "list", "off")  # fmt: skip


@pytest.mark.parametrize("sentence", ALL, ids=lambda s: f"{s.language} {s.text[:40]}")
def test_the_lists(sentence: Sentence) -> None:
    assert is_revocation(sentence.text) is sentence.must


@pytest.mark.parametrize("item", doubtful(), ids=lambda d: d.text[:40])
def test_the_doubtful_are_decided_as_written(item: Doubtful) -> None:
    assert is_revocation(item.text) is item.counts
    assert len(item.reason) > 10


def test_the_lists_are_long_enough_and_say_nothing_twice() -> None:
    counts = {(language, must): len({s.text for s in ALL
                                     if s.language == language and s.must is must})
              for language in lists.LANGUAGES for must in (True, False)}  # fmt: skip
    assert min(counts["en", True], counts["en", False]) >= 150
    assert min(counts.values()) >= 80
    assert sum(counts.values()) == len(ALL)
    both = {s.text for s in ALL if s.must} & {s.text for s in ALL if not s.must}
    assert both == set()
    assert len(doubtful()) >= 30


def test_a_third_is_put_aside_and_stays_aside() -> None:
    first = [s for s in ALL if not s.later]
    aside = [s for s in first if s.part == "held-out"]
    assert 0.25 < len(aside) / len(first) < 0.42
    assert {s.part for s in ALL if s.later} == {"second", "third"}
    assert Sentence("STOP", "en", must=True).part == Sentence("STOP", "en", must=False).part


# ------------------------------------------------------------------ the seven words


@pytest.mark.parametrize("word", [*SEVEN, "optout", "stopall"])
@given(data=st.data())
def test_the_words_of_the_law_count_alone_however_written(word: str, data: st.DataObject) -> None:
    cased = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in word)
    gap = data.draw(st.sampled_from([" ", "  ", "-", "_", "\n", " - "]))
    noise = st.text(alphabet=string.punctuation + " \t\n👍🏽🙏❤️\u200b\u00a0¡¿…«»", max_size=6)
    assert is_revocation(data.draw(noise) + cased.replace(" ", gap) + data.draw(noise))


@pytest.mark.parametrize("text", ["HELP", "help", "INFO", "aide", "AYUDA", "help!", "START",
                                  "UNSTOP", "yes", "opt in", "ALTA", "Resume"])  # fmt: skip
def test_help_and_start_take_nothing_back(text: str) -> None:
    assert not is_revocation(text)


@pytest.mark.parametrize("text", ["please text me again", "You can text me again",
                                  "sign me back up please", "opt me back in"])  # fmt: skip
def test_asking_for_texts_again(text: str) -> None:
    assert is_restart(text)
    assert not is_revocation(text)


@pytest.mark.parametrize("text", sorted(revocation_words.RESTART))
def test_no_word_means_both(text: str) -> None:
    assert is_restart(text)
    assert not is_revocation(text)


@pytest.mark.parametrize("sentence", [s for s in ALL if s.must], ids=lambda s: s.text[:40])
def test_a_revocation_never_restores(sentence: Sentence) -> None:
    assert not is_restart(sentence.text)


@pytest.mark.parametrize(
    ("text", "carriers"),
    [("STOP", True), (" Stop\n", True), ("REVOKE", True), ("optout", True), ("opt out", False),
     ("stop.", False), ("arret", False), ("stop please", False), ("", False)],
)  # fmt: skip
def test_the_words_a_carrier_takes(text: str, carriers: bool) -> None:
    assert is_carrier_word(text) is carriers


def test_the_data_is_written_as_texts_are_read() -> None:
    """A word that shorthand, pairs or mending would turn into another could never be found."""
    for line in revocation_words.WHOLE | revocation_words.CLAUSES:
        assert " ".join(revocation._words(line)) == line
    data = (revocation_phrases.ENGLISH, revocation_phrases.SPANISH, revocation_phrases.FRENCH,
            revocation_phrases.OPPOSITE, revocation_words.WHEN)  # fmt: skip
    told = {word for words in revocation_words.SETS.values() for word in words}
    for line in (line.partition("#")[0] for text in data for line in text.splitlines()):
        told |= {
            word for word in re.split(r"[\s/!^$~?]|\*\d", line) if word and word[0] not in "@_"
        }
    assert {word for word in told if word in revocation_words.SHORTHAND} == set()
    assert {word for word in told if revocation._mended(word) != word} == set()


# ------------------------------------------------------------------ time


def steps(function: Callable[[], Any]) -> int:
    """Lines executed in our modules: the same on every machine."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "instore" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


BAIT = ["stop ", "stop all the ", "no more any of the ", "dont want to get the ", "don't stop ",
        "é", "' ", "s.", "stop - ", "no quiero mas mas ", "ne m envoyez plus de vos ", "a ",
        "please stop sending me all of these other ", "unsubscribee ", "🛑", "stop\n", "ya no ",
        "take my number off of your ", "optout of all ", "aaaaaaaaaa"]  # fmt: skip


def linear(bait: str) -> None:
    is_revocation("stop texting me")  # built by now
    half = steps(lambda: is_revocation((bait * 800)[:800]))
    whole = steps(lambda: is_revocation((bait * 1600)[:1600]))
    assert whole <= 2.3 * half + 500
    assert whole <= 1600 * 500


@pytest.mark.parametrize("bait", BAIT)
def test_twice_the_text_takes_twice_the_steps(bait: str) -> None:
    linear(bait)


@settings(deadline=None, max_examples=25)  # steps are counted, not seconds
@given(parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=12))
def test_no_mixture_of_our_words_takes_long(parts: list[str]) -> None:
    linear(" ".join(parts) + " ")


def test_nothing_is_read_beyond_the_longest_text() -> None:
    short = steps(lambda: is_revocation("we like a " * 160))
    assert steps(lambda: is_revocation("we like a " * 16_000)) == short
    assert not is_revocation("a " * 800 + ". STOP")


# ------------------------------------------------------------------ the language of phrases


def found(text: str, clause: str) -> list[tuple[int, int]]:
    phrases = Phrases(text, sets={"me": frozenset({"me", "us"})})
    return [(start, stop) for _, start, stop in phrases.found(
        clause.split(), manners=frozenset({"please"}),
        wish=lambda words, place: words[place : place + 1] == ["noon"])]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "clause", "where"),
    [
        ("stop/quit it", "quit it", [(0, 2)]),
        ("stop @me?", "stop us stop", [(0, 2), (2, 3)]),
        ("stop a*2 b", "stop a a b", [(0, 4)]),
        ("stop a*2 b", "stop a a a b", []),
        ("stop _? b", "stop x b", [(0, 3)]),
        ("stop _? b", "stop x x b", []),
        ("stop !by @me", "stop me", [(0, 2)]),
        ("stop !by _? @me", "stop by me", []),
        ("^ stop", "please stop", [(1, 2)]),
        ("^ stop", "we stop", []),
        ("^ we? stop", "stop we", [(0, 1)]),
        ("stop $", "stop please", [(0, 1)]),
        ("stop $", "stop it", []),
        ("stop ~", "stop noon", []),
        ("stop ~  # remark", "stop", [(0, 1)]),
        ("", "stop", []),
    ],
)
def test_phrases(line: str, clause: str, where: list[tuple[int, int]]) -> None:
    assert found(line, clause) == where


@pytest.mark.parametrize("line", ["_? stop", "$", "!by stop", "stop? it?"])
def test_a_phrase_begins_with_words(line: str) -> None:
    with pytest.raises(ValueError, match="begins with words"):
        found(line, "stop")


def test_a_set_nobody_has_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        found("stop @them", "stop")


# ------------------------------------------------------------------ the report


def test_the_report_counts() -> None:
    listed = [Sentence("stop", "en", must=True), Sentence("halt", "en", must=True),
              Sentence("hi", "en", must=False), Sentence("stop by", "en", must=False)]  # fmt: skip
    told = score(listed, heard=lambda text: text.startswith("stop"))
    assert told == Score(heard=1, missed=1, left=1, mistaken=1)
    assert (told.recall, told.precision, told.false_alarms) == (0.5, 0.5, 0.5)
    assert Score(0, 0, 0, 0).recall == 0


def test_the_report_says_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert lists.main([]) == 0
    printed = capsys.readouterr().out.splitlines()
    page = (lists.LISTS.parents[2] / "docs" / "revocation.md").read_text(encoding="utf-8")
    for line in printed[:-1]:
        assert line in page


def test_the_report_names_what_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "is_revocation", lambda text: False)
    assert lists.main(["--misses", "held-out"]) == 1
    printed = capsys.readouterr().out
    missed = [s for s in ALL if s.must and s.part == "held-out"]
    assert printed.count("missed [") == len(missed)
    assert "mistaken" not in printed
