"""Who takes a conversation: skills, roll-over between accounts, transfer, queue, fallback time."""

from __future__ import annotations

import hashlib
from functools import partial

from ..simulator import StoryError
from . import conversations
from .state import Account, Bot, Conversation, Skill, User
from .world import World


def consumer_id(account: str, identity: str) -> str:
    """Opaque, the same for the same phone or member in one account, different elsewhere."""
    return hashlib.sha256(f"{account}|{identity}".encode()).hexdigest()


def arrive(world: World, conversation: Conversation, skill: Skill) -> Conversation:
    """The conversation is now on `skill`: roll over, or its bot takes it, or anyone may.

    Returns the conversation that goes on (another one after a roll-over with a new id).
    """
    beyond = world.rollovers.get((conversation.account, skill.id))
    if beyond is not None:
        return _roll_over(world, conversation, beyond)
    account = world.accounts[conversation.account]
    conversation.skill = skill.id
    conversation.assigned = conversation.suggested = conversation.fallback_at = None
    bot = account.bots.get(skill.id)
    conversation.bot = bot
    conversation.bot_steps.clear()
    if bot is not None:
        _bot_takes(world, conversation, bot)
    conversations.touch(world, conversation)
    return conversation


def _bot_takes(world: World, conversation: Conversation, bot: Bot) -> None:
    conversation.assigned = bot.user.id
    conversations.tell_bot(world, conversation, None)
    last = next((m for m in reversed(conversation.messages) if m.by == "CONSUMER"), None)
    if last is not None:
        conversations.tell_bot(world, conversation, last)


def _roll_over(world: World, conversation: Conversation, beyond: tuple[str, str]) -> Conversation:
    account, skill_id = beyond
    skill = world.accounts[account].skills[skill_id]
    identity = conversation.phone or conversation.member
    if world.options.rollover_conversation == "kept":
        conversation.account = account
        conversation.consumer = consumer_id(account, identity)
        conversation.messages = [m for m in conversation.messages if m.by == "CONSUMER"]
        return arrive(world, conversation, skill)
    conversations.close(world, conversation, by="SYSTEM")
    fresh = Conversation(
        world.uuid(), account, skill_id, conversation.channel, consumer_id(account, identity),
        world.now(), number=conversation.number, phone=conversation.phone,
        member=conversation.member, sdes=conversation.sdes, continues=conversation.id,
    )  # fmt: skip
    world.conversations[fresh.id] = fresh
    for message in [m for m in conversation.messages if m.by == "CONSUMER"][-1:]:
        conversations.say(world, fresh, "CONSUMER", message.text)
    return arrive(world, fresh, skill)


def transfer(
    world: World, conversation: Conversation, skill: Skill, *, agent_id: str | None, by: str
) -> Conversation:
    """Move to a skill, or to one agent of it who alone may take it until the fallback time.

    An agent who is disabled, deleted or already in the conversation is not waited for: anyone of
    the skill gets it, and `misroutes` keeps it.
    """
    source = conversation.assigned
    conversation.transfers.append({"reason": "Agent" if agent_id else "Skill", "by": by})
    if agent_id is None:
        return arrive(world, conversation, skill)
    account = world.accounts[conversation.account]
    agent = account.users[agent_id]
    wrong = _cannot_go_to(world, agent, source)
    if wrong is not None:
        if wrong != "unavailable":
            world.misroutes.append((conversation.id, agent_id, wrong))
        return arrive(world, conversation, skill)
    conversation.skill = skill.id
    conversation.bot = None
    conversation.bot_steps.clear()
    conversation.assigned = None
    conversation.suggested = agent_id
    due = world.now() + conversations.waits_until(world, skill.transfer_wait_s)
    conversation.fallback_at = due
    world.at(due, partial(_fall_back, world, conversation, agent_id))
    conversations.touch(world, conversation)
    return conversation


def _cannot_go_to(world: World, agent: User, source: str | None) -> str | None:
    if agent.deleted:
        return "deleted"
    if not agent.enabled:
        return "disabled"
    if agent.id == source:
        return "already a participant"
    if world.options.bot_transfer_to_unavailable == "anyone" and agent.status != "ONLINE":
        return "unavailable"
    return None


def _fall_back(world: World, conversation: Conversation, agent_id: str) -> None:
    """Work of the agenda: the time to wait for this agent is over."""
    with world.lock:
        late = conversation.fallback_at is not None and conversation.fallback_at <= world.now()
        if not conversation.is_open or conversation.suggested != agent_id or not late:
            return
        conversation.transfers.append({"reason": "SuggestedAgentTimeout", "by": "SYSTEM"})
        arrive(world, conversation, world.accounts[conversation.account].skills[conversation.skill])


def may_transfer(account: Account, conversation: Conversation, skill: Skill) -> bool:
    """Whether the source skill's skillTransferList allows it."""
    allowed = account.skills[conversation.skill].transfer_list
    return allowed is None or skill.id in allowed


def offered_to(world: World, account: str, agent: User) -> list[Conversation]:
    """What this agent could accept now, oldest first: their own, and anyone's of their skills."""
    if agent.status != "ONLINE" or slots_left(world, account, agent) <= 0:
        return []
    return sorted(
        (c for c in world.conversations.values()
         if c.is_open and c.account == account and c.assigned is None
         and (c.suggested == agent.id or (c.suggested is None and c.skill in (*agent.skills, "-1")))),
        key=lambda c: c.started,
    )  # fmt: skip


def slots_left(world: World, account: str, agent: User) -> int:
    busy = sum(1 for c in world.conversations.values()
               if c.is_open and c.account == account and c.assigned == agent.id)  # fmt: skip
    return agent.max_slots - busy


def accept(world: World, conversation: Conversation, account: str, agent: User) -> None:
    """The agent takes it: SUGGESTED becomes ACTIVE. StoryError when they could not."""
    if conversation not in offered_to(world, account, agent):
        raise StoryError(
            f"{agent.login} ({agent.status}) cannot accept {conversation.id}: "
            f"{conversation.state}, assigned to {conversation.assigned}, "
            f"waiting for {conversation.suggested or 'anyone'} in skill {conversation.skill}"
        )
    conversation.suggested = None
    conversation.fallback_at = None
    conversation.assigned = agent.id
    conversation.served_by.append(agent.id)
    conversations.touch(world, conversation)
