"""A small language for sentences: how people put a thing, in words and bounded gaps.

A phrase is a line of slots with spaces between them:

    stop/quit        one of these words          me/us?     it may be missing
    @texts           one of a named set          @filler*4  up to four of them
    _?               any word, or none           !by/in     the next word is none of these
    ^  $             the clause begins, ends here; manners before and after do not count
    ~                here nothing names a time or a place: "before noon", "at work"

Looking for all phrases costs a bounded number of comparisons for each word of the text: a phrase is
only tried where its first word stands, and goes through its slots once, keeping every place it can
have reached. Nothing is ever tried again, so no text takes long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Words = Sequence[str]
# Whether what stands at a place of these words names a time or a place.
Wish = Callable[[Words, int], bool]


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a phrase: between `least` and `most` of `words`; None = any word."""

    kind: Literal["words", "not", "end", "no_wish"]
    words: frozenset[str] | None = None
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class Phrase:
    """A compiled line. `first` are the words it can begin with."""

    line: str
    slots: tuple[Slot, ...]
    begins: bool

    @property
    def first(self) -> frozenset[str]:
        found: set[str] = set()
        for slot in self.slots:
            if slot.kind != "words" or slot.words is None:
                break
            found |= slot.words
            if slot.least:
                return frozenset(found)
        raise ValueError(f"a phrase begins with words of ours: {self.line}")


class Phrases:
    """Phrases by their first word."""

    def __init__(self, text: str, *, sets: Mapping[str, frozenset[str]]) -> None:
        """`text`: a phrase a line, `#` begins a remark. Raises ValueError or KeyError for a line
        that is none: a mistake in our own data."""
        self._by_first: dict[str, list[Phrase]] = {}
        lines = [line.partition("#")[0].strip() for line in text.splitlines()]
        for phrase in [_compile(line, sets) for line in lines if line]:
            for word in phrase.first:
                self._by_first.setdefault(word, []).append(phrase)

    def found(
        self, clause: Words, *, manners: frozenset[str], wish: Wish | None = None
    ) -> Iterator[tuple[Phrase, int, int]]:  # fmt: skip
        """Each phrase that stands in this clause: where it begins, and behind its last word."""
        begin, end = trimmed(clause, manners)
        for start, word in enumerate(clause):
            for phrase in self._by_first.get(word, ()):
                if phrase.begins and start > begin:
                    continue
                stop = _reach(phrase, clause, start, end=end, wish=wish)
                if stop is not None:
                    yield phrase, start, stop


def trimmed(clause: Words, manners: frozenset[str]) -> tuple[int, int]:
    """Begin and end of a clause without the manners around it."""
    begin, end = 0, len(clause)
    while begin < end and clause[begin] in manners:
        begin += 1
    while end > begin and clause[end - 1] in manners:
        end -= 1
    return begin, end


def _reach(phrase: Phrase, clause: Words, start: int, *, end: int, wish: Wish | None) -> int | None:
    places = {start}
    for slot in phrase.slots:
        match slot.kind:
            case "words":
                places = _past(slot, clause, places)
            case "not":
                places = {p for p in places if p >= len(clause) or clause[p] not in _of(slot)}
            case "end":
                places = {p for p in places if p >= end}
            case "no_wish":
                places = {p for p in places if wish is None or not wish(clause, p)}
        if not places:
            return None
    return max(places)


def _past(slot: Slot, clause: Words, places: Iterable[int]) -> set[int]:
    reached: set[int] = set()
    for place in places:
        for count in range(slot.most + 1):
            if count >= slot.least:
                reached.add(place + count)
            at = place + count
            if at >= len(clause) or (slot.words is not None and clause[at] not in slot.words):
                break
    return reached


def _of(slot: Slot) -> frozenset[str]:
    return slot.words or frozenset()


def _compile(line: str, sets: Mapping[str, frozenset[str]]) -> Phrase:
    pieces = line.split()
    begins = pieces[0] == "^"
    return Phrase(line, tuple(_slot(piece, sets) for piece in pieces[begins:]), begins)


def _slot(piece: str, sets: Mapping[str, frozenset[str]]) -> Slot:
    if piece == "$":
        return Slot("end")
    if piece == "~":
        return Slot("no_wish")
    if piece[0] == "!":
        return Slot("not", _words(piece[1:], sets))
    least, most = 1, 1
    if piece[-1] == "?":
        piece, least = piece[:-1], 0
    elif "*" in piece:
        piece, _, many = piece.partition("*")
        least, most = 0, int(many)
    return Slot("words", None if piece == "_" else _words(piece, sets), least, most)


def _words(text: str, sets: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    for word in text.split("/"):
        found |= sets[word[1:]] if word[0] == "@" else {word}
    return frozenset(found)
