"""Twilio, as this project knows it: texts here, telephone numbers in twilio_numbers.py.

One object per process, the line first in every call. Limits and fields are those of Twilio's
Messages resource (https://www.twilio.com/docs/messaging/api/message-resource). Creating a text
cannot be repeated safely and carries no key of ours, save in the address of its callback: whoever
calls `send` writes down beforehand that it will.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ..carrier import Candidate, MessageSeen, Owned, SentText, body_digest
from ..errors import BadInputError, VendorGarbageError
from ..model import Phone, mended
from ..text import MAX_TEXT
from . import twilio_numbers as numbers
from .twilio_session import Call, Session, account_path, checked_sid, code_of, is_sid, ours, text_of
from .vendor_http import VendorHttp

if TYPE_CHECKING:
    import httpx

    from ..program_line import Line
    from .secrets import Secrets

__all__ = ["Candidate", "MessageSeen", "Owned", "SentText", "Twilio"]

MOST_MEDIA = 10
LONGEST_VALIDITY_S = 36_000
PAGE = 1000  # the most entries a page may have
_STATUS = re.compile(r"[a-z][a-z_-]{1,39}\Z")
_COUNT = re.compile(r"[0-9]{1,3}\Z")


class Twilio:
    """The client. `api` is where Twilio is; unlike the default it stands in for all its hosts.
    `most_s` ends every call after so many seconds, where somebody waits for the answer. `transport`
    and `monotonic` are for tests."""

    def __init__(
        self, *, secrets: Secrets, api: str, now: Callable[[], datetime],
        sleep: Callable[[float], None], transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic, most_s: float | None = None,
    ) -> None:  # fmt: skip
        http = VendorHttp(transport=transport, monotonic=monotonic)
        self._session = Session(secrets=secrets, api=api, http=http, now=now, sleep=sleep,
                                most_s=most_s)  # fmt: skip
        self.close = http.close

    def send(
        self, line: Line, *, sender: Phone, to: Phone, body: str, media: Sequence[str] = (),
        service: str | None = None, callback: str, validity_s: int,
    ) -> SentText:  # fmt: skip
        """Text one person, once. Twilio drops what it could not hand on within `validity_s`.

        With a messaging service the sender still goes along: it has to be one of the service's,
        which turns off Twilio's own choice and keeps the thread on this number.

        Errors whose `processed` is False (VendorNotReachedError, VendorThrottledError,
        VendorNotAuthorizedError, TwilioRefusedError) and BadInputError and UnavailableError mean
        that nothing was sent. VendorUnavailableError and VendorGarbageError mean that nobody
        knows: never repeat the call, look for the text with `list`.
        """
        form = [("To", to.e164), ("From", sender.e164)]
        if service is not None:
            form.append(("MessagingServiceSid", checked_sid(service, kind="MG")))
        form += _content(body, media)
        if sender.is_toll_free:
            raise BadInputError("a toll-free number cannot be the sender", code="toll_free")
        if not 1 <= validity_s <= LONGEST_VALIDITY_S:
            raise BadInputError("a text is valid for 1 to 36,000 seconds", code="invalid_validity")
        form += [("StatusCallback", callback), ("ValidityPeriod", str(validity_s))]
        call = Call("POST", account_path(line, "Messages"), form=form)
        return _sent(self._session.ask(line, call).json(), line)

    def fetch(self, line: Line, *, sid: str) -> MessageSeen:
        """How one text stands. Raises TwilioRefusedError with status 404 if there is none."""
        call = Call("GET", account_path(line, "Messages", checked_sid(sid, kind="SM|MM")))
        seen = _seen(self._session.ask(line, call).json(), line)
        if seen.sid != sid:
            raise VendorGarbageError("Twilio tells of another text")
        return seen

    def search(
        self, line: Line, *, country: str, area_code: str | None = None,
        region: str | None = None, near: Phone | None = None, postal_code: str | None = None,
        limit: int = 20,
    ) -> list[Candidate]:  # fmt: skip
        """Local numbers for sale that can text, take pictures and be called; see `find_numbers`."""
        where = numbers.Where(country, area_code, region, near, postal_code)
        return numbers.find_numbers(self._session, line, where=where, limit=limit)

    def buy(self, line: Line, *, number: Phone, tag: str, sms_url: str, voice_url: str) -> Owned:
        """Buy this number under our tag; see `buy_number` for which errors mean "not bought"."""
        return numbers.buy_number(self._session, line, number=number, tag=tag, sms_url=sms_url,
                                  voice_url=voice_url)  # fmt: skip

    def owned(
        self, line: Line, *, tag: str | None = None, number: Phone | None = None
    ) -> list[Owned]:
        """The account's numbers with exactly this tag or number; all of them without either."""
        return numbers.list_owned(self._session, line, tag=tag, number=number)

    def configure(
        self, line: Line, *, sid: str, tag: str | None = None, sms_url: str | None = None,
        voice_url: str | None = None,
    ) -> Owned:  # fmt: skip
        """Change a number's tag or where its texts and calls go; may be repeated."""
        return numbers.configure_number(self._session, line, sid=sid, tag=tag, sms_url=sms_url,
                                        voice_url=voice_url)  # fmt: skip

    def release(self, line: Line, *, sid: str) -> None:
        """Give a number back, for good; may be repeated, one that is gone is no error."""
        numbers.release_number(self._session, line, sid=sid)

    def add_to_service(self, line: Line, *, service: str, sid: str) -> None:
        """Make a number one of a messaging service's senders; may be repeated."""
        numbers.add_sender(self._session, line, service=service, sid=sid)

    def list(self, line: Line, *, to: Phone, sender: Phone, limit: int = 50) -> list[MessageSeen]:
        """The last texts from one number to another, newest first.

        Never filtered by day: the date a text was sent is null while it is queued, and such a
        filter would miss what was just accepted. One entry that cannot be read makes the whole
        answer garbage: from a list with a hole nobody may conclude that a text did not go.
        """
        query = [("To", to.e164), ("From", sender.e164), ("PageSize", str(min(limit, PAGE)))]
        call = Call("GET", account_path(line, "Messages"), query)
        found: list[MessageSeen] = []
        for entry in self._session.pages(line, call, key="messages"):
            seen = _seen(entry, line)
            if seen.to != to or seen.sender not in (sender, None):
                raise VendorGarbageError("Twilio lists texts nobody asked for")
            found.append(seen)
            if len(found) == limit:
                break
        return found


