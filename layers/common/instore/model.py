"""The small values everything else is made of: phone numbers, ids, keys.

No value here reads a clock, a setting or a network. Phone numbers mask themselves wherever
they are printed, so a log line cannot leak one by accident.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from .errors import BadInputError

# Toll-free prefixes of the North American plan, 844-888 and the reserved rest (47 CFR 52.101).
_TOLL_FREE = frozenset({"800", "822", "833", "844", "855", "866", "877", "880", "881", "882",
                        "883", "884", "885", "886", "887", "888", "889"})  # fmt: skip
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SHARDS = 10  # what is looked up by time is spread over these; who looks asks all of them


@dataclass(frozen=True, slots=True, repr=False)
class Phone:
    """A telephone number in E.164 (`+12125550100`), validated once at the edge.

    Why a type: a number that is a `Phone` has been parsed; one that is a `str` has not.
    `str(phone)` and `repr(phone)` show the country and the last two digits only;
    the number itself is `phone.e164`, so every place that uses it can be searched for.
    """

    e164: str

    def __post_init__(self) -> None:
        if not _E164.match(self.e164):
            raise BadInputError("not a telephone number in E.164", code="invalid_number")

    @classmethod
    def parse(cls, text: str, *, region: str = "US") -> Phone:
        """Read a number as people write it: `+1(212) 555-0100`, `2125550100`, `12125550100`.

        `region` is the country assumed when no country code is written (ISO 3166, two letters).
        Raises BadInputError `invalid_number`. Parsing is left to Google's phonenumbers, which
        also knows which national numbers can exist; 555-01xx demo numbers are accepted.
        """
        import phonenumbers

        if not isinstance(text, str) or not text.strip() or len(text) > 40:
            raise BadInputError("not a telephone number", code="invalid_number")
        stripped = text.strip()
        # LivePerson writes numbers as digits without the plus: 12125550100.
        bare = stripped.isascii() and stripped.isdigit()
        if bare and ((len(stripped) == 11 and stripped[0] == "1") or len(stripped) > 11):
            stripped = "+" + stripped
        try:
            number = phonenumbers.parse(stripped, region)
        except phonenumbers.NumberParseException as error:
            raise BadInputError("not a telephone number", code="invalid_number") from error
        if number.extension or not phonenumbers.is_possible_number(number):
            raise BadInputError("not a telephone number", code="invalid_number")
        if number.country_code == 1 and not phonenumbers.is_valid_number(number):
            raise BadInputError("not a number of the North American plan", code="invalid_number")
        return cls(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    @property
    def digits(self) -> str:
        """Digits without the plus: the form LivePerson campaigns take."""
        return self.e164[1:]

    @property
    def is_north_american(self) -> bool:
        return self.e164.startswith("+1") and len(self.e164) == 12

    @property
    def area_code(self) -> str | None:
        """`212` of `+12125550100`; None outside the North American plan."""
        return self.e164[2:5] if self.is_north_american else None

    @property
    def is_toll_free(self) -> bool:
        """True for 800, 888, 877 … : nobody's handset, and a sender that breaks the thread."""
        return self.area_code in _TOLL_FREE

    @property
    def masked(self) -> str:
        return f"{self.e164[:2]}…{self.e164[-2:]}"

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Phone({self.masked})"


_EMAIL = re.compile(r"[^\x00-\x20\x7f\s@<>\"(),:;\\\[\]]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z")


@dataclass(frozen=True, slots=True, repr=False)
class Email:
    """An e-mail address, masked wherever it is printed, as Phone is. `address` is the address."""

    address: str

    def __post_init__(self) -> None:
        if len(self.address) > 254 or not _EMAIL.match(self.address):
            raise BadInputError("not an e-mail address", code="invalid_email")

    @property
    def folded(self) -> str:
        """The one form under which addresses are compared: people type theirs in any case."""
        return self.address.lower()

    @property
    def masked(self) -> str:
        return f"{self.address[0]}…@{self.address.rpartition('@')[2]}"

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Email({self.masked})"


