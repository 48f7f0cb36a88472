"""Was it sent? Asked of outbound reporting by the name our own call carried.

LivePerson has no idempotency key and its report no telephone numbers: what can be matched is the
campaign's name, which holds the claim's token. Answers are kept for the length of one sweep, so
that a hundred batches of one call cost one question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from .delivery import Report
from .errors import VendorNotReachedError, VendorUnavailableError

if TYPE_CHECKING:
    from .adapters.liveperson import LivePerson
    from .program import Account

BEFORE = timedelta(minutes=1)  # clocks differ
BETWEEN_S = 0.11
PATIENCE_S = 15.0  # of a sweep, for questions that get no answer
FOR_OTHERS_S = 25.0  # of a sweep, for everything but going through campaigns by name
NOT_ASKED = "not_asked"
Answer = TypeVar("Answer")
AFTER = timedelta(minutes=10)  # the vendor attempts a text some time after it took the call


@dataclass(slots=True)
class Inquiry:
    """Questions to the owner account, each asked once; no more of them than time is for. `remaining`
    tells the seconds this sweep still has.

    A question that is not put any more raises VendorNotReachedError `not_asked`: no information.
    """

    liveperson: LivePerson
    owner: Account
    sleep: Callable[[float], None]
    remaining: Callable[[], float]
    _asked: bool = False
    _lost_s: float = 0.0
    _names: dict[str, str | None] = field(default_factory=dict)
    _campaigns: dict[tuple[datetime, datetime], list[str]] = field(default_factory=dict)
    _reports: dict[tuple[str, bool], dict[str, Report]] = field(default_factory=dict)

    def campaigns(self, *, start: datetime, end: datetime) -> list[str]:
        """Ids of campaigns with texts attempted in this time, in the order reported."""
        if (start, end) not in self._campaigns:
            found = self._ask(
                partial(self.liveperson.transactions, self.owner, start=start, end=end)
            )
            ids = dict.fromkeys(t.campaign_id for t in found if t.campaign_id is not None)
            self._campaigns[start, end] = list(ids)
        return self._campaigns[start, end]

    def name(self, campaign_id: str) -> str | None:
        if campaign_id not in self._names:
            if self.remaining() < FOR_OTHERS_S:
                raise VendorNotReachedError("too many campaigns to look at", code=NOT_ASKED)
            self._names[campaign_id] = self._ask(
                partial(self.liveperson.campaign_name, self.owner, campaign_id=campaign_id)
            )
        return self._names[campaign_id]

    def reports(self, campaign_id: str, *, late: bool = False) -> dict[str, Report]:
        """What is said of each text of a campaign, by the vendor's id: by its listing, which is
        there at once, or (`late`) by outbound reporting, which knows the carriers' error codes."""
        if (campaign_id, late) not in self._reports:
            ask = self.liveperson.campaign_report if late else self.liveperson.campaign_status
            listing = self._ask(partial(ask, self.owner, campaign_id=campaign_id))
            told = {t.id: Report(t.status, t.error) for t in listing}
            self._reports[campaign_id, late] = told
        return self._reports[campaign_id, late]

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        """LivePerson answers ten requests a second and API; the eleventh would be lost. One that
        lets us wait in vain is left alone until the next sweep: others wait for this one."""
        if self._lost_s >= PATIENCE_S:
            raise VendorNotReachedError("the vendor kept us waiting", code=NOT_ASKED)
        if self._asked:
            self.sleep(BETWEEN_S)
        self._asked = True
        before = self.remaining()
        try:
            return question()
        except VendorUnavailableError:
            self._lost_s += before - self.remaining()
            raise


def look_up(name: str, *, asked_at: datetime, now: datetime, inquiry: Inquiry) -> str | None:
    """The id of the campaign of this name, or None if the report has none (yet).

    Raises VendorError when the report does not answer: that is no information.
    """
    minute = asked_at.replace(second=0, microsecond=0)  # neighbours share the question
    end = min(minute + AFTER, now)
    candidates = inquiry.campaigns(start=minute - BEFORE, end=end)
    return next((found for found in candidates if inquiry.name(found) == name), None)
