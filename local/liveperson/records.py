"""What the simulator writes down: requests received and made, refusals, texts on handsets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..serving import Answer, answer
from ..simulator import ArrivedText


class Refused(Exception):
    """Our request is wrong; the vendor answers so, and it is recorded."""

    def __init__(self, status: int, reason: str, *, body: Any = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.body = {"code": 0, "message": reason} if body is None else body

    @property
    def answer(self) -> Answer:
        return answer(self.status, self.body)


@dataclass(frozen=True, slots=True)
class Call:
    """A request the simulator received."""

    at: datetime
    method: str
    path: str
    account: str
    status: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request, or a bot's answer, that was wrong."""

    at: datetime
    method: str
    path: str
    account: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A request the simulator made: to a bot or to a webhook. Status 0 = no answer."""

    at: datetime
    kind: str
    method: str
    url: str
    body: Any
    status: int
    answer: Any
    seconds: float


@dataclass(frozen=True, slots=True)
class HandsetText(ArrivedText):
    """`kind`: campaign, agent, bot or carrier."""

    campaign: str = ""
    conversation: str = ""
