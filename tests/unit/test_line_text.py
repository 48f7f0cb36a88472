"""Twilio's words about a text: every order and repetition of them ends in the same place."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.line_rig import SENDER

from instore.adapters.texts import text_from, text_item
from instore.line_text import (
    FINAL,
    LOOK_AFTER,
    RANK,
    Purpose,
    Text,
    TextState,
    Word,
    learned,
    status_of,
)
from instore.model import Phone

AT = datetime(2026, 11, 18, 17, tzinfo=UTC)
SID = "SM" + "0" * 32
S = TextState
BEGUN = Text(
    id="t-1", rev=2, state=S.CLAIMED, purpose=Purpose.REPLY, banner="kay", customer="c" * 40,
    sender=Phone(SENDER), to=Phone("+12125550100"), body="Hello", created_at=AT, claimed_at=AT,
    due_at=AT + timedelta(minutes=3),
)  # fmt: skip


def told(text: Text, words: list[Word]) -> Text:
    for word in words:
        text = learned(text, sid=SID, word=word)
    return text


def word(status: TextState, code: int | None = None, second: int = 0) -> Word:
    return Word(status, code, AT + timedelta(seconds=second))


LIVES = [
    [S.ACCEPTED, S.QUEUED, S.SENDING, S.SENT, S.DELIVERED],
    [S.QUEUED, S.SENT, S.UNDELIVERED],
    [S.ACCEPTED, S.FAILED],
    [S.SCHEDULED, S.CANCELED],
    [S.QUEUED, S.SENT],
]


@pytest.mark.parametrize("before", [S.CLAIMED, S.UNKNOWN, S.UNRESOLVED, S.INTENDED])
@pytest.mark.parametrize("life", LIVES)
def test_every_order_of_a_texts_life_ends_the_same(
    life: list[TextState], before: TextState
) -> None:
    words = [word(status, 30007 if status in (S.FAILED, S.UNDELIVERED) else None, n)
             for n, status in enumerate(life)]  # fmt: skip
    begun = replace(BEGUN, state=before)
    straight = told(begun, words)
    assert straight.state is life[-1]
    assert [w.status for w in straight.history] == life
    for order in itertools.permutations(words):
        for doubled in (list(order), [*order, *order], [w for w in order for _ in range(2)]):
            assert told(begun, doubled) == straight


@given(st.lists(st.tuples(st.sampled_from(sorted(RANK)), st.sampled_from([None, 21610, 30003, 30007]),
                          st.integers(0, 3600)), min_size=1, max_size=8), st.randoms())  # fmt: skip
def test_any_words_in_any_order_end_the_same(
    said: list[tuple[TextState, int | None, int]], chance: Random
) -> None:
    words = [word(S(status), code, second) for status, code, second in said]
    mixed = words * 2
    chance.shuffle(mixed)
    end = told(BEGUN, words)
    assert told(BEGUN, mixed) == end
    assert RANK[end.state] == max(RANK[w.status] for w in words)
    assert (end.due_at is None) is (end.state in FINAL)


def test_a_status_never_falls_back() -> None:
    states = [learned(told(BEGUN, [word(high)]), sid=SID, word=word(low)).state
              for high in RANK for low in RANK if RANK[low] <= RANK[high]]  # fmt: skip
    assert states == [high for high in RANK for low in RANK if RANK[low] <= RANK[high]]


def test_the_code_of_the_last_status_stands() -> None:
    text = told(BEGUN, [word(S.UNDELIVERED), word(S.UNDELIVERED, 30005, 1), word(S.SENT, None, 2)])
    assert (text.code, text.reason) == (30005, "twilio_30005")
    assert len(text.history) == 3
    assert told(text, [word(S.DELIVERED, None, 3)]).reason == ""


def test_what_twilio_has_needs_no_number_and_no_words() -> None:
    text = learned(BEGUN, sid=SID, word=word(S.QUEUED))
    assert (text.to, text.body, text.sid) == (None, "", SID)
    assert text.due_at == AT + LOOK_AFTER


def test_a_word_about_another_message_changes_nothing() -> None:
    text = learned(BEGUN, sid=SID, word=word(S.QUEUED))
    assert learned(text, sid="SM" + "1" * 32, word=word(S.FAILED, 30003)) is text


def test_twilios_words() -> None:
    assert [status_of(w) for w in (
        "accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "failed",
        "canceled", "read", " Delivered ", "claimed", "blocked", "", "something-new",
    )] == [S.ACCEPTED, S.SCHEDULED, S.QUEUED, S.SENDING, S.SENT, S.DELIVERED, S.UNDELIVERED,
           S.FAILED, S.CANCELED, S.DELIVERED, S.DELIVERED, None, None, None, None]  # fmt: skip


def test_a_text_is_stored_and_read_back_as_it_is() -> None:
    for text in (BEGUN, told(BEGUN, [word(S.SENT), word(S.UNDELIVERED, 30003, 9)]),
                 BEGUN.ended(S.BLOCKED, "opted_out"),
                 replace(BEGUN, state=S.DEFERRED, until=AT, media=("https://x.example/a.jpg",),
                         service="MG" + "0" * 32, conversation="c-1", asked_at=AT)):  # fmt: skip
        assert text_from(text_item(text)) == text
