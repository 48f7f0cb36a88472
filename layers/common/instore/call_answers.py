"""What Twilio is told to do with a call next: offer to text, say something and end it, let it go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import voice
from .deflection import language_of, wording
from .model import fingerprint

if TYPE_CHECKING:
    from .program import Banner, Program
    from .program_line import Branch


@dataclass(frozen=True, slots=True)
class Ring:
    """One question of Twilio's about a call: `fields` as it signed them, `base` where it calls us."""

    sid: str
    fields: Mapping[str, str] = field(repr=False)
    program: Program = field(repr=False)
    branch: Branch
    banner: Banner = field(repr=False)
    base: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What Twilio does next, as TwiML, what came of the question in a word, metrics to count."""

    twiml: str
    what: str
    counts: tuple[str, ...] = ()


def ask(ring: Ring, *, turn: int, first: str | None = None, counts: tuple[str, ...] = ()) -> Answer:
    """The offer, for the `turn`th time; `first` names a sentence to be said before it."""
    branch = ring.branch
    language = language_of(ring.program, banner=ring.banner)
    offer = wording(ring.program, branch=branch, banner=ring.banner)
    action = f"{ring.base}/twilio/voice/{branch.name}/choice?turn={turn}&offer={mark_of(offer)}"
    heard = voice.gather(voice.say(offer, language=language), action=action,
                         timeout_s=branch.gather_timeout_s)  # fmt: skip
    before = [say(ring, first)] if first else []
    return Answer(voice.document(*before, heard), "offered", counts)


def mark_of(offer: str) -> str:
    """A short name for what was offered: comes back, signed by Twilio, with what was pressed."""
    return fingerprint(offer)[:8]


def goes_on(ring: Ring, what: str, *sentences: str, counts: tuple[str, ...] = ()) -> Answer:
    """The call goes on where the branch says; where it says nothing, it ends with a goodbye."""
    said = [say(ring, name) for name in sentences]
    onward = ring.branch.onward
    way = [voice.go_on(onward)] if onward else [say(ring, "call_goodbye"), voice.hang_up()]
    return Answer(voice.document(*said, *way), what, counts)


def ends(ring: Ring, what: str, sentence: str, *, counts: tuple[str, ...] = ()) -> Answer:
    """One sentence, and the call is over."""
    return Answer(voice.document(say(ring, sentence), voice.hang_up()), what, counts)


def say(ring: Ring, name: str) -> str:
    """A sentence of the program, spoken in the banner's language."""
    language = language_of(ring.program, banner=ring.banner)
    words = ring.program.message(
        name, language=language, banner=ring.banner.label,
        phone=voice.spelled(ring.branch.number), minutes=str(ring.branch.answer_minutes),
    )  # fmt: skip
    return voice.say(words, language=language)
