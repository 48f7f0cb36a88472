"""What LivePerson sends our bot and what it takes as an answer (Custom Endpoint contract).

Source: LivePerson developer center, ConversationalAI/Third-PartyBots/CustomEndpoint, and its
reference service. Unknown fields and event types are accepted: the vendor adds them unasked.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from .errors import BadInputError

Text = Field(None, max_length=20_000)
AGENTS = "AGENTS_AND_MANAGERS"  # a message's audience: the customer does not see it


class _Said(BaseModel):
    """Open to fields we do not know, strict about those we do. Names: theirs in camelCase."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


_Call = TypeVar("_Call", bound=_Said)


def _at_most(length: int) -> BeforeValidator:
    """Cut off what is longer: a browser with a long name must not cost a customer their answer."""
    return BeforeValidator(lambda value: value[:length] if isinstance(value, str) else value)


def _moment(value: Any) -> int | None:
    """Milliseconds since 1970; anything else tells nothing and must not cost the answer."""
    return value if type(value) is int and 10**12 <= value < 10**13 else None


class Visitor(_Said):
    """`consumerId` is LivePerson's opaque name of the customer, never a telephone number."""

    consumer_id: Annotated[str | None, _at_most(256)] = None
    language: Annotated[str | None, _at_most(40)] = None
    browser: Annotated[str | None, _at_most(1000)] = None


class CreateContext(_Said):
    """`skillId` is text in the documents and a number in LivePerson's own code."""

    skill_id: str | int | None = None
    visitor: Visitor | None = None


class Sdes(_Said):
    """Engagement attributes; their inner shape is not documented (see identifying.py)."""

    authenticated_sdes: dict[str, Any] | list[Any] | None = None
    unauthenticated_sdes: dict[str, Any] | list[Any] | None = None


class CreateCall(_Said):
    """Body of PUT …/conversations/{id}; `sdes` only where the bot's settings ask for them."""

    sdes: Sdes | None = None
    context: CreateContext | None = None


class EventData(_Said):
    """What the customer typed, for TEXT."""

    message: str | None = Text


class ContentEvent(_Said):
    """The platform's own form of a message."""

    message: str | dict[str, Any] | None = None


class LastMessage(_Said):
    """`lastConsumerMessage` of a START event: text, or an event with it."""

    message: str | None = Text
    event: ContentEvent | None = None


class LpEvent(_Said):
    """`sequence` counts the events of the dialog `dialogId`; both together name a duplicate."""

    sequence: int | None = Field(None, ge=0)
    dialog_id: Annotated[str | None, _at_most(128)] = None
    last_consumer_message: str | LastMessage | None = None
    server_timestamp: Annotated[int | None, BeforeValidator(_moment)] = None


class EventContext(_Said):
    """The platform event behind the call."""

    lp_event: LpEvent | None = None


class EventCall(_Said):
    """Body of POST …/events. `source` CONVERSATION = the platform itself, not a person."""

    type: str = Field(min_length=1, max_length=60)
    source: str = Field("CONSUMER", max_length=60)
    data: EventData | None = None
    context: EventContext | None = None

    @property
    def sequence(self) -> int | None:
        """Number of the event in its dialog. A START repeats the number of another event, so it
        has none of its own."""
        event = self._event
        return None if event is None or self.type == "START" else event.sequence

    @property
    def dialog(self) -> str | None:
        """The dialog in which `sequence` counts; a later dialog begins its numbers anew."""
        event = self._event
        return event.dialog_id if event else None

    @property
    def said_ms(self) -> int | None:
        """When LivePerson took the customer's words, ms since 1970, if it told."""
        event = self._event
        return event.server_timestamp if event else None

    @property
    def _event(self) -> LpEvent | None:
        return self.context.lp_event if self.context else None

    @property
    def text(self) -> str:
        """What the customer wrote, or nothing: rich content and files are no words."""
        if self.type == "TEXT":
            return (self.data.message or "") if self.data else ""
        event = self._event
        if self.type != "START" or event is None:
            return ""
        last = event.last_consumer_message
        if isinstance(last, LastMessage):
            inner = last.event.message if last.event else None
            return last.message or (inner if isinstance(inner, str) else "")
        return last or ""

    @property
    def kind(self) -> Literal["message", "close", "other"]:
        """message = a customer waits for an answer; other = nothing for us to decide."""
        if self.type == "CLOSE_CONVERSATION":
            return "close"
        if self.type in ("TEXT", "RICH_CONTENT", "START") or self.source == "CONSUMER":
            return "message"
        return "other"


def read_create(body: Any) -> CreateCall:
    """Raises BadInputError that names the first wrong field."""
    return _read(CreateCall, body)


def read_event(body: Any) -> EventCall:
    """Raises BadInputError that names the first wrong field."""
    return _read(EventCall, body)


def _read(model: type[_Call], body: Any) -> _Call:
    try:
        return model.model_validate(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadInputError(f"{where}: {first['msg']}", code="wrong_field") from error


def reply(
    sentence: str, *, intent: str, skill: str | None = None, agent_id: str | None = None,
    close: bool = False, private: bool = False, note: str | None = None,
) -> str:  # fmt: skip
    """An answer as JSON text: one sentence and at most one action; `note` is for the agents only.

    Never empty: LivePerson escalates an answer without message and action as an error. A transfer
    names the skill with the agent; the documents require both.
    """
    said = {"message": sentence}
    if private:
        said["messageAudience"] = AGENTS
    parts: list[dict[str, Any]] = [{"type": "TEXT", "data": said}]
    if note is not None:
        parts.append({"type": "TEXT", "data": {"message": note, "messageAudience": AGENTS}})
    if skill is not None:
        parameters = {"skillName": skill} | ({"agentId": agent_id} if agent_id else {})
        parts.append({"type": "ACTION", "data": {"name": "TRANSFER", "parameters": parameters}})
    elif close:
        parts.append({"type": "ACTION", "data": {"name": "CLOSE_CONVERSATION", "parameters": {}}})
    intents = [{"id": intent.replace("_", "-"), "description": "In-store messaging",
                "confidenceScore": 1}]  # fmt: skip
    return json.dumps({"response": parts, "analytics": {"intents": intents}},
                      ensure_ascii=False, separators=(",", ":"))  # fmt: skip
