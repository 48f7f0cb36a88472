"""Pages of lists: Twilio's older API answers relative `next_page_uri`, the newer one absolute URLs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from ..serving import Answer, Request, answer
from .records import Refused

Item = TypeVar("Item")


def rfc2822(at: datetime | None) -> str | None:
    """Dates of the 2010 API."""
    return format_datetime(at) if at is not None else None


def iso(at: datetime) -> str:
    """Dates of messaging.twilio.com."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _page_of(
    items: Sequence[Item], query: Mapping[str, str], *, key: Callable[[Item], str]
) -> tuple[list[Item], int, int, str | None]:
    """(items, page, size, token of the next page). A page begins after the item its token names."""
    size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
    token = query.get("PageToken", "")
    start = 0
    if token:
        keys = [key(item) for item in items]
        if token[2:] not in keys:
            raise Refused(20001, "PageToken")
        start = keys.index(token[2:]) + 1
    elif page:
        raise Refused(20001, "Page without PageToken")
    found = list(items[start : start + size])
    more = f"PA{key(found[-1])}" if start + size < len(items) else None
    return found, page, size, more


def page_2010(
    request: Request, items: Sequence[Item], *, name: str, query: Mapping[str, str],
    key: Callable[[Item], str], shown: Callable[[Item], dict[str, Any]],
) -> Answer:  # fmt: skip
    """One page of a list of the 2010 API. `key` is the sid that a page token can name."""
    found, page, size, more = _page_of(items, query, key=key)
    path = urlsplit(request.target).path
    own = [(n, v) for n, v in query.items() if n not in ("Page", "PageSize", "PageToken")]

    def uri(number: int, token: str | None = None) -> str:
        told = [*own, ("PageSize", str(size)), ("Page", str(number))]
        return f"{path}?{urlencode(told + ([('PageToken', token)] if token else []))}"

    start = page * size
    return answer(200, {
        name: [shown(item) for item in found], "page": page, "page_size": size, "start": start,
        "end": start + max(0, len(found) - 1), "uri": request.target, "first_page_uri": uri(0),
        "previous_page_uri": uri(page - 1) if page else None,
        "next_page_uri": uri(page + 1, more) if more else None,
    })  # fmt: skip


def page_v1(
    request: Request, items: Sequence[Item], *, name: str, query: Mapping[str, str],
    key: Callable[[Item], str], shown: Callable[[Item], dict[str, Any]],
) -> Answer:  # fmt: skip
    """One page of a list of messaging.twilio.com."""
    found, page, size, more = _page_of(items, query, key=key)

    def url(number: int, token: str | None = None) -> str:
        told = [("PageSize", str(size)), ("Page", str(number))]
        return f"{request.url}?{urlencode(told + ([('PageToken', token)] if token else []))}"

    meta = {"page": page, "page_size": size, "key": name, "url": url(page),
            "first_page_url": url(0), "previous_page_url": url(page - 1) if page else None,
            "next_page_url": url(page + 1, more) if more else None}  # fmt: skip
    return answer(200, {"meta": meta, name: [shown(item) for item in found]})
