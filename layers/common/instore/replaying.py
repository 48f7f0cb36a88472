"""What another program would have decided: its rules put into the case of a receipt.

A receipt holds what was known then, under the rules of then. Other rules may ask for what nobody
looked at: another resolver's answer, presence that was not asked for, how long a store had been
busy. Such a receipt is not guessed at; it is told apart, with what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from .model import Stickiness
from .program import Banner, Program
from .receipts import replays, stored_case, stored_decision
from .routing import closes_store, decide, follows_call
from .routing_case import Act, Case, Decision, Rules, Trace, Wanted, all_busy, rules_of

TOO_MANY_MISSES = "keyword: not tried, too many misses"
LIMITS = (
    "a resolver that was not asked then",
    "whom other token rules, another back end or other keywords would name: what was named stands",
    "presence that was not asked for then",
    "how long everybody had been busy, if the trigger was off then",
    "whether somebody whom LivePerson's report does not mention still exists",
    "whether a notice could have been sent, if notices were off then",
    "what was decided while routing was switched off: no receipt was written",
)


class UnknowableError(ValueError):
    """The receipt does not hold what the other program would look at."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One receipt under another program. `unknown` says why it could not be replayed."""

    old: Decision
    new: Decision | None = None
    unknown: str | None = None

    @property
    def differs(self) -> bool:
        return self.new is not None and what_is_done(self.old) != what_is_done(self.new)

    @property
    def kind(self) -> str:
        """The difference in a few words, for counting."""
        if self.new is None:
            return "could not be replayed"
        old, new = self.old, self.new
        if old.outcome != new.outcome:
            return f"{old.outcome} -> {new.outcome}"
        for name in ("agent_id", "skill", "message"):
            if getattr(old, name) != getattr(new, name):
                return f"{old.outcome}, other {name.removesuffix('_id')}"
        return "same"


def replay_under(receipt: str, *, program: Program, banner: str) -> Replayed:
    """Decide a receipt's case by `program`. Raises ValueError for a receipt of a newer version."""
    old, case = stored_decision(receipt), stored_case(receipt)
    if not replays(receipt):
        return Replayed(old, unknown="it no longer replays to its own answer: other code wrote it")
    found = program.banner(banner)
    if found is None:
        return Replayed(old, unknown="its banner is not in this program")
    if found.stopped or not found.features.routing:
        return Replayed(old, new=_switched_off(found))
    try:
        return Replayed(old, new=decide(_under(case, found, program)))
    except UnknowableError as error:
        return Replayed(old, unknown=str(error))


def what_is_done(decision: Decision) -> tuple[object, ...]:
    """A decision without its reasons: what LivePerson and the customer get."""
    return (decision.act, decision.outcome, decision.message, decision.skill, decision.agent_id,
            decision.waiting)  # fmt: skip


def decides(decision: Decision) -> str:
    """The step that decided, with its reason."""
    taken = next((trace for trace in reversed(decision.trace) if trace.taken), None)
    return f"{taken.step}: {taken.why}" if taken else decision.outcome


def _switched_off(banner: Banner) -> Decision:
    why = Trace("switched_off", True, "routing is off for this banner")
    return Decision(Act.TRANSFER, "switched_off", "skill", banner.last_skill, trace=(why,))


def _under(case: Case, banner: Banner, program: Program) -> Case:
    """The same case under another banner's rules. Raises UnknowableError."""
    rules = rules_of(banner)
    if case.called is not None:
        branch = program.line.branch(case.called.name) if program.line else None
        if branch is None:
            raise UnknowableError("the branch that was called is not in this program")
        case = replace(case, called=replace(case.called, skill=branch.skill))
        if rules.stickiness is Stickiness.STRICT:
            _same_resolvers(case, banner)  # whether they have an associate of their own decides
        if follows_call(replace(case, rules=rules)):
            return replace(case, rules=rules)
    _same_resolvers(case, banner)
    if TOO_MANY_MISSES in case.trail:
        rules = replace(rules, keyword=False)
    silent = program.notification.when == "never" or not banner.features.notification
    changed = replace(case, rules=rules, notified=case.notified and not silent)
    if _asks_presence(changed, rules) and not _asks_presence(case, case.rules):
        raise UnknowableError("presence was not asked for then")
    return replace(changed, busy_since=_busy_since(case, rules))


def _same_resolvers(case: Case, banner: Banner) -> None:
    """Whether the resolvers would find out what they did; the order may be another."""
    said = dict(one.split(": ", 1) for one in case.trail)
    if "choice" in said:
        return  # whom the customer was offered stands, whatever the resolvers are
    for name in banner.routing.resolvers:
        if name not in said:
            raise UnknowableError(f"resolver `{name}` was not asked then")
        if said[name] == "found":
            return
    # Nobody is found any more: right only if nobody was, or the same one is known to have left.
    left = any(said[name] == "has left" for name in banner.routing.resolvers)
    if case.wanted is Wanted.KNOWN or (case.wanted is Wanted.TERMINATED and not left):
        raise UnknowableError("the resolver that named the associate is not in this program")


def _asks_presence(case: Case, rules: Rules) -> bool:
    if case.store_open is None and not case.people:
        return False
    strict = rules.stickiness is Stickiness.STRICT
    return not closes_store(case) and not (strict and case.wanted is not Wanted.KNOWN)


def _busy_since(case: Case, rules: Rules) -> datetime | None:
    if rules.all_busy_minutes is None or rules.stickiness is Stickiness.STRICT:
        return None
    if case.busy_since is not None or not case.answered or not all_busy(case.people):
        return case.busy_since
    if rules.all_busy_minutes == 0:
        return case.at
    raise UnknowableError("how long everybody had been busy was not kept then")
