"""LivePersonSim: the whole simulated platform as one object."""

from __future__ import annotations

from typing import Any

from ..simulator import Clock, StoryError
from . import intake
from .bots import BotCaller
from .handles import Agent, Member
from .options import Options
from .records import Call, HandsetText, Refusal, Sent
from .routes import Front
from .setup import Setup
from .state import Campaign, Conversation
from .tokens import mint
from .webhooks import empty_outbox
from .world import World

_ENDLESS = 10_000


class LivePersonSim(Setup):
    """See the package's docstring for how a story uses it."""

    def __init__(self, clock: Clock, *, options: Options | None = None, seed: int = 0) -> None:
        self.world = World(clock, options=options or Options(), seed=seed)
        self.calls: list[Call] = []
        self._bots = BotCaller(self.world)
        self.world.wake_bot = self._bots.wake
        super().__init__(Front(self.world, self.calls).handle)

    # -- people
    def agent(self, login: str, account: str | None = None) -> Agent:
        """The associate with this login; name the account when several have it."""
        for candidate in self.world.accounts.values():
            if account in (None, candidate.id):
                for user in candidate.users.values():
                    if user.login == login:
                        return Agent(self.world, candidate.id, user)
        raise StoryError(f"no agent {login!r}")

    def member(self, member: str) -> Member:
        return Member(self.world, member)

    def text_from(self, phone: str, to: str, text: str) -> Conversation | None:
        """The consumer with this handset texts one of our numbers. See intake.text_from."""
        with self.world.lock:
            return intake.text_from(self.world, phone, to=to, text=text)

    def filter_texts(self, number: str, *, share: float = 1.0) -> None:
        """From now on carriers filter this share of a number's campaign texts (seeded); 0 ends it."""
        self.world.filtered[number] = share

    # -- time
    def tick(self) -> bool:
        """Do one due piece of work: a bot call, a campaign text, a fallback, a retry."""
        due = self.world.take_due()
        if due is None:
            return False
        _, work = due
        work()
        return True

    def deliver(self, *, copies: int = 1, shuffle: bool = False) -> int:
        """Do all that is due by the clock, then send the webhooks; again until all is quiet.

        `copies` sends every webhook so many times, `shuffle` in a seeded disorder. Returns how many
        pieces of work and requests there were. Time does not move: advance the clock for retries,
        fallback times and the morning's texts.
        """
        done = 0
        for _ in range(_ENDLESS):
            if self.tick():
                done += 1
            elif self.world.outbox:
                done += empty_outbox(self.world, copies=copies, shuffle=shuffle)
            else:
                return done
        raise StoryError("the simulator never comes to rest")

    def run(self) -> int:
        """`deliver()` once each and in order: what a story calls after every move of its clock."""
        return self.deliver()

    def test_connection(self, account: str, skill: str) -> list[str]:
        """The bot of this skill answers the connection test. See BotCaller.test_connection."""
        found = intake.skill_by_name(self.world, account, skill)
        return self._bots.test_connection(self.world.accounts[account].bots[found.id])

    # -- what really happened
    @property
    def dropped(self) -> list[tuple[str, HandsetText]]:
        """Texts the carrier did not deliver, with its error code."""
        return list(self.world.dropped)

    @property
    def refusals(self) -> list[Refusal]:
        return list(self.world.refusals)

    @property
    def sent(self) -> list[Sent]:
        """Calls the simulator made to bots and webhooks, with their answers."""
        return list(self.world.sent)

    @property
    def misroutes(self) -> list[tuple[str, str, str]]:
        """(conversation, agent id, why): transfers to somebody who could never take them."""
        return list(self.world.misroutes)

    @property
    def escalations(self) -> list[tuple[str, str]]:
        """(conversation, why): the bot failed and the default skill got it."""
        return list(self.world.escalations)

    @property
    def campaigns(self) -> list[Campaign]:
        return list(self.world.campaigns.values())

    def conversations(self, *, phone: str = "", member: str = "") -> list[Conversation]:
        """All conversations (of a phone, of a member), oldest first."""
        return [c for c in self.world.conversations.values()
                if phone in ("", c.phone) and member in ("", c.member)]  # fmt: skip

    def conversation(self, *, phone: str = "", member: str = "") -> Conversation:
        """The open conversation of this phone or member."""
        for found in self.conversations(phone=phone, member=member):
            if found.is_open:
                return found
        raise StoryError(f"no open conversation of {phone or member}")

    def bot_token(self, account: str, client_id: str, **changes: Any) -> str:
        """A token as our bot gets it; `azp`, `scope`, `version`, `lifetime_s` may be changed."""
        from .tokens import BOT_SCOPE

        return mint(self.world, **{"account": account, "azp": client_id, "scope": BOT_SCOPE,
                                   **changes})  # fmt: skip
