"""Threads of the SMS line in the table, and the texts taken in.

docs/data-model.md, "thread". Every write of a thread is conditional on the revision read, so that
two who work on one thread at once cannot both open a conversation for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..conversation import State
from ..model import Phone, epoch, from_iso, iso
from ..thread import InboundText, Thread, ThreadState
from .table import Done, Item, Refused, Table, setting

SK = "LINE"  # beside a conversation's own item: whose thread it is
THREAD = "THREAD#"
RECEIVED = "RECEIVED#"
THREAD_KEPT = timedelta(days=400)  # of a thread without any text
RECEIVED_KEPT = timedelta(days=35)  # Twilio and the queue bring nothing again after that


@dataclass(frozen=True, slots=True)
class Taken:
    """A text was taken in, now or before. `done`: nothing is left to do for it."""

    again: bool
    done: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a conversation of the line is: the customer, and the number they text."""

    customer: str
    line: Phone


class Threads:
    """What functions/inbound_sms and functions/agent_assigned know of the line's conversations."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # ------------------------------------------------------------ texts taken in
    def take_in(
        self, customer: str, *, text: InboundText, now: datetime, for_good: bool = False
    ) -> Taken:
        """Note that this text is being worked on, `for_good` or for 35 days. One PutItem; of a text
        that came before, too."""
        pk, sk = _received_key(customer, text.sid)
        kept = {} if for_good else {"expires_at": epoch(now + RECEIVED_KEPT)}
        written = self._table.put(
            {"pk": pk, "sk": sk, "sid": text.sid, "state": "taken", "at": iso(text.at), **kept},
            condition="attribute_not_exists(pk)",
        )
        if isinstance(written, Done):
            return Taken(again=False, done=False)
        return Taken(again=True, done=(written.item or {}).get("state") == "done")

    def finish(
        self, customer: str, *, text: InboundText, what: str, conversation: str | None,
        repeated: bool,
    ) -> None:  # fmt: skip
        """All that this text asked for is done. `repeated`: LivePerson may have it twice."""
        update = setting({"state": "done", "what": what, "conversation": conversation,
                          "repeated": repeated or None})  # fmt: skip
        self._table.update(*_received_key(customer, text.sid), **update,
                           condition="attribute_exists(pk)")  # fmt: skip

    # ------------------------------------------------------------ threads
    def get(self, customer: str, *, line: Phone) -> Thread | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(*_key(customer, line))
        return None if item is None else read_thread(item)

    def save(self, thread: Thread) -> Thread | None:
        """Store a thread changed since it was read, or a new one. None: somebody else wrote it."""
        saved = replace(thread, rev=thread.rev + 1)
        pk, sk = _key(saved.customer, saved.line)
        item = {
            "pk": pk, "sk": sk, "line": saved.line.e164,
            "phone": saved.phone.e164 if saved.phone else None,
            "banner": saved.banner, "account": saved.account,
            "state": saved.state.value, "since": iso(saved.since),
            "created_at": iso(saved.created_at), "last_at": iso(saved.last_at),
            "conversation": saved.conversation, "posting": list(saved.posting) or None, "turn": saved.turn or None,
            "rev": saved.rev,
            "expires_at": epoch(saved.last_at + THREAD_KEPT),
        }  # fmt: skip
        new = thread.rev == 0
        written = self._table.put(
            item, condition="attribute_not_exists(pk)" if new else "rev = :seen",
            values=None if new else {"seen": thread.rev},
        )  # fmt: skip
        return None if isinstance(written, Refused) else saved

    # ------------------------------------------------------------ their conversations
    def own(self, thread: Thread, *, conversation: str, now: datetime) -> None:
        """Write down whose this conversation is, before anything is said in it: an answer that
        comes back must find its way. Doing it twice is harmless."""
        self._table.put({
            "pk": f"CONVERSATION#{thread.account}#{conversation}", "sk": SK,
            "account": thread.account, "conversation": conversation, "banner": thread.banner,
            "customer": thread.customer, "line": thread.line.e164, "created_at": iso(now),
            "expires_at": epoch(now + THREAD_KEPT),
        })  # fmt: skip

    def owner_of(self, account: str, *, conversation: str) -> Owner | None:
        """Whose a conversation is; None: it is none of the line. One BatchGetItem.

        Told by our own note, or by what the bot read from the engagement attributes when the
        conversation was opened: one of the two is there even if the other was never written.
        """
        pk = f"CONVERSATION#{account}#{conversation}"
        found = self._table.get_many([(pk, SK), (pk, "CONVERSATION")],
                                     attributes=("customer", "line"))  # fmt: skip
        for key in ((pk, SK), (pk, "CONVERSATION")):
            item = found.get(key, {})
            if item.get("line") and item.get("customer"):
                return Owner(item["customer"], Phone(item["line"]))
        return None

    def is_over(self, account: str, *, conversation: str) -> bool:
        """Whether the conversation is known to be closed. One GetItem."""
        item = self._table.get(f"CONVERSATION#{account}#{conversation}", "CONVERSATION")
        return item is not None and item["state"] == State.CLOSED.value

    def running(self, thread: Thread, *, since: datetime | None = None) -> str | None:
        """A conversation of this thread that was opened (not before `since`) and is not known to be
        closed, the newest: of somebody who died before they could write it down.

        From the index `customer`, which may be a moment behind.
        """
        prefix = f"CONVERSATION#{thread.account}#"
        keys = [(key["pk"], key["sk"]) for key in self._table.of_customer(thread.customer)
                if key["pk"].startswith(prefix) and key["sk"] in (SK, "CONVERSATION")]  # fmt: skip
        found = self._table.get_many(keys) if keys else {}
        over = {item["conversation"] for item in found.values()
                if item["sk"] == "CONVERSATION" and item["state"] == State.CLOSED.value}  # fmt: skip
        mine = [
            (item["created_at"], item["conversation"]) for item in found.values()
            if item.get("line") == thread.line.e164 and item["conversation"] not in over
            and (since is None or from_iso(item["created_at"]) >= since)
        ]  # fmt: skip
        return max(mine)[1] if mine else None

    # ------------------------------------------------------------ a customer's own data
    def held(self, customer: str) -> list[Item]:
        """See erasing.Records: threads, then the texts taken in during 35 days, without words."""
        return [*self._stored(customer), *self._table.query(_pk(customer), sk_prefix=RECEIVED)]

    def empty(self, customer: str, *, until: datetime) -> int:
        """See erasing.Records: whose number it was goes, where the thread runs stays, so that the
        next text finds its conversation. A text said after `until` is a new beginning."""
        mine = [item for item in self._stored(customer)
                if "phone" in item and from_iso(item["last_at"]) <= until]  # fmt: skip
        for item in mine:
            # The revision moves on: nobody who read the thread before can write the number back.
            self._table.update(item["pk"], item["sk"], "REMOVE phone ADD rev :one",
                               condition="attribute_exists(phone)", values={"one": 1})  # fmt: skip
        return len(mine)

    def _stored(self, customer: str) -> list[Item]:
        return self._table.query(_pk(customer), sk_prefix=THREAD)


def read_thread(item: Mapping[str, Any]) -> Thread:
    """The stored item as a value."""
    return Thread(
        customer=item["pk"].removeprefix("CUSTOMER#"), line=Phone(item["line"]),
        phone=Phone(item["phone"]) if "phone" in item else None, banner=item["banner"], account=item["account"],
        state=ThreadState(item["state"]), since=from_iso(item["since"]),
        created_at=from_iso(item["created_at"]), last_at=from_iso(item["last_at"]),
        conversation=item.get("conversation"), posting=tuple(item.get("posting", ())),
        turn=item.get("turn", 0), rev=item["rev"],
    )  # fmt: skip


def _pk(customer: str) -> str:
    return f"CUSTOMER#{customer}"


def _key(customer: str, line: Phone) -> tuple[str, str]:
    return _pk(customer), f"{THREAD}{line.e164}"


def _received_key(customer: str, sid: str) -> tuple[str, str]:
    return _pk(customer), f"{RECEIVED}{sid}"
