"""Who is wanted: binding, token, backend, keyword, in the program's order (requirements C13).

Each resolver either points at an associate or says nothing; a vendor that fails says nothing.
A pointer counts when the map still has that person, enabled; somebody who has left is remembered
as such, and the next resolver is asked, so that an old binding does not hide a new navigator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .conversation import Conversation
from .directory import Associate, Pointer, Store, pointer_from
from .errors import InstoreError
from .model import Phone, base36, fold_word
from .program import Banner
from .program_parts import RESERVED_WORDS, BackendResolver, TokenResolver
from .routing_case import Wanted

if TYPE_CHECKING:
    from .adapters.backend import Backend, Found
    from .adapters.stores import Stores
    from .consent import Customer

MOST_WORDS = 5
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Clues:
    """What one event lets us look for. `items` are those of the one BatchGetItem.

    `may_look_up` is false for a sender with too many misses: words are then not tried at all.
    """

    banner: Banner
    conversation: Conversation
    customer: Customer | None
    text: str
    items: Mapping[Key, dict[str, Any]]
    may_look_up: bool = True


@dataclass(slots=True)
class Resolution:
    """The wanted person, or why there is none. `trail` has a sentence per resolver asked."""

    wanted: Wanted = Wanted.UNKNOWN
    pointer: Pointer | None = None
    store: Store | None = None
    associate: Associate | None = None
    phone: Phone | None = field(default=None, repr=False)
    missed: bool = False
    vendor_failed: bool = False
    trail: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Asking:
    """What every resolver is given; it writes what it found out beside a pointer on `result`."""

    clues: Clues
    stores: Stores
    backend: Backend
    result: Resolution


def typed_words(text: str) -> list[str]:
    """Words of a text that may be somebody's keyword, likeliest first, at most five.

    The whole message first ("John Smith 123" is typed for JohnSmith123), then single words;
    those with a digit come before those without, because keywords are names with digits.
    """
    parts = re.findall(r"[0-9A-Za-z]+", text[:1000])
    whole = "".join(parts) if len(parts) <= 3 else ""
    words = sorted(parts, key=lambda word: not any(c.isdigit() for c in word))
    found: dict[str, str] = {}
    for word in (whole, *words):
        folded = fold_word(word)
        if folded is not None and folded not in RESERVED_WORDS:
            found.setdefault(folded, word)
    return list(found.values())[:MOST_WORDS]


def token_word(token: TokenResolver | None, *, attributes: Mapping[str, str]) -> str | None:
    """The alias that a signed-in customer's verified attributes name (plan type and branch)."""
    if token is None:
        return None
    if token.alias_attribute is not None and attributes.get(token.alias_attribute):
        return attributes[token.alias_attribute]
    for rule in token.rules:
        if all(attributes.get(path) == value for path, value in rule.when.items()):
            return rule.alias
    return None


def words_to_look_up(banner: Banner, *, conversation: Conversation, text: str) -> list[str]:
    """Every word this event may need, for the one BatchGetItem."""
    resolvers = banner.routing.resolvers
    words = []
    if "token" in resolvers:
        named = token_word(banner.routing.token, attributes=conversation.attributes)
        words += [named] if named else []
    return words + (typed_words(text) if "keyword" in resolvers else [])


def resolve(clues: Clues, *, stores: Stores, backend: Backend) -> Resolution:
    """Ask the program's resolvers in order until one names somebody who works there.

    Raises UnavailableError when the table is away; a vendor that is away is no information.
    """
    result = Resolution()
    asking = _Asking(clues, stores, backend, result)
    for name in clues.banner.routing.resolvers:
        pointer = _ASK[name](asking)
        if pointer is None:
            continue
        store, associate = _find(pointer, banner=clues.banner, stores=stores)
        if associate is not None and store is not None and associate.enabled:
            result.trail.append(f"{name}: found")
            result.wanted, result.store, result.associate = Wanted.KNOWN, store, associate
            result.pointer = Pointer(store.account, store.group, associate.agent_id)
            return result
        result.trail.append(f"{name}: has left")
        if result.wanted is Wanted.UNKNOWN:
            result.wanted, result.pointer = Wanted.TERMINATED, pointer
            result.store, result.associate = store, associate
    return result


