"""X-Twilio-Signature, and what the fragment of a webhook's URL says of time-outs and repeats.

Source: docs/usage/security and docs/usage/webhooks/webhooks-connection-overrides.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit


def signature(url: str, fields: Mapping[str, str], *, token: str) -> str:
    """base64(HMAC-SHA1(token, url + names and values sorted by name, nothing between))."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def signed_url(url: str, *, voice: bool) -> str:
    """The URL as it is signed: no fragment, no user; voice over HTTPS drops the port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if voice and parts.scheme == "https":
        host = host.partition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


@dataclass(frozen=True, slots=True)
class Overrides:
    """How often a webhook is repeated after which failures, and its time-outs in seconds."""

    repeats: int
    after: frozenset[str]  # ct, rt, 4xx, 5xx
    connect_s: float
    read_s: float


def overrides(url: str, *, connect_s: float, read_s: float) -> Overrides:
    """`#rc=2&rp=all&ct=2000&rt=5000`: by default one repeat, after a failed connection only."""
    told = dict(parse_qsl(urlsplit(url).fragment))
    after = frozenset(told.get("rp", "ct").split(","))
    if "all" in after:
        after = frozenset({"ct", "rt", "4xx", "5xx"})
    return Overrides(
        min(5, int(told.get("rc", "1"))), after,
        float(told.get("ct", connect_s * 1000)) / 1000, float(told.get("rt", read_s * 1000)) / 1000,
    )  # fmt: skip
