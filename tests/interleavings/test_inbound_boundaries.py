"""A text is taken, or an answer passed on, and the process is killed before or after any one call.

The queue brings it again. Then the words are at LivePerson: once, or twice and it is told; a STOP
is recorded once; of every answer at most one text went out; and nothing is left half done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from local.lock import watching
from tests.inbound_rig import PATIENCE, InboundRig, Talk
from tests.line_rig import inbound
from tests.outreach_rig import phone

from instore.adapters.consents import Consents
from instore.adapters.table import Table
from instore.errors import UnavailableError, VendorError
from instore.inbound import take
from instore.runtime.means import inbound_means
from instore.runtime.services import using
from instore.thread import ThreadState
from instore.told import INBOUND, Told

SIDES = [False, True]  # before the call took effect, after


@pytest.fixture
def rig(table: Table, clock: Any) -> InboundRig:
    return InboundRig(table, clock)


Before = Callable[[InboundRig, str], None]


def _nothing(rig: InboundRig, number: str) -> None:
    """The customer never texted."""


def _talking(rig: InboundRig, number: str) -> None:
    rig.texts("before", number)


def _over(rig: InboundRig, number: str) -> None:
    rig.texts("before", number)
    rig.connector.talks[-1].is_open = False


def _out(rig: InboundRig, number: str) -> None:
    rig.texts("please stop", number)


def _boundaries(rig: InboundRig, before: Before, body: str) -> list[str]:
    """What one undisturbed text crosses."""
    before(rig, phone(0))
    rig.boundaries.reset()
    rig.texts(body, phone(0))
    return list(rig.boundaries.names)


def _mine(rig: InboundRig, number: str) -> list[Talk]:
    return [t for t in rig.connector.talks if t.opening.phone.e164 == number]


def _killed(rig: InboundRig, fields: dict[str, str], n: int, *, after: bool) -> None:
    with rig.boundaries.killed(n, after=after):
        rig.again(fields)
    rig.clock.advance(PATIENCE)


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize("asked", [True, False], ids=["bot asked", "bot silent"])
@pytest.mark.parametrize("before", [_nothing, _talking, _over])
def test_words_get_there_wherever_the_process_dies(
    rig: InboundRig, before: Before, asked: bool, after: bool
) -> None:
    """Once, or twice and it is told. A conversation that was opened and lost is found again if our
    bot was told of it; if not, it stays empty."""
    if asked:
        rig.connector.opened = rig.bot_is_asked
    names = _boundaries(rig, before, "words")
    assert "say" in names
    for n, name in enumerate(names):
        number = phone(n + 1)
        before(rig, number)
        fields = inbound("words", number)
        _killed(rig, fields, n, after=after)
        assert rig.again(fields) == [], (n, name)
        assert rig.again(fields) == [], (n, name)
        said = [words for talk in _mine(rig, number) for words in talk.said if words != "before"]
        repeated = rig.received(fields).get("repeated", False)
        assert said in (["words"], ["words", "words"]), (n, name)
        assert repeated or said == ["words"], (n, name)
        assert not repeated or n >= names.index("say") - 1, (n, name)
        thread = rig.thread(number)
        assert (thread.state, thread.conversation) == (
            ThreadState.OPEN, _mine(rig, number)[-1].id
        ), (n, name)  # fmt: skip
        empty = [talk for talk in _mine(rig, number) if not talk.said]
        lost = (n, after) in ((names.index("open"), True), (names.index("open") + 1, False)) if (
            "open" in names) else False  # fmt: skip
        assert len(empty) == (lost and not asked), (n, name)
        rig.writes(_mine(rig, number)[-1], "Answer")
        assert rig.twilio.to(number) == ["Answer"], (n, name)
        if before is not _nothing:
            continue
        rig.texts("later", number)
        assert _mine(rig, number)[-1].said[-1] == "later"


@pytest.mark.parametrize("after", SIDES)
@pytest.mark.parametrize(
    ("before", "body", "what"),
    [(_nothing, "please stop", "revoked"), (_talking, "please stop", "revoked"),
     (_talking, "STOP", "revoked"), (_out, "start please", "restored"), (_talking, "HELP", None)],
)  # fmt: skip
def test_what_was_asked_for_is_done_once_wherever_the_process_dies(
    rig: InboundRig, before: Before, body: str, what: str | None, after: bool
) -> None:
    names = _boundaries(rig, before, body)
    whole = len(rig.twilio.to(phone(0)))
    for n, name in enumerate(names):
        number = phone(n + 1)
        before(rig, number)
        fields = inbound(body, number)
        _killed(rig, fields, n, after=after)
        assert rig.again(fields) == [], (n, name)
        entries = Consents(rig.table).entries(rig.name(number))
        assert [e["what"] for e in entries].count(what) == (what is not None), (n, name)
        assert Consents(rig.table).problems(rig.name(number)) == [], (n, name)
        assert len(rig.twilio.to(number)) <= whole, (n, name)
        assert rig.received(fields)["state"] == "done", (n, name)
        talks = _mine(rig, number)
        assert len(talks) == (before is _talking), (n, name)
        if talks:
            assert talks[0].said[:2] == ["before", body], (n, name)


@pytest.mark.parametrize("after", SIDES)
def test_a_text_for_a_person_is_kept_wherever_the_process_dies(
    rig: InboundRig, after: bool
) -> None:
    unknown = {"To": "+12125550199"}
    rig.boundaries.reset()
    rig.texts("stop it", phone(0), **unknown)
    for n, name in enumerate(list(rig.boundaries.names)):
        fields = inbound("stop it", phone(n + 1), **unknown)
        _killed(rig, fields, n, after=after)
        assert rig.again(fields) == [], (n, name)
        kept = rig.services().unclaimed.held(rig.name(phone(n + 1)))
        assert [one["body"] for one in kept] == ["stop it"], (n, name)
        assert rig.known(phone(n + 1)).opted_out is not None


@pytest.mark.parametrize("after", SIDES)
def test_an_answer_goes_out_at_most_once_wherever_the_process_dies(
    rig: InboundRig, after: bool
) -> None:
    """The sweep asks Twilio for what was claimed, and sends what was not."""
    rig.texts("Hi", phone(0))
    rig.boundaries.reset()
    rig.writes(rig.connector.talks[-1], "Hello")
    names = list(rig.boundaries.names)
    assert "twilio" in names
    unclear = 0
    for n, name in enumerate(names):
        number = phone(n + 1)
        rig.texts("Hi", number)
        talk = rig.connector.talks[-1]
        with rig.boundaries.killed(n, after=after):
            rig.writes(talk, "Hello")
        rig.clock.advance(PATIENCE)
        assert rig.writes(talk, "Hello", serverTimestamp=1795020000000) == [], (n, name)
        rig.sweep()
        sent, (state,) = rig.twilio.to(number), _states(rig, number)
        # Killed between the claim and the call: nobody can know, so it is not sent again (I4).
        assert sent == ([] if state == "unknown" else ["Hello"]), (n, name, state)
        unclear += sent == []
    assert 0 < unclear <= 4  # what texting reads once more after its claim


def _states(rig: InboundRig, number: str) -> list[str]:
    """Where the texts to this customer stand."""
    keys = [(key["pk"], key["sk"]) for key in rig.table.of_customer(rig.name(number))
            if key["pk"].startswith("TEXT#")]  # fmt: skip
    return [item["state"] for item in rig.table.get_many(keys).values()]


@pytest.mark.parametrize("before", [_nothing, _talking, _over])
def test_a_stop_between_any_two_steps_of_other_words_is_heard_and_neither_is_lost(
    rig: InboundRig, before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for them (told.py): at most one of the two has to come again."""
    rig.connector.opened = rig.bot_is_asked
    cross, again = rig.boundaries.cross, 0
    names = _boundaries(rig, before, "words")
    for n, name in enumerate(names):
        number = phone(n + 1)
        before(rig, number)
        words, stop = inbound("words", number), inbound("please stop", number)
        heard: list[bool] = []

        def meanwhile(
            name: str, run: Callable[[], Any], *, at: int = n, stop: dict[str, str] = stop,
            heard: list[bool] = heard, number: str = number,
        ) -> Any:  # fmt: skip
            if len(rig.boundaries.names) == at and not heard:
                heard.append(False)
                with using(rig.services()) as house, watching(None, alone=True):
                    means = inbound_means(house, count=lambda _: None)
                    with suppress(UnavailableError, VendorError):
                        take(Told(INBOUND, stop, rig.clock.now()), means=means,
                             now=rig.clock.now())  # fmt: skip
                        heard[0] = True
                assert rig.known(number).opted_out is not None
                rig.boundaries.names[:] = names[:at]
            return cross(name, run)

        rig.boundaries.reset()
        with monkeypatch.context() as patch:
            patch.setattr(rig.boundaries, "cross", meanwhile)
            failed = rig.again(words)
        assert heard, (n, name)
        again += failed != [] or not heard[0]
        assert failed == [] or heard[0], (n, name)
        rig.clock.advance(PATIENCE)
        for fields in (stop, words, stop, words):
            assert rig.again(fields) == [], (n, name)
        said = [w for talk in _mine(rig, number) for w in talk.said if w != "before"]
        assert said.count("words") == 1, (n, name, said)
        assert said.count("please stop") <= 1, (n, name, said)
        assert len(rig.twilio.to(number)) == 1, (n, name)
        entries = Consents(rig.table).entries(rig.name(number))
        assert [e["what"] for e in entries] == ["revoked"], (n, name)
        assert rig.thread(number).conversation == _mine(rig, number)[-1].id, (n, name)
    assert again < len(names) // 2
