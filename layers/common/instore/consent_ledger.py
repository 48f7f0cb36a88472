"""The consent ledger: what a customer agreed to or took back, provable afterwards.

Append only, one item an entry, each carrying the hash of the one before it; the newest number and
hash stand on the customer (`Chain`). Personal words (the wording shown, the words the customer
sent, the evidence) are hashed by themselves first, with a salt that goes when they go: an erasure
can take them away, the chain still verifies, and the hash that stays cannot be guessed at. Words
may only be missing where an `erased` entry follows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .consent import Chain

GENESIS = "0" * 64
ERASED = "erased"  # what an entry says that notes an erasure, and the mark of those it emptied
_WORDS = ("wording", "words", "evidence")
PERSONAL = (*_WORDS, "salt")  # what an erasure takes away
_FACTS = ("n", "at", "recorded_at", "who", "banner", "what", "method", "scope", "country")
_MOST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain needs of an entry once the entry by itself is checked (`problems`)."""

    n: int
    hash: str
    prev: str
    is_erasure: bool
    is_emptied: bool
    problems: tuple[str, ...] = ()


def new_entry(
    chain: Chain | None, *, at: str, recorded_at: str, who: str, banner: str, what: str,
    method: str, salt: str | None = None, **details: str | None,
) -> dict[str, Any]:  # fmt: skip
    """The next entry: facts, personal words, `prev`, `hash`.

    `what` is a consent class, `revoked`, `restored` or `erased`; times are ISO; `salt` is any
    random text. `details`: wording, words, evidence, scope, country; long words are cut to 500
    characters.
    """
    entry: dict[str, Any] = {
        "n": (chain.n if chain else 0) + 1, "at": at, "recorded_at": recorded_at, "who": who,
        "banner": banner, "what": what, "method": method,
    }  # fmt: skip
    entry |= {name: text[:_MOST_WORDS] for name, text in details.items() if text}
    if salt is not None:
        entry["salt"] = salt
    entry["personal"] = _personal(entry)
    entry["prev"] = chain.hash if chain else GENESIS
    entry["hash"] = _hash(entry)
    return entry


def nothing_to_take(entry: Mapping[str, Any]) -> bool:
    """Whether an erasure would take no words from this entry: gone, or never any. The `erased` entries keep
    their evidence: they prove the erasure and hold no word of the customer's."""
    return entry.get("what") == ERASED or not any(entry.get(name) for name in PERSONAL)


def verify_chain(entries: Sequence[Mapping[str, Any]], *, head: Chain | None = None) -> list[str]:
    """Everything that is wrong with a customer's entries, given in order; empty = intact.

    Finds a changed, removed, added or reordered entry. The last entries can only be missed when
    `head` (the chain on the customer) is given.
    """
    return verify_links([check_entry(entry) for entry in entries], head=head)


def verify_ledger(entries: Sequence[Mapping[str, Any]], *, head: Chain | None) -> list[str]:
    """As verify_chain, for a ledger as it is stored: entries of a customer without a head are
    wrong, too."""
    return verify_chain(entries, head=head) + headless(len(entries), head=head)


def headless(entries: int, *, head: Chain | None) -> list[str]:
    """The problem of a ledger whose customer, or whose customer's chain, is gone."""
    if not entries or head is not None:
        return []
    return [f"the customer's chain is missing, the ledger ends at {entries}"]


def check_entry(entry: Mapping[str, Any]) -> Link:
    """One entry by itself: were its facts or its words changed."""
    n, problems = entry.get("n"), []
    if entry.get("hash") != _hash(entry):
        problems.append(f"entry {n} was changed")
    erasure = entry.get("what") == ERASED  # keeps its words: they prove it
    emptied = not erasure and bool(entry.get("erased")) and not any(map(entry.get, PERSONAL))
    if not emptied and entry.get("personal") != _personal(entry):
        problems.append(f"the words of entry {n} were changed")
    return Link(
        n if isinstance(n, int) else 0, str(entry.get("hash")), str(entry.get("prev")),
        erasure, emptied, tuple(problems),
    )  # fmt: skip


def verify_links(links: Iterable[Link], *, head: Chain | None = None) -> list[str]:
    """As verify_chain, for entries that were checked one by one before."""
    problems: list[str] = []
    before, emptied, length = GENESIS, list[int](), 0
    for link in links:
        length += 1
        if link.n != length:
            problems.append(f"entry {length} is missing or out of order (found {link.n})")
        if link.prev != before:
            problems.append(f"entry {link.n} does not follow the one before it")
        problems += link.problems
        before = link.hash
        if link.is_erasure:
            emptied = []
        elif link.is_emptied:
            emptied.append(link.n)
    problems += [f"the words of entry {n} are gone without an erasure" for n in emptied]
    last = Chain(length, before)
    if head is not None and head != last:
        problems.append(f"the customer's chain ends at {head.n}, the ledger at {last.n}")
    return problems


def _personal(entry: Mapping[str, Any]) -> str:
    words = {name: entry.get(name) for name in _WORDS}
    return _digest(words | ({"salt": entry["salt"]} if entry.get("salt") else {}))


def _hash(entry: Mapping[str, Any]) -> str:
    facts = {name: entry.get(name) for name in (*_FACTS, "personal", "prev")}
    return _digest(facts)


def _digest(value: Mapping[str, Any]) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
