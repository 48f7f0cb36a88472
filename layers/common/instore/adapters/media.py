"""What the hosts of photos and assets say of a file: its type and size, asked before it is texted.

Twilio fetches the file itself and refuses what is too large or of another type, after the text was
taken; who asks beforehand can tell the associate. Addresses are those of request_content.py: hosts
of the program, no redirect is followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import BadInputError, UnavailableError, VendorError, VendorGarbageError
from ..request_content import MOST_BYTES, FileSeen
from .vendor_http import Limits, Reply, Request, VendorHttp

if TYPE_CHECKING:
    import httpx

ALL_S = 8.0  # for all files of a reply together
_NOT_FOR_HEAD = (403, 404, 405, 501)


class MediaFiles:
    """Asks HEAD; where that does not tell the size, or is not answered as a GET is (an address
    signed for GET alone), GET, and counts."""

    def __init__(self, *, transport: httpx.BaseTransport | None = None) -> None:
        self._http = VendorHttp(transport=transport)
        self.close = self._http.close

    def look(self, addresses: Sequence[str]) -> list[FileSeen]:
        """Type and size of each file. Raises BadInputError: media_not_found, media_too_large,
        media_type; UnavailableError `media_unavailable`: a host does not answer, ask again."""
        until = self._http.monotonic() + ALL_S
        try:
            return [self._one(url, until) for url in addresses]
        except VendorError as error:
            raise UnavailableError("the host of a file does not answer",
                                   code="media_unavailable") from error  # fmt: skip

    def _one(self, url: str, until: float) -> FileSeen:
        told = self._ask("HEAD", url, until)
        size = told.headers.get("content-length", "")
        if told.status in _NOT_FOR_HEAD or not (size.isascii() and size.isdigit()):
            told = self._ask("GET", url, until)
            size = str(len(told.body))
        _must_be_there(told)
        kind = told.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not kind:
            raise BadInputError("a file's host does not say its type", code="media_type")
        return FileSeen(kind, int(size))

    def _ask(self, method: str, url: str, until: float) -> Reply:
        limits = Limits(total=ALL_S, connect=1.0, largest=MOST_BYTES)
        try:
            # As it is, so that the size is the file's own.
            headers = {"accept": "*/*", "accept-encoding": "identity"}
            return self._http.send(Request(method, url, headers), limits=limits, until=until)
        except VendorGarbageError as error:
            raise BadInputError("a file is too large to be texted",
                                code="media_too_large") from error  # fmt: skip


def _must_be_there(told: Reply) -> None:
    """Twilio needs the file itself, without credentials and without being sent elsewhere."""
    try:
        told.must_be_good()
    except VendorError as error:
        if error.retryable:
            raise
        raise BadInputError("a file is not there for everybody to fetch",
                            code="media_not_found") from error  # fmt: skip
