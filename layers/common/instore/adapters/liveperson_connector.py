"""Speaking in a conversation as the customer: LivePerson's Connector API, its Send half.

Two tokens go with each call: the app's, and one that names the consumer on whose behalf it is.
Opening a conversation and saying something in it are two calls; neither has a key by which
LivePerson would know a repeated one again, so who calls has to mind VendorError.processed.

Source: LivePerson developer center, MessagingChannels/ConnectorAPI/SendAPI/{authorization-and-
authentication,conversation,send}.md.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import (
    VendorGarbageError,
    VendorNotAuthorizedError,
    VendorNotReachedError,
    VendorUnavailableError,
)
from ..model import CONVERSATION_ID
from ..thread import LINE_CUSTOMER, Opening
from .liveperson_session import Call
from .vendor_http import Limits, Reply

if TYPE_CHECKING:
    from ..program import Account
    from .liveperson_session import Session

# New connections: a call of unknown outcome is worse than a handshake.
OPENING = Limits(total=8, connect=1, fresh=True)
SAYING = Limits(total=6, connect=1, fresh=True)
NAMING = Limits(total=3)
NAMED_FOR = timedelta(minutes=10)  # how long such a token lives is not documented
_MOST_NAMED = 1000
_NUMBER = re.compile(r"[0-9]{3}\Z")


class Connector:
    """Conversations of the SMS line, from the customer's side.

    Every method raises the VendorError family. `processed` False: LivePerson certainly did nothing;
    None: it may have. VendorError itself is LivePerson's refusal of what was asked (a conversation
    that is closed, say), and the same call would be refused again.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: dict[tuple[str, str], tuple[datetime, str]] = {}

    def open(self, account: Account, *, opening: Opening) -> str:
        """Open a conversation on the bot's skill; returns its id. The profile comes first: the
        order of the two requests is LivePerson's."""
        info = {"ctype": LINE_CUSTOMER, "imei": opening.phone.e164,
                "socialId": opening.line.e164, "accountName": opening.login,
                "companyBranch": opening.store}  # fmt: skip
        sdes = [
            {"type": "ctmrinfo", "info": {name: value for name, value in info.items() if value}},
            {"type": "personal", "personal": {"contacts": [{"phone": opening.phone.e164}]}},
        ]
        request = {"ttrDefName": "NORMAL", "channelType": "MESSAGING", "brandId": account.id,
                   "skillId": opening.skill_id}  # fmt: skip
        answer = self._ask(account, opening.consumer, "conversation", OPENING, [
            _request("1", "userprofile.SetUserProfile", {"authenticatedData": {"lp_sdes": sdes}}),
            _request("2", "cm.ConsumerRequestConversation", request),
        ])  # fmt: skip
        if not isinstance(answer, list):
            raise VendorGarbageError("the new conversation's answer has another shape")
        told = {str(part.get("reqId")): part for part in answer if isinstance(part, dict)}
        body = _body_of(told.get("2"))
        conversation = body.get("conversationId")
        if not isinstance(conversation, str) or not re.fullmatch(CONVERSATION_ID, conversation):
            raise VendorGarbageError("the new conversation's answer names none")
        return conversation

    def say(self, account: Account, *, consumer: str, conversation: str, words: str) -> None:
        """Say something in an open conversation."""
        event = {"type": "ContentEvent", "contentType": "text/plain", "message": words}
        _body_of(self._ask(
            account, consumer, "conversation/send", SAYING,
            _request("1", "ms.PublishEvent", {"dialogId": conversation, "event": event}),
        ))  # fmt: skip

    def _ask(self, account: Account, consumer: str, path: str, limits: Limits, body: Any) -> Any:
        kept = (account.id, consumer) in self._names
        try:
            return self._call(account, consumer, path, limits, body)
        except VendorNotAuthorizedError:
            # 40103: the consumer's token may have ended; Session has renewed the app's.
            if self._names.pop((account.id, consumer), None) is None or not kept:
                raise
            return self._call(account, consumer, path, limits, body)

    def _call(self, account: Account, consumer: str, path: str, limits: Limits, body: Any) -> Any:
        name = self._name(account, consumer)
        call = Call("POST", "asyncMessagingEnt",
                    f"/api/account/{account.id}/messaging/consumer/{path}", "app", limits,
                    {"v": "3"}, body, {"x-lp-on-behalf": name})  # fmt: skip
        return self._session.ask(account, call).json()

    def _name(self, account: Account, consumer: str) -> str:
        """The token that names the consumer, kept for ten minutes."""
        now = self._session.now()
        kept = self._names.get((account.id, consumer))
        if kept is not None and now < kept[0]:
            return kept[1]
        call = Call("POST", "idp", f"/api/account/{account.id}/consumer", "app", NAMING,
                    {"v": "1.0"}, {"ext_consumer_id": consumer})  # fmt: skip
        try:
            answer = self._session.ask(account, call).json()
        except (VendorUnavailableError, VendorGarbageError) as error:
            raise VendorNotReachedError("LivePerson does not name the consumer",
                                        vendor_status=error.vendor_status) from error  # fmt: skip
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token or not token.isascii():
            raise VendorNotReachedError("LivePerson does not name the consumer")
        if len(self._names) >= _MOST_NAMED:
            self._names.clear()
        self._names[account.id, consumer] = (now + NAMED_FOR, token)
        return token


def _request(number: str, kind: str, body: Any) -> dict[str, Any]:
    return {"kind": "req", "id": number, "type": kind, "body": body}


def _body_of(part: Any) -> dict[str, Any]:
    """The body of one answered request, if it says OK. A number says what the same HTTP status would
    (500 within a 200: nobody knows), any other word is a no, and without a code it is no answer."""
    code = part.get("code") if isinstance(part, dict) else None
    if not isinstance(code, str | int) or isinstance(code, bool):
        raise VendorGarbageError("the conversation's answer has another shape")
    if code != "OK":
        Reply(int(code) if _NUMBER.match(str(code)) else 400, {}, b"").must_be_good()
    body = part.get("body")
    return body if isinstance(body, dict) else {}
