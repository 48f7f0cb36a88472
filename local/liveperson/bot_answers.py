"""What a bot's answer must look like before LivePerson does what it says."""

from __future__ import annotations

import json
from typing import Any

from .routing import may_transfer
from .state import Conversation
from .world import World


class BadAnswer(Exception):
    """The answer is refused; the message says why."""


_TYPES = {"TEXT", "STRUCTURED_CONTENT", "DELAY", "ACTION"}
_ACTIONS = {"TRANSFER", "CLOSE_CONVERSATION", "CHANGE_TTR", "INVOKE_FUNCTION"}


def checked(world: World, conversation: Conversation, raw: bytes) -> list[dict[str, Any]]:
    """The parts of the answer, or BadAnswer."""
    try:
        answer = json.loads(raw)
    except ValueError as error:
        raise BadAnswer("the answer is not JSON") from error
    if not isinstance(answer, dict) or not {"response", "analytics"} <= set(answer):
        raise BadAnswer("response and analytics are both required")
    _check_intents(answer["analytics"])
    parts = answer["response"]
    if not isinstance(parts, list) or not all(isinstance(p, dict) for p in parts):
        raise BadAnswer("response is a list of parts")
    for part in parts:
        _check_part(part)
    actions = [part["data"] for part in parts if part["type"] == "ACTION"]
    if not actions and not any(p["type"] in ("TEXT", "STRUCTURED_CONTENT") for p in parts):
        raise BadAnswer("verify-ai-response.missing-action-and-messages")
    if len(actions) > 1:
        raise BadAnswer("only one action per answer")
    for action in actions:
        _check_action(world, conversation, action)
    return parts


def _check_part(part: dict[str, Any]) -> None:
    if part.get("type") not in _TYPES or not isinstance(part.get("data"), dict):
        raise BadAnswer(f"unknown part {part.get('type')!r}")
    if part["type"] == "TEXT":
        _check_text(part["data"])
    if part["type"] == "DELAY" and not part["data"].get("seconds", 0) >= 1:
        raise BadAnswer("DELAY needs seconds of 1 or more")


def _check_text(data: dict[str, Any]) -> None:
    if not isinstance(data.get("message"), str) or not data["message"].strip():
        raise BadAnswer("TEXT needs a message")
    if data.get("messageAudience", "ALL") not in ("ALL", "AGENTS_AND_MANAGERS"):
        raise BadAnswer("unknown messageAudience")


def _check_intents(analytics: Any) -> None:
    intents = analytics.get("intents") if isinstance(analytics, dict) else None
    if not isinstance(intents, list):
        raise BadAnswer("analytics.intents is required")
    for intent in intents:
        if not isinstance(intent, dict) or not str(intent.get("id") or ""):
            raise BadAnswer("an intent needs an id")
        if " " in str(intent["id"]):
            raise BadAnswer("an intent id has no spaces")
        score = intent.get("confidenceScore")
        if not isinstance(score, int | float) or not 0 <= score <= 1:
            raise BadAnswer("confidenceScore is 0 to 1")


def _check_action(world: World, conversation: Conversation, action: dict[str, Any]) -> None:
    name, parameters = action.get("name"), action.get("parameters", {})
    if name not in _ACTIONS or not isinstance(parameters, dict):
        raise BadAnswer(f"unknown action {name!r}")
    if name != "TRANSFER":
        return
    account = world.accounts[conversation.account]
    skill = account.skill_named(str(parameters.get("skillName", "")))
    if skill is None:
        raise BadAnswer("pipes.messaging-handle-bot-action.transfer-skill-not-existing")
    if not may_transfer(account, conversation, skill):
        raise BadAnswer(f"skill {skill.name!r} is not in the skillTransferList")
    agent = parameters.get("agentId")
    if agent is not None and (not isinstance(agent, str) or agent not in account.users):
        raise BadAnswer(f"no agent {agent!r} in account {account.id}")
