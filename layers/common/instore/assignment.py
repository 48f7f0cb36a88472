"""What LivePerson says about a conversation, as one small value: who has it, and since when.

LivePerson's webhook and a relayed LivePerson function say the same thing in two shapes; both
become `ConversationChange`. Webhooks carry the whole state each time, may come twice and out of
order: "assigned" is a difference, taken in assigning.py. Anything malformed is no information
(I12): it is left out and counted, never guessed at.

Sources: LivePerson developer center, ConnectorAPI/Webhooks/{events,webhooks-examples}.md and
LivePersonFunctions/EventSources/automatic-messages.md; fuller shapes in lp-demo-app-connector-api.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import BadInputError
from .model import ACCOUNT_ID, mended

_STATE = "cqm.ExConversationChangeNotification"
_MESSAGES = "ms.MessagingEventNotification"
# A relayed event that tells who has the conversation; the others list onlookers.
_RELAYED = frozenset({"YOU_ARE_CONNECTED_TO", "BACK_TO_QUEUE"})
_ID = r"[A-Za-z0-9._:-]{1,100}"
_WORDS_MAX = 500  # as much as the ledger keeps
_SAID_MAX = 8000  # of somebody on our side: five texts
# Who speaks to the customer on our side: who has the conversation, and who has joined it.
_OURS = {"ASSIGNED_AGENT": "agent_text", "AGENT": "colleague_text", "MANAGER": "colleague_text"}


class Kind(StrEnum):
    """What a change is about."""

    STATE = "state"
    AGENT_TEXT = "agent_text"
    COLLEAGUE_TEXT = "colleague_text"  # somebody who has joined the conversation
    REVOCATION = "revocation"
    RESTART = "restart"


class Seat(StrEnum):
    """How firmly an agent has a conversation. SUGGESTED is offered, not taken; UNKNOWN is the
    older shape that does not tell, where being listed as assigned counts."""

    ACTIVE = "ACTIVE"
    SUGGESTED = "SUGGESTED"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Agent:
    """A participant with role ASSIGNED_AGENT, human or bot, named by LivePerson's UUID."""

    pid: str
    seat: Seat = Seat.UNKNOWN


@dataclass(frozen=True, slots=True)
class ConversationChange:
    """One piece of news about one conversation. `ts`: LivePerson's own time, ms since 1970.

    `words`: what the customer wrote to end the texts or to have them again, for the ledger; what
    somebody on our side wrote to the customer, for conversations of the SMS line. With them `event`,
    the dialog#number that names the message to the bot as well.
    """

    account: str
    conversation: str
    kind: Kind
    ts: int
    closed: bool = False
    agents: tuple[Agent, ...] = ()
    consumer: str = ""
    words: str = ""
    event: str = ""

    @property
    def assigned(self) -> tuple[str, ...]:
        """PIDs that have the conversation; a suggested agent has not accepted it yet."""
        return tuple(agent.pid for agent in self.agents if agent.seat is not Seat.SUGGESTED)

    @property
    def rank(self) -> int:
        """Which of two changes with the same time is the later: nobody, offered, taken, closed."""
        if self.closed:
            return 3
        return 2 if self.assigned else 1 if self.agents else 0

    def as_message(self) -> dict[str, Any]:
        """The shape in the queue. Of what customers wrote, it has STOP and START only."""
        message: dict[str, Any] = {
            "account": self.account, "conversation": self.conversation, "kind": str(self.kind),
            "ts": self.ts, "state": "CLOSE" if self.closed else "OPEN",
            "agents": [{"pid": agent.pid, "state": str(agent.seat)} for agent in self.agents],
            "consumer": self.consumer,
        }  # fmt: skip
        told = {"words": self.words, "event": self.event}
        return message | {name: text for name, text in told.items() if text}


@dataclass(frozen=True, slots=True)
class Heard:
    """What one delivery contained: changes for us, and how many entries were left out."""

    changes: tuple[ConversationChange, ...]
    ignored: int


