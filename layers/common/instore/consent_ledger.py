"""The consent ledger: what a customer agreed to or took back, provable afterwards.

Append only, one item an entry, each carrying the hash of the one before it; the newest number and
hash stand on the customer (`Chain`). Personal words (the wording shown, the words the customer
sent, the evidence) are hashed by themselves first, so that an erasure can take them away and the
chain still verifies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .consent import Chain

GENESIS = "0" * 64
_PERSONAL = ("wording", "words", "evidence")
_FACTS = ("n", "at", "recorded_at", "who", "banner", "what", "method", "scope", "country")
_MOST_WORDS = 500


def new_entry(
    chain: Chain | None, *, at: str, recorded_at: str, who: str, banner: str, what: str,
    method: str, **details: str | None,
) -> dict[str, Any]:  # fmt: skip
    """The next entry: facts, personal words, `prev`, `hash`.

    `what` is a consent class, `revoked` or `restored`; times are ISO. `details`: wording, words,
    evidence, scope, country; long words are cut to 500 characters.
    """
    entry: dict[str, Any] = {
        "n": (chain.n if chain else 0) + 1, "at": at, "recorded_at": recorded_at, "who": who,
        "banner": banner, "what": what, "method": method,
    }  # fmt: skip
    entry |= {name: text[:_MOST_WORDS] for name, text in details.items() if text}
    entry["personal"] = _digest({name: entry.get(name) for name in _PERSONAL})
    entry["prev"] = chain.hash if chain else GENESIS
    entry["hash"] = _hash(entry)
    return entry


def verify_chain(entries: Sequence[Mapping[str, Any]], *, head: Chain | None = None) -> list[str]:
    """Everything that is wrong with a customer's entries, given in order; empty = intact.

    Finds a changed, removed, added or reordered entry. The last entries can only be missed when
    `head` (the chain on the customer) is given.
    """
    problems: list[str] = []
    before = GENESIS
    for expected, entry in enumerate(entries, start=1):
        n = entry.get("n")
        if n != expected:
            problems.append(f"entry {expected} is missing or out of order (found {n})")
        if entry.get("prev") != before:
            problems.append(f"entry {n} does not follow the one before it")
        if entry.get("hash") != _hash(entry):
            problems.append(f"entry {n} was changed")
        words = {name: entry.get(name) for name in _PERSONAL}
        gone = entry.get("erased") and not any(words.values())
        if not gone and entry.get("personal") != _digest(words):
            problems.append(f"the words of entry {n} were changed")
        before = str(entry.get("hash"))
    last = Chain(len(entries), before if entries else GENESIS)
    if head is not None and head != last:
        problems.append(f"the customer's chain ends at {head.n}, the ledger at {last.n}")
    return problems


def _hash(entry: Mapping[str, Any]) -> str:
    facts = {name: entry.get(name) for name in (*_FACTS, "personal", "prev")}
    return _digest(facts)


def _digest(value: Mapping[str, Any]) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
