"""Texts of the line that are due: a few the sweep sends itself, for many it calls for hands.

A text takes half a second, nearly all of it spent waiting for Twilio, and at an opening a hundred
thousand may be due: one process would need hours, however wide (decisions/0019). So a shard with
more than a page due is named in a message, and whoever takes that works on it until nothing is left
or time is short. Nothing is written for that: a text is due until it is claimed. A message that is
lost is sent again by the next minute's sweep, one too many finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from .line_text import WAITING
from .model import SHARDS
from .swept import Swept, guarded

if TYPE_CHECKING:
    from .adapters.texts import Texts
    from .line_text import Text

PAGE = 50  # so many due in a shard are more than the sweep does beside its other work
READ = 500  # keys read at a time by whoever has a shard to itself
# Twilio at its slowest, and the table around it, is what the last text begun may take.
FOR_A_TEXT_S = 20.0
# So many lost in one go: Twilio does not answer. So many failed without one that went in between: it
# is away or lets nobody in, and who is put off by it has his next turn later than it is back.
LOST, AWAY = "LineTextsUnknown", 10
FAILED, WENT, OUT_OF_REACH = "VendorFailed", "LineTextsAccepted", 20


@dataclass(frozen=True, slots=True)
class Hands:
    """What working on due texts takes. `step` does what is due for one, as it was read, and names
    the metrics to count; `remaining`: seconds this process still has; `at_once`: so many customers
    at a time."""

    texts: Texts
    step: Callable[[Text], Iterable[str]]
    now: Callable[[], datetime]
    remaining: Callable[[], float]
    at_once: int = 1


@dataclass(slots=True)
class Trouble:
    """What went wrong with Twilio in one go, told by whoever works at the same time: ids of texts
    of which nobody knows whether they went, and of those that failed since the last one went."""

    lost: list[str] = field(default_factory=list)
    in_a_row: list[str] = field(default_factory=list)

    @property
    def is_away(self) -> bool:
        return len(self.lost) >= AWAY or len(self.in_a_row) >= OUT_OF_REACH

    def note(self, text: Text, counts: Mapping[str, int]) -> None:
        """What came of a text, as metrics count it."""
        # A claim that lapsed is lost, too, but says nothing about Twilio today.
        if LOST in counts and text.state in WAITING:
            self.lost.append(text.id)
        if FAILED in counts:
            self.in_a_row.append(text.id)
        elif WENT in counts:
            self.in_a_row.clear()


def share_out(
    hands: Hands, *, call: Callable[[int], None], swept: Swept
) -> dict[int, list[str]]:  # fmt: skip
    """Look into every shard; `call` for hands where there is a page or more. What is in the others,
    and in those nobody could be called for, by shard, is the caller's own. Two Queries for each."""
    own: dict[int, list[str]] = {}
    for shard in range(SHARDS):
        now = hands.now()
        due = hands.texts.due(now=now, shard=shard, limit=PAGE)
        if not due:
            continue
        age = now.timestamp() - min(due_at for _, due_at in due)
        if len(due) >= PAGE and guarded(partial(call, shard), f"TEXT#{shard}", swept):
            swept.oldest_send_s = max(swept.oldest_send_s, age)
            continue
        swept.oldest_s = max(swept.oldest_s, age)
        own[shard] = [text for text, _ in due]
    return own


def do_own(
    hands: Hands, own: Mapping[int, Sequence[str]], *, call: Callable[[int], None], swept: Swept
) -> None:
    """What `share_out` left; if there is no time for it any more, hands are called for that, too."""
    if hands.remaining() > FOR_A_TEXT_S:
        work_off(hands, [text for texts in own.values() for text in texts], swept)
        return
    for shard in own:
        guarded(partial(call, shard), f"TEXT#{shard}", swept)


def work_on(hands: Hands, shard: int) -> Swept:
    """A shard's due texts, what somebody waits for first and then oldest first, until none is left,
    time is short, or Twilio or the table is away."""
    swept = Swept()
    seen: set[str] = set()
    while hands.remaining() > FOR_A_TEXT_S:
        new: list[str] = []
        look = partial(_look, hands, shard, limit=READ + len(swept.failed), seen=seen, new=new)
        if not guarded(look, f"TEXT#{shard}", swept) or not new or not work_off(hands, new, swept):
            break
        seen.update(new)
    return swept


def _look(hands: Hands, shard: int, *, limit: int, seen: set[str], new: list[str]) -> None:
    """What is due and was not `seen` yet; those that failed are due as they were."""
    due = hands.texts.due(now=hands.now(), shard=shard, limit=limit)
    new += [text for text, _ in due if text not in seen]


def work_off(hands: Hands, due: Sequence[str], swept: Swept) -> bool:
    """Do what is due for these texts, several customers' at a time, a customer's own one after
    another. False: Twilio leaves us without answers, and the rest had better wait."""
    texts: dict[str, Text | None] = {}
    if not guarded(lambda: texts.update(hands.texts.get_many(due)), "texts", swept):
        return False
    swept.failed += [f"TEXT#{name} unreadable" for name, text in texts.items() if text is None]
    found = [text for text in texts.values() if text is not None]
    theirs: dict[str, list[Text]] = {}
    for text in sorted(found, key=_turn):
        theirs.setdefault(text.customer, []).append(text)
    trouble = Trouble()
    for done in _side_by_side(hands, list(theirs.values()), trouble):
        swept.take_in(done)
    return not trouble.is_away


def _turn(text: Text) -> tuple[bool, datetime, datetime, str]:
    return (not text.is_awaited, text.due_at or text.created_at, text.created_at, text.id)


def _side_by_side(
    hands: Hands, theirs: Sequence[Sequence[Text]], trouble: Trouble
) -> list[Swept]:  # fmt: skip
    if min(hands.at_once, len(theirs)) <= 1:
        return [_one_customers(hands, texts, trouble) for texts in theirs]
    with ThreadPoolExecutor(hands.at_once) as pool:
        # Whoever runs us has put services and watchers in this thread's context.
        began = [pool.submit(copy_context().run, _one_customers, hands, texts, trouble)
                 for texts in theirs]  # fmt: skip
        return [one.result() for one in began]


def _one_customers(hands: Hands, texts: Sequence[Text], trouble: Trouble) -> Swept:
    swept = Swept()
    for text in texts:
        if hands.remaining() <= FOR_A_TEXT_S or trouble.is_away:
            break
        done = Swept()
        guarded(partial(_step, hands, text, done), f"TEXT#{text.id}", done)
        trouble.note(text, done.counts)
        swept.take_in(done)
    return swept


def _step(hands: Hands, text: Text, swept: Swept) -> None:
    for metric in hands.step(text):
        swept.add(metric)
