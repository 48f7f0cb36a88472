"""Conversations in the table: created once, answered once a turn.

docs/data-model.md, "conversation". What agent_assigned adds is in conversation_changes.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from ..conversation import KEPT, Answer, Conversation, State, decided_on
from ..directory import pointer_from, pointer_item
from ..model import Channel, due_shard, epoch, from_iso, iso
from .table import Item, Refused, Table, setting

SK = "CONVERSATION"


class Conversations:
    """Reads and writes of the routing bot. Every write carries its condition."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, conversation: Conversation) -> bool:
        """One PutItem. False when it exists already, which is left exactly as it is.

        One that has expired, or that another bot of the account opened, is begun anew.
        """
        item: Item = {
            **_key(conversation.account, conversation.id),
            "account": conversation.account, "conversation": conversation.id,
            "banner": conversation.banner, "bot": conversation.bot,
            "customer": conversation.customer, "phone": conversation.phone,
            "consumer": conversation.consumer, "channel": conversation.channel.value,
            "language": conversation.language,
            "campaign_skill_id": conversation.campaign_skill_id,
            "attributes": conversation.attributes or None, "line": conversation.line,
            "created_at": iso(conversation.created_at),
            "expires_at": epoch(conversation.created_at + KEPT),
            "state": conversation.state.value, "turn": 0, "round": 0, "asked": 0,
        }  # fmt: skip
        return not isinstance(self._table.put(
            item, condition="attribute_not_exists(pk) OR expires_at <= :now OR bot <> :bot",
            values={"now": epoch(conversation.created_at), "bot": conversation.bot},
        ), Refused)  # fmt: skip

    def get(
        self, account: str, *, conversation: str, bot: str, now: datetime
    ) -> Conversation | None:
        """What this bot knows of it: one strongly consistent GetItem. None once it has expired."""
        key = _key(account, conversation)
        item = self._table.get(key["pk"], key["sk"])
        if item is None or item["expires_at"] <= epoch(now) or item["bot"] != bot:
            return None
        return read_conversation(item)

    def stored(self, account: str, *, conversation: str) -> Item | None:
        """The whole item, receipt included, whichever bot has it. One GetItem, not the strong
        kind: nothing is decided on it."""
        key = _key(account, conversation)
        return self._table.get(key["pk"], key["sk"], consistent=False)

    def decided(self, shard: str) -> list[tuple[str, str]]:
        """Keys of the conversations decided on a day, one shard of ten (`2026-11-21#7`)."""
        return [(item["pk"], item["sk"]) for item in self._table.decided(shard)]

    def receipts(self, keys: Iterable[tuple[str, str]]) -> list[Item]:
        """Receipts with what is needed to replay them: account, conversation, banner, outcome."""
        names = ("account", "conversation", "banner", "outcome", "receipt")
        return list(self._table.get_many(keys, attributes=names).values())

    def look_up(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Item]:
        """Customer, misses and keywords of one event in one BatchGetItem; absent left out."""
        return self._table.get_many(keys)

    def keep_answer(
        self, conversation: Conversation, *, answer: Answer, now: datetime
    ) -> Conversation | None:
        """One UpdateItem, if nobody has answered since `conversation` was read.

        Returns the conversation that stands afterwards: with our answer, or with the winner's.
        None: it vanished meanwhile.
        """
        wait = conversation.wait + answer.waiting
        key = _key(conversation.account, conversation.id)
        new: dict[str, Any] = {
            "state": answer.state.value, "answer": answer.text, "answer_at": iso(now),
            "answer_seq": conversation.last_number(answer),
            "answer_dialog": answer.dialog or conversation.answer_dialog,
            "stop": answer.stop or conversation.stop,
            "outcome": answer.outcome, "round": answer.round, "asked": answer.asked,
            "turn": conversation.turn + 1, "expires_at": epoch(now + KEPT),
            "wanted": pointer_item(answer.wanted) if answer.wanted else None,
            "choice": pointer_item(answer.choice) if answer.choice else None,
            "target": answer.target,
            "waiting": answer.waiting or None,
            "waiting_since": iso(now) if answer.waiting else None,
            "wait": wait or None,
            "customer": answer.customer or conversation.customer,
            "phone": answer.phone or conversation.phone,
        }  # fmt: skip
        if answer.alarm_at is not None:
            # Else left alone: an unsettled notice may be due, and the sweep clears what is not.
            new |= {"due_shard": due_shard(key["pk"]), "due_at": epoch(answer.alarm_at)}
        if answer.receipt is not None:
            # An answer that decides nothing (a STOP, say) leaves the last decision explained.
            new |= {"receipt": answer.receipt, "decided_on": decided_on(key["pk"], now=now)}
        update = setting(new)
        update["values"]["seen"] = conversation.turn
        result = self._table.update(
            key["pk"], key["sk"], **update, condition="attribute_exists(pk) AND #turn = :seen",
            returns="ALL_NEW",
        )  # fmt: skip
        if isinstance(result, Refused) and result.item is None:
            return None
        return read_conversation(result.item or {})

    @staticmethod
    def miss_key(sender: str, *, now: datetime) -> tuple[str, str]:
        """Key of a sender's misses in this clock hour. `sender` is a hash, never a number."""
        return f"CUSTOMER#{sender}", f"MISSES#{iso(now)[:13]}"

    def count_miss(self, sender: str, *, now: datetime) -> None:
        """One more name or code of this sender that nobody has; kept for two hours."""
        pk, sk = self.miss_key(sender, now=now)
        self._table.update(
            pk, sk, "SET expires_at = :until ADD misses :one",
            values={"until": epoch(now + timedelta(hours=2)), "one": 1},
        )  # fmt: skip


def read_conversation(item: Item) -> Conversation:
    """The stored item as a value."""
    return Conversation(
        account=item["account"], id=item["conversation"], banner=item["banner"], bot=item["bot"],
        channel=Channel(item["channel"]), created_at=from_iso(item["created_at"]),
        customer=item.get("customer"), phone=item.get("phone"), consumer=item.get("consumer"),
        language=item.get("language"), campaign_skill_id=item.get("campaign_skill_id"),
        attributes=item.get("attributes", {}), state=State(item["state"]),
        turn=item["turn"], round=item["round"], asked=item["asked"],
        choice=pointer_from(item["choice"]) if item.get("choice") else None,
        answer=item.get("answer"),
        answer_seq=item.get("answer_seq"), answer_dialog=item.get("answer_dialog"),
        stop=item.get("stop"), outcome=item.get("outcome"),
        answer_at=from_iso(item["answer_at"]) if "answer_at" in item else None,
        wait=item.get("wait", 0), line=item.get("line"),
    )  # fmt: skip


def _key(account: str, conversation: str) -> dict[str, str]:
    return {"pk": f"CONVERSATION#{account}#{conversation}", "sk": SK}
