"""The customer was on the phone before: which branch they had called, and who is told so.

A call whose offer to text was accepted stands on the customer for a day (deflected.py). The first
conversation after it is led to the branch's skill, and counted; its agents read why. Who begins a
later one by text, without a call, is counted as coming back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .deflected import Deflected, comes_back, standing
from .model import Channel
from .routing_case import CalledBranch

if TYPE_CHECKING:
    from .adapters.calls import Calls
    from .consent import Customer
    from .program_line import Branch
    from .routing_flow import Turn


@dataclass(frozen=True, slots=True)
class Called:
    """The call this conversation follows: what stands on the customer, and the program's branch."""

    deflected: Deflected
    branch: Branch
    customer: str

    @property
    def case(self) -> CalledBranch:
        """What the decision needs of it. The skill is the program's of now, the intent the call's."""
        return CalledBranch(self.branch.name, self.branch.skill, self.deflected.intent)

    @property
    def note(self) -> str:
        """What the agents read, and the customer does not."""
        when = self.deflected.at.astimezone(UTC)
        return (f"Was on the phone at {when:%Y-%m-%d %H:%M} UTC and took a text instead of waiting. "
                f"Called: {self.branch.name} ({self.deflected.intent}).")  # fmt: skip


def find_call(
    turn: Turn, *, customer: Customer | None, calls: Calls, now: datetime
) -> Called | None:
    """The call this conversation follows, noted as its own and counted, or None.

    No request unless there is one: then one transaction, once. A branch that is no longer in the
    program leads nowhere.
    """
    deflected = standing(customer, banner=turn.banner.name, conversation=_name(turn),
                         new_round=turn.is_new_round, now=now)  # fmt: skip
    branch = _branch(turn, deflected)
    if customer is None or deflected is None or branch is None:
        return None
    if deflected.used is None and not calls.begin_conversation(
        customer.id, deflected=deflected, banner=turn.banner.name, store=branch.store,
        conversation=_name(turn), now=now,
    ):  # fmt: skip
        return None  # another conversation of theirs was first
    return Called(deflected, branch, customer.id)


def count_repeat(turn: Turn, *, customer: Customer | None, calls: Calls, now: datetime) -> None:
    """Count a customer who texted after a call and begins again by text. No request unless so; then
    one PutItem, whose key makes it count once."""
    before = customer.deflected.get(turn.banner.name) if customer else None
    branch = _branch(turn, before)
    talk = turn.conversation
    if customer is None or branch is None or talk.turn or talk.channel is not Channel.SMS:
        return
    found = comes_back(customer, banner=turn.banner.name, conversation=_name(turn),
                       days=branch.repeat_days, now=now)  # fmt: skip
    if found is not None:
        calls.measure_repeat(_name(turn), deflected=found, banner=turn.banner.name,
                             store=branch.store, began_at=talk.created_at)  # fmt: skip


def _branch(turn: Turn, deflected: Deflected | None) -> Branch | None:
    line = turn.program.line
    branch = line.branch(deflected.branch) if line and deflected else None
    return branch if branch and branch.banner == turn.banner.name else None


def _name(turn: Turn) -> str:
    return f"{turn.conversation.account}#{turn.conversation.id}"
