"""How every call to Twilio goes: address, form, credentials, patience, refusals.

| what happened | error | done? |
|---|---|---|
| 429, also after the last of five tries | VendorThrottledError | no |
| 401, 403, also with the secret read anew | VendorNotAuthorizedError | no |
| other 4xx | TwilioRefusedError with Twilio's code and its effect | no |
| anything else | as in vendor_http.py | see there |

Nothing but a 429 is tried again: Twilio documents that it did not process it, and that a text
repeated after a 500 may arrive twice (https://www.twilio.com/docs/api/errors/20429 and 20500).
There is no idempotency key.
"""

from __future__ import annotations

import random
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from ..carrier_codes import effect_of, may_repeat
from ..errors import (
    BadInputError,
    TwilioRefusedError,
    UnavailableError,
    VendorGarbageError,
)
from .vendor_http import Limits, Reply, Request, VendorHttp, segment

if TYPE_CHECKING:
    from ..program_line import Line
    from .secrets import Secrets

API = "https://api.twilio.com"
MESSAGING = "https://messaging.twilio.com"

# A new connection for what may not be repeated: on a kept one that went stale while the process
# was frozen, it would be lost without anybody knowing how far it came.
DOING = Limits(total=10, connect=1.5, fresh=True)
ASKING = Limits(total=10, connect=1.5, largest=5_000_000)
TRIES = 5
FIRST_WAIT = 0.1  # seconds; doubles, and is up to a tenth longer or shorter
LONGEST_LIST_S = 60.0  # for all pages of a list together
REFUSED_KEPT = timedelta(seconds=60)  # a secret read anew in vain is not read anew so soon

Form = Sequence[tuple[str, str]]
_CODE = re.compile(r"[1-9][0-9]{4,5}\Z")


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask. `path` begins with a slash and is escaped; `host` is one of the two above."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: Form = ()
    form: Form = ()
    host: str = API


class Session:
    """Credentials and the one function every call to Twilio goes through."""

    def __init__(
        self, *, secrets: Secrets, api: str, http: VendorHttp, now: Callable[[], datetime],
        sleep: Callable[[float], None], most_s: float | None = None,
    ) -> None:  # fmt: skip
        self._most_s = most_s
        self._secrets, self._http, self._now, self._sleep = secrets, http, now, sleep
        self._api = api.rstrip("/") or API
        self._refused: dict[str, datetime] = {}

    def ask(self, line: Line, call: Call, *, until: float | None = None) -> Reply:
        """Send the call; the answer is 2xx, anything else is an error (table above).

        Raises UnavailableError when the line's secret cannot be read: nothing was done.
        """
        limits = ASKING if call.method == "GET" else DOING
        total = limits.total if self._most_s is None else min(limits.total, self._most_s)
        end = self._http.monotonic() + total
        until = end if until is None else min(end, until)
        request = self._request(line, call)
        reply = self._patiently(request, limits=limits, until=until)
        if reply.status in (401, 403) and self._may_renew(line):
            # The token may have been rotated since we read it.
            self._refused[line.secret] = self._now()
            self._secrets.forget(line.secret)
            renewed = self._request(line, call)
            if renewed != request:
                reply = self._patiently(renewed, limits=limits, until=until)
        return _accepted(reply)

    def pages(self, line: Line, call: Call, *, key: str) -> Iterator[Any]:
        """The entries of a list, page after page. Addresses of next pages are Twilio's words: one
        that leads out of the account's own part of the API is garbage."""
        followed = {call.path}
        until = self._http.monotonic() + LONGEST_LIST_S
        while True:
            answer = self.ask(line, call, until=until).json()
            entries = answer.get(key) if isinstance(answer, dict) else None
            if not isinstance(entries, list):
                raise VendorGarbageError("Twilio's list has another shape")
            yield from entries
            following = answer.get("next_page_uri")
            if following is None or following == "":
                return
            home = call.path.split("?", 1)[0]
            if (
                not isinstance(following, str) or not following.startswith(f"{home}?")
                or not following.isascii() or not following.isprintable() or following in followed
            ):  # fmt: skip
                raise VendorGarbageError("Twilio's next page is none of this list")
            followed.add(following)
            call = Call("GET", following)

    def _may_renew(self, line: Line) -> bool:
        refused = self._refused.get(line.secret)
        return refused is None or self._now() - refused >= REFUSED_KEPT

    def _patiently(self, request: Request, *, limits: Limits, until: float) -> Reply:
        """Send, and again after a 429 as long as the call's time allows."""
        for attempt in range(1, TRIES + 1):
            reply = self._http.send(request, limits=limits, until=until)
            if reply.status != 429 or attempt == TRIES:
                break
            wait = FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.9, 1.1)
            if self._http.monotonic() + wait >= until:
                break
            self._sleep(wait)
        return reply

    def _request(self, line: Line, call: Call) -> Request:
        host = call.host if self._api == API else self._api
        url = f"{host}{call.path}"
        if call.query:
            url = f"{url}?{urlencode(call.query)}"
        headers = {"accept": "application/json", "authorization": self._proof(line)}
        body = b""
        if call.method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(call.form).encode()
        return Request(call.method, url, headers, body)

    def _proof(self, line: Line) -> str:
        """Basic credentials: an API key if the secret has one, else account and auth token."""
        keys = self._secrets.account(line.secret)
        pair = keys.get("api_key_sid"), keys.get("api_key_secret")
        if not all(pair):
            pair = line.account_sid, keys.get("auth_token")
        user, word = pair
        if not isinstance(user, str) or not isinstance(word, str) or not user or not word:
            raise UnavailableError("the line's secret has no credentials",
                                   code="secret_unavailable")  # fmt: skip
        return f"Basic {b64encode(f'{user}:{word}'.encode()).decode()}"


