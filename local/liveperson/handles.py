"""People of a story: an associate at their workspace, a member on the web site."""

from __future__ import annotations

from typing import Any

from ..simulator import StoryError
from . import conversations, intake, routing
from .state import Conversation, User
from .world import World


class Agent:
    """An associate (or manager, or virtual associate) of one account at the agent workspace."""

    def __init__(self, world: World, account: str, user: User) -> None:
        self._world = world
        self.account = account
        self.user = user

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def pid(self) -> str:
        return self.user.pid

    def login(self) -> Agent:
        """Log in and be ONLINE. StoryError for somebody who is disabled or deleted."""
        if not self.user.exists:
            raise StoryError(f"{self.user.login} is disabled or deleted")
        return self._status("ONLINE")

    def away(self) -> Agent:
        return self._status("AWAY")

    def back_soon(self) -> Agent:
        return self._status("BACK_SOON")

    def logout(self) -> Agent:
        return self._status("OFFLINE")

    def _status(self, status: str) -> Agent:
        with self._world.lock:
            now = self._world.now()
            if self.user.status == "OFFLINE" and status not in ("ONLINE", "OFFLINE"):
                raise StoryError(f"{self.user.login} is not logged in")
            if self.user.status != status:
                self.user.status, self.user.status_since = status, now
            self.user.first_login = self.user.first_login or now
            self.user.last_seen = now
        return self

    def offered(self) -> list[Conversation]:
        """Conversations this agent could accept now, oldest first."""
        with self._world.lock:
            return routing.offered_to(self._world, self.account, self.user)

    def accept(self, conversation: Conversation | str) -> Conversation:
        """Take it. StoryError when the platform would not let them."""
        with self._world.lock:
            found = intake.find(self._world, conversation)
            routing.accept(self._world, found, self.account, self.user)
            return found

    def reply(self, conversation: Conversation | str, text: str) -> None:
        with self._world.lock:
            conversations.say(self._world, self._mine(conversation), self.user.id, text)

    def close(self, conversation: Conversation | str) -> None:
        with self._world.lock:
            conversations.close(self._world, self._mine(conversation), by="AGENT")

    def transfer(
        self, conversation: Conversation | str, *, skill: str, to: str | None = None
    ) -> Conversation:
        """To a skill by name, or to the agent with login `to` in it."""
        with self._world.lock:
            mine = self._mine(conversation)
            account = self._world.accounts[self.account]
            target = account.skill_named(skill)
            if target is None or not routing.may_transfer(account, mine, target):
                raise StoryError(f"no transfer to {skill!r} from here")
            agent_id = intake.user_by_login(account, to).id if to else None
            return routing.transfer(self._world, mine, target, agent_id=agent_id, by=self.user.id)

    def _mine(self, conversation: Conversation | str) -> Conversation:
        found = intake.find(self._world, conversation)
        if found.assigned != self.user.id or not found.is_open:
            raise StoryError(f"{self.user.login} is not in {found.id}")
        return found


class Member:
    """A person on the web site, signed in unless said otherwise."""

    def __init__(self, world: World, member: str) -> None:
        self._world = world
        self.id = member

    def opens_web_conversation(
        self, account: str, skill: str, text: str,
        sdes: dict[str, Any] | None = None, *, signed_in: bool = True,
    ) -> Conversation:  # fmt: skip
        """Start (or go on with) the member's web conversation on a skill, by name.

        `sdes` maps `ctmrinfo` and `personal` to attributes; default is the member's id as
        `ctmrinfo.customerId`. They count as authenticated when `signed_in`.
        """
        with self._world.lock:
            current = self.conversation
            if current is not None:
                conversations.say(self._world, current, "CONSUMER", text)
                return current
            part = "authenticated" if signed_in else "unauthenticated"
            values = {"ctmrinfo": {"customerId": self.id}} if sdes is None else sdes
            target = intake.skill_by_name(self._world, account, skill)
            return intake.start(self._world, account=account, skill=target, channel="WEB",
                                member=self.id, sdes={part: values}, text=text)  # fmt: skip

    @property
    def conversation(self) -> Conversation | None:
        """The member's open web conversation, in whatever account it now is."""
        for found in self._world.conversations.values():
            if found.is_open and found.channel == "WEB" and found.member == self.id:
                return found
        return None

    def says(self, text: str) -> Conversation:
        with self._world.lock:
            current = self.conversation
            if current is None:
                raise StoryError(f"{self.id} has no open conversation")
            conversations.say(self._world, current, "CONSUMER", text)
            return current

    def leaves(self) -> None:
        """The member closes the conversation."""
        with self._world.lock:
            if self.conversation is not None:
                conversations.close(self._world, self.conversation, by="CONSUMER")

    def screen(self) -> list[str]:
        """All that was said to the member on the web so far, oldest first."""
        return [m.text for c in self._world.conversations.values()
                if c.channel == "WEB" and c.member == self.id
                for m in c.messages if m.by != "CONSUMER" and m.audience == "ALL"]  # fmt: skip