def from_message(message: Any) -> ConversationChange:
    """Read a change back from the queue. Raises BadInputError for anything else (poison)."""
    try:
        return ConversationChange(
            account=_matching(ACCOUNT_ID, message["account"]),
            conversation=_matching(_ID, message["conversation"]),
            kind=Kind(message["kind"]), ts=_moment(message["ts"]),
            closed={"OPEN": False, "CLOSE": True}[message["state"]],
            agents=tuple(Agent(_matching(_ID, agent["pid"]), Seat(agent["state"]))
                         for agent in message["agents"]),
            consumer=str(message.get("consumer", "")), words=str(message.get("words", "")),
            event=str(message.get("event", "")),
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInputError("not a conversation change", code="bad_change") from error


def hear_webhook(account: str, document: Any) -> Heard:
    """Changes in a webhook body that LivePerson signed for `account`.

    Unknown types and malformed entries are ignored: refusing them would only make LivePerson
    send them again. An entry for another account (`brandId`) is ignored, too.
    """
    body = document.get("body") if isinstance(document, Mapping) else None
    entries = body.get("changes") if isinstance(body, Mapping) else None
    read = {_STATE: _state_change, _MESSAGES: _message_change}.get(
        str(document.get("type")) if isinstance(document, Mapping) else ""
    )
    if read is None or not isinstance(entries, list):
        return Heard((), 1)
    changes = [_no_guess(read, account, entry) for entry in entries]
    return Heard(tuple(change for change in changes if change), changes.count(None))


def hear_relay(document: Any, *, relayed_ms: int) -> Heard:
    """The change in a participants-change payload relayed by a LivePerson function.

    `document` is `{"account", "payload"}`; `relayed_ms` stands in where LivePerson gives no
    `serverTimestamp`. Raises BadInputError when the envelope, which is ours, is wrong.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("payload"), Mapping):
        raise BadInputError("expected account and payload", code="bad_relay")
    account = document.get("account")
    if not isinstance(account, str) or not re.fullmatch(ACCOUNT_ID, account):
        raise BadInputError("account is not a LivePerson account id", code="bad_relay")

    def read(account: str, payload: Any) -> ConversationChange | None:
        general = payload["general"]
        if general["cbotEventType"] not in _RELAYED:
            return None
        people = payload["participantChange"]["newParticipants"]
        return ConversationChange(
            account, _matching(_ID, general["convId"]), Kind.STATE,
            _moment(general.get("serverTimestamp", relayed_ms)),
            closed=general.get("newConvState") == "CLOSE",
            agents=tuple(Agent(pid) for pid in _with_role(people, "ASSIGNED_AGENT")),
            consumer=next(iter(_with_role(people, "CONSUMER")), ""),
        )  # fmt: skip

    change = _no_guess(read, account, document["payload"])
    return Heard((change,), 0) if change else Heard((), 1)


def _no_guess(read: Any, account: str, entry: Any) -> ConversationChange | None:
    """Read an entry, or None: a missing field, a wrong type, an id that is none."""
    try:
        change: ConversationChange | None = read(account, entry)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return change


def _state_change(account: str, entry: Any) -> ConversationChange | None:
    details = entry["result"]["conversationDetails"]
    if str(details.get("brandId", account)) != account:
        return None
    dialogs = [dialog for dialog in details.get("dialogs") or ()
               if dialog.get("dialogType", "MAIN") == "MAIN"]  # fmt: skip
    times = [
        details["metaDataLastUpdateTs"],
        *(d["metaDataLastUpdateTs"] for d in dialogs if "metaDataLastUpdateTs" in d),
    ]
    people = details["participants"]
    seats = dict.fromkeys(_with_role(people, "ASSIGNED_AGENT"), Seat.UNKNOWN)
    for dialog in dialogs:
        for person in dialog.get("participantsDetails") or ():
            if person["role"] == "ASSIGNED_AGENT":
                seats[_matching(_ID, person["id"])] = _seat(person)
    return ConversationChange(
        account, _matching(_ID, entry["result"]["convId"]), Kind.STATE,
        max(_moment(time) for time in times),
        closed={"OPEN": False, "LOCKED": False, "CLOSE": True}[details["state"]],
        agents=tuple(Agent(pid, seat) for pid, seat in seats.items()),
        consumer=next(iter(_with_role(people, "CONSUMER")), ""),
    )  # fmt: skip


def _seat(person: Mapping[str, Any]) -> Seat:
    """ACTIVE where it says so; where another state is told, the agent has not accepted."""
    if "state" not in person:
        return Seat.UNKNOWN
    return Seat.ACTIVE if person["state"] == "ACTIVE" else Seat.SUGGESTED


def _message_change(account: str, entry: Any) -> ConversationChange | None:
    if entry["event"]["type"] != "ContentEvent":
        return None
    writer = entry["originatorMetadata"]
    # Older deliveries lack conversationId; the main dialog carries the conversation's id.
    conversation = _matching(_ID, entry.get("conversationId") or entry["dialogId"])
    moment = _moment(entry["serverTimestamp"])
    if writer["role"] in _OURS:
        kind, words = Kind(_OURS[writer["role"]]), _aloud(entry)
        if kind is Kind.COLLEAGUE_TEXT and not words:
            return None
        return ConversationChange(account, conversation, kind, moment, words=words,
                                  agents=(Agent(_matching(_ID, writer["id"])),),
                                  event=_event(entry) if words else "")  # fmt: skip
    text = entry["event"].get("message")
    if writer["role"] != "CONSUMER" or not isinstance(text, str):
        return None
    from .revocation import is_revocation, is_sure_restart

    if is_revocation(text):
        kind = Kind.REVOCATION
    elif is_sure_restart(text):
        kind = Kind.RESTART
    else:
        return None
    return ConversationChange(
        account, conversation, kind, moment, consumer=_matching(_ID, writer["id"]),
        words=mended(text.strip()[:_WORDS_MAX]), event=_event(entry),
    )  # fmt: skip


def _aloud(entry: Any) -> str:
    """Words that the customer is to read: not what agents say among themselves."""
    text = entry["event"].get("message")
    if entry.get("messageAudience", "ALL") != "ALL" or not isinstance(text, str):
        return ""
    return mended(text.strip()[:_SAID_MAX])


def _event(entry: Any) -> str:
    number, dialog = entry.get("sequence"), entry.get("dialogId")
    return f"{_matching(_ID, dialog)}#{number}" if dialog and type(number) is int else ""


def _with_role(people: Iterable[Any], role: str) -> list[str]:
    return [_matching(_ID, person["id"]) for person in people if person["role"] == role]


def _matching(pattern: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError("not an id")
    return value


def _moment(value: Any) -> int:
    """Milliseconds since 1970, between 2001 and 2286; seconds or texts are refused."""
    if not isinstance(value, int) or isinstance(value, bool) or not 10**12 <= value < 10**13:
        raise ValueError("not milliseconds")
    return value
