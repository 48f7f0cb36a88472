"""Relay numbers as values: one associate's own number at Twilio, from the wish to its release.

An activation is read whole, changed here by pure functions, and written whole under its revision.
From the purchase on its line (what is known by the number) is written with it, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .directory import Pointer
from .model import Phone, as_stored

# A purchase whose answer was lost is looked for under its tag; not found after this long, it was
# never made (Twilio's own time-out is about 26 s).
UNCLEAR_FOR = timedelta(seconds=60)
# Between the note that a number is about to be bought and the purchase: later than that, somebody
# else may soon hold the purchase for lost.
BUY_WITHIN = timedelta(seconds=10)
_HISTORY = 50


def is_same(one: Pointer, other: Pointer) -> bool:
    """The same associate, wherever they work by now."""
    return (one.account, one.agent_id) == (other.account, other.agent_id)


class LineState(StrEnum):
    """Where an associate's number is."""

    WANTED = "wanted"  # a place in the pool is taken, nothing was ever bought
    BUYING = "buying"  # a purchase may be under way
    ACTIVE = "active"
    QUARANTINED = "quarantined"  # texts to it reach the successor; nobody else gets it
    RELEASING = "releasing"
    RELEASED = "released"  # Twilio has it back, or no number was found


_S = LineState
LINE_NEXT: Mapping[LineState, frozenset[LineState]] = {
    _S.WANTED: frozenset({_S.WANTED, _S.BUYING, _S.RELEASED}),
    _S.BUYING: frozenset({_S.BUYING, _S.ACTIVE, _S.RELEASING, _S.RELEASED}),
    _S.ACTIVE: frozenset({_S.ACTIVE, _S.QUARANTINED, _S.RELEASED}),  # released: no longer ours
    _S.QUARANTINED: frozenset({_S.QUARANTINED, _S.ACTIVE, _S.RELEASING}),
    _S.RELEASING: frozenset({_S.RELEASED}),
    _S.RELEASED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class RelayLine:
    """One of our own numbers and whose it is.

    `pointer` is the associate as they were when it was activated (their store may have changed
    since: `stores.by_agent` knows), `service` the messaging service it sends from, `by` who
    brought about `state`, `successor` who has its customers since it was deactivated.
    """

    number: Phone
    sid: str
    pointer: Pointer
    login: str
    banner: str
    service: str | None
    state: LineState
    since: datetime
    by: str
    successor: Pointer | None
    rev: int

    @property
    def is_active(self) -> bool:
        return self.state is LineState.ACTIVE

    @property
    def is_gone(self) -> bool:
        """Whether it is no longer ours, or about to be: nothing can be sent from it."""
        return self.state in (LineState.RELEASING, LineState.RELEASED)

    @property
    def answers_to(self) -> Pointer:
        """Whom a text to this number reaches: its associate, after that the successor."""
        return self.pointer if self.is_active or self.successor is None else self.successor


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for something to become of a number, and when. The latest to be asked counts, however
    late an earlier one is worked on."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """What happened to a number, when and by whom."""

    state: LineState
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Activation:
    """An associate's relay number, wished for or had. `rev` counts its writes.

    `tag` is the FriendlyName of whatever is bought for it, `candidate` and `tried_at` the purchase
    last begun. `free_at` ends the quarantine, `handing` says that customers may still have to be
    handed over, `surplus` names numbers to be released: bought twice, or for a wish withdrawn.
    `former` are numbers they had and lost, `relieved` those who were successor before.
    `asked_at`: when what it is now was asked for; `account_sid`: the Twilio account of purchase and
    number, whatever the program names by now.
    """

    pointer: Pointer
    login: str
    banner: str
    tag: str
    state: LineState
    since: datetime
    by: str
    service: str | None = None
    candidate: Phone | None = None
    tried_at: datetime | None = None
    number: Phone | None = None
    sid: str | None = None
    successor: Pointer | None = None
    free_at: datetime | None = None
    handing: bool = False
    surplus: tuple[str, ...] = ()
    former: tuple[Phone, ...] = ()
    relieved: tuple[Pointer, ...] = ()
    history: tuple[Deed, ...] = ()
    asked_at: datetime | None = None
    account_sid: str | None = None
    rev: int = 0

    @classmethod
    def wished(
        cls, pointer: Pointer, *, login: str, banner: str, tag: str, asked: Asked, now: datetime
    ) -> Activation:
        """The beginning: somebody is to have a number."""
        at = as_stored(now)
        return cls(pointer, login, banner, tag, LineState.WANTED, at, asked.by,
                   history=(Deed(LineState.WANTED, at, asked.by),),
                   asked_at=as_stored(asked.at))  # fmt: skip

    @property
    def is_wish(self) -> bool:
        """Whether they are still waiting for a number."""
        return self.state in (LineState.WANTED, LineState.BUYING)

    def is_later_than(self, asked: Asked) -> bool:
        """Whether it is as it is because of a request made after this one."""
        return self.asked_at is not None and asked.at < self.asked_at

    def asked_again(self, asked: Asked) -> Activation:
        """What it is already is asked for once more: kept with whatever is written next."""
        later = max(as_stored(asked.at), self.asked_at or as_stored(asked.at))
        return replace(self, asked_at=later)

    def is_elsewhere(self, account_sid: str) -> bool:
        """Whether its number is at another account of Twilio's, as far as was ever noted."""
        return self.account_sid not in (None, account_sid)

    def to(self, state: LineState, *, now: datetime, asked: Asked | None = None) -> Activation:
        """The activation in its next state; who did it is kept. `asked`: the request that has it so;
        None: what follows from the one before."""
        if state not in LINE_NEXT[self.state]:
            raise ValueError(f"no way from {self.state} to {state}")
        at, who = as_stored(now), asked.by if asked else self.by
        history = (*self.history, Deed(state, at, who))[-_HISTORY:]
        return replace(self, state=state, since=at, by=who, history=history,
                       asked_at=as_stored(asked.at) if asked else self.asked_at)  # fmt: skip

    def buying(self, candidate: Phone, *, now: datetime) -> Activation:
        """About to buy this number: written before the purchase, so that it can be found again."""
        at = as_stored(now)
        if self.state is LineState.BUYING:
            return replace(self, candidate=candidate, tried_at=at)
        return replace(self.to(LineState.BUYING, now=now), candidate=candidate, tried_at=at)

    def is_unclear(self, now: datetime, *, shown: Iterable[Phone]) -> bool:
        """Whether the purchase last begun may still come true: it is not among the numbers that
        Twilio shows under the tag, and too young to be held for lost."""
        return (self.tried_at is not None and now < self.tried_at + UNCLEAR_FOR
                and self.candidate not in set(shown))  # fmt: skip

    def withdrawn(self, sids: tuple[str, ...], *, asked: Asked, now: datetime) -> Activation:
        """The wish is over; these were bought for it and are to be given back."""
        return replace(self.to(LineState.RELEASING, now=now, asked=asked), surplus=sids)

    def bought(
        self, number: Phone, *, sid: str, surplus: tuple[str, ...], now: datetime
    ) -> Activation:
        """The number is ours and set up."""
        return replace(self.to(LineState.ACTIVE, now=now), number=number, sid=sid,
                       surplus=surplus, candidate=None, tried_at=None)  # fmt: skip

    def quarantined(
        self, *, successor: Pointer | None, free_at: datetime, asked: Asked, now: datetime
    ) -> Activation:
        """The associate no longer texts from it; until `free_at` nobody may give it up."""
        relieved, before = self.relieved, self.successor
        if before is not None and before not in (successor, *relieved):
            relieved = (*relieved, before)
        return replace(self.to(LineState.QUARANTINED, now=now, asked=asked), successor=successor,
                       free_at=as_stored(free_at), handing=successor is not None,
                       relieved=relieved)  # fmt: skip

    def handed_over(self) -> Activation:
        return replace(self, handing=False)

    def revived(self, *, asked: Asked, now: datetime) -> Activation:
        """The associate is back before the number was released: it is theirs again. The customers
        stay with whom they were handed to."""
        return replace(self.to(LineState.ACTIVE, now=now, asked=asked), successor=None, free_at=None,
                       handing=False, relieved=())  # fmt: skip

    def line(self) -> RelayLine | None:
        """What is known by the number; None while there is none."""
        if self.number is None or self.sid is None:
            return None
        return RelayLine(self.number, self.sid, self.pointer, self.login, self.banner,
                         self.service, self.state, self.since, self.by, self.successor,
                         self.rev)  # fmt: skip
