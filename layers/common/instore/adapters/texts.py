"""Texts of the SMS line in the table: one item each, written before Twilio is asked.

Every write after the first is conditional on the revision read: that is the claim, and that is why
a callback, a sender and a sweep which meet do not undo one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..directory import pointer_from, pointer_item
from ..errors import BadInputError, UnavailableError
from ..line_text import Draft, Purpose, Text, TextState, Word
from ..model import Phone, as_stored, due_shard, epoch, from_epoch, from_iso, iso, maybe_iso
from .table import Done, Item, Table, setting

SK = "TEXT"
LINE, ANSWERS = "TEXT", "ANSWER"  # of the `due` index; the latter for what somebody waits for
KEPT = timedelta(days=35)
_TRIES = 3


class Texts:
    """What texting.py, statuses.py and an erasure do to TEXT items; docs/data-model.md, text."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, draft: Draft, *, now: datetime, due_at: datetime) -> tuple[Text, bool]:
        """Write down that this text is to go, unless it is written already: the text as it stands,
        and whether it is new. One request. `due_at`: when the sweep takes it up."""
        text = Text(
            id=draft.id, rev=1, state=TextState.INTENDED, purpose=draft.purpose,
            banner=draft.banner, customer=draft.customer, sender=draft.sender, to=draft.to,
            body=draft.body, media=draft.media, pointer=draft.pointer, service=draft.service,
            conversation=draft.conversation, asked_at=draft.asked_at, due_at=due_at,
            created_at=as_stored(now),
        )  # fmt: skip
        written = self._table.put(
            {"pk": f"TEXT#{text.id}", "sk": SK, **text_item(text)},
            condition="attribute_not_exists(pk)",
        )
        if isinstance(written, Done) or written.item is None:
            return text, True
        return text_from(written.item), False

    def get(self, text: str) -> Text | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(f"TEXT#{text}", SK)
        return text_from(item) if item else None

    def get_many(self, texts: Iterable[str]) -> dict[str, Text | None]:
        """Strongly consistent, a hundred a request. None: an item this version cannot read; so one
        of them does not take the others along. Left out: unknown ids."""
        found = self._table.get_many([(f"TEXT#{text}", SK) for text in texts])
        return {key[0].removeprefix("TEXT#"): _readable(item) for key, item in found.items()}

    def due(self, *, now: datetime, shard: int, limit: int) -> list[tuple[str, int]]:
        """Ids of what is due in one of the shards with its due time: what somebody waits for, then
        the rest, each oldest first and at most `limit`. A Query for each."""
        found = [key for line in (ANSWERS, LINE)
                 for key in self._table.due(f"{line}#{shard}", until=epoch(now), limit=limit)]  # fmt: skip
        return [(key["pk"].removeprefix("TEXT#"), int(key["due_at"])) for key in found]

    def save(self, changed: Text, *, before: Text) -> Text | None:
        """Store a text changed since it was read as `before`. None: somebody else wrote in between.
        One request."""
        changed = replace(changed, rev=before.rev + 1)
        old, new = text_item(before), text_item(changed)
        changes = {name: new.get(name) for name in {**old, **new}
                   if new.get(name) != old.get(name)}  # fmt: skip
        update = setting(changes)
        written = self._table.update(
            f"TEXT#{before.id}", SK, condition="rev = :seen",
            **{**update, "values": {**update["values"], "seen": before.rev}},
        )  # fmt: skip
        return changed if isinstance(written, Done) else None

    def of(self, customer: str) -> list[Text]:
        """A customer's texts, oldest first: one query, then their items."""
        return [text_from(item) for item in self.held(customer)]

    def held(self, customer: str) -> list[Item]:
        """A customer's texts as stored, oldest first."""
        return self._table.held_of(customer, sk=SK)

    def empty(self, customer: str, *, until: datetime) -> int:
        """See erasing.Records. What Twilio may have stays known by its id, without number and words:
        a lost one is then not looked for any more, only heard of."""
        emptied = 0
        for item in self.held(customer):
            text: Text | None = text_from(item)
            for _ in range(_TRIES):
                if text is None or text.created_at > until or not (text.to or text.body):
                    break
                saved = self.save(text.erased(), before=text)
                if saved is not None:
                    emptied += 1
                    break
                text = self.get(text.id)
            else:
                raise UnavailableError("the text keeps changing", code="text_contended")
        return emptied

    def lose_number(self, number: Phone, *, code: int | None, now: datetime) -> None:
        """Note beside a number of ours that Twilio no longer sends from it, and since when."""
        self._table.update(
            f"LINE#{number.e164}", "LOST", "SET lost_at = if_not_exists(lost_at, :at), code = :code",
            values={"at": iso(now), "code": code or 0},
        )  # fmt: skip


def text_item(text: Text) -> Item:
    """The attributes of a text, keys excepted; empty ones are absent."""
    line = ANSWERS if text.is_awaited else LINE
    item = {
        "id": text.id, "rev": text.rev, "state": text.state.value, "purpose": text.purpose.value,
        "banner": text.banner, "customer": text.customer, "sender": text.sender.e164,
        "created_at": iso(text.created_at), "to": text.to.e164 if text.to else None,
        "body": text.body, "media": list(text.media),
        **(pointer_item(text.pointer) if text.pointer else {}),
        "conversation": text.conversation, "service": text.service,
        "asked_at": maybe_iso(text.asked_at), "claimed_at": maybe_iso(text.claimed_at),
        "reason": text.reason, "until": epoch(text.until) if text.until else None,
        "sid": text.sid, "code": text.code, "guessed": text.guessed or None,
        "tries": text.tries or None,
        "history": [[word.status.value, word.code, iso(word.at)] for word in text.history],
        # By customer: the sweep takes shards side by side, and a customer's texts in their order.
        "due_shard": due_shard(text.customer, line=line) if text.due_at else None,
        "due_at": epoch(text.due_at) if text.due_at else None,
        "expires_at": epoch(text.created_at + KEPT),
    }  # fmt: skip
    return {name: value for name, value in item.items() if value not in (None, "", [])}


def text_from(item: Mapping[str, Any]) -> Text:
    """Inverse of `text_item`."""
    return Text(
        id=item["id"], rev=item["rev"], state=TextState(item["state"]),
        purpose=Purpose(item["purpose"]), banner=item["banner"], customer=item["customer"],
        sender=Phone(item["sender"]), created_at=from_iso(item["created_at"]),
        to=Phone(item["to"]) if item.get("to") else None, body=item.get("body", ""),
        media=tuple(item.get("media", ())),
        pointer=pointer_from(item) if item.get("agent") else None,
        conversation=item.get("conversation"), service=item.get("service"),
        asked_at=_at(item, "asked_at"), claimed_at=_at(item, "claimed_at"),
        reason=item.get("reason", ""),
        until=from_epoch(item["until"]) if item.get("until") else None, sid=item.get("sid"),
        history=tuple(Word(TextState(status), code, from_iso(at))
                      for status, code, at in item.get("history", ())),
        due_at=from_epoch(item["due_at"]) if item.get("due_at") else None,
        guessed=item.get("guessed", False), tries=item.get("tries", 0),
    )  # fmt: skip


def _readable(item: Mapping[str, Any]) -> Text | None:
    try:
        return text_from(item)
    except (LookupError, ValueError, TypeError, AttributeError, BadInputError):
        return None


def _at(item: Mapping[str, Any], name: str) -> datetime | None:
    return from_iso(item[name]) if item.get(name) else None
