"""What may be in a reply: product links, photos, assets. Said before anything is stored or sent.

A text is sent from the brand's numbers, so what it leads to is on the brand's hosts: the program
lists them, and no shortener or stranger's page is among them. Files are what Twilio takes.
Source: Twilio, "Accepted content types for media": 10 files; words and files together 5 MB; the
Messages resource: jpeg, png and gif up to 5 MB, other types up to 500 KB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import BadInputError
from .text import MAX_TEXT

if TYPE_CHECKING:
    from .program_line import Line
    from .service_request import Reply

MOST_FILES = 10
MOST_BYTES = 5_000_000  # words and files together
PICTURES = frozenset({"image/jpeg", "image/jpg", "image/png", "image/gif"})
OTHER_BYTES = 500_000
OTHERS = frozenset({
    "image/bmp", "image/tiff", "image/heic", "image/heif", "video/mp4", "video/mpeg",
    "video/quicktime", "video/webm", "video/3gpp", "video/3gpp2", "audio/mp4", "audio/mpeg",
    "audio/ogg", "audio/aac", "audio/3gpp", "audio/amr", "audio/webm", "text/vcard",
    "text/x-vcard", "text/csv", "text/rtf", "text/calendar", "text/directory", "application/pdf",
    "application/vcard", "application/vnd.apple.pkpass",
})  # fmt: skip
_ADDRESS = re.compile(r"https?://([^\s/?#\\]*)", re.IGNORECASE)
_AROUND = ".,;:!?'\")]}>"  # what a sentence puts behind an address


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as its host describes it: content type without parameters, size in bytes."""

    kind: str
    size: int


def check_addresses(reply: Reply, *, line: Line) -> None:
    """Every link and file is on a host that the program lists, and the text is not too long.

    Raises BadInputError: no_content, too_long, too_many_media, bad_address, host_not_listed.
    """
    if not reply.body and not reply.media:
        raise BadInputError("a reply says or shows something", code="no_content")
    if len(reply.body) > MAX_TEXT:
        raise BadInputError("words and links together are longer than 1,600 characters",
                            code="too_long")  # fmt: skip
    if len(reply.media) > MOST_FILES:
        raise BadInputError("a text has ten files at most", code="too_many_media")
    for url in reply.media:
        _check(url, hosts=line.media_hosts)
    hosts = [*line.link_hosts, *line.media_hosts]
    for link in reply.links:
        _check(link.url, hosts=hosts)
    # The words and the titles may hold an address, too: a handset makes a link of it all the same.
    for authority in _ADDRESS.findall(reply.body):
        _must_be_listed(authority.rstrip(_AROUND).lower().partition(":")[0], hosts)


def check_files(files: Iterable[FileSeen], *, words: str, line: Line) -> None:
    """What the hosts say of the files. Raises BadInputError: media_type, media_too_large."""
    total = len(words.encode())
    for seen in files:
        if seen.kind not in PICTURES and seen.kind not in OTHERS:
            raise BadInputError("a file of this type cannot be texted", code="media_type")
        most = MOST_BYTES if seen.kind in PICTURES else OTHER_BYTES
        if seen.size > min(most, line.media_max_bytes):
            raise BadInputError("a file is too large to be texted", code="media_too_large")
        total += seen.size
    if total > MOST_BYTES:
        raise BadInputError("the files together are too large for one text",
                            code="media_too_large")  # fmt: skip


def _check(url: str, *, hosts: Sequence[str]) -> None:
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise BadInputError("not a web address", code="bad_address") from error
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    # Of this machine alone, so that a rig needs no certificates.
    secure = parts.scheme == "https" and parts.netloc.lower() == host
    here = parts.scheme == "http" and host == "127.0.0.1" and port != 0 and "@" not in parts.netloc
    if not plain or not (secure or here) or not host:
        raise BadInputError("an address begins with https:// and names no port and no user",
                            code="bad_address")  # fmt: skip
    _must_be_listed(host, hosts)


def _must_be_listed(host: str, hosts: Sequence[str]) -> None:
    if host and host not in hosts:
        raise BadInputError("the program does not list the host of a link or file",
                            code="host_not_listed")  # fmt: skip