def _content(body: str, media: Sequence[str]) -> Sequence[tuple[str, str]]:
    if len(body) > MAX_TEXT:
        raise BadInputError("a text has 1,600 characters at most", code="too_long")
    if not body.strip() and not media:
        raise BadInputError("a text without words needs a picture", code="no_content")
    if len(media) > MOST_MEDIA:
        raise BadInputError("a text has ten pictures at most", code="too_many_media")
    words = [("Body", mended(body))] if body else []
    return words + [("MediaUrl", url) for url in media]


def _sent(answer: Any, line: Line) -> SentText:
    sid, status, code = _named(answer, line)
    count = answer.get("num_segments")
    if not isinstance(count, str) or not _COUNT.match(count):
        raise VendorGarbageError("Twilio's answer does not say how many segments")
    return SentText(sid, status, int(count), code)


def _seen(answer: Any, line: Line) -> MessageSeen:
    sid, status, code = _named(answer, line)
    body, created = text_of(answer, "body", longest=20_000), answer.get("date_created")
    # Null where there are pictures alone, as Twilio's own description has it.
    if "body" not in answer or not isinstance(created, str):
        raise VendorGarbageError("a text of Twilio's has no words or no date")
    try:
        instant = parsedate_to_datetime(created)  # RFC 2822, GMT
        if instant.tzinfo is None:
            raise ValueError("no zone")
        created_at = instant.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError) as error:
        raise VendorGarbageError("a text of Twilio's has a date that is none") from error
    return MessageSeen(sid, status, code, _phone(answer, "to"), _phone(answer, "from"),
                       body_digest(body or ""), created_at)  # fmt: skip


def _named(answer: Any, line: Line) -> tuple[str, str, int | None]:
    """Id, status and code of a text of this account."""
    answer = ours(answer, line)
    sid, status, code = answer.get("sid"), answer.get("status"), answer.get("error_code")
    if not is_sid(sid, kind="SM|MM") or not isinstance(status, str) or not _STATUS.match(status):
        raise VendorGarbageError("a text of Twilio's has no id or no status")
    if code is not None and code_of(code) is None:
        raise VendorGarbageError("a text of Twilio's has a code that is none")
    return sid, status, code_of(code)


def _phone(answer: dict[str, Any], name: str) -> Phone | None:
    """A telephone number; None for a sender of another kind (short code) or none yet."""
    value = text_of(answer, name, longest=80)
    try:
        return None if value is None else Phone(value)
    except BadInputError:
        return None
