"""LivePerson's Custom Endpoint contract: what it sends is read, what it takes is sent.

Shapes from LivePerson's developer center (Third-PartyBots, Custom Endpoint) and its reference
service, with values of our own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from functions.routing_bot.app import handler
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel
from tests.bot_rig import CONTEXT, BotRig, told

from instore.adapters.table import Table
from instore.bot_messages import read_create, read_event, reply
from instore.errors import BadInputError
from instore.runtime.services import using

EVENTS = Path(__file__).parents[2] / "events"


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class TextData(Closed):
    message: Annotated[str, Field(min_length=1)]
    message_audience: Literal["ALL", "AGENTS_AND_MANAGERS"] = "ALL"


class TextPart(Closed):
    type: Literal["TEXT"]
    data: TextData


class Transfer(Closed):
    skill_name: Annotated[str, Field(min_length=1)]
    agent_id: Annotated[str, Field(pattern=r"^\d+$")] | None = None


class TransferAction(Closed):
    name: Literal["TRANSFER"]
    parameters: Transfer


class CloseAction(Closed):
    name: Literal["CLOSE_CONVERSATION"]
    parameters: dict[str, bool]


class ActionPart(Closed):
    type: Literal["ACTION"]
    data: TransferAction | CloseAction


class Intent(Closed):
    id: Annotated[str, Field(pattern=r"^\S{1,256}$")]
    description: str
    confidence_score: Annotated[float, Field(ge=0, le=1)] | int


class Analytics(Closed):
    intents: list[Intent]


class Answer(Closed):
    """Both keys are required; empty `response` is an error at LivePerson; one action at most."""

    response: Annotated[list[TextPart | ActionPart], Field(min_length=1)]
    analytics: Analytics


def checked(body: Any) -> Answer:
    answer = TypeAdapter(Answer).validate_python(body)
    assert sum(isinstance(part, ActionPart) for part in answer.response) <= 1
    return answer


CREATE = {
    "sdes": {"authenticatedSdes": {}, "unauthenticatedSdes": {}},
    "context": {
        "skillId": "3412896512", "campaignId": 612887546, "engagementId": 612898765,
        "type": "MESSAGING",
        "visitor": {"sharkVisitorId": "Kx1", "sharkSessionId": "Ky2", "ipAddress": "192.0.2.44",
                    "browser": "", "os": "", "osVersion": "", "language": "en-US",
                    "consumerId": "9e1f0c77d2a94c0b"},
        "assignedAgentId": "7f3d2c1b-0a9e-5b8d-8c7f-6e5d4c3b2a19",
    },
}  # fmt: skip


def test_the_documented_create_call_is_read() -> None:
    call = read_create(CREATE)
    assert call.context is not None
    assert call.context.visitor is not None
    assert (call.context.skill_id, call.context.visitor.consumer_id) == (
        "3412896512", "9e1f0c77d2a94c0b",
    )  # fmt: skip
    # The reference service types it as a number, and sends no sdes unless they are asked for.
    as_number = {"context": {**CREATE["context"], "skillId": 3412896512}}
    assert read_create(as_number).sdes is None


@pytest.mark.parametrize(
    ("event", "kind", "text", "sequence"),
    [
        ({"type": "TEXT", "source": "CONSUMER", "data": {"message": "Hi"},
          "context": {"lpEvent": {"sequence": 4, "event": {"message": "Hi"}}}},
         "message", "Hi", 4),
        ({"type": "RICH_CONTENT", "source": "CONSUMER", "data": {"structuredContent": {}},
          "context": {"lpEvent": {"sequence": 5, "event": {"message": {"type": "x"}}}}},
         "message", "", 5),
        ({"type": "START", "source": "CONVERSATION",
          "context": {"lpEvent": {"sequence": 0, "lastConsumerMessage": "Hi"}}},
         "message", "Hi", None),
        ({"type": "START", "source": "CONVERSATION",
          "context": {"lpEvent": {"lastConsumerMessage": {"event": {"message": {"a": 1}}}}}},
         "message", "", None),
        ({"type": "START", "source": "CONVERSATION"}, "message", "", None),
        ({"type": "CLOSE_CONVERSATION", "source": "CONVERSATION"}, "close", "", None),
        ({"type": "hosted-file", "source": "CONSUMER", "data": None, "context": None},
         "message", "", None),
        ({"type": "CONVERSATION", "source": "CONVERSATION", "data": {"state": "TRANSFERRED"}},
         "other", "", None),
        ({"type": "TEXT"}, "message", "", None),
    ],
)  # fmt: skip
def test_every_event_the_documents_name_is_read(
    event: Any, kind: str, text: str, sequence: int | None
) -> None:
    call = read_event(event)
    assert (call.kind, call.text, call.sequence) == (kind, text, sequence)


def test_numbers_where_words_belong_are_refused() -> None:
    for wrong in ({}, {"type": ""}, {"type": "TEXT", "source": 1}, [], None):
        with pytest.raises(BadInputError):
            read_event(wrong)


@pytest.mark.parametrize(
    "made",
    [
        reply("Connecting you.", intent="associate", skill="kay-associates", agent_id="61001"),
        reply("Team.", intent="least_loaded_peer", skill="kay-virtual"),
        reply("Bye.", intent="opted_out", close=True),
        reply("Who?", intent="ask"),
        reply("Note.", intent="ignored", private=True),
    ],
)
def test_every_answer_we_can_give_is_one_liveperson_takes(made: str) -> None:
    answer = checked(json.loads(made))
    assert isinstance(answer.response[0], TextPart)


def test_the_agent_is_never_named_without_the_skill() -> None:
    made = json.loads(reply("x", intent="x", agent_id="61001"))
    assert [part["type"] for part in made["response"]] == ["TEXT"]


def test_the_event_files_are_answered(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock)
    answers = {}
    for name in ("environments", "state", "create", "text"):
        text = (EVENTS / f"routing_bot.{name}.json").read_text()
        event = json.loads(text.replace("${BOT_TOKEN}", bot.token()))
        with using(bot.services):
            given = handler(event, CONTEXT)
        answers[name] = (given["statusCode"], json.loads(given["body"]))
    assert answers["environments"] == (200, ["draft", "production"])
    assert answers["state"][1]["state"] == "online"
    assert answers["create"] == (200, {})
    checked(answers["text"][1])
    assert told(answers["text"])[0] == "Connecting you with Kate."
    item = table.get("CONVERSATION#10000002#5c6a9f0e-7d1b-4f7e-9f0a-2d3c4b5a6e71", "CONVERSATION")
    assert item is not None
    assert (item["phone"], item["state"]) == ("+12125550123", "decided")
