"""What a field of the program wants, in words, where the rule itself is a pattern.

A test compares the patterns with those of the program's schema: none is without words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PATTERNS = {
    "^[a-z0-9]{3,20}$": "not an account id: 3-20 lower-case letters and digits",
    "^[a-z0-9][a-z0-9/_-]{0,80}$":
        "not a name: a lower-case letter or a digit, then up to 80 of them, also / _ and -",
    "^[a-z]{2}(-[A-Z]{2})?$": "not a language: write en, or en-CA",
    "^[A-Za-z0-9-]{1,36}$": "not a bot user: 1-36 letters, digits and -",
    "^[A-Za-z0-9_]{1,60}$": "not a namespace: 1-60 letters, digits and _",
    "^[A-Z]{3}$": "not a currency: three capital letters, such as USD",
    "^[0-9]$": "not a digit of the telephone: one of 0-9, in quotes",
    "^https://": "not an address: it begins with https://",
    r"^(https://|http://127\.0\.0\.1[:/]).+[^/]$":
        "not an address: it begins with https:// and ends without a slash",
    r"^((https://|http://127\.0\.0\.1[:/]).+|\+[1-9][0-9]{6,14})$":
        "neither an address (https://...) nor a phone number in E.164, such as +12125550123",
    r"^[a-z0-9-]+(\.[a-z0-9-]+)+$":
        "not a host: its name in lower case alone, such as media.example.com",
    "^AC[0-9a-f]{32}$": "not a Twilio account: AC and 32 of 0-9 a-f, from the Twilio console",
    "^MG[0-9a-fA-F]{32}$": "not a messaging service: MG and 32 of 0-9 a-f, from the Twilio console",
}  # fmt: skip


def in_words(item: Mapping[str, Any]) -> str:
    """What is wrong, from one of pydantic's errors."""
    if item["type"] == "string_pattern_mismatch":
        pattern = item["ctx"]["pattern"]
        if pattern in PATTERNS:
            return PATTERNS[pattern]
    return str(item["msg"]).removeprefix("Value error, ")
