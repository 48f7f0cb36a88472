"""What happens inside a conversation: words, the handset, closing. Who takes it: routing.py."""

from __future__ import annotations

from datetime import timedelta

from .records import HandsetText
from .state import BotStep, Conversation, Message
from .webhooks import announce, announce_message
from .world import World


def touch(world: World, conversation: Conversation) -> None:
    """Note a change of the conversation itself (people, skill, state) and tell the webhooks."""
    conversation.updated_ms = max(world.now_ms(), conversation.updated_ms + 1)
    announce(world, conversation)


def say(
    world: World, conversation: Conversation, by: str, text: str, *, audience: str = "ALL"
) -> Message:
    """A message by CONSUMER or a user id. On SMS, what people say to the consumer is texted."""
    message = Message(len(conversation.messages), world.now(), by, text, audience)
    conversation.messages.append(message)
    announce_message(world, conversation, message)
    if by == "CONSUMER":
        if conversation.bot is not None and conversation.assigned == conversation.bot.user.id:
            tell_bot(world, conversation, message)
    elif conversation.channel == "SMS" and audience == "ALL":
        kind = "bot" if world.user(conversation.account, by).user_type == 2 else "agent"
        world.to_handset(HandsetText(message.at, conversation.phone, conversation.number, text,
                                     kind, conversation=conversation.id))  # fmt: skip
    return message


def tell_bot(world: World, conversation: Conversation, message: Message | None) -> None:
    """Queue what the bot has to be told (None = that the conversation exists)."""
    idle = not conversation.bot_steps
    conversation.bot_steps.append(BotStep("event" if message else "create", message))
    if idle:
        world.wake_bot(conversation)


def close(world: World, conversation: Conversation, *, by: str) -> None:
    """End it. `by`: AGENT, CONSUMER or SYSTEM."""
    if not conversation.is_open:
        return
    conversation.state = "CLOSE"
    conversation.ended = world.now()
    conversation.closed_by = by
    conversation.suggested = None
    conversation.fallback_at = None
    conversation.bot_steps.clear()
    if conversation.recipient is not None:
        conversation.recipient.times["conversationsClosedTime"] = world.now()
    touch(world, conversation)


def waits_until(world: World, skill_wait_s: int | None) -> timedelta:
    """How long a conversation waits for the chosen agent: the skill's value, else the account's."""
    return timedelta(seconds=world.options.fallback_s if skill_wait_s is None else skill_wait_s)
