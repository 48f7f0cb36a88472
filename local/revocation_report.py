"""How well STOP in plain words is told apart, on our own sentences: recall, precision, misses.

    python -m local.revocation_report                     the figures of docs/revocation.md
    python -m local.revocation_report --misses development    and what is told apart wrongly

The sentences are in tests/unit/revocation, written by us and not taken from traffic. A fixed seed
puts a third of the first set aside (`held-out`); `second` and `third` were written afterwards. What
each was when it was first measured is in docs/revocation.md: by now all have been mended.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).parents[1] / "tests" / "unit" / "revocation"
LANGUAGES = {"en": "English", "es": "Spanish", "fr": "French"}
PARTS = ("development", "held-out", "second", "third")
SEED = "sentences of 2026-11"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text as a customer sends it, and whether it takes consent back."""

    text: str
    language: str
    must: bool
    later: str = ""

    @property
    def part(self) -> str:
        """A later set, else development or held-out: fixed by seed and text, whatever else is on
        the lists."""
        if self.later:
            return self.later
        digest = hashlib.sha256(f"{SEED}|{self.language}|{self.text}".encode()).digest()
        return PARTS[digest[0] % 3 == 0]


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A text two reasonable people may read differently, our decision and why."""

    text: str
    counts: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """Sentences told apart rightly and wrongly."""

    heard: int
    missed: int
    left: int
    mistaken: int

    @property
    def recall(self) -> float:
        """Of the revocations, those that were heard."""
        return self.heard / max(1, self.heard + self.missed)

    @property
    def precision(self) -> float:
        """Of what counted as one, what is one: on these lists, where half are."""
        return self.heard / max(1, self.heard + self.mistaken)

    @property
    def false_alarms(self) -> float:
        """Of the texts that are none, those that counted: does not depend on the lists' mix."""
        return self.mistaken / max(1, self.left + self.mistaken)


def sentences() -> list[Sentence]:
    """All of both lists of every language, in the order of the files."""
    return [
        Sentence(text, language, must, later)
        for later in ("", "second", "third")
        for language in LANGUAGES
        for must in (True, False)
        for text in _lines(f"{later}.{language}.{'must' if must else 'must_not'}.txt".lstrip("."))
    ]


def doubtful() -> list[Doubtful]:
    """The third list. Raises ValueError for a line that is not `yes|no | text | reason`."""
    found = []
    for line in _lines("doubtful.txt"):
        decision, text, reason = (part.strip() for part in line.split(" | "))
        found.append(Doubtful(text, {"yes": True, "no": False}[decision], reason))
    return found


def _lines(name: str) -> list[str]:
    lines = (LISTS / name).read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line.strip() and line[0] != "#"]


def score(listed: Iterable[Sentence], *, heard: Callable[[str], bool]) -> Score:
    """How `heard` tells these apart."""
    counts = {(must, found): 0 for must in (True, False) for found in (True, False)}
    for sentence in listed:
        counts[sentence.must, heard(sentence.text)] += 1
    return Score(counts[True, True], counts[True, False], counts[False, False],
                 counts[False, True])  # fmt: skip


def report(heard: Callable[[str], bool]) -> str:
    """The table of docs/revocation.md."""
    listed = sentences()
    lines = ["| part | language | must | must not | recall | precision | false alarms |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for part in (*PARTS, "all"):
        for language, name in {**LANGUAGES, "": "all"}.items():
            of = [s for s in listed
                  if language in ("", s.language) and part in ("all", s.part)]  # fmt: skip
            told = score(of, heard=heard)
            lines.append(
                f"| {part} | {name} | {told.heard + told.missed} | {told.left + told.mistaken} "
                f"| {told.recall:.1%} | {told.precision:.1%} | {told.false_alarms:.1%} |"
            )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the report; 1 if a sentence of the lists is told apart wrongly."""
    from instore.revocation import is_revocation

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--misses", choices=PARTS, help="list what this part gets wrong")
    asked = parser.parse_args(arguments)
    print(report(is_revocation))
    wrong = [s for s in sentences() if is_revocation(s.text) != s.must]
    for sentence in wrong:
        if sentence.part == asked.misses:
            print(f"{'missed' if sentence.must else 'mistaken'} [{sentence.language}] "
                  f"{sentence.text!r}")  # fmt: skip
    odd = [d for d in doubtful() if is_revocation(d.text) != d.counts]
    print(f"doubtful: {len(doubtful())}, decided otherwise: {[d.text for d in odd]}")
    return 1 if wrong or odd else 0


if __name__ == "__main__":
    sys.exit(main())