def customer_id(phone: Phone, *, key: bytes) -> str:
    """Name a customer without naming the number: HMAC-SHA256 under the stack's own key, hex.

    Keyed, because ten billion numbers can be hashed in an afternoon; a stolen table without
    the key gives no numbers away. Shape: 40 hex characters.
    """
    return hmac.new(key, phone.e164.encode(), hashlib.sha256).hexdigest()[:40]


def base36(number: int) -> str:
    """Write an employee number the short way associates print on cards: 123456 -> 2N9C."""
    if number < 0:
        raise BadInputError("employee numbers are not negative", code="invalid_employee_id")
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _BASE36[rest] + digits
        if number == 0:
            return digits


# People type O for 0 and I or L for 1; a card is read aloud in a shop. Both sides are folded.
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_WORD = re.compile(r"[0-9A-Za-z]{2,40}\Z")

# What a whole value looks like: for `re.fullmatch`, and between ^ and $ for pydantic.
ACCOUNT_ID = r"[a-z0-9]{3,20}"
CONVERSATION_ID = r"[A-Za-z0-9._:-]{1,128}"
POSTAL_CODE = r"[0-9A-Za-z][0-9A-Za-z -]{1,9}"


def typed_word(text: str) -> str | None:
    """A keyword as typed, in upper case, without outer spaces and punctuation; None if it is
    not 2-40 letters and digits. Base36 ids are looked up so: they tell O from 0."""
    word = text.strip().strip(".!?,;:'\"()#").strip()
    return word.upper() if _WORD.match(word) else None


def fold_word(text: str) -> str | None:
    """Bring a keyword to the one form under which it is reserved and looked up, or None.

    Case and look-alikes (O/0, I/L/1) are folded; anything but 2-40 letters and digits after
    outer spaces and punctuation are dropped is not a keyword.
    """
    word = typed_word(text)
    return None if word is None else word.translate(_LOOK_ALIKES)


def fold_login(login: str) -> str:
    """Bring a login name to the one form under which logins are compared: people type their
    address in any case. Only plain ASCII is folded: `lower()` makes a k of the Kelvin sign, and
    somebody with a look-alike login would be taken for another associate."""
    stripped = login.strip()
    return stripped.lower() if stripped.isascii() else stripped


class Stickiness(StrEnum):
    """How hard a program holds on to the wanted associate (C9)."""

    STRICT = "strict"
    STORE = "store"
    OFFER_CHOICE = "offer_choice"


class Channel(StrEnum):
    """Where a conversation runs. SMS is the product; web is where members sign in."""

    SMS = "sms"
    WEB = "web"


def mended(text: str) -> str:
    """The text with U+FFFD for each half of a cut emoji (a lone surrogate), which nothing can
    store; the two halves of a whole one are joined."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def iso(instant: datetime) -> str:
    """An instant as it is stored and shown: UTC, milliseconds, Z. Refuses naive datetimes."""
    if instant.tzinfo is None:
        raise ValueError("naive datetime")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe_iso(instant: datetime | None) -> str | None:
    """`iso` of an instant that may be absent."""
    return None if instant is None else iso(instant)


def as_stored(instant: datetime) -> datetime:
    """The instant as exact as `iso` keeps it: UTC, whole milliseconds."""
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


def from_iso(text: str) -> datetime:
    """Inverse of `iso`."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("naive datetime")
    return instant.astimezone(UTC)


def epoch(instant: datetime) -> int:
    """Whole seconds since 1970: the unit of `expires_at` and of every lease in the table."""
    return int(instant.timestamp())


def from_epoch(seconds: int) -> datetime:
    """Inverse of `epoch`, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970: LivePerson's unit of time."""
    return int(instant.timestamp() * 1000)


def from_epoch_ms(milliseconds: float) -> datetime:
    """Inverse of `epoch_ms`, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def fingerprint(value: Any) -> str:
    """A short, stable digest of a JSON-shaped value: equal values, equal text."""
    import json

    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def shard_of(name: str) -> int:
    """Which of the SHARDS this name is in: always the same one."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % SHARDS


def due_shard(name: str, *, line: str = "DUE") -> str:
    """Spread due work over shards so that one busy minute is not one hot key. Texts that wait for
    their turn stand in a line of their own, `SEND`, so that nothing else waits behind them."""
    return f"{line}#{shard_of(name)}"
