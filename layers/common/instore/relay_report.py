"""What became of one request about a relay number, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .model import Phone
from .relay_state import Activation, LineState


class Outcome(StrEnum):
    """`pending` is the only one after which the same request is tried again by itself."""

    DONE = "done"
    ALREADY = "already"  # it is so since before
    WOULD = "would"  # a dry run: it would be done
    PENDING = "pending"
    REFUSED = "refused"


# Why -> a sentence. Those of `pending` end with what happens next.
SENTENCES: Mapping[str, str] = {
    "line_off": "The program has no SMS line, or it is switched off for this banner.",
    "number_shared": "Associates of this banner share one number: number.strategy is not relay.",
    "unknown_associate": "Nobody with this login is in the agent map.",
    "associate_disabled": "The associate's login is disabled in LivePerson.",
    "no_number": "Neither the store's area code, nor its neighbours, nor the region has a number "
    "for sale that can text and be called.",
    "pool_full": "The pool holds as many numbers as the program allows (most_numbers, or "
    "senders_per_service in every messaging service).",
    "being_released": "Their number is being given back to Twilio; ask again when that is done.",
    "bought_elsewhere": "A purchase for this associate is under way; looked at again in a minute.",
    "unclear": "Twilio's answer to a purchase was lost; it is looked for under its tag, and only "
    "bought again when it is certain that it was not.",
    "other_account": "Their number was bought at another Twilio account than the program's: deactivate "
    "and release it first, or have Twilio move it to this one.",
    "account_closed": "The Twilio account of their number no longer lets us in: put its secret back, or "
    "release the number at Twilio.",
    "overtaken": "Something else was asked for about this number later: that counts.",
    "has_another": "Somebody with this login has a number as another agent, from before they moved: "
    "deactivate that one first.",
    "other_banner": "Their number belongs to another banner: deactivate and release it first.",
    "cannot_text": "Twilio says that their number can no longer text: deactivate it, and release it "
    "before they get another.",
    "sold_meanwhile": "Every number offered was sold before it could be bought; tried again in a "
    "minute.",
    "vendor_away": "Twilio did not answer or was busy; tried again in a minute.",
    "gave_up": "It was tried again and again, and the run ended. Ask again: nothing is bought "
    "twice.",
    "twilio_refused": "Twilio refused; see its code.",
    "no_time": "The time of this invocation was over; the next one goes on.",
    "no_line": "They have no relay number.",
    "still_active": "The number is in use: deactivate it first.",
    "in_quarantine": "The quarantine is not over; `force` releases it all the same.",
    "no_successor": "There is no manager to hand the customers to, and nobody was named.",
    "successor_unfit": "The successor is not an enabled associate of the same banner.",
    "not_found": "The number is no longer the account's.",
    "in_use": "The number belongs to an activation and is left alone.",
    "revived": "Their own number, not released yet, is theirs again.",
    "repaired": "The number was out of service and is set up anew.",
    "withdrawn": "The wish is over: nothing was bought, or it was given back at once.",
    "adopted": "It was bought for an activation that never heard of it, and is theirs now.",
    "orphan": "It carries our tag and nobody is known to have it: POST /relay/orphans gives it back.",
    "released": "It belonged to nobody and was given back.",
}


# Refusals that an operator can mend.
_TROUBLES = frozenset({"no_number", "pool_full", "twilio_refused", "gave_up"})


@dataclass(frozen=True, slots=True)
class Report:
    """`why` is a key of SENTENCES, `near` how near the number is (relay_search.Ring), `place` where
    a dry run would buy, `again_at` when a pending one is worth another look, `code` Twilio's."""

    outcome: Outcome
    why: str | None = None
    state: LineState | None = None
    number: Phone | None = None
    near: str | None = None
    place: str | None = None
    again_at: datetime | None = None
    code: int | None = None

    def metrics(self) -> list[str]:
        """What is counted: numbers given, numbers of nobody, places that lack them or where Twilio
        refuses."""
        if self.outcome is Outcome.DONE and self.state is LineState.ACTIVE:
            return ["NumbersActivated"]
        if self.outcome is Outcome.REFUSED and self.why == "orphan":
            return ["NumbersOrphaned"]
        lacking = self.outcome is Outcome.REFUSED and self.why in _TROUBLES
        return ["NumbersLacking"] if lacking else []


def done(activation: Activation, why: str | None = None, *, near: str | None = None) -> Report:
    return Report(Outcome.DONE, why, activation.state, activation.number, near)


def already(activation: Activation) -> Report:
    return Report(Outcome.ALREADY, None, activation.state, activation.number)


def refused(why: str, activation: Activation | None = None, *, code: int | None = None) -> Report:
    if activation is None:
        return Report(Outcome.REFUSED, why, code=code)
    return Report(Outcome.REFUSED, why, activation.state, activation.number, code=code)


def pending(why: str, again_at: datetime) -> Report:
    return Report(Outcome.PENDING, why, again_at=again_at)


def sentence(why: str) -> str:
    return SENTENCES.get(why, f"`{why}`, which this version does not know.")
