"""What Twilio's words about a text change: where it stands, and what its code says beyond it.

The effect first, then the text: both may be done twice, and a process killed in between is told
again or looks again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from .carrier_codes import Effect, effect_of
from .errors import UnavailableError
from .line_text import FINAL, Text, TextState, Word, learned

if TYPE_CHECKING:
    from . import statuses, texting

    Means = texting.Means | statuses.Means

_TRIES = 5
# A person looks: account, service or sender are set up wrongly, or carriers filter what we send.
TROUBLES = frozenset({Effect.STOP_BATCH, Effect.HOLD, Effect.ALARM})


def take_word(
    text: Text, *, sid: str, word: Word, means: Means, guessed: bool = False
) -> Text:  # fmt: skip
    """The text as stored after this word. Unchanged: the word was known, or about another text.
    `guessed`: see line_text.learned.

    One write; with a code that has an effect, its writes before. Raises UnavailableError when
    others keep writing: bring the word again.
    """
    told = False
    for _ in range(_TRIES):
        after = learned(text, sid=sid, word=word, guessed=guessed)
        if after is text:
            return text
        if not told:
            _note_word(text, after, word, means)
            told = True
        saved = means.texts.save(after, before=text)
        if saved is not None:
            _count_end(text, saved, means)
            return saved
        found = means.texts.get(text.id)
        if found is None:
            return text  # gone: its time was over
        text = found
    raise UnavailableError("the text keeps changing", code="text_contended")


def _note_word(text: Text, after: Text, word: Word, means: Means) -> None:
    """What this word says beyond the text. Twilio's words come in any order, and one that says that
    the text was on the handset is the truest: no other then makes the number a dead one."""
    effect = effect_of(word.code)
    if after.state is not TextState.DELIVERED or effect is not Effect.BAD_NUMBER:
        note_effect(text, effect, code=word.code, at=word.at, means=means)
    said_dead = any(effect_of(one.code) is Effect.BAD_NUMBER for one in text.history)
    if after.state is TextState.DELIVERED and said_dead:
        means.customers.clear_unreachable(text.customer)


def note_effect(
    text: Text, effect: Effect, *, code: int | None, at: datetime, means: Means
) -> None:
    """What a code says of customer, number or account. Done twice, it changes nothing more."""
    if effect is Effect.SUPPRESS:
        if means.customers.opt_out(
            text.customer, banner=text.banner, scope=means.current().consent.opt_out_scope,
            how="carrier", words="", who="carrier", evidence=f"text {text.id}", now=at,
        ):  # fmt: skip
            means.count("OptedOut")
    elif effect is Effect.BAD_NUMBER:
        means.customers.mark_unreachable(text.customer, reason=f"twilio_{code}", now=at)
    elif effect is Effect.SENDER_LOST:
        means.texts.lose_number(text.sender, code=code, now=at)
        means.count("SendersLost")
    elif effect in TROUBLES:
        means.count("LineTroubles")


def _count_end(before: Text, after: Text, means: Means) -> None:
    if after.state in FINAL and before.state not in FINAL:
        delivered = after.state is TextState.DELIVERED
        means.count("LineTextsDelivered" if delivered else "LineTextsFailed")
