"""Calls in the table, and what is counted of them. docs/data-model.md, "call" and "measured".

What must agree is written together: a call and that it was offered; the digit, the consent it gives,
what stands on the customer and that it was accepted. Each happens once, however often Twilio asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from ..call import FINISH_AFTER, KEPT, Call
from ..consent import ConsentClass, Customer
from ..deflected import Deflected, accepted, begun, deflected_item, texts_since
from ..deflection import MAY_ACCEPT, CallState, Passed
from ..measured import KEPT as MEASURED_KEPT
from ..measured import Kind, Measured, day_key, day_of
from ..model import Phone, as_stored, due_shard, epoch, from_iso, iso
from ..relay_state import RelayLine
from .consents import Along, Consents
from .customer_items import customer_from, customer_key
from .line_items import from_item as line_from
from .line_items import number_key
from .table import Done, Item, Table

SK = "CALL"
_NEW = "attribute_not_exists(pk)"
_STILL_OFFERED = "#state IN (:offered, :hung_up)"
_STILL = {"offered": CallState.OFFERED, "hung_up": CallState.HUNG_UP}


class _TextedEnough(Exception):
    """This caller had as many first texts as the branch allows."""


class Calls:
    """Every write carries its condition; what was first stays."""

    def __init__(self, table: Table) -> None:
        self._table, self._consents = table, Consents(table)

    def get(self, sid: str) -> Call | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(*call_key(sid))
        return call_from(item) if item else None

    def who_calls(
        self, customer: str, *, phone: Phone
    ) -> tuple[Customer | None, RelayLine | None]:  # fmt: skip
        """Who has this number: a customer, if known, or an associate of ours. One BatchGetItem."""
        keys = customer_key(customer), number_key(phone)
        known, line = map(self._table.get_many(keys).get, keys)
        return (customer_from(known) if known else None,
                line_from(line).line() if line else None)  # fmt: skip

    def open(self, call: Call) -> Call:
        """Note a call and that it was offered or passed; the one that was noted first.

        One transaction; a repeated webhook reads the call instead.
        """
        kind = Kind.PASSED if call.state is CallState.PASSED else Kind.OFFERED
        measured = _of(call, kind=kind, at=call.at, how=call.reason)
        if self._table.transact([
            self._table.put_action(_item(call), condition=_NEW),
            self._table.put_action(_measured(measured), condition=_NEW),
        ]):  # fmt: skip
            return call
        return self.get(call.sid) or call

    def accept(
        self, call: Call, *, phone: Phone, wording: str, country: str, now: datetime,
        most_texts: int,
    ) -> Call:  # fmt: skip
        """The caller pressed the digit: consent, what stands on the customer, call and measure in one
        transaction with the entry of the ledger. The call as it stands, also if somebody else took
        the same digit. Raises UnavailableError.

        Calls that were offered at the same time could be more than `most_texts` a day, and the
        number they come from is only told: such a call ends `not_texted`, `texted_enough`.
        """
        assert call.customer is not None
        at = as_stored(now)
        along = Along(
            lambda entry: self._taking(call, entry=entry, at=at),
            lambda known: _standing_after(call, known, at=at, most_texts=most_texts),
            lambda: self._is_past_the_offer(call),
        )
        try:
            self._consents.record(
                call.customer, phone=phone, banner=call.banner, wording=wording, method="call",
                consent_class=ConsentClass.ONE_TO_ONE, evidence=call.sid, who="customer", at=at,
                now=now, country=country, along=along,
            )  # fmt: skip
        except _TextedEnough:
            self._table.update(
                *call_key(call.sid), "SET #state = :ended, reason = :why, told = :told",
                condition=_STILL_OFFERED, names={"state": "state"},
                values={"ended": CallState.NOT_TEXTED, "why": Passed.TEXTED_ENOUGH,
                        "told": "call_not_texted", **_STILL},
            )  # fmt: skip
        return self.get(call.sid) or call

    def _taking(self, call: Call, *, entry: int, at: datetime) -> list[Mapping[str, Any]]:
        """What is written beside the `entry` of the ledger: the digit, and its measure."""
        key = call_key(call.sid)
        taken = self._table.update_action(
            *key, "SET #state = :accepted, accepted_at = :at, consent = :entry, "
            "due_shard = :shard, due_at = :due REMOVE reason",
            condition=_STILL_OFFERED, names={"state": "state"},
            values={"accepted": CallState.ACCEPTED, "at": iso(at), "entry": entry,
                    "shard": due_shard(key[0]), "due": epoch(at + FINISH_AFTER), **_STILL},
        )  # fmt: skip
        measured = _measured(_of(call, kind=Kind.ACCEPTED, at=at))
        return [taken, self._table.put_action(measured, condition=_NEW)]

    def _is_past_the_offer(self, call: Call) -> bool:
        stored = self.get(call.sid)
        return stored is None or stored.state not in MAY_ACCEPT

    def end(self, call: Call, *, state: CallState) -> bool:
        """The offer was not taken up. False: the call is past that already."""
        return isinstance(self._table.update(
            *call_key(call.sid), "SET #state = :state", condition="#state = :offered",
            names={"state": "state"}, values={"state": state, "offered": CallState.OFFERED},
        ), Done)  # fmt: skip

    def finish(self, call: Call, *, state: CallState, told: str, reason: str = "") -> Call:
        """What was promised is done, or cannot be: nothing is due any more. First the measure, then
        the call, so that stopped in between it is finished again."""
        if state is not CallState.NOT_TEXTED:
            how = "push" if state is CallState.PUSHED else "text"
            self._measure(_of(call, kind=Kind.TEXTED, at=call.accepted_at or call.at, how=how))
        return self._settle(
            call, "SET #state = :state, told = if_not_exists(told, :told), reason = :reason "
            "REMOVE due_shard, due_at", told=told, state=state, reason=reason or state,
        )  # fmt: skip

    def look_again(self, call: Call, *, told: str, due_at: datetime) -> Call:
        """The text is on its way as far as is known; the sweep asks what became of it."""
        return self._settle(
            call, "SET told = if_not_exists(told, :told), due_at = :due, due_shard = :shard",
            told=told, due=epoch(due_at), shard=due_shard(call_key(call.sid)[0]),
        )  # fmt: skip

    def leave_push(self, call: Call) -> Call:
        """No push has gone, and none will: a text does."""
        return self._settle(call, "SET by_text = :yes", yes=True)

    def _settle(self, call: Call, expression: str, **values: Any) -> Call:
        stored = self._table.update(
            *call_key(call.sid), expression, condition="#state = :accepted",
            names={"state": "state"}, values={**values, "accepted": CallState.ACCEPTED},
            returns="ALL_NEW",
        )  # fmt: skip
        return call_from(stored.item) if stored.item else call

    # ------------------------------------------------------------ the conversation that follows

    def begin_conversation(
        self, customer: str, *, deflected: Deflected, banner: str, store: str | None,
        conversation: str, now: datetime,
    ) -> bool:  # fmt: skip
        """This conversation follows that call: said on the customer, and measured, together. False:
        another conversation was first, or a newer call stands there.

        One transaction; a conversation that has it already reads the customer instead.
        """
        used = begun(deflected, conversation=conversation, at=now)
        done = self._table.transact([
            self._table.update_action(
                *customer_key(customer),
                "SET deflected.#banner.used = :used, deflected.#banner.used_at = :at ADD rev :one",
                condition="deflected.#banner.#call = :call AND "
                          "attribute_not_exists(deflected.#banner.used)",
                names={"banner": banner, "call": "call"},
                values={"used": used.used, "at": iso(now), "call": deflected.call, "one": 1},
            ),
            self._table.put_action(_measured(Measured(
                Kind.STARTED, deflected.call, now, banner, deflected.branch, store=store,
                again=deflected.before is not None,
            )), condition=_NEW),
        ])  # fmt: skip
        if done:
            return True
        item = self._table.get(*customer_key(customer))
        stands = customer_from(item).deflected.get(banner) if item else None
        return stands is not None and (stands.call, stands.used) == (deflected.call, conversation)

    def measure_repeat(
        self,
        conversation: str,
        *,
        deflected: Deflected,
        banner: str,
        store: str | None,
        began_at: datetime,
    ) -> None:
        """Somebody who texted after a call comes back by text. One PutItem; `conversation` is
        `<account>#<id>`, began `began_at`, and counts once."""
        self._measure(Measured(Kind.REPEAT, conversation, began_at, banner, deflected.branch,
                               store=store))  # fmt: skip

    def held(self, customer: str) -> list[Item]:
        """A customer's calls as stored, oldest first."""
        return self._table.held_of(customer, sk=SK)

    def empty(self, customer: str, *, until: datetime) -> int:
        """See erasing.Records. A call says nothing of its customer's; what its digit promised and is
        still to happen is called off."""
        due = [call for call in map(call_from, self.held(customer))
               if call.state is CallState.ACCEPTED and call.at <= until]  # fmt: skip
        for call in due:
            self.finish(call, state=CallState.NOT_TEXTED, told="call_not_texted", reason="erased")
        return len(due)

    def of_day(self, banner: str, *, day: date) -> Iterable[Measured]:
        """Everything measured of a banner on a UTC day: one Query."""
        return [_read(item) for item in self._table.query(day_key(banner, day=day))]

    def _measure(self, measured: Measured) -> None:
        self._table.put(_measured(measured), condition=_NEW)


