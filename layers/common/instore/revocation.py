"""Taking consent back in plain words, and giving it again: English, Spanish and French.

The FCC counts seven words by themselves ("stop", "quit", "end", "revoke", "opt out", "cancel",
"unsubscribe") and any wording a reasonable person would read so (47 CFR 64.1200(a)(10)); the
carrier catches its own words only when they stand alone. A doubtful text to one who said no is
dearer than one text too few, but "stop by the store tomorrow" must stay a visit: words count alone,
beside manners or as a clause of their own, sentences count by their whole shape. A negation ("you
never stop") takes back only the verb it stands before. docs/revocation.md has the rules, the lists
and the figures.

Time is linear in the length of the text, of which the first 1,600 characters count (phrases.py).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from . import revocation_phrases as sentences
from .phrases import Phrases, Words, trimmed
from .revocation_words import (
    ALONE,
    CARRIER,
    CLAUSES,
    MANNERS,
    OFTEN_MISTYPED,
    PAIRS,
    REAL_WORDS,
    RESTART,
    SAYINGS,
    SETS,
    SHORTHAND,
    SURE_RESTART,
    WHEN,
    WHOLE,
)

_LONGEST = 1600
_SIGN = "\N{OCTAGONAL SIGN}"
# A full stop within a word ("s.t.o.p", "10.30") ends nothing; a dash does with spaces around, or
# before a name ("STOP -Ana").
_CLAUSE_END = re.compile(
    r"[!?;\n\r\v\f\x85\u2028\u2029()¡¿…]|[.,:](?!\w)|(?<=\s)[-\u2013\u2014~](?=\s|[A-Z])"
)


def is_revocation(text: str) -> bool:
    """Whether this message takes consent back. No context is needed or used."""
    text = text[:_LONGEST]
    if _SIGN in text and MANNERS.issuperset(_fold(text.replace(_SIGN, " ")).split()):
        return True
    folded = [_fold(part) for part in _CLAUSE_END.split(_marked(text))]
    clauses = [clause for part in folded if (clause := _words(part))]
    if _alone([word for clause in clauses for word in clause], " ".join(folded)):
        return True
    return any(_is_one_by_itself(clause) or _says(clause) for clause in clauses)


def is_carrier_word(text: str) -> bool:
    """Whether a carrier or Twilio takes this for STOP by itself and confirms it: one word, alone.

    Source: Twilio, "SMS opt-out keywords" (default list of long codes and toll-free numbers).
    """
    return text.strip().upper() in CARRIER


def is_restart(text: str) -> bool:
    """Whether this message, all of it, asks for texts again: START and its kin."""
    return _is_whole(text, RESTART)


def is_sure_restart(text: str) -> bool:
    """Whether this asks for texts again even where a person may have asked something: "start", but
    not "resume" or "alta", which answer questions too."""
    return _is_whole(text, SURE_RESTART)


def _is_whole(text: str, sentences: frozenset[str]) -> bool:
    words = _fold(text).split()
    begin, _ = trimmed(words, MANNERS)
    said = {" ".join(words), " ".join(words[begin:]), " ".join(_plain(words))}
    return not said.isdisjoint(sentences)


def _alone(words: Words, folded: str) -> bool:
    """One of the words and nothing but manners, however often it is said."""
    begin, end = trimmed(words, MANNERS)
    plain = _plain(words)
    if {" ".join(words), " ".join(words[begin:end]), " ".join(plain)} & WHOLE:
        return True
    together = {folded.replace(" ", ""), "".join(plain)}  # "s.t.o.p" too
    return not together.isdisjoint(ALONE) or (bool(plain) and set(plain) <= ALONE)


def _is_one_by_itself(clause: Words) -> bool:
    begin, end = trimmed(clause, MANNERS)
    return " ".join(clause[begin:end]) in CLAUSES


def _says(clause: Words) -> bool:
    """Whether a sentence is there and meant: "you never stop, stop texting me" is."""
    unmeant: set[int] = set()
    for _, start, end in _opposite().found(clause, manners=MANNERS, wish=_names_a_time):
        unmeant.update(range(start, end))
    found = _revoking().found(clause, manners=MANNERS, wish=_names_a_time)
    return any(start not in unmeant for _, start, _ in found)


def _names_a_time(clause: Words, place: int) -> bool:
    """Whether a wish about when or where comes here: "before noon", "me at work"."""
    after = place
    while after < min(place + 3, len(clause)) and clause[after] in SETS["whom"]:
        after += 1
    return any(_wishes_at(clause[at : at + 4]) for at in {place, after})


def _wishes_at(words: Words) -> bool:
    if words[:1] == ["at"] and words[1:] and words[1][0].isdigit():
        return True
    return any(start == 0 for _, start, _ in _wishes().found(words, manners=frozenset()))


@cache
def _revoking() -> Phrases:
    return Phrases(sentences.ENGLISH + sentences.SPANISH + sentences.FRENCH, sets=SETS)


@cache
def _opposite() -> Phrases:
    return Phrases(sentences.OPPOSITE, sets=SETS)


@cache
def _wishes() -> Phrases:
    return Phrases(WHEN, sets=SETS)


@cache
def _slips() -> dict[str, str]:
    """Every word that one slip of the thumb shares with a long word of ours."""
    return {less: word for word in sorted(OFTEN_MISTYPED) for less in _one_less(word)}


def _one_less(word: str) -> set[str]:
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def _words(folded: str) -> list[str]:
    """The words of a clause, shorthand written out and slips mended, pairs joined."""
    words: list[str] = []
    for word in folded.split():
        for known in SHORTHAND.get(word, word).split():
            pair = PAIRS.get((words[-1], known)) if words else None
            if pair is None:
                words.append(_mended(known))
            else:
                words[-1] = pair
    return words


def _mended(word: str) -> str:
    short = re.sub(r"([a-z])\1{2,}", r"\1", word)  # "stoppppp", "pleeease"
    if len(short) < 6 or len(short) > 16 or short in REAL_WORDS or short in OFTEN_MISTYPED:
        return short
    return next((_slips()[less] for less in sorted(_one_less(short)) if less in _slips()), short)


def _plain(words: Words) -> list[str]:
    return [word for word in words if word not in MANNERS]


def _marked(text: str) -> str:
    """Pictures end a clause as a full stop does: "please stop 🙏 I have one"."""
    return "".join("\n" if _is_picture(c) else c for c in text)


def _is_picture(sign: str) -> bool:
    """A letter in a circle is one of those signs, too, and a letter still."""
    return unicodedata.category(sign) == "So" and unicodedata.normalize("NFKD", sign) == sign


def _fold(text: str) -> str:
    """Lower case, no accents, no apostrophes, nothing invisible, every other sign a space."""
    apart = unicodedata.normalize("NFKD", text[:_LONGEST]).casefold()
    bare = "".join(c for c in apart if unicodedata.category(c) not in ("Mn", "Cf"))
    bare = re.sub(r"(?<=n)['’`´](?=t\b)", "", bare)  # don't -> dont; d'envoyer -> d envoyer
    folded = f" {re.sub(r'[^0-9a-z]+', ' ', bare).strip()} "
    for several, one in SAYINGS.items():
        folded = folded.replace(several, one)
    return folded.strip()
