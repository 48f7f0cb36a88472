"""How conversations begin: a consumer texts one of our numbers, or writes on the web site."""

from __future__ import annotations

from typing import Any

from ..simulator import StoryError
from . import conversations, routing
from .proactive import answered
from .records import HandsetText
from .sdes import of_phone
from .state import Account, Conversation, Recipient, Skill, User
from .world import World

# Words the carrier acts on by itself, before LivePerson sees anything.
CARRIER_STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
CARRIER_START = {"START", "YES", "UNSTOP"}


def find(world: World, conversation: Conversation | str) -> Conversation:
    if isinstance(conversation, Conversation):
        return conversation
    if conversation not in world.conversations:
        raise StoryError(f"no conversation {conversation}")
    return world.conversations[conversation]


def user_by_login(account: Account, login: str) -> User:
    for user in account.users.values():
        if user.login == login:
            return user
    raise StoryError(f"no user {login!r} in account {account.id}")


def skill_by_name(world: World, account: str, name: str) -> Skill:
    skill = world.accounts[account].skill_named(name)
    if skill is None:
        raise StoryError(f"no skill {name!r} in account {account}")
    return skill


def start(
    world: World, *, account: str, skill: Skill, channel: str, text: str, sdes: dict[str, Any],
    phone: str = "", member: str = "", number: str = "", recipient: Recipient | None = None,
) -> Conversation:  # fmt: skip
    """A new conversation with its first message, brought to whoever takes it."""
    fresh = Conversation(
        world.uuid(), account, skill.id, channel, routing.consumer_id(account, phone or member),
        world.now(), number=number, phone=phone, member=member, sdes=sdes, recipient=recipient,
    )  # fmt: skip
    world.conversations[fresh.id] = fresh
    conversations.say(world, fresh, "CONSUMER", text)
    if recipient is not None:
        recipient.conversation = fresh.id
        recipient.times.setdefault("conversationsCreatedTime", world.now())
    return routing.arrive(world, fresh, skill)


def text_from(world: World, phone: str, *, to: str, text: str) -> Conversation | None:
    """A text from a handset to one of our numbers.

    Goes into the phone's one open SMS thread whatever number that began on; else a new one starts:
    on the campaign's skill within the look-back of a campaign from this number, otherwise on the
    number's skill. None when only the carrier heard it.
    """
    if to not in world.numbers:
        raise StoryError(f"nobody answers {to}")
    heard = _carrier(world, phone, to, text.strip().upper())
    if heard and not world.options.stop_reaches_conversation:
        return None
    current = world.open_sms(phone)
    if current is not None:
        conversations.say(world, current, "CONSUMER", text)
        return current
    account, skill_id = world.numbers[to]
    skill = world.accounts[account].skills[skill_id]
    campaign = answered(world, phone, to)
    recipient = None
    if campaign is not None and campaign[0].account == account:
        recipient = campaign[1]
        skill = world.accounts[account].skill_named(campaign[0].skill) or skill
    return start(world, account=account, skill=skill, channel="SMS", text=text,
                 sdes=of_phone(world.options, phone), phone=phone, number=to,
                 recipient=recipient)  # fmt: skip


def _carrier(world: World, phone: str, to: str, word: str) -> bool:
    """STOP and START at the carrier: it blocks (or unblocks) our number for this handset."""
    handset = world.phone(phone)
    if word in CARRIER_STOP:
        handset.opted_out.add(to)
        if world.options.carrier_answers_stop:
            world.to_handset(HandsetText(world.now(), phone, to, "You have been unsubscribed.",
                                         "carrier"))  # fmt: skip
        return True
    if word in CARRIER_START:
        handset.opted_out.discard(to)
    return False