def call_key(sid: str) -> tuple[str, str]:
    """pk and sk of a call's item."""
    return f"CALL#{sid}", SK


def _item(call: Call) -> Item:
    pk, sk = call_key(call.sid)
    return {
        "pk": pk, "sk": sk, "sid": call.sid, "banner": call.banner, "branch": call.branch,
        "intent": call.intent, "state": call.state, "at": iso(call.at),
        "created_at": iso(call.at), "customer": call.customer, "store": call.store,
        "reason": call.reason, "again": call.again or None,
        "expires_at": epoch(call.at + KEPT),
    }  # fmt: skip


def call_from(item: Mapping[str, Any]) -> Call:
    """The stored call as a value."""
    return Call(
        item["sid"], item["banner"], item["branch"], item["intent"], CallState(item["state"]),
        from_iso(item["at"]), item.get("customer"), item.get("store"), item.get("reason"),
        item.get("again", False),
        from_iso(item["accepted_at"]) if "accepted_at" in item else None, item.get("consent"),
        item.get("told"), item.get("by_text", False), item.get("due_at"),
    )  # fmt: skip


def _standing_after(
    call: Call, known: Customer, *, at: datetime, most_texts: int
) -> Mapping[str, Any]:
    """What stands on the customer once the digit of this call was pressed. Raises _TextedEnough."""
    if known.is_erased:
        return {}
    had = known.deflected.get(call.banner)
    is_new = had is None or had.call != call.sid
    if is_new and len(texts_since(had, now=at)) >= most_texts:
        raise _TextedEnough
    mine = accepted(had, branch=call.branch, intent=call.intent, call=call.sid, at=at)
    every = {**known.deflected, call.banner: mine}
    return {"deflected": {name: deflected_item(one) for name, one in every.items()}}


def _of(call: Call, *, kind: Kind, at: datetime, how: str | None = None) -> Measured:
    return Measured(kind, call.sid, at, call.banner, call.branch, store=call.store,
                    how=how, again=call.again)  # fmt: skip


def _measured(measured: Measured) -> Item:
    return {
        "pk": day_key(measured.banner, day=day_of(measured.at)),
        "sk": f"{measured.kind}#{measured.name}", "kind": measured.kind, "name": measured.name,
        "at": iso(measured.at), "banner": measured.banner, "branch": measured.branch,
        "store": measured.store, "how": measured.how,
        "again": measured.again or None, "expires_at": epoch(measured.at + MEASURED_KEPT),
    }  # fmt: skip


def _read(item: Mapping[str, Any]) -> Measured:
    return Measured(
        Kind(item["kind"]), item["name"], from_iso(item["at"]), item["banner"], item["branch"],
        item.get("store"), item.get("how"), item.get("again", False),
    )  # fmt: skip
