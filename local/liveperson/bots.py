"""LivePerson calling our bot (custom endpoint): create, events, retries, obeying the answer."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from ..simulator import StoryError
from . import conversations, routing
from .bot_answers import BadAnswer, checked
from .records import Refusal
from .sdes import shaped
from .state import Bot, BotStep, Conversation, Message
from .tokens import BOT_SCOPE, mint
from .world import Reply, World


class BotCaller:
    """Makes the calls of all bots of a world; the agenda wakes it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def test_connection(self, bot: Bot) -> list[str]:
        """What the *Test connection* button does: environments, then state. Returns the former.

        Raises StoryError when the bot could not be switched on.
        """
        environments = self._call(bot, "GET", "/environments", None)
        if environments.status != 200:
            raise StoryError(f"environments: {environments.status}")
        names = json.loads(environments.body)
        if not isinstance(names, list) or bot.environment not in names:
            raise StoryError(f"environment {bot.environment!r} is not in {names!r}")
        state = self._call(bot, "GET", f"/environments/{bot.environment}/state", None)
        if state.status != 200 or json.loads(state.body).get("state") != "online":
            raise StoryError(f"state: {state.status} {state.body!r}")
        return [str(name) for name in names]

    def wake(self, conversation: Conversation) -> None:
        """Take up the first thing the bot has to be told, when the pump comes round."""
        self._world.later(0, partial(self._advance, conversation, self._head(conversation)))

    def _head(self, conversation: Conversation) -> BotStep | None:
        return conversation.bot_steps[0] if conversation.bot_steps else None

    def _advance(self, conversation: Conversation, step: BotStep | None) -> None:
        with self._world.lock:
            bot = conversation.bot
            if bot is None or step is None or self._head(conversation) is not step:
                return  # the conversation has moved on
            path = f"/environments/{bot.environment}/conversations/{conversation.id}"
            if step.message is None:
                method, body = "PUT", self._create_body(conversation, bot)
            else:
                method, path = "POST", f"{path}/events"
                body = self._event_body(conversation, step.message)
        reply = self._call(bot, method, path, body)
        with self._world.lock:
            if self._head(conversation) is step:
                self._take(conversation, bot, step, reply)

    def _take(self, conversation: Conversation, bot: Bot, step: BotStep, reply: Reply) -> None:
        options = self._world.options
        if step.message is None and reply.status in options.bot_create_status_ok:
            self._next(conversation)
        elif step.message is not None and reply.status == 200:
            self._obey(conversation, bot, reply)
        elif step.message is not None and reply.status == 404 and not step.recreated:
            step.recreated = True
            conversation.bot_steps.insert(0, BotStep("create"))
            self.wake(conversation)
        elif reply.status in (0, 429) or reply.status >= 500:
            self._try_again(conversation, bot, step, reply)
        else:
            self._escalate(conversation, bot, f"the bot answered {reply.status}")

    def _try_again(self, conversation: Conversation, bot: Bot, step: BotStep, reply: Reply) -> None:
        waits = self._world.options.bot_retry_waits_s
        if step.attempt > len(waits):
            self._escalate(conversation, bot, f"no answer in {step.attempt} attempts "
                                              f"({reply.status})")  # fmt: skip
            return
        wait = waits[step.attempt - 1]
        step.attempt += 1
        self._world.later(wait, partial(self._advance, conversation, step))

    def _next(self, conversation: Conversation) -> None:
        conversation.bot_steps.pop(0)
        if conversation.bot_steps:
            self.wake(conversation)

    def _obey(self, conversation: Conversation, bot: Bot, reply: Reply) -> None:
        """Check the whole answer first, then say its texts and do its one action."""
        try:
            parts = checked(self._world, conversation, reply.body)
        except BadAnswer as wrong:
            now = self._world.now()
            self._world.refusals.append(
                Refusal(now, "BOT", bot.url, bot.account, reply.status, str(wrong))
            )
            self._escalate(conversation, bot, str(wrong))
            return
        self._next(conversation)
        for part in parts:
            if part["type"] == "TEXT":
                conversations.say(self._world, conversation, bot.user.id, part["data"]["message"],
                                  audience=part["data"].get("messageAudience", "ALL"))  # fmt: skip
            elif part["type"] == "ACTION":
                self._act(conversation, bot, part["data"])

    def _act(self, conversation: Conversation, bot: Bot, action: dict[str, Any]) -> None:
        if action["name"] == "CLOSE_CONVERSATION":
            conversations.close(self._world, conversation, by="AGENT")
        elif action["name"] == "TRANSFER":
            wanted = action["parameters"]
            skill = self._world.accounts[bot.account].skill_named(wanted["skillName"])
            assert skill is not None  # `checked` has seen to it
            routing.transfer(self._world, conversation, skill,
                             agent_id=wanted.get("agentId"), by=bot.user.id)  # fmt: skip

    def _escalate(self, conversation: Conversation, bot: Bot, why: str) -> None:
        """The bot has failed: to its default skill, and kept for the story to see."""
        self._world.escalations.append((conversation.id, why))
        skill = self._world.accounts[bot.account].skills[bot.escalate_to]
        routing.transfer(self._world, conversation, skill, agent_id=None, by="SYSTEM")

    def _create_body(self, conversation: Conversation, bot: Bot) -> dict[str, Any]:
        return {
            "sdes": shaped(self._world.options, conversation.sdes),
            "context": {
                "skillId": conversation.skill, "campaignId": 987665546,
                "engagementId": 123498765, "type": "MESSAGING",
                "visitor": {"sharkVisitorId": "", "sharkSessionId": "", "ipAddress": "127.0.0.1",
                            "browser": "CHROME" if conversation.channel == "WEB" else "",
                            "os": "", "osVersion": "", "language": "en-US",
                            "consumerId": conversation.consumer},
                "assignedAgentId": bot.user.pid,
            },
        }  # fmt: skip

    def _event_body(self, conversation: Conversation, message: Message) -> dict[str, Any]:
        start = self._world.options.bot_start_event and message.sequence == 0
        event: dict[str, Any] = {
            "sequence": message.sequence,
            "serverTimestamp": int(message.at.timestamp() * 1000),
            "event": {"type": "ContentEvent", "message": message.text, "contentType": "text/plain"},
            "conversationId": conversation.id, "dialogId": conversation.id,
            "metadata": [], "messageAudience": "ALL",
        }  # fmt: skip
        if start:
            event["lastConsumerMessage"] = message.text
            return {"type": "START", "source": "CONVERSATION", "data": {},
                    "context": {"lpEvent": event}}  # fmt: skip
        return {"type": "TEXT", "source": "CONSUMER", "data": {"message": message.text},
                "context": {"lpEvent": event}}  # fmt: skip

    def _call(self, bot: Bot, method: str, path: str, body: dict[str, Any] | None) -> Reply:
        world = self._world
        token = mint(world, account=bot.account, azp=bot.client_id, scope=BOT_SCOPE,
                     version=world.options.bot_token_version)  # fmt: skip
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return world.call("bot", method, f"{bot.url}/v1/bots/{bot.id}{path}", body=body, raw=raw,
                          headers=headers, timeout=world.options.bot_timeout_s)  # fmt: skip