def account_path(line: Line, *rest: str) -> str:
    """`/2010-04-01/Accounts/{sid}/…`, each part escaped. Without `.json` the API answers XML."""
    return "/".join(["/2010-04-01/Accounts", line.account_sid, *map(segment, rest)]) + ".json"


def checked_sid(sid: str, *, kind: str) -> str:
    """An id of Twilio's as it goes into an address: `PN` and 32 hex digits. Raises BadInputError."""
    if not is_sid(sid, kind=kind):
        raise BadInputError("not an id of Twilio's", code="invalid_id")
    return sid


def is_sid(value: Any, *, kind: str) -> bool:
    return (
        isinstance(value, str) and re.fullmatch(rf"(?:{kind})[0-9a-fA-F]{{32}}", value) is not None
    )


def code_of(value: Any) -> int | None:
    """Twilio's code as a number: written as one on answers, as digits on callbacks. Else None."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if _CODE.match(str(value)) else None


def text_of(answer: Mapping[str, Any], name: str, *, longest: int = 4000) -> str | None:
    """A field that is text, or is absent or null (None). Raises VendorGarbageError."""
    value = answer.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > longest):
        raise VendorGarbageError("a field of Twilio's answer is no text")
    return value


def ours(answer: Any, line: Line) -> dict[str, Any]:
    """The answer, if it is an object about something of this account. Raises VendorGarbageError."""
    if not isinstance(answer, dict) or answer.get("account_sid") != line.account_sid:
        raise VendorGarbageError("Twilio's answer is about something else")
    return answer


def _accepted(reply: Reply) -> Reply:
    if not 400 <= reply.status < 500 or reply.status in (401, 403, 408, 429):
        if reply.status == 304:  # nothing we ask is conditional
            raise VendorGarbageError("Twilio answers unchanged", vendor_status=304)
        return reply.must_be_good()
    try:
        answer = reply.json()
    except VendorGarbageError:
        answer = None  # refused all the same: the status says so
    code = code_of(answer.get("code")) if isinstance(answer, dict) else None
    raise TwilioRefusedError(code=code, effect=effect_of(code), retryable=may_repeat(code),
                             vendor_status=reply.status)  # fmt: skip