def person(pointer: Pointer, *, banner: Banner, stores: Stores) -> Resolution:
    """Resolve a known pointer again (a choice on offer)."""
    store, associate = _find(pointer, banner=banner, stores=stores)
    known = associate is not None and associate.enabled
    return Resolution(Wanted.KNOWN if known else Wanted.TERMINATED, pointer, store, associate,
                      trail=["choice: on offer"])  # fmt: skip


def _find(
    pointer: Pointer, *, banner: Banner, stores: Stores
) -> tuple[Store | None, Associate | None]:
    """The person and their store, also when they moved since the pointer was written."""
    if pointer.account != banner.account:
        return None, None  # LivePerson cannot transfer into another account
    store = stores.store(pointer.account, group=pointer.group)
    associate = store.find(pointer.agent_id) if store else None
    if associate is not None:
        return store, associate
    moved = stores.by_agent(pointer.account, agent_id=pointer.agent_id)
    if moved is None or moved.group == pointer.group:
        return store, None
    new_store = stores.store(moved.account, group=moved.group)
    associate = new_store.find(moved.agent_id) if new_store else None
    return (new_store, associate) if associate else (store, None)


def _binding(asking: _Asking) -> Pointer | None:
    customer = asking.clues.customer
    binding = customer.bindings.get(asking.clues.banner.name) if customer else None
    if binding is None:
        asking.result.trail.append("binding: none")
        return None
    return binding.pointer


def _token(asking: _Asking) -> Pointer | None:
    settings, attributes = asking.clues.banner.routing.token, asking.clues.conversation.attributes
    word = token_word(settings, attributes=attributes)
    pointer = _first([word] if word else [], asking)
    if pointer is None:
        said = "token: names nobody we know" if word else "token: names nobody"
        asking.result.trail.append(said)
    return pointer


def _keyword(asking: _Asking) -> Pointer | None:
    if not asking.clues.may_look_up:
        asking.result.trail.append("keyword: not tried, too many misses")
        return None
    words = typed_words(asking.clues.text)
    pointer = _first(words, asking)
    if pointer is None:
        asking.result.missed = bool(words)
        asking.result.trail.append("keyword: unknown" if words else "keyword: none typed")
    return pointer


def _first(words: Iterable[str], asking: _Asking) -> Pointer | None:
    for word in words:
        for key in asking.stores.word_keys(asking.clues.banner.name, word=word):
            if key in asking.clues.items:
                return pointer_from(asking.clues.items[key])
    return None


def _backend(asking: _Asking) -> Pointer | None:
    banner, result = asking.clues.banner, asking.result
    settings = banner.routing.backend
    if settings is None:
        return None
    member = asking.clues.conversation.attributes.get(settings.member_attribute)
    try:
        found = _ask_backend(settings, member, asking)
    except InstoreError:
        result.vendor_failed = True
        result.trail.append("backend: no answer")
        return None
    if found is None:
        result.trail.append("backend: names nobody")
        return None
    # Only a verified member's own number; a keyword names the associate, not the customer.
    result.phone = found.phone if member else None
    pointer = _pointer(found, banner=banner, stores=asking.stores)
    if pointer is None:
        result.trail.append("backend: names nobody we know")
    return pointer


def _ask_backend(settings: BackendResolver, member: str | None, asking: _Asking) -> Found | None:
    if member:
        return asking.backend.associate_of_member(settings, member=member)
    word = asking.clues.text.strip()
    folded = fold_word(word)
    if not asking.clues.may_look_up or folded is None or folded in RESERVED_WORDS:
        return None
    return asking.backend.associate_of_keyword(settings, keyword=word)


def _pointer(found: Found, *, banner: Banner, stores: Stores) -> Pointer | None:
    """Where the associate is whom the brand's answer names, by whatever it names them."""
    pointer = None
    if found.agent_id:
        pointer = stores.by_agent(banner.account, agent_id=found.agent_id)
    elif found.login:
        pointer = stores.by_login(banner.account, login=found.login)
    elif found.alias:
        pointer = stores.by_word(banner.name, word=found.alias)
    elif found.employee_id and found.employee_id.isascii() and found.employee_id.isdigit():
        pointer = stores.by_word(banner.name, word=base36(int(found.employee_id)))
    return pointer


_ASK = {"binding": _binding, "token": _token, "backend": _backend, "keyword": _keyword}
