"""api.twilio.com and messaging.twilio.com on one loopback port. Everything received is recorded."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ..serving import Answer, Request
from . import messages, numbers, services
from .asking import Ask
from .records import Received, Refused
from .rules import checked, operations, path_pattern
from .state import Account
from .world import World

Route = Callable[[World, Ask], Answer]
ROUTES: dict[str, Route] = {
    "CreateMessage": messages.create, "ListMessage": messages.listing,
    "FetchMessage": messages.fetch, "UpdateMessage": messages.update,
    "DeleteMessage": messages.delete, "ListMedia": messages.media_listing,
    "FetchMedia": messages.media, "DeleteMedia": messages.delete_media,
    "ListAvailablePhoneNumberLocal": numbers.search, "CreateIncomingPhoneNumber": numbers.buy,
    "ListIncomingPhoneNumber": numbers.listing, "FetchIncomingPhoneNumber": numbers.fetch,
    "UpdateIncomingPhoneNumber": numbers.update, "DeleteIncomingPhoneNumber": numbers.release,
    "CreateService": services.create, "ListService": services.listing,
    "FetchService": services.fetch, "UpdateService": services.update,
    "DeleteService": services.delete, "CreatePhoneNumber": services.join,
    "ListPhoneNumber": services.members, "FetchPhoneNumber": services.member,
    "DeletePhoneNumber": services.leave,
}  # fmt: skip
_PATHS = [(name, operations()[name]["method"], path_pattern(operations()[name])) for name in ROUTES]
# Test credentials may do these, and nothing else.
_TESTABLE = frozenset({"CreateMessage", "CreateIncomingPhoneNumber"})


class Front:
    """The door of the simulator: finds the operation, checks the caller, keeps the logs."""

    def __init__(self, world: World, received: list[Received]) -> None:
        self._world = world
        self._received = received

    def handle(self, request: Request) -> Answer:
        with self._world.lock:
            name = ""
            try:
                name, place, bare = self._route(request)
                account = self._caller(request, place.pop("AccountSid", None), name)
                query, form = checked(name, request, place, options=self._world.options)
                reply = ROUTES[name](self._world, Ask(request, account, query, form, place, bare))
                if bare and request.path.startswith("/2010") and name != "FetchMedia":
                    reply = _as_xml(reply)
            except Refused as refused:
                self._world.refuse(request, refused)
                reply = refused.answer
            self._received.append(Received(self._world.now(), request.method, request.path, name,
                                           reply.status))  # fmt: skip
            return reply

    def _route(self, request: Request) -> tuple[str, dict[str, str], bool]:
        known = False
        for name, method, path in _PATHS:
            match = path.fullmatch(request.path)
            if match is None:
                continue
            known = True
            if request.method == method:
                place = match.groupdict()
                return name, place, place.pop("suffix", "") is None
        raise Refused(20004 if known else 20404, request.path)

    def _caller(self, request: Request, named: str | None, operation: str) -> Account:
        """Basic auth by account and token, or by API key; the account of the path is the caller's."""
        if (
            operation == "FetchMedia"
            and named in self._world.accounts
            and not self._world.options.media_needs_auth
        ):
            return self._world.accounts[named]
        user, _, secret = _basic(request.headers.get("authorization", ""))
        account = next((one for one in self._world.accounts.values()
                        if (user, secret) == (one.sid, one.auth_token)
                        or one.api_keys.get(user) == secret), None)  # fmt: skip
        if account is None or account.suspended:
            raise Refused(20003)
        if named is not None and named != account.sid:
            raise Refused(self._world.options.foreign_account_code, named)
        if account.test and operation not in _TESTABLE:
            raise Refused(20008, operation)
        return account


def _basic(header: str) -> tuple[str, str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", "", ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", "", ""


def _as_xml(reply: Answer) -> Answer:
    """The 2010 API answers XML unless the path ends in .json."""
    body = f"<TwilioResponse>{_xml(json.loads(reply.body or b'{}'))}</TwilioResponse>"
    return Answer(reply.status, f'<?xml version="1.0"?>{body}'.encode(),
                  {"content-type": "application/xml"})  # fmt: skip


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml(one)}</{name}>" for name, one in value.items())
    if isinstance(value, list):
        return "".join(f"<Item>{_xml(one)}</Item>" for one in value)
    return "" if value is None else escape(str(value))
