"""What moves by itself: the platform's agenda, queues that feed functions, sweep and map."""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from instore.sweeping import NUMBERS_AT

from ..functions import Function, FunctionFailedError
from ..intrinsics import ACCOUNT, REGION
from ..liveperson import HandsetText, Sent
from ..permissions import keep
from ..pump import QueueMapping
from .quick import holding, stored_table
from .stage import Stage

ASKED_AGAIN = 0.15  # of the bot's events: LivePerson promises none only once
LOOK_AGAIN = timedelta(seconds=5)


class Clockwork:
    """Drives what nobody asks for. `bot` collects our answers to each message of a conversation;
    `on_text` is told of every campaign text that reaches a handset."""

    def __init__(
        self, stage: Stage, *, on_text: Callable[[HandsetText], None], map_until: datetime
    ) -> None:
        self.stage = stage
        self.bot: dict[tuple[str, int], list[str]] = {}
        self._on_text, self._map_until = on_text, map_until
        self._chance = random.Random(f"clockwork {stage.settings.seed}")
        self._waking: set[str] = set()  # lanes that have a look at their queue before them
        self._wakes: set[datetime] = set()
        self._not_before: dict[str, datetime] = {}
        self._feeds: dict[str, QueueMapping] = {}
        self._texts = self._calls = 0

    def start(self) -> None:
        """Set it going: from now on every piece of work is followed by a look around."""
        town = self.stage.town
        town.in_(60, "sweep", self._sweep)
        town.in_(1800, "map", self._map)
        for n, function in enumerate(self.stage.senders):
            self._feeds[f"sender {n}"] = self.stage.mapping(function)
        assigned = self.stage.scene.stack.functions["AgentAssigned"]
        self._feeds["assigned"] = self.stage.mapping(assigned)
        town.after_each = self._look

    def _look(self) -> None:
        """After each piece of work: what the platform has to do, who waits in a queue."""
        self._wake_platform()
        for lane in self._feeds:
            queue = "AssignmentQueue" if lane == "assigned" else "OutreachQueue"
            self._wake(lane, queue)
        texts = self.stage.scene.sim.world.handsets
        for text in texts[self._texts :]:
            if text.kind == "campaign":
                self._on_text(text)
        self._texts = len(texts)

    # ------------------------------------------------------------ the platform
    def _wake_platform(self) -> None:
        world, now = self.stage.scene.sim.world, self.stage.clock.now()
        due = world.next_due_at()
        if (due is not None and due <= now) or world.outbox:
            if "platform" not in self._waking:
                self._waking.add("platform")
                self.stage.town.at(now, "platform", self._platform)
        elif due is not None and due not in self._wakes:
            self._wakes.add(due)
            self.stage.town.at(due, "platform", _nothing)

    def _platform(self) -> None:
        self._waking.discard("platform")
        self.stage.scene.sim.run()
        sent = self.stage.scene.sim.world.sent
        for call in sent[self._calls :]:
            if call.kind == "bot" and call.method == "POST" and call.status == 200:
                self._note_bot(call)
        self._calls = len(sent)

    def _note_bot(self, call: Sent) -> None:
        event = call.body["context"]["lpEvent"]
        answers = self.bot.setdefault((event["conversationId"], int(event["sequence"])), [])
        answers.append(json.dumps(call.answer, sort_keys=True))
        if len(answers) == 1 and self._chance.random() < ASKED_AGAIN:
            wait = self._chance.uniform(1, 90)
            self.stage.town.in_(wait, "platform", partial(self._ask_again, call))

    def _ask_again(self, call: Sent) -> None:
        """LivePerson asks once more what it asked before."""
        sim = self.stage.scene.sim
        bot = next(bot for account in sim.world.accounts.values() for bot in account.bots.values()
                   if f"/v1/bots/{bot.id}/" in call.url)  # fmt: skip
        headers = {"authorization": f"Bearer {sim.bot_token(bot.account, bot.client_id)}",
                   "content-type": "application/json"}  # fmt: skip
        sim.world.call("bot", "POST", call.url, body=call.body, raw=json.dumps(call.body).encode(),
                       headers=headers, timeout=60)  # fmt: skip

    # ------------------------------------------------------------ queues
    def _wake(self, lane: str, queue: str) -> None:
        if lane in self._waking:
            return
        when = self.visible_at(queue)
        if when is None:
            return
        when = max(when, self.stage.clock.now(), self._not_before.get(lane, when))
        self._waking.add(lane)
        self.stage.town.at(when, lane, partial(self._feed, lane))

    def _feed(self, lane: str) -> None:
        if not self._feeds[lane].feed():
            # Visible and yet not given out: its group's first message is still in flight.
            self._not_before[lane] = self.stage.clock.now() + LOOK_AGAIN
        self._waking.discard(lane)

    def visible_at(self, queue: str) -> datetime | None:
        """When a message of this queue (logical id) may be received; None = it is empty."""
        sqs = importlib.import_module("moto.sqs.models").sqs_backends[ACCOUNT][REGION]
        name = self.stage.scene.stack.rendered.reference(queue).rsplit("/", 1)[-1]
        # moto's own list: asking the queue would receive the message.
        times = [max(one.visible_at, one.delayed_until) for one in sqs.queues[name]._messages]
        now = self.stage.clock.now()
        if not times:
            return None
        return max(now, datetime.fromtimestamp(min(times) / 1000, tz=now.tzinfo))

    def losing_deletes(
        self, run: Callable[[], Any], *, service: str, operation: str, params: dict[str, Any]
    ) -> Any:
        """Stands around every call: some messages are done and the queue never hears of it."""
        del params
        return {} if self.stage.trouble.loses_delete(service, operation) else run()

    # ------------------------------------------------------------ schedules
    def _sweep(self) -> None:
        """Every minute in which something is due, or numbers are looked at; another sweep would
        look and do nothing."""
        self.stage.town.in_(60, "sweep", self._sweep)
        table = stored_table(self.stage.scene.stack.table_name)
        due = [int(item.attrs["due_at"].value) for item in holding(table, "due_shard")]
        now = self.stage.clock.now()
        if now.minute % 10 == NUMBERS_AT or (due and min(due) <= now.timestamp()):
            self._run("Sweep")

    def _map(self) -> None:
        """Every half hour of the selling day."""
        if self.stage.clock.now() < self._map_until:
            self.stage.town.in_(1800, "map", self._map)
        self._run("AgentMapping")

    def _run(self, function: str) -> None:
        try:
            self.stage.scene.stack.call(function, {})
        except FunctionFailedError:
            return  # killed, or out of time: the next turn is the retry

    # ------------------------------------------------------------ watching over it
    def look_after(self) -> None:
        """Nothing was refused by a role, nothing personal was logged; what is done is let go."""
        stack = self.stage.scene.stack
        functions: set[Function] = {*stack.functions.values(), *self.stage.senders}
        for function in functions:
            refused = [call for call in function.calls if call.verdict.denied]
            if refused:
                raise RuntimeError(f"{function.name} may not {refused[0].operation}")
            keep(function.name, function.calls)
            function.calls.clear()
        stack.assert_nothing_personal()
        for function in functions:
            function.logs.clear()


def _nothing() -> None:
    return None
