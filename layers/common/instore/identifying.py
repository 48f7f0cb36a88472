"""Who is writing: a telephone number and verified attributes out of engagement attributes.

LivePerson sends engagement attributes ("SDEs") once, with the create call, in an inner shape it
does not document; published shapes differ between its own pages and code. So they are read by
meaning and not by position: lists or mappings, wrapped in `info`, in their own type's name or not.

What may be believed:
* Authenticated attributes come out of the token of a signed-in customer. They may name a number
  and whatever the program's resolvers ask for.
* Unauthenticated ones can be set by any web page. A number in them counts only in an SMS
  conversation, where LivePerson's SMS connector fills them, and it serves bindings only.

* Those of a conversation of the SMS line are our own (thread.LINE_CUSTOMER): they come with our
  token, so they are authenticated, and they name the number that was texted.

Assumption (LivePerson does not tell a bot the channel): a conversation is SMS, the product's
channel, unless it has other authenticated attributes or its visitor names a browser; then it is web.
Source: liveperson developer center, engagement attributes; node-agent-sdk lib/Transformer.js.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from .errors import BadInputError
from .model import Channel, Phone
from .program import Banner
from .thread import LINE_CUSTOMER

_TYPES = {
    "ctmrinfo": "ctmrinfo", "customerinfo": "ctmrinfo", "customer_info": "ctmrinfo",
    "customer": "ctmrinfo", "personal": "personal", "personalinfo": "personal",
    "personal_info": "personal",
}  # fmt: skip
_WRAPPERS = frozenset({"info", "sdes", "events", "personalcontact"})
# Tried in this order; nobody documents which one the SMS connector fills.
_PHONE_FIELDS = (
    ("imei",),
    ("phone", "phonenumber"),
    ("mobilenum", "mobilenumber", "mobilephone", "mobile"),
)
_DEEPEST, _MOST = 8, 500


@dataclass(frozen=True, slots=True)
class Identity:
    """What identifies the customer of a new conversation; everything may be unknown. `line`: the
    number of ours they texted, in a conversation of the SMS line."""

    channel: Channel
    phone: Phone | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    line: Phone | None = None


def identify(authenticated: Any, *, unauthenticated: Any, browser: str, banner: Banner) -> Identity:
    """Read both kinds of attributes of a create call. Never fails: unreadable is unknown."""
    verified = _leaves(authenticated)
    line = _line(verified)
    web = line is None and (bool(verified) or bool(browser.strip()))
    channel = Channel.WEB if web else Channel.SMS
    phone = _phone(verified, region=banner.country)
    if phone is None and channel is Channel.SMS:
        phone = _phone(_leaves(unauthenticated), region=banner.country)
    wanted = {_canonical(path): path for path in named_paths(banner)}
    attributes = {
        wanted[_canonical(path)]: value[:200]
        for path, value in verified.items()
        if _canonical(path) in wanted and value
    }
    return Identity(channel, phone, attributes, line)


def _line(verified: Mapping[str, str]) -> Phone | None:
    if verified.get("ctmrinfo.ctype") != LINE_CUSTOMER:
        return None
    try:
        return Phone(verified.get("ctmrinfo.socialId", ""))
    except BadInputError:
        return None


def named_paths(banner: Banner) -> set[str]:
    """The attribute paths that this banner's resolvers name: nothing else is kept."""
    routing = banner.routing
    paths: set[str] = set()
    if "token" in routing.resolvers and routing.token is not None:
        if routing.token.alias_attribute:
            paths.add(routing.token.alias_attribute)
        for rule in routing.token.rules:
            paths.update(rule.when)
    if "backend" in routing.resolvers and routing.backend is not None:
        paths.add(routing.backend.member_attribute)
    return paths


def _canonical(path: str) -> str:
    head, _, rest = path.partition(".")
    return f"{_TYPES.get(head.lower(), head.lower())}.{rest.lower()}".rstrip(".")


def _leaves(value: Any) -> dict[str, str]:
    """Scalars under their path `type.field`, the first of each path; bounded in depth and number
    because anybody can send anything."""
    found: dict[str, str] = {}
    for path, leaf in islice(_walk(value, (), 0), _MOST):
        found.setdefault(path, leaf)
    return found


def _walk(value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        kind = value.get("type")
        if isinstance(kind, str) and (not path or kind.lower() in _TYPES):
            path = (_TYPES.get(kind.lower(), kind.lower()),)
        for key, inner in value.items():
            if not (key == "type" and isinstance(kind, str)):
                yield from _walk(inner, _step(path, str(key)), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, path, depth + 1)
    elif isinstance(value, bool):
        yield ".".join(path), "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield ".".join(path), str(value).strip()


def _step(path: tuple[str, ...], key: str) -> tuple[str, ...]:
    low = key.lower()
    if low in _WRAPPERS:
        return path
    if low in _TYPES and (not path or path[0] == _TYPES[low]):
        return (_TYPES[low],)
    return (*path, key)


def _phone(leaves: Mapping[str, str], *, region: str) -> Phone | None:
    for fields in _PHONE_FIELDS:
        for path, value in leaves.items():
            name = path.rpartition(".")[2].lower()
            if name not in fields:
                continue
            digits = sum(character.isdigit() for character in value)
            if name == "imei" and not value.startswith("+") and digits >= 15:
                continue  # a real IMEI names a handset, and can look like a foreign number
            try:
                return Phone.parse(value, region=region)
            except BadInputError:
                continue
    return None
