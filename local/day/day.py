"""The day itself: who asks what when, and what is known afterwards."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ..lock import watching_everything
from .clockwork import Clockwork
from .crowd import Crowd
from .evidence import REF, Evidence, Person, Row, Text
from .plan import Ask
from .quick import holding, stored_table
from .stage import Stage

AFTER = timedelta(hours=25)  # sweeps go on so long after the last request
QUIET = timedelta(hours=2)  # and then without any trouble, so that the last repetition comes
TRIES = 8
ASKS_TWICE = 0.02  # of the requests: an app that did not see our answer
Progress = Callable[[str], None]


class Day:
    """One run: `play` fills `evidence`."""

    def __init__(self, stage: Stage, *, progress: Progress) -> None:
        self.stage, self.evidence = stage, Evidence()
        self.retried = 0
        self.crowd = Crowd(stage, self.evidence)
        self.last_ask = max(ask.at for ask in stage.plan.asks)
        self.clockwork = Clockwork(stage, on_text=self.crowd.may_reply, map_until=self.last_ask)
        self._told = ""
        self._progress = progress
        self._chance = random.Random(f"associates {stage.settings.seed}")
        self._refs: dict[str, list[str]] = {}  # Idempotency-Key -> rows
        self._ids: dict[str, tuple[str, str]] = {}  # batch id -> Idempotency-Key, login
        self._banner = {banner.name: banner for banner in stage.scene.program.banners}

    def play(self) -> Evidence:
        """From the first request to the last look, a day and an hour after the last request."""
        stage, town, end = self.stage, self.stage.town, self.last_ask + AFTER
        self._note_people()
        first: dict[str, Ask] = {}
        for ask in stage.plan.asks:
            town.at(ask.at, "people", partial(self._ask, ask, 1))
            for who, _ in ask.recipients:
                first.setdefault(who.phone, ask)
        for who in stage.plan.customers:
            if who.out_at is not None:
                ref = next(r for w, r in first[who.phone].recipients if w is who)
                town.at(who.out_at, "people", partial(self._opt_out, who, ref))
        town.in_(600, "watch", self._watch)
        self.clockwork.start()
        stage.trouble.on = True
        with watching_everything(self.clockwork.losing_deletes):
            town.run(until=end)
            stage.trouble.on = False
            town.run(until=end + QUIET)
        town.after_each = _nothing
        self._collect()
        return self.evidence

    def _note_people(self) -> None:
        for who in self.stage.plan.customers:
            self.evidence.people[who.phone] = Person(
                {} if who.kind == "toll-free" else dict(who.consents), zone=who.zone,
                postal_code=who.postal_code,
                out_at=self.stage.clock.now() if who.kind == "out before" else None,
            )  # fmt: skip

    def _opt_out(self, who: Any, ref: str) -> None:
        if ref in self.evidence.rows:
            self.crowd.opt_out(who, self.evidence.rows[ref])
        else:  # the associate has not come to it yet
            self.stage.town.in_(60, "people", partial(self._opt_out, who, ref))

    # ------------------------------------------------------------ associates ask
    def _ask(self, ask: Ask, attempt: int) -> None:
        """One request; on a 5xx the same again with the same key, waiting twice as long."""
        if attempt == 1:
            self._expect(ask)
        banner = self._banner[ask.clerk.shop.banner]
        body = {"template": ask.template, "recipients": [
            {"phone": who.phone,
             "variables": variables(ask, label=banner.label or banner.name, ref=ref)}
            for who, ref in ask.recipients]}  # fmt: skip
        answer = self.stage.ask("POST", "/outreach", login=ask.clerk.login, body=body, key=ask.key)
        if answer.status_code >= 500 and attempt < TRIES:
            self.retried += 1
            self.stage.town.in_(2.0**attempt, "people", partial(self._ask, ask, attempt + 1))
            return
        document = answer.json()
        if "rows" not in document:
            raise RuntimeError(f"{ask.key} was answered {answer.status_code}: {document}")
        self._note_answer(ask, document)
        if attempt == 1 and self._chance.random() < ASKS_TWICE:
            self.stage.town.in_(5.0, "people", partial(self._ask, ask, 2))

    def _expect(self, ask: Ask) -> None:
        place, banner = ask.clerk.shop.place, self._banner[ask.clerk.shop.banner]
        self._refs[ask.key] = [ref for _, ref in ask.recipients]
        for who, ref in ask.recipients:
            self.evidence.rows[ref] = Row(
                ref, ask.key, ask.clerk.login, banner.name, banner.number.outbound, place.zone,
                place.state, place.country, who.phone, ask.template, self.stage.clock.now(),
                "unanswered",
            )  # fmt: skip

    def _note_answer(self, ask: Ask, document: Any) -> None:
        told = [(r["status"], r.get("reason"), r.get("until"), r.get("rule"))
                for r in document["rows"]]  # fmt: skip
        answers = self.evidence.answers.setdefault(ask.key, [])
        answers.append(json.dumps(told))
        if len(answers) > 1:
            return
        self._ids[document["id"]] = ask.key, ask.clerk.login
        for ref, (verdict, reason, until, _) in zip(self._refs[ask.key], told, strict=True):
            row = self.evidence.rows[ref]
            row.answered_at, row.verdict = self.stage.clock.now(), verdict
            row.reason = reason or ""
            row.until = datetime.fromisoformat(until) if until and verdict == "deferred" else None

    def _watch(self) -> None:
        """A line every ten minutes, while there is something new to tell."""
        stage = self.stage
        stage.town.in_(600, "watch", self._watch)
        gone = sum(len(campaign.recipients) for campaign in stage.scene.sim.campaigns)
        taken = sum(r.verdict in ("accepted", "deferred") for r in self.evidence.rows.values())
        told = (
            f"asked {len(self.evidence.rows):,}  taken {taken:,}  at the vendor {gone:,}  "
            f"conversations {self.crowd.replies:,}  kills {stage.trouble.kills.total()}"
        )
        if told != self._told or stage.clock.now().minute < 10:  # and a sign of life every hour
            self._progress(f"{stage.clock.now():%a %H:%M} UTC  {told}")
        self._told = told
        self.clockwork.look_after()

    # ------------------------------------------------------------ afterwards
    def _collect(self) -> None:
        stage, evidence = self.stage, self.evidence
        sim = stage.scene.sim
        evidence.texts = [Text(t.at, t.phone, t.sender, t.body, t.campaign)
                          for t in sim.world.handsets if t.kind == "campaign"]  # fmt: skip
        evidence.letters, evidence.bot = dict(stage.letters), self.clockwork.bot
        evidence.created = {campaign.name: campaign.created for campaign in sim.campaigns}
        for campaign in sim.campaigns:
            for ref in (ref for one in campaign.recipients for ref in REF.findall(one.text)):
                evidence.taken.setdefault(ref, []).append(campaign.name)
        for conversation in sim.world.conversations.values():
            if conversation.ended is not None:
                evidence.closed.setdefault(conversation.phone, []).append(conversation.ended)
        outreach = stage.scene.program.outreach
        hours = outreach.associate_window
        evidence.lease_hours, evidence.per_day = outreach.lease_hours, outreach.per_associate_day
        evidence.window = f"{hours.start:%H:%M}", f"{hours.end:%H:%M}"
        for batch_id, (key, login) in self._ids.items():
            self._read_final(batch_id, key=key, login=login)
        table = stored_table(stage.scene.stack.table_name)
        left = [str(item.attrs["pk"].value) for item in holding(table, "due_shard")]
        evidence.stuck += sorted(pk for pk in left if pk.startswith("BATCH#"))
        evidence.stuck += [queue for queue in ("OutreachQueue", "AssignmentQueue")
                           if self.clockwork.visible_at(queue) is not None]  # fmt: skip

    def _read_final(self, batch_id: str, *, key: str, login: str) -> None:
        document = self.stage.ask("GET", f"/outreach/{batch_id}", login=login).json()
        for ref, row in zip(self._refs[key], document["rows"], strict=True):
            kept = self.evidence.rows[ref]
            kept.final, kept.final_reason = row["status"], row.get("reason") or ""
        if document["state"] != "closed":
            self.evidence.stuck.append(f"batch {key} {document['state']}")


def variables(ask: Ask, *, label: str, ref: str) -> list[str]:
    """The template's variables; the last one ends with the row's own reference."""
    named = f"{label}, ref {ref}"
    return [named] if ask.template == "sale" else [ask.clerk.nickname, named]


def _nothing() -> None:
    return None
