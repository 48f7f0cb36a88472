"""Customers: they opt out, they answer, they talk with whoever takes their conversation."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from ..liveperson import Conversation, HandsetText, StoryError
from .evidence import REF, Evidence, Row
from .plan import BY_CUSTOMER, MESSAGES, REPLIES, Customer, spread
from .stage import Stage, no_more

WORDS = ("STOP", "Stop texting me", "please stop", "Unsubscribe")
ACCEPT_TRIES, HEARD_TRIES = 40, 30


class Crowd:
    """All customers of a day. Their texts go through the platform like anybody's."""

    def __init__(self, stage: Stage, evidence: Evidence) -> None:
        self.stage, self.evidence = stage, evidence
        self.replies = 0
        self._chance = random.Random(f"customers {stage.settings.seed}")

    # ------------------------------------------------------------ opting out
    def opt_out(self, who: Customer, row: Row) -> None:
        """At the counter, or with a text of their own to the number that texts them."""
        person = self.evidence.people[who.phone]
        person.asked_out_at = person.asked_out_at or self.stage.clock.now()
        if who.kind == "out by the counter":
            answer = self.stage.ask("POST", "/consents", login=row.login, body=no_more(who.phone))
            if answer.status_code == 201:
                person.out_at = self.stage.clock.now()
            else:
                self._later(20, self.opt_out, who, row)
            return
        words = self._chance.choice(WORDS)
        self.stage.scene.sim.text_from(who.phone, to=row.sender, text=words)
        self._later(30, self._is_heard, who, row, 1)

    def _is_heard(self, who: Customer, row: Row, tries: int) -> None:
        """The associate's app asks, as it may: that is when the opt-out is acknowledged."""
        answer = self.stage.ask("POST", "/outreach/check", login=row.login,
                                body={"phone": who.phone})  # fmt: skip
        if answer.status_code == 200 and answer.json().get("reason") == "opted_out":
            self.evidence.people[who.phone].out_at = self.stage.clock.now()
        elif tries < HEARD_TRIES:
            self._later(60, self._is_heard, who, row, tries + 1)

    # ------------------------------------------------------------ answering
    def may_reply(self, text: HandsetText) -> None:
        """Six of a hundred answer, after a while."""
        if REF.search(text.body) and self._chance.random() < REPLIES:
            wait = min(6 * 3600.0, self._chance.lognormvariate(6.5, 1.1))
            self._later(wait, self._reply, text)

    def _reply(self, text: HandsetText) -> None:
        self.replies += 1
        self.stage.scene.sim.text_from(text.phone, to=text.sender, text="Yes please, show me!")
        length = self.stage.settings.minutes * 60.0
        for n in range(spread(BY_CUSTOMER - 1, chance=self._chance)):
            self._later(self._chance.uniform(90, length * 0.95), self._goes_on, text, n)
        messages = spread(MESSAGES - BY_CUSTOMER, chance=self._chance)
        self._later(self._chance.uniform(20, 80), self._serve, text.phone, messages, 1)

    def _goes_on(self, text: HandsetText, n: int) -> None:
        conversation = self._open(text.phone)
        if conversation is not None and conversation.assigned is not None:
            self.stage.scene.sim.text_from(text.phone, to=text.sender, text=f"And number {n}?")

    def _serve(self, phone: str, messages: int, tries: int) -> None:
        """Whoever the conversation is offered to accepts it, writes, and closes it in the end."""
        conversation, sim = self._open(phone), self.stage.scene.sim
        if conversation is None:
            return
        agent = self._whoever_accepts(conversation)
        if agent is None:
            if tries < ACCEPT_TRIES:
                self._later(120, self._serve, phone, messages, tries + 1)
            return
        length = self.stage.settings.minutes * 60.0
        account = conversation.account
        for n in range(messages):
            at = self._chance.uniform(10, length * 0.97)
            self._later(at, _quietly, sim.agent(agent, account).reply, conversation, f"No. {n}.")
        self._later(length, _quietly, sim.agent(agent, account).close, conversation)

    def _whoever_accepts(self, conversation: Conversation) -> str | None:
        """Login of the one it is suggested to, or of the first of the skill who can."""
        if conversation.assigned is not None:
            return None
        sim = self.stage.scene.sim
        users = sim.world.accounts[conversation.account].users
        asked = [users[conversation.suggested]] if conversation.suggested else [
            user for user in users.values()
            if user.user_type == 1 and conversation.skill in user.skills]  # fmt: skip
        for user in asked:
            try:
                sim.agent(user.login, conversation.account).accept(conversation)
            except StoryError:
                continue
            return user.login
        return None

    def _open(self, phone: str) -> Conversation | None:
        return self.stage.scene.sim.world.open_sms(phone)

    def _later(self, seconds: float, what: Any, *about: Any) -> None:
        self.stage.town.in_(seconds, "people", partial(what, *about))


def _quietly(what: Any, *about: Any) -> None:
    try:
        what(*about)
    except StoryError:
        return  # the conversation has moved on
