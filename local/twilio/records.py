"""What the simulator writes down: requests received and made, refusals, alerts, texts on handsets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..serving import Answer, answer
from ..simulator import ArrivedText
from .codes import CODES

MORE_INFO = "https://www.twilio.com/docs/errors/"


class Refused(Exception):
    """Our request is wrong; Twilio answers so, and it is recorded."""

    def __init__(self, code: int, detail: str = "", *, status: int | None = None) -> None:
        usual, message = CODES[code]
        super().__init__(message)
        self.code = code
        self.status = usual if status is None else status
        self.message = f"{message}: {detail}" if detail else message

    @property
    def answer(self) -> Answer:
        return error_answer(self.status, self.code, self.message)


def error_answer(status: int, code: int, message: str) -> Answer:
    """Twilio's error body."""
    return answer(status, {"code": code, "message": message, "more_info": f"{MORE_INFO}{code}",
                           "status": status})  # fmt: skip


def spoilt(status: int) -> Answer:
    """The answer of an injected fault, as Twilio would word it."""
    code = {401: 20003, 404: 20404, 429: 20429, 503: 20503}.get(status, 20500)
    return error_answer(status, code, CODES[code][1])


@dataclass(frozen=True, slots=True)
class Received:
    """A request the simulator received."""

    at: datetime
    method: str
    path: str
    operation: str
    status: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request of ours that was wrong."""

    at: datetime
    method: str
    path: str
    status: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A webhook the simulator sent. `kind`: sms, status, voice, call_status. Status 0 = no answer."""

    at: datetime
    kind: str
    method: str
    url: str
    fields: dict[str, str]
    signature: str
    status: int
    answer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Alert:
    """A line of the debugger: a webhook that failed, or TwiML that cannot be carried out."""

    at: datetime
    code: int
    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class HandsetText(ArrivedText):
    """`kind`: api, twiml, or carrier (Twilio's own words)."""

    sid: str = ""
    media: tuple[str, ...] = ()
