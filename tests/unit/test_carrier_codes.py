"""The one table of Twilio's codes: what is known has its effect, everything else has none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instore import delivery
from instore.carrier_codes import CODES, Effect, effect_of, may_repeat, meaning_of

# By hand, from Twilio's error dictionary; the table has to say the same.
EXPECTED = {
    Effect.SUPPRESS: {21610, 30640},
    Effect.BAD_NUMBER: {21211, 21614, 21635, 30005, 30006},
    Effect.SENDER_LOST: {21212, 21606, 21660, 21661},
    Effect.STOP_BATCH: {20003, 21408, 21608, 21701, 21703, 21704, 21705, 21714, 30002, 30032, 30033,
                        30034},
    Effect.HOLD: {14107, 30023, 30024, 30035},
    Effect.RETRY_LATER: {20429, 21611, 30001, 30003, 30008, 30017, 30022, 30047, 30500, 30610},
    Effect.NOT_FOR_SALE: {21421, 21422, 21452},
    Effect.DONE: {21710},
    Effect.ALARM: {21602, 21603, 21604, 21617, 21619, 21712, 30007, 30450, 30453, 30485},
    Effect.NONE: {20404, 21612, 30004, 30019, 30036, 30410},
}  # fmt: skip


@pytest.mark.parametrize("effect", Effect)
def test_effects(effect: Effect) -> None:
    assert {code for code, row in CODES.items() if row.effect is effect} == EXPECTED[effect]


@given(code=st.integers() | st.none())
def test_what_is_not_in_the_table_has_no_effect(code: int | None) -> None:
    if code in CODES:
        assert effect_of(code) is CODES[code].effect
        return
    assert (effect_of(code), may_repeat(code)) == (Effect.NONE, False)
    assert meaning_of(code) == ("no code was given" if code is None else f"code {code}")


def test_only_what_certainly_did_not_go_may_be_repeated() -> None:
    """30410: the provider timed out and Twilio does not repeat it, so as not to send it twice."""
    assert {code for code in CODES if may_repeat(code)} == (
        EXPECTED[Effect.RETRY_LATER] | EXPECTED[Effect.HOLD]
    )
    assert not may_repeat(30410)


def test_each_row_says_what_and_where() -> None:
    for code, row in CODES.items():
        assert (row.number, meaning_of(code)) == (code, row.meaning)
        assert len(row.meaning) > 5
        assert row.source.startswith(f"https://www.twilio.com/docs/api/errors/{code} (on ")


def test_the_words_for_campaigns_of_liveperson_do_not_contradict() -> None:
    """LivePerson passes the same codes on; delivery.py has its own words for some of them."""
    fitting = {
        "opted_out": {Effect.SUPPRESS}, "not_a_mobile": {Effect.BAD_NUMBER},
        "filtered": {Effect.ALARM, Effect.HOLD, Effect.STOP_BATCH},
    }  # fmt: skip
    for code, reason in delivery._CARRIER.items():
        if len(code) == 5:  # shorter ones are LivePerson's own
            assert CODES[int(code)].effect in fitting[reason], code
